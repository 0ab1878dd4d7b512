/*
 * uri.c - escaping and canonical forms of paths and queries. Pure; any thread.
 *
 * AWS compares the signature with what it makes of the bytes on the wire, and its rules are not
 * those of RFC 3986 alone: empty segments go, every segment is escaped once more, a query is
 * unescaped (a '+' is a space) and escaped again, and a name without '=' gets one.
 */
#include "uri.h"

#include <stdlib.h>

static int is_unreserved(char c) { /* RFC 3986 2.3 */
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_' || c == '~';
}

static size_t put(char *out, size_t room, size_t at, char c) {
    if (at < room) {
        out[at] = c;
    }
    return at + 1;
}

static size_t put_escaped(char *out, size_t room, size_t at, char c) {
    static const char digits[] = "0123456789ABCDEF";
    const unsigned char byte = (unsigned char)c;
    if (is_unreserved(c)) {
        return put(out, room, at, c);
    }
    at = put(out, room, at, '%');
    at = put(out, room, at, digits[byte >> 4]);
    return put(out, room, at, digits[byte & 15]);
}

size_t aws_uri_escape(struct eg_str text, char *out, size_t room) {
    size_t at = 0;
    for (size_t i = 0; i < text.len; i++) {
        at = put_escaped(out, room, at, text.ptr[i]);
    }
    return at;
}

/* ---- path ---- */

static size_t escape_path(struct eg_str path, char *out, size_t room) {
    size_t at = 0;
    for (size_t i = 0; i < path.len; i++) {
        const char c = path.ptr[i];
        at = c == '/' ? put(out, room, at, c) : put_escaped(out, room, at, c);
    }
    return at;
}

/* Where the last segment before `at` begins, its '/' included; out must be whole up to at. */
static size_t last_segment(const char *out, size_t at) {
    while (at > 0 && out[at - 1] != '/') {
        at--;
    }
    return at > 0 ? at - 1 : 0;
}

/* Each segment as "/segment"; ".." takes the last one back. What is cut by room is cut later than
 * what a ".." could take back only when room is too small, which callers do not let happen. */
static size_t normalize_path(struct eg_str path, char *out, size_t room) {
    size_t at = 0;
    for (size_t i = 0; i < path.len;) {
        size_t end = i;
        while (end < path.len && path.ptr[end] != '/') {
            end++;
        }
        const struct eg_str segment = egx_str_n(path.ptr + i, end - i);
        if (egx_str_eq(segment, EGX_STR(".."))) {
            at = at <= room ? last_segment(out, at) : at;
        } else if (segment.len > 0 && !egx_str_eq(segment, EGX_STR("."))) {
            at = put(out, room, at, '/');
            for (size_t k = 0; k < segment.len; k++) {
                at = put_escaped(out, room, at, segment.ptr[k]);
            }
        }
        i = end + 1;
    }
    const int ends_in_slash = path.len > 0 && path.ptr[path.len - 1] == '/';
    return at == 0 || ends_in_slash ? put(out, room, at, '/') : at;
}

size_t aws_uri_canonical_path(struct eg_str path, int32_t is_normalized, char *out, size_t room) {
    if (path.len == 0) {
        return put(out, room, 0, '/');
    }
    return is_normalized ? normalize_path(path, out, room) : escape_path(path, out, room);
}

/* ---- query ---- */

static int hex_value(char c) {
    const char *digits = "0123456789abcdef";
    const char *found = c == '\0' ? NULL : strchr(digits, egx_lower(c));
    return found == NULL ? -1 : (int)(found - digits);
}

/* Unescapes and escapes again; a '%' that begins no escape stands for itself. */
static size_t reescape(struct eg_str text, char *out) {
    size_t at = 0;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (c == '+') {
            c = ' ';
        } else if (c == '%' && i + 2 < text.len && hex_value(text.ptr[i + 1]) >= 0 &&
                   hex_value(text.ptr[i + 2]) >= 0) {
            c = (char)(hex_value(text.ptr[i + 1]) * 16 + hex_value(text.ptr[i + 2]));
            i += 2;
        }
        at = put_escaped(out, SIZE_MAX, at, c);
    }
    return at;
}

struct parameter {
    struct eg_str name; /* both escaped, in one scratch text */
    struct eg_str value;
};

