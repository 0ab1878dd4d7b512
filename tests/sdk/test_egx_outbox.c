/* Delivery in batches: when a batch is sent, what is tried again, what is lost and how it ends. */
#include <eventgw-sdk/egx_outbox.h>
#include <eventgw-sdk/fake_host.h>

#include "unit.h"

#define MS UINT64_C(1000000)
#define S (1000 * MS)

static struct egx_fake *fake;
static struct egx_outbox_settings settings;
static struct egx_outbox_rules rules;
static struct egx_outbox *box;
static struct eg_why why;
static size_t rejected;

static int is_retryable(int32_t status) {
    return status == 429 || status >= 500;
}

static size_t accepted(void *arg, const struct eg_http_response *response) {
    (void)arg;
    (void)response;
    return rejected;
}

static int32_t shout(void *arg, struct egx_json *body) {
    (void)arg;
    for (size_t i = 0; i < body->len; i++) {
        body->ptr[i] = body->ptr[i] == 'a' ? 'A' : body->ptr[i];
    }
    return rejected == 99 ? EG_E_INTERNAL : EG_OK;
}

static int32_t number_the_try(void *arg, struct egx_outbox *it, struct eg_str body) {
    char text[64];
    (void)arg;
    CU_ASSERT_TRUE(body.len > 0);
    (void)snprintf(text, sizeof text, "%u of %s", it->tries, it->batch_id);
    return egx_outbox_header(it, EGX_STR("X-Try"), egx_str_c(text));
}

static int32_t begin_at(const char *url) {
    fake = egx_fake_new();
    why = (struct eg_why){.struct_size = sizeof why};
    rules = (struct egx_outbox_rules){
        .host = egx_fake_host(fake),
        .settings = &settings,
        .url = egx_str_c(url),
        .content_type = EGX_STR("application/json"),
        .noun = "things",
        .before = EGX_STR("["),
        .after = EGX_STR("]"),
        .is_retryable = is_retryable,
        .prepare = number_the_try,
        .accepted = accepted,
    };
    rejected = 0;
    return egx_outbox_begin(&rules, "url", &why);
}

static void set(void) {
    settings = (struct egx_outbox_settings){
        .timeout = 10 * S,
        .batch_count = 3,
        .batch_bytes = 1000,
        .batch_age = S,
        .queue_count = 6,
        .queue_bytes = 2000,
        .attempts = 4,
        .max_age = 60 * S,
    };
}

static void begin(void) {
    set();
    CU_ASSERT_EQUAL_FATAL(begin_at("http://127.0.0.1:1/x"), EG_OK);
    box = egx_outbox_attach(&rules, egx_fake_loop(fake));
}

static void end(void) {
    egx_outbox_drain(&rules);
    (void)egx_fake_run(fake);
    egx_fake_advance(fake, EGX_OUTBOX_LAST_NS);
    (void)egx_fake_run(fake);
    CU_ASSERT_PTR_NULL(box->timer);
    CU_ASSERT_PTR_NULL(box->limit);
    CU_ASSERT_PTR_NULL(box->call);
    egx_outbox_detach(box);
    egx_outbox_end(&rules);
    CU_ASSERT_EQUAL(egx_fake_metric(fake, "outbox_queued", "component="), 0);
    CU_ASSERT_EQUAL(egx_fake_allocations(fake), 0);
    egx_fake_free(fake);
}

static void push(const char *texts) {
    for (; *texts != '\0'; texts++) {
        egx_outbox_push(box, egx_str_n(texts, 1), 1);
    }
}

static void pass(uint64_t ns) {
    egx_fake_advance(fake, ns);
    (void)egx_fake_run(fake);
}

static int64_t lost(const char *reason) {
    char labels[64];
    (void)snprintf(labels, sizeof labels, "component=,reason=%s", reason);
    return egx_fake_metric(fake, "outbox_lost_total", labels);
}

static int64_t sent(void) {
    return egx_fake_metric(fake, "outbox_sent_total", "component=");
}

