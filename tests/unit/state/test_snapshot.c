/* Building the routing view. */
#include <time.h>

#include "base/why.h"
#include "plugin/change.h"
#include "plugin/manager_parts.h"
#include "snapshot_rig.h"

static void functions_that_did_not_change_keep_their_target(void) {
    snapshot_up();
    set_function("default", "f1");
    set_function("default", "f2");
    set_subscription("default", "s1", "async", "t", "f1", "/");
    set_subscription("default", "s2", "async", "t", "f2", "/");
    rebuild();
    size_t count = 0;
    const struct gw_subscriber *const *list =
        gw_snapshot_async(now, GW_STR("POST"), GW_STR("/"), GW_STR("t"), &count);
    CU_ASSERT_EQUAL_FATAL(count, 2);
    struct gw_target *first = gw_target_ref(list[0]->callee->target);
    struct gw_target *second = gw_target_ref(list[1]->callee->target);
    set_function("default", "f2");
    rebuild();
    list = gw_snapshot_async(now, GW_STR("POST"), GW_STR("/"), GW_STR("t"), &count);
    CU_ASSERT_EQUAL_FATAL(count, 2);
    CU_ASSERT_PTR_EQUAL(list[0]->callee->target, first);
    CU_ASSERT_PTR_NOT_NULL(list[1]->callee->target);
    CU_ASSERT_PTR_NOT_EQUAL(list[1]->callee->target, second);
    gw_target_unref(first);
    gw_target_unref(second);
    snapshot_down();
}

static void a_function_that_cannot_be_bound_is_named_once(void) {
    snapshot_up();
    set_kind("functions", "default", "odd", "{\"functionId\":\"odd\",\"type\":\"nosuch\"}");
    set_subscription("default", "s1", "sync", "t", "odd", "/");
    set_subscription("default", "s2", "sync", "t", "missing", "/missing");
    rebuild();
    CU_ASSERT_PTR_NOT_NULL_FATAL(sync_of("t", "/"));
    CU_ASSERT_PTR_NOT_NULL_FATAL(sync_of("t", "/")->callee);
    CU_ASSERT_PTR_NULL(sync_of("t", "/")->callee->target);
    CU_ASSERT_PTR_NULL(sync_of("t", "/missing")->callee);
    CU_ASSERT_EQUAL(rig_logged("provider nosuch not supported"), 1);
    rebuild();
    CU_ASSERT_EQUAL(rig_logged("provider nosuch not supported"), 1);
    snapshot_down();
}

static void an_updated_async_subscription_is_called_once_and_leaves_no_ghost(void) {
    snapshot_up();
    set_function("default", "f1");
    set_subscription("default", "s1", "async", "t", "f1", "/");
    rebuild();
    set_subscription("default", "s1", "async", "t", "f1", "/"); /* metadata, say (Q25) */
    rebuild();
    CU_ASSERT_STRING_EQUAL(async_of("t", "/"), "f1 ");
    set_kind("subscriptions", "default", "s1", NULL);
    rebuild();
    CU_ASSERT_STRING_EQUAL(async_of("t", "/"), "");
    snapshot_down();
}

static void async_subscribers_come_in_order_of_age_from_all_spaces(void) {
    snapshot_up();
    set_subscription("zzz", "s1", "async", "t", "first", "/");
    set_subscription("aaa", "s1", "async", "t", "second", "/");
    set_subscription("mmm", "s1", "async", "t", "third", "/");
    set_subscription("zzz", "s1", "async", "t", "first", "/"); /* an update does not age it */
    rebuild();
    CU_ASSERT_STRING_EQUAL(async_of("t", "/"), "first second third ");
    snapshot_down();
}

static void the_older_of_two_spaces_wins_a_path_and_the_loser_takes_over(void) {
    snapshot_up();
    set_function("zzz", "old");
    set_function("aaa", "young");
    set_subscription("zzz", "s1", "sync", "t", "old", "/*all");
    set_subscription("aaa", "s1", "sync", "t", "young", "/x/y");
    rebuild();
    CU_ASSERT_PTR_NOT_NULL_FATAL(sync_of("t", "/x/y"));
    ASSERT_STR(sync_of("t", "/x/y")->object->space, "zzz");
    CU_ASSERT_EQUAL(rig_logged("a path is not in the path tree"), 1);
    set_subscription("zzz", "s1", "sync", "t", "old", "/*all"); /* updated: still the older */
    set_function("zzz", "other");
    rebuild();
    ASSERT_STR(sync_of("t", "/x/y")->object->space, "zzz");
    CU_ASSERT_EQUAL(rig_logged("a path is not in the path tree"), 1); /* said already */
    set_kind("subscriptions", "zzz", "s1", NULL);
    rebuild();
    CU_ASSERT_PTR_NOT_NULL_FATAL(sync_of("t", "/x/y"));
    ASSERT_STR(sync_of("t", "/x/y")->object->space, "aaa");
    CU_ASSERT_PTR_NULL(sync_of("t", "/x"));
    snapshot_down();
}

