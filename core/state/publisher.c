/*
 * state/publisher.c - brings a new snapshot to every loop and retires the old one, without a lock
 * or an atomic on the reading side.
 *
 * Every publication gives each loop a view of its own. A loop is sent its view as a task, takes it
 * for the present one and gives up its own hold on the former. When the last hold on a view is
 * gone, the loop posts it back to the control thread; when all loops have done so, the snapshot
 * ends there.
 *
 * Many changes in a row (a bulk import) do not become as many builds: after a build that took d of
 * CPU time, the next one waits 4 d, up to a quarter of a second, so building takes a fifth of the
 * control thread at most. A small configuration is published at once. (By the clock on the wall a
 * busy machine would make each build look long, and then changes wait when everybody waits.)
 *
 * A snapshot that lies over another one keeps alive what is gone since: targets of functions that
 * were deleted, objects, memory. When nothing changes for a second a whole takes its place, and
 * when changes never end it comes after half a minute.
 *
 * Thread: gw_view_* and install/retire on the loop of their reader, all else control. Ownership:
 * the publisher owns publications; a view belongs to its publication.
 */
#include <string.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/mem.h"
#include "io/loop.h"
#include "state/gauges.h"
#include "state/snapshot_inner.h"
#include "state/space_routes.h"

#define PUBLISHER_MAGIC 0x7075626cu /* publ */
#define PAUSE_FACTOR 4u
#define PAUSE_MIN_NS (1 * GW_NS_PER_MS)
#define PAUSE_MAX_NS (250 * GW_NS_PER_MS)
#define SETTLE_NS (1 * GW_NS_PER_S)
#define WHOLE_AGE_MAX_NS (30 * GW_NS_PER_S)

struct publication;

struct gw_reader {
    struct gw_view *current;
    struct eg_loop *loop;
    struct gw_publisher *publisher;
    struct gw_task end_task;
};

/* One loop's part in a publication. */
struct lane {
    struct gw_view view;
    struct gw_task install; /* to the loop, and back as acknowledgement */
    struct gw_task retire;  /* back to control */
    struct publication *publication;
};

/* Somebody who wants to know when it is everywhere. */
struct waiter {
    struct waiter *next;
    void (*on_everywhere)(void *arg);
    void *arg;
};

struct publication {
    struct gw_node node;
    struct gw_publisher *publisher;
    struct gw_snapshot *snapshot;
    struct waiter *waiters;
    uint64_t changed_ns; /* the oldest change that it brings was known then; 0: it brings none */
    uint32_t to_install;
    uint32_t to_retire;
    struct lane lanes[];
};

struct gw_publisher {
    uint32_t magic;
    struct gw_manager *manager;
    struct eg_loop *control;
    struct gw_gauges gauges;
    struct gw_node publications; /* that some loop still holds; the latest is the last */
    struct publication *latest;
    struct eg_str indexed_space; /* empty: none */
    struct gw_catalog *catalog;  /* of the build that waits */
    struct waiter *waiters;
    struct gw_timer pause;
    struct gw_timer settle;
    struct gw_catalog *settled_from; /* of the last build */
    uint64_t whole_ns;               /* when the last whole was made */
    uint64_t next_build_ns;
    uint64_t changed_ns; /* of the build that waits */
    uint64_t routed_revision;
    void (*on_routed)(void *arg);
    void *routed_arg;
    bool is_stopping;
    void (*on_stopped)(void *arg);
    void *stopped_arg;
    uint32_t reader_count;
    struct gw_reader readers[];
};

/* ---- on the loops ---- */

struct gw_view *gw_view_acquire(struct gw_reader *reader) {
    GW_ASSERT(reader->current != NULL);
    reader->current->refs++;
    return reader->current;
}

void gw_view_release(struct gw_view *view) {
    GW_ASSERT(view->refs > 0);
    if (--view->refs == 0) {
        struct lane *lane = GW_CONTAINER(view, struct lane, view);
        gw_loop_post(view->reader->publisher->control, &lane->retire);
    }
}

