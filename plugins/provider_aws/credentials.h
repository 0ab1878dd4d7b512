/*
 * credentials.h - who signs a call: keys of the function itself, or the AWS chain (environment,
 * shared files with profiles, assumed roles, web identity, credential_process, container endpoint,
 * instance metadata), cached and refreshed before they expire.
 *
 * Three objects:
 *   aws_cache   one for the whole plugin, shared by all components and loops; any thread
 *   aws_source  one per function (made in bind, freed in unbind); says which keys of the cache
 *   aws_client  one per component and loop, see call.h; asks the cache and waits for it
 */
#ifndef AWS_CREDENTIALS_H
#define AWS_CREDENTIALS_H

#include <eventgw-sdk/egx.h>

#include "sign.h"

struct aws_cache;
struct aws_source;

/* The environment as the cache sees it: names are those of credentials_env.h. NULL = the process's
 * own. */
typedef const char *(*aws_getenv_fn)(void *arg, const char *name);

/* The cache of the process, made at the first take, gone with the last release. create/destroy. */
struct aws_cache *aws_cache_take(void);
/* One of your own, for tests: everything comes from lookup (called before the return only). */
struct aws_cache *aws_cache_new(aws_getenv_fn lookup, void *arg);
void aws_cache_release(struct aws_cache *cache); /* NULL is fine */

/* What a function says about its credentials; all may be empty. Keys count only when both the id
 * and the secret are there (compatibility 8.1); then nothing else is asked. */
struct aws_source_config {
    struct aws_keys keys;
    struct eg_str profile; /* of the shared files; empty = AWS_PROFILE or "default" */
};

/* take: aws_source_free, after the last call that uses it. Copies the config. No I/O. Keeps the
 * cache alive. Control thread or any other. */
int32_t aws_source_new(struct aws_cache *cache, const struct aws_source_config *config,
                       struct aws_source **ret_source, struct eg_why *ret_why);
void aws_source_free(struct aws_source *source); /* NULL is fine; wipes the keys */

#endif
