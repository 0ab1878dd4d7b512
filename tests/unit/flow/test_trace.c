/* Unit tests of flow/trace.c and flow/trace_span.c: whose trace it is, its spans, what goes on. */
#include <stdarg.h>

#include "base/bytes.h"
#include "rig.h"

#define IDS "0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331"
#define PARENT "00-" IDS "-01"

static struct rig rig;
static unsigned traces;
static uint64_t spans_dropped;
static char names[2048];    /* of the last trace: "name|name|" */
static char details[65536]; /* a line each: kind, name, status, attributes */
static char trace_id[33];
static char state[600];
static char span_ids[300][17]; /* id of each */
static char parent_ids[300][17];
static size_t span_count;
static uint64_t durations[300];

static void hex(char *out, const uint8_t *bytes, size_t count) {
    for (size_t i = 0; i < count; i++) {
        (void)snprintf(out + 2 * i, 3, "%02x", bytes[i]);
    }
}

static void add(char *text, size_t room, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static void add(char *text, size_t room, const char *format, ...) {
    const size_t at = strlen(text);
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text + at, room - at, format, args);
    va_end(args);
}

static void keep_span(const struct eg_span *span, size_t i) {
    CU_ASSERT_EQUAL(span->struct_size, sizeof *span);
    hex(span_ids[i], span->id, 8);
    hex(parent_ids[i], span->parent_id, 8);
    durations[i] = span->duration_ns;
    add(names, sizeof names, "%.*s|", GW_FMT(span->name));
    add(details, sizeof details, "%u %.*s status=%d http=%u message=%.*s", span->kind,
        GW_FMT(span->name), span->status, span->http_status, GW_FMT(span->message));
    for (size_t k = 0; k < span->attribute_count; k++) {
        add(details, sizeof details, " %.*s=%.*s", GW_FMT(span->attributes[k].name),
            GW_FMT(span->attributes[k].value));
    }
    add(details, sizeof details, "\n");
}

static void keep_trace(const struct eg_trace *trace) {
    traces++;
    names[0] = details[0] = '\0';
    hex(trace_id, trace->id, 16);
    (void)snprintf(state, sizeof state, "%.*s", GW_FMT(trace->tracestate));
    span_count = trace->span_count;
    spans_dropped = trace->spans_dropped;
    ASSERT_STR(trace->request_id, "rid-1");
    CU_ASSERT_EQUAL(trace->flags, 1);
    for (size_t i = 0; i < span_count; i++) {
        keep_span(trace->spans[i], i);
    }
}

static void begin(void) {
    traces = 0;
    rig_init(&rig);
    rig.guard_traces = true;
    rig_trace = keep_trace;
}

static const struct eg_kv with_parent[] = {
    {{"traceparent", 11}, {PARENT, sizeof PARENT - 1}},
    {{"tracestate", 10}, {"a=1", 3}},
    {{"TraceState", 10}, {"b=2", 3}},
};

static int32_t next(struct eg_exchange *x, struct eg_op *op) {
    (void)x;
    (void)op;
    return EG_NEXT;
}
static int32_t failing(struct eg_exchange *x, struct eg_op *op) {
    (void)x;
    (void)op;
    return EG_E_IO;
}

