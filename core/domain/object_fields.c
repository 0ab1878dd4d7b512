/*
 * domain/object_fields.c - the table of fields, in the order in which they are written and told in
 * validation messages (compatibility chapters 3.4, 4.1-4.4). Constant data and the rules of single
 * values; pure.
 */
#include "domain/object_fields.h"

#include "base/check.h"
#include "base/slice.h"

/* validator's `min` counts characters, not bytes. */
static bool has_three_characters(struct eg_str s) {
    size_t count = 0;
    for (size_t i = 0; i < s.len; i++) {
        count += ((unsigned char)s.ptr[i] & 0xC0) != 0x80;
    }
    return count >= 3;
}

static bool is_given(struct eg_str s) {
    return s.len > 0;
}
static bool begins_with_slash(struct eg_str s) {
    return s.len > 0 && s.ptr[0] == '/';
}

static bool is_subscription_type(struct eg_str s) {
    return gw_str_eq(s, GW_STR("async")) || gw_str_eq(s, GW_STR("sync"));
}

bool gw_is_method(struct eg_str s) {
    static const char *const methods[] = {"GET",   "POST", "DELETE", "PUT",
                                          "PATCH", "HEAD", "OPTIONS"};
    for (size_t i = 0; i < GW_COUNT(methods); i++) {
        if (gw_str_eq(s, gw_str_c(methods[i]))) {
            return true;
        }
    }
    return false;
}

#define TAG_METHOD                                                                                 \
    { GW_METHOD_TAG, gw_is_method, false }
#define TAG_REQUIRED                                                                               \
    { "required", is_given, false }
#define TAGS(...) ((const struct gw_tag[]){__VA_ARGS__, {NULL, NULL, false}})

#define AT(member) offsetof(struct gw_object, member)
#define SPACE                                                                                      \
    {                                                                                              \
        "space", "Space", GW_FIELD_STRING, AT(space), NULL,                                        \
            TAGS(TAG_REQUIRED, {"min", has_three_characters, false},                               \
                 {"space", gw_is_space_name, false}),                                              \
            false                                                                                  \
    }
#define ID(json, label, tags)                                                                      \
    { json, label, GW_FIELD_STRING, AT(id), NULL, tags, false }
#define STRING(json, label, member, tags, is_fixed)                                                \
    { json, label, GW_FIELD_STRING, AT(member), NULL, tags, is_fixed }
#define STRINGS(json, member, fallback)                                                            \
    { json, NULL, GW_FIELD_STRINGS, AT(member), &(fallback), NULL, false }
#define OTHER(json, type, member)                                                                  \
    { json, NULL, type, AT(member), NULL, NULL, false }
#define METADATA OTHER("metadata", GW_FIELD_METADATA, metadata)

#define ARRAY(name, ...)                                                                           \
    static const struct eg_str name##_items[] = {__VA_ARGS__};                                     \
    static const struct gw_str_array name = {name##_items, GW_COUNT(name##_items)}
#define ITEM(text)                                                                                 \
    { .ptr = (text), .len = sizeof(text) - 1 }
ARRAY(any_origin, ITEM("*"));
ARRAY(simple_methods, ITEM("HEAD"), ITEM("GET"), ITEM("POST"));
ARRAY(simple_headers, ITEM("Origin"), ITEM("Accept"), ITEM("Content-Type"));

static const struct gw_field eventtype_fields[] = {
    SPACE,
    ID("name", "Name", TAGS(TAG_REQUIRED, {"eventType", gw_is_space_name, true})),
    OTHER("authorizerId", GW_FIELD_OPTIONAL, as.eventtype),
    OTHER("schema", GW_FIELD_SCHEMA, as.eventtype),
    METADATA,
};

/* Whether a provider type is known, and its configuration, is asked of the plugins. */
static const struct gw_field function_fields[] = {
    SPACE,
    ID("functionId", "ID", TAGS(TAG_REQUIRED, {"functionid", gw_is_space_name, false})),
    STRING("type", "ProviderType", as.function.type, NULL, false),
    OTHER("provider", GW_FIELD_VALUE, as.function.provider_json),
    METADATA,
};

static const struct gw_field subscription_fields[] = {
    SPACE,
    ID("subscriptionId", "ID", NULL),
    STRING("type", "Type", as.subscription.type,
           TAGS(TAG_REQUIRED, {"eq=async|eq=sync", is_subscription_type, false}), true),
    STRING("eventType", "EventType", as.subscription.event_type,
           TAGS(TAG_REQUIRED, {"eventType", gw_is_space_name, false}), true),
    STRING("functionId", "FunctionID", as.subscription.function_id, TAGS(TAG_REQUIRED), true),
    STRING("path", "Path", as.subscription.path,
           TAGS(TAG_REQUIRED, {"urlPath", begins_with_slash, false}), true),
    STRING("method", "Method", as.subscription.method, TAGS(TAG_REQUIRED, TAG_METHOD), true),
    METADATA,
};

static const struct gw_field cors_fields[] = {
    SPACE,
    ID("corsId", "ID", NULL),
    STRING("method", "Method", as.cors.method, TAGS(TAG_METHOD), true),
    STRING("path", "Path", as.cors.path, TAGS({"path", begins_with_slash, false}), true),
    STRINGS("allowedOrigins", as.cors.allowed_origins, any_origin),
    STRINGS("allowedMethods", as.cors.allowed_methods, simple_methods),
    STRINGS("allowedHeaders", as.cors.allowed_headers, simple_headers),
    OTHER("allowCredentials", GW_FIELD_BOOL, as.cors.allow_credentials),
    METADATA,
};

const struct gw_field_list gw_fields[GW_KINDS] = {
    [GW_EVENTTYPE] = {eventtype_fields, GW_COUNT(eventtype_fields)},
    [GW_FUNCTION] = {function_fields, GW_COUNT(function_fields)},
    [GW_SUBSCRIPTION] = {subscription_fields, GW_COUNT(subscription_fields)},
    [GW_CORS] = {cors_fields, GW_COUNT(cors_fields)},
};
