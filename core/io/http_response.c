/*
 * io/http_response.c - see http_response.h. One function for each state; a state that sees no whole
 * line keeps its beginning and asks for more.
 *
 * Stricter than RFC 9112 demands of a client, because connections are used again, by requests to
 * other functions behind the same address: a line ends with CR LF and holds no other CR, LF or NUL
 * (2.2), fields are not folded (5.2) and their names touch the colon (5.1), there is one
 * Content-Length or Transfer-Encoding: chunked and nothing else (6.1-6.3). A field that is broken
 * without touching the framing is left out, as the gateway always did, but then the connection is
 * not used again.
 *
 * Pure; any thread. Ownership: the beginning of a line is the parser's, names and values are
 * borrowed from it or from the input.
 */
#include "io/http_response.h"

#include "base/check.h"
#include "base/slice.h"
#include "io/http_answer.h"

#define INTERIMS_MAX 100u
#define CHUNK_LINE_MAX ((size_t)4096) /* a chunk's size and its extensions */
#define KEPT_LINE_MAX ((size_t)16384)
#define CHUNK_DIGITS_MAX 15 /* hexadecimal: below 2^60 */

static enum gw_response_event refuse(struct gw_http_response *r, int32_t error,
                                     const char *message) {
    r->state = GW_AT_REFUSED;
    r->error = error;
    r->message = message;
    return GW_RESPONSE_BAD;
}

static enum gw_response_event refuse_syntax(struct gw_http_response *r, const char *message) {
    return refuse(r, EG_E_PROTO, message);
}

/* ---- lines ---- */

static bool is_broken_line(struct eg_str line) {
    return line.len < 2 || gw_str_find(line, '\r') != line.len - 2 ||
           gw_str_find(line, '\0') != line.len;
}

/* The next line, without its end. MORE and BAD say why there is none; FIELD: there is one. */
static enum gw_response_event take_line(struct gw_http_response *r, struct eg_str *input,
                                        size_t bytes_max, struct eg_str *ret_line) {
    if (r->is_line_used) {
        gw_bytes_clear(&r->line);
        r->is_line_used = false;
    }
    const size_t at = gw_str_find(*input, '\n');
    const size_t take = at < input->len ? at + 1 : at;
    struct eg_str line = gw_str_sub(*input, 0, take);
    if (line.len > bytes_max || r->line.len > bytes_max - line.len) {
        return refuse(r, EG_E_TOOBIG, "the answer's header block is too big");
    }
    *input = gw_str_cut(*input, take);
    if (r->line.len > 0 || at == take) {
        gw_bytes_add(&r->line, line);
        line = gw_bytes_str(&r->line);
    }
    if (at == take) {
        return GW_RESPONSE_MORE;
    }
    r->is_line_used = r->line.len > 0;
    if (is_broken_line(line)) {
        return refuse_syntax(r, "a line of the answer does not end with CR LF, or holds CR or NUL");
    }
    *ret_line = gw_str_sub(line, 0, line.len - 2);
    return GW_RESPONSE_FIELD;
}

/* A line of the head or of the trailers, which count together. */
static enum gw_response_event take_head_line(struct gw_http_response *r, struct eg_str *input,
                                             struct eg_str *ret_line) {
    const enum gw_response_event event =
        take_line(r, input, GW_HTTP_HEAD_BYTES_MAX - r->head_bytes, ret_line);
    if (event == GW_RESPONSE_FIELD) {
        r->head_bytes += ret_line->len + 2;
    }
    return event;
}

static struct eg_str trim_blanks(struct eg_str s) { /* OWS, RFC 9110 5.6.3 */
    while (s.len > 0 && (s.ptr[0] == ' ' || s.ptr[0] == '\t')) {
        s = gw_str_cut(s, 1);
    }
    while (s.len > 0 && (s.ptr[s.len - 1] == ' ' || s.ptr[s.len - 1] == '\t')) {
        s.len--;
    }
    return s;
}

/* ---- the status line, RFC 9112 4 ---- */

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

/* HTTP/1.1 200 and a reason, which many servers leave out together with the space before it. */
static bool parse_status_line(struct gw_http_response *r, struct eg_str line) {
    const char *p = line.ptr;
    if (line.len < 12 || memcmp(p, "HTTP/1.", 7) != 0 || (p[7] != '0' && p[7] != '1') ||
        p[8] != ' ' || p[9] < '1' || p[9] > '9' || !is_digit(p[10]) || !is_digit(p[11]) ||
        (line.len > 12 && p[12] != ' ')) {
        return false;
    }
    r->is_http_1_0 = p[7] == '0';
    r->status = (p[9] - '0') * 100 + (p[10] - '0') * 10 + (p[11] - '0');
    return gw_is_field_value(gw_str_cut(line, 12));
}

