/* tls.h - what connections of one store share of TLS. One thread. */
#ifndef STORAGE_REDIS_TLS_H
#define STORAGE_REDIS_TLS_H

#include <eventgw-sdk/egx.h>

struct redis_tls;
struct ssl_st; /* OpenSSL's SSL */

/* Files may be empty: the system's authorities, no certificate of our own. EG_E_IO with the file
 * and the reason. */
int32_t redis_tls_create(const struct eg_host *host, struct eg_str ca_file, struct eg_str cert_file,
                         struct eg_str key_file, struct redis_tls **ret_tls,
                         struct eg_why *ret_why);
void redis_tls_free(struct redis_tls *tls); /* NULL is fine */

/* One connection to the server of that name or address, which its certificate has to carry.
 * EG_E_INTERNAL. */
int32_t redis_tls_connection(struct redis_tls *tls, const char *server_name,
                             struct ssl_st **ret_ssl);
/* Of a connection that nobody has taken. */
void redis_tls_free_connection(struct ssl_st *ssl);
/* Why a handshake failed, or "" when it is not known. 1 = the certificate is not trusted. */
int32_t redis_tls_reason(struct ssl_st *ssl, char *out, size_t size);
/* 1 = it cannot write before it has read something: the handshake is under way. */
int32_t redis_tls_waits_for_peer(struct ssl_st *ssl);
/* Before each call that may read or write: an old error of this thread is not one of ours. */
void redis_tls_forget_errors(void);

#endif
