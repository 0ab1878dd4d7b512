/* greeting.c - see greeting.h. Control thread. */
#include "greeting.h"

#include <hiredis/hiredis.h>

/* ---- who we are ---- */

static bool ask_password(struct redis_command *command, struct eg_str username,
                         struct eg_str password) {
    if (password.len == 0 && username.len == 0) {
        return false;
    }
    redis_command_add_c(command, "AUTH");
    if (username.len > 0) {
        redis_command_add(command, username);
    }
    redis_command_add(command, password);
    return true;
}

static bool ask_auth(struct redis_store *store, struct redis_command *command) {
    return ask_password(command, store->settings->username, store->settings->password);
}

static bool ask_sentinel_auth(struct redis_store *store, struct redis_command *command) {
    return ask_password(command, store->settings->sentinel_username,
                        store->settings->sentinel_password);
}

static bool ask_database(struct redis_store *store, struct redis_command *command) {
    if (store->settings->database == 0) {
        return false;
    }
    redis_command_add_c(command, "SELECT");
    redis_command_add_number(command, (uint64_t)store->settings->database);
    return true;
}

static int32_t take_ok(struct redis_store *store, const struct redisReply *reply,
                       struct eg_why *ret_why) {
    (void)store;
    const bool is_ok = reply->type == REDIS_REPLY_STATUS &&
                       egx_str_eq(egx_str_n(reply->str, reply->len), EGX_STR("OK"));
    return is_ok ? EG_OK : egx_why(ret_why, EG_E_PROTO, "its answer is not understood");
}

/* ---- is it the one to write to ---- */

static bool ask_role(struct redis_store *store, struct redis_command *command) {
    (void)store;
    redis_command_add_c(command, "ROLE");
    return true;
}

int32_t redis_take_role(struct redis_store *store, const struct redisReply *reply,
                        struct eg_why *ret_why) {
    (void)store;
    const struct eg_str role = redis_part(reply, 0);
    if (egx_str_eq(role, EGX_STR("master"))) {
        return EG_OK;
    }
    if (egx_str_eq(role, EGX_STR("slave"))) {
        return egx_why(ret_why, EG_E_UNAVAILABLE, "it is a replica of %.*s",
                       EGX_FMT(redis_part(reply, 1)));
    }
    if (egx_str_eq(role, EGX_STR("sentinel"))) {
        return egx_why(ret_why, EG_E_INVAL,
                       "it is a Sentinel: name it in sentinels, with sentinel_master");
    }
    return egx_why(ret_why, EG_E_PROTO, "its answer is not understood");
}

/* ---- where the data set stands ---- */

static bool ask_open(struct redis_store *store, struct redis_command *command) {
    char epoch[REDIS_NONCE_BYTES];
    redis_fresh_nonce(epoch);
    redis_command_add_c(command, "EVAL");
    redis_command_add_c(command, redis_script_text(REDIS_SCRIPT_OPEN));
    redis_command_add_c(command, "5");
    for (size_t i = 0; i < EGX_COUNT(store->keys); i++) {
        redis_command_add_c(command, store->keys[i]);
    }
    redis_command_add_joined(command, egx_str_c(epoch), egx_str_n(NULL, 0));
    return true;
}

static int32_t take_open(struct redis_store *store, const struct redisReply *reply,
                         struct eg_why *ret_why) {
    const struct eg_str word = redis_part(reply, 0);
    const struct eg_str epoch = redis_part(reply, 1);
    uint64_t revision = 0;
    if (egx_str_eq(word, EGX_STR("FORMAT"))) {
        return egx_why(ret_why, EG_E_UNSUPPORTED,
                       "its data set has format %.*s of a later event gateway; this one knows 1",
                       EGX_FMT(epoch));
    }
    if (!egx_str_eq(word, EGX_STR("OK")) || epoch.len == 0 || epoch.len >= REDIS_NONCE_BYTES ||
        !redis_number(redis_part(reply, 2), &revision)) {
        return egx_why(ret_why, EG_E_PROTO, "its answer is not understood");
    }
    (void)snprintf(store->epoch, sizeof store->epoch, "%.*s", EGX_FMT(epoch));
    (void)snprintf(store->session.feed_id, sizeof store->session.feed_id, "%llu-0",
                   (unsigned long long)revision);
    return EG_OK;
}

/* ---- of a Sentinel ---- */

static bool ask_master(struct redis_store *store, struct redis_command *command) {
    redis_command_add_c(command, "SENTINEL");
    redis_command_add_c(command, "GET-MASTER-ADDR-BY-NAME");
    redis_command_add(command, store->settings->sentinel_master);
    return true;
}

static int32_t take_master(struct redis_store *store, const struct redisReply *reply,
                           struct eg_why *ret_why) {
    const struct eg_str address = redis_part(reply, 0);
    const struct eg_str port = redis_part(reply, 1);
    if (reply->type == REDIS_REPLY_NIL) {
        return egx_why(ret_why, EG_E_UNAVAILABLE, "the Sentinel knows no master '%.*s'",
                       EGX_FMT(store->settings->sentinel_master));
    }
    if (address.len == 0 || port.len == 0 || address.len > 255 || port.len > 5) {
        return egx_why(ret_why, EG_E_PROTO, "its answer is not understood");
    }
    const bool is_v6 = memchr(address.ptr, ':', address.len) != NULL;
    (void)snprintf(store->session.master, sizeof store->session.master, "%s%.*s%s:%.*s",
                   is_v6 ? "[" : "", EGX_FMT(address), is_v6 ? "]" : "", EGX_FMT(port));
    return EG_OK;
}

static const struct redis_step commands_steps[] = {{ask_auth, take_ok},
                                                   {ask_database, take_ok},
                                                   {ask_role, redis_take_role},
                                                   {ask_open, take_open}};
static const struct redis_step feed_steps[] = {{ask_auth, take_ok}, {ask_database, take_ok}};
static const struct redis_step sentinel_steps[] = {{ask_sentinel_auth, take_ok},
                                                   {ask_master, take_master}};
const struct redis_steps redis_steps_commands = {commands_steps, EGX_COUNT(commands_steps)};
const struct redis_steps redis_steps_feed = {feed_steps, EGX_COUNT(feed_steps)};
const struct redis_steps redis_steps_sentinel = {sentinel_steps, EGX_COUNT(sentinel_steps)};
