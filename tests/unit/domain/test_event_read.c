/* domain/event_read.c: structured events of all versions, well and badly written. */
#include "domain/event_internal.h"
#include "event_fixture.h"

#define LINE(field, tag)                                                                           \
    "Key: 'Event." field "' Error:Field validation for '" field "' failed on the '" tag "' tag"
#define INVALID "CloudEvent doesn't validate: "

static void an_event_of_0_1_is_written_in_the_order_of_its_table(void) {
    fx_begin();
    struct eg_event *event = fx_read(
        "{\"data\":{\"foo\":\"bar\"},\"contentType\":\"application/json\",\"extensions\":{\"a\":1},"
        "\"schemaURL\":\"http://s\",\"eventTime\":\"2018-01-01T00:00:00.120Z\",\"eventID\":\"1\","
        "\"source\":\"/x\",\"cloudEventsVersion\":\"0.1\",\"eventTypeVersion\":\"2\","
        "\"eventType\":\"test.event\",\"unknown\":[1]}");
    ASSERT_STR(gw_event_json(event, EG_CE_AS_RECEIVED),
               "{\"eventType\":\"test.event\",\"eventTypeVersion\":\"2\","
               "\"cloudEventsVersion\":\"0.1\",\"source\":\"/x\",\"eventID\":\"1\","
               "\"eventTime\":\"2018-01-01T00:00:00.12Z\",\"schemaURL\":\"http://s\","
               "\"extensions\":{\"a\":1},\"contentType\":\"application/json\","
               "\"data\":{\"foo\":\"bar\"}}");
    fx_end();
}

static void names_of_0_1_match_in_any_case_and_are_written_properly(void) {
    fx_begin();
    struct eg_event *event = fx_read("{\"EVENTTYPE\":\"e\",\"cloudeventsversion\":\"9.9\","
                                     "\"SOURCE\":\"urn:x:y\",\"eventid\":\"1\",\"Extensions\":{}}");
    ASSERT_STR(gw_event_json(event, EG_CE_0_1),
               "{\"eventType\":\"e\",\"cloudEventsVersion\":\"9.9\",\"source\":\"urn:x:y\","
               "\"eventID\":\"1\",\"data\":null}");
    fx_end();
}

static void what_0_1_requires_is_told_line_by_line(void) {
    fx_begin();
    ASSERT_STR(fx_refusal("{\"eventType\":\"invalid\"}"),
               INVALID LINE("CloudEventsVersion", "required") "\n" LINE("Source", "uri") "\n" LINE(
                   "EventID", "required"));
    const char *all =
        INVALID LINE("EventType", "required") "\n" LINE("CloudEventsVersion", "required") "\n" LINE(
            "Source", "uri") "\n" LINE("EventID", "required");
    ASSERT_STR(fx_refusal("{}"), all);
    ASSERT_STR(fx_refusal("null"), all);
    fx_end();
}

static void texts_that_are_no_json_are_refused_with_the_reason(void) {
    fx_begin();
    ASSERT_STR(fx_refusal(""), "unexpected end of JSON input");
    ASSERT_STR(fx_refusal("{\"eventType\":"), "unexpected end of JSON input");
    CU_ASSERT_TRUE(fx_has(fx_refusal("{\"a\":1} x"), "invalid character 'x'"));
    CU_ASSERT_TRUE(fx_has(fx_refusal("{bad"), "invalid character 'b'"));
    ASSERT_STR(fx_refusal("[1]"), "json: cannot unmarshal array into a CloudEvent");
    ASSERT_STR(fx_refusal("\"x\""), "json: cannot unmarshal string into a CloudEvent");
    CU_ASSERT_TRUE(fx_refusal("{\"eventType\":\"\xff\"}").len > 0);
    fx_end();
}

static void attributes_of_the_wrong_type_are_refused(void) {
    fx_begin();
    ASSERT_STR(fx_refusal("{\"eventType\":5}"),
               "json: cannot unmarshal number into field Event.EventType of type string");
    ASSERT_STR(fx_refusal("{\"extensions\":[]}"),
               "json: cannot unmarshal array into field Event.extensions of type object");
    ASSERT_STR(fx_refusal("{\"specversion\":\"1.0\",\"id\":{}}"),
               "json: cannot unmarshal object into field Event.id of type string");
    fx_end();
}

