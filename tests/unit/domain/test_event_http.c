/* domain/event_http.c: which mode a request is in, and the gateway's own events (EV-*, ENC-*). */
#include "event_fixture.h"

#define CE                                                                                         \
    "{\"eventType\":\"test.event\",\"eventID\":\"1\",\"cloudEventsVersion\":\"0.1\","              \
    "\"source\":\"/x\",\"contentType\":\"application/json\",\"data\":{\"foo\":\"bar\"}}"
#define CE_WRITTEN                                                                                 \
    "{\"eventType\":\"test.event\",\"cloudEventsVersion\":\"0.1\",\"source\":\"/x\","              \
    "\"eventID\":\"1\",\"contentType\":\"application/json\",\"data\":{\"foo\":\"bar\"}}"
#define MADE                                                                                       \
    "\"cloudEventsVersion\":\"0.1\","                                                              \
    "\"source\":\"https://serverless.com/event-gateway/#transformationVersion=0.1\","              \
    "\"eventID\":\"11111111-2222-4333-8444-555555555555\","                                        \
    "\"eventTime\":\"2018-05-01T12:00:00.5Z\","                                                    \
    "\"extensions\":{\"eventgateway\":{\"transformed\":\"true\","                                  \
    "\"transformation-version\":\"0.1\"}},"

static void a_request_without_anything_is_an_http_request(void) {
    fx_begin();
    ASSERT_STR(fx_json("/h", ""),
               "{\"eventType\":\"http.request\"," MADE "\"contentType\":\"application/json\","
               "\"data\":{\"headers\":{},\"query\":{},\"body\":\"\",\"host\":\"gw.example:4000\","
               "\"path\":\"/h\",\"method\":\"POST\",\"params\":null}}");
    CU_ASSERT_TRUE(fx.events[0]->has_params_slot);
    CU_ASSERT_FALSE(fx.is_batch);
    fx_end();
}

static void bad_content_types_are_refused_in_every_mode(void) {
    static const char *const rows[][2] = {
        {"foo bar", "mime: expected slash after first token"},
        {"application/json; charset", "mime: invalid media parameter"},
        {"text/plain; a=1; a=2", "mime: duplicate parameter name"},
    };
    for (size_t i = 0; i < 3; i++) {
        fx_begin();
        fx_header("Content-Type", rows[i][0]);
        fx_header("Event", "x");
        CU_ASSERT_TRUE(fx_send("/", "{}", 2) < 0);
        ASSERT_STR(fx_why(), rows[i][1]);
        fx_end();
    }
}

static void structured_mode_goes_by_the_media_type_in_any_case(void) {
    fx_begin();
    fx_header("content-type", "Application/CloudEvents+JSON; charset=utf-8");
    ASSERT_STR(fx_json("/", CE), CE_WRITTEN);
    fx_end();
}

static void structured_wins_over_binary_headers(void) {
    fx_begin();
    fx_header("Content-Type", "application/cloudevents+json");
    fx_header("CE-EventType", "other");
    fx_header("CE-CloudEventsVersion", "0.1");
    fx_header("CE-Source", "/y");
    fx_header("CE-EventID", "2");
    ASSERT_STR(fx_json("/", CE), CE_WRITTEN);
    fx_end();
}

static void a_cloudevent_as_plain_json_is_an_http_request(void) {
    fx_begin();
    fx_header("Content-Type", "application/json");
    struct eg_event *event = fx_event("/", CE);
    ASSERT_STR(event->type, "http.request");
    CU_ASSERT_TRUE(fx_has(event->data_json, "\"body\":" CE ",\"host\""));
    fx_end();
}

static void an_incomplete_set_of_0_1_headers_is_an_http_request(void) {
    fx_begin();
    fx_header("CE-EventType", "test.event");
    fx_header("CE-Source", "/x");
    ASSERT_STR(fx_event("/", "")->type, "http.request");
    fx_end();
}

static void a_legacy_event_takes_its_type_from_the_header(void) {
    fx_begin();
    fx_header("Event", "smileys");
    ASSERT_STR(fx_json("/", "\xf0\x9f\x98\x80"),
               "{\"eventType\":\"smileys\"," MADE "\"contentType\":\"application/octet-stream\","
               "\"data\":\"8J+YgA==\"}");
    CU_ASSERT_FALSE(fx.events[0]->has_params_slot);
    fx_end();
}

