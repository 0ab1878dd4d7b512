/*
 * domain/event_extension.c - the extensions of an event: a short list in order of appearance.
 *
 * `eventgateway` is the gateway's own: an object with `transformed`, `transformation-version` and
 * `authorization`. A client must not be able to forge the last (Q11), in no spelling that a
 * conversion to another version would turn into it; so cleaning compares names in the flat form of
 * 0.2 and later, lower-case letters and digits only.
 */
#include "base/bytes.h"
#include "base/jwrite.h"
#include "domain/event_internal.h"

#define OWN GW_STR("eventgateway")
#define AUTHORIZATION GW_STR("authorization")
#define OWN_AUTHORIZATION GW_STR("eventgatewayauthorization")

void gw_event_changed(struct eg_event *event) {
    memset(event->written, 0, sizeof event->written);
}

/* The place that points to the extension, or to the end of the list. */
static struct gw_extension **slot_of(struct eg_event *event, struct eg_str name, size_t *ret_at) {
    struct gw_extension **slot = &event->extensions;
    size_t at = 0;
    while (*slot != NULL && !gw_str_eq((*slot)->name, name)) {
        slot = &(*slot)->next;
        at++;
    }
    *ret_at = at;
    return slot;
}

int32_t gw_extension_put(struct eg_event *event, struct eg_str name, struct eg_str json) {
    size_t at = 0;
    struct gw_extension **slot = slot_of(event, name, &at);
    if (*slot == NULL) {
        if (at >= GW_MAX_EXTENSIONS) {
            return EG_E_TOOBIG;
        }
        *slot = gw_arena_zalloc(event->arena, sizeof **slot);
        (*slot)->name = name;
    }
    (*slot)->json = json;
    return EG_OK;
}

struct eg_str gw_event_extension(const struct eg_event *event, struct eg_str name) {
    for (const struct gw_extension *e = event->extensions; e != NULL; e = e->next) {
        if (gw_str_eq(e->name, name)) {
            return e->json;
        }
    }
    return (struct eg_str){0};
}

void gw_event_set_extension(struct eg_event *event, struct eg_str name, struct eg_str json) {
    size_t at = 0;
    struct gw_extension **slot = slot_of(event, name, &at);
    gw_event_changed(event);
    if (json.len == 0) {
        *slot = *slot == NULL ? NULL : (*slot)->next;
        return;
    }
    if (*slot == NULL) {
        *slot = gw_arena_zalloc(event->arena, sizeof **slot);
        (*slot)->name = gw_arena_dup(event->arena, name);
    }
    (*slot)->json = gw_arena_dup(event->arena, json);
}

static bool is_flat_char(char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

struct eg_str gw_extension_flat_name(struct gw_arena *arena, struct eg_str name) {
    size_t n = 0;
    while (n < name.len && is_flat_char(name.ptr[n])) {
        n++;
    }
    if (n == name.len) {
        return name;
    }
    char *flat = gw_arena_alloc(arena, name.len);
    size_t len = 0;
    for (size_t i = 0; i < name.len; i++) {
        const char c = gw_lower(name.ptr[i]);
        if (is_flat_char(c)) {
            flat[len++] = c;
        }
    }
    return gw_str(flat, len);
}

/* ---- authorization ---- */

/* The members of the object `own` but the authorization, as `"a":1,"b":2` appended to out. Members
 * past GW_MAX_OWN_MEMBERS are nobody's and dropped. */
static void copy_own(struct eg_event *event, struct gw_bytes *out, struct eg_str own) {
    const struct gw_jval object = {.type = GW_J_OBJECT, .raw = own};
    size_t cursor = 0;
    struct eg_str raw_name;
    struct gw_jval value;
    bool is_first = true;
    for (size_t n = 0; n < GW_MAX_OWN_MEMBERS && gw_jobj_next(object, &cursor, &raw_name, &value);
         n++) {
        const struct eg_str name = gw_jstr_decode(event->arena, raw_name);
        if (gw_str_eq(gw_extension_flat_name(event->arena, name), AUTHORIZATION)) {
            continue;
        }
        gw_bytes_add_c(out, is_first ? "\"" : ",\"");
        gw_bytes_add(out, raw_name);
        gw_bytes_add(out, GW_STR("\":"));
        gw_bytes_add(out, value.raw);
        is_first = false;
    }
}

static bool is_object(struct eg_str json) {
    return json.len > 0 && *json.ptr == '{';
}

/* The extension without what only the gateway may say; NULL when nothing of it may stay. */
static struct gw_extension *cleaned(struct eg_event *event, struct gw_extension *e) {
    const struct eg_str flat = gw_extension_flat_name(event->arena, e->name);
    if (gw_str_eq(flat, OWN_AUTHORIZATION)) {
        return NULL;
    }
    if (!gw_str_eq(flat, OWN)) {
        return e;
    }
    if (!gw_str_eq(e->name, OWN) || !is_object(e->json)) {
        return NULL;
    }
    struct gw_bytes out;
    gw_bytes_init_arena(&out, event->arena, e->json.len + 2);
    gw_bytes_add_char(&out, '{');
    copy_own(event, &out, e->json);
    gw_bytes_add_char(&out, '}');
    e->json = gw_bytes_str(&out);
    gw_event_changed(event);
    return e->json.len > 2 ? e : NULL;
}

void gw_event_clean_authorization(struct eg_event *event) {
    struct gw_extension **slot = &event->extensions;
    while (*slot != NULL) {
        struct gw_extension *next = (*slot)->next;
        if (cleaned(event, *slot) == NULL) {
            *slot = next;
            gw_event_changed(event);
            continue;
        }
        slot = &(*slot)->next;
    }
}

void gw_event_set_authorization(struct eg_event *event, struct eg_str authorization_json) {
    const struct eg_str own = gw_event_extension(event, OWN);
    struct gw_bytes out;
    gw_bytes_init_arena(&out, event->arena, own.len + authorization_json.len + 32);
    gw_bytes_add_char(&out, '{');
    if (is_object(own)) {
        copy_own(event, &out, own);
    }
    gw_bytes_add_c(&out, out.len > 1 ? ",\"authorization\":" : "\"authorization\":");
    gw_bytes_add(&out, authorization_json);
    gw_bytes_add_char(&out, '}');
    gw_event_changed(event);
    /* Full lists cannot be: one of 256 strangers' extensions would have to leave. */
    size_t at = 0;
    struct gw_extension **slot = slot_of(event, OWN, &at);
    if (*slot == NULL) {
        *slot = gw_arena_zalloc(event->arena, sizeof **slot);
        (*slot)->name = OWN;
    }
    (*slot)->json = gw_bytes_str(&out);
}