/* The watch of a node that starts late tells the updated one last. */
static void a_node_that_starts_late_routes_as_one_that_ran_throughout(void) {
    snapshot_up();
    set_subscription("zzz", "s1", "sync", "t", "f", "/*all");
    set_subscription("aaa", "s1", "sync", "t", "f", "/x/y");
    set_subscription("zzz", "s1", "sync", "t", "changed", "/*all");
    rebuild();
    ASSERT_STR(sync_of("t", "/x/y")->object->space, "zzz");
    rig.ends = rig.readies = 0;
    gw_catalog_stop(rig.catalog, rig_on_stopped, NULL);
    rig_wait(&rig.ends, 1, "the catalog does not stop");
    gw_catalog_destroy(rig.catalog);
    rig_make_catalog();
    rig_watch();
    rebuild();
    ASSERT_STR(sync_of("t", "/x/y")->object->space, "zzz");
    snapshot_down();
}

static void a_loser_that_goes_takes_nothing_of_the_winner_along(void) {
    snapshot_up();
    set_subscription("default", "s1", "sync", "t", "f", "/*all");
    set_subscription("spb", "s1", "sync", "t", "f", "/zzz/y");
    rebuild();
    set_kind("subscriptions", "spb", "s1", NULL);
    rebuild();
    CU_ASSERT_PTR_NOT_NULL(sync_of("t", "/zzz/y"));
    snapshot_down();
}

static void a_removed_nested_path_blocks_nobody(void) {
    snapshot_up();
    set_subscription("default", "s1", "sync", "t", "f", "/a/:b/c");
    rebuild();
    set_kind("subscriptions", "default", "s1", NULL);
    set_subscription("default", "s2", "sync", "t", "f", "/a/x");
    rebuild();
    CU_ASSERT_PTR_NOT_NULL(sync_of("t", "/a/x")); /* Q28 */
    snapshot_down();
}

static void an_updated_cors_object_works_at_once(void) {
    snapshot_up();
    set_cors("default", "c1", "/x/:y", "http://one");
    rebuild();
    const struct gw_cors *cors = gw_snapshot_cors(now, GW_STR("GET"), GW_STR("/x/1"));
    CU_ASSERT_PTR_NOT_NULL_FATAL(cors);
    ASSERT_STR(cors->allowed_origins.items[0], "http://one");
    set_cors("default", "c1", "/x/:y", "http://two");
    rebuild();
    cors = gw_snapshot_cors(now, GW_STR("GET"), GW_STR("/x/1"));
    CU_ASSERT_PTR_NOT_NULL_FATAL(cors);
    ASSERT_STR(cors->allowed_origins.items[0], "http://two"); /* Q26 */
    CU_ASSERT_PTR_NULL(gw_snapshot_cors(now, GW_STR("PUT"), GW_STR("/x/1")));
    snapshot_down();
}

