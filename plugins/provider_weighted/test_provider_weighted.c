/*
 * Unit tests of the component `weighted`: what may be configured, who is called, what is handed on.
 * How numbers are thrown and values found has tests of its own.
 */
#include <eventgw-sdk/fake_host.h>
#include <stdio.h>

#include "provider_weighted.h"
#include "unit.h"

#define TWO                                                                                        \
    "{\"weighted\":[{\"functionId\":\"a\",\"weight\":0},{\"functionId\":\"b\",\"weight\":7}]}"

static struct egx_fake *fake;
static void *instance;
static void *slot;
static void *target;
static struct eg_why why;
static struct egx_fake_op op;

static const struct eg_component *component(void) {
    return eg_plugin_constant.components[0];
}
static const struct eg_provider_ops *ops(void) {
    return component()->ops;
}

static void begin(void) {
    why = (struct eg_why){.struct_size = sizeof why};
    target = NULL;
    fake = egx_fake_new();
    CU_ASSERT_EQUAL_FATAL(egx_fake_create(fake, component(), NULL, &instance, &why), EG_OK);
    CU_ASSERT_EQUAL_FATAL(component()->life->attach(instance, egx_fake_loop(fake), &slot), EG_OK);
}

static int32_t bind(const char *provider) {
    const void *config = NULL;
    struct eg_target_traits traits = {.struct_size = sizeof traits};
    why.len = 0;
    const int32_t rc = egx_fake_target_settings(fake, component(), provider, &config, &why);
    return rc < 0 ? rc : ops()->bind(instance, config, &target, &traits, &why);
}

static void unbind(void) {
    ops()->unbind(instance, target);
    target = NULL;
}

static void end(void) {
    if (target != NULL) {
        unbind();
    }
    component()->life->detach(instance, slot);
    egx_fake_destroy(fake, component(), instance);
    CU_ASSERT_EQUAL(egx_fake_allocations(fake), 0);
    egx_fake_free(fake);
}

static struct eg_invocation invocation_of(const char *event) {
    return (struct eg_invocation){
        .struct_size = sizeof(struct eg_invocation),
        .space = EGX_STR("default"),
        .function_id = EGX_STR("front"),
        .payload = EGX_STR("{}"),
        .event = event == NULL ? NULL : egx_fake_event(fake, event),
        .call = egx_fake_call(fake),
    };
}

/* It has to be borrowed until the op is done. */
static struct eg_invocation invocation;
static void invoke(const char *event) {
    invocation = invocation_of(event);
    egx_fake_op_init(fake, &op);
    CU_ASSERT_EQUAL(ops()->invoke(instance, slot, target, &invocation, &op.pub), EG_OK);
}

static const char *chosen(void) {
    return egx_fake_called_at(fake, egx_fake_called_count(fake) - 1)->function_id;
}

/* A call that ends well at once. */
static const char *call_of(const char *event) {
    invoke(event);
    egx_fake_end_call(fake, EG_OK, EG_CALL_OK, "{}", NULL);
    (void)egx_fake_run(fake);
    CU_ASSERT_EQUAL(op.done_count, 1);
    egx_fake_op_free(&op);
    return chosen();
}

/* ---- configuration ---- */

