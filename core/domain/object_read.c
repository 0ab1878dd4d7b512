/*
 * domain/object_read.c - JSON to configuration objects, leniently (compatibility chapter 3.2):
 * names in any case, unknown fields dropped, null = unset. One reader serves bodies of clients and
 * stored values, also those written by the original gateway. The new object owns all its text; the
 * JSON tree ends with the call. Pure.
 */
#include "base/check.h"
#include "base/json.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/slice.h"
#include "base/why.h"
#include "domain/object_fields.h"

#include <eventgw/host.h>

#define PROVIDER_ROOM 256u

struct reading {
    struct gw_object *object;
    struct eg_why *ret_why;
};
typedef int32_t (*field_reader)(struct reading *r, const struct gw_field *field,
                                const struct eg_json *value);

static int32_t wrong_type(struct reading *r, const struct gw_field *field,
                          const struct eg_json *value, const char *wanted) {
    return gw_why(
        r->ret_why, EG_E_SYNTAX, "json: cannot unmarshal %s into Go struct field %s.%s of type %s",
        gw_json_kind_name(value), gw_kind_words[r->object->kind].struct_name, field->json, wanted);
}

static int32_t read_text(struct reading *r, const struct gw_field *field,
                         const struct eg_json *value, struct eg_str *ret_text) {
    if (gw_json_kind(value) != EG_JSON_STRING) {
        return wrong_type(r, field, value, "string");
    }
    *ret_text = gw_arena_dup(&r->object->arena, gw_json_string(value));
    return EG_OK;
}

static int32_t read_string(struct reading *r, const struct gw_field *field,
                           const struct eg_json *value) {
    return read_text(r, field, value, gw_field_at(r->object, field));
}

static int32_t read_optional(struct reading *r, const struct gw_field *field,
                             const struct eg_json *value) {
    struct gw_eventtype *type = gw_field_at(r->object, field);
    type->has_authorizer = true;
    return read_text(r, field, value, &type->authorizer_id);
}

static int32_t read_strings(struct reading *r, const struct gw_field *field,
                            const struct eg_json *value) {
    if (gw_json_kind(value) != EG_JSON_ARRAY) {
        return wrong_type(r, field, value, "[]string");
    }
    const size_t count = gw_json_count(value);
    struct eg_str *items = gw_arena_alloc(&r->object->arena, gw_size_mul(count + 1, sizeof *items));
    for (size_t i = 0; i < count; i++) {
        const int32_t rc = read_text(r, field, gw_json_at(value, i, NULL), &items[i]);
        if (rc < 0) {
            return rc;
        }
    }
    struct gw_str_array *array = gw_field_at(r->object, field);
    *array = (struct gw_str_array){.items = items, .count = count};
    return EG_OK;
}

static int32_t read_bool(struct reading *r, const struct gw_field *field,
                         const struct eg_json *value) {
    if (gw_json_kind(value) != EG_JSON_BOOL) {
        return wrong_type(r, field, value, "bool");
    }
    bool *flag = gw_field_at(r->object, field);
    *flag = gw_json_integer(value) != 0;
    return EG_OK;
}

/* Any value: its shape is the provider's matter. */
static int32_t read_value(struct reading *r, const struct gw_field *field,
                          const struct eg_json *value) {
    struct gw_bytes text;
    gw_bytes_init_arena(&text, &r->object->arena, PROVIDER_ROOM);
    gw_json_write(&text, value);
    struct eg_str *json = gw_field_at(r->object, field);
    *json = gw_bytes_str(&text);
    return EG_OK;
}