static const struct egx_fake_request *request(size_t index) {
    const struct egx_fake_request *found = egx_fake_sent(fake, index);
    CU_ASSERT_PTR_NOT_NULL_FATAL(found);
    return found;
}

static struct eg_str header(size_t index, const char *name) {
    const struct egx_fake_request *r = request(index);
    for (size_t i = 0; i < r->header_count; i++) {
        if (egx_str_eq_nocase(r->headers[i].name, egx_str_c(name))) {
            return r->headers[i].value;
        }
    }
    return EGX_STR("");
}

/* ---- batches ---- */

static void a_full_batch_is_sent_at_once(void) {
    begin();
    push("ab");
    CU_ASSERT_EQUAL(egx_fake_request_count(fake), 0);
    CU_ASSERT_EQUAL(egx_fake_metric(fake, "outbox_queued", "component="), 2);
    push("c");
    CU_ASSERT_EQUAL_FATAL(egx_fake_request_count(fake), 1);
    ASSERT_STR(request(0)->body, "[a,b,c]");
    CU_ASSERT_STRING_EQUAL(request(0)->method, "POST");
    CU_ASSERT_EQUAL(request(0)->timeout_ns, 10 * S);
    CU_ASSERT_EQUAL(request(0)->flags, EG_HTTP_NO_REDIRECT);
    ASSERT_STR(header(0, "content-type"), "application/json");
    egx_fake_answer(fake, 204, "", "");
    pass(0);
    CU_ASSERT_EQUAL(sent(), 3);
    end();
}

static void a_batch_that_is_not_full_is_sent_when_its_oldest_has_waited(void) {
    begin();
    push("a");
    pass(900 * MS);
    push("b");
    CU_ASSERT_EQUAL(egx_fake_request_count(fake), 0);
    pass(100 * MS);
    CU_ASSERT_EQUAL_FATAL(egx_fake_request_count(fake), 1);
    ASSERT_STR(request(0)->body, "[a,b]");
    egx_fake_answer(fake, 200, "", "");
    pass(0);
    end();
}

static void bytes_fill_a_batch_too_and_a_big_one_goes_alone(void) {
    char big[1200];
    begin();
    memset(big, 'x', sizeof big);
    push("a");
    egx_outbox_push(box, egx_str_n(big, sizeof big), 1);
    CU_ASSERT_EQUAL_FATAL(egx_fake_request_count(fake), 1);
    ASSERT_STR(request(0)->body, "[a]");
    egx_fake_answer(fake, 200, "", "");
    pass(0);
    CU_ASSERT_EQUAL_FATAL(egx_fake_request_count(fake), 2);
    CU_ASSERT_EQUAL(request(1)->body.len, sizeof big + 2);
    egx_fake_answer(fake, 200, "", "");
    pass(0);
    CU_ASSERT_EQUAL(sent(), 2);
    end();
}

static void one_request_at_a_time_keeps_the_order(void) {
    begin();
    push("abcdef");
    CU_ASSERT_EQUAL(egx_fake_request_count(fake), 1);
    egx_fake_answer(fake, 200, "", "");
    pass(0);
    CU_ASSERT_EQUAL_FATAL(egx_fake_request_count(fake), 2);
    ASSERT_STR(request(1)->body, "[d,e,f]");
    CU_ASSERT_FALSE(egx_str_eq(header(0, "x-try"), header(1, "x-try")));
    egx_fake_answer(fake, 200, "", "");
    pass(0);
    end();
}

static void units_count_against_the_limits(void) {
    begin();
    egx_outbox_push(box, EGX_STR("a,b"), 2);
    egx_outbox_push(box, EGX_STR("c,d"), 2);
    CU_ASSERT_EQUAL_FATAL(egx_fake_request_count(fake), 1);
    ASSERT_STR(request(0)->body, "[a,b]");
    egx_fake_answer(fake, 200, "", "");
    egx_fake_answer(fake, 200, "", "");
    pass(S);
    CU_ASSERT_EQUAL(sent(), 4);
    end();
}

