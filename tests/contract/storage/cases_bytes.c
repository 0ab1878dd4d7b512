/* cases_bytes.c - keys and values of every shape and size: whole and in order, or refused. */
#include <stdlib.h>

#include "base/mem.h"
#include "base/slice.h"
#include "cases.h"
#include "watcher.h"

#define BYTES(literal)                                                                             \
    { literal, sizeof(literal) - 1 }

/* What file systems, URLs, globs, UTF-8 decoders and C strings stumble over. */
static const struct eg_str odd_keys[] = {
    BYTES("/"),
    BYTES("//"),
    BYTES("/a"),
    BYTES("//a"),
    BYTES("a"),
    BYTES("a/"),
    BYTES("a//"),
    BYTES("a/b"),
    BYTES("a//b"),
    BYTES("ab/"),
    BYTES("."),
    BYTES(".."),
    BYTES("a/."),
    BYTES("a/.."),
    BYTES("a/./b"),
    BYTES("a/../b"),
    BYTES("a/.../b"),
    BYTES("./a"),
    BYTES("../a"),
    BYTES(" "),
    BYTES("a b"),
    BYTES(" a"),
    BYTES("a "),
    BYTES("%"),
    BYTES("%%"),
    BYTES("%2"),
    BYTES("%2F"),
    BYTES("%2f"),
    BYTES("%252F"),
    BYTES("%00"),
    BYTES("a%2Fb"),
    BYTES("a+b"),
    BYTES("a?b=c&d"),
    BYTES("a#b"),
    BYTES("a;b"),
    BYTES("a:b"),
    BYTES("{a}"),
    BYTES("[a-z]*"),
    BYTES("*"),
    BYTES("\\"),
    BYTES("\"a\""),
    BYTES("'a'"),
    BYTES("~"),
    BYTES("=41"),
    BYTES("_"),
    BYTES("a\nb"),
    BYTES("a\r\nb"),
    BYTES("a\tb"),
    BYTES("\x01"),
    BYTES("\x1f"),
    BYTES("\x7f"),
    BYTES("\x80"),
    BYTES("\xff"),
    BYTES("\xff\xff"),
    BYTES("a\xff"),
    BYTES("\0"),
    BYTES("\0\0"),
    BYTES("a\0"),
    BYTES("a\0b"),
    BYTES("a/\0"),
    BYTES("\xc3\xa4/\xc3\xb6"),
    BYTES("\xf0\x9f\x98\x80"),
    BYTES("\xc3("),
    BYTES("\xed\xa0\x80"),
    BYTES("\xef\xbf\xbf"),
    BYTES("\xef\xbb\xbf"
          "a"),
    BYTES("zookeeper"),
    BYTES("zookeeper/quota"),
    BYTES("/zookeeper"),
    BYTES("A"),
    BYTES("A/B"),
    BYTES("/serverless-event-gateway/functions/default/hello"),
};
#define ODD (sizeof odd_keys / sizeof odd_keys[0])

static int key_order(const void *a, const void *b) {
    const struct eg_str *x = a;
    const struct eg_str *y = b;
    return gw_str_cmp(*x, *y);
}

static int32_t put(struct eg_str key, struct eg_str value, uint64_t expect) {
    struct answer answer;
    kit_send_put(&answer, key, value, expect);
    kit_wait(&answer);
    const int32_t status = answer.status;
    if (status != EG_OK) {
        (void)snprintf(kit.why, sizeof kit.why, "%.*s", GW_FMT(gw_bytes_str(&answer.message)));
    }
    kit_drop(&answer);
    return status;
}

/* Is the value of the key this one? */
static bool is_stored(struct eg_str key, struct eg_str value) {
    struct answer answer;
    kit_send_get(&answer, key);
    kit_wait(&answer);
    const bool is_same = answer.status == EG_OK && gw_str_eq(gw_bytes_str(&answer.body), value);
    kit_drop(&answer);
    return is_same;
}

static bool is_missing(struct eg_str key) {
    struct answer answer;
    kit_send_get(&answer, key);
    kit_wait(&answer);
    const bool is_so = answer.status == EG_E_NOTFOUND;
    kit_drop(&answer);
    return is_so;
}

