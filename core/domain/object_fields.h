/*
 * domain/object_fields.h - the fields of the four kinds as rows (compatibility chapters 3.4 and 4):
 * reading, writing and validating walk these rows. Inside domain/ only.
 */
#ifndef GW_DOMAIN_OBJECT_FIELDS_H
#define GW_DOMAIN_OBJECT_FIELDS_H

#include "domain/object.h"

#define GW_OBJECT_MAGIC 0x6f626a31u /* obj1 */

enum gw_field_type {
    GW_FIELD_STRING,   /* struct eg_str, always written */
    GW_FIELD_OPTIONAL, /* struct gw_eventtype, whose authorizer may be absent */
    GW_FIELD_STRINGS,  /* struct gw_str_array, takes its default when empty */
    GW_FIELD_BOOL,     /* bool */
    GW_FIELD_VALUE,    /* struct eg_str: compact JSON text, empty when absent or null */
    GW_FIELD_SCHEMA,   /* struct gw_eventtype: a JSON Schema, which is an object or a boolean */
    GW_FIELD_METADATA, /* metadata and metadata_count */
    GW_FIELD_TYPES
};

/* A validation tag: its name as told to clients, and the rule. */
struct gw_tag {
    const char *name;
    bool (*holds)(struct eg_str value);
    bool is_create_only; /* not asked of what exists already */
};

struct gw_field {
    const char *json;
    const char *label; /* "Space" of "Type.Space" */
    enum gw_field_type type;
    size_t offset;                       /* in struct gw_object */
    const struct gw_str_array *fallback; /* STRINGS */
    const struct gw_tag *tags;           /* STRING; ends with a nameless row; NULL = none */
    bool is_fixed;                       /* may not be changed by an update */
};

struct gw_field_list {
    const struct gw_field *items;
    size_t count;
};
extern const struct gw_field_list gw_fields[GW_KINDS];

static inline void *gw_field_at(struct gw_object *object, const struct gw_field *field) {
    return (char *)object + field->offset;
}
static inline const void *gw_field_of(const struct gw_object *object,
                                      const struct gw_field *field) {
    return (const char *)object + field->offset;
}

/* A zeroed object with one reference, that owns copies of space and id. take: gw_object_unref. */
struct gw_object *gw_object_create(enum gw_kind kind, struct eg_str space, struct eg_str id);
/* The rules of all fields; is_create adds those of is_create_only. */
int32_t gw_object_check(const struct gw_object *object, bool is_create,
                        struct gw_refusal *ret_refusal);
void gw_metadata_sort(struct eg_kv *items, size_t count);

/* The methods of subscriptions and CORS, and the tag that tells them. */
#define GW_METHOD_TAG "eq=GET|eq=POST|eq=DELETE|eq=PUT|eq=PATCH|eq=HEAD|eq=OPTIONS"
bool gw_is_method(struct eg_str s);
/* Chapter 4.3: a path begins with a slash, a method is upper case; an empty method stays empty.
 */
struct eg_str gw_subscription_path(struct gw_arena *arena, struct eg_str path);
struct eg_str gw_subscription_method(struct gw_arena *arena, struct eg_str method);
/* One line of chapter 3.4, after a line break unless it is the first. */
void gw_validation_line(struct gw_bytes *lines, const char *struct_name, const char *label,
                        const char *tag);

#endif
