/* The parser of answers: examples and rules of RFC 9112, whole, byte by byte and cut anywhere. */
#include "unit.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/mem.h"
#include "base/slice.h"
#include "io/http_answer.h"
#include "io/http_response.h"

/* What the parser tells, as text: "200 name=value|HEAD body END". */
static char told[65536];
static size_t told_len;
static struct gw_http_response response;

static void tell(const char *before, struct eg_str text, const char *after) {
    const int len =
        snprintf(told + told_len, sizeof told - told_len, "%s%.*s%s", before, GW_FMT(text), after);
    told_len += (size_t)len;
    CU_ASSERT_TRUE_FATAL(told_len < sizeof told);
}

static void tell_field(void) {
    tell("", response.name, "=");
    tell("", response.value, "|");
}
static void tell_dropped(void) {
    tell("-|", (struct eg_str){0}, "");
}
static void tell_interim(void) {
    tell("~", (struct eg_str){0}, "");
}
static void tell_head(void) {
    char status[16];
    snprintf(status, sizeof status, "[%d]", response.status);
    tell(status, (struct eg_str){0}, "");
}
static void tell_body(void) {
    tell("", response.value, "");
}

/* Feeds one piece; the last event: MORE, END or BAD. */
static enum gw_response_event feed(struct eg_str *input) {
    static void (*const tells[])(void) = {[GW_RESPONSE_FIELD] = tell_field,
                                          [GW_RESPONSE_DROPPED] = tell_dropped,
                                          [GW_RESPONSE_INTERIM] = tell_interim,
                                          [GW_RESPONSE_HEAD] = tell_head,
                                          [GW_RESPONSE_BODY] = tell_body};
    for (;;) {
        const enum gw_response_event event = gw_http_response_next(&response, input);
        if (event == GW_RESPONSE_MORE || event == GW_RESPONSE_END || event == GW_RESPONSE_BAD) {
            return event;
        }
        tells[event]();
    }
}

/* All of the text in pieces of `step` bytes, each in memory of its own, then the end. */
static enum gw_response_event read_stepwise(struct eg_str text, size_t step, bool is_head) {
    enum gw_response_event event = GW_RESPONSE_MORE;
    told_len = 0;
    told[0] = '\0';
    gw_http_response_begin(&response, is_head);
    for (size_t at = 0; at < text.len && event == GW_RESPONSE_MORE; at += step) {
        const struct eg_str piece = gw_str_sub(text, at, step);
        char *copy = malloc(piece.len);
        CU_ASSERT_PTR_NOT_NULL_FATAL(copy);
        memcpy(copy, piece.ptr, piece.len);
        struct eg_str input = gw_str(copy, piece.len);
        event = feed(&input);
        free(copy);
    }
    return event == GW_RESPONSE_MORE ? gw_http_response_eof(&response) : event;
}

/* However it is cut, the same. */
static void expect_bytes(struct eg_str text, const char *expected, int32_t error, bool is_head) {
    const size_t steps[] = {text.len == 0 ? 1 : text.len, 1, 2, 3, 7, 13};
    for (size_t i = 0; i < GW_COUNT(steps); i++) {
        const enum gw_response_event event = read_stepwise(text, steps[i], is_head);
        const bool is_right =
            event == (error == EG_OK ? GW_RESPONSE_END : GW_RESPONSE_BAD) &&
            (error == EG_OK ? strcmp(told, expected) == 0 : response.error == error);
        if (!is_right) {
            printf("  %.*s\n  in steps of %zu: %s, event %d, error %d %s\n", GW_FMT(text), steps[i],
                   told, (int)event, response.error,
                   response.message == NULL ? "" : response.message);
        }
        CU_ASSERT_TRUE(is_right);
        CU_ASSERT_EQUAL(error == EG_OK, response.message == NULL);
    }
}
static void expect(const char *text, const char *expected) {
    expect_bytes(gw_str_c(text), expected, EG_OK, false);
}
static void expect_refused(const char *text, int32_t error) {
    expect_bytes(gw_str_c(text), "", error, false);
}
static void expect_kept(const char *text, bool is_kept) {
    CU_ASSERT_EQUAL(read_stepwise(gw_str_c(text), strlen(text), false), GW_RESPONSE_END);
    if (response.keeps_alive != is_kept) {
        printf("  %s\n", text);
    }
    CU_ASSERT_EQUAL(response.keeps_alive, is_kept);
}