static void an_unknown_specversion_is_refused(void) {
    fx_begin();
    ASSERT_STR(fx_refusal("{\"specversion\":\"9.9\",\"id\":\"1\",\"source\":\"/\",\"type\":\"t\"}"),
               INVALID "specversion \"9.9\" is not one of 0.2, 0.3 and 1.0");
    ASSERT_STR(fx_refusal("{\"specversion\":1.0}"),
               INVALID "specversion has to be a string, not number");
    ASSERT_STR(fx_refusal("{\"id\":\"1\",\"source\":\"/\",\"type\":\"t\"}"),
               "CloudEvent doesn't validate: specversion (or cloudEventsVersion) is missing");
    fx_end();
}

static void what_1_0_requires_is_told_by_its_own_names(void) {
    fx_begin();
    ASSERT_STR(fx_refusal("{\"specversion\":\"1.0\"}"),
               INVALID LINE("type", "required") "\n" LINE("source",
                                                          "required") "\n" LINE("id", "required"));
    ASSERT_STR(fx_refusal("{\"specversion\":\"1.0\",\"type\":\"\",\"source\":\"a b\",\"id\":\"1\","
                          "\"time\":\"x\",\"datacontenttype\":\"foo bar\"}"),
               INVALID LINE("type", "required") "\n" LINE("source", "uri_reference") "\n" LINE(
                   "time", "rfc3339") "\n" LINE("datacontenttype", "mediatype"));
    fx_end();
}

#define WORD "{\"specversion\":\"1.0\",\"type\":\"t\",\"source\":\"word\",\"id\":\"1\""

static void each_later_version_keeps_its_names_and_unknown_members(void) {
    static const char *const texts[] = {
        "{\"specversion\":\"0.2\",\"type\":\"t\",\"source\":\"word\",\"id\":\"1\","
        "\"time\":\"2018-01-01T00:00:00.100Z\",\"schemaurl\":\"s\",\"contenttype\":\"text/xml\","
        "\"subject\":\"s\",\"ext\":{\"a\":[1.50]},\"data\":\"x\"}",
        "{\"specversion\":\"0.3\",\"type\":\"t\",\"source\":\"word\",\"subject\":\"s\",\"id\":"
        "\"1\","
        "\"time\":\"2018-01-01T00:00:00.100+01:00\",\"schemaurl\":\"s\","
        "\"datacontenttype\":\"text/xml\",\"datacontentencoding\":\"base64\",\"ext\":5,"
        "\"data\":\"aGV5\"}",
        "{\"specversion\":\"1.0\",\"type\":\"t\",\"source\":\"word\",\"subject\":\"s\",\"id\":"
        "\"1\","
        "\"time\":\"1990-12-31T23:59:60Z\",\"dataschema\":\"http://s\","
        "\"datacontenttype\":\"application/json; charset=utf-8\",\"comexampleother\":5,"
        "\"flag\":true,\"data\":{\"n\":12345678901234567890,\"e\":1.0e3,\"s\":\"\\u00e9\"}}",
        WORD ",\"data_base64\":\"AAEC\"}",
        WORD ",\"data\":null}",
        WORD "}",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        fx_begin();
        struct eg_event *event = fx_read(texts[i]);
        ASSERT_STR(gw_event_json(event, EG_CE_AS_RECEIVED), texts[i]);
        fx_end();
    }
}

static void names_of_1_0_are_case_sensitive(void) {
    fx_begin();
    struct eg_event *event = fx_read("{\"specversion\":\"1.0\",\"type\":\"t\",\"source\":\"/\","
                                     "\"id\":\"1\",\"Subject\":\"x\",\"nothing\":null}");
    ASSERT_STR(event->subject, "");
    ASSERT_STR(gw_event_extension(event, GW_STR("Subject")), "\"x\"");
    ASSERT_STR(gw_event_extension(event, GW_STR("nothing")), "");
    fx_end();
}

static void the_last_of_repeated_members_wins_and_escaped_names_are_understood(void) {
    fx_begin();
    struct eg_event *event =
        fx_read("{\"spec\\u0076ersion\":\"1.0\",\"type\":\"a\",\"type\":\"b\",\"source\":\"/\","
                "\"id\":\"1\",\"x\":1,\"x\":2}");
    ASSERT_STR(event->type, "b");
    ASSERT_STR(gw_event_extension(event, GW_STR("x")), "2");
    fx_end();
}