static void on_installed(struct gw_task *task);

static void install(struct gw_task *task) {
    struct lane *lane = GW_CONTAINER(task, struct lane, install);
    struct gw_reader *reader = lane->view.reader;
    struct gw_view *former = reader->current;
    reader->current = &lane->view;
    lane->install.fn = on_installed;
    gw_loop_post(reader->publisher->control, &lane->install);
    gw_view_release(former);
}

static void end_reader(struct gw_task *task) {
    struct gw_reader *reader = GW_CONTAINER(task, struct gw_reader, end_task);
    struct gw_view *former = reader->current;
    reader->current = NULL;
    gw_view_release(former);
}

/* ---- on control ---- */

static void tell_stopped(void *arg) {
    struct gw_publisher *publisher = arg;
    publisher->on_stopped(publisher->stopped_arg);
}

/* The unbinding of the last targets was posted to this loop before, so the answer comes behind it.
 */
static void check_stopped(struct gw_publisher *publisher) {
    if (publisher->is_stopping && gw_list_empty(&publisher->publications)) {
        gw_loop_post_fn(publisher->control, tell_stopped, publisher);
    }
}

/* A publication ends when all loops have it behind them and have said so. */
static void check_ended(struct publication *publication) {
    struct gw_publisher *publisher = publication->publisher;
    if (publication->to_install > 0 || publication->to_retire > 0) {
        return;
    }
    GW_ASSERT(publication != publisher->latest || publisher->is_stopping);
    gw_list_remove(&publication->node);
    gw_snapshot_destroy(publication->snapshot);
    gw_free(publication);
    check_stopped(publisher);
}

static void tell_waiters(struct publication *publication) {
    while (publication->waiters != NULL) {
        struct waiter *waiter = publication->waiters;
        publication->waiters = waiter->next;
        waiter->on_everywhere(waiter->arg);
        gw_free(waiter);
    }
}

static void on_installed(struct gw_task *task) {
    struct publication *publication = GW_CONTAINER(task, struct lane, install)->publication;
    if (--publication->to_install == 0) {
        struct gw_publisher *publisher = publication->publisher;
        publisher->routed_revision = gw_snapshot_revision(publication->snapshot);
        tell_waiters(publication);
        if (publisher->on_routed != NULL) {
            publisher->on_routed(publisher->routed_arg);
        }
        check_ended(publication);
    }
}

static void on_retired(struct gw_task *task) {
    struct publication *publication = GW_CONTAINER(task, struct lane, retire)->publication;
    publication->to_retire--;
    check_ended(publication);
}

static struct publication *publication_create(struct gw_publisher *publisher,
                                              struct gw_snapshot *snapshot) {
    const uint32_t count = publisher->reader_count;
    struct publication *publication = gw_alloc(
        gw_size_add(sizeof *publication, gw_size_mul(count, sizeof publication->lanes[0])));
    publication->publisher = publisher;
    publication->snapshot = snapshot;
    publication->to_retire = count;
    for (uint32_t i = 0; i < count; i++) {
        struct lane *lane = &publication->lanes[i];
        lane->publication = publication;
        lane->view.snapshot = snapshot;
        lane->view.refs = 1; /* the reader's own */
        lane->view.reader = &publisher->readers[i];
        lane->install.fn = install;
        lane->retire.fn = on_retired;
    }
    gw_list_push(&publisher->publications, &publication->node);
    publisher->latest = publication;
    return publication;
}

static void on_settled(struct gw_timer *timer);

