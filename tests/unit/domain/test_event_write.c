/* domain/event_write.c: one event in every version. */
#include "event_fixture.h"

#define V1 "{\"specversion\":\"1.0\",\"type\":\"t\",\"source\":\"/\",\"id\":\"1\""
#define V03 "{\"specversion\":\"0.3\",\"type\":\"t\",\"source\":\"/\",\"id\":\"1\""
#define V01 "{\"eventType\":\"t\",\"cloudEventsVersion\":\"0.1\",\"source\":\"/\",\"eventID\":\"1\""

static void an_event_of_0_1_becomes_one_of_1_0(void) {
    fx_begin();
    struct eg_event *event =
        fx_read("{\"eventType\":\"t\",\"eventTypeVersion\":\"7\",\"cloudEventsVersion\":\"0.1\","
                "\"source\":\"/s\",\"eventID\":\"1\",\"eventTime\":\"2018-01-01T00:00:00Z\","
                "\"schemaURL\":\"http://s\",\"extensions\":{\"eventgateway\":{\"transformed\":"
                "\"true\",\"transformation-version\":\"0.1\",\"o\":{\"a\":[1]}},\"Foo-Bar\":1,"
                "\"big\":4294967296,\"yes\":true,\"none\":null,\"list\":[1,2]},"
                "\"contentType\":\"application/json\",\"data\":{\"n\":1.0}}");
    ASSERT_STR(gw_event_json(event, EG_CE_1_0),
               "{\"specversion\":\"1.0\",\"type\":\"t\",\"source\":\"/s\",\"id\":\"1\","
               "\"time\":\"2018-01-01T00:00:00Z\",\"dataschema\":\"http://s\","
               "\"datacontenttype\":\"application/json\",\"eventgatewaytransformed\":\"true\","
               "\"eventgatewaytransformationversion\":\"0.1\","
               "\"eventgatewayo\":\"{\\\"a\\\":[1]}\",\"foobar\":1,\"big\":\"4294967296\","
               "\"yes\":true,\"list\":\"[1,2]\",\"eventtypeversion\":\"7\",\"data\":{\"n\":1.0}}");
    fx_end();
}

static void maps_stay_maps_in_0_2_and_0_3(void) {
    fx_begin();
    struct eg_event *event = fx_read(V01 ",\"extensions\":{\"eventgateway\":{\"a\":\"b\"}}}");
    ASSERT_STR(gw_event_json(event, EG_CE_0_2),
               "{\"specversion\":\"0.2\",\"type\":\"t\",\"source\":\"/\",\"id\":\"1\","
               "\"eventgateway\":{\"a\":\"b\"}}");
    ASSERT_STR(gw_event_json(event, EG_CE_0_3),
               "{\"specversion\":\"0.3\",\"type\":\"t\",\"source\":\"/\",\"id\":\"1\","
               "\"eventgateway\":{\"a\":\"b\"}}");
    fx_end();
}

static void an_event_of_1_0_becomes_one_of_0_1(void) {
    fx_begin();
    struct eg_event *event =
        fx_read(V1 ",\"subject\":\"sub\",\"dataschema\":\"s\",\"datacontenttype\":\"image/png\","
                   "\"ext\":5,\"data_base64\":\"AAEC\"}");
    ASSERT_STR(gw_event_json(event, EG_CE_0_1),
               V01 ",\"schemaURL\":\"s\",\"extensions\":{\"ext\":5,\"subject\":\"sub\"},"
                   "\"contentType\":\"image/png\",\"data\":\"AAEC\"}");
    fx_end();
}

static void binary_data_finds_its_form_in_each_version(void) {
    fx_begin();
    struct eg_event *event = fx_read(V1 ",\"data_base64\":\"AAEC\"}");
    CU_ASSERT_TRUE(fx_has(gw_event_json(event, EG_CE_0_2), "\"id\":\"1\",\"data\":\"AAEC\"}"));
    CU_ASSERT_TRUE(fx_has(gw_event_json(event, EG_CE_0_3),
                          "\"datacontentencoding\":\"base64\",\"data\":\"AAEC\"}"));
    struct eg_event *old =
        fx_read("{\"specversion\":\"0.3\",\"type\":\"t\",\"source\":\"/\",\"id\":\"1\","
                "\"datacontentencoding\":\"BASE64\",\"data\":\"AAEC\"}");
    ASSERT_STR(gw_event_json(old, EG_CE_1_0), V1 ",\"data_base64\":\"AAEC\"}");
    ASSERT_STR(gw_event_json(old, EG_CE_0_1), V01 ",\"data\":\"AAEC\"}");
    fx_end();
}