/* Whether it is a good schema is not known here: the plugin that validates by it says so. */
static int32_t read_schema(struct reading *r, const struct gw_field *field,
                           const struct eg_json *value) {
    const uint32_t kind = gw_json_kind(value);
    struct gw_eventtype *type = gw_field_at(r->object, field);
    struct gw_bytes text;
    if (kind != EG_JSON_OBJECT && kind != EG_JSON_BOOL) {
        return gw_why(r->ret_why, EG_E_SYNTAX,
                      "a JSON Schema is an object or a boolean, '%s' is a %s", field->json,
                      gw_json_kind_name(value));
    }
    gw_bytes_init_arena(&text, &r->object->arena, PROVIDER_ROOM);
    gw_json_write(&text, value);
    if (text.len > GW_SCHEMA_MAX_BYTES) {
        return gw_why(r->ret_why, EG_E_TOOBIG,
                      "'%s' has %zu bytes without blanks; at most %zu are possible", field->json,
                      text.len, GW_SCHEMA_MAX_BYTES);
    }
    type->schema = gw_bytes_str(&text);
    type->schema_mark = gw_hash(type->schema);
    return EG_OK;
}

static int32_t read_metadata(struct reading *r, const struct gw_field *field,
                             const struct eg_json *value) {
    if (gw_json_kind(value) != EG_JSON_OBJECT) {
        return wrong_type(r, field, value, "map[string]string");
    }
    const size_t count = gw_json_count(value);
    struct eg_kv *pairs = gw_arena_alloc(&r->object->arena, gw_size_mul(count + 1, sizeof *pairs));
    for (size_t i = 0; i < count; i++) {
        struct eg_str name = {0};
        const struct eg_json *item = gw_json_at(value, i, &name);
        const int32_t rc = read_text(r, field, item, &pairs[i].value);
        if (rc < 0) {
            return rc;
        }
        pairs[i].name = gw_arena_dup(&r->object->arena, name);
    }
    gw_metadata_sort(pairs, count);
    r->object->metadata = pairs;
    r->object->metadata_count = count;
    return EG_OK;
}

static const field_reader readers[GW_FIELD_TYPES] = {
    [GW_FIELD_STRING] = read_string,     [GW_FIELD_OPTIONAL] = read_optional,
    [GW_FIELD_STRINGS] = read_strings,   [GW_FIELD_BOOL] = read_bool,
    [GW_FIELD_VALUE] = read_value,       [GW_FIELD_SCHEMA] = read_schema,
    [GW_FIELD_METADATA] = read_metadata,
};

static int32_t read_fields(struct reading *r, const struct eg_json *root) {
    const struct gw_kind_words *words = &gw_kind_words[r->object->kind];
    const uint32_t kind = gw_json_kind(root);
    if (kind != EG_JSON_OBJECT && kind != EG_JSON_NULL) {
        return gw_why(r->ret_why, EG_E_SYNTAX, "json: cannot unmarshal %s into Go value of type %s",
                      gw_json_kind_name(root), words->struct_name);
    }
    const struct gw_field_list *fields = &gw_fields[r->object->kind];
    for (size_t i = 0; kind == EG_JSON_OBJECT && i < fields->count; i++) {
        const struct gw_field *field = &fields->items[i];
        const struct eg_json *value = gw_json_member_nocase(root, gw_str_c(field->json));
        if (gw_json_kind(value) == EG_JSON_NULL) {
            continue;
        }
        const int32_t rc = readers[field->type](r, field, value);
        if (rc < 0) {
            return rc;
        }
    }
    return EG_OK;
}

struct eg_str gw_subscription_path(struct gw_arena *arena, struct eg_str path) {
    const bool has_slash = path.len > 0 && path.ptr[0] == '/';
    return has_slash ? path : gw_arena_printf(arena, "/%.*s", GW_FMT(path));
}

struct eg_str gw_subscription_method(struct gw_arena *arena, struct eg_str method) {
    char *upper = gw_arena_alloc(arena, method.len);
    for (size_t i = 0; i < method.len; i++) {
        const char c = method.ptr[i];
        upper[i] = c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
    }
    return gw_str(upper, method.len);
}

