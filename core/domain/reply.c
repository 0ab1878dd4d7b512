/*
 * domain/reply.c - a function's answer as an HTTP reply: {"statusCode", "headers", "body",
 * "isBase64Encoded"}, read with the scanner (chapter 6.3).
 *
 * Beyond the original: isBase64Encoded, multiValueHeaders and cookies of the proxy formats of API
 * Gateway; and a header value may be an array of strings, which are repeated headers (the original
 * answered 500 for `{"headers":{"a":["1"]}}`). Framing and
 * hop-by-hop headers are the gateway's business: functions cannot set them (Q19), nor inject
 * anything through names or values. Everything is in the arena or borrows the answer.
 */
#include "domain/reply.h"

#include "base/bytes.h"
#include "base/check.h"
#include "base/codec.h"
#include "base/jscan.h"
#include "base/slice.h"
#include "base/why.h"

/* Headers are searched from the start; an answer with more is malformed. */
#define MAX_HEADERS 256u

struct mapper {
    struct gw_arena *arena;
    struct gw_reply reply;
    struct gw_jval headers; /* type GW_J_NULL = none */
    struct gw_jval multi_headers;
    struct gw_jval cookies;
    struct gw_jval body;
    bool is_base64;
    struct eg_why *ret_why;
};

static int32_t malformed(struct mapper *m, const char *reason) {
    return gw_why(m->ret_why, EG_E_SYNTAX, "HTTP response object malformed: %s", reason);
}

/* ---- fields ---- */

static int32_t take_status(struct mapper *m, struct gw_jval value) {
    int64_t status = 0;
    if (value.type != GW_J_NUMBER || gw_jnum_i64(value, &status) < 0) {
        return malformed(m, "statusCode is no integer");
    }
    if (status < 200 || status > 999) {
        return malformed(m, "statusCode is not in 200..999");
    }
    m->reply.status = (uint32_t)status;
    return EG_OK;
}

static int32_t take_headers(struct mapper *m, struct gw_jval value) {
    if (value.type != GW_J_OBJECT) {
        return malformed(m, "headers is no object");
    }
    m->headers = value;
    return EG_OK;
}

static int32_t take_multi_headers(struct mapper *m, struct gw_jval value) {
    if (value.type != GW_J_OBJECT) {
        return malformed(m, "multiValueHeaders is no object");
    }
    m->multi_headers = value;
    return EG_OK;
}

static int32_t take_cookies(struct mapper *m, struct gw_jval value) {
    if (value.type != GW_J_ARRAY) {
        return malformed(m, "cookies is no array");
    }
    m->cookies = value;
    return EG_OK;
}

static int32_t take_body(struct mapper *m, struct gw_jval value) {
    if (value.type != GW_J_STRING) {
        return malformed(m, "body is no string");
    }
    m->body = value;
    return EG_OK;
}

static int32_t take_is_base64(struct mapper *m, struct gw_jval value) {
    if (value.type != GW_J_TRUE && value.type != GW_J_FALSE) {
        return malformed(m, "isBase64Encoded is no boolean");
    }
    m->is_base64 = value.type == GW_J_TRUE;
    return EG_OK;
}

static const struct {
    struct eg_str name;
    int32_t (*take)(struct mapper *m, struct gw_jval value);
} fields[] = {
    {{"statusCode", 10}, take_status},
    {{"headers", 7}, take_headers},
    {{"multiValueHeaders", 17}, take_multi_headers},
    {{"cookies", 7}, take_cookies},
    {{"body", 4}, take_body},
    {{"isBase64Encoded", 15}, take_is_base64},
};

/* Names in any case, unknown ones ignored, null keeps what was. */
static int32_t take_field(struct mapper *m, struct eg_str raw_name, struct gw_jval value) {
    const bool has_escapes = gw_str_find(raw_name, '\\') < raw_name.len;
    for (size_t i = 0; value.type != GW_J_NULL && i < GW_COUNT(fields); i++) {
        if (has_escapes ? gw_jname_eq_nocase(raw_name, fields[i].name)
                        : gw_str_eq_nocase(raw_name, fields[i].name)) {
            return fields[i].take(m, value);
        }
    }
    return EG_OK;
}

