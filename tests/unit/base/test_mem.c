/* Memory that never fails, and buffers that change owner. */
#include "base/mem.h"
#include "base/slice.h"
#include "unit.h"

#ifdef __GLIBC__
#include <malloc.h>
#endif

static void alloc_is_zeroed_and_zero_bytes_are_a_pointer_too(void) {
    unsigned char *p = gw_alloc(64);
    for (size_t i = 0; i < 64; i++) {
        CU_ASSERT_EQUAL(p[i], 0);
    }
    gw_free(p);
    void *none = gw_alloc(0);
    CU_ASSERT_PTR_NOT_NULL(none);
    none = gw_realloc(none, 0);
    CU_ASSERT_PTR_NOT_NULL(none);
    gw_free(none);
    gw_free(NULL);
}

static void realloc_keeps_the_content(void) {
    char *p = gw_realloc(NULL, 4);
    memcpy(p, "abcd", 4);
    p = gw_realloc(p, 100000);
    CU_ASSERT_EQUAL(memcmp(p, "abcd", 4), 0);
    gw_free(p);
}

static void a_c_string_copy_ends_in_nul(void) {
    char *copy = gw_dup_cstr(GW_STR("abcdef"));
    CU_ASSERT_STRING_EQUAL(copy, "abcdef");
    gw_free(copy);
    copy = gw_dup_cstr(gw_str(NULL, 0));
    CU_ASSERT_STRING_EQUAL(copy, "");
    gw_free(copy);
}

static void a_copied_buf_is_independent_and_released_once(void) {
    char source[] = "hello";
    struct eg_buf buf = gw_buf_copy(gw_str(source, 5));
    source[0] = 'J';
    ASSERT_STR(gw_str(buf.ptr, buf.len), "hello");
    gw_buf_release(&buf);
    CU_ASSERT_PTR_NULL(buf.ptr);
    gw_buf_release(&buf);
}

static void an_empty_buf_needs_no_release(void) {
    struct eg_buf buf = gw_buf_copy(gw_str(NULL, 0));
    CU_ASSERT_EQUAL(buf.len, 0);
    CU_ASSERT_PTR_NOT_NULL(buf.ptr);
    CU_ASSERT_PTR_NULL((void *)buf.release);
    gw_buf_release(&buf);
}

static void a_static_buf_borrows(void) {
    struct eg_buf buf = gw_buf_static(GW_STR("for ever"));
    CU_ASSERT_PTR_NULL((void *)buf.release);
    ASSERT_STR(gw_str(buf.ptr, buf.len), "for ever");
    gw_buf_release(&buf);
}

static void wipe_leaves_zeros(void) {
    char secret[8] = "secret!";
    gw_wipe(secret, sizeof secret);
    for (size_t i = 0; i < sizeof secret; i++) {
        CU_ASSERT_EQUAL(secret[i], 0);
    }
    gw_wipe(NULL, 0);
}

#ifdef __GLIBC__
static size_t mapped_blocks(void) {
    return mallinfo2().hblks;
}

static void a_freed_big_block_does_not_move_the_next_ones_to_the_heap(void) {
    gw_mem_setup();
    const size_t before = mapped_blocks();
    void *bigger = gw_alloc(8u << 20);
    if (mapped_blocks() == before) {
        printf("  not glibc's allocator: skipped\n");
        gw_free(bigger);
        return;
    }
    gw_free(bigger);
    void *big = gw_alloc(1u << 20);
    CU_ASSERT_EQUAL(mapped_blocks(), before + 1);
    gw_free(big);
    CU_ASSERT_EQUAL(mapped_blocks(), before);
}
#else
static void a_freed_big_block_does_not_move_the_next_ones_to_the_heap(void) {
    gw_mem_setup();
}
#endif

UNIT_MAIN(UNIT(alloc_is_zeroed_and_zero_bytes_are_a_pointer_too), UNIT(realloc_keeps_the_content),
          UNIT(a_c_string_copy_ends_in_nul), UNIT(a_copied_buf_is_independent_and_released_once),
          UNIT(an_empty_buf_needs_no_release), UNIT(a_static_buf_borrows), UNIT(wipe_leaves_zeros),
          UNIT(a_freed_big_block_does_not_move_the_next_ones_to_the_heap))
