/*
 * target.c - what one function of type `openwhisk` may configure, its check, and the addresses made
 * of it. Control thread, no I/O.
 *
 * Activations are always looked up in the namespace of the key ("_"): an action of somebody
 * else's package leaves its record with who invoked it.
 */
#include "provider_openwhisk.h"

#define ROW(field, name, type, fallback, help)                                                     \
    EGX_SETTING(whisk_target_settings, field, name, type, 0, 0, 0, fallback, NULL, help)

ROW(api_host, "apiHost", EG_SET_STRING, NULL, "API host; https unless it begins with http://");
ROW(name_space, "namespace", EG_SET_STRING, "_", "namespace; _ = that of the key");
ROW(package, "package", EG_SET_STRING, NULL, "package of the action");
ROW(action, "action", EG_SET_STRING, NULL, "action to invoke; also package/action");
ROW(trigger, "trigger", EG_SET_STRING, NULL, "trigger to fire, instead of an action");
ROW(auth, "auth", EG_SET_SECRET, NULL, "key, as uuid:key, for Basic authentication");
ROW(token, "token", EG_SET_SECRET, NULL, "token for Bearer authentication, instead of a key");
ROW(blocking, "blocking", EG_SET_BOOL, "true", "wait for the action's result");
ROW(cloud_events, "cloudEvents", EG_SET_STRING, NULL,
    "CloudEvents version the action wants: 0.1, 0.2, 0.3, 1.0; default: as received");

