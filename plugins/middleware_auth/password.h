/*
 * password.h - hashes of passwords as crypt(3) writes them, which libcrypt verifies (password.c is
 * the only file that knows it). Slow on purpose: pool threads only.
 */
#ifndef MIDDLEWARE_AUTH_PASSWORD_H
#define MIDDLEWARE_AUTH_PASSWORD_H

#include <eventgw-sdk/egx.h>

#define AUTH_PASSWORD_MAX 512u

/* Is it a hash of a method that may be used? yescrypt, scrypt, bcrypt, and SHA-512 and SHA-256 in
 * rounds; not DES and MD5. Any thread. */
int auth_password_is_hash(struct eg_str hash);
/* Both end with a NUL. 1 when it is that password. */
int auth_password_verify(const struct eg_host *host, const char *password, const char *hash);

#endif
