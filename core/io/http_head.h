/*
 * io/http_head.h - the head of a request as bytes (RFC 9112 2 to 5): where it ends, and what stands
 * in it. Pure; any thread. Strict: each line ends with CR LF, and nothing is repaired. What the
 * fields mean is http_guard.h's to judge.
 */
#ifndef GW_IO_HTTP_HEAD_H
#define GW_IO_HTTP_HEAD_H

#include "io/http_guard.h"

enum gw_head_end {
    GW_HEAD_MORE,   /* the end has not come yet */
    GW_HEAD_WHOLE,  /* len bytes, with the empty line */
    GW_HEAD_BROKEN, /* this can become no head */
};

/* How far a head has been looked at, so that no byte is looked at again when more have come. All
 * zero at the beginning of each. */
struct gw_head_scan {
    size_t line_at; /* where the first unfinished line begins */
    size_t seen;
    size_t lines; /* finished ones */
    size_t len;
};

/* text: all bytes of the head that there are, and whatever is behind it. */
enum gw_head_end gw_http_head_scan(struct gw_head_scan *scan, struct eg_str text);

/* Can these be the first bytes of a head? One is enough to tell. */
bool gw_http_head_begins_well(struct eg_str text);
/* Of the first bytes of a head: is the method longer than any? And what is said then. */
bool gw_http_head_has_long_method(struct eg_str text);
extern const char gw_http_head_long_method[];

/* Takes a whole head apart: method, target, version, headers (in the arena; their texts and all
 * others are borrowed from text), head_bytes. NULL, or why not (static text); then only the target
 * is set, if there is one. lines: as the scan has counted them, one at least. */
const char *gw_http_head_parse(struct eg_str text, size_t lines, struct gw_arena *arena,
                               struct gw_http_head *ret_head);

/* May the connection be used again after this request (RFC 9112 9.3)? Of a head that was let in. */
bool gw_http_head_keeps_alive(const struct gw_http_head *head);
/* Does the client wait for a 100 before it sends the body (RFC 9110 10.1.1)? */
bool gw_http_head_expects_continue(const struct gw_http_head *head);

#endif