static void an_extension_never_overwrites_an_attribute_or_another_one(void) {
    fx_begin();
    struct eg_event *event =
        fx_read(V01 ",\"extensions\":{\"id\":\"forged\",\"data\":1,\"data_base64\":\"AA==\","
                    "\"ID\":\"x\",\"Ab\":1,\"a-b\":2,\"---\":3,\"time\":\"x\"},\"data\":0}");
    /* data_base64 loses its underscore and is then a name like any other. */
    ASSERT_STR(gw_event_json(event, EG_CE_1_0), V1 ",\"database64\":\"AA==\",\"ab\":1,\"data\":0}");
    fx_end();
}

static void a_subject_of_0_2_is_the_attribute_of_1_0(void) {
    fx_begin();
    struct eg_event *event = fx_read("{\"specversion\":\"0.2\",\"type\":\"t\",\"source\":\"/\","
                                     "\"id\":\"1\",\"subject\":\"s\"}");
    ASSERT_STR(gw_event_json(event, EG_CE_1_0), V1 ",\"subject\":\"s\"}");
    fx_end();
}

static void text_is_escaped_again(void) {
    fx_begin();
    struct eg_event *event = fx_read("{\"specversion\":\"1.0\",\"type\":\"t\\\"\\u0001\","
                                     "\"source\":\"/\",\"id\":\"\\u00e9\\ud83d\\ude00\"}");
    ASSERT_STR(gw_event_json(event, EG_CE_1_0),
               "{\"specversion\":\"1.0\",\"type\":\"t\\\"\\u0001\",\"source\":\"/\","
               "\"id\":\"\xc3\xa9\xf0\x9f\x98\x80\"}");
    fx_end();
}

static void a_written_form_is_made_once_until_the_event_changes(void) {
    fx_begin();
    struct eg_event *event = fx_read(V1 "}");
    const char *first = gw_event_json(event, EG_CE_AS_RECEIVED).ptr;
    CU_ASSERT_PTR_EQUAL(gw_event_json(event, EG_CE_1_0).ptr, first);
    gw_event_set_extension(event, GW_STR("a"), GW_STR("1"));
    ASSERT_STR(gw_event_json(event, EG_CE_1_0), V1 ",\"a\":1}");
    fx_end();
}

static void every_conversion_of_every_version_is_json_again(void) {
    static const char *const texts[] = {
        V01 ",\"extensions\":{\"a\":{},\"eventgateway\":{}},\"data\":[]}",
        V1 ",\"subject\":\"s\",\"Weird name\\n\":{\"a\":1},\"eventgateway\":{\"a\":{\"b\":null}}}",
        V03 ",\"datacontentencoding\":\"gzip\",\"data\":\"x\"}",
    };
    for (size_t i = 0; i < 3; i++) {
        fx_begin();
        struct eg_event *event = fx_read(texts[i]);
        for (uint32_t v = EG_CE_0_1; v <= EG_CE_1_0; v++) {
            struct eg_event *again = NULL;
            CU_ASSERT_EQUAL(gw_event_read(&fx.arena, gw_event_json(event, v), 128, &again, &fx.why),
                            0);
            CU_ASSERT_EQUAL(again->version, v);
        }
        fx_end();
    }
}

UNIT_MAIN(UNIT(an_event_of_0_1_becomes_one_of_1_0), UNIT(maps_stay_maps_in_0_2_and_0_3),
          UNIT(an_event_of_1_0_becomes_one_of_0_1),
          UNIT(binary_data_finds_its_form_in_each_version),
          UNIT(an_extension_never_overwrites_an_attribute_or_another_one),
          UNIT(a_subject_of_0_2_is_the_attribute_of_1_0), UNIT(text_is_escaped_again),
          UNIT(a_written_form_is_made_once_until_the_event_changes),
          UNIT(every_conversion_of_every_version_is_json_again))
