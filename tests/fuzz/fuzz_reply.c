/*
 * fuzz_reply.c - whatever a function answers: the reply has a status a client can be sent, headers
 * that are headers and none of the gateway's own, and an authorizer's answer either refuses or is
 * an object with a principal.
 */
#include "base/check.h"
#include "base/jscan.h"
#include "base/slice.h"
#include "domain/reply.h"

#define DEPTH 24u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_header(const struct eg_kv *header) {
    GW_ASSERT(gw_is_token(header->name));
    GW_ASSERT(gw_is_field_value(header->value));
    GW_ASSERT(!gw_str_eq_nocase(header->name, GW_STR("content-length")));
    GW_ASSERT(!gw_str_eq_nocase(header->name, GW_STR("transfer-encoding")));
    GW_ASSERT(!gw_str_eq_nocase(header->name, GW_STR("connection")));
}

static void check_reply(struct gw_arena *arena, struct eg_str answer) {
    struct gw_reply reply = {0};
    struct eg_why why = {0};
    if (gw_reply_map(arena, answer, DEPTH, &reply, &why) < 0) {
        GW_ASSERT(why.len > 0 && reply.status == 0);
        return;
    }
    GW_ASSERT(reply.status >= 200 && reply.status <= 999);
    for (size_t i = 0; i < reply.header_count; i++) {
        check_header(&reply.headers[i]);
    }
    GW_ASSERT(gw_sniff(reply.body).len > 0);
}

static void check_authorizer(struct gw_arena *arena, struct eg_str answer) {
    struct eg_str json = {0};
    struct eg_why why = {0};
    if (gw_authorizer_map(arena, answer, DEPTH, &json, &why) < 0) {
        GW_ASSERT(why.len > 0 && json.len == 0);
        return;
    }
    struct gw_jval value;
    GW_ASSERT(gw_json_check(json, DEPTH, &value, NULL) == EG_OK && value.type == GW_J_OBJECT);
    GW_ASSERT(gw_str_starts(json, GW_STR("{\"principalId\":\"")));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const struct eg_str answer = gw_str((const char *)data, size);
    struct gw_arena arena;
    gw_arena_init(&arena, 1024);
    check_reply(&arena, answer);
    check_authorizer(&arena, answer);
    GW_ASSERT(gw_sniff(answer).len > 0);
    gw_arena_free(&arena);
    return 0;
}
