/* What may be sent to a function. */
#include "unit.h"

#include "base/slice.h"
#include "io/http_outgoing.h"

static int32_t check(const char *method, const char *url, const char *name, const char *value,
                     const char *body) {
    const struct eg_kv header = {gw_str_c(name), gw_str_c(value)};
    const struct eg_http_request request = {.struct_size = sizeof request,
                                            .method = gw_str_c(method),
                                            .url = gw_str_c(url),
                                            .headers = &header,
                                            .header_count = 1,
                                            .body = gw_str_c(body)};
    static struct gw_url_memo memo;
    struct gw_url parsed;
    return gw_http_check_request(&memo, &request, &parsed);
}

static void a_plain_request_may_be_sent(void) {
    CU_ASSERT_EQUAL(check("POST", "http://h/f", "X-A", "b", "body"), 0);
    CU_ASSERT_EQUAL(check("GET", "https://h:8443/f?q", "Accept", "", ""), 0);
    CU_ASSERT_EQUAL(check("HEAD", "http://h/", "X-A", "b", ""), 0);
}

static void what_is_no_url_or_method_is_refused(void) {
    CU_ASSERT_EQUAL(check("POST", "ftp://h/", "X", "b", ""), EG_E_INVAL);
    CU_ASSERT_EQUAL(check("POST", "", "X", "b", ""), EG_E_INVAL);
    CU_ASSERT_EQUAL(check("PO ST", "http://h/", "X", "b", ""), EG_E_INVAL);
    CU_ASSERT_EQUAL(check("", "http://h/", "X", "b", ""), EG_E_INVAL);
    CU_ASSERT_EQUAL(check("connect", "http://h/", "X", "b", ""), EG_E_INVAL);
    CU_ASSERT_EQUAL(check("HEAD", "http://h/", "X", "b", "body"), EG_E_INVAL);
}

static void headers_that_would_break_the_framing_are_refused(void) {
    static const char *const hosts_own[] = {
        "Host", "content-length", "Transfer-Encoding", "Connection",      "Upgrade", "EXPECT",
        "TE",   "Trailer",        "Keep-Alive",        "Proxy-Connection"};
    for (size_t i = 0; i < sizeof hosts_own / sizeof hosts_own[0]; i++) {
        CU_ASSERT_EQUAL(check("POST", "http://h/", hosts_own[i], "1", ""), EG_E_INVAL);
    }
    CU_ASSERT_EQUAL(check("POST", "http://h/", "X", "a\r\nHost: evil", ""), EG_E_INVAL);
    CU_ASSERT_EQUAL(check("POST", "http://h/", "X Y", "a", ""), EG_E_INVAL);
    CU_ASSERT_EQUAL(check("POST", "http://h/", "", "a", ""), EG_E_INVAL);
}

UNIT_MAIN(UNIT(a_plain_request_may_be_sent), UNIT(what_is_no_url_or_method_is_refused),
          UNIT(headers_that_would_break_the_framing_are_refused))
