/* Pieces of an arena: aligned, apart, and gone together. */
#include "base/arena.h"
#include "base/slice.h"
#include "unit.h"

static void pieces_are_aligned_and_do_not_overlap(void) {
    struct gw_arena arena;
    unsigned char *pieces[500];
    gw_arena_init(&arena, 0);
    for (size_t i = 0; i < 500; i++) {
        pieces[i] = gw_arena_alloc(&arena, i);
        CU_ASSERT_EQUAL((uintptr_t)pieces[i] % 16, 0);
        memset(pieces[i], (int)(i & 0xff), i);
    }
    for (size_t i = 0; i < 500; i++) {
        for (size_t j = 0; j < i; j++) {
            CU_ASSERT_EQUAL_FATAL(pieces[i][j], i & 0xff);
        }
    }
    CU_ASSERT_EQUAL(arena.used_bytes, 499 * 500 / 2);
    gw_arena_free(&arena);
}

static void a_zeroed_arena_works_and_is_freed(void) {
    struct gw_arena arena = {0};
    gw_arena_reset(&arena);
    CU_ASSERT_PTR_NOT_NULL(gw_arena_alloc(&arena, 10));
    gw_arena_free(&arena);
    gw_arena_free(&arena);
    CU_ASSERT_PTR_NULL(arena.first);
}

static void a_big_piece_does_not_end_the_current_chunk(void) {
    struct gw_arena arena;
    gw_arena_init(&arena, 1024);
    char *before = gw_arena_alloc(&arena, 16);
    memset(gw_arena_alloc(&arena, 1u << 20), 'x', 1u << 20);
    char *after = gw_arena_alloc(&arena, 16);
    CU_ASSERT_TRUE(after > before && after - before <= 64);
    gw_arena_free(&arena);
}

static void reset_keeps_the_first_chunk(void) {
    struct gw_arena arena;
    gw_arena_init(&arena, 512);
    void *first = gw_arena_alloc(&arena, 100);
    for (int i = 0; i < 100; i++) {
        (void)gw_arena_alloc(&arena, 1000);
    }
    gw_arena_reset(&arena);
    CU_ASSERT_EQUAL(arena.used_bytes, 0);
    CU_ASSERT_PTR_EQUAL(gw_arena_alloc(&arena, 100), first);
    gw_arena_free(&arena);
}

static void zalloc_is_zeroed_also_in_used_memory(void) {
    struct gw_arena arena;
    gw_arena_init(&arena, 512);
    memset(gw_arena_alloc(&arena, 256), 0xff, 256);
    gw_arena_reset(&arena);
    const unsigned char *p = gw_arena_zalloc(&arena, 256);
    for (size_t i = 0; i < 256; i++) {
        CU_ASSERT_EQUAL_FATAL(p[i], 0);
    }
    gw_arena_free(&arena);
}

static void dup_ends_in_a_nul_that_does_not_count(void) {
    struct gw_arena arena = {0};
    const struct eg_str copy = gw_arena_dup(&arena, gw_str("abcdef", 3));
    ASSERT_STR(copy, "abc");
    CU_ASSERT_EQUAL(copy.ptr[3], '\0');
    const struct eg_str empty = gw_arena_dup(&arena, gw_str(NULL, 0));
    CU_ASSERT_EQUAL(empty.len, 0);
    CU_ASSERT_EQUAL(empty.ptr[0], '\0');
    gw_arena_free(&arena);
}

static void printf_makes_texts_of_any_length(void) {
    struct gw_arena arena = {0};
    ASSERT_STR(gw_arena_printf(&arena, "%d-%s", 42, "x"), "42-x");
    const struct eg_str wide = gw_arena_printf(&arena, "%*d", 100000, 7);
    CU_ASSERT_EQUAL(wide.len, 100000);
    CU_ASSERT_EQUAL(wide.ptr[99999], '7');
    gw_arena_free(&arena);
}

UNIT_MAIN(UNIT(pieces_are_aligned_and_do_not_overlap), UNIT(a_zeroed_arena_works_and_is_freed),
          UNIT(a_big_piece_does_not_end_the_current_chunk), UNIT(reset_keeps_the_first_chunk),
          UNIT(zalloc_is_zeroed_also_in_used_memory), UNIT(dup_ends_in_a_nul_that_does_not_count),
          UNIT(printf_makes_texts_of_any_length))
