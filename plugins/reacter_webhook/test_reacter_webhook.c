/* reacter_webhook without a gateway. What egx_outbox.h does is tested in tests/sdk. */
#include <eventgw-sdk/egx_reacter.h>
#include <eventgw-sdk/fake_host.h>

#include "sign.h"
#include "unit.h"

#define S UINT64_C(1000000000)
#define SECRET "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

static struct egx_fake *fake;
static void *instance;
static void *slot;
static struct eg_why why;

static const struct eg_component *component(void) {
    return eg_plugin.components[0];
}

static int32_t create(const char *settings) {
    fake = egx_fake_new();
    instance = NULL;
    why = (struct eg_why){.struct_size = sizeof why};
    return egx_fake_create(fake, component(), settings, &instance, &why);
}

static void begin(const char *settings) {
    CU_ASSERT_EQUAL_FATAL(create(settings), EG_OK);
    CU_ASSERT_EQUAL_FATAL(egx_fake_start(fake, component(), instance), EG_OK);
    CU_ASSERT_EQUAL_FATAL(component()->life->attach(instance, egx_fake_loop(fake), &slot), EG_OK);
}

static void end(void) {
    component()->life->drain(instance);
    (void)egx_fake_run(fake);
    component()->life->detach(instance, slot);
    component()->life->destroy(instance);
    CU_ASSERT_EQUAL(egx_fake_allocations(fake), 0);
    egx_fake_free(fake);
}

static void tell(const char *json) {
    const struct eg_reacter_ops *ops = component()->ops;
    struct egx_fake_op op;
    egx_fake_op_init(fake, &op);
    CU_ASSERT_EQUAL(ops->react(instance, slot, egx_fake_event(fake, json), &op.pub), EG_NEXT);
    CU_ASSERT_EQUAL(op.done_count, 0);
}

static struct eg_str header(size_t index, const char *name) {
    const struct egx_fake_request *r = egx_fake_sent(fake, index);
    CU_ASSERT_PTR_NOT_NULL_FATAL(r);
    for (size_t i = 0; i < r->header_count; i++) {
        if (egx_str_eq_nocase(r->headers[i].name, egx_str_c(name))) {
            return r->headers[i].value;
        }
    }
    return egx_str_n(NULL, 0);
}

static void events_are_posted_as_one_batch_of_cloudevents(void) {
    begin("{\"url\":\"http://127.0.0.1/hook\",\"token\":\"t0\",\"headers\":\"X-Team: blue\"}");
    tell("{\"id\":\"1\"}");
    tell("{\"id\":\"2\"}");
    egx_fake_answer(fake, 200, "", "");
    egx_fake_advance(fake, S);
    (void)egx_fake_run(fake);
    CU_ASSERT_EQUAL_FATAL(egx_fake_request_count(fake), 1);
    ASSERT_STR(egx_fake_sent(fake, 0)->body, "[{\"id\":\"1\"},{\"id\":\"2\"}]");
    CU_ASSERT_STRING_EQUAL(egx_fake_sent(fake, 0)->url, "http://127.0.0.1/hook");
    ASSERT_STR(header(0, "Content-Type"), "application/cloudevents-batch+json");
    ASSERT_STR(header(0, "Authorization"), "Bearer t0");
    ASSERT_STR(header(0, "X-Team"), "blue");
    CU_ASSERT_TRUE(egx_str_starts(header(0, "webhook-id"), EGX_STR("msg_")));
    ASSERT_STR(header(0, "webhook-timestamp"), "1525176001");
    CU_ASSERT_PTR_NULL(header(0, "webhook-signature").ptr);
    CU_ASSERT_EQUAL(egx_fake_metric(fake, "outbox_sent_total", "component=webhook_events"), 2);
    end();
}