static void the_body_may_be_encoded_once_a_batch(void) {
    begin();
    rules.encode = shout;
    push("aba");
    ASSERT_STR(request(0)->body, "[A,b,A]");
    egx_fake_answer(fake, 200, "", "");
    pass(0);
    rejected = 99;
    push("abc");
    CU_ASSERT_EQUAL(egx_fake_request_count(fake), 1);
    CU_ASSERT_EQUAL(lost("error"), 3);
    end();
}

/* ---- bounds ---- */

static void what_comes_when_the_queue_is_full_is_lost_and_logged_at_a_bounded_rate(void) {
    begin();
    push("abc");    /* in flight */
    push("123456"); /* all that may wait */
    push("789");
    CU_ASSERT_EQUAL(lost("queue_full"), 3);
    CU_ASSERT_EQUAL(egx_fake_log_count(fake), 1);
    CU_ASSERT_TRUE(egx_fake_logged(fake, "1 things were not delivered: queue_full 1"));
    egx_fake_advance(fake, EGX_OUTBOX_LOG_NS);
    push("0");
    CU_ASSERT_EQUAL(egx_fake_log_count(fake), 2);
    CU_ASSERT_TRUE(egx_fake_logged(fake, "3 things were not delivered: queue_full 3"));
    for (int i = 0; i < 3; i++) {
        egx_fake_answer(fake, 200, "", "");
    }
    pass(0);
    CU_ASSERT_EQUAL(sent(), 9);
    ASSERT_STR(request(2)->body, "[4,5,6]");
    end();
}

static void bytes_bound_the_queue_too(void) {
    char big[2001];
    begin();
    memset(big, 'x', sizeof big);
    egx_outbox_push(box, egx_str_n(big, sizeof big), 1);
    egx_outbox_push(box, EGX_STR(""), 1);
    CU_ASSERT_EQUAL(lost("queue_full"), 1);
    CU_ASSERT_EQUAL(lost("error"), 1);
    CU_ASSERT_EQUAL(egx_fake_request_count(fake), 0);
    end();
}

/* ---- trying again ---- */

static void the_same_batch_is_tried_again_after_a_pause(void) {
    begin();
    push("abc");
    egx_fake_answer(fake, 503, "", "busy");
    pass(0);
    push("d");
    CU_ASSERT_TRUE(egx_fake_logged(fake, "things cannot be delivered: the answer was HTTP 503"));
    egx_fake_answer_error(fake, EG_E_UNAVAILABLE, "no connection");
    pass(EGX_OUTBOX_FIRST_PAUSE_NS);
    egx_fake_answer(fake, 200, "", "");
    egx_fake_answer(fake, 200, "", "");
    pass(2 * EGX_OUTBOX_FIRST_PAUSE_NS);
    CU_ASSERT_EQUAL_FATAL(egx_fake_request_count(fake), 4);
    ASSERT_STR(request(1)->body, "[a,b,c]");
    ASSERT_STR(request(2)->body, "[a,b,c]");
    ASSERT_STR(request(3)->body, "[d]");
    ASSERT_STR(egx_str_n(header(2, "x-try").ptr, 5), "3 of ");
    CU_ASSERT_TRUE(
        egx_str_eq(egx_str_cut(header(0, "x-try"), 1), egx_str_cut(header(2, "x-try"), 1)));
    CU_ASSERT_TRUE(egx_fake_logged(fake, "things are delivered again"));
    CU_ASSERT_EQUAL(egx_fake_metric(fake, "outbox_retries_total", "component="), 2);
    CU_ASSERT_EQUAL(sent(), 4);
    end();
}