/* ---- headers ---- */

/* RFC 9110 7.6.1 and RFC 9112 6: between two neighbours only. */
static bool is_ours(struct eg_str name) {
    static const struct eg_str ours[] = {
        {"content-length", 14},   {"transfer-encoding", 17},
        {"connection", 10},       {"keep-alive", 10},
        {"upgrade", 7},           {"te", 2},
        {"proxy-connection", 16}, {"trailer", 7},
    };
    for (size_t i = 0; i < GW_COUNT(ours); i++) {
        if (gw_str_eq_nocase(name, ours[i])) {
            return true;
        }
    }
    return false;
}

/* Takes earlier headers of that name out again. */
static void forget(struct gw_reply *reply, struct eg_str name) {
    size_t kept = 0;
    for (size_t i = 0; i < reply->header_count; i++) {
        if (!gw_str_eq(reply->headers[i].name, name)) {
            reply->headers[kept++] = reply->headers[i];
        }
    }
    reply->header_count = kept;
}

static int32_t add_value(struct mapper *m, struct eg_str name, struct gw_jval value) {
    struct eg_kv pair = {.name = name};
    if (value.type == GW_J_STRING) {
        pair.value = gw_jstr_decode(m->arena, value.raw);
    } else if (value.type != GW_J_NULL) {
        return malformed(m, "header value is no string");
    }
    if (name.len == 0 || !gw_is_field_value(pair.value)) {
        return EG_OK;
    }
    if (m->reply.header_count == MAX_HEADERS) {
        return malformed(m, "too many headers");
    }
    m->reply.headers[m->reply.header_count++] = pair;
    return EG_OK;
}

/* name is canonical, or empty when the header is to be dropped: its value is still checked. */
static int32_t add_header(struct mapper *m, struct eg_str name, struct gw_jval value) {
    size_t cursor = 0;
    struct gw_jval item;
    if (value.type != GW_J_ARRAY) {
        return add_value(m, name, value);
    }
    while (gw_jarr_next(value, &cursor, &item)) {
        if (item.type != GW_J_STRING) {
            return malformed(m, "header value is no array of strings");
        }
        if (add_value(m, name, item) < 0) {
            return EG_E_SYNTAX;
        }
    }
    return EG_OK;
}

static struct eg_str canonical(struct mapper *m, struct eg_str raw_name) {
    const struct eg_str name = gw_jstr_decode(m->arena, raw_name);
    char *text = gw_arena_alloc(m->arena, name.len);
    if (!gw_header_canonical(name, text) || is_ours(name)) {
        return (struct eg_str){0};
    }
    return gw_str(text, name.len);
}

static int32_t map_headers(struct mapper *m) {
    size_t cursor = 0;
    size_t names = 0;
    struct eg_str raw_name;
    struct gw_jval value;
    while (m->headers.type == GW_J_OBJECT && gw_jobj_next(m->headers, &cursor, &raw_name, &value)) {
        if (names++ == MAX_HEADERS) {
            return malformed(m, "too many headers");
        }
        const struct eg_str name = canonical(m, raw_name);
        forget(&m->reply, name);
        if (add_header(m, name, value) < 0) {
            return EG_E_SYNTAX;
        }
    }
    return EG_OK;
}

/* API Gateway merges headers and multiValueHeaders, which begin at `from`; a pair that is in both
 * is told once, as one of the latter. */
static void forget_twins(struct gw_reply *reply, size_t from) {
    size_t kept = 0;
    for (size_t i = 0; i < reply->header_count; i++) {
        bool is_twin = false;
        for (size_t j = from; i < from && j < reply->header_count && !is_twin; j++) {
            is_twin = gw_str_eq(reply->headers[i].name, reply->headers[j].name) &&
                      gw_str_eq(reply->headers[i].value, reply->headers[j].value);
        }
        if (!is_twin) {
            reply->headers[kept++] = reply->headers[i];
        }
    }
    reply->header_count = kept;
}

