/*
 * jwt.c - a bearer token of an issuer: from the cache; or taken apart, held against the settings,
 * its signature verified, and put there.
 *
 *   read -> issuer by iss, algorithm by the settings -> claims -> keys (perhaps wait for a fetch)
 *        -> signature (here, or on a pool thread when the algorithm is a slow one) -> cache
 *
 * The claims come first, since refusing by them is cheap; nothing of a token is believed before its
 * signature. Loop thread but for verify_slowly. A job lives from here to its verdict; what it
 * borrows of the request stays until the op's done.
 */
#include "keyset.h"

#define KEYS_TRIED_MAX                                                                             \
    4u /* of one token: those without kid could otherwise make us try hundreds                     \
        */

struct jwt_job {
    struct auth_job job; /* first */
    struct auth_waiter waiter;
    struct auth_digest digest;
    struct auth_jws jws;
    const struct auth_issuer *issuer;
    const struct auth_algorithm *algorithm;
    struct auth_key *keys[KEYS_TRIED_MAX];
    size_t key_count;
    uint64_t version;
    int32_t is_second; /* has waited for keys */
    int32_t is_good;
};

static void tell(const struct jwt_job *job, const char *reason) {
    const struct eg_host *host = job->job.call.auth->host;
    const struct eg_kv fields[] = {
        {EGX_STR("request_id"), host->exchange->request_id(job->job.call.exchange)},
        {EGX_STR("reason"), egx_str_c(reason)}};
    if (host->log->enabled(host, EG_LOG_DEBUG)) {
        host->log->write(host, EG_LOG_DEBUG, EGX_STR("a token was refused"), fields,
                         EGX_COUNT(fields));
    }
}

static void free_job(struct jwt_job *job) {
    const struct eg_host *host = job->job.call.auth->host;
    for (size_t i = 0; i < job->key_count; i++) {
        auth_key_unref(job->keys[i]);
    }
    auth_jws_free(&job->jws);
    host->mem->free(host, job);
}

static struct auth_keyset *keyset_of(const struct jwt_job *job) {
    return &job->job.call.slot->keysets[job->issuer->index];
}

/* ---- what it ends with ---- */

static int has_scopes(const struct auth_rule *rule, struct eg_str scopes) {
    for (size_t i = 0; i < rule->scopes.count; i++) {
        if (!auth_has_scope(scopes, rule->scopes.items[i])) {
            return 0;
        }
    }
    return 1;
}

static int32_t let_in(const struct auth_call *call, struct eg_str principal, struct eg_str context,
                      struct eg_str scopes) {
    if (!has_scopes(call->rule, scopes)) {
        return auth_refuse(call, AUTH_SCOPE_MISSING);
    }
    return auth_accept(call, AUTH_BY_JWT, principal,
                       egx_str_eq(context, EGX_STR("{}")) ? egx_str_n(NULL, 0) : context);
}

static int32_t finish(struct jwt_job *job) {
    struct auth_identity identity = {0};
    int32_t verdict = EG_STOP;
    if (!job->is_good || !auth_claims_identity(job->issuer, &job->jws, &identity)) {
        tell(job,
             job->is_good ? "the claim of its principal is no text" : "its signature is wrong");
        return auth_refuse(&job->job.call, AUTH_WRONG_TOKEN);
    }
    const struct auth_cached fresh = {
        .digest = job->digest,
        .issuer = (uint32_t)job->issuer->index,
        .version = job->version,
        .until_s = identity.until_s,
        .principal = egx_json_text(&identity.principal),
        .context = egx_json_text(&identity.context),
        .scopes = egx_json_text(&identity.scopes),
    };
    auth_cache_put(&job->job.call.slot->cache, &fresh, auth_now_s(job->job.call.auth));
    verdict = let_in(&job->job.call, fresh.principal, fresh.context, fresh.scopes);
    auth_identity_free(&identity);
    return verdict;
}

/* ---- the signature ---- */

static void verify(struct jwt_job *job) {
    for (size_t i = 0; i < job->key_count && !job->is_good; i++) {
        job->is_good =
            auth_verify(job->keys[i], job->algorithm, job->jws.signed_by, job->jws.signature);
    }
}

static void verify_slowly(void *arg) { /* pool thread */
    verify(arg);
}

static void on_verified(void *arg) {
    struct jwt_job *job = arg;
    auth_job_end(&job->job, job->job.is_canceled ? EG_STOP : finish(job));
    free_job(job);
}

static void list(struct jwt_job *job) {
    if (!job->job.is_listed) {
        auth_job_begin(&job->job);
    }
}

