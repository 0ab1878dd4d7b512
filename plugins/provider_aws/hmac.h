/* hmac.h - SHA-256, HMAC-SHA-256 and the wiping of secrets. Any thread. */
#ifndef AWS_HMAC_H
#define AWS_HMAC_H

#include <eventgw-sdk/egx.h>

#include "sign.h"

/* Fail only when libcrypto does: EG_E_INTERNAL. */
int32_t aws_sha256(struct eg_str bytes, unsigned char ret_hash[AWS_SHA256_BYTES]);
int32_t aws_hmac(struct eg_str key, struct eg_str bytes, unsigned char ret_mac[AWS_SHA256_BYTES]);
/* Lower-case digits and a NUL. */
void aws_hex(const unsigned char hash[AWS_SHA256_BYTES], char ret_hex[AWS_SHA256_HEX + 1]);
/* Not removed by the optimiser. NULL is fine when size is 0. */
void aws_wipe(void *secret, size_t size);

#endif
