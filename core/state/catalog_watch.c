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
#include "base/log.h"
#include "base/mem.h"
#include "base/slice.h"
#include "base/why.h"
#include "state/catalog_inner.h"

#define FIRST_BACK_OFF_NS (250 * GW_NS_PER_MS)
#define LAST_BACK_OFF_NS (30 * GW_NS_PER_S)

/* ---- content ---- */

static void record_free(struct gw_record *record) {
    if (record != NULL) {
        gw_object_unref(record->object);
        gw_free(record);
    }
}

void gw_content_free(struct gw_content *content) {
    const struct gw_map_slot *slot = NULL;
    for (size_t i = 0; (slot = gw_map_next(&content->records, &i)) != NULL;) {
        record_free(slot->value);
    }
    gw_map_free(&content->records);
    for (size_t kind = 0; kind < GW_KINDS; kind++) {
        gw_map_free(&content->objects[kind]);
    }
    memset(content, 0, sizeof *content);
}

/* Takes the key out of the maps; the record is the caller's. */
static struct gw_record *take_out(struct gw_content *content, struct eg_str key) {
    struct gw_record *record = gw_map_get(&content->records, key);
    if (record == NULL) {
        return NULL;
    }
    if (record->object != NULL) {
        (void)gw_map_remove(&content->objects[record->object->kind], key);
    } else {
        content->bad_count--;
    }
    (void)gw_map_remove(&content->records, key);
    return record;
}

static void put_in(struct gw_content *content, struct gw_record *record) {
    (void)gw_map_put(&content->records, record->key, record);
    if (record->object != NULL) {
        (void)gw_map_put(&content->objects[record->object->kind], record->key, record->object);
    } else {
        content->bad_count++;
    }
}

static struct gw_record *record_create(struct eg_str key, uint64_t revision) {
    struct gw_record *record = gw_alloc(gw_size_add(sizeof *record, key.len));
    char *bytes = (char *)(record + 1);
    memcpy(bytes, key.ptr, key.len);
    record->key = gw_str(bytes, key.len);
    record->born = revision;
    record->revision = revision;
    return record;
}

static void log_bad(const struct gw_record *record, const struct eg_why *why) {
    GW_LOG(EG_LOG_ERROR, "a stored configuration record cannot be read and is left out",
           {GW_STR("key"), record->key}, {GW_STR("reason"), gw_why_str(why)});
}

/* ---- changes ---- */

static struct gw_content *target_of(struct gw_catalog *catalog) {
    return catalog->is_resyncing ? &catalog->fresh : &catalog->content;
}

static void defer_on_change(struct gw_catalog *catalog);

/* Only what leads to a new snapshot moves the revision: a key of somebody else does not, or those
 * who wait until a revision is routed would wait for ever. */
static void note_change(struct gw_catalog *catalog, const struct eg_change *change) {
    if (change->revision > catalog->revision) {
        catalog->revision = change->revision;
    }
    defer_on_change(catalog);
}

/* The object of a value, the known one when its revision is the same. */
static void read_value(const struct gw_record *known, struct gw_record *record, enum gw_kind kind,
                       struct eg_str space, struct eg_str id, struct eg_str value) {
    struct eg_why why = {.struct_size = sizeof why};
    if (known != NULL) {
        record->born = known->born;
    }
    if (known != NULL && known->revision == record->revision) {
        record->object = known->object == NULL ? NULL : gw_object_ref(known->object);
        return;
    }
    if (gw_object_load(kind, space, id, record->revision, value, &record->object, &why) < 0) {
        record->object = NULL;
        log_bad(record, &why);
    }
}

static void apply_put(struct gw_catalog *catalog, const struct eg_change *change) {
    enum gw_kind kind = GW_KINDS;
    struct eg_str space = {0};
    struct eg_str id = {0};
    if (gw_store_key_parse(change->key, &kind, &space, &id) < 0) {
        return; /* a directory key, or somebody else's */
    }
    struct gw_content *content = target_of(catalog);
    const struct gw_record *known = gw_map_get(&content->records, change->key);
    if (known == NULL) {
        known = gw_map_get(&catalog->content.records, change->key);
    }
    struct gw_record *record = record_create(change->key, change->revision);
    read_value(known, record, kind, space, id, change->value);
    record_free(take_out(content, change->key));
    put_in(content, record);
    note_change(catalog, change);
}

