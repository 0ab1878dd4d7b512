/*
 * client_log.c - the library's log, per client. Its callback gets a line and nothing that says
 * whose (zookeeper_init2 takes a plain function), so there is a fixed number of functions, each
 * lent to one client. Who finds none free goes without the library's words.
 *
 * Thread: take and give back on control threads, the functions on threads of the library, which run
 * between the two only.
 */
#include <pthread.h>
#include <string.h>

#include "client.h"

#define SLOTS 8u

struct slot {
    void (*take)(void *arg, struct eg_str message);
    void *arg;
};
static struct slot slots[SLOTS];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* "2026-01-01 00:00:00,000:1(0x1):ZOO_ERROR@function@1234: message" without what comes before the
 * message. */
static struct eg_str message_of(const char *line) {
    const char *place = strstr(line, ":ZOO_");
    const char *at = place == NULL ? NULL : strchr(place, '@');
    const char *message = at == NULL ? NULL : strstr(at, ": ");
    struct eg_str text = egx_str_c(message == NULL ? line : message + 2);
    while (text.len > 0 && text.ptr[text.len - 1] == '\n') {
        text.len--;
    }
    return text;
}

static void write_line(size_t index, const char *line) {
    if (slots[index].take != NULL) {
        slots[index].take(slots[index].arg, message_of(line));
    }
}

#define SLOT_FUNCTION(n)                                                                           \
    static void write_##n(const char *line) {                                                      \
        write_line(n, line);                                                                       \
    }
SLOT_FUNCTION(0)
SLOT_FUNCTION(1)
SLOT_FUNCTION(2)
SLOT_FUNCTION(3)
SLOT_FUNCTION(4)
SLOT_FUNCTION(5)
SLOT_FUNCTION(6)
SLOT_FUNCTION(7)
static const zk_log_fn functions[SLOTS] = {write_0, write_1, write_2, write_3,
                                           write_4, write_5, write_6, write_7};

zk_log_fn zk_log_take(void (*take)(void *arg, struct eg_str message), void *arg) {
    zk_log_fn fn = NULL;
    pthread_mutex_lock(&lock);
    for (size_t i = 0; i < SLOTS && fn == NULL; i++) {
        if (slots[i].take == NULL) {
            slots[i] = (struct slot){take, arg};
            fn = functions[i];
        }
    }
    pthread_mutex_unlock(&lock);
    return fn;
}

void zk_log_give_back(zk_log_fn fn) {
    pthread_mutex_lock(&lock);
    for (size_t i = 0; i < SLOTS; i++) {
        if (functions[i] == fn) {
            slots[i] = (struct slot){NULL, NULL};
        }
    }
    pthread_mutex_unlock(&lock);
}

void zk_log_silence(const char *line) {
    (void)line;
}