static void a_request_is_one_trace_with_a_span_for_each_piece_of_work(void) {
    begin();
    struct rig_function *f = rig_fn(&rig, "f", RIG_ANSWER, "{\"statusCode\":201}");
    rig_fn(&rig, "auth", RIG_ANSWER,
           "{\"authorization\":{\"principalId\":\"p\",\"context\":null}}");
    f->http_status = 200;
    rig_first.on_request = next;
    rig_start(&rig);
    rig_subscribe(&rig, true, "http.request", "GET", "/users/:id", "f", "auth")
        ->object.as.subscription.path = GW_STR("/users/7");
    struct rig_request *r = rig_send(&rig, "GET", "/users/7", NULL, 0, "");
    CU_ASSERT_EQUAL(r->status, 201);
    CU_ASSERT_EQUAL_FATAL(traces, 1);
    CU_ASSERT_STRING_EQUAL(names, "GET /users/7|first on_request|second on_request|first on_event|"
                                  "second on_event|default/auth|default/f|second on_reply|"
                                  "first on_reply|");
    CU_ASSERT_TRUE(rig_has(details, "1 GET /users/7 status=0 http=201 message= "
                                    "http.request.method=GET url.path=/users/7 url.scheme=http "
                                    "http.route=/users/7 client.address=127.0.0.1 "
                                    "http.response.status_code=201 cloudevents.event_id="));
    CU_ASSERT_TRUE(rig_has(details, "2 first on_request status=0 http=0 message= "
                                    "eventgateway.middleware=first eventgateway.hook=on_request "
                                    "eventgateway.verdict=next\n"));
    CU_ASSERT_TRUE(rig_has(details, "3 default/auth status=0"));
    CU_ASSERT_TRUE(rig_has(details, "4 default/f status=0 http=200 message= faas.invoked_name=f "
                                    "faas.invoked_provider=fake eventgateway.space=default "
                                    "eventgateway.async=false"));
    for (size_t i = 1; i < span_count; i++) {
        CU_ASSERT_STRING_EQUAL(parent_ids[i], span_ids[0]);
    }
    CU_ASSERT_STRING_EQUAL(parent_ids[0], "0000000000000000");
    rig_request_free(r);
    rig_stop(&rig);
}

static void the_caller_s_trace_is_taken_over_and_goes_on(void) {
    char expected[128];
    begin();
    struct rig_function *f = rig_fn(&rig, "f", RIG_ANSWER, "{}");
    rig_start(&rig);
    rig_subscribe(&rig, true, "http.request", "GET", "/", "f", NULL);
    struct rig_request *r = rig_send(&rig, "GET", "/", with_parent, 3, "");
    CU_ASSERT_EQUAL_FATAL(traces, 1);
    CU_ASSERT_STRING_EQUAL(trace_id, "0af7651916cd43dd8448eb211c80319c");
    CU_ASSERT_STRING_EQUAL(parent_ids[0], "b7ad6b7169203331");
    CU_ASSERT_STRING_EQUAL(state, "a=1,b=2");
    (void)snprintf(expected, sizeof expected, "00-0af7651916cd43dd8448eb211c80319c-%s-01",
                   span_ids[3]);
    CU_ASSERT_TRUE(rig_has(names, "default/f|"));
    CU_ASSERT_TRUE(strncmp(f->traceparent, PARENT, 35) == 0);
    bool is_span = false; /* that of the call itself */
    for (size_t i = 1; i < span_count; i++) {
        is_span = is_span || strncmp(f->traceparent + 36, span_ids[i], 16) == 0;
    }
    CU_ASSERT_TRUE(is_span);
    CU_ASSERT_STRING_EQUAL(f->tracestate, "a=1,b=2");
    /* the event carries the trace as of the request's own span */
    (void)snprintf(expected, sizeof expected, "\"traceparent\":\"00-%s-%s-01\"", trace_id,
                   span_ids[0]);
    CU_ASSERT_TRUE(rig_has(f->payload, expected));
    CU_ASSERT_TRUE(rig_has(f->payload, "\"tracestate\":\"a=1,b=2\""));
    rig_request_free(r);
    rig_stop(&rig);
}

static void an_unsampled_trace_is_not_told_and_goes_on_unsampled(void) {
    static const struct eg_kv header = {{"traceparent", 11}, {"00-" IDS "-00", 55}};
    begin();
    struct rig_function *f = rig_fn(&rig, "f", RIG_ANSWER, "{}");
    rig_start(&rig);
    rig_subscribe(&rig, true, "http.request", "GET", "/", "f", NULL);
    struct rig_request *r = rig_send(&rig, "GET", "/", &header, 1, "");
    CU_ASSERT_EQUAL(traces, 0);
    CU_ASSERT_TRUE(strncmp(f->traceparent, "00-" IDS, 35) == 0);
    CU_ASSERT_STRING_EQUAL(f->traceparent + 52, "-00");
    CU_ASSERT_TRUE(strncmp(f->traceparent + 36, &IDS[33], 16) != 0); /* not the caller's span */
    rig_request_free(r);
    rig_stop(&rig);
}

