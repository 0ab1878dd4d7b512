/*
 * target.c - what one function of type `azurefunction` may configure, its check, and the address
 * and credentials made of it. Control thread, no I/O.
 *
 * A key or a token is worth as much as the function: it leaves the machine by https only, unless
 * the operator says otherwise (allow_http).
 */
#include <eventgw-sdk/egx_http.h>

#include "provider_azure.h"

#define ROW(field, name, type, fallback, help)                                                     \
    EGX_SETTING(azure_target_settings, field, name, type, 0, 0, 0, fallback, NULL, help)

ROW(url, "url", EG_SET_STRING, NULL, "address of the function; or app and function");
ROW(app, "app", EG_SET_STRING, NULL, "name of the function app");
ROW(function, "function", EG_SET_STRING, NULL, "name or route of the function in its app");
ROW(route_prefix, "routePrefix", EG_SET_STRING, "api", "the app's route prefix; \"/\" = none");
ROW(key, "key", EG_SET_SECRET, NULL, "function or host key, sent as x-functions-key");
ROW(auth, "auth", EG_SET_STRING, NULL,
    "whose Entra ID token is sent: none, clientSecret, workloadIdentity, managedIdentity");
ROW(tenant_id, "tenantId", EG_SET_STRING, NULL, "tenant; workloadIdentity: or AZURE_TENANT_ID");
ROW(client_id, "clientId", EG_SET_STRING, NULL,
    "application or user-assigned identity; workloadIdentity: or AZURE_CLIENT_ID");
ROW(client_secret, "clientSecret", EG_SET_SECRET, NULL, "secret of the application");
ROW(resource, "resource", EG_SET_STRING, NULL,
    "application id URI of the function app, for example api://<id>");
ROW(content_type, "contentType", EG_SET_STRING, "application/cloudevents+json",
    "Content-Type of the event");
ROW(cloud_events, "cloudEvents", EG_SET_STRING, NULL,
    "CloudEvents version the function wants: 0.1, 0.2, 0.3, 1.0; default: as received");

const struct eg_setting *const azure_target_rows[AZURE_TARGET_ROWS] = {
    EGX_ROW(azure_target_settings, url),           EGX_ROW(azure_target_settings, app),
    EGX_ROW(azure_target_settings, function),      EGX_ROW(azure_target_settings, route_prefix),
    EGX_ROW(azure_target_settings, key),           EGX_ROW(azure_target_settings, auth),
    EGX_ROW(azure_target_settings, tenant_id),     EGX_ROW(azure_target_settings, client_id),
    EGX_ROW(azure_target_settings, client_secret), EGX_ROW(azure_target_settings, resource),
    EGX_ROW(azure_target_settings, content_type),  EGX_ROW(azure_target_settings, cloud_events),
};

static const struct {
    const char *name;
    uint32_t version;
} versions[] = {
    {"", EG_CE_AS_RECEIVED}, {"0.1", EG_CE_0_1}, {"0.2", EG_CE_0_2},
    {"0.3", EG_CE_0_3},      {"1.0", EG_CE_1_0},
};

static int32_t version_of(struct eg_str name, uint32_t *ret_version, struct eg_why *ret_why) {
    for (size_t i = 0; i < EGX_COUNT(versions); i++) {
        if (egx_str_eq(name, egx_str_c(versions[i].name))) {
            *ret_version = versions[i].version;
            return EG_OK;
        }
    }
    return egx_why(ret_why, EG_E_INVAL,
                   "cloudEvents has to be one of 0.1, 0.2, 0.3, 1.0, and is not \"%.*s\"",
                   EGX_FMT(name));
}

/* ---- the address ---- */

static int is_app_name(struct eg_str app) {
    for (size_t i = 0; i < app.len; i++) {
        const char c = app.ptr[i];
        if (c == '.' || c == '_' || c == '~' || !egx_is_unreserved(c)) {
            return 0;
        }
    }
    return app.len <= 63 && app.ptr[0] != '-' && app.ptr[app.len - 1] != '-';
}

/* No empty segments, and none that means another directory. */
static int is_route(struct eg_str route) {
    size_t start = 0;
    for (size_t i = 0; i <= route.len; i++) {
        const unsigned char c = i < route.len ? (unsigned char)route.ptr[i] : '/';
        if (c < 0x20 || c == 0x7f) {
            return 0;
        }
        if (c != '/') {
            continue;
        }
        const struct eg_str segment = egx_str_n(route.ptr + start, i - start);
        if (segment.len == 0 || egx_str_eq(segment, EGX_STR(".")) ||
            egx_str_eq(segment, EGX_STR(".."))) {
            return 0;
        }
        start = i + 1;
    }
    return 1;
}

