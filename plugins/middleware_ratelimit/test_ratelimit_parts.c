/* The arithmetic, the table and its bounds, the hash. */
#include <pthread.h>
#include <stdatomic.h>

#include <eventgw-sdk/fake_host.h>

#include "table.h"
#include "unit.h"

#define S 1000000000ull

/* ---- arithmetic ---- */

static const struct ratelimit_bucket three_in_six = {.interval_ns = 2 * S, .capacity_ns = 6 * S};

static void a_bucket_has_room_for_its_burst(void) {
    CU_ASSERT_TRUE(ratelimit_has_room(&three_in_six, 0));
    CU_ASSERT_TRUE(ratelimit_has_room(&three_in_six, 4 * S));
    CU_ASSERT_FALSE(ratelimit_has_room(&three_in_six, 4 * S + 1));
    CU_ASSERT_FALSE(ratelimit_has_room(&three_in_six, 100 * S));
    CU_ASSERT_EQUAL(ratelimit_wait_ns(&three_in_six, 6 * S), 2 * S);
    CU_ASSERT_EQUAL(ratelimit_wait_ns(&three_in_six, 4 * S + 1), 1);
    CU_ASSERT_EQUAL(ratelimit_wait_ns(&three_in_six, 4 * S), 1);
}

static void a_debt_tells_what_remains_and_when_more_comes(void) {
    static const struct {
        uint64_t debt_ns, remaining, next_unit_ns;
    } rows[] = {{0, 3, 0},         {1, 2, 1},         {2 * S, 2, 2 * S}, {3 * S, 1, 1 * S},
                {4 * S, 1, 2 * S}, {5 * S, 0, 1 * S}, {6 * S, 0, 2 * S}, {99 * S, 0, 2 * S}};
    for (size_t i = 0; i < EGX_COUNT(rows); i++) {
        const struct ratelimit_state state = ratelimit_state_of(&three_in_six, rows[i].debt_ns);
        CU_ASSERT_EQUAL(state.remaining, rows[i].remaining);
        CU_ASSERT_EQUAL(state.next_unit_ns, rows[i].next_unit_ns);
    }
}

/* The vector of the paper, Appendix A: key 00 01 .. 0f, bytes 00 01 .. 0e. */
static void the_hash_is_siphash(void) {
    static const uint64_t key[2] = {0x0706050403020100ull, 0x0f0e0d0c0b0a0908ull};
    char bytes[15];
    for (size_t i = 0; i < sizeof bytes; i++) {
        bytes[i] = (char)i;
    }
    CU_ASSERT_EQUAL(ratelimit_siphash(key, egx_str_n(bytes, 15)), 0xa129ca6149be45e5ull);
    CU_ASSERT_EQUAL(ratelimit_siphash(key, egx_str_n(NULL, 0)), 0x726fdb47dd0e0e31ull);
}

/* ---- table ---- */

static struct egx_fake *fake;
static struct ratelimit_table *table;

static void open_table(size_t entries, size_t rules) {
    fake = egx_fake_new();
    table = ratelimit_table_new(egx_fake_host(fake), entries, rules);
}

static void close_table(void) {
    ratelimit_table_free(table);
    CU_ASSERT_EQUAL(egx_fake_allocations(fake), 0);
    egx_fake_free(fake);
}

static uint32_t take(uint32_t rule, uint64_t key, uint64_t now_ns) {
    struct ratelimit_draw draw = {
        .bucket = &three_in_six, .rule = rule, .key = {(const char *)&key, sizeof key}};
    return ratelimit_table_take(table, &draw, 1, now_ns);
}

static void a_key_gets_its_burst_and_then_its_rate(void) {
    open_table(32, 2);
    for (int i = 0; i < 3; i++) {
        CU_ASSERT_EQUAL(take(0, 1, 100 * S), 0);
    }
    CU_ASSERT_EQUAL(take(0, 1, 100 * S), 1);
    CU_ASSERT_EQUAL(take(0, 2, 100 * S), 0); /* another key */
    CU_ASSERT_EQUAL(take(1, 1, 100 * S), 0); /* another rule */
    CU_ASSERT_EQUAL(take(0, 1, 102 * S - 1), 1);
    CU_ASSERT_EQUAL(take(0, 1, 102 * S), 0);
    CU_ASSERT_EQUAL(take(0, 1, 102 * S), 1);
    for (int i = 0; i < 3; i++) { /* after a long while: the burst, not more */
        CU_ASSERT_EQUAL(take(0, 1, 1000 * S), 0);
    }
    CU_ASSERT_EQUAL(take(0, 1, 1000 * S), 1);
    close_table();
}

static void who_is_refused_by_one_rule_is_charged_by_none(void) {
    static const struct ratelimit_bucket wide = {.interval_ns = 1, .capacity_ns = 100};
    open_table(32, 2);
    struct ratelimit_draw draws[2] = {{.bucket = &wide, .rule = 0, .key = EGX_STR_INIT("a")},
                                      {.bucket = &three_in_six, .rule = 1}};
    for (int i = 0; i < 10; i++) {
        CU_ASSERT_EQUAL(ratelimit_table_take(table, draws, 2, 5), i < 3 ? 0 : 2);
    }
    CU_ASSERT_EQUAL(draws[0].debt_ns, 3);
    CU_ASSERT_EQUAL(draws[1].debt_ns, 6 * S);
    close_table();
}