static void pauses_are_short_again_after_a_success(void) {
    begin();
    settings.attempts = 100;
    settings.max_age = 10000 * S;
    push("abc");
    for (int i = 0; i < 20; i++) {
        egx_fake_answer(fake, 500, "", "");
        pass(EGX_OUTBOX_LAST_PAUSE_NS);
    }
    CU_ASSERT_EQUAL(egx_fake_request_count(fake), 20);
    egx_fake_answer(fake, 200, "", "");
    pass(EGX_OUTBOX_LAST_PAUSE_NS);
    push("def");
    egx_fake_answer(fake, 500, "", "");
    pass(0);
    egx_fake_answer(fake, 200, "", "");
    pass(EGX_OUTBOX_FIRST_PAUSE_NS);
    CU_ASSERT_EQUAL(sent(), 6);
    end();
}

static void retry_after_is_honoured_for_everything_that_waits(void) {
    begin();
    push("abc");
    egx_fake_answer(fake, 429, "Retry-After: 20\n", "");
    pass(0);
    push("def");
    pass(20 * S - 1);
    CU_ASSERT_EQUAL(egx_fake_request_count(fake), 1);
    egx_fake_answer(fake, 200, "", "");
    pass(1);
    CU_ASSERT_EQUAL(egx_fake_request_count(fake), 3);
    egx_fake_answer(fake, 200, "", "");
    pass(0);
    CU_ASSERT_EQUAL(sent(), 6);
    end();
}

/* Else one odd answer would have everything lost for as long as it says. */
static void a_retry_after_beyond_max_age_stops_no_longer_than_that(void) {
    begin();
    push("abc");
    egx_fake_answer(fake, 503, "Retry-After: 999999\n", "");
    pass(0);
    CU_ASSERT_EQUAL(lost("age"), 3);
    pass(30 * S);
    push("def");
    egx_fake_answer(fake, 200, "", "");
    pass(30 * S - 1);
    CU_ASSERT_EQUAL(egx_fake_request_count(fake), 1);
    pass(1);
    CU_ASSERT_EQUAL(egx_fake_request_count(fake), 2);
    CU_ASSERT_EQUAL(sent(), 3);
    end();
}

static void an_answer_that_will_not_change_loses_the_batch_and_no_more(void) {
    begin();
    push("abcdef");
    egx_fake_answer(fake, 400, "", "what?");
    egx_fake_answer(fake, 200, "", "");
    pass(0);
    CU_ASSERT_EQUAL(lost("refused"), 3);
    CU_ASSERT_EQUAL(sent(), 3);
    end();
}

static void a_redirect_is_not_followed(void) {
    begin();
    push("abc");
    egx_fake_answer(fake, 302, "Location: http://elsewhere/\n", "");
    pass(0);
    CU_ASSERT_EQUAL(lost("refused"), 3);
    end();
}

static void attempts_are_bounded(void) {
    begin();
    push("abc");
    for (int i = 0; i < 4; i++) {
        egx_fake_answer(fake, 500, "", "");
        pass(8 * EGX_OUTBOX_FIRST_PAUSE_NS);
    }
    CU_ASSERT_EQUAL(egx_fake_request_count(fake), 4);
    CU_ASSERT_EQUAL(lost("attempts"), 3);
    pass(60 * S);
    CU_ASSERT_EQUAL(egx_fake_request_count(fake), 4);
    end();
}

static void age_is_bounded_also_of_what_waits(void) {
    begin();
    push("abcd");
    egx_fake_answer(fake, 503, "Retry-After: 61\n", "");
    pass(0);
    CU_ASSERT_EQUAL(lost("age"), 3);
    pass(59 * S);
    push("e");
    egx_fake_answer(fake, 200, "", "");
    pass(2 * S);
    CU_ASSERT_EQUAL(lost("age"), 4);
    ASSERT_STR(request(1)->body, "[e]");
    end();
}

static void what_an_answer_says_was_not_taken_is_lost(void) {
    begin();
    rejected = 2;
    push("abc");
    egx_fake_answer(fake, 200, "", "");
    pass(0);
    CU_ASSERT_EQUAL(lost("refused"), 2);
    CU_ASSERT_EQUAL(sent(), 1);
    end();
}

