/* command.c - see command.h. Thread: any, one at a time. */
#include "command.h"

#include <inttypes.h>
#include <stdlib.h>

void redis_command_init(struct redis_command *command, const struct eg_host *host) {
    command->host = host;
    command->count = 0;
    command->owned_count = 0;
}

void redis_command_free(struct redis_command *command) {
    for (size_t i = 0; i < command->owned_count; i++) {
        command->host->mem->free(command->host, command->owned[i]);
    }
    command->count = 0;
    command->owned_count = 0;
}

void redis_command_add(struct redis_command *command, struct eg_str arg) {
    if (command->count == REDIS_COMMAND_ARGS) {
        abort(); /* the longest is known: a commit with eight checks */
    }
    command->args[command->count++] = arg;
}

void redis_command_add_c(struct redis_command *command, const char *arg) {
    redis_command_add(command, egx_str_c(arg));
}

void redis_command_add_joined(struct redis_command *command, struct eg_str a, struct eg_str b) {
    char *bytes = command->host->mem->alloc(command->host, a.len + b.len + 1);
    if (a.len > 0) {
        memcpy(bytes, a.ptr, a.len);
    }
    if (b.len > 0) {
        memcpy(bytes + a.len, b.ptr, b.len);
    }
    redis_command_add(command, egx_str_n(bytes, a.len + b.len));
    command->owned[command->owned_count++] = bytes;
}

void redis_command_add_number(struct redis_command *command, uint64_t number) {
    char text[24];
    (void)snprintf(text, sizeof text, "%" PRIu64, number);
    redis_command_add_joined(command, egx_str_c(text), egx_str_n(NULL, 0));
}

/* The least key that is greater than all keys with this prefix: the last byte that is not 0xff is
 * counted up, what stands behind it goes. Empty: there is none. */
static struct eg_str prefix_end(struct eg_str prefix, char *bytes) {
    size_t len = prefix.len;
    while (len > 0 && (unsigned char)prefix.ptr[len - 1] == 0xffu) {
        len--;
    }
    if (len > 0) {
        memcpy(bytes, prefix.ptr, len);
        bytes[len - 1] = (char)((unsigned char)bytes[len - 1] + 1u);
    }
    return egx_str_n(bytes, len);
}

void redis_command_add_range(struct redis_command *command, struct eg_str prefix,
                             struct eg_str after) {
    char *bytes = command->host->mem->alloc(command->host, prefix.len + 1);
    const struct eg_str end = prefix_end(prefix, bytes);
    if (after.ptr != NULL) {
        redis_command_add_joined(command, EGX_STR("("), after);
    } else {
        redis_command_add_joined(command, EGX_STR("["), prefix);
    }
    if (end.len > 0) {
        redis_command_add_joined(command, EGX_STR("("), end);
    } else {
        redis_command_add(command, EGX_STR("+"));
    }
    command->host->mem->free(command->host, bytes);
}
