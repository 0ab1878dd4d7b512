/*
 * io/http_client.c - see http_client.h. The front: what a call is, whichever engine carries its
 * exchanges. It keeps the deadlines, follows redirects (one exchange after the other, maybe by
 * another engine), collects the answer or tells it piece by piece, and ends the call, once.
 *
 * What keeps it cheap: calls live in a pool, with the arena of their headers. Deadlines are our
 * timers, so that they follow base/clock.h.
 *
 * Thread: the loop's. Ownership: a call borrows its request; what it answers lives in its arena.
 */
#include "io/http_client.h"

#include "base/check.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/slice.h"
#include "io/http_call.h"
#include "io/http_outgoing.h"

#define CALL_MAGIC 0x4c4c4143u /* "CALL" */
#define REDIRECTS_MAX 10u
#define POOLED_CALLS_MAX 512u
#define NEVER UINT64_MAX

struct gw_http_client {
    struct eg_loop *loop;
    struct gw_http_client_config config;
    struct gw_http_engine *curl;
    struct gw_http_engine *plain;
    struct gw_node active;
    struct gw_node pooled;
    uint32_t pooled_count;
    uint32_t active_count;
    struct gw_url_memo urls;
    bool is_telling; /* inside on_data of some call: engines take no calls of ours */
    struct eg_metric *dropped_headers;
};

/* ---- calls ---- */

static void free_call(struct eg_http_call *call) {
    gw_timer_stop(call->client->loop, &call->deadline);
    gw_arena_free(&call->arena);
    gw_bytes_free(&call->answer.body);
    gw_http_response_free(&call->plain.response);
    gw_free(call);
}

static struct eg_http_call *make_call(struct gw_http_client *client) {
    struct eg_http_call *call = gw_alloc(sizeof *call);
    call->client = client;
    gw_arena_init(&call->arena, 2048);
    call->answer.arena = &call->arena;
    call->answer.dropped_headers = client->dropped_headers;
    gw_bytes_init(&call->answer.body, 0);
    return call;
}

struct eg_http_call *gw_http_call_new(struct gw_http_client *client) {
    struct gw_node *node = gw_list_shift(&client->pooled);
    if (node == NULL) {
        return make_call(client);
    }
    client->pooled_count--;
    return GW_CONTAINER(node, struct eg_http_call, node);
}

void *gw_http_call_room(struct eg_http_call *call, size_t bytes) {
    return gw_arena_alloc(&call->arena, bytes);
}

/* Back to the pool, last in first out: the warm one is used next. */
static void recycle_call(struct eg_http_call *call) {
    struct gw_http_client *client = call->client;
    call->magic = 0;
    gw_bytes_free(&call->answer.body);
    if (client->pooled_count >= POOLED_CALLS_MAX) {
        free_call(call);
        return;
    }
    gw_arena_reset(&call->arena);
    gw_list_push(client->pooled.next, &call->node);
    client->pooled_count++;
}

static void leave_engine(struct eg_http_call *call) {
    struct gw_http_engine *engine = call->engine;
    if (engine != NULL) {
        call->engine = NULL;
        engine->leave(engine, call);
    }
}

static void finish(struct eg_http_call *call, int32_t error, const char *message) {
    struct gw_http_client *client = call->client;
    struct eg_http_response response = {.struct_size = sizeof response, .error = error};
    leave_engine(call);
    call->due_ns = NEVER;
    gw_timer_stop(client->loop, &call->silence);
    gw_loop_undefer(&call->later);
    gw_list_remove(&call->node);
    client->active_count--;
    if (error == EG_OK) {
        response.status = call->status;
        response.headers = call->answer.headers;
        response.header_count = call->answer.header_count;
        response.body = gw_bytes_take(&call->answer.body);
    } else {
        response.message = gw_str_c(message);
    }
    call->on_done(call->arg, &response);
    recycle_call(call);
}

/* ---- deadlines ---- */

static void on_deadline(struct gw_timer *timer);

/* A timer that is armed for an earlier time stays as it is, also that of a former call of the same
 * memory: deadlines are rarely met, and it finds out when it is due whether anything is. */