static void what_is_not_valid_begins_a_new_trace(void) {
    static const struct eg_kv cases[][2] = {
        {{{"traceparent", 11}, {"00-" IDS "-1", 54}}, {{"tracestate", 10}, {"a=1", 3}}},
        {{{"traceparent", 11}, {PARENT, 55}}, {{"traceparent", 11}, {PARENT, 55}}},
        {{{"traceparent", 11}, {"", 0}}, {{"tracestate", 10}, {"a=1", 3}}},
        {{{"x", 1}, {"y", 1}}, {{"tracestate", 10}, {"a=1", 3}}},
    };
    begin();
    struct rig_function *f = rig_fn(&rig, "f", RIG_ANSWER, "{}");
    rig_start(&rig);
    rig_subscribe(&rig, true, "http.request", "GET", "/", "f", NULL);
    for (size_t i = 0; i < GW_COUNT(cases); i++) {
        traces = 0;
        struct rig_request *r = rig_send(&rig, "GET", "/", cases[i], 2, "");
        CU_ASSERT_EQUAL(traces, 1);
        CU_ASSERT_TRUE(strcmp(trace_id, "0af7651916cd43dd8448eb211c80319c") != 0);
        CU_ASSERT_STRING_EQUAL(parent_ids[0], "0000000000000000");
        CU_ASSERT_STRING_EQUAL(state, "");
        CU_ASSERT_STRING_EQUAL(f->tracestate, "");
        CU_ASSERT_EQUAL(strlen(f->traceparent), 55);
        rig_request_free(r);
    }
    rig_stop(&rig);
}

static const struct eg_kv structured = {{"Content-Type", 12}, {"application/cloudevents+json", 28}};

static void an_event_may_bring_its_trace_and_keeps_it(void) {
    begin();
    struct rig_function *f = rig_fn(&rig, "f", RIG_ANSWER, "{}");
    rig_start(&rig);
    rig_subscribe(&rig, false, "t", "POST", "/", "f", NULL);
    struct rig_request *r =
        rig_send(&rig, "POST", "/", &structured, 1,
                 "{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"/s\",\"type\":\"t\","
                 "\"traceparent\":\"" PARENT "\",\"tracestate\":\"c=\\u0033\"}");
    CU_ASSERT_EQUAL_FATAL(traces, 1);
    CU_ASSERT_STRING_EQUAL(trace_id, "0af7651916cd43dd8448eb211c80319c");
    CU_ASSERT_STRING_EQUAL(parent_ids[0], "b7ad6b7169203331");
    CU_ASSERT_STRING_EQUAL(state, "c=3");
    CU_ASSERT_TRUE(rig_has(f->payload, "\"traceparent\":\"" PARENT "\""));
    rig_request_free(r);
    rig_stop(&rig);
}

static void the_header_comes_before_the_event(void) {
    begin();
    rig_start(&rig);
    const struct eg_kv headers[] = {structured, with_parent[0]};
    struct rig_request *r = rig_send(
        &rig, "POST", "/", headers, 2,
        "{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"/s\",\"type\":\"t\",\"traceparent\":"
        "\"00-11111111111111111111111111111111-2222222222222222-01\"}");
    CU_ASSERT_STRING_EQUAL(trace_id, "0af7651916cd43dd8448eb211c80319c");
    rig_request_free(r);
    rig_stop(&rig);
}