static void build(struct gw_publisher *publisher) {
    struct gw_catalog *catalog = publisher->catalog;
    const uint64_t begun_ns = gw_thread_cpu_ns();
    if (publisher->indexed_space.len > 0 || /* the index is made of a whole */
        gw_monotonic_ns() - publisher->whole_ns >= WHOLE_AGE_MAX_NS) {
        gw_changes_free(gw_catalog_changes(catalog));
    }
    struct gw_snapshot *snapshot =
        gw_snapshot_build(publisher->manager, catalog, publisher->latest->snapshot);
    if (publisher->indexed_space.len > 0) {
        gw_space_routes_build(snapshot, publisher->indexed_space);
    }
    struct publication *publication = publication_create(publisher, snapshot);
    publication->waiters = publisher->waiters;
    publication->to_install = publisher->reader_count;
    publication->changed_ns = publisher->changed_ns;
    publisher->waiters = NULL;
    publisher->catalog = NULL;
    publisher->changed_ns = 0;
    for (uint32_t i = 0; i < publisher->reader_count; i++) {
        gw_loop_post(publisher->readers[i].loop, &publication->lanes[i].install);
    }
    gw_gauges_update(&publisher->gauges, catalog);
    publisher->settled_from = catalog;
    if (snapshot->below == NULL) {
        publisher->whole_ns = gw_monotonic_ns();
        gw_timer_stop(publisher->control, &publisher->settle);
    } else {
        gw_timer_start(publisher->control, &publisher->settle, SETTLE_NS, on_settled);
    }
    const uint64_t pause_ns = (gw_thread_cpu_ns() - begun_ns) * PAUSE_FACTOR;
    publisher->next_build_ns =
        gw_monotonic_ns() + (pause_ns < PAUSE_MAX_NS ? pause_ns : PAUSE_MAX_NS);
}

static void on_settled(struct gw_timer *timer) {
    struct gw_publisher *publisher = GW_CONTAINER(timer, struct gw_publisher, settle);
    if (!gw_timer_armed(&publisher->pause)) { /* else a change has come, and settles later */
        gw_changes_free(gw_catalog_changes(publisher->settled_from));
        publisher->catalog = publisher->settled_from;
        build(publisher);
    }
}

static void on_pause_over(struct gw_timer *timer) {
    build(GW_CONTAINER(timer, struct gw_publisher, pause));
}

void gw_publisher_publish(struct gw_publisher *publisher, struct gw_catalog *catalog,
                          void (*on_everywhere)(void *arg), void *arg) {
    GW_MAGIC_CHECK(publisher, PUBLISHER_MAGIC);
    if (publisher->is_stopping) {
        return;
    }
    if (on_everywhere != NULL) {
        struct waiter *waiter = gw_alloc(sizeof *waiter);
        *waiter =
            (struct waiter){.next = publisher->waiters, .on_everywhere = on_everywhere, .arg = arg};
        publisher->waiters = waiter;
    }
    publisher->catalog = catalog;
    const uint64_t now_ns = gw_monotonic_ns();
    if (publisher->changed_ns == 0) {
        publisher->changed_ns = now_ns;
    }
    if (gw_timer_armed(&publisher->pause)) {
        return;
    }
    if (publisher->next_build_ns > now_ns + PAUSE_MIN_NS) {
        gw_timer_start(publisher->control, &publisher->pause, publisher->next_build_ns - now_ns,
                       on_pause_over);
        return;
    }
    build(publisher);
}

void gw_publisher_index_space(struct gw_publisher *publisher, struct eg_str space) {
    GW_MAGIC_CHECK(publisher, PUBLISHER_MAGIC);
    publisher->indexed_space = space;
}

int32_t gw_publisher_check(struct gw_publisher *publisher, const struct gw_chains *next,
                           struct eg_why *ret_why) {
    GW_MAGIC_CHECK(publisher, PUBLISHER_MAGIC);
    if (gw_timer_armed(&publisher->pause)) { /* functions that are known and not built yet count */
        gw_timer_stop(publisher->control, &publisher->pause);
        build(publisher);
    }
    return gw_snapshot_check(publisher->latest->snapshot, next, ret_why);
}

uint64_t gw_publisher_routed_revision(const struct gw_publisher *publisher) {
    GW_MAGIC_CHECK(publisher, PUBLISHER_MAGIC);
    return publisher->routed_revision;
}

