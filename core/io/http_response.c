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

/* What is wrong with its lines and chunks. */
static enum gw_response_event refuse_body(struct gw_http_response *r, enum gw_body_fault fault) {
    static const struct {
        int32_t error;
        const char *message;
    } faults[GW_BODY_FAULTS] = {
        [GW_BODY_LINE_BROKEN] = {EG_E_PROTO, "a line of the answer does not end with CR LF, or "
                                             "holds CR or NUL"},
        [GW_BODY_LINE_TOO_BIG] = {EG_E_TOOBIG, "the answer's header block is too big"},
        [GW_BODY_CHUNK_MALFORMED] = {EG_E_PROTO, "the answer has a malformed chunk"},
        [GW_BODY_CHUNK_TOO_LONG] = {EG_E_PROTO, "a chunk of the answer is longer than it says"},
        [GW_BODY_TRAILER_MALFORMED] = {EG_E_PROTO, "the answer has a malformed trailer"},
    };
    return refuse(r, faults[fault].error, faults[fault].message);
}

/* ---- lines ---- */

/* A line of the head. FIELD: there is one; MORE and BAD say why there is none. */
static enum gw_response_event take_head_line(struct gw_http_response *r, struct eg_str *input,
                                             struct eg_str *ret_line) {
    const size_t left = GW_HTTP_HEAD_BYTES_MAX - r->head_bytes;
    const enum gw_http_line line = gw_http_line_next(&r->lines, input, left, ret_line);
    if (line == GW_LINE_MORE) {
        return GW_RESPONSE_MORE;
    }
    if (line != GW_LINE_WHOLE) {
        return refuse_body(r, line == GW_LINE_BROKEN ? GW_BODY_LINE_BROKEN : GW_BODY_LINE_TOO_BIG);
    }
    r->head_bytes += ret_line->len + 2;
    return GW_RESPONSE_FIELD;
}

/* The quick way, for the line that nearly every line is: it lies whole in the input and ends with
 * CR LF. Whether other CR or NUL are in it the caller sees when it reads it, and says eat_line only
 * then: else the line is still there for take_head_line, which tells what is wrong with it. */
static bool peek_line(const struct gw_http_response *r, struct eg_str input,
                      struct eg_str *ret_line) {
    const size_t at = gw_str_find(input, '\n');
    if (r->lines.kept.len > 0 || at == input.len || at == 0 || input.ptr[at - 1] != '\r' ||
        at >= GW_HTTP_HEAD_BYTES_MAX - r->head_bytes) {
        return false;
    }
    *ret_line = gw_str(input.ptr, at - 1);
    return true;
}

static void eat_line(struct gw_http_response *r, struct eg_str *input, struct eg_str line) {
    r->head_bytes += line.len + 2;
    *input = gw_str_cut(*input, line.len + 2);
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
        r->lines.kept.len > 0 && !r->lines.is_used ? gw_bytes_str(&r->lines.kept) : input;
    const size_t len = first.len < sizeof wanted - 1 ? first.len : sizeof wanted - 1;
    return len == 0 || memcmp(first.ptr, wanted, len) == 0;
}

static enum gw_response_event begin_fields(struct gw_http_response *r) {
    r->has_length = r->is_chunked = r->says_close = r->says_keep_alive = false;
    r->length = 0;
    r->state = GW_AT_FIELDS;
    return GW_RESPONSE_AGAIN;
}

