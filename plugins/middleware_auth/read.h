/*
 * read.h - strict reading of what the settings hold as JSON. A mistake could open a door, so a
 * wrong type is never taken for "not given". Texts are borrowed from the JSON tree, lists are
 * allocated (host->mem). Control thread.
 */
#ifndef MIDDLEWARE_AUTH_READ_H
#define MIDDLEWARE_AUTH_READ_H

#include <eventgw-sdk/egx.h>

#define AUTH_ITEMS_MAX 100000u

/* A number that may be left out. */
struct auth_number {
    const char *name;
    int64_t min;
    int64_t max;
    int64_t fallback;
};

int32_t auth_check_keys(const struct eg_host *host, const struct eg_json *object,
                        const char *const *known, size_t known_count, struct eg_why *ret_why);
/* A list that is not empty; absent = NULL and 0. */
int32_t auth_read_list(const struct eg_host *host, const struct eg_json *object, const char *name,
                       const struct eg_json **ret_list, size_t *ret_count, struct eg_why *ret_why);
/* A list of texts, none empty; absent = none. Free ret_texts->items. */
int32_t auth_read_texts(const struct eg_host *host, const struct eg_json *object, const char *name,
                        struct eg_str_list *ret_texts, struct eg_why *ret_why);
/* A text, not empty when given; absent = empty. */
int32_t auth_read_text(const struct eg_host *host, const struct eg_json *object, const char *name,
                       struct eg_str *ret_text, struct eg_why *ret_why);
int32_t auth_read_number(const struct eg_host *host, const struct eg_json *object,
                         const struct auth_number *number, int64_t *ret_value,
                         struct eg_why *ret_why);
/* absent = false */
int32_t auth_read_bool(const struct eg_host *host, const struct eg_json *object, const char *name,
                       int32_t *ret_value, struct eg_why *ret_why);
/* The setting as a list of groups, not empty; absent (empty text) = NULL root and 0. take:
 * json->free. */
int32_t auth_read_groups(const struct eg_host *host, struct eg_str json, const char *name,
                         struct eg_json **ret_root, size_t *ret_count, struct eg_why *ret_why);

static inline int auth_has_text(const struct eg_str_list *list, struct eg_str text) {
    for (size_t i = 0; i < list->count; i++) {
        if (egx_str_eq(list->items[i], text)) {
            return 1;
        }
    }
    return 0;
}

#endif
