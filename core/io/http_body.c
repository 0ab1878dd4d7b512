/*
 * io/http_body.c - see http_body.h. One function for each state; a state that sees no whole line
 * keeps its beginning and asks for more.
 */
#include "io/http_body.h"

#include "base/check.h"
#include "base/slice.h"

#define CHUNK_LINE_MAX ((size_t)4096) /* a chunk's size and its extensions */
#define KEPT_LINE_MAX ((size_t)16384)
#define CHUNK_DIGITS_MAX 15 /* hexadecimal: below 2^60 */

/* ---- lines ---- */

static bool is_broken(struct eg_str line) {
    return line.len < 2 || gw_str_find(line, '\r') != line.len - 2 ||
           gw_str_find(line, '\0') != line.len;
}

enum gw_http_line gw_http_line_next(struct gw_http_lines *lines, struct eg_str *input,
                                    size_t bytes_max, struct eg_str *ret_line) {
    if (lines->is_used) {
        gw_bytes_clear(&lines->kept);
        lines->is_used = false;
    }
    const size_t at = gw_str_find(*input, '\n');
    const size_t take = at < input->len ? at + 1 : at;
    struct eg_str line = gw_str_sub(*input, 0, take);
    if (line.len > bytes_max || lines->kept.len > bytes_max - line.len) {
        return GW_LINE_TOO_BIG;
    }
    *input = gw_str_cut(*input, take);
    if (lines->kept.len > 0 || at == take) {
        gw_bytes_add(&lines->kept, line);
        line = gw_bytes_str(&lines->kept);
    }
    if (at == take) {
        return GW_LINE_MORE;
    }
    lines->is_used = lines->kept.len > 0;
    if (is_broken(line)) {
        return GW_LINE_BROKEN;
    }
    *ret_line = gw_str_sub(line, 0, line.len - 2);
    return GW_LINE_WHOLE;
}

void gw_http_lines_clear(struct gw_http_lines *lines) {
    gw_bytes_clear(&lines->kept);
    lines->is_used = false;
    if (lines->kept.room > KEPT_LINE_MAX) {
        gw_bytes_free(&lines->kept);
    }
}

void gw_http_lines_free(struct gw_http_lines *lines) {
    gw_bytes_free(&lines->kept);
}

struct eg_str gw_http_trim(struct eg_str s) {
    while (s.len > 0 && (s.ptr[0] == ' ' || s.ptr[0] == '\t')) {
        s = gw_str_cut(s, 1);
    }
    while (s.len > 0 && (s.ptr[s.len - 1] == ' ' || s.ptr[s.len - 1] == '\t')) {
        s.len--;
    }
    return s;
}

void gw_http_note_connection(struct eg_str value, bool *close, bool *keep_alive) {
    struct eg_str rest = value;
    for (struct eg_str option; gw_str_next(&rest, ',', &option);) {
        option = gw_http_trim(option);
        *close = *close || gw_str_eq_nocase(option, GW_STR("close"));
        *keep_alive = *keep_alive || gw_str_eq_nocase(option, GW_STR("keep-alive"));
    }
}

/* ---- states ---- */

static enum gw_body_event refuse(struct gw_http_body *body, enum gw_body_fault fault) {
    body->state = GW_BODY_AT_REFUSED;
    body->fault = fault;
    return GW_BODY_BAD;
}

static enum gw_body_event end(struct gw_http_body *body) {
    body->state = GW_BODY_AT_END;
    return GW_BODY_END;
}

/* AGAIN: there is a line. */
static enum gw_body_event take_line(struct gw_http_body *body, struct gw_http_lines *lines,
                                    struct eg_str *input, size_t bytes_max,
                                    struct eg_str *ret_line) {
    const enum gw_http_line line = gw_http_line_next(lines, input, bytes_max, ret_line);
    if (line == GW_LINE_MORE || line == GW_LINE_WHOLE) {
        return line == GW_LINE_MORE ? GW_BODY_MORE : GW_BODY_AGAIN;
    }
    return refuse(body, line == GW_LINE_BROKEN ? GW_BODY_LINE_BROKEN : GW_BODY_LINE_TOO_BIG);
}