static int compare_str(struct eg_str a, struct eg_str b) {
    const size_t shorter = a.len < b.len ? a.len : b.len;
    const int order = shorter == 0 ? 0 : memcmp(a.ptr, b.ptr, shorter);
    return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

static int compare_parameters(const void *left, const void *right) {
    const struct parameter *a = left;
    const struct parameter *b = right;
    const int order = compare_str(a->name, b->name);
    return order != 0 ? order : compare_str(a->value, b->value);
}

/* Splits at '&', skips empty pieces. The count, or SIZE_MAX for too many. */
static size_t split_query(struct eg_str query, char *scratch, struct parameter *ret_rows) {
    size_t count = 0;
    for (size_t i = 0; i < query.len;) {
        const char *amp = memchr(query.ptr + i, '&', query.len - i);
        const size_t end = amp == NULL ? query.len : (size_t)(amp - query.ptr);
        const struct eg_str piece = egx_str_n(query.ptr + i, end - i);
        i = end + 1;
        if (piece.len == 0) {
            continue;
        }
        if (count == AWS_URI_MAX_PARAMETERS) {
            return SIZE_MAX;
        }
        const char *equals = memchr(piece.ptr, '=', piece.len);
        const size_t name_len = equals == NULL ? piece.len : (size_t)(equals - piece.ptr);
        struct parameter *row = &ret_rows[count++];
        row->name = egx_str_n(scratch, reescape(egx_str_n(piece.ptr, name_len), scratch));
        scratch += row->name.len;
        row->value = egx_str_n(scratch, reescape(egx_str_cut(piece, name_len + 1), scratch));
        scratch += row->value.len;
    }
    return count;
}

static void join_query(const struct parameter *rows, size_t count, char *out) {
    for (size_t i = 0; i < count; i++) {
        if (i > 0) {
            *out++ = '&';
        }
        memcpy(out, rows[i].name.ptr, rows[i].name.len);
        out += rows[i].name.len;
        *out++ = '=';
        memcpy(out, rows[i].value.ptr, rows[i].value.len);
        out += rows[i].value.len;
    }
    *out = '\0';
}

char *aws_uri_canonical_query(struct eg_str query) {
    char *out = NULL;
    if (query.len > SIZE_MAX / 16) {
        return NULL;
    }
    char *scratch = malloc(query.len * 3 + 1);
    struct parameter *rows = calloc(AWS_URI_MAX_PARAMETERS, sizeof *rows);
    if (scratch == NULL || rows == NULL) {
        goto out;
    }
    const size_t count = split_query(query, scratch, rows);
    if (count == SIZE_MAX) {
        goto out;
    }
    qsort(rows, count, sizeof *rows, compare_parameters);
    out = malloc(query.len * 3 + count * 2 + 1);
    if (out != NULL) {
        join_query(rows, count, out);
    }
out:
    free(scratch);
    free(rows);
    return out;
}

/* ---- url ---- */

/* A host of letters, digits, ".-_", an IPv6 address in brackets, and a port. */
static int is_authority(struct eg_str s) {
    for (size_t i = 0; i < s.len; i++) {
        const char c = s.ptr[i];
        if (!is_unreserved(c) && c != ':' && c != '[' && c != ']') {
            return 0;
        }
    }
    return s.len > 0 && s.len <= 255 && s.ptr[0] != ':';
}

static int is_path(struct eg_str s) {
    for (size_t i = 0; i < s.len; i++) {
        if ((unsigned char)s.ptr[i] <= 0x20 || (unsigned char)s.ptr[i] >= 0x7f ||
            strchr("?#\\\"<>", s.ptr[i]) != NULL) {
            return 0;
        }
    }
    return 1;
}

int32_t aws_url_parse(struct eg_str url, struct aws_url *ret_url) {
    struct aws_url parsed = {.is_https = 1};
    struct eg_str rest = url;
    if (rest.len > 8 && egx_str_eq_nocase(egx_str_n(rest.ptr, 8), EGX_STR("https://"))) {
        rest = egx_str_cut(rest, 8);
    } else if (rest.len > 7 && egx_str_eq_nocase(egx_str_n(rest.ptr, 7), EGX_STR("http://"))) {
        rest = egx_str_cut(rest, 7);
        parsed.is_https = 0;
    } else {
        return EG_E_INVAL;
    }
    const char *slash = memchr(rest.ptr, '/', rest.len);
    parsed.host = egx_str_n(rest.ptr, slash == NULL ? rest.len : (size_t)(slash - rest.ptr));
    parsed.path = egx_str_cut(rest, parsed.host.len);
    while (parsed.path.len > 0 && parsed.path.ptr[parsed.path.len - 1] == '/') {
        parsed.path.len--;
    }
    if (!is_authority(parsed.host) || !is_path(parsed.path)) {
        return EG_E_INVAL;
    }
    *ret_url = parsed;
    return EG_OK;
}