static void set_deadline(struct eg_http_call *call, uint64_t due_ns) {
    call->due_ns = due_ns;
    if (!gw_timer_armed(&call->deadline) || call->deadline.at_ns > due_ns) {
        gw_timer_start_at(call->client->loop, &call->deadline, due_ns, on_deadline);
    }
}

static void on_deadline(struct gw_timer *timer) {
    struct eg_http_call *call = GW_CONTAINER(timer, struct eg_http_call, deadline);
    const uint64_t now = gw_monotonic_ns();
    if (call->due_ns == NEVER) {
        return;
    }
    if (now < call->due_ns) {
        set_deadline(call, call->due_ns);
        return;
    }
    if (call->is_connected && now < call->ends_at_ns) {
        set_deadline(call, call->ends_at_ns);
        return;
    }
    const char *what = call->is_connecting ? "connecting timed out" : "no connection became free";
    finish(call, EG_E_TIMEOUT, call->is_connected ? "timed out" : what);
}

static void on_silence(struct gw_timer *timer) {
    finish(GW_CONTAINER(timer, struct eg_http_call, silence), EG_E_TIMEOUT,
           "nothing came for too long");
}

/* A call that waits for its turn (max_connections) has all of its own time for that. */
void gw_http_call_is_connecting(struct eg_http_call *call) {
    if (call->is_connecting) {
        return;
    }
    call->is_connecting = true;
    const uint64_t now = gw_monotonic_ns();
    const uint64_t left_ns = call->ends_at_ns > now ? call->ends_at_ns - now : 0;
    const uint64_t connect_ns = call->client->config.connect_timeout_ns;
    set_deadline(call, now + (left_ns < connect_ns ? left_ns : connect_ns));
}

void gw_http_call_is_alive(struct eg_http_call *call) {
    if (call->request->idle_timeout_ns != 0) {
        gw_timer_start(call->client->loop, &call->silence, call->request->idle_timeout_ns,
                       on_silence);
    }
}

void gw_http_call_is_connected(struct eg_http_call *call) {
    call->is_connected = true;
    gw_http_call_is_alive(call);
}

/* ---- exchanges ---- */

static void on_later(struct gw_task *task) {
    struct eg_http_call *call = GW_CONTAINER(task, struct eg_http_call, later);
    gw_http_call_end(call, call->later_error, call->later_message);
}

void gw_http_call_end_later(struct eg_http_call *call, int32_t error, const char *message) {
    call->later_error = error;
    call->later_message = message;
    call->later.fn = on_later;
    gw_loop_defer(call->client->loop, &call->later);
}

/* Names in other scripts and credentials in the URL are left to libcurl's way with them. */
static bool is_plain(const struct eg_http_call *call) {
    const struct gw_url *target = &call->target;
    return call->client->plain != NULL && target->scheme.len == 4 && target->is_ascii &&
           !target->has_user;
}

static void hand_over(struct eg_http_call *call) {
    call->engine = is_plain(call) ? call->client->plain : call->client->curl;
    call->engine->begin(call->engine, call);
}

/* Of a call that was begun inside on_data. */
static void on_turn(struct gw_task *task) {
    hand_over(GW_CONTAINER(task, struct eg_http_call, later));
}

/* One exchange: the first, or one of a redirect. */
static void start(struct eg_http_call *call) {
    struct gw_http_client *client = call->client;
    gw_http_answer_begin(&call->answer);
    call->is_connecting = call->is_connected = false;
    set_deadline(call, call->ends_at_ns);
    if (!client->is_telling) {
        hand_over(call);
        return;
    }
    call->later.fn = on_turn;
    gw_loop_defer(client->loop, &call->later);
}

bool gw_http_call_sends(const struct eg_http_call *call, const struct eg_kv *header) {
    const bool is_bodyless = call->body.len == 0 && !gw_str_eq(call->method, GW_STR("POST"));
    if (is_bodyless && gw_str_eq_nocase(header->name, GW_STR("Content-Type"))) {
        return false;
    }
    return !call->is_foreign || !(gw_str_eq_nocase(header->name, GW_STR("Authorization")) ||
                                  gw_str_eq_nocase(header->name, GW_STR("Cookie")));
}

