/*
 * domain/v2017_subscription.c - subscriptions of the API of 2017, see the header. Its ids are made
 * of the fields, and say nothing that the object does not: so they are never stored. Pure.
 */
#include "base/codec.h"
#include "base/json.h"
#include "base/jwrite.h"
#include "base/slice.h"
#include "domain/object_fields.h"
#include "domain/v2017_objects.h"

#include <eventgw/host.h>

#define HTTP "http"
#define HTTP_TYPE "http.request"
#define ID_ROOM 128u

/* ---- reading ---- */

struct body {
    struct eg_str id; /* checked for its type and forgotten */
    struct eg_str event;
    struct eg_str function_id;
    struct eg_str method;
    struct eg_str path;
};
static const struct {
    const char *json;
    size_t offset;
} fields[] = {
    {"subscriptionId", offsetof(struct body, id)},
    {"event", offsetof(struct body, event)},
    {"functionId", offsetof(struct body, function_id)},
    {"method", offsetof(struct body, method)},
    {"path", offsetof(struct body, path)},
};
#define FIELDS (sizeof fields / sizeof fields[0])

/* Strings are borrowed from the tree. */
static int32_t read_fields(const struct eg_json *root, struct body *ret_body,
                           struct eg_why *ret_why) {
    const uint32_t kind = gw_json_kind(root);
    if (kind != EG_JSON_OBJECT && kind != EG_JSON_NULL) {
        return gw_why(ret_why, EG_E_SYNTAX,
                      "json: cannot unmarshal %s into Go value of type Subscription",
                      gw_json_kind_name(root));
    }
    for (size_t i = 0; kind == EG_JSON_OBJECT && i < FIELDS; i++) {
        const struct eg_json *value = gw_json_member_nocase(root, gw_str_c(fields[i].json));
        if (gw_json_kind(value) == EG_JSON_NULL) {
            continue;
        }
        if (gw_json_kind(value) != EG_JSON_STRING) {
            return gw_why(ret_why, EG_E_SYNTAX,
                          "json: cannot unmarshal %s into Go struct field Subscription.%s of type "
                          "string",
                          gw_json_kind_name(value), fields[i].json);
        }
        struct eg_str *field = (struct eg_str *)(void *)((char *)ret_body + fields[i].offset);
        *field = gw_json_string(value);
    }
    return EG_OK;
}

static bool is_http(struct eg_str event) {
    return gw_str_eq(event, GW_STR(HTTP));
}

/* Everything is copied: the object outlives the tree. */
static struct gw_object *make_object(struct eg_str space, const struct body *body) {
    struct gw_object *object = gw_object_create(GW_SUBSCRIPTION, space, (struct eg_str){0});
    struct gw_subscription *s = &object->as.subscription;
    s->is_sync = is_http(body->event);
    s->type = s->is_sync ? GW_STR("sync") : GW_STR("async");
    s->event_type = s->is_sync ? GW_STR(HTTP_TYPE) : gw_arena_dup(&object->arena, body->event);
    s->function_id = gw_arena_dup(&object->arena, body->function_id);
    s->path = gw_subscription_path(&object->arena, gw_arena_dup(&object->arena, body->path));
    s->method = gw_subscription_method(&object->arena, body->method);
    if (s->method.len == 0 && !s->is_sync) {
        s->method = GW_STR("POST");
    }
    return object;
}

static int32_t check(const struct body *body, const struct gw_subscription *made,
                     struct gw_refusal *ret_refusal) {
    struct gw_bytes lines;
    gw_bytes_init(&lines, 0);
    if (body->event.len == 0) {
        gw_validation_line(&lines, "Subscription", "Event", "required");
    } else if (!gw_is_space_name(body->event)) {
        gw_validation_line(&lines, "Subscription", "Event", "eventType");
    }
    if (body->function_id.len == 0) {
        gw_validation_line(&lines, "Subscription", "FunctionID", "required");
    }
    if (made->method.len > 0 && !gw_is_method(made->method)) {
        gw_validation_line(&lines, "Subscription", "Method", GW_METHOD_TAG);
    }
    if (lines.len == 0 && made->method.len == 0) {
        gw_bytes_add_c(&lines, "Missing required fields (method, path) for HTTP event.");
    }
    const int32_t rc = lines.len == 0 ? EG_OK
                                      : gw_v2017_refuse_invalid(ret_refusal, GW_SUBSCRIPTION,
                                                                gw_bytes_str(&lines));
    gw_bytes_free(&lines);
    return rc;
}

int32_t gw_v2017_subscription_read(struct eg_str space, struct eg_str body,
                                   struct gw_object **ret_object, struct gw_refusal *ret_refusal) {
    struct body read = {.id = {0}};
    struct eg_json *root = NULL;
    struct gw_object *object = NULL;
    struct eg_why why = {.struct_size = sizeof why};
    int32_t rc = gw_json_parse(body, true, &root, &why);
    if (rc == EG_OK) {
        rc = read_fields(root, &read, &why);
    }
    if (rc < 0) {
        rc = gw_v2017_refuse_malformed(ret_refusal, gw_why_str(&why));
        goto out;
    }
    object = make_object(space, &read);
    rc = check(&read, &object->as.subscription, ret_refusal);
    if (rc < 0) {
        goto out;
    }
    object->id = gw_subscription_id(&object->arena, &object->as.subscription);
    *ret_object = object;
    object = NULL;
out:
    gw_object_unref(object);
    gw_json_free(root);
    return rc;
}

