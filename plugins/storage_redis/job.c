/*
 * job.c - one run of a script: by its digest, and by its text when the server does not know it (its
 * cache is empty after a restart, a failover or SCRIPT FLUSH). A NOSCRIPT has run nothing, so
 * sending again repeats nothing.
 *
 * Thread: control.
 */
#include "store.h"

#include <hiredis/hiredis.h>

static struct redis_job *as_job(struct redis_call *call) {
    return (struct redis_job *)(void *)((char *)call - offsetof(struct redis_job, call));
}

static void send_job(struct redis_job *job) {
    struct redis_store *store = job->store;
    struct redis_command command;
    redis_command_init(&command, store->host);
    redis_command_add_c(&command, job->is_retry ? "EVAL" : "EVALSHA");
    redis_command_add_c(&command, job->is_retry ? redis_script_text(job->script)
                                                : redis_script_sha1(job->script));
    redis_command_add_c(&command, "5");
    for (size_t i = 0; i < EGX_COUNT(store->keys); i++) {
        redis_command_add_c(&command, store->keys[i]);
    }
    redis_command_add_c(&command, store->epoch);
    job->build(job, &command);
    redis_link_send(store->session.commands, &command, &job->call);
    redis_command_free(&command);
}

static void end_refused(struct redis_job *job, const struct redisReply *reply) {
    struct redis_store *store = job->store;
    struct eg_why why = {.struct_size = sizeof why};
    const struct redis_refusal refusal = redis_refusal_of(egx_str_n(reply->str, reply->len), &why);
    if (refusal.is_noscript && !job->is_retry) {
        job->is_retry = true;
        send_job(job);
        return;
    }
    job->finish(job, refusal.rc, NULL, &why);
    if (refusal.ends_session) {
        redis_session_fail(store, refusal.rc, &why);
    }
}

static void end_lost(struct redis_job *job) {
    struct redis_store *store = job->store;
    struct eg_why why = {.struct_size = sizeof why};
    (void)egx_why(&why, EG_E_UNAVAILABLE, "the data set in redis was removed or replaced");
    job->finish(job, EG_E_UNAVAILABLE, NULL, &why);
    redis_session_fail(store, EG_E_UNAVAILABLE, &why);
}

static void end_garbage(struct redis_job *job) {
    struct eg_why why = {.struct_size = sizeof why};
    (void)egx_why(&why, EG_E_PROTO, "redis has answered what is not understood");
    job->finish(job, EG_E_PROTO, NULL, &why);
}

static void on_answered(struct redis_call *call, const struct redisReply *reply) {
    struct redis_job *job = as_job(call);
    struct redis_store *store = job->store;
    if (reply == NULL) {
        job->is_lost = true;
        job->finish(job, store->session.rc, NULL, &store->session.why);
    } else if (reply->type == REDIS_REPLY_ERROR) {
        end_refused(job, reply);
    } else if (redis_part(reply, 0).len == 0) {
        end_garbage(job);
    } else if (egx_str_eq(redis_part(reply, 0), EGX_STR("LOST"))) {
        end_lost(job);
    } else {
        job->finish(job, EG_OK, reply, NULL);
    }
    redis_session_rest(store);
}

void redis_job_run(struct redis_job *job) {
    struct redis_store *store = job->store;
    job->call.answered = on_answered;
    job->is_retry = false;
    job->is_lost = false;
    if (!redis_session_is_up(store)) {
        job->finish(job, store->session.rc, NULL, &store->session.why);
        return;
    }
    send_job(job);
}
