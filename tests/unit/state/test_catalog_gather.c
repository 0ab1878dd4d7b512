/* The reads behind a decision. */
#include "state_rig.h"

static struct {
    unsigned answers;
    int32_t status;
    char why[256];
    size_t counts[GW_MAX_NEEDS];
    uint64_t revisions[GW_MAX_NEEDS];
    char ids[256]; /* of all objects found, joined */
} seen;

static void on_gathered(void *arg, const struct gw_gathered *gathered) {
    (void)arg;
    const unsigned answers = seen.answers;
    memset(&seen, 0, sizeof seen);
    seen.answers = answers + 1;
    seen.status = gathered->status;
    (void)snprintf(seen.why, sizeof seen.why, "%.*s", GW_FMT(gathered->why));
    for (size_t i = 0; i < GW_MAX_NEEDS && gathered->status == EG_OK; i++) {
        seen.counts[i] = gathered->counts[i];
        seen.revisions[i] = gathered->revisions[i];
        for (size_t k = 0; k < gathered->counts[i]; k++) {
            const size_t at = strlen(seen.ids);
            (void)snprintf(seen.ids + at, sizeof seen.ids - at, "%.*s ",
                           GW_FMT(gathered->objects[i][k]->id));
        }
    }
}

static void gather(const struct gw_need *needs, size_t count) {
    memset(&seen, 0, sizeof seen);
    gw_catalog_gather(rig.catalog, GW_STR("default"), needs, count,
                      gw_catalog_deadline(rig.catalog), on_gathered, NULL);
    rig_must(seen.answers == 0, "answered inside the call");
    rig_wait(&seen.answers, 1, "gather does not answer");
}

static const struct gw_need all_functions = {.kind = GW_FUNCTION};

static void set_functions(void) {
    fake_storage_set(RIG_KEY("functions", "default", "a"), RIG_FUNCTION("a"));
    fake_storage_set(RIG_KEY("functions", "default", "b"), RIG_FUNCTION("b"));
    fake_storage_set(RIG_KEY("functions", "default", "b2"), RIG_FUNCTION("b2"));
    fake_storage_set(RIG_KEY("functions", "default2", "x"), RIG_FUNCTION("x"));
    fake_storage_set(RIG_KEY("functions", "", ""), "");
    fake_storage_set(GW_STORE_ROOT "functions/", "");
}

static void lists_descend_and_hold_one_space_only(void) {
    rig_up();
    set_functions();
    gather(&all_functions, 1);
    CU_ASSERT_EQUAL(seen.status, EG_OK);
    CU_ASSERT_STRING_EQUAL(seen.ids, "b2 b a ");
    rig_down();
}

static void what_is_missing_is_an_answer(void) {
    rig_up();
    set_functions();
    const struct gw_need needs[] = {{GW_FUNCTION, GW_STR("nobody"), false, 0},
                                    {GW_FUNCTION, GW_STR("b"), false, 0},
                                    {.kind = GW_CORS},
                                    {GW_EVENTTYPE, GW_STR("t"), false, 0}};
    gather(needs, 4);
    CU_ASSERT_EQUAL(seen.status, EG_OK);
    CU_ASSERT_EQUAL(seen.counts[0], 0);
    CU_ASSERT_EQUAL(seen.counts[1], 1);
    CU_ASSERT_EQUAL(seen.counts[2], 0);
    CU_ASSERT_EQUAL(seen.counts[3], 0);
    CU_ASSERT_STRING_EQUAL(seen.ids, "b ");
    rig_down();
}

static void each_need_tells_the_revision_of_what_was_read(void) {
    rig_up();
    set_functions(); /* six keys: revisions 1 to 6 */
    const struct gw_need needs[] = {{GW_FUNCTION, GW_STR("b"), false, 0},
                                    {GW_FUNCTION, GW_STR("nobody"), false, 0},
                                    {.kind = GW_FUNCTION},
                                    {.kind = GW_CORS}};
    gather(needs, 4);
    CU_ASSERT_EQUAL(seen.revisions[0], 2);
    CU_ASSERT_EQUAL(seen.revisions[1], EG_REV_ABSENT);
    CU_ASSERT_EQUAL(seen.revisions[2], 6);
    CU_ASSERT_EQUAL(seen.revisions[3], 6);
    rig_down();
}

static void the_revision_of_a_damaged_value_can_be_read(void) {
    rig_up();
    set_functions();
    const uint64_t revision = fake_storage_set(RIG_KEY("functions", "default", "b"), "{\"fun");
    const struct gw_need needs[] = {{GW_FUNCTION, GW_STR("b"), true, 0},
                                    {GW_FUNCTION, GW_STR("nobody"), true, 0}};
    gather(needs, 2);
    CU_ASSERT_EQUAL(seen.status, EG_OK);
    CU_ASSERT_EQUAL(seen.revisions[0], revision);
    CU_ASSERT_EQUAL(seen.counts[0], 0);
    CU_ASSERT_EQUAL(seen.revisions[1], EG_REV_ABSENT);
    rig_down();
}

