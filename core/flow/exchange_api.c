/*
 * flow/exchange_api.c - the exchange service of the plugin ABI (struct eg_exchange_api). Loop
 * thread of the request. What plugins hand over is checked here: status, header pairs, principals.
 */
#include "base/check.h"
#include "base/jscan.h"
#include "base/jwrite.h"
#include "base/mem.h"
#include "base/slice.h"
#include "flow/exchange.h"

static struct eg_str method(const struct eg_exchange *exchange) {
    GW_MAGIC_CHECK(exchange, GW_EXCHANGE_MAGIC);
    return exchange->request->method;
}

static struct eg_str path(const struct eg_exchange *exchange) {
    GW_MAGIC_CHECK(exchange, GW_EXCHANGE_MAGIC);
    return exchange->path;
}

static struct eg_str query(const struct eg_exchange *exchange) {
    GW_MAGIC_CHECK(exchange, GW_EXCHANGE_MAGIC);
    return exchange->request->query;
}

static struct eg_str body(const struct eg_exchange *exchange) {
    GW_MAGIC_CHECK(exchange, GW_EXCHANGE_MAGIC);
    return exchange->request->body;
}

static struct eg_str peer(const struct eg_exchange *exchange) {
    GW_MAGIC_CHECK(exchange, GW_EXCHANGE_MAGIC);
    return exchange->request->peer;
}

static struct eg_str request_id(const struct eg_exchange *exchange) {
    GW_MAGIC_CHECK(exchange, GW_EXCHANGE_MAGIC);
    return exchange->request->request_id;
}

static struct eg_str client_cert(const struct eg_exchange *exchange, uint32_t field) {
    GW_MAGIC_CHECK(exchange, GW_EXCHANGE_MAGIC);
    return gw_http_client_cert(exchange->request, field);
}

static struct eg_str header(const struct eg_exchange *exchange, struct eg_str name, size_t index) {
    GW_MAGIC_CHECK(exchange, GW_EXCHANGE_MAGIC);
    return gw_http_header(exchange->request, name, index);
}

/* After the reply was sent nothing of it can be changed any more. */
static bool is_open(const struct eg_exchange *exchange, const char *service) {
    GW_MAGIC_CHECK(exchange, GW_EXCHANGE_MAGIC);
    if (!exchange->answer.is_sent) {
        return true;
    }
    gw_exchange_log(exchange, EG_LOG_ERROR, "a plugin changed a reply that was sent already",
                    "service", gw_str_c(service));
    return false;
}

static void reply(struct eg_exchange *exchange, uint32_t status, struct eg_str content_type,
                  struct eg_buf reply_body) {
    if (!is_open(exchange, "reply")) {
        gw_buf_release(&reply_body);
        return;
    }
    if (status < 200 || status > 999 || !gw_is_field_value(content_type)) {
        gw_buf_release(&reply_body);
        gw_exchange_log(exchange, EG_LOG_ERROR, "a plugin set an impossible reply", "contentType",
                        content_type);
        gw_answer_error(exchange, 500, GW_STR("Internal Server Error"));
        return;
    }
    exchange->answer.status = status;
    gw_answer_body(exchange, content_type, reply_body);
}

static void reply_error(struct eg_exchange *exchange, uint32_t status, struct eg_str message) {
    if (is_open(exchange, "reply_error")) {
        gw_answer_error(exchange, status < 400 || status > 599 ? 500 : status, message);
    }
}

/* Framing and connection are the server's; the request id is the gateway's. */
static bool is_own_header(struct eg_str name) {
    static const char *const own[] = {
        "content-length", "transfer-encoding", "connection", "keep-alive", "upgrade", "trailer",
        "date",           "x-request-id",      "host",       "te"};
    for (size_t i = 0; i < GW_COUNT(own); i++) {
        if (gw_str_eq_nocase(name, gw_str_c(own[i]))) {
            return true;
        }
    }
    return false;
}

static bool may_set(struct eg_str name, struct eg_str value) {
    return gw_is_token(name) && gw_is_field_value(value) && !is_own_header(name);
}

