/*
 * event_fixture.h - a request in one line for the tests of the event codec. Every test begins with
 * fx_begin and ends with fx_end; what was made lives in between. Bodies are copied to the heap at
 * their exact size, so that the address sanitizer sees each read beyond them.
 */
#ifndef TESTS_EVENT_FIXTURE_H
#define TESTS_EVENT_FIXTURE_H

#include <stdlib.h>

#include "base/slice.h"
#include "domain/event.h"
#include "unit.h"

static struct {
    struct gw_arena arena;
    struct eg_why why;
    struct gw_event_seed seed;
    struct eg_kv headers[32];
    size_t header_count;
    char *body;
    struct eg_event **events;
    size_t count;
    bool is_batch;
} fx;

static inline void fx_begin(void) {
    memset(&fx, 0, sizeof fx);
    gw_arena_init(&fx.arena, 4096);
    memcpy(fx.seed.uuid, "11111111-2222-4333-8444-555555555555", sizeof fx.seed.uuid);
    fx.seed.unix_ns = 1525176000500000000;
    fx.seed.version = EG_CE_0_1;
    fx.seed.json_depth = 128;
}
static inline void fx_end(void) {
    gw_arena_free(&fx.arena);
    free(fx.body);
}
static inline void fx_header(const char *name, const char *value) {
    fx.headers[fx.header_count++] = (struct eg_kv){gw_str_c(name), gw_str_c(value)};
}
static inline struct eg_str fx_copy(const char *bytes, size_t len) {
    free(fx.body);
    fx.body = malloc(len == 0 ? 1 : len);
    if (len > 0) {
        memcpy(fx.body, bytes, len);
    }
    return gw_str(fx.body, len);
}
static inline struct gw_event_request fx_request(const char *target, const char *body,
                                                 size_t body_len) {
    const struct eg_str t = gw_str_c(target);
    const size_t mark = gw_str_find(t, '?');
    return (struct gw_event_request){.method = GW_STR("POST"),
                                     .path = gw_str_sub(t, 0, mark),
                                     .query = gw_str_cut(t, mark < t.len ? mark + 1 : mark),
                                     .host = GW_STR("gw.example:4000"),
                                     .headers = fx.headers,
                                     .header_count = fx.header_count,
                                     .body = fx_copy(body, body_len)};
}
static inline int32_t fx_send(const char *target, const char *body, size_t body_len) {
    const struct gw_event_request request = fx_request(target, body, body_len);
    return gw_events_from_request(&fx.arena, &request, &fx.seed, &fx.events, &fx.count,
                                  &fx.is_batch, &fx.why);
}
/* The one event of a request that has to be accepted, or NULL. */
static inline struct eg_event *fx_event(const char *target, const char *body) {
    const int32_t rc = fx_send(target, body, strlen(body));
    CU_ASSERT_EQUAL(rc, 0);
    if (rc != 0) {
        printf("  refused: %.*s\n", (int)fx.why.len, fx.why.text);
        return NULL;
    }
    CU_ASSERT_EQUAL(fx.count, 1);
    return fx.events[0];
}
/* Its JSON as received. */
static inline struct eg_str fx_json(const char *target, const char *body) {
    struct eg_event *event = fx_event(target, body);
    return event == NULL ? (struct eg_str){0} : gw_event_json(event, EG_CE_AS_RECEIVED);
}
/* A structured event that has to be accepted; its JSON as received. */
static inline struct eg_event *fx_read(const char *json) {
    struct eg_event *event = NULL;
    const int32_t rc = gw_event_read(&fx.arena, fx_copy(json, strlen(json)), 128, &event, &fx.why);
    CU_ASSERT_EQUAL(rc, 0);
    if (rc != 0) {
        printf("  refused: %.*s\n", (int)fx.why.len, fx.why.text);
    }
    return event;
}
/* Why a structured event is refused. */
static inline struct eg_str fx_refusal(const char *json) {
    struct eg_event *event = NULL;
    fx.why.len = 0;
    CU_ASSERT_TRUE(gw_event_read(&fx.arena, fx_copy(json, strlen(json)), 128, &event, &fx.why) < 0);
    return gw_str(fx.why.text, fx.why.len);
}
static inline struct eg_str fx_why(void) {
    return gw_str(fx.why.text, fx.why.len);
}
static inline bool fx_has(struct eg_str text, const char *part) {
    const struct eg_str wanted = gw_str_c(part);
    for (size_t i = 0; i + wanted.len <= text.len; i++) {
        if (memcmp(text.ptr + i, part, wanted.len) == 0) {
            return true;
        }
    }
    printf("  \"%.*s\"\n    lacks \"%s\"\n", (int)text.len, text.len == 0 ? "" : text.ptr, part);
    return false;
}

#endif
