/*
 * reacter_otel without a gateway. With OTEL_EXAMPLE=FILE it writes the body it sent to that file,
 * which tests/otel holds against the published schema.
 */
#include <eventgw-sdk/egx.h>
#include <eventgw-sdk/fake_host.h>
#include <stdlib.h>

#include "unit.h"

#define S UINT64_C(1000000000)

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

static void tell(size_t span_count) {
    const struct eg_reacter_ops *ops = component()->ops;
    const struct eg_span request = {.struct_size = sizeof request,
                                    .kind = EG_SPAN_REQUEST,
                                    .id = {1},
                                    .parent_id = {9},
                                    .start_unix_ns = 1544712660000000000,
                                    .duration_ns = 5,
                                    .name = EGX_STR("POST /"),
                                    .http_status = 502};
    const struct eg_span call = {.struct_size = sizeof call,
                                 .kind = EG_SPAN_FUNCTION,
                                 .id = {2},
                                 .parent_id = {1},
                                 .start_unix_ns = 1544712660000000001,
                                 .duration_ns = 3,
                                 .name = EGX_STR("default/f"),
                                 .status = EG_E_TIMEOUT,
                                 .message = EGX_STR("too slow")};
    const struct eg_span *const spans[] = {&request, &call};
    const struct eg_trace trace = {.struct_size = sizeof trace,
                                   .flags = 1,
                                   .id = {0xaa, 0xbb},
                                   .tracestate = EGX_STR("a=b"),
                                   .request_id = EGX_STR("r"),
                                   .spans = spans,
                                   .span_count = span_count};
    ops->trace(instance, slot, &trace);
}

static void send(void) {
    egx_fake_advance(fake, S);
    (void)egx_fake_run(fake);
}

static struct eg_str header(const char *name) {
    const struct egx_fake_request *r = egx_fake_sent(fake, 0);
    CU_ASSERT_PTR_NOT_NULL_FATAL(r);
    for (size_t i = 0; i < r->header_count; i++) {
        if (egx_str_eq_nocase(r->headers[i].name, egx_str_c(name))) {
            return r->headers[i].value;
        }
    }
    return egx_str_n(NULL, 0);
}

static void write_example(struct eg_str body) {
    const char *path = getenv("OTEL_EXAMPLE");
    FILE *file = path == NULL ? NULL : fopen(path, "w");
    if (file != NULL) {
        CU_ASSERT_EQUAL(fwrite(body.ptr, 1, body.len, file), body.len);
        (void)fclose(file);
    }
}

static void traces_are_posted_as_one_request_of_otlp(void) {
    begin("{\"endpoint\":\"http://127.0.0.1:4318/\",\"service_name\":\"shop\",\"token\":\"t0\"}");
    tell(2);
    tell(1);
    egx_fake_answer(fake, 200, "Content-Type: application/json\n", "{\"partialSuccess\":{}}");
    send();
    CU_ASSERT_EQUAL_FATAL(egx_fake_request_count(fake), 1);
    const struct egx_fake_request *sent = egx_fake_sent(fake, 0);
    CU_ASSERT_STRING_EQUAL(sent->url, "http://127.0.0.1:4318/v1/traces");
    ASSERT_STR(header("Content-Type"), "application/json");
    ASSERT_STR(header("Authorization"), "Bearer t0");
    CU_ASSERT_PTR_NULL(header("Content-Encoding").ptr);
    struct eg_json *root = NULL;
    const struct eg_host *host = egx_fake_host(fake);
    CU_ASSERT_EQUAL_FATAL(host->json->parse(host, sent->body, &root, NULL), EG_OK);
    const struct eg_json *scope = host->json->at(
        host->json->member(
            host->json->at(host->json->member(root, EGX_STR("resourceSpans")), 0, NULL),
            EGX_STR("scopeSpans")),
        0, NULL);
    CU_ASSERT_EQUAL(host->json->count(host->json->member(scope, EGX_STR("spans"))), 3);
    host->json->free(host, root);
    CU_ASSERT_EQUAL(egx_fake_metric(fake, "outbox_sent_total", "component=otel"), 3);
    CU_ASSERT_EQUAL(egx_fake_log_count(fake), 0);
    write_example(sent->body);
    end();
}

static void a_trace_without_spans_is_nothing(void) {
    begin(NULL);
    tell(0);
    send();
    CU_ASSERT_EQUAL(egx_fake_request_count(fake), 0);
    end();
}