static int32_t reply_header(struct eg_exchange *exchange, struct eg_str name, struct eg_str value) {
    if (!is_open(exchange, "reply_header") || !may_set(name, value)) {
        return EG_E_INVAL;
    }
    gw_headers_add(exchange->arena, &exchange->answer.added, gw_arena_dup(exchange->arena, name),
                   gw_arena_dup(exchange->arena, value));
    return EG_OK;
}

static uint32_t reply_status(const struct eg_exchange *exchange) {
    GW_MAGIC_CHECK(exchange, GW_EXCHANGE_MAGIC);
    return exchange->answer.status;
}

static struct eg_str reply_body_of(const struct eg_exchange *exchange) {
    GW_MAGIC_CHECK(exchange, GW_EXCHANGE_MAGIC);
    return exchange->answer.body;
}

/* An object whose members are all strings? */
static bool is_context(struct eg_str json) {
    struct gw_jval root;
    struct gw_jval member;
    struct gw_jerror error;
    struct eg_str name;
    size_t cursor = 0;
    if (gw_json_check(json, GW_JSON_DEPTH, &root, &error) < 0 || root.type != GW_J_OBJECT) {
        return false;
    }
    while (gw_jobj_next(root, &cursor, &name, &member)) {
        if (member.type != GW_J_STRING) {
            return false;
        }
    }
    return true;
}

static int32_t set_principal(struct eg_exchange *exchange, struct eg_str principal_id,
                             struct eg_str context_json) {
    struct gw_bytes out;
    GW_MAGIC_CHECK(exchange, GW_EXCHANGE_MAGIC);
    if (principal_id.len == 0) {
        return EG_E_INVAL;
    }
    if (context_json.len > 0 && !is_context(context_json)) {
        return EG_E_SYNTAX;
    }
    gw_bytes_init_arena(&out, exchange->arena, principal_id.len + context_json.len + 48);
    gw_bytes_add_c(&out, "{\"principalId\":");
    gw_jw_string(&out, principal_id);
    gw_bytes_add_c(&out, ",\"context\":");
    gw_bytes_add(&out, context_json.len > 0 ? context_json : GW_STR("null"));
    gw_bytes_add_char(&out, '}');
    exchange->principal_json = gw_bytes_str(&out);
    exchange->principal = gw_arena_dup(exchange->arena, principal_id);
    return EG_OK;
}

static struct eg_str principal(const struct eg_exchange *exchange) {
    GW_MAGIC_CHECK(exchange, GW_EXCHANGE_MAGIC);
    return exchange->principal;
}

/* ---- headers, one by one ---- */

static struct eg_str header_at(const struct eg_exchange *exchange, size_t index,
                               struct eg_str *ret_name) {
    GW_MAGIC_CHECK(exchange, GW_EXCHANGE_MAGIC);
    const struct gw_http_request *r = exchange->request;
    const bool is_there = index < r->header_count;
    *ret_name = is_there ? r->headers[index].name : (struct eg_str){0};
    return is_there ? r->headers[index].value : (struct eg_str){0};
}

/* The pairs of that name are gone, the new one (unless ptr is NULL) is the last. */
static int32_t set_header(struct eg_exchange *exchange, struct eg_str name, struct eg_str value) {
    GW_MAGIC_CHECK(exchange, GW_EXCHANGE_MAGIC);
    struct gw_http_request *r = exchange->request;
    struct gw_headers kept = {0};
    if (exchange->item_count > 0 || !may_set(name, value)) {
        return EG_E_INVAL;
    }
    for (size_t i = 0; i < r->header_count; i++) {
        if (!gw_str_eq_nocase(r->headers[i].name, name)) {
            gw_headers_add(exchange->arena, &kept, r->headers[i].name, r->headers[i].value);
        }
    }
    if (value.ptr != NULL) {
        gw_headers_add(exchange->arena, &kept, gw_arena_dup(exchange->arena, name),
                       gw_arena_dup(exchange->arena, value));
    }
    r->headers = kept.items;
    r->header_count = kept.count;
    return EG_OK;
}

