/*
 * Unit tests of the value that callers are told apart by. Texts are copied into memory of their
 * exact size, so that a sanitizer sees every step beyond the end.
 */
#include <stdlib.h>

#include "pick.h"
#include "sticky.h"
#include "unit.h"

static const char event[] =
    "{ \"type\":\"t\", \"n\\u00e4me\" : \"\\u00e4\\ud83d\\ude00\\n\\\"\",\"data\":{\"a/b\":1,"
    "\"m~n\":2, \"list\":[ \"x\" ,[1,{\"k\":\"]\"}],{\"id\":\"u1\"} ],\"deep\":{\"type\":\"no\"},"
    "\"no\":null,\"yes\":true,\"e\":{},\"twice\":\"one\",\"twice\":\"two\",\"\":\"empty\","
    "\"num\":-1.50e3}}";

/* 0 = nowhere. */
static uint64_t hash_of(const char *json, size_t len, const char *pointer) {
    char *copy = malloc(len + (len == 0));
    uint64_t hash = PICK_HASH_BEGIN;
    memcpy(copy, json, len);
    const int found = sticky_hash(egx_str_n(copy, len), egx_str_c(pointer), &hash);
    free(copy);
    return found ? hash : 0;
}

static uint64_t bytes(const char *text) {
    uint64_t hash = PICK_HASH_BEGIN;
    for (; *text != '\0'; text++) {
        hash = pick_hash_byte(hash, (unsigned char)*text);
    }
    return hash;
}

static void pointers_lead_to_values(void) {
    static const char *const rows[][2] = {
        {"/type", "t"},
        {"/n\xc3\xa4me", "\xc3\xa4\xf0\x9f\x98\x80\n\""},
        {"/data/a~1b", "1"},
        {"/data/m~0n", "2"},
        {"/data/list/0", "x"},
        {"/data/list/1/0", "1"},
        {"/data/list/1/1/k", "]"},
        {"/data/list/2/id", "u1"},
        {"/data/deep/type", "no"},
        {"/data/yes", "true"},
        {"/data/twice", "one"},
        {"/data/", "empty"},
        {"/data/num", "-1.50e3"},
    };
    for (size_t i = 0; i < EGX_COUNT(rows); i++) {
        CU_ASSERT_EQUAL(hash_of(event, sizeof event - 1, rows[i][0]), bytes(rows[i][1]));
    }
}

static void what_is_not_there_or_no_single_value_leads_nowhere(void) {
    static const char *const pointers[] = {
        "/none",
        "/typ",
        "/types",
        "/type/x",
        "/data",
        "/data/list",
        "/data/list/3",
        "/data/list/00",
        "/data/list/01",
        "/data/list/-",
        "/data/list/",
        "/data/list/1x",
        "/data/no",
        "/data/e",
        "/data/e/x",
        "/data/list/-1",
        "/data/num/0",
        "/data/deep/non",
        "/data/list/9999999999",
    };
    for (size_t i = 0; i < EGX_COUNT(pointers); i++) {
        CU_ASSERT_EQUAL(hash_of(event, sizeof event - 1, pointers[i]), 0);
    }
}

static void the_same_text_counts_the_same_however_it_is_escaped(void) {
    static const char *const same[] = {"{\"a\":\"ab\"}", "{\"a\":\"\\u0061b\"}",
                                       "{\"\\u0061\":\"\\u0061\\u0062\"}"};
    for (size_t i = 0; i < EGX_COUNT(same); i++) {
        CU_ASSERT_EQUAL(hash_of(same[i], strlen(same[i]), "/a"), bytes("ab"));
    }
}

static void no_text_makes_it_read_beyond_the_end_or_never_end(void) {
    static const char *const pointers[] = {"/data/list/2/id", "/data/num", "/none/x",
                                           "/data/list/1/1/k"};
    static const char odd[] = "{}[]\",:\\ \0nu1";
    for (size_t p = 0; p < EGX_COUNT(pointers); p++) {
        for (size_t len = 0; len < sizeof event; len++) {
            (void)hash_of(event, len, pointers[p]);
        }
        char broken[sizeof event];
        for (size_t at = 0; at < sizeof event; at++) {
            for (size_t k = 0; k < sizeof odd; k++) {
                memcpy(broken, event, sizeof event);
                broken[at] = odd[k];
                (void)hash_of(broken, sizeof broken, pointers[p]);
            }
        }
    }
    static const char *const texts[] = {
        "{\"a\":\"\\", "{\"a\":\"\\u", "{\"a\":\"\\u12\"}",         "{\"a\":\"\\ud83d",
        "{\"a\"",      "{\"a\":",      "{\"a\":\"\\ud83d\\u0041\"}"};
    for (size_t i = 0; i < EGX_COUNT(texts); i++) {
        (void)hash_of(texts[i], strlen(texts[i]), "/a");
    }
}

static void what_is_no_pointer_is_known(void) {
    static const char *const good[] = {"/a", "/a/b", "/a~0~1", "//", "/data/0"};
    static const char *const bad[] = {"", "a", "/", "/~", "/a~2", "/a~", "#/a", "data.id"};
    for (size_t i = 0; i < EGX_COUNT(good); i++) {
        CU_ASSERT_TRUE(sticky_is_pointer(egx_str_c(good[i])));
    }
    for (size_t i = 0; i < EGX_COUNT(bad); i++) {
        CU_ASSERT_FALSE(sticky_is_pointer(egx_str_c(bad[i])));
    }
}

UNIT_MAIN(UNIT(pointers_lead_to_values), UNIT(what_is_not_there_or_no_single_value_leads_nowhere),
          UNIT(the_same_text_counts_the_same_however_it_is_escaped),
          UNIT(no_text_makes_it_read_beyond_the_end_or_never_end),
          UNIT(what_is_no_pointer_is_known))
