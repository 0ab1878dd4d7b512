/* Unit tests of watches against the fake host: Consul is answers that the test writes, time is the
 * test's. What a watch tells is a text: +key=value, -key, S, R, D, C. */
#include <eventgw-sdk/fake_host.h>

#include "consul.h"
#include "unit.h"

#define MS CONSUL_MILLISECOND_NS
#define ROW(key, value, index)                                                                     \
    "{\"KV\":{\"Key\":\"event-gateway/" key "\",\"Flags\":7,\"Value\":" value                      \
    ",\"ModifyIndex\":" index "}}"
#define ROW_OF(key, value, created, index)                                                         \
    "{\"KV\":{\"Key\":\"event-gateway/" key "\",\"Flags\":7,\"Value\":" value                      \
    ",\"CreateIndex\":" created ",\"ModifyIndex\":" index "}}"
#define GUARD(index) ROW(".guard", "null", index)
#define RESULTS(rows) "{\"Results\":[" rows "],\"Errors\":null}"
#define NAMES "[\"event-gateway/.guard\",\"event-gateway/p/\"]"
#define ONE "\"MQ==\""
#define TWO "\"Mg==\""

static struct egx_fake *fake;
static const struct eg_component *component;
static const struct eg_storage_ops *ops;
static void *instance;
static struct eg_watch watch;
static char told[4096];
static uint64_t told_revision;
static char why[256];
static char ages[256]; /* "key@created " of each PUT */

static void on_changed(struct eg_watch *of, const struct eg_change *change) {
    static const char marks[] = "?+-SRDC";
    const size_t len = strlen(told);
    (void)of;
    (void)snprintf(told + len, sizeof told - len, "%c%.*s%s%.*s ", marks[change->kind],
                   EGX_FMT(change->key), change->kind == EG_CHANGE_PUT ? "=" : "",
                   EGX_FMT(change->value));
    told_revision = change->revision;
    if (change->kind == EG_CHANGE_PUT) {
        const size_t at = strlen(ages);
        (void)snprintf(ages + at, sizeof ages - at, "%.*s@%llu ", EGX_FMT(change->key),
                       (unsigned long long)change->created);
    }
    if (change->kind == EG_CHANGE_DOWN) {
        (void)snprintf(why, sizeof why, "%.*s", EGX_FMT(change->message));
    }
}

static const char *take_told(void) {
    static char text[sizeof told];
    memcpy(text, told, sizeof text);
    told[0] = '\0';
    return text;
}
#define TOLD(expected) CU_ASSERT_STRING_EQUAL(take_told(), expected)

/* ---- the frame ---- */

static void run(void) {
    (void)egx_fake_run(fake);
}

static void wait_ms(uint64_t ms) {
    egx_fake_advance(fake, ms * MS);
    run();
}

/* Answers to the question for changes and to a read, both to come. */
static void answer_asked(const char *index, const char *names) {
    char header[64];
    (void)snprintf(header, sizeof header, "X-Consul-Index: %s\n", index);
    egx_fake_answer(fake, 200, header, names);
}

static void answer_read(const char *results) {
    egx_fake_answer(fake, 200, "", results);
}

static void open_from(uint64_t from_revision) {
    fake = egx_fake_new();
    component = eg_plugin_constant.components[0];
    ops = component->ops;
    instance = NULL;
    told[0] = why[0] = ages[0] = '\0';
    CU_ASSERT_EQUAL_FATAL(egx_fake_create(fake, component, NULL, &instance, NULL), EG_OK);
    egx_fake_answer(fake, 404, "", "");
    CU_ASSERT_EQUAL_FATAL(egx_fake_start(fake, component, instance), EG_OK);
    watch = (struct eg_watch){.struct_size = sizeof watch, .changed = on_changed};
    CU_ASSERT_EQUAL_FATAL(ops->watch(instance, EGX_STR("p/"), from_revision, &watch), EG_OK);
}

