/*
 * io/http_refusal.h - what refused clients are told, and small questions about replies. Pure but
 * for the counter and gw_http_write_refusal. Loop thread.
 */
#ifndef GW_IO_HTTP_REFUSAL_H
#define GW_IO_HTTP_REFUSAL_H

#include "io/http_server.h"

/* The error envelope as a body (take). */
struct eg_buf gw_http_envelope(const char *message);
/* Counts one refusal of the listener. */
void gw_http_count_refusal(const char *listener, uint32_t status);
/* Writes a whole answer with `Connection: close` to a plain socket that libmicrohttpd cannot answer
 * on. Best effort: what the socket does not take is lost. */
void gw_http_write_refusal(int fd, uint32_t status, const char *message);

/* Headers that the server or the library writes itself (RFC 9110 7.6.1, 8.6, 6.6.1). */
bool gw_http_is_servers_own(struct eg_str name);
/* An upper bound of the reply's head on the wire. */
size_t gw_http_reply_head_bytes(const struct gw_http_reply *reply);

#endif