static void normalise_subscription(struct gw_arena *arena, struct gw_subscription *s) {
    s->is_sync = gw_str_eq(s->type, GW_STR("sync"));
    s->path = gw_subscription_path(arena, s->path);
    s->method = s->method.len == 0 ? GW_STR("POST") : gw_subscription_method(arena, s->method);
}

static void set_defaults(struct gw_object *object) {
    const struct gw_field_list *fields = &gw_fields[object->kind];
    for (size_t i = 0; i < fields->count; i++) {
        if (fields->items[i].type != GW_FIELD_STRINGS) {
            continue;
        }
        struct gw_str_array *array = gw_field_at(object, &fields->items[i]);
        if (array->count == 0) {
            *array = *fields->items[i].fallback;
        }
    }
    if (object->kind == GW_SUBSCRIPTION) {
        normalise_subscription(&object->arena, &object->as.subscription);
    }
}

/* The part that bodies and stored values share. */
static int32_t parse(enum gw_kind kind, struct eg_str space, struct eg_str id, struct eg_str text,
                     struct gw_object **ret_object, struct eg_why *ret_why) {
    struct eg_json *root = NULL;
    struct gw_object *object = NULL;
    int32_t rc = gw_json_parse(text, true, &root, ret_why);
    if (rc < 0) {
        goto out;
    }
    object = gw_object_create(kind, space, id);
    const struct eg_str path_space = object->space;
    const struct eg_str path_id = object->id;
    struct reading reading = {.object = object, .ret_why = ret_why};
    rc = read_fields(&reading, root);
    if (rc < 0) {
        goto out;
    }
    /* Q2: what the body says about space and id is checked for its type and then forgotten. */
    object->space = path_space;
    if (path_id.len > 0) {
        object->id = path_id;
    }
    set_defaults(object);
    *ret_object = object;
    object = NULL;
out:
    gw_object_unref(object);
    gw_json_free(root);
    return rc;
}

static void compute_id(struct gw_object *object) {
    if (object->kind == GW_SUBSCRIPTION) {
        object->id = gw_subscription_id(&object->arena, &object->as.subscription);
    } else if (object->kind == GW_CORS) {
        object->id = gw_cors_id(&object->arena, object->as.cors.method, object->as.cors.path);
    }
}

int32_t gw_object_read(enum gw_kind kind, struct eg_str space, struct eg_str id, struct eg_str body,
                       struct gw_object **ret_object, struct gw_refusal *ret_refusal) {
    const char *prefix = gw_kind_words[kind].prefix;
    struct gw_object *object = NULL;
    struct eg_why why = {.struct_size = sizeof why};
    int32_t rc = parse(kind, space, id, body, &object, &why);
    if (rc < 0) {
        (void)gw_refuse(ret_refusal, 400, "%s%.*s", prefix, GW_FMT(gw_why_str(&why)));
        rc = EG_E_SYNTAX;
        goto out;
    }
    if (id.len == 0) {
        compute_id(object);
    }
    if (kind != GW_FUNCTION) {
        rc = gw_object_check(object, id.len == 0, ret_refusal);
    } else if (object->as.function.type.len == 0) {
        /* Chapter 4.2: the provider is asked before functionId and space, as part of reading. */
        (void)gw_refuse(ret_refusal, 400, "%sprovider configuration not set", prefix);
        rc = EG_E_SYNTAX;
    }
    if (rc < 0) {
        goto out;
    }
    *ret_object = object;
    object = NULL;
out:
    gw_object_unref(object);
    return rc;
}

int32_t gw_object_load(enum gw_kind kind, struct eg_str space, struct eg_str id, uint64_t revision,
                       struct eg_str value, struct gw_object **ret_object, struct eg_why *ret_why) {
    const int32_t rc = parse(kind, space, id, value, ret_object, ret_why);
    if (rc < 0) {
        return EG_E_SYNTAX;
    }
    (*ret_object)->revision = revision;
    return EG_OK;
}
