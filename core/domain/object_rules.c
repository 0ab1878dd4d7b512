/*
 * domain/object_rules.c - the validation lines of compatibility chapter 3.4 and the immutable
 * fields of 4.3 and 4.4. One line per field that fails, in field order, with its first failing tag.
 * Pure.
 */
#include "base/check.h"
#include "base/slice.h"
#include "domain/object_fields.h"

static const struct gw_tag *first_failing_tag(const struct gw_field *field, struct eg_str value,
                                              bool is_create) {
    const struct gw_tag *tag = field->tags;
    for (; tag != NULL && tag->name != NULL; tag++) {
        if (tag->is_create_only && !is_create) {
            continue;
        }
        if (!tag->holds(value)) {
            return tag;
        }
    }
    return NULL;
}

void gw_validation_line(struct gw_bytes *lines, const char *struct_name, const char *label,
                        const char *tag) {
    const char *dot = strrchr(label, '.'); /* "Provider.Type" is the field Type */
    gw_bytes_addf(lines, "%sKey: '%s.%s' Error:Field validation for '%s' failed on the '%s' tag",
                  lines->len == 0 ? "" : "\n", struct_name, label, dot == NULL ? label : dot + 1,
                  tag);
}

int32_t gw_object_check(const struct gw_object *object, bool is_create,
                        struct gw_refusal *ret_refusal) {
    GW_MAGIC_CHECK(object, GW_OBJECT_MAGIC);
    const struct gw_kind_words *words = &gw_kind_words[object->kind];
    const struct gw_field_list *fields = &gw_fields[object->kind];
    struct gw_bytes lines;
    gw_bytes_init(&lines, 0);
    for (size_t i = 0; i < fields->count; i++) {
        const struct gw_field *field = &fields->items[i];
        if (field->tags == NULL) {
            continue;
        }
        const struct eg_str *value = gw_field_of(object, field);
        const struct gw_tag *tag = first_failing_tag(field, *value, is_create);
        if (tag != NULL) {
            gw_validation_line(&lines, words->struct_name, field->label, tag->name);
        }
    }
    int32_t rc = EG_OK;
    if (lines.len > 0) {
        rc = gw_refuse(ret_refusal, 400, "%s%.*s", words->prefix, GW_FMT(gw_bytes_str(&lines)));
    }
    gw_bytes_free(&lines);
    return rc;
}

int32_t gw_object_validate(const struct gw_object *object, struct gw_refusal *ret_refusal) {
    return gw_object_check(object, false, ret_refusal);
}

int32_t gw_object_check_id_length(const struct gw_object *object, struct gw_refusal *ret_refusal) {
    GW_MAGIC_CHECK(object, GW_OBJECT_MAGIC);
    if (object->id.len <= GW_OBJECT_MAX_ID_BYTES) {
        return EG_OK;
    }
    return gw_refuse(ret_refusal, 400, "%sthe identifier has %zu bytes; at most %u are possible",
                     gw_kind_words[object->kind].prefix, object->id.len, GW_OBJECT_MAX_ID_BYTES);
}

int32_t gw_object_check_update(const struct gw_object *stored, const struct gw_object *wanted,
                               struct gw_refusal *ret_refusal) {
    GW_MAGIC_CHECK(stored, GW_OBJECT_MAGIC);
    GW_MAGIC_CHECK(wanted, GW_OBJECT_MAGIC);
    GW_ASSERT(stored->kind == wanted->kind);
    const char *noun = gw_kind_words[stored->kind].noun;
    const struct gw_field_list *fields = &gw_fields[stored->kind];
    for (size_t i = 0; i < fields->count; i++) {
        const struct gw_field *field = &fields->items[i];
        if (!field->is_fixed) {
            continue;
        }
        const struct eg_str *before = gw_field_of(stored, field);
        const struct eg_str *after = gw_field_of(wanted, field);
        if (!gw_str_eq(*before, *after)) {
            return gw_refuse(ret_refusal, 400,
                             "Invalid update. '%s' of existing %s cannot be updated.", field->label,
                             noun);
        }
    }
    return EG_OK;
}
