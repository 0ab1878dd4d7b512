/*
 * jws.h - a JSON Web Token taken apart (RFC 7515 compact form, RFC 7519), not yet believed. Any
 * thread but for freeing on the one that read it.
 */
#ifndef MIDDLEWARE_AUTH_JWS_H
#define MIDDLEWARE_AUTH_JWS_H

#include <eventgw-sdk/egx.h>

#define AUTH_TOKEN_MAX ((size_t)16 * 1024)

struct auth_jws {
    const struct eg_host *host;
    char *bytes;             /* the three parts, decoded */
    struct eg_str signed_by; /* what the signature is over; in the token */
    struct eg_str signature; /* in bytes */
    struct eg_json *header;
    struct eg_json *claims;
    struct eg_str algorithm; /* in header */
    struct eg_str key_id;    /* in header; empty = none */
    struct eg_str type;      /* the same */
};

/* 0, or EG_E_SYNTAX and *ret_reason, a static text for the log. Borrows the token. take:
 * auth_jws_free, also after a refusal. */
int32_t auth_jws_read(struct auth_jws *jws, const struct eg_host *host, struct eg_str token,
                      const char **ret_reason);
void auth_jws_free(struct auth_jws *jws);

/* Base64url without padding, in its one canonical form (RFC 4648 3.5, RFC 7515 2). out has room for
 * text.len bytes. -1 for everything else. */
int64_t auth_base64url(struct eg_str text, char *out);

#endif
