/* cases_values.c - reads and writes: compare-and-set, order, sizes, bytes, many keys, durability.
 */
#include <stdlib.h>

#include "base/mem.h"
#include "base/slice.h"
#include "cases.h"

static void what_is_put_is_read_back_and_what_is_missing_is_told(void) {
    uint64_t put_at = 0;
    uint64_t read_at = 0;
    kit_begin();
    kit_open();
    CU_ASSERT_PTR_NULL(kit_get("a", NULL));
    CU_ASSERT_EQUAL(kit_put("a", "1", EG_REV_ANY, &put_at), EG_OK);
    CU_ASSERT_STRING_EQUAL(kit_get("a", &read_at), "1");
    CU_ASSERT_TRUE(put_at > 0);
    CU_ASSERT_EQUAL(put_at, read_at);
    CU_ASSERT_EQUAL(kit_put("a", "", EG_REV_ANY, NULL), EG_OK);
    CU_ASSERT_STRING_EQUAL(kit_get("a", NULL), "");
    kit_close();
    kit_end();
}

static void of_two_creators_one_wins(void) {
    struct answer first;
    struct answer second;
    kit_begin();
    kit_open();
    kit_send_put(&first, GW_STR("k"), GW_STR("first"), EG_REV_ABSENT);
    kit_send_put(&second, GW_STR("k"), GW_STR("second"), EG_REV_ABSENT);
    kit_wait(&first);
    kit_wait(&second);
    CU_ASSERT_TRUE((first.status == EG_OK) != (second.status == EG_OK));
    CU_ASSERT_EQUAL(first.status == EG_OK ? second.status : first.status, EG_E_EXISTS);
    CU_ASSERT_STRING_EQUAL(kit_get("k", NULL), first.status == EG_OK ? "first" : "second");
    kit_drop(&first);
    kit_drop(&second);
    kit_close();
    kit_end();
}

static void an_update_of_what_changed_meanwhile_is_refused(void) {
    uint64_t old = 0;
    uint64_t new = 0;
    kit_begin();
    kit_open();
    CU_ASSERT_EQUAL(kit_put("k", "1", EG_REV_ABSENT, &old), EG_OK);
    CU_ASSERT_EQUAL(kit_put("k", "2", old, &new), EG_OK);
    CU_ASSERT_TRUE(new > old);
    CU_ASSERT_EQUAL(kit_put("k", "3", old, NULL), EG_E_CONFLICT);
    CU_ASSERT_EQUAL(kit_put("missing", "3", new, NULL), EG_E_CONFLICT);
    CU_ASSERT_STRING_EQUAL(kit_get("k", NULL), "2");
    CU_ASSERT_PTR_NULL(kit_get("missing", NULL));
    kit_close();
    kit_end();
}

static void removals_tell_what_was_missing_and_revisions_never_come_back(void) {
    uint64_t first = 0;
    uint64_t removed = 0;
    uint64_t again = 0;
    kit_begin();
    kit_open();
    CU_ASSERT_EQUAL(kit_remove("k", EG_REV_ANY, NULL), EG_E_NOTFOUND);
    CU_ASSERT_EQUAL(kit_put("k", "1", EG_REV_ABSENT, &first), EG_OK);
    CU_ASSERT_EQUAL(kit_remove("k", first + 100, NULL), EG_E_CONFLICT);
    CU_ASSERT_EQUAL(kit_remove("k", first, &removed), EG_OK);
    CU_ASSERT_PTR_NULL(kit_get("k", NULL));
    CU_ASSERT_EQUAL(kit_remove("k", EG_REV_ANY, NULL), EG_E_NOTFOUND);
    CU_ASSERT_EQUAL(kit_put("k", "2", EG_REV_ABSENT, &again), EG_OK);
    CU_ASSERT_TRUE(first < removed && removed < again);
    CU_ASSERT_EQUAL(kit_put("k", "3", first, NULL), EG_E_CONFLICT);
    kit_close();
    kit_end();
}

static void lists_ascend_bytewise_and_hold_exactly_the_prefix(void) {
    static const char *const keys[] = {"a/", "a/b", "a/B", "a/b/c", "a/\xc3\xa4",
                                       "a",  "a0",  "b",   "A/b"};
    kit_begin();
    kit_open();
    CU_ASSERT_STRING_EQUAL(kit_list("a/"), "");
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        CU_ASSERT_EQUAL(kit_put(keys[i], "", EG_REV_ABSENT, NULL), EG_OK);
    }
    CU_ASSERT_STRING_EQUAL(kit_list("a/"), "a/= a/B= a/b= a/b/c= a/\xc3\xa4= ");
    CU_ASSERT_STRING_EQUAL(kit_list("a/b"), "a/b= a/b/c= ");
    CU_ASSERT_STRING_EQUAL(kit_list("c"), "");
    CU_ASSERT_STRING_EQUAL(kit_list(""), "A/b= a= a/= a/B= a/b= a/b/c= a/\xc3\xa4= a0= b= ");
    kit_close();
    kit_end();
}