static struct eg_str reply_header_at(const struct eg_exchange *exchange, size_t index,
                                     struct eg_str *ret_name) {
    GW_MAGIC_CHECK(exchange, GW_EXCHANGE_MAGIC);
    return gw_answer_header_at(&exchange->answer, index, ret_name);
}

static int32_t set_reply_header(struct eg_exchange *exchange, struct eg_str name,
                                struct eg_str value) {
    if (!is_open(exchange, "set_reply_header") || !may_set(name, value)) {
        return EG_E_INVAL;
    }
    gw_answer_remove_header(&exchange->answer, name);
    return value.ptr == NULL ? EG_OK : reply_header(exchange, name, value);
}

/* ---- the event at work ---- */

static const struct eg_event *event(const struct eg_exchange *exchange) {
    GW_MAGIC_CHECK(exchange, GW_EXCHANGE_MAGIC);
    const bool is_over = exchange->is_batch && exchange->chain.hook == GW_HOOK_REPLY;
    return exchange->item == NULL || is_over ? NULL : exchange->item->event;
}

static struct eg_str space(const struct eg_exchange *exchange) {
    const struct eg_event *at_work = event(exchange);
    struct gw_route route = {0};
    if (at_work == NULL) {
        return (struct eg_str){0};
    }
    exchange->flow->face->route(exchange, at_work->type, NULL, &route);
    if (route.sync != NULL) {
        return route.sync->object->space;
    }
    if (route.callee != NULL) {
        return route.callee->object->space;
    }
    return route.async_count == 0 ? (struct eg_str){0} : route.async[0]->object->space;
}

static struct eg_str event_schema(const struct eg_exchange *exchange, const struct eg_event *of,
                                  size_t index, uint64_t *ret_mark) {
    GW_MAGIC_CHECK(exchange, GW_EXCHANGE_MAGIC);
    const struct gw_eventtype *type = exchange->flow->face->schema(exchange, of->type, index);
    if (type == NULL) {
        return (struct eg_str){0};
    }
    if (ret_mark != NULL) {
        *ret_mark = type->schema_mark;
    }
    return type->schema;
}

/* ---- what a component keeps with the request ---- */

static void keep(struct eg_exchange *exchange, const struct eg_host *host, void *ptr,
                 void (*release)(void *ptr)) {
    GW_MAGIC_CHECK(exchange, GW_EXCHANGE_MAGIC);
    struct gw_keepsake *k = exchange->keepsakes;
    while (k != NULL && k->host != host) {
        k = k->next;
    }
    if (k == NULL) {
        k = gw_arena_zalloc(exchange->arena, sizeof *k);
        k->host = host;
        k->next = exchange->keepsakes;
        exchange->keepsakes = k;
    }
    gw_keepsake_release(k);
    k->ptr = ptr;
    k->release = release;
}

static void *kept(const struct eg_exchange *exchange, const struct eg_host *host) {
    GW_MAGIC_CHECK(exchange, GW_EXCHANGE_MAGIC);
    const struct gw_keepsake *k = exchange->keepsakes;
    while (k != NULL && k->host != host) {
        k = k->next;
    }
    return k == NULL ? NULL : k->ptr;
}

const struct eg_exchange_api *gw_flow_exchange_api(void) {
    static const struct eg_exchange_api api = {
        .struct_size = sizeof api,
        .method = method,
        .path = path,
        .query = query,
        .body = body,
        .peer = peer,
        .request_id = request_id,
        .header = header,
        .reply = reply,
        .reply_error = reply_error,
        .reply_header = reply_header,
        .reply_status = reply_status,
        .reply_body = reply_body_of,
        .set_principal = set_principal,
        .principal = principal,
        .event = event,
        .space = space,
        .header_at = header_at,
        .set_header = set_header,
        .client_cert = client_cert,
        .reply_header_at = reply_header_at,
        .set_reply_header = set_reply_header,
        .event_schema = event_schema,
        .keep = keep,
        .kept = kept,
    };
    return &api;
}
