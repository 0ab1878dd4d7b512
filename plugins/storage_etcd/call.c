/*
 * call.c - one request to etcd: which server, the token, the time it may take, and what its end
 * means. A server that cannot be reached, does not answer in time, answers with what is not etcd's,
 * or says that it has no leader has failed, which health.c is told; requests that are harmless to
 * repeat then go to the next one. Writes only do when they have not left: an answer that got lost
 * may have been a yes. A refused token repeats them too, since what was refused has not happened.
 *
 * Thread: control. Ownership: the call is its owner's, url and token of the request are the call's.
 */
#include "storage_etcd.h"

#define CALL_MAX_BYTES (4u << 20)

/* ---- ends ---- */

static void end(struct etcd_call *call, int32_t status, const struct eg_json *root) {
    struct etcd_call **place = &call->store->active;
    while (*place != call) {
        place = &(*place)->next_active;
    }
    *place = call->next_active;
    egx_json_free(&call->body);
    call->is_active = false;
    call->on_end(call, status, root);
}

static void end_posted(void *arg) {
    struct etcd_call *call = arg;
    end(call, call->status, NULL);
}

void etcd_call_end_later(struct etcd_call *call, int32_t status) {
    struct etcd_store *store = call->store;
    call->status = status;
    store->host->loop->post(store->host, store->control, end_posted, call);
}

/* ---- sending ---- */

/* An op's call that nobody waits for any more ends soon. */
static uint64_t timeout_of(const struct etcd_call *call) {
    const uint64_t own_ns =
        call->timeout_ns != 0 ? call->timeout_ns : call->store->settings->timeout;
    const uint64_t left_ns = call->op == NULL ? 0 : egx_http_timeout(call->store->host, call->op);
    return left_ns != 0 && left_ns < own_ns ? left_ns : own_ns;
}

static bool is_late(const struct etcd_call *call) {
    const struct eg_host *host = call->store->host;
    return call->op != NULL && call->op->deadline_ns != 0 &&
           host->clock->monotonic_ns(host) >= call->op->deadline_ns;
}

/* One block: the url, then the token. */
static void make_request(struct etcd_call *call) {
    const struct etcd_store *store = call->store;
    const struct etcd_settings *s = store->settings;
    const struct etcd_auth *auth = &store->auth;
    const struct eg_str base = store->endpoints[call->endpoint].url;
    const size_t path_len = strlen(call->path);
    const bool has_token = auth->token != NULL && (call->flags & ETCD_NO_TOKEN) == 0;
    const size_t token_len = has_token ? auth->token_len : 0;
    size_t headers = 0;
    call->texts = store->host->mem->alloc(store->host, base.len + path_len + token_len + 1);
    char *token = call->texts + base.len + path_len;
    memcpy(call->texts, base.ptr, base.len);
    memcpy(call->texts + base.len, call->path, path_len);
    call->headers[headers++] = (struct eg_kv){EGX_STR("Content-Type"), EGX_STR("application/json")};
    if (has_token) {
        memcpy(token, auth->token, token_len);
        call->headers[headers++] =
            (struct eg_kv){EGX_STR("Authorization"), egx_str_n(token, token_len)};
    }
    if (call->on_data != NULL) {
        /* A server that has lost the others ends the stream instead of going on without news; the
         * gateway hands it on as gRPC metadata (etcd, rpctypes.MetadataRequireLeaderKey). */
        call->headers[headers++] =
            (struct eg_kv){EGX_STR("Grpc-Metadata-Hasleader"), EGX_STR("true")};
    }
    call->request = (struct eg_http_request){
        .struct_size = sizeof call->request,
        .flags = EG_HTTP_NO_REDIRECT | ((call->flags & ETCD_WRITE) != 0 ? EG_HTTP_ONCE : 0),
        .method = EGX_STR("POST"),
        .url = egx_str_n(call->texts, base.len + path_len),
        .headers = call->headers,
        .header_count = headers,
        .body = egx_json_text(&call->body),
        .timeout_ns = call->on_data != NULL ? UINT64_MAX : timeout_of(call),
        .max_response_bytes = call->max_bytes != 0 ? call->max_bytes : CALL_MAX_BYTES,
        .ca_file = s->ca_file,
        .cert_file = s->cert_file,
        .key_file = s->key_file,
        .idle_timeout_ns = call->idle_timeout_ns,
    };
}

