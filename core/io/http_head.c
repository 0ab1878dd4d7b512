/*
 * io/http_head.c - see http_head.h.
 */
#include "io/http_head.h"

#include "base/slice.h"
#include "io/http_body.h"

/* ---- the end ---- */

#define METHOD_MAX ((size_t)63)

/* A TLS handshake, or whatever else is no HTTP, is told by its first byte: it may have no lines. */
bool gw_http_head_begins_well(struct eg_str text) {
    return text.len == 0 || gw_token_bytes[(unsigned char)text.ptr[0]];
}

const char gw_http_head_long_method[] = "the request method is too long";

bool gw_http_head_has_long_method(struct eg_str text) {
    const struct eg_str begin = gw_str_sub(text, 0, METHOD_MAX + 1);
    return begin.len > METHOD_MAX && gw_str_find(begin, ' ') == begin.len &&
           gw_str_find(begin, '\n') == begin.len;
}

enum gw_head_end gw_http_head_scan(struct gw_head_scan *scan, struct eg_str text) {
    if (scan->seen == 0 && !gw_http_head_begins_well(text)) {
        return GW_HEAD_BROKEN;
    }
    for (const char *end; scan->seen < text.len; scan->seen = scan->line_at) {
        end = memchr(text.ptr + scan->seen, '\n', text.len - scan->seen);
        if (end == NULL) {
            break;
        }
        const size_t len = (size_t)(end - text.ptr) - scan->line_at;
        if (len == 0 || end[-1] != '\r') {
            return GW_HEAD_BROKEN;
        }
        scan->line_at += len + 1;
        if (len == 1) {
            scan->len = scan->line_at;
            return GW_HEAD_WHOLE;
        }
        scan->lines++;
    }
    scan->seen = text.len;
    return GW_HEAD_MORE;
}

/* ---- what stands in it ---- */

/* "HTTP/" DIGIT "." DIGIT; which ones are served is the guard's to say. */
static bool is_version(struct eg_str s) {
    return s.len == 8 && memcmp(s.ptr, "HTTP/", 5) == 0 && s.ptr[5] >= '0' && s.ptr[5] <= '9' &&
           s.ptr[6] == '.' && s.ptr[7] >= '0' && s.ptr[7] <= '9';
}

/* Two spaces, at the first and the last: one inside the target is the guard's to refuse. */
static const char *parse_request_line(struct eg_str line, struct gw_http_head *head) {
    const size_t first = gw_str_find(line, ' ');
    size_t last = line.len;
    while (last > first + 1 && line.ptr[last - 1] != ' ') {
        last--;
    }
    if (first > METHOD_MAX || (first == METHOD_MAX && first == line.len)) { /* and CR */
        return gw_http_head_long_method;
    }
    if (first == line.len || last <= first + 1) {
        return "the request line is malformed";
    }
    head->method = gw_str_sub(line, 0, first);
    head->target = gw_str_sub(line, first + 1, last - 1 - (first + 1));
    head->version = gw_str_cut(line, last);
    if (!is_version(head->version)) {
        return "the request line does not end with a version of HTTP";
    }
    return head->target.len == 0 ? "the request line has no target" : NULL;
}

static const char *parse_field(struct eg_str line, struct eg_kv *field) {
    if (line.ptr[0] == ' ' || line.ptr[0] == '\t') {
        return "a header line is folded"; /* RFC 9112 5.2 */
    }
    const size_t colon = gw_str_find(line, ':');
    if (colon == line.len) {
        return "a header line has no colon";
    }
    field->name = gw_str_sub(line, 0, colon);
    field->value = gw_http_trim(gw_str_cut(line, colon + 1));
    return NULL;
}

/* The next line without its end; the scan has seen that it has one. */
static struct eg_str take_line(struct eg_str *text) {
    const size_t end = gw_str_find(*text, '\n');
    const struct eg_str line = gw_str_sub(*text, 0, end - 1);
    *text = gw_str_cut(*text, end + 1);
    return line;
}

const char *gw_http_head_parse(struct eg_str text, size_t lines, struct gw_arena *arena,
                               struct gw_http_head *ret_head) {
    *ret_head = (struct gw_http_head){.head_bytes = text.len};
    struct eg_kv *headers = gw_arena_alloc(arena, lines * sizeof *headers);
    const char *reason = parse_request_line(take_line(&text), ret_head);
    for (size_t i = 1; i < lines && reason == NULL; i++) {
        reason = parse_field(take_line(&text), &headers[i - 1]);
    }
    ret_head->headers = headers;
    ret_head->header_count = lines - 1;
    return reason;
}

/* ---- what it asks of the connection ---- */

bool gw_http_head_keeps_alive(const struct gw_http_head *head) {
    bool says_close = false;
    bool says_keep_alive = false;
    for (size_t i = 0; i < head->header_count; i++) {
        if (gw_str_eq_nocase(head->headers[i].name, GW_STR("Connection"))) {
            gw_http_note_connection(head->headers[i].value, &says_close, &says_keep_alive);
        }
    }
    return !says_close && (!gw_http_head_is_1_0(head) || says_keep_alive);
}

bool gw_http_head_expects_continue(const struct gw_http_head *head) {
    for (size_t i = 0; i < head->header_count; i++) {
        if (gw_str_eq_nocase(head->headers[i].name, GW_STR("Expect")) &&
            gw_str_eq_nocase(head->headers[i].value, GW_STR("100-continue"))) {
            return !gw_http_head_is_1_0(head);
        }
    }
    return false;
}
