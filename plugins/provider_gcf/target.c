/*
 * target.c - what one function of type `googlecloudfunction` may configure, and its check. Control
 * thread. Without a url every defect is told by one text, like for the other types; what this
 * provider alone knows is told by its name.
 */
#include "provider_gcf.h"

#define MISSING "missing required fields for Google Cloud Function"
#define AUDIENCE_MAX 2048u
#define TIMEOUT_MAX_NS (INT64_C(3600) * GCF_SECOND_NS) /* the longest a function may run */

EGX_SETTING_REQUIRED(gcf_target_settings, url, "where the event is posted to");
EGX_SETTING(gcf_target_settings, audience, "audience", EG_SET_STRING, 0, 0, 0, NULL, NULL,
            "audience of the ID token; default: the url without its query");
EGX_SETTING(gcf_target_settings, auth, "auth", EG_SET_STRING, 0, 0, 0, "auto",
            "auto|metadata|serviceAccount|none",
            "where the ID token comes from; auto: serviceAccountKey, credentials_file, metadata");
EGX_SETTING(gcf_target_settings, service_account_key, "serviceAccountKey", EG_SET_SECRET, 0, 0, 0,
            NULL, NULL, "JSON of a service-account key, as text");
EGX_SETTING(gcf_target_settings, mode, "mode", EG_SET_STRING, 0, 0, 0, "binary",
            "binary|structured", "how the CloudEvent is sent");
EGX_SETTING(gcf_target_settings, timeout, "timeout", EG_SET_DURATION, 0, 0, TIMEOUT_MAX_NS, "0",
            NULL, "for one call; 0 = the gateway's");
const struct eg_setting *const gcf_target_rows[GCF_TARGET_ROWS] = {
    EGX_ROW(gcf_target_settings, url),  EGX_ROW(gcf_target_settings, audience),
    EGX_ROW(gcf_target_settings, auth), EGX_ROW(gcf_target_settings, service_account_key),
    EGX_ROW(gcf_target_settings, mode), EGX_ROW(gcf_target_settings, timeout)};

static int is_plain(struct eg_str s) {
    for (size_t i = 0; i < s.len; i++) {
        if ((unsigned char)s.ptr[i] <= 0x20 || s.ptr[i] == 0x7f) {
            return 0;
        }
    }
    return 1;
}

static struct eg_str audience_of(const struct gcf_target_settings *settings) {
    struct eg_str audience = settings->url;
    if (settings->audience.len > 0) {
        return settings->audience;
    }
    for (size_t i = 0; i < audience.len; i++) {
        if (audience.ptr[i] == '?' || audience.ptr[i] == '#') {
            audience.len = i;
        }
    }
    return audience;
}

static int32_t check_key(const struct gcf_instance *instance, struct eg_str text,
                         struct eg_why *ret_why) {
    struct eg_why why = {.struct_size = sizeof why};
    struct gcf_key key;
    if (memchr(text.ptr, '\0', text.len) != NULL) {
        return egx_why(ret_why, EG_E_INVAL, "serviceAccountKey: it is no JSON object");
    }
    struct eg_str uri = {0};
    int32_t rc = gcf_key_read(instance->host, text, &key, &why);
    if (rc >= 0) {
        rc = gcf_key_endpoint(instance->settings, &key, &uri, &why);
        gcf_key_free(instance->host, &key);
    }
    return rc >= 0 ? EG_OK
                   : egx_why(ret_why, rc, "serviceAccountKey: %.*s", (int)why.len, why.text);
}

/* GCF_FROM_*, or -1 for no token at all. */
static int kind_of(const struct gcf_instance *instance,
                   const struct gcf_target_settings *settings) {
    const int is_auto = egx_str_eq(settings->auth, EGX_STR("auto"));
    if (egx_str_eq(settings->auth, EGX_STR("none"))) {
        return -1;
    }
    if (!is_auto && egx_str_eq(settings->auth, EGX_STR("metadata"))) {
        return (int)GCF_FROM_METADATA;
    }
    if (settings->service_account_key.len > 0) {
        return (int)GCF_FROM_KEY;
    }
    return !is_auto || instance->credentials_file.len > 0 ? (int)GCF_FROM_FILE
                                                          : (int)GCF_FROM_METADATA;
}

/* Where the event goes, and whether a token may go there. */
static int32_t check_address(const struct gcf_instance *instance,
                             const struct gcf_target_settings *settings, int kind,
                             struct eg_why *ret_why) {
    struct eg_str url_host = {0};
    int is_secure = 0;
    if (settings->url.len == 0) {
        return egx_why(ret_why, EG_E_INVAL, MISSING);
    }
    if (!egx_is_http_url(settings->url, &url_host, &is_secure)) {
        return egx_why(ret_why, EG_E_INVAL, MISSING ": url has to begin with https:// or http://");
    }
    if (kind >= 0 && !is_secure && !egx_is_loopback(url_host) && !instance->settings->allow_http) {
        return egx_why(ret_why, EG_E_INVAL,
                       "a token needs an https url (or the gateway's setting allow_http)");
    }
    if (kind >= 0 && kind != (int)GCF_FROM_KEY && !instance->settings->ambient) {
        return egx_why(ret_why, EG_E_INVAL,
                       "functions may not use the gateway's own identity (setting ambient)");
    }
    return EG_OK;
}

static int32_t check(const struct gcf_instance *instance,
                     const struct gcf_target_settings *settings, int kind, struct eg_why *ret_why) {
    const int32_t rc = check_address(instance, settings, kind, ret_why);
    if (rc < 0) {
        return rc;
    }
    if (settings->audience.len > AUDIENCE_MAX || !is_plain(settings->audience)) {
        return egx_why(ret_why, EG_E_INVAL,
                       "audience has to be without spaces, of at most %u bytes", AUDIENCE_MAX);
    }
    if (kind == (int)GCF_FROM_FILE && instance->credentials_file.len == 0) {
        return egx_why(ret_why, EG_E_INVAL, MISSING ": serviceAccountKey");
    }
    return settings->service_account_key.len == 0
               ? EG_OK
               : check_key(instance, settings->service_account_key, ret_why);
}

int32_t gcf_bind(void *instance, const void *config, void **ret_target,
                 struct eg_target_traits *ret_traits, struct eg_why *ret_why) {
    struct gcf_instance *i = instance;
    const struct gcf_target_settings *settings = config;
    const int kind = kind_of(i, settings);
    const int32_t rc = check(i, settings, kind, ret_why);
    if (rc < 0) {
        return rc;
    }
    struct gcf_target *target = i->host->mem->alloc(i->host, sizeof *target);
    target->settings = settings; /* borrowed until unbind */
    target->is_structured = (uint32_t)egx_str_eq(settings->mode, EGX_STR("structured"));
    if (kind >= 0) {
        const struct eg_str key =
            kind == (int)GCF_FROM_KEY ? settings->service_account_key : EGX_STR("");
        target->source = gcf_source_take(i, (uint32_t)kind, audience_of(settings), key);
    }
    ret_traits->event_version = EG_CE_1_0;
    ret_traits->timeout_ns = settings->timeout;
    *ret_target = target;
    return EG_OK;
}

void gcf_unbind(void *instance, void *target) {
    const struct gcf_instance *i = instance;
    struct gcf_target *t = target;
    if (t != NULL) {
        gcf_source_drop(t->source);
        i->host->mem->free(i->host, t);
    }
}