static void on_piece(void *arg, struct eg_str piece) {
    struct etcd_call *call = arg;
    call->has_data = true;
    call->on_data(call, piece);
}

static void on_done(void *arg, const struct eg_http_response *response);

static void dispatch(struct etcd_call *call) {
    struct etcd_store *store = call->store;
    call->endpoint = store->health.current;
    call->token_serial = store->auth.serial;
    make_request(call);
    call->request.on_data = call->on_data == NULL ? NULL : on_piece;
    const int32_t rc = store->host->http->send(store->host, store->control, &call->request, on_done,
                                               call, &call->http);
    if (rc < 0) {
        call->http = NULL;
        store->host->mem->free(store->host, call->texts);
        (void)egx_why(&call->why, rc, "the request to etcd cannot be sent: %s", egx_error_text(rc));
        etcd_health_failed(store, call->endpoint, EG_E_UNAVAILABLE, &call->why);
        etcd_call_end_later(call, EG_E_UNAVAILABLE);
    }
}

void etcd_call_go_on(struct etcd_call *call) {
    const struct etcd_health *health = &call->store->health;
    if (call->is_canceled || call->store->is_draining) {
        etcd_call_end_later(call, egx_why(&call->why, EG_E_CANCELED, "canceled"));
    } else if (call->body.is_failed) {
        etcd_call_end_later(call, egx_why(&call->why, EG_E_TOOBIG, "memory is out"));
    } else if (health->is_down && (call->flags & ETCD_ANYWAY) == 0) {
        call->why = health->why;
        etcd_call_end_later(call, health->code);
    } else if ((call->flags & ETCD_NO_TOKEN) == 0 && etcd_auth_needs_token(call->store)) {
        etcd_auth_wait(call);
    } else {
        dispatch(call);
    }
}

void etcd_call_send(struct etcd_call *call) {
    call->is_active = true;
    call->next_active = call->store->active;
    call->store->active = call;
    call->is_canceled = false;
    call->is_renewed = false;
    call->is_timeout = false;
    call->has_data = false;
    call->tries = 0;
    call->http = NULL;
    call->why = (struct eg_why){.struct_size = sizeof call->why};
    etcd_call_go_on(call);
}

void etcd_call_cancel(struct etcd_call *call) {
    if (!call->is_active || call->is_canceled) {
        return;
    }
    call->is_canceled = true;
    if (call->http != NULL) {
        call->store->host->http->cancel(call->store->host, call->http);
    }
}

/* Writes are waited for: their answer says whether they have happened. */
void etcd_calls_stop(struct etcd_store *store) {
    for (struct etcd_call *call = store->active; call != NULL; call = call->next_active) {
        if ((call->flags & ETCD_WRITE) == 0) {
            etcd_call_cancel(call);
        }
    }
}

/* ---- what came back ---- */

static struct eg_str name_of(const struct etcd_call *call) {
    return call->store->endpoints[call->endpoint].name;
}

/* Of a write that has left and whose answer says nothing about it. */
static const char *doubt_of(const struct etcd_call *call) {
    return (call->flags & ETCD_WRITE) != 0 ? "; the write may have happened" : "";
}

/* The server has failed: on to the next one, where that is harmless. A stream that was there and
 * breaks off says little; who lost it asks next. */
static void fail(struct etcd_call *call, int32_t status) {
    struct etcd_store *store = call->store;
    if (!call->has_data) {
        etcd_health_failed(store, call->endpoint, status, &call->why);
    }
    if (((call->flags & ETCD_REPEAT) != 0 || call->is_unsent) &&
        ++call->tries < store->endpoint_count && !is_late(call)) {
        etcd_call_go_on(call);
    } else {
        end(call, status, NULL);
    }
}

