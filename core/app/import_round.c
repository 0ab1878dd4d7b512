/*
 * app/import_round.c - documents and store meet: every document becomes an object by the rules of
 * the Configuration API, functions are shown to their providers, and a plan is made. Control
 * thread.
 */
#include "app/import.h"

#include "base/check.h"
#include "base/jscan.h"
#include "base/mem.h"
#include "base/slice.h"
#include "state/function_rules.h"

void gw_import_round_free(struct gw_import_round *round) {
    for (size_t i = 0; i < round->held_count; i++) {
        gw_object_unref(round->held[i]);
    }
    gw_free(round->held);
    gw_plan_table_free(&round->table);
    gw_arena_free(&round->arena);
    *round = (struct gw_import_round){0};
}

static struct gw_object *hold(struct gw_import_round *round, struct gw_object *object) {
    round->held[round->held_count++] = object;
    return object;
}

/* ---- the store ---- */

static void add_stored(struct gw_import *import, const struct gw_everything *all) {
    struct gw_import_round *round = &import->round;
    for (size_t i = 0; i < all->count; i++) {
        const struct gw_stored *item = &all->items[i];
        if (item->object != NULL) {
            (void)hold(round, gw_object_ref(item->object));
        }
        gw_plan_add_stored(&round->table, item->kind, gw_arena_dup(&round->arena, item->space),
                           gw_arena_dup(&round->arena, item->id), item->revision, item->object);
    }
}

/* ---- one document ---- */

static void add_error(struct gw_import *import, const struct gw_document *document,
                      struct eg_str why) {
    gw_remark(&import->documents.errors, document->line, "%s %.*s/%.*s: %.*s",
              gw_kind_words[document->kind].metric, GW_FMT(document->space),
              GW_FMT(gw_str_sub(document->id, 0, 100)), GW_FMT(why));
}

/* Fields of `provider` that its table does not have would be dropped without a word. */
static void warn_unknown(struct gw_import *import, const struct gw_document *document,
                         const struct gw_function *function) {
    const struct eg_component *component =
        gw_manager_component(import->app->manager, EG_KIND_PROVIDER, function->type);
    struct gw_jval object = {.type = GW_J_NULL};
    struct gw_jval value;
    struct eg_str raw;
    size_t cursor = 0;
    if (component == NULL || function->provider_json.len == 0 ||
        gw_json_check(function->provider_json, 0, &object, NULL) < 0) {
        return;
    }
    const char **names = gw_arena_alloc(
        &import->round.arena, gw_size_mul(component->target_setting_count + 1, sizeof *names));
    while (gw_jobj_next(object, &cursor, &raw, &value)) {
        size_t i = 0;
        for (; i < component->target_setting_count; i++) {
            names[i] = component->target_settings[i]->name;
            if (gw_jname_eq_nocase(raw, gw_str_c(names[i]))) {
                break;
            }
        }
        if (i == component->target_setting_count) {
            const char *nearest = gw_str_nearest(raw, names, i);
            gw_remark(&import->documents.warnings, document->line,
                      "unknown field '%.*s' of provider '%s' is left out%s%s%s",
                      GW_FMT(gw_str_sub(raw, 0, 100)), component->name,
                      nearest == NULL ? "" : "; did you mean '", nearest == NULL ? "" : nearest,
                      nearest == NULL ? "" : "'?");
        }
    }
}

/* The object as its provider wants it; `sent` itself where there is none to ask. */
static int32_t bind(struct gw_import *import, const struct gw_document *document,
                    struct gw_object *sent, struct gw_object *stored, struct gw_object **ret_object,
                    struct gw_refusal *ret_refusal) {
    struct gw_object *bound = NULL;
    if (document->kind != GW_FUNCTION) {
        *ret_object = sent;
        return EG_OK;
    }
    int32_t rc = gw_function_bind(import->app->manager, sent, stored, true, &bound, ret_refusal);
    if (rc < 0) {
        return rc;
    }
    *ret_object = hold(&import->round, bound);
    rc = gw_object_validate(bound, ret_refusal);
    if (!import->is_removing) {
        warn_unknown(import, document, &sent->as.function);
    }
    return rc;
}

static void add_wanted(struct gw_import *import, const struct gw_document *document) {
    struct gw_import_round *round = &import->round;
    const struct gw_plan_entry *entry =
        gw_plan_find(&round->table, document->kind, document->space, document->id);
    const bool exists = entry != NULL && entry->revision != EG_REV_ABSENT;
    struct gw_refusal refusal = {.why = {.struct_size = sizeof refusal.why}};
    struct gw_object *sent = NULL;
    struct gw_object *wanted = NULL;
    int32_t rc = gw_document_object(document, exists, &sent, &refusal);
    if (rc == EG_OK) {
        (void)hold(round, sent);
        rc = bind(import, document, sent, exists ? entry->stored : NULL, &wanted, &refusal);
    }
    if (rc < 0) {
        add_error(import, document, gw_why_str(&refusal.why));
        return;
    }
    struct eg_why why = {.struct_size = sizeof why};
    if (gw_plan_add_wanted(&round->table, sent, wanted, document->line, &why) < 0) {
        gw_remark(&import->documents.errors, document->line, "%.*s", GW_FMT(gw_why_str(&why)));
    }
}

/* ---- the round ---- */

void gw_import_plan(struct gw_import *import, const struct gw_everything *all) {
    const struct gw_options *options = &import->app->options;
    struct gw_import_round *round = &import->round;
    const size_t most = gw_size_add(all->count, gw_size_mul(import->documents.count, 2));
    *round = (struct gw_import_round){.revision = all->revision};
    round->table.arena = &round->arena;
    round->held = gw_alloc(gw_size_mul(most + 1, sizeof(struct gw_object *)));
    add_stored(import, all);
    import->left_out = 0;
    for (size_t i = 0; i < import->documents.count; i++) {
        const struct gw_document *document = &import->documents.items[i];
        if (gw_transfer_has(&options->transfer, document->kind, document->space)) {
            add_wanted(import, document);
        } else {
            import->left_out++;
        }
    }
    if (import->documents.errors.count > 0) {
        return; /* what is missing would look like a broken reference */
    }
    const struct gw_plan_rules rules = {
        .is_pruning = options->transfer.is_pruning,
        .space = options->transfer.space,
        .kinds = gw_transfer_kinds(&options->transfer),
        .until = import->is_removing ? import->read_at : all->revision,
        .has_shared_paths = options->settings.events.refuse_cross_space_conflicts != 0,
    };
    gw_plan_make(&round->table, &rules, &round->plan, &import->documents.errors);
}
