/*
 * test_plan.c - from two sets of objects to the writes between them. A set is written as JSON
 * Lines, as in an export.
 */
#include "domain/plan.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/slice.h"
#include "domain/document.h"
#include "unit.h"

#include <eventgw/storage.h>

#define FUNCTION(id) "{\"kind\":\"function\",\"functionId\":\"" id "\",\"type\":\"http\"}\n"
#define FUNCTION_AT(id, url)                                                                       \
    "{\"kind\":\"function\",\"functionId\":\"" id                                                  \
    "\",\"type\":\"http\",\"provider\":{\"url\":\"" url "\"}}\n"
#define EVENTTYPE(name) "{\"kind\":\"eventtype\",\"name\":\"" name "\"}\n"
#define GUARDED(name, authorizer)                                                                  \
    "{\"kind\":\"eventtype\",\"name\":\"" name "\",\"authorizerId\":\"" authorizer "\"}\n"
#define SYNC_IN(space, type, function, path)                                                       \
    "{\"kind\":\"subscription\",\"space\":\"" space "\",\"type\":\"sync\",\"eventType\":\"" type   \
    "\",\"functionId\":\"" function "\",\"path\":\"" path "\"}\n"
#define SYNC(type, function, path) SYNC_IN("default", type, function, path)
#define CORS_IN(space, path)                                                                       \
    "{\"kind\":\"cors\",\"space\":\"" space "\",\"method\":\"GET\",\"path\":\"" path "\"}\n"
#define ALL_KINDS ((1u << GW_KINDS) - 1)

static struct {
    struct gw_documents stored;
    struct gw_documents wanted;
    struct gw_object *objects[64];
    size_t object_count;
    struct gw_arena arena;
    struct gw_plan_table table;
    struct gw_plan plan;
    struct gw_remarks errors;
    struct gw_bytes lines;
} t;

static void clear(void) {
    for (size_t i = 0; i < t.object_count; i++) {
        gw_object_unref(t.objects[i]);
    }
    gw_plan_table_free(&t.table);
    gw_remarks_free(&t.errors);
    gw_documents_free(&t.stored);
    gw_documents_free(&t.wanted);
    gw_arena_free(&t.arena);
    gw_bytes_free(&t.lines);
    memset(&t, 0, sizeof t);
}

static struct gw_object *object_of(const struct gw_document *document) {
    struct gw_refusal refusal;
    struct gw_object *object = NULL;
    if (t.object_count == GW_COUNT(t.objects) ||
        gw_document_object(document, true, &object, &refusal) < 0) {
        printf("  not an object: %.*s\n", GW_FMT(document->json));
        abort();
    }
    t.objects[t.object_count++] = object;
    return object;
}

/* The plan from one set to the other; its lines are in t.lines. */
static void plan_with(const char *stored, const char *wanted, struct gw_plan_rules rules) {
    clear();
    t.table.arena = t.errors.arena = &t.arena;
    gw_documents_read(&t.stored, gw_str_c(stored), GW_DOCUMENT_JSON);
    gw_documents_read(&t.wanted, gw_str_c(wanted), GW_DOCUMENT_JSON);
    for (size_t i = 0; i < t.stored.count; i++) {
        struct gw_object *object = object_of(&t.stored.items[i]);
        gw_plan_add_stored(&t.table, object->kind, object->space, object->id, 10 + i, object);
    }
    for (size_t i = 0; i < t.wanted.count; i++) {
        struct eg_why why = {.struct_size = sizeof why};
        struct gw_object *object = object_of(&t.wanted.items[i]);
        if (gw_plan_add_wanted(&t.table, object, object, t.wanted.items[i].line, &why) < 0) {
            gw_remark(&t.errors, t.wanted.items[i].line, "%.*s", GW_FMT(gw_why_str(&why)));
        }
    }
    gw_plan_make(&t.table, &rules, &t.plan, &t.errors);
    gw_bytes_init(&t.lines, 0);
    for (size_t i = 0; i < t.plan.step_count; i++) {
        gw_plan_describe(&t.lines, &t.plan.steps[i]);
        gw_bytes_add_char(&t.lines, '\n');
    }
}

