/*
 * rules.c - reads the list of rules. Every key is a row of a table, everything else is refused with
 * the rule's number. The caller's thread; no file is touched.
 */
#include "rules.h"

#include <eventgw-sdk/egx_path.h>

#define RULES_MAX 1000u
#define NAMES_MAX 1000u

const char *tr_stage_name(uint32_t stage) {
    static const char *const names[TR_STAGES] = {"request", "event", "reply"};
    return names[stage];
}

int32_t tr_refuse(struct tr_read *read, const char *format, ...) {
    char text[sizeof read->why->text];
    va_list args;
    va_start(args, format);
    const size_t len = egx_vprint(text, sizeof text, format, args);
    va_end(args);
    const int is_in_stage = read->stage < TR_STAGES;
    return egx_why(read->why, EG_E_INVAL, "%s%s%.*s", is_in_stage ? tr_stage_name(read->stage) : "",
                   is_in_stage ? ": " : "", (int)len, text);
}

int32_t tr_read_names(struct tr_read *read, const struct eg_json *json, const char *key,
                      struct tr_names *ret_names) {
    const struct eg_json_api *api = read->host->json;
    const size_t count = api->count(json);
    if (api->kind(json) != EG_JSON_ARRAY || count == 0 || count > NAMES_MAX) {
        return tr_refuse(read, "'%s' has to be a list of texts", key);
    }
    ret_names->items = read->host->mem->alloc(read->host, count * sizeof *ret_names->items);
    for (size_t i = 0; i < count; i++) {
        ret_names->items[i] = api->string(api->at(json, i, NULL));
        if (ret_names->items[i].len == 0) {
            return tr_refuse(read, "'%s' has to be a list of texts", key);
        }
        ret_names->count++;
    }
    return EG_OK;
}

/* ---- the keys of a rule ---- */

static int32_t read_path(struct tr_read *read, const struct eg_json *json) {
    struct eg_str path = read->host->json->string(json);
    if (!egx_path_is_literal(path)) {
        return tr_refuse(read, "'path' has to begin with /, without ?, # and wildcards: what is "
                               "below it is in it");
    }
    while (path.len > 0 && path.ptr[path.len - 1] == '/') {
        path.len--;
    }
    read->rule->path = path;
    return EG_OK;
}

static int32_t read_methods(struct tr_read *read, const struct eg_json *json) {
    return tr_read_names(read, json, "methods", &read->rule->methods);
}

/* A star stands at the end or not at all. */
static int32_t read_types(struct tr_read *read, const struct eg_json *json) {
    const int32_t rc = tr_read_names(read, json, "event_types", &read->rule->event_types);
    for (size_t i = 0; rc >= 0 && i < read->rule->event_types.count; i++) {
        const struct eg_str type = read->rule->event_types.items[i];
        const char *star = memchr(type.ptr, '*', type.len);
        if (star != NULL && star != type.ptr + type.len - 1) {
            return tr_refuse(read, "'%.*s' in 'event_types' may have a * at its end only",
                             EGX_FMT(type));
        }
    }
    return rc;
}

static int32_t read_stage(struct tr_read *read, const struct eg_json *json, uint32_t stage) {
    read->stage = stage;
    const int32_t rc = tr_read_stage(read, json, &read->rule->stages[stage]);
    read->stage = rc < 0 ? stage : TR_STAGES;
    return rc;
}

static int32_t read_request(struct tr_read *read, const struct eg_json *json) {
    return read_stage(read, json, TR_ON_REQUEST);
}
static int32_t read_event(struct tr_read *read, const struct eg_json *json) {
    return read_stage(read, json, TR_ON_EVENT);
}
static int32_t read_reply(struct tr_read *read, const struct eg_json *json) {
    return read_stage(read, json, TR_ON_REPLY);
}

static const struct {
    const char *name;
    int32_t (*read)(struct tr_read *read, const struct eg_json *json);
} keys[] = {
    {"path", read_path},       {"methods", read_methods}, {"event_types", read_types},
    {"request", read_request}, {"event", read_event},     {"reply", read_reply},
};

