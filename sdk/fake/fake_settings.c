/*
 * fake_settings.c - settings of a component or of a function, read from one JSON object. Same
 * types, defaults, ranges and refusals as the gateway's; only its words are simpler.
 */
#include <jansson.h>

#include "fake_parts.h"

struct unit {
    const char *name;
    uint64_t factor;
};
static const struct unit units[] = {
    {"ns", 1},
    {"us", 1000},
    {"ms", 1000000},
    {"s", 1000000000},
    {"m", 60000000000},
    {"h", 3600000000000},
    {"B", 1},
    {"KiB", 1024},
    {"MiB", 1024 * 1024},
    {"GiB", 1024 * 1024 * 1024},
};

static int read_unit(const json_t *value, uint64_t bare_factor, uint64_t *ret_number) {
    char *end = NULL;
    if (json_is_integer(value) && json_integer_value(value) >= 0) {
        *ret_number = (uint64_t)json_integer_value(value) * bare_factor;
        return 0;
    }
    const char *text = json_string_value(value);
    if (text == NULL || text[0] < '0' || text[0] > '9') {
        return -1;
    }
    const uint64_t number = strtoull(text, &end, 10);
    *ret_number = number * bare_factor;
    for (size_t i = 0; *end != '\0' && i < EGX_COUNT(units); i++) {
        if (strcmp(units[i].name, end) == 0) {
            *ret_number = number * units[i].factor;
            return 0;
        }
    }
    return *end == '\0' ? 0 : -1;
}

/* Empty when it is none. A NUL is a character as any other. */
static struct eg_str read_text(struct egx_fake *fake, const json_t *value) {
    const struct eg_str text = egx_str_n(json_string_value(value), json_string_length(value));
    return egx_str_n(fake_dup(fake, text), text.len);
}

static int read_list(struct egx_fake *fake, const json_t *value, struct eg_str_list *ret_list) {
    if (!json_is_array(value)) {
        return -1;
    }
    struct eg_str *items = fake_keep(fake, (json_array_size(value) + 1) * sizeof *items);
    for (size_t i = 0; i < json_array_size(value); i++) {
        if (!json_is_string(json_array_get(value, i))) {
            return -1;
        }
        items[i] = read_text(fake, json_array_get(value, i));
    }
    *ret_list = (struct eg_str_list){items, json_array_size(value)};
    return 0;
}

static int read_json(struct egx_fake *fake, const json_t *value, struct eg_str *ret_text) {
    char *text =
        json_is_array(value) || json_is_object(value) ? json_dumps(value, JSON_COMPACT) : NULL;
    if (text != NULL) {
        fake_own(fake, text);
        *ret_text = egx_str_c(text);
    }
    return text == NULL ? -1 : 0;
}

/* -1 = wrong type. */
static int store(struct egx_fake *fake, const struct eg_setting *row, const json_t *value,
                 void *base) {
    void *field = (char *)base + row->offset;
    switch (row->type) {
    case EG_SET_STRING:
    case EG_SET_SECRET:
        *(struct eg_str *)field = read_text(fake, value);
        return json_is_string(value) ? 0 : -1;
    case EG_SET_INT:
        *(int64_t *)field = json_integer_value(value);
        return json_is_integer(value) ? 0 : -1;
    case EG_SET_BOOL:
        *(uint32_t *)field = json_is_true(value);
        return json_is_boolean(value) ? 0 : -1;
    case EG_SET_DURATION:
        return read_unit(value, 1000000000u, field);
    case EG_SET_SIZE:
        return read_unit(value, 1, field);
    case EG_SET_LIST:
        return read_list(fake, value, field);
    case EG_SET_JSON:
        return read_json(fake, value, field);
    default:
        return -1;
    }
}

/* A default is spelled as in the configuration file: a text where the type is one, else JSON, and
 * lists in round brackets. */
static json_t *default_of(const struct eg_setting *row) {
    const int is_text = row->type == EG_SET_STRING || row->type == EG_SET_SECRET ||
                        row->type == EG_SET_DURATION || row->type == EG_SET_SIZE;
    if (is_text) {
        return json_string(row->fallback);
    }
    const size_t len = strlen(row->fallback);
    char *copy = fake_alloc(len + 1);
    memcpy(copy, row->fallback, len);
    if (len >= 2 && copy[0] == '(' && copy[len - 1] == ')') {
        copy[0] = '[';
        copy[len - 1] = ']';
    }
    json_t *value = json_loads(copy, JSON_DECODE_ANY, NULL);
    free(copy);
    return value;
}

