/* Which keys were changed since somebody began to ask. */
#include <stdio.h>

#include "base/slice.h"
#include "state/changes.h"
#include "unit.h"

static void nothing_is_kept_before_somebody_asks(void) {
    struct gw_changes changes = {0};
    gw_changes_note(&changes, GW_STR("a"), 1);
    CU_ASSERT_EQUAL(changes.since, 0);
    CU_ASSERT_EQUAL(changes.keys.count, 0);
    gw_changes_free(&changes);
}

static void the_first_change_of_a_key_counts(void) {
    struct gw_changes changes = {0};
    char key[] = "a";
    const uint64_t first = gw_changes_begin(&changes);
    gw_changes_note(&changes, gw_str_c(key), 5);
    gw_changes_note(&changes, gw_str_c(key), 9);
    key[0] = 'b'; /* it was copied */
    const struct gw_changed *changed = gw_map_get(&changes.keys, GW_STR("a"));
    CU_ASSERT_PTR_NOT_NULL_FATAL(changed);
    CU_ASSERT_EQUAL(changed->born, 5);
    CU_ASSERT_EQUAL(changes.keys.count, 1);
    CU_ASSERT_EQUAL(changes.since, first);
    CU_ASSERT_NOT_EQUAL(gw_changes_begin(&changes), first);
    CU_ASSERT_EQUAL(changes.keys.count, 0);
    gw_changes_free(&changes);
}

static void too_many_changes_are_none(void) {
    struct gw_changes changes = {0};
    char key[16];
    (void)gw_changes_begin(&changes);
    for (unsigned i = 0; i <= GW_CHANGES_MAX; i++) {
        CU_ASSERT_NOT_EQUAL(changes.since, 0);
        (void)snprintf(key, sizeof key, "%u", i);
        gw_changes_note(&changes, gw_str_c(key), 1);
    }
    CU_ASSERT_EQUAL(changes.since, 0);
    CU_ASSERT_EQUAL(changes.keys.count, 0);
    gw_changes_note(&changes, GW_STR("more"), 1);
    CU_ASSERT_EQUAL(changes.keys.count, 0);
    gw_changes_free(&changes);
}

UNIT_MAIN(UNIT(nothing_is_kept_before_somebody_asks), UNIT(the_first_change_of_a_key_counts),
          UNIT(too_many_changes_are_none))
