/* Bodies of HTTP/1.1 messages, whole and in pieces: the same comes out, whatever the cuts. */
#include "unit.h"

#include "base/slice.h"
#include "io/http_body.h"

#define S(literal)                                                                                 \
    { literal, sizeof(literal) - 1 }

struct read {
    char text[256];
    size_t len;
    size_t left; /* of the input, behind the end */
    enum gw_body_event last;
    enum gw_body_fault fault;
};

/* Reads input in pieces of step bytes. */
static struct read read_body(enum gw_body_framing framing, uint64_t length, struct eg_str input,
                             size_t step) {
    struct read read = {.last = GW_BODY_MORE};
    struct gw_http_lines lines = {0};
    struct gw_http_body body;
    gw_http_body_begin(&body, framing, length, 64);
    for (size_t at = 0; at < input.len && read.last == GW_BODY_MORE; at += step) {
        struct eg_str piece = gw_str_sub(input, at, step);
        while ((read.last = gw_http_body_next(&body, &lines, &piece)) == GW_BODY_PIECE) {
            CU_ASSERT_FATAL(read.len + body.piece.len <= sizeof read.text);
            memcpy(read.text + read.len, body.piece.ptr, body.piece.len);
            read.len += body.piece.len;
        }
        read.left = input.len - at - (step < input.len - at ? step : input.len - at) + piece.len;
    }
    read.fault = body.fault;
    if (read.last == GW_BODY_END || read.last == GW_BODY_BAD) { /* and it stays so */
        struct eg_str more = GW_STR("5\r\nagain\r\n");
        CU_ASSERT_EQUAL(gw_http_body_next(&body, &lines, &more), read.last);
        CU_ASSERT_EQUAL(more.len, 10);
    }
    gw_http_lines_free(&lines);
    return read;
}

static void bodies_end_where_they_say_whatever_the_cuts(void) {
    static const struct {
        enum gw_body_framing framing;
        uint64_t length;
        struct eg_str input;
        struct eg_str body;
        size_t left;
    } rows[] = {
        {GW_FRAMED_LENGTH, 5, S("helloGET /"), S("hello"), 5},
        {GW_FRAMED_LENGTH, 0, S("G"), S(""), 1},
        {GW_FRAMED_CHUNKS, 0, S("5\r\nhello\r\n0\r\n\r\nGET"), S("hello"), 3},
        {GW_FRAMED_CHUNKS, 0, S("0005;a=b ; c;d = \"e;f\\\"\"\r\nhello\r\n00\r\n\r\n"), S("hello"),
         0},
        {GW_FRAMED_CHUNKS, 0, S("A\r\n0123456789\r\n1\r\n\n\r\n0\r\n\r\n"), S("0123456789\n"), 0},
        {GW_FRAMED_CHUNKS, 0, S("0\r\nA: b\r\nC: d\r\n\r\nx"), S(""), 1},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        for (size_t step = 1; step <= rows[i].input.len; step++) {
            const struct read read =
                read_body(rows[i].framing, rows[i].length, rows[i].input, step);
            CU_ASSERT_EQUAL(read.last, GW_BODY_END);
            ASSERT_STR(gw_str(read.text, read.len), rows[i].body.ptr);
            CU_ASSERT_EQUAL(read.left, rows[i].left);
        }
    }
}

static void a_body_that_ends_with_the_connection_never_ends_by_itself(void) {
    const struct read read = read_body(GW_FRAMED_CLOSE, 0, GW_STR("0\r\n\r\n"), 2);
    CU_ASSERT_EQUAL(read.last, GW_BODY_MORE);
    ASSERT_STR(gw_str(read.text, read.len), "0\r\n\r\n");
}

static void what_can_be_read_in_two_ways_is_refused(void) {
    static const struct {
        struct eg_str input;
        enum gw_body_fault fault;
    } rows[] = {
        {S("5\nhello\r\n"), GW_BODY_LINE_BROKEN},
        {S("5\r\r\nhello"), GW_BODY_LINE_BROKEN},
        {S("5;a\0b\r\n"), GW_BODY_LINE_BROKEN},
        {S("\r\n"), GW_BODY_CHUNK_MALFORMED},
        {S(" 5\r\n"), GW_BODY_CHUNK_MALFORMED},
        {S("0x5\r\n"), GW_BODY_CHUNK_MALFORMED},
        {S("-5\r\n"), GW_BODY_CHUNK_MALFORMED},
        {S("+5\r\n"), GW_BODY_CHUNK_MALFORMED},
        {S("5 \r\n"), GW_BODY_CHUNK_MALFORMED},
        {S("5;\r\n"), GW_BODY_CHUNK_MALFORMED},
        {S("5;bad[=x\r\n"), GW_BODY_CHUNK_MALFORMED},
        {S("5;a=\r\n"), GW_BODY_CHUNK_MALFORMED},
        {S("5;=a\r\n"), GW_BODY_CHUNK_MALFORMED},
        {S("5;a=\"b\r\n"), GW_BODY_CHUNK_MALFORMED},
        {S("5;a=\"b\\\"\r\n"), GW_BODY_CHUNK_MALFORMED},
        {S("5;a b\r\n"), GW_BODY_CHUNK_MALFORMED},
        {S("5;a;\r\n"), GW_BODY_CHUNK_MALFORMED},
        {S("5 x\r\n"), GW_BODY_CHUNK_MALFORMED},
        {S("1000000000000000\r\n"), GW_BODY_CHUNK_MALFORMED},
        {S("2\r\nabc\r\n"), GW_BODY_CHUNK_TOO_LONG},
        {S("2\r\nab\n"), GW_BODY_CHUNK_TOO_LONG},
        {S("0\r\n a: b\r\n\r\n"), GW_BODY_TRAILER_MALFORMED},
        {S("0\r\nno colon\r\n\r\n"), GW_BODY_TRAILER_MALFORMED},
        {S("0\r\na: 0123456789012345678901234567890123456789012345678901234567890123\r\n"),
         GW_BODY_LINE_TOO_BIG},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        for (size_t step = 1; step <= rows[i].input.len; step++) {
            const struct read read = read_body(GW_FRAMED_CHUNKS, 0, rows[i].input, step);
            CU_ASSERT_EQUAL(read.last, GW_BODY_BAD);
            CU_ASSERT_EQUAL(read.fault, rows[i].fault);
        }
    }
}

static void an_endless_chunk_line_is_refused_before_it_is_kept(void) {
    char line[5000];
    struct gw_http_lines lines = {0};
    struct gw_http_body body;
    memset(line, ';', sizeof line);
    gw_http_body_begin(&body, GW_FRAMED_CHUNKS, 0, 64);
    struct eg_str first = gw_str(line, 4000);
    struct eg_str second = gw_str(line, 1000);
    CU_ASSERT_EQUAL(gw_http_body_next(&body, &lines, &first), GW_BODY_MORE);
    CU_ASSERT_EQUAL(gw_http_body_next(&body, &lines, &second), GW_BODY_BAD);
    CU_ASSERT_EQUAL(body.fault, GW_BODY_LINE_TOO_BIG);
    CU_ASSERT_EQUAL(lines.kept.len, 4000);
    gw_http_lines_free(&lines);
}

UNIT_MAIN(UNIT(bodies_end_where_they_say_whatever_the_cuts),
          UNIT(a_body_that_ends_with_the_connection_never_ends_by_itself),
          UNIT(what_can_be_read_in_two_ways_is_refused),
          UNIT(an_endless_chunk_line_is_refused_before_it_is_kept))