/* ---- answers ---- */

static bool tell_piece(struct eg_http_call *call, struct eg_str piece) {
    call->client->is_telling = true;
    call->request->on_data(call->arg, piece);
    call->client->is_telling = false;
    return call->answer.error == EG_OK; /* else it was cancelled in there */
}

bool gw_http_call_body(struct eg_http_call *call, struct eg_str piece, uint64_t announced) {
    if (call->answer.error != EG_OK) {
        return false; /* cancelled, but the engine does not know yet */
    }
    const bool is_streamed =
        call->request->on_data != NULL && call->status >= 200 && call->status <= 299;
    return is_streamed ? tell_piece(call, piece)
                       : gw_http_answer_body(&call->answer, piece, announced);
}

static struct eg_str find_location(const struct gw_http_answer *answer) {
    for (size_t i = 0; i < answer->header_count; i++) {
        const struct eg_kv *h = &answer->headers[i];
        if (h->value.len > 0 && gw_str_eq_nocase(h->name, GW_STR("Location"))) {
            return h->value;
        }
    }
    return (struct eg_str){0};
}

static bool turns_into_get(int32_t status) {
    return status == 301 || status == 302 || status == 303;
}

/* 307 and 308 repeat what was sent last; after the others it is a GET, or a HEAD still. */
static void prepare_redirect(struct eg_http_call *call, struct eg_str url) {
    const struct eg_http_request *request = call->request;
    call->redirects++;
    call->has_become_get = call->has_become_get || turns_into_get(call->status);
    call->url = url;
    call->is_foreign = !gw_url_same_origin(request->url, url);
    if (call->has_become_get) {
        const bool is_head = gw_str_eq(request->method, GW_STR("HEAD"));
        call->method = is_head ? request->method : GW_STR("GET");
        call->body = (struct eg_str){0};
    }
}

/* RFC 9110 15.4. True when the answer was a redirect that has been followed or has failed. */
static bool follow_redirect(struct eg_http_call *call) {
    const int32_t status = call->status;
    if ((call->request->flags & EG_HTTP_NO_REDIRECT) != 0 ||
        (!turns_into_get(status) && status != 307 && status != 308)) {
        return false;
    }
    const struct eg_str location = find_location(&call->answer);
    if (location.len == 0) {
        return false;
    }
    if (call->redirects == REDIRECTS_MAX) {
        finish(call, EG_E_PROTO, "stopped after 10 redirects");
        return true;
    }
    const struct eg_str url = gw_http_curl_resolve(&call->arena, call->url, location);
    if (gw_url_parse(url, &call->target) != EG_OK) {
        finish(call, EG_E_PROTO, "redirected to what is no http or https URL");
        return true;
    }
    leave_engine(call);
    prepare_redirect(call, url);
    start(call);
    return true;
}

void gw_http_call_end(struct eg_http_call *call, int32_t error, const char *message) {
    GW_MAGIC_CHECK(call, CALL_MAGIC);
    if (call->answer.error != EG_OK) {
        finish(call, call->answer.error, call->answer.message);
    } else if (error != EG_OK) {
        finish(call, error, message);
    } else if (!follow_redirect(call)) {
        finish(call, EG_OK, NULL);
    }
}

/* ---- the front ---- */

static void prepare(struct eg_http_call *call, const struct eg_http_request *request) {
    const struct gw_http_client_config *config = &call->client->config;
    const uint64_t now = gw_loop_now(call->client->loop);
    const uint64_t timeout_ns = request->timeout_ns != 0 ? request->timeout_ns : config->timeout_ns;
    call->magic = CALL_MAGIC;
    call->request = request;
    call->url = request->url;
    call->method = request->method;
    call->body = request->body;
    call->is_foreign = call->has_become_get = false;
    call->redirects = 0;
    call->status = 0;
    call->ends_at_ns = timeout_ns > UINT64_MAX - now ? UINT64_MAX : now + timeout_ns;
    call->answer.body_max =
        request->max_response_bytes != 0 ? request->max_response_bytes : config->max_response_bytes;
    call->answer.error = EG_OK;
}