#define OK "HTTP/1.1 200 OK\r\n"
#define CHUNKED OK "Transfer-Encoding: chunked\r\n\r\n"

/* ---- answers ---- */

static void an_answer_is_its_status_its_fields_and_its_body(void) {
    expect(OK "Content-Length: 5\r\nX-A:  b c \t\r\nX-A:d\r\nX-Empty:\r\n\r\nhello",
           "Content-Length=5|X-A=b c|X-A=d|X-Empty=|[200]hello");
    expect(OK "content-length: 0\r\n\r\n", "content-length=0|[200]");
    expect(OK "Content-Length: 007\r\n\r\n1234567", "Content-Length=007|[200]1234567");
}

/* RFC 9112 4. The reason means nothing, and may be missing. */
static void status_lines_are_http_1_with_three_digits(void) {
    expect("HTTP/1.1 404 Not: Found\r\nContent-Length: 0\r\n\r\n", "Content-Length=0|[404]");
    expect("HTTP/1.1 299 \r\nContent-Length: 0\r\n\r\n", "Content-Length=0|[299]");
    expect("HTTP/1.1 999\r\nContent-Length: 0\r\n\r\n", "Content-Length=0|[999]");
    expect("HTTP/1.0 200 \xfc\r\nContent-Length: 0\r\n\r\n", "Content-Length=0|[200]");
    static const char *const bad[] = {"GARBAGE\r\n\r\n",
                                      "HTTP/2 200 OK\r\n\r\n",
                                      "HTTP/1.2 200 OK\r\n\r\n",
                                      "HTTP/1.10 200 OK\r\n\r\n",
                                      "http/1.1 200 OK\r\n\r\n",
                                      " HTTP/1.1 200 OK\r\n\r\n",
                                      "\r\nHTTP/1.1 200 OK\r\n\r\n",
                                      "HTTP/1.1  200 OK\r\n\r\n",
                                      "HTTP/1.1 20 OK\r\n\r\n",
                                      "HTTP/1.1 2000 OK\r\n\r\n",
                                      "HTTP/1.1 099 OK\r\n\r\n",
                                      "HTTP/1.1 2x0 OK\r\n\r\n",
                                      "HTTP/1.1 -20 OK\r\n\r\n",
                                      "HTTP/1.1\t200 OK\r\n\r\n",
                                      "HTTP/1.1 200\tOK\r\n\r\n",
                                      "HTTP/1.1 200 O\x01K\r\n\r\n",
                                      "HTTP/1.1\r\n\r\n",
                                      "HTTP/1.1 200OK\r\n\r\n"};
    for (size_t i = 0; i < GW_COUNT(bad); i++) {
        expect_refused(bad[i], EG_E_PROTO);
    }
}

/* It may go on without a line for ever. */
static void garbage_is_refused_with_its_first_bytes(void) {
    struct eg_str input = GW_STR("HTT");
    gw_http_response_begin(&response, false);
    CU_ASSERT_EQUAL(gw_http_response_next(&response, &input), GW_RESPONSE_MORE);
    input = GW_STR("X");
    CU_ASSERT_EQUAL(gw_http_response_next(&response, &input), GW_RESPONSE_MORE);
    input = GW_STR("Y");
    CU_ASSERT_EQUAL(gw_http_response_next(&response, &input), GW_RESPONSE_BAD);
    CU_ASSERT_EQUAL(response.error, EG_E_PROTO);
    input = GW_STR("more");
    CU_ASSERT_EQUAL(gw_http_response_next(&response, &input), GW_RESPONSE_BAD);
    CU_ASSERT_EQUAL(gw_http_response_eof(&response), GW_RESPONSE_BAD);
}

/* ---- lines and fields, RFC 9112 2.2 and 5 ---- */

