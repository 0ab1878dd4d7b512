/* read.c - see read.h. */
#include "read.h"

int32_t auth_check_keys(const struct eg_host *host, const struct eg_json *object,
                        const char *const *known, size_t known_count, struct eg_why *ret_why) {
    const struct eg_json_api *json = host->json;
    if (json->kind(object) != EG_JSON_OBJECT) {
        return egx_why(ret_why, EG_E_INVAL, "it has to be a group");
    }
    for (size_t i = 0; i < json->count(object); i++) {
        struct eg_str name = egx_str_n(NULL, 0);
        (void)json->at(object, i, &name);
        size_t k = 0;
        while (k < known_count && !egx_str_eq(name, egx_str_c(known[k]))) {
            k++;
        }
        if (k == known_count) {
            return egx_why(ret_why, EG_E_INVAL, "unknown key '%.*s'", EGX_FMT(name));
        }
    }
    return EG_OK;
}

/* All, or none? Who wrote it may have meant the other one. */
static int32_t refuse_empty(const char *name, struct eg_why *ret_why) {
    return egx_why(ret_why, EG_E_INVAL, "'%s' is an empty list: leave it out, or say what is in it",
                   name);
}

int32_t auth_read_list(const struct eg_host *host, const struct eg_json *object, const char *name,
                       const struct eg_json **ret_list, size_t *ret_count, struct eg_why *ret_why) {
    const struct eg_json_api *json = host->json;
    const struct eg_json *list = json->member(object, egx_str_c(name));
    if (list != NULL && (json->kind(list) != EG_JSON_ARRAY || json->count(list) > AUTH_ITEMS_MAX)) {
        return egx_why(ret_why, EG_E_INVAL, "'%s' has to be a list", name);
    }
    if (list != NULL && json->count(list) == 0) {
        return refuse_empty(name, ret_why);
    }
    *ret_list = list;
    *ret_count = list == NULL ? 0 : json->count(list);
    return EG_OK;
}

int32_t auth_read_texts(const struct eg_host *host, const struct eg_json *object, const char *name,
                        struct eg_str_list *ret_texts, struct eg_why *ret_why) {
    const struct eg_json *list = NULL;
    size_t count = 0;
    const int32_t rc = auth_read_list(host, object, name, &list, &count, ret_why);
    if (rc < 0 || list == NULL) {
        return rc;
    }
    struct eg_str *items = host->mem->alloc(host, (count + 1) * sizeof *items);
    for (size_t i = 0; i < count; i++) {
        items[i] = host->json->string(host->json->at(list, i, NULL));
        if (items[i].len == 0) {
            host->mem->free(host, items);
            return egx_why(ret_why, EG_E_INVAL, "'%s' has to be a list of texts", name);
        }
    }
    *ret_texts = (struct eg_str_list){items, count};
    return EG_OK;
}

int32_t auth_read_text(const struct eg_host *host, const struct eg_json *object, const char *name,
                       struct eg_str *ret_text, struct eg_why *ret_why) {
    const struct eg_json *value = host->json->member(object, egx_str_c(name));
    *ret_text = host->json->string(value);
    if (value != NULL && ret_text->len == 0) {
        return egx_why(ret_why, EG_E_INVAL, "'%s' has to be a text that is not empty", name);
    }
    return EG_OK;
}

int32_t auth_read_number(const struct eg_host *host, const struct eg_json *object,
                         const struct auth_number *number, int64_t *ret_value,
                         struct eg_why *ret_why) {
    const struct eg_json *value = host->json->member(object, egx_str_c(number->name));
    *ret_value = value == NULL ? number->fallback : host->json->integer(value);
    if (value != NULL && (host->json->kind(value) != EG_JSON_INT || *ret_value < number->min ||
                          *ret_value > number->max)) {
        return egx_why(ret_why, EG_E_INVAL, "'%s' has to be a number from %lld to %lld",
                       number->name, (long long)number->min, (long long)number->max);
    }
    return EG_OK;
}

int32_t auth_read_bool(const struct eg_host *host, const struct eg_json *object, const char *name,
                       int32_t *ret_value, struct eg_why *ret_why) {
    const struct eg_json *value = host->json->member(object, egx_str_c(name));
    if (value != NULL && host->json->kind(value) != EG_JSON_BOOL) {
        return egx_why(ret_why, EG_E_INVAL, "'%s' has to be true or false", name);
    }
    *ret_value = host->json->integer(value) != 0;
    return EG_OK;
}

int32_t auth_read_groups(const struct eg_host *host, struct eg_str json, const char *name,
                         struct eg_json **ret_root, size_t *ret_count, struct eg_why *ret_why) {
    struct eg_json *root = NULL;
    *ret_count = 0;
    if (json.len == 0) {
        return EG_OK;
    }
    const int32_t rc = host->json->parse(host, json, &root, ret_why);
    if (rc < 0) {
        return rc;
    }
    *ret_root = root;
    if (host->json->kind(root) != EG_JSON_ARRAY) {
        return egx_why(ret_why, EG_E_INVAL, "'%s' has to be a list of groups", name);
    }
    *ret_count = host->json->count(root);
    return *ret_count > 0 ? EG_OK : refuse_empty(name, ret_why);
}