static void plan(const char *stored, const char *wanted) {
    plan_with(stored, wanted, (struct gw_plan_rules){.until = UINT64_MAX, .kinds = ALL_KINDS});
}
static void prune(const char *stored, const char *wanted) {
    plan_with(stored, wanted,
              (struct gw_plan_rules){.until = UINT64_MAX, .kinds = ALL_KINDS, .is_pruning = true});
}

static void check_error(size_t place, size_t line, const char *text) {
    CU_ASSERT_FATAL(t.errors.count > place);
    CU_ASSERT_EQUAL(t.errors.items[place].line, line);
    ASSERT_STR(t.errors.items[place].text, text);
}

/* ---- what is done ---- */

static void an_empty_store_gets_everything_in_the_order_of_references(void) {
    plan("", CORS_IN("default", "/c") SYNC("e", "f", "/p") GUARDED("e", "f") FUNCTION("f"));
    CU_ASSERT_EQUAL(t.errors.count, 0);
    ASSERT_STR(gw_bytes_str(&t.lines),
               "create function default/f\n"
               "create eventtype default/e\n"
               "create subscription default/c3luYyxlLCUyRnAsUE9TVA (sync e POST /p -> f)\n"
               "create cors default/GET%2Fc\n");
    CU_ASSERT_EQUAL(t.plan.counts[GW_PLAN_CREATE], 4);
    for (unsigned i = 0; i < 4; i++) {
        CU_ASSERT_EQUAL(t.plan.steps[i].phase, i);
        CU_ASSERT_EQUAL(t.plan.steps[i].entry->revision, EG_REV_ABSENT);
    }
}

static void equal_objects_are_left_alone(void) {
    static const char both[] = FUNCTION("f") GUARDED("e", "f") SYNC("e", "f", "/p");
    plan(both, both);
    CU_ASSERT_EQUAL(t.plan.step_count, 0);
    CU_ASSERT_EQUAL(t.plan.unchanged, 3);
}

static void an_update_names_the_fields_that_differ_and_the_revision_that_was_seen(void) {
    plan(FUNCTION_AT("f", "http://a") EVENTTYPE("e"),
         FUNCTION_AT("f", "http://secret") GUARDED("e", "f"));
    ASSERT_STR(gw_bytes_str(&t.lines), "update function default/f: provider\n"
                                       "update eventtype default/e: authorizerId\n");
    CU_ASSERT_EQUAL(t.plan.steps[0].entry->revision, 10);
    CU_ASSERT_EQUAL(t.plan.steps[1].entry->revision, 11);
    plan(GUARDED("e", "f") FUNCTION("f"), EVENTTYPE("e"));
    ASSERT_STR(gw_bytes_str(&t.lines), "update eventtype default/e: authorizerId\n");
}

static void what_is_not_in_the_file_stays_unless_it_is_pruned(void) {
    static const char stored[] =
        FUNCTION("f") EVENTTYPE("e") SYNC("e", "f", "/p") CORS_IN("default", "/c") FUNCTION("g");
    plan(stored, FUNCTION("f"));
    CU_ASSERT_EQUAL(t.plan.step_count, 0);
    prune(stored, FUNCTION("f"));
    CU_ASSERT_EQUAL(t.errors.count, 0);
    ASSERT_STR(gw_bytes_str(&t.lines),
               "delete cors default/GET%2Fc\n"
               "delete subscription default/c3luYyxlLCUyRnAsUE9TVA (sync e POST /p -> f)\n"
               "delete eventtype default/e\n"
               "delete function default/g\n");
    CU_ASSERT_EQUAL(t.plan.counts[GW_PLAN_DELETE], 4);
    CU_ASSERT_EQUAL(t.plan.steps[0].phase, 4);
    CU_ASSERT_EQUAL(t.plan.steps[3].phase, 7);
}