/* What there is of the left bytes. */
static enum gw_body_event take_piece(struct gw_http_body *body, struct eg_str *input) {
    const size_t len = body->left < input->len ? (size_t)body->left : input->len;
    body->piece = gw_str_sub(*input, 0, len);
    body->left -= len;
    *input = gw_str_cut(*input, len);
    return len == 0 ? GW_BODY_MORE : GW_BODY_PIECE;
}

static enum gw_body_event at_length(struct gw_http_body *body, struct gw_http_lines *lines,
                                    struct eg_str *input) {
    (void)lines;
    return body->left == 0 ? end(body) : take_piece(body, input);
}

static enum gw_body_event at_close(struct gw_http_body *body, struct gw_http_lines *lines,
                                   struct eg_str *input) {
    (void)lines;
    body->left = UINT64_MAX;
    return take_piece(body, input);
}

static size_t token_len(struct eg_str s) {
    size_t len = 0;
    while (len < s.len && gw_token_bytes[(unsigned char)s.ptr[len]]) {
        len++;
    }
    return len;
}

/* A quoted string (RFC 9110 5.6.4) with its quotes; 0 when there is none. */
static size_t quoted_len(struct eg_str s) {
    for (size_t i = 1; s.len > 0 && s.ptr[0] == '"' && i < s.len; i++) {
        if (s.ptr[i] == '"') {
            return i + 1;
        }
        i += s.ptr[i] == '\\' ? 1 : 0;
    }
    return 0;
}

/* Extensions (RFC 9112 7.1.1) mean nothing to us, and have to be some: others may see the end of a
 * line in what is none. */
static bool are_extensions(struct eg_str s) {
    if (!gw_is_field_value(s)) {
        return false;
    }
    while (s.len > 0) {
        s = gw_http_trim(s);
        const size_t name = s.len > 0 && s.ptr[0] == ';' ? 1 : s.len;
        s = gw_http_trim(gw_str_cut(s, name));
        const size_t len = token_len(s);
        if (len == 0) {
            return false;
        }
        s = gw_http_trim(gw_str_cut(s, len));
        if (s.len > 0 && s.ptr[0] == '=') {
            s = gw_http_trim(gw_str_cut(s, 1));
            const size_t quoted = quoted_len(s);
            const size_t value = quoted > 0 ? quoted : token_len(s);
            if (value == 0) {
                return false;
            }
            s = gw_str_cut(s, value);
        }
    }
    return true;
}

static bool parse_chunk_line(struct eg_str line, uint64_t *ret_size) {
    uint64_t size = 0;
    size_t digits = 0;
    while (digits < line.len && gw_hex_value(line.ptr[digits]) >= 0) {
        size = size << 4 | (uint64_t)gw_hex_value(line.ptr[digits]);
        if (size >> (4 * CHUNK_DIGITS_MAX) != 0) {
            return false;
        }
        digits++;
    }
    *ret_size = size;
    return digits > 0 && are_extensions(gw_str_cut(line, digits));
}

static enum gw_body_event at_chunk_size(struct gw_http_body *body, struct gw_http_lines *lines,
                                        struct eg_str *input) {
    struct eg_str line = {0};
    const enum gw_body_event event = take_line(body, lines, input, CHUNK_LINE_MAX, &line);
    if (event != GW_BODY_AGAIN) {
        return event;
    }
    if (!parse_chunk_line(line, &body->left)) {
        return refuse(body, GW_BODY_CHUNK_MALFORMED);
    }
    body->state = body->left == 0 ? GW_BODY_AT_TRAILERS : GW_BODY_AT_CHUNK;
    return GW_BODY_AGAIN;
}

static enum gw_body_event at_chunk(struct gw_http_body *body, struct gw_http_lines *lines,
                                   struct eg_str *input) {
    (void)lines;
    if (body->left > 0) {
        return take_piece(body, input);
    }
    body->state = GW_BODY_AT_CHUNK_END;
    body->left = 2;
    return GW_BODY_AGAIN;
}

