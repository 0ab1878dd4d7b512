/*
 * schemes.h - how senders sign, as data: which headers, how a signature is written, what is signed.
 * Read only, any thread.
 */
#ifndef WEBHOOK_SCHEMES_H
#define WEBHOOK_SCHEMES_H

#include <eventgw-sdk/egx.h>

/* How the header with the signature is written. */
#define WEBHOOK_FORM_PLAIN 0u /* <prefix><signature> */
#define WEBHOOK_FORM_LIST 1u  /* Standard Webhooks: "v1,<base64> v1a,<base64>" */
#define WEBHOOK_FORM_PAIRS 2u /* Stripe: "t=<seconds>,v1=<hex>,v1=<hex>" */

#define WEBHOOK_HEX 0u
#define WEBHOOK_BASE64 1u

#define WEBHOOK_SHA256 0u
#define WEBHOOK_SHA512 1u
#define WEBHOOK_SHA1 2u
extern const char *const webhook_algorithms[3]; /* as in settings */
extern const char *const webhook_digests[3];    /* as libcrypto calls them */
extern const size_t webhook_mac_sizes[3];

struct webhook_scheme {
    const char *name;
    uint32_t form;
    uint32_t encoding;
    uint32_t algorithm;
    uint32_t has_prefixed_secrets; /* whsec_<base64>, whpk_<base64> */
    struct eg_str header;          /* the signature's */
    struct eg_str prefix;          /* of a plain signature */
    struct eg_str timestamp_header;
    struct eg_str id_header;
    struct eg_str content; /* what is signed: text with {body}, {timestamp}, {id} */
};

/* The last one, "none", lets everything through. */
extern const struct webhook_scheme webhook_schemes[];
extern const size_t webhook_scheme_count;
const struct webhook_scheme *webhook_scheme_find(struct eg_str name); /* or NULL */
int webhook_scheme_is_none(const struct webhook_scheme *scheme);
/* The one that settings describe. */
int webhook_scheme_is_hmac(const struct webhook_scheme *scheme);

/* ---- what is signed, in pieces ---- */

#define WEBHOOK_PIECES_MAX 12u
#define WEBHOOK_TEXT 0u
#define WEBHOOK_BODY 1u
#define WEBHOOK_TIMESTAMP 2u
#define WEBHOOK_ID 3u

struct webhook_content {
    size_t count;
    struct {
        uint32_t kind;
        struct eg_str text;
    } pieces[WEBHOOK_PIECES_MAX];
};

/* Texts are borrowed from the template. EG_E_INVAL with the reason. */
int32_t webhook_content_read(struct eg_str content, struct webhook_content *ret_content,
                             struct eg_why *ret_why);
int webhook_content_has(const struct webhook_content *content, uint32_t kind);

#endif
