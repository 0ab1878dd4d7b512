/* Rows that ascend by key. */
#include <stdlib.h>

#include <eventgw-sdk/fake_host.h>

#include "rows.h"
#include "unit.h"

static struct egx_fake *fake;
static const struct eg_host *host;
static struct egx_rows rows;
static struct egx_rows added;

static void begin(void) {
    fake = egx_fake_new();
    host = egx_fake_host(fake);
}

static void end(void) {
    egx_rows_free(host, &rows);
    CU_ASSERT_PTR_NULL(added.items);
    CU_ASSERT_EQUAL(egx_fake_allocations(fake), 0);
    egx_fake_free(fake);
}

static void add(struct egx_rows *to, uint64_t number) {
    char key[24];
    (void)snprintf(key, sizeof key, "%06llu", (unsigned long long)number);
    egx_rows_add(host, to, EG_CHANGE_PUT, number, egx_str_c(key), (struct eg_str){0});
}

/* All numbers below count are there, each in its place. */
static void assert_all(size_t count) {
    CU_ASSERT_EQUAL_FATAL(rows.count, count);
    for (size_t i = 0; i < count; i++) {
        bool is_there = false;
        CU_ASSERT_EQUAL(rows.items[i]->revision, i);
        CU_ASSERT_EQUAL(zk_rows_find(&rows, rows.items[i]->key, &is_there), i);
        CU_ASSERT_TRUE(is_there);
    }
}

static void what_is_not_there_is_looked_for_in_its_place(void) {
    bool is_there = true;
    begin();
    CU_ASSERT_EQUAL(zk_rows_find(&rows, EGX_STR("a"), &is_there), 0);
    CU_ASSERT_FALSE(is_there);
    add(&rows, 1);
    add(&rows, 3);
    CU_ASSERT_EQUAL(zk_rows_find(&rows, EGX_STR("000002"), &is_there), 1);
    CU_ASSERT_FALSE(is_there);
    CU_ASSERT_EQUAL(zk_rows_find(&rows, EGX_STR("000004"), &is_there), 2);
    CU_ASSERT_FALSE(is_there);
    end();
}

/* Each way in which seven rows may be split into those that are there and those that come. */
static void rows_are_taken_in_wherever_they_belong(void) {
    for (unsigned split = 0; split < 128; split++) {
        begin();
        for (unsigned i = 0; i < 7; i++) {
            if ((split >> i & 1u) != 0) {
                add(&rows, i);
            }
            if ((split >> (6 - i) & 1u) == 0) {
                add(&added, 6 - i); /* in no order */
            }
        }
        zk_rows_merge(host, &rows, &added);
        assert_all(7);
        end();
    }
}

/* With a move of all that follows for each of them this would take very long. */
static void a_million_rows_are_taken_in_at_once(void) {
    const size_t count = 1000000;
    begin();
    for (size_t i = 0; i < count; i++) {
        add(i % 2 == 0 ? &rows : &added, i);
    }
    zk_rows_merge(host, &rows, &added);
    CU_ASSERT_EQUAL_FATAL(rows.count, count);
    for (size_t i = 0; i < count; i++) {
        CU_ASSERT_EQUAL_FATAL(rows.items[i]->revision, i);
    }
    end();
}

UNIT_MAIN(UNIT(what_is_not_there_is_looked_for_in_its_place),
          UNIT(rows_are_taken_in_wherever_they_belong), UNIT(a_million_rows_are_taken_in_at_once))
