/*
 * io/http_answer.h - what a function's answer becomes while it is received: its header pairs, and
 * its body, collected up to a limit or told piece by piece. Knows nothing of who receives it.
 * Inside io/ only; loop thread.
 */
#ifndef GW_IO_HTTP_ANSWER_H
#define GW_IO_HTTP_ANSWER_H

#include "base/arena.h"
#include "base/bytes.h"
#include "base/metrics.h"

#define GW_HTTP_HEAD_BYTES_MAX ((size_t)256 * 1024)

struct gw_http_answer {
    struct gw_arena *arena; /* where the headers live */
    struct eg_metric *dropped_headers;
    struct eg_kv *headers;
    size_t header_count;
    size_t header_room;
    size_t head_bytes;
    bool has_status;   /* the head's first line has come */
    bool is_interim;   /* it is that of a 1xx */
    bool is_head_done; /* of the answer itself */
    struct gw_bytes body;
    uint64_t body_max;
    int32_t error; /* why it was refused; message is static text */
    const char *message;
};

/* The next answer, of an exchange of its own; body_max stays. */
void gw_http_answer_begin(struct gw_http_answer *answer);
/* One line of the head, with or without its end. Each head begins with a status line: of interim
 * answers (1xx) only the last head stays. False: refused, error and message say why. */
bool gw_http_answer_line(struct gw_http_answer *answer, struct eg_str line);
/* One header that is known to be one: the name is not empty. */
void gw_http_answer_add(struct gw_http_answer *answer, struct eg_str name, struct eg_str value);
/* The next piece of the body. announced: the Content-Length, 0 = unknown. False: refused. */
bool gw_http_answer_body(struct gw_http_answer *answer, struct eg_str piece, uint64_t announced);
/* Always false, so that the caller can return it. */
bool gw_http_answer_refuse(struct gw_http_answer *answer, int32_t error, const char *message);

#endif
