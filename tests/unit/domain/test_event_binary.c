/* domain/event_binary.c: events in HTTP headers, 0.1 and later. */
#include "event_fixture.h"

static void headers_0_1(const char *source) {
    fx_header("ce-eventtype", "a");
    fx_header("CE-CloudEventsVersion", "0.1");
    fx_header("Ce-Source", source);
    fx_header("CE-EventID", "1");
}
static void headers_of(const char *version) {
    fx_header("ce-specversion", version);
    fx_header("Ce-Type", "t");
    fx_header("CE-Source", "/s");
    fx_header("ce-id", "1");
}
static struct eg_str refusal(void) {
    CU_ASSERT_TRUE(fx_send("/", "", 0) < 0);
    return fx_why();
}

static void the_four_headers_of_0_1_make_an_event(void) {
    fx_begin();
    headers_0_1("/x");
    fx_header("Content-Type", "text/plain");
    fx_header("CE-EventTypeVersion", "2");
    fx_header("CE-EventTime", "2018-01-01T00:00:00Z");
    fx_header("CE-SchemaURL", "http://s");
    ASSERT_STR(fx_json("/", "hey"),
               "{\"eventType\":\"a\",\"eventTypeVersion\":\"2\",\"cloudEventsVersion\":\"0.1\","
               "\"source\":\"/x\",\"eventID\":\"1\",\"eventTime\":\"2018-01-01T00:00:00Z\","
               "\"schemaURL\":\"http://s\",\"contentType\":\"text/plain\",\"data\":\"aGV5\"}");
    fx_end();
}

static void without_a_content_type_none_is_recorded(void) {
    fx_begin();
    headers_0_1("/x");
    ASSERT_STR(fx_json("/", "hey"), "{\"eventType\":\"a\",\"cloudEventsVersion\":\"0.1\","
                                    "\"source\":\"/x\",\"eventID\":\"1\",\"data\":\"aGV5\"}");
    fx_end();
}

