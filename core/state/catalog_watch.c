/*
 * state/catalog_watch.c - the cache: what the watch tells becomes objects.
 *
 * The plugin may tell changes on any thread; each is copied and posted to the control loop, in
 * order. First content and content after RESET go into `fresh`, while routing goes on with what was
 * there; SYNCED puts it in place, so what was not repeated is gone (no ghosts), and objects whose
 * revision did not change stay the same objects, so that their bound targets stay too. A watch that
 * ends by itself is begun anew after a pause (Q29).
 *
 * A value that does not parse is left out, counted and named in the log; all else keeps working.
 *
 * Thread: control, but on_changed, which may run anywhere.
 */
#include <string.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/codec.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/slice.h"
#include "base/why.h"
#include "state/catalog_inner.h"

#define FIRST_BACK_OFF_NS (250 * GW_NS_PER_MS)
/* A node has to be up to date 5 s after the store is back. */
#define LAST_BACK_OFF_NS (2 * GW_NS_PER_S)

static void log_bad(const struct gw_record *record, const struct eg_why *why) {
    GW_LOG(EG_LOG_ERROR, "a stored configuration record cannot be read and is left out",
           {GW_STR("key"), record->key}, {GW_STR("reason"), gw_why_str(why)});
}

/* ---- changes ---- */

static struct gw_content *target_of(struct gw_catalog *catalog) {
    return catalog->is_resyncing ? &catalog->fresh : &catalog->content;
}

static void defer_on_change(struct gw_catalog *catalog);

/* The content is that of the store now. */
static void note_sync(struct gw_catalog *catalog) {
    if (catalog->down_ns != 0 && catalog->is_ready) {
        const uint64_t away_s = (gw_monotonic_ns() - catalog->down_ns) / GW_NS_PER_S;
        gw_logf(EG_LOG_INFO, "the storage can be reached again, after %llu s",
                (unsigned long long)away_s);
    }
    catalog->is_up = true;
    catalog->down_ns = 0;
    catalog->behind_ns = 0;
}

static void note_behind(struct gw_catalog *catalog) {
    if (catalog->behind_ns == 0) {
        catalog->behind_ns = gw_monotonic_ns();
    }
}

static void note_down(struct gw_catalog *catalog) {
    catalog->is_up = false;
    if (catalog->down_ns == 0) {
        catalog->down_ns = gw_monotonic_ns();
    }
    note_behind(catalog);
    if (!catalog->is_ready) {
        gw_copy_ask(catalog);
    }
}

/* Writes that are told in the meantime make a new oldest one, whose time is not known: it counts
 * from now. */
static void check_awaited(struct gw_catalog *catalog) {
    struct gw_awaited *awaited = &catalog->awaited;
    if (awaited->revision == 0 || awaited->revision > catalog->revision) {
        return;
    }
    *awaited = (struct gw_awaited){0};
    gw_catalog_note_written(catalog, catalog->written);
}

/* What was told last was put or removed at this revision: all before it was told before. Others may
 * have been put in the same step, and be told next; but not when it was this node's write, which is
 * of one key. */
static void note_settled(struct gw_catalog *catalog, uint64_t revision) {
    const uint64_t settled =
        revision == catalog->written || revision == 0 ? revision : revision - 1;
    if (settled > catalog->settled) {
        catalog->settled = settled;
    }
}

void gw_catalog_note_written(struct gw_catalog *catalog, uint64_t revision) {
    if (revision > catalog->written) {
        catalog->written = revision;
    }
    if (revision != 0 && revision == catalog->revision && !catalog->is_resyncing) {
        note_settled(catalog, revision); /* it was told before it was answered */
    }
    if (revision > catalog->revision && catalog->awaited.revision == 0) {
        catalog->awaited = (struct gw_awaited){.revision = revision, .since_ns = gw_monotonic_ns()};
    }
}

