/*
 * Unit tests of egx_http.h: what a service may answer and a user may configure, good and bad.
 */
#include <eventgw-sdk/egx_http.h>
#include <eventgw-sdk/fake_host.h>

#include "unit.h"

static void dates_are_read_in_the_one_form_that_may_be_sent(void) {
    static const struct {
        const char *text;
        int64_t seconds;
    } rows[] = {
        {"Thu, 01 Jan 1970 00:00:00 GMT", 0},
        {"Sun, 06 Nov 1994 08:49:37 GMT", 784111777},
        {"Thu, 29 Feb 2024 23:59:60 GMT", 1709251200},
        {"Fri, 31 Dec 9999 23:59:59 GMT", 253402300799},
        {"Sunday, 06-Nov-94 08:49:37 GMT", -1},
        {"Sun Nov  6 08:49:37 1994", -1},
        {"Sun, 06 Foo 1994 08:49:37 GMT", -1},
        {"Sun, 06 Nov 1994 08:49:37 UTC", -1},
        {"Sun, 00 Nov 1994 08:49:37 GMT", -1},
        {"Sun, 06 Nov 1994 24:49:37 GMT", -1},
        {"Sun, 06 Nov 1969 08:49:37 GMT", -1},
        {"Sun, 06 Nov 1994 0x:49:37 GMT", -1},
        {"", -1},
    };
    for (size_t i = 0; i < EGX_COUNT(rows); i++) {
        CU_ASSERT_EQUAL(egx_http_date(egx_str_c(rows[i].text)), rows[i].seconds);
    }
}

static void digits_are_digits_only(void) {
    CU_ASSERT_EQUAL(egx_digits(EGX_STR("0")), 0);
    CU_ASSERT_EQUAL(egx_digits(EGX_STR("999999999999")), 999999999999);
    CU_ASSERT_EQUAL(egx_digits(EGX_STR("1000000000000")), -1);
    CU_ASSERT_EQUAL(egx_digits(EGX_STR("")), -1);
    CU_ASSERT_EQUAL(egx_digits(EGX_STR("-1")), -1);
    CU_ASSERT_EQUAL(egx_digits(EGX_STR(" 1")), -1);
}

static void retry_after_is_seconds_or_a_date_and_at_most_a_day(void) {
    static const struct {
        const char *value;
        uint64_t seconds;
    } rows[] = {{"3", 3}, {"0", 0}, {"86401", 86400}, {"-1", 0}, {"x", 0}};
    struct egx_fake *fake = egx_fake_new();
    const struct eg_host *host = egx_fake_host(fake);
    struct eg_kv header = {EGX_STR("retry-AFTER"), {NULL, 0}};
    struct eg_http_response response = {.struct_size = sizeof response, .headers = &header};
    CU_ASSERT_EQUAL(egx_http_retry_after(host, &response), 0);
    response.header_count = 1;
    for (size_t i = 0; i < EGX_COUNT(rows); i++) {
        header.value = egx_str_c(rows[i].value);
        CU_ASSERT_EQUAL(egx_http_retry_after(host, &response), rows[i].seconds * 1000000000u);
    }
    header.value = EGX_STR("Fri, 31 Dec 9999 23:59:59 GMT");
    CU_ASSERT_EQUAL(egx_http_retry_after(host, &response), 86400u * UINT64_C(1000000000));
    header.value = EGX_STR("Thu, 01 Jan 1970 00:00:00 GMT");
    CU_ASSERT_EQUAL(egx_http_retry_after(host, &response), 0);
    egx_fake_free(fake);
}

static void what_is_not_unreserved_is_percent_encoded(void) {
    struct egx_json out = egx_json_begin();
    egx_put_percent(&out, egx_str_n("aZ09-._~/ :%\xc3\xa9\0", 15), "/");
    ASSERT_STR(egx_json_text(&out), "aZ09-._~/%20%3A%25%C3%A9%00");
    egx_json_free(&out);
    egx_put_percent(&out, EGX_STR("/"), "");
    ASSERT_STR(egx_json_text(&out), "%2F");
    egx_json_free(&out);
}