uint64_t gw_publisher_unrouted_since(const struct gw_publisher *publisher) {
    GW_MAGIC_CHECK(publisher, PUBLISHER_MAGIC);
    const struct gw_node *all = &publisher->publications;
    for (const struct gw_node *node = all->next; node != all; node = node->next) {
        const struct publication *publication = GW_CONTAINER(node, struct publication, node);
        if (publication->to_install > 0 && publication->changed_ns != 0) {
            return publication->changed_ns;
        }
    }
    return publisher->changed_ns;
}

void gw_publisher_on_routed(struct gw_publisher *publisher, void (*on_routed)(void *arg),
                            void *arg) {
    GW_MAGIC_CHECK(publisher, PUBLISHER_MAGIC);
    publisher->on_routed = on_routed;
    publisher->routed_arg = arg;
}

/* ---- life ---- */

struct gw_publisher *gw_publisher_create(struct gw_manager *manager, struct eg_loop *control,
                                         struct eg_loop *const *loops, uint32_t loop_count) {
    GW_ASSERT(loop_count > 0);
    struct gw_publisher *publisher = gw_alloc(
        gw_size_add(sizeof *publisher, gw_size_mul(loop_count, sizeof publisher->readers[0])));
    publisher->magic = PUBLISHER_MAGIC;
    publisher->manager = manager;
    publisher->control = control;
    publisher->reader_count = loop_count;
    gw_list_init(&publisher->publications);
    struct publication *empty = NULL;
    for (uint32_t i = 0; i < loop_count; i++) {
        publisher->readers[i].loop = loops[i];
        publisher->readers[i].publisher = publisher;
    }
    empty = publication_create(publisher, gw_snapshot_build(manager, NULL, NULL));
    for (uint32_t i = 0; i < loop_count; i++) {
        publisher->readers[i].current = &empty->lanes[i].view;
    }
    return publisher;
}

struct gw_reader *gw_publisher_reader(struct gw_publisher *publisher, uint32_t loop_index) {
    GW_MAGIC_CHECK(publisher, PUBLISHER_MAGIC);
    GW_ASSERT(loop_index < publisher->reader_count);
    return &publisher->readers[loop_index];
}

void gw_publisher_stop(struct gw_publisher *publisher, void (*on_stopped)(void *arg), void *arg) {
    GW_MAGIC_CHECK(publisher, PUBLISHER_MAGIC);
    GW_ASSERT(!publisher->is_stopping);
    publisher->is_stopping = true;
    publisher->on_stopped = on_stopped;
    publisher->stopped_arg = arg;
    gw_timer_stop(publisher->control, &publisher->pause);
    gw_timer_stop(publisher->control, &publisher->settle);
    for (uint32_t i = 0; i < publisher->reader_count; i++) {
        publisher->readers[i].end_task.fn = end_reader;
        gw_loop_post(publisher->readers[i].loop, &publisher->readers[i].end_task);
    }
}

/* For a publisher that was stopped, or whose loops do not run: what is left is freed here. */
void gw_publisher_destroy(struct gw_publisher *publisher) {
    if (publisher == NULL) {
        return;
    }
    GW_MAGIC_CHECK(publisher, PUBLISHER_MAGIC);
    gw_timer_stop(publisher->control, &publisher->pause);
    gw_timer_stop(publisher->control, &publisher->settle);
    for (struct gw_node *node; (node = gw_list_shift(&publisher->publications)) != NULL;) {
        struct publication *publication = GW_CONTAINER(node, struct publication, node);
        while (publication->waiters != NULL) {
            struct waiter *waiter = publication->waiters;
            publication->waiters = waiter->next;
            gw_free(waiter);
        }
        gw_snapshot_destroy(publication->snapshot);
        gw_free(publication);
    }
    while (publisher->waiters != NULL) {
        struct waiter *waiter = publisher->waiters;
        publisher->waiters = waiter->next;
        gw_free(waiter);
    }
    gw_gauges_free(&publisher->gauges);
    publisher->magic = 0;
    gw_free(publisher);
}