static void put_odd_keys(void) {
    for (size_t i = 0; i < ODD; i++) {
        char value[16];
        const int len = snprintf(value, sizeof value, "value %zu", i);
        if (put(odd_keys[i], gw_str(value, (size_t)len), EG_REV_ABSENT) != EG_OK) {
            printf("  key %zu \"%.*s\": %s\n", i, GW_FMT(odd_keys[i]), kit.why);
            CU_FAIL("an odd key is not stored");
        }
        CU_ASSERT_TRUE(is_stored(odd_keys[i], gw_str(value, (size_t)len)));
    }
}

/* The list of the prefix has exactly the keys that begin with it, in the order of their bytes. */
static void check_odd_list(const struct eg_str *sorted, struct eg_str prefix) {
    struct answer list;
    size_t at = 0;
    kit_send_list(&list, prefix);
    kit_wait(&list);
    CU_ASSERT_EQUAL(list.status, EG_OK);
    for (size_t i = 0; i < ODD; i++) {
        if (gw_str_starts(sorted[i], prefix)) {
            const bool is_there = at < list.count && gw_str_eq(list.items[at].key, sorted[i]);
            if (!is_there) {
                printf("  prefix \"%.*s\" at %zu: \"%.*s\" is missing or out of order\n",
                       GW_FMT(prefix), at, GW_FMT(sorted[i]));
                CU_FAIL("a list is wrong");
                break;
            }
            at++;
        }
    }
    CU_ASSERT_EQUAL(at, list.count);
    kit_drop(&list);
}

static void keys_of_every_shape_are_stored_listed_watched_and_removed(void) {
    static const struct eg_str prefixes[] = {
        BYTES(""),      BYTES("/"),   BYTES("//"),   BYTES("a"),   BYTES("a/"),
        BYTES("a//"),   BYTES("."),   BYTES("%"),    BYTES("%2"),  BYTES("\0"),
        BYTES("\xff"),  BYTES(" "),   BYTES("*"),    BYTES("["),   BYTES("A"),
        BYTES("a\xff"), BYTES("a/."), BYTES("\xc3"), BYTES("a\0"),
    };
    static struct eg_str sorted[ODD];
    struct watcher watcher;
    struct watcher late;
    kit_begin();
    kit_open();
    watcher_open(&watcher, "", 0);
    watcher_wait_synced(&watcher);
    put_odd_keys();
    memcpy(sorted, odd_keys, sizeof sorted);
    qsort(sorted, ODD, sizeof sorted[0], key_order);
    for (size_t i = 0; i < sizeof prefixes / sizeof prefixes[0]; i++) {
        check_odd_list(sorted, prefixes[i]);
    }
    watcher_wait_same(&watcher);
    watcher_open(&late, "a/", 0);
    watcher_wait_synced(&late);
    watcher_wait_same(&late);
    for (size_t i = 0; i < ODD; i++) {
        struct answer answer;
        kit_send_remove(&answer, odd_keys[i], EG_REV_ANY);
        kit_wait(&answer);
        CU_ASSERT_EQUAL(answer.status, EG_OK);
        kit_drop(&answer);
        CU_ASSERT_TRUE(is_missing(odd_keys[i]));
    }
    CU_ASSERT_STRING_EQUAL(kit_list(""), "");
    watcher_wait_same(&watcher);
    watcher_wait_same(&late);
    CU_ASSERT_EQUAL(watcher.disorder + late.disorder, 0);
    watcher_close(&watcher);
    watcher_close(&late);
    kit_close();
    kit_end();
}

