/*
 * state/catalog.c - life of the catalog, and what its reads and writes have in common: a call of
 * the storage with a deadline. The answer always comes later, never inside the call, also when the
 * storage refuses.
 *
 * A call whose deadline passed is answered then, and lives on until the storage ends it, since the
 * storage borrows what it was given until done.
 *
 * Thread: control. Ownership: the catalog owns its calls; objects handed in are borrowed until the
 * answer.
 */
#include "state/catalog.h"

#include "base/check.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/slice.h"
#include "base/why.h"
#include "state/catalog_inner.h"

#define ARENA_CHUNK_BYTES 512u

static const struct gw_metric_family bad_family = {
    .name = "eventgateway_config_bad_records",
    .help = "Stored configuration records that cannot be read and are left out.",
    .type = GW_GAUGE,
};

/* ---- calls ---- */

struct gw_store_call *gw_store_call_create(struct gw_catalog *catalog) {
    struct gw_store_call *call = gw_alloc(sizeof *call);
    call->catalog = catalog;
    gw_bytes_init(&call->key, 0);
    gw_bytes_init(&call->value, 0);
    gw_arena_init(&call->arena, ARENA_CHUNK_BYTES);
    return call;
}

static void call_free(struct gw_store_call *call) {
    struct gw_catalog *catalog = call->catalog;
    gw_bytes_free(&call->key);
    gw_bytes_free(&call->value);
    gw_arena_free(&call->arena);
    gw_free(call);
    catalog->ops_pending--;
    gw_catalog_check_stopped(catalog);
}

/* A storage that gives no reason has often told one to the watch. */
static struct eg_str reason_of(const struct gw_catalog *catalog, int32_t status) {
    const bool is_away = status == EG_E_UNAVAILABLE || status == EG_E_DENIED;
    return is_away && !catalog->is_up && catalog->down_why.len > 0
               ? gw_why_str(&catalog->down_why)
               : gw_str_c(gw_error_text(status));
}

/* The store's text is what clients are shown; stores that have none get ours. */
static void answer(struct gw_store_call *call, int32_t status, struct eg_str why,
                   struct eg_result *result) {
    if (call->is_answered) {
        return;
    }
    call->is_answered = true;
    if (status < 0 && why.len == 0) {
        why = reason_of(call->catalog, status);
    }
    call->on_answer(call, status, why, result);
}

static void on_done(struct gw_op *op, int32_t status, struct eg_result *result) {
    struct gw_store_call *call = GW_CONTAINER(op, struct gw_store_call, op);
    answer(call, status, result->message, result);
    call_free(call);
}

static void on_deadline(struct gw_op *op) {
    struct gw_store_call *call = GW_CONTAINER(op, struct gw_store_call, op);
    answer(call, EG_E_TIMEOUT, GW_STR("the storage did not answer in time"), NULL);
}

static void on_refused(struct gw_task *task) {
    struct gw_store_call *call = GW_CONTAINER(task, struct gw_store_call, task);
    answer(call, call->refused, (struct eg_str){0}, NULL);
    call_free(call);
}

void gw_store_call_begin(struct gw_store_call *call, uint64_t deadline_ns) {
    struct gw_catalog *catalog = call->catalog;
    catalog->ops_pending++;
    gw_op_begin(&call->op, catalog->config.storage, catalog->config.control, deadline_ns, on_done,
                on_deadline);
}

void gw_store_call_sent(struct gw_store_call *call, int32_t rc) {
    if (rc >= 0) {
        return;
    }
    gw_op_refused(&call->op);
    call->refused = rc;
    call->task.fn = on_refused;
    gw_loop_defer(call->catalog->config.control, &call->task);
}

/* ---- life ---- */

struct gw_catalog *gw_catalog_create(const struct gw_catalog_config *config) {
    GW_ASSERT(config->storage != NULL && config->control != NULL && config->timeout_ns > 0);
    struct gw_catalog *catalog = gw_alloc(sizeof *catalog);
    catalog->magic = GW_CATALOG_MAGIC;
    catalog->config = *config;
    catalog->ops = config->storage->component->ops;
    catalog->bad_records = gw_metric(&bad_family, NULL, 0);
    gw_copy_init(catalog);
    return catalog;
}

void gw_catalog_start(struct gw_catalog *catalog,
                      void (*on_ready)(void *arg, int32_t status, struct eg_str why), void *arg) {
    GW_MAGIC_CHECK(catalog, GW_CATALOG_MAGIC);
    catalog->on_ready = on_ready;
    catalog->ready_arg = arg;
    catalog->down_ns = gw_monotonic_ns();
    gw_copy_start(catalog);
    gw_catalog_watch(catalog);
}

static void tell_stopped(struct gw_task *task) {
    struct gw_catalog *catalog = GW_CONTAINER(task, struct gw_catalog, stop_task);
    void (*on_stopped)(void *arg) = catalog->on_stopped;
    gw_timer_stop(catalog->config.control, &catalog->stop_timer);
    catalog->on_stopped = NULL;
    on_stopped(catalog->stopped_arg);
}

