/* Snapshots that lie over another one: whatever was changed, they answer as a whole does. */
#include "snapshot_rig.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static const char *const spaces[] = {"spa", "spb"};
static const char *const functions[] = {"f0", "f1", "f2", "fa"};
static const char *const types[] = {"http.request", "user.created"};
static const char *const paths[] = {
    "/",         "/a/b",     "/a/c/d",        "/p/:x",         "/p/:x/q",
    "/p/:x/r/s", "/w/*rest", "/deep/a/b/c/d", "/deep/a/b/c/e", "/one"};
static const char *const asked[] = {
    "/",      "/a/b",          "/a/c",          "/a/c/d",      "/a",       "/p/1",
    "/p/1/q", "/p/1/r",        "/p/1/r/s",      "/p",          "/w/1",     "/w/1/2",
    "/w",     "/deep/a/b/c/d", "/deep/a/b/c/e", "/deep/a/b/c", "/one",     "/one/two",
    "/none",  "/p/:x",         "/p/:x/q",       "/w/*rest",    "/p/:x/r/s"};

/* The same in every run. */
static uint32_t seed;
static uint32_t some(uint32_t below) {
    seed = seed * 1664525u + 1013904223u;
    return (seed >> 8) % below;
}

static void change_function(const char *space) {
    const char *id = functions[some(COUNT(functions))];
    if (some(3) == 0) {
        set_kind("functions", space, id, NULL);
    } else {
        set_function(space, id);
    }
}

/* One id for each type, path and sort, as the Configuration API has it. */
static void change_subscription(const char *space) {
    const uint32_t type = some(COUNT(types));
    const uint32_t path = some(COUNT(paths));
    const bool is_sync = some(2) == 0;
    char id[32];
    (void)snprintf(id, sizeof id, "%s%u-%u-%u", is_sync ? "sync" : "async", type, path,
                   is_sync ? 0 : some(3));
    if (some(5) < 2) {
        set_kind("subscriptions", space, id, NULL);
    } else {
        set_subscription(space, id, is_sync ? "sync" : "async", types[type],
                         functions[some(COUNT(functions))], paths[path]);
    }
}

static void set_types(const char *space) {
    char value[256];
    for (size_t i = 0; i < COUNT(types); i++) {
        (void)snprintf(value, sizeof value, "{\"space\":\"%s\",\"name\":\"%s\"%s%s}", space,
                       types[i], i == 1 ? ",\"authorizerId\":\"fa\"" : "",
                       i == 0 ? ",\"schema\":{\"type\":\"object\"}" : "");
        set_kind("eventtypes", space, types[i], value);
    }
}

/* ---- comparing ---- */

static const void *object_of(const struct gw_callee *callee) {
    return callee == NULL ? NULL : callee->object;
}

static unsigned differs(const struct gw_subscriber *a, const struct gw_subscriber *b) {
    if (a == NULL || b == NULL) {
        return a != b;
    }
    return a->object != b->object || object_of(a->callee) != object_of(b->callee) ||
           (a->callee != NULL && (a->callee->target == NULL) != (b->callee->target == NULL)) ||
           a->needs_authorizer != b->needs_authorizer ||
           object_of(a->authorizer) != object_of(b->authorizer) || a->event_type != b->event_type ||
           a->received != b->received || a->processed != b->processed || a->born != b->born;
}

static unsigned params_differ(const struct gw_path_params *a, const struct gw_path_params *b) {
    unsigned count = a->is_null != b->is_null || a->count != b->count;
    for (uint32_t i = 0; count == 0 && i < a->count; i++) {
        count += !gw_str_eq(a->items[i].name, b->items[i].name) ||
                 !gw_str_eq(a->items[i].value, b->items[i].value);
    }
    return count;
}