static int32_t build_url(const struct azure_instance *instance,
                         const struct azure_target_settings *config, struct azure_target *target,
                         struct eg_why *ret_why) {
    const int has_prefix =
        config->route_prefix.len > 0 && !egx_str_eq(config->route_prefix, EGX_STR("/"));
    if (!is_app_name(config->app)) {
        return egx_why(ret_why, EG_E_INVAL,
                       "app has to be the name of a function app: letters, digits and hyphens");
    }
    if (!is_route(config->function) || (has_prefix && !is_route(config->route_prefix))) {
        return egx_why(ret_why, EG_E_INVAL,
                       "function and routePrefix have to be paths without empty segments, \".\", "
                       "\"..\" and control characters");
    }
    struct egx_json *out = &target->built;
    egx_json_raw(out, EGX_STR("https://"));
    egx_json_raw(out, config->app);
    egx_json_raw(out, EGX_STR("."));
    egx_json_raw(out, instance->settings->domain);
    egx_json_raw(out, EGX_STR("/"));
    if (has_prefix) {
        egx_put_percent(out, config->route_prefix, "/");
        egx_json_raw(out, EGX_STR("/"));
    }
    egx_put_percent(out, config->function, "/");
    target->url = egx_json_text(out);
    return EG_OK;
}

static int32_t address(const struct azure_instance *instance,
                       const struct azure_target_settings *config, struct azure_target *target,
                       struct eg_why *ret_why) {
    const int has_app = config->app.len > 0 && config->function.len > 0;
    if (config->url.len == 0 && !has_app) {
        return egx_why(ret_why, EG_E_INVAL, "missing required fields for Azure function");
    }
    if (config->url.len > 0 && (config->app.len > 0 || config->function.len > 0)) {
        return egx_why(ret_why, EG_E_INVAL, "either url, or app and function, not both");
    }
    if (has_app) {
        return build_url(instance, config, target, ret_why);
    }
    target->url = config->url;
    return EG_OK;
}

/* ---- the rest ---- */

static int32_t check_secrecy(const struct azure_instance *instance,
                             const struct azure_target *target, struct eg_why *ret_why) {
    struct eg_str host = {0};
    int is_secure = 0;
    if (!egx_is_http_url(target->url, &host, &is_secure)) {
        return egx_why(ret_why, EG_E_INVAL, "url has to be an absolute http or https URL");
    }
    const int has_secret = target->key.len > 0 || target->source != NULL;
    if (has_secret && !is_secure && !egx_is_loopback(host) && !instance->settings->allow_http) {
        return egx_why(ret_why, EG_E_INVAL,
                       "a key or token needs an https url (or the gateway's setting allow_http)");
    }
    return EG_OK;
}

static int32_t fill(struct azure_instance *instance, const struct azure_target_settings *config,
                    struct azure_target *target, struct eg_target_traits *ret_traits,
                    struct eg_why *ret_why) {
    int32_t rc = address(instance, config, target, ret_why);
    if (rc < 0) {
        return rc;
    }
    if (!egx_is_header_text(config->key)) {
        return egx_why(ret_why, EG_E_INVAL, "key has to be visible ASCII characters");
    }
    if (config->content_type.len == 0 || !egx_is_header_text(config->content_type)) {
        return egx_why(ret_why, EG_E_INVAL, "contentType has to be visible ASCII characters");
    }
    rc = version_of(config->cloud_events, &ret_traits->event_version, ret_why);
    if (rc < 0) {
        return rc;
    }
    target->key = config->key;
    target->content_type = config->content_type;
    rc = azure_identity(instance, config, &target->source, ret_why);
    return rc < 0 ? rc : check_secrecy(instance, target, ret_why);
}

int32_t azure_bind(void *instance, const void *config, void **ret_target,
                   struct eg_target_traits *ret_traits, struct eg_why *ret_why) {
    struct azure_instance *i = instance;
    struct azure_target *target = i->host->mem->alloc(i->host, sizeof *target);
    const int32_t rc = fill(i, config, target, ret_traits, ret_why);
    if (rc < 0) {
        azure_unbind(instance, target);
        return rc;
    }
    *ret_target = target;
    return EG_OK;
}

void azure_unbind(void *instance, void *target) {
    const struct azure_instance *i = instance;
    struct azure_target *t = target;
    token_source_unref(t->source);
    egx_json_free(&t->built);
    i->host->mem->free(i->host, t);
}
