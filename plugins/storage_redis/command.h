/*
 * command.h - a command on its way to Redis: slices, and the memory of those that are made up for
 * it. It lives until it was written into the buffer of a connection.
 */
#ifndef STORAGE_REDIS_COMMAND_H
#define STORAGE_REDIS_COMMAND_H

#include <eventgw-sdk/egx.h>

#define REDIS_COMMAND_ARGS 64u

struct redis_command {
    const struct eg_host *host;
    size_t count;
    struct eg_str args[REDIS_COMMAND_ARGS];
    size_t owned_count;
    void *owned[REDIS_COMMAND_ARGS];
};

void redis_command_init(struct redis_command *command, const struct eg_host *host);
void redis_command_free(struct redis_command *command);
/* Borrowed until free. */
void redis_command_add(struct redis_command *command, struct eg_str arg);
void redis_command_add_c(struct redis_command *command, const char *arg);
/* Copies. */
void redis_command_add_number(struct redis_command *command, uint64_t number);
void redis_command_add_joined(struct redis_command *command, struct eg_str a, struct eg_str b);
/* Two: the bounds of ZRANGEBYLEX for the keys that begin with prefix, and (unless its ptr is NULL)
 * are greater than after. */
void redis_command_add_range(struct redis_command *command, struct eg_str prefix,
                             struct eg_str after);

#endif