static enum gw_response_event at_status(struct gw_http_response *r, struct eg_str *input) {
    struct eg_str line = {0};
    if (peek_line(r, *input, &line) && parse_status_line(r, line)) {
        eat_line(r, input, line);
        return begin_fields(r);
    }
    if (!begins_well(r, *input)) {
        return refuse_syntax(r, "the answer is no HTTP/1.1");
    }
    const enum gw_response_event event = take_head_line(r, input, &line);
    if (event != GW_RESPONSE_FIELD) {
        return event;
    }
    return parse_status_line(r, line) ? begin_fields(r)
                                      : refuse_syntax(r, "the answer's status line is malformed");
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
    gw_http_note_connection(value, &r->says_close, &r->says_keep_alive);
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
    r->value = gw_http_trim(gw_str_cut(line, colon + 1));
    if (line.ptr[0] == ' ' || line.ptr[0] == '\t') {
        return refuse_syntax(r, "the answer has a folded header line");
    }
    if (colon == line.len) {
        return refuse_syntax(r, "the answer has a header line without a colon");
    }
    if (gw_http_trim(r->name).len != r->name.len) {
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

/* A name that is a token and touches its colon, and a value that is one: so there is no CR or NUL
 * in the line, and it is not folded. All others are judged by parse_field. */
static bool split_field(struct gw_http_response *r, struct eg_str line) {
    size_t colon = 0;
    while (colon < line.len && gw_token_bytes[(unsigned char)line.ptr[colon]]) {
        colon++;
    }
    if (colon == 0 || colon == line.len || line.ptr[colon] != ':') {
        return false;
    }
    r->name = gw_str(line.ptr, colon);
    r->value = gw_http_trim(gw_str(line.ptr + colon + 1, line.len - colon - 1));
    return gw_is_field_value(r->value);
}

static enum gw_response_event at_fields(struct gw_http_response *r, struct eg_str *input) {
    struct eg_str line = {0};
    if (peek_line(r, *input, &line) && (line.len == 0 || split_field(r, line))) {
        eat_line(r, input, line);
        return line.len == 0 ? end_head(r) : note_field(r);
    }
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
    gw_http_body_begin(&r->body,
                       r->is_chunked   ? GW_FRAMED_CHUNKS
                       : r->has_length ? GW_FRAMED_LENGTH
                                       : GW_FRAMED_CLOSE,
                       r->length, GW_HTTP_HEAD_BYTES_MAX - r->head_bytes);
    r->state = r->is_chunked || r->has_length ? GW_AT_BODY : GW_AT_CLOSE;
    return GW_RESPONSE_AGAIN;
}

static enum gw_response_event at_body(struct gw_http_response *r, struct eg_str *input) {
    const enum gw_body_event event = gw_http_body_next(&r->body, &r->lines, input);
    r->value = r->body.piece;
    if (event == GW_BODY_PIECE || event == GW_BODY_MORE) {
        return event == GW_BODY_PIECE ? GW_RESPONSE_BODY : GW_RESPONSE_MORE;
    }
    return event == GW_BODY_END ? end_body(r) : refuse_body(r, r->body.fault);
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
    gw_http_lines_clear(&response->lines);
}

void gw_http_response_begin(struct gw_http_response *response, bool is_head) {
    gw_http_lines_clear(&response->lines);
    const struct gw_http_lines lines = response->lines;
    *response = (struct gw_http_response){.is_head = is_head, .lines = lines};
}

void gw_http_response_free(struct gw_http_response *response) {
    gw_http_lines_free(&response->lines);
}

enum gw_response_event gw_http_response_next(struct gw_http_response *response,
                                             struct eg_str *input) {
    static enum gw_response_event (*const states[GW_RESPONSE_STATES])(struct gw_http_response * r,
                                                                      struct eg_str * input) = {
        [GW_AT_STATUS] = at_status,
        [GW_AT_FIELDS] = at_fields,
        [GW_AT_BODY_START] = at_body_start,
        [GW_AT_BODY] = at_body,
        [GW_AT_CLOSE] = at_body,
        [GW_AT_END] = at_end,
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
    const bool is_empty = response->state == GW_AT_STATUS && response->head_bytes == 0 &&
                          response->lines.kept.len == 0;
    return refuse(response, EG_E_IO,
                  is_empty ? "the connection was closed before an answer came"
                           : "the connection was closed in the middle of the answer");
}