static unsigned route_differs(const struct gw_snapshot *whole, struct eg_str type,
                              struct eg_str path) {
    const struct eg_str post = GW_STR("POST");
    struct gw_path_params here;
    struct gw_path_params there;
    unsigned count = differs(gw_snapshot_sync(now, post, path, type, &here),
                             gw_snapshot_sync(whole, post, path, type, &there));
    count += params_differ(&here, &there);
    size_t many = 0;
    size_t wanted = 0;
    const struct gw_subscriber *const *list = gw_snapshot_async(now, post, path, type, &many);
    const struct gw_subscriber *const *other = gw_snapshot_async(whole, post, path, type, &wanted);
    count += many != wanted;
    for (size_t i = 0; many == wanted && i < many; i++) {
        count += differs(list[i], other[i]);
    }
    for (size_t i = 0; i < 4; i++) {
        count += gw_snapshot_schema(now, post, path, type, i) !=
                 gw_snapshot_schema(whole, post, path, type, i);
    }
    return count;
}

/* How many answers are not those of a whole. The next snapshot is a whole after that. */
static unsigned count_differences(void) {
    struct gw_snapshot *whole = gw_snapshot_build(rig.manager, rig.catalog, NULL);
    unsigned count = gw_snapshot_revision(now) != gw_snapshot_revision(whole);
    CU_ASSERT_PTR_NULL(whole->below);
    for (size_t type = 0; type < COUNT(types); type++) {
        for (size_t path = 0; path < COUNT(asked); path++) {
            count += route_differs(whole, gw_str_c(types[type]), gw_str_c(asked[path]));
        }
    }
    for (size_t space = 0; space < COUNT(spaces); space++) {
        for (size_t i = 0; i < COUNT(functions); i++) {
            const struct eg_str id = gw_str_c(functions[i]);
            count += object_of(gw_snapshot_callee(now, gw_str_c(spaces[space]), id)) !=
                     object_of(gw_snapshot_callee(whole, gw_str_c(spaces[space]), id));
        }
    }
    gw_snapshot_destroy(whole);
    return count;
}

static bool is_over(void) {
    return now->below != NULL;
}

/* ---- cases ---- */

static void whatever_changes_it_answers_as_a_whole_does(void) {
    enum { ROUNDS = 400 };
    unsigned overs = 0;
    unsigned wrong = 0;
    snapshot_up();
    seed = 1;
    set_types("spa");
    set_types("spb");
    for (unsigned round = 0; round < ROUNDS; round++) {
        rebuild();
        const uint32_t changes = 1 + some(6);
        /* Seldom both spaces: two that want one path are a matter for the whole. */
        const uint32_t space_count = round % 8 == 0 ? 2 : 1;
        for (uint32_t i = 0; i < changes; i++) {
            const char *space = spaces[some(space_count)];
            if (some(4) == 0) {
                change_function(space);
            } else {
                change_subscription(space);
            }
            if (some(2) == 0) {
                rebuild();
            }
        }
        rebuild();
        overs += is_over();
        wrong += count_differences();
        if (round % 50 == 49) { /* and everything is gone */
            for (size_t i = 0; i < COUNT(functions); i++) {
                set_kind("functions", "spa", functions[i], NULL);
                set_kind("functions", "spb", functions[i], NULL);
            }
            rebuild();
            wrong += count_differences();
        }
    }
    CU_ASSERT_EQUAL(wrong, 0);
    CU_ASSERT_TRUE(overs > ROUNDS / 8);
    snapshot_down();
}

static void a_new_subscription_lies_over_the_whole_that_stays(void) {
    snapshot_up();
    set_function("spa", "f1");
    set_subscription("spa", "s1", "sync", "http.request", "f1", "/one");
    rebuild();
    CU_ASSERT_FALSE(is_over());
    const struct gw_subscriber *one = sync_of("http.request", "/one");
    set_subscription("spa", "s2", "sync", "http.request", "f1", "/two/:x");
    rebuild();
    CU_ASSERT_TRUE(is_over());
    CU_ASSERT_PTR_EQUAL(sync_of("http.request", "/one"), one); /* not made again */
    CU_ASSERT_PTR_NOT_NULL(sync_of("http.request", "/two/2"));
    CU_ASSERT_PTR_EQUAL(sync_of("http.request", "/two/2")->callee, one->callee);
    snapshot_down();
}

