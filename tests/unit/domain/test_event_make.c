/* domain/event_make.c: events of the gateway, their parameters, questions of plugins. */
#include "event_fixture.h"

static struct gw_path_params params_of(const char *name, const char *value) {
    struct gw_path_params params = {.count = 1};
    params.items[0] = (struct eg_kv){gw_str_c(name), gw_str_c(value)};
    return params;
}

static void parameters_are_spliced_into_an_http_request(void) {
    fx_begin();
    struct eg_event *event = fx_event("/users/4%2F2", "");
    (void)gw_event_json(event, EG_CE_0_1);
    struct gw_path_params params = params_of("id", "4%2F2");
    gw_event_set_params(event, &params);
    CU_ASSERT_TRUE(fx_has(gw_event_json(event, EG_CE_0_1),
                          "\"method\":\"POST\",\"params\":{\"id\":\"4%2F2\"}}}"));
    params = params_of("i\"", "x");
    gw_event_set_params(event, &params);
    CU_ASSERT_TRUE(fx_has(gw_event_json(event, EG_CE_0_1), "\"params\":{\"i\\\"\":\"x\"}}}"));
    params.count = 0;
    gw_event_set_params(event, &params);
    CU_ASSERT_TRUE(fx_has(gw_event_json(event, EG_CE_0_1), "\"params\":{}}}"));
    params.is_null = true;
    gw_event_set_params(event, &params);
    CU_ASSERT_TRUE(fx_has(gw_event_json(event, EG_CE_0_1), "\"params\":null}}"));
    fx_end();
}

static void parameters_of_any_length_find_room(void) {
    static char value[20000];
    memset(value, 'x', sizeof value - 1);
    fx_begin();
    struct eg_event *event = fx_event("/h", "");
    const struct gw_path_params params = params_of("rest", value);
    gw_event_set_params(event, &params);
    CU_ASSERT_TRUE(gw_str_ends(event->data_json, GW_STR("xxx\"}}")));
    fx_end();
}

static void a_made_event_has_what_the_seed_says(void) {
    fx_begin();
    struct eg_event *event = gw_event_make(&fx.arena, &fx.seed, GW_STR("eventgateway.x"),
                                           GW_STR("application/json"), GW_STR("{\"a\":1}"));
    ASSERT_STR(gw_event_json(event, EG_CE_AS_RECEIVED),
               "{\"eventType\":\"eventgateway.x\",\"cloudEventsVersion\":\"0.1\","
               "\"source\":\"https://serverless.com/event-gateway/#transformationVersion=0.1\","
               "\"eventID\":\"11111111-2222-4333-8444-555555555555\","
               "\"eventTime\":\"2018-05-01T12:00:00.5Z\",\"extensions\":{\"eventgateway\":"
               "{\"transformed\":\"true\",\"transformation-version\":\"0.1\"}},"
               "\"contentType\":\"application/json\",\"data\":{\"a\":1}}");
    fx_end();
}

static void plugins_ask_by_the_names_of_1_0(void) {
    fx_begin();
    struct eg_event *event =
        fx_read("{\"eventType\":\"t\",\"eventTypeVersion\":\"v\",\"cloudEventsVersion\":\"0.1\","
                "\"source\":\"/s\",\"eventID\":\"i\",\"eventTime\":\"2018-01-01T00:00:00Z\","
                "\"schemaURL\":\"u\",\"contentType\":\"c\"}");
    static const char *const rows[][2] = {
        {"type", "t"},
        {"eventtypeversion", "v"},
        {"specversion", "0.1"},
        {"source", "/s"},
        {"id", "i"},
        {"time", "2018-01-01T00:00:00Z"},
        {"dataschema", "u"},
        {"datacontenttype", "c"},
        {"subject", ""},
        {"nonsense", ""},
        {"", ""},
        {"Type", ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        ASSERT_STR(gw_event_attribute(event, gw_str_c(rows[i][0])), rows[i][1]);
    }
    fx_end();
}

UNIT_MAIN(UNIT(parameters_are_spliced_into_an_http_request),
          UNIT(parameters_of_any_length_find_room), UNIT(a_made_event_has_what_the_seed_says),
          UNIT(plugins_ask_by_the_names_of_1_0))