/* CR LF, which may come one by one. */
static enum gw_body_event at_chunk_end(struct gw_http_body *body, struct gw_http_lines *lines,
                                       struct eg_str *input) {
    (void)lines;
    for (; body->left > 0 && input->len > 0; body->left--) {
        if (input->ptr[0] != (body->left == 2 ? '\r' : '\n')) {
            return refuse(body, GW_BODY_CHUNK_TOO_LONG);
        }
        *input = gw_str_cut(*input, 1);
    }
    if (body->left > 0) {
        return GW_BODY_MORE;
    }
    body->state = GW_BODY_AT_CHUNK_SIZE;
    return GW_BODY_AGAIN;
}

/* Nobody here may trust them (RFC 9110 6.5.1): they are read to find the end. */
static enum gw_body_event at_trailers(struct gw_http_body *body, struct gw_http_lines *lines,
                                      struct eg_str *input) {
    for (struct eg_str line = {0};;) {
        const enum gw_body_event event =
            take_line(body, lines, input, body->trailer_bytes_left, &line);
        if (event != GW_BODY_AGAIN) {
            return event;
        }
        body->trailer_bytes_left -= line.len + 2;
        if (line.len == 0) {
            return end(body);
        }
        if (line.ptr[0] == ' ' || line.ptr[0] == '\t' || gw_str_find(line, ':') == line.len) {
            return refuse(body, GW_BODY_TRAILER_MALFORMED);
        }
    }
}

static enum gw_body_event at_end(struct gw_http_body *body, struct gw_http_lines *lines,
                                 struct eg_str *input) {
    (void)body;
    (void)lines;
    (void)input;
    return GW_BODY_END;
}

static enum gw_body_event at_refused(struct gw_http_body *body, struct gw_http_lines *lines,
                                     struct eg_str *input) {
    (void)body;
    (void)lines;
    (void)input;
    return GW_BODY_BAD;
}

/* ---- the front ---- */

void gw_http_body_begin(struct gw_http_body *body, enum gw_body_framing framing, uint64_t length,
                        size_t trailer_bytes_max) {
    static const enum gw_body_state first[] = {[GW_FRAMED_LENGTH] = GW_BODY_AT_LENGTH,
                                               [GW_FRAMED_CHUNKS] = GW_BODY_AT_CHUNK_SIZE,
                                               [GW_FRAMED_CLOSE] = GW_BODY_AT_CLOSE};
    *body = (struct gw_http_body){
        .state = first[framing], .left = length, .trailer_bytes_left = trailer_bytes_max};
}

enum gw_body_event gw_http_body_next(struct gw_http_body *body, struct gw_http_lines *lines,
                                     struct eg_str *input) {
    static enum gw_body_event (*const states[GW_BODY_STATES])(
        struct gw_http_body * body, struct gw_http_lines * lines, struct eg_str * input) = {
        [GW_BODY_AT_LENGTH] = at_length,
        [GW_BODY_AT_CLOSE] = at_close,
        [GW_BODY_AT_CHUNK_SIZE] = at_chunk_size,
        [GW_BODY_AT_CHUNK] = at_chunk,
        [GW_BODY_AT_CHUNK_END] = at_chunk_end,
        [GW_BODY_AT_TRAILERS] = at_trailers,
        [GW_BODY_AT_END] = at_end,
        [GW_BODY_AT_REFUSED] = at_refused,
    };
    enum gw_body_event event = GW_BODY_AGAIN;
    while (event == GW_BODY_AGAIN) {
        event = states[body->state](body, lines, input);
    }
    return event;
}

uint64_t gw_http_body_left(const struct gw_http_body *body) {
    return body->state == GW_BODY_AT_LENGTH ? body->left : 0;
}

void gw_http_body_skip(struct gw_http_body *body, size_t len) {
    GW_ASSERT(len <= gw_http_body_left(body));
    body->left -= len;
}