struct gw_object *gw_v2017_event_type(const struct gw_object *subscription) {
    return gw_object_create(GW_EVENTTYPE, subscription->space,
                            subscription->as.subscription.event_type);
}

/* ---- writing ---- */

/* An event `http` is the other kind, so async subscriptions to a type of this name are not known
 * either. */
bool gw_v2017_subscription_is_known(const struct gw_object *subscription) {
    const struct gw_subscription *s = &subscription->as.subscription;
    return s->is_sync ? gw_str_eq(s->event_type, GW_STR(HTTP_TYPE)) : !is_http(s->event_type);
}

static struct eg_str event_of(const struct gw_subscription *s) {
    return s->is_sync ? GW_STR(HTTP) : s->event_type;
}

static bool has_method_and_path(const struct gw_subscription *s) {
    return s->is_sync || !gw_str_eq(s->method, GW_STR("POST")) || !gw_str_eq(s->path, GW_STR("/"));
}

struct eg_str gw_v2017_subscription_id(struct gw_arena *arena,
                                       const struct gw_object *subscription) {
    const struct gw_subscription *s = &subscription->as.subscription;
    struct gw_bytes id;
    gw_bytes_init_arena(&id, arena, ID_ROOM);
    gw_bytes_add(&id, event_of(s));
    gw_bytes_add_char(&id, '-');
    if (has_method_and_path(s)) {
        gw_bytes_add(&id, s->method);
        gw_bytes_add_char(&id, '-');
        gw_percent_encode_segment(&id, s->path);
    } else {
        gw_bytes_add(&id, s->function_id);
    }
    return gw_bytes_str(&id);
}

static void add_field(struct gw_bytes *out, bool *is_first, const char *name, struct eg_str text) {
    gw_jw_name(out, is_first, name);
    gw_jw_string(out, text);
}

void gw_v2017_subscription_write(struct gw_bytes *out, const struct gw_object *subscription) {
    const struct gw_subscription *s = &subscription->as.subscription;
    struct gw_arena arena;
    bool is_first = true;
    gw_arena_init(&arena, 2 * ID_ROOM);
    gw_bytes_add_char(out, '{');
    add_field(out, &is_first, "subscriptionId", gw_v2017_subscription_id(&arena, subscription));
    add_field(out, &is_first, "event", event_of(s));
    add_field(out, &is_first, "functionId", s->function_id);
    if (has_method_and_path(s)) {
        add_field(out, &is_first, "method", s->method);
        add_field(out, &is_first, "path", s->path);
    }
    gw_bytes_add_char(out, '}');
    gw_arena_free(&arena);
}

/* ---- looking for one ---- */

static struct eg_str decoded(struct gw_arena *arena, struct eg_str raw) {
    struct gw_bytes text;
    gw_bytes_init_arena(&text, arena, raw.len + 1);
    return gw_percent_decode(&text, raw, false) < 0 ? raw : gw_bytes_str(&text);
}

static bool has_slash(struct eg_str s) {
    return gw_str_find(s, '/') < s.len;
}

struct gw_v2017_name gw_v2017_name(struct gw_arena *arena, struct eg_str raw) {
    return (struct gw_v2017_name){.raw = raw, .decoded = decoded(arena, raw)};
}

bool gw_v2017_name_trim(struct gw_arena *arena, struct gw_v2017_name *name) {
    struct eg_str rest = name->raw;
    while (rest.len > 0 && rest.ptr[rest.len - 1] == '/') {
        rest.len--;
    }
    if (rest.len == 0 || rest.len == name->raw.len || has_slash(rest)) {
        return false;
    }
    *name = gw_v2017_name(arena, rest);
    return true;
}

struct eg_str gw_v2017_name_shown(const struct gw_v2017_name *name) {
    return has_slash(name->decoded) ? name->raw : name->decoded;
}

/* How well does the name fit the id? 0: not at all. A slash in the name means that somebody has
 * decoded it once already; to decode the rest of it again could name another path. */
static unsigned fit(struct gw_arena *arena, struct eg_str id, const struct gw_v2017_name *name) {
    if (has_slash(name->raw)) {
        return gw_str_eq(decoded(arena, id), name->raw) ? 1 : 0;
    }
    if (gw_str_eq(id, name->raw)) {
        return 3;
    }
    if (gw_str_eq(id, name->decoded)) {
        return 2;
    }
    return gw_str_eq(decoded(arena, id), name->decoded) ? 1 : 0;
}

struct gw_object *gw_v2017_subscription_find(struct gw_object *const *subscriptions, size_t count,
                                             const struct gw_v2017_name *name) {
    struct gw_object *best = NULL;
    unsigned best_fit = 0;
    struct gw_arena arena;
    gw_arena_init(&arena, 4 * ID_ROOM);
    for (size_t i = 0; i < count; i++) {
        if (!gw_v2017_subscription_is_known(subscriptions[i])) {
            continue;
        }
        gw_arena_reset(&arena);
        const struct eg_str id = gw_v2017_subscription_id(&arena, subscriptions[i]);
        const unsigned this_fit = fit(&arena, id, name);
        if (this_fit > best_fit) {
            best = subscriptions[i];
            best_fit = this_fit;
        }
    }
    gw_arena_free(&arena);
    return best;
}
