/*
 * flow/answer.h - the reply of an exchange while it is made, and its hand-over to the server. Three
 * lists of headers, joined at the end: CORS, the reply's own (replace CORS), added by middleware.
 */
#ifndef GW_FLOW_ANSWER_H
#define GW_FLOW_ANSWER_H

#include <stdbool.h>

#include <eventgw/types.h>

#include "base/arena.h"

struct eg_exchange;
struct gw_kept;

/* Grows in the arena. */
struct gw_headers {
    struct eg_kv *items;
    size_t count;
    size_t room;
};

struct gw_answer {
    uint32_t status;            /* 0 = no reply yet */
    struct eg_str message;      /* of an error, else empty */
    struct eg_str content_type; /* empty: sniffed when there is a body */
    struct eg_str body;
    struct gw_kept *kept; /* buffers that bodies lie in, released with the exchange */
    struct gw_headers cors;
    struct gw_headers own;
    struct gw_headers added;
    bool is_sent;
};

void gw_headers_add(struct gw_arena *arena, struct gw_headers *headers, struct eg_str name,
                    struct eg_str value);

/* Status and empty body; the reply's own headers are gone. */
void gw_answer_set(struct eg_exchange *exchange, uint32_t status);
/* An error as the face tells it. message is copied. */
void gw_answer_error(struct eg_exchange *exchange, uint32_t status, struct eg_str message);
/* Gives the reply a body (give), keeping its other headers. */
void gw_answer_body(struct eg_exchange *exchange, struct eg_str content_type, struct eg_buf body);
/* No reply again, as before the first one; added headers stay. */
void gw_answer_clear(struct eg_exchange *exchange);
/* The index-th header but those of CORS, Content-Type among them; ret_name->ptr NULL at the end. */
struct eg_str gw_answer_header_at(const struct gw_answer *answer, size_t index,
                                  struct eg_str *ret_name);
/* Removes all of this name but those of CORS. */
void gw_answer_remove_header(struct gw_answer *answer, struct eg_str name);
/* Keeps a buffer (give) until the exchange ends. */
void gw_answer_keep(struct eg_exchange *exchange, struct eg_buf buf);
void gw_answer_free(struct gw_answer *answer);
/* Hands the reply to the server, once. */
void gw_answer_send(struct eg_exchange *exchange);

#endif
