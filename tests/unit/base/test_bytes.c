/* The growing buffer: on the heap, on an arena, with a cap. */
#include "base/bytes.h"
#include "base/mem.h"
#include "base/slice.h"
#include "unit.h"

static void appends_grow_without_limit_on_the_heap(void) {
    struct gw_bytes b;
    gw_bytes_init(&b, 0);
    for (int i = 0; i < 10000; i++) {
        gw_bytes_add(&b, GW_STR("0123456789"));
    }
    CU_ASSERT_EQUAL(b.len, 100000);
    CU_ASSERT_FALSE(b.is_full);
    CU_ASSERT_EQUAL(memcmp(b.ptr + 99990, "0123456789", 10), 0);
    gw_bytes_free(&b);
    CU_ASSERT_PTR_NULL(b.ptr);
    gw_bytes_free(&b);
}

static void an_arena_buffer_keeps_its_content_as_it_grows(void) {
    struct gw_arena arena = {0};
    struct gw_bytes b;
    gw_bytes_init_arena(&b, &arena, 4);
    gw_bytes_add_c(&b, "abc");
    for (int i = 0; i < 1000; i++) {
        gw_bytes_add_char(&b, 'x');
    }
    CU_ASSERT_EQUAL(b.len, 1003);
    CU_ASSERT_EQUAL(memcmp(b.ptr, "abcx", 4), 0);
    gw_bytes_free(&b);
    gw_arena_free(&arena);
}

static void a_full_buffer_drops_the_append_and_all_later_ones(void) {
    struct gw_bytes b;
    gw_bytes_init(&b, 8);
    gw_bytes_add(&b, GW_STR("123456"));
    gw_bytes_add(&b, GW_STR("789"));
    CU_ASSERT_TRUE(b.is_full);
    gw_bytes_add_char(&b, 'x');
    gw_bytes_addf(&b, "%d", 1);
    ASSERT_STR(gw_bytes_str(&b), "123456");
    gw_bytes_clear(&b);
    gw_bytes_add(&b, GW_STR("12345678"));
    CU_ASSERT_FALSE(b.is_full);
    ASSERT_STR(gw_bytes_str(&b), "12345678");
    CU_ASSERT_PTR_NULL(gw_bytes_grow(&b, 1));
    gw_bytes_free(&b);
}

static void numbers_are_written_to_their_limits(void) {
    struct gw_bytes b;
    gw_bytes_init(&b, 0);
    gw_bytes_add_u64(&b, 0);
    gw_bytes_add_char(&b, ' ');
    gw_bytes_add_u64(&b, UINT64_MAX);
    gw_bytes_add_char(&b, ' ');
    gw_bytes_add_i64(&b, INT64_MIN);
    gw_bytes_add_char(&b, ' ');
    gw_bytes_add_i64(&b, INT64_MAX);
    ASSERT_STR(gw_bytes_str(&b), "0 18446744073709551615 -9223372036854775808 9223372036854775807");
    gw_bytes_free(&b);
}

static void formatted_text_and_empty_slices_are_appended(void) {
    struct gw_bytes b;
    gw_bytes_init(&b, 0);
    gw_bytes_add(&b, gw_str(NULL, 0));
    CU_ASSERT_EQUAL(b.len, 0);
    gw_bytes_addf(&b, "%s=%d", "a", 5);
    gw_bytes_addf(&b, "%s", "");
    ASSERT_STR(gw_bytes_str(&b), "a=5");
    gw_bytes_free(&b);
}

static void take_gives_the_memory_away(void) {
    struct gw_bytes b;
    gw_bytes_init(&b, 100);
    gw_bytes_add_c(&b, "mine");
    const char *ptr = b.ptr;
    struct eg_buf buf = gw_bytes_take(&b);
    CU_ASSERT_PTR_EQUAL(buf.ptr, ptr);
    ASSERT_STR(gw_str(buf.ptr, buf.len), "mine");
    CU_ASSERT_EQUAL(b.len, 0);
    CU_ASSERT_EQUAL(b.cap, 100);
    gw_buf_release(&buf);
    buf = gw_bytes_take(&b);
    CU_ASSERT_EQUAL(buf.len, 0);
    gw_buf_release(&buf);
}

static void take_from_an_arena_copies(void) {
    struct gw_arena arena = {0};
    struct gw_bytes b;
    gw_bytes_init_arena(&b, &arena, 0);
    gw_bytes_add_c(&b, "copied");
    struct eg_buf buf = gw_bytes_take(&b);
    gw_arena_free(&arena);
    ASSERT_STR(gw_str(buf.ptr, buf.len), "copied");
    gw_buf_release(&buf);
}

UNIT_MAIN(UNIT(appends_grow_without_limit_on_the_heap),
          UNIT(an_arena_buffer_keeps_its_content_as_it_grows),
          UNIT(a_full_buffer_drops_the_append_and_all_later_ones),
          UNIT(numbers_are_written_to_their_limits),
          UNIT(formatted_text_and_empty_slices_are_appended), UNIT(take_gives_the_memory_away),
          UNIT(take_from_an_arena_copies))