static void writes_come_before_removals(void) {
    prune(FUNCTION("old") GUARDED("e", "old"), FUNCTION("new") GUARDED("e", "new"));
    CU_ASSERT_EQUAL(t.errors.count, 0);
    ASSERT_STR(gw_bytes_str(&t.lines), "create function default/new\n"
                                       "update eventtype default/e: authorizerId\n"
                                       "delete function default/old\n");
}

static void pruning_keeps_to_its_space_and_kinds(void) {
    static const char stored[] = FUNCTION("f") CORS_IN("default", "/c") CORS_IN("other", "/d");
    plan_with(
        stored, "",
        (struct gw_plan_rules){.until = UINT64_MAX, .is_pruning = true, .kinds = 1u << GW_CORS});
    CU_ASSERT_EQUAL(t.plan.counts[GW_PLAN_DELETE], 2);
    plan_with(
        stored, "",
        (struct gw_plan_rules){
            .until = UINT64_MAX, .is_pruning = true, .kinds = ALL_KINDS, .space = GW_STR("other")});
    ASSERT_STR(gw_bytes_str(&t.lines), "delete cors other/GET%2Fd\n");
}

static void pruning_leaves_what_was_touched_after_it_looked(void) {
    static const char stored[] = CORS_IN("default", "/c") CORS_IN("other", "/d");
    plan_with(stored, "",
              (struct gw_plan_rules){.is_pruning = true, .kinds = ALL_KINDS, .until = 10});
    ASSERT_STR(gw_bytes_str(&t.lines), "delete cors default/GET%2Fc\n");
}

static void a_record_that_cannot_be_read_is_overwritten_but_not_pruned(void) {
    prune("", "");
    gw_plan_add_stored(&t.table, GW_FUNCTION, GW_STR("default"), GW_STR("f"), 7, NULL);
    struct gw_plan_rules rules = {.until = UINT64_MAX, .kinds = ALL_KINDS, .is_pruning = true};
    gw_plan_make(&t.table, &rules, &t.plan, &t.errors);
    CU_ASSERT_EQUAL(t.plan.step_count, 0);
    struct eg_why why = {.struct_size = sizeof why};
    gw_documents_free(&t.wanted);
    gw_documents_read(&t.wanted, GW_STR(FUNCTION("f")), GW_DOCUMENT_JSON);
    struct gw_object *object = object_of(&t.wanted.items[0]);
    CU_ASSERT_EQUAL(gw_plan_add_wanted(&t.table, object, object, 1, &why), EG_OK);
    gw_plan_make(&t.table, &rules, &t.plan, &t.errors);
    CU_ASSERT_EQUAL_FATAL(t.plan.step_count, 1);
    CU_ASSERT_EQUAL(t.plan.steps[0].op, GW_PLAN_UPDATE);
    CU_ASSERT_EQUAL(t.plan.steps[0].entry->revision, 7);
    gw_plan_describe(&t.lines, &t.plan.steps[0]);
    ASSERT_STR(gw_bytes_str(&t.lines), "update function default/f: what is stored cannot be read");
}

static void a_form_from_before_the_normal_one_counts_as_equal(void) {
    clear();
    t.table.arena = t.errors.arena = &t.arena;
    struct eg_why why = {.struct_size = sizeof why};
    gw_documents_read(&t.stored, GW_STR(FUNCTION_AT("f", "http://a")), GW_DOCUMENT_JSON);
    struct gw_object *stored = object_of(&t.stored.items[0]);
    struct gw_object *sent = object_of(&t.stored.items[0]);
    struct gw_object *normal = gw_object_with_provider(sent, GW_STR("{\"url\":\"http://a/\"}"));
    t.objects[t.object_count++] = normal;
    gw_plan_add_stored(&t.table, GW_FUNCTION, stored->space, stored->id, 3, stored);
    CU_ASSERT_EQUAL(gw_plan_add_wanted(&t.table, sent, normal, 1, &why), EG_OK);
    const struct gw_plan_rules rules = {.until = UINT64_MAX, .kinds = ALL_KINDS};
    gw_plan_make(&t.table, &rules, &t.plan, &t.errors);
    CU_ASSERT_EQUAL(t.plan.unchanged, 1);
}