static void a_legacy_event_records_the_bare_media_type(void) {
    static const char *const rows[][4] = {
        {"application/json; charset=utf-8", "{\"a\":1}", "application/json", "{\"a\":1}"},
        {"application/foo+json", "{\"a\":1}", "application/foo+json", "{\"a\":1}"},
        {"application/x-www-form-urlencoded; charset=utf-8", "a=1",
         "application/x-www-form-urlencoded", "\"a=1\""},
        {"multipart/form-data; boundary=x", "--x", "multipart/form-data", "\"--x\""},
        {"application/json", "", "application/json", "\"\""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        fx_begin();
        fx_header("Event", "e");
        fx_header("Content-Type", rows[i][0]);
        struct eg_event *event = fx_event("/", rows[i][1]);
        ASSERT_STR(event->content_type, rows[i][2]);
        ASSERT_STR(event->data_json, rows[i][3]);
        fx_end();
    }
}

static void a_legacy_body_that_is_a_cloudevent_is_taken_as_it_is(void) {
    fx_begin();
    fx_header("Event", "other");
    fx_header("Content-Type", "application/json");
    ASSERT_STR(fx_json("/", CE), CE_WRITTEN);
    fx_end();
    fx_begin();
    fx_header("Event", "other");
    fx_header("Content-Type", "application/json");
    ASSERT_STR(fx_event("/", "{\"eventType\":\"test.event\"}")->type, "other");
    fx_end();
}

static void a_legacy_http_request_has_no_place_for_parameters(void) {
    fx_begin();
    fx_header("Event", "http.request");
    const struct gw_path_params params = {.count = 0};
    struct eg_event *event = fx_event("/", "x");
    gw_event_set_params(event, &params);
    CU_ASSERT_TRUE(fx_has(gw_event_json(event, EG_CE_0_1), "\"data\":\"eA==\"}"));
    fx_end();
}

static void json_nested_too_deep_is_refused_in_every_mode(void) {
    char deep[400];
    memset(deep, '[', 200);
    memset(deep + 200, ']', 200);
    static const char *const events[] = {NULL, "e"};
    for (size_t i = 0; i < 2; i++) {
        fx_begin();
        fx_header("Content-Type", "application/json");
        if (events[i] != NULL) {
            fx_header("Event", events[i]);
        }
        CU_ASSERT_TRUE(fx_send("/", deep, sizeof deep) < 0);
        ASSERT_STR(fx_why(), "JSON body is nested deeper than 128 levels");
        fx_end();
    }
}

static void the_gateways_own_events_can_be_of_1_0(void) {
    fx_begin();
    fx.seed.version = EG_CE_1_0;
    fx_header("Event", "e");
    fx_header("Content-Type", "image/png");
    ASSERT_STR(fx_json("/", "hey"),
               "{\"specversion\":\"1.0\",\"type\":\"e\","
               "\"source\":\"https://serverless.com/event-gateway/#transformationVersion=0.1\","
               "\"id\":\"11111111-2222-4333-8444-555555555555\","
               "\"time\":\"2018-05-01T12:00:00.5Z\",\"datacontenttype\":\"image/png\","
               "\"eventgatewaytransformed\":\"true\",\"eventgatewaytransformationversion\":\"0.1\","
               "\"data_base64\":\"aGV5\"}");
    fx_end();
}

static void clients_cannot_bring_an_authorization_along(void) {
    fx_begin();
    fx_header("Content-Type", "application/cloudevents+json");
    struct eg_event *event =
        fx_event("/", "{\"specversion\":\"1.0\",\"type\":\"t\",\"source\":\"/\",\"id\":\"1\","
                      "\"eventgatewayauthorization\":\"{}\",\"a\":\"b\"}");
    ASSERT_STR(
        gw_event_json(event, EG_CE_AS_RECEIVED),
        "{\"specversion\":\"1.0\",\"type\":\"t\",\"source\":\"/\",\"id\":\"1\",\"a\":\"b\"}");
    fx_end();
}

UNIT_MAIN(UNIT(a_request_without_anything_is_an_http_request),
          UNIT(bad_content_types_are_refused_in_every_mode),
          UNIT(structured_mode_goes_by_the_media_type_in_any_case),
          UNIT(structured_wins_over_binary_headers),
          UNIT(a_cloudevent_as_plain_json_is_an_http_request),
          UNIT(an_incomplete_set_of_0_1_headers_is_an_http_request),
          UNIT(a_legacy_event_takes_its_type_from_the_header),
          UNIT(a_legacy_event_records_the_bare_media_type),
          UNIT(a_legacy_body_that_is_a_cloudevent_is_taken_as_it_is),
          UNIT(a_legacy_http_request_has_no_place_for_parameters),
          UNIT(json_nested_too_deep_is_refused_in_every_mode),
          UNIT(the_gateways_own_events_can_be_of_1_0),
          UNIT(clients_cannot_bring_an_authorization_along))
