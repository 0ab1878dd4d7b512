/*
 * io/http_body.h - reads the body of an HTTP/1.1 message from bytes that come in pieces of any size
 * (RFC 9112 6 and 7), and the lines that heads and chunks are made of: what requests and answers
 * have in common. Pure: no sockets, no time; any thread. Strict, since the end of a body decides
 * what the next bytes of the connection mean.
 *
 *   while ((event = gw_http_body_next(&body, &lines, &input)) == GW_BODY_PIECE) ... body.piece
 *
 * Never recurses, and keeps nothing but a line that is not whole yet.
 */
#ifndef GW_IO_HTTP_BODY_H
#define GW_IO_HTTP_BODY_H

#include <stdbool.h>

#include "base/bytes.h"

/* ---- lines ---- */

/* A zeroed one is empty. */
struct gw_http_lines {
    struct gw_bytes kept; /* the beginning of a line, from former input */
    bool is_used;         /* it is that of the last line told */
};

enum gw_http_line {
    GW_LINE_MORE,    /* all of the input is used up: the line is not whole */
    GW_LINE_WHOLE,   /* without its end; valid until the next call, borrowed from input or lines */
    GW_LINE_BROKEN,  /* it does not end with CR LF, or holds another CR or a NUL (RFC 9112 2.2) */
    GW_LINE_TOO_BIG, /* over bytes_max, with its end */
};

/* The next line of the input, which is cut off it. */
enum gw_http_line gw_http_line_next(struct gw_http_lines *lines, struct eg_str *input,
                                    size_t bytes_max, struct eg_str *ret_line);
/* For the next message: forgets the beginning of a line, and gives back what a long one took. */
void gw_http_lines_clear(struct gw_http_lines *lines);
void gw_http_lines_free(struct gw_http_lines *lines);
/* Without the blanks (OWS, RFC 9110 5.6.3) at both ends; a CR stays visible. */
struct eg_str gw_http_trim(struct eg_str s);

/* What the value of one Connection field says (RFC 9110 7.6.1); sets, and never resets. */
void gw_http_note_connection(struct eg_str value, bool *close, bool *keep_alive);

/* ---- bodies ---- */

enum gw_body_framing {
    GW_FRAMED_LENGTH,
    GW_FRAMED_CHUNKS,
    GW_FRAMED_CLOSE, /* the body ends with the connection; answers only */
};

enum gw_body_event {
    GW_BODY_MORE,  /* all of the input is used up, and it was not all */
    GW_BODY_PIECE, /* the next piece: borrowed from the input */
    GW_BODY_END,   /* whole; what is left of the input is none of it */
    GW_BODY_BAD,   /* refused: fault. So is every call from now on */
    GW_BODY_AGAIN, /* inner: the next state goes on */
};

enum gw_body_fault {
    GW_BODY_FINE,
    GW_BODY_LINE_BROKEN,
    GW_BODY_LINE_TOO_BIG, /* a chunk's first line, or the trailers together */
    GW_BODY_CHUNK_MALFORMED,
    GW_BODY_CHUNK_TOO_LONG, /* its end does not stand where its size says */
    GW_BODY_TRAILER_MALFORMED,
    GW_BODY_FAULTS,
};

enum gw_body_state {
    GW_BODY_AT_LENGTH,
    GW_BODY_AT_CLOSE,
    GW_BODY_AT_CHUNK_SIZE,
    GW_BODY_AT_CHUNK,
    GW_BODY_AT_CHUNK_END,
    GW_BODY_AT_TRAILERS,
    GW_BODY_AT_END,
    GW_BODY_AT_REFUSED,
    GW_BODY_STATES,
};

struct gw_http_body {
    struct eg_str piece; /* of the last event */
    enum gw_body_fault fault;

    /* inner */
    enum gw_body_state state;
    uint64_t left; /* of the body or the chunk */
    size_t trailer_bytes_left;
};

/* length: of GW_FRAMED_LENGTH. trailer_bytes_max: of all trailer lines of a chunked body. */
void gw_http_body_begin(struct gw_http_body *body, enum gw_body_framing framing, uint64_t length,
                        size_t trailer_bytes_max);
enum gw_body_event gw_http_body_next(struct gw_http_body *body, struct gw_http_lines *lines,
                                     struct eg_str *input);

/* What is still to come of a body with a length, if the next byte is one of it; else 0. Whoever has
 * received some of it elsewhere skips it. */
uint64_t gw_http_body_left(const struct gw_http_body *body);
void gw_http_body_skip(struct gw_http_body *body, size_t len);

#endif