/* ---- the end ---- */

static void at_the_end_all_that_waits_is_sent_without_pauses(void) {
    begin();
    push("abc");
    egx_fake_answer(fake, 503, "Retry-After: 30\n", "");
    pass(0);
    push("defg");
    egx_outbox_drain(&rules);
    for (int i = 0; i < 3; i++) {
        egx_fake_answer(fake, 200, "", "");
    }
    pass(0);
    CU_ASSERT_EQUAL(egx_fake_request_count(fake), 4);
    CU_ASSERT_EQUAL(sent(), 7);
    CU_ASSERT_EQUAL(lost("stopped"), 0);
    CU_ASSERT_PTR_NULL(box->limit);
    end();
}

static void what_is_in_flight_at_the_end_has_one_more_try_and_then_all_is_lost(void) {
    begin();
    push("abcdef");
    egx_outbox_drain(&rules);
    pass(0);
    egx_fake_answer(fake, 500, "", "");
    pass(0);
    CU_ASSERT_EQUAL(egx_fake_request_count(fake), 2);
    CU_ASSERT_EQUAL(lost("stopped"), 0);
    egx_fake_answer_error(fake, EG_E_TIMEOUT, "timed out");
    pass(0);
    CU_ASSERT_EQUAL(egx_fake_request_count(fake), 2);
    CU_ASSERT_EQUAL(lost("stopped"), 6);
    CU_ASSERT_PTR_NULL(box->limit);
    push("z");
    CU_ASSERT_EQUAL(lost("stopped"), 7);
    end();
}

static void the_last_tries_end_in_time(void) {
    begin();
    push("abcd");
    egx_outbox_drain(&rules);
    pass(0);
    CU_ASSERT_PTR_NOT_NULL(box->call);
    pass(EGX_OUTBOX_LAST_NS);
    CU_ASSERT_PTR_NULL(box->call);
    CU_ASSERT_EQUAL(lost("stopped"), 4);
    CU_ASSERT_FALSE(egx_fake_logged(fake, "canceled"));
    end();
}

static void what_comes_after_the_drain_has_one_try_with_a_limit(void) {
    begin();
    egx_outbox_drain(&rules);
    pass(0);
    push("a");
    CU_ASSERT_EQUAL_FATAL(egx_fake_request_count(fake), 1);
    CU_ASSERT_PTR_NOT_NULL(box->limit);
    egx_fake_answer(fake, 200, "", "");
    pass(0);
    CU_ASSERT_PTR_NULL(box->limit);
    push("b");
    pass(EGX_OUTBOX_LAST_NS);
    CU_ASSERT_EQUAL(sent(), 1);
    CU_ASSERT_EQUAL(lost("stopped"), 1);
    CU_ASSERT_PTR_NULL(box->call);
    end();
}

static void the_log_has_the_reasons_since_it_is_all_that_is_left_at_the_end(void) {
    begin();
    push("abcdefghij"); /* three at work, six that wait */
    CU_ASSERT_TRUE(egx_fake_logged(fake, "1 things were not delivered: queue_full 1"));
    egx_fake_answer(fake, 400, "", "");
    pass(0);
    egx_outbox_drain(&rules);
    pass(0);
    pass(EGX_OUTBOX_LAST_NS);
    egx_outbox_detach(box);
    CU_ASSERT_TRUE(egx_fake_logged(fake, "9 things were not delivered: refused 3, stopped 6"));
    egx_outbox_end(&rules);
    CU_ASSERT_EQUAL(egx_fake_allocations(fake), 0);
    egx_fake_free(fake);
}

static void a_box_with_nothing_in_it_ends_at_once(void) {
    begin();
    egx_outbox_drain(&rules);
    pass(0);
    CU_ASSERT_PTR_NULL(box->limit);
    CU_ASSERT_EQUAL(egx_fake_log_count(fake), 0);
    end();
}

/* ---- the account ---- */

static uint32_t dice;