static void data_and_data_base64_exclude_each_other(void) {
    fx_begin();
    const char *begin = "{\"specversion\":\"1.0\",\"type\":\"t\",\"source\":\"/\",\"id\":\"1\",";
    char text[256];
    snprintf(text, sizeof text, "%s\"data\":1,\"data_base64\":\"AAEC\"}", begin);
    ASSERT_STR(fx_refusal(text), INVALID "data and data_base64 exclude each other");
    snprintf(text, sizeof text, "%s\"data_base64\":\"A-_=\"}", begin);
    ASSERT_STR(fx_refusal(text), INVALID "data_base64 is no base64");
    snprintf(text, sizeof text, "%s\"data_base64\":7}", begin);
    CU_ASSERT_TRUE(fx_has(fx_refusal(text), "number into field Event.data_base64"));
    fx_end();
}

static void data_of_0_3_has_to_be_the_base64_it_claims_to_be(void) {
    fx_begin();
    ASSERT_STR(fx_refusal("{\"specversion\":\"0.3\",\"type\":\"t\",\"source\":\"/\",\"id\":\"1\","
                          "\"datacontentencoding\":\"base64\",\"data\":{\"a\":1}}"),
               INVALID "data is no base64, as datacontentencoding says");
    fx_end();
}

static void structured_data_is_passed_on_whatever_content_type_says(void) {
    fx_begin();
    struct eg_event *event = fx_read(
        "{\"eventType\":\"e\",\"cloudEventsVersion\":\"0.1\",\"source\":\"/\",\"eventID\":\"1\","
        "\"contentType\":\"application/json\",\"data\":\"{\\\"a\\\":1}\"}");
    CU_ASSERT_TRUE(fx_has(gw_event_json(event, EG_CE_0_1), "\"data\":\"{\\\"a\\\":1}\"}"));
    fx_end();
}

static void times_are_checked(void) {
    fx_begin();
    CU_ASSERT_TRUE(
        fx_has(fx_refusal("{\"eventType\":\"e\",\"cloudEventsVersion\":\"0.1\","
                          "\"source\":\"/\",\"eventID\":\"1\",\"eventTime\":\"nottime\"}"),
               "parsing time \"nottime\""));
    CU_ASSERT_TRUE(fx_has(fx_refusal("{\"eventType\":\"e\",\"eventTime\":\"\"}"), "parsing time"));
    fx_end();
}

static void too_many_members_and_too_deep_ones_are_refused(void) {
    fx_begin();
    char text[8192];
    size_t at = (size_t)snprintf(text, sizeof text, "{\"specversion\":\"1.0\"");
    for (unsigned i = 0; i <= GW_MAX_EXTENSIONS; i++) {
        at += (size_t)snprintf(text + at, sizeof text - at, ",\"x%u\":1", i);
    }
    snprintf(text + at, sizeof text - at, "}");
    ASSERT_STR(fx_refusal(text), INVALID "more than 256 extensions");
    memset(text, '[', 300);
    text[300] = '\0';
    CU_ASSERT_TRUE(fx_refusal(text).len > 0);
    fx_end();
}

UNIT_MAIN(UNIT(an_event_of_0_1_is_written_in_the_order_of_its_table),
          UNIT(names_of_0_1_match_in_any_case_and_are_written_properly),
          UNIT(what_0_1_requires_is_told_line_by_line),
          UNIT(texts_that_are_no_json_are_refused_with_the_reason),
          UNIT(attributes_of_the_wrong_type_are_refused), UNIT(an_unknown_specversion_is_refused),
          UNIT(what_1_0_requires_is_told_by_its_own_names),
          UNIT(each_later_version_keeps_its_names_and_unknown_members),
          UNIT(names_of_1_0_are_case_sensitive),
          UNIT(the_last_of_repeated_members_wins_and_escaped_names_are_understood),
          UNIT(data_and_data_base64_exclude_each_other),
          UNIT(data_of_0_3_has_to_be_the_base64_it_claims_to_be),
          UNIT(structured_data_is_passed_on_whatever_content_type_says), UNIT(times_are_checked),
          UNIT(too_many_members_and_too_deep_ones_are_refused))
