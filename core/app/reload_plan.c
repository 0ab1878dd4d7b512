/*
 * app/reload_plan.c - from the components at work to those that the new configuration wants. Who
 * keeps settings and component stays as it is, with all that it has learned (limits, caches,
 * windows), wherever in its chain; every other one gets a new instance, and so does who is named in
 * `replace`: files that settings point to may have changed, which only the plugin knows. The
 * storage stays in any case: the catalog's whole life hangs on it. Control thread.
 */
#include "app/reload.h"

#include "base/check.h"
#include "base/slice.h"
#include "base/why.h"

struct plan {
    struct gw_reload *reload;
    const struct gw_chains *present;
    bool *is_used[GW_KIND_COUNT];   /* instances of the present chains that have a row */
    size_t furthest[GW_KIND_COUNT]; /* place of the last one that stayed or was replaced */
};

/* The first instance of the component that has no row yet; count of the chain when there is none.
 */
static size_t find_former(const struct plan *plan, const struct eg_component *component) {
    const struct gw_chain_of_kind *chain = &plan->present->of_kind[component->kind];
    size_t i = 0;
    while (i < chain->count &&
           (plan->is_used[component->kind][i] || chain->items[i]->component != component)) {
        i++;
    }
    return i;
}

static void add_row(struct gw_reload *reload, const struct gw_fate_row *row) {
    reload->rows[reload->row_count++] = *row;
    reload->has_change = reload->has_change || (row->fate != GW_KEPT && row->fate != GW_WAITS);
}

static bool is_named(struct eg_str names, const char *name) {
    struct eg_str item;
    while (gw_str_next(&names, ',', &item)) {
        if (gw_str_eq(item, gw_str_c(name))) {
            return true;
        }
    }
    return false;
}

static enum gw_fate fate_of(const struct gw_reload *reload, const struct gw_instance *former,
                            struct eg_str normal, bool is_moved) {
    if (!gw_str_eq(former->normal, normal) || is_named(reload->replace, former->name)) {
        return former->component->kind == EG_KIND_STORAGE ? GW_WAITS : GW_REPLACED;
    }
    return is_moved ? GW_MOVED : GW_KEPT;
}

static int32_t plan_one(struct plan *plan, const struct gw_wanted *wanted, struct eg_why *ret_why) {
    const struct eg_component *component = wanted->component;
    const struct gw_chain_of_kind *chain = &plan->present->of_kind[component->kind];
    const size_t at = find_former(plan, component);
    struct gw_fate_row row = {.component = component, .wanted = wanted, .fate = GW_CREATED};
    struct eg_str normal = {0};
    const int32_t rc = gw_component_normal(component, wanted->inputs, wanted->input_count,
                                           &plan->reload->fresh.source.arena, &normal, ret_why);
    if (rc < 0) {
        return rc;
    }
    if (at < chain->count) {
        size_t *furthest = &plan->furthest[component->kind];
        row.former = chain->items[at];
        row.fate = fate_of(plan->reload, row.former, normal, at < *furthest);
        plan->is_used[component->kind][at] = true;
        *furthest = at > *furthest ? at : *furthest;
    } else if (component->kind == EG_KIND_STORAGE) {
        return EG_OK; /* another store: store.backend is told to wait */
    }
    add_row(plan->reload, &row);
    return EG_OK;
}

/* Also the storage that is at work, if another one is wanted: it has to be in the new set. */
static void plan_rest(struct plan *plan) {
    for (uint32_t kind = 0; kind < GW_KIND_COUNT; kind++) {
        const struct gw_chain_of_kind *chain = &plan->present->of_kind[kind];
        for (size_t i = 0; i < chain->count; i++) {
            if (!plan->is_used[kind][i]) {
                add_row(plan->reload, &(struct gw_fate_row){
                                          .component = chain->items[i]->component,
                                          .former = chain->items[i],
                                          .fate = kind == EG_KIND_STORAGE ? GW_WAITS : GW_REMOVED});
            }
        }
    }
}

