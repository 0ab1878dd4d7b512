/*
 * New snapshots on their way to loops and old ones on their way out, with real loop threads: run it
 * under the thread sanitizer.
 */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#include "base/check.h"
#include "snapshot_rig.h"
#include "state/space_routes.h"

#define LOOPS 3u

static struct {
    struct gw_publisher *publisher;
    struct eg_loop *loops[LOOPS]; /* the first is the control loop, which the test turns */
    pthread_t threads[LOOPS];
    unsigned everywhere;
    unsigned stopped;
} pub;

static void *run_loop(void *arg) {
    gw_loop_run(arg);
    return NULL;
}
static void on_everywhere(void *arg) {
    (void)arg;
    pub.everywhere++;
}
static void on_stopped(void *arg) {
    (void)arg;
    pub.stopped++;
}

static void pub_up(void) {
    memset(&rig, 0, sizeof rig);
    memset(&pub, 0, sizeof pub);
    gw_bytes_init(&rig.why, 0);
    gw_bytes_init(&rig.log, 0);
    fake_storage_reset();
    for (uint32_t i = 0; i < LOOPS; i++) {
        rig_must(gw_loop_create(i == 0 ? "control" : "events", &pub.loops[i]) == EG_OK, "no loop");
        gw_loop_set_index(pub.loops[i], i);
        if (i > 0) {
            pthread_create(&pub.threads[i], NULL, run_loop, pub.loops[i]);
        }
    }
    rig.loop = pub.loops[0];
    rig_start_manager(pub.loops, LOOPS);
    rig_make_catalog();
    rig_watch();
    pub.publisher = gw_publisher_create(rig.manager, rig.loop, pub.loops, LOOPS);
}

static void pub_down(void) {
    gw_publisher_stop(pub.publisher, on_stopped, NULL);
    rig_wait(&pub.stopped, 1, "the publisher does not stop");
    gw_publisher_destroy(pub.publisher);
    rig.ends = 0;
    gw_catalog_stop(rig.catalog, rig_on_stopped, NULL);
    rig_wait(&rig.ends, 1, "the catalog does not stop");
    gw_catalog_destroy(rig.catalog);
    gw_manager_stop(rig.manager, GW_NS_PER_S, rig_on_manager_stopped, NULL);
    rig_wait(&rig.ends, 2, "the manager does not stop");
    gw_manager_destroy(rig.manager);
    for (uint32_t i = 0; i < LOOPS; i++) {
        if (i > 0) {
            gw_loop_stop(pub.loops[i]);
            pthread_join(pub.threads[i], NULL);
        }
    }
    for (uint32_t i = 0; i < LOOPS; i++) { /* when nobody can post to them any more */
        gw_loop_destroy(pub.loops[i]);
    }
    gw_bytes_free(&rig.why);
    gw_bytes_free(&rig.log);
    fake_storage_reset();
}

static void publish(void) {
    pub.everywhere = 0;
    rig_turn(3);
    gw_publisher_publish(pub.publisher, rig.catalog, on_everywhere, NULL);
    rig_wait(&pub.everywhere, 1, "it does not get everywhere");
}

static uint64_t revision_here(void) {
    struct gw_view *view = gw_view_acquire(gw_publisher_reader(pub.publisher, 0));
    const uint64_t revision = gw_snapshot_revision(view->snapshot);
    gw_view_release(view);
    return revision;
}

static void before_the_first_publication_there_is_an_empty_view(void) {
    pub_up();
    struct gw_view *view = gw_view_acquire(gw_publisher_reader(pub.publisher, 0));
    size_t count = 1;
    CU_ASSERT_PTR_NULL(
        gw_snapshot_async(view->snapshot, GW_STR("POST"), GW_STR("/"), GW_STR("t"), &count));
    gw_view_release(view);
    pub_down();
}

static void a_published_change_is_seen_and_a_held_view_stays_as_it_was(void) {
    pub_up();
    fake_storage_set(RIG_KEY("functions", "default", "f1"), RIG_FUNCTION("f1"));
    publish();
    CU_ASSERT_EQUAL(revision_here(), 1);
    struct gw_view *held = gw_view_acquire(gw_publisher_reader(pub.publisher, 0));
    fake_storage_set(RIG_KEY("functions", "default", "f2"), RIG_FUNCTION("f2"));
    publish();
    publish();
    CU_ASSERT_EQUAL(revision_here(), 2);
    CU_ASSERT_EQUAL(gw_snapshot_revision(held->snapshot), 1);
    CU_ASSERT_EQUAL(held->refs, 1);
    gw_view_release(held);
    pub_down();
}

