/*
 * fake_json.c - the json service and the events of the fake, both on jansson: struct eg_json is a
 * json_t, and an event is the JSON object it was made from.
 */
#include <jansson.h>

#include "fake_parts.h"

static const json_t *in(const struct eg_json *value) {
    return (const json_t *)(const void *)value;
}
static const struct eg_json *out(const json_t *value) {
    return (const struct eg_json *)(const void *)value;
}

static int32_t json_parse(const struct eg_host *host, struct eg_str text, struct eg_json **ret_root,
                          struct eg_why *ret_why) {
    json_error_t error;
    json_t *root = json_loadb(text.len == 0 ? "" : text.ptr, text.len,
                              JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);
    if (root == NULL) {
        return egx_why(ret_why, EG_E_SYNTAX, "%s", error.text);
    }
    (void)__atomic_add_fetch(&fake_of(host)->allocations, 1, __ATOMIC_RELAXED);
    (void)__atomic_add_fetch(&fake_of(host)->json_roots, 1, __ATOMIC_RELAXED);
    *ret_root = (struct eg_json *)(void *)root;
    return EG_OK;
}

static void json_free_root(const struct eg_host *host, struct eg_json *root) {
    if (root != NULL) {
        (void)__atomic_sub_fetch(&fake_of(host)->allocations, 1, __ATOMIC_RELAXED);
        (void)__atomic_sub_fetch(&fake_of(host)->json_roots, 1, __ATOMIC_RELAXED);
        json_decref((json_t *)(void *)root);
    }
}

static uint32_t json_kind(const struct eg_json *value) {
    static const uint32_t kinds[] = {[JSON_OBJECT] = EG_JSON_OBJECT, [JSON_ARRAY] = EG_JSON_ARRAY,
                                     [JSON_STRING] = EG_JSON_STRING, [JSON_INTEGER] = EG_JSON_INT,
                                     [JSON_REAL] = EG_JSON_REAL,     [JSON_TRUE] = EG_JSON_BOOL,
                                     [JSON_FALSE] = EG_JSON_BOOL,    [JSON_NULL] = EG_JSON_NULL};
    return value == NULL ? EG_JSON_NULL : kinds[json_typeof(in(value))];
}

static size_t json_count(const struct eg_json *value) {
    return json_is_array(in(value)) ? json_array_size(in(value)) : json_object_size(in(value));
}

static const struct eg_json *json_member(const struct eg_json *object, struct eg_str name) {
    const char *key = NULL;
    json_t *value = NULL;
    json_object_foreach((json_t *)(uintptr_t)in(object), key, value) {
        if (egx_str_eq(egx_str_c(key), name)) {
            return out(value);
        }
    }
    return NULL;
}

static const struct eg_json *json_at(const struct eg_json *container, size_t index,
                                     struct eg_str *ret_name) {
    const char *key = NULL;
    json_t *value = NULL;
    size_t i = 0;
    if (json_is_array(in(container))) {
        return out(json_array_get(in(container), index));
    }
    json_object_foreach((json_t *)(uintptr_t)in(container), key, value) {
        if (i++ == index) {
            if (ret_name != NULL) {
                *ret_name = egx_str_c(key);
            }
            return out(value);
        }
    }
    return NULL;
}

static struct eg_str json_text(const struct eg_json *value) {
    return egx_str_n(json_string_value(in(value)), json_string_length(in(value)));
}

static int64_t json_integer_of(const struct eg_json *value) {
    return json_is_true(in(value)) ? 1 : json_integer_value(in(value));
}

static double json_real_of(const struct eg_json *value) {
    return json_number_value(in(value));
}

const struct eg_json_api fake_json_api = {
    .struct_size = sizeof fake_json_api,
    .parse = json_parse,
    .free = json_free_root,
    .kind = json_kind,
    .count = json_count,
    .member = json_member,
    .at = json_at,
    .string = json_text,
    .integer = json_integer_of,
    .real = json_real_of,
};

/* ---- events ---- */

struct eg_event {
    struct egx_fake *fake;
    json_t *root;
};

void fake_json_free_roots(struct egx_fake *fake) {
    for (size_t i = 0; i < fake->jsons.count; i++) {
        json_decref(fake->jsons.items[i]);
    }
}

struct eg_event *egx_fake_event(struct egx_fake *fake, const char *json) {
    json_t *root = json_loads(json, 0, NULL);
    if (!json_is_object(root)) {
        json_decref(root);
        return NULL;
    }
    struct eg_event *event = fake_keep(fake, sizeof *event);
    event->fake = fake;
    event->root = root;
    fake_push(&fake->jsons, root);
    return event;
}

static struct eg_str dump(const struct eg_event *event, const json_t *value) {
    char *text = value == NULL ? NULL : json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
    if (text == NULL) {
        return egx_str_n(NULL, 0);
    }
    fake_own(event->fake, text);
    return egx_str_c(text);
}

