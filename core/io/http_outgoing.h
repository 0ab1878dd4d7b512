/*
 * io/http_outgoing.h - what a request has to be before it is sent to a function, and how its
 * headers are spelled. Pure, but for the memo of URLs.
 */
#ifndef GW_IO_HTTP_OUTGOING_H
#define GW_IO_HTTP_OUTGOING_H

#include "base/arena.h"
#include "io/url_memo.h"

/* EG_E_INVAL, with the reason in the log, for a URL that is not http or https, a method that is no
 * token, a body with HEAD, header names that are no tokens, values with control bytes, and headers
 * that are the host's own. ret_url is the URL, split. */
int32_t gw_http_check_request(struct gw_url_memo *memo, const struct eg_http_request *request,
                              struct gw_url *ret_url);
/* `Name: value`, or `Name;`, which is how libcurl spells an empty value; ends with a NUL. */
struct eg_str gw_http_header_line(struct gw_arena *arena, const struct eg_kv *h);

#endif