static void keys_and_values_are_bytes(void) {
    static const struct eg_str keys[] = {
        {"k\0a", 3}, {"k\0b", 3}, {"k\xff", 2}, {"k\xff\xff", 3}, {"k\xff\0", 3}, {"l", 1},
    };
    const struct eg_str value = {"\0\xff\r\n'\"%s", 8};
    struct answer answer;
    kit_begin();
    kit_open();
    for (size_t i = 0; i < 6; i++) {
        kit_send_put(&answer, keys[i], value, EG_REV_ABSENT);
        kit_wait(&answer);
        CU_ASSERT_EQUAL(answer.status, EG_OK);
        kit_drop(&answer);
        kit_send_get(&answer, keys[i]);
        kit_wait(&answer);
        CU_ASSERT_TRUE(gw_str_eq(gw_bytes_str(&answer.body), value));
        kit_drop(&answer);
    }
    kit_send_list(&answer, gw_str("k\xff", 2));
    kit_wait(&answer);
    CU_ASSERT_EQUAL_FATAL(answer.count, 3);
    CU_ASSERT_TRUE(gw_str_eq(answer.items[0].key, keys[2]));
    CU_ASSERT_TRUE(gw_str_eq(answer.items[1].key, keys[4]));
    CU_ASSERT_TRUE(gw_str_eq(answer.items[2].key, keys[3]));
    kit_drop(&answer);
    kit_send_list(&answer, gw_str("k\0", 2));
    kit_wait(&answer);
    CU_ASSERT_EQUAL(answer.count, 2);
    kit_drop(&answer);
    kit_close();
    kit_end();
}

/* Stored whole, or refused with a reason: never cut. */
static void check_big(size_t size) {
    struct answer put;
    struct answer get;
    char *bytes = gw_alloc(size);
    for (size_t i = 0; i < size; i++) {
        bytes[i] = (char)(i * 31 >> 3);
    }
    kit_send_put(&put, GW_STR("big"), gw_str(bytes, size), EG_REV_ANY);
    kit_wait(&put);
    kit_send_get(&get, GW_STR("big"));
    kit_wait(&get);
    if (put.status == EG_OK) {
        CU_ASSERT_TRUE(gw_str_eq(gw_bytes_str(&get.body), gw_str(bytes, size)));
    } else {
        CU_ASSERT_EQUAL(put.status, EG_E_TOOBIG);
        CU_ASSERT_TRUE(put.message.len > 0);
        CU_ASSERT_TRUE(get.body.len < size); /* what was there before */
    }
    kit_drop(&put);
    kit_drop(&get);
    gw_free(bytes);
}

static void big_values_are_kept_whole_or_refused(void) {
    kit_begin();
    kit_open();
    CU_ASSERT_EQUAL(kit_put("big", "small", EG_REV_ANY, NULL), EG_OK);
    check_big(1024 * 1024);
    check_big(16 * 1024 * 1024);
    check_big(16 * 1024 * 1024 + 1);
    check_big(40 * 1024 * 1024);
    kit_close();
    kit_end();
}

static void what_was_written_is_there_after_closing_and_opening(void) {
    uint64_t written = 0;
    uint64_t read = 0;
    uint64_t next = 0;
    kit_begin();
    kit_open();
    CU_ASSERT_EQUAL(kit_put("k", "v", EG_REV_ABSENT, &written), EG_OK);
    CU_ASSERT_EQUAL(kit_put("gone", "v", EG_REV_ABSENT, NULL), EG_OK);
    CU_ASSERT_EQUAL(kit_remove("gone", EG_REV_ANY, &next), EG_OK);
    kit_close();
    kit_open();
    CU_ASSERT_STRING_EQUAL(kit_list(""), "k=v ");
    CU_ASSERT_STRING_EQUAL(kit_get("k", &read), "v");
    CU_ASSERT_EQUAL(read, written);
    written = next;
    CU_ASSERT_EQUAL(kit_put("k", "w", read, &next), EG_OK);
    CU_ASSERT_TRUE(next > written); /* the removal counts */
    kit_close();
    kit_end();
}

static void operations_that_are_under_way_at_the_end_are_answered(void) {
    struct answer answers[50];
    kit_begin();
    kit_open();
    for (size_t i = 0; i < 50; i++) {
        kit_send_put(&answers[i], GW_STR("k"), GW_STR("v"), EG_REV_ANY);
    }
    kit_close(); /* fails when one is left */
    for (size_t i = 0; i < 50; i++) {
        CU_ASSERT_EQUAL(answers[i].is_done, 1);
        CU_ASSERT_EQUAL(answers[i].status, EG_OK);
        kit_drop(&answers[i]);
    }
    kit_end();
}

static const struct kit_case cases[] = {
    CASE(what_is_put_is_read_back_and_what_is_missing_is_told, 0),
    CASE(of_two_creators_one_wins, 0),
    CASE(an_update_of_what_changed_meanwhile_is_refused, 0),
    CASE(removals_tell_what_was_missing_and_revisions_never_come_back, 0),
    CASE(lists_ascend_bytewise_and_hold_exactly_the_prefix, 0),
    CASE(keys_and_values_are_bytes, 0),
    CASE(big_values_are_kept_whole_or_refused, 0),
    CASE(what_was_written_is_there_after_closing_and_opening, 0),
    CASE(operations_that_are_under_way_at_the_end_are_answered, 0),
};
const struct case_list cases_values = {cases, sizeof cases / sizeof cases[0]};
