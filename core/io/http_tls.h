/*
 * io/http_tls.h - client certificates of one TLS connection: asked for, judged during the
 * handshake, read. The only door to GnuTLS, which libmicrohttpd uses. Inside io/ only; loop thread.
 */
#ifndef GW_IO_HTTP_TLS_H
#define GW_IO_HTTP_TLS_H

#include "io/http_server.h"

struct gw_client_cert; /* what a verified certificate says, as text */

/* Before the handshake of this session (a gnutls_session_t). One of a client whose certificate is
 * missing (GW_CLIENT_AUTH_REQUIRED) or not good fails with an alert. */
void gw_tls_ask_client(void *session, enum gw_client_auth auth);
/* take; NULL when the client showed none. After the handshake. */
struct gw_client_cert *gw_client_cert_read(void *session);
/* field: EG_CERT_*; empty for others and without certificate. Borrowed until free. */
struct eg_str gw_client_cert_field(const struct gw_client_cert *cert, uint32_t field);
void gw_client_cert_free(struct gw_client_cert *cert); /* NULL is fine */

#endif
