/* digest.h - what a key is called where others may read it: SHA-256, cut to 128 bits, in hex. */
#ifndef RATELIMIT_DIGEST_H
#define RATELIMIT_DIGEST_H

#include <eventgw-sdk/egx.h>

#define RATELIMIT_DIGEST_LEN 32u

/* EG_E_INTERNAL when libcrypto fails. */
int32_t ratelimit_digest(struct eg_str bytes, char ret_hex[RATELIMIT_DIGEST_LEN]);

#endif
