/* Heads of requests: where they end, whatever the cuts, and what stands in them. */
#include "unit.h"

#include "base/slice.h"
#include "io/http_head.h"

/* Scans text that comes in pieces of step bytes. */
static enum gw_head_end scan_in(struct eg_str text, size_t step, struct gw_head_scan *ret_scan) {
    enum gw_head_end end = GW_HEAD_MORE;
    *ret_scan = (struct gw_head_scan){0};
    for (size_t len = step; end == GW_HEAD_MORE; len += step) {
        end = gw_http_head_scan(ret_scan, gw_str_sub(text, 0, len));
        if (len >= text.len) {
            break;
        }
    }
    return end;
}

static void a_head_ends_with_an_empty_line_whatever_the_cuts(void) {
    const struct eg_str text = GW_STR("GET / HTTP/1.1\r\nHost: h\r\n\r\nbody\n\n");
    for (size_t step = 1; step <= text.len; step++) {
        struct gw_head_scan scan;
        CU_ASSERT_EQUAL(scan_in(text, step, &scan), GW_HEAD_WHOLE);
        CU_ASSERT_EQUAL(scan.len, 27);
        CU_ASSERT_EQUAL(scan.lines, 2);
    }
}

static void what_has_no_end_is_waited_for(void) {
    const char *const texts[] = {"", "G", "GET / HTTP/1.1\r\n", "GET / HTTP/1.1\r\nHost: h\r\n\r"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct gw_head_scan scan;
        CU_ASSERT_EQUAL(scan_in(gw_str_c(texts[i]), 1, &scan), GW_HEAD_MORE);
        CU_ASSERT_EQUAL(scan.seen, strlen(texts[i]));
    }
}

static void what_can_become_no_head_is_known_at_once(void) {
    static const struct eg_str texts[] = {
        {"\x16\x03\x01", 3}, /* TLS */
        {"\n", 1},
        {"\r\n", 2},
        {" GET / HTTP/1.1\r\n", 17},
        {"GET / HTTP/1.1\nHost", 19}, /* bare LF, RFC 9112 2.2 */
        {"GET / HTTP/1.1\r\nHost: h\n", 24},
        {"GET / HTTP/1.1\r\nHost: h\r\n\n", 26},
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        for (size_t step = 1; step <= texts[i].len; step++) {
            struct gw_head_scan scan;
            CU_ASSERT_EQUAL(scan_in(texts[i], step, &scan), GW_HEAD_BROKEN);
        }
    }
}

static const char *parse(struct eg_str text, struct gw_arena *arena, struct gw_http_head *head) {
    struct gw_head_scan scan = {0};
    CU_ASSERT_EQUAL_FATAL(gw_http_head_scan(&scan, text), GW_HEAD_WHOLE);
    return gw_http_head_parse(text, scan.lines, arena, head);
}

static void a_head_is_taken_apart_in_place(void) {
    struct gw_arena arena;
    struct gw_http_head head;
    const struct eg_str text = GW_STR("POST /a?b HTTP/1.1\r\nHost: h\r\nEmpty:\r\nX:\t a b \t\r\n"
                                      "x: again\r\n\r\n");
    gw_arena_init(&arena, 512);
    CU_ASSERT_PTR_NULL(parse(text, &arena, &head));
    ASSERT_STR(head.method, "POST");
    ASSERT_STR(head.target, "/a?b");
    ASSERT_STR(head.version, "HTTP/1.1");
    CU_ASSERT_EQUAL(head.head_bytes, text.len);
    CU_ASSERT_EQUAL_FATAL(head.header_count, 4);
    ASSERT_STR(head.headers[0].name, "Host");
    ASSERT_STR(head.headers[0].value, "h");
    ASSERT_STR(head.headers[1].name, "Empty");
    CU_ASSERT_EQUAL(head.headers[1].value.len, 0);
    ASSERT_STR(head.headers[2].value, "a b");
    ASSERT_STR(head.headers[3].name, "x");
    CU_ASSERT_TRUE(head.headers[0].name.ptr > text.ptr && head.headers[0].name.ptr < text.ptr + 30);
    gw_arena_free(&arena);
}

/* The guard refuses more; these it would not even be asked about. */
static void lines_that_are_none_are_refused_with_a_reason(void) {
    const char *const texts[] = {
        "GET\r\n\r\n",
        "GET /\r\n\r\n",
        "GET  HTTP/1.1\r\n\r\n",
        "GET / HTTP/1.1 \r\n\r\n",
        "GET / http/1.1\r\n\r\n",
        "GET / HTTP/11\r\n\r\n",
        "GET / HTTP/1.10\r\n\r\n",
        "GET /\tHTTP/1.1\r\n\r\n",
        "GET / HTTP/1.1\r\n folded: x\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: h\r\n\tfolded\r\n\r\n",
        "GET / HTTP/1.1\r\nno colon\r\n\r\n",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct gw_arena arena;
        struct gw_http_head head;
        gw_arena_init(&arena, 512);
        if (parse(gw_str_c(texts[i]), &arena, &head) == NULL) {
            printf("  was taken: %s", texts[i]);
            CU_FAIL();
        }
        gw_arena_free(&arena);
    }
}

