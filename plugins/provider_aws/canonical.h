/* canonical.h - the canonical request of Signature Version 4. Any thread. */
#ifndef AWS_CANONICAL_H
#define AWS_CANONICAL_H

#include "sign.h"

/* What aws_canonical_new makes. Each text is malloc'd. */
struct aws_canonical {
    char *text; /* the canonical request */
    size_t text_len;
    char *signed_headers; /* "a;b;c" */
};

/* extra: the headers that the signer adds (host, x-amz-date, ...); hash_hex: of the body.
 * EG_E_INVAL for too many headers or query parameters. take: aws_canonical_free. */
int32_t aws_canonical_new(const struct aws_sign_request *request, const struct eg_kv *extra,
                          size_t extra_count, const char *hash_hex,
                          struct aws_canonical *ret_canonical);
void aws_canonical_free(struct aws_canonical *canonical);

#endif