static void what_is_full_again_gives_way_uncounted(void) {
    open_table(16, 1);
    for (uint64_t key = 0; key < 1000; key++) {
        CU_ASSERT_EQUAL(take(0, key, key * 6 * S), 0);
    }
    CU_ASSERT_EQUAL(egx_fake_metric(fake, "ratelimit_evicted_total", ""), 0);
    close_table();
}

static void many_other_keys_do_not_wash_a_debt_away(void) {
    open_table(16, 1);
    for (int i = 0; i < 3; i++) {
        CU_ASSERT_EQUAL(take(0, 7, 0), 0);
    }
    for (uint64_t key = 1000; key < 3000; key++) { /* each with the debt of one request */
        CU_ASSERT_EQUAL(take(0, key, 0), 0);
    }
    CU_ASSERT_EQUAL(egx_fake_metric(fake, "ratelimit_evicted_total", ""), 2000 - 15);
    CU_ASSERT_EQUAL(take(0, 7, 0), 1); /* still refused */
    close_table();
}

/* The second rule's debts are greater, whoever has them. */
static void keys_of_one_rule_do_not_wash_away_debts_of_another(void) {
    static const struct ratelimit_bucket monthly = {.interval_ns = 3600 * S,
                                                    .capacity_ns = 720 * 3600 * S};
    open_table(64, 2);
    for (int i = 0; i < 3; i++) {
        CU_ASSERT_EQUAL(take(0, 7, 0), 0);
    }
    for (uint64_t key = 0; key < 1000; key++) {
        struct ratelimit_draw draw = {
            .bucket = &monthly, .rule = 1, .key = {(const char *)&key, sizeof key}};
        CU_ASSERT_EQUAL(ratelimit_table_take(table, &draw, 1, 0), 0);
    }
    CU_ASSERT_EQUAL(take(0, 7, 0), 1);
    CU_ASSERT_EQUAL(egx_fake_metric(fake, "ratelimit_evicted_total", ""), 1000 - 32);
    close_table();
}

static void each_rule_has_a_bucket_at_least(void) {
    open_table(1, 16);
    for (uint32_t rule = 0; rule < 16; rule++) {
        CU_ASSERT_EQUAL(take(rule, 1, 0), 0);
    }
    CU_ASSERT_EQUAL(egx_fake_metric(fake, "ratelimit_evicted_total", ""), 0);
    close_table();
}

static void a_big_table_keeps_as_many_as_it_says(void) {
    open_table(64 * 256, 1);
    for (uint64_t key = 0; key < 8000; key++) {
        CU_ASSERT_EQUAL(take(0, key, 0), 0);
    }
    CU_ASSERT_EQUAL(egx_fake_metric(fake, "ratelimit_evicted_total", ""), 0);
    for (uint64_t key = 0; key < 8000; key++) {
        CU_ASSERT_EQUAL(take(0, key, 0), 0);
        CU_ASSERT_EQUAL(take(0, key, 0), 0);
        CU_ASSERT_EQUAL(take(0, key, 0), 1);
    }
    close_table();
}

#define THREADS 4
#define TRIES 4000
static _Atomic uint32_t admitted;

static void *hammer(void *arg) {
    static const struct ratelimit_bucket thousand = {.interval_ns = S, .capacity_ns = 1000 * S};
    const size_t turn = *(const size_t *)arg;
    for (int i = 0; i < TRIES; i++) {
        struct ratelimit_draw draws[2] = {
            {.bucket = &thousand, .rule = 0, .key = EGX_STR_INIT("shared")},
            {.bucket = &thousand, .rule = 1, .key = EGX_STR_INIT("too")}};
        struct ratelimit_draw turned[2] = {draws[turn % 2], draws[1 - turn % 2]};
        admitted += ratelimit_table_take(table, turned, 2, 5) == 0;
    }
    return NULL;
}

static void many_threads_get_exactly_the_burst(void) {
    pthread_t threads[THREADS];
    size_t numbers[THREADS];
    open_table(2 * 64 * 64, 2);
    for (size_t i = 0; i < THREADS; i++) {
        numbers[i] = i;
        CU_ASSERT_EQUAL_FATAL(pthread_create(&threads[i], NULL, hammer, &numbers[i]), 0);
    }
    for (size_t i = 0; i < THREADS; i++) {
        (void)pthread_join(threads[i], NULL);
    }
    CU_ASSERT_EQUAL(admitted, 1000);
    close_table();
}

UNIT_MAIN(UNIT(a_bucket_has_room_for_its_burst),
          UNIT(a_debt_tells_what_remains_and_when_more_comes), UNIT(the_hash_is_siphash),
          UNIT(a_key_gets_its_burst_and_then_its_rate),
          UNIT(who_is_refused_by_one_rule_is_charged_by_none),
          UNIT(what_is_full_again_gives_way_uncounted),
          UNIT(many_other_keys_do_not_wash_a_debt_away),
          UNIT(keys_of_one_rule_do_not_wash_away_debts_of_another),
          UNIT(each_rule_has_a_bucket_at_least), UNIT(a_big_table_keeps_as_many_as_it_says),
          UNIT(many_threads_get_exactly_the_burst))