static void a_method_longer_than_any_is_told_by_its_first_bytes(void) {
    char text[200];
    for (int letters = 60; letters < 70; letters++) {
        const bool is_long = letters > 63;
        struct gw_arena arena;
        struct gw_http_head head;
        gw_arena_init(&arena, 512);
        snprintf(text, sizeof text, "%0*d / HTTP/1.1\r\n\r\n", letters, 0);
        CU_ASSERT_EQUAL(gw_http_head_has_long_method(gw_str_c(text)), is_long);
        CU_ASSERT_EQUAL(gw_http_head_has_long_method(gw_str(text, 64)), is_long);
        CU_ASSERT_FALSE(gw_http_head_has_long_method(gw_str(text, 63)));
        const char *reason = parse(gw_str_c(text), &arena, &head);
        CU_ASSERT_EQUAL(reason == gw_http_head_long_method, is_long);
        snprintf(text, sizeof text, "%0*d\r\n\r\n and more", letters, 0);
        reason = parse(gw_str_c(text), &arena, &head);
        CU_ASSERT_EQUAL(gw_http_head_has_long_method(gw_str_c(text)),
                        reason == gw_http_head_long_method);
        gw_arena_free(&arena);
    }
    CU_ASSERT_FALSE(gw_http_head_has_long_method(GW_STR("")));
}

static void what_the_guard_must_see_is_left_to_it(void) {
    struct gw_arena arena;
    struct gw_http_head head;
    gw_arena_init(&arena, 512);
    CU_ASSERT_PTR_NULL(
        parse(GW_STR("GET /a b HTTP/9.9\r\nHost : h\r\n: v\r\n\r\n"), &arena, &head));
    ASSERT_STR(head.target, "/a b");
    ASSERT_STR(head.version, "HTTP/9.9");
    ASSERT_STR(head.headers[0].name, "Host ");
    CU_ASSERT_EQUAL(head.headers[1].name.len, 0);
    gw_arena_free(&arena);
}

static void the_connection_is_kept_as_version_and_options_say(void) {
    static const struct {
        const char *text;
        bool is_kept;
    } rows[] = {
        {"GET / HTTP/1.1\r\n\r\n", true},
        {"GET / HTTP/1.1\r\nConnection: close\r\n\r\n", false},
        {"GET / HTTP/1.1\r\nConnection: x, CLOSE\r\n\r\n", false},
        {"GET / HTTP/1.1\r\nConnection: keep-alive\r\nConnection: close\r\n\r\n", false},
        {"GET / HTTP/1.1\r\nConnection: closed\r\n\r\n", true},
        {"GET / HTTP/1.0\r\n\r\n", false},
        {"GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", true},
        {"GET / HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\n", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct gw_arena arena;
        struct gw_http_head head;
        gw_arena_init(&arena, 512);
        CU_ASSERT_PTR_NULL(parse(gw_str_c(rows[i].text), &arena, &head));
        CU_ASSERT_EQUAL(gw_http_head_keeps_alive(&head), rows[i].is_kept);
        gw_arena_free(&arena);
    }
}

static void a_client_of_1_1_may_wait_for_a_100(void) {
    static const struct {
        const char *text;
        bool is_expected;
    } rows[] = {
        {"POST / HTTP/1.1\r\nExpect: 100-Continue\r\n\r\n", true},
        {"POST / HTTP/1.0\r\nExpect: 100-continue\r\n\r\n", false},
        {"POST / HTTP/1.1\r\nExpect: 200-ok\r\n\r\n", false},
        {"POST / HTTP/1.1\r\nX: 100-continue\r\n\r\n", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct gw_arena arena;
        struct gw_http_head head;
        gw_arena_init(&arena, 512);
        CU_ASSERT_PTR_NULL(parse(gw_str_c(rows[i].text), &arena, &head));
        CU_ASSERT_EQUAL(gw_http_head_expects_continue(&head), rows[i].is_expected);
        gw_arena_free(&arena);
    }
}

UNIT_MAIN(UNIT(a_head_ends_with_an_empty_line_whatever_the_cuts),
          UNIT(what_has_no_end_is_waited_for), UNIT(what_can_become_no_head_is_known_at_once),
          UNIT(a_head_is_taken_apart_in_place), UNIT(lines_that_are_none_are_refused_with_a_reason),
          UNIT(a_method_longer_than_any_is_told_by_its_first_bytes),
          UNIT(what_the_guard_must_see_is_left_to_it),
          UNIT(the_connection_is_kept_as_version_and_options_say),
          UNIT(a_client_of_1_1_may_wait_for_a_100))
