/* The guard: which request heads get in, and what the others are told. */
#include "unit.h"

#include "base/slice.h"
#include "io/http_guard.h"

static const struct gw_http_limits limits = {
    .body_bytes = 1000, .head_bytes = 4000, .target_bytes = 200};
static const char *reason;

/* "METHOD target version" and "Name: value" lines; no white space is trimmed but one after ':'. */
static uint32_t guard(const char *line, const char *const *lines, struct gw_http_head *ret_head) {
    static struct eg_kv headers[32];
    struct gw_http_head head = {.headers = headers};
    struct eg_str rest = gw_str_c(line);
    gw_str_next(&rest, ' ', &head.method);
    gw_str_next(&rest, ' ', &head.target);
    head.version = rest;
    for (; lines != NULL && *lines != NULL; lines++) {
        const struct eg_str text = gw_str_c(*lines);
        const size_t colon = gw_str_find(text, ':');
        headers[head.header_count].name = gw_str_sub(text, 0, colon);
        headers[head.header_count++].value = gw_str_cut(text, colon + 2);
    }
    reason = NULL;
    const uint32_t status = gw_http_guard(&head, &limits, &reason);
    CU_ASSERT_EQUAL(status == 0, reason == NULL);
    if (ret_head != NULL) {
        *ret_head = head;
    }
    return status;
}
#define LINES(...) ((const char *const[]){__VA_ARGS__, NULL})
#define GUARD(line, ...) guard(line, LINES("Host: a", __VA_ARGS__), NULL)
#define GUARD_LINE(line) guard(line, LINES("Host: a"), NULL)

static void a_plain_request_is_split_into_its_parts(void) {
    struct gw_http_head head;
    CU_ASSERT_EQUAL(guard("POST /a/b?x=1&y=%20 HTTP/1.1",
                          LINES("Host: example.test:4000", "Content-Length: 12"), &head),
                    0);
    ASSERT_STR(head.path, "/a/b");
    ASSERT_STR(head.query, "x=1&y=%20");
    ASSERT_STR(head.host, "example.test:4000");
    CU_ASSERT_EQUAL(head.announced_bytes, 12);
    CU_ASSERT_FALSE(head.is_chunked);
}

static void an_absolute_target_gives_path_and_host(void) {
    struct gw_http_head head;
    CU_ASSERT_EQUAL(guard("GET http://A.test:1/p?q HTTP/1.1", LINES("Host: a.test:1"), &head), 0);
    ASSERT_STR(head.host, "A.test:1");
    ASSERT_STR(head.path, "/p");
    ASSERT_STR(head.query, "q");
    CU_ASSERT_EQUAL(guard("GET https://a.test HTTP/1.0", NULL, &head), 0);
    ASSERT_STR(head.path, "/");
    CU_ASSERT_EQUAL(guard("GET http://a?q=/ HTTP/1.1", LINES("Host: a"), &head), 0);
    ASSERT_STR(head.path, "/");
    ASSERT_STR(head.query, "q=/");
    CU_ASSERT_EQUAL(guard("GET http://b/ HTTP/1.1", LINES("Host: a"), NULL), 400);
    CU_ASSERT_EQUAL(guard("GET http://u@a/ HTTP/1.1", LINES("Host: u@a"), NULL), 400);
    CU_ASSERT_EQUAL(guard("GET ftp://a/ HTTP/1.1", LINES("Host: a"), NULL), 400);
    CU_ASSERT_EQUAL(guard("GET http:/// HTTP/1.1", LINES("Host: a"), NULL), 400);
}

static void methods_outside_the_list_are_refused_and_lower_case_passes(void) {
    const char *const passed[] = {"GET",    "HEAD",    "POST", "PUT", "PATCH",
                                  "DELETE", "OPTIONS", "get",  "Post"};
    for (size_t i = 0; i < sizeof passed / sizeof passed[0]; i++) {
        char line[64];
        snprintf(line, sizeof line, "%s / HTTP/1.1", passed[i]);
        CU_ASSERT_EQUAL(GUARD_LINE(line), 0);
    }
    CU_ASSERT_EQUAL(GUARD_LINE("TRACE / HTTP/1.1"), 405);
    CU_ASSERT_EQUAL(GUARD_LINE("CONNECT a:1 HTTP/1.1"), 405);
    CU_ASSERT_EQUAL(GUARD_LINE("BREW / HTTP/1.1"), 501);
    CU_ASSERT_EQUAL(GUARD_LINE("GE(T / HTTP/1.1"), 400);
    CU_ASSERT_EQUAL(GUARD_LINE(" / HTTP/1.1"), 400);
}

