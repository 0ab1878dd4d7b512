/* The head of a request, byte for byte. */
#include "unit.h"

#include "base/check.h"
#include "base/slice.h"
#include "io/http_write.h"

static void expect(const char *method, const char *url, const char *body, const char *expected) {
    static const struct eg_kv headers[] = {{{"Content-Type", 12}, {"text/x", 6}},
                                           {{"Authorization", 13}, {"secret", 6}},
                                           {{"X-Empty", 7}, {NULL, 0}}};
    const struct eg_http_request request = {.headers = headers, .header_count = GW_COUNT(headers)};
    struct eg_http_call call = {.request = &request,
                                .url = gw_str_c(url),
                                .method = gw_str_c(method),
                                .body = gw_str_c(body)};
    CU_ASSERT_EQUAL_FATAL(gw_url_parse(call.url, &call.target), EG_OK);
    ASSERT_STR(gw_http_write_head(&call), expected);
    gw_arena_free(&call.arena);
}
#define SECRET "Authorization: secret\r\nX-Empty:\r\n"

static void host_has_the_port_unless_it_is_that_of_http(void) {
    expect("GET", "http://h", "", "GET / HTTP/1.1\r\nHost: h\r\n" SECRET "\r\n");
    expect("GET", "http://h:80/a", "", "GET /a HTTP/1.1\r\nHost: h\r\n" SECRET "\r\n");
    expect("GET", "http://h:/a", "", "GET /a HTTP/1.1\r\nHost: h\r\n" SECRET "\r\n");
    expect("GET", "http://H.test:65535/a", "",
           "GET /a HTTP/1.1\r\nHost: H.test:65535\r\n" SECRET "\r\n");
    expect("GET", "http://[::1]:8080/", "", "GET / HTTP/1.1\r\nHost: [::1]:8080\r\n" SECRET "\r\n");
}

static void the_target_is_path_and_query_as_written(void) {
    expect("GET", "http://h?a=%20b", "", "GET /?a=%20b HTTP/1.1\r\nHost: h\r\n" SECRET "\r\n");
    expect("GET", "http://h/a/../b//?x?y#z", "",
           "GET /a/../b//?x?y HTTP/1.1\r\nHost: h\r\n" SECRET "\r\n");
}

static void a_length_goes_with_bodies_and_with_methods_that_have_one(void) {
#define TYPED "Host: h\r\nContent-Type: text/x\r\n" SECRET
    expect("POST", "http://h/", "", "POST / HTTP/1.1\r\n" TYPED "Content-Length: 0\r\n\r\n");
    expect("POST", "http://h/", "body", "POST / HTTP/1.1\r\n" TYPED "Content-Length: 4\r\n\r\n");
    expect("DELETE", "http://h/", "x", "DELETE / HTTP/1.1\r\n" TYPED "Content-Length: 1\r\n\r\n");
    expect("PUT", "http://h/", "",
           "PUT / HTTP/1.1\r\nHost: h\r\n" SECRET "Content-Length: 0\r\n\r\n");
    expect("DELETE", "http://h/", "", "DELETE / HTTP/1.1\r\nHost: h\r\n" SECRET "\r\n");
}

static void credentials_stay_with_their_origin(void) {
    static const struct eg_kv headers[] = {
        {{"authorization", 13}, {"secret", 6}}, {{"COOKIE", 6}, {"a=b", 3}}, {{"X", 1}, {"y", 1}}};
    const struct eg_http_request request = {.headers = headers, .header_count = GW_COUNT(headers)};
    struct eg_http_call call = {.request = &request,
                                .url = GW_STR("http://h/"),
                                .method = GW_STR("GET"),
                                .is_foreign = true};
    CU_ASSERT_EQUAL_FATAL(gw_url_parse(call.url, &call.target), EG_OK);
    ASSERT_STR(gw_http_write_head(&call), "GET / HTTP/1.1\r\nHost: h\r\nX: y\r\n\r\n");
    gw_arena_free(&call.arena);
}

UNIT_MAIN(UNIT(host_has_the_port_unless_it_is_that_of_http),
          UNIT(the_target_is_path_and_query_as_written),
          UNIT(a_length_goes_with_bodies_and_with_methods_that_have_one),
          UNIT(credentials_stay_with_their_origin))
