/*
 * domain/remarks.c - see the header. Sentences are bounded by base/why.h, since names of strangers
 * may be in them. Pure.
 */
#include "domain/remarks.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/mem.h"
#include "base/why.h"

void gw_remark(struct gw_remarks *remarks, size_t line, const char *format, ...) {
    struct eg_why why = {.struct_size = sizeof why};
    va_list args;
    va_start(args, format);
    (void)gw_why_v(&why, EG_E_INVAL, format, args);
    va_end(args);
    if (remarks->count == remarks->room) {
        remarks->room = remarks->room == 0 ? 16 : remarks->room * 2;
        remarks->items =
            gw_realloc(remarks->items, gw_size_mul(remarks->room, sizeof *remarks->items));
    }
    remarks->items[remarks->count] =
        (struct gw_remark){.line = line,
                           .place = remarks->count,
                           .text = gw_arena_dup(remarks->arena, gw_why_str(&why))};
    remarks->count++;
}

static int by_line(const void *a, const void *b) {
    const struct gw_remark *x = a;
    const struct gw_remark *y = b;
    if (x->line != y->line) {
        return x->line < y->line ? -1 : 1;
    }
    return x->place < y->place ? -1 : x->place > y->place;
}

void gw_remarks_sort(struct gw_remarks *remarks) {
    if (remarks->count > 1) {
        qsort(remarks->items, remarks->count, sizeof *remarks->items, by_line);
    }
}

void gw_remarks_free(struct gw_remarks *remarks) {
    gw_free(remarks->items);
    remarks->items = NULL;
    remarks->count = remarks->room = 0;
}
