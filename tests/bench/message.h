/*
 * tests/bench/message.h - where an HTTP message ends, and what its head says of that: no more than
 * the programs of the benchmark need of each other and of a gateway. Bytes end with NUL.
 */
#ifndef BENCH_MESSAGE_H
#define BENCH_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

struct message {
    size_t head; /* bytes, the empty line too */
    bool has_length;
    size_t length; /* of the body, as announced; else 0 */
    bool has_more; /* the header that was asked for */
};

/* more: one header beside the length, as "\nname:", or NULL. False: the head is not complete. The
 * bytes are as before. */
static inline bool message_read(char *bytes, const char *more, struct message *ret_message) {
    static const char length_name[] = "\ncontent-length:";
    const char *end = strstr(bytes, "\r\n\r\n");
    if (end == NULL) {
        return false;
    }
    const size_t head = (size_t)(end - bytes) + 4;
    const char after = bytes[head];
    bytes[head] = '\0';
    const char *length = strcasestr(bytes, length_name);
    *ret_message = (struct message){
        .head = head,
        .has_length = length != NULL,
        .length = length == NULL ? 0 : strtoul(length + sizeof length_name - 1, NULL, 10),
        .has_more = more != NULL && strcasestr(bytes, more) != NULL,
    };
    bytes[head] = after;
    return true;
}

#endif