static void end(void) {
    ops->unwatch(instance, &watch);
    run();
    CU_ASSERT_PTR_NOT_NULL(strstr(told, "C "));
    component->life->drain(instance);
    run();
    egx_fake_destroy(fake, component, instance);
    CU_ASSERT_EQUAL(egx_fake_allocations(fake), 0);
    egx_fake_free(fake);
}

static size_t sent_count(void) {
    return egx_fake_request_count(fake);
}

static const char *last_url(void) {
    return egx_fake_sent(fake, sent_count() - 1)->url;
}

static bool is_asking(void) {
    return strstr(last_url(), "/v1/kv/event-gateway/?keys&separator=/&consistent") != NULL;
}

/* p/a=1 of revision 10, p/b=2 of revision 12. */
static void open_with_two(void) {
    open_from(0);
    answer_asked("12", NAMES);
    answer_read(RESULTS(GUARD("12") "," ROW("p/a", ONE, "10") "," ROW("p/b", TWO, "12")));
    run();
    TOLD("+p/a=1 +p/b=2 S ");
    wait_ms(50);
    CU_ASSERT_TRUE(is_asking());
}

/* ---- content and changes ---- */

static void the_content_comes_first_then_the_question_waits_for_changes(void) {
    open_with_two();
    CU_ASSERT_PTR_NOT_NULL(strstr(last_url(), "&index=12&wait="));
    CU_ASSERT_EQUAL(told_revision, 12);
    CU_ASSERT_STRING_EQUAL(egx_fake_sent(fake, 1)->url, "http://127.0.0.1:8500/v1/kv/event-gateway/"
                                                        "?keys&separator=/&consistent");
    end();
}

static void a_change_is_read_and_the_difference_told_in_order(void) {
    open_with_two();
    answer_asked("15", NAMES);
    answer_read(RESULTS(GUARD("16") "," ROW("p/a", TWO, "15") "," ROW("p/c", ONE, "14")));
    run();
    TOLD("+p/c=1 +p/a=2 -p/b ");
    CU_ASSERT_EQUAL(told_revision, 16);
    wait_ms(50);
    CU_ASSERT_PTR_NOT_NULL(strstr(last_url(), "&index=16&wait="));
    end();
}

static void nothing_new_is_asked_again_and_not_read(void) {
    open_with_two();
    const size_t before = sent_count();
    wait_ms(10000);
    answer_asked("12", NAMES);
    run();
    CU_ASSERT_EQUAL(sent_count(), before + 1);
    CU_ASSERT_TRUE(is_asking());
    TOLD("");
    end();
}

/* Somebody waits for the revision of a write: it is told although nothing is left to see of it. */
static void a_write_that_left_nothing_is_told_as_synced(void) {
    open_with_two();
    answer_asked("19", NAMES);
    answer_read(RESULTS(GUARD("19") "," ROW("p/a", ONE, "10") "," ROW("p/b", TWO, "12")));
    run();
    TOLD("S ");
    CU_ASSERT_EQUAL(told_revision, 19);
    wait_ms(50);
    answer_asked("25", NAMES); /* a put of 23, and something elsewhere of 25 */
    answer_read(RESULTS(GUARD("25") "," ROW("p/a", TWO, "23") "," ROW("p/b", TWO, "12")));
    run();
    TOLD("+p/a=2 S ");
    CU_ASSERT_EQUAL(told_revision, 25);
    end();
}

static void many_writes_become_few_reads(void) {
    open_with_two();
    wait_ms(1000);
    answer_asked("13", NAMES);
    answer_read(RESULTS(GUARD("13") "," ROW("p/a", TWO, "13") "," ROW("p/b", TWO, "12")));
    run();
    TOLD("+p/a=2 ");
    const size_t before = sent_count();
    answer_asked("14", NAMES); /* the next question has been sent at once */
    run();
    CU_ASSERT_EQUAL(sent_count(), before); /* but the next read waits */
    answer_read(RESULTS(GUARD("20") "," ROW("p/a", ONE, "20") "," ROW("p/b", TWO, "12")));
    wait_ms(49);
    TOLD("");
    wait_ms(1);
    TOLD("+p/a=1 ");
    end();
}

