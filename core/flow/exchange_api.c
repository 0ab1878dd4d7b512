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

static int32_t reply_header(struct eg_exchange *exchange, struct eg_str name, struct eg_str value) {
    /* Framing and connection are the server's; the request id is the gateway's. */
    static const char *const forbidden[] = {"content-length", "transfer-encoding", "connection",
                                            "keep-alive",     "upgrade",           "trailer",
                                            "date",           "x-request-id"};
    if (!is_open(exchange, "reply_header") || !gw_is_token(name) || !gw_is_field_value(value)) {
        return EG_E_INVAL;
    }
    for (size_t i = 0; i < GW_COUNT(forbidden); i++) {
        if (gw_str_eq_nocase(name, gw_str_c(forbidden[i]))) {
            return EG_E_INVAL;
        }
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
    return EG_OK;
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
    };
    return &api;
}
