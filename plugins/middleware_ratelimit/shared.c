/*
 * shared.c - see shared.h. Settings and what the sessions share.
 *
 * Thread: check, init, start, end on the control thread. The TLS context is only read by sessions.
 */
#include "shared.h"

#include "../storage_redis/resolve.h"

int32_t ratelimit_shared_check(const struct ratelimit_redis_config *c, struct eg_why *ret_why) {
    const int has_tls_file = c->ca_file.len > 0 || c->cert_file.len > 0 || c->key_file.len > 0;
    int32_t rc = EG_OK;
    if (c->username.len > 0 && c->password.len == 0) {
        return egx_why(ret_why, EG_E_INVAL, "username needs a password");
    }
    if (has_tls_file && c->tls == 0) {
        return egx_why(ret_why, EG_E_INVAL, "ca_file, cert_file and key_file need tls = true");
    }
    if ((c->cert_file.len > 0) != (c->key_file.len > 0)) {
        return egx_why(ret_why, EG_E_INVAL, "cert_file and key_file go together");
    }
    for (size_t i = 0; i < c->address.count && rc == EG_OK; i++) {
        rc = redis_address_check(c->address.items[i], ret_why);
    }
    return rc;
}

void ratelimit_shared_init(struct ratelimit_shared *shared, const struct eg_host *host,
                           const struct ratelimit_redis_config *config) {
    shared->host = host;
    shared->config = *config;
    shared->up =
        host->metrics->gauge(host, EGX_STR("ratelimit_store_connections"),
                             EGX_STR("Connections to the Redis of shared limits."), NULL, 0);
    if (config->server_name.len > 0) {
        const size_t size = config->server_name.len + 1;
        shared->server_name = host->mem->alloc(host, size);
        (void)snprintf(shared->server_name, size, "%.*s", EGX_FMT(config->server_name));
    }
}

int32_t ratelimit_shared_start(struct ratelimit_shared *shared, struct eg_why *ret_why) {
    const struct ratelimit_redis_config *c = &shared->config;
    return c->tls == 0 ? EG_OK
                       : redis_tls_create(shared->host, c->ca_file, c->cert_file, c->key_file,
                                          &shared->tls, ret_why);
}

void ratelimit_shared_end(struct ratelimit_shared *shared) {
    if (shared->host != NULL) {
        redis_tls_free(shared->tls);
        shared->host->mem->free(shared->host, shared->server_name);
    }
}
