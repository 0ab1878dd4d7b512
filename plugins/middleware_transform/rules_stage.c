/*
 * rules_stage.c - reads one stage of a rule: what is renamed, removed and set, and the program. The
 * three stages share the reader; a table says which key belongs to which.
 */
#include "rules.h"

#define PAIRS_MAX 1000u
#define PROGRAM_MAX_BYTES 65536u

static const struct eg_str required[] = {EGX_STR_INIT("id"), EGX_STR_INIT("source"),
                                         EGX_STR_INIT("type")};
static const struct eg_str attributes[] = {
    EGX_STR_INIT("id"),         EGX_STR_INIT("source"),
    EGX_STR_INIT("type"),       EGX_STR_INIT("subject"),
    EGX_STR_INIT("time"),       EGX_STR_INIT("datacontenttype"),
    EGX_STR_INIT("dataschema"), EGX_STR_INIT("eventtypeversion")};

static int is_one_of(struct eg_str name, const struct eg_str *names, size_t count) {
    size_t i = 0;
    while (i < count && !egx_str_eq(name, names[i])) {
        i++;
    }
    return i < count;
}

int32_t tr_is_attribute(struct eg_str name) {
    return is_one_of(name, attributes, EGX_COUNT(attributes));
}

/* ---- names and values ---- */

