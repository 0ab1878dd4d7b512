/*
 * domain/event_read.c - one event from its JSON text (CloudEvents JSON format), without a tree: the
 * text is checked once, its members are located once, `specversion` picks the table of attributes,
 * and every member is taken as an attribute or as an extension. Values stay where they are in the
 * text; only strings with escapes are decoded into the arena.
 *
 * What a version does not know: 0.1 drops it (chapter 5.3), later ones keep it as an extension,
 * which is what they call an unknown member. Of repeated members the last wins; null is absent.
 */
#include "base/check.h"
#include "domain/event_internal.h"

/* A bag of members on the stack; more are refused. */
#define MAX_MEMBERS (GW_MAX_EXTENSIONS + 64u)

struct member {
    struct eg_str name; /* raw */
    struct gw_jval value;
};
struct members {
    size_t count;
    struct member items[MAX_MEMBERS];
};

static const char *type_name(enum gw_jtype type) {
    static const char *const names[] = {"null",   "bool",  "bool",  "number",
                                        "string", "array", "object"};
    return names[type];
}

int32_t gw_event_refuse_json(struct eg_why *ret_why, int32_t code, struct eg_str text,
                             const struct gw_jerror *error) {
    if (code != EG_E_TOOBIG && error->at_end) {
        return gw_why(ret_why, EG_E_INVAL, "unexpected end of JSON input");
    }
    struct gw_bytes sentence;
    gw_bytes_init(&sentence, 0);
    gw_jerror_write(&sentence, text, error);
    gw_why(ret_why, EG_E_INVAL, "%.*s", GW_FMT(gw_bytes_str(&sentence)));
    gw_bytes_free(&sentence);
    return EG_E_INVAL;
}

static int32_t collect(struct gw_jval object, struct members *ret_members, struct eg_why *ret_why) {
    size_t cursor = 0;
    struct member m;
    ret_members->count = 0;
    while (gw_jobj_next(object, &cursor, &m.name, &m.value)) {
        if (ret_members->count == MAX_MEMBERS) {
            return gw_why(ret_why, EG_E_INVAL, "CloudEvent doesn't validate: more than %u members",
                          MAX_MEMBERS);
        }
        ret_members->items[ret_members->count++] = m;
    }
    return EG_OK;
}

/* `specversion` picks the rules; without it those of 0.1 hold. */
static int32_t pick_version(struct gw_arena *arena, const struct members *members,
                            uint32_t *ret_version, struct eg_why *ret_why) {
    const struct gw_jval *found = NULL;
    for (size_t i = 0; i < members->count; i++) {
        const struct member *m = &members->items[i];
        if (m->value.type != GW_J_NULL && gw_jname_eq(m->name, GW_STR("specversion"))) {
            found = &m->value;
        }
    }
    if (found == NULL) {
        *ret_version = EG_CE_0_1;
        return EG_OK;
    }
    if (found->type != GW_J_STRING) {
        return gw_why(ret_why, EG_E_INVAL,
                      "CloudEvent doesn't validate: specversion has to be a string, not %s",
                      type_name(found->type));
    }
    const struct eg_str text = gw_jstr_decode(arena, found->raw);
    *ret_version = gw_ce_version_of(text);
    if (*ret_version == 0) {
        return gw_why(
            ret_why, EG_E_INVAL,
            "CloudEvent doesn't validate: specversion \"%.*s\" is not one of 0.2, 0.3 and "
            "1.0",
            GW_SHOW(text));
    }
    return EG_OK;
}

static int32_t refuse_type(const struct gw_attr *attr, struct gw_jval value, const char *wanted,
                           struct eg_why *ret_why) {
    return gw_why(ret_why, EG_E_INVAL, "json: cannot unmarshal %s into field Event.%s of type %s",
                  type_name(value.type), attr->field, wanted);
}

static int32_t refuse_count(struct eg_why *ret_why) {
    return gw_why(ret_why, EG_E_INVAL, "CloudEvent doesn't validate: more than %u extensions",
                  GW_MAX_EXTENSIONS);
}

/* The `extensions` object of 0.1. */
static int32_t take_bag(struct eg_event *event, const struct gw_attr *attr, struct gw_jval bag,
                        struct eg_why *ret_why) {
    size_t cursor = 0;
    struct eg_str name;
    struct gw_jval value;
    if (bag.type != GW_J_OBJECT) {
        return refuse_type(attr, bag, "object", ret_why);
    }
    while (gw_jobj_next(bag, &cursor, &name, &value)) {
        if (gw_extension_put(event, gw_jstr_decode(event->arena, name), value.raw) < 0) {
            return refuse_count(ret_why);
        }
    }
    return EG_OK;
}

static int32_t take_base64(struct eg_event *event, const struct gw_attr *attr, struct gw_jval value,
                           struct eg_why *ret_why) {
    if (value.type != GW_J_STRING) {
        return refuse_type(attr, value, "string", ret_why);
    }
    event->data_base64 = gw_jstr_decode(event->arena, value.raw);
    if (!gw_is_base64(event->data_base64)) {
        return gw_why(ret_why, EG_E_INVAL, "CloudEvent doesn't validate: %s is no base64",
                      attr->field);
    }
    return EG_OK;
}

