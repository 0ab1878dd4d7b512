/*
 * basic.c - names and passwords (RFC 7617). Hashes of passwords are slow on purpose, so they are
 * worked out on a pool thread, a few at a time, and a password that was right is remembered for a
 * while. A name that nobody has costs as much time as a wrong password. Loop thread but for work.
 */
#include "auth.h"
#include "password.h"

#define CREDENTIALS_MAX ((size_t)1024) /* in base64 */
#define REMEMBERED_S 300

struct basic_job {
    struct auth_job job; /* first */
    struct auth_digest digest;
    const struct auth_consumer *consumer; /* NULL = nobody of the rule has the name */
    int32_t is_good;
    size_t text_len;
    char *password; /* in text, as is: */
    char *hash;
    char text[];
};

/* Decodes the base64 of RFC 4648 4 with its padding; -1 when it is none. */
static int64_t decode(struct eg_str base64, char *out) {
    char url[CREDENTIALS_MAX];
    if (base64.len > sizeof url || base64.len % 4 != 0) {
        return -1;
    }
    for (int i = 0; i < 2 && base64.len > 0 && base64.ptr[base64.len - 1] == '='; i++) {
        base64.len--;
    }
    for (size_t i = 0; i < base64.len; i++) {
        const char c = base64.ptr[i];
        url[i] = (char)(c == '+' ? '-' : c == '/' ? '_' : c == '-' || c == '_' ? '!' : c);
    }
    return auth_base64url(egx_str_n(url, base64.len), out);
}

static const struct auth_consumer *find_consumer(const struct auth_call *call, struct eg_str name) {
    const struct auth *auth = call->auth;
    struct auth_digest digest;
    size_t cursor = 0;
    if (!auth_hash(auth->credentials.hasher, &name, 1, &digest)) {
        return NULL;
    }
    const struct auth_credential *found =
        auth_credentials_next(&auth->credentials, AUTH_BY_BASIC, &digest, &cursor);
    const int is_one = found != NULL && found->consumer->password.len > 0 &&
                       auth_rule_has_consumer(call->rule, found->consumer);
    return is_one ? found->consumer : NULL;
}

static int32_t accept_consumer(const struct auth_call *call, const struct auth_consumer *consumer) {
    return auth_accept(call, AUTH_BY_BASIC, consumer->name, egx_json_text(&consumer->context));
}

static void work(void *arg) { /* pool thread */
    struct basic_job *job = arg;
    job->is_good = auth_password_verify(job->job.call.auth->host, job->password, job->hash) &&
                   job->consumer != NULL;
}

static void free_job(struct basic_job *job) {
    const struct eg_host *host = job->job.call.auth->host;
    volatile char *at = job->text;
    for (size_t i = 0; i < job->text_len; i++) {
        at[i] = 0;
    }
    host->mem->free(host, job);
}

static void on_worked(void *arg) {
    struct basic_job *job = arg;
    const struct auth_call *call = &job->job.call;
    int32_t verdict = EG_STOP;
    call->slot->passwords--;
    if (job->is_good) {
        const int64_t now_s = auth_now_s(call->auth);
        const struct auth_cached fresh = {
            .digest = job->digest, .consumer = job->consumer, .until_s = now_s + REMEMBERED_S};
        auth_cache_put(&call->slot->cache, &fresh, now_s);
    }
    if (!job->job.is_canceled) {
        verdict = job->is_good ? accept_consumer(call, job->consumer)
                               : auth_refuse(call, AUTH_WRONG_PASSWORD);
    }
    auth_job_end(&job->job, verdict);
    free_job(job);
}

static int32_t begin(const struct auth_call *call, struct eg_str name, struct eg_str password,
                     const struct auth_digest *digest) {
    const struct auth *auth = call->auth;
    const struct eg_host *host = auth->host;
    const struct auth_consumer *consumer = find_consumer(call, name);
    const struct eg_str hash = consumer != NULL ? consumer->password : auth->consumers.any_password;
    if (call->slot->passwords >= auth->settings->password_checks) {
        return auth_refuse(call, AUTH_BUSY);
    }
    const size_t text_len = password.len + hash.len + 2; /* each ended by a NUL */
    struct basic_job *job = host->mem->alloc(host, sizeof *job + text_len);
    job->text_len = text_len;
    job->digest = *digest;
    job->consumer = consumer;
    job->password = job->text;
    job->hash = job->text + password.len + 1;
    memcpy(job->password, password.ptr, password.len);
    memcpy(job->hash, hash.ptr, hash.len);
    job->job.call = *call;
    if (host->loop->run_blocking(host, call->slot->loop, work, on_worked, job) < 0) {
        free_job(job);
        return auth_refuse(call, AUTH_BUSY);
    }
    auth_job_begin(&job->job);
    call->slot->passwords++;
    return EG_PENDING;
}

int32_t auth_try_password(const struct auth_call *call, struct eg_str base64) {
    char text[CREDENTIALS_MAX];
    struct auth_digest digest;
    const int64_t len = base64.len > sizeof text ? -1 : decode(base64, text);
    const struct eg_str both = egx_str_n(text, len < 0 ? 0 : (size_t)len);
    const char *colon = both.len == 0 ? NULL : memchr(both.ptr, ':', both.len);
    /* A NUL would end the password for libcrypt, and not for the client. */
    if (colon == NULL || memchr(both.ptr, '\0', both.len) != NULL ||
        !auth_cache_digest(call->auth, "basic", both, &digest)) {
        return auth_refuse(call, AUTH_WRONG_PASSWORD);
    }
    const struct auth_cached *cached =
        auth_cache_get(&call->slot->cache, &digest, auth_now_s(call->auth));
    if (cached != NULL && cached->consumer != NULL &&
        auth_rule_has_consumer(call->rule, cached->consumer)) {
        return accept_consumer(call, cached->consumer);
    }
    const struct eg_str name = egx_str_n(both.ptr, (size_t)(colon - both.ptr));
    const struct eg_str password = egx_str_cut(both, name.len + 1);
    if (password.len == 0 || password.len >= AUTH_PASSWORD_MAX) {
        return auth_refuse(call, AUTH_WRONG_PASSWORD);
    }
    return begin(call, name, password, &digest);
}