/* What is no answer is refused with its first bytes: it may never have a line. */
static bool begins_well(const struct gw_http_response *r, struct eg_str input) {
    static const char wanted[] = "HTTP/1.";
    const struct eg_str first =
        r->line.len > 0 && !r->is_line_used ? gw_bytes_str(&r->line) : input;
    const size_t len = first.len < sizeof wanted - 1 ? first.len : sizeof wanted - 1;
    return len == 0 || memcmp(first.ptr, wanted, len) == 0;
}

static enum gw_response_event at_status(struct gw_http_response *r, struct eg_str *input) {
    struct eg_str line = {0};
    if (!begins_well(r, *input)) {
        return refuse_syntax(r, "the answer is no HTTP/1.1");
    }
    const enum gw_response_event event = take_head_line(r, input, &line);
    if (event != GW_RESPONSE_FIELD) {
        return event;
    }
    if (!parse_status_line(r, line)) {
        return refuse_syntax(r, "the answer's status line is malformed");
    }
    r->has_length = r->is_chunked = r->says_close = r->says_keep_alive = false;
    r->length = 0;
    r->state = GW_AT_FIELDS;
    return GW_RESPONSE_AGAIN;
}

/* ---- fields, RFC 9112 5 and 6 ---- */

static enum gw_response_event note_length(struct gw_http_response *r, struct eg_str value) {
    uint64_t length = 0;
    if (r->has_length) {
        return refuse_syntax(r, "the answer has more than one Content-Length");
    }
    if (gw_str_u64(value, &length) != EG_OK || length > INT64_MAX) {
        return refuse_syntax(r, "the answer's Content-Length is no number");
    }
    r->has_length = true;
    r->length = length;
    return GW_RESPONSE_FIELD;
}

static enum gw_response_event note_encoding(struct gw_http_response *r, struct eg_str value) {
    if (r->is_chunked || !gw_str_eq_nocase(value, GW_STR("chunked"))) {
        return refuse_syntax(r, "the answer's Transfer-Encoding is not chunked");
    }
    r->is_chunked = true;
    return GW_RESPONSE_FIELD;
}

static enum gw_response_event note_connection(struct gw_http_response *r, struct eg_str value) {
    struct eg_str rest = value;
    for (struct eg_str option; gw_str_next(&rest, ',', &option);) {
        option = trim_blanks(option);
        r->says_close = r->says_close || gw_str_eq_nocase(option, GW_STR("close"));
        r->says_keep_alive = r->says_keep_alive || gw_str_eq_nocase(option, GW_STR("keep-alive"));
    }
    return GW_RESPONSE_FIELD;
}

/* What the framing hangs on is judged before anything is left out as broken. */
static enum gw_response_event note_field(struct gw_http_response *r) {
    static const struct {
        struct eg_str name;
        enum gw_response_event (*note)(struct gw_http_response *r, struct eg_str value);
    } notes[] = {
        {{"Content-Length", 14}, note_length},
        {{"Transfer-Encoding", 17}, note_encoding},
        {{"Connection", 10}, note_connection},
    };
    for (size_t i = 0; i < GW_COUNT(notes); i++) {
        if (gw_str_eq_nocase(r->name, notes[i].name)) {
            return notes[i].note(r, r->value);
        }
    }
    return GW_RESPONSE_FIELD;
}

static enum gw_response_event parse_field(struct gw_http_response *r, struct eg_str line) {
    const size_t colon = gw_str_find(line, ':');
    r->name = gw_str_sub(line, 0, colon);
    r->value = trim_blanks(gw_str_cut(line, colon + 1));
    if (line.ptr[0] == ' ' || line.ptr[0] == '\t') {
        return refuse_syntax(r, "the answer has a folded header line");
    }
    if (colon == line.len) {
        return refuse_syntax(r, "the answer has a header line without a colon");
    }
    if (trim_blanks(r->name).len != r->name.len) {
        return refuse_syntax(r, "the answer has a header name that ends with a blank");
    }
    const enum gw_response_event event = note_field(r);
    if (event != GW_RESPONSE_FIELD) {
        return event;
    }
    if (gw_is_token(r->name) && gw_is_field_value(r->value)) {
        return GW_RESPONSE_FIELD;
    }
    r->has_dropped = true;
    return GW_RESPONSE_DROPPED;
}