static void it_wants_no_system_events(void) {
    const struct eg_reacter_ops *ops = component()->ops;
    size_t count = 7;
    begin(NULL);
    (void)ops->interests(instance, &count);
    CU_ASSERT_EQUAL(count, 0);
    end();
}

static void a_body_may_be_compressed(void) {
    begin("{\"compression\":\"gzip\"}");
    tell(2);
    egx_fake_answer(fake, 200, "", "{}");
    send();
    ASSERT_STR(header("Content-Encoding"), "gzip");
    CU_ASSERT_EQUAL(memcmp(egx_fake_sent(fake, 0)->body.ptr, "\x1f\x8b\x08", 3), 0);
    end();
}

static void what_the_collector_rejects_of_a_batch_is_counted_and_not_sent_again(void) {
    static const char *const answers[] = {
        "{\"partialSuccess\":{\"rejectedSpans\":\"2\",\"errorMessage\":\"too old\"}}",
        "{\"partialSuccess\":{\"rejectedSpans\":2,\"errorMessage\":\"too old\"}}"};
    for (size_t i = 0; i < EGX_COUNT(answers); i++) {
        begin(NULL);
        tell(2);
        tell(1);
        egx_fake_answer(fake, 200, "", answers[i]);
        send();
        CU_ASSERT_TRUE(egx_fake_logged(fake, "the collector rejected 2 spans: too old"));
        CU_ASSERT_EQUAL(egx_fake_metric(fake, "outbox_sent_total", "component=otel"), 1);
        CU_ASSERT_EQUAL(egx_fake_metric(fake, "outbox_lost_total", "component=otel,reason=refused"),
                        2);
        CU_ASSERT_EQUAL(egx_fake_request_count(fake), 1);
        end();
    }
}

static void an_answer_that_makes_no_sense_counts_as_taken(void) {
    static const char *const answers[] = {"",
                                          "\x0a",
                                          "[]",
                                          "{\"partialSuccess\":7}",
                                          "{\"partialSuccess\":{\"rejectedSpans\":\"-1\"}}",
                                          "{\"partialSuccess\":{\"rejectedSpans\":[]}}"};
    for (size_t i = 0; i < EGX_COUNT(answers); i++) {
        begin(NULL);
        tell(1);
        egx_fake_answer(fake, 200, "", answers[i]);
        send();
        CU_ASSERT_EQUAL(egx_fake_metric(fake, "outbox_sent_total", "component=otel"), 1);
        end();
    }
}

static size_t tries_after(int32_t status) {
    begin("{\"batch_count\":1}");
    tell(1);
    egx_fake_answer(fake, status, "", "");
    (void)egx_fake_run(fake);
    egx_fake_answer(fake, 200, "", "");
    send();
    const size_t tries = egx_fake_request_count(fake);
    end();
    return tries;
}

static void only_what_the_specification_names_is_tried_again(void) {
    static const int32_t again[] = {429, 502, 503, 504};
    static const int32_t never[] = {302, 400, 401, 404, 408, 413, 500, 501, 505};
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
        {"{\"endpoint\":\"127.0.0.1:4318\"}", "'endpoint'"},
        {"{\"endpoint\":\"\"}", "'endpoint'"},
        {"{\"service_name\":\"\"}", "'service_name'"},
        {"{\"resource\":[\"nothing\"]}", "'resource'"},
        {"{\"compression\":\"zip\"}", "compression"},
    };
    for (size_t i = 0; i < EGX_COUNT(cases); i++) {
        CU_ASSERT_EQUAL(create(cases[i].settings), EG_E_INVAL);
        CU_ASSERT_PTR_NOT_NULL(strstr(why.text, cases[i].told));
        CU_ASSERT_EQUAL(egx_fake_allocations(fake), 0);
        egx_fake_free(fake);
    }
}

UNIT_MAIN(UNIT(traces_are_posted_as_one_request_of_otlp), UNIT(a_trace_without_spans_is_nothing),
          UNIT(it_wants_no_system_events), UNIT(a_body_may_be_compressed),
          UNIT(what_the_collector_rejects_of_a_batch_is_counted_and_not_sent_again),
          UNIT(an_answer_that_makes_no_sense_counts_as_taken),
          UNIT(only_what_the_specification_names_is_tried_again),
          UNIT(settings_that_cannot_work_are_refused_with_a_sentence))