/* Only what leads to a new snapshot moves the revision: a key of somebody else does not, or those
 * who wait until a revision is routed would wait for ever. While resynchronising the content is
 * still that of the old revision. */
static void note_change(struct gw_catalog *catalog, const struct eg_change *change) {
    if (!catalog->is_resyncing && change->revision > catalog->revision) {
        catalog->revision = change->revision;
        note_settled(catalog, change->revision);
    }
    defer_on_change(catalog);
}

static void apply_put(struct gw_catalog *catalog, const struct eg_change *change) {
    struct gw_content *content = target_of(catalog);
    struct eg_why why = {.struct_size = sizeof why};
    struct gw_record *record = NULL;
    const struct gw_record *known = gw_content_get(content, change->key);
    if (known == NULL) {
        known = gw_content_get(&catalog->content, change->key);
    }
    const struct gw_told_value told = {.key = change->key,
                                       .value = change->value,
                                       .revision = change->revision,
                                       .created = change->created};
    if (gw_record_read(&told, known, &record, &why) < 0) {
        return; /* a directory key, or somebody else's */
    }
    if (record->object == NULL && why.len > 0) {
        log_bad(record, &why);
    }
    gw_content_put(content, record);
    note_change(catalog, change);
}

/* Also of what was never told: whoever waits for the revision of its put would wait for ever, when
 * the store keeps no history and both came between two looks. */
static void apply_remove(struct gw_catalog *catalog, const struct eg_change *change) {
    enum gw_kind kind = GW_KINDS;
    struct eg_str space = {0};
    struct eg_str id = {0};
    if (gw_store_key_parse(change->key, &kind, &space, &id) < 0) {
        return;
    }
    (void)gw_content_remove(target_of(catalog), change->key);
    note_change(catalog, change);
}

void gw_catalog_become_ready(struct gw_catalog *catalog, int32_t status, struct eg_str why) {
    void (*on_ready)(void *arg, int32_t status, struct eg_str why) = catalog->on_ready;
    gw_timer_stop(catalog->config.control, &catalog->ready_timer);
    gw_timer_stop(catalog->config.control, &catalog->copy.patience);
    catalog->on_ready = NULL;
    if (on_ready != NULL && !catalog->is_stopping) {
        on_ready(catalog->ready_arg, status, why);
    }
}

static void replace_content(struct gw_catalog *catalog) {
    gw_content_free(&catalog->content);
    catalog->content = catalog->fresh;
    memset(&catalog->fresh, 0, sizeof catalog->fresh);
    catalog->is_resyncing = false;
    if (catalog->copy.is_used) {
        catalog->copy.is_used = false;
        gw_logf(EG_LOG_INFO,
                "the configuration of the storage replaces the cached copy: %zu "
                "objects",
                catalog->content.records.count - catalog->content.bad_count);
    }
}

/* A write that was answered and is not in the whole content at a lower revision is lost, with the
 * store's memory of it: nothing will ever tell it. One that was answered while that content was
 * told comes after it, and is known again then. */
static void forget_lost(struct gw_catalog *catalog, uint64_t revision) {
    if (catalog->written > revision) {
        catalog->written = revision;
    }
    if (catalog->awaited.revision > revision) {
        catalog->awaited = (struct gw_awaited){0};
    }
}

static void apply_synced(struct gw_catalog *catalog, const struct eg_change *change) {
    const bool was_ready = catalog->is_ready;
    if (catalog->is_resyncing || change->revision < catalog->revision) {
        forget_lost(catalog, change->revision);
    }
    if (catalog->is_resyncing) {
        replace_content(catalog);
    }
    catalog->revision = change->revision;
    catalog->settled = change->revision;
    catalog->back_off_ns = 0;
    note_sync(catalog);
    catalog->is_ready = true;
    if (was_ready) {
        defer_on_change(catalog);
    } else {
        gw_copy_refresh(catalog);
        gw_catalog_become_ready(catalog, EG_OK, (struct eg_str){0});
    }
}