static void an_event_whose_trace_is_not_sampled_takes_back_the_spans_before_it(void) {
    begin();
    rig_first.on_request = next;
    rig_start(&rig);
    struct rig_request *r =
        rig_send(&rig, "POST", "/", &structured, 1,
                 "{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"/s\",\"type\":\"t\","
                 "\"traceparent\":\"00-" IDS "-00\"}");
    CU_ASSERT_EQUAL(r->status, 202);
    CU_ASSERT_EQUAL(traces, 0);
    rig_request_free(r);
    rig_stop(&rig);
}

static void sampling_of_what_begins_here_is_set(void) {
    begin();
    rig.setup.config.trace_percent = 0;
    rig_start(&rig);
    struct rig_request *r = rig_send(&rig, "GET", "/", NULL, 0, "");
    CU_ASSERT_EQUAL(traces, 0);
    rig_request_free(r);
    r = rig_send(&rig, "GET", "/", with_parent, 1, "");
    CU_ASSERT_EQUAL(traces, 1); /* the caller's choice is kept */
    rig_request_free(r);
    rig.setup.config.trace_percent = 50;
    gw_flow_configure(rig.flow, &rig.setup.config);
    traces = 0;
    for (int i = 0; i < 400; i++) {
        r = rig_send(&rig, "GET", "/", NULL, 0, "");
        rig_request_free(r);
    }
    CU_ASSERT_TRUE(traces > 100 && traces < 300);
    rig_stop(&rig);
}

static void failures_are_told_with_their_reason(void) {
    begin();
    struct rig_function *f = rig_fn(&rig, "f", RIG_ANSWER, NULL);
    f->call_class = EG_CALL_FUNCTION;
    f->status = EG_E_INTERNAL;
    f->message = "it fell over";
    f->http_status = 503;
    rig_start(&rig);
    rig_subscribe(&rig, true, "http.request", "GET", "/", "f", NULL);
    struct rig_request *r = rig_send(&rig, "GET", "/", NULL, 0, "");
    CU_ASSERT_EQUAL(r->status, 500);
    CU_ASSERT_TRUE(rig_has(details, "4 default/f status=-14 http=503 message=it fell over "));
    CU_ASSERT_TRUE(rig_has(details, "error.type=internal error"));
    CU_ASSERT_TRUE(rig_has(details, "1 GET / status=-14 http=500 message=Function call failed."));
    CU_ASSERT_TRUE(rig_has(details, "error.type=500"));
    rig_request_free(r);
    rig_first.on_request = failing;
    r = rig_send(&rig, "GET", "/", NULL, 0, "");
    CU_ASSERT_TRUE(rig_has(details, "2 first on_request status=-10 http=0 message=input/output"));
    CU_ASSERT_TRUE(rig_has(details, "1 GET status=-14 http=500")); /* was not routed */
    rig_request_free(r);
    rig_stop(&rig);
}

static void a_method_that_a_client_made_up_is_not_in_the_name(void) {
    begin();
    rig_start(&rig);
    struct rig_request *r = rig_send(&rig, "BREW", "/pot", NULL, 0, "");
    CU_ASSERT_TRUE(rig_has(details, "1 HTTP status=0"));
    CU_ASSERT_TRUE(
        rig_has(details, "http.request.method=_OTHER http.request.method_original=BREW"));
    rig_request_free(r);
    rig_stop(&rig);
}

static void a_trace_is_told_when_the_last_delivery_has_ended(void) {
    begin();
    rig_fn(&rig, "slow", RIG_HOLD, "{}");
    rig_start(&rig);
    rig_subscribe(&rig, false, "http.request", "GET", "/", "slow", NULL);
    struct rig_request *r = rig_send(&rig, "GET", "/", NULL, 0, "");
    CU_ASSERT_EQUAL(r->status, 202);
    CU_ASSERT_EQUAL(traces, 0);
    gw_clock_advance(GW_NS_PER_S);
    rig_release(&rig, "slow");
    CU_ASSERT_EQUAL_FATAL(traces, 1);
    CU_ASSERT_TRUE(rig_has(details, "eventgateway.async=true"));
    CU_ASSERT_EQUAL(durations[0], 0); /* the request was answered at once */
    CU_ASSERT_EQUAL(durations[span_count - 1], GW_NS_PER_S);
    rig_request_free(r);
    rig_stop(&rig);
}

