/* middleware_schema without a gateway. */
#include <eventgw-sdk/egx.h>
#include <eventgw-sdk/fake_host.h>

#include "unit.h"

#define MESSAGE "The event's data does not fit the schema of its type: "
#define ID "{\"required\":[\"id\"]}"

static struct egx_fake *fake;
static void *instance;
static void *slot;
static struct eg_exchange *request;
static struct eg_event *event;
static struct egx_fake_op op;
static struct eg_why why;

static const struct eg_component *component(void) {
    return eg_plugin.components[0];
}

static int32_t make(const char *settings) {
    fake = egx_fake_new();
    instance = slot = NULL;
    why = (struct eg_why){.struct_size = sizeof why};
    const int32_t rc = egx_fake_create(fake, component(), settings, &instance, &why);
    if (rc == EG_OK) {
        CU_ASSERT_EQUAL(component()->life->attach(instance, egx_fake_loop(fake), &slot), EG_OK);
    }
    return rc;
}

static void end(void) {
    if (instance != NULL) {
        component()->life->detach(instance, slot);
        egx_fake_destroy(fake, component(), instance);
    }
    CU_ASSERT_EQUAL(egx_fake_allocations(fake), 0);
    egx_fake_free(fake);
}

static int32_t start(const char *schema, uint64_t mark, const char *event_json) {
    const struct eg_middleware_ops *ops = component()->ops;
    request = egx_fake_exchange(fake, "POST", "/");
    event = egx_fake_event(fake, event_json);
    if (schema != NULL) {
        egx_fake_set_schema(request, schema, mark);
    }
    egx_fake_op_init(fake, &op);
    return ops->on_event(instance, slot, request, event, &op.pub);
}

/* The verdict, on the loop or from the pool. */
static int32_t ask(const char *schema, uint64_t mark, const char *event_json) {
    const int32_t verdict = start(schema, mark, event_json);
    if (verdict != EG_PENDING) {
        return verdict;
    }
    CU_ASSERT_EQUAL(op.done_count, 0);
    (void)egx_fake_run(fake);
    CU_ASSERT_EQUAL_FATAL(op.done_count, 1);
    return op.status < 0 ? op.status : op.result.verdict;
}

#define EVENT(data) "{\"id\":\"1\",\"source\":\"s\",\"type\":\"t\"," data "}"
#define ENVELOPE(text) "{\"errors\":[{\"message\":\"" text "\"}]}\n"

static void an_event_without_a_schema_passes_untouched(void) {
    CU_ASSERT_EQUAL_FATAL(make(NULL), EG_OK);
    CU_ASSERT_EQUAL(start(NULL, 0, EVENT("\"data\":1")), EG_NEXT);
    CU_ASSERT_EQUAL(egx_fake_metric(fake, "schema_events_total", "result=fit"), 0);
    end();
}

static void what_does_not_fit_is_refused_with_place_and_reason(void) {
    CU_ASSERT_EQUAL_FATAL(make(NULL), EG_OK);
    CU_ASSERT_EQUAL(ask(ID, 1, EVENT("\"data\":{\"id\":1}")), EG_NEXT);
    CU_ASSERT_EQUAL(ask(ID, 1, EVENT("\"data\":{}")), EG_STOP);
    CU_ASSERT_EQUAL(egx_fake_reply_status(request), 400);
    CU_ASSERT_STRING_EQUAL(egx_fake_reply_body(request),
                           ENVELOPE(MESSAGE "at '': the property 'id' is missing"));
    CU_ASSERT_EQUAL(ask("{\"type\":\"null\"}", 2, EVENT("\"subject\":\"no data\"")), EG_NEXT);
    CU_ASSERT_EQUAL(egx_fake_metric(fake, "schema_events_total", "result=fit"), 2);
    CU_ASSERT_EQUAL(egx_fake_metric(fake, "schema_events_total", "result=unfit"), 1);
    end();
}

static void a_schema_is_compiled_on_the_pool_and_then_kept(void) {
    CU_ASSERT_EQUAL_FATAL(make(NULL), EG_OK);
    CU_ASSERT_EQUAL(start(ID, 1, EVENT("\"data\":{\"id\":1}")), EG_PENDING);
    (void)egx_fake_run(fake);
    CU_ASSERT_EQUAL(op.done_count, 1);
    CU_ASSERT_EQUAL(start(ID, 1, EVENT("\"data\":{\"id\":1}")), EG_NEXT);
    CU_ASSERT_EQUAL(start(ID, 1, EVENT("\"data\":{}")), EG_STOP);
    CU_ASSERT_EQUAL(start(ID, 2, EVENT("\"data\":{}")), EG_PENDING);
    (void)egx_fake_run(fake);
    end();
}