/* Whoever asks for a component to be replaced is told when that cannot be. */
static int32_t check_replace(const struct gw_reload *reload, struct eg_why *ret_why) {
    const struct gw_manager *manager = reload->app->manager;
    struct eg_str names = reload->replace;
    struct eg_str name;
    while (gw_str_next(&names, ',', &name)) {
        const struct eg_component *component = gw_manager_component(manager, 0, name);
        size_t i = 0;
        while (i < reload->row_count && reload->rows[i].component != component) {
            i++;
        }
        if (component == NULL) {
            return gw_why(ret_why, EG_E_NOTFOUND, "replace: no component '%.*s' is installed",
                          GW_FMT(name));
        }
        if (i == reload->row_count) {
            return gw_why(ret_why, EG_E_NOTFOUND, "replace: component '%.*s' is not in use",
                          GW_FMT(name));
        }
        if (component->kind == EG_KIND_STORAGE) {
            return gw_why(
                ret_why, EG_E_INVAL,
                "replace: '%.*s' is the storage, which is replaced at the next start only",
                GW_FMT(name));
        }
    }
    return EG_OK;
}

/* Whoever names a new plugin and uses it at once is told why that does not work. */
static int32_t explain(const struct gw_reload *reload, int32_t rc, struct eg_why *ret_why) {
    const struct gw_plugins_settings *before = &reload->app->options.settings.plugins;
    const struct gw_plugins_settings *after = &reload->fresh.settings.plugins;
    bool is_same =
        gw_str_eq(before->directory, after->directory) && before->load.count == after->load.count;
    for (size_t i = 0; is_same && i < after->load.count; i++) {
        is_same = gw_str_eq(before->load.items[i], after->load.items[i]);
    }
    if (is_same || rc != EG_E_NOTFOUND) {
        return rc;
    }
    const struct eg_why why = *ret_why;
    return gw_why(ret_why, rc,
                  "%.*s; plugin files that are named anew are loaded at the next start",
                  GW_FMT(gw_why_str(&why)));
}

int32_t gw_reload_plan(struct gw_reload *reload, struct eg_why *ret_why) {
    struct gw_arena *arena = &reload->fresh.source.arena;
    struct plan plan = {.reload = reload, .present = gw_manager_chains(reload->app->manager)};
    struct gw_wanted_list list = {0};
    int32_t rc = gw_app_want(reload->app, &reload->fresh, &list, ret_why);
    if (rc < 0) {
        return explain(reload, rc, ret_why);
    }
    size_t count = list.count + 1;
    for (size_t kind = 0; kind < GW_KIND_COUNT; kind++) {
        const size_t former = plan.present->of_kind[kind].count;
        plan.is_used[kind] = gw_arena_zalloc(arena, former + 1);
        count = gw_size_add(count, former);
    }
    reload->rows = gw_arena_zalloc(arena, gw_size_mul(count, sizeof *reload->rows));
    for (size_t i = 0; i < list.count && rc == EG_OK; i++) {
        rc = plan_one(&plan, &list.items[i], ret_why);
    }
    if (rc == EG_OK) {
        plan_rest(&plan);
        rc = check_replace(reload, ret_why);
    }
    return rc;
}

int32_t gw_reload_create(struct gw_reload *reload, struct eg_why *ret_why) {
    int32_t rc = EG_OK;
    for (size_t i = 0; i < reload->row_count && rc == EG_OK; i++) {
        const struct gw_fate_row *row = &reload->rows[i];
        struct gw_instance *made = NULL;
        if (row->fate == GW_CREATED || row->fate == GW_REPLACED) {
            rc = gw_change_add(reload->change, row->component, row->wanted->inputs,
                               row->wanted->input_count, &made, ret_why);
        } else if (row->fate != GW_REMOVED) {
            gw_change_keep(reload->change, row->former);
        }
    }
    return rc;
}
