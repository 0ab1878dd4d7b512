/*
 * call.c - one exchange with Consul: the URL, the token, and what an answer means, in one table.
 *
 * Consul answers in plain text when something is wrong (https://www.consul.io/api-docs, "Errors"
 * are not specified): 500 stands for everything from "No cluster leader" to "rpc error making
 * call", so the text is looked at before the status alone.
 *
 * Thread: control. A call belongs to whoever began it, from begin to free.
 */
#include "consul.h"

#define SENTENCE_MAX 300

/* ---- what an answer means ---- */

struct meaning {
    int32_t http;
    const char *part; /* of the text; NULL: any */
    int32_t status;
    const char *subject; /* "subject host:port words: text"; NULL: nothing is said */
    const char *words;
};
/* The first that fits. 404 and 409 are up to the caller. */
static const struct meaning meanings[] = {
    {200, NULL, EG_OK, NULL, NULL},
    {404, NULL, EG_E_NOTFOUND, NULL, NULL},
    {409, NULL, EG_E_CONFLICT, NULL, NULL},
    {413, NULL, EG_E_TOOBIG, "Consul at", "takes no request of this size"},
    {403, NULL, EG_E_DENIED, "Consul at", "refuses the token"},
    {401, NULL, EG_E_DENIED, "Consul at", "refuses the token"},
    {500, "ACL not found", EG_E_DENIED, "Consul at", "refuses the token"},
    {500, "Permission denied", EG_E_DENIED, "Consul at", "refuses the token"},
    {500, NULL, EG_E_UNAVAILABLE, "Consul at", "has no answer now"},
    {429, NULL, EG_E_UNAVAILABLE, "Consul at", "takes no more connections"},
    {502, NULL, EG_E_UNAVAILABLE, "Consul at", "cannot be reached"},
    {503, NULL, EG_E_UNAVAILABLE, "Consul at", "cannot be reached"},
    {504, NULL, EG_E_UNAVAILABLE, "Consul at", "cannot be reached"},
};
static const struct meaning failures[] = {
    {EG_E_CANCELED, NULL, EG_E_UNAVAILABLE, "the call to Consul at", "was given up"},
    {EG_E_PROTO, NULL, EG_E_PROTO, "what answers at", "is not Consul"},
    {EG_E_TOOBIG, NULL, EG_E_TOOBIG, "the answer of Consul at", "is too big"},
    {EG_E_TIMEOUT, NULL, EG_E_UNAVAILABLE, "Consul at", "does not answer"},
};
static const struct meaning unreachable = {0, NULL, EG_E_UNAVAILABLE, "Consul at",
                                           "cannot be reached"};
static const struct meaning foreign = {0, NULL, EG_E_PROTO, "what answers at", "is not Consul"};

static bool holds(struct eg_str text, const char *part) {
    const struct eg_str wanted = egx_str_c(part);
    for (size_t i = 0; i + wanted.len <= text.len; i++) {
        if (memcmp(text.ptr + i, wanted.ptr, wanted.len) == 0) {
            return true;
        }
    }
    return false;
}

static const struct meaning *find_meaning(const struct meaning *table, size_t count, int32_t code,
                                          struct eg_str text) {
    for (size_t i = 0; i < count; i++) {
        if (table[i].http == code && (table[i].part == NULL || holds(text, table[i].part))) {
            return &table[i];
        }
    }
    return NULL;
}

/* The first line of what a server says, as far as it is text. */
static struct eg_str sentence_of(struct eg_str text) {
    size_t len = 0;
    while (len < text.len && len < SENTENCE_MAX && text.ptr[len] >= 0x20 && text.ptr[len] < 0x7f) {
        len++;
    }
    return egx_str_n(text.ptr, len);
}

/* Has it left, and does the answer say nothing about what became of it? A connection that did not
 * come about (EG_E_UNAVAILABLE), what refuses (4xx) and what hands on to nobody (503) say enough.
 */
static bool is_open(const struct consul_call *call, const struct eg_http_response *response) {
    const bool is_lost =
        response->error != 0
            ? response->error != EG_E_UNAVAILABLE
            : response->status >= 500 && response->status != 503 && call->status != EG_E_DENIED;
    return call->is_write && is_lost;
}

static void judge(struct consul_call *call, const struct eg_http_response *response) {
    const struct eg_str place = call->store->place;
    struct eg_str text = response->message;
    const struct meaning *meaning = NULL;
    if (response->error != 0) {
        meaning = find_meaning(failures, EGX_COUNT(failures), response->error, text);
        meaning = meaning != NULL ? meaning : &unreachable;
    } else {
        text = egx_str_n(response->body.ptr, response->body.len);
        meaning = find_meaning(meanings, EGX_COUNT(meanings), response->status, text);
        meaning = meaning != NULL ? meaning : &foreign;
    }
    char number[32];
    struct eg_str sentence = sentence_of(text);
    if (sentence.len == 0) {
        (void)snprintf(number, sizeof number, "HTTP status %d", (int)response->status);
        sentence = egx_str_c(number);
    }
    call->status = meaning->status;
    call->why.len = 0;
    if (meaning->subject != NULL) {
        (void)egx_why(&call->why, meaning->status, "%s %.*s %s: %.*s%s", meaning->subject,
                      EGX_FMT(place), meaning->words, EGX_FMT(sentence),
                      is_open(call, response) ? CONSUL_DOUBT : "");
    }
}

int32_t consul_garbage(const struct consul_store *store, struct eg_why *ret_why) {
    return egx_why(ret_why, EG_E_PROTO, "Consul at %.*s answers what cannot be understood",
                   EGX_FMT(store->place));
}

