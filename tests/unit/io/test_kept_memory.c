/* Memory that is kept when freed. Under the address sanitizer nothing is kept, and what is said
 * about the same block being given out again does not hold. */
#include "unit.h"

#include <malloc.h>
#include <pthread.h>
#include <stdalign.h>

#include "base/check.h"
#include "io/kept_memory.h"

static bool is_kept(void) {
    void *first = gw_kept_malloc(100);
    gw_kept_free(first);
    void *second = gw_kept_malloc(100);
    const bool is_same = first == second;
    gw_kept_free(second);
    return is_same;
}

static void what_is_freed_is_given_out_again_for_the_same_size(void) {
    static const size_t sizes[] = {0, 1, 63, 64, 65, 2047, 2048, 2049, 16385, 20480};
    for (size_t i = 0; i < GW_COUNT(sizes) && is_kept(); i++) {
        void *first = gw_kept_malloc(sizes[i]);
        void *other = gw_kept_malloc(sizes[i]);
        CU_ASSERT_TRUE(first != NULL && other != NULL && first != other);
        gw_kept_free(first);
        CU_ASSERT_PTR_EQUAL(gw_kept_malloc(sizes[i]), first);
        gw_kept_free(other);
        gw_kept_free(first);
    }
    gw_kept_free(NULL);
}

static void every_size_has_all_its_bytes_aligned_and_to_itself(void) {
    enum { COUNT = 40 };
    unsigned char *blocks[COUNT];
    size_t sizes[COUNT];
    size_t size = 1;
    for (size_t round = 0; round < 2; round++) {
        size = 1;
        for (size_t i = 0; i < COUNT; i++) {
            sizes[i] = size;
            blocks[i] = gw_kept_malloc(size);
            CU_ASSERT_EQUAL((uintptr_t)blocks[i] % alignof(max_align_t), 0);
            memset(blocks[i], (int)i, size);
            size += size / 3 + 7;
        }
        for (size_t i = 0; i < COUNT; i++) {
            CU_ASSERT_TRUE(blocks[i][0] == i && blocks[i][sizes[i] - 1] == i);
            gw_kept_free(blocks[i]);
        }
    }
    CU_ASSERT_TRUE(size > 100000);
}

static void calloc_clears_what_was_used_before_and_sees_overflow(void) {
    unsigned char *used = gw_kept_malloc(200);
    memset(used, 0xff, 200);
    gw_kept_free(used);
    unsigned char *clear = gw_kept_calloc(20, 10);
    for (size_t i = 0; i < 200; i++) {
        CU_ASSERT_EQUAL(clear[i], 0);
    }
    gw_kept_free(clear);
    volatile size_t huge = SIZE_MAX / 2; /* the compiler would see it too */
    CU_ASSERT_PTR_NULL(gw_kept_calloc(huge, 3));
    CU_ASSERT_PTR_NULL(gw_kept_malloc(SIZE_MAX - (huge & 1)));
}

static void realloc_keeps_the_bytes_across_all_classes(void) {
    unsigned char *bytes = gw_kept_realloc(NULL, 1);
    bytes[0] = 1;
    for (size_t size = 2; size < 100000; size = size * 2 + 1) {
        bytes = gw_kept_realloc(bytes, size);
        CU_ASSERT_EQUAL(bytes[0], 1);
        bytes[size - 1] = 1;
    }
    CU_ASSERT_PTR_EQUAL(gw_kept_realloc(bytes, 10), bytes);
    gw_kept_free(bytes);
    char *text = gw_kept_strdup("some text");
    CU_ASSERT_STRING_EQUAL(text, "some text");
    gw_kept_free(text);
}

static void *free_them(void *arg) {
    void **blocks = arg;
    for (size_t i = 0; blocks[i] != NULL; i++) {
        gw_kept_free(blocks[i]);
    }
    gw_kept_free(gw_kept_malloc(50));
    return NULL;
}

/* The leak check of the address sanitizer and the thread sanitizer watch this one. */
static void another_thread_may_free_and_takes_nothing_with_it(void) {
    void *blocks[] = {gw_kept_malloc(10), gw_kept_malloc(3000), gw_kept_malloc(100000), NULL};
    pthread_t thread;
    CU_ASSERT_EQUAL_FATAL(pthread_create(&thread, NULL, free_them, blocks), 0);
    CU_ASSERT_EQUAL(pthread_join(thread, NULL), 0);
}

/* On a thread of its own, which has kept nothing yet. */
static void *free_eight_mebibytes(void *arg) {
    enum { COUNT = 400 };
    static void *blocks[COUNT];
    size_t *ret_kept = arg;
    for (size_t i = 0; i < COUNT; i++) {
        blocks[i] = gw_kept_malloc(20000);
    }
    const size_t most = mallinfo2().uordblks;
    for (size_t i = 0; i < COUNT; i++) {
        gw_kept_free(blocks[i]);
    }
    *ret_kept = (size_t)COUNT * 20000 - (most - mallinfo2().uordblks);
    return NULL;
}

/* Sanitizers have no mallinfo: all is counted as kept there. */
static void a_thread_keeps_no_more_than_its_share(void) {
    size_t kept = 0;
    pthread_t thread;
    CU_ASSERT_EQUAL_FATAL(pthread_create(&thread, NULL, free_eight_mebibytes, &kept), 0);
    CU_ASSERT_EQUAL(pthread_join(thread, NULL), 0);
    CU_ASSERT_TRUE(kept < (size_t)5 << 20 || mallinfo2().uordblks == 0);
}

UNIT_MAIN(UNIT(what_is_freed_is_given_out_again_for_the_same_size),
          UNIT(every_size_has_all_its_bytes_aligned_and_to_itself),
          UNIT(calloc_clears_what_was_used_before_and_sees_overflow),
          UNIT(realloc_keeps_the_bytes_across_all_classes),
          UNIT(another_thread_may_free_and_takes_nothing_with_it),
          UNIT(a_thread_keeps_no_more_than_its_share))
