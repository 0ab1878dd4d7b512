/* domain/event_extension.c: the list, and who may say what in `eventgateway`. */
#include "event_fixture.h"

#define BEGIN                                                                                      \
    "{\"eventType\":\"t\",\"cloudEventsVersion\":\"0.1\",\"source\":\"/\",\"eventID\":\"1\","      \
    "\"extensions\":"
#define AUTH "{\"principalId\":\"u1\",\"context\":null}"

static struct eg_str bag(struct eg_event *event) {
    static char text[512];
    struct eg_str json = gw_event_json(event, EG_CE_0_1);
    const struct eg_str name = GW_STR("\"extensions\":");
    for (size_t i = 0; i + name.len < json.len; i++) {
        if (gw_str_starts(gw_str_cut(json, i), name)) {
            const size_t at = i + name.len;
            const size_t len = json.len - at - strlen(",\"data\":null}");
            snprintf(text, sizeof text, "%.*s", (int)len, json.ptr + at);
            return gw_str_c(text);
        }
    }
    return GW_STR("none");
}

static void extensions_are_set_replaced_and_removed_in_place(void) {
    fx_begin();
    struct eg_event *event = fx_read(BEGIN "{\"a\":1,\"b\":2}}");
    gw_event_set_extension(event, GW_STR("c"), GW_STR("{\"x\":1}"));
    gw_event_set_extension(event, GW_STR("a"), GW_STR("9"));
    gw_event_set_extension(event, GW_STR("b"), (struct eg_str){0});
    gw_event_set_extension(event, GW_STR("zz"), (struct eg_str){0});
    ASSERT_STR(bag(event), "{\"a\":9,\"c\":{\"x\":1}}");
    ASSERT_STR(gw_event_extension(event, GW_STR("c")), "{\"x\":1}");
    ASSERT_STR(gw_event_extension(event, GW_STR("b")), "");
    fx_end();
}

static void an_authorization_joins_what_is_there(void) {
    fx_begin();
    struct eg_event *event = fx_read(BEGIN "{\"a\":1}}");
    gw_event_set_authorization(event, GW_STR(AUTH));
    ASSERT_STR(bag(event), "{\"a\":1,\"eventgateway\":{\"authorization\":" AUTH "}}");
    event = fx_read(BEGIN "{\"eventgateway\":{\"transformed\":\"true\"}}}");
    gw_event_set_authorization(event, GW_STR("{}"));
    gw_event_set_authorization(event, GW_STR(AUTH));
    ASSERT_STR(bag(event),
               "{\"eventgateway\":{\"transformed\":\"true\",\"authorization\":" AUTH "}}");
    event = fx_read(BEGIN "{\"eventgateway\":\"text\"}}");
    gw_event_set_authorization(event, GW_STR(AUTH));
    ASSERT_STR(bag(event), "{\"eventgateway\":{\"authorization\":" AUTH "}}");
    fx_end();
}

static void an_authorization_is_a_text_in_1_0(void) {
    fx_begin();
    struct eg_event *event =
        fx_read("{\"specversion\":\"1.0\",\"type\":\"t\",\"source\":\"/\",\"id\":\"1\"}");
    gw_event_set_authorization(event, GW_STR(AUTH));
    CU_ASSERT_TRUE(fx_has(gw_event_json(event, EG_CE_AS_RECEIVED),
                          "\"eventgatewayauthorization\":"
                          "\"{\\\"principalId\\\":\\\"u1\\\",\\\"context\\\":null}\"}"));
    fx_end();
}

static void a_forged_authorization_is_removed_in_every_spelling(void) {
    static const char *const rows[][2] = {
        {"{\"eventgateway\":{\"authorization\":{\"principalId\":\"x\"},\"k\":1}}",
         "{\"eventgateway\":{\"k\":1}}"},
        {"{\"eventgateway\":{\"authorization\":1}}", "none"},
        {"{\"eventgateway\":{\"Author-ization\":1,\"auth\\u006frization\":2,\"k\":{}}}",
         "{\"eventgateway\":{\"k\":{}}}"},
        {"{\"eventgateway\":\"text\",\"a\":1}", "{\"a\":1}"},
        {"{\"eventgateway\":[{}]}", "none"},
        {"{\"EventGateway\":{\"authorization\":1}}", "none"},
        {"{\"eventgatewayauthorization\":\"{}\"}", "none"},
        {"{\"a\":1,\"eventgateway-Authorization\":\"{}\",\"b\":2}", "{\"a\":1,\"b\":2}"},
        {"{\"eventgateway\":{\"transformed\":\"true\"}}",
         "{\"eventgateway\":{\"transformed\":\"true\"}}"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        fx_begin();
        char text[512];
        snprintf(text, sizeof text, BEGIN "%s}", rows[i][0]);
        struct eg_event *event = fx_read(text);
        (void)gw_event_json(event, EG_CE_0_1);
        gw_event_clean_authorization(event);
        ASSERT_STR(bag(event), rows[i][1]);
        fx_end();
    }
}

UNIT_MAIN(UNIT(extensions_are_set_replaced_and_removed_in_place),
          UNIT(an_authorization_joins_what_is_there), UNIT(an_authorization_is_a_text_in_1_0),
          UNIT(a_forged_authorization_is_removed_in_every_spelling))
