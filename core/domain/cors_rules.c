/*
 * domain/cors_rules.c - which CORS headers an answer carries (chapter 7; Fetch standard 3.2).
 *
 * A refusal is silence: the headers are left out and the browser refuses. `Vary` is sent whether or
 * not the origin is allowed, or caches would mix the two. Values are static, borrow the request, or
 * are in the arena.
 */
#include "domain/cors_rules.h"

#include "base/bytes.h"
#include "base/check.h"
#include "base/slice.h"

static const struct eg_str any = {"*", 1};

static void answer(struct gw_cors_answer *to, struct eg_str name, struct eg_str value) {
    GW_ASSERT(to->count < GW_CORS_MAX_HEADERS);
    to->headers[to->count++] = (struct eg_kv){.name = name, .value = value};
}

/* ---- what is allowed ---- */

static bool contains(struct gw_str_array list, struct eg_str word) {
    for (size_t i = 0; i < list.count; i++) {
        if (gw_str_eq_nocase(list.items[i], word)) {
            return true;
        }
    }
    return false;
}

static bool ends_nocase(struct eg_str s, struct eg_str end) {
    return s.len >= end.len && gw_str_eq_nocase(gw_str_cut(s, s.len - end.len), end);
}

/* One `*` in the pattern stands for any run of characters. */
static bool matches_origin(struct eg_str pattern, struct eg_str origin) {
    const size_t star = gw_str_find(pattern, '*');
    if (star == pattern.len) {
        return gw_str_eq_nocase(pattern, origin);
    }
    return origin.len >= pattern.len - 1 &&
           gw_str_starts_nocase(origin, gw_str_sub(pattern, 0, star)) &&
           ends_nocase(origin, gw_str_cut(pattern, star + 1));
}

static bool allows_origin(const struct gw_cors *cors, struct eg_str origin) {
    for (size_t i = 0; origin.len > 0 && i < cors->allowed_origins.count; i++) {
        if (gw_str_eq(cors->allowed_origins.items[i], any) ||
            matches_origin(cors->allowed_origins.items[i], origin)) {
            return true;
        }
    }
    return false;
}

static bool allows_method(const struct gw_cors *cors, struct eg_str method) {
    return gw_str_eq_nocase(method, GW_STR("OPTIONS")) || contains(cors->allowed_methods, method);
}

static bool allows_header(const struct gw_cors *cors, struct eg_str header) {
    return contains(cors->allowed_headers, any) || contains(cors->allowed_headers, header) ||
           gw_str_eq_nocase(header, GW_STR("Origin"));
}

/* ---- the list of requested headers ---- */

static bool is_kept(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_';
}

static char cased(char c, bool is_upper) {
    if (is_upper) {
        return (char)(c >= 'a' && c <= 'z' ? c - ('a' - 'A') : c);
    }
    return gw_lower(c);
}

/* Cuts the next name off the list and appends it: up to a comma or a space, other characters than
 * letters, digits, '-' and '_' dropped, each word capitalised. False at the end. */
static bool next_header(struct eg_str *rest, struct gw_bytes *out, struct eg_str *ret_name) {
    char *name = gw_bytes_grow(out, rest->len);
    size_t len = 0;
    size_t i = 0;
    bool is_upper = true;
    for (; i < rest->len; i++) {
        const char c = rest->ptr[i];
        const bool is_end = c == ',' || c == ' ';
        if (is_end && len > 0) {
            break;
        }
        if (is_kept(c)) {
            name[len++] = cased(c, is_upper);
        }
        is_upper = is_end || c == '-' || c == '_';
    }
    out->len += len;
    *rest = gw_str_cut(*rest, i);
    *ret_name = gw_str(name, len);
    return len > 0;
}

/* All requested headers joined, as they are answered; false when one is not allowed. */
static bool allows_headers(struct gw_arena *arena, const struct gw_cors *cors, struct eg_str list,
                           struct eg_str *ret_joined) {
    struct gw_bytes joined;
    struct eg_str name;
    gw_bytes_init_arena(&joined, arena, list.len * 2 + 8);
    for (size_t n = 0; next_header(&list, &joined, &name); n++) {
        if (n == GW_CORS_MAX_REQUESTED || !allows_header(cors, name)) {
            return false;
        }
        gw_bytes_add(&joined, GW_STR(", "));
    }
    *ret_joined = gw_str(joined.ptr, joined.len > 2 ? joined.len - 2 : 0);
    return true;
}

/* ---- the two answers ---- */

struct eg_str gw_cors_lookup_method(const struct gw_cors_request *request, bool *ret_is_preflight) {
    *ret_is_preflight = false;
    if (!gw_str_eq(request->method, GW_STR("OPTIONS"))) {
        return request->method;
    }
    if (request->requested_method.len == 0) {
        return (struct eg_str){0};
    }
    *ret_is_preflight = true;
    return request->requested_method;
}

static void allow(const struct gw_cors *cors, const struct gw_cors_request *request,
                  struct gw_cors_answer *to) {
    const bool is_any = contains(cors->allowed_origins, any) && !cors->allow_credentials;
    answer(to, GW_STR("Access-Control-Allow-Origin"), is_any ? any : request->origin);
    if (cors->allow_credentials) {
        answer(to, GW_STR("Access-Control-Allow-Credentials"), GW_STR("true"));
    }
}

static struct eg_str upper(struct gw_arena *arena, struct eg_str s) {
    char *text = gw_arena_alloc(arena, s.len);
    for (size_t i = 0; i < s.len; i++) {
        text[i] = cased(s.ptr[i], true);
    }
    return gw_str(text, s.len);
}

void gw_cors_preflight(struct gw_arena *arena, const struct gw_cors *cors,
                       const struct gw_cors_request *request, struct gw_cors_answer *ret_answer) {
    struct eg_str headers = {0};
    ret_answer->count = 0;
    answer(ret_answer, GW_STR("Vary"), GW_STR("Origin"));
    answer(ret_answer, GW_STR("Vary"), GW_STR("Access-Control-Request-Method"));
    answer(ret_answer, GW_STR("Vary"), GW_STR("Access-Control-Request-Headers"));
    if (!allows_origin(cors, request->origin) || !allows_method(cors, request->requested_method) ||
        !allows_headers(arena, cors, request->requested_headers, &headers)) {
        return;
    }
    allow(cors, request, ret_answer);
    answer(ret_answer, GW_STR("Access-Control-Allow-Methods"),
           upper(arena, request->requested_method));
    if (headers.len > 0) {
        answer(ret_answer, GW_STR("Access-Control-Allow-Headers"), headers);
    }
}

void gw_cors_actual(struct gw_arena *arena, const struct gw_cors *cors,
                    const struct gw_cors_request *request, struct gw_cors_answer *ret_answer) {
    (void)arena;
    ret_answer->count = 0;
    answer(ret_answer, GW_STR("Vary"), GW_STR("Origin"));
    if (allows_origin(cors, request->origin) && allows_method(cors, request->method)) {
        allow(cors, request, ret_answer);
    }
}
