/* domain/event_change.c: what may be changed of an event, and what is refused. */
#include "event_fixture.h"

#define EVENT_1_0                                                                                  \
    "{\"specversion\":\"1.0\",\"type\":\"t\",\"source\":\"/s\",\"id\":\"1\",\"subject\":\"old\","  \
    "\"time\":\"2020-01-02T03:04:05Z\",\"a\":\"x\",\"b\":2,\"data\":{\"n\":1}}"

static void attributes_are_changed_and_removed(void) {
    fx_begin();
    struct eg_event *event = fx_read(EVENT_1_0);
    (void)gw_event_json(event, EG_CE_AS_RECEIVED); /* a written form that has to be forgotten */
    CU_ASSERT_EQUAL(gw_event_set_attribute(event, GW_STR("type"), GW_STR("order.made")), EG_OK);
    CU_ASSERT_EQUAL(gw_event_set_attribute(event, GW_STR("subject"), GW_STR("")), EG_OK);
    CU_ASSERT_EQUAL(gw_event_set_attribute(event, GW_STR("dataschema"), GW_STR("/v1")), EG_OK);
    const struct eg_str json = gw_event_json(event, EG_CE_AS_RECEIVED);
    CU_ASSERT_TRUE(fx_has(json, "\"type\":\"order.made\""));
    CU_ASSERT_TRUE(fx_has(json, "\"dataschema\":\"/v1\""));
    CU_ASSERT_EQUAL(gw_event_attribute(event, GW_STR("subject")).len, 0);
    fx_end();
}

static void the_new_text_is_a_copy(void) {
    char text[] = "mine";
    fx_begin();
    struct eg_event *event = fx_read(EVENT_1_0);
    CU_ASSERT_EQUAL(gw_event_set_attribute(event, GW_STR("id"), gw_str_c(text)), EG_OK);
    memset(text, 'x', sizeof text - 1);
    ASSERT_STR(gw_event_attribute(event, GW_STR("id")), "mine");
    fx_end();
}

static void what_the_version_forbids_changes_nothing(void) {
    static const struct {
        const char *name;
        const char *value;
    } rows[] = {
        {"specversion", "0.3"}, /* the gateway converts, plugins do not */
        {"id", ""},
        {"type", ""},
        {"source", ""},
        {"source", "no uri \x01"},
        {"type", "eventgateway.event.received"},
        {"time", "yesterday"},
        {"datacontenttype", "no media type"},
        {"subject", "a\nb"},
        {"subject", "caf\xc3"},
        {"nonsense", "v"},
        {"data", "1"},
    };
    fx_begin();
    struct eg_event *event = fx_read(EVENT_1_0);
    const struct eg_str before = gw_arena_dup(&fx.arena, gw_event_json(event, EG_CE_1_0));
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        CU_ASSERT_EQUAL(
            gw_event_set_attribute(event, gw_str_c(rows[i].name), gw_str_c(rows[i].value)),
            EG_E_INVAL);
    }
    CU_ASSERT_TRUE(gw_str_eq(gw_event_json(event, EG_CE_1_0), before));
    fx_end();
}

static void data_is_replaced_by_json_or_base64(void) {
    fx_begin();
    struct eg_event *event = fx_read(EVENT_1_0);
    CU_ASSERT_EQUAL(gw_event_set_data(event, GW_STR(" [1, 2] "), false, 8), EG_OK);
    CU_ASSERT_TRUE(fx_has(gw_event_json(event, EG_CE_1_0), "\"data\":[1, 2]}"));
    CU_ASSERT_EQUAL(gw_event_set_data(event, GW_STR("AAE="), true, 8), EG_OK);
    CU_ASSERT_TRUE(fx_has(gw_event_json(event, EG_CE_1_0), "\"data_base64\":\"AAE=\"}"));
    CU_ASSERT_EQUAL(event->data_json.len, 0);
    fx_end();
}

static void data_that_is_neither_is_refused(void) {
    static const char *const texts[] = {"", "{", "1 2", "nul", "\"\xff\"", "[[[[[[[[[1]]]]]]]]]"};
    fx_begin();
    struct eg_event *event = fx_read(EVENT_1_0);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        CU_ASSERT_EQUAL(gw_event_set_data(event, gw_str_c(texts[i]), false, 8), EG_E_SYNTAX);
    }
    CU_ASSERT_EQUAL(gw_event_set_data(event, GW_STR("A"), true, 8), EG_E_SYNTAX);
    ASSERT_STR(event->data_json, "{\"n\":1}");
    fx_end();
}

/* Parameters are written into the text of the request's own data, which is gone then. */
static void path_parameters_do_not_touch_data_of_a_plugin(void) {
    struct gw_path_params params = {.count = 1};
    fx_begin();
    params.items[0] = (struct eg_kv){GW_STR("id"), GW_STR("7")};
    struct eg_event *event = fx_event("/users/7", "{}");
    CU_ASSERT_EQUAL(gw_event_set_data(event, GW_STR("{\"mine\":true}"), false, 8), EG_OK);
    gw_event_set_params(event, &params);
    ASSERT_STR(event->data_json, "{\"mine\":true}");
    fx_end();
}

static void extensions_are_listed(void) {
    struct eg_str name;
    fx_begin();
    struct eg_event *event = fx_read(EVENT_1_0);
    ASSERT_STR(gw_event_extension_at(event, 0, &name), "\"x\"");
    ASSERT_STR(name, "a");
    ASSERT_STR(gw_event_extension_at(event, 1, &name), "2");
    ASSERT_STR(name, "b");
    CU_ASSERT_EQUAL(gw_event_extension_at(event, 2, &name).len, 0);
    CU_ASSERT_PTR_NULL(name.ptr);
    fx_end();
}

UNIT_MAIN(UNIT(attributes_are_changed_and_removed), UNIT(the_new_text_is_a_copy),
          UNIT(what_the_version_forbids_changes_nothing), UNIT(data_is_replaced_by_json_or_base64),
          UNIT(data_that_is_neither_is_refused),
          UNIT(path_parameters_do_not_touch_data_of_a_plugin), UNIT(extensions_are_listed))