static void a_sync_subscription_gets_another_function_in_one_step(void) {
    plan(FUNCTION("f") FUNCTION("g") EVENTTYPE("e") SYNC("e", "f", "/p"), SYNC("e", "g", "/p"));
    ASSERT_STR(gw_bytes_str(&t.lines), "update subscription default/c3luYyxlLCUyRnAsUE9TVA (sync e "
                                       "POST /p -> g): functionId\n");
}

/* ---- what is refused ---- */

static void an_object_may_be_in_the_file_only_once(void) {
    plan("", FUNCTION("f") EVENTTYPE("e") FUNCTION_AT("f", "http://a"));
    CU_ASSERT_EQUAL(t.errors.count, 1);
    check_error(0, 3, "function default/f is in the file already, on line 1");
}

static void references_have_to_lead_somewhere_in_the_end(void) {
    plan("", GUARDED("e", "f") SYNC("e", "g", "/p") SYNC("x", "g", "/q"));
    gw_remarks_sort(&t.errors);
    CU_ASSERT_EQUAL_FATAL(t.errors.count, 4);
    check_error(0, 1, "eventtype default/e: Authorizer function doesn't exists.");
    check_error(1, 2, "subscription default/c3luYyxlLCUyRnAsUE9TVA: Function \"g\" not found.");
    check_error(2, 3, "subscription default/c3luYyx4LCUyRnEsUE9TVA: Event Type \"x\" not found.");
    check_error(3, 3, "subscription default/c3luYyx4LCUyRnEsUE9TVA: Function \"g\" not found.");
    plan(FUNCTION("f") FUNCTION("g") EVENTTYPE("x"),
         GUARDED("e", "f") SYNC("e", "g", "/p") SYNC("x", "g", "/q"));
    CU_ASSERT_EQUAL(t.errors.count, 0);
    plan("", GUARDED("e", ""));
    check_error(0, 1, "eventtype default/e: Authorizer function doesn't exists.");
}

static void another_space_does_not_count(void) {
    plan(FUNCTION("f") EVENTTYPE("e"), SYNC_IN("other", "e", "f", "/p"));
    CU_ASSERT_EQUAL(t.errors.count, 2);
}

static void what_is_pruned_may_not_be_needed_by_the_file(void) {
    prune(FUNCTION("f") EVENTTYPE("e") SYNC("e", "f", "/p"), EVENTTYPE("e") SYNC("e", "f", "/p"));
    CU_ASSERT_EQUAL(t.errors.count, 1);
    check_error(0, 2, "subscription default/c3luYyxlLCUyRnAsUE9TVA: Function \"f\" not found.");
}

static void what_is_pruned_may_not_be_needed_by_what_stays(void) {
    plan_with(FUNCTION("f") EVENTTYPE("e") SYNC("e", "f", "/p"), "",
              (struct gw_plan_rules){
                  .until = UINT64_MAX, .is_pruning = true, .kinds = 1u << GW_FUNCTION});
    CU_ASSERT_EQUAL(t.errors.count, 1);
    check_error(0, 0,
                "function default/f: it cannot be removed: subscription "
                "default/c3luYyxlLCUyRnAsUE9TVA, which stays, uses it");
}

static void what_was_broken_before_and_is_not_touched_is_no_error(void) {
    plan(GUARDED("e", "gone") SYNC("nothing", "gone", "/p"), FUNCTION("f"));
    CU_ASSERT_EQUAL(t.errors.count, 0);
}

