/*
 * domain/plan.h - from the objects that are wanted and those that are stored to the writes between
 * them. All rules that rest on more than one object are asked of what would stand in the end, so
 * that a plan without errors breaks nothing. Pure; one thread.
 *
 * The rules are those of the Config API, with one difference: there a sync subscription gets
 * another function by a delete and a create; here it is one update, so that no event falls between.
 */
#ifndef GW_DOMAIN_PLAN_H
#define GW_DOMAIN_PLAN_H

#include "base/map.h"
#include "domain/object.h"
#include "domain/remarks.h"

enum gw_plan_op { GW_PLAN_CREATE, GW_PLAN_UPDATE, GW_PLAN_DELETE, GW_PLAN_OPS };
extern const char *const gw_plan_words[GW_PLAN_OPS]; /* "create", ... */

/* The place of a kind when objects are written or listed: what is referred to comes first. */
unsigned gw_plan_order(enum gw_kind kind);

/* What is known of one key of the store. */
struct gw_plan_entry {
    enum gw_kind kind;
    struct eg_str space;
    struct eg_str id;
    uint64_t revision;        /* EG_REV_ABSENT: it is not stored */
    struct gw_object *stored; /* NULL: not there, or unreadable */
    struct gw_object *sent;   /* as the file has it; NULL: it does not */
    struct gw_object *wanted; /* sent, normalised by its provider */
    size_t line;              /* of sent */
    bool is_removed;
    bool is_changed;
};

/* Where documents and store meet: everything by its key. */
struct gw_plan_table {
    struct gw_arena *arena; /* borrowed; holds the entries */
    struct gw_map entries;
};
/* Borrows texts and object. */
void gw_plan_add_stored(struct gw_plan_table *table, enum gw_kind kind, struct eg_str space,
                        struct eg_str id, uint64_t revision, struct gw_object *object);
/* NULL when there is none. */
struct gw_plan_entry *gw_plan_find(const struct gw_plan_table *table, enum gw_kind kind,
                                   struct eg_str space, struct eg_str id);
/* Borrows both. EG_E_EXISTS and a sentence when the file had that object before. */
int32_t gw_plan_add_wanted(struct gw_plan_table *table, struct gw_object *sent,
                           struct gw_object *wanted, size_t line, struct eg_why *ret_why);
void gw_plan_table_free(struct gw_plan_table *table); /* neither arena nor objects */

struct gw_plan_step {
    enum gw_plan_op op;
    unsigned phase; /* all steps of one phase may be done at once, in any order */
    const struct gw_plan_entry *entry;
};
struct gw_plan {
    const struct gw_plan_step *steps; /* in order of phases, then of spaces and ids */
    size_t step_count;
    size_t counts[GW_PLAN_OPS];
    size_t unchanged;
};
struct gw_plan_rules {
    bool is_pruning;       /* what is stored and not wanted is removed, */
    struct eg_str space;   /* but of this space only, if not empty, */
    unsigned kinds;        /* of these kinds only: bits 1 << gw_kind, */
    uint64_t until;        /* and only if nobody touched it after this revision */
    bool has_shared_paths; /* paths conflict across spaces too (Q27) */
};
/* The plan lives in the table's arena. Everything that is against it is added to the errors; the
 * plan is then of no use. */
void gw_plan_make(struct gw_plan_table *table, const struct gw_plan_rules *rules,
                  struct gw_plan *ret_plan, struct gw_remarks *errors);

/* "function default/hello", for people. */
void gw_plan_name(struct gw_bytes *out, const struct gw_plan_entry *entry);
/* One line for people: what happens to which object, and which fields change; no values of them. */
void gw_plan_describe(struct gw_bytes *out, const struct gw_plan_step *step);

#endif
