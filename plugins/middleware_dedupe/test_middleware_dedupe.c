/* middleware_dedupe without a gateway. */
#include <eventgw-sdk/egx.h>
#include <eventgw-sdk/fake_host.h>

#include "unit.h"

#define SECOND_NS 1000000000u

static struct egx_fake *fake;
static const struct eg_host *host;
static void *instance;
static void *slot;

static const struct eg_component *component(void) {
    return eg_plugin.components[0];
}

static void make(const char *settings) {
    struct eg_why why = {.struct_size = sizeof why};
    fake = egx_fake_new();
    CU_ASSERT_EQUAL_FATAL(egx_fake_create(fake, component(), settings, &instance, &why), EG_OK);
    host = egx_fake_host(fake);
    CU_ASSERT_EQUAL(component()->life->attach(instance, egx_fake_loop(fake), &slot), EG_OK);
}

static void end(void) {
    component()->life->detach(instance, slot);
    egx_fake_destroy(fake, component(), instance);
    CU_ASSERT_EQUAL(egx_fake_allocations(fake), 0);
    egx_fake_free(fake);
}

/* One request with one event. */
struct ask {
    struct eg_exchange *x;
    struct egx_fake_op op;
    int32_t verdict;
};

static void prepare(struct ask *ask, const char *path) {
    ask->x = egx_fake_exchange(fake, "POST", path);
    egx_fake_op_init(fake, &ask->op);
}

static void tell(struct ask *ask, const char *source, const char *id) {
    const struct eg_middleware_ops *ops = component()->ops;
    char json[256];
    (void)snprintf(json, sizeof json, "{\"source\":\"%s\",\"id\":\"%s\",\"type\":\"t\"}", source,
                   id);
    ask->verdict = ops->on_event(instance, slot, ask->x, egx_fake_event(fake, json), &ask->op.pub);
}

static int32_t ask(struct ask *ask, const char *id) {
    prepare(ask, "/");
    tell(ask, "s", id);
    return ask->verdict;
}

/* The request is answered and ends. */
static void answer(struct ask *ask, uint32_t status, const char *body) {
    const struct eg_middleware_ops *ops = component()->ops;
    host->exchange->reply(ask->x, status, EGX_STR("text/x"),
                          host->mem->copy(host, egx_str_c(body)));
    CU_ASSERT_EQUAL(ops->on_reply(instance, slot, ask->x, &ask->op.pub), EG_NEXT);
    egx_fake_end_exchange(ask->x);
}

#define ASSERT_COUNT(result, expected)                                                             \
    CU_ASSERT_EQUAL(egx_fake_metric(fake, "dedupe_events_total", "result=" result), (expected))

static void assert_replayed(const struct ask *ask, uint32_t status, const char *body) {
    CU_ASSERT_EQUAL(egx_fake_reply_status(ask->x), status);
    CU_ASSERT_STRING_EQUAL(egx_fake_reply_body(ask->x), body);
    const char *mark = egx_fake_reply_header(ask->x, "Idempotency-Replayed");
    CU_ASSERT_PTR_NOT_NULL_FATAL(mark);
    CU_ASSERT_STRING_EQUAL(mark, "true");
    egx_fake_end_exchange(ask->x);
}

static void a_duplicate_is_answered_like_the_first(void) {
    struct ask a;
    struct ask b;
    make(NULL);
    CU_ASSERT_EQUAL(ask(&a, "1"), EG_NEXT);
    (void)host->exchange->reply_header(a.x, EGX_STR("X-F"), EGX_STR("f"));
    answer(&a, 201, "made");
    CU_ASSERT_NOT_EQUAL(egx_fake_reply_status(a.x), 0);
    CU_ASSERT_PTR_NULL(egx_fake_reply_header(a.x, "Idempotency-Replayed"));
    CU_ASSERT_EQUAL(ask(&b, "1"), EG_STOP);
    CU_ASSERT_STRING_EQUAL(egx_fake_reply_header(b.x, "X-F"), "f");
    CU_ASSERT_STRING_EQUAL(egx_fake_reply_header(b.x, "Content-Type"), "text/x");
    assert_replayed(&b, 201, "made");
    CU_ASSERT_EQUAL(ask(&b, "2"), EG_NEXT);
    answer(&b, 202, "");
    ASSERT_COUNT("first", 2);
    ASSERT_COUNT("replayed", 1);
    end();
}