static void a_server_that_answers_at_once_is_not_asked_all_the_time(void) {
    open_with_two();
    const size_t before = sent_count();
    for (size_t i = 0; i < 100; i++) {
        answer_asked("12", NAMES);
    }
    for (size_t i = 0; i < 100; i++) {
        wait_ms(5);
    }
    CU_ASSERT_TRUE(sent_count() - before <= 11);
    end();
}

static void a_store_without_anything_is_synced(void) {
    open_from(0);
    egx_fake_answer(fake, 404, "X-Consul-Index: 7\n", "");
    answer_read(RESULTS(""));
    egx_fake_answer(fake, 404, "", ""); /* the guard */
    run();
    TOLD("S ");
    CU_ASSERT_EQUAL(told_revision, 7);
    end();
}

static void every_put_tells_the_index_that_made_its_key(void) {
    open_from(0);
    answer_asked("12", NAMES);
    answer_read(RESULTS(GUARD("12") "," ROW_OF("p/a", ONE, "8", "10")));
    run();
    wait_ms(50);
    answer_asked("15", NAMES);
    answer_read(
        RESULTS(GUARD("15") "," ROW_OF("p/a", TWO, "8", "15") "," ROW_OF("p/b", ONE, "14", "14")));
    run();
    CU_ASSERT_STRING_EQUAL(ages, "p/a@8 p/b@14 p/a@8 ");
    ages[0] = '\0';
    wait_ms(50);
    answer_asked("5", NAMES); /* another store: all is told anew */
    answer_read(RESULTS(GUARD("5") "," ROW_OF("p/a", TWO, "3", "5")));
    run();
    CU_ASSERT_STRING_EQUAL(ages, "p/a@3 ");
    end();
}

/* ---- from a revision ---- */

static void from_the_present_revision_nothing_is_repeated(void) {
    open_from(12);
    answer_asked("12", NAMES);
    answer_read(RESULTS(GUARD("12") "," ROW("p/a", ONE, "10")));
    run();
    TOLD("S ");
    wait_ms(50);
    answer_asked("14", NAMES);
    answer_read(RESULTS(GUARD("14")));
    run();
    TOLD("-p/a ");
    end();
}

static void from_any_other_revision_all_is_told_anew(void) {
    static const uint64_t revisions[] = {11, 13, UINT64_MAX - 1};
    for (size_t i = 0; i < EGX_COUNT(revisions); i++) {
        open_from(revisions[i]);
        answer_asked("12", NAMES);
        answer_read(RESULTS(GUARD("12") "," ROW("p/a", ONE, "10")));
        run();
        TOLD("R +p/a=1 S ");
        end();
    }
}

static void an_index_that_goes_back_is_another_store(void) {
    open_with_two();
    answer_asked("5", NAMES);
    answer_read(RESULTS(GUARD("5") "," ROW("p/b", TWO, "4") "," ROW("p/z", ONE, "5")));
    run();
    TOLD("R +p/b=2 +p/z=1 S ");
    CU_ASSERT_EQUAL(told_revision, 5);
    wait_ms(50);
    CU_ASSERT_PTR_NOT_NULL(strstr(last_url(), "&index=5&wait="));
    end();
}

static void another_store_is_not_forgotten_when_its_first_read_fails(void) {
    open_with_two();
    answer_asked("5", NAMES);
    egx_fake_answer_error(fake, EG_E_IO, "connection reset");
    run();
    TOLD("D ");
    answer_asked("30", NAMES); /* it has become busy meanwhile */
    answer_read(RESULTS(GUARD("30") "," ROW("p/b", TWO, "12")));
    wait_ms(2000);
    TOLD("R +p/b=2 S ");
    end();
}