static void the_routes_of_a_space_are_published_when_they_were_asked_for(void) {
    for (int is_asked = 0; is_asked < 2; is_asked++) {
        pub_up();
        if (is_asked) {
            gw_publisher_index_space(pub.publisher, GW_STR("default"));
        }
        set_subscription("default", "s1", "sync", "t", "f", "/x");
        publish();
        struct gw_view *view = gw_view_acquire(gw_publisher_reader(pub.publisher, 0));
        const struct gw_subscriber *found =
            gw_space_sync(view->snapshot, GW_STR("POST"), GW_STR("/x"), GW_STR("t"));
        CU_ASSERT_EQUAL(found != NULL, is_asked);
        gw_view_release(view);
        pub_down();
    }
}

static void the_same_value_again_is_routed_under_its_new_revision(void) {
    pub_up();
    fake_storage_set(RIG_KEY("functions", "default", "f1"), RIG_FUNCTION("f1"));
    publish();
    fake_storage_set(RIG_KEY("functions", "default", "f1"), RIG_FUNCTION("f1"));
    publish();
    CU_ASSERT_EQUAL(gw_publisher_routed_revision(pub.publisher), 2);
    CU_ASSERT_EQUAL(gw_publisher_unrouted_since(pub.publisher), 0);
    pub_down();
}

static void stop_waits_for_views_that_are_held(void) {
    pub_up();
    publish();
    struct gw_view *held = gw_view_acquire(gw_publisher_reader(pub.publisher, 0));
    gw_publisher_stop(pub.publisher, on_stopped, NULL);
    for (unsigned i = 0; i < 50; i++) {
        gw_loop_turn(rig.loop, GW_NS_PER_MS);
    }
    CU_ASSERT_EQUAL(pub.stopped, 0);
    gw_publisher_publish(pub.publisher, rig.catalog, on_everywhere, NULL); /* ignored now */
    gw_view_release(held);
    rig_wait(&pub.stopped, 1, "the publisher does not stop");
    gw_publisher_destroy(pub.publisher);
    pub.publisher = gw_publisher_create(rig.manager, rig.loop, pub.loops, LOOPS);
    pub.stopped = 0;
    pub_down();
}

/* On an events loop: looks again and again, holding some views for a while. */
struct looker {
    struct gw_task task;
    struct eg_loop *loop;
    struct gw_reader *reader;
    struct gw_view *held[8];
    unsigned looks;
    uint64_t last;
    unsigned wrong;
    atomic_uint is_ended;
    atomic_uint must_end;
};

/* A view that is held, the oldest of them: what is always there, and one of what comes and goes. */
static bool routes_all(const struct gw_view *view, unsigned looks) {
    struct gw_path_params params;
    char path[32];
    if (view == NULL || gw_snapshot_revision(view->snapshot) < 3) {
        return true;
    }
    (void)snprintf(path, sizeof path, "/r/%u/x", looks % 16);
    const struct gw_subscriber *some =
        gw_snapshot_sync(view->snapshot, GW_STR("POST"), gw_str_c(path), GW_STR("t"), &params);
    const struct gw_subscriber *always =
        gw_snapshot_sync(view->snapshot, GW_STR("POST"), GW_STR("/r/all/x"), GW_STR("t"), &params);
    return always != NULL && params.count == 1 && always->callee != NULL &&
           always->callee->target != NULL && always->callee->target->instance != NULL &&
           (some == NULL || some->callee == always->callee);
}

static void look(struct gw_task *task) {
    struct looker *looker = GW_CONTAINER(task, struct looker, task);
    const size_t at = looker->looks++ % 8;
    if (looker->held[at] != NULL) {
        gw_view_release(looker->held[at]);
    }
    looker->held[at] = gw_view_acquire(looker->reader);
    const uint64_t revision = gw_snapshot_revision(looker->held[at]->snapshot);
    looker->wrong += revision < looker->last; /* time does not run backwards */
    looker->last = revision;
    size_t count = 0;
    (void)gw_snapshot_async(looker->held[at]->snapshot, GW_STR("POST"), GW_STR("/"), GW_STR("t"),
                            &count);
    looker->wrong += revision > 0 && count == 0;
    looker->wrong += revision > 0 && !routes_all(looker->held[(at + 1) % 8], looker->looks);
    if (atomic_load(&looker->must_end) == 0) {
        gw_loop_post(looker->loop, &looker->task);
        return;
    }
    for (size_t i = 0; i < 8; i++) {
        if (looker->held[i] != NULL) {
            gw_view_release(looker->held[i]);
        }
    }
    atomic_store(&looker->is_ended, 1);
}