static void lines_end_with_cr_lf_and_hold_no_other_cr_lf_or_nul(void) {
    static const char *const bad[] = {
        "HTTP/1.1 200 OK\nContent-Length: 0\n\n",
        OK "Content-Length: 0\n\r\n",
        OK "Content-Length: 0\r\n\n",
        OK "X: a\rb\r\nContent-Length: 0\r\n\r\n",
        OK "X: a\r\r\nContent-Length: 0\r\n\r\n",
        OK "X: a\r\n\r\r\n",
        "HTTP/1.1 200 O\rK\r\nContent-Length: 0\r\n\r\n",
    };
    for (size_t i = 0; i < GW_COUNT(bad); i++) {
        expect_refused(bad[i], EG_E_PROTO);
    }
    expect_bytes(GW_STR(OK "X: a\0b\r\nContent-Length: 0\r\n\r\n"), "", EG_E_PROTO, false);
    expect_bytes(GW_STR("HTTP/1.1 200 \0\r\nContent-Length: 0\r\n\r\n"), "", EG_E_PROTO, false);
}

static void folded_lines_lines_without_colon_and_blanks_before_it_are_refused(void) {
    static const char *const bad[] = {
        OK "X: a\r\n b\r\nContent-Length: 0\r\n\r\n",
        OK "X: a\r\n\tb\r\nContent-Length: 0\r\n\r\n",
        OK " Content-Length: 0\r\n\r\n",
        OK "Content-Length\r\n\r\n",
        OK "X\r\nContent-Length: 0\r\n\r\n",
        OK "Content-Length : 0\r\n\r\n",
        OK "Transfer-Encoding\t: chunked\r\n\r\n0\r\n\r\n",
        OK "X : 1\r\nContent-Length: 0\r\n\r\n",
    };
    for (size_t i = 0; i < GW_COUNT(bad); i++) {
        expect_refused(bad[i], EG_E_PROTO);
    }
}

static void broken_fields_are_left_out_and_end_the_connection(void) {
    static const char text[] =
        OK "Content-Length: 0\r\nBad Name: 1\r\nX-Ctl: a\x01z\r\n: x\r\nX-Good: yes\r\n\r\n";
    expect(text, "Content-Length=0|-|-|-|X-Good=yes|[200]");
    expect_kept(text, false);
}

/* ---- framing, RFC 9112 6 ---- */

static void content_length_is_one_number(void) {
    static const char *const bad[] = {"-5",
                                      "+5",
                                      "5 5",
                                      "5,5",
                                      "5, 5",
                                      "0x5",
                                      "5.0",
                                      "",
                                      "five",
                                      "18446744073709551616",
                                      "9223372036854775808",
                                      "5\x01"};
    for (size_t i = 0; i < GW_COUNT(bad); i++) {
        char text[128];
        snprintf(text, sizeof text, OK "Content-Length: %s\r\n\r\nhello", bad[i]);
        expect_refused(text, EG_E_PROTO);
    }
    expect_refused(OK "Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello", EG_E_PROTO);
    expect_refused(OK "Content-Length: 5\r\ncontent-length: 6\r\n\r\nhello", EG_E_PROTO);
}

