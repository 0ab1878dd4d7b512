/* domain/sysevent.c: data of the four system events (SE-*, Q13). */
#include "domain/sysevent.h"
#include "event_fixture.h"

#define CE                                                                                         \
    "{\"eventType\":\"e\",\"cloudEventsVersion\":\"0.1\",\"source\":\"/\",\"eventID\":\"1\","      \
    "\"data\":null}"

static struct eg_str data_of(enum gw_sysevent which, struct gw_sysevent_data data) {
    data.event = fx_read(CE);
    struct eg_event *event = gw_sysevent_make(&fx.arena, &fx.seed, which, &data);
    ASSERT_STR(event->type, gw_sysevent_types[which]);
    ASSERT_STR(event->content_type, "application/json");
    CU_ASSERT_TRUE(fx_has(gw_event_json(event, EG_CE_0_1), "\"transformed\":\"true\""));
    return event->data_json;
}

static void received_tells_path_event_and_headers(void) {
    fx_begin();
    fx_header("x-a", "1");
    fx_header("Host", "h");
    fx_header("X-A", "2");
    ASSERT_STR(data_of(GW_SYS_RECEIVED, (struct gw_sysevent_data){.path = GW_STR("/a\""),
                                                                  .headers = fx.headers,
                                                                  .header_count = 3}),
               "{\"path\":\"/a\\\"\",\"event\":" CE ",\"headers\":{\"X-A\":\"1, 2\"}}");
    fx_end();
}

static void the_other_three_tell_the_function(void) {
    fx_begin();
    const struct gw_sysevent_data data = {.space = GW_STR("default"),
                                          .function_id = GW_STR("f"),
                                          .result = GW_STR("{\"a\":1}"),
                                          .error = GW_STR("timed \"out\"")};
#define BEGIN "{\"space\":\"default\",\"functionId\":\"f\",\"event\":" CE
    ASSERT_STR(data_of(GW_SYS_INVOKING, data), BEGIN "}");
    ASSERT_STR(data_of(GW_SYS_INVOKED, data), BEGIN ",\"result\":\"eyJhIjoxfQ==\"}");
    ASSERT_STR(data_of(GW_SYS_FAILED, data),
               BEGIN ",\"error\":{\"message\":\"timed \\\"out\\\"\"}}");
    fx_end();
}

static void types_are_told_from_others(void) {
    CU_ASSERT_EQUAL(gw_sysevent_of(GW_STR("eventgateway.event.received")), GW_SYS_RECEIVED);
    CU_ASSERT_EQUAL(gw_sysevent_of(GW_STR("eventgateway.function.invocationFailed")),
                    GW_SYS_FAILED);
    CU_ASSERT_EQUAL(gw_sysevent_of(GW_STR("eventgateway.event")), GW_SYS_EVENTS);
    CU_ASSERT_EQUAL(gw_sysevent_of((struct eg_str){0}), GW_SYS_EVENTS);
}

UNIT_MAIN(UNIT(received_tells_path_event_and_headers), UNIT(the_other_three_tell_the_function),
          UNIT(types_are_told_from_others))
