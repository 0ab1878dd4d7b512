/*
 * feed.c - what goes on while the session is up: XREAD BLOCK on the second connection comes back
 * with every change, and after a while without one. It only wakes the watches, which read for
 * themselves what has changed; so it need not care what it missed.
 *
 * A connection to which a reply is owed and that says nothing for `dead_after` is dead. XREAD comes
 * back after a third of that at the latest, and then ROLE is asked on the other one, so there
 * always is something that is owed. ROLE also tells of a master that has become a replica, which
 * goes on answering reads.
 *
 * Thread: control.
 */
#include "greeting.h"

#include <hiredis/hiredis.h>

#define MS 1000000u
#define LONGEST_BLOCK_NS 5000000000ull

static uint64_t block_ns(const struct redis_store *store) {
    const uint64_t third = store->settings->dead_after / 3;
    return third < LONGEST_BLOCK_NS ? third : LONGEST_BLOCK_NS;
}

static void on_role(struct redis_call *call, const struct redisReply *reply) {
    struct redis_store *store =
        (struct redis_store *)(void *)((char *)call - offsetof(struct redis_store, session.role));
    struct eg_why why = {.struct_size = sizeof why};
    if (reply == NULL || !redis_session_is_up(store)) {
        return;
    }
    store->session.is_role_asked = false;
    const int32_t rc = reply->type == REDIS_REPLY_ERROR
                           ? redis_refusal_of(egx_str_n(reply->str, reply->len), &why).rc
                           : redis_take_role(store, reply, &why);
    if (rc != EG_OK) {
        redis_session_fail(store, rc, &why);
    }
    redis_session_rest(store);
}

static void ask_role_again(struct redis_store *store) {
    struct redis_command command;
    if (store->session.is_role_asked) {
        return;
    }
    store->session.is_role_asked = true;
    store->session.role.answered = on_role;
    redis_command_init(&command, store->host);
    redis_command_add_c(&command, "ROLE");
    redis_link_send(store->session.commands, &command, &store->session.role);
    redis_command_free(&command);
}

static void wait_for_changes(struct redis_store *store);

/* [[key, [[id, fields]]]] */
static struct eg_str id_of(const struct redisReply *reply) {
    if (!redis_is_array(reply, 1) || !redis_is_array(reply->element[0], 2) ||
        !redis_is_array(reply->element[0]->element[1], 1)) {
        return egx_str_n(NULL, 0);
    }
    return redis_part(reply->element[0]->element[1]->element[0], 0);
}

static void on_changes(struct redis_call *call, const struct redisReply *reply) {
    struct redis_store *store =
        (struct redis_store *)(void *)((char *)call -
                                       offsetof(struct redis_store, session.waiting));
    struct redis_session *session = &store->session;
    struct eg_why why = {.struct_size = sizeof why};
    if (reply == NULL || !redis_session_is_up(store)) {
        return;
    }
    if (reply->type == REDIS_REPLY_ERROR) {
        redis_session_fail(store, redis_refusal_of(egx_str_n(reply->str, reply->len), &why).rc,
                           &why);
        return;
    }
    /* Not as soon as it is up: one that may not read would try again without a pause. */
    session->backoff.tries = 0;
    if (reply->type == REDIS_REPLY_NIL) {
        ask_role_again(store);
    } else {
        const struct eg_str id = id_of(reply);
        if (id.len == 0 || id.len >= sizeof session->feed_id) {
            (void)egx_why(&why, EG_E_PROTO, "its answer to XREAD is not understood");
            redis_session_fail(store, EG_E_PROTO, &why);
            return;
        }
        (void)snprintf(session->feed_id, sizeof session->feed_id, "%.*s", EGX_FMT(id));
    }
    wait_for_changes(store);
    redis_watches_wake(store);
}

static void wait_for_changes(struct redis_store *store) {
    struct redis_session *session = &store->session;
    struct redis_command command;
    session->waiting.answered = on_changes;
    redis_command_init(&command, store->host);
    redis_command_add_c(&command, "XREAD");
    redis_command_add_c(&command, "COUNT");
    redis_command_add_c(&command, "1");
    redis_command_add_c(&command, "BLOCK");
    redis_command_add_number(&command, block_ns(store) / MS);
    redis_command_add_c(&command, "STREAMS");
    redis_command_add_c(&command, store->keys[4]);
    redis_command_add_c(&command, session->feed_id);
    redis_link_send(session->feed, &command, &session->waiting);
    redis_command_free(&command);
}

static void on_heartbeat(void *arg) {
    struct redis_store *store = arg;
    struct redis_session *session = &store->session;
    struct eg_why why = {.struct_size = sizeof why};
    const uint64_t commands_ns = redis_link_silent_ns(session->commands);
    const uint64_t feed_ns = session->feed == NULL ? 0 : redis_link_silent_ns(session->feed);
    const uint64_t silent_ns = commands_ns > feed_ns ? commands_ns : feed_ns;
    if (silent_ns >= store->settings->dead_after) {
        (void)egx_why(&why, EG_E_UNAVAILABLE, "it has said nothing for %llu ms",
                      (unsigned long long)(silent_ns / MS));
        redis_session_fail(store, EG_E_UNAVAILABLE, &why);
    }
}

void redis_feed_start(struct redis_store *store) {
    const uint64_t sixth = store->settings->dead_after / 6;
    store->session.heartbeat = store->host->loop->timer_start(store->host, store->control, sixth,
                                                              sixth, on_heartbeat, store);
    wait_for_changes(store);
}

void redis_feed_stop(struct redis_store *store) {
    store->host->loop->timer_stop(store->host, store->session.heartbeat);
    store->session.heartbeat = NULL;
}
