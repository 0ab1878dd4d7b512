/*
 * uri.c - references against a base (RFC 3986 5.2), enough for identifiers of schemas: nothing is
 * ever fetched by them. Pure.
 */
#include "inner.h"

#include <eventgw-sdk/egx_http.h>

struct uri {
    struct eg_str scheme;    /* with ':' */
    struct eg_str authority; /* with "//" */
    struct eg_str path;
    struct eg_str query;    /* with '?' */
    struct eg_str fragment; /* without '#'; ptr NULL = none */
};

/* The part up to one of the stops; *rest goes on behind it. */
static struct eg_str until(struct eg_str *rest, const char *stops) {
    size_t n = 0;
    while (n < rest->len && strchr(stops, rest->ptr[n]) == NULL) {
        n++;
    }
    const struct eg_str part = egx_str_n(rest->ptr, n);
    *rest = egx_str_cut(*rest, n);
    return part;
}

static size_t scheme_length(struct eg_str text) {
    size_t n = 0;
    while (n < text.len && (egx_is_unreserved(text.ptr[n]) || text.ptr[n] == '+')) {
        n++;
    }
    return n > 0 && n < text.len && text.ptr[n] == ':' ? n + 1 : 0;
}

static struct uri split(struct eg_str text) {
    struct uri uri = {0};
    const char *hash = text.len == 0 ? NULL : memchr(text.ptr, '#', text.len);
    if (hash != NULL) {
        uri.fragment = egx_str_cut(text, (size_t)(hash - text.ptr) + 1);
        text.len = (size_t)(hash - text.ptr);
    }
    uri.scheme = egx_str_n(text.ptr, scheme_length(text));
    text = egx_str_cut(text, uri.scheme.len);
    if (egx_str_starts(text, EGX_STR("//"))) {
        struct eg_str rest = egx_str_cut(text, 2);
        uri.authority = egx_str_n(text.ptr, 2 + until(&rest, "/?").len);
        text = rest;
    }
    uri.path = until(&text, "?");
    uri.query = text;
    return uri;
}

/* Up to and with the last slash. */
static struct eg_str folder_of(struct eg_str path) {
    while (path.len > 0 && path.ptr[path.len - 1] != '/') {
        path.len--;
    }
    return path;
}

/* 5.2.4; in place, the length that is left. */
static size_t remove_dots(char *path, size_t len) {
    size_t out = 0;
    for (size_t at = 0; at < len;) {
        const struct eg_str rest = egx_str_n(path + at, len - at);
        size_t n = 1;
        while (n < rest.len && rest.ptr[n] != '/') {
            n++;
        }
        const struct eg_str name =
            rest.ptr[0] == '/' ? egx_str_n(rest.ptr + 1, n - 1) : egx_str_n(rest.ptr, n);
        const int is_up = egx_str_eq(name, EGX_STR(".."));
        at += n;
        if (!is_up && !egx_str_eq(name, EGX_STR("."))) {
            memmove(path + out, rest.ptr, n);
            out += n;
            continue;
        }
        while (is_up && out > 0 && path[--out] != '/') {
        }
        if (at == len) {
            path[out++] = '/';
        }
    }
    return out;
}

static struct eg_str join_paths(struct arena *arena, const struct uri *base, struct eg_str path) {
    const int is_rooted = path.len > 0 && path.ptr[0] == '/';
    struct eg_str folder = is_rooted ? egx_str_n(NULL, 0) : folder_of(base->path);
    if (!is_rooted && base->authority.len > 0 && folder.len == 0) {
        folder = EGX_STR("/");
    }
    char *joined = schema_arena_alloc(arena, folder.len + path.len + 1);
    if (folder.len > 0) {
        memcpy(joined, folder.ptr, folder.len);
    }
    if (path.len > 0) {
        memcpy(joined + folder.len, path.ptr, path.len);
    }
    return egx_str_n(joined, remove_dots(joined, folder.len + path.len));
}

static struct eg_str compose(struct arena *arena, const struct uri *uri) {
    const struct eg_str parts[] = {uri->scheme, uri->authority, uri->path, uri->query};
    size_t len = 0;
    for (size_t i = 0; i < EGX_COUNT(parts); i++) {
        len += parts[i].len;
    }
    char *text = schema_arena_alloc(arena, len + 1);
    size_t at = 0;
    for (size_t i = 0; i < EGX_COUNT(parts); i++) {
        if (parts[i].len > 0) {
            memcpy(text + at, parts[i].ptr, parts[i].len);
        }
        at += parts[i].len;
    }
    return egx_str_n(text, len);
}

struct eg_str schema_uri_resolve(struct arena *arena, struct eg_str base, struct eg_str reference,
                                 struct eg_str *ret_fragment) {
    const struct uri b = split(base);
    struct uri r = split(reference);
    *ret_fragment = r.fragment;
    if (r.scheme.len == 0) {
        r.scheme = b.scheme;
        if (r.authority.len == 0) {
            r.authority = b.authority;
            if (r.path.len == 0) {
                r.path = b.path;
                r.query = r.query.len == 0 ? b.query : r.query;
            } else {
                r.path = join_paths(arena, &b, r.path);
            }
        }
    }
    return compose(arena, &r);
}

static int hex(char c) {
    const char lower = egx_lower(c);
    return c >= '0' && c <= '9' ? c - '0' : lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

struct eg_str schema_uri_unescape(struct arena *arena, struct eg_str text) {
    char *out = schema_arena_alloc(arena, text.len + 1);
    size_t len = 0;
    for (size_t i = 0; i < text.len; i++) {
        const int is_escape = text.ptr[i] == '%' && i + 2 < text.len && hex(text.ptr[i + 1]) >= 0 &&
                              hex(text.ptr[i + 2]) >= 0;
        out[len++] =
            is_escape ? (char)(hex(text.ptr[i + 1]) * 16 + hex(text.ptr[i + 2])) : text.ptr[i];
        i += is_escape ? 2 : 0;
    }
    return egx_str_n(out, len);
}
