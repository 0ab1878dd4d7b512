/*
 * crypto.h - keys that signatures are checked with: HMAC, and Ed25519 public keys. A key is made by
 * create and only read afterwards, so any thread may use it.
 */
#ifndef WEBHOOK_CRYPTO_H
#define WEBHOOK_CRYPTO_H

#include <eventgw-sdk/egx.h>

#define WEBHOOK_MAC_MAX 64u      /* SHA-512 */
#define WEBHOOK_ED25519_KEY 32u  /* RFC 8032 5.1.5 */
#define WEBHOOK_ED25519_SIZE 64u /* RFC 8032 5.1.6 */
#define WEBHOOK_MARK 32u

struct webhook_key;

/* digest: "SHA256", "SHA512", "SHA1". Both: EG_E_INTERNAL when libcrypto fails, EG_E_INVAL when the
 * bytes are no key. Secrets are copied into libcrypto. */
int32_t webhook_key_hmac(const struct eg_host *host, const char *digest, struct eg_str secret,
                         struct webhook_key **ret_key);
int32_t webhook_key_ed25519(const struct eg_host *host, struct eg_str public_key,
                            struct webhook_key **ret_key);
void webhook_key_free(const struct eg_host *host, struct webhook_key *key); /* NULL is fine */
int webhook_key_is_hmac(const struct webhook_key *key);

/* Of the pieces, one after the other. EG_E_INTERNAL when libcrypto fails. */
int32_t webhook_mac(const struct webhook_key *key, const struct eg_str *pieces, size_t count,
                    unsigned char ret_mac[WEBHOOK_MAC_MAX], size_t *ret_len);
/* 1 = signed with the private half of the key. */
int webhook_is_signed(const struct eg_host *host, const struct webhook_key *key,
                      const struct eg_str *pieces, size_t count, struct eg_str signature);
/* SHA-256, as the mark of what has been seen. */
int32_t webhook_mark(const struct eg_str *pieces, size_t count,
                     unsigned char ret_mark[WEBHOOK_MARK]);
/* Not removed by the optimiser. */
void webhook_wipe(void *secret, size_t size);

#endif
