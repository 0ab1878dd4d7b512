/*
 * domain/object_write.c - an object as compact JSON, in the field order of compatibility chapter 4.
 * The same text is the answer of the Config API and the stored value (chapter 2.1). Pure.
 */
#include "base/check.h"
#include "base/jwrite.h"
#include "base/map.h"
#include "base/slice.h"
#include "domain/object_fields.h"

struct writing {
    struct gw_bytes *out;
    const struct gw_object *object;
    struct eg_str provider_json;
    bool is_first;
};

static void write_string(struct writing *w, const struct gw_field *field) {
    gw_jw_name(w->out, &w->is_first, field->json);
    gw_jw_string(w->out, *(const struct eg_str *)gw_field_of(w->object, field));
}

static void write_optional(struct writing *w, const struct gw_field *field) {
    const struct gw_eventtype *type = gw_field_of(w->object, field);
    if (type->has_authorizer) {
        gw_jw_name(w->out, &w->is_first, field->json);
        gw_jw_string(w->out, type->authorizer_id);
    }
}

static void write_strings(struct writing *w, const struct gw_field *field) {
    const struct gw_str_array *array = gw_field_of(w->object, field);
    gw_jw_name(w->out, &w->is_first, field->json);
    gw_bytes_add_char(w->out, '[');
    for (size_t i = 0; i < array->count; i++) {
        if (i > 0) {
            gw_bytes_add_char(w->out, ',');
        }
        gw_jw_string(w->out, array->items[i]);
    }
    gw_bytes_add_char(w->out, ']');
}

static void write_bool(struct writing *w, const struct gw_field *field) {
    gw_jw_name(w->out, &w->is_first, field->json);
    gw_bytes_add_c(w->out, *(const bool *)gw_field_of(w->object, field) ? "true" : "false");
}

static void write_value(struct writing *w, const struct gw_field *field) {
    const struct eg_str *stored = gw_field_of(w->object, field);
    const struct eg_str json = w->provider_json.len > 0 ? w->provider_json : *stored;
    if (json.len > 0) {
        gw_jw_name(w->out, &w->is_first, field->json);
        gw_bytes_add(w->out, json);
    }
}

static void write_schema(struct writing *w, const struct gw_field *field) {
    const struct gw_eventtype *type = gw_field_of(w->object, field);
    if (type->schema.len > 0) {
        gw_jw_name(w->out, &w->is_first, field->json);
        gw_bytes_add(w->out, type->schema);
    }
}

static void write_metadata(struct writing *w, const struct gw_field *field) {
    const struct gw_object *object = w->object;
    if (object->metadata_count == 0) {
        return;
    }
    gw_jw_name(w->out, &w->is_first, field->json);
    for (size_t i = 0; i < object->metadata_count; i++) {
        gw_bytes_add_char(w->out, i == 0 ? '{' : ',');
        gw_jw_string(w->out, object->metadata[i].name);
        gw_bytes_add_char(w->out, ':');
        gw_jw_string(w->out, object->metadata[i].value);
    }
    gw_bytes_add_char(w->out, '}');
}

static void (*const writers[GW_FIELD_TYPES])(struct writing *, const struct gw_field *) = {
    [GW_FIELD_STRING] = write_string,     [GW_FIELD_OPTIONAL] = write_optional,
    [GW_FIELD_STRINGS] = write_strings,   [GW_FIELD_BOOL] = write_bool,
    [GW_FIELD_VALUE] = write_value,       [GW_FIELD_SCHEMA] = write_schema,
    [GW_FIELD_METADATA] = write_metadata,
};

void gw_object_write(struct gw_bytes *out, const struct gw_object *object,
                     struct eg_str provider_json) {
    GW_MAGIC_CHECK(object, GW_OBJECT_MAGIC);
    struct writing writing = {
        .out = out, .object = object, .provider_json = provider_json, .is_first = true};
    const struct gw_field_list *fields = &gw_fields[object->kind];
    gw_bytes_add_char(out, '{');
    for (size_t i = 0; i < fields->count; i++) {
        writers[fields->items[i].type](&writing, &fields->items[i]);
    }
    gw_bytes_add_char(out, '}');
}

uint32_t gw_value_mark(struct eg_str value) {
    return (uint32_t)gw_hash_everywhere(value);
}

uint32_t gw_object_mark(const struct gw_object *object) {
    struct gw_bytes value;
    gw_bytes_init(&value, 0);
    gw_object_write(&value, object, (struct eg_str){0});
    const uint32_t mark = gw_value_mark(gw_bytes_str(&value));
    gw_bytes_free(&value);
    return mark;
}