static void wrong_configurations_are_refused_with_one_sentence(void) {
    static const char *const rows[][2] = {
        {"{}", "missing required fields for weighted function"},
        {"{\"weighted\":null}", "missing required fields for weighted function"},
        {"{\"weighted\":[]}", "missing required fields for weighted function"},
        {"{\"stickyBy\":\"/a\"}", "missing required fields for weighted function"},
        {"{\"weighted\":{}}", "weighted has to be a list of at most 1000 functions"},
        {"{\"weighted\":{\"functionId\":\"a\",\"weight\":1}}",
         "weighted has to be a list of at most 1000 functions"},
        {"{\"weighted\":[{\"functionId\":\"a\",\"weight\":0}]}", "function weights sum to zero"},
        {"{\"weighted\":[{\"functionId\":\"a\"}]}", "function weights sum to zero"},
        {"{\"weighted\":[{\"functionId\":\"a\",\"weight\":1},{\"functionId\":\"b\",\"weight\":-1}]"
         "}",
         "weight of entry 2 is negative"},
        {"{\"weighted\":[{\"functionId\":\"\",\"weight\":1}]}",
         "entry 1 of weighted has no functionId"},
        {"{\"weighted\":[{\"weight\":1}]}", "entry 1 of weighted has no functionId"},
        {"{\"weighted\":[{\"functionId\":7,\"weight\":1}]}",
         "entry 1 of weighted has no functionId"},
        {"{\"weighted\":[{\"functionId\":\"a\",\"weight\":1.5}]}",
         "weight of entry 1 has to be a whole number below 2^63"},
        {"{\"weighted\":[{\"functionId\":\"a\",\"weight\":100.0}]}",
         "weight of entry 1 has to be a whole number below 2^63"},
        {"{\"weighted\":[{\"functionId\":\"a\",\"weight\":\"1\"}]}",
         "weight of entry 1 has to be a whole number below 2^63"},
        {"{\"weighted\":[{\"functionId\":\"a\",\"weight\":true}]}",
         "weight of entry 1 has to be a whole number below 2^63"},
        {"{\"weighted\":[{\"functionId\":\"a\",\"weight\":1},\"b\"]}",
         "entry 2 of weighted has to be an object with functionId and weight"},
        {"{\"weighted\":[null]}",
         "entry 1 of weighted has to be an object with functionId and weight"},
        {"{\"weighted\":[{\"functionId\":\"a\",\"weight\":9223372036854775807},{\"functionId\":"
         "\"b\",\"weight\":1}]}",
         "function weights are too big: their sum has no room"},
        {"{\"weighted\":[{\"functionId\":\"a\",\"weight\":1}],\"stickyBy\":\"data.id\"}",
         "stickyBy has to be a JSON pointer into the event, like /data/userId"},
    };
    begin();
    for (size_t i = 0; i < EGX_COUNT(rows); i++) {
        CU_ASSERT_EQUAL(bind(rows[i][0]), EG_E_INVAL);
        ASSERT_STR(egx_str_n(why.text, why.len), rows[i][1]);
    }
    CU_ASSERT_TRUE(bind("{\"weighted\":\"a\"}") < 0);
    end();
}

/* The last one has all the weight. take: egx_json_free. */
static struct egx_json list_of(size_t count) {
    struct egx_json text = egx_json_begin();
    char entry[64];
    egx_json_raw(&text, EGX_STR("{\"weighted\":["));
    for (size_t i = 0; i < count; i++) {
        (void)snprintf(entry, sizeof entry, "%s{\"functionId\":\"f%zu\",\"weight\":%d}",
                       i == 0 ? "" : ",", i, i == count - 1);
        egx_json_raw(&text, egx_str_c(entry));
    }
    egx_json_raw(&text, egx_str_n("]}", 3)); /* with its NUL */
    return text;
}

static void a_thousand_functions_are_taken_and_not_one_more(void) {
    begin();
    struct egx_json text = list_of(WEIGHTED_CHOICES_MAX);
    CU_ASSERT_EQUAL(bind(egx_json_text(&text).ptr), EG_OK);
    CU_ASSERT_STRING_EQUAL(call_of(NULL), "f999");
    unbind();
    egx_json_free(&text);
    text = list_of(WEIGHTED_CHOICES_MAX + 1);
    CU_ASSERT_EQUAL(bind(egx_json_text(&text).ptr), EG_E_INVAL);
    egx_json_free(&text);
    end();
}

static void names_count_without_regard_to_case_and_the_last_wins(void) {
    begin();
    CU_ASSERT_EQUAL(bind("{\"weighted\":[{\"FUNCTIONID\":\"x\",\"functionid\":\"a\",\"functionId\":"
                         "null,\"Weight\":0,\"WEIGHT\":3,\"note\":[{}]},{\"functionId\":\"b\","
                         "\"weight\":null}]}"),
                    EG_OK);
    for (int i = 0; i < 50; i++) {
        CU_ASSERT_STRING_EQUAL(call_of(NULL), "a");
    }
    end();
}

/* ---- calls ---- */

static void a_weight_of_zero_is_never_chosen(void) {
    begin();
    CU_ASSERT_EQUAL(bind(TWO), EG_OK);
    for (int i = 0; i < 1000; i++) {
        CU_ASSERT_STRING_EQUAL(call_of(NULL), "b");
    }
    end();
}

