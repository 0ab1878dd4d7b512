/* domain/event_v2017.c and its row of event_versions.c: events of the API of 2017 (O17-21 to 25).
 */
#include "domain/event_internal.h"
#include "event_fixture.h"

#define ID "\"11111111-2222-4333-8444-555555555555\""
#define HEAD(name) "{\"event\":\"" name "\",\"id\":" ID ",\"receivedAt\":1525176000500,\"data\":"

static int32_t send_it(const char *target, struct eg_str body, struct eg_event **ret_event) {
    const struct gw_event_request request = fx_request(target, body.ptr, body.len);
    return gw_event_from_request_2017(&fx.arena, &request, &fx.seed, ret_event, &fx.why);
}

/* A request that has to be accepted; its event. */
static struct eg_event *take(const char *target, struct eg_str body) {
    struct eg_event *event = NULL;
    CU_ASSERT_EQUAL_FATAL(send_it(target, body, &event), EG_OK);
    return event;
}

static struct eg_str written(const char *target, const char *body) {
    return gw_event_json(take(target, gw_str_c(body)), EG_CE_AS_RECEIVED);
}

static void an_event_is_named_by_its_header(void) {
    fx_begin();
    fx_header("event", "user.created");
    fx_header("Event", "second");
    fx_header("Content-Type", "application/json");
    ASSERT_STR(written("/", "{\"name\":\"Max\"}"),
               HEAD("user.created") "{\"name\":\"Max\"},\"dataType\":\"application/json\"}");
    fx_end();
}

