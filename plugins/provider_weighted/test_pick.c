/*
 * Unit tests of the choice. Seeds are fixed, so every run throws the same numbers, and the bounds
 * either hold or do not.
 */
#include "pick.h"
#include "unit.h"

static void weights_are_met(void) {
    static const uint64_t weights[] = {70, 0, 20, 0, 10};
    struct choice choices[EGX_COUNT(weights)] = {{{0}, 0}};
    uint64_t got[EGX_COUNT(weights)] = {0};
    uint64_t total = 0;
    const uint64_t throws = 1000000;
    for (size_t i = 0; i < EGX_COUNT(weights); i++) {
        total += weights[i];
        choices[i].end = total;
    }
    struct dice dice = {.state = 2017};
    for (uint64_t i = 0; i < throws; i++) {
        got[pick_choice(choices, EGX_COUNT(choices), dice_below(&dice, total)) - choices]++;
    }
    for (size_t i = 0; i < EGX_COUNT(weights); i++) {
        const double expected = (double)throws * (double)weights[i] / (double)total;
        /* five standard deviations of a share of a half */
        CU_ASSERT_TRUE((double)got[i] > expected - 2500 && (double)got[i] < expected + 2500);
    }
    CU_ASSERT_EQUAL(got[1], 0);
    CU_ASSERT_EQUAL(got[3], 0);
}

/* Chi-square of 99 degrees of freedom: above 160 in one of ten thousand. */
static void small_numbers_are_thrown_evenly_from_any_seed(void) {
    static const uint64_t seeds[] = {0, 1, 2, 3, UINT64_MAX, UINT64_C(0x8000000000000000)};
    for (size_t s = 0; s < EGX_COUNT(seeds); s++) {
        struct dice dice = {.state = seeds[s]};
        uint64_t got[100] = {0};
        double chi = 0;
        for (int i = 0; i < 100000; i++) {
            const uint64_t number = dice_below(&dice, 100);
            CU_ASSERT_TRUE_FATAL(number < 100);
            got[number]++;
        }
        for (size_t i = 0; i < 100; i++) {
            const double off = (double)got[i] - 1000;
            chi += off * off / 1000;
        }
        CU_ASSERT_TRUE(chi > 50 && chi < 160);
    }
}

/* Of 3 * 2^62 numbers a plain remainder would throw the first third twice as often. */
static void big_totals_have_no_bias(void) {
    const uint64_t total = UINT64_C(3) << 62;
    struct dice dice = {.state = 42};
    int got[3] = {0};
    for (int i = 0; i < 300000; i++) {
        got[dice_below(&dice, total) >> 62]++;
    }
    for (int i = 0; i < 3; i++) {
        CU_ASSERT_TRUE(got[i] > 98700 && got[i] < 101300);
    }
    CU_ASSERT_EQUAL(dice_below(&dice, 1), 0);
}

static void each_number_belongs_to_its_choice(void) {
    const struct choice choices[] = {{{0}, 0}, {{0}, 2}, {{0}, 2}, {{0}, 3}, {{0}, 3}};
    const size_t expected[] = {1, 1, 3};
    for (uint64_t n = 0; n < 3; n++) {
        CU_ASSERT_PTR_EQUAL(pick_choice(choices, EGX_COUNT(choices), n), &choices[expected[n]]);
    }
    CU_ASSERT_PTR_EQUAL(pick_choice(choices + 1, 1, 1), &choices[1]);
    const struct choice big[] = {{{0}, 1}, {{0}, INT64_MAX}};
    CU_ASSERT_PTR_EQUAL(pick_choice(big, 2, 0), &big[0]);
    CU_ASSERT_PTR_EQUAL(pick_choice(big, 2, INT64_MAX - 1), &big[1]);
}

static uint64_t hash_of(const char *text) {
    uint64_t hash = PICK_HASH_BEGIN;
    for (; *text != '\0'; text++) {
        hash = pick_hash_byte(hash, (unsigned char)*text);
    }
    return pick_hash_end(hash);
}

static void callers_are_spread_by_their_names(void) {
    char name[32];
    int few = 0;
    int moved = 0;
    for (int i = 0; i < 100000; i++) {
        (void)snprintf(name, sizeof name, "user-%d", i);
        const uint64_t at_ten = pick_below(hash_of(name), 100);
        const uint64_t same = pick_below(hash_of(name), 1000);
        CU_ASSERT_EQUAL(at_ten, same / 10); /* other numbers, same shares */
        few += at_ten >= 90;
        moved += at_ten >= 80 && at_ten < 90;
    }
    CU_ASSERT_TRUE(few > 9525 && few < 10475);
    CU_ASSERT_TRUE(moved > 9525 && moved < 10475);
    CU_ASSERT_EQUAL(pick_below(UINT64_MAX, 100), 99);
    CU_ASSERT_EQUAL(pick_below(0, 100), 0);
}

/* Another build must not send a caller elsewhere. */
static void hashes_are_what_they_were(void) {
    CU_ASSERT_EQUAL(hash_of(""), UINT64_C(0xc3817c016ba4ff30));
    CU_ASSERT_EQUAL(hash_of("user-1"), UINT64_C(0xf16d8d440fbb25d5));
}

UNIT_MAIN(UNIT(weights_are_met), UNIT(small_numbers_are_thrown_evenly_from_any_seed),
          UNIT(big_totals_have_no_bias), UNIT(each_number_belongs_to_its_choice),
          UNIT(callers_are_spread_by_their_names), UNIT(hashes_are_what_they_were))