/* The seed is the system's, so the bound is one that is missed once in 2^1000 runs. */
static void all_that_have_a_weight_are_chosen(void) {
    unsigned seen = 0;
    begin();
    CU_ASSERT_EQUAL(bind("{\"weighted\":[{\"functionId\":\"a\",\"weight\":1},{\"functionId\":\"b\","
                         "\"weight\":1}]}"),
                    EG_OK);
    for (int i = 0; i < 1001 && seen != 3; i++) {
        seen |= strcmp(call_of(NULL), "a") == 0 ? 1 : 2;
    }
    CU_ASSERT_EQUAL(seen, 3);
    end();
}

static void the_result_is_handed_on_as_it_is(void) {
    begin();
    CU_ASSERT_EQUAL(bind(TWO), EG_OK);
    invoke(NULL);
    CU_ASSERT_EQUAL(op.done_count, 0);
    CU_ASSERT_PTR_EQUAL(egx_fake_called_at(fake, 0)->from, invocation.call);
    CU_ASSERT_EQUAL(egx_fake_called_at(fake, 0)->deadline_ns, 0);
    egx_fake_end_call(fake, EG_OK, EG_CALL_ACCEPTED, "{\"n\":1}", NULL);
    (void)egx_fake_run(fake);
    CU_ASSERT_EQUAL(op.done_count, 1);
    CU_ASSERT_EQUAL(op.status, EG_OK);
    CU_ASSERT_EQUAL(op.result.call_class, EG_CALL_ACCEPTED);
    ASSERT_STR(egx_str_n(op.result.body.ptr, op.result.body.len), "{\"n\":1}");
    egx_fake_op_free(&op);
    invoke(NULL);
    egx_fake_end_call(fake, EG_E_BUSY, EG_CALL_THROTTLED, NULL, "slow down");
    (void)egx_fake_run(fake);
    CU_ASSERT_EQUAL(op.status, EG_E_BUSY);
    CU_ASSERT_EQUAL(op.result.call_class, EG_CALL_THROTTLED);
    ASSERT_STR(op.result.message, "slow down");
    egx_fake_op_free(&op);
    end();
}

static void calls_may_end_in_any_order(void) {
    struct eg_invocation invocations[3];
    struct egx_fake_op all[3];
    begin();
    CU_ASSERT_EQUAL(bind(TWO), EG_OK);
    for (size_t i = 0; i < 3; i++) {
        invocations[i] = invocation_of(NULL);
        egx_fake_op_init(fake, &all[i]);
        CU_ASSERT_EQUAL(ops()->invoke(instance, slot, target, &invocations[i], &all[i].pub), EG_OK);
    }
    ops()->cancel(instance, slot, &all[1].pub);
    (void)egx_fake_run(fake);
    CU_ASSERT_EQUAL(egx_fake_called_at(fake, 1)->is_canceled, 1);
    CU_ASSERT_EQUAL(all[1].done_count, 1);
    CU_ASSERT_EQUAL(all[1].status, EG_E_CANCELED);
    CU_ASSERT_EQUAL(all[0].done_count + all[2].done_count, 0);
    ops()->cancel(instance, slot, &all[1].pub); /* it is over: ignored */
    egx_fake_end_call(fake, EG_OK, EG_CALL_OK, NULL, NULL);
    egx_fake_end_call(fake, EG_OK, EG_CALL_OK, NULL, NULL);
    (void)egx_fake_run(fake);
    for (size_t i = 0; i < 3; i++) {
        CU_ASSERT_EQUAL(all[i].done_count, 1);
        CU_ASSERT_EQUAL(egx_fake_called_at(fake, i)->is_canceled, i == 1);
    }
    end();
}

