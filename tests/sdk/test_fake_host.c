/* The fake host does what a test of a plugin relies on. */
#include <eventgw-sdk/egx.h>
#include <eventgw-sdk/fake_host.h>
#include <time.h>
#include <unistd.h>

#include "unit.h"

static struct egx_fake *fake;
static const struct eg_host *host;
static struct eg_loop *loop;
static int ticks;

static void open_fake(void) {
    fake = egx_fake_new();
    host = egx_fake_host(fake);
    loop = egx_fake_loop(fake);
    ticks = 0;
}

static void on_tick(void *arg) {
    (void)arg;
    ticks++;
}

static void timers_run_when_the_clock_was_moved(void) {
    open_fake();
    struct eg_timer *timer = host->loop->timer_start(host, loop, 1000, 1000, on_tick, NULL);
    host->loop->post(host, loop, on_tick, NULL);
    CU_ASSERT_EQUAL(egx_fake_run(fake), 1);
    const uint64_t before = host->clock->monotonic_ns(host);
    egx_fake_advance(fake, 3000);
    CU_ASSERT_EQUAL(host->clock->monotonic_ns(host), before + 3000);
    CU_ASSERT_EQUAL(egx_fake_run(fake), 3);
    host->loop->timer_stop(host, timer);
    egx_fake_advance(fake, 3000);
    CU_ASSERT_EQUAL(egx_fake_run(fake), 0);
    CU_ASSERT_EQUAL(ticks, 4);
    egx_fake_free(fake);
}

static void on_readable(void *arg, uint32_t events) {
    (void)arg;
    ticks += events == EG_FD_READ;
}

static void watched_fds_are_polled(void) {
    int ends[2];
    CU_ASSERT_EQUAL_FATAL(pipe(ends), 0);
    open_fake();
    struct eg_fd_watch *watch =
        host->loop->fd_watch(host, loop, ends[0], EG_FD_READ, on_readable, NULL);
    CU_ASSERT_EQUAL(egx_fake_run(fake), 0);
    CU_ASSERT_EQUAL(write(ends[1], "x", 1), 1);
    CU_ASSERT_EQUAL(egx_fake_run(fake), 1);
    host->loop->fd_unwatch(host, watch);
    CU_ASSERT_EQUAL(egx_fake_run(fake), 0);
    CU_ASSERT_EQUAL(ticks, 1);
    egx_fake_free(fake);
    (void)close(ends[0]);
    (void)close(ends[1]);
}

static struct eg_http_response seen;
static char seen_body[64];
static char seen_header[64];
static void on_response(void *arg, const struct eg_http_response *response) {
    struct eg_buf body = response->body;
    (void)arg;
    seen = *response;
    (void)snprintf(seen_body, sizeof seen_body, "%.*s", (int)body.len, body.len ? body.ptr : "");
    (void)snprintf(seen_header, sizeof seen_header, "%.*s",
                   response->header_count == 0 ? 0 : (int)response->headers[0].value.len,
                   response->header_count == 0 ? "" : response->headers[0].value.ptr);
    egx_buf_release(&body);
    ticks++;
}

static struct eg_http_call *send_one(void) {
    const struct eg_kv header = {EGX_STR_INIT("accept"), EGX_STR_INIT("text/plain")};
    const struct eg_http_request request = {.struct_size = sizeof request,
                                            .method = EGX_STR_INIT("POST"),
                                            .url = EGX_STR_INIT("http://f/"),
                                            .headers = &header,
                                            .header_count = 1,
                                            .body = EGX_STR_INIT("question")};
    struct eg_http_call *call = NULL;
    CU_ASSERT_EQUAL(host->http->send(host, loop, &request, on_response, NULL, &call), EG_OK);
    return call;
}

static char pieces[64];

static void on_piece(void *arg, struct eg_str piece) {
    const size_t at = strlen(pieces);
    (void)arg;
    (void)snprintf(pieces + at, sizeof pieces - at, "%.*s|", EGX_FMT(piece));
}