static void only_http_1_0_and_1_1_are_served(void) {
    CU_ASSERT_EQUAL(GUARD_LINE("GET / HTTP/1.0"), 0);
    CU_ASSERT_EQUAL(GUARD_LINE("GET / HTTP/1.2"), 505);
    CU_ASSERT_EQUAL(GUARD_LINE("GET / HTTP/2.0"), 505);
    CU_ASSERT_EQUAL(GUARD_LINE("GET / http/1.1"), 505);
    CU_ASSERT_EQUAL(GUARD_LINE("GET / "), 505);
}

static void targets_with_control_bytes_bad_escapes_or_fragments_are_refused(void) {
    const char *const bad[] = {"/%00",  "/%1f", "/%1F", "/%7f",    "/%0d%0a", "/%",    "/%4",
                               "/%zz",  "/%4g", "/a#b", "/\x01",   "/\x7f",   "/\t",   "/?a=%00",
                               "/?a=%", "*",    "a/b",  "",        "?a",      "/\xff", "/\xc0\xaf",
                               "//%0a", "/%-1", "/%+1", "/a?b#cc", "#"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char line[64];
        snprintf(line, sizeof line, "GET %s HTTP/1.1", bad[i]);
        CU_ASSERT_EQUAL(GUARD_LINE(line), 400);
    }
    CU_ASSERT_EQUAL(GUARD_LINE("GET /caf\xc3\xa9/%C3%a9%20%2F\"<>|?a=/?b HTTP/1.1"), 0);
    CU_ASSERT_EQUAL(GUARD_LINE("OPTIONS * HTTP/1.1"), 0);
}

static void there_is_exactly_one_host(void) {
    CU_ASSERT_EQUAL(guard("GET / HTTP/1.1", NULL, NULL), 400);
    CU_ASSERT_EQUAL(guard("GET / HTTP/1.1", LINES("Host: "), NULL), 400);
    CU_ASSERT_EQUAL(guard("GET / HTTP/1.0", NULL, NULL), 0);
    CU_ASSERT_EQUAL(GUARD("GET / HTTP/1.1", "host: a"), 400);
    CU_ASSERT_EQUAL(GUARD("GET / HTTP/1.0", "HOST: b"), 400);
}

static void a_host_is_a_name_or_address_with_an_optional_port(void) {
    const char *const good[] = {
        "", "a", "a.b-c:80", "127.0.0.1:4000", "[::1]", "[::1]:65535", "a:", "my_host", "a%20.b"};
    const char *const bad[] = {"a b", "u@a", "a/b",    "a,b",  ":80",      "a:b",    "a:123456",
                               "[::", "a?b", "[::1]x", "a\\b", "[a/b]:80", "a:80:80"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        CU_ASSERT_TRUE(gw_http_host_valid(gw_str_c(good[i])));
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        CU_ASSERT_FALSE(gw_http_host_valid(gw_str_c(bad[i])));
    }
    CU_ASSERT_FALSE(gw_http_host_valid(gw_str("a\0b", 3)));
}

static void the_framing_is_one_length_or_chunked_and_never_both(void) {
    struct gw_http_head head;
    CU_ASSERT_EQUAL(GUARD("POST / HTTP/1.1", "Content-Length: 5", "Content-Length: 5"), 400);
    CU_ASSERT_EQUAL(GUARD("POST / HTTP/1.1", "Content-Length: 5", "Transfer-Encoding: chunked"),
                    400);
    CU_ASSERT_EQUAL(
        GUARD("POST / HTTP/1.1", "Transfer-Encoding: chunked", "transfer-encoding: chunked"), 400);
    CU_ASSERT_EQUAL(GUARD("POST / HTTP/1.0", "Transfer-Encoding: chunked"), 400);
    CU_ASSERT_EQUAL(guard("POST / HTTP/1.1", LINES("Host: a", "Transfer-Encoding: Chunked"), &head),
                    0);
    CU_ASSERT_TRUE(head.is_chunked);
    const char *const bad_lengths[] = {"",   "+5",  "-1", "5,5", "0x5",     "5 5",
                                       "5;", "abc", "5.", " 5",  "\xd9\xa5"};
    for (size_t i = 0; i < sizeof bad_lengths / sizeof bad_lengths[0]; i++) {
        char line[64];
        snprintf(line, sizeof line, "Content-Length: %s", bad_lengths[i]);
        CU_ASSERT_EQUAL(GUARD("POST / HTTP/1.1", line), 400);
    }
    /* RFC 9112 6.1: 501 for codings that are not known; 6.3: 400 where the last is not chunked. */
    static const struct {
        const char *coding;
        uint32_t status;
    } bad_codings[] = {
        {"gzip", 400},
        {"chunked, gzip", 400},
        {"xchunked", 400},
        {"chunked,", 400},
        {"", 400},
        {"identity", 400},
        {"chunked;a=b", 400},
        {"chunked chunked", 400},
        {", chunked", 501},
        {"gzip, chunked", 501},
        {"gzip,\tchunked", 501},
    };
    for (size_t i = 0; i < sizeof bad_codings / sizeof bad_codings[0]; i++) {
        char line[64];
        snprintf(line, sizeof line, "Transfer-Encoding: %s", bad_codings[i].coding);
        CU_ASSERT_EQUAL(GUARD("POST / HTTP/1.1", line), bad_codings[i].status);
    }
}

