/* Unit tests of what is written and read: requests in both modes, answers, Retry-After, JWTs. */
#include <eventgw-sdk/fake_host.h>

#include "provider_gcf.h"
#include "unit.h"

static struct egx_fake *fake;
static struct gcf_wire wire;
static struct eg_why why;
static struct eg_str traceparent; /* of the next request */

static int32_t make(const char *payload, uint32_t is_structured, int is_event) {
    struct eg_invocation invocation = {.struct_size = sizeof invocation,
                                       .payload = egx_str_c(payload),
                                       .traceparent = traceparent,
                                       .tracestate = EGX_STR("a=1")};
    fake = egx_fake_new();
    why = (struct eg_why){.struct_size = sizeof why};
    wire = (struct gcf_wire){0};
    invocation.event = is_event ? egx_fake_event(fake, "{\"id\":\"1\"}") : NULL;
    return gcf_wire_make(egx_fake_host(fake), &invocation, is_structured, &wire, &why);
}

static void end(void) {
    gcf_wire_free(egx_fake_host(fake), &wire);
    CU_ASSERT_EQUAL(egx_fake_allocations(fake), 0);
    egx_fake_free(fake);
}

/* "name=value\n" of each header behind the free one. */
static const char *headers(void) {
    static char text[8192];
    size_t len = 0;
    for (size_t i = 1; i < wire.header_count; i++) {
        len += (size_t)snprintf(text + len, sizeof text - len, "%.*s=%.*s\n",
                                EGX_FMT(wire.headers[i].name), EGX_FMT(wire.headers[i].value));
    }
    text[len] = '\0';
    return text;
}

static void attributes_become_headers_and_data_the_body(void) {
    CU_ASSERT_EQUAL(make("{\"specversion\":\"1.0\",\"type\":\"user.created\",\"source\":\"/a\","
                         "\"id\":\"7\",\"datacontenttype\":\"application/json\",\"count\":3,"
                         "\"flag\":true,\"none\":null,\"data\":{\"n\":1.0, \"s\":\"}\\\"\"}}",
                         0, 1),
                    EG_OK);
    CU_ASSERT_STRING_EQUAL(headers(), "ce-specversion=1.0\nce-type=user.created\nce-source=/a\n"
                                      "ce-id=7\nce-count=3\nce-flag=true\n"
                                      "Content-Type=application/json\n");
    ASSERT_STR(wire.body, "{\"n\":1.0, \"s\":\"}\\\"\"}");
    end();
}

