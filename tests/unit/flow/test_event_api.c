/* Unit tests of flow/event_api.c: the event as plugins see it. */
#include "rig.h"

static struct gw_arena arena;
static const struct eg_event_api *api;

static struct eg_event *read_event(const char *json) {
    struct eg_event *event = NULL;
    struct eg_why why = {.struct_size = sizeof why};
    api = gw_flow_event_api();
    gw_arena_init(&arena, 512);
    CU_ASSERT_EQUAL_FATAL(gw_event_read(&arena, gw_str_c(json), GW_JSON_DEPTH, &event, &why), 0);
    return event;
}

#define BASE                                                                                       \
    "\"eventType\":\"e\",\"cloudEventsVersion\":\"0.1\",\"source\":\"/x\",\"eventID\":\"1\""

static void attributes_go_by_their_names_of_version_1(void) {
    struct eg_event *e = read_event("{" BASE ",\"contentType\":\"text/x\"}");
    ASSERT_STR(api->attribute(e, GW_STR("type")), "e");
    ASSERT_STR(api->attribute(e, GW_STR("datacontenttype")), "text/x");
    ASSERT_STR(api->attribute(e, GW_STR("subject")), "");
    ASSERT_STR(api->attribute(e, GW_STR("nonsense")), "");
    gw_arena_free(&arena);
}

static void extensions_are_set_changed_and_removed(void) {
    struct eg_event *e = read_event("{" BASE ",\"extensions\":{\"a\":1,\"its own\":2}}");
    char value[] = "  {\"b\": [1]} ";
    ASSERT_STR(api->extension(e, GW_STR("a")), "1");
    CU_ASSERT_EQUAL(api->set_extension(e, GW_STR("n"), gw_str_c(value)), EG_OK);
    memset(value, 'x', sizeof value); /* it was copied */
    ASSERT_STR(api->extension(e, GW_STR("n")), "{\"b\": [1]}");
    CU_ASSERT_EQUAL(api->set_extension(e, GW_STR("a"), GW_STR("")), EG_OK);
    CU_ASSERT_EQUAL(api->set_extension(e, GW_STR("never-there"), GW_STR("")), EG_OK);
    CU_ASSERT_EQUAL(api->set_extension(e, GW_STR("its own"), GW_STR("")), EG_OK);
    ASSERT_STR(api->extension(e, GW_STR("a")), "");
    ASSERT_STR(api->extension(e, GW_STR("its own")), "");
    CU_ASSERT_TRUE(rig_has(gw_arena_dup(&arena, api->json(e, EG_CE_0_1)).ptr,
                           "\"extensions\":{\"n\":{\"b\": [1]}}"));
    gw_arena_free(&arena);
}

/* 65 characters */
#define TOO_LONG "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0"

static void bad_names_and_values_of_extensions_are_refused(void) {
    static const char *const names[] = {"", "a b", "a\"", "caf\xc3\xa9", TOO_LONG};
    static const char *const values[] = {"{", "x", "1 2", "\"\xff\"", "[1,]"};
    struct eg_event *e = read_event("{" BASE "}");
    for (size_t i = 0; i < GW_COUNT(names); i++) {
        CU_ASSERT_EQUAL(api->set_extension(e, gw_str_c(names[i]), GW_STR("1")), EG_E_SYNTAX);
    }
    for (size_t i = 0; i < GW_COUNT(values); i++) {
        CU_ASSERT_EQUAL(api->set_extension(e, GW_STR("a"), gw_str_c(values[i])), EG_E_SYNTAX);
    }
    ASSERT_STR(api->extension(e, GW_STR("a")), "");
    gw_arena_free(&arena);
}

static void data_is_json_text_or_base64(void) {
    uint32_t is_base64 = 7;
    struct eg_event *e = read_event("{" BASE ",\"data\":{\"x\":[1]}}");
    ASSERT_STR(api->data(e, &is_base64), "{\"x\":[1]}");
    CU_ASSERT_EQUAL(is_base64, 0);
    gw_arena_free(&arena);
    e = read_event("{" BASE "}");
    ASSERT_STR(api->data(e, NULL), "null");
    gw_arena_free(&arena);
    e = read_event("{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"/x\",\"type\":\"e\","
                   "\"data_base64\":\"AAE=\"}");
    ASSERT_STR(api->data(e, &is_base64), "AAE=");
    CU_ASSERT_EQUAL(is_base64, 1);
    gw_arena_free(&arena);
}

static void json_is_written_in_any_version(void) {
    struct eg_event *e = read_event("{" BASE "}");
    const struct eg_str received = api->json(e, EG_CE_AS_RECEIVED);
    CU_ASSERT_TRUE(gw_str_eq(received, api->json(e, EG_CE_0_1)));
    CU_ASSERT_TRUE(gw_str_eq(received, api->json(e, 4711))); /* unknown: as received */
    CU_ASSERT_TRUE(
        rig_has(gw_arena_dup(&arena, api->json(e, EG_CE_1_0)).ptr, "\"specversion\":\"1.0\""));
    gw_arena_free(&arena);
}

UNIT_MAIN(UNIT(attributes_go_by_their_names_of_version_1),
          UNIT(extensions_are_set_changed_and_removed),
          UNIT(bad_names_and_values_of_extensions_are_refused), UNIT(data_is_json_text_or_base64),
          UNIT(json_is_written_in_any_version))