static void headers_of_other_middleware_are_not_kept(void) {
    struct ask a;
    struct ask b;
    make(NULL);
    prepare(&a, "/");
    (void)host->exchange->reply_header(a.x, EGX_STR("RateLimit"), EGX_STR("9"));
    tell(&a, "s", "1");
    (void)host->exchange->reply_header(a.x, EGX_STR("X-F"), EGX_STR("f"));
    answer(&a, 200, "");
    CU_ASSERT_EQUAL(ask(&b, "1"), EG_STOP);
    CU_ASSERT_PTR_NULL(egx_fake_reply_header(b.x, "RateLimit"));
    CU_ASSERT_STRING_EQUAL(egx_fake_reply_header(b.x, "X-F"), "f");
    assert_replayed(&b, 200, "");
    end();
}

static void source_id_path_principal_and_credentials_make_an_event_another_one(void) {
    struct ask first;
    struct ask others[6];
    make(NULL);
    CU_ASSERT_EQUAL(ask(&first, "1"), EG_NEXT);
    answer(&first, 200, "mine");
    for (size_t i = 0; i < 6; i++) {
        prepare(&others[i], i == 0 ? "/other" : "/");
        if (i == 1) {
            CU_ASSERT_EQUAL(host->exchange->set_principal(others[i].x, EGX_STR("eve"), EGX_STR("")),
                            EG_OK);
        } else if (i == 2) {
            egx_fake_add_header(others[i].x, "Authorization", "Bearer x");
        } else if (i == 3) {
            egx_fake_add_header(others[i].x, "X-Api-Key", "");
        }
        tell(&others[i], i == 4 ? "s2" : "s", i == 5 ? "11" : "1");
        CU_ASSERT_EQUAL(others[i].verdict, EG_NEXT);
        answer(&others[i], 200, "");
    }
    end();
}

static void events_that_the_gateway_made_are_never_duplicates(void) {
    struct ask a;
    make(NULL);
    prepare(&a, "/");
    tell(&a, "https://serverless.com/event-gateway/#transformationVersion=0.1", "1");
    CU_ASSERT_EQUAL(a.verdict, EG_NEXT);
    ASSERT_COUNT("first", 0);
    CU_ASSERT_EQUAL(egx_fake_metric(fake, "dedupe_entries", ""), 0);
    egx_fake_end_exchange(a.x);
    end();
}

static void after_the_window_it_is_processed_again(void) {
    struct ask a;
    make("{\"window\":\"10s\"}");
    CU_ASSERT_EQUAL(ask(&a, "1"), EG_NEXT);
    egx_fake_advance(fake, 60 * (uint64_t)SECOND_NS); /* the window begins with the answer */
    answer(&a, 200, "");
    egx_fake_advance(fake, 10 * (uint64_t)SECOND_NS - 1);
    CU_ASSERT_EQUAL(ask(&a, "1"), EG_STOP);
    egx_fake_end_exchange(a.x);
    egx_fake_advance(fake, 1);
    CU_ASSERT_EQUAL(ask(&a, "1"), EG_NEXT);
    answer(&a, 200, "");
    CU_ASSERT_EQUAL(egx_fake_metric(fake, "dedupe_evictions_total", ""), 0);
    end();
}

static void assert_kept(uint32_t status, int is_kept) {
    struct ask a;
    char id[16];
    (void)snprintf(id, sizeof id, "%u", status);
    CU_ASSERT_EQUAL(ask(&a, id), EG_NEXT);
    answer(&a, status, "");
    CU_ASSERT_EQUAL(ask(&a, id), is_kept ? EG_STOP : EG_NEXT);
    if (is_kept) {
        egx_fake_end_exchange(a.x);
    } else {
        answer(&a, 200, "");
    }
}