static void begin_resync(struct gw_catalog *catalog) {
    gw_content_free(&catalog->fresh);
    catalog->is_resyncing = true;
    note_behind(catalog);
}

static void apply_reset(struct gw_catalog *catalog, const struct eg_change *change) {
    (void)change;
    begin_resync(catalog);
}

static void apply_down(struct gw_catalog *catalog, const struct eg_change *change) {
    (void)gw_why(&catalog->down_why, EG_E_UNAVAILABLE, "%.*s", GW_FMT(change->message));
    GW_LOG(EG_LOG_ERROR,
           catalog->is_ready ? "the storage cannot be reached; routing goes on with what is known"
                             : "the storage cannot be reached",
           {GW_STR("reason"), change->message});
    note_down(catalog);
}

static void watch_again(struct gw_timer *timer) {
    gw_catalog_watch(GW_CONTAINER(timer, struct gw_catalog, back_off));
}

/* Full jitter: nodes that lost the same store do not come back to it all at once. */
static void back_off(struct gw_catalog *catalog) {
    const uint64_t next = catalog->back_off_ns * 2;
    uint64_t chance = 0;
    catalog->back_off_ns = next < FIRST_BACK_OFF_NS  ? FIRST_BACK_OFF_NS
                           : next > LAST_BACK_OFF_NS ? LAST_BACK_OFF_NS
                                                     : next;
    gw_random(&chance, sizeof chance);
    gw_timer_start(catalog->config.control, &catalog->back_off, chance % (catalog->back_off_ns + 1),
                   watch_again);
}

static void apply_closed(struct gw_catalog *catalog, const struct eg_change *change) {
    (void)change;
    catalog->feed.is_open = false;
    if (catalog->is_stopping) {
        gw_catalog_check_stopped(catalog);
        return;
    }
    gw_logf(EG_LOG_ERROR, "the storage has ended the watch; it is begun anew");
    if (catalog->is_up) {
        (void)gw_why(&catalog->down_why, EG_E_UNAVAILABLE, "the storage has ended the watch");
    }
    note_down(catalog);
    back_off(catalog);
}

/* ---- from the plugin ---- */

static void (*const appliers[])(struct gw_catalog *, const struct eg_change *) = {
    [EG_CHANGE_PUT] = apply_put,       [EG_CHANGE_REMOVE] = apply_remove,
    [EG_CHANGE_SYNCED] = apply_synced, [EG_CHANGE_RESET] = apply_reset,
    [EG_CHANGE_DOWN] = apply_down,     [EG_CHANGE_CLOSED] = apply_closed,
};

/* A copy of a change on its way to the control loop. */
struct told {
    struct gw_task task;
    struct gw_catalog *catalog;
    struct eg_change change;
};

static void apply(struct gw_task *task) {
    struct told *told = GW_CONTAINER(task, struct told, task);
    struct gw_catalog *catalog = told->catalog;
    const struct eg_change *change = &told->change;
    GW_MAGIC_CHECK(catalog, GW_CATALOG_MAGIC);
    const bool is_content = change->kind == EG_CHANGE_PUT || change->kind == EG_CHANGE_REMOVE;
    if (is_content && !catalog->is_resyncing && !catalog->is_stopping) {
        note_sync(catalog);
    }
    if (!catalog->is_stopping || catalog->is_heard_out || change->kind == EG_CHANGE_CLOSED) {
        appliers[change->kind](catalog, change);
        check_awaited(catalog);
        gw_metric_set(catalog->bad_records, (int64_t)catalog->content.bad_count);
        gw_catalog_check_heard(catalog);
    }
    gw_free(told);
}

static char *copy_text(char *at, struct eg_str from, struct eg_str *ret_to) {
    if (from.len > 0) {
        memcpy(at, from.ptr, from.len);
    }
    *ret_to = gw_str(at, from.len);
    return at + from.len;
}

