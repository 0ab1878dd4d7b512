/*
 * ops.c - the reads and writes of the contract. A write is one script: checks, compare-and-set,
 * counter and change stream in one step. A write whose answer is lost may have happened; it is
 * never repeated here.
 *
 * Thread: control. Ownership: inputs of an op are borrowed until it is done.
 */
#include "store.h"

#include <hiredis/hiredis.h>

#define MS 1000000u
#define LOG_BYTES (64u * 1024u * 1024u)

struct op_call {
    struct redis_job job;
    struct redis_call replicas;
    struct redis_content content;
    struct eg_op *op;
    struct eg_str key;
    struct eg_commit commit;
    char nonce[REDIS_NONCE_BYTES];
    uint64_t revision;
};

static struct op_call *of_job(struct redis_job *job) {
    return (struct op_call *)(void *)((char *)job - offsetof(struct op_call, job));
}

static struct op_call *make(struct redis_store *store, struct eg_op *op) {
    struct op_call *call = store->host->mem->alloc(store->host, sizeof *call);
    call->job.store = store;
    call->op = op;
    return call;
}

static void drop(struct op_call *call) {
    const struct eg_host *host = call->job.store->host;
    host->mem->free(host, call);
}

static void fail(struct op_call *call, int32_t rc, const struct eg_why *why) {
    egx_done_error(call->op, rc, "%.*s", (int)why->len, why->text);
    drop(call);
}

/* ---- get ---- */

static void build_get(struct redis_job *job, struct redis_command *command) {
    redis_command_add(command, of_job(job)->key);
}

static void finish_get(struct redis_job *job, int32_t rc, const struct redisReply *reply,
                       const struct eg_why *why) {
    struct op_call *call = of_job(job);
    uint64_t revision = 0;
    if (rc != EG_OK) {
        fail(call, rc, why);
        return;
    }
    if (egx_str_eq(redis_part(reply, 0), EGX_STR("NOTFOUND"))) {
        egx_done_error(call->op, EG_E_NOTFOUND, "key not found");
    } else if (!redis_number(redis_part(reply, 1), &revision) || reply->elements < 3) {
        redis_bad_record(job->store, call->key, "it has no revision");
        egx_done_error(call->op, EG_E_PROTO, "the record cannot be read: it has no revision");
    } else {
        egx_done_value(job->store->host, call->op, revision, redis_part(reply, 2));
    }
    drop(call);
}

int32_t redis_get(void *instance, struct eg_str key, struct eg_op *op) {
    struct op_call *call = make(instance, op);
    call->key = key;
    call->job.script = REDIS_SCRIPT_GET;
    call->job.build = build_get;
    call->job.finish = finish_get;
    redis_job_run(&call->job);
    return EG_OK;
}

/* ---- list ---- */

static void finish_list(struct redis_content *content, int32_t rc, const struct eg_why *why) {
    struct op_call *call =
        (struct op_call *)(void *)((char *)content - offsetof(struct op_call, content));
    if (rc == EG_OK) {
        egx_done_list(call->job.store->host, call->op, &content->rows, content->place.revision);
    }
    redis_content_free(content);
    if (rc == EG_OK) {
        drop(call);
    } else {
        fail(call, rc, why);
    }
}

int32_t redis_list(void *instance, struct eg_str prefix, struct eg_op *op) {
    struct op_call *call = make(instance, op);
    call->content.done = finish_list;
    redis_content_read(&call->content, instance, prefix);
    return EG_OK;
}

/* ---- writes ---- */

static void add_check(struct redis_command *command, const struct eg_check *check) {
    if (check->kind == EG_CHECK_PREFIX) {
        redis_command_add_c(command, "prefix");
        redis_command_add_range(command, check->key, egx_str_n(NULL, 0));
    } else {
        redis_command_add_c(command, "key");
        redis_command_add(command, check->key);
        redis_command_add_c(command, "");
    }
    redis_command_add_number(command, check->revision);
}

static void build_write(struct redis_job *job, struct redis_command *command) {
    struct op_call *call = of_job(job);
    const struct eg_commit *commit = &call->commit;
    redis_command_add_c(command, call->nonce);
    redis_command_add_number(command, (uint64_t)job->store->settings->history);
    redis_command_add_number(command, LOG_BYTES);
    redis_command_add_c(command, commit->is_removal != 0 ? "1" : "0");
    redis_command_add(command, commit->key);
    redis_command_add(command, commit->is_removal != 0 ? egx_str_n(NULL, 0) : commit->value);
    if (commit->expect_revision == EG_REV_ANY) {
        redis_command_add_c(command, "*");
    } else {
        redis_command_add_number(command, commit->expect_revision);
    }
    for (size_t i = 0; i < commit->check_count; i++) {
        add_check(command, commit->checks[i]);
    }
}