static void loops_read_while_snapshots_come_and_go(void) {
    struct looker lookers[LOOPS];
    memset(lookers, 0, sizeof lookers);
    pub_up();
    for (uint32_t i = 1; i < LOOPS; i++) {
        lookers[i].loop = pub.loops[i];
        lookers[i].reader = gw_publisher_reader(pub.publisher, i);
        lookers[i].task.fn = look;
        gw_loop_post(pub.loops[i], &lookers[i].task);
    }
    for (unsigned i = 0; i < 200; i++) {
        char path[32];
        char id[16];
        (void)snprintf(path, sizeof path, "/r/%u/:x", i % 16);
        (void)snprintf(id, sizeof id, "s%u", 2 + i % 16);
        set_function("default", i % 2 == 0 ? "even" : "odd");
        set_subscription("default", "s1", "async", "t", "even", "/");
        set_subscription("default", "all", "sync", "t", "even", "/r/all/:x");
        set_subscription("default", id, "sync", "t", "even", path);
        if (i % 3 == 0) {
            set_kind("subscriptions", "default", id, NULL);
        }
        rig_turn(2);
        gw_publisher_publish(pub.publisher, rig.catalog, NULL, NULL);
    }
    publish();
    for (uint32_t i = 1; i < LOOPS; i++) {
        atomic_store(&lookers[i].must_end, 1);
        while (atomic_load(&lookers[i].is_ended) == 0) {
            gw_loop_turn(rig.loop, GW_NS_PER_MS);
        }
        CU_ASSERT_EQUAL(lookers[i].wrong, 0);
        CU_ASSERT_EQUAL(lookers[i].last, revision_here());
    }
    pub_down();
}

static void everybody_who_asks_in_a_burst_is_told(void) {
    pub_up();
    for (unsigned i = 0; i < 2000; i++) {
        char id[16];
        (void)snprintf(id, sizeof id, "f%u", i);
        set_function("default", id);
    }
    rig_turn(3);
    for (unsigned i = 0; i < 100; i++) {
        gw_publisher_publish(pub.publisher, rig.catalog, on_everywhere, NULL);
    }
    rig_wait(&pub.everywhere, 100, "somebody was not told");
    CU_ASSERT_EQUAL(revision_here(), 2000);
    pub_down();
}

/* A build of so many takes long enough for the next one to wait, and the clock stands still then.
 */
static void a_check_of_the_next_providers_does_not_overlook_what_waits_to_be_built(void) {
    struct eg_why why = {.struct_size = sizeof why};
    pub_up();
    for (unsigned i = 0; i < 2000; i++) {
        char id[16];
        (void)snprintf(id, sizeof id, "f%u", i);
        set_function("default", id);
    }
    publish();
    gw_clock_hold(gw_monotonic_ns(), 0);
    set_function("default", "last");
    rig_turn(3);
    gw_publisher_publish(pub.publisher, rig.catalog, NULL, NULL);
    CU_ASSERT_EQUAL(gw_publisher_check(pub.publisher, gw_manager_chains(rig.manager), &why), EG_OK);
    for (unsigned i = 0; i < 2000 && gw_publisher_routed_revision(pub.publisher) < 2001; i++) {
        gw_loop_turn(rig.loop, GW_NS_PER_MS);
    }
    CU_ASSERT_EQUAL(gw_publisher_routed_revision(pub.publisher), 2001);
    gw_clock_release();
    pub_down();
}

static bool lies_over_another(void) {
    struct gw_view *view = gw_view_acquire(gw_publisher_reader(pub.publisher, 0));
    const bool is_over = view->snapshot->below != NULL;
    gw_view_release(view);
    return is_over;
}

