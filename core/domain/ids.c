/*
 * domain/ids.c - the identifiers that are made of an object's fields (compatibility chapters 4.3
 * and 4.4). Two objects with the same fields are the same object, so ids are also the check for
 * duplicates. Pure; results live in the caller's arena.
 */
#include "base/codec.h"
#include "base/slice.h"
#include "domain/object.h"

#define FIRST_ROOM 128u

struct eg_str gw_subscription_id(struct gw_arena *arena,
                                 const struct gw_subscription *subscription) {
    struct gw_bytes plain;
    gw_bytes_init_arena(&plain, arena, FIRST_ROOM);
    gw_bytes_add(&plain, subscription->type);
    gw_bytes_add_char(&plain, ',');
    gw_bytes_add(&plain, subscription->event_type);
    gw_bytes_add_char(&plain, ',');
    if (!subscription->is_sync) {
        /* A sync subscriber is the only one of its path, whatever function it calls. */
        gw_bytes_add(&plain, subscription->function_id);
        gw_bytes_add_char(&plain, ',');
    }
    gw_percent_encode_segment(&plain, subscription->path);
    gw_bytes_add_char(&plain, ',');
    gw_bytes_add(&plain, subscription->method);
    struct gw_bytes id;
    gw_bytes_init_arena(&id, arena, FIRST_ROOM);
    gw_base64url_encode(&id, gw_bytes_str(&plain));
    return gw_bytes_str(&id);
}

struct eg_str gw_cors_id(struct gw_arena *arena, struct eg_str method, struct eg_str path) {
    struct gw_bytes id;
    gw_bytes_init_arena(&id, arena, FIRST_ROOM);
    gw_bytes_add(&id, method);
    gw_percent_encode_segment(&id, path);
    return gw_bytes_str(&id);
}

/* Decoded once; as it is when it holds a bad escape. */
static struct eg_str decoded(struct gw_arena *arena, struct eg_str raw) {
    struct gw_bytes text;
    gw_bytes_init_arena(&text, arena, FIRST_ROOM);
    return gw_percent_decode(&text, raw, false) < 0 ? raw : gw_bytes_str(&text);
}

struct eg_str gw_cors_id_from_url(struct gw_arena *arena, struct eg_str raw) {
    const struct eg_str once = decoded(arena, raw);
    size_t method_len = gw_str_find(once, '/');
    if (method_len < once.len) {
        return gw_cors_id(arena, gw_str_sub(once, 0, method_len), gw_str_cut(once, method_len));
    }
    /* No path in it: either the client escaped the id a second time, or it is none of ours. */
    const struct eg_str twice = decoded(arena, once);
    method_len = gw_str_find(twice, '/');
    if (method_len < twice.len) {
        return gw_cors_id(arena, gw_str_sub(twice, 0, method_len), gw_str_cut(twice, method_len));
    }
    return once;
}