/* ---- away ---- */

static void a_store_that_is_away_is_told_once_and_tried_on(void) {
    open_with_two();
    egx_fake_answer_error(fake, EG_E_UNAVAILABLE, "connection refused");
    run();
    TOLD("D ");
    CU_ASSERT_STRING_EQUAL(why, "Consul at 127.0.0.1:8500 cannot be reached: connection refused");
    for (size_t i = 0; i < 20; i++) {
        egx_fake_answer(fake, 500, "", "No cluster leader");
        wait_ms(2000);
    }
    TOLD("");
    answer_asked("12", NAMES); /* no index in the question: it is answered at once */
    answer_read(RESULTS(GUARD("12") "," ROW("p/a", ONE, "10") "," ROW("p/b", TWO, "12")));
    wait_ms(2000);
    TOLD("S ");
    end();
}

static void what_was_missed_is_told_when_the_store_is_back(void) {
    open_with_two();
    egx_fake_answer_error(fake, EG_E_TIMEOUT, "nothing came for too long");
    run();
    TOLD("D ");
    answer_asked("20", NAMES);
    answer_read(RESULTS(GUARD("20") "," ROW("p/a", TWO, "20")));
    wait_ms(2000);
    TOLD("+p/a=2 -p/b S ");
    end();
}

static void answers_that_mean_nothing_are_a_store_that_is_away(void) {
    static const struct {
        int32_t http;
        const char *headers;
        const char *body;
    } cases[] = {
        {200, "", NAMES}, /* no index */
        {200, "X-Consul-Index: x\n", NAMES},
        {200, "X-Consul-Index: 13\n", "<html>"},
        {404, "", "not found"},
        {301, "Location: /\n", ""},
        {409, "X-Consul-Index: 13\n", ""},
    };
    for (size_t i = 0; i < EGX_COUNT(cases); i++) {
        open_with_two();
        egx_fake_answer(fake, cases[i].http, cases[i].headers, cases[i].body);
        run();
        TOLD("D ");
        end();
    }
    open_with_two();
    answer_asked("13", NAMES);
    answer_read("{\"Results\":[{\"KV\":{\"Key\":\"event-gateway/p/a\",\"Value\":\"MQ==\",\"Mod");
    run();
    TOLD("D "); /* half of a list tells nothing */
    end();
}

/* A row that is taken over twice would be freed twice, or be told without its value. */
static void a_read_that_names_a_key_twice_tells_nothing(void) {
    static const char *const seconds[] = {ROW("p/a", ONE, "10"), ROW("p/a", ONE, "11"),
                                          ROW("p/", ONE, "11")};
    char results[1024];
    for (size_t i = 0; i < EGX_COUNT(seconds); i++) {
        open_with_two();
        answer_asked("13", NAMES);
        (void)snprintf(results, sizeof results, RESULTS("%s,%s,%s"), GUARD("13"),
                       ROW("p/a", ONE, "10"), seconds[i]);
        answer_read(results);
        run();
        TOLD("D ");
        CU_ASSERT_PTR_NOT_NULL(strstr(why, "cannot be understood"));
        answer_asked("14", NAMES);
        answer_read(RESULTS(GUARD("14") "," ROW("p/a", ONE, "10") "," ROW("p/b", ONE, "14")));
        wait_ms(2000);
        TOLD("+p/b=1 S ");
        end();
    }
}

static void an_index_of_zero_counts_as_one(void) {
    open_from(0);
    answer_asked("0", "[]");
    answer_read(RESULTS(""));
    egx_fake_answer(fake, 404, "", "");
    run();
    TOLD("S ");
    wait_ms(50);
    CU_ASSERT_PTR_NOT_NULL(strstr(last_url(), "&index=1&wait="));
    end();
}

