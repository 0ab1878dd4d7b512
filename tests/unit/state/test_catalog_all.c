/*
 * test_catalog_all.c - everything that the store holds, in one read.
 */
#include "state/catalog_all.h"

#include "state_rig.h"

static struct {
    unsigned answers;
    int32_t status;
    uint64_t revision;
    struct gw_bytes lines; /* `kind space id revision` or `! key why`, one a record */
    struct gw_bytes why;
} got;

static void on_read(void *arg, const struct gw_everything *all) {
    (void)arg;
    got.answers++;
    got.status = all->status;
    got.revision = all->revision;
    gw_bytes_clear(&got.lines);
    gw_bytes_clear(&got.why);
    gw_bytes_add(&got.why, all->why);
    for (size_t i = 0; i < all->count; i++) {
        const struct gw_stored *item = &all->items[i];
        CU_ASSERT((item->object == NULL) == (item->why.len > 0));
        CU_ASSERT(item->object == NULL || item->object->revision == item->revision);
        gw_bytes_addf(&got.lines, "%s%s %.*s %.*s\n", item->object == NULL ? "! " : "",
                      gw_kind_words[item->kind].metric, GW_FMT(item->space), GW_FMT(item->id));
    }
}

static void read_all(void) {
    const unsigned before = got.answers;
    gw_catalog_read_all(rig.catalog, gw_catalog_deadline(rig.catalog), on_read, NULL);
    CU_ASSERT_EQUAL(got.answers, before);
    rig_wait(&got.answers, before + 1, "no answer");
}

static void up(void) {
    memset(&got, 0, sizeof got);
    gw_bytes_init(&got.lines, 0);
    gw_bytes_init(&got.why, 0);
    rig_up();
}
static void down(void) {
    rig_down();
    gw_bytes_free(&got.lines);
    gw_bytes_free(&got.why);
}

static void an_empty_store_has_nothing(void) {
    up();
    read_all();
    CU_ASSERT_EQUAL(got.status, EG_OK);
    CU_ASSERT_EQUAL(got.lines.len, 0);
    down();
}

static void all_spaces_and_kinds_come_with_the_store_s_revision(void) {
    up();
    rig_set(RIG_KEY("functions", "b", "f"), RIG_FUNCTION("f"));
    rig_set(RIG_KEY("eventtypes", "a", "e/with/slash"), "{\"name\":\"other\"}");
    rig_set(RIG_KEY("functions", "a", "f"), RIG_FUNCTION("f"));
    rig_set(GW_STORE_ROOT "functions", "a directory");
    rig_set("/somebody/else", "x");
    const uint64_t revision = fake_storage_set(RIG_KEY("cors", "a", "GET%2F"), "{}");
    read_all();
    CU_ASSERT_EQUAL(got.status, EG_OK);
    CU_ASSERT_EQUAL(got.revision, revision);
    ASSERT_STR(gw_bytes_str(&got.lines), "cors a GET%2F\neventtype a e/with/slash\n"
                                         "function a f\nfunction b f\n");
    down();
}

static void a_record_that_cannot_be_read_is_among_them_with_the_reason(void) {
    up();
    rig_set(RIG_KEY("functions", "a", "bad"), "{");
    rig_set(RIG_KEY("functions", "a", "good"), RIG_FUNCTION("good"));
    read_all();
    CU_ASSERT_EQUAL(got.status, EG_OK);
    ASSERT_STR(gw_bytes_str(&got.lines), "! function a bad\nfunction a good\n");
    down();
}

static void a_store_that_fails_is_told_with_its_words(void) {
    up();
    rig_set(RIG_KEY("functions", "a", "f"), RIG_FUNCTION("f"));
    fake_storage_fail(EG_E_UNAVAILABLE, "it is away");
    read_all();
    CU_ASSERT_EQUAL(got.status, EG_E_UNAVAILABLE);
    ASSERT_STR(gw_bytes_str(&got.why), "it is away");
    CU_ASSERT_EQUAL(got.lines.len, 0);
    down();
}

static void a_store_that_hangs_is_given_up_at_the_deadline(void) {
    up();
    fake_storage_hold(true);
    gw_catalog_read_all(rig.catalog, gw_monotonic_ns() + GW_NS_PER_MS, on_read, NULL);
    rig_wait(&got.answers, 1, "no answer");
    CU_ASSERT_EQUAL(got.status, EG_E_TIMEOUT);
    fake_storage_release(1);
    rig_turn(5);
    CU_ASSERT_EQUAL(got.answers, 1);
    down();
}

UNIT_MAIN(UNIT(an_empty_store_has_nothing),
          UNIT(all_spaces_and_kinds_come_with_the_store_s_revision),
          UNIT(a_record_that_cannot_be_read_is_among_them_with_the_reason),
          UNIT(a_store_that_fails_is_told_with_its_words),
          UNIT(a_store_that_hangs_is_given_up_at_the_deadline))
