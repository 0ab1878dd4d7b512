/*
 * provider_azure.c - descriptor, settings and life of the component `azurefunction`. It holds its
 * settings and the tokens that its functions share; calls in flight belong to the slots of the
 * loops (call.c).
 */
#include "provider_azure.h"

#include <eventgw-sdk/egx_http.h>

#define SECOND INT64_C(1000000000)

EGX_SETTING_STRING(azure_settings, domain, "azurewebsites.net",
                   "domain of function apps that are given by name");
EGX_SETTING_STRING(azure_settings, authority_host, NULL,
                   "Entra ID; default: AZURE_AUTHORITY_HOST, else login.microsoftonline.com");
EGX_SETTING_STRING(azure_settings, imds_endpoint, "http://169.254.169.254",
                   "metadata service of a VM, for managedIdentity without IDENTITY_ENDPOINT");
EGX_SETTING_STRING(azure_settings, federated_token_file, NULL,
                   "for workloadIdentity; default: AZURE_FEDERATED_TOKEN_FILE");
EGX_SETTING_BOOL(azure_settings, ambient, "true",
                 "functions may use the gateway's own identity (workload, managed)");
EGX_SETTING_BOOL(azure_settings, allow_http, "false",
                 "keys and tokens may go to other machines by plain http");
EGX_SETTING_DURATION(azure_settings, token_timeout, SECOND / 10, 300 * SECOND, "10s",
                     "of one request for a token");
EGX_SETTING_SIZE(azure_settings, max_response, 0, 0, "0",
                 "largest answer of a function; 0 = the gateway's limit");
EGX_SETTING_STRING(azure_settings, ca_file, NULL,
                   "PEM file of the authorities to trust instead of the system's");
static const struct eg_setting *const rows[] = {
    EGX_ROW(azure_settings, domain),        EGX_ROW(azure_settings, authority_host),
    EGX_ROW(azure_settings, imds_endpoint), EGX_ROW(azure_settings, federated_token_file),
    EGX_ROW(azure_settings, ambient),       EGX_ROW(azure_settings, allow_http),
    EGX_ROW(azure_settings, token_timeout), EGX_ROW(azure_settings, max_response),
    EGX_ROW(azure_settings, ca_file),
};

static int is_domain(struct eg_str domain) {
    for (size_t i = 0; i < domain.len; i++) {
        if (domain.ptr[i] == '_' || domain.ptr[i] == '~' || !egx_is_unreserved(domain.ptr[i])) {
            return 0;
        }
    }
    return domain.len > 0;
}

static int32_t create(const struct eg_host *host, const void *settings, void **ret_instance,
                      struct eg_why *ret_why) {
    const struct azure_settings *s = settings;
    struct eg_str imds_host = {0};
    int is_secure = 0;
    if (!is_domain(s->domain)) {
        return egx_why(ret_why, EG_E_INVAL, "'domain' has to be a domain name");
    }
    if (!egx_is_http_url(s->imds_endpoint, &imds_host, &is_secure)) {
        return egx_why(ret_why, EG_E_INVAL, "'imds_endpoint' has to be an http URL");
    }
    struct azure_instance *instance = host->mem->alloc(host, sizeof *instance);
    const struct token_limits limits = {.timeout_ns = s->token_timeout, .ca_file = s->ca_file};
    instance->host = host;
    instance->settings = s;
    instance->tokens = tokens_new(host, &limits);
    *ret_instance = instance;
    return EG_OK;
}

static void destroy(void *instance) {
    const struct azure_instance *i = instance;
    if (i != NULL) {
        tokens_free(i->tokens);
        i->host->mem->free(i->host, instance);
    }
}

static const struct eg_life_ops life = {
    .struct_size = sizeof life,
    .create = create,
    .attach = azure_attach,
    .detach = azure_detach,
    .destroy = destroy,
};

static const struct eg_provider_ops ops = {
    .struct_size = sizeof ops,
    .bind = azure_bind,
    .unbind = azure_unbind,
    .invoke = azure_invoke,
    .cancel = azure_cancel,
};

static const struct eg_component component = {
    .struct_size = sizeof component,
    .kind = EG_KIND_PROVIDER,
    .name = "azurefunction",
    .summary = "calls Azure Functions by their HTTP trigger",
    .settings = rows,
    .setting_count = EGX_COUNT(rows),
    .settings_size = sizeof(struct azure_settings),
    .target_settings = azure_target_rows,
    .target_setting_count = AZURE_TARGET_ROWS,
    .target_settings_size = sizeof(struct azure_target_settings),
    .life = &life,
    .ops = &ops,
};

EGX_PLUGIN("provider_azure", "0.1.0", "Apache-2.0", EG_ABI_MAKE(0, 1), &component)