static void pieces_go_to_the_oldest_call_that_wants_them(void) {
    struct eg_http_request request = {.struct_size = sizeof request,
                                      .method = EGX_STR_INIT("GET"),
                                      .url = EGX_STR_INIT("http://f/")};
    struct eg_http_call *calls[2];
    open_fake();
    CU_ASSERT_EQUAL(host->http->send(host, loop, &request, on_response, NULL, &calls[0]), EG_OK);
    CU_ASSERT_EQUAL(egx_fake_data(fake, "nobody"), 0);
    request.on_data = on_piece;
    CU_ASSERT_EQUAL(host->http->send(host, loop, &request, on_response, NULL, &calls[1]), EG_OK);
    CU_ASSERT_EQUAL(egx_fake_data(fake, "a"), 1);
    CU_ASSERT_EQUAL(egx_fake_data(fake, "b"), 1);
    CU_ASSERT_STRING_EQUAL(pieces, "a|b|");
    host->http->cancel(host, calls[1]);
    CU_ASSERT_EQUAL(egx_fake_data(fake, "c"), 0);
    host->http->cancel(host, calls[0]);
    while (egx_fake_run(fake) > 0) {
    }
    CU_ASSERT_EQUAL(ticks, 2);
    egx_fake_free(fake);
}

static void http_calls_are_recorded_and_answered_by_script(void) {
    open_fake();
    (void)send_one();
    CU_ASSERT_EQUAL(egx_fake_run(fake), 0); /* no answer yet */
    egx_fake_answer(fake, 201, "X-One: 1\nX-Two: 2", "answer");
    CU_ASSERT_EQUAL(egx_fake_run(fake), 1);
    CU_ASSERT_EQUAL(seen.status, 201);
    CU_ASSERT_STRING_EQUAL(seen_body, "answer");
    CU_ASSERT_STRING_EQUAL(seen_header, "1");
    CU_ASSERT_EQUAL(seen.header_count, 2);
    egx_fake_answer_error(fake, EG_E_TIMEOUT, "too slow");
    (void)send_one();
    CU_ASSERT_EQUAL(egx_fake_run(fake), 1);
    CU_ASSERT_EQUAL(seen.error, EG_E_TIMEOUT);
    CU_ASSERT_EQUAL(egx_fake_request_count(fake), 2);
    const struct egx_fake_request *request = egx_fake_sent(fake, 0);
    CU_ASSERT_STRING_EQUAL(request->url, "http://f/");
    ASSERT_STR(request->body, "question");
    ASSERT_STR(request->headers[0].value, "text/plain");
    CU_ASSERT_PTR_NULL(egx_fake_sent(fake, 2));
    egx_fake_free(fake);
}

static void a_cancelled_call_ends_as_cancelled_and_keeps_the_answers(void) {
    open_fake();
    struct eg_http_call *call = send_one();
    egx_fake_answer(fake, 200, NULL, "late");
    host->http->cancel(host, call);
    CU_ASSERT_EQUAL(egx_fake_run(fake), 1);
    CU_ASSERT_EQUAL(seen.error, EG_E_CANCELED);
    (void)send_one();
    CU_ASSERT_EQUAL(egx_fake_run(fake), 1);
    CU_ASSERT_STRING_EQUAL(seen_body, "late");
    egx_fake_free(fake);
}

static void events_are_json_objects_with_attributes_and_extensions(void) {
    open_fake();
    CU_ASSERT_PTR_NULL(egx_fake_event(fake, "[]"));
    CU_ASSERT_PTR_NULL(egx_fake_event(fake, "{"));
    struct eg_event *event = egx_fake_event(fake, "{\"type\":\"a\",\"data\":{\"x\":1}}");
    uint32_t is_base64 = 7;
    CU_ASSERT_PTR_NOT_NULL_FATAL(event);
    ASSERT_STR(host->event->attribute(event, EGX_STR("type")), "a");
    ASSERT_STR(host->event->attribute(event, EGX_STR("id")), "");
    ASSERT_STR(host->event->data(event, &is_base64), "{\"x\":1}");
    CU_ASSERT_EQUAL(is_base64, 0);
    CU_ASSERT_EQUAL(host->event->set_extension(event, EGX_STR("e"), EGX_STR("[1]")), EG_OK);
    CU_ASSERT_EQUAL(host->event->set_extension(event, EGX_STR("f"), EGX_STR("[")), EG_E_SYNTAX);
    ASSERT_STR(host->event->extension(event, EGX_STR("e")), "[1]");
    ASSERT_STR(host->event->json(event, EG_CE_1_0),
               "{\"type\":\"a\",\"data\":{\"x\":1},\"e\":[1]}");
    egx_fake_free(fake);
}

