/*
 * fuzz_event.c - requests of strangers become events, and events become JSON.
 *
 * Input: one byte of switches, header lines `name:value` up to an empty line, then the body. Every
 * accepted event has to be JSON in each version; in its own version it has to be accepted again and
 * written the same; parameters and an authorization must not break it. The same request to the API
 * of 2017 is one event in its form, and CloudEvents can be made of that.
 */
#include <stdlib.h>

#include "base/check.h"
#include "base/slice.h"
#include "domain/event.h"

#define MAX_HEADERS 40u
#define DEPTH 24u

struct input {
    struct eg_kv headers[MAX_HEADERS];
    size_t header_count;
    struct eg_str body;
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct input parse(struct eg_str text) {
    struct input in = {.header_count = 0};
    struct eg_str line;
    while (gw_str_next(&text, '\n', &line) && line.len > 0) {
        const size_t colon = gw_str_find(line, ':');
        if (colon < line.len && in.header_count < MAX_HEADERS) {
            in.headers[in.header_count++] = (struct eg_kv){
                gw_str_sub(line, 0, colon), gw_str_trim(gw_str_cut(line, colon + 1))};
        }
    }
    in.body = text;
    return in;
}

static void check_json(struct eg_str json) {
    struct gw_jval value;
    GW_ASSERT(gw_json_check(json, 4 * DEPTH, &value, NULL) == EG_OK);
    GW_ASSERT(value.type == GW_J_OBJECT);
}

static void check_round_trip(struct eg_event *event) {
    const struct eg_str written = gw_event_json(event, EG_CE_AS_RECEIVED);
    struct eg_event *again = NULL;
    GW_ASSERT(gw_event_read(event->arena, written, 4 * DEPTH, &again, NULL) == EG_OK);
    GW_ASSERT(gw_str_eq(gw_event_json(again, EG_CE_AS_RECEIVED), written));
}

static void check_event(struct eg_event *event, struct eg_str text) {
    struct gw_path_params params = {.count = 2};
    params.items[0] = (struct eg_kv){GW_STR("id"), text};
    params.items[1] = (struct eg_kv){text, GW_STR("x")};
    GW_ASSERT(event->type.len > 0);
    for (uint32_t v = EG_CE_0_1; v <= EG_CE_1_0; v++) {
        check_json(gw_event_json(event, v));
    }
    check_round_trip(event);
    gw_event_set_params(event, &params);
    gw_event_set_authorization(event, GW_STR("{\"principalId\":\"u\",\"context\":null}"));
    for (uint32_t v = EG_CE_0_1; v <= EG_CE_1_0; v++) {
        check_json(gw_event_json(event, v));
    }
    gw_event_clean_authorization(event);
    check_json(gw_event_json(event, EG_CE_AS_RECEIVED));
}

static void check_authorizer_payload(const struct gw_event_request *request) {
    struct gw_bytes out;
    gw_bytes_init(&out, 0);
    gw_event_write_request(&out, request, NULL, DEPTH);
    check_json(gw_bytes_str(&out));
    gw_bytes_free(&out);
}

static void check_2017(struct gw_arena *arena, const struct gw_event_request *request,
                       const struct gw_event_seed *seed) {
    struct eg_event *event = NULL;
    struct eg_why why = {.struct_size = sizeof why};
    if (gw_event_from_request_2017(arena, request, seed, &event, &why) < 0) {
        GW_ASSERT(why.len > 0);
        return;
    }
    GW_ASSERT(gw_str_starts(gw_event_json(event, EG_CE_AS_RECEIVED), GW_STR("{\"event\":\"")));
    for (uint32_t v = EG_CE_AS_RECEIVED; v <= EG_CE_1_0; v++) {
        check_json(gw_event_json(event, v));
    }
    (void)gw_event_set_attribute(event, GW_STR("time"), request->path);
    (void)gw_event_set_attribute(event, GW_STR("type"), request->path);
    check_json(gw_event_json(event, EG_CE_AS_RECEIVED));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size == 0) {
        return 0;
    }
    const struct input in = parse(gw_str((const char *)data + 1, size - 1));
    const struct eg_str target = in.header_count > 0 ? in.headers[0].value : GW_STR("/a%20b");
    const struct gw_event_request request = {.method = GW_STR("POST"),
                                             .path = target,
                                             .query = target,
                                             .host = GW_STR("h"),
                                             .headers = in.headers,
                                             .header_count = in.header_count,
                                             .body = in.body};
    struct gw_event_seed seed = {
        .unix_ns = 1, .version = data[0] & 1 ? EG_CE_1_0 : EG_CE_0_1, .json_depth = DEPTH};
    memset(seed.uuid, 'u', sizeof seed.uuid);
    struct gw_arena arena;
    struct eg_event **events = NULL;
    size_t count = 0;
    bool is_batch = false;
    struct eg_why why = {0};
    gw_arena_init(&arena, 4096);
    if (gw_events_from_request(&arena, &request, &seed, &events, &count, &is_batch, &why) == 0) {
        GW_ASSERT(is_batch || count == 1);
        for (size_t i = 0; i < count; i++) {
            check_event(events[i], target);
        }
        check_authorizer_payload(&request);
    } else {
        GW_ASSERT(why.len > 0);
    }
    check_2017(&arena, &request, &seed);
    gw_arena_free(&arena);
    return 0;
}