static int32_t check_signature(struct jwt_job *job) {
    const struct eg_host *host = job->job.call.auth->host;
    const struct auth_keys *keys = auth_keyset_keys(keyset_of(job));
    struct auth_key *key = NULL;
    size_t cursor = 0;
    job->version = keyset_of(job)->version;
    while (job->key_count < KEYS_TRIED_MAX &&
           (key = auth_keys_next(keys, job->jws.key_id, job->algorithm, &cursor)) != NULL) {
        job->keys[job->key_count++] = auth_key_ref(key);
    }
    if (!job->algorithm->is_slow || job->key_count == 0) {
        verify(job);
        return finish(job);
    }
    if (host->loop->run_blocking(host, job->job.call.slot->loop, verify_slowly, on_verified, job) <
        0) {
        return auth_refuse(&job->job.call, AUTH_BUSY);
    }
    list(job);
    return EG_PENDING;
}

/* ---- the keys ---- */

static int32_t go_on(struct jwt_job *job) {
    struct auth_waiter *waiter = job->is_second ? NULL : &job->waiter;
    switch (auth_keyset_need(keyset_of(job), job->jws.key_id, job->algorithm, waiter)) {
    case AUTH_KEYS_WAIT:
        list(job);
        return EG_PENDING;
    case AUTH_KEYS_NONE:
        return auth_refuse(&job->job.call, AUTH_KEYS_AWAY);
    default:
        return check_signature(job);
    }
}

static void on_keys(struct auth_waiter *waiter) {
    struct jwt_job *job =
        (struct jwt_job *)(void *)((char *)waiter - offsetof(struct jwt_job, waiter));
    job->is_second = 1;
    const int32_t verdict = go_on(job);
    if (verdict != EG_PENDING) {
        auth_job_end(&job->job, verdict);
        free_job(job);
    }
}

/* A fetch goes on without it; a pool thread comes to its end. */
static void on_cancel(struct auth_job *base) {
    struct jwt_job *job = (struct jwt_job *)(void *)base;
    if (job->waiter.is_linked) {
        auth_keyset_forget(keyset_of(job), &job->waiter);
        auth_job_end(base, EG_STOP);
        free_job(job);
    }
}

/* ---- the beginning ---- */

/* NULL, or why it is refused. */
static const char *prepare(struct jwt_job *job, struct eg_str token) {
    const struct auth *auth = job->job.call.auth;
    const char *reason = NULL;
    if (auth_jws_read(&job->jws, auth->host, token, &reason) < 0) {
        return reason;
    }
    const struct eg_json_api *json = auth->host->json;
    const struct eg_str iss = json->string(json->member(job->jws.claims, EGX_STR("iss")));
    for (size_t i = 0; i < auth->issuers.count && job->issuer == NULL; i++) {
        if ((job->job.call.rule->issuers & 1u << i) != 0 &&
            egx_str_eq(auth->issuers.items[i].issuer, iss)) {
            job->issuer = &auth->issuers.items[i];
        }
    }
    if (job->issuer == NULL) {
        return "its iss is no issuer of the rule";
    }
    job->algorithm = auth_algorithm_find(job->jws.algorithm);
    if (job->algorithm == NULL ||
        (job->issuer->algorithms & 1u << auth_algorithm_index(job->algorithm)) == 0) {
        return "its alg is none of those of its issuer";
    }
    return auth_claims_check(job->issuer, &job->jws, auth_now_s(auth));
}

static int32_t try_fresh(const struct auth_call *call, struct eg_str token,
                         const struct auth_digest *digest) {
    const struct eg_host *host = call->auth->host;
    struct jwt_job *job = host->mem->alloc(host, sizeof *job);
    job->job.call = *call;
    job->digest = *digest;
    job->waiter.resume = on_keys;
    job->job.on_cancel = on_cancel;
    const char *reason = prepare(job, token);
    int32_t verdict;
    if (reason != NULL) {
        tell(job, reason);
        verdict = auth_refuse(call, AUTH_WRONG_TOKEN);
    } else {
        verdict = go_on(job);
    }
    if (verdict != EG_PENDING) {
        free_job(job);
    }
    return verdict;
}

int32_t auth_try_token(const struct auth_call *call, struct eg_str token) {
    struct auth_digest digest;
    if (token.len > AUTH_TOKEN_MAX || !auth_cache_digest(call->auth, "jwt", token, &digest)) {
        return auth_refuse(call, AUTH_WRONG_TOKEN);
    }
    const struct auth_cached *cached =
        auth_cache_get(&call->slot->cache, &digest, auth_now_s(call->auth));
    if (cached != NULL && (call->rule->issuers & 1u << cached->issuer) != 0) {
        struct auth_keyset *keyset = &call->slot->keysets[cached->issuer];
        const int is_current =
            auth_keyset_need(keyset, egx_str_n(NULL, 0), NULL, NULL) == AUTH_KEYS_READY;
        if (is_current && cached->version == keyset->version) {
            return let_in(call, cached->principal, cached->context, cached->scopes);
        }
    }
    return try_fresh(call, token, &digest);
}