static void at_most_256_schemas_are_kept(void) {
    CU_ASSERT_EQUAL_FATAL(make(NULL), EG_OK);
    for (uint64_t mark = 1; mark <= 257; mark++) {
        CU_ASSERT_EQUAL(ask("true", mark, EVENT("\"data\":1")), EG_NEXT);
    }
    CU_ASSERT_EQUAL(start("true", 257, EVENT("\"data\":1")), EG_NEXT);
    CU_ASSERT_EQUAL(start("true", 2, EVENT("\"data\":1")), EG_NEXT);
    CU_ASSERT_EQUAL(ask("true", 1, EVENT("\"data\":1")), EG_NEXT);      /* was the oldest */
    CU_ASSERT_EQUAL(start("true", 3, EVENT("\"data\":1")), EG_PENDING); /* had to go for it */
    (void)egx_fake_run(fake);
    end();
}

static void tagged_events_carry_the_reason_and_nobody_else_can_say_so(void) {
    CU_ASSERT_EQUAL_FATAL(make("{\"on_failure\":\"tag\"}"), EG_OK);
    const struct eg_str name = EGX_STR("schemaerror");
    const struct eg_event_api *api = egx_fake_host(fake)->event;
    CU_ASSERT_EQUAL(ask("{\"items\":{\"type\":\"null\"}}", 1, EVENT("\"data\":[null,\"\\\"\"]")),
                    EG_NEXT);
    ASSERT_STR(api->extension(event, name), "\"at '/1': the value has to be of type null\"");
    CU_ASSERT_EQUAL(egx_fake_reply_status(request), 0);
    CU_ASSERT_EQUAL(
        ask("{\"items\":{\"type\":\"null\"}}", 1, EVENT("\"schemaerror\":\"mine\",\"data\":[]")),
        EG_NEXT);
    ASSERT_STR(api->extension(event, name), "");
    CU_ASSERT_EQUAL(start(NULL, 0, EVENT("\"schemaerror\":\"mine\",\"data\":[]")), EG_NEXT);
    ASSERT_STR(api->extension(event, name), "");
    CU_ASSERT_EQUAL(ask("true", 2, EVENT("\"data_base64\":\"AAAA\"")), EG_NEXT);
    ASSERT_STR(api->extension(event, name), "\"it is no JSON\"");
    CU_ASSERT_EQUAL(start(NULL, 0, EVENT("\"SchemaError\":1,\"schema.error\":2,\"own\":3")),
                    EG_NEXT);
    ASSERT_STR(api->extension(event, EGX_STR("SchemaError")), "");
    ASSERT_STR(api->extension(event, EGX_STR("schema.error")), "");
    ASSERT_STR(api->extension(event, EGX_STR("own")), "3");
    end();
}

static void data_that_is_no_json_fails_or_passes_by_setting(void) {
    CU_ASSERT_EQUAL_FATAL(make(NULL), EG_OK);
    CU_ASSERT_EQUAL(ask("true", 1, EVENT("\"data_base64\":\"AAAA\"")), EG_STOP);
    CU_ASSERT_STRING_EQUAL(egx_fake_reply_body(request), ENVELOPE(MESSAGE "it is no JSON"));
    CU_ASSERT_EQUAL(ask("true", 1, EVENT("\"datacontenttype\":\"text/plain\",\"data\":\"x\"")),
                    EG_STOP);
    CU_ASSERT_EQUAL(
        ask("true", 1,
            EVENT("\"datacontenttype\":\"Application/JSON ; charset=utf-8\",\"data\":\"x\"")),
        EG_NEXT);
    CU_ASSERT_EQUAL(ask("true", 1, EVENT("\"datacontenttype\":\"application/x+json\",\"data\":1")),
                    EG_NEXT);
    end();
    CU_ASSERT_EQUAL_FATAL(make("{\"on_no_json\":\"pass\"}"), EG_OK);
    CU_ASSERT_EQUAL(ask("false", 1, EVENT("\"data_base64\":\"AAAA\"")), EG_NEXT);
    CU_ASSERT_EQUAL(egx_fake_metric(fake, "schema_events_total", "result=unchecked"), 1);
    end();
}

