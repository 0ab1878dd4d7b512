/* Snapshots that lie over another one: whatever was changed, they answer as a whole does. */
#include "snapshot_rig.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static const char *const spaces[] = {"spa", "spb"};
static const char *const functions[] = {"f0", "f1", "f2", "fa"};
static const char *const types[] = {"http.request", "user.created"};
static const char *const paths[] = {
    "/",         "/a/b",     "/a/c/d",        "/p/:x",         "/p/:x/q",
    "/p/:x/r/s", "/w/*rest", "/deep/a/b/c/d", "/deep/a/b/c/e", "/one"};
static const char *const odd_paths[] = {"/p/:x/:y", "/one/", "/:z/:z/:z/:z", "/w/:x", "/a/*"};
static const char *const asked[] = {
    "/",       "/a/b",          "/a/c",          "/a/c/d",      "/a",     "/p/1",
    "/p/1/q",  "/p/1/r",        "/p/1/r/s",      "/p",          "/w/1",   "/w/1/2",
    "/w",      "/deep/a/b/c/d", "/deep/a/b/c/e", "/deep/a/b/c", "/one",   "/one/two",
    "/none",   "/one/",         "/1/2/3/4",      "//",          "/p/1/2", "/p/:x",
    "/p/:x/q", "/w/*rest",      "/p/:x/r/s"};

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

/* As somebody who writes to the store by hand: one id takes any route, old revisions come late,
 * several have one age, values cannot be read. */
static void tell_subscription(const char *space) {
    static uint64_t last = 1000000;
    char key[128];
    char value[512];
    (void)snprintf(key, sizeof key, GW_STORE_ROOT "subscriptions/%s/told%u", space, some(4));
    const int length =
        snprintf(value, sizeof value,
                 "{\"type\":\"%s\",\"eventType\":\"%s\",\"functionId\":\"%s\",\"path\":\"%s\"}",
                 some(2) == 0 ? "sync" : "async", types[some(COUNT(types))],
                 functions[some(COUNT(functions))],
                 some(4) == 0 ? odd_paths[some(COUNT(odd_paths))] : paths[some(COUNT(paths))]);
    const struct eg_change change = {.struct_size = sizeof change,
                                     .kind = some(4) == 0 ? EG_CHANGE_REMOVE : EG_CHANGE_PUT,
                                     .revision = some(2) == 0 ? ++last : some(100),
                                     .created = some(2) == 0 ? 0 : 1 + some(8),
                                     .key = gw_str_c(key),
                                     .value = gw_str(value, some(8) == 0 ? 1 : (size_t)length)};
    rig.catalog->feed.pub.changed(&rig.catalog->feed.pub, &change);
}

static void set_types(const char *space);

/* What a whole has to be made for, mostly. */
static void change_rest(const char *space) {
    char id[16];
    const uint32_t which = some(4);
    (void)snprintf(id, sizeof id, "c%u", some(3));
    if (which == 0) {
        set_types(space);
    } else if (which == 1) {
        set_kind("eventtypes", space, types[some(COUNT(types))], NULL);
    } else if (which == 2 && some(3) == 0) {
        set_kind("cors", space, id, NULL);
    } else if (which == 2) {
        set_cors(space, id, paths[some(COUNT(paths))], "*");
    } else {
        fake_storage_watch_reset(); /* what was told by hand is gone */
    }
}

/* Most are such as the Configuration API makes: then nobody loses a path, and much lies over
 * another. In wild times everything comes. */