static int is_alphanumeric(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/* A token (RFC 9110 5.6.2). */
static int is_token(struct eg_str name) {
    for (size_t i = 0; i < name.len; i++) {
        const char c = name.ptr[i];
        if (c == '\0' || (!is_alphanumeric(c) && strchr("!#$%&'*+-.^_`|~", c) == NULL)) {
            return 0;
        }
    }
    return name.len > 0;
}

/* Of framing and connection, which are the gateway's. */
static int is_header(struct eg_str name) {
    static const struct eg_str own[] = {
        EGX_STR_INIT("content-length"), EGX_STR_INIT("transfer-encoding"),
        EGX_STR_INIT("connection"),     EGX_STR_INIT("keep-alive"),
        EGX_STR_INIT("upgrade"),        EGX_STR_INIT("trailer"),
        EGX_STR_INIT("date"),           EGX_STR_INIT("x-request-id"),
        EGX_STR_INIT("host"),           EGX_STR_INIT("te")};
    for (size_t i = 0; i < EGX_COUNT(own); i++) {
        if (egx_str_eq_nocase(name, own[i])) {
            return 0;
        }
    }
    return is_token(name);
}

static int is_header_value(struct eg_str value) {
    for (size_t i = 0; i < value.len; i++) {
        const unsigned char c = (unsigned char)value.ptr[i];
        if ((c < 0x20 && c != '\t') || c == 0x7f) {
            return 0;
        }
    }
    return 1;
}

/* Attribute or extension, and not what the gateway keeps for itself. */
static int is_member(struct eg_str name) {
    static const struct eg_str others[] = {EGX_STR_INIT("specversion"), EGX_STR_INIT("data"),
                                           EGX_STR_INIT("data_base64")};
    for (size_t i = 0; i < name.len; i++) {
        if (!is_alphanumeric(name.ptr[i]) && name.ptr[i] != '_' && name.ptr[i] != '-') {
            return 0;
        }
    }
    return name.len > 0 && name.len <= 64 && !tr_is_own_name(name) &&
           !is_one_of(name, others, EGX_COUNT(others));
}

static int32_t check_name(struct tr_read *read, struct eg_str name, const char *key) {
    const int is_event = read->stage == TR_ON_EVENT;
    if (is_event ? is_member(name) : is_header(name)) {
        return EG_OK;
    }
    return tr_refuse(read, "'%.*s' in '%s' is %s", EGX_FMT(name), key,
                     is_event ? "no attribute or extension that may be changed"
                              : "no header that may be changed");
}

static int32_t check_removal(struct tr_read *read, struct eg_str name, const char *key) {
    if (read->stage == TR_ON_EVENT && is_one_of(name, required, EGX_COUNT(required))) {
        return tr_refuse(read, "'%.*s' in '%s': every event needs it", EGX_FMT(name), key);
    }
    return check_name(read, name, key);
}

/* Extensions of CloudEvents 1.0 are texts, booleans and 32-bit integers. */
static int32_t read_value(struct tr_read *read, const struct eg_json *json, struct tr_pair *pair) {
    static const struct eg_str words[] = {EGX_STR_INIT("false"), EGX_STR_INIT("true")};
    const struct eg_json_api *api = read->host->json;
    const uint32_t kind = api->kind(json);
    pair->value = api->string(json);
    if (kind == EG_JSON_STRING) {
        return EG_OK;
    }
    if (kind == EG_JSON_BOOL && read->stage == TR_ON_EVENT && !tr_is_attribute(pair->name)) {
        pair->value = words[api->integer(json) != 0];
        pair->is_json = 1;
        return EG_OK;
    }
    return tr_refuse(read, "the value of '%.*s' has to be a text", EGX_FMT(pair->name));
}

static int32_t check_value(struct tr_read *read, const struct tr_pair *pair) {
    const int is_bad =
        read->stage == TR_ON_EVENT
            ? pair->value.len == 0 || (egx_str_eq(pair->name, EGX_STR("type")) &&
                                       egx_str_starts(pair->value, EGX_STR("eventgateway.")))
            : !is_header_value(pair->value);
    return is_bad ? tr_refuse(read, "'%.*s' cannot be set to that", EGX_FMT(pair->name)) : EG_OK;
}

static int32_t read_pairs(struct tr_read *read, const struct eg_json *json, const char *key,
                          struct tr_pairs *ret_pairs) {
    const struct eg_json_api *api = read->host->json;
    const size_t count = api->count(json);
    int32_t rc = EG_OK;
    if (api->kind(json) != EG_JSON_OBJECT || count == 0 || count > PAIRS_MAX) {
        return tr_refuse(read, "'%s' has to be a group of texts", key);
    }
    ret_pairs->items = read->host->mem->alloc(read->host, count * sizeof *ret_pairs->items);
    for (size_t i = 0; rc >= 0 && i < count; i++) {
        struct tr_pair *pair = &ret_pairs->items[i];
        const struct eg_json *value = api->at(json, i, &pair->name);
        ret_pairs->count++;
        rc = read_value(read, value, pair);
    }
    return rc;
}

/* ---- the keys of a stage ---- */

static int32_t read_set(struct tr_read *read, const struct eg_json *json, struct tr_stage *stage,
                        const char *key) {
    int32_t rc = read_pairs(read, json, key, &stage->sets);
    for (size_t i = 0; rc >= 0 && i < stage->sets.count; i++) {
        rc = check_name(read, stage->sets.items[i].name, key);
        rc = rc < 0 ? rc : check_value(read, &stage->sets.items[i]);
    }
    return rc;
}

static int32_t read_remove(struct tr_read *read, const struct eg_json *json, struct tr_stage *stage,
                           const char *key) {
    int32_t rc = tr_read_names(read, json, key, &stage->removes);
    for (size_t i = 0; rc >= 0 && i < stage->removes.count; i++) {
        rc = check_removal(read, stage->removes.items[i], key);
    }
    return rc;
}

static int32_t read_rename(struct tr_read *read, const struct eg_json *json, struct tr_stage *stage,
                           const char *key) {
    int32_t rc = read_pairs(read, json, key, &stage->renames);
    for (size_t i = 0; rc >= 0 && i < stage->renames.count; i++) {
        const struct tr_pair *pair = &stage->renames.items[i];
        rc = check_removal(read, pair->name, key);
        rc = rc < 0 ? rc : check_name(read, pair->value, key);
        if (rc >= 0 && pair->is_json) {
            rc = tr_refuse(read, "'%s' has to be a group of texts", key);
        }
    }
    return rc;
}

static int has_word(struct eg_str text, const char *word) {
    return text.len > 0 && memmem(text.ptr, text.len, word, strlen(word)) != NULL;
}

/* Whether the variables are needed is known from the text; a mention too many costs time only. In
 * jq 1.6 the $ may stand apart from the name. */
void tr_source_look(struct tr_source *source) {
    source->wants_request = has_word(source->text, "request") || has_word(source->text, "$__");
    source->wants_space = has_word(source->text, "space") || has_word(source->text, "$__");
}

static int32_t add_program(struct tr_read *read, struct tr_stage *stage, struct tr_source source) {
    struct tr_rules *rules = read->rules;
    if (stage->program != TR_NO_PROGRAM) {
        return tr_refuse(read, "either 'jq' or 'jq_file', not both");
    }
    source.rule = rules->count;
    source.stage = read->stage;
    stage->program = (int32_t)rules->program_count;
    rules->programs[rules->program_count] = source;
    tr_source_look(&rules->programs[rules->program_count++]);
    return EG_OK;
}

static int32_t read_jq(struct tr_read *read, const struct eg_json *json, struct tr_stage *stage,
                       const char *key) {
    const struct tr_source source = {.text = read->host->json->string(json)};
    if (source.text.len == 0 || source.text.len > PROGRAM_MAX_BYTES ||
        memchr(source.text.ptr, 0, source.text.len) != NULL) {
        return tr_refuse(read, "'%s' has to be a program of at most 64 KiB", key);
    }
    return add_program(read, stage, source);
}

static int32_t read_jq_file(struct tr_read *read, const struct eg_json *json,
                            struct tr_stage *stage, const char *key) {
    const struct tr_source source = {.file = read->host->json->string(json)};
    if (source.file.len == 0 || memchr(source.file.ptr, 0, source.file.len) != NULL) {
        return tr_refuse(read, "'%s' has to be the path of a file", key);
    }
    return add_program(read, stage, source);
}

static int32_t read_status(struct tr_read *read, const struct eg_json *json, struct tr_stage *stage,
                           const char *key) {
    const int64_t status = read->host->json->integer(json);
    if (read->host->json->kind(json) != EG_JSON_INT || status < 200 || status > 599) {
        return tr_refuse(read, "'%s' has to be a number from 200 to 599", key);
    }
    stage->status = (uint32_t)status;
    return EG_OK;
}

/* "2xx", "404", "any" */
static int is_status_word(struct eg_str word) {
    if (egx_str_eq(word, EGX_STR("any"))) {
        return 1;
    }
    return word.len == 3 && word.ptr[0] >= '2' && word.ptr[0] <= '5' &&
           (egx_str_eq(egx_str_cut(word, 1), EGX_STR("xx")) ||
            (word.ptr[1] >= '0' && word.ptr[1] <= '9' && word.ptr[2] >= '0' && word.ptr[2] <= '9'));
}

static int32_t read_when(struct tr_read *read, const struct eg_json *json, struct tr_stage *stage,
                         const char *key) {
    int32_t rc = tr_read_names(read, json, key, &stage->when);
    for (size_t i = 0; rc >= 0 && i < stage->when.count; i++) {
        if (!is_status_word(stage->when.items[i])) {
            rc = tr_refuse(read, "'%s' takes texts like \"2xx\", \"404\" and \"any\"", key);
        }
    }
    return rc;
}

#define IN(stage) (1u << (stage))
static const struct {
    const char *name;
    uint32_t stages;
    int32_t (*read)(struct tr_read *read, const struct eg_json *json, struct tr_stage *stage,
                    const char *key);
} stage_keys[] = {
    {"set_headers", IN(TR_ON_REQUEST) | IN(TR_ON_REPLY), read_set},
    {"remove_headers", IN(TR_ON_REQUEST) | IN(TR_ON_REPLY), read_remove},
    {"rename_headers", IN(TR_ON_REQUEST) | IN(TR_ON_REPLY), read_rename},
    {"set", IN(TR_ON_EVENT), read_set},
    {"remove", IN(TR_ON_EVENT), read_remove},
    {"rename", IN(TR_ON_EVENT), read_rename},
    {"jq", IN(TR_ON_EVENT) | IN(TR_ON_REPLY), read_jq},
    {"jq_file", IN(TR_ON_EVENT) | IN(TR_ON_REPLY), read_jq_file},
    {"status", IN(TR_ON_REPLY), read_status},
    {"when", IN(TR_ON_REPLY), read_when},
};

static int32_t read_stage_key(struct tr_read *read, struct eg_str name, const struct eg_json *json,
                              struct tr_stage *stage) {
    for (size_t k = 0; k < EGX_COUNT(stage_keys); k++) {
        if (egx_str_eq(name, egx_str_c(stage_keys[k].name)) &&
            (stage_keys[k].stages & IN(read->stage)) != 0) {
            return stage_keys[k].read(read, json, stage, stage_keys[k].name);
        }
    }
    return tr_refuse(read, "unknown key '%.*s'", EGX_FMT(name));
}

int32_t tr_read_stage(struct tr_read *read, const struct eg_json *json, struct tr_stage *stage) {
    const struct eg_json_api *api = read->host->json;
    int32_t rc = EG_OK;
    if (api->kind(json) != EG_JSON_OBJECT) {
        return tr_refuse(read, "it has to be a group");
    }
    for (size_t i = 0; rc >= 0 && i < api->count(json); i++) {
        struct eg_str name;
        const struct eg_json *value = api->at(json, i, &name);
        rc = read_stage_key(read, name, value, stage);
    }
    stage->is_there = stage->program != TR_NO_PROGRAM || stage->renames.count > 0 ||
                      stage->removes.count > 0 || stage->sets.count > 0 || stage->status != 0;
    if (rc >= 0 && !stage->is_there) {
        return tr_refuse(read, "there is nothing in it to do");
    }
    return rc;
}
