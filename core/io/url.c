/*
 * io/url.c - splits an absolute http or https URL (RFC 3986 3, RFC 9110 4.2). Strict where parsers
 * of the world differ, so that what was checked here is what libcurl connects to: no control bytes,
 * spaces or backslashes, one '@' at most. Pure; any thread; the parts borrow the text.
 */
#include "base/slice.h"
#include "io/http_client.h"

enum {
    DIRTY = 1, /* in no part of a URL */
    ENDS_ORIGIN = 2,
    OF_NAME = 4,   /* a host's name; not ASCII are those that libcurl makes punycode of */
    OF_LITERAL = 8 /* what stands between [ and ] */
};

static const uint8_t kinds[256] = {
    [0x00 ... 0x20] = DIRTY,
    [0x7f] = DIRTY,
    ['\\'] = DIRTY,
    ['"'] = DIRTY,
    ['<'] = DIRTY,
    ['>'] = DIRTY,
    ['/'] = ENDS_ORIGIN,
    ['?'] = ENDS_ORIGIN,
    ['#'] = ENDS_ORIGIN,
    ['0' ... '9'] = OF_NAME | OF_LITERAL,
    ['A' ... 'F'] = OF_NAME | OF_LITERAL,
    ['a' ... 'f'] = OF_NAME | OF_LITERAL,
    ['G' ... 'Z'] = OF_NAME,
    ['g' ... 'z'] = OF_NAME,
    ['-'] = OF_NAME,
    ['.'] = OF_NAME | OF_LITERAL,
    ['_'] = OF_NAME,
    ['~'] = OF_NAME,
    [':'] = OF_LITERAL,
    [0x80 ... 0xff] = OF_NAME,
};

static unsigned kind_at(struct eg_str s, size_t at) {
    return kinds[(unsigned char)s.ptr[at]];
}

static bool is_clean(struct eg_str url, bool *ret_is_ascii) {
    unsigned all_kinds = 0;
    unsigned all = 0;
    for (size_t i = 0; i < url.len; i++) {
        all_kinds |= kind_at(url, i);
        all |= (unsigned char)url.ptr[i];
    }
    *ret_is_ascii = all < 0x80;
    return (all_kinds & DIRTY) == 0;
}

static bool take_scheme(struct eg_str *rest, struct eg_str *ret_scheme) {
    static const struct eg_str schemes[] = {{"http", 4}, {"https", 5}};
    for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; i++) {
        const size_t len = schemes[i].len;
        if (gw_str_eq_nocase(gw_str_sub(*rest, 0, len), schemes[i]) &&
            gw_str_eq(gw_str_sub(*rest, len, 3), GW_STR("://"))) {
            *ret_scheme = gw_str_sub(*rest, 0, len);
            *rest = gw_str_cut(*rest, len + 3);
            return true;
        }
    }
    return false;
}

/* Everything before the first '/', '?' or '#'. */
static struct eg_str take_authority(struct eg_str *rest) {
    size_t len = 0;
    while (len < rest->len && (kind_at(*rest, len) & ENDS_ORIGIN) == 0) {
        len++;
    }
    const struct eg_str authority = gw_str_sub(*rest, 0, len);
    *rest = gw_str_cut(*rest, len);
    return authority;
}

static bool is_all(struct eg_str s, unsigned kind) {
    for (size_t i = 0; i < s.len; i++) {
        if ((kind_at(s, i) & kind) == 0) {
            return false;
        }
    }
    return true;
}

static bool is_ip_literal(struct eg_str host) {
    const struct eg_str inner = gw_str_sub(host, 1, host.len < 2 ? 0 : host.len - 2);
    return inner.len >= 2 && is_all(inner, OF_LITERAL) && gw_str_find(inner, ':') < inner.len &&
           gw_str_ends(host, GW_STR("]"));
}

/* ":8080"; an empty port means none (RFC 3986 3.2.3). */
static bool parse_port(struct eg_str text, uint16_t *ret_port) {
    uint64_t port = 0;
    if (text.len <= 1) {
        *ret_port = 0;
        return text.len == 0 || text.ptr[0] == ':';
    }
    const struct eg_str digits = gw_str_cut(text, 1);
    if (text.ptr[0] != ':' || gw_str_find(digits, '+') < digits.len ||
        gw_str_u64(digits, &port) != EG_OK || port == 0 || port > UINT16_MAX) {
        return false;
    }
    *ret_port = (uint16_t)port;
    return true;
}

static bool split_authority(struct eg_str authority, struct gw_url *url) {
    const size_t at = gw_str_find(authority, '@');
    url->has_user = at < authority.len;
    const struct eg_str host_port = url->has_user ? gw_str_cut(authority, at + 1) : authority;
    const bool is_literal = host_port.len > 0 && host_port.ptr[0] == '[';
    const size_t host_len =
        is_literal ? gw_str_find(host_port, ']') + 1 : gw_str_find(host_port, ':');
    url->host = gw_str_sub(host_port, 0, host_len);
    return parse_port(gw_str_cut(host_port, url->host.len), &url->port) &&
           (is_literal ? is_ip_literal(url->host)
                       : url->host.len > 0 && is_all(url->host, OF_NAME));
}

int32_t gw_url_parse(struct eg_str url, struct gw_url *ret_url) {
    struct gw_url parsed = {0};
    struct eg_str rest = url;
    if (!is_clean(url, &parsed.is_ascii) || !take_scheme(&rest, &parsed.scheme) ||
        !split_authority(take_authority(&rest), &parsed)) {
        return EG_E_INVAL;
    }
    parsed.path = gw_str_sub(rest, 0, gw_str_find(rest, '#'));
    *ret_url = parsed;
    return EG_OK;
}

bool gw_url_same_origin(struct eg_str a, struct eg_str b) {
    struct gw_url first;
    struct gw_url second;
    return gw_url_parse(a, &first) == EG_OK && gw_url_parse(b, &second) == EG_OK &&
           gw_str_eq_nocase(first.scheme, second.scheme) &&
           gw_str_eq_nocase(first.host, second.host) && first.port == second.port;
}