/* 0 when it is not there or no number;
 * https://developer.hashicorp.com/consul/api-docs/features/blocking asks clients to take 0 for 1.
 */
static uint64_t index_of(const struct eg_http_response *response) {
    const struct eg_str text = egx_http_header(response, EGX_STR("X-Consul-Index"));
    struct consul_scan scan = consul_scan_begin(text);
    const uint64_t index = consul_scan_number(&scan);
    consul_scan_finish(&scan);
    if (text.len == 0 || scan.is_bad) {
        return 0;
    }
    return index == 0 ? 1 : index;
}

static void leave_reading(struct consul_call *call) {
    struct consul_call **place = &call->store->reading;
    while (*place != NULL && *place != call) {
        place = &(*place)->next;
    }
    if (*place == call) {
        *place = call->next;
    }
}

static void on_done(void *arg, const struct eg_http_response *response) {
    struct consul_call *call = arg;
    leave_reading(call);
    call->handle = NULL;
    call->store->calls--;
    judge(call, response);
    call->index = response->error == 0 ? index_of(response) : 0;
    call->answer = response->body;
    call->ended(call);
}

/* The host has not taken it; told from the loop, as any other end. */
static void on_refused(void *arg) {
    struct consul_call *call = arg;
    call->store->calls--;
    call->ended(call);
}

/* ---- the request ---- */

void consul_call_begin(struct consul_store *store, struct consul_call *call, struct eg_str path) {
    call->store = store;
    call->why.struct_size = sizeof call->why;
    egx_json_raw(&call->url, store->base);
    egx_json_raw(&call->url, path);
}

void consul_call_query(struct consul_call *call, struct eg_str name, struct eg_str value) {
    const struct eg_str url = egx_json_text(&call->url);
    const bool is_first = url.len == 0 || memchr(url.ptr, '?', url.len) == NULL;
    egx_json_raw(&call->url, is_first ? EGX_STR("?") : EGX_STR("&"));
    egx_json_raw(&call->url, name);
    if (value.len > 0) {
        egx_json_raw(&call->url, EGX_STR("="));
        egx_put_percent(&call->url, value, "/");
    }
}

void consul_call_name(struct consul_call *call, struct eg_str name) {
    egx_put_percent(&call->url, call->store->settings->prefix, "/");
    egx_put_percent(&call->url, name, "/");
}

static void add_header(struct consul_call *call, struct eg_str name, struct eg_str value) {
    call->headers[call->request.header_count++] = (struct eg_kv){.name = name, .value = value};
}

void consul_call_send(struct consul_call *call, uint64_t timeout_ns, uint64_t idle_ns,
                      void (*ended)(struct consul_call *call), void *owner) {
    struct consul_store *store = call->store;
    const struct consul_settings *settings = store->settings;
    const struct eg_str body = egx_json_text(&call->body);
    if (settings->datacenter.len > 0) {
        consul_call_query(call, EGX_STR("dc"), settings->datacenter);
    }
    call->ended = ended;
    call->owner = owner;
    call->request = (struct eg_http_request){
        .struct_size = sizeof call->request,
        .flags = EG_HTTP_NO_REDIRECT | (call->is_write ? EG_HTTP_ONCE : 0u),
        .method = body.len > 0 ? EGX_STR("PUT") : EGX_STR("GET"),
        .url = egx_json_text(&call->url),
        .headers = call->headers,
        .body = body,
        .timeout_ns = timeout_ns,
        .max_response_bytes = CONSUL_ANSWER_MAX,
        .ca_file = settings->ca_file,
        .cert_file = settings->cert_file,
        .key_file = settings->key_file,
        .idle_timeout_ns = idle_ns,
    };
    if (settings->token.len > 0) {
        add_header(call, EGX_STR("X-Consul-Token"), settings->token);
    }
    if (body.len > 0) {
        add_header(call, EGX_STR("Content-Type"), EGX_STR("application/json"));
    }
    store->calls++;
    if (store->is_draining) {
        call->status = egx_why(&call->why, EG_E_UNAVAILABLE, "the gateway is being stopped");
        store->host->loop->post(store->host, store->control, on_refused, call);
        return;
    }
    const int32_t rc = store->host->http->send(store->host, store->control, &call->request, on_done,
                                               call, &call->handle);
    if (rc < 0) {
        call->handle = NULL;
        call->status = egx_why(&call->why, rc == EG_E_BUSY ? EG_E_UNAVAILABLE : rc,
                               "the call to Consul at %.*s cannot be sent: %s",
                               EGX_FMT(store->place), egx_error_text(rc));
        store->host->loop->post(store->host, store->control, on_refused, call);
    } else if (!call->is_write) {
        call->next = store->reading;
        store->reading = call;
    }
}

void consul_call_cancel(struct consul_call *call) {
    if (call->handle != NULL) {
        call->store->host->http->cancel(call->store->host, call->handle);
    }
}

void consul_calls_stop(struct consul_store *store) {
    for (struct consul_call *call = store->reading; call != NULL; call = call->next) {
        consul_call_cancel(call);
    }
}

void consul_call_free(struct consul_call *call) {
    egx_json_free(&call->url);
    egx_json_free(&call->body);
    egx_buf_release(&call->answer);
    *call = (struct consul_call){0};
}

uint64_t consul_op_timeout(const struct consul_store *store, const struct eg_op *op) {
    const uint64_t timeout_ns = op == NULL ? 0 : egx_http_timeout(store->host, op);
    return timeout_ns == 0 ? UINT64_MAX : timeout_ns;
}
