/*
 * target.c - what one function of type `weighted` may configure, and its check. Control thread, no
 * I/O. Whether the functions behind it are there is not asked here: they may come later, and go.
 *
 * Entries are read as the gateway reads the object around them: names without regard to case,
 * unknown ones dropped, null leaves unset, of repeated ones the last wins. A weight that is not
 * given is 0.
 */
#include "provider_weighted.h"
#include "sticky.h"

EGX_SETTING(weighted_target_settings, weighted, "weighted", EG_SET_JSON, 0, 0, 0, NULL, NULL,
            "functions of the space to choose from: a list of {\"functionId\", \"weight\"}");
EGX_SETTING(weighted_target_settings, sticky_by, "stickyBy", EG_SET_STRING, 0, 0, 0, NULL, NULL,
            "JSON pointer into the event: the same value, the same function; default: by chance");

const struct eg_setting *const weighted_target_rows[WEIGHTED_TARGET_ROWS] = {
    EGX_ROW(weighted_target_settings, weighted), EGX_ROW(weighted_target_settings, sticky_by)};

static const struct eg_json *member(const struct eg_host *host, const struct eg_json *object,
                                    struct eg_str wanted) {
    const struct eg_json *found = NULL;
    for (size_t i = 0; i < host->json->count(object); i++) {
        struct eg_str name = egx_str_n(NULL, 0);
        const struct eg_json *value = host->json->at(object, i, &name);
        if (egx_str_eq_nocase(name, wanted) && host->json->kind(value) != EG_JSON_NULL) {
            found = value;
        }
    }
    return found;
}

/* number: counted from 1, for people. */
static int32_t read_choice(const struct eg_host *host, const struct eg_json *entry, size_t number,
                           struct weighted_target *target, struct eg_why *ret_why) {
    if (host->json->kind(entry) != EG_JSON_OBJECT) {
        return egx_why(ret_why, EG_E_INVAL,
                       "entry %zu of weighted has to be an object with functionId and weight",
                       number);
    }
    const struct eg_json *weight = member(host, entry, EGX_STR("weight"));
    const struct eg_str id = host->json->string(member(host, entry, EGX_STR("functionId")));
    if (id.len == 0) {
        return egx_why(ret_why, EG_E_INVAL, "entry %zu of weighted has no functionId", number);
    }
    if (weight != NULL && host->json->kind(weight) != EG_JSON_INT) {
        return egx_why(ret_why, EG_E_INVAL,
                       "weight of entry %zu has to be a whole number below 2^63", number);
    }
    const int64_t value = host->json->integer(weight);
    if (value < 0) {
        return egx_why(ret_why, EG_E_INVAL, "weight of entry %zu is negative", number);
    }
    if ((uint64_t)value > (uint64_t)INT64_MAX - target->total) {
        return egx_why(ret_why, EG_E_INVAL, "function weights are too big: their sum has no room");
    }
    target->total += (uint64_t)value;
    target->choices[target->count++] = (struct choice){.function_id = id, .end = target->total};
    return EG_OK;
}

static int32_t read_choices(const struct eg_host *host, struct weighted_target *target,
                            struct eg_why *ret_why) {
    const size_t count = host->json->count(target->root);
    int32_t rc = EG_OK;
    if (host->json->kind(target->root) != EG_JSON_ARRAY || count > WEIGHTED_CHOICES_MAX) {
        return egx_why(ret_why, EG_E_INVAL, "weighted has to be a list of at most %u functions",
                       WEIGHTED_CHOICES_MAX);
    }
    target->choices = host->mem->alloc(host, (count + 1) * sizeof *target->choices);
    for (size_t i = 0; i < count && rc >= 0; i++) {
        rc = read_choice(host, host->json->at(target->root, i, NULL), i + 1, target, ret_why);
    }
    if (rc >= 0 && count > 0 && target->total == 0) {
        return egx_why(ret_why, EG_E_INVAL, "function weights sum to zero");
    }
    return rc;
}

static int32_t fill(const struct eg_host *host, const struct weighted_target_settings *config,
                    struct weighted_target *target, struct eg_why *ret_why) {
    int32_t rc = EG_OK;
    if (config->weighted.len > 0) {
        rc = host->json->parse(host, config->weighted, &target->root, ret_why);
        rc = rc < 0 ? rc : read_choices(host, target, ret_why);
    }
    if (rc >= 0 && target->count == 0) {
        return egx_why(ret_why, EG_E_INVAL, "missing required fields for weighted function");
    }
    if (rc >= 0 && config->sticky_by.len > 0 && !sticky_is_pointer(config->sticky_by)) {
        return egx_why(ret_why, EG_E_INVAL,
                       "stickyBy has to be a JSON pointer into the event, like /data/userId");
    }
    target->sticky_by = config->sticky_by;
    return rc;
}

int32_t weighted_bind(void *instance, const void *config, void **ret_target,
                      struct eg_target_traits *ret_traits, struct eg_why *ret_why) {
    const struct weighted_instance *i = instance;
    struct weighted_target *target = i->host->mem->alloc(i->host, sizeof *target);
    const int32_t rc = fill(i->host, config, target, ret_why);
    (void)ret_traits; /* each function behind it has its own */
    if (rc < 0) {
        weighted_unbind(instance, target);
        return rc;
    }
    *ret_target = target;
    return EG_OK;
}

void weighted_unbind(void *instance, void *target) {
    const struct weighted_instance *i = instance;
    struct weighted_target *t = target;
    if (t->root != NULL) {
        i->host->json->free(i->host, t->root);
    }
    i->host->mem->free(i->host, t->choices);
    i->host->mem->free(i->host, t);
}