static void which_answers_are_kept_is_a_setting(void) {
    make(NULL);
    assert_kept(204, 1);
    assert_kept(302, 1);
    assert_kept(400, 0);
    assert_kept(500, 0);
    ASSERT_COUNT("unkept", 2);
    end();
    make("{\"remember\":\"no_5xx\"}");
    assert_kept(200, 1);
    assert_kept(404, 1);
    assert_kept(408, 0);
    assert_kept(425, 0);
    assert_kept(429, 0);
    assert_kept(503, 0);
    end();
    make("{\"remember\":\"all\"}");
    assert_kept(503, 1);
    end();
    make("{\"max_body\":3}");
    struct ask a;
    CU_ASSERT_EQUAL(ask(&a, "1"), EG_NEXT);
    answer(&a, 200, "four");
    CU_ASSERT_EQUAL(ask(&a, "1"), EG_NEXT);
    answer(&a, 200, "3..");
    CU_ASSERT_EQUAL(ask(&a, "1"), EG_STOP);
    egx_fake_end_exchange(a.x);
    end();
}

static void duplicates_wait_for_the_first_and_get_its_answer(void) {
    struct ask first;
    struct ask waiting[3];
    make(NULL);
    CU_ASSERT_EQUAL(ask(&first, "1"), EG_NEXT);
    for (size_t i = 0; i < 3; i++) {
        CU_ASSERT_EQUAL(ask(&waiting[i], "1"), EG_PENDING);
    }
    (void)egx_fake_run(fake);
    CU_ASSERT_EQUAL(waiting[0].op.done_count, 0);
    answer(&first, 200, "once");
    CU_ASSERT_EQUAL(waiting[0].op.done_count, 0); /* not inside the other request */
    (void)egx_fake_run(fake);
    for (size_t i = 0; i < 3; i++) {
        CU_ASSERT_EQUAL(waiting[i].op.done_count, 1);
        CU_ASSERT_EQUAL(waiting[i].op.result.verdict, EG_STOP);
        assert_replayed(&waiting[i], 200, "once");
    }
    ASSERT_COUNT("first", 1);
    ASSERT_COUNT("waited", 3);
    end();
}

static void when_the_first_fails_the_next_one_runs(void) {
    struct ask first;
    struct ask second;
    struct ask third;
    make(NULL);
    CU_ASSERT_EQUAL(ask(&first, "1"), EG_NEXT);
    CU_ASSERT_EQUAL(ask(&second, "1"), EG_PENDING);
    CU_ASSERT_EQUAL(ask(&third, "1"), EG_PENDING);
    answer(&first, 500, "");
    (void)egx_fake_run(fake);
    CU_ASSERT_EQUAL(second.op.done_count, 1);
    CU_ASSERT_EQUAL(second.op.result.verdict, EG_NEXT);
    CU_ASSERT_EQUAL(third.op.done_count, 0);
    egx_fake_end_exchange(second.x); /* without on_reply */
    (void)egx_fake_run(fake);
    CU_ASSERT_EQUAL(third.op.done_count, 1);
    CU_ASSERT_EQUAL(third.op.result.verdict, EG_NEXT);
    answer(&third, 200, "third");
    CU_ASSERT_EQUAL(ask(&first, "1"), EG_STOP);
    assert_replayed(&first, 200, "third");
    ASSERT_COUNT("first", 3);
    end();
}

static void a_canceled_wait_leaves_the_others_alone(void) {
    const struct eg_middleware_ops *ops = component()->ops;
    struct ask first;
    struct ask a;
    struct ask b;
    make(NULL);
    CU_ASSERT_EQUAL(ask(&first, "1"), EG_NEXT);
    CU_ASSERT_EQUAL(ask(&a, "1"), EG_PENDING);
    CU_ASSERT_EQUAL(ask(&b, "1"), EG_PENDING);
    ops->cancel(instance, slot, &a.op.pub);
    CU_ASSERT_EQUAL(a.op.status, EG_E_CANCELED);
    CU_ASSERT_EQUAL(ask(&a, "1"), EG_PENDING); /* the end of the list is in order */
    answer(&first, 200, "");
    (void)egx_fake_run(fake);
    assert_replayed(&a, 200, "");
    assert_replayed(&b, 200, "");
    end();
}