static void a_long_batch_has_a_bounded_number_of_spans(void) {
    static const struct eg_kv type = {{"Content-Type", 12},
                                      {"application/cloudevents-batch+json", 34}};
    struct gw_bytes body;
    begin();
    rig_first.on_request = next;
    rig_start(&rig);
    gw_bytes_init(&body, 0);
    for (int i = 0; i < 300; i++) {
        gw_bytes_addf(&body,
                      "%s{\"specversion\":\"1.0\",\"id\":\"%d\",\"source\":\"/s\",\"type\":\"t\"}",
                      i == 0 ? "[" : ",", i);
    }
    gw_bytes_addf(&body, "]%c", 0);
    struct rig_request *r = rig_send(&rig, "POST", "/", &type, 1, body.ptr);
    gw_bytes_free(&body);
    CU_ASSERT_EQUAL(r->status, 202);
    CU_ASSERT_EQUAL(span_count, 256);
    CU_ASSERT_EQUAL(spans_dropped, 1 + 2 + 600 + 2 - 256);
    rig_request_free(r);
    rig_stop(&rig);
}

static void long_values_are_cut_between_characters(void) {
    static char body[8192];
    begin();
    rig_start(&rig);
    (void)snprintf(body, sizeof body,
                   "{\"specversion\":\"1.0\",\"id\":\"%01023d\xc3\xa9\",\"source\":\"/s\",\"type\":"
                   "\"t\"}",
                   0);
    struct rig_request *r = rig_send(&rig, "POST", "/", &structured, 1, body);
    CU_ASSERT_EQUAL(r->status, 202);
    CU_ASSERT_TRUE(rig_has(details, "0 cloudevents.event_source=/s"));
    rig_request_free(r);
    rig_stop(&rig);
}

static void without_a_tracer_the_caller_s_headers_are_passed_on_as_they_came(void) {
    rig_init(&rig);
    traces = 0;
    struct rig_function *f = rig_fn(&rig, "f", RIG_ANSWER, "{}");
    rig_start(&rig);
    rig_subscribe(&rig, true, "http.request", "GET", "/", "f", NULL);
    struct rig_request *r = rig_send(&rig, "GET", "/", with_parent, 3, "");
    CU_ASSERT_STRING_EQUAL(f->traceparent, PARENT);
    CU_ASSERT_STRING_EQUAL(f->tracestate, "a=1,b=2");
    CU_ASSERT_PTR_NULL(strstr(f->payload, "\"traceparent\":\"00-")); /* but for the headers */
    rig_request_free(r);
    r = rig_send(&rig, "GET", "/", NULL, 0, "");
    CU_ASSERT_STRING_EQUAL(f->traceparent, "");
    rig_request_free(r);
    CU_ASSERT_EQUAL(traces, 0);
    rig_stop(&rig);
}

UNIT_MAIN(UNIT(a_request_is_one_trace_with_a_span_for_each_piece_of_work),
          UNIT(the_caller_s_trace_is_taken_over_and_goes_on),
          UNIT(an_unsampled_trace_is_not_told_and_goes_on_unsampled),
          UNIT(what_is_not_valid_begins_a_new_trace),
          UNIT(an_event_may_bring_its_trace_and_keeps_it), UNIT(the_header_comes_before_the_event),
          UNIT(an_event_whose_trace_is_not_sampled_takes_back_the_spans_before_it),
          UNIT(sampling_of_what_begins_here_is_set), UNIT(failures_are_told_with_their_reason),
          UNIT(a_method_that_a_client_made_up_is_not_in_the_name),
          UNIT(a_trace_is_told_when_the_last_delivery_has_ended),
          UNIT(a_long_batch_has_a_bounded_number_of_spans),
          UNIT(long_values_are_cut_between_characters),
          UNIT(without_a_tracer_the_caller_s_headers_are_passed_on_as_they_came))