/* Nothing came, or it broke off. */
static void end_transport(struct etcd_call *call, const struct eg_http_response *response) {
    const bool is_too_big = response->error == EG_E_TOOBIG;
    const bool is_endless = is_too_big && (call->flags & ETCD_PAGE) == 0;
    const bool is_garbage = response->error == EG_E_PROTO || is_endless;
    call->is_unsent = response->error == EG_E_UNAVAILABLE; /* not connected, see EG_HTTP_ONCE */
    const char *what = is_endless                        ? "does not answer as etcd does"
                       : is_garbage                      ? "does not speak HTTP"
                       : response->error == EG_E_TIMEOUT ? "did not answer"
                                                         : "cannot be reached";
    call->is_timeout = response->error == EG_E_TIMEOUT;
    if (response->error == EG_E_CANCELED || (is_too_big && !is_endless)) {
        end(call,
            egx_why(&call->why, response->error, "etcd at %.*s: %.*s", EGX_FMT(name_of(call)),
                    EGX_FMT(response->message)),
            NULL);
        return;
    }
    fail(call, egx_why(&call->why, is_garbage ? EG_E_PROTO : EG_E_UNAVAILABLE,
                       "etcd at %.*s %s: %.*s%s", EGX_FMT(name_of(call)), what,
                       EGX_FMT(response->message), call->is_unsent ? "" : doubt_of(call)));
}

/* What refuses a request in etcd's place (4xx, 503: a proxy without a server) has not handed it on;
 * else nobody knows. */
static void fail_garbage(struct etcd_call *call, int32_t http_status) {
    const bool is_open = http_status < 300 || (http_status >= 500 && http_status != 503);
    fail(call,
         egx_why(&call->why, EG_E_PROTO,
                 "etcd at %.*s answers %s with status %d, but not as etcd does: is it etcd 3.4 "
                 "or later, with its JSON gateway on?%s",
                 EGX_FMT(name_of(call)), call->path, (int)http_status,
                 is_open ? doubt_of(call) : ""));
}

/* etcd has answered no. */
static void end_refused(struct etcd_call *call, int32_t http_status, const struct eg_json *root) {
    struct etcd_store *store = call->store;
    struct eg_str message = {NULL, 0};
    const struct etcd_error *error = etcd_error_read(store->host, root, &message);
    if (error == NULL) {
        fail_garbage(call, http_status);
        return;
    }
    /* A leader that was lost or a deadline that has passed in etcd leaves a proposal in its log. */
    (void)egx_why(&call->why, error->code, "etcd at %.*s: %.*s%s%s%s", EGX_FMT(name_of(call)),
                  EGX_FMT(message), error->advice == NULL ? "" : "; ",
                  error->advice == NULL ? "" : error->advice,
                  error->code == EG_E_UNAVAILABLE ? doubt_of(call) : "");
    if (error->code == EG_E_UNAVAILABLE) {
        fail(call, EG_E_UNAVAILABLE);
        return;
    }
    etcd_health_worked(store, call->endpoint);
    if (error->is_token && !call->is_renewed && store->settings->username.len > 0) {
        call->is_renewed = true;
        etcd_auth_forget(store, call->token_serial);
        etcd_call_go_on(call);
        return;
    }
    end(call, error->code, error->is_no_auth ? root : NULL);
}

static void end_answered(struct etcd_call *call, const struct eg_http_response *response) {
    const struct eg_host *host = call->store->host;
    const bool is_good = response->status >= 200 && response->status <= 299;
    const struct eg_str body = egx_str_n(response->body.ptr, response->body.len);
    struct eg_json *root = NULL;
    if (is_good && call->on_data != NULL) {
        end(call, EG_OK, NULL);
        return;
    }
    if (host->json->parse(host, body, &root, NULL) < 0 ||
        host->json->kind(root) != EG_JSON_OBJECT) {
        fail_garbage(call, response->status);
    } else if (!is_good) {
        end_refused(call, response->status, root);
    } else {
        etcd_health_worked(call->store, call->endpoint);
        end(call, EG_OK, root);
    }
    host->json->free(host, root); /* NULL is fine */
}

static void on_done(void *arg, const struct eg_http_response *response) {
    struct etcd_call *call = arg;
    struct eg_buf body = response->body;
    call->http = NULL;
    call->is_unsent = false;
    call->store->host->mem->free(call->store->host, call->texts);
    if (call->is_canceled) {
        end(call, egx_why(&call->why, EG_E_CANCELED, "canceled"), NULL);
    } else if (response->error != 0) {
        end_transport(call, response);
    } else {
        end_answered(call, response);
    }
    egx_buf_release(&body);
}