static void a_schema_that_cannot_be_used_is_told_once(void) {
    CU_ASSERT_EQUAL_FATAL(make(NULL), EG_OK);
    const char *bad = "{\"$ref\":\"http://elsewhere.example/s\"}";
    CU_ASSERT_EQUAL(ask(bad, 1, EVENT("\"data\":1")), EG_STOP);
    CU_ASSERT_EQUAL(egx_fake_reply_status(request), 500);
    CU_ASSERT_TRUE(egx_fake_logged(fake,
                                   "the schema of event type 't' cannot be used: at '' of the "
                                   "schema: the $ref 'http://elsewhere.example/s' leads out"));
    const size_t lines = egx_fake_log_count(fake);
    CU_ASSERT_EQUAL(start(bad, 1, EVENT("\"data\":1")), EG_STOP);
    CU_ASSERT_EQUAL(egx_fake_log_count(fake), lines);
    CU_ASSERT_EQUAL(egx_fake_metric(fake, "schema_events_total", "result=bad_schema"), 2);
    end();
    CU_ASSERT_EQUAL_FATAL(make("{\"on_bad_schema\":\"pass\"}"), EG_OK);
    CU_ASSERT_EQUAL(ask(bad, 1, EVENT("\"data\":1")), EG_NEXT);
    end();
}

static void a_check_that_takes_long_goes_on_on_the_pool_and_ends(void) {
    char json[16384] = "{\"id\":\"1\",\"source\":\"s\",\"type\":\"t\",\"data\":[0";
    size_t len = strlen(json);
    for (int i = 0; i < 4000; i++) {
        json[len++] = ',';
        json[len++] = '0';
    }
    (void)snprintf(json + len, sizeof json - len, "]}");
#define MANY "{\"items\":{\"enum\":[1,2,3,4,5,6,7,0]}}"
    CU_ASSERT_EQUAL_FATAL(make("{\"max_steps\":50000}"), EG_OK);
    CU_ASSERT_EQUAL(ask(MANY, 1, EVENT("\"data\":[0]")), EG_NEXT);
    CU_ASSERT_EQUAL(start(MANY, 1, json), EG_PENDING);
    (void)egx_fake_run(fake);
    CU_ASSERT_EQUAL(op.result.verdict, EG_NEXT);
    CU_ASSERT_EQUAL(ask("{\"allOf\":[" MANY "," MANY "]}", 2, json), EG_STOP);
    CU_ASSERT_STRING_EQUAL(
        egx_fake_reply_body(request),
        ENVELOPE(MESSAGE "checking it takes too long, or it is nested too deep"));
    CU_ASSERT_EQUAL(egx_fake_metric(fake, "schema_events_total", "result=too_much"), 1);
    end();
}

static void a_canceled_check_answers_nothing(void) {
    const struct eg_middleware_ops *ops = component()->ops;
    CU_ASSERT_EQUAL_FATAL(make(NULL), EG_OK);
    CU_ASSERT_EQUAL(start("false", 1, EVENT("\"data\":1")), EG_PENDING);
    ops->cancel(instance, slot, &op.pub);
    (void)egx_fake_run(fake);
    CU_ASSERT_EQUAL(op.done_count, 1);
    CU_ASSERT_EQUAL(op.status, EG_E_CANCELED);
    CU_ASSERT_EQUAL(egx_fake_reply_status(request), 0);
    end();
}

static void impossible_settings_are_refused(void) {
    CU_ASSERT_EQUAL(make("{\"extension\":\"Bad-Name\"}"), EG_E_INVAL);
    ASSERT_STR(egx_str_n(why.text, why.len),
               "'extension' is up to 20 lower-case letters and digits, and no attribute of "
               "CloudEvents");
    end();
    CU_ASSERT_EQUAL(make("{\"extension\":\"subject\"}"), EG_E_INVAL);
    end();
    CU_ASSERT_EQUAL(make("{\"on_failure\":\"drop\"}"), EG_E_INVAL);
    end();
}

UNIT_MAIN(UNIT(an_event_without_a_schema_passes_untouched),
          UNIT(what_does_not_fit_is_refused_with_place_and_reason),
          UNIT(a_schema_is_compiled_on_the_pool_and_then_kept), UNIT(at_most_256_schemas_are_kept),
          UNIT(tagged_events_carry_the_reason_and_nobody_else_can_say_so),
          UNIT(data_that_is_no_json_fails_or_passes_by_setting),
          UNIT(a_schema_that_cannot_be_used_is_told_once),
          UNIT(a_check_that_takes_long_goes_on_on_the_pool_and_ends),
          UNIT(a_canceled_check_answers_nothing), UNIT(impossible_settings_are_refused))