static int32_t map_multi_headers(struct mapper *m) {
    const size_t from = m->reply.header_count;
    size_t cursor = 0;
    size_t names = 0;
    struct eg_str raw_name;
    struct gw_jval value;
    while (m->multi_headers.type == GW_J_OBJECT &&
           gw_jobj_next(m->multi_headers, &cursor, &raw_name, &value)) {
        if (names++ == MAX_HEADERS) {
            return malformed(m, "too many headers");
        }
        if (add_header(m, canonical(m, raw_name), value) < 0) {
            return EG_E_SYNTAX;
        }
    }
    forget_twins(&m->reply, from);
    return EG_OK;
}

/* Payload format 2.0: each is one Set-Cookie. */
static int32_t map_cookies(struct mapper *m) {
    return m->cookies.type == GW_J_ARRAY ? add_header(m, GW_STR("Set-Cookie"), m->cookies) : EG_OK;
}

static int32_t map_all_headers(struct mapper *m) {
    /* No value takes less than three bytes of the answer: `"",` of an array. */
    const size_t at_most = (m->headers.raw.len + m->multi_headers.raw.len + m->cookies.raw.len) / 3;
    const size_t room = at_most < MAX_HEADERS ? at_most : MAX_HEADERS;
    /* One more for Content-Type. */
    m->reply.headers = gw_arena_alloc(m->arena, (room + 1) * sizeof(struct eg_kv));
    if (map_headers(m) < 0 || map_multi_headers(m) < 0 || map_cookies(m) < 0) {
        return EG_E_SYNTAX;
    }
    return EG_OK;
}

/* ---- body ---- */

static int32_t decode_body(struct mapper *m) {
    if (m->body.type != GW_J_STRING) {
        return EG_OK;
    }
    m->reply.body = gw_jstr_decode(m->arena, m->body.raw);
    if (!m->is_base64 || m->reply.body.len == 0) {
        return EG_OK;
    }
    struct gw_bytes bytes;
    gw_bytes_init_arena(&bytes, m->arena, m->reply.body.len / 4 * 3 + 4);
    if (gw_base64_decode(&bytes, m->reply.body) < 0) {
        return malformed(m, "body is no base64, as isBase64Encoded says");
    }
    m->reply.body = gw_bytes_str(&bytes);
    return EG_OK;
}

static bool has_content_type(const struct gw_reply *reply) {
    for (size_t i = 0; i < reply->header_count; i++) {
        if (gw_str_eq(reply->headers[i].name, GW_STR("Content-Type"))) {
            return true;
        }
    }
    return false;
}

/* RFC 9110 15.3.5 and 15.4.5: 204 and 304 carry no content. */
static void settle_body(struct gw_reply *reply) {
    if (reply->status == 204 || reply->status == 304) {
        reply->body = (struct eg_str){0};
    }
    if (reply->body.len > 0 && !has_content_type(reply)) {
        reply->headers[reply->header_count++] =
            (struct eg_kv){.name = GW_STR("Content-Type"), .value = gw_sniff(reply->body)};
    }
}

/* ---- the whole ---- */

static int32_t read_fields(struct mapper *m, struct gw_jval answer) {
    size_t cursor = 0;
    struct eg_str raw_name;
    struct gw_jval value;
    if (answer.type == GW_J_NULL) {
        return EG_OK;
    }
    if (answer.type != GW_J_OBJECT) {
        return malformed(m, "not a JSON object");
    }
    while (gw_jobj_next(answer, &cursor, &raw_name, &value)) {
        if (take_field(m, raw_name, value) < 0) {
            return EG_E_SYNTAX;
        }
    }
    return EG_OK;
}

int32_t gw_reply_map(struct gw_arena *arena, struct eg_str answer, uint32_t json_depth,
                     struct gw_reply *ret_reply, struct eg_why *ret_why) {
    struct mapper m = {.arena = arena, .reply = {.status = 200}, .ret_why = ret_why};
    struct gw_jval value;
    if (gw_json_check(answer, json_depth, &value, NULL) < 0) {
        return malformed(&m, answer.len == 0 ? "empty answer" : "not JSON");
    }
    if (read_fields(&m, value) < 0 || map_all_headers(&m) < 0 || decode_body(&m) < 0) {
        return EG_E_SYNTAX;
    }
    settle_body(&m.reply);
    *ret_reply = m.reply;
    return EG_OK;
}