static void requests_and_replies_can_be_looked_at(void) {
    open_fake();
    struct eg_exchange *x = egx_fake_exchange(fake, "GET", "/a?b=c");
    egx_fake_add_header(x, "Accept", "1");
    egx_fake_add_header(x, "accept", "2");
    egx_fake_set_body(x, "body");
    ASSERT_STR(host->exchange->path(x), "/a");
    ASSERT_STR(host->exchange->query(x), "b=c");
    ASSERT_STR(host->exchange->body(x), "body");
    ASSERT_STR(host->exchange->header(x, EGX_STR("ACCEPT"), 1), "2");
    CU_ASSERT_PTR_NULL(host->exchange->header(x, EGX_STR("accept"), 2).ptr);
    CU_ASSERT_EQUAL(host->exchange->reply_header(x, EGX_STR("bad name"), EGX_STR("v")), EG_E_INVAL);
    CU_ASSERT_EQUAL(host->exchange->reply_header(x, EGX_STR("n"), EGX_STR("a\r\nb: c")),
                    EG_E_INVAL);
    host->exchange->reply_error(x, 418, EGX_STR("tea"));
    CU_ASSERT_EQUAL(egx_fake_reply_status(x), 418);
    CU_ASSERT_STRING_EQUAL(egx_fake_reply_body(x), "{\"errors\":[{\"message\":\"tea\"}]}\n");
    CU_ASSERT_STRING_EQUAL(egx_fake_reply_header(x, "content-type"), "application/json");
    egx_fake_free(fake);
}

static void metrics_and_operations_are_kept(void) {
    const struct eg_kv label = {EGX_STR_INIT("k"), EGX_STR_INIT("v")};
    struct egx_fake_op op;
    open_fake();
    host->metrics->add(host->metrics->counter(host, EGX_STR("n_total"), EGX_STR(""), &label, 1), 2);
    host->metrics->add(host->metrics->counter(host, EGX_STR("n_total"), EGX_STR(""), &label, 1), 1);
    CU_ASSERT_EQUAL(egx_fake_metric(fake, "n_total", "k=v"), 3);
    CU_ASSERT_EQUAL(egx_fake_metric(fake, "n_total", ""), INT64_MIN);
    egx_fake_op_init(fake, &op);
    egx_done_error(&op.pub, EG_E_IO, "disk %d", 1);
    CU_ASSERT_EQUAL(op.done_count, 1);
    CU_ASSERT_EQUAL(op.status, EG_E_IO);
    ASSERT_STR(op.result.message, "disk 1");
    egx_fake_op_free(&op);
    egx_fake_op_init(fake, &op);
    egx_done_call(&op.pub, 200, egx_buf_copy(host, EGX_STR("answer")));
    CU_ASSERT_EQUAL(op.result.body.len, 6);
    egx_fake_op_free(&op);
    egx_fake_free(fake);
    egx_fake_free(NULL);
}

static void nothing(void *arg) {
    (void)arg;
}

static void nap(void *arg) {
    const struct timespec time = {0, 2000000};
    (void)arg;
    (void)nanosleep(&time, NULL);
}

static void on_any_answer(void *arg, const struct eg_http_response *response) {
    *(struct eg_buf *)arg = response->body;
}