static void apply_remove(struct gw_catalog *catalog, const struct eg_change *change) {
    struct gw_record *record = take_out(target_of(catalog), change->key);
    if (record != NULL) {
        record_free(record);
        note_change(catalog, change);
    }
}

static void become_ready(struct gw_catalog *catalog, int32_t status, struct eg_str why) {
    void (*on_ready)(void *arg, int32_t status, struct eg_str why) = catalog->on_ready;
    gw_timer_stop(catalog->config.control, &catalog->ready_timer);
    catalog->on_ready = NULL;
    if (on_ready != NULL && !catalog->is_stopping) {
        on_ready(catalog->ready_arg, status, why);
    }
}

static void apply_synced(struct gw_catalog *catalog, const struct eg_change *change) {
    const bool was_ready = catalog->is_ready;
    if (catalog->is_resyncing) {
        gw_content_free(&catalog->content);
        catalog->content = catalog->fresh;
        memset(&catalog->fresh, 0, sizeof catalog->fresh);
        catalog->is_resyncing = false;
    }
    if (change->revision < catalog->revision) {
        catalog->written = 0; /* the store was put back to an older state */
    }
    catalog->revision = change->revision;
    catalog->is_ready = true;
    catalog->back_off_ns = 0;
    if (was_ready) {
        defer_on_change(catalog);
    } else {
        become_ready(catalog, EG_OK, (struct eg_str){0});
    }
}

static void begin_resync(struct gw_catalog *catalog) {
    gw_content_free(&catalog->fresh);
    catalog->is_resyncing = true;
}

static void apply_reset(struct gw_catalog *catalog, const struct eg_change *change) {
    (void)change;
    begin_resync(catalog);
}

static void apply_down(struct gw_catalog *catalog, const struct eg_change *change) {
    (void)gw_why(&catalog->down_why, EG_E_UNAVAILABLE, "%.*s", GW_FMT(change->message));
    catalog->is_up = false;
    GW_LOG(EG_LOG_ERROR, "the storage cannot be reached; routing goes on with what is known",
           {GW_STR("reason"), change->message});
}

static void watch_again(struct gw_timer *timer) {
    gw_catalog_watch(GW_CONTAINER(timer, struct gw_catalog, back_off));
}

static void back_off(struct gw_catalog *catalog) {
    const uint64_t next = catalog->back_off_ns * 2;
    catalog->back_off_ns = next < FIRST_BACK_OFF_NS  ? FIRST_BACK_OFF_NS
                           : next > LAST_BACK_OFF_NS ? LAST_BACK_OFF_NS
                                                     : next;
    gw_timer_start(catalog->config.control, &catalog->back_off, catalog->back_off_ns, watch_again);
}

static void apply_closed(struct gw_catalog *catalog, const struct eg_change *change) {
    (void)change;
    catalog->feed.is_open = false;
    catalog->is_up = false;
    if (catalog->is_stopping) {
        gw_catalog_check_stopped(catalog);
        return;
    }
    gw_logf(EG_LOG_ERROR, "the storage has ended the watch; it is begun anew");
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
    if (change->kind == EG_CHANGE_SYNCED || (is_content && !catalog->is_resyncing)) {
        catalog->is_up = true;
    }
    if (!catalog->is_stopping || change->kind == EG_CHANGE_CLOSED) {
        appliers[change->kind](catalog, change);
        gw_metric_set(catalog->bad_records, (int64_t)catalog->content.bad_count);
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
    told->change = (struct eg_change){
        .struct_size = sizeof told->change, .kind = change->kind, .revision = change->revision};
    at = copy_text(at, change->key, &told->change.key);
    at = copy_text(at, change->value, &told->change.value);
    (void)copy_text(at, change->message, &told->change.message);
    told->task.fn = apply;
    gw_loop_post(feed->catalog->config.control, &told->task);
}

static void tell_change(struct gw_task *task) {
    struct gw_catalog *catalog = GW_CONTAINER(task, struct gw_catalog, change_task);
    if (!catalog->is_stopping && catalog->config.on_change != NULL) {
        catalog->config.on_change(catalog->config.arg, catalog);
    }
}

/* One call for all changes that came together; none before the first content is there. */
static void defer_on_change(struct gw_catalog *catalog) {
    if (!catalog->is_ready || catalog->is_resyncing || gw_node_linked(&catalog->change_task.node)) {
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
    become_ready(catalog, EG_E_UNAVAILABLE, why);
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
