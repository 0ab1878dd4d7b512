/*
 * greeting.h - what is said at the beginning of a connection, one command after the other: who we
 * are, which database, whether the server is a master, and where its data set stands.
 */
#ifndef STORAGE_REDIS_GREETING_H
#define STORAGE_REDIS_GREETING_H

#include "store.h"

struct redis_step {
    /* Adds the command; false: there is no need of it. */
    bool (*ask)(struct redis_store *store, struct redis_command *command);
    /* Of a reply that is no error: 0, or why the server cannot be used. */
    int32_t (*take)(struct redis_store *store, const struct redisReply *reply,
                    struct eg_why *ret_why);
};

struct redis_steps {
    const struct redis_step *items;
    size_t count;
};
extern const struct redis_steps redis_steps_commands;
extern const struct redis_steps redis_steps_feed;
extern const struct redis_steps redis_steps_sentinel;

/* ROLE, which is asked later too. */
int32_t redis_take_role(struct redis_store *store, const struct redisReply *reply,
                        struct eg_why *ret_why);
#endif
