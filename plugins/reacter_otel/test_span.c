/* Spans in the JSON of OTLP, and the resource before them. */
#include <eventgw-sdk/fake_host.h>
#include <zlib.h>

#include "gzip.h"
#include "resource.h"
#include "span.h"
#include "unit.h"

#define TRACE_ID                                                                                   \
    {                                                                                              \
        0x0a, 0xf7, 0x65, 0x19, 0x16, 0xcd, 0x43, 0xdd, 0x84, 0x48, 0xeb, 0x21, 0x1c, 0x80, 0x31,  \
            0x9c                                                                                   \
    }

static struct egx_json out;

static struct eg_span span_of(uint32_t kind, const char *name) {
    return (struct eg_span){.struct_size = sizeof(struct eg_span),
                            .kind = kind,
                            .id = {0xb7, 0xad, 0x6b, 0x71, 0x69, 0x20, 0x33, 0x31},
                            .start_unix_ns = 1544712660000000001,
                            .duration_ns = 1000000000,
                            .name = egx_str_c(name)};
}

/* The JSON of one span without what begins and ends every one. */
static struct eg_str put(const struct eg_span *span) {
    const struct eg_span *const spans[] = {span};
    const struct eg_trace trace = {.struct_size = sizeof trace,
                                   .flags = 1,
                                   .id = TRACE_ID,
                                   .request_id = EGX_STR("r1"),
                                   .spans = spans,
                                   .span_count = 1};
    egx_json_free(&out);
    otel_put_trace(&out, &trace);
    egx_json_raw(&out, egx_str_n("", 1)); /* for strstr */
    return egx_str_n(out.ptr, out.len - 1);
}

static int has(const struct eg_span *span, const char *part) {
    const char *text = put(span).ptr;
    const int is_in = strstr(text, part) != NULL;
    if (!is_in) {
        printf("  no %s in %s\n", part, text);
    }
    return is_in;
}

static void a_span_is_written_as_the_specification_says(void) {
    const struct eg_kv attributes[] = {{EGX_STR("url.path"), EGX_STR("/a\"b")},
                                       {EGX_STR("server.port"), EGX_STR("4000")}};
    struct eg_span span = span_of(EG_SPAN_REQUEST, "POST /users");
    span.attributes = attributes;
    span.attribute_count = 2;
    span.http_status = 200;
    ASSERT_STR(
        put(&span),
        "{\"traceId\":\"0af7651916cd43dd8448eb211c80319c\",\"spanId\":\"b7ad6b7169203331\","
        "\"flags\":257,\"name\":\"POST /users\",\"kind\":2,"
        "\"startTimeUnixNano\":\"1544712660000000001\",\"endTimeUnixNano\":\"1544712661000000001\","
        "\"attributes\":[{\"key\":\"url.path\",\"value\":{\"stringValue\":\"/a\\\"b\"}},"
        "{\"key\":\"server.port\",\"value\":{\"intValue\":\"4000\"}},"
        "{\"key\":\"http.response.status_code\",\"value\":{\"intValue\":\"200\"}},"
        "{\"key\":\"eventgateway.request_id\",\"value\":{\"stringValue\":\"r1\"}}]}");
    egx_json_free(&out);
}

static void the_parent_of_a_request_is_remote_and_that_of_others_is_not(void) {
    struct eg_span span = span_of(EG_SPAN_REQUEST, "x");
    memset(span.parent_id, 0xab, sizeof span.parent_id);
    CU_ASSERT_TRUE(has(&span, "\"parentSpanId\":\"abababababababab\""));
    CU_ASSERT_TRUE(has(&span, "\"flags\":769,")); /* 0x300 and sampled */
    span.kind = EG_SPAN_FUNCTION;
    CU_ASSERT_TRUE(has(&span, "\"flags\":257,"));
    egx_json_free(&out);
}

static void kinds_are_those_of_opentelemetry(void) {
    static const struct {
        uint32_t kind;
        const char *told;
    } cases[] = {{EG_SPAN_REQUEST, "\"kind\":2,"},
                 {EG_SPAN_MIDDLEWARE, "\"kind\":1,"},
                 {EG_SPAN_AUTHORIZER, "\"kind\":3,"},
                 {EG_SPAN_FUNCTION, "\"kind\":3,"},
                 {99, "\"kind\":1,"}};
    for (size_t i = 0; i < EGX_COUNT(cases); i++) {
        const struct eg_span span = span_of(cases[i].kind, "x");
        CU_ASSERT_TRUE(has(&span, cases[i].told));
    }
    egx_json_free(&out);
}