/* A key and what would be the directory of another key come and go independently. */
static void a_key_may_be_the_beginning_of_another(void) {
    kit_begin();
    kit_open();
    CU_ASSERT_EQUAL(kit_put("d/e/f", "3", EG_REV_ABSENT, NULL), EG_OK);
    CU_ASSERT_PTR_NULL(kit_get("d", NULL));
    CU_ASSERT_PTR_NULL(kit_get("d/e", NULL));
    CU_ASSERT_EQUAL(kit_put("d/e", "2", EG_REV_ABSENT, NULL), EG_OK);
    CU_ASSERT_EQUAL(kit_put("d", "1", EG_REV_ABSENT, NULL), EG_OK);
    CU_ASSERT_STRING_EQUAL(kit_list("d"), "d=1 d/e=2 d/e/f=3 ");
    CU_ASSERT_EQUAL(kit_remove("d/e", EG_REV_ANY, NULL), EG_OK);
    CU_ASSERT_EQUAL(kit_remove("d/e", EG_REV_ANY, NULL), EG_E_NOTFOUND);
    CU_ASSERT_STRING_EQUAL(kit_list("d"), "d=1 d/e/f=3 ");
    CU_ASSERT_EQUAL(kit_remove("d", EG_REV_ANY, NULL), EG_OK);
    CU_ASSERT_STRING_EQUAL(kit_list("d"), "d/e/f=3 ");
    CU_ASSERT_EQUAL(kit_put("d/e", "4", EG_REV_ABSENT, NULL), EG_OK);
    CU_ASSERT_STRING_EQUAL(kit_list("d/"), "d/e=4 d/e/f=3 ");
    kit_close();
    kit_end();
}

static void values_of_every_shape_are_kept_byte_by_byte(void) {
    static char every_byte[1024];
    static char zeros[70000];
    const struct eg_str values[] = {
        BYTES(""),
        BYTES("\0"),
        BYTES("null"),
        BYTES("true"),
        BYTES("{}"),
        BYTES("\"text\""),
        BYTES("42"),
        BYTES(" "),
        BYTES("\r\n"),
        BYTES("$5\r\nhello\r\n"),
        BYTES("\xff\xfe"),
        BYTES("\xc3("),
        BYTES("aGVsbG8="),
        {every_byte, sizeof every_byte},
        {zeros, sizeof zeros},
    };
    struct watcher watcher;
    for (size_t i = 0; i < sizeof every_byte; i++) {
        every_byte[i] = (char)(i * 7);
    }
    kit_begin();
    kit_open();
    watcher_open(&watcher, "v/", 0);
    watcher_wait_synced(&watcher);
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        char key[16];
        (void)snprintf(key, sizeof key, "v/%zu", i);
        CU_ASSERT_EQUAL(put(gw_str_c(key), values[i], EG_REV_ANY), EG_OK);
        CU_ASSERT_TRUE(is_stored(gw_str_c(key), values[i]));
    }
    watcher_wait_same(&watcher);
    CU_ASSERT_EQUAL(watcher.disorder, 0);
    watcher_close(&watcher);
    kit_close();
    kit_end();
}

/* Stored, or refused with the sentence that names a limit; then nothing is there. */
static void check_key_of(size_t len, bool has_segments) {
    char *bytes = gw_alloc(len);
    for (size_t i = 0; i < len; i++) {
        bytes[i] = has_segments && i % 100 == 99 ? '/' : (char)('a' + i % 26);
    }
    const struct eg_str key = gw_str(bytes, len);
    const int32_t status = put(key, GW_STR("v"), EG_REV_ABSENT);
    if (status == EG_OK) {
        const bool is_there = is_stored(key, GW_STR("v"));
        CU_ASSERT_TRUE(is_there);
        if (!is_there) {
            printf("  a key of %zu bytes is stored, but cannot be read\n", len);
        }
    } else {
        CU_ASSERT_EQUAL(status, EG_E_TOOBIG);
        CU_ASSERT_TRUE(strpbrk(kit.why, "0123456789") != NULL);
        CU_ASSERT_STRING_EQUAL(kit_list(""), "");
    }
    if (len <= 256) {
        CU_ASSERT_EQUAL(status, EG_OK); /* paths and names of the gateway's objects fit */
    }
    struct answer answer;
    kit_send_remove(&answer, key, EG_REV_ANY);
    kit_wait(&answer);
    CU_ASSERT_TRUE(status == EG_OK ? answer.status == EG_OK : answer.status < 0);
    kit_drop(&answer);
    gw_free(bytes);
}

static void long_keys_are_kept_whole_or_refused(void) {
    static const size_t sizes[] = {200, 255, 256, 257, 511, 512, 513, 1023, 1025, 4096, 70000};
    kit_begin();
    kit_open();
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        check_key_of(sizes[i], false);
        check_key_of(sizes[i], true);
    }
    CU_ASSERT_EQUAL(kit_put("after", "v", EG_REV_ABSENT, NULL), EG_OK); /* still at work */
    kit_close();
    kit_end();
}

