/*
 * domain/remarks.h - sentences about places in a file, collected so that all are told at once. One
 * thread.
 */
#ifndef GW_DOMAIN_REMARKS_H
#define GW_DOMAIN_REMARKS_H

#include "base/arena.h"

struct gw_remark {
    size_t line;  /* 0 = about no place in the file */
    size_t place; /* in the order of coming */
    struct eg_str text;
};
/* Zeroed = empty. Texts are in the arena, which is borrowed. */
struct gw_remarks {
    struct gw_remark *items;
    size_t count;
    size_t room;
    struct gw_arena *arena;
};

void gw_remark(struct gw_remarks *remarks, size_t line, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void gw_remarks_sort(struct gw_remarks *remarks); /* by line, else as they came */
void gw_remarks_free(struct gw_remarks *remarks); /* not the arena */

#endif