static void a_wait_that_is_canceled_when_it_was_woken_gives_on_what_it_got(void) {
    const struct eg_middleware_ops *ops = component()->ops;
    struct ask first;
    struct ask a;
    struct ask b;
    make(NULL);
    CU_ASSERT_EQUAL(ask(&first, "1"), EG_NEXT);
    CU_ASSERT_EQUAL(ask(&a, "1"), EG_PENDING);
    CU_ASSERT_EQUAL(ask(&b, "1"), EG_PENDING);
    answer(&first, 503, "");
    ops->cancel(instance, slot, &a.op.pub);
    (void)egx_fake_run(fake);
    (void)egx_fake_run(fake);
    CU_ASSERT_EQUAL(a.op.done_count, 1);
    CU_ASSERT_EQUAL(a.op.status, EG_E_CANCELED);
    CU_ASSERT_EQUAL(b.op.done_count, 1);
    CU_ASSERT_EQUAL(b.op.result.verdict, EG_NEXT);
    answer(&b, 200, "");
    CU_ASSERT_EQUAL(ask(&first, "1"), EG_STOP);
    egx_fake_end_exchange(first.x);
    end();
}

static void shortly_before_the_deadline_a_wait_is_given_up_with_503(void) {
    struct ask first;
    struct ask a;
    make(NULL);
    CU_ASSERT_EQUAL(ask(&first, "1"), EG_NEXT);
    prepare(&a, "/");
    a.op.pub.deadline_ns = host->clock->monotonic_ns(host) + 5 * (uint64_t)SECOND_NS;
    tell(&a, "s", "1");
    CU_ASSERT_EQUAL(a.verdict, EG_PENDING);
    egx_fake_advance(fake, 4800000000u - 1);
    (void)egx_fake_run(fake);
    CU_ASSERT_EQUAL(a.op.done_count, 0);
    egx_fake_advance(fake, 1);
    (void)egx_fake_run(fake);
    CU_ASSERT_EQUAL(a.op.done_count, 1);
    CU_ASSERT_EQUAL(a.op.result.verdict, EG_STOP);
    CU_ASSERT_EQUAL(egx_fake_reply_status(a.x), 503);
    CU_ASSERT_STRING_EQUAL(egx_fake_reply_header(a.x, "Retry-After"), "1");
    egx_fake_end_exchange(a.x);
    answer(&first, 200, "");
    (void)egx_fake_run(fake);
    CU_ASSERT_EQUAL(a.op.done_count, 1);
    end();
}

static void too_many_do_not_wait(void) {
    struct ask first;
    struct ask a;
    struct ask b;
    make("{\"max_waiters\":1}");
    CU_ASSERT_EQUAL(ask(&first, "1"), EG_NEXT);
    CU_ASSERT_EQUAL(ask(&a, "1"), EG_PENDING);
    CU_ASSERT_EQUAL(ask(&b, "1"), EG_STOP);
    CU_ASSERT_EQUAL(egx_fake_reply_status(b.x), 503);
    ASSERT_COUNT("refused", 1);
    answer(&first, 200, "");
    (void)egx_fake_run(fake);
    assert_replayed(&a, 200, "");
    end();
}

static void the_oldest_makes_room_and_what_runs_does_not(void) {
    struct ask a;
    struct ask running[2];
    make("{\"max_entries\":2}");
    for (int i = 1; i <= 3; i++) {
        char id[8];
        (void)snprintf(id, sizeof id, "%d", i);
        CU_ASSERT_EQUAL(ask(&a, id), EG_NEXT);
        answer(&a, 200, id);
    }
    CU_ASSERT_EQUAL(egx_fake_metric(fake, "dedupe_evictions_total", ""), 1);
    CU_ASSERT_EQUAL(egx_fake_metric(fake, "dedupe_entries", ""), 2);
    CU_ASSERT_EQUAL(ask(&a, "3"), EG_STOP);
    assert_replayed(&a, 200, "3");
    CU_ASSERT_EQUAL(ask(&running[0], "1"), EG_NEXT); /* was the oldest */
    CU_ASSERT_EQUAL(ask(&running[1], "4"), EG_NEXT);
    CU_ASSERT_EQUAL(ask(&a, "5"), EG_NEXT);
    ASSERT_COUNT("untracked", 1);
    answer(&a, 200, "");
    answer(&running[0], 200, "");
    answer(&running[1], 200, "");
    end();
}