static void every_try_is_signed_anew_under_the_same_id(void) {
    struct signing_keys keys;
    begin("{\"url\":\"http://127.0.0.1/hook\",\"secret\":\"" SECRET "\",\"batch_count\":1}");
    tell("{\"id\":\"1\"}");
    egx_fake_answer(fake, 503, "Retry-After: 7\n", "");
    (void)egx_fake_run(fake);
    egx_fake_advance(fake, 7 * S);
    egx_fake_answer(fake, 200, "", "");
    (void)egx_fake_run(fake);
    CU_ASSERT_EQUAL_FATAL(egx_fake_request_count(fake), 2);
    CU_ASSERT_TRUE(egx_str_eq(header(0, "webhook-id"), header(1, "webhook-id")));
    ASSERT_STR(header(0, "webhook-timestamp"), "1525176000");
    ASSERT_STR(header(1, "webhook-timestamp"), "1525176007");
    CU_ASSERT_EQUAL_FATAL(webhook_events_keys(EGX_STR(SECRET), &keys, NULL), EG_OK);
    struct egx_json expected = egx_json_begin();
    CU_ASSERT_EQUAL(webhook_events_sign(&keys, header(1, "webhook-id"), 1525176007,
                                        EGX_STR("[{\"id\":\"1\"}]"), &expected),
                    EG_OK);
    CU_ASSERT_TRUE(egx_str_eq(header(1, "webhook-signature"), egx_json_text(&expected)));
    egx_json_free(&expected);
    end();
}

static size_t tries_after(int32_t status) {
    begin("{\"url\":\"http://127.0.0.1/hook\",\"batch_count\":1,\"attempts\":2}");
    tell("{\"id\":\"1\"}");
    egx_fake_answer(fake, status, "", "");
    (void)egx_fake_run(fake);
    egx_fake_answer(fake, 200, "", "");
    egx_fake_advance(fake, S);
    (void)egx_fake_run(fake);
    const size_t tries = egx_fake_request_count(fake);
    end();
    return tries;
}

static void only_answers_about_the_moment_are_tried_again(void) {
    static const int32_t again[] = {408, 425, 429, 500, 502, 503, 504};
    static const int32_t never[] = {301, 400, 401, 403, 404, 410, 413};
    for (size_t i = 0; i < EGX_COUNT(again); i++) {
        CU_ASSERT_EQUAL(tries_after(again[i]), 2);
    }
    for (size_t i = 0; i < EGX_COUNT(never); i++) {
        CU_ASSERT_EQUAL(tries_after(never[i]), 1);
    }
}

static void settings_that_cannot_work_are_refused_with_a_sentence(void) {
    static const struct {
        const char *settings;
        const char *told;
    } cases[] = {
        {"{}", "url"},
        {"{\"url\":\"nowhere\"}", "'url'"},
        {"{\"url\":\"http://127.0.0.1/\",\"events\":[\"eventgateway.nothing\"]}", "'events'"},
        {"{\"url\":\"http://127.0.0.1/\",\"secret\":\"hello\"}", "'secret'"},
        {"{\"url\":\"http://127.0.0.1/\",\"headers\":\"hello\"}", "line 1"},
        {"{\"url\":\"http://example.com/\",\"token\":\"t\"}", "allow_http"},
    };
    for (size_t i = 0; i < EGX_COUNT(cases); i++) {
        CU_ASSERT_EQUAL(create(cases[i].settings), EG_E_INVAL);
        CU_ASSERT_PTR_NOT_NULL(strstr(why.text, cases[i].told));
        CU_ASSERT_EQUAL(egx_fake_allocations(fake), 0);
        egx_fake_free(fake);
    }
}

static void events_are_chosen_by_type(void) {
    const struct eg_reacter_ops *ops = component()->ops;
    size_t count = 0;
    begin("{\"url\":\"http://127.0.0.1/\",\"events\":[\"eventgateway.function.invoked\"]}");
    const struct eg_interest *const *list = ops->interests(instance, &count);
    CU_ASSERT_EQUAL_FATAL(count, 1);
    CU_ASSERT_STRING_EQUAL(list[0]->event_type, "eventgateway.function.invoked");
    CU_ASSERT_EQUAL(list[0]->mode, EG_INTEREST_ASYNC);
    end();
}

static void a_certificate_that_is_not_there_fails_the_start(void) {
    CU_ASSERT_EQUAL_FATAL(create("{\"url\":\"https://example.com/\",\"ca_file\":\"/nowhere/ca\"}"),
                          EG_OK);
    CU_ASSERT_EQUAL(egx_fake_start(fake, component(), instance), EG_E_IO);
    egx_fake_destroy(fake, component(), instance);
    CU_ASSERT_EQUAL(egx_fake_allocations(fake), 0);
    egx_fake_free(fake);
}

UNIT_MAIN(UNIT(events_are_posted_as_one_batch_of_cloudevents),
          UNIT(every_try_is_signed_anew_under_the_same_id),
          UNIT(only_answers_about_the_moment_are_tried_again),
          UNIT(settings_that_cannot_work_are_refused_with_a_sentence),
          UNIT(events_are_chosen_by_type), UNIT(a_certificate_that_is_not_there_fails_the_start))