const struct eg_setting *const whisk_target_rows[WHISK_TARGET_ROWS] = {
    EGX_ROW(whisk_target_settings, api_host),     EGX_ROW(whisk_target_settings, name_space),
    EGX_ROW(whisk_target_settings, package),      EGX_ROW(whisk_target_settings, action),
    EGX_ROW(whisk_target_settings, trigger),      EGX_ROW(whisk_target_settings, auth),
    EGX_ROW(whisk_target_settings, token),        EGX_ROW(whisk_target_settings, blocking),
    EGX_ROW(whisk_target_settings, cloud_events),
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

/* ---- names ---- */

/* One segment of a path: an entity's name. OpenWhisk itself is stricter. */
static int is_name(struct eg_str name) {
    for (size_t i = 0; i < name.len; i++) {
        const unsigned char c = (unsigned char)name.ptr[i];
        if (c < 0x20 || c == 0x7f || c == '/') {
            return 0;
        }
    }
    return name.len > 0 && name.len <= 256 && !egx_str_eq(name, EGX_STR(".")) &&
           !egx_str_eq(name, EGX_STR(".."));
}

/* "package/action" may stand in the action alone. */
static void split_action(struct eg_str *package, struct eg_str *action) {
    const char *slash = action->len == 0 ? NULL : memchr(action->ptr, '/', action->len);
    if (package->len == 0 && slash != NULL) {
        const size_t at = (size_t)(slash - action->ptr);
        *package = egx_str_n(action->ptr, at);
        *action = egx_str_cut(*action, at + 1);
        package->len = package->len == 0 ? 1 : package->len; /* "/x": the slash is no name */
    }
}

static int32_t check_required(const struct whisk_target_settings *config, struct eg_why *ret_why) {
    const int has_entity = config->action.len > 0 || config->trigger.len > 0;
    const int has_secret = config->auth.len > 0 || config->token.len > 0;
    if (config->api_host.len == 0 || !has_entity || !has_secret) {
        return egx_why(ret_why, EG_E_INVAL, "missing required fields for OpenWhisk function");
    }
    if (config->trigger.len > 0 && (config->action.len > 0 || config->package.len > 0)) {
        return egx_why(ret_why, EG_E_INVAL, "either an action or a trigger, not both");
    }
    if (config->auth.len > 0 && config->token.len > 0) {
        return egx_why(ret_why, EG_E_INVAL, "either auth or token, not both");
    }
    return EG_OK;
}

/* ---- addresses ---- */

static int32_t put_base(const struct whisk_target_settings *config, struct egx_json *out,
                        struct eg_why *ret_why) {
    struct eg_str host = {0};
    int is_secure = 0;
    const int has_scheme = egx_str_starts(config->api_host, EGX_STR("http://")) ||
                           egx_str_starts(config->api_host, EGX_STR("https://"));
    if (!has_scheme && memchr(config->api_host.ptr, '/', config->api_host.len) == NULL) {
        egx_json_raw(out, EGX_STR("https://"));
    }
    egx_json_raw(out, config->api_host);
    while (out->len > 0 && out->ptr[out->len - 1] == '/') {
        out->len--;
    }
    const struct eg_str base = egx_json_text(out);
    if (!egx_is_http_url(base, &host, &is_secure) || memchr(base.ptr, '?', base.len) != NULL ||
        memchr(base.ptr, '#', base.len) != NULL) {
        return egx_why(ret_why, EG_E_INVAL,
                       "apiHost has to be a host, or an http or https URL without query");
    }
    egx_json_raw(out, EGX_STR("/api/v1/namespaces/"));
    return EG_OK;
}

static int32_t put_action(const struct whisk_target_settings *config, struct egx_json *out,
                          struct eg_why *ret_why) {
    struct eg_str package = config->package;
    struct eg_str action = config->action;
    split_action(&package, &action);
    if (!is_name(action) || (package.len > 0 && !is_name(package))) {
        return egx_why(ret_why, EG_E_INVAL, "action or package is no name of OpenWhisk");
    }
    egx_json_raw(out, EGX_STR("/actions/"));
    if (package.len > 0) {
        egx_put_percent(out, package, "");
        egx_json_raw(out, EGX_STR("/"));
    }
    egx_put_percent(out, action, "");
    egx_json_raw(out, config->blocking ? EGX_STR("?blocking=true&result=false")
                                       : EGX_STR("?blocking=false&result=false"));
    return EG_OK;
}

static int32_t put_entity(const struct whisk_target_settings *config, struct egx_json *out,
                          struct eg_why *ret_why) {
    const struct eg_str name_space = config->name_space.len > 0 ? config->name_space : EGX_STR("_");
    if (!is_name(name_space)) {
        return egx_why(ret_why, EG_E_INVAL, "namespace is no name of OpenWhisk");
    }
    egx_put_percent(out, name_space, "");
    if (config->action.len > 0) {
        return put_action(config, out, ret_why);
    }
    if (!is_name(config->trigger)) {
        return egx_why(ret_why, EG_E_INVAL, "trigger is no name of OpenWhisk");
    }
    egx_json_raw(out, EGX_STR("/triggers/"));
    egx_put_percent(out, config->trigger, "");
    return EG_OK;
}

static int32_t put_authorization(const struct whisk_target_settings *config, struct egx_json *out,
                                 struct eg_why *ret_why) {
    if (config->token.len > 0) {
        egx_json_raw(out, EGX_STR("Bearer "));
        egx_json_raw(out, config->token);
        return egx_is_header_text(config->token)
                   ? EG_OK
                   : egx_why(ret_why, EG_E_INVAL, "token has to be visible ASCII characters");
    }
    if (memchr(config->auth.ptr, ':', config->auth.len) == NULL) {
        return egx_why(ret_why, EG_E_INVAL, "auth has to be uuid:key");
    }
    egx_json_raw(out, EGX_STR("Basic "));
    egx_put_base64(out, config->auth);
    return EG_OK;
}

static int32_t fill(const struct whisk_target_settings *config, struct whisk_target *target,
                    struct eg_why *ret_why) {
    int32_t rc = check_required(config, ret_why);
    if (rc >= 0) {
        rc = put_base(config, &target->invoke_url, ret_why);
    }
    if (rc >= 0) {
        egx_json_raw(&target->activations_url, egx_json_text(&target->invoke_url));
        egx_json_raw(&target->activations_url, EGX_STR("_/activations/"));
        rc = put_entity(config, &target->invoke_url, ret_why);
    }
    if (rc >= 0) {
        rc = put_authorization(config, &target->authorization, ret_why);
    }
    target->is_trigger = config->trigger.len > 0;
    target->is_blocking = config->blocking && !target->is_trigger;
    return rc;
}

int32_t whisk_bind(void *instance, const void *config, void **ret_target,
                   struct eg_target_traits *ret_traits, struct eg_why *ret_why) {
    const struct whisk_instance *i = instance;
    const struct whisk_target_settings *settings = config;
    struct whisk_target *target = i->host->mem->alloc(i->host, sizeof *target);
    int32_t rc = fill(settings, target, ret_why);
    if (rc >= 0) {
        rc = version_of(settings->cloud_events, &ret_traits->event_version, ret_why);
    }
    if (rc < 0) {
        whisk_unbind(instance, target);
        return rc;
    }
    *ret_target = target;
    return EG_OK;
}

void whisk_unbind(void *instance, void *target) {
    const struct whisk_instance *i = instance;
    struct whisk_target *t = target;
    egx_json_free(&t->invoke_url);
    egx_json_free(&t->activations_url);
    egx_json_free(&t->authorization);
    i->host->mem->free(i->host, t);
}
