/*
 * eventgw-sdk/egx_group.h - settings of type EG_SET_JSON read strictly: lists of rules, where a
 * mistake could open a door. Every function answers 0, or EG_E_INVAL with a sentence that names the
 * key. What is absent leaves *ret_ as it is, so that defaults stand before the call.
 *
 *   static const char *const known[] = {"path", "limit"};
 *   int32_t rc = egx_group_keys(host, rule, known, EGX_COUNT(known), ret_why);
 *   rc = rc < 0 ? rc : egx_group_text(host, rule, "path", &path, ret_why);
 *
 * Texts are borrowed from the JSON root.
 */
#ifndef EVENTGW_SDK_GROUP_H
#define EVENTGW_SDK_GROUP_H

#include <eventgw/host.h>

#include "egx_str.h"
#include "egx_text.h"

/* It is a group, and has no other keys than these. */
static inline int32_t egx_group_keys(const struct eg_host *host, const struct eg_json *group,
                                     const char *const *known, size_t known_count,
                                     struct eg_why *ret_why) {
    if (host->json->kind(group) != EG_JSON_OBJECT) {
        return egx_why(ret_why, EG_E_INVAL, "it has to be a group");
    }
    for (size_t i = 0; i < host->json->count(group); i++) {
        struct eg_str name = egx_str_n(NULL, 0);
        size_t k = 0;
        (void)host->json->at(group, i, &name);
        while (k < known_count && !egx_str_eq(name, egx_str_c(known[k]))) {
            k++;
        }
        if (k == known_count) {
            return egx_why(ret_why, EG_E_INVAL, "unknown key '%.*s'", EGX_FMT(name));
        }
    }
    return EG_OK;
}

/* Is there a member of this name? */
static inline int egx_group_has(const struct eg_host *host, const struct eg_json *group,
                                const char *name) {
    return host->json->member(group, egx_str_c(name)) != NULL;
}

/* A text that is not empty. */
static inline int32_t egx_group_text(const struct eg_host *host, const struct eg_json *group,
                                     const char *name, struct eg_str *ret_text,
                                     struct eg_why *ret_why) {
    const struct eg_json *value = host->json->member(group, egx_str_c(name));
    if (value == NULL) {
        return EG_OK;
    }
    const struct eg_str text = host->json->string(value);
    if (text.len == 0) {
        return egx_why(ret_why, EG_E_INVAL, "'%s' has to be a text that is not empty", name);
    }
    *ret_text = text;
    return EG_OK;
}

/* Is it the name of a header? Of the tokens of RFC 9110 5.6.2 those that are in use. */
static inline int egx_group_is_header(struct eg_str name) {
    for (size_t i = 0; i < name.len; i++) {
        const char c = egx_lower(name.ptr[i]);
        if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '-' && c != '_' &&
            c != '.') {
            return 0;
        }
    }
    return name.len > 0 && name.len <= 200;
}

/* One of the words, by its index. */
static inline int32_t egx_group_choice(const struct eg_host *host, const struct eg_json *group,
                                       const char *name, const char *const *words, size_t count,
                                       size_t *ret_index, struct eg_why *ret_why) {
    struct eg_str text = egx_str_n(NULL, 0);
    const int32_t rc = egx_group_text(host, group, name, &text, ret_why);
    if (rc < 0 || text.len == 0) {
        return rc;
    }
    for (size_t i = 0; i < count; i++) {
        if (egx_str_eq(text, egx_str_c(words[i]))) {
            *ret_index = i;
            return EG_OK;
        }
    }
    return egx_why(ret_why, EG_E_INVAL, "'%s' cannot be '%.*s'", name, EGX_FMT(text));
}

/* A number from min to max; left as it is when it is not there. */
static inline int32_t egx_group_int(const struct eg_host *host, const struct eg_json *group,
                                    const char *name, int64_t min, int64_t max, int64_t *ret_number,
                                    struct eg_why *ret_why) {
    const struct eg_json *value = host->json->member(group, egx_str_c(name));
    if (value == NULL) {
        return EG_OK;
    }
    const int64_t number = host->json->integer(value);
    if (host->json->kind(value) != EG_JSON_INT || number < min || number > max) {
        return egx_why(ret_why, EG_E_INVAL, "'%s' has to be a whole number from %lld to %lld", name,
                       (long long)min, (long long)max);
    }
    *ret_number = number;
    return EG_OK;
}

/* Nanoseconds of "250ms", "30s", "5m", "1h" or a number of seconds; 0 for what is none of these. */
static inline uint64_t egx_duration_ns(struct eg_str text) {
    static const struct {
        const char *unit;
        uint64_t ns;
    } units[] = {{"ms", 1000000u},
                 {"s", 1000000000u},
                 {"m", 60000000000u},
                 {"h", 3600000000000u},
                 {"", 1000000000u}};
    uint64_t number = 0;
    size_t used = 0;
    while (used < text.len && used < 9 && text.ptr[used] >= '0' && text.ptr[used] <= '9') {
        number = number * 10 + (uint64_t)(text.ptr[used] - '0');
        used++;
    }
    for (size_t i = 0; used > 0 && i < EGX_COUNT(units); i++) {
        if (egx_str_eq(egx_str_cut(text, used), egx_str_c(units[i].unit)) &&
            number <= UINT64_MAX / units[i].ns) {
            return number * units[i].ns;
        }
    }
    return 0;
}

/* A duration, written as in settings. */
static inline int32_t egx_group_duration(const struct eg_host *host, const struct eg_json *group,
                                         const char *name, uint64_t min_ns, uint64_t max_ns,
                                         uint64_t *ret_ns, struct eg_why *ret_why) {
    const struct eg_json *value = host->json->member(group, egx_str_c(name));
    if (value == NULL) {
        return EG_OK;
    }
    const int64_t seconds = host->json->kind(value) == EG_JSON_INT ? host->json->integer(value) : 0;
    const uint64_t ns = seconds > 0 && seconds <= 999999999
                            ? (uint64_t)seconds * 1000000000u
                            : egx_duration_ns(host->json->string(value));
    if (ns == 0 || ns < min_ns || ns > max_ns) {
        return egx_why(ret_why, EG_E_INVAL,
                       "'%s' has to be a duration like \"30s\", from %llu ms to %llu s", name,
                       (unsigned long long)(min_ns / 1000000u),
                       (unsigned long long)(max_ns / 1000000000u));
    }
    *ret_ns = ns;
    return EG_OK;
}

/* A list of 1 to max values. */
static inline int32_t egx_group_list(const struct eg_host *host, const struct eg_json *group,
                                     const char *name, size_t max, const struct eg_json **ret_list,
                                     size_t *ret_count, struct eg_why *ret_why) {
    const struct eg_json *list = host->json->member(group, egx_str_c(name));
    if (list == NULL) {
        return EG_OK;
    }
    const size_t count = host->json->count(list);
    if (host->json->kind(list) != EG_JSON_ARRAY || count == 0 || count > max) {
        return egx_why(ret_why, EG_E_INVAL, "'%s' has to be a list of 1 to %llu", name,
                       (unsigned long long)max);
    }
    *ret_list = list;
    *ret_count = count;
    return EG_OK;
}

#endif