static void transfer_encoding_is_chunked_once_and_alone(void) {
    static const char *const bad[] = {
        "gzip, chunked", "chunked, chunked", "identity",    "gzip",       "",
        "chunked;q=1",   "xchunked",         "\"chunked\"", "chunked\x0b"};
    for (size_t i = 0; i < GW_COUNT(bad); i++) {
        char text[128];
        snprintf(text, sizeof text, OK "Transfer-Encoding: %s\r\n\r\n0\r\n\r\n", bad[i]);
        expect_refused(text, EG_E_PROTO);
    }
    expect(OK "Transfer-Encoding: ChunKed\r\n\r\n0\r\n\r\n", "Transfer-Encoding=ChunKed|[200]");
    expect_refused(OK "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                   EG_E_PROTO);
    expect_refused(OK "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
                   EG_E_PROTO);
    expect_refused(OK "Content-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                   EG_E_PROTO);
    expect_refused("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", EG_E_PROTO);
}

/* RFC 9112 7.1 */
static void chunks_are_put_together(void) {
    expect(CHUNKED "3\r\nabc\r\nA\r\n0123456789\r\n0\r\n\r\n",
           "Transfer-Encoding=chunked|[200]abc0123456789");
    expect(CHUNKED "0003\r\nabc\r\n000\r\n\r\n", "Transfer-Encoding=chunked|[200]abc");
    expect(CHUNKED "1;a=b;c=\"d\"\r\nx\r\n1 ; e\r\ny\r\n0;z\r\n\r\n",
           "Transfer-Encoding=chunked|[200]xy");
    expect(CHUNKED "0\r\nX-Trailer: evil\r\nContent-Length: 9\r\n\r\n",
           "Transfer-Encoding=chunked|[200]");
}

static void malformed_chunks_are_refused(void) {
    static const char *const bad[] = {"zz\r\n",
                                      "\r\n",
                                      "-1\r\n",
                                      "0x1\r\nx\r\n",
                                      "1 \r\nx\r\n",
                                      " 1\r\nx\r\n",
                                      "1\nx\r\n",
                                      "1\r\nxy\r\n",
                                      "1\r\nx\n0\r\n",
                                      "1\r\nx\r0\r\n",
                                      "1,2\r\nx\r\n",
                                      "1;\r\nx\r\n",
                                      "1;a\x01\r\nx",
                                      "1000000000000000\r\nx",
                                      "fffffffffffffffff\r\nx",
                                      "1;a\rb\r\nx\r\n",
                                      "0\r\n folded: 1\r\n\r\n",
                                      "0\r\nno colon\r\n\r\n",
                                      "0\r\nx: 1\n\r\n"};
    for (size_t i = 0; i < GW_COUNT(bad); i++) {
        char text[256];
        snprintf(text, sizeof text, CHUNKED "%s", bad[i]);
        expect_refused(text, EG_E_PROTO);
    }
}

static void answers_without_a_length_end_with_the_connection(void) {
    expect(OK "\r\nall of it\r\n", "[200]all of it\r\n");
    expect(OK "\r\n", "[200]");
    expect_kept(OK "\r\nx", false);
}

/* RFC 9112 6.3: whatever the head announces. */
static void answers_to_head_and_204_and_304_have_no_body(void) {
    expect_bytes(GW_STR(OK "Content-Length: 5\r\n\r\n"), "Content-Length=5|[200]", EG_OK, true);
    expect_bytes(GW_STR(OK "Transfer-Encoding: chunked\r\n\r\n"), "Transfer-Encoding=chunked|[200]",
                 EG_OK, true);
    expect_bytes(GW_STR(OK "\r\n"), "[200]", EG_OK, true);
    expect("HTTP/1.1 204 No\r\n\r\n", "[204]");
    expect("HTTP/1.1 304 No\r\nContent-Length: 5\r\n\r\n", "Content-Length=5|[304]");
    expect_kept("HTTP/1.1 204 No\r\n\r\n", true);
    expect_kept("HTTP/1.1 204 No\r\nContent-Length: 0\r\n\r\n", true);
    expect_kept("HTTP/1.1 204 No\r\nContent-Length: 5\r\n\r\n", false);
    expect_kept("HTTP/1.1 204 No\r\nTransfer-Encoding: chunked\r\n\r\n", false);
    expect_kept("HTTP/1.1 304 No\r\nContent-Length: 5\r\n\r\n", true);
}

/* RFC 9112 9.3, and the habit of HTTP/1.0 */
static void the_answer_says_whether_the_connection_may_be_used_again(void) {
    expect_kept(OK "Content-Length: 0\r\n\r\n", true);
    expect_kept(CHUNKED "0\r\n\r\n", true);
    expect_kept(OK "Connection: close\r\nContent-Length: 0\r\n\r\n", false);
    expect_kept(OK "Connection: x , CLOSE,y\r\nContent-Length: 0\r\n\r\n", false);
    expect_kept(OK "Connection: keep-alive\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
                false);
    expect_kept(OK "Connection: closed\r\nContent-Length: 0\r\n\r\n", true);
    expect_kept("HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n", false);
    expect_kept("HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\nContent-Length: 0\r\n\r\n", true);
}

/* ---- interim answers, RFC 9110 15.2 ---- */

static void interim_answers_are_told_apart(void) {
    expect("HTTP/1.1 100 Continue\r\nX-Old: 1\r\n\r\nHTTP/1.1 103 Hints\r\n\r\n" OK
           "Content-Length: 1\r\n\r\nx",
           "X-Old=1|~~Content-Length=1|[200]x");
    expect_refused("HTTP/1.1 101 Switching\r\nUpgrade: h2c\r\n\r\n", EG_E_PROTO);
    expect_refused("HTTP/1.1 100 C\r\nContent-Length: 3\r\n\r\nabc", EG_E_PROTO);
    expect_refused("HTTP/1.1 100 C\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", EG_E_PROTO);
    expect_refused("HTTP/1.1 100 C\r\n\r\n", EG_E_IO);
}

static void of_interim_answers_there_may_be_a_hundred(void) {
    static char text[8192];
    for (unsigned count = 100; count <= 101; count++) {
        size_t len = 0;
        for (unsigned i = 0; i < count; i++) {
            len += (size_t)snprintf(text + len, sizeof text - len, "HTTP/1.1 102 Wait\r\n\r\n");
        }
        snprintf(text + len, sizeof text - len, OK "Content-Length: 0\r\n\r\n");
        CU_ASSERT_EQUAL(read_stepwise(gw_str_c(text), 100, false),
                        count == 100 ? GW_RESPONSE_END : GW_RESPONSE_BAD);
    }
}

/* ---- ends and bounds ---- */

static void a_truncated_answer_is_an_error_wherever_it_ends(void) {
    static const char *const texts[] = {OK "Content-Length: 5\r\nX: y\r\n\r\nhello",
                                        CHUNKED "3\r\nabc\r\n0\r\nT: x\r\n\r\n"};
    for (size_t i = 0; i < GW_COUNT(texts); i++) {
        for (size_t len = 0; len < strlen(texts[i]); len++) {
            const struct eg_str part = gw_str(texts[i], len);
            CU_ASSERT_EQUAL(read_stepwise(part, len == 0 ? 1 : len, false), GW_RESPONSE_BAD);
            CU_ASSERT_EQUAL(response.error, EG_E_IO);
        }
    }
    CU_ASSERT_EQUAL(read_stepwise(GW_STR(""), 1, false), GW_RESPONSE_BAD);
    CU_ASSERT_STRING_EQUAL(response.message, "the connection was closed before an answer came");
}

static void what_comes_behind_an_answer_stays_in_the_input(void) {
    static const char *const texts[] = {OK "Content-Length: 2\r\n\r\nhiEXTRA",
                                        CHUNKED "2\r\nhi\r\n0\r\n\r\nEXTRA",
                                        "HTTP/1.1 204 No\r\n\r\nEXTRA"};
    for (size_t i = 0; i < GW_COUNT(texts); i++) {
        struct eg_str input = gw_str_c(texts[i]);
        gw_http_response_begin(&response, false);
        CU_ASSERT_EQUAL(feed(&input), GW_RESPONSE_END);
        ASSERT_STR(input, "EXTRA");
        CU_ASSERT_EQUAL(gw_http_response_next(&response, &input), GW_RESPONSE_END);
        ASSERT_STR(input, "EXTRA");
    }
}

/* Feeds `line` again and again: it must be refused before `bytes_max`. */
/* All of the text in pieces; what is told is nobody's. */
static enum gw_response_event read_quietly(struct eg_str text, size_t step) {
    enum gw_response_event event = GW_RESPONSE_MORE;
    gw_http_response_begin(&response, false);
    for (size_t at = 0; at < text.len && event == GW_RESPONSE_MORE; at += step) {
        struct eg_str input = gw_str_sub(text, at, step);
        do {
            event = gw_http_response_next(&response, &input);
        } while (event == GW_RESPONSE_FIELD || event == GW_RESPONSE_HEAD);
    }
    return event;
}

static void expect_bound(const char *begin, const char *line, size_t bytes_max) {
    struct eg_str input = gw_str_c(begin);
    enum gw_response_event event;
    size_t bytes = 0;
    gw_http_response_begin(&response, false);
    told_len = 0;
    for (event = feed(&input); event == GW_RESPONSE_MORE && bytes <= bytes_max;) {
        input = gw_str_c(line);
        bytes += input.len;
        told_len = 0;
        event = feed(&input);
    }
    CU_ASSERT_EQUAL(event, GW_RESPONSE_BAD);
    CU_ASSERT_EQUAL(response.error, EG_E_TOOBIG);
    CU_ASSERT_TRUE(bytes <= bytes_max);
}

static void heads_chunk_lines_and_trailers_are_bounded(void) {
    const size_t head_max = GW_HTTP_HEAD_BYTES_MAX + 100;
    expect_bound(OK, "X: 0123456789012345678901234567890123456789\r\n", head_max);
    expect_bound(OK "X: ", "0123456789", head_max);
    expect_bound("HTTP/1.1 200 ", "0123456789", head_max);
    expect_bound(CHUNKED, "0", 5000);
    expect_bound(CHUNKED "1;", "0123456789", 5000);
    expect_bound(CHUNKED "0\r\n", "X: 0123456789012345678901234567890123456789\r\n", head_max);
    expect_bound(CHUNKED "0\r\nX: ", "0123456789", head_max);
    gw_http_response_begin(&response, false); /* and does not keep the memory */
    CU_ASSERT_TRUE(response.lines.kept.room <= 16384);
}

/* To the byte, and the same whole and in pieces. */
static void a_head_may_be_as_big_as_it_may_be(void) {
    static const char start[] = OK "Content-Length: 0\r\nX: ";
    const size_t fill = GW_HTTP_HEAD_BYTES_MAX - (sizeof start - 1) - 4;
    static const size_t steps[] = {GW_HTTP_HEAD_BYTES_MAX + 1, 1000, 7};
    char *text = malloc(GW_HTTP_HEAD_BYTES_MAX + 2);
    CU_ASSERT_PTR_NOT_NULL_FATAL(text);
    memcpy(text, start, sizeof start - 1);
    memset(text + sizeof start - 1, 'x', fill + 1);
    for (size_t more = 0; more < 2; more++) {
        const size_t len = GW_HTTP_HEAD_BYTES_MAX + more;
        memcpy(text + len - 4, "\r\n\r\n", 4);
        for (size_t i = 0; i < GW_COUNT(steps); i++) {
            const enum gw_response_event event = read_quietly(gw_str(text, len), steps[i]);
            CU_ASSERT_EQUAL(event, more == 0 ? GW_RESPONSE_END : GW_RESPONSE_BAD);
            CU_ASSERT_EQUAL(response.error, more == 0 ? EG_OK : EG_E_TOOBIG);
        }
        text[len - 4] = text[len - 3] = text[len - 2] = 'x';
    }
    free(text);
}

static void a_parser_that_was_used_begins_anew(void) {
    expect_refused(OK "Content-Length: 5\r\nX: halfway", EG_E_IO);
    expect(OK "Content-Length: 1\r\n\r\nx", "Content-Length=1|[200]x");
    gw_http_response_free(&response);
}

UNIT_MAIN(UNIT(an_answer_is_its_status_its_fields_and_its_body),
          UNIT(status_lines_are_http_1_with_three_digits),
          UNIT(garbage_is_refused_with_its_first_bytes),
          UNIT(lines_end_with_cr_lf_and_hold_no_other_cr_lf_or_nul),
          UNIT(folded_lines_lines_without_colon_and_blanks_before_it_are_refused),
          UNIT(broken_fields_are_left_out_and_end_the_connection),
          UNIT(content_length_is_one_number), UNIT(transfer_encoding_is_chunked_once_and_alone),
          UNIT(chunks_are_put_together), UNIT(malformed_chunks_are_refused),
          UNIT(answers_without_a_length_end_with_the_connection),
          UNIT(answers_to_head_and_204_and_304_have_no_body),
          UNIT(the_answer_says_whether_the_connection_may_be_used_again),
          UNIT(interim_answers_are_told_apart), UNIT(of_interim_answers_there_may_be_a_hundred),
          UNIT(a_truncated_answer_is_an_error_wherever_it_ends),
          UNIT(what_comes_behind_an_answer_stays_in_the_input),
          UNIT(heads_chunk_lines_and_trailers_are_bounded), UNIT(a_head_may_be_as_big_as_it_may_be),
          UNIT(a_parser_that_was_used_begins_anew))
