/*
 * credentials_value.h - one set of keys with its times: made once, never changed, counted, wiped
 * with the last reference. Any thread.
 */
#ifndef AWS_CREDENTIALS_VALUE_H
#define AWS_CREDENTIALS_VALUE_H

#include <stdatomic.h>

#include "credentials_env.h"

#define AWS_NEVER_S INT64_MAX

struct aws_creds {
    atomic_uint refs;
    struct aws_keys keys; /* point into text */
    int64_t expires_s;    /* Unix time; AWS_NEVER_S = does not */
    int64_t refresh_s;    /* from then on new ones are fetched while these are used */
    int64_t must_s;       /* from then on calls wait for new ones */
    size_t text_len;
    char text[];
};

/* Copies the keys. take: aws_creds_unref. */
struct aws_creds *aws_creds_new(const struct aws_keys *keys, int64_t expires_s, int64_t now_s);
struct aws_creds *aws_creds_ref(struct aws_creds *creds);
void aws_creds_unref(struct aws_creds *creds); /* NULL is fine */
int32_t aws_creds_same(const struct aws_creds *a, const struct aws_creds *b);

/*
 * The document of a container endpoint, of the instance metadata and of a credential_process:
 * AccessKeyId, SecretAccessKey, Token or SessionToken, Expiration. EG_E_PROTO with a sentence that
 * repeats nothing of the document but its Code and Message. what: "container endpoint", ...
 */
int32_t aws_creds_from_json(const struct eg_host *host, const char *what, struct eg_str text,
                            int64_t now_s, struct aws_creds **ret_creds, struct eg_why *ret_why);
/* The answer of AssumeRole and AssumeRoleWithWebIdentity. */
int32_t aws_creds_from_xml(struct eg_str text, int64_t now_s, struct aws_creds **ret_creds,
                           struct eg_why *ret_why);
/* Text of the first element of that name without children; empty when there is none. Borrowed. */
struct eg_str aws_xml_text(struct eg_str xml, const char *name);

/* The text up to a secret that it holds: a service that computes another signature repeats the
 * canonical request in its message, session token included. secret may be empty. */
struct eg_str aws_text_before(struct eg_str text, struct eg_str secret);

/* "2026-11-23T08:00:00Z", with fractions and "+01:00" too. EG_E_SYNTAX otherwise. */
int32_t aws_time_parse(struct eg_str text, int64_t *ret_unix_s);

#endif