static void what_was_not_given_back_is_counted_by_its_kind(void) {
    struct eg_json *root = NULL;
    struct eg_http_call *call = NULL;
    struct eg_buf body = {NULL, 0, NULL, NULL};
    struct egx_left left;
    open_fake();
    void *piece = host->mem->alloc(host, 1);
    struct eg_buf copy = host->mem->copy(host, EGX_STR("x"));
    struct eg_timer *timer = host->loop->timer_start(host, loop, 1, 0, nothing, NULL);
    struct eg_fd_watch *watch = host->loop->fd_watch(host, loop, 0, 0, NULL, NULL);
    struct eg_http_request request = {.struct_size = sizeof request, .url = EGX_STR("http://a/")};
    CU_ASSERT_EQUAL(host->json->parse(host, EGX_STR("[]"), &root, NULL), EG_OK);
    CU_ASSERT_EQUAL(host->http->send(host, loop, &request, on_any_answer, &body, &call), EG_OK);
    host->loop->post(host, loop, nothing, NULL);
    egx_fake_left(fake, &left);
    CU_ASSERT_TRUE(left.allocations == 1 && left.json_roots == 1 && left.buffers == 1);
    CU_ASSERT_TRUE(left.timers == 1 && left.watches == 1 && left.calls == 1 && left.posts == 1);
    CU_ASSERT_EQUAL(egx_fake_allocations(fake), 2);
    egx_fake_answer(fake, 200, NULL, "body");
    egx_fake_run(fake);
    egx_fake_left(fake, &left);
    CU_ASSERT_TRUE(left.calls == 0 && left.posts == 0 && left.timers == 1 && left.buffers == 2);
    host->loop->timer_stop(host, timer);
    host->loop->fd_unwatch(host, watch);
    host->json->free(host, root);
    host->mem->free(host, piece);
    egx_buf_release(&copy);
    egx_fake_left(fake, &left);
    CU_ASSERT_TRUE(left.allocations + left.json_roots + left.timers + left.watches == 0);
    CU_ASSERT_EQUAL(left.buffers, 1);
    egx_fake_free(fake);
    egx_buf_release(&body); /* outlives the fake */
}

static void the_time_of_callbacks_is_taken_when_that_is_wanted(void) {
    open_fake();
    host->loop->post(host, loop, nap, NULL);
    egx_fake_run(fake);
    CU_ASSERT_EQUAL(egx_fake_slowest_ns(fake), 0);
    egx_fake_time_callbacks(fake);
    host->loop->post(host, loop, nap, NULL);
    egx_fake_run(fake);
    CU_ASSERT_TRUE(egx_fake_slowest_ns(fake) > 0);
    CU_ASSERT_EQUAL(egx_fake_slowest_ns(fake), 0);
    (void)host->loop->run_blocking(host, loop, nap, nothing, NULL);
    egx_fake_run(fake);
    CU_ASSERT_TRUE(egx_fake_slowest_ns(fake) < 2000000);
    egx_fake_free(fake);
}

struct texts {
    struct eg_str one;
    struct eg_str_list many;
};
EGX_SETTING_STRING(texts, one, NULL, "A text.");
EGX_SETTING_LIST(texts, many, NULL, "Texts.");
static const struct eg_setting *const text_rows[] = {EGX_ROW(texts, one), EGX_ROW(texts, many)};

static void texts_of_settings_may_hold_a_nul_as_those_of_the_gateway_do(void) {
    const struct eg_component component = {.struct_size = sizeof component,
                                           .name = "texts",
                                           .target_settings = text_rows,
                                           .target_setting_count = EGX_COUNT(text_rows),
                                           .target_settings_size = sizeof(struct texts)};
    static const char json[] = "{\"one\": \"a\\u0000b\", \"many\": [\"\\u0000c\"]}";
    const void *config = NULL;
    open_fake();
    CU_ASSERT_EQUAL_FATAL(egx_fake_target_settings(fake, &component, json, &config, NULL), EG_OK);
    const struct texts *texts = config;
    CU_ASSERT_TRUE(egx_str_eq(texts->one, EGX_STR("a\0b")));
    CU_ASSERT_TRUE(egx_str_eq(texts->many.items[0], EGX_STR("\0c")));
    egx_fake_free(fake);
}

UNIT_MAIN(UNIT(texts_of_settings_may_hold_a_nul_as_those_of_the_gateway_do),
          UNIT(what_was_not_given_back_is_counted_by_its_kind),
          UNIT(the_time_of_callbacks_is_taken_when_that_is_wanted),
          UNIT(timers_run_when_the_clock_was_moved), UNIT(watched_fds_are_polled),
          UNIT(http_calls_are_recorded_and_answered_by_script),
          UNIT(pieces_go_to_the_oldest_call_that_wants_them),
          UNIT(a_cancelled_call_ends_as_cancelled_and_keeps_the_answers),
          UNIT(events_are_json_objects_with_attributes_and_extensions),
          UNIT(requests_and_replies_can_be_looked_at), UNIT(metrics_and_operations_are_kept))