static void no_need_is_answered_too(void) {
    rig_up();
    gather(NULL, 0);
    CU_ASSERT_EQUAL(seen.status, EG_OK);
    rig_down();
}

static void a_value_that_does_not_parse_spoils_lists_and_its_own_get_with_the_parsers_text(void) {
    rig_up();
    set_functions();
    fake_storage_set(RIG_KEY("functions", "default", "b"), "{\"functionId\":");
    gather(&all_functions, 1);
    CU_ASSERT_EQUAL(seen.status, EG_E_SYNTAX);
    CU_ASSERT_STRING_EQUAL(seen.why, "unexpected EOF");
    const struct gw_need bad = {GW_FUNCTION, GW_STR("b"), false, 0};
    gather(&bad, 1);
    CU_ASSERT_EQUAL(seen.status, EG_E_SYNTAX);
    CU_ASSERT_STRING_EQUAL(seen.why, "unexpected EOF");
    const struct gw_need good = {GW_FUNCTION, GW_STR("a"), false, 0};
    gather(&good, 1);
    CU_ASSERT_EQUAL(seen.status, EG_OK);
    fake_storage_set(RIG_KEY("functions", "default", "b"), NULL);
    gather(&all_functions, 1);
    CU_ASSERT_EQUAL(seen.status, EG_OK);
    CU_ASSERT_STRING_EQUAL(seen.ids, "b2 a ");
    rig_down();
}

static void an_empty_value_of_an_object_is_told_as_EOF(void) {
    rig_up();
    fake_storage_set(RIG_KEY("functions", "default", "e"), "");
    gather(&all_functions, 1);
    CU_ASSERT_EQUAL(seen.status, EG_E_SYNTAX);
    CU_ASSERT_STRING_EQUAL(seen.why, "EOF");
    rig_down();
}

static void the_first_failure_is_told_with_the_stores_text(void) {
    rig_up();
    fake_storage_fail(EG_E_UNAVAILABLE, "no connection");
    const struct gw_need needs[] = {{.kind = GW_CORS}, {GW_FUNCTION, GW_STR("b"), false, 0}};
    gather(needs, 2);
    CU_ASSERT_EQUAL(seen.status, EG_E_UNAVAILABLE);
    CU_ASSERT_STRING_EQUAL(seen.why, "no connection");
    rig_down();
}

static void the_answer_comes_from_the_store_and_not_from_the_cache(void) {
    rig_up();
    rig_watch();
    rig_set(RIG_KEY("functions", "default", "a"), RIG_FUNCTION("a"));
    CU_ASSERT_PTR_NOT_NULL(rig_cached(GW_FUNCTION, RIG_KEY("functions", "default", "a")));
    fake_storage_set(RIG_KEY("functions", "default", "z"), RIG_FUNCTION("z"));
    gather(&all_functions, 1); /* z is not in the cache yet when it is sent */
    CU_ASSERT_STRING_EQUAL(seen.ids, "z a ");
    rig_down();
}

static void a_store_that_answers_too_late_does_no_harm(void) {
    gw_clock_hold(GW_NS_PER_S, 0);
    rig_up();
    set_functions();
    fake_storage_hold(true);
    const struct gw_need needs[] = {{.kind = GW_FUNCTION}, {GW_FUNCTION, GW_STR("b"), false, 0}};
    memset(&seen, 0, sizeof seen);
    gw_catalog_gather(rig.catalog, GW_STR("default"), needs, 2, gw_catalog_deadline(rig.catalog),
                      on_gathered, NULL);
    rig_turn(2);
    fake_storage_release(1);
    rig_turn(2);
    CU_ASSERT_EQUAL(seen.answers, 0);
    gw_clock_advance(RIG_TIMEOUT_NS + 1);
    rig_wait(&seen.answers, 1, "no deadline");
    CU_ASSERT_EQUAL(seen.status, EG_E_TIMEOUT);
    fake_storage_release(1);
    rig_turn(5);
    CU_ASSERT_EQUAL(seen.answers, 1);
    rig_down();
    gw_clock_release();
}

UNIT_MAIN(UNIT(lists_descend_and_hold_one_space_only), UNIT(what_is_missing_is_an_answer),
          UNIT(each_need_tells_the_revision_of_what_was_read),
          UNIT(the_revision_of_a_damaged_value_can_be_read), UNIT(no_need_is_answered_too),
          UNIT(a_value_that_does_not_parse_spoils_lists_and_its_own_get_with_the_parsers_text),
          UNIT(an_empty_value_of_an_object_is_told_as_EOF),
          UNIT(the_first_failure_is_told_with_the_stores_text),
          UNIT(the_answer_comes_from_the_store_and_not_from_the_cache),
          UNIT(a_store_that_answers_too_late_does_no_harm))