static const struct {
    struct eg_str word;
    int32_t rc;
    const char *text;
} outcomes[] = {
    {EGX_STR_INIT("NOTFOUND"), EG_E_NOTFOUND, "key not found"},
    {EGX_STR_INIT("EXISTS"), EG_E_EXISTS,
     "Previous K/V pair exists, cannot complete Atomic operation"},
    {EGX_STR_INIT("CONFLICT"), EG_E_CONFLICT, "the key was changed meanwhile"},
    {EGX_STR_INIT("CHECK"), EG_E_CONFLICT, "what the write rests on was changed meanwhile"},
};

static int32_t outcome_of(const struct redisReply *reply, uint64_t *ret_revision,
                          const char **ret_text) {
    const struct eg_str word = redis_part(reply, 0);
    for (size_t i = 0; i < EGX_COUNT(outcomes); i++) {
        if (egx_str_eq(word, outcomes[i].word)) {
            *ret_text = outcomes[i].text;
            return outcomes[i].rc;
        }
    }
    if (redis_number(redis_part(reply, 1), ret_revision)) {
        return EG_OK;
    }
    *ret_text = "redis has answered what is not understood; whether it was written is not known";
    return EG_E_PROTO;
}

static void on_replicas(struct redis_call *waited, const struct redisReply *reply) {
    struct op_call *call =
        (struct op_call *)(void *)((char *)waited - offsetof(struct op_call, replicas));
    struct redis_store *store = call->job.store;
    const long long wanted = store->settings->wait_replicas;
    if (reply == NULL) {
        egx_done_error(call->op, EG_E_UNAVAILABLE,
                       "it is written, but redis was lost before it told of its replicas");
    } else if (reply->type != REDIS_REPLY_INTEGER) {
        egx_done_error(call->op, EG_E_UNAVAILABLE, "it is written, but redis refuses WAIT: %.*s",
                       (int)reply->len, reply->str == NULL ? "" : reply->str);
    } else if (reply->integer < wanted) {
        egx_done_error(call->op, EG_E_UNAVAILABLE,
                       "it is written, but %lld of %lld replicas have it", reply->integer, wanted);
    } else {
        egx_done_revision(call->op, call->revision);
    }
    drop(call);
    redis_session_rest(store);
}

/* Until so many replicas have what this connection has written (Redis: WAIT). */
static void wait_for_replicas(struct op_call *call) {
    struct redis_store *store = call->job.store;
    struct redis_command command;
    call->replicas.answered = on_replicas;
    redis_command_init(&command, store->host);
    redis_command_add_c(&command, "WAIT");
    redis_command_add_number(&command, (uint64_t)store->settings->wait_replicas);
    redis_command_add_number(&command, store->settings->wait_timeout / MS);
    redis_link_send(store->session.commands, &command, &call->replicas);
    redis_command_free(&command);
}

static void finish_write(struct redis_job *job, int32_t rc, const struct redisReply *reply,
                         const struct eg_why *why) {
    struct op_call *call = of_job(job);
    const char *text = "";
    if (job->is_lost && rc == EG_E_DENIED) {
        rc = EG_E_UNAVAILABLE; /* something else was refused, this may have happened */
    }
    if (rc != EG_OK) {
        egx_done_error(call->op, rc, "%.*s%s", (int)why->len, why->text,
                       job->is_lost ? "; whether it was written is not known" : "");
        drop(call);
        return;
    }
    rc = outcome_of(reply, &call->revision, &text);
    if (rc == EG_OK && job->store->settings->wait_replicas > 0) {
        wait_for_replicas(call);
        return;
    }
    if (rc == EG_OK) {
        egx_done_revision(call->op, call->revision);
    } else {
        egx_done_error(call->op, rc, "%s", text);
    }
    drop(call);
}

int32_t redis_commit(void *instance, const struct eg_commit *commit, struct eg_op *op) {
    struct op_call *call = NULL;
    if (commit->check_count > 8) {
        return EG_E_INVAL;
    }
    if (commit->key.len > REDIS_VALUE_BYTES ||
        (commit->is_removal == 0 && commit->value.len > REDIS_VALUE_BYTES)) {
        egx_done_error(op, EG_E_TOOBIG, "keys and values may have %u MiB at most",
                       REDIS_VALUE_BYTES / 1024u / 1024u);
        return EG_OK;
    }
    call = make(instance, op);
    call->commit = *commit;
    redis_fresh_nonce(call->nonce);
    call->job.script = REDIS_SCRIPT_WRITE;
    call->job.build = build_write;
    call->job.finish = finish_write;
    redis_job_run(&call->job);
    return EG_OK;
}

int32_t redis_put(void *instance, struct eg_str key, struct eg_str value, uint64_t expect_revision,
                  struct eg_op *op) {
    const struct eg_commit commit = {
        .struct_size = sizeof commit,
        .key = key,
        .value = value,
        .expect_revision = expect_revision,
    };
    return redis_commit(instance, &commit, op);
}

int32_t redis_remove(void *instance, struct eg_str key, uint64_t expect_revision,
                     struct eg_op *op) {
    const struct eg_commit commit = {
        .struct_size = sizeof commit,
        .is_removal = 1,
        .key = key,
        .expect_revision = expect_revision,
    };
    return redis_commit(instance, &commit, op);
}