static void an_answer_4xx_is_an_error_of_who_called_and_5xx_of_both(void) {
    struct eg_span span = span_of(EG_SPAN_REQUEST, "x");
    span.http_status = 404;
    CU_ASSERT_FALSE(strstr(put(&span).ptr, "\"status\"") != NULL);
    span.kind = EG_SPAN_FUNCTION;
    CU_ASSERT_TRUE(has(&span, "\"error.type\",\"value\":{\"stringValue\":\"404\"}"));
    CU_ASSERT_TRUE(has(&span, "\"status\":{\"code\":2}"));
    span.kind = EG_SPAN_REQUEST;
    span.http_status = 503;
    CU_ASSERT_TRUE(has(&span, "\"status\":{\"code\":2}"));
    egx_json_free(&out);
}

static void a_failure_has_its_type_and_its_message(void) {
    const struct eg_kv known[] = {{EGX_STR("error.type"), EGX_STR("mine")},
                                  {EGX_STR("http.response.status_code"), EGX_STR("500")}};
    struct eg_span span = span_of(EG_SPAN_MIDDLEWARE, "auth on_request");
    span.status = EG_E_TIMEOUT;
    span.message = EGX_STR("too slow");
    CU_ASSERT_TRUE(has(&span, "\"error.type\",\"value\":{\"stringValue\":\"timed out\"}"));
    CU_ASSERT_TRUE(has(&span, "\"status\":{\"code\":2,\"message\":\"too slow\"}"));
    span.status = 0;
    CU_ASSERT_TRUE(has(&span, "\"error.type\",\"value\":{\"stringValue\":\"_OTHER\"}"));
    span.attributes = known;
    span.attribute_count = 2;
    span.http_status = 500;
    CU_ASSERT_TRUE(has(&span, "\"stringValue\":\"mine\""));
    CU_ASSERT_PTR_NULL(strstr(strstr(put(&span).ptr, "error.type") + 1, "error.type"));
    CU_ASSERT_PTR_NULL(strstr(strstr(put(&span).ptr, "status_code") + 1, "status_code"));
    egx_json_free(&out);
}

static void only_what_is_typed_by_convention_and_looks_like_it_is_no_string(void) {
    const struct eg_kv attributes[] = {{EGX_STR("server.port"), EGX_STR("http")},
                                       {EGX_STR("user.id"), EGX_STR("42")},
                                       {EGX_STR("text"), EGX_STR("\xff")},
                                       {EGX_STR("eventgateway.async"), EGX_STR("true")},
                                       {EGX_STR("faas.coldstart"), EGX_STR("maybe")}};
    struct eg_span span = span_of(EG_SPAN_FUNCTION, "x");
    span.attributes = attributes;
    span.attribute_count = EGX_COUNT(attributes);
    CU_ASSERT_TRUE(has(&span, "{\"key\":\"eventgateway.async\",\"value\":{\"boolValue\":true}}"));
    CU_ASSERT_TRUE(
        has(&span, "{\"key\":\"faas.coldstart\",\"value\":{\"stringValue\":\"maybe\"}}"));
    CU_ASSERT_TRUE(has(&span, "{\"key\":\"server.port\",\"value\":{\"stringValue\":\"http\"}}"));
    CU_ASSERT_TRUE(has(&span, "{\"key\":\"user.id\",\"value\":{\"stringValue\":\"42\"}}"));
    CU_ASSERT_TRUE(has(&span, "{\"stringValue\":\"\xef\xbf\xbd\"}"));
    egx_json_free(&out);
}

static void spans_are_joined_and_dropped_ones_are_counted_at_the_request(void) {
    const struct eg_span request = span_of(EG_SPAN_REQUEST, "a");
    const struct eg_span call = span_of(EG_SPAN_FUNCTION, "b");
    const struct eg_span *const spans[] = {&request, &call};
    const struct eg_trace trace = {.struct_size = sizeof trace,
                                   .id = TRACE_ID,
                                   .tracestate = EGX_STR("vendor=1"),
                                   .spans = spans,
                                   .span_count = 2,
                                   .spans_dropped = 7};
    egx_json_free(&out);
    otel_put_trace(&out, &trace);
    egx_json_raw(&out, egx_str_n("", 1));
    CU_ASSERT_PTR_NOT_NULL(
        strstr(out.ptr, "\"eventgateway.spans_dropped\",\"value\":{\"intValue\":\"7\"}}]},{\""));
    CU_ASSERT_PTR_NOT_NULL(strstr(out.ptr, "\"traceState\":\"vendor=1\""));
    egx_json_free(&out);
}

/* ---- resource ---- */

static struct eg_why why;

static int32_t put_resource(const struct eg_str *items, size_t count, const char *id) {
    struct egx_fake *fake = egx_fake_new();
    const struct eg_str_list list = {items, count};
    const struct otel_resource resource = {EGX_STR("shop"), egx_str_c(id), &list};
    why = (struct eg_why){.struct_size = sizeof why};
    egx_json_free(&out);
    const int32_t rc = otel_put_resource(&out, egx_fake_host(fake), &resource, &why);
    egx_json_raw(&out, egx_str_n("", 1));
    egx_fake_free(fake);
    return rc;
}