/* ACLs that hide everything look like a store where everything was removed. */
static void rights_that_were_taken_remove_nothing(void) {
    open_with_two();
    egx_fake_answer(fake, 404, "X-Consul-Index: 12\n", "");
    answer_read(RESULTS(""));
    egx_fake_answer(fake, 403, "", "Permission denied");
    run();
    TOLD("D ");
    CU_ASSERT_STRING_EQUAL(why, "Consul at 127.0.0.1:8500 refuses the token: Permission denied");
    answer_asked("12", NAMES);
    answer_read(RESULTS(GUARD("12") "," ROW("p/a", ONE, "10") "," ROW("p/b", TWO, "12")));
    wait_ms(2000);
    TOLD("S ");
    end();
}

static void a_prefix_that_somebody_has_emptied_is_removals(void) {
    open_with_two();
    egx_fake_answer(fake, 404, "X-Consul-Index: 14\n", "");
    answer_read(RESULTS(""));
    egx_fake_answer(fake, 404, "", "");
    run();
    TOLD("-p/a -p/b ");
    end();
}

/* ---- the end ---- */

static void a_watch_is_closed_in_every_state(void) {
    open_from(0); /* before the first question */
    end();
    open_from(0);
    run(); /* asking */
    end();
    open_from(0);
    answer_asked("12", NAMES);
    run(); /* reading */
    CU_ASSERT_FALSE(is_asking());
    end();
    open_from(0);
    answer_asked("12", NAMES);
    answer_read(RESULTS(GUARD("12")));
    run(); /* between two questions */
    end();
    open_from(0);
    egx_fake_answer_error(fake, EG_E_IO, "no");
    run(); /* between two tries */
    end();
}

static void draining_stops_everything_and_closed_still_comes(void) {
    open_with_two();
    component->life->drain(instance);
    run();
    const size_t before = sent_count();
    wait_ms(60000);
    CU_ASSERT_EQUAL(sent_count(), before);
    TOLD("");
    struct eg_watch other = {.struct_size = sizeof other, .changed = on_changed};
    CU_ASSERT_EQUAL(ops->watch(instance, EGX_STR("p/"), 0, &other), EG_E_UNAVAILABLE);
    end();
}

static void a_watch_that_is_never_closed_is_freed_with_the_store(void) {
    open_with_two();
    component->life->drain(instance);
    run();
    egx_fake_destroy(fake, component, instance);
    CU_ASSERT_EQUAL(egx_fake_allocations(fake), 0);
    egx_fake_free(fake);
}

UNIT_MAIN(UNIT(the_content_comes_first_then_the_question_waits_for_changes),
          UNIT(a_change_is_read_and_the_difference_told_in_order),
          UNIT(nothing_new_is_asked_again_and_not_read),
          UNIT(a_write_that_left_nothing_is_told_as_synced), UNIT(many_writes_become_few_reads),
          UNIT(a_server_that_answers_at_once_is_not_asked_all_the_time),
          UNIT(a_store_without_anything_is_synced),
          UNIT(every_put_tells_the_index_that_made_its_key),
          UNIT(from_the_present_revision_nothing_is_repeated),
          UNIT(from_any_other_revision_all_is_told_anew),
          UNIT(an_index_that_goes_back_is_another_store),
          UNIT(another_store_is_not_forgotten_when_its_first_read_fails),
          UNIT(a_store_that_is_away_is_told_once_and_tried_on),
          UNIT(what_was_missed_is_told_when_the_store_is_back),
          UNIT(answers_that_mean_nothing_are_a_store_that_is_away),
          UNIT(a_read_that_names_a_key_twice_tells_nothing), UNIT(an_index_of_zero_counts_as_one),
          UNIT(rights_that_were_taken_remove_nothing),
          UNIT(a_prefix_that_somebody_has_emptied_is_removals),
          UNIT(a_watch_is_closed_in_every_state),
          UNIT(draining_stops_everything_and_closed_still_comes),
          UNIT(a_watch_that_is_never_closed_is_freed_with_the_store))