static void an_updated_function_is_called_by_all_its_subscriptions(void) {
    snapshot_up();
    set_function("spa", "f1");
    set_subscription("spa", "s1", "sync", "http.request", "f1", "/one");
    set_subscription("spa", "s2", "async", "http.request", "f1", "/two");
    rebuild();
    const struct gw_callee *former = sync_of("http.request", "/one")->callee;
    set_function("spa", "f1");
    rebuild();
    CU_ASSERT_TRUE(is_over());
    const struct gw_callee *callee = sync_of("http.request", "/one")->callee;
    size_t count = 0;
    CU_ASSERT_PTR_NOT_EQUAL(callee, former);
    CU_ASSERT_PTR_NOT_EQUAL(callee->target, former->target);
    CU_ASSERT_PTR_EQUAL(
        gw_snapshot_async(now, GW_STR("POST"), GW_STR("/two"), GW_STR("http.request"), &count)[0]
            ->callee,
        callee);
    CU_ASSERT_EQUAL(count, 1);
    /* It keeps its target while others change. */
    const struct gw_target *target = callee->target;
    set_subscription("spa", "s3", "async", "http.request", "f1", "/two");
    rebuild();
    CU_ASSERT_TRUE(is_over());
    CU_ASSERT_PTR_EQUAL(sync_of("http.request", "/one")->callee->target, target);
    snapshot_down();
}

static void what_needs_a_look_at_the_whole_makes_a_whole(void) {
    snapshot_up();
    set_function("spa", "f1");
    set_subscription("spa", "s1", "sync", "http.request", "f1", "/one");
    rebuild();
    set_subscription("spb", "s1", "sync", "http.request", "f1", "/one"); /* not free */
    rebuild();
    CU_ASSERT_FALSE(is_over());
    CU_ASSERT_EQUAL(now->losers.count, 1);
    set_kind("subscriptions", "spa", "s1", NULL); /* the loser takes over */
    rebuild();
    CU_ASSERT_FALSE(is_over());
    CU_ASSERT_TRUE(gw_str_eq(sync_of("http.request", "/one")->object->space, GW_STR("spb")));
    set_types("spa");
    rebuild();
    CU_ASSERT_FALSE(is_over());
    set_cors("spa", "c1", "/one", "*");
    rebuild();
    CU_ASSERT_FALSE(is_over());
    set_function("spa", "fa"); /* an authorizer */
    rebuild();
    CU_ASSERT_FALSE(is_over());
    set_function("spa", "f1");
    rebuild();
    CU_ASSERT_TRUE(is_over());
    for (unsigned i = 0; i <= GW_CHANGES_MAX; i++) {
        char id[16];
        (void)snprintf(id, sizeof id, "many%u", i);
        set_function("spa", id);
    }
    rebuild();
    CU_ASSERT_FALSE(is_over());
    snapshot_down();
}

static void cors_rules_are_found_below(void) {
    snapshot_up();
    set_function("spa", "f1");
    set_cors("spa", "c1", "/one", "*");
    rebuild();
    set_function("spa", "f2");
    rebuild();
    CU_ASSERT_TRUE(is_over());
    CU_ASSERT_PTR_NOT_NULL(gw_snapshot_cors(now, GW_STR("GET"), GW_STR("/one")));
    CU_ASSERT_PTR_NULL(gw_snapshot_cors(now, GW_STR("GET"), GW_STR("/two")));
    snapshot_down();
}

UNIT_MAIN(UNIT(whatever_changes_it_answers_as_a_whole_does),
          UNIT(a_new_subscription_lies_over_the_whole_that_stays),
          UNIT(an_updated_function_is_called_by_all_its_subscriptions),
          UNIT(what_needs_a_look_at_the_whole_makes_a_whole), UNIT(cors_rules_are_found_below))