static void the_resource_says_who_sends(void) {
    const struct eg_str items[] = {EGX_STR("deployment.environment.name=test"), EGX_STR("a=b=c")};
    CU_ASSERT_EQUAL(put_resource(items, 2, "one"), EG_OK);
    ASSERT_STR(
        egx_str_n(out.ptr, out.len - 1),
        "{\"resourceSpans\":[{\"resource\":{\"attributes\":["
        "{\"key\":\"service.name\",\"value\":{\"stringValue\":\"shop\"}},"
        "{\"key\":\"service.version\",\"value\":{\"stringValue\":\"fake\"}},"
        "{\"key\":\"service.instance.id\",\"value\":{\"stringValue\":\"one\"}},"
        "{\"key\":\"deployment.environment.name\",\"value\":{\"stringValue\":\"test\"}},"
        "{\"key\":\"a\",\"value\":{\"stringValue\":\"b=c\"}}]},"
        "\"scopeSpans\":[{\"scope\":{\"name\":\"event-gateway\",\"version\":\"fake\"},\"spans\":[");
    egx_json_free(&out);
}

static void an_instance_without_an_id_has_a_random_one(void) {
    char ids[2][37];
    for (size_t i = 0; i < 2; i++) {
        CU_ASSERT_EQUAL(put_resource(NULL, 0, ""), EG_OK);
        const char *at = strstr(out.ptr, "instance.id\",\"value\":{\"stringValue\":\"");
        CU_ASSERT_PTR_NOT_NULL_FATAL(at);
        (void)snprintf(ids[i], sizeof ids[i], "%s", strstr(at, "Value\":\"") + 8);
        CU_ASSERT_EQUAL(ids[i][14], '4');
        CU_ASSERT_EQUAL(strspn(ids[i], "0123456789abcdef-"), 36);
    }
    CU_ASSERT_STRING_NOT_EQUAL(ids[0], ids[1]);
    egx_json_free(&out);
}

static void resource_attributes_that_are_none_are_refused(void) {
    static const char *const bad[] = {"", "=x", "name", "service.name=x", "a=2"};
    for (size_t i = 0; i < EGX_COUNT(bad); i++) {
        const struct eg_str items[] = {EGX_STR("a=1"), egx_str_c(bad[i])};
        CU_ASSERT_EQUAL(put_resource(items, 2, "one"), EG_E_INVAL);
        CU_ASSERT_PTR_NOT_NULL(strstr(why.text, "'resource'"));
    }
    egx_json_free(&out);
}

/* ---- gzip ---- */

static void what_was_compressed_is_the_same_text(void) {
    static char plain[100000];
    struct egx_json text = egx_json_begin();
    z_stream stream = {0};
    for (int i = 0; i < 3000; i++) {
        egx_json_int(&text, i);
    }
    struct egx_json before = egx_json_begin();
    egx_json_raw(&before, egx_json_text(&text));
    CU_ASSERT_EQUAL(otel_gzip(&text), EG_OK);
    CU_ASSERT_TRUE(text.len < before.len / 2);
    CU_ASSERT_EQUAL(inflateInit2(&stream, 15 + 16), Z_OK);
    stream.next_in = (Bytef *)text.ptr;
    stream.avail_in = (uInt)text.len;
    stream.next_out = (Bytef *)plain;
    stream.avail_out = sizeof plain;
    CU_ASSERT_EQUAL(inflate(&stream, Z_FINISH), Z_STREAM_END);
    CU_ASSERT_TRUE(egx_str_eq(egx_str_n(plain, stream.total_out), egx_json_text(&before)));
    (void)inflateEnd(&stream);
    egx_json_free(&text);
    egx_json_free(&before);
}

UNIT_MAIN(UNIT(a_span_is_written_as_the_specification_says),
          UNIT(the_parent_of_a_request_is_remote_and_that_of_others_is_not),
          UNIT(kinds_are_those_of_opentelemetry),
          UNIT(an_answer_4xx_is_an_error_of_who_called_and_5xx_of_both),
          UNIT(a_failure_has_its_type_and_its_message),
          UNIT(only_what_is_typed_by_convention_and_looks_like_it_is_no_string),
          UNIT(spans_are_joined_and_dropped_ones_are_counted_at_the_request),
          UNIT(the_resource_says_who_sends), UNIT(an_instance_without_an_id_has_a_random_one),
          UNIT(resource_attributes_that_are_none_are_refused),
          UNIT(what_was_compressed_is_the_same_text))