static void paths_of_a_space_may_not_conflict(void) {
    static const char base[] = FUNCTION("f") EVENTTYPE("e");
    char wanted[1024];
    plan(base, SYNC("e", "f", "/u/:id") SYNC("e", "f", "/u/:name"));
    CU_ASSERT_EQUAL(t.errors.count, 1);
    (void)snprintf(wanted, sizeof wanted, "%s%s", base, SYNC("e", "f", "/u/:id"));
    plan(wanted, SYNC("e", "f", "/u/:name"));
    CU_ASSERT_EQUAL_FATAL(t.errors.count, 1);
    CU_ASSERT_EQUAL(t.errors.items[0].line, 1);
    CU_ASSERT_PTR_NOT_NULL(memmem(t.errors.items[0].text.ptr, t.errors.items[0].text.len,
                                  "Subscription path conflict: ", 28));
}

static void a_pruned_path_is_in_nobody_s_way(void) {
    prune(FUNCTION("f") EVENTTYPE("e") SYNC("e", "f", "/u/:id"),
          FUNCTION("f") EVENTTYPE("e") SYNC("e", "f", "/u/:name"));
    CU_ASSERT_EQUAL(t.errors.count, 0);
    CU_ASSERT_EQUAL(t.plan.counts[GW_PLAN_CREATE], 1);
    CU_ASSERT_EQUAL(t.plan.counts[GW_PLAN_DELETE], 1);
}

static void stored_paths_that_conflict_stay_as_they_are(void) {
    static const char both[] =
        FUNCTION("f") EVENTTYPE("e") SYNC("e", "f", "/u/:id") SYNC("e", "f", "/u/:name");
    plan(both, both);
    CU_ASSERT_EQUAL(t.errors.count, 0);
}

static void paths_of_other_spaces_count_when_that_is_configured(void) {
    static const char stored[] = CORS_IN("other", "/u/:id") CORS_IN("default", "/v/:id");
    static const char wanted[] = CORS_IN("default", "/u/:name") CORS_IN("default", "/v/:name");
    plan(stored, wanted);
    CU_ASSERT_EQUAL(t.errors.count, 0);
    plan_with(
        stored, wanted,
        (struct gw_plan_rules){.until = UINT64_MAX, .kinds = ALL_KINDS, .has_shared_paths = true});
    CU_ASSERT_EQUAL_FATAL(t.errors.count, 1);
    CU_ASSERT_EQUAL(t.errors.items[0].line, 1);
    plan_with(
        "", CORS_IN("default", "/u/:name") CORS_IN("other", "/u/:id"),
        (struct gw_plan_rules){.until = UINT64_MAX, .kinds = ALL_KINDS, .has_shared_paths = true});
    CU_ASSERT_EQUAL(t.errors.count, 1);
}

static void end(void) {
    clear();
    CU_ASSERT_EQUAL(t.object_count, 0);
}

UNIT_MAIN(UNIT(an_empty_store_gets_everything_in_the_order_of_references),
          UNIT(equal_objects_are_left_alone),
          UNIT(an_update_names_the_fields_that_differ_and_the_revision_that_was_seen),
          UNIT(what_is_not_in_the_file_stays_unless_it_is_pruned),
          UNIT(writes_come_before_removals), UNIT(pruning_keeps_to_its_space_and_kinds),
          UNIT(pruning_leaves_what_was_touched_after_it_looked),
          UNIT(a_record_that_cannot_be_read_is_overwritten_but_not_pruned),
          UNIT(a_form_from_before_the_normal_one_counts_as_equal),
          UNIT(a_sync_subscription_gets_another_function_in_one_step),
          UNIT(an_object_may_be_in_the_file_only_once),
          UNIT(references_have_to_lead_somewhere_in_the_end), UNIT(another_space_does_not_count),
          UNIT(what_is_pruned_may_not_be_needed_by_the_file),
          UNIT(what_is_pruned_may_not_be_needed_by_what_stays),
          UNIT(what_was_broken_before_and_is_not_touched_is_no_error),
          UNIT(paths_of_a_space_may_not_conflict), UNIT(a_pruned_path_is_in_nobody_s_way),
          UNIT(stored_paths_that_conflict_stay_as_they_are),
          UNIT(paths_of_other_spaces_count_when_that_is_configured), UNIT(end))