static int32_t read_key(struct tr_read *read, struct eg_str name, const struct eg_json *json) {
    for (size_t k = 0; k < EGX_COUNT(keys); k++) {
        if (egx_str_eq(name, egx_str_c(keys[k].name))) {
            return keys[k].read(read, json);
        }
    }
    return tr_refuse(read, "unknown key '%.*s'", EGX_FMT(name));
}

/* ---- a rule ---- */

static int32_t check_rule(struct tr_read *read) {
    const struct tr_rule *rule = read->rule;
    uint32_t stages = 0;
    for (uint32_t i = 0; i < TR_STAGES; i++) {
        stages += rule->stages[i].is_there != 0;
    }
    if (stages == 0) {
        return tr_refuse(read, "it needs 'request', 'event' or 'reply'");
    }
    if (rule->stages[TR_ON_REQUEST].is_there && rule->event_types.count > 0) {
        return tr_refuse(read, "'request' cannot go with 'event_types': the request is changed "
                               "before there is an event");
    }
    return EG_OK;
}

static int32_t read_rule(struct tr_read *read, const struct eg_json *json) {
    const struct eg_json_api *api = read->host->json;
    int32_t rc = EG_OK;
    for (uint32_t i = 0; i < TR_STAGES; i++) {
        read->rule->stages[i].program = TR_NO_PROGRAM;
    }
    if (api->kind(json) != EG_JSON_OBJECT) {
        return tr_refuse(read, "it has to be a group");
    }
    for (size_t i = 0; rc >= 0 && i < api->count(json); i++) {
        struct eg_str name;
        const struct eg_json *value = api->at(json, i, &name);
        rc = read_key(read, name, value);
    }
    return rc < 0 ? rc : check_rule(read);
}

int32_t tr_rules_read(struct tr_rules *rules, const struct eg_host *host, struct eg_str json,
                      struct eg_why *ret_why) {
    struct eg_why why = {.struct_size = sizeof why};
    memset(rules, 0, sizeof *rules);
    rules->host = host;
    int32_t rc = host->json->parse(host, json, &rules->root, ret_why);
    if (rc < 0) {
        return rc;
    }
    const size_t count = host->json->count(rules->root);
    if (host->json->kind(rules->root) != EG_JSON_ARRAY || count == 0 || count > RULES_MAX) {
        return egx_why(ret_why, EG_E_INVAL, "'rules' has to be a list of groups");
    }
    rules->items = host->mem->alloc(host, count * sizeof *rules->items);
    rules->programs = host->mem->alloc(host, 2 * count * sizeof *rules->programs);
    while (rc >= 0 && rules->count < count) {
        struct tr_read read = {host, rules, &rules->items[rules->count], TR_STAGES, &why};
        const struct eg_json *item = host->json->at(rules->root, rules->count, NULL);
        rules->count++;
        rc = read_rule(&read, item);
    }
    if (rc < 0) {
        return egx_why(ret_why, rc, "rule %zu: %.*s", rules->count, (int)why.len, why.text);
    }
    return EG_OK;
}

static void free_stage(const struct eg_host *host, struct tr_stage *stage) {
    host->mem->free(host, stage->renames.items);
    host->mem->free(host, stage->removes.items);
    host->mem->free(host, stage->sets.items);
    host->mem->free(host, stage->when.items);
}

void tr_rules_free(struct tr_rules *rules) {
    const struct eg_host *host = rules->host;
    for (size_t i = 0; i < rules->count; i++) {
        host->mem->free(host, rules->items[i].methods.items);
        host->mem->free(host, rules->items[i].event_types.items);
        for (uint32_t s = 0; s < TR_STAGES; s++) {
            free_stage(host, &rules->items[i].stages[s]);
        }
    }
    for (size_t i = 0; i < rules->program_count; i++) {
        free(rules->programs[i].loaded);
    }
    host->mem->free(host, rules->items);
    host->mem->free(host, rules->programs);
    if (rules->root != NULL) {
        host->json->free(host, rules->root);
    }
}