static void a_trace_goes_on_in_every_mode(void) {
    static const char trace[] = "traceparent="
                                "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
                                "\ntracestate=a=1\n";
    char expected[512];
    traceparent = EGX_STR("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
    CU_ASSERT_EQUAL(make("{\"id\":\"7\",\"data\":{}}", 0, 1), EG_OK);
    (void)snprintf(expected, sizeof expected, "ce-id=7\nContent-Type=application/json\n%s", trace);
    CU_ASSERT_STRING_EQUAL(headers(), expected);
    end();
    CU_ASSERT_EQUAL(make("{\"id\":\"7\"}", 1, 1), EG_OK);
    (void)snprintf(expected, sizeof expected, "Content-Type=application/cloudevents+json\n%s",
                   trace);
    CU_ASSERT_STRING_EQUAL(headers(), expected);
    end();
    CU_ASSERT_EQUAL(make("{}", 0, 0), EG_OK);
    (void)snprintf(expected, sizeof expected, "Content-Type=application/json\n%s", trace);
    CU_ASSERT_STRING_EQUAL(headers(), expected);
    traceparent = egx_str_n(NULL, 0);
    end();
}

static void header_values_are_percent_encoded_as_the_binding_says(void) {
    CU_ASSERT_EQUAL(make("{\"id\":\"Euro \\u20ac \\ud83d\\ude00\",\"a\":\"50% \\\"x\\\"\","
                         "\"b\":\"\xc3\xa9\\r\\nEvil: 1\",\"Upper\":\"~!\"}",
                         0, 1),
                    EG_OK);
    CU_ASSERT_STRING_EQUAL(headers(), "ce-id=Euro%20%E2%82%AC%20%F0%9F%98%80\n"
                                      "ce-a=50%25%20%22x%22\nce-b=%C3%A9%0D%0AEvil:%201\n"
                                      "ce-upper=~!\n");
    CU_ASSERT_EQUAL(wire.body.len, 0);
    end();
}

static void text_and_binary_data_are_decoded(void) {
    CU_ASSERT_EQUAL(make("{\"datacontenttype\":\"text/plain\",\"data\":\"a\\nb\\u00e9\"}", 0, 1),
                    0);
    ASSERT_STR(wire.body, "a\nb\xc3\xa9");
    CU_ASSERT_STRING_EQUAL(headers(), "Content-Type=text/plain\n");
    end();
    CU_ASSERT_EQUAL(make("{\"datacontenttype\":\"image/png\",\"data_base64\":\"AAH+/w==\"}", 0, 1),
                    0);
    CU_ASSERT_EQUAL(wire.body.len, 4);
    CU_ASSERT_EQUAL(memcmp(wire.body.ptr, "\0\1\xfe\xff", 4), 0);
    end();
    CU_ASSERT_EQUAL(make("{\"data\":\"x\"}", 0, 1), 0); /* JSON when nothing is said */
    ASSERT_STR(wire.body, "\"x\"");
    CU_ASSERT_STRING_EQUAL(headers(), "Content-Type=application/json\n");
    end();
    CU_ASSERT_EQUAL(make("{\"datacontenttype\":\"a/b+JSON; x=y\",\"data\":\"x\"}", 0, 1), 0);
    ASSERT_STR(wire.body, "\"x\"");
    end();
    CU_ASSERT_EQUAL(make("{\"id\":\"1\",\"data\":null}", 0, 1), 0);
    CU_ASSERT_EQUAL(wire.body.len, 0);
    end();
}

static void structured_events_and_other_payloads_go_as_they_are(void) {
    CU_ASSERT_EQUAL(make("{\"id\":\"1\"}", 1, 1), EG_OK);
    CU_ASSERT_STRING_EQUAL(headers(), "Content-Type=application/cloudevents+json\n");
    ASSERT_STR(wire.body, "{\"id\":\"1\"}");
    end();
    CU_ASSERT_EQUAL(make("{\"event\":{}}", 0, 0), EG_OK);
    CU_ASSERT_STRING_EQUAL(headers(), "Content-Type=application/json\n");
    ASSERT_STR(wire.body, "{\"event\":{}}");
    end();
}

static void what_cannot_be_written_is_refused(void) {
    static const char *const bad[] = {"",
                                      "[]",
                                      "{",
                                      "{\"a\"",
                                      "{\"a\":",
                                      "{\"a\":1",
                                      "{\"a\":\"x",
                                      "{\"a\" 1}",
                                      "{\"a\":}",
                                      "{,}",
                                      "{\"a\":1 \"b\":2}",
                                      "{\"datacontenttype\":\"a\\nb\"}",
                                      "{\"data_base64\":\"A\"}",
                                      "{\"data_base64\":\"A?==\"}"};
    for (size_t i = 0; i < EGX_COUNT(bad); i++) {
        CU_ASSERT_EQUAL(make(bad[i], 0, 1), EG_E_SYNTAX);
        ASSERT_STR(egx_str_n(why.text, why.len), "the event cannot be written in binary mode");
        end();
    }
}

static void attributes_too_big_for_headers_are_refused(void) {
    static char payload[GCF_HEADERS_MAX + 64];
    size_t len = (size_t)snprintf(payload, sizeof payload, "{\"a\":\"");
    memset(payload + len, 'x', GCF_HEADERS_MAX);
    memcpy(payload + len + GCF_HEADERS_MAX, "\"}", 3);
    CU_ASSERT_EQUAL(make(payload, 0, 1), EG_E_TOOBIG);
    end();
    len = 1;
    for (int i = 0; i < 600; i++) {
        len += (size_t)snprintf(payload + len, sizeof payload - len, "%s\"a%d\":1",
                                i == 0 ? "" : ",", i);
    }
    memcpy(payload + len, "}", 2);
    CU_ASSERT_EQUAL(make(payload, 0, 1), EG_E_TOOBIG);
    end();
}

static void broken_escapes_never_leave_their_room(void) {
    static const char *const raw[] = {
        "\"\\u\"",           "\"\\u12\"",          "\"\\uZZZZ\"",        "\"\\ud800\"",
        "\"\\ud800\\u\"",    "\"\\ud800\\u0041\"", "\"\\udc00\\udc00\"", "\"\\\"",
        "\"\\uZZZZ\\uZZZZ\""};
    char out[64];
    for (size_t i = 0; i < EGX_COUNT(raw); i++) {
        CU_ASSERT_TRUE(gcf_json_decode(egx_str_c(raw[i]), out) <= strlen(raw[i]));
    }
    CU_ASSERT_EQUAL(gcf_json_decode(EGX_STR("\"\\ud800\\u0041\""), out), 4);
    CU_ASSERT_EQUAL(memcmp(out,
                           "\xef\xbf\xbd"
                           "A",
                           4),
                    0);
}

static void base64url_has_no_padding(void) {
    static const char *const pairs[][2] = {
        {"", ""}, {"f", "Zg"}, {"fo", "Zm8"}, {"foo", "Zm9v"}, {"\xfb\xff", "-_8"}};
    for (size_t i = 0; i < EGX_COUNT(pairs); i++) {
        struct egx_json out = egx_json_begin();
        char back[16];
        gcf_base64url(&out, egx_str_c(pairs[i][0]));
        ASSERT_STR(egx_json_text(&out), pairs[i][1]);
        const size_t len = gcf_base64_decode(egx_json_text(&out), back);
        ASSERT_STR(egx_str_n(back, len), pairs[i][0]);
        egx_json_free(&out);
    }
}

static void answers_are_sorted_into_classes(void) {
    static const struct {
        int32_t status;
        const char *body;
        uint32_t call_class;
    } rows[] = {{200, "", EG_CALL_OK},
                {204, "", EG_CALL_OK},
                {302, "", EG_CALL_PERMANENT},
                {400, "", EG_CALL_OK},
                {401, "", EG_CALL_AUTH},
                {403, "", EG_CALL_AUTH},
                {404, "", EG_CALL_PERMANENT},
                {408, "", EG_CALL_TRANSIENT},
                {409, "", EG_CALL_OK},
                {413, "", EG_CALL_PERMANENT},
                {429, "", EG_CALL_THROTTLED},
                {431, "", EG_CALL_PERMANENT},
                {500, "oops", EG_CALL_FUNCTION},
                {500, "The request was aborted because there was no available instance.",
                 EG_CALL_TRANSIENT},
                {501, "", EG_CALL_FUNCTION},
                {502, "", EG_CALL_TRANSIENT},
                {503, "", EG_CALL_TRANSIENT},
                {504, "", EG_CALL_TRANSIENT},
                {505, "", EG_CALL_FUNCTION}};
    const struct eg_kv wait = {EGX_STR_INIT("retry-after"), EGX_STR_INIT("3")};
    for (size_t i = 0; i < EGX_COUNT(rows); i++) {
        struct eg_http_response response = {.struct_size = sizeof response,
                                            .status = rows[i].status};
        response.body.ptr = rows[i].body;
        response.body.len = strlen(rows[i].body);
        CU_ASSERT_EQUAL(gcf_answer_class(&response), rows[i].call_class);
        response.headers = &wait;
        response.header_count = 1;
        CU_ASSERT_EQUAL(gcf_answer_class(&response),
                        rows[i].status == 503 ? EG_CALL_THROTTLED : rows[i].call_class);
    }
}

static void only_a_token_with_an_end_in_the_future_is_taken(void) {
    static const char *const bad[] = {"",
                                      "a.b",
                                      "a..c",
                                      ".e30.c",
                                      "a.e30.",
                                      "a.e30.c.d",
                                      "a.e30.c d",
                                      "a.e30.c\n",
                                      "a.e30.c",                            /* {} */
                                      "a.W10.c",                            /* [] */
                                      "a.eyJleHAiOiI5OTk5OTk5OTk5In0.c",    /* exp is a string */
                                      "a.eyJleHAiOjF9.c",                   /* 1970 */
                                      "a.eyJleHAiOjk5OTk5OTk5OTk5OTk5fQ.c", /* beyond the clock */
                                      "a.eyJleHAiOi01fQ.c"};                /* -5 */
    struct gcf_token *token = NULL;
    fake = egx_fake_new();
    const struct eg_host *host = egx_fake_host(fake);
    for (size_t i = 0; i < EGX_COUNT(bad); i++) {
        CU_ASSERT_EQUAL(
            gcf_jwt_read(host, egx_str_c(bad[i]), 5 * INT64_C(1000000000), &token, &why),
            EG_E_PROTO);
    }
    /* {"exp":7200} an hour before */
    CU_ASSERT_EQUAL_FATAL(gcf_jwt_read(host, EGX_STR("a.eyJleHAiOjcyMDB9.c"),
                                       3600 * INT64_C(1000000000), &token, NULL),
                          EG_OK);
    CU_ASSERT_EQUAL(token->expires_ns, 7200 * INT64_C(1000000000));
    CU_ASSERT_EQUAL(token->refresh_ns, (7200 - 225) * INT64_C(1000000000));
    ASSERT_STR(egx_str_n(token->header, token->header_len), "Bearer a.eyJleHAiOjcyMDB9.c");
    gcf_token_drop(host, token);
    end();
}

UNIT_MAIN(UNIT(attributes_become_headers_and_data_the_body), UNIT(a_trace_goes_on_in_every_mode),
          UNIT(header_values_are_percent_encoded_as_the_binding_says),
          UNIT(text_and_binary_data_are_decoded),
          UNIT(structured_events_and_other_payloads_go_as_they_are),
          UNIT(what_cannot_be_written_is_refused), UNIT(attributes_too_big_for_headers_are_refused),
          UNIT(broken_escapes_never_leave_their_room), UNIT(base64url_has_no_padding),
          UNIT(answers_are_sorted_into_classes),
          UNIT(only_a_token_with_an_end_in_the_future_is_taken))
