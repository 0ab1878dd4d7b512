/*
 * identity.c - the three ways to a token of Entra ID as recipes for tokens.c. Control thread.
 *
 *   clientSecret      POST <authority>/<tenant>/oauth2/v2.0/token, client_secret
 *   workloadIdentity  the same, client_assertion = content of the federated token file (Kubernetes
 *                     projects it and replaces it, so it is read for each fetch)
 *   managedIdentity   App Service and Container Apps: GET $IDENTITY_ENDPOINT, X-IDENTITY-HEADER;
 *                     VMs: GET on the instance metadata service, Metadata: true
 *
 * The last two are the gateway's own identity. The setting `ambient` takes it away from functions,
 * for gateways whose functions are registered by people who must not have it.
 */
#include <eventgw-sdk/egx_http.h>
#include <stdlib.h>

#include "provider_azure.h"

#define AUTHORITY "https://login.microsoftonline.com"
#define DEFAULT_SCOPE "/.default"

struct identity {
    const struct azure_instance *instance;
    const struct azure_target_settings *config;
    struct token_recipe recipe;
    struct egx_json url;
    struct egx_json body;
};

static struct eg_str first_of(struct eg_str given, const char *variable) {
    return given.len > 0 ? given : egx_str_c(getenv(variable));
}

/* The scope is the resource with "/.default"; who wrote it already has it once. */
static struct eg_str resource_of(const struct azure_target_settings *config) {
    struct eg_str resource = config->resource;
    const size_t tail = sizeof DEFAULT_SCOPE - 1;
    if (resource.len > tail &&
        egx_str_eq(egx_str_cut(resource, resource.len - tail), EGX_STR(DEFAULT_SCOPE))) {
        resource.len -= tail;
    }
    return resource;
}

static int32_t missing(struct eg_why *ret_why, const struct identity *identity, const char *what) {
    return egx_why(ret_why, EG_E_INVAL, "auth %.*s needs %s", EGX_FMT(identity->config->auth),
                   what);
}

static void add_pair(struct egx_json *out, const char *name, struct eg_str value) {
    egx_json_raw(out, egx_str_c(name));
    egx_put_percent(out, value, "");
}

/* ---- Entra ID ---- */

static int32_t token_url(struct identity *identity, struct eg_str tenant, struct eg_why *ret_why) {
    struct eg_str base =
        first_of(identity->instance->settings->authority_host, "AZURE_AUTHORITY_HOST");
    struct eg_str host = {0};
    int is_secure = 0;
    base = base.len > 0 ? base : EGX_STR(AUTHORITY);
    while (base.len > 0 && base.ptr[base.len - 1] == '/') {
        base.len--;
    }
    if (!egx_is_http_url(base, &host, &is_secure) || (!is_secure && !egx_is_loopback(host))) {
        return egx_why(ret_why, EG_E_INVAL, "the authority host has to be an https URL");
    }
    egx_json_raw(&identity->url, base);
    egx_json_raw(&identity->url, EGX_STR("/"));
    egx_put_percent(&identity->url, tenant, "");
    egx_json_raw(&identity->url, EGX_STR("/oauth2/v2.0/token"));
    return EG_OK;
}

static void add_client(struct identity *identity, struct eg_str client_id) {
    struct egx_json *body = &identity->body;
    add_pair(body, "client_id=", client_id);
    add_pair(body, "&scope=", resource_of(identity->config));
    egx_put_percent(body, EGX_STR(DEFAULT_SCOPE), "");
    egx_json_raw(body, EGX_STR("&grant_type=client_credentials"));
}

static int32_t by_secret(struct identity *identity, struct eg_why *ret_why) {
    const struct azure_target_settings *config = identity->config;
    if (config->tenant_id.len == 0 || config->client_id.len == 0 ||
        config->client_secret.len == 0) {
        return missing(ret_why, identity, "tenantId, clientId and clientSecret");
    }
    const int32_t rc = token_url(identity, config->tenant_id, ret_why);
    if (rc >= 0) {
        add_client(identity, config->client_id);
        add_pair(&identity->body, "&client_secret=", config->client_secret);
    }
    return rc;
}

