/* domain/event_batch.c: many events in one request. */
#include "event_fixture.h"

#define ONE(id) "{\"specversion\":\"1.0\",\"type\":\"t\",\"source\":\"/\",\"id\":\"" id "\"}"

static int32_t send(const char *body) {
    fx_header("Content-Type", "application/cloudevents-batch+json; charset=utf-8");
    return fx_send("/", body, strlen(body));
}

static void each_event_of_a_batch_is_one_of_its_own(void) {
    fx_begin();
    CU_ASSERT_EQUAL(send(" [" ONE("1") ", {\"eventType\":\"e\",\"cloudEventsVersion\":\"0.1\","
                                       "\"source\":\"/\",\"eventID\":\"2\"}] "),
                    0);
    CU_ASSERT_TRUE(fx.is_batch);
    CU_ASSERT_EQUAL_FATAL(fx.count, 2);
    ASSERT_STR(gw_event_json(fx.events[0], EG_CE_AS_RECEIVED), ONE("1"));
    CU_ASSERT_EQUAL(fx.events[1]->version, EG_CE_0_1);
    fx_end();
}

static void an_empty_batch_holds_no_event(void) {
    fx_begin();
    CU_ASSERT_EQUAL(send("[]"), 0);
    CU_ASSERT_TRUE(fx.is_batch);
    CU_ASSERT_EQUAL(fx.count, 0);
    fx_end();
}

static void a_bad_event_is_named_by_its_index(void) {
    fx_begin();
    CU_ASSERT_TRUE(send("[" ONE("1") "," ONE("") "]") < 0);
    ASSERT_STR(fx_why(), "event 1 of the batch: CloudEvent doesn't validate: Key: 'Event.id' "
                         "Error:Field validation for 'id' failed on the 'required' tag");
    fx_end();
    fx_begin();
    CU_ASSERT_TRUE(send("[7]") < 0);
    ASSERT_STR(fx_why(), "event 0 of the batch: json: cannot unmarshal number into a CloudEvent");
    fx_end();
}

static void what_is_no_array_is_no_batch(void) {
    static const char *const rows[][2] = {
        {ONE("1"), "a batch of CloudEvents has to be a JSON array"},
        {"", "unexpected end of JSON input"},
        {"[" ONE("1"), "unexpected end of JSON input"},
    };
    for (size_t i = 0; i < 3; i++) {
        fx_begin();
        CU_ASSERT_TRUE(send(rows[i][0]) < 0);
        CU_ASSERT_TRUE(fx.is_batch);
        ASSERT_STR(fx_why(), rows[i][1]);
        fx_end();
    }
}

static void a_batch_of_hundreds_keeps_its_order(void) {
    static char text[64 * 1024];
    fx_begin();
    size_t at = 0;
    for (unsigned i = 0; i < 500; i++) {
        at += (size_t)snprintf(text + at, sizeof text - at,
                               "%c{\"specversion\":\"1.0\",\"type\":\"t\",\"source\":\"/\","
                               "\"id\":\"%u\"}",
                               i == 0 ? '[' : ',', i);
    }
    snprintf(text + at, sizeof text - at, "]");
    CU_ASSERT_EQUAL(send(text), 0);
    CU_ASSERT_EQUAL_FATAL(fx.count, 500);
    ASSERT_STR(fx.events[0]->id, "0");
    ASSERT_STR(fx.events[499]->id, "499");
    fx_end();
}

static void batched_events_cannot_bring_an_authorization_along(void) {
    fx_begin();
    CU_ASSERT_EQUAL(send("[{\"specversion\":\"1.0\",\"type\":\"t\",\"source\":\"/\",\"id\":\"1\","
                         "\"eventgateway\":{\"authorization\":{}}}]"),
                    0);
    ASSERT_STR(gw_event_json(fx.events[0], EG_CE_AS_RECEIVED), ONE("1"));
    fx_end();
}

UNIT_MAIN(UNIT(each_event_of_a_batch_is_one_of_its_own), UNIT(an_empty_batch_holds_no_event),
          UNIT(a_bad_event_is_named_by_its_index), UNIT(what_is_no_array_is_no_batch),
          UNIT(a_batch_of_hundreds_keeps_its_order),
          UNIT(batched_events_cannot_bring_an_authorization_along))
