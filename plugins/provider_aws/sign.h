/*
 * sign.h - Signature Version 4 in header form, for every AWS service but S3 (whose paths follow
 * other rules). Pure: no I/O, no clock, no memory of its own; any thread.
 *
 * Why our own: libcurl 7.88 signs a path with ':' or '%' wrongly, and a Lambda ARN has both.
 */
#ifndef AWS_SIGN_H
#define AWS_SIGN_H

#include <eventgw-sdk/egx.h>

#define AWS_SHA256_BYTES 32u
#define AWS_SHA256_HEX 64u
#define AWS_DATE_CHARS 16u       /* 20150830T123600Z */
#define AWS_SIGN_MAX_HEADERS 64u /* with host and what the signer adds */

/* Who signs. Slices borrowed from whoever made it. */
struct aws_keys {
    struct eg_str access_key_id;
    struct eg_str secret_access_key;
    struct eg_str session_token; /* empty = none */
};

#define AWS_SIGN_RAW_PATH 0x1u  /* do not remove dot segments and empty segments */
#define AWS_SIGN_BODY_HASH 0x2u /* sign (and have the caller send) x-amz-content-sha256 */
/* The token is sent but not signed (services that take it after signing). */
#define AWS_SIGN_TOKEN_AFTER 0x4u

/* All borrowed during the call. */
struct aws_sign_request {
    struct eg_str method;
    struct eg_str host;          /* as sent: with the port unless it is the scheme's own */
    struct eg_str path;          /* as on the wire, escaped already; empty = "/" */
    struct eg_str query;         /* as on the wire, without '?' */
    const struct eg_kv *headers; /* as sent, without host and the three headers below; those that
                                    proxies may change are left out of the signature */
    size_t header_count;
    struct eg_str body;
    struct eg_str region;
    struct eg_str service;
    int64_t unix_s; /* time of signing */
    uint32_t flags; /* AWS_SIGN_* */
};

/* The headers to send besides the caller's. Slices point into the same struct. */
struct aws_signature {
    char date[AWS_DATE_CHARS + 1];
    char body_hash[AWS_SHA256_HEX + 1];
    char hex[AWS_SHA256_HEX + 1]; /* the signature itself */
    struct eg_str authorization;  /* points into text */
    char *text;                   /* malloc'd */
    char *canonical_request;      /* malloc'd; NULL unless asked for */
    char *string_to_sign;
};

/* Derived keys of the last few (access key, date, region, service); one per thread. Wipe at the
 * end. */
struct aws_key_cache_row {
    char scope[192]; /* "" = free */
    unsigned char secret_hash[AWS_SHA256_BYTES];
    unsigned char key[AWS_SHA256_BYTES];
};
#define AWS_KEY_CACHE_ROWS 8u
struct aws_key_cache {
    struct aws_key_cache_row rows[AWS_KEY_CACHE_ROWS];
    uint32_t next;
};

/*
 * Signs. cache may be NULL. With explain != 0 the canonical request and the string to sign stay in
 * the result (tests). EG_E_INVAL: no keys, more than AWS_SIGN_MAX_HEADERS headers, a query or a
 * scope that is too long. take: aws_signature_free.
 */
int32_t aws_sign(const struct aws_sign_request *request, const struct aws_keys *keys,
                 struct aws_key_cache *cache, int32_t explain, struct aws_signature *ret_signature);
void aws_signature_free(struct aws_signature *signature);
void aws_key_cache_wipe(struct aws_key_cache *cache);

#endif