static int32_t by_file(struct identity *identity, struct eg_why *ret_why) {
    const struct azure_target_settings *config = identity->config;
    const struct eg_str tenant = first_of(config->tenant_id, "AZURE_TENANT_ID");
    const struct eg_str client = first_of(config->client_id, "AZURE_CLIENT_ID");
    const struct eg_str file =
        first_of(identity->instance->settings->federated_token_file, "AZURE_FEDERATED_TOKEN_FILE");
    if (tenant.len == 0 || client.len == 0 || file.len == 0) {
        return missing(ret_why, identity,
                       "tenantId, clientId and a federated token file (of the function, the "
                       "gateway's settings, or AZURE_TENANT_ID, AZURE_CLIENT_ID, "
                       "AZURE_FEDERATED_TOKEN_FILE)");
    }
    const int32_t rc = token_url(identity, tenant, ret_why);
    if (rc >= 0) {
        add_client(identity, client);
        add_pair(&identity->body, "&client_assertion_type=",
                 EGX_STR("urn:ietf:params:oauth:client-assertion-type:jwt-bearer"));
        egx_json_raw(&identity->body, EGX_STR("&client_assertion="));
        identity->recipe.file = file;
    }
    return rc;
}

/* ---- managed identity ---- */

static void add_query(struct identity *identity, struct eg_str endpoint, const char *version) {
    struct egx_json *url = &identity->url;
    egx_json_raw(url, endpoint);
    egx_json_raw(url,
                 memchr(endpoint.ptr, '?', endpoint.len) == NULL ? EGX_STR("?") : EGX_STR("&"));
    add_pair(url, "api-version=", egx_str_c(version));
    add_pair(url, "&resource=", resource_of(identity->config));
    if (identity->config->client_id.len > 0) {
        add_pair(url, "&client_id=", identity->config->client_id);
    }
}

static int32_t by_managed(struct identity *identity, struct eg_why *ret_why) {
    const struct eg_str endpoint = egx_str_c(getenv("IDENTITY_ENDPOINT"));
    const struct eg_str secret = egx_str_c(getenv("IDENTITY_HEADER"));
    (void)ret_why;
    if (endpoint.len > 0 && secret.len > 0) {
        add_query(identity, endpoint, "2019-08-01");
        identity->recipe.header = (struct eg_kv){EGX_STR("X-IDENTITY-HEADER"), secret};
        return EG_OK;
    }
    egx_json_raw(&identity->url, identity->instance->settings->imds_endpoint);
    add_query(identity, EGX_STR("/metadata/identity/oauth2/token"), "2018-02-01");
    identity->recipe.header = (struct eg_kv){EGX_STR("Metadata"), EGX_STR("true")};
    return EG_OK;
}

/* ---- all ---- */

static const struct {
    const char *name;
    int is_ambient;
    int32_t (*build)(struct identity *identity, struct eg_why *ret_why);
} kinds[] = {
    {"clientSecret", 0, by_secret},
    {"workloadIdentity", 1, by_file},
    {"managedIdentity", 1, by_managed},
};

static int32_t build(struct identity *identity, size_t kind, struct eg_why *ret_why) {
    if (identity->config->resource.len == 0) {
        return missing(ret_why, identity, "resource");
    }
    if (kinds[kind].is_ambient && !identity->instance->settings->ambient) {
        return egx_why(ret_why, EG_E_INVAL,
                       "auth %s: functions may not use the gateway's own identity (setting "
                       "ambient)",
                       kinds[kind].name);
    }
    return kinds[kind].build(identity, ret_why);
}

int32_t azure_identity(struct azure_instance *instance, const struct azure_target_settings *config,
                       struct token_source **ret_source, struct eg_why *ret_why) {
    struct identity identity = {.instance = instance, .config = config};
    size_t kind = 0;
    if (config->auth.len == 0 || egx_str_eq(config->auth, EGX_STR("none"))) {
        if (config->client_secret.len > 0) {
            return egx_why(ret_why, EG_E_INVAL, "clientSecret needs auth clientSecret");
        }
        return EG_OK;
    }
    while (kind < EGX_COUNT(kinds) && !egx_str_eq(config->auth, egx_str_c(kinds[kind].name))) {
        kind++;
    }
    if (kind == EGX_COUNT(kinds)) {
        return egx_why(ret_why, EG_E_INVAL,
                       "auth has to be one of none, clientSecret, workloadIdentity, "
                       "managedIdentity, and is not \"%.*s\"",
                       EGX_FMT(config->auth));
    }
    const int32_t rc = build(&identity, kind, ret_why);
    if (rc >= 0) {
        identity.recipe.url = egx_json_text(&identity.url);
        identity.recipe.body = egx_json_text(&identity.body);
        *ret_source = token_source_get(instance->tokens, &identity.recipe);
    }
    egx_json_free(&identity.url);
    egx_json_free(&identity.body);
    return rc;
}