static void json_bodies_become_json_of_any_kind(void) {
    static const char *const rows[][3] = {
        {"application/json", "{\"a\":1}", "{\"a\":1}"},
        {"application/json", " [1.0, 12345678901234567890] ", "[1.0, 12345678901234567890]"},
        {"application/json; charset=utf-8", "{\"a\":1}", "{\"a\":1}"},
        {"Application/JSON", "null", "null"},
        {"application/json", "", "\"\""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        fx_begin();
        headers_0_1("/x");
        fx_header("Content-Type", rows[i][0]);
        struct eg_event *event = fx_event("/", rows[i][1]);
        ASSERT_STR(event->data_json, rows[i][2]);
        ASSERT_STR(event->content_type, rows[i][0]);
        fx_end();
    }
}

static void a_bad_source_or_time_is_refused(void) {
    fx_begin();
    headers_0_1("NOT URI");
    ASSERT_STR(refusal(), "CloudEvent doesn't validate: Key: 'Event.Source' Error:Field validation "
                          "for 'Source' failed on the 'uri' tag");
    fx_end();
    fx_begin();
    headers_0_1("/x");
    fx_header("CE-EventTime", "yesterday");
    CU_ASSERT_TRUE(fx_has(refusal(), "parsing time \"yesterday\""));
    fx_end();
}

static void extensions_of_0_1_keep_the_canonical_case_but_for_the_first_letter(void) {
    fx_begin();
    headers_0_1("/x");
    fx_header("CE-X-MyExtension", "ding");
    fx_header("ce-x-foo-bar", "q\"");
    fx_header("CE-X-Century", "19");
    fx_header("CE-X-Ce", "z");
    fx_header("CE-X-", "z");
    fx_header("CE-X-A", "1");
    fx_header("ce-x-a", "2");
    fx_header("CE-X-Obj", "{\"a\":1}");
    CU_ASSERT_TRUE(fx_has(fx_json("/", ""),
                          "\"extensions\":{\"myextension\":\"ding\",\"foo-Bar\":\"q\\\"\","
                          "\"century\":\"19\",\"ce\":\"z\",\"a\":\"1, 2\","
                          "\"obj\":\"{\\\"a\\\":1}\"}"));
    fx_end();
}

static void specversion_makes_an_event_of_a_later_version(void) {
    fx_begin();
    headers_of("1.0");
    fx_header("Content-Type", "application/json; charset=utf-8");
    fx_header("ce-time", "2018-01-01T00:00:00.100Z");
    fx_header("Ce-Subject", "sub");
    fx_header("ce-dataschema", "http://s");
    fx_header("ce-traceparent", "00-0af7");
    ASSERT_STR(fx_json("/", "{\"a\":1}"),
               "{\"specversion\":\"1.0\",\"type\":\"t\",\"source\":\"/s\",\"subject\":\"sub\","
               "\"id\":\"1\",\"time\":\"2018-01-01T00:00:00.100Z\",\"dataschema\":\"http://s\","
               "\"datacontenttype\":\"application/json; charset=utf-8\","
               "\"traceparent\":\"00-0af7\",\"data\":{\"a\":1}}");
    fx_end();
}

static void bodies_of_1_0_are_json_text_or_base64(void) {
    static const char *const rows[][3] = {
        {"text/plain", "h\"y", ",\"data\":\"h\\\"y\"}"},
        {"text/xml; charset=utf-8", "<a/>", ",\"data\":\"<a/>\"}"},
        {"text/plain", "\xff", ",\"data_base64\":\"/w==\"}"},
        {"application/json", "{bad", ",\"data_base64\":\"e2JhZA==\"}"},
        {"image/png", "hey", ",\"data_base64\":\"aGV5\"}"},
        {"application/json", "", "\"datacontenttype\":\"application/json\"}"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        fx_begin();
        headers_of("1.0");
        fx_header("Content-Type", rows[i][0]);
        CU_ASSERT_TRUE(fx_has(fx_json("/", rows[i][1]), rows[i][2]));
        fx_end();
    }
}

static void values_are_percent_decoded_exactly_once(void) {
    fx_begin();
    headers_of("1.0");
    fx_header("ce-a", "Euro%20%E2%82%AC%20%F0%9F%98%80");
    fx_header("ce-b", "%2541");
    fx_header("ce-c", "\"quo\\\"ted%20x\"");
    fx_header("ce-d", "%e2%82%ac");
    struct eg_event *event = fx_event("/", "");
    ASSERT_STR(gw_event_extension(event, GW_STR("a")), "\"Euro \xe2\x82\xac \xf0\x9f\x98\x80\"");
    ASSERT_STR(gw_event_extension(event, GW_STR("b")), "\"%41\"");
    ASSERT_STR(gw_event_extension(event, GW_STR("c")), "\"quo\\\"ted x\"");
    ASSERT_STR(gw_event_extension(event, GW_STR("d")), "\"\xe2\x82\xac\"");
    fx_end();
}

static void values_that_decode_to_no_text_are_refused(void) {
    static const char *const rows[][2] = {
        {"%C0%A0", "CloudEvent doesn't validate: header ce-a is no valid UTF-8"},
        {"%ff", "CloudEvent doesn't validate: header ce-a is no valid UTF-8"},
        {"\xc3", "CloudEvent doesn't validate: header ce-a is no valid UTF-8"},
        {"%zz", "CloudEvent doesn't validate: bad percent-encoding in header ce-a"},
        {"100%", "CloudEvent doesn't validate: bad percent-encoding in header ce-a"},
        {"a%0Ab", "CloudEvent doesn't validate: control character in header ce-a"},
        {"a%00", "CloudEvent doesn't validate: control character in header ce-a"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        fx_begin();
        headers_of("1.0");
        fx_header("ce-a", rows[i][0]);
        ASSERT_STR(refusal(), rows[i][1]);
        fx_end();
    }
}

static void values_of_0_2_may_be_json_strings(void) {
    fx_begin();
    headers_of("\"0.2\"");
    fx.headers[1].value = GW_STR("\"com.example\"");
    fx_header("ce-schemaurl", "s");
    fx_header("ce-ext", "\"a\\u00e9\"");
    fx_header("ce-num", "5");
    fx_header("Content-Type", "application/octet-stream");
    ASSERT_STR(fx_json("/", "hey"),
               "{\"specversion\":\"0.2\",\"type\":\"com.example\",\"source\":\"/s\",\"id\":\"1\","
               "\"schemaurl\":\"s\",\"contenttype\":\"application/octet-stream\","
               "\"ext\":\"a\xc3\xa9\",\"num\":\"5\",\"data\":\"aGV5\"}");
    fx_end();
}

static void binary_data_of_0_3_says_its_encoding(void) {
    fx_begin();
    headers_of("0.3");
    fx_header("Content-Type", "image/png");
    CU_ASSERT_TRUE(
        fx_has(fx_json("/", "hey"), "\"datacontentencoding\":\"base64\",\"data\":\"aGV5\"}"));
    fx_end();
    fx_begin();
    headers_of("0.3");
    fx_header("ce-datacontentencoding", "base64");
    CU_ASSERT_TRUE(fx_has(fx_json("/", "aGV5"), "\"data\":\"aGV5\"}"));
    CU_ASSERT_TRUE(fx_send("/", "hey", 3) < 0);
    fx_end();
}

static void what_a_later_version_lacks_or_does_not_know_is_told(void) {
    fx_begin();
    fx_header("ce-specversion", "1.0");
    fx_header("ce-type", "t");
    CU_ASSERT_TRUE(fx_has(refusal(), "'Event.source'"));
    CU_ASSERT_TRUE(fx_has(fx_why(), "'Event.id'"));
    fx_end();
    fx_begin();
    headers_of("9.9");
    ASSERT_STR(refusal(), "CloudEvent doesn't validate: ce-specversion \"9.9\" is not one of 0.2, "
                          "0.3 and 1.0");
    fx_end();
}

static void headers_for_what_stands_elsewhere_are_ignored(void) {
    fx_begin();
    headers_of("1.0");
    fx_header("Content-Type", "application/json");
    fx_header("ce-datacontenttype", "text/html");
    fx_header("ce-data", "1");
    fx_header("ce-data_base64", "AAAA");
    fx_header("ce-", "x");
    ASSERT_STR(fx_json("/", "1"), "{\"specversion\":\"1.0\",\"type\":\"t\",\"source\":\"/s\","
                                  "\"id\":\"1\",\"datacontenttype\":\"application/json\","
                                  "\"data\":1}");
    fx_end();
}

UNIT_MAIN(UNIT(the_four_headers_of_0_1_make_an_event),
          UNIT(without_a_content_type_none_is_recorded), UNIT(json_bodies_become_json_of_any_kind),
          UNIT(a_bad_source_or_time_is_refused),
          UNIT(extensions_of_0_1_keep_the_canonical_case_but_for_the_first_letter),
          UNIT(specversion_makes_an_event_of_a_later_version),
          UNIT(bodies_of_1_0_are_json_text_or_base64),
          UNIT(values_are_percent_decoded_exactly_once),
          UNIT(values_that_decode_to_no_text_are_refused), UNIT(values_of_0_2_may_be_json_strings),
          UNIT(binary_data_of_0_3_says_its_encoding),
          UNIT(what_a_later_version_lacks_or_does_not_know_is_told),
          UNIT(headers_for_what_stands_elsewhere_are_ignored))
