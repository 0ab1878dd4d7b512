/* Random bytes and UUIDs. */
#include <pthread.h>
#include <stdlib.h>

#include "base/codec.h"
#include "base/mem.h"
#include "base/slice.h"
#include "unit.h"

#define UUIDS 20000

static void a_uuid_has_version_variant_and_dashes(void) {
    for (int round = 0; round < 1000; round++) {
        char text[37] = {0};
        gw_uuid4(text);
        CU_ASSERT_EQUAL(text[36], 0);
        CU_ASSERT_EQUAL(strspn(text, "0123456789abcdef-"), 36);
        CU_ASSERT_TRUE(text[8] == '-' && text[13] == '-' && text[18] == '-' && text[23] == '-');
        CU_ASSERT_EQUAL(text[14], '4');
        CU_ASSERT_PTR_NOT_NULL(strchr("89ab", text[19]));
    }
}

static void *draw_uuids(void *arg) {
    char(*texts)[36] = arg;
    for (size_t i = 0; i < UUIDS / 2; i++) {
        gw_uuid4(texts[i]);
    }
    return NULL;
}

static int by_text(const void *a, const void *b) {
    return memcmp(a, b, 36);
}

static void uuids_of_two_threads_never_repeat(void) {
    char(*texts)[36] = gw_alloc(UUIDS * sizeof *texts);
    pthread_t threads[2];
    for (size_t i = 0; i < 2; i++) {
        pthread_create(&threads[i], NULL, draw_uuids, texts + i * (UUIDS / 2));
    }
    for (size_t i = 0; i < 2; i++) {
        pthread_join(threads[i], NULL);
    }
    qsort(texts, UUIDS, sizeof *texts, by_text);
    size_t repeated = 0;
    for (size_t i = 1; i < UUIDS; i++) {
        repeated += memcmp(texts[i], texts[i - 1], 36) == 0;
    }
    CU_ASSERT_EQUAL(repeated, 0);
    gw_free(texts);
}

/* A bit that never changes in so many draws is stuck. */
static void every_bit_of_every_length_moves(void) {
    for (size_t len = 1; len <= 700; len = len * 2 + 1) {
        unsigned char ones[700] = {0};
        unsigned char zeros[700] = {0};
        for (int round = 0; round < 64; round++) {
            unsigned char bytes[701] = {0};
            gw_random(bytes, len);
            CU_ASSERT_EQUAL(bytes[len], 0);
            for (size_t i = 0; i < len; i++) {
                ones[i] |= bytes[i];
                zeros[i] |= (unsigned char)~bytes[i];
            }
        }
        for (size_t i = 0; i < len; i++) {
            CU_ASSERT_TRUE_FATAL(ones[i] == 0xff && zeros[i] == 0xff);
        }
    }
    gw_random(NULL, 0);
}

UNIT_MAIN(UNIT(a_uuid_has_version_variant_and_dashes), UNIT(uuids_of_two_threads_never_repeat),
          UNIT(every_bit_of_every_length_moves))