static void authorizers_belong_to_the_event_type_and_never_to_system_events(void) {
    snapshot_up();
    set_function("default", "auth");
    set_kind("eventtypes", "default", "t", "{\"name\":\"t\",\"authorizerId\":\"auth\"}");
    set_kind("eventtypes", "default", "lost", "{\"name\":\"lost\",\"authorizerId\":\"nobody\"}");
    set_kind("eventtypes", "default", "free", "{\"name\":\"free\",\"authorizerId\":\"\"}");
    set_kind("eventtypes", "default", "eventgateway.event.received",
             "{\"name\":\"eventgateway.event.received\",\"authorizerId\":\"auth\"}");
    set_subscription("default", "s1", "sync", "t", "f", "/");
    set_subscription("default", "s2", "sync", "lost", "f", "/");
    set_subscription("default", "s3", "sync", "free", "f", "/");
    set_subscription("default", "s4", "sync", "eventgateway.event.received", "f", "/");
    set_subscription("other", "s1", "sync", "t", "f", "/other"); /* its space asks nobody */
    rebuild();
    CU_ASSERT_TRUE(sync_of("t", "/")->needs_authorizer);
    CU_ASSERT_PTR_NOT_NULL_FATAL(sync_of("t", "/")->authorizer);
    ASSERT_STR(sync_of("t", "/")->authorizer->object->id, "auth");
    CU_ASSERT_TRUE(sync_of("lost", "/")->needs_authorizer);
    CU_ASSERT_PTR_NULL(sync_of("lost", "/")->authorizer);
    CU_ASSERT_FALSE(sync_of("free", "/")->needs_authorizer);
    CU_ASSERT_FALSE(sync_of("eventgateway.event.received", "/")->needs_authorizer);
    CU_ASSERT_FALSE(sync_of("t", "/other")->needs_authorizer);
    snapshot_down();
}

static struct eg_str schema_of(const char *type, const char *path, size_t index) {
    const struct gw_eventtype *found =
        gw_snapshot_schema(now, GW_STR("POST"), gw_str_c(path), gw_str_c(type), index);
    return found == NULL ? (struct eg_str){0} : found->schema;
}

static void schemas_are_those_of_the_subscribers_spaces_and_each_is_told_once(void) {
    snapshot_up();
    set_kind("eventtypes", "default", "t", "{\"name\":\"t\",\"schema\":{\"a\": 1}}");
    set_kind("eventtypes", "spa", "t", "{\"name\":\"t\",\"schema\":true}");
    set_kind("eventtypes", "spb", "t", "{\"name\":\"t\"}");
    set_kind("eventtypes", "spc", "t", "{\"name\":\"t\",\"schema\":false}"); /* nobody's */
    set_kind("eventtypes", "default", "eventgateway.event.received",
             "{\"name\":\"eventgateway.event.received\",\"schema\":true}");
    set_subscription("default", "s0", "async", "t", "f", "/");
    set_subscription("default", "s1", "async", "t", "g", "/");
    set_subscription("spa", "s2", "async", "t", "f", "/");
    set_subscription("spb", "s3", "async", "t", "f", "/");
    set_subscription("spa", "s4", "sync", "t", "f", "/");
    set_subscription("spb", "s5", "sync", "t", "f", "/b");
    set_subscription("default", "s6", "async", "eventgateway.event.received", "f", "/");
    rebuild();
    ASSERT_STR(schema_of("t", "/", 0), "true"); /* of the sync subscriber */
    ASSERT_STR(schema_of("t", "/", 1), "{\"a\":1}");
    ASSERT_STR(schema_of("t", "/", 2), "");
    ASSERT_STR(schema_of("t", "/b", 0), "");
    ASSERT_STR(schema_of("u", "/", 0), "");
    ASSERT_STR(schema_of("eventgateway.event.received", "/", 0), "");
    const struct gw_eventtype *one =
        gw_snapshot_schema(now, GW_STR("POST"), GW_STR("/"), GW_STR("t"), 0);
    CU_ASSERT_EQUAL(one->schema_mark, gw_hash(GW_STR("true")));
    snapshot_down();
}

static void counters_carry_the_space_and_the_type_of_the_chapter(void) {
    struct gw_bytes text;
    gw_bytes_init(&text, 0);
    snapshot_up();
    set_subscription("spa", "s1", "sync", "user.created", "f", "/");
    set_subscription("spb", "s1", "async", "user.created", "f", "/");
    rebuild();
    size_t count = 0;
    const struct gw_subscriber *const *list =
        gw_snapshot_async(now, GW_STR("POST"), GW_STR("/"), GW_STR("user.created"), &count);
    CU_ASSERT_EQUAL_FATAL(count, 1);
    gw_metric_add(list[0]->processed, 3);
    gw_metric_add(sync_of("user.created", "/")->received, 2);
    gw_metrics_write(&text);
    CU_ASSERT_PTR_NOT_NULL(memmem(text.ptr, text.len,
                                  "processed_total{space=\"spb\",type=\"custom\"} 3",
                                  strlen("processed_total{space=\"spb\",type=\"custom\"} 3")));
    CU_ASSERT_PTR_NOT_NULL(memmem(text.ptr, text.len,
                                  "received_total{space=\"spa\",type=\"user.created\"} 2",
                                  strlen("received_total{space=\"spa\",type=\"user.created\"} 2")));
    snapshot_down();
    gw_bytes_free(&text);
}