/* What is gone is not held for ever. */
static void when_nothing_changes_a_whole_takes_the_place_of_what_lies_over_another(void) {
    pub_up();
    set_function("default", "f1");
    publish();
    CU_ASSERT_FALSE(lies_over_another());
    gw_clock_hold(gw_monotonic_ns(), 0);
    gw_clock_advance(GW_NS_PER_S);
    set_function("default", "f2");
    publish();
    CU_ASSERT_TRUE(lies_over_another());
    gw_clock_advance(GW_NS_PER_S / 2);
    set_function("default", "f3");
    publish();
    gw_clock_advance(GW_NS_PER_S - 1);
    rig_turn(20);
    CU_ASSERT_TRUE(lies_over_another());
    gw_clock_advance(1);
    for (unsigned i = 0; i < 2000 && lies_over_another(); i++) {
        gw_loop_turn(rig.loop, GW_NS_PER_MS);
    }
    CU_ASSERT_FALSE(lies_over_another());
    CU_ASSERT_EQUAL(revision_here(), 3);
    gw_clock_release();
    pub_down();
}

static atomic_uint is_busy;
static void stay_busy(void *arg) {
    (void)arg;
    atomic_store(&is_busy, 1);
    while (atomic_load(&is_busy) == 1) {
        sched_yield();
    }
}

/* What takes a place without a change must not hide that a loop hangs. */
static void a_loop_that_hangs_is_seen_whatever_was_published_before(void) {
    pub_up();
    set_function("default", "f1");
    publish();
    gw_clock_hold(gw_monotonic_ns(), 0);
    gw_clock_advance(GW_NS_PER_S);
    set_function("default", "f2");
    publish();
    CU_ASSERT_TRUE(lies_over_another());
    gw_loop_post_fn(pub.loops[1], stay_busy, NULL);
    while (atomic_load(&is_busy) == 0) {
        gw_loop_turn(rig.loop, GW_NS_PER_MS);
    }
    gw_clock_advance(GW_NS_PER_S);
    for (unsigned i = 0; i < 2000 && lies_over_another(); i++) {
        gw_loop_turn(rig.loop, GW_NS_PER_MS);
    }
    CU_ASSERT_FALSE(lies_over_another());
    CU_ASSERT_EQUAL(gw_publisher_unrouted_since(pub.publisher), 0); /* nothing has changed */
    gw_clock_advance(GW_NS_PER_S);
    set_function("default", "f3");
    rig_turn(5);
    pub.everywhere = 0;
    gw_publisher_publish(pub.publisher, rig.catalog, on_everywhere, NULL);
    CU_ASSERT_EQUAL(gw_publisher_unrouted_since(pub.publisher), gw_monotonic_ns());
    atomic_store(&is_busy, 0);
    rig_wait(&pub.everywhere, 1, "it does not get everywhere");
    CU_ASSERT_EQUAL(gw_publisher_unrouted_since(pub.publisher), 0);
    gw_clock_release();
    pub_down();
}

/* Nor is what is gone held for ever when changes never end. */
static void a_whole_comes_at_last_while_changes_go_on(void) {
    unsigned halves = 0;
    pub_up();
    set_function("default", "f1");
    publish();
    gw_clock_hold(gw_monotonic_ns(), 0);
    gw_clock_advance(GW_NS_PER_S);
    do {
        set_function("default", "f2");
        publish();
        gw_clock_advance(GW_NS_PER_S / 2);
        halves++;
    } while (lies_over_another() && halves < 200);
    CU_ASSERT_TRUE(halves > 20 && halves < 200);
    set_function("default", "f2");
    publish();
    CU_ASSERT_TRUE(lies_over_another()); /* and then it begins anew */
    gw_clock_release();
    pub_down();
}

UNIT_MAIN(UNIT(a_loop_that_hangs_is_seen_whatever_was_published_before),
          UNIT(a_whole_comes_at_last_while_changes_go_on),
          UNIT(when_nothing_changes_a_whole_takes_the_place_of_what_lies_over_another),
          UNIT(before_the_first_publication_there_is_an_empty_view),
          UNIT(a_published_change_is_seen_and_a_held_view_stays_as_it_was),
          UNIT(the_routes_of_a_space_are_published_when_they_were_asked_for),
          UNIT(the_same_value_again_is_routed_under_its_new_revision),
          UNIT(stop_waits_for_views_that_are_held), UNIT(loops_read_while_snapshots_come_and_go),
          UNIT(everybody_who_asks_in_a_burst_is_told),
          UNIT(a_check_of_the_next_providers_does_not_overlook_what_waits_to_be_built))