static void base64_is_that_of_rfc_4648(void) {
    static const struct {
        const char *bytes;
        const char *text;
    } rows[] = {{"", ""},
                {"f", "Zg=="},
                {"fo", "Zm8="},
                {"foo", "Zm9v"},
                {"foob", "Zm9vYg=="},
                {"fooba", "Zm9vYmE="},
                {"foobar", "Zm9vYmFy"},
                {"\xff\xfe\xfd", "//79"}};
    for (size_t i = 0; i < EGX_COUNT(rows); i++) {
        struct egx_json out = egx_json_begin();
        egx_put_base64(&out, egx_str_c(rows[i].bytes));
        ASSERT_STR(egx_json_text(&out), rows[i].text);
        egx_json_free(&out);
    }
}

static void a_url_has_a_scheme_a_host_and_no_user(void) {
    static const struct {
        const char *url;
        const char *host; /* NULL = not accepted */
        int is_secure;
    } rows[] = {
        {"http://a", "a", 0},
        {"https://a.test:8443/x?y#z", "a.test", 1},
        {"https://[::1]:80/", "::1", 1},
        {"http://a?x@y", "a", 0},
        {"http://", NULL, 0},
        {"http:///x", NULL, 0},
        {"https://:80/", NULL, 0},
        {"https://[::1", NULL, 0},
        {"https://[", NULL, 0},
        {"https://[]/", NULL, 0},
        {"https://u:p@a/", NULL, 0},
        {"ftp://a", NULL, 0},
        {"HTTP//a", NULL, 0},
        {"http://a b", NULL, 0},
        {"http://a\n", NULL, 0},
        {"http://\xc3\xa9.test", NULL, 0},
        {"", NULL, 0},
    };
    for (size_t i = 0; i < EGX_COUNT(rows); i++) {
        struct eg_str host = {0};
        int is_secure = 0;
        const int is_url = egx_is_http_url(egx_str_c(rows[i].url), &host, &is_secure);
        CU_ASSERT_EQUAL(is_url, rows[i].host != NULL);
        if (is_url) {
            ASSERT_STR(host, rows[i].host);
            CU_ASSERT_EQUAL(is_secure, rows[i].is_secure);
        }
    }
}

static void loopback_is_this_machine_only(void) {
    static const char *const here[] = {"localhost", "LOCALHOST", "::1", "127.0.0.1", "127.1.2.3"};
    static const char *const elsewhere[] = {"127.0.0.1.evil.test",
                                            "127.evil.test",
                                            "128.0.0.1",
                                            "localhost.evil.test",
                                            "",
                                            "127.1",
                                            "1127.0.0.1",
                                            "::2"};
    for (size_t i = 0; i < EGX_COUNT(here); i++) {
        CU_ASSERT_TRUE(egx_is_loopback(egx_str_c(here[i])));
    }
    for (size_t i = 0; i < EGX_COUNT(elsewhere); i++) {
        CU_ASSERT_FALSE(egx_is_loopback(egx_str_c(elsewhere[i])));
    }
}

static void header_text_cannot_end_its_line(void) {
    CU_ASSERT_TRUE(egx_is_header_text(EGX_STR("")));
    CU_ASSERT_TRUE(egx_is_header_text(EGX_STR("a b~!")));
    CU_ASSERT_FALSE(egx_is_header_text(EGX_STR(" a")));
    CU_ASSERT_FALSE(egx_is_header_text(EGX_STR("a ")));
    CU_ASSERT_FALSE(egx_is_header_text(EGX_STR("a\r\nb")));
    CU_ASSERT_FALSE(egx_is_header_text(egx_str_n("a\0b", 3)));
    CU_ASSERT_FALSE(egx_is_header_text(EGX_STR("\x7f")));
    CU_ASSERT_FALSE(egx_is_header_text(EGX_STR("\xc3\xa9")));
}

static void a_trace_goes_on_by_headers_where_there_is_one(void) {
    struct eg_kv headers[EGX_TRACE_HEADERS];
    struct eg_invocation invocation = {.struct_size = sizeof invocation};
    CU_ASSERT_EQUAL(egx_trace_headers(&invocation, headers), 0);
    invocation.tracestate = EGX_STR("a=1"); /* is nothing without the other */
    CU_ASSERT_EQUAL(egx_trace_headers(&invocation, headers), 0);
    invocation.traceparent = EGX_STR("00-1-2-01");
    CU_ASSERT_EQUAL(egx_trace_headers(&invocation, headers), 2);
    ASSERT_STR(headers[0].name, "traceparent");
    ASSERT_STR(headers[0].value, "00-1-2-01");
    ASSERT_STR(headers[1].name, "tracestate");
    ASSERT_STR(headers[1].value, "a=1");
    invocation.tracestate = egx_str_n(NULL, 0);
    CU_ASSERT_EQUAL(egx_trace_headers(&invocation, headers), 1);
    invocation.struct_size = offsetof(struct eg_invocation, traceparent); /* of a host before 0.3 */
    CU_ASSERT_EQUAL(egx_trace_headers(&invocation, headers), 0);
}