static uint64_t cpu_ns(void) {
    struct timespec time;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return (uint64_t)time.tv_sec * GW_NS_PER_S + (uint64_t)time.tv_nsec;
}

/* The store of the rig is too small for this, so the watch is told by hand. */
static void tell_put(const char *route, unsigned i, const char *value) {
    char key[128];
    (void)snprintf(key, sizeof key, GW_STORE_ROOT "%s/default/o%u", route, i);
    const struct eg_change change = {.struct_size = sizeof change,
                                     .kind = EG_CHANGE_PUT,
                                     .revision = i + 1,
                                     .key = gw_str_c(key),
                                     .value = gw_str_c(value)};
    rig.catalog->feed.pub.changed(&rig.catalog->feed.pub, &change);
}

/* Functions and subscriptions from..to, half of each. */
static void tell_many(unsigned from, unsigned to) {
    char value[256];
    for (unsigned i = from; i < to; i++) {
        (void)snprintf(value, sizeof value,
                       "{\"functionId\":\"o%u\",\"type\":\"http\",\"provider\":{\"url\":\"http://"
                       "a\"}}",
                       i);
        tell_put("functions", i, value);
        (void)snprintf(value, sizeof value,
                       "{\"subscriptionId\":\"o%u\",\"type\":\"%s\",\"eventType\":\"t\","
                       "\"functionId\":\"o%u\",\"path\":\"/p/%u\",\"method\":\"POST\"}",
                       i, i % 2 == 0 ? "sync" : "async", i, i);
        tell_put("subscriptions", i, value);
    }
}

/* CPU time of a rebuild of the whole that binds nothing new; the best of some, for others use the
 * machine too. */
static uint64_t rebuild_cost(void) {
    uint64_t best = UINT64_MAX;
    rebuild(); /* binds all */
    for (int i = 0; i < 3; i++) {
        gw_changes_free(gw_catalog_changes(rig.catalog));
        const uint64_t begin = cpu_ns();
        rebuild();
        const uint64_t taken = cpu_ns() - begin;
        best = taken < best ? taken : best;
    }
    return best;
}

/* Ten times the objects, at most fifty times the work: a quadratic build would take a hundred. */
static void the_cost_of_a_build_grows_with_the_objects_and_not_faster(void) {
    snapshot_up();
    tell_many(0, 500);
    const uint64_t few = rebuild_cost();
    tell_many(500, 5000);
    const uint64_t many = rebuild_cost();
    printf("  rebuilding 1,000 and 10,000 objects: %u and %u us of CPU\n", (unsigned)(few / 1000),
           (unsigned)(many / 1000));
    CU_ASSERT_TRUE(many < 50 * few);
    CU_ASSERT_PTR_NOT_NULL(sync_of("t", "/p/4998"));
    CU_ASSERT_STRING_EQUAL(async_of("t", "/p/4999"), "o4999 ");
    snapshot_down();
}

/* ---- the chain set of a snapshot ---- */

static void on_up(void *arg, int32_t status, struct eg_str why) {
    (void)why;
    rig_must(status == EG_OK, "the new provider does not start");
    (*(unsigned *)arg)++;
}

/* The same components, but another instance of the provider "http". */
static struct gw_change *begin_other_http(void) {
    const struct gw_chains *present = gw_manager_chains(rig.manager);
    struct gw_change *change = gw_change_begin(rig.manager);
    struct gw_instance *made = NULL;
    unsigned ups = 0;
    for (uint32_t kind = 0; kind < GW_KIND_COUNT; kind++) {
        for (size_t i = 0; i < present->of_kind[kind].count; i++) {
            struct gw_instance *former = present->of_kind[kind].items[i];
            if (strcmp(former->name, "http") == 0) {
                rig_must(gw_change_add(change, former->component, NULL, 0, &made, NULL) == EG_OK,
                         "no new provider");
            } else {
                gw_change_keep(change, former);
            }
        }
    }
    gw_change_start(change, 0, on_up, &ups);
    rig_wait(&ups, 1, "the new provider does not answer");
    return change;
}

static const struct gw_callee *callee_of(const struct gw_snapshot *snapshot, const char *id) {
    return gw_snapshot_callee(snapshot, GW_STR("default"), gw_str_c(id));
}