static int in_range(const struct eg_setting *row, const void *base) {
    int64_t number = 0;
    if ((row->min == 0 && row->max == 0) ||
        (row->type != EG_SET_INT && row->type != EG_SET_DURATION && row->type != EG_SET_SIZE)) {
        return 1;
    }
    memcpy(&number, (const char *)base + row->offset, sizeof number);
    return number >= row->min && number <= row->max;
}

static int is_choice(const struct eg_setting *row, const void *base) {
    struct eg_str value;
    if (row->type != EG_SET_STRING || row->choices == NULL) {
        return 1;
    }
    memcpy(&value, (const char *)base + row->offset, sizeof value);
    for (const char *at = row->choices;; at += strcspn(at, "|") + 1) {
        if (egx_str_eq(egx_str_n(at, strcspn(at, "|")), value)) {
            return 1;
        }
        if (at[strcspn(at, "|")] == '\0') {
            return 0;
        }
    }
}

static int32_t read_row(struct egx_fake *fake, const struct eg_setting *row, const json_t *given,
                        void *base, struct eg_why *ret_why) {
    json_t *fallback = given == NULL && row->fallback != NULL ? default_of(row) : NULL;
    const json_t *value = given != NULL ? given : fallback;
    int32_t rc = EG_OK;
    if (value == NULL && (row->flags & EG_SET_REQUIRED) != 0) {
        rc = egx_why(ret_why, EG_E_INVAL, "'%s' has to be set", row->name);
    } else if (value != NULL && store(fake, row, value, base) != 0) {
        rc = egx_why(ret_why, EG_E_INVAL, "'%s' has the wrong type", row->name);
    } else if (value != NULL && (!in_range(row, base) || !is_choice(row, base))) {
        rc = egx_why(ret_why, EG_E_INVAL, "'%s' is out of range", row->name);
    }
    json_decref(fallback);
    return rc;
}

struct table {
    const struct eg_setting *const *rows;
    size_t count;
    size_t bytes;
};

static int32_t read_all(struct egx_fake *fake, const struct table *table, const char *json,
                        int is_strict, void **ret_struct, struct eg_why *ret_why) {
    json_t *root = json_loads(json == NULL ? "{}" : json, JSON_ALLOW_NUL, NULL);
    int32_t rc = EG_OK;
    size_t known = 0;
    if (!json_is_object(root)) {
        json_decref(root);
        return egx_why(ret_why, EG_E_SYNTAX, "the settings have to be one JSON object");
    }
    void *base = fake_keep(fake, table->bytes + 1);
    for (size_t i = 0; rc >= 0 && i < table->count; i++) {
        const json_t *given = json_object_get(root, table->rows[i]->name);
        known += given != NULL;
        rc = read_row(fake, table->rows[i], json_is_null(given) ? NULL : given, base, ret_why);
    }
    if (rc >= 0 && is_strict && known != json_object_size(root)) {
        rc = egx_why(ret_why, EG_E_INVAL, "an unknown key is set");
    }
    json_decref(root);
    *ret_struct = base;
    return rc;
}

int32_t egx_fake_create(struct egx_fake *fake, const struct eg_component *component,
                        const char *settings_json, void **ret_instance, struct eg_why *ret_why) {
    const struct table table = {component->settings, component->setting_count,
                                component->settings_size};
    void *settings = NULL;
    const int32_t rc = read_all(fake, &table, settings_json, 1, &settings, ret_why);
    if (rc < 0) {
        return rc;
    }
    fake->host.component = egx_str_c(component->name);
    return component->life->create(&fake->host, settings, ret_instance, ret_why);
}

int32_t egx_fake_target_settings(struct egx_fake *fake, const struct eg_component *component,
                                 const char *provider_json, const void **ret_config,
                                 struct eg_why *ret_why) {
    const struct table table = {component->target_settings, component->target_setting_count,
                                component->target_settings_size};
    void *config = NULL;
    const int32_t rc = read_all(fake, &table, provider_json, 0, &config, ret_why);
    *ret_config = config;
    return rc;
}

char *fake_with_member(const char *object_json, const char *name, const char *value_json) {
    json_t *root = json_loads(object_json == NULL ? "{}" : object_json, JSON_ALLOW_NUL, NULL);
    json_t *value = json_loads(value_json, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
    (void)json_object_set_new(root, name, value);
    char *text = json_dumps(root, JSON_COMPACT);
    json_decref(root);
    return text;
}
