/*
 * domain/event_http.c - which of the ways to write an event a request uses (chapter 5.2), and the
 * two ways that are the gateway's own: legacy (`Event` header) and raw (http.request).
 *
 * First match wins: batch and structured by media type; binary by `ce-specversion` or the four
 * headers of 0.1; legacy; raw. A request that says ce-specversion means to be an event: what it
 * lacks is told, while an incomplete 0.1 set of headers is a raw request as it always was.
 * One thread; everything in the request's arena, the body is borrowed.
 */
#include "base/check.h"
#include "base/codec.h"
#include "base/jwrite.h"
#include "domain/event_internal.h"
#include "domain/media_type.h"

#define OCTETS GW_STR("application/octet-stream")
#define JSON GW_STR("application/json")

/* ---- one pass over the headers ---- */

static const struct eg_str required_0_1[] = {
    {"eventtype", 9}, {"cloudeventsversion", 18}, {"source", 6}, {"eventid", 7}};

static void see_ce(struct gw_event_headers *found, const struct eg_kv *header, unsigned *seen) {
    const struct eg_str name = gw_str_cut(header->name, 3);
    if (header->value.len == 0) {
        return;
    }
    if (gw_str_eq_nocase(name, GW_STR("specversion"))) {
        found->spec_version = found->spec_version.len > 0 ? found->spec_version : header->value;
        return;
    }
    for (unsigned i = 0; i < GW_COUNT(required_0_1); i++) {
        if (gw_str_eq_nocase(name, required_0_1[i])) {
            *seen |= 1u << i;
        }
    }
}

static void keep_first(struct eg_str *slot, struct eg_str value) {
    if (slot->ptr == NULL) {
        *slot = value;
    }
}

static struct gw_event_headers look(const struct gw_event_request *request) {
    struct gw_event_headers found = {0};
    unsigned seen = 0;
    for (size_t i = 0; i < request->header_count; i++) {
        const struct eg_kv *header = &request->headers[i];
        const char c = header->name.len == 0 ? '\0' : (char)(*header->name.ptr | 0x20);
        if (c == 'c' && gw_str_starts_nocase(header->name, GW_STR("ce-"))) {
            see_ce(&found, header, &seen);
        } else if (c == 'c' && gw_str_eq_nocase(header->name, GW_STR("content-type"))) {
            keep_first(&found.content_type, header->value);
        } else if (c == 'e' && gw_str_eq_nocase(header->name, GW_STR("event"))) {
            keep_first(&found.event, header->value);
        }
    }
    found.has_01 = seen == (1u << GW_COUNT(required_0_1)) - 1;
    return found;
}

/* ---- the gateway's own ---- */

static int32_t read_legacy(struct gw_arena *arena, const struct gw_event_request *request,
                           const struct gw_event_seed *seed, const struct gw_event_headers *found,
                           struct eg_str media_type, struct eg_event **ret_event,
                           struct eg_why *ret_why) {
    struct gw_event_body body = {0};
    /* A valid CloudEvent in plain JSON is that event; the Event header is then ignored. */
    if (gw_str_eq(media_type, JSON) &&
        gw_event_read(arena, request->body, seed->json_depth, ret_event, NULL) == EG_OK) {
        gw_event_clean_authorization(*ret_event);
        return EG_OK;
    }
    if (gw_event_body(arena, media_type, request->body, seed->json_depth,
                      seed->version == EG_CE_1_0, &body) < 0) {
        return gw_event_refuse_depth(seed->json_depth, ret_why);
    }
    struct eg_event *event = gw_event_new(arena, seed, found->event, media_type);
    event->data_json = body.json;
    event->data_base64 = body.base64;
    *ret_event = event;
    return EG_OK;
}

static int32_t read_raw(struct gw_arena *arena, const struct gw_event_request *request,
                        const struct gw_event_seed *seed, struct eg_str media_type,
                        struct eg_event **ret_event, struct eg_why *ret_why) {
    struct gw_event_body body = {0};
    if (gw_event_body(arena, media_type, request->body, seed->json_depth, false, &body) < 0) {
        return gw_event_refuse_depth(seed->json_depth, ret_why);
    }
    struct eg_event *event = gw_event_new(arena, seed, GW_STR("http.request"), JSON);
    struct gw_bytes data;
    gw_bytes_init_arena(&data, arena, gw_event_request_room(request, &body));
    gw_event_write_request_open(arena, &data, request, &body);
    event->has_params_slot = true;
    event->params_at = data.len;
    gw_bytes_add(&data, GW_STR("null}"));
    event->data_json = gw_bytes_str(&data);
    event->data_room = data.room;
    *ret_event = event;
    return EG_OK;
}

/* ---- the choice ---- */

static int32_t read_one(struct gw_arena *arena, const struct gw_event_request *request,
                        const struct gw_event_seed *seed, const struct gw_event_headers *found,
                        struct eg_str media_type, struct eg_event **ret_event,
                        struct eg_why *ret_why) {
    int32_t rc;
    if (gw_str_eq(media_type, GW_STR("application/cloudevents+json"))) {
        rc = gw_event_read(arena, request->body, seed->json_depth, ret_event, ret_why);
    } else if (found->spec_version.len > 0 || found->has_01) {
        rc = gw_event_read_binary(arena, request, found, media_type, seed->json_depth, ret_event,
                                  ret_why);
    } else if (found->event.len > 0) {
        return read_legacy(arena, request, seed, found, media_type, ret_event, ret_why);
    } else {
        return read_raw(arena, request, seed, media_type, ret_event, ret_why);
    }
    if (rc == EG_OK) {
        gw_event_clean_authorization(*ret_event);
    }
    return rc;
}

static int32_t read_batch(struct gw_arena *arena, const struct gw_event_request *request,
                          const struct gw_event_seed *seed, struct eg_event ***ret_events,
                          size_t *ret_count, struct eg_why *ret_why) {
    const int32_t rc =
        gw_event_read_batch(arena, request->body, seed->json_depth, ret_events, ret_count, ret_why);
    for (size_t i = 0; rc == EG_OK && i < *ret_count; i++) {
        gw_event_clean_authorization((*ret_events)[i]);
    }
    return rc;
}

int32_t gw_events_from_request(struct gw_arena *arena, const struct gw_event_request *request,
                               const struct gw_event_seed *seed, struct eg_event ***ret_events,
                               size_t *ret_count, bool *ret_is_batch, struct eg_why *ret_why) {
    const struct gw_event_headers found = look(request);
    struct eg_str media_type = OCTETS;
    if (gw_str_trim(found.content_type).len > 0 &&
        gw_media_type_parse(arena, found.content_type, &media_type, ret_why) < 0) {
        return EG_E_INVAL;
    }
    if (gw_str_eq(media_type, GW_STR("application/cloudevents-batch+json"))) {
        *ret_is_batch = true;
        return read_batch(arena, request, seed, ret_events, ret_count, ret_why);
    }
    *ret_is_batch = false;
    struct eg_event *event = NULL;
    const int32_t rc = read_one(arena, request, seed, &found, media_type, &event, ret_why);
    if (rc < 0) {
        return rc;
    }
    *ret_events = gw_arena_alloc(arena, sizeof(struct eg_event *));
    (*ret_events)[0] = event;
    *ret_count = 1;
    return EG_OK;
}