static void functions_are_bound_anew_when_their_provider_is_replaced(void) {
    snapshot_up();
    set_function("default", "f1");
    rig_set(RIG_KEY("functions", "default", "f2"),
            "{\"space\":\"default\",\"functionId\":\"f2\",\"type\":\"vault\",\"provider\":"
            "{\"url\":\"u\",\"key\":\"k\"}}");
    rebuild();
    struct gw_snapshot *before = now;
    const struct gw_target *f1 = callee_of(before, "f1")->target;
    const struct gw_target *f2 = callee_of(before, "f2")->target;
    gw_change_commit(begin_other_http(), GW_NS_PER_S, 0);
    now = gw_snapshot_build(rig.manager, rig.catalog, before);
    CU_ASSERT_PTR_NOT_EQUAL(gw_snapshot_chains(now), gw_snapshot_chains(before));
    CU_ASSERT_PTR_NOT_EQUAL(callee_of(now, "f1")->target, f1);
    CU_ASSERT_PTR_EQUAL(callee_of(now, "f2")->target, f2); /* its provider stays */
    CU_ASSERT_PTR_EQUAL(callee_of(now, "f1")->target->instance,
                        gw_chains_provider(gw_snapshot_chains(now), GW_STR("http")));
    CU_ASSERT_PTR_EQUAL(f1->instance, callee_of(before, "f1")->provider);
    gw_snapshot_destroy(before);
    rig_turn(10);
    CU_ASSERT_TRUE(gw_list_empty(&rig.manager->lives)); /* the old provider has gone */
    rebuild();                                          /* and nothing changes any more */
    CU_ASSERT_PTR_EQUAL(callee_of(now, "f2")->target, f2);
    snapshot_down();
}

static void a_provider_is_asked_about_the_functions_before_it_takes_over(void) {
    struct eg_why why = {.struct_size = sizeof why};
    snapshot_up();
    set_function("default", "f1");
    rig_set(
        RIG_KEY("functions", "default", "odd"), /* cannot be bound as it is, so it does not count */
        "{\"space\":\"default\",\"functionId\":\"odd\",\"type\":\"http\",\"provider\":{}}");
    rebuild();
    struct gw_change *change = begin_other_http();
    CU_ASSERT_EQUAL(gw_snapshot_check(now, gw_change_chains(change), &why), EG_OK);
    /* The function loses its url behind the back of the provider. */
    struct gw_object *object = callee_of(now, "f1")->object;
    const struct eg_str url = object->as.function.provider_json;
    object->as.function.provider_json = GW_STR("{}");
    CU_ASSERT_TRUE(gw_snapshot_check(now, gw_change_chains(change), &why) < 0);
    ASSERT_STR(gw_why_str(&why), "function 'f1' of space 'default': missing required fields for "
                                 "HTTP endpoint");
    CU_ASSERT_EQUAL(gw_snapshot_check(now, gw_manager_chains(rig.manager), &why), EG_OK);
    object->as.function.provider_json = url;
    gw_change_abort(change, GW_NS_PER_S);
    rig_turn(10);
    CU_ASSERT_TRUE(gw_list_empty(&rig.manager->lives));
    snapshot_down();
}

UNIT_MAIN(UNIT(functions_that_did_not_change_keep_their_target),
          UNIT(functions_are_bound_anew_when_their_provider_is_replaced),
          UNIT(a_provider_is_asked_about_the_functions_before_it_takes_over),
          UNIT(a_function_that_cannot_be_bound_is_named_once),
          UNIT(an_updated_async_subscription_is_called_once_and_leaves_no_ghost),
          UNIT(async_subscribers_come_in_order_of_age_from_all_spaces),
          UNIT(the_older_of_two_spaces_wins_a_path_and_the_loser_takes_over),
          UNIT(a_node_that_starts_late_routes_as_one_that_ran_throughout),
          UNIT(a_loser_that_goes_takes_nothing_of_the_winner_along),
          UNIT(a_removed_nested_path_blocks_nobody), UNIT(an_updated_cors_object_works_at_once),
          UNIT(authorizers_belong_to_the_event_type_and_never_to_system_events),
          UNIT(schemas_are_those_of_the_subscribers_spaces_and_each_is_told_once),
          UNIT(counters_carry_the_space_and_the_type_of_the_chapter),
          UNIT(the_cost_of_a_build_grows_with_the_objects_and_not_faster))