static uint32_t roll(uint32_t sides) { /* the constants of POSIX's rand_r example */
    dice = dice * 1103515245u + 12345u;
    return (dice >> 16) % sides;
}

static void answer_anyhow(void) {
    static const int statuses[] = {200, 200, 204, 299, 302, 400, 413, 429, 500, 503};
    static const char *const headers[] = {"", "", "Retry-After: 1\n", "Retry-After: 90\n"};
    if (roll(4) == 0) {
        egx_fake_answer_error(fake, roll(2) == 0 ? EG_E_TIMEOUT : EG_E_TOOBIG, "");
    } else {
        egx_fake_answer(fake, statuses[roll(EGX_COUNT(statuses))],
                        headers[roll(EGX_COUNT(headers))], "");
    }
}

static int64_t lost_in_all(void) {
    return lost("queue_full") + lost("refused") + lost("attempts") + lost("age") + lost("stopped") +
           lost("error");
}

static int64_t push_anyhow(void) {
    static const char text[1500] = {'x'};
    const size_t units = 1 + roll(3);
    const size_t len = roll(20) == 0 ? sizeof text : roll(30) == 0 ? 0 : 1 + roll(300);
    egx_outbox_push(box, egx_str_n(text, len), units);
    return (int64_t)units;
}

/* Whatever happens: everything was sent, or is counted as lost once, or is still here. */
static void everything_is_sent_or_lost_exactly_once(void) {
    for (uint32_t seed = 1; seed <= 300; seed++) {
        int64_t pushed = 0;
        int is_drained = 0;
        dice = seed;
        begin();
        for (int step = 0; step < 120; step++) {
            const uint32_t what = roll(20);
            rejected = roll(5) == 0 ? roll(9) : 0;
            if (what < 9) {
                pushed += push_anyhow();
            } else if (what < 14) {
                answer_anyhow();
            } else if (what == 14 && step > 90 && !is_drained) {
                is_drained = 1;
                egx_outbox_drain(&rules);
            } else {
                pass(roll(3) == 0 ? roll(100) * S : roll(2000) * MS);
            }
            const int64_t here =
                egx_fake_metric(fake, "outbox_queued", "component=") + (int64_t)box->batch_units;
            CU_ASSERT_EQUAL_FATAL(sent() + lost_in_all() + here, pushed);
        }
        if (!is_drained) {
            egx_outbox_drain(&rules);
        }
        pass(0);
        pass(EGX_OUTBOX_LAST_NS);
        CU_ASSERT_TRUE(box->timer == NULL && box->limit == NULL && box->call == NULL);
        egx_outbox_detach(box);
        CU_ASSERT_EQUAL_FATAL(sent() + lost_in_all(), pushed);
        egx_outbox_end(&rules);
        CU_ASSERT_EQUAL(egx_fake_allocations(fake), 0);
        egx_fake_free(fake);
    }
}

/* ---- settings ---- */

static void refuse(const char *url, const char *told) {
    CU_ASSERT_EQUAL(begin_at(url), EG_E_INVAL);
    CU_ASSERT_PTR_NOT_NULL(strstr(why.text, told));
    egx_fake_free(fake);
}

static void addresses_that_cannot_work_are_refused_by_name(void) {
    set();
    refuse("", "'url'");
    refuse("ftp://host/", "'url'");
    refuse("http://user:secret@host/", "'url'");
    refuse("http://host/a b", "'url'");
}

static void secrets_do_not_leave_the_machine_in_the_clear(void) {
    set();
    settings.token = EGX_STR("s3cret");
    refuse("http://example.com/", "allow_http");
    CU_ASSERT_PTR_NULL(strstr(why.text, "s3cret"));
    settings.allow_http = 1;
    CU_ASSERT_EQUAL(begin_at("http://example.com/"), EG_OK);
    ASSERT_STR(rules.headers[1].value, "Bearer s3cret");
    egx_outbox_end(&rules);
    egx_fake_free(fake);
}