static void memory_is_bounded(void) {
    static char body[40001];
    struct eg_why why = {.struct_size = sizeof why};
    void *refused = NULL;
    struct ask a;
    memset(body, 'x', sizeof body - 1);
    make("{\"max_memory\":1048576,\"max_entries\":1000}");
    for (int i = 0; i < 40; i++) {
        char id[8];
        (void)snprintf(id, sizeof id, "%d", i);
        CU_ASSERT_EQUAL(ask(&a, id), EG_NEXT);
        answer(&a, 200, body);
        CU_ASSERT_TRUE(egx_fake_metric(fake, "dedupe_bytes", "") <= 1048576);
    }
    CU_ASSERT_EQUAL(egx_fake_metric(fake, "dedupe_evictions_total", ""),
                    40 - egx_fake_metric(fake, "dedupe_entries", ""));
    CU_ASSERT_EQUAL(ask(&a, "39"), EG_STOP);
    egx_fake_end_exchange(a.x);
    CU_ASSERT_EQUAL(ask(&a, "0"), EG_NEXT);
    answer(&a, 500, "");
    CU_ASSERT_EQUAL(egx_fake_create(fake, component(),
                                    "{\"max_memory\":1048576,\"max_body\":65537}", &refused, &why),
                    EG_E_INVAL);
    ASSERT_STR(egx_str_n(why.text, why.len), "'max_memory' has to be 16 times 'max_body' or more");
    end();
}

/* ---- batches ---- */

static void batch(struct ask *ask) {
    prepare(ask, "/");
    egx_fake_add_header(ask->x, "Content-Type", "application/cloudevents-batch+json");
}

static void a_batch_is_kept_as_a_whole_or_not_at_all(void) {
    struct ask a;
    struct ask b;
    make(NULL);
    batch(&a);
    tell(&a, "s", "1");
    CU_ASSERT_EQUAL(a.verdict, EG_NEXT);
    tell(&a, "s", "2");
    CU_ASSERT_EQUAL(a.verdict, EG_NEXT);
    tell(&a, "s", "1"); /* in the same batch */
    CU_ASSERT_EQUAL(a.verdict, EG_STOP);
    CU_ASSERT_EQUAL(egx_fake_reply_status(a.x), 202);
    answer(&a, 202, "");
    batch(&b);
    tell(&b, "s", "2");
    CU_ASSERT_EQUAL(b.verdict, EG_STOP);
    CU_ASSERT_PTR_NULL(egx_fake_reply_header(b.x, "Idempotency-Replayed"));
    tell(&b, "s", "3");
    CU_ASSERT_EQUAL(b.verdict, EG_NEXT);
    answer(&b, 400, "");
    CU_ASSERT_EQUAL(ask(&a, "3"), EG_NEXT);
    answer(&a, 200, "");
    CU_ASSERT_EQUAL(ask(&a, "1"), EG_STOP);
    assert_replayed(&a, 202, "");
    end();
}

static void a_batch_does_not_wait(void) {
    struct ask first;
    struct ask a;
    make(NULL);
    CU_ASSERT_EQUAL(ask(&first, "1"), EG_NEXT);
    batch(&a);
    tell(&a, "s", "1");
    CU_ASSERT_EQUAL(a.verdict, EG_STOP);
    CU_ASSERT_EQUAL(egx_fake_reply_status(a.x), 503);
    egx_fake_end_exchange(a.x);
    answer(&first, 200, "");
    end();
}

UNIT_MAIN(UNIT(a_duplicate_is_answered_like_the_first),
          UNIT(headers_of_other_middleware_are_not_kept),
          UNIT(source_id_path_principal_and_credentials_make_an_event_another_one),
          UNIT(events_that_the_gateway_made_are_never_duplicates),
          UNIT(after_the_window_it_is_processed_again), UNIT(which_answers_are_kept_is_a_setting),
          UNIT(duplicates_wait_for_the_first_and_get_its_answer),
          UNIT(when_the_first_fails_the_next_one_runs),
          UNIT(a_canceled_wait_leaves_the_others_alone),
          UNIT(a_wait_that_is_canceled_when_it_was_woken_gives_on_what_it_got),
          UNIT(shortly_before_the_deadline_a_wait_is_given_up_with_503), UNIT(too_many_do_not_wait),
          UNIT(the_oldest_makes_room_and_what_runs_does_not), UNIT(memory_is_bounded),
          UNIT(a_batch_is_kept_as_a_whole_or_not_at_all), UNIT(a_batch_does_not_wait))