static void header_names_are_tokens_and_values_are_clean(void) {
    CU_ASSERT_EQUAL(GUARD("GET / HTTP/1.1", "X Y: a"), 400);
    CU_ASSERT_EQUAL(GUARD("GET / HTTP/1.1", ": a"), 400);
    CU_ASSERT_EQUAL(GUARD("GET / HTTP/1.1", "X-T\xc3\xab: a"), 400);
    CU_ASSERT_EQUAL(GUARD("GET / HTTP/1.1", "X: a\x01"), 400);
    CU_ASSERT_EQUAL(GUARD("GET / HTTP/1.1", "X: a\rb"), 400);
    CU_ASSERT_EQUAL(GUARD("GET / HTTP/1.1", "X: a\nb"), 400);
    CU_ASSERT_EQUAL(GUARD("GET / HTTP/1.1", "X: a\x7f"), 400);
    CU_ASSERT_EQUAL(GUARD("GET / HTTP/1.1", "X: a\tb \xc3\xab"), 0);
    struct gw_http_head head = {
        .method = GW_STR("GET"),
        .target = GW_STR("/"),
        .version = GW_STR("HTTP/1.1"),
        .headers = (struct eg_kv[]){{GW_STR("Host"), GW_STR("a")}, {GW_STR("X"), {"a\0b", 3}}},
        .header_count = 2};
    CU_ASSERT_EQUAL(gw_http_guard(&head, &limits, &reason), 400);
}

static void sizes_over_the_limits_have_their_own_status(void) {
    char line[512] = "GET /";
    memset(line + 5, 'a', 199);
    memcpy(line + 204, " HTTP/1.1", 10);
    CU_ASSERT_EQUAL(GUARD_LINE(line), 0);
    memset(line + 5, 'a', 200);
    memcpy(line + 205, " HTTP/1.1", 10);
    CU_ASSERT_EQUAL(GUARD_LINE(line), 414);
    CU_ASSERT_EQUAL(GUARD("POST / HTTP/1.1", "Content-Length: 1000"), 0);
    CU_ASSERT_EQUAL(GUARD("POST / HTTP/1.1", "Content-Length: 1001"), 413);
    CU_ASSERT_EQUAL(GUARD("POST / HTTP/1.1", "Content-Length: 500000"), 413);
    CU_ASSERT_EQUAL(GUARD("POST / HTTP/1.1", "Content-Length: 999999"), 400);
    CU_ASSERT_EQUAL(GUARD("POST / HTTP/1.1", "Content-Length: 99999999999999999999999"), 400);
    struct gw_http_head head = {.method = GW_STR("GET"),
                                .target = GW_STR("/"),
                                .version = GW_STR("HTTP/1.0"),
                                .head_bytes = 4001};
    CU_ASSERT_EQUAL(gw_http_guard(&head, &limits, &reason), 431);
}

UNIT_MAIN(UNIT(a_plain_request_is_split_into_its_parts),
          UNIT(an_absolute_target_gives_path_and_host),
          UNIT(methods_outside_the_list_are_refused_and_lower_case_passes),
          UNIT(only_http_1_0_and_1_1_are_served),
          UNIT(targets_with_control_bytes_bad_escapes_or_fragments_are_refused),
          UNIT(there_is_exactly_one_host), UNIT(a_host_is_a_name_or_address_with_an_optional_port),
          UNIT(the_framing_is_one_length_or_chunked_and_never_both),
          UNIT(header_names_are_tokens_and_values_are_clean),
          UNIT(sizes_over_the_limits_have_their_own_status))