static void data_are_json_only_under_exactly_this_type(void) {
    static const char *const rows[][3] = {
        {"application/json", " [1] ", "[1]"},
        {"application/json", "1.50", "1.50"},
        {"application/json", "", "\"\""},
        {"application/json;charset=utf-8", "{", "\"ew==\""},
        {"application/JSON", "{}", "\"e30=\""},
        {"application/cloudevents+json", "{}", "\"e30=\""},
        {"no type", "", "\"\""},
        {"a\"b", "x", "\"eA==\""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char expected[256];
        fx_begin();
        fx_header("Event", "e");
        fx_header("Content-Type", rows[i][0]);
        (void)snprintf(expected, sizeof expected, "%s%s,\"dataType\":\"%s\"}", HEAD("e"),
                       rows[i][2], rows[i][0][1] == '"' ? "a\\\"b" : rows[i][0]);
        ASSERT_STR(written("/", rows[i][1]), expected);
        fx_end();
    }
}

static void a_missing_or_empty_type_is_octets(void) {
    for (int has_header = 0; has_header < 2; has_header++) {
        fx_begin();
        fx_header("Event", "e");
        if (has_header) {
            fx_header("Content-Type", "");
        }
        ASSERT_STR(written("/", "{}"),
                   HEAD("e") "\"e30=\",\"dataType\":\"application/octet-stream\"}");
        fx_end();
    }
}

static void broken_json_is_refused_with_the_parsers_text(void) {
    static const char *const rows[][2] = {
        {"{", "unexpected end of JSON input"},
        {" ", "unexpected end of JSON input"},
        {"nul", "unexpected end of JSON input"},
        {"g", "invalid character 'g' looking for beginning of value"},
        {"[1}", "invalid character '}' after array element"},
        {"[[[[]]]]", "JSON body is nested deeper than 3 levels"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct eg_event *event = NULL;
        fx_begin();
        fx.seed.json_depth = 3;
        fx_header("Content-Type", "application/json");
        CU_ASSERT_EQUAL(send_it("/", gw_str_c(rows[i][0]), &event), EG_E_INVAL);
        ASSERT_STR(fx_why(), rows[i][1]);
        CU_ASSERT_PTR_NULL(event);
        fx_end();
    }
}

static void an_http_event_has_the_request_as_data(void) {
    fx_begin();
    fx_header("x-b", "1");
    fx_header("Host", "h");
    fx_header("X-B", "2\"");
    fx_header("Event", "http");
    fx_header("Transfer-Encoding", "chunked");
    fx_header("Content-Type", "application/json");
    ASSERT_STR(written("/a%20b?q=1&r=%20&q=2", "[]"),
               HEAD("http") "{\"headers\":{\"X-B\":[\"1\",\"2\\\"\"],\"Event\":[\"http\"],"
                            "\"Content-Type\":[\"application/json\"]},"
                            "\"query\":{\"q\":[\"1\",\"2\"],\"r\":[\" \"]},\"body\":[],"
                            "\"path\":\"/a b\",\"method\":\"POST\"},"
                            "\"dataType\":\"application/json\"}");
    fx_end();
}

static void a_bare_request_is_an_http_event(void) {
    fx_begin();
    fx_header("Event", "");
    struct eg_event *event = take("/", gw_str("\xff\x00", 2));
    CU_ASSERT_FALSE(event->has_params_slot);
    ASSERT_STR(gw_event_json(event, EG_CE_AS_RECEIVED),
               HEAD("http") "{\"headers\":{\"Event\":[\"\"]},\"query\":{},\"body\":\"/wA=\","
                            "\"path\":\"/\",\"method\":\"POST\"},"
                            "\"dataType\":\"application/octet-stream\"}");
    fx_end();
}

static void no_headers_are_an_empty_object(void) {
    fx_begin();
    CU_ASSERT_TRUE(fx_has(written("/%zz", ""), "{\"headers\":{},\"query\":{},\"body\":\"\","
                                               "\"path\":\"/%zz\",\"method\":\"POST\"}"));
    fx_end();
}

static void cloudevents_of_it_have_what_they_have_to_have(void) {
    fx_begin();
    fx_header("Event", "e");
    fx_header("Content-Type", "image/png");
    struct eg_event *event = take("/", gw_str("\0", 1));
    const struct eg_str json = gw_event_json(event, EG_CE_1_0);
    CU_ASSERT_TRUE(fx_has(json, "\"specversion\":\"1.0\",\"type\":\"e\",\"source\":\"https://"));
    CU_ASSERT_TRUE(fx_has(json, "\"id\":" ID ",\"time\":\"2018-05-01T12:00:00.5Z\""));
    CU_ASSERT_TRUE(fx_has(json, "\"datacontenttype\":\"image/png\""));
    CU_ASSERT_TRUE(fx_has(json, "\"data_base64\":\"AA==\"}"));
    CU_ASSERT_TRUE(fx_has(gw_event_json(event, EG_CE_0_1), "\"cloudEventsVersion\":\"0.1\""));
    CU_ASSERT_TRUE(fx_has(gw_event_json(event, EG_CE_0_1), "\"data\":\"AA==\"}"));
    ASSERT_STR(gw_event_media_type(event, EG_CE_AS_RECEIVED), "application/json");
    CU_ASSERT_EQUAL(gw_event_media_type(event, EG_CE_1_0).len, 0);
    CU_ASSERT_EQUAL(gw_event_media_type(event, EG_CE_0_1).len, 0);
    fx_end();
}

/* The type of the request is that of its body; the object around it is JSON all the same. */
static void the_data_of_an_http_event_are_json_to_all_but_2017(void) {
    fx_begin();
    fx_header("Content-Type", "text/plain");
    struct eg_event *event = take("/", GW_STR("x"));
    ASSERT_STR(*gw_event_attribute_slot(event, GW_STR("datacontenttype")), "application/json");
    CU_ASSERT_TRUE(
        fx_has(gw_event_json(event, EG_CE_AS_RECEIVED), "},\"dataType\":\"text/plain\"}"));
    CU_ASSERT_TRUE(
        fx_has(gw_event_json(event, EG_CE_1_0), "\"datacontenttype\":\"application/json\""));
    CU_ASSERT_TRUE(fx_has(gw_event_json(event, EG_CE_0_1), "\"contentType\":\"application/json\""));
    CU_ASSERT_EQUAL(gw_event_set_attribute(event, GW_STR("datacontenttype"), GW_STR("a/b")), EG_OK);
    CU_ASSERT_TRUE(fx_has(gw_event_json(event, EG_CE_AS_RECEIVED), "\"dataType\":\"a/b\"}"));
    fx_end();
}

static void nobody_can_have_a_cloudevent_written_so(void) {
    fx_begin();
    struct eg_event *event = fx_read("{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"/x\","
                                     "\"type\":\"t\"}");
    CU_ASSERT_TRUE(fx_has(gw_event_json(event, GW_CE_2017), "\"specversion\":\"1.0\""));
    CU_ASSERT_EQUAL(gw_event_media_type(event, GW_CE_2017).len, 0);
    fx_end();
}

static void changes_are_seen_and_checked(void) {
    fx_begin();
    fx_header("Event", "e");
    struct eg_event *event = take("/", GW_STR("x"));
    CU_ASSERT_TRUE(fx_has(gw_event_json(event, EG_CE_AS_RECEIVED), "\"event\":\"e\""));
    CU_ASSERT_EQUAL(gw_event_set_attribute(event, GW_STR("type"), GW_STR("t")), EG_OK);
    CU_ASSERT_EQUAL(gw_event_set_attribute(event, GW_STR("id"), GW_STR("7")), EG_OK);
    CU_ASSERT_EQUAL(gw_event_set_attribute(event, GW_STR("datacontenttype"), GW_STR("a;b")), EG_OK);
    CU_ASSERT_EQUAL(gw_event_set_data(event, GW_STR("{\"a\":1}"), false, 8), EG_OK);
    CU_ASSERT_EQUAL(
        gw_event_set_attribute(event, GW_STR("time"), GW_STR("2017-08-17T12:00:00.1239+02:00")),
        EG_OK);
    ASSERT_STR(gw_event_json(event, EG_CE_AS_RECEIVED),
               "{\"event\":\"t\",\"id\":\"7\",\"receivedAt\":1502964000123,\"data\":{\"a\":1},"
               "\"dataType\":\"a;b\"}");
    CU_ASSERT_EQUAL(gw_event_set_attribute(event, GW_STR("datacontenttype"), GW_STR("")), EG_OK);
    CU_ASSERT_TRUE(fx_has(gw_event_json(event, EG_CE_AS_RECEIVED), "\"dataType\":\"\"}"));
    static const char *const needed[] = {"type", "id", "time", "source"};
    for (size_t i = 0; i < 4; i++) {
        CU_ASSERT_EQUAL(gw_event_set_attribute(event, gw_str_c(needed[i]), GW_STR("")), EG_E_INVAL);
    }
    CU_ASSERT_EQUAL(gw_event_set_attribute(event, GW_STR("time"), GW_STR("now")), EG_E_INVAL);
    CU_ASSERT_EQUAL(gw_event_set_attribute(event, GW_STR("source"), GW_STR("a b")), EG_E_INVAL);
    fx_end();
}

static void extensions_are_for_cloudevents_only(void) {
    fx_begin();
    fx_header("Event", "e");
    struct eg_event *event = take("/", GW_STR(""));
    gw_event_set_authorization(event, GW_STR("{\"principalId\":\"p\"}"));
    ASSERT_STR(gw_event_json(event, EG_CE_AS_RECEIVED),
               HEAD("e") "\"\",\"dataType\":\"application/octet-stream\"}");
    CU_ASSERT_TRUE(fx_has(gw_event_json(event, EG_CE_0_1), "\"authorization\":{\"principalId\""));
    fx_end();
}

static void times_of_all_zones_and_years_become_milliseconds(void) {
    static const struct {
        const char *text;
        int64_t millis;
    } rows[] = {
        {"1970-01-01T00:00:00Z", 0},
        {"1969-12-31T23:59:59.999Z", -1},
        {"2000-02-29T12:34:56.7Z", 951827696700},
        {"2001-03-01T00:00:00z", 983404800000},
        {"1900-03-01T00:00:00Z", -2203891200000},
        {"2017-08-17T00:30:00.05+02:00", 1502922600050},
        {"2017-08-16T20:00:00-02:30", 1502922600000},
        {"0000-01-01T00:00:00Z", -62167219200000},
        {"9999-12-31T23:59:59.123456789Z", 253402300799123},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        CU_ASSERT_TRUE(gw_is_rfc3339(gw_str_c(rows[i].text)));
        CU_ASSERT_EQUAL(gw_rfc3339_millis(gw_str_c(rows[i].text)), rows[i].millis);
    }
}

static void the_gateways_own_events_can_be_written_so_too(void) {
    fx_begin();
    fx.seed.version = GW_CE_2017;
    struct eg_event *event = gw_event_make(&fx.arena, &fx.seed, GW_STR("gateway.info.x"),
                                           GW_STR("application/json"), GW_STR("{\"a\":1}"));
    ASSERT_STR(gw_event_json(event, EG_CE_AS_RECEIVED),
               HEAD("gateway.info.x") "{\"a\":1},\"dataType\":\"application/json\"}");
    fx_end();
}

UNIT_MAIN(UNIT(an_event_is_named_by_its_header), UNIT(data_are_json_only_under_exactly_this_type),
          UNIT(a_missing_or_empty_type_is_octets),
          UNIT(broken_json_is_refused_with_the_parsers_text),
          UNIT(an_http_event_has_the_request_as_data), UNIT(a_bare_request_is_an_http_event),
          UNIT(no_headers_are_an_empty_object), UNIT(cloudevents_of_it_have_what_they_have_to_have),
          UNIT(the_data_of_an_http_event_are_json_to_all_but_2017),
          UNIT(nobody_can_have_a_cloudevent_written_so), UNIT(changes_are_seen_and_checked),
          UNIT(extensions_are_for_cloudevents_only),
          UNIT(times_of_all_zones_and_years_become_milliseconds),
          UNIT(the_gateways_own_events_can_be_written_so_too))