static int32_t take_attribute(struct eg_event *event, const struct gw_attr *attr,
                              struct gw_jval value, struct eg_why *ret_why) {
    if (attr->kind == GW_AT_DATA) {
        event->data_json = value.raw;
        return EG_OK;
    }
    if (value.type == GW_J_NULL) {
        return EG_OK;
    }
    if (attr->kind == GW_AT_EXTENSIONS) {
        return take_bag(event, attr, value, ret_why);
    }
    if (attr->kind == GW_AT_DATA_BASE64) {
        return take_base64(event, attr, value, ret_why);
    }
    if (value.type != GW_J_STRING) {
        return refuse_type(attr, value, "string", ret_why);
    }
    /* "" is no time (0.1 tells it by the parser, as its clients know). */
    if (attr->check == GW_CHECK_TIME && value.raw.len == 2) {
        return gw_why(ret_why, EG_E_INVAL, "parsing time \"\": not a time of RFC 3339");
    }
    *gw_attr_text(event, attr) = gw_jstr_decode(event->arena, value.raw);
    return EG_OK;
}

static int32_t take(struct eg_event *event, const struct member *m, struct eg_why *ret_why) {
    const struct gw_ce_version *version = &gw_ce_versions[event->version];
    const struct gw_attr *attr = gw_attr_find_raw(version, m->name);
    if (attr != NULL) {
        return take_attribute(event, attr, m->value, ret_why);
    }
    if (event->version == EG_CE_0_1 || m->value.type == GW_J_NULL) {
        return EG_OK;
    }
    const struct eg_str name = gw_jstr_decode(event->arena, m->name);
    return gw_extension_put(event, name, m->value.raw) < 0 ? refuse_count(ret_why) : EG_OK;
}

/* data against data_base64 (1.0), datacontentencoding (0.3). */
static int32_t settle_data(struct eg_event *event, struct eg_why *ret_why) {
    if (event->data_base64.len > 0 && event->data_json.len > 0) {
        return gw_why(ret_why, EG_E_INVAL,
                      "CloudEvent doesn't validate: data and data_base64 exclude each other");
    }
    if (event->version != EG_CE_0_3 ||
        !gw_str_eq_nocase(event->content_encoding, GW_STR("base64")) || event->data_json.len == 0) {
        return EG_OK;
    }
    const struct eg_str text =
        *event->data_json.ptr == '"' ? gw_jstr_decode(event->arena, event->data_json) : GW_STR("?");
    if (!gw_is_base64(text)) {
        return gw_why(
            ret_why, EG_E_INVAL,
            "CloudEvent doesn't validate: data is no base64, as datacontentencoding says");
    }
    if (text.len > 0) {
        event->data_base64 = text;
        event->data_json = (struct eg_str){0};
    }
    return EG_OK;
}

/* Somebody wrote an event of a later version and forgot `specversion`: the lines of 0.1 would tell
 * names that this sender never heard of. */
static bool is_version_forgotten(const struct eg_event *event, const struct members *members) {
    if (event->version != EG_CE_0_1 || event->type.len > 0 || event->id.len > 0 ||
        event->spec_version.len > 0) {
        return false;
    }
    for (size_t i = 0; i < members->count; i++) {
        if (gw_jname_eq(members->items[i].name, GW_STR("type"))) {
            return true;
        }
    }
    return false;
}

static int32_t read_members(struct eg_event *event, const struct members *members,
                            struct eg_why *ret_why) {
    for (size_t i = 0; i < members->count; i++) {
        if (take(event, &members->items[i], ret_why) < 0) {
            return EG_E_INVAL;
        }
    }
    if (is_version_forgotten(event, members)) {
        return gw_why(
            ret_why, EG_E_INVAL,
            "CloudEvent doesn't validate: specversion (or cloudEventsVersion) is missing");
    }
    if (settle_data(event, ret_why) < 0) {
        return EG_E_INVAL;
    }
    return gw_event_validate(event, ret_why);
}

int32_t gw_event_read_value(struct gw_arena *arena, struct gw_jval value,
                            struct eg_event **ret_event, struct eg_why *ret_why) {
    struct members members;
    uint32_t version = 0;
    members.count = 0;
    if (value.type != GW_J_OBJECT && value.type != GW_J_NULL) {
        return gw_why(ret_why, EG_E_INVAL, "json: cannot unmarshal %s into a CloudEvent",
                      type_name(value.type));
    }
    if (value.type == GW_J_OBJECT && collect(value, &members, ret_why) < 0) {
        return EG_E_INVAL;
    }
    if (pick_version(arena, &members, &version, ret_why) < 0) {
        return EG_E_INVAL;
    }
    struct eg_event *event = gw_arena_zalloc(arena, sizeof *event);
    event->arena = arena;
    event->version = version;
    const int32_t rc = read_members(event, &members, ret_why);
    if (rc == EG_OK) {
        *ret_event = event;
    }
    return rc;
}

int32_t gw_event_read(struct gw_arena *arena, struct eg_str json, uint32_t json_depth,
                      struct eg_event **ret_event, struct eg_why *ret_why) {
    struct gw_jval value;
    struct gw_jerror error;
    const int32_t rc = gw_json_check(json, json_depth, &value, &error);
    if (rc < 0) {
        return gw_event_refuse_json(ret_why, rc, json, &error);
    }
    return gw_event_read_value(arena, value, ret_event, ret_why);
}