static const json_t *member_of(const struct eg_event *event, struct eg_str name) {
    return in(json_member(out(event->root), name));
}

static struct eg_str event_attribute(const struct eg_event *event, struct eg_str name) {
    return json_text(out(member_of(event, name)));
}

static struct eg_str event_extension(const struct eg_event *event, struct eg_str name) {
    return dump(event, member_of(event, name));
}

static int32_t event_set_extension(struct eg_event *event, struct eg_str name,
                                   struct eg_str value_json) {
    const char *key = fake_dup(event->fake, name);
    if (value_json.len == 0) {
        (void)json_object_del(event->root, key);
        return EG_OK;
    }
    if (name.len == 0 || name.len > 64) {
        return EG_E_SYNTAX;
    }
    json_t *value = json_loadb(value_json.ptr, value_json.len, JSON_DECODE_ANY, NULL);
    if (value == NULL) {
        return EG_E_SYNTAX;
    }
    return json_object_set_new(event->root, key, value) == 0 ? EG_OK : EG_E_SYNTAX;
}

static struct eg_str event_data(const struct eg_event *event, uint32_t *ret_is_base64) {
    const json_t *base64 = json_object_get(event->root, "data_base64");
    const json_t *data = json_object_get(event->root, "data");
    if (ret_is_base64 != NULL) {
        *ret_is_base64 = base64 != NULL;
    }
    if (base64 != NULL) {
        return json_text(out(base64));
    }
    return data == NULL ? EGX_STR("null") : dump(event, data);
}

static struct eg_str event_json(const struct eg_event *event, uint32_t version) {
    (void)version; /* the fake converts nothing */
    return dump(event, event->root);
}

static int32_t set_member(const struct eg_event *event, struct eg_str name, json_t *value) {
    return value == NULL || json_object_set_new(event->root, fake_dup(event->fake, name), value) < 0
               ? EG_E_SYNTAX
               : EG_OK;
}

static int is_attribute(struct eg_str name) {
    static const char *const names[] = {"specversion", "id",   "source",          "type",
                                        "subject",     "time", "datacontenttype", "dataschema"};
    size_t i = 0;
    while (i < EGX_COUNT(names) && !egx_str_eq(name, egx_str_c(names[i]))) {
        i++;
    }
    return i < EGX_COUNT(names);
}

static int is_required(struct eg_str name) {
    return egx_str_eq(name, EGX_STR("id")) || egx_str_eq(name, EGX_STR("source")) ||
           egx_str_eq(name, EGX_STR("type"));
}

static int32_t event_set_attribute(struct eg_event *event, struct eg_str name,
                                   struct eg_str value) {
    const struct eg_str own = EGX_STR("eventgateway.");
    const int is_own_type = egx_str_eq(name, EGX_STR("type")) && value.len >= own.len &&
                            egx_str_eq(egx_str_n(value.ptr, own.len), own);
    if (!is_attribute(name) || egx_str_eq(name, EGX_STR("specversion")) || is_own_type ||
        (value.len == 0 && is_required(name))) {
        return EG_E_INVAL;
    }
    if (value.len == 0) {
        (void)json_object_del(event->root, fake_dup(event->fake, name));
        return EG_OK;
    }
    return set_member(event, name, json_stringn(value.ptr, value.len)) < 0 ? EG_E_INVAL : EG_OK;
}

static int32_t event_set_data(struct eg_event *event, struct eg_str data, uint32_t is_base64) {
    json_t *value =
        is_base64 != 0 ? json_stringn(data.ptr, data.len)
                       : json_loadb(data.len == 0 ? "" : data.ptr, data.len, JSON_DECODE_ANY, NULL);
    if (value == NULL) {
        return EG_E_SYNTAX;
    }
    (void)json_object_del(event->root, "data");
    (void)json_object_del(event->root, "data_base64");
    return set_member(event, is_base64 != 0 ? EGX_STR("data_base64") : EGX_STR("data"), value);
}

static struct eg_str event_extension_at(const struct eg_event *event, size_t index,
                                        struct eg_str *ret_name) {
    const char *key = NULL;
    json_t *value = NULL;
    json_object_foreach(event->root, key, value) {
        const struct eg_str name = egx_str_c(key);
        if (!is_attribute(name) && !egx_str_eq(name, EGX_STR("data")) &&
            !egx_str_eq(name, EGX_STR("data_base64")) && index-- == 0) {
            *ret_name = name;
            return dump(event, value);
        }
    }
    *ret_name = egx_str_n(NULL, 0);
    return egx_str_n(NULL, 0);
}

const struct eg_event_api fake_event_api = {
    .struct_size = sizeof fake_event_api,
    .attribute = event_attribute,
    .extension = event_extension,
    .set_extension = event_set_extension,
    .data = event_data,
    .json = event_json,
    .set_attribute = event_set_attribute,
    .set_data = event_set_data,
    .extension_at = event_extension_at,
};
