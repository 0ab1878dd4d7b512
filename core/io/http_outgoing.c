/*
 * io/http_outgoing.c - see http_outgoing.h. The host writes framing, connection management and Host
 * itself (RFC 9112 6, RFC 9110 7.2, 7.6.1, 10.1.1): a plugin that could set them could smuggle a
 * request into a connection that others use.
 */
#include "io/http_outgoing.h"

#include "base/arena.h"
#include "base/check.h"
#include "base/log.h"
#include "base/slice.h"

#define URL_BYTES_MAX ((size_t)64 * 1024)

static int32_t reject(const char *what, struct eg_str text) {
    gw_logf(EG_LOG_WARN, "http request refused: %s \"%.*s\"", what,
            GW_FMT(gw_str_sub(text, 0, 200)));
    return EG_E_INVAL;
}

/* The lengths first: it is asked for each header of each request. */
static bool is_framing(struct eg_str name) {
    static const struct eg_str names[] = {
        {"Host", 4},        {"Content-Length", 14}, {"Transfer-Encoding", 17},
        {"Connection", 10}, {"Keep-Alive", 10},     {"Proxy-Connection", 16},
        {"TE", 2},          {"Trailer", 7},         {"Upgrade", 7},
        {"Expect", 6}};
    for (size_t i = 0; i < GW_COUNT(names); i++) {
        if (name.len == names[i].len && gw_str_eq_nocase(name, names[i])) {
            return true;
        }
    }
    return false;
}

int32_t gw_http_check_request(struct gw_url_memo *memo, const struct eg_http_request *request,
                              struct gw_url *ret_url) {
    struct gw_url url;
    if (request->url.len > URL_BYTES_MAX || gw_url_parse_known(memo, request->url, &url) != EG_OK) {
        return reject("no http or https URL", request->url);
    }
    if (!gw_is_token(request->method) || gw_str_eq_nocase(request->method, GW_STR("CONNECT"))) {
        return reject("bad method", request->method);
    }
    if (request->body.len > 0 && gw_str_eq(request->method, GW_STR("HEAD"))) {
        return reject("a body with method", request->method);
    }
    for (size_t i = 0; i < request->header_count; i++) {
        const struct eg_kv *h = &request->headers[i];
        if (!gw_is_token(h->name) || !gw_is_field_value(h->value)) {
            return reject("bad header", gw_is_token(h->name) ? h->name : GW_STR("(name)"));
        }
        if (is_framing(h->name)) {
            return reject("the gateway's own header", h->name);
        }
    }
    *ret_url = url;
    return EG_OK;
}

struct eg_str gw_http_header_line(struct gw_arena *arena, const struct eg_kv *h) {
    const struct eg_str colon = h->value.len == 0 ? GW_STR(";") : GW_STR(": ");
    const size_t len = h->name.len + colon.len + h->value.len;
    char *line = gw_arena_alloc(arena, len + 1);
    memcpy(line, h->name.ptr, h->name.len);
    memcpy(line + h->name.len, colon.ptr, colon.len);
    if (h->value.len > 0) {
        memcpy(line + h->name.len + colon.len, h->value.ptr, h->value.len);
    }
    line[len] = '\0';
    return gw_str(line, len);
}
