/* domain/trace_context.c: what is taken over from W3C Trace Context headers. Cases are those of the
 * recommendation (https://www.w3.org/TR/trace-context/, chapters 3.2 and 3.3) and of its validation
 * suite (https://github.com/w3c/trace-context/tree/main/test). */
#include "base/slice.h"
#include "domain/trace_context.h"
#include "unit.h"

#define GOOD "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

static bool reads(const char *text) {
    struct gw_trace_context c;
    const bool is_read = gw_traceparent_read(gw_str_c(text), &c);
    if (is_read) {
        char out[GW_TRACEPARENT_LEN];
        gw_traceparent_write(&c, out);
        CU_ASSERT_EQUAL(memcmp(out + 3, &GOOD[3], 49), 0); /* the ids */
    }
    return is_read;
}

static void the_example_of_the_recommendation_is_read_and_written(void) {
    struct gw_trace_context c;
    char out[GW_TRACEPARENT_LEN];
    CU_ASSERT_TRUE_FATAL(gw_traceparent_read(GW_STR(GOOD), &c));
    CU_ASSERT_EQUAL(c.trace_id[0], 0x0a);
    CU_ASSERT_EQUAL(c.trace_id[15], 0x9c);
    CU_ASSERT_EQUAL(c.span_id[0], 0xb7);
    CU_ASSERT_EQUAL(c.flags, GW_TRACE_SAMPLED);
    gw_traceparent_write(&c, out);
    ASSERT_STR(gw_str(out, sizeof out), GOOD);
}

static void white_space_around_it_is_tolerated(void) {
    CU_ASSERT_TRUE(reads(" " GOOD));
    CU_ASSERT_TRUE(reads("\t" GOOD "\t "));
}

static void unknown_flags_are_dropped(void) {
    struct gw_trace_context c;
    CU_ASSERT_TRUE(
        gw_traceparent_read(GW_STR("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-ff"), &c));
    CU_ASSERT_EQUAL(c.flags, 1);
    CU_ASSERT_TRUE(
        gw_traceparent_read(GW_STR("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-fe"), &c));
    CU_ASSERT_EQUAL(c.flags, 0);
}

static void a_later_version_is_read_as_far_as_it_is_like_this_one(void) {
    CU_ASSERT_TRUE(reads("cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"));
    CU_ASSERT_TRUE(reads("cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-what"));
    CU_ASSERT_FALSE(reads("cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01.what"));
    CU_ASSERT_FALSE(reads("ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"));
}

static void what_is_no_traceparent_is_nothing(void) {
    static const char *const cases[] = {
        "",
        "-",
        "00",
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331",
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-",
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-1",
        GOOD "-what",
        GOOD "1",
        "00-00000000000000000000000000000000-b7ad6b7169203331-01",
        "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
        "00-0AF7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "00-0af7651916cd43dd8448eb211c80319c-B7ad6b7169203331-01",
        "00-.af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "00-0af7651916cd43dd8448eb211c80319-b7ad6b7169203331-011",
        "00_0af7651916cd43dd8448eb211c80319c_b7ad6b7169203331_01",
        "0x-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-x1",
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01,00-0af7651916cd43dd8448eb21",
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        if (reads(cases[i])) {
            printf("  was read: %s\n", cases[i]);
        }
        CU_ASSERT_FALSE(reads(cases[i]));
    }
}

/* ---- tracestate ---- */

static void check_state(const char *text, const char *expected) {
    struct gw_arena arena;
    gw_arena_init(&arena, 256);
    ASSERT_STR(gw_tracestate_read(&arena, gw_str_c(text)), expected);
    gw_arena_free(&arena);
}

static void a_tracestate_is_passed_on_in_order(void) {
    check_state("rojo=00f067aa0ba902b7,congo=t61rcWkgMzE",
                "rojo=00f067aa0ba902b7,congo=t61rcWkgMzE");
    check_state(" foo=1 ,\tbar=2\t, ,,baz=3", "foo=1,bar=2,baz=3");
    check_state("fw529a3039@dt=FfffffC,0tenant@a-/*_z9=x y",
                "fw529a3039@dt=FfffffC,0tenant@a-/*_z9=x y");
    check_state("", "");
    check_state(" , ,", "");
}

static void one_wrong_entry_drops_it_all(void) {
    static const char *const cases[] = {
        "foo=1,foo=1",
        "foo=1,foo=2",
        "foo 1",
        "foo=1,=2",
        "foo=1,bar",
        "Foo=1",
        "foo =1",
        "-foo=1",
        "foo@=1",
        "@bar=1",
        "foo@bar@baz=1",
        "foo@@bar=1",
        "foo=",
        "foo=a=b",
        "foo=\x7f",
        "foo=\xc3\xbc",
        "foo@systemistoolong=1",
        "f.o=1",
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        check_state(cases[i], "");
    }
}

static void lengths_of_keys_and_values_are_limited(void) {
    char text[600];
    memset(text, 'z', sizeof text);
    text[256] = '=';
    text[257] = '1';
    text[258] = '\0';
    check_state(text, text);
    text[256] = 'z';
    text[257] = '=';
    text[258] = '1';
    text[259] = '\0';
    check_state(text, "");
    memset(text, 'v', sizeof text);
    text[1] = '=';
    text[2 + 256] = '\0';
    check_state(text, text);
    text[2 + 256] = 'v';
    text[3 + 256] = '\0';
    check_state(text, "");
}

static void more_than_32_entries_are_too_many(void) {
    char text[400] = "";
    for (int i = 0; i < 32; i++) {
        (void)snprintf(text + strlen(text), sizeof text - strlen(text), "%sb%d=1",
                       i == 0 ? "" : ",", i);
    }
    check_state(text, text);
    (void)snprintf(text + strlen(text), sizeof text - strlen(text), ",c=1");
    check_state(text, "");
}

/* 3.3.1.5: what is over 128 bytes goes first, then from the end. */
static void what_is_over_512_bytes_is_cut_by_whole_entries(void) {
    char text[2000] = "a=1,";
    char expected[2000] = "a=1";
    memset(text + 4, 'x', 200);
    text[5] = '=';
    text[204] = '\0';
    for (int i = 0; i < 10; i++) {
        char member[128];
        (void)snprintf(member, sizeof member, ",k%d=%060d", i, i);
        strcat(text, member);
        if (i < 7) {
            strcat(expected, member);
        }
    }
    CU_ASSERT_TRUE(strlen(expected) <= 512);
    check_state(text, expected);
}

UNIT_MAIN(UNIT(the_example_of_the_recommendation_is_read_and_written),
          UNIT(white_space_around_it_is_tolerated), UNIT(unknown_flags_are_dropped),
          UNIT(a_later_version_is_read_as_far_as_it_is_like_this_one),
          UNIT(what_is_no_traceparent_is_nothing), UNIT(a_tracestate_is_passed_on_in_order),
          UNIT(one_wrong_entry_drops_it_all), UNIT(lengths_of_keys_and_values_are_limited),
          UNIT(more_than_32_entries_are_too_many),
          UNIT(what_is_over_512_bytes_is_cut_by_whole_entries))
