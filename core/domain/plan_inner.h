/* domain/plan_inner.h - what the files of the plan share. */
#ifndef GW_DOMAIN_PLAN_INNER_H
#define GW_DOMAIN_PLAN_INNER_H

#include "domain/plan.h"

/* All entries in the order of gw_plan_order. */
struct gw_plan_list {
    struct gw_plan_entry **items;
    size_t count;
};

/* The object that stands there in the end, or NULL. */
static inline struct gw_object *gw_plan_final(const struct gw_plan_entry *entry) {
    if (entry->wanted != NULL) {
        return entry->wanted;
    }
    return entry->is_removed ? NULL : entry->stored;
}

/* References and paths; see plan_check.c. */
void gw_plan_check(const struct gw_plan_table *table, const struct gw_plan_list *list,
                   const struct gw_plan_rules *rules, struct gw_remarks *errors);

#endif