/* Any thread. The kinds of later ABIs are not known here and say nothing to us. */
static void on_changed(struct eg_watch *watch, const struct eg_change *change) {
    struct gw_feed *feed = GW_CONTAINER(watch, struct gw_feed, pub);
    if (!EG_HAS(change, message) || change->kind == 0 || change->kind >= GW_COUNT(appliers)) {
        return;
    }
    const size_t texts =
        gw_size_add(gw_size_add(change->key.len, change->value.len), change->message.len);
    struct told *told = gw_alloc(gw_size_add(sizeof *told, texts));
    char *at = (char *)(told + 1);
    told->catalog = feed->catalog;
    told->change = (struct eg_change){.struct_size = sizeof told->change,
                                      .kind = change->kind,
                                      .revision = change->revision,
                                      .created = EG_HAS(change, created) ? change->created : 0};
    at = copy_text(at, change->key, &told->change.key);
    at = copy_text(at, change->value, &told->change.value);
    (void)copy_text(at, change->message, &told->change.message);
    told->task.fn = apply;
    gw_loop_post(feed->catalog->config.control, &told->task);
}

static void tell_change(struct gw_task *task) {
    struct gw_catalog *catalog = GW_CONTAINER(task, struct gw_catalog, change_task);
    if (catalog->is_stopping) {
        return;
    }
    if (!catalog->copy.is_used) {
        gw_copy_refresh(catalog);
    }
    if (catalog->config.on_change != NULL) {
        catalog->config.on_change(catalog->config.arg, catalog);
    }
}

/* One call for all changes that came together; none before the first content is there. */
static void defer_on_change(struct gw_catalog *catalog) {
    if (!catalog->is_ready || catalog->is_resyncing) {
        return;
    }
    gw_copy_mark(catalog);
    if (gw_node_linked(&catalog->change_task.node)) {
        return;
    }
    catalog->change_task.fn = tell_change;
    gw_loop_defer(catalog->config.control, &catalog->change_task);
}

/* ---- beginning and end ---- */

static void on_not_ready(struct gw_timer *timer) {
    struct gw_catalog *catalog = GW_CONTAINER(timer, struct gw_catalog, ready_timer);
    struct eg_str why = gw_why_str(&catalog->down_why);
    if (why.len == 0) {
        why = GW_STR("the storage did not tell its content in time");
    }
    gw_catalog_become_ready(catalog, EG_E_UNAVAILABLE, why);
}

void gw_catalog_watch(struct gw_catalog *catalog) {
    const struct gw_instance *storage = catalog->config.storage;
    catalog->feed = (struct gw_feed){
        .pub = {.struct_size = sizeof catalog->feed.pub, .changed = on_changed},
        .catalog = catalog,
        .is_open = true,
    };
    begin_resync(catalog);
    if (catalog->on_ready != NULL && !gw_timer_armed(&catalog->ready_timer)) {
        gw_timer_start(catalog->config.control, &catalog->ready_timer, GW_CATALOG_START_NS,
                       on_not_ready);
    }
    const int32_t rc =
        catalog->ops->watch(storage->self, GW_STR(GW_STORE_ROOT), 0, &catalog->feed.pub);
    if (rc < 0) {
        catalog->feed.is_open = false;
        (void)gw_why(&catalog->down_why, rc, "the storage refused to be watched: %s",
                     gw_error_text(rc));
        GW_LOG(EG_LOG_ERROR, "no watch of the configuration",
               {GW_STR("reason"), gw_why_str(&catalog->down_why)});
        note_down(catalog);
        back_off(catalog);
    }
}

void gw_catalog_unwatch(struct gw_catalog *catalog) {
    gw_timer_stop(catalog->config.control, &catalog->back_off);
    gw_timer_stop(catalog->config.control, &catalog->ready_timer);
    if (catalog->feed.is_open) {
        catalog->ops->unwatch(catalog->config.storage->self, &catalog->feed.pub);
    }
}
