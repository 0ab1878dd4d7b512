/* What is kept of an answer, line by line and piece by piece. */
#include "unit.h"

#include "base/mem.h"
#include "base/slice.h"
#include "io/http_answer.h"

static struct gw_arena arena;
static struct gw_http_answer answer;

static void begin(uint64_t body_max) {
    static const struct gw_metric_family dropped = {
        .name = "test_dropped_total", .help = "test", .type = GW_COUNTER};
    gw_arena_init(&arena, 512);
    answer = (struct gw_http_answer){
        .arena = &arena, .dropped_headers = gw_metric(&dropped, NULL, 0), .body_max = body_max};
    gw_bytes_init(&answer.body, 0);
    gw_http_answer_begin(&answer);
}

static void end(void) {
    gw_bytes_free(&answer.body);
    gw_arena_free(&arena);
}

static bool line(const char *text) {
    return gw_http_answer_line(&answer, gw_str_c(text));
}

static void the_last_head_counts_and_trailers_do_not(void) {
    begin(10);
    CU_ASSERT_TRUE(line("HTTP/1.1 103 Early Hints\r\n") && line("Link: a\r\n") && line("\r\n"));
    CU_ASSERT_TRUE(line("HTTP/1.1 200 OK\r\n") && line("A: 1\r\n") && line("a:  2 \r\n"));
    CU_ASSERT_TRUE(line("no header\r\n") && line("B\x01: x\r\n") && line("\r\n"));
    CU_ASSERT_TRUE(line("Trailer: x\r\n"));
    CU_ASSERT_EQUAL_FATAL(answer.header_count, 2);
    ASSERT_STR(answer.headers[0].name, "A");
    ASSERT_STR(answer.headers[1].value, "2");
    end();
}

static void headers_and_trailers_that_look_like_a_status_line_are_none(void) {
    begin(10);
    CU_ASSERT_TRUE(line("HTTP/1.1 200 OK\r\n") && line("A: 1\r\n"));
    CU_ASSERT_TRUE(line("HTTP/1.1 100 Continue: x\r\n") && line("B: 2\r\n") && line("\r\n"));
    CU_ASSERT_TRUE(line("HTTP/1.1 200 OK\r\n") && line("Trailer: x\r\n") && line("\r\n"));
    CU_ASSERT_EQUAL_FATAL(answer.header_count, 2);
    ASSERT_STR(answer.headers[1].name, "B");
    end();
}

static void a_head_without_end_is_refused(void) {
    char big[1024] = "X: ";
    begin(10);
    memset(big + 3, 'x', sizeof big - 4);
    unsigned taken = 0;
    while (taken < 1000 && line(big)) {
        taken++;
    }
    CU_ASSERT_TRUE(taken > 200 && taken < 300);
    CU_ASSERT_EQUAL(answer.error, EG_E_TOOBIG);
    end();
}

static void a_body_is_collected_up_to_its_limit(void) {
    begin(10);
    CU_ASSERT_TRUE(gw_http_answer_body(&answer, GW_STR("12345"), 0));
    CU_ASSERT_TRUE(gw_http_answer_body(&answer, GW_STR("67890"), 0));
    CU_ASSERT_FALSE(gw_http_answer_body(&answer, GW_STR("x"), 0));
    CU_ASSERT_EQUAL(answer.error, EG_E_TOOBIG);
    ASSERT_STR(gw_bytes_str(&answer.body), "1234567890");
    gw_http_answer_begin(&answer);
    CU_ASSERT_FALSE(gw_http_answer_body(&answer, GW_STR("x"), 11)); /* announced */
    CU_ASSERT_EQUAL(answer.body.len, 0);
    end();
}

UNIT_MAIN(UNIT(the_last_head_counts_and_trailers_do_not),
          UNIT(headers_and_trailers_that_look_like_a_status_line_are_none),
          UNIT(a_head_without_end_is_refused), UNIT(a_body_is_collected_up_to_its_limit))