static void headers_are_lines_and_bad_ones_are_told_by_number(void) {
    static const char *const bad[] = {
        "X-A: 1\n nonsense", "X-A: 1\nx-a: 2", "X-A: 1\nHost: x",    "X-A: 1\nContent-Type: x",
        "X-A: 1\nX B: 2",    "X-A: 1\nX-B:",   "X-A: 1\nX-B: a\x01z"};
    set();
    for (size_t i = 0; i < EGX_COUNT(bad); i++) {
        settings.headers = egx_str_c(bad[i]);
        settings.token = EGX_STR("t");
        refuse("https://example.com/", "line 2");
    }
    settings.headers = EGX_STR("\nX-Api-Key:  abc \r\n\nX-B: c: d\n");
    CU_ASSERT_EQUAL(begin_at("https://example.com/"), EG_OK);
    CU_ASSERT_EQUAL_FATAL(rules.header_count, 4);
    ASSERT_STR(rules.headers[2].value, "abc");
    ASSERT_STR(rules.headers[3].name, "X-B");
    ASSERT_STR(rules.headers[3].value, "c: d");
    egx_outbox_end(&rules);
    egx_fake_free(fake);
}

static void a_certificate_needs_its_key_and_files_have_to_be_there(void) {
    struct egx_fake_op op;
    set();
    settings.cert_file = EGX_STR("/nowhere/cert.pem");
    refuse("https://example.com/", "key_file");
    settings.key_file = EGX_STR("/nowhere/key.pem");
    CU_ASSERT_EQUAL(begin_at("https://example.com/"), EG_OK);
    egx_fake_op_init(fake, &op);
    CU_ASSERT_EQUAL(egx_outbox_check_files(&rules, &op.pub), EG_E_IO);
    ASSERT_STR(op.result.message, "cannot read /nowhere/cert.pem");
    egx_fake_op_free(&op);
    egx_outbox_end(&rules);
    egx_fake_free(fake);
}

UNIT_MAIN(UNIT(a_full_batch_is_sent_at_once),
          UNIT(a_batch_that_is_not_full_is_sent_when_its_oldest_has_waited),
          UNIT(bytes_fill_a_batch_too_and_a_big_one_goes_alone),
          UNIT(one_request_at_a_time_keeps_the_order), UNIT(units_count_against_the_limits),
          UNIT(the_body_may_be_encoded_once_a_batch),
          UNIT(what_comes_when_the_queue_is_full_is_lost_and_logged_at_a_bounded_rate),
          UNIT(bytes_bound_the_queue_too), UNIT(the_same_batch_is_tried_again_after_a_pause),
          UNIT(pauses_are_short_again_after_a_success),
          UNIT(retry_after_is_honoured_for_everything_that_waits),
          UNIT(a_retry_after_beyond_max_age_stops_no_longer_than_that),
          UNIT(an_answer_that_will_not_change_loses_the_batch_and_no_more),
          UNIT(a_redirect_is_not_followed), UNIT(attempts_are_bounded),
          UNIT(age_is_bounded_also_of_what_waits), UNIT(what_an_answer_says_was_not_taken_is_lost),
          UNIT(at_the_end_all_that_waits_is_sent_without_pauses),
          UNIT(what_is_in_flight_at_the_end_has_one_more_try_and_then_all_is_lost),
          UNIT(the_last_tries_end_in_time),
          UNIT(what_comes_after_the_drain_has_one_try_with_a_limit),
          UNIT(a_box_with_nothing_in_it_ends_at_once),
          UNIT(the_log_has_the_reasons_since_it_is_all_that_is_left_at_the_end),
          UNIT(everything_is_sent_or_lost_exactly_once),
          UNIT(addresses_that_cannot_work_are_refused_by_name),
          UNIT(secrets_do_not_leave_the_machine_in_the_clear),
          UNIT(headers_are_lines_and_bad_ones_are_told_by_number),
          UNIT(a_certificate_needs_its_key_and_files_have_to_be_there))
