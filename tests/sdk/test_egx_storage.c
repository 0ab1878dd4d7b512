/* The helpers of storage plugins: rows, differences, base64, pauses. */
#include <eventgw-sdk/egx_storage.h>
#include <eventgw-sdk/fake_host.h>

#include "unit.h"

static struct egx_fake *fake;
static const struct eg_host *host;
static char told[4096];

static void on_changed(struct eg_watch *watch, const struct eg_change *change) {
    static const char signs[] = "?+-SRDC";
    const size_t at = strlen(told);
    (void)watch;
    (void)snprintf(told + at, sizeof told - at, "%c%.*s@%u ", signs[change->kind],
                   EGX_FMT(change->key), (unsigned)change->revision);
}
static struct eg_watch watch = {.struct_size = sizeof watch, .changed = on_changed};

static void begin(void) {
    fake = egx_fake_new();
    host = egx_fake_host(fake);
    told[0] = '\0';
}
static void end(void) {
    CU_ASSERT_EQUAL(egx_fake_allocations(fake), 0);
    egx_fake_free(fake);
}

static void add(struct egx_rows *rows, const char *key, uint64_t revision) {
    egx_rows_add(host, rows, EG_CHANGE_PUT, revision, egx_str_c(key), EGX_STR("v"));
}

static void a_difference_is_told_puts_in_order_then_removals(void) {
    struct egx_rows known = {0};
    struct egx_rows fresh = {0};
    begin();
    add(&known, "a", 1);
    add(&known, "c", 3);
    add(&known, "d", 2);
    add(&known, "z", 4);
    add(&fresh, "a", 1);
    add(&fresh, "b", 9);
    add(&fresh, "bb", 7);
    add(&fresh, "d", 8);
    egx_tell_difference(host, &watch, &known, &fresh, 10);
    CU_ASSERT_STRING_EQUAL(told, "+bb@7 +d@8 +b@9 -c@10 -z@10 ");
    told[0] = '\0';
    egx_tell_difference(host, &watch, &fresh, &fresh, 11);
    egx_tell_difference(host, &watch, &(struct egx_rows){0}, &(struct egx_rows){0}, 11);
    CU_ASSERT_STRING_EQUAL(told, "");
    egx_rows_free(host, &known);
    egx_rows_free(host, &fresh);
    end();
}

static void rows_sort_bytewise_and_shorter_first(void) {
    struct egx_rows rows = {0};
    begin();
    add(&rows, "b", 1);
    add(&rows, "\xff", 5);
    add(&rows, "a", 3);
    egx_rows_add(host, &rows, EG_CHANGE_PUT, 2, EGX_STR("a\0b"), EGX_STR(""));
    egx_rows_sort_by_key(&rows);
    ASSERT_STR(rows.items[0]->key, "a");
    CU_ASSERT_EQUAL(rows.items[1]->key.len, 3);
    ASSERT_STR(rows.items[2]->key, "b");
    ASSERT_STR(rows.items[3]->key, "\xff");
    egx_rows_sort_by_revision(&rows);
    CU_ASSERT_EQUAL(rows.items[3]->revision, 5);
    egx_rows_free(host, &rows);
    end();
}

static void a_list_is_answered_with_its_rows(void) {
    struct egx_rows rows = {0};
    struct egx_fake_op op;
    begin();
    add(&rows, "a", 3);
    egx_fake_op_init(fake, &op);
    egx_done_list(host, &op.pub, &rows, 7);
    CU_ASSERT_EQUAL(op.done_count, 1);
    CU_ASSERT_EQUAL(op.result.revision, 7);
    CU_ASSERT_EQUAL(op.result.item_count, 1);
    ASSERT_STR(op.result.items[0]->key, "a");
    egx_fake_op_free(&op);
    egx_rows_free(host, &rows);
    end();
}

static void base64_decodes_what_it_encodes_and_nothing_else(void) {
    static const struct {
        const char *text;
        const char *bytes; /* NULL: refused */
    } rows[] = {
        {"", ""},       {"Zg==", "f"},  {"Zm8=", "fo"}, {"Zm9v", "foo"}, {"Zm9vYg==", "foob"},
        {"Zg", NULL},   {"Zg=", NULL},  {"Z===", NULL}, {"====", NULL},  {"Zg==Zg==", NULL},
        {"Zh==", NULL}, {"Zm9=", NULL}, {"Zm9 ", NULL}, {"Zm9\n", NULL}, {"_m9v", NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char out[16];
        size_t len = 99;
        const int32_t rc = egx_base64_decode(egx_str_c(rows[i].text), out, &len);
        CU_ASSERT_EQUAL(rc, rows[i].bytes == NULL ? EG_E_SYNTAX : EG_OK);
        if (rc == EG_OK && rows[i].bytes != NULL) {
            ASSERT_STR(egx_str_n(out, len), rows[i].bytes);
        }
    }
    struct egx_json json = egx_json_begin();
    egx_json_open(&json, '[');
    egx_json_base64(&json, egx_str_n("\0\xff", 2));
    egx_json_base64(&json, EGX_STR(""));
    egx_json_close(&json, ']');
    ASSERT_STR(egx_json_text(&json), "[\"AP8=\",\"\"]");
    egx_json_free(&json);
}

static void pauses_are_random_below_a_bound_that_doubles(void) {
    for (unsigned round = 0; round < 200; round++) {
        struct egx_backoff backoff = {.first_ns = 100, .last_ns = 350};
        CU_ASSERT_TRUE(egx_backoff_next(&backoff) <= 100);
        CU_ASSERT_TRUE(egx_backoff_next(&backoff) <= 200);
        CU_ASSERT_TRUE(egx_backoff_next(&backoff) <= 350);
        backoff.tries = UINT32_MAX - 1;
        CU_ASSERT_TRUE(egx_backoff_next(&backoff) <= 350);
    }
    struct egx_backoff backoff = {.first_ns = UINT64_MAX / 2, .last_ns = UINT64_MAX - 1};
    uint64_t all = 0;
    for (unsigned i = 0; i < 8; i++) {
        all |= egx_backoff_next(&backoff);
    }
    CU_ASSERT_TRUE(all != 0);
}

UNIT_MAIN(UNIT(a_difference_is_told_puts_in_order_then_removals),
          UNIT(rows_sort_bytewise_and_shorter_first), UNIT(a_list_is_answered_with_its_rows),
          UNIT(base64_decodes_what_it_encodes_and_nothing_else),
          UNIT(pauses_are_random_below_a_bound_that_doubles))