int32_t gw_http_call_send(struct eg_http_call *call, const struct eg_http_request *request,
                          void (*on_done)(void *arg, const struct eg_http_response *response),
                          void *arg) {
    struct gw_http_client *client = call->client;
    if (gw_http_check_request(&client->urls, request, &call->target) != EG_OK) {
        recycle_call(call);
        return EG_E_INVAL;
    }
    call->on_done = on_done;
    call->arg = arg;
    prepare(call, request);
    gw_list_push(&client->active, &call->node);
    client->active_count++;
    start(call);
    return EG_OK;
}

int32_t gw_http_send(struct gw_http_client *client, const struct eg_http_request *request,
                     void (*on_done)(void *arg, const struct eg_http_response *response), void *arg,
                     struct eg_http_call **ret_call) {
    struct eg_http_call *call = gw_http_call_new(client);
    const int32_t rc = gw_http_call_send(call, request, on_done, arg);
    if (rc == EG_OK && ret_call != NULL) {
        *ret_call = call;
    }
    return rc;
}

static void on_canceled(struct gw_task *task) {
    finish(GW_CONTAINER(task, struct eg_http_call, later), EG_E_CANCELED, "canceled");
}

void gw_http_cancel(struct eg_http_call *call) {
    GW_MAGIC_CHECK(call, CALL_MAGIC);
    if (call->client->is_telling) { /* an engine lets go of nothing while it calls us */
        (void)gw_http_answer_refuse(&call->answer, EG_E_CANCELED, "canceled");
    } else {
        leave_engine(call);
    }
    call->due_ns = NEVER;
    gw_timer_stop(call->client->loop, &call->silence);
    call->later.fn = on_canceled;
    gw_loop_defer(call->client->loop, &call->later);
}

uint32_t gw_http_client_in_flight(const struct gw_http_client *client) {
    return client->active_count;
}

/* ---- life ---- */

static struct gw_http_client_config with_defaults(const struct gw_http_client_config *config) {
    struct gw_http_client_config c = *config;
    c.timeout_ns = c.timeout_ns != 0 ? c.timeout_ns : 30 * GW_NS_PER_S;
    c.connect_timeout_ns = c.connect_timeout_ns != 0 ? c.connect_timeout_ns : 5 * GW_NS_PER_S;
    c.max_response_bytes = c.max_response_bytes != 0 ? c.max_response_bytes : 6u << 20;
    c.idle_timeout_ns = c.idle_timeout_ns != 0 ? c.idle_timeout_ns : 60 * GW_NS_PER_S;
    return c;
}

int32_t gw_http_client_create(struct eg_loop *loop, const struct gw_http_client_config *config,
                              struct gw_http_client **ret_client) {
    static const struct gw_metric_family dropped = {
        .name = "eventgateway_http_client_dropped_headers_total",
        .help = "Header lines of function answers that were no valid header and were dropped.",
        .type = GW_COUNTER};
    struct gw_http_client *client = gw_alloc(sizeof *client);
    client->loop = loop;
    client->config = with_defaults(config);
    client->dropped_headers = gw_metric(&dropped, NULL, 0);
    gw_list_init(&client->active);
    gw_list_init(&client->pooled);
    const int32_t rc = gw_http_curl_create(loop, &client->config, &client->curl);
    if (rc != EG_OK) {
        gw_free(client);
        return rc;
    }
    if (config->engines == GW_HTTP_AUTO) {
        client->plain = gw_http_plain_create(loop, &client->config);
    }
    *ret_client = client;
    return EG_OK;
}

static void destroy_engine(struct gw_http_engine *engine) {
    if (engine != NULL) {
        engine->destroy(engine);
    }
}

void gw_http_client_destroy(struct gw_http_client *client) {
    if (client == NULL) {
        return;
    }
    while (!gw_list_empty(&client->active)) {
        finish(GW_CONTAINER(client->active.next, struct eg_http_call, node), EG_E_CANCELED,
               "canceled: the gateway ends");
    }
    for (struct gw_node *node; (node = gw_list_shift(&client->pooled)) != NULL;) {
        free_call(GW_CONTAINER(node, struct eg_http_call, node));
    }
    destroy_engine(client->plain);
    destroy_engine(client->curl);
    gw_free(client);
}
