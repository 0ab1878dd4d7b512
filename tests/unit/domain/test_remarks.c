/*
 * test_remarks.c - sentences about places in a file.
 */
#include "domain/remarks.h"

#include "base/slice.h"
#include "unit.h"

static void they_are_told_by_line_and_else_as_they_came(void) {
    struct gw_arena arena = {0};
    struct gw_remarks remarks = {.arena = &arena};
    for (size_t i = 0; i < 100; i++) {
        gw_remark(&remarks, (100 - i) / 10, "number %zu", i);
    }
    gw_remarks_sort(&remarks);
    CU_ASSERT_EQUAL_FATAL(remarks.count, 100);
    for (size_t i = 1; i < remarks.count; i++) {
        const struct gw_remark *a = &remarks.items[i - 1];
        const struct gw_remark *b = &remarks.items[i];
        CU_ASSERT(a->line < b->line || (a->line == b->line && a->place < b->place));
    }
    ASSERT_STR(remarks.items[99].text, "number 0");
    gw_remarks_free(&remarks);
    gw_remarks_sort(&remarks);
    CU_ASSERT_EQUAL(remarks.count, 0);
    gw_arena_free(&arena);
}

UNIT_MAIN(UNIT(they_are_told_by_line_and_else_as_they_came))
