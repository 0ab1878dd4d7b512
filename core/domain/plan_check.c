/*
 * domain/plan_check.c - the rules that rest on more than one object, asked of what would stand in
 * the end: references lead somewhere, and paths do not conflict. What is stored already, is not
 * touched and breaks them since long is nobody's fault here. Pure.
 */
#include "base/check.h"
#include "base/slice.h"
#include "domain/path_claims.h"
#include "domain/plan_inner.h"

struct checking {
    const struct gw_plan_table *table;
    const struct gw_plan_list *list;
    struct gw_remarks *errors;
};

/* ---- references ---- */

static void add_error(const struct checking *c, const struct gw_plan_entry *entry,
                      struct eg_str text) {
    struct gw_bytes name;
    gw_bytes_init(&name, 0);
    gw_plan_name(&name, entry);
    gw_remark(c->errors, entry->line, "%.*s: %.*s", GW_FMT(gw_bytes_str(&name)), GW_FMT(text));
    gw_bytes_free(&name);
}

/* entry goes while `user`, which stays, needs it. */
static void refuse_removal(const struct checking *c, const struct gw_plan_entry *entry,
                           const struct gw_plan_entry *user) {
    struct gw_bytes text;
    gw_bytes_init(&text, 0);
    gw_bytes_add_c(&text, "it cannot be removed: ");
    gw_plan_name(&text, user);
    gw_bytes_add_c(&text, ", which stays, uses it");
    add_error(c, entry, gw_bytes_str(&text));
    gw_bytes_free(&text);
}

/* The object that `entry` names has to be there in the end; `missing` says so in the words of the
 * Config API. */
static void check_reference(const struct checking *c, const struct gw_plan_entry *entry,
                            enum gw_kind kind, struct eg_str id, struct eg_str missing) {
    const struct gw_plan_entry *target = gw_plan_find(c->table, kind, entry->space, id);
    if (target != NULL && gw_plan_final(target) != NULL) {
        return;
    }
    if (entry->wanted != NULL) {
        add_error(c, entry, missing);
    } else if (target != NULL && target->is_removed) {
        refuse_removal(c, target, entry);
    }
}

static void check_part(const struct checking *c, const struct gw_plan_entry *entry,
                       enum gw_kind kind, struct eg_str id) {
    struct gw_refusal refusal;
    (void)gw_refuse_missing(kind, id, &refusal);
    check_reference(c, entry, kind, id, gw_why_str(&refusal.why));
}

static void check_references(const struct checking *c, const struct gw_plan_entry *entry) {
    const struct gw_object *object = gw_plan_final(entry);
    if (object == NULL) {
        return;
    }
    if (entry->kind == GW_SUBSCRIPTION) {
        check_part(c, entry, GW_EVENTTYPE, object->as.subscription.event_type);
        check_part(c, entry, GW_FUNCTION, object->as.subscription.function_id);
    } else if (entry->kind == GW_EVENTTYPE && object->as.eventtype.has_authorizer) {
        check_reference(c, entry, GW_FUNCTION, object->as.eventtype.authorizer_id,
                        GW_STR("Authorizer function doesn't exists."));
    }
}

/* ---- paths ---- */

static bool is_new(const struct gw_plan_entry *entry) {
    return entry->wanted != NULL && entry->is_changed && entry->stored == NULL;
}

/* Those that stay first: what lost a conflict before is not in the way (chapter 5.6), what is new
 * may not conflict with any of them. */
static void check_own_spaces(const struct checking *c) {
    struct gw_path_claims claims = {.arena = c->table->arena};
    struct gw_refusal refusal;
    for (size_t i = 0; i < c->list->count; i++) {
        const struct gw_plan_entry *entry = c->list->items[i];
        const struct gw_object *object = gw_plan_final(entry);
        if (object != NULL && !is_new(entry)) {
            (void)gw_path_claim(&claims, object, &refusal);
        }
    }
    for (size_t i = 0; i < c->list->count; i++) {
        const struct gw_plan_entry *entry = c->list->items[i];
        if (is_new(entry) && gw_path_claim(&claims, entry->wanted, &refusal) < 0) {
            add_error(c, entry, gw_why_str(&refusal.why));
        }
    }
    gw_path_claims_free(&claims);
}

/* Against all that stay, and against new ones that came before. One error for each is enough. */
static void check_other_spaces(const struct checking *c, struct gw_arena *scratch, size_t place) {
    const struct gw_plan_entry *entry = c->list->items[place];
    struct gw_refusal refusal;
    for (size_t i = 0; i < c->list->count; i++) {
        const struct gw_plan_entry *other = c->list->items[i];
        const struct gw_object *object = gw_plan_final(other);
        if (object == NULL || other->kind != entry->kind || (is_new(other) && i >= place)) {
            continue;
        }
        if (gw_path_check_pair(scratch, entry->wanted, object, &refusal) < 0) {
            add_error(c, entry, gw_why_str(&refusal.why));
            return;
        }
    }
}

void gw_plan_check(const struct gw_plan_table *table, const struct gw_plan_list *list,
                   const struct gw_plan_rules *rules, struct gw_remarks *errors) {
    const struct checking checking = {.table = table, .list = list, .errors = errors};
    struct gw_arena scratch = {0};
    for (size_t i = 0; i < list->count; i++) {
        check_references(&checking, list->items[i]);
    }
    check_own_spaces(&checking);
    for (size_t i = 0; rules->has_shared_paths && i < list->count; i++) {
        const struct gw_plan_entry *entry = list->items[i];
        if (is_new(entry) && (entry->kind == GW_SUBSCRIPTION || entry->kind == GW_CORS)) {
            check_other_spaces(&checking, &scratch, i);
        }
    }
    gw_arena_free(&scratch);
}