static void change_something(bool is_wild) {
    const char *space = spaces[is_wild && some(4) == 0];
    const uint32_t chance = some(is_wild ? 100 : 1000);
    if (chance == 0) {
        change_rest(space);
    } else if (chance < 40 && is_wild) {
        tell_subscription(space);
    } else if (chance % 4 == 1) {
        change_function(space);
    } else {
        change_subscription(space);
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

/* A whole, made behind the back of those that go on to lie over another. */
static struct gw_snapshot *make_whole(void) {
    struct gw_changes *changes = gw_catalog_changes(rig.catalog);
    const struct gw_changes kept = *changes;
    memset(changes, 0, sizeof *changes);
    struct gw_snapshot *whole = gw_snapshot_build(rig.manager, rig.catalog, NULL);
    gw_changes_free(changes);
    *changes = kept;
    CU_ASSERT_PTR_NULL(whole->below);
    return whole;
}

/* How many answers are not those of a whole. */
static unsigned count_differences(void) {
    struct gw_snapshot *whole = make_whole();
    unsigned count = gw_snapshot_revision(now) != gw_snapshot_revision(whole);
    for (size_t path = 0; path < COUNT(asked); path++) {
        for (size_t type = 0; type < COUNT(types); type++) {
            count += route_differs(whole, gw_str_c(types[type]), gw_str_c(asked[path]));
        }
        count += gw_snapshot_cors(now, GW_STR("GET"), gw_str_c(asked[path])) !=
                 gw_snapshot_cors(whole, GW_STR("GET"), gw_str_c(asked[path]));
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

/* Everything of the other space goes, and what was told by hand. */
static void calm_down(void) {
    char id[32];
    for (uint32_t i = 0; i < COUNT(types) * COUNT(paths) * 3; i++) {
        const uint32_t type = i % COUNT(types);
        const uint32_t path = i / COUNT(types) % COUNT(paths);
        const uint32_t third = i / COUNT(types) / COUNT(paths);
        (void)snprintf(id, sizeof id, "async%u-%u-%u", type, path, third);
        set_kind("subscriptions", spaces[1], id, NULL);
        (void)snprintf(id, sizeof id, "sync%u-%u-0", type, path);
        set_kind("subscriptions", spaces[1], id, NULL);
    }
    for (uint32_t i = 0; i < 3; i++) {
        (void)snprintf(id, sizeof id, "c%u", i);
        set_kind("cors", spaces[0], id, NULL);
        set_kind("cors", spaces[1], id, NULL);
    }
    fake_storage_watch_reset();
    rebuild();
}

/* Compared after each; what lies over another goes on until it has too many changes. */
static void whatever_changes_it_answers_as_a_whole_does(void) {
    enum { CHANGES = 2000 };
    unsigned overs = 0;
    unsigned longest = 0;
    unsigned wrong = 0;
    snapshot_up();
    seed = 1;
    set_types("spa");
    set_types("spb");
    rebuild();
    for (unsigned i = 0; i < CHANGES; i++) {
        if (i % 500 == 0) {
            calm_down();
            wrong += count_differences();
        }
        for (uint32_t many = some(8) == 0 ? some(12) : 1; many > 0; many--) {
            change_something(i % 500 >= 400);
        }
        rebuild();
        const unsigned changed = (unsigned)gw_catalog_changes(rig.catalog)->keys.count;
        overs += is_over();
        longest = is_over() && changed > longest ? changed : longest;
        wrong += count_differences();
    }
    printf("  %u of %u lie over another, with up to %u changes\n", overs, CHANGES, longest);
    CU_ASSERT_EQUAL(wrong, 0);
    CU_ASSERT_TRUE(overs > CHANGES / 4);
    CU_ASSERT_TRUE(longest > GW_CHANGES_MAX / 4);
    snapshot_down();
}

/* The whole that takes its place does not tell it again. */
static void a_function_that_cannot_be_called_is_told_once(void) {
    snapshot_up();
    set_types("spa");
    rebuild();
    set_kind("functions", "spa", "fa", "{\"type\":\"nosuch\"}"); /* an authorizer */
    rebuild();
    CU_ASSERT_FALSE(is_over());
    CU_ASSERT_EQUAL(rig_logged("a function cannot be called"), 1);
    set_kind("functions", "spa", "f1", "{\"type\":\"nosuch\"}");
    rebuild();
    CU_ASSERT_TRUE(is_over());
    CU_ASSERT_EQUAL(rig_logged("a function cannot be called"), 2);
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
          UNIT(a_function_that_cannot_be_called_is_told_once),
          UNIT(a_new_subscription_lies_over_the_whole_that_stays),
          UNIT(an_updated_function_is_called_by_all_its_subscriptions),
          UNIT(what_needs_a_look_at_the_whole_makes_a_whole), UNIT(cors_rules_are_found_below))
