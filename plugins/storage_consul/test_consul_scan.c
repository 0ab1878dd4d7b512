/* Unit tests of the reader of Consul's answers. */
#include "scan.h"
#include "unit.h"

#define ROW                                                                                        \
    "{\"LockIndex\":0,\"Key\":\"eg/a\",\"Flags\":18446744073709551615,\"Value\":\"MQ==\","         \
    "\"Session\":\"x\",\"CreateIndex\":9,\"ModifyIndex\":12}"

static char told[256];

static void on_entry(void *arg, const struct consul_entry *entry) {
    const size_t len = strlen(told);
    (void)arg;
    (void)snprintf(told + len, sizeof told - len, "%.*s=%.*s@%llu ", EGX_FMT(entry->key),
                   EGX_FMT(entry->value), (unsigned long long)entry->revision);
}

static void on_error(void *arg, uint64_t op_index, struct eg_str text) {
    const size_t len = strlen(told);
    (void)arg;
    (void)snprintf(told + len, sizeof told - len, "%llu:%.*s ", (unsigned long long)op_index,
                   EGX_FMT(text));
}

static bool read_txn(struct eg_str text) {
    const struct consul_txn_reader reader = {.entry = on_entry, .error = on_error};
    told[0] = '\0';
    return consul_scan_txn(text, &reader);
}

static void rows_of_a_transaction_are_told(void) {
    CU_ASSERT_TRUE(
        read_txn(EGX_STR("{\"Results\":[{\"KV\":" ROW "},{\"Node\":{\"a\":[1,{}]}},{\"KV\":{"
                         "\"Key\":\"b\",\"Value\":null,\"ModifyIndex\":3}}],\"Errors\":"
                         "null,\"Index\":0,\"KnownLeader\":true,\"X\":-1.5e3}\n")));
    CU_ASSERT_STRING_EQUAL(told, "eg/a=MQ==@12 b=@3 ");
}

static void errors_of_a_transaction_are_told(void) {
    CU_ASSERT_TRUE(
        read_txn(EGX_STR("{ \"Results\" : null, \"Errors\" : [ {\"OpIndex\":0,\"What\":"
                         "\"key \\\"a\\\" exists\"}, {\"OpIndex\":4,\"What\":\"b\"} ] }")));
    CU_ASSERT_STRING_EQUAL(told, "0:key \\\"a\\\" exists 4:b ");
}

/* Each answer, cut at every place, and with every byte changed, is either refused or as long as it
 * has to be: what is read never lies outside of it (the sanitizers see that). */
static void what_was_cut_is_no_answer(void) {
    static const char whole[] =
        "{\"Results\":[{\"KV\":" ROW "}],\"Errors\":[{\"OpIndex\":1,\"What\":"
        "\"\\u0041\"}],\"Index\":0}";
    for (size_t len = 0; len < sizeof whole - 1; len++) {
        char *copy =
            malloc(len + 1); /* not longer than the text, so that a sanitizer sees it end */
        memcpy(copy, whole, len);
        CU_ASSERT_FALSE(read_txn(egx_str_n(copy, len)));
        free(copy);
    }
    CU_ASSERT_TRUE(read_txn(egx_str_n(whole, sizeof whole - 1)));
}

static void garbage_is_no_answer(void) {
    static const char *const bad[] = {
        "",
        "null",
        "[]",
        "{}",
        "{\"Results\":1}",
        "{\"Results\":[1]}",
        "{\"Results\":[]}x",
        "{\"Results\":[{\"KV\":{\"Key\":\"a\"}}]}",
        "{\"Results\":[{\"KV\":{\"ModifyIndex\":1}}]}",
        "{\"Results\":[{\"KV\":{\"Key\":\"a\",\"ModifyIndex\":18446744073709551616}}]}",
        "{\"Results\":[{\"KV\":{\"Key\":\"a\",\"ModifyIndex\":-1}}]}",
        "{\"Results\":[],}",
        "{\"Results\":[] \"Errors\":null}",
        "{\"Results\":[],\"a\":tru}",
        "{\"Results\":[],\"a\":\"\n\"}",
        "<html>",
        "{\"Results\":[],\"a\":}",
    };
    for (size_t i = 0; i < EGX_COUNT(bad); i++) {
        CU_ASSERT_FALSE(read_txn(egx_str_c(bad[i])));
    }
}

static void nesting_is_bounded(void) {
    char text[400] = "{\"Results\":[],\"a\":";
    const size_t begin = strlen(text);
    memset(text + begin, '[', 64);
    memset(text + begin + 64, ']', 64);
    (void)snprintf(text + begin + 128, 2, "}");
    CU_ASSERT_TRUE(read_txn(egx_str_c(text)));
    memset(text + begin, '[', 65);
    memset(text + begin + 65, ']', 65);
    (void)snprintf(text + begin + 130, 2, "}");
    CU_ASSERT_FALSE(read_txn(egx_str_c(text)));
}

static void one_row_is_one_row(void) {
    struct consul_entry entry;
    CU_ASSERT_TRUE(consul_scan_one(EGX_STR("[" ROW "]"), &entry));
    CU_ASSERT_EQUAL(entry.revision, 12);
    CU_ASSERT_EQUAL(entry.flags, UINT64_MAX);
    CU_ASSERT_FALSE(consul_scan_one(EGX_STR("[]"), &entry));
    CU_ASSERT_FALSE(consul_scan_one(EGX_STR("[" ROW "," ROW "]"), &entry));
}

static void names_are_looked_through(void) {
    bool is_there = true;
    CU_ASSERT_TRUE(consul_scan_names(EGX_STR("[]"), EGX_STR("a"), &is_there));
    CU_ASSERT_FALSE(is_there);
    CU_ASSERT_TRUE(consul_scan_names(EGX_STR("[\"b\",\"a\",\"c\"]"), EGX_STR("a"), &is_there));
    CU_ASSERT_TRUE(is_there);
    CU_ASSERT_FALSE(consul_scan_names(EGX_STR("[\"a\",1]"), EGX_STR("a"), &is_there));
}

static const char *plain(const char *text) {
    static char out[64];
    size_t len = 0;
    if (!consul_unescape(egx_str_c(text), out, &len)) {
        return "?";
    }
    out[len] = '\0';
    return out;
}

static void escapes_are_replaced(void) {
    CU_ASSERT_STRING_EQUAL(plain("a\\u0026\\u003c\\\"\\\\\\/\\n"), "a&<\"\\/\n");
    CU_ASSERT_STRING_EQUAL(plain("\\u00e4\\u20ac\\ud83d\\ude00"),
                           "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80");
    CU_ASSERT_STRING_EQUAL(plain("\\ud83d"), "?");
    CU_ASSERT_STRING_EQUAL(plain("\\ude00"), "?");
    CU_ASSERT_STRING_EQUAL(plain("\\u12"), "?");
    CU_ASSERT_STRING_EQUAL(plain("\\x"), "?");
    CU_ASSERT_STRING_EQUAL(plain("a\\"), "?");
}

UNIT_MAIN(UNIT(rows_of_a_transaction_are_told), UNIT(errors_of_a_transaction_are_told),
          UNIT(what_was_cut_is_no_answer), UNIT(garbage_is_no_answer), UNIT(nesting_is_bounded),
          UNIT(one_row_is_one_row), UNIT(names_are_looked_through), UNIT(escapes_are_replaced))