/* Through every way to read; or refused with the limit named, and nothing is there. */
static bool check_value_of(size_t len, struct watcher *watcher) {
    char *bytes = gw_alloc(len);
    struct answer list;
    for (size_t i = 0; i < len; i++) {
        bytes[i] = (char)(i * 31 >> 3);
    }
    const int32_t status = put(GW_STR("big/1"), gw_str(bytes, len), EG_REV_ABSENT);
    kit_send_list(&list, GW_STR("big/"));
    kit_wait(&list);
    CU_ASSERT_EQUAL(list.status, EG_OK);
    if (status == EG_OK) {
        CU_ASSERT_TRUE(is_stored(GW_STR("big/1"), gw_str(bytes, len)));
        CU_ASSERT_EQUAL(list.count, 1);
        CU_ASSERT_TRUE(list.count == 1 && gw_str_eq(list.items[0].value, gw_str(bytes, len)));
        watcher_wait_same(watcher);
        CU_ASSERT_EQUAL(kit_remove("big/1", EG_REV_ANY, NULL), EG_OK);
    } else {
        CU_ASSERT_EQUAL(status, EG_E_TOOBIG);
        CU_ASSERT_TRUE(strpbrk(kit.why, "0123456789") != NULL);
        CU_ASSERT_EQUAL(list.count, 0);
    }
    kit_drop(&list);
    gw_free(bytes);
    return status == EG_OK;
}

static void a_value_is_stored_whole_or_refused_and_then_nothing_is_stored(void) {
    static const size_t sizes[] = {
        100000,      300000,         384 * 1024, 500000,  512 * 1024 - 1,    512 * 1024,
        524289,      700000,         786432,     1000000, 1024 * 1024 - 200, 1024 * 1024 - 1,
        1024 * 1024, 1024 * 1024 + 1};
    struct watcher watcher;
    size_t stored = 0;
    kit_begin();
    kit_open();
    watcher_open(&watcher, "big/", 0);
    watcher_wait_synced(&watcher);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        stored = check_value_of(sizes[i], &watcher) ? sizes[i] : stored;
    }
    CU_ASSERT_TRUE(stored >= 300000);
    printf("  the largest value that was stored had %zu bytes\n", stored);
    watcher_wait_same(&watcher);
    CU_ASSERT_EQUAL(watcher.downs, 0);
    watcher_close(&watcher);
    kit_close();
    kit_end();
}

/* What is stored can be read: a list and a watch are not limited to what fits into one answer. */
static void many_big_values_are_listed_and_watched(void) {
    static char big[300000];
    struct watcher watcher;
    struct answer list;
    char key[32];
    memset(big, 'b', sizeof big);
    kit_begin();
    kit_open();
    for (unsigned i = 0; i < 40; i++) {
        (void)snprintf(key, sizeof key, "big/%u", i);
        CU_ASSERT_EQUAL(put(gw_str_c(key), gw_str(big, sizeof big), EG_REV_ABSENT), EG_OK);
    }
    kit_send_list(&list, GW_STR("big/"));
    kit_wait(&list);
    CU_ASSERT_EQUAL(list.status, EG_OK);
    CU_ASSERT_EQUAL(list.count, 40);
    kit_drop(&list);
    watcher_open(&watcher, "big/", 0);
    watcher_wait_synced(&watcher);
    watcher_wait_same(&watcher);
    CU_ASSERT_EQUAL(watcher.downs, 0);
    watcher_close(&watcher);
    kit_close();
    kit_end();
}

static const struct kit_case cases[] = {
    CASE(keys_of_every_shape_are_stored_listed_watched_and_removed, 0),
    CASE(a_key_may_be_the_beginning_of_another, 0),
    CASE(values_of_every_shape_are_kept_byte_by_byte, 0),
    CASE(long_keys_are_kept_whole_or_refused, 0),
    CASE(a_value_is_stored_whole_or_refused_and_then_nothing_is_stored, 0),
    CASE(many_big_values_are_listed_and_watched, OWN_SERVER),
};
const struct case_list cases_bytes = {cases, sizeof cases / sizeof cases[0]};