/* ---- the end of the head, RFC 9112 6.3 ---- */

static enum gw_response_event end_interim(struct gw_http_response *r) {
    if (r->status == 101) {
        return refuse_syntax(r, "the answer switches protocols, which nobody has asked for");
    }
    if (r->is_chunked || r->length > 0) {
        return refuse_syntax(r, "an interim answer announces a body");
    }
    if (++r->interims > INTERIMS_MAX) {
        return refuse_syntax(r, "there are too many interim answers");
    }
    r->state = GW_AT_STATUS;
    return GW_RESPONSE_INTERIM;
}

/* 204 has no body and should announce none (RFC 9110 8.6, RFC 9112 6.1); one that does may well
 * send it. */
static void judge_connection(struct gw_http_response *r) {
    const bool announces = r->status == 204 && (r->is_chunked || r->length > 0);
    const bool is_kept = r->is_http_1_0 ? r->says_keep_alive : true;
    const bool has_end = !r->has_body || r->is_chunked || r->has_length;
    r->keeps_alive = is_kept && !r->says_close && has_end && !announces && !r->has_dropped;
}

static enum gw_response_event end_head(struct gw_http_response *r) {
    if (r->is_chunked && r->has_length) {
        return refuse_syntax(r, "the answer has both Content-Length and Transfer-Encoding");
    }
    if (r->is_chunked && r->is_http_1_0) {
        return refuse_syntax(r, "an HTTP/1.0 answer has a Transfer-Encoding");
    }
    if (r->status < 200) {
        return end_interim(r);
    }
    r->has_body = !r->is_head && r->status != 204 && r->status != 304;
    judge_connection(r);
    r->state = GW_AT_BODY_START;
    return GW_RESPONSE_HEAD;
}

static enum gw_response_event at_fields(struct gw_http_response *r, struct eg_str *input) {
    struct eg_str line = {0};
    const enum gw_response_event event = take_head_line(r, input, &line);
    if (event != GW_RESPONSE_FIELD) {
        return event;
    }
    return line.len == 0 ? end_head(r) : parse_field(r, line);
}

/* ---- bodies ---- */

static enum gw_response_event end_body(struct gw_http_response *r) {
    r->state = GW_AT_END;
    return GW_RESPONSE_END;
}

static enum gw_response_event at_body_start(struct gw_http_response *r, struct eg_str *input) {
    (void)input;
    if (!r->has_body || (r->has_length && r->length == 0)) {
        return end_body(r);
    }
    r->left = r->length;
    r->state = r->is_chunked ? GW_AT_CHUNK_SIZE : r->has_length ? GW_AT_LENGTH : GW_AT_CLOSE;
    return GW_RESPONSE_AGAIN;
}

/* What there is of the left bytes. */
static enum gw_response_event take_piece(struct gw_http_response *r, struct eg_str *input) {
    r->value = gw_str_sub(*input, 0, r->left < input->len ? (size_t)r->left : input->len);
    r->left -= r->value.len;
    *input = gw_str_cut(*input, r->value.len);
    return r->value.len == 0 ? GW_RESPONSE_MORE : GW_RESPONSE_BODY;
}

static enum gw_response_event at_length(struct gw_http_response *r, struct eg_str *input) {
    return r->left == 0 ? end_body(r) : take_piece(r, input);
}

static enum gw_response_event at_close(struct gw_http_response *r, struct eg_str *input) {
    r->left = UINT64_MAX;
    return take_piece(r, input);
}

/* Extensions mean nothing to us (RFC 9112 7.1.1), and have to look like some. */
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
    const struct eg_str rest = gw_str_cut(line, digits);
    const struct eg_str extension = trim_blanks(rest);
    *ret_size = size;
    return digits > 0 && (rest.len == 0 || (extension.len > 1 && extension.ptr[0] == ';' &&
                                            gw_is_field_value(extension)));
}

static enum gw_response_event at_chunk_size(struct gw_http_response *r, struct eg_str *input) {
    struct eg_str line = {0};
    const enum gw_response_event event = take_line(r, input, CHUNK_LINE_MAX, &line);
    if (event != GW_RESPONSE_FIELD) {
        return event;
    }
    if (!parse_chunk_line(line, &r->left)) {
        return refuse_syntax(r, "the answer has a malformed chunk");
    }
    r->state = r->left == 0 ? GW_AT_TRAILERS : GW_AT_CHUNK;
    return GW_RESPONSE_AGAIN;
}