static void a_call_that_is_refused_is_a_failure_with_a_sentence(void) {
    static const struct {
        int32_t refusal;
        uint32_t call_class;
        const char *message;
    } rows[] = {
        {EG_E_NOTFOUND, EG_CALL_PERMANENT, "unable to look up registered function"},
        {EG_E_UNAVAILABLE, EG_CALL_PERMANENT, "the function's provider is not available"},
        {EG_E_UNSUPPORTED, EG_CALL_PERMANENT,
         "a weighted function cannot choose another weighted function"},
        {EG_E_CANCELED, EG_CALL_TRANSIENT, "canceled"},
        {EG_E_INVAL, EG_CALL_PERMANENT, "invalid argument"},
    };
    begin();
    CU_ASSERT_EQUAL(bind(TWO), EG_OK);
    for (size_t i = 0; i < EGX_COUNT(rows); i++) {
        egx_fake_refuse_call(fake, rows[i].refusal);
        invoke(NULL);
        CU_ASSERT_EQUAL(op.done_count, 1);
        CU_ASSERT_EQUAL(op.status, rows[i].refusal);
        CU_ASSERT_EQUAL(op.result.call_class, rows[i].call_class);
        ASSERT_STR(op.result.message, rows[i].message);
    }
    CU_ASSERT_TRUE(egx_fake_logged(fake, "functionId=front chosen=b"));
    CU_ASSERT_EQUAL(egx_fake_called_count(fake), 0);
    end();
}

static void where_functions_cannot_be_called_it_says_so(void) {
    begin();
    CU_ASSERT_EQUAL(bind(TWO), EG_OK);
    invocation = invocation_of(NULL);
    invocation.call = NULL;
    egx_fake_op_init(fake, &op);
    CU_ASSERT_EQUAL(ops()->invoke(instance, slot, target, &invocation, &op.pub), EG_OK);
    CU_ASSERT_EQUAL(op.status, EG_E_UNSUPPORTED);
    end();
}

/* ---- the same caller ---- */

#define STICKY(a, b)                                                                               \
    "{\"weighted\":[{\"functionId\":\"a\",\"weight\":" #a "},{\"functionId\":\"b\",\"weight\":" #b \
    "}],\"stickyBy\":\"/data/userId\"}"

static const char *event_of(int user) {
    static char text[80];
    (void)snprintf(text, sizeof text, "{\"id\":\"1\",\"type\":\"t\",\"data\":{\"userId\":%d}}",
                   user);
    return text;
}

static void a_caller_stays_and_only_goes_where_weight_is_added(void) {
    enum { USERS = 400 };
    static int is_b[USERS];
    int before = 0;
    int after = 0;
    begin();
    CU_ASSERT_EQUAL(bind(STICKY(75, 25)), EG_OK);
    for (int i = 0; i < USERS; i++) {
        is_b[i] = strcmp(call_of(event_of(i)), "b") == 0;
        before += is_b[i];
        CU_ASSERT_EQUAL(strcmp(call_of(event_of(i)), "b") == 0, is_b[i]);
    }
    unbind();
    CU_ASSERT_EQUAL(bind(STICKY(1, 1)), EG_OK);
    for (int i = 0; i < USERS; i++) {
        const int now = strcmp(call_of(event_of(i)), "b") == 0;
        CU_ASSERT_TRUE(now || !is_b[i]);
        after += now;
    }
    CU_ASSERT_TRUE(before > 70 && before < 130); /* the hash is fixed, and so are these */
    CU_ASSERT_TRUE(after > 170 && after < 230);
    end();
}

static void who_has_no_value_is_sent_by_chance(void) {
    static const char *const events[] = {"{\"id\":\"1\",\"type\":\"t\"}",
                                         "{\"id\":\"1\",\"type\":\"t\",\"data\":{\"userId\":null}}",
                                         NULL};
    begin();
    CU_ASSERT_EQUAL(bind(STICKY(1, 1)), EG_OK);
    for (size_t i = 0; i < EGX_COUNT(events); i++) {
        unsigned seen = 0;
        for (int k = 0; k < 1001 && seen != 3; k++) {
            seen |= strcmp(call_of(events[i]), "a") == 0 ? 1 : 2;
        }
        CU_ASSERT_EQUAL(seen, 3);
    }
    end();
}

UNIT_MAIN(UNIT(wrong_configurations_are_refused_with_one_sentence),
          UNIT(a_thousand_functions_are_taken_and_not_one_more),
          UNIT(names_count_without_regard_to_case_and_the_last_wins),
          UNIT(a_weight_of_zero_is_never_chosen), UNIT(all_that_have_a_weight_are_chosen),
          UNIT(the_result_is_handed_on_as_it_is), UNIT(calls_may_end_in_any_order),
          UNIT(a_call_that_is_refused_is_a_failure_with_a_sentence),
          UNIT(where_functions_cannot_be_called_it_says_so),
          UNIT(a_caller_stays_and_only_goes_where_weight_is_added),
          UNIT(who_has_no_value_is_sent_by_chance))
