/*
 * app/import_write.c - the steps of a plan become writes of the store: several at once within a
 * phase, the next phase when all have been answered. Each write names the revision that the plan
 * has seen, and what it refers to, so that a store with transactions refuses it when somebody else
 * has been there. After the first failure nothing more is sent; what is done stays done, and is
 * nothing to do for the next import of the same file.
 *
 * Control thread. The object of a step is held by the round.
 */
#include <stdio.h>
#include <unistd.h>

#include "app/import.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/slice.h"

#define PROGRESS_EVERY_NS (200 * GW_NS_PER_MS)

struct sent {
    struct gw_import *import;
    const struct gw_plan_step *step;
    void (*on_written)(struct gw_import *import);
};

static void send_more(struct gw_import *import, void (*on_written)(struct gw_import *import));

static bool is_mine(const struct gw_import *import, const struct gw_plan_step *step) {
    return (step->op == GW_PLAN_DELETE) == import->is_removing;
}

/* ---- what is told meanwhile ---- */

static void show_progress(struct gw_import *import) {
    const uint64_t now_ns = gw_monotonic_ns();
    const struct gw_plan *plan = &import->round.plan;
    if (isatty(STDERR_FILENO) == 0 || now_ns - import->shown_ns < PROGRESS_EVERY_NS) {
        return;
    }
    import->shown_ns = now_ns;
    (void)dprintf(STDERR_FILENO, "\rwritten %zu of %zu ", import->next, plan->step_count);
}

static void end_progress(const struct gw_import *import) {
    if (import->shown_ns != 0) {
        (void)dprintf(STDERR_FILENO, "\n");
    }
}

/* ---- one write ---- */

static void fail(struct gw_import *import, const struct gw_plan_step *step, int32_t status,
                 struct eg_str why) {
    struct gw_bytes text;
    gw_bytes_init(&text, 0);
    gw_bytes_addf(&text, "cannot %s ", gw_plan_words[step->op]);
    gw_plan_name(&text, step->entry);
    if (gw_catalog_is_lost_race(status)) {
        gw_bytes_add_c(&text, ": it, or what it refers to, was changed by somebody else meanwhile");
    } else {
        gw_bytes_addf(&text, ": %.*s", GW_FMT(why));
    }
    import->is_failed = true;
    gw_import_fail(import, status,
                   gw_catalog_is_lost_race(status) ? GW_EXIT_CONFLICT : GW_EXIT_FAILED,
                   gw_bytes_str(&text));
    gw_bytes_free(&text);
}

static void on_answer(void *arg, int32_t status, struct eg_str why, uint64_t revision) {
    const struct sent *sent = arg;
    struct gw_import *import = sent->import;
    (void)revision;
    import->under_way--;
    if (status < 0 && !import->is_failed) {
        fail(import, sent->step, status, why);
    } else if (status == EG_OK) {
        import->done[sent->step->op]++;
    }
    show_progress(import);
    send_more(import, sent->on_written);
}

/* The revision under which the object stands now. */
static uint64_t present_revision(const struct gw_plan_entry *entry) {
    const bool is_written = entry->wanted != NULL && entry->is_changed;
    return is_written ? entry->wanted->revision : entry->revision;
}

static void add_basis(const struct gw_import *import, struct gw_catalog_write *write,
                      struct gw_basis *bases, const struct gw_plan_entry *entry, enum gw_kind kind,
                      struct eg_str id) {
    const struct gw_plan_entry *target = gw_plan_find(&import->round.table, kind, entry->space, id);
    GW_ASSERT(target != NULL); /* the plan has seen to it */
    bases[write->basis_count++] = (struct gw_basis){.need = {.kind = kind, .id = target->id},
                                                    .revision = present_revision(target)};
}

/* What an object refers to still stands. (That nobody has taken a conflicting path meanwhile is not
 * asked: a check of all subscriptions would fail at those of this import. Routing knows who wins.)
 */
static void rest_on_parts(const struct gw_import *import, struct gw_catalog_write *write,
                          struct gw_basis *bases, const struct gw_plan_entry *entry) {
    const struct gw_object *object = entry->wanted;
    if (entry->kind == GW_SUBSCRIPTION) {
        add_basis(import, write, bases, entry, GW_EVENTTYPE, object->as.subscription.event_type);
        add_basis(import, write, bases, entry, GW_FUNCTION, object->as.subscription.function_id);
    } else if (entry->kind == GW_EVENTTYPE && object->as.eventtype.has_authorizer) {
        add_basis(import, write, bases, entry, GW_FUNCTION, object->as.eventtype.authorizer_id);
    }
}

/* Since the round has read the store nothing was written that could use what is removed. */
static void rest_on_users(const struct gw_import *import, struct gw_catalog_write *write,
                          struct gw_basis *bases, const struct gw_plan_entry *entry) {
    static const enum gw_kind users[] = {GW_SUBSCRIPTION, GW_EVENTTYPE};
    const size_t count = entry->kind == GW_FUNCTION ? 2 : entry->kind == GW_EVENTTYPE ? 1 : 0;
    for (size_t i = 0; i < count; i++) {
        bases[write->basis_count++] =
            (struct gw_basis){.need = {.kind = users[i]}, .revision = import->round.revision};
    }
}

static void send(struct gw_import *import, const struct gw_plan_step *step,
                 void (*on_written)(struct gw_import *import)) {
    const struct gw_plan_entry *entry = step->entry;
    struct gw_basis bases[GW_MAX_NEEDS];
    struct sent *sent = gw_arena_alloc(&import->round.arena, sizeof *sent);
    *sent = (struct sent){.import = import, .step = step, .on_written = on_written};
    struct gw_catalog_write write = {
        .object = step->op == GW_PLAN_DELETE ? NULL : entry->wanted,
        .kind = entry->kind,
        .space = entry->space,
        .id = entry->id,
        .expect_revision = entry->revision,
        .bases = bases,
        .deadline_ns = gw_store_session_deadline(import->app),
        .on_written = on_answer,
        .arg = sent,
    };
    if (step->op == GW_PLAN_DELETE) {
        rest_on_users(import, &write, bases, entry);
    } else {
        rest_on_parts(import, &write, bases, entry);
    }
    import->under_way++;
    gw_catalog_write(import->app->catalog, &write);
}

/* ---- all of them ---- */

/* The next step that may be sent now, or NULL. */
static const struct gw_plan_step *next_step(struct gw_import *import) {
    const struct gw_plan *plan = &import->round.plan;
    while (import->next < plan->step_count && !is_mine(import, &plan->steps[import->next])) {
        import->next++;
    }
    if (import->is_failed || import->next == plan->step_count ||
        import->under_way == GW_IMPORT_AT_ONCE) {
        return NULL;
    }
    const struct gw_plan_step *step = &plan->steps[import->next];
    const bool is_same_phase = import->next > 0 && step[-1].phase == step->phase;
    return import->under_way == 0 || is_same_phase ? step : NULL;
}

static void send_more(struct gw_import *import, void (*on_written)(struct gw_import *import)) {
    const struct gw_plan_step *step;
    while ((step = next_step(import)) != NULL) {
        import->next++;
        send(import, step, on_written);
    }
    if (import->under_way == 0) {
        end_progress(import);
        on_written(import);
    }
}

void gw_import_write(struct gw_import *import, void (*on_written)(struct gw_import *import)) {
    import->next = 0;
    import->shown_ns = 0;
    send_more(import, on_written);
}