static enum gw_response_event at_chunk(struct gw_http_response *r, struct eg_str *input) {
    if (r->left > 0) {
        return take_piece(r, input);
    }
    r->state = GW_AT_CHUNK_END;
    r->left = 2;
    return GW_RESPONSE_AGAIN;
}

/* CR LF, which may come one by one. */
static enum gw_response_event at_chunk_end(struct gw_http_response *r, struct eg_str *input) {
    for (; r->left > 0 && input->len > 0; r->left--) {
        if (input->ptr[0] != (r->left == 2 ? '\r' : '\n')) {
            return refuse_syntax(r, "a chunk of the answer is longer than it says");
        }
        *input = gw_str_cut(*input, 1);
    }
    if (r->left > 0) {
        return GW_RESPONSE_MORE;
    }
    r->state = GW_AT_CHUNK_SIZE;
    return GW_RESPONSE_AGAIN;
}

/* Nobody here may trust them (RFC 9110 6.5.1): they are read to find the end. */
static enum gw_response_event at_trailers(struct gw_http_response *r, struct eg_str *input) {
    for (struct eg_str line = {0};;) {
        const enum gw_response_event event = take_head_line(r, input, &line);
        if (event != GW_RESPONSE_FIELD) {
            return event;
        }
        if (line.len == 0) {
            return end_body(r);
        }
        if (line.ptr[0] == ' ' || line.ptr[0] == '\t' || gw_str_find(line, ':') == line.len) {
            return refuse_syntax(r, "the answer has a malformed trailer");
        }
    }
}

static enum gw_response_event at_end(struct gw_http_response *r, struct eg_str *input) {
    (void)r;
    (void)input;
    return GW_RESPONSE_END;
}

static enum gw_response_event at_refused(struct gw_http_response *r, struct eg_str *input) {
    (void)r;
    (void)input;
    return GW_RESPONSE_BAD;
}

/* ---- the front ---- */

void gw_http_response_rest(struct gw_http_response *response) {
    if (response->line.room > KEPT_LINE_MAX) {
        gw_bytes_free(&response->line);
    }
}

void gw_http_response_begin(struct gw_http_response *response, bool is_head) {
    gw_http_response_rest(response);
    gw_bytes_clear(&response->line);
    struct gw_bytes line = response->line;
    *response = (struct gw_http_response){.is_head = is_head, .line = line};
}

void gw_http_response_free(struct gw_http_response *response) {
    gw_bytes_free(&response->line);
}

enum gw_response_event gw_http_response_next(struct gw_http_response *response,
                                             struct eg_str *input) {
    static enum gw_response_event (*const states[GW_RESPONSE_STATES])(struct gw_http_response * r,
                                                                      struct eg_str * input) = {
        [GW_AT_STATUS] = at_status,         [GW_AT_FIELDS] = at_fields,
        [GW_AT_BODY_START] = at_body_start, [GW_AT_LENGTH] = at_length,
        [GW_AT_CHUNK_SIZE] = at_chunk_size, [GW_AT_CHUNK] = at_chunk,
        [GW_AT_CHUNK_END] = at_chunk_end,   [GW_AT_TRAILERS] = at_trailers,
        [GW_AT_CLOSE] = at_close,           [GW_AT_END] = at_end,
        [GW_AT_REFUSED] = at_refused,
    };
    enum gw_response_event event = GW_RESPONSE_AGAIN;
    while (event == GW_RESPONSE_AGAIN) {
        event = states[response->state](response, input);
    }
    return event;
}

enum gw_response_event gw_http_response_eof(struct gw_http_response *response) {
    if (response->state == GW_AT_CLOSE) {
        return end_body(response);
    }
    if (response->state == GW_AT_END || response->state == GW_AT_REFUSED) {
        return response->state == GW_AT_END ? GW_RESPONSE_END : GW_RESPONSE_BAD;
    }
    const bool is_empty =
        response->state == GW_AT_STATUS && response->head_bytes == 0 && response->line.len == 0;
    return refuse(response, EG_E_IO,
                  is_empty ? "the connection was closed before an answer came"
                           : "the connection was closed in the middle of the answer");
}
