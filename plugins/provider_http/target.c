/*
 * target.c - what one function of type `http` may configure, and its check.
 *
 * The url has to parse and to have a scheme; any scheme passes, only the call tells that it cannot
 * be reached (chapter 8.1). Every defect of the url is told by the one text that clients know.
 */
#include "provider_http.h"

EGX_SETTING_REQUIRED(http_target_settings, url, "where the event is posted to");
EGX_SETTING(http_target_settings, cloud_events, "cloudEvents", EG_SET_STRING, 0, 0, 0, NULL, NULL,
            "CloudEvents version the function wants: 0.1, 0.2, 0.3, 1.0; default: as received");
const struct eg_setting *const provider_http_target_rows[PROVIDER_HTTP_TARGET_ROWS] = {
    EGX_ROW(http_target_settings, url), EGX_ROW(http_target_settings, cloud_events)};

struct version_row {
    const char *name;
    uint32_t version;
};
static const struct version_row versions[] = {
    {"", EG_CE_AS_RECEIVED}, {"0.1", EG_CE_0_1}, {"0.2", EG_CE_0_2},
    {"0.3", EG_CE_0_3},      {"1.0", EG_CE_1_0},
};

static int32_t version_of(struct eg_str name, uint32_t *ret_version) {
    for (size_t i = 0; i < EGX_COUNT(versions); i++) {
        if (egx_str_eq(name, egx_str_c(versions[i].name))) {
            *ret_version = versions[i].version;
            return EG_OK;
        }
    }
    return EG_E_INVAL;
}

static int is_alpha(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static int is_digit(char c) {
    return c >= '0' && c <= '9';
}

static int is_hex(char c) {
    return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* Length of "scheme:" without the colon (RFC 3986 3.1), 0 when there is none. */
static size_t scheme_length(struct eg_str s) {
    if (s.len == 0 || !is_alpha(s.ptr[0])) {
        return 0;
    }
    for (size_t i = 1; i < s.len; i++) {
        const char c = s.ptr[i];
        if (c == ':') {
            return i;
        }
        if (!is_alpha(c) && !is_digit(c) && c != '+' && c != '-' && c != '.') {
            return 0;
        }
    }
    return 0;
}

/* No control bytes, and what looks like an escape up to the query is one. */
static int has_clean_bytes(struct eg_str s) {
    int is_path = 1;
    for (size_t i = 0; i < s.len; i++) {
        const unsigned char c = (unsigned char)s.ptr[i];
        if (c < 0x20 || c == 0x7f) {
            return 0;
        }
        is_path = is_path && c != '?' && c != '#';
        if (c == '%' && is_path &&
            (i + 2 >= s.len || !is_hex(s.ptr[i + 1]) || !is_hex(s.ptr[i + 2]))) {
            return 0;
        }
    }
    return 1;
}

/* A port is digits only, and no address holds a space or one of these. */
static int is_authority(struct eg_str s) {
    size_t colon = s.len;
    for (size_t i = 0; i < s.len; i++) {
        if (strchr(" \"<>\\^`{|}", s.ptr[i]) != NULL) {
            return 0;
        }
        if (s.ptr[i] == ':') {
            colon = i;
        } else if (s.ptr[i] == ']' || s.ptr[i] == '@') {
            colon = s.len;
        }
    }
    for (size_t i = colon + 1; i < s.len; i++) {
        if (!is_digit(s.ptr[i])) {
            return 0;
        }
    }
    return 1;
}

static int is_url(struct eg_str s) {
    const size_t scheme = scheme_length(s);
    if (scheme == 0 || !has_clean_bytes(s)) {
        return 0;
    }
    struct eg_str rest = egx_str_cut(s, scheme + 1);
    if (!egx_str_starts(rest, EGX_STR("//"))) {
        return 1;
    }
    rest = egx_str_cut(rest, 2);
    size_t end = 0;
    while (end < rest.len && strchr("/?#", rest.ptr[end]) == NULL) {
        end++;
    }
    rest.len = end;
    return is_authority(rest);
}

int32_t provider_http_bind(void *instance, const void *config, void **ret_target,
                           struct eg_target_traits *ret_traits, struct eg_why *ret_why) {
    const struct http_target_settings *settings = config;
    uint32_t version = EG_CE_AS_RECEIVED;
    (void)instance;
    if (!is_url(settings->url)) {
        return egx_why(ret_why, EG_E_INVAL, "missing required fields for HTTP endpoint");
    }
    if (version_of(settings->cloud_events, &version) < 0) {
        return egx_why(ret_why, EG_E_INVAL,
                       "cloudEvents has to be one of 0.1, 0.2, 0.3, 1.0, and is not \"%.*s\"",
                       EGX_FMT(settings->cloud_events));
    }
    ret_traits->event_version = version;
    *ret_target = (void *)(uintptr_t)settings; /* borrowed until unbind, which is long enough */
    return EG_OK;
}