static void defer_stopped(struct gw_catalog *catalog) {
    if (catalog->on_stopped != NULL && !gw_node_linked(&catalog->stop_task.node)) {
        catalog->stop_task.fn = tell_stopped;
        gw_loop_defer(catalog->config.control, &catalog->stop_task);
    }
}

void gw_catalog_check_stopped(struct gw_catalog *catalog) {
    const bool is_watching = catalog->feed.is_open || catalog->is_heard_out;
    if (catalog->ops_pending == 0 && !is_watching && !gw_copy_is_busy(catalog)) {
        defer_stopped(catalog);
    }
}

/* A store that hangs does not keep the gateway from ending. */
static void on_stop_deadline(struct gw_timer *timer) {
    struct gw_catalog *catalog = GW_CONTAINER(timer, struct gw_catalog, stop_timer);
    gw_logf(EG_LOG_WARN, "the storage did not end its calls in time");
    defer_stopped(catalog);
}

static void end_watch(struct gw_catalog *catalog) {
    catalog->is_heard_out = false;
    gw_catalog_unwatch(catalog);
    gw_copy_stop(catalog);
    gw_catalog_check_stopped(catalog);
}

static void on_not_heard(struct gw_timer *timer) {
    struct gw_copy *copy = GW_CONTAINER(timer, struct gw_copy, patience);
    end_watch(GW_CONTAINER(copy, struct gw_catalog, copy));
}

void gw_catalog_check_heard(struct gw_catalog *catalog) {
    if (catalog->is_heard_out && !gw_copy_is_early(catalog)) {
        end_watch(catalog);
    }
}

/* A write is answered before the watch tells it. A copy that is made in between would lack what the
 * client was told is stored. */
void gw_catalog_stop(struct gw_catalog *catalog, void (*on_stopped)(void *arg), void *arg) {
    GW_MAGIC_CHECK(catalog, GW_CATALOG_MAGIC);
    catalog->is_stopping = true;
    catalog->on_stopped = on_stopped;
    catalog->stopped_arg = arg;
    gw_timer_start(catalog->config.control, &catalog->stop_timer, GW_CATALOG_STOP_NS,
                   on_stop_deadline);
    catalog->is_heard_out = true;
    gw_copy_wait(catalog, on_not_heard);
    gw_catalog_check_heard(catalog);
}

void gw_catalog_destroy(struct gw_catalog *catalog) {
    if (catalog == NULL) {
        return;
    }
    GW_MAGIC_CHECK(catalog, GW_CATALOG_MAGIC);
    gw_timer_stop(catalog->config.control, &catalog->back_off);
    gw_timer_stop(catalog->config.control, &catalog->ready_timer);
    gw_timer_stop(catalog->config.control, &catalog->stop_timer);
    gw_loop_undefer(&catalog->change_task);
    gw_loop_undefer(&catalog->stop_task);
    gw_content_free(&catalog->content);
    gw_content_free(&catalog->fresh);
    if (catalog->feed.is_open || catalog->ops_pending > 0 || gw_copy_is_busy(catalog)) {
        gw_logf(EG_LOG_WARN, "the storage still holds calls of the configuration catalog");
        return; /* borrowed by the plugin: better to leak than to free under its feet */
    }
    gw_copy_free(catalog);
    catalog->magic = 0;
    gw_free(catalog);
}

uint64_t gw_catalog_deadline(const struct gw_catalog *catalog) {
    return gw_monotonic_ns() + catalog->config.timeout_ns;
}

const struct gw_map *gw_catalog_cache(const struct gw_catalog *catalog, enum gw_kind kind) {
    GW_MAGIC_CHECK(catalog, GW_CATALOG_MAGIC);
    GW_ASSERT(kind < GW_KINDS);
    return &catalog->content.objects[kind];
}

struct gw_record *const *gw_catalog_by_age(struct gw_catalog *catalog, enum gw_kind kind,
                                           size_t *ret_count) {
    GW_MAGIC_CHECK(catalog, GW_CATALOG_MAGIC);
    GW_ASSERT(kind < GW_KINDS);
    return gw_content_by_age(&catalog->content, kind, ret_count);
}

struct gw_changes *gw_catalog_changes(struct gw_catalog *catalog) {
    GW_MAGIC_CHECK(catalog, GW_CATALOG_MAGIC);
    return &catalog->content.changes;
}

const struct gw_record *gw_catalog_record(const struct gw_catalog *catalog, struct eg_str key) {
    return gw_content_get(&catalog->content, key);
}

const struct gw_map *gw_catalog_spaces(const struct gw_catalog *catalog) {
    GW_MAGIC_CHECK(catalog, GW_CATALOG_MAGIC);
    return &catalog->content.spaces;
}

uint64_t gw_catalog_born(const struct gw_catalog *catalog, struct eg_str key) {
    const struct gw_record *record = gw_map_get(&catalog->content.records, key);
    return record == NULL ? 0 : record->born;
}

uint64_t gw_catalog_revision(const struct gw_catalog *catalog) {
    return catalog->revision;
}

uint64_t gw_catalog_known_revision(const struct gw_catalog *catalog) {
    return catalog->written > catalog->revision ? catalog->written : catalog->revision;
}

bool gw_catalog_is_up(const struct gw_catalog *catalog) {
    return catalog->is_up;
}
