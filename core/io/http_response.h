/*
 * io/http_response.h - reads one HTTP/1.1 answer from bytes that come in pieces of any size (RFC
 * 9112). Pure: no sockets, no time. Strict, since the end of the answer decides what the next bytes
 * of the connection mean: what can be read in two ways is refused.
 *
 *   while ((event = gw_http_response_next(&r, &input)) != GW_RESPONSE_MORE) ...
 *
 * Never recurses, and keeps nothing but a line that is not whole yet.
 */
#ifndef GW_IO_HTTP_RESPONSE_H
#define GW_IO_HTTP_RESPONSE_H

#include "io/http_body.h"

enum gw_response_event {
    GW_RESPONSE_MORE,    /* all of the input is used up, and it was not all */
    GW_RESPONSE_FIELD,   /* a header field: name, value */
    GW_RESPONSE_DROPPED, /* a line that is no valid field and has been left out */
    GW_RESPONSE_INTERIM, /* the fields so far were of an interim answer (1xx): forget them */
    GW_RESPONSE_HEAD,    /* the head of the answer is whole: status, has_body, length */
    GW_RESPONSE_BODY,    /* the next piece of the body: value */
    GW_RESPONSE_END,     /* the answer is whole; what is left of the input is none of it */
    GW_RESPONSE_BAD,     /* refused: error, message. So is every call from now on */
    GW_RESPONSE_AGAIN,   /* inner: the next state goes on */
};

enum gw_response_state {
    GW_AT_STATUS,
    GW_AT_FIELDS,
    GW_AT_BODY_START,
    GW_AT_BODY,
    GW_AT_CLOSE, /* the body ends with the connection */
    GW_AT_END,
    GW_AT_REFUSED,
    GW_RESPONSE_STATES,
};

struct gw_http_response {
    int32_t status;
    bool has_length;
    uint64_t length;  /* Content-Length; of answers without a body too */
    bool has_body;    /* may have one */
    bool keeps_alive; /* by the answer, the connection may be used again */
    int32_t error;
    const char *message; /* static text */
    struct eg_str name;  /* of the last event; valid until the next call */
    struct eg_str value;

    /* inner */
    enum gw_response_state state;
    bool is_head; /* the request was HEAD */
    bool is_http_1_0;
    bool says_close;
    bool says_keep_alive;
    bool is_chunked;
    bool has_dropped;
    size_t head_bytes;
    uint32_t interims;
    struct gw_http_lines lines;
    struct gw_http_body body;
};

/* A zeroed one is begun like one that was used before, whose memory stays with it. */
void gw_http_response_begin(struct gw_http_response *response, bool is_head);
/* Not needed until it is begun again: what a long line has taken is given back. */
void gw_http_response_rest(struct gw_http_response *response);
void gw_http_response_free(struct gw_http_response *response);
enum gw_response_event gw_http_response_next(struct gw_http_response *response,
                                             struct eg_str *input);
/* The connection has ended in good order: END or BAD. */
enum gw_response_event gw_http_response_eof(struct gw_http_response *response);

#endif