static void count(void *owner) {
    ++*(unsigned *)owner;
}

/* Ends a call with this answer, and says how: the body has to be given back once. */
static void done_with(const struct eg_http_response *response, int is_500_only, uint32_t call_class,
                      const char *message) {
    struct egx_fake *fake = egx_fake_new();
    struct egx_fake_op op;
    unsigned released = 0;
    struct eg_http_response answer = *response;
    answer.body = (struct eg_buf){"body", 4, count, &released};
    egx_fake_op_init(fake, &op);
    egx_http_done(&op.pub, &answer, is_500_only);
    (void)egx_fake_run(fake);
    CU_ASSERT_EQUAL(op.done_count, 1);
    CU_ASSERT_EQUAL(op.status, response->error);
    CU_ASSERT_EQUAL(op.result.call_class, call_class);
    CU_ASSERT_EQUAL(op.result.http_status, response->error == 0 ? (uint32_t)response->status : 0);
    ASSERT_STR(op.result.message, message);
    ASSERT_STR(egx_str_n(op.result.body.ptr, op.result.body.len),
               call_class == EG_CALL_OK ? "body" : "");
    egx_fake_op_free(&op);
    CU_ASSERT_EQUAL(released, 1);
    egx_fake_free(fake);
}

static void a_call_ends_by_the_status_of_its_answer(void) {
    static const struct {
        int32_t status;
        int is_500_only;
        uint32_t call_class;
        const char *message;
    } rows[] = {
        {200, 0, EG_CALL_OK, ""},
        {204, 1, EG_CALL_OK, ""},
        {404, 0, EG_CALL_OK, ""},
        {499, 0, EG_CALL_OK, ""},
        {500, 0, EG_CALL_FUNCTION, "HTTP status code: 500"},
        {500, 1, EG_CALL_FUNCTION, "HTTP status code: 500"},
        {501, 0, EG_CALL_FUNCTION, "HTTP status code: 501"},
        {502, 0, EG_CALL_TRANSIENT, "HTTP status code: 502"},
        {504, 0, EG_CALL_TRANSIENT, "HTTP status code: 504"},
        {505, 0, EG_CALL_FUNCTION, "HTTP status code: 505"},
        {503, 1, EG_CALL_OK, ""},
        {599, 0, EG_CALL_FUNCTION, "HTTP status code: 599"},
        {600, 0, EG_CALL_OK, ""},
    };
    for (size_t i = 0; i < EGX_COUNT(rows); i++) {
        const struct eg_http_response response = {.struct_size = sizeof response,
                                                  .status = rows[i].status};
        done_with(&response, rows[i].is_500_only, rows[i].call_class, rows[i].message);
    }
}

static void a_call_without_an_answer_has_failed_for_now(void) {
    const struct eg_http_response response = {.struct_size = sizeof response,
                                              .error = EG_E_UNAVAILABLE,
                                              .status = 200, /* but the body was cut off */
                                              .message = EGX_STR("connection refused")};
    done_with(&response, 0, EG_CALL_TRANSIENT, "connection refused");
    done_with(&response, 1, EG_CALL_TRANSIENT, "connection refused");
}

UNIT_MAIN(UNIT(dates_are_read_in_the_one_form_that_may_be_sent), UNIT(digits_are_digits_only),
          UNIT(retry_after_is_seconds_or_a_date_and_at_most_a_day),
          UNIT(what_is_not_unreserved_is_percent_encoded), UNIT(base64_is_that_of_rfc_4648),
          UNIT(a_url_has_a_scheme_a_host_and_no_user), UNIT(loopback_is_this_machine_only),
          UNIT(header_text_cannot_end_its_line),
          UNIT(a_trace_goes_on_by_headers_where_there_is_one),
          UNIT(a_call_ends_by_the_status_of_its_answer),
          UNIT(a_call_without_an_answer_has_failed_for_now))
