/*
 * relay.c - see relay.h. The thread owns all descriptors but the wake-up; orders are handed to it
 * under the lock, and answered by the number of the last one it has carried out.
 */
#include "relay.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "server.h"

#define MAX_PAIRS 256u
#define CHUNK_BYTES 65536u

/* One direction of a connection: holds one chunk until it is due and taken. */
struct flow {
    int from;
    int to;
    size_t len;
    size_t sent;
    uint64_t due_ns;
    bool is_last; /* close when it is sent */
    char *data;
};
struct pair {
    size_t asked;     /* bytes to the server since the mode was set */
    struct flow up;   /* to the server */
    struct flow down; /* to the plugin */
};

static struct {
    pthread_t thread;
    bool runs;
    pthread_mutex_t lock;
    pthread_cond_t obeyed;
    int wake;
    /* Under the lock. */
    unsigned ordered;
    unsigned carried_out;
    enum relay_mode mode;
    unsigned delay_ms;
    bool has_to_cut;
    bool has_to_end;
    unsigned connections;
    uint64_t bytes;
    /* Of the thread. */
    int listener;
    bool is_listening;
    uint16_t port;
    uint16_t to_port;
    enum relay_mode present;
    uint64_t present_delay_ns;
    struct pair *pairs[MAX_PAIRS];
    size_t count;
} relay = {.lock = PTHREAD_MUTEX_INITIALIZER, .obeyed = PTHREAD_COND_INITIALIZER, .listener = -1};

static const char portal[] = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 51\r\n"
                             "Connection: close\r\n\r\n"
                             "<html><body>Please <b>log in</b> here</body></html>";

static uint64_t now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* ---- sockets ---- */

static struct sockaddr_in loopback(uint16_t port) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

/* A bound socket that does not listen refuses connections and keeps the port ours. */
static void open_listener(bool is_listening) {
    const struct sockaddr_in address = loopback(relay.port);
    const int yes = 1;
    if (relay.listener >= 0) {
        (void)close(relay.listener);
    }
    relay.listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    (void)setsockopt(relay.listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (bind(relay.listener, (const struct sockaddr *)&address, sizeof address) != 0 ||
        (is_listening && listen(relay.listener, 128) != 0)) {
        perror("relay");
        abort();
    }
    relay.is_listening = is_listening;
}

static void close_pair(size_t index, bool with_reset) {
    struct pair *pair = relay.pairs[index];
    const struct linger at_once = {.l_onoff = 1, .l_linger = 0};
    if (with_reset) {
        (void)setsockopt(pair->up.from, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    }
    (void)close(pair->up.from);
    (void)close(pair->up.to);
    free(pair->up.data);
    free(pair->down.data);
    free(pair);
    relay.pairs[index] = relay.pairs[--relay.count];
}

static void close_pairs(bool with_reset) {
    while (relay.count > 0) {
        close_pair(relay.count - 1, with_reset);
    }
}

static void take_connection(void) {
    const struct sockaddr_in address = loopback(relay.to_port);
    const int yes = 1;
    const int client = accept4(relay.listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (client < 0) {
        return;
    }
    const int server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    const int rc = connect(server, (const struct sockaddr *)&address, sizeof address);
    if (relay.count == MAX_PAIRS || (rc != 0 && errno != EINPROGRESS)) {
        (void)close(client);
        (void)close(server);
        return;
    }
    (void)setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes); /* adds no delay itself */
    (void)setsockopt(server, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    struct pair *pair = calloc(1, sizeof *pair);
    pair->up = (struct flow){.from = client, .to = server, .data = malloc(CHUNK_BYTES)};
    pair->down = (struct flow){.from = server, .to = client, .data = malloc(CHUNK_BYTES)};
    relay.pairs[relay.count++] = pair;
    pthread_mutex_lock(&relay.lock);
    relay.connections++;
    pthread_mutex_unlock(&relay.lock);
}

/* ---- bytes ---- */

static void say(struct flow *flow, const void *bytes, size_t len) {
    memcpy(flow->data, bytes, len);
    flow->len = len;
    flow->sent = 0;
    flow->due_ns = 0;
    flow->is_last = true;
}

static void answer_nonsense(struct pair *pair) {
    unsigned char noise[4096];
    uint32_t state = 0x2545f491u;
    if (relay.present == RELAY_PORTAL) {
        say(&pair->down, portal, sizeof portal - 1);
        return;
    }
    for (size_t i = 0; i < sizeof noise; i++) {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        noise[i] = (unsigned char)(state >> 7);
    }
    say(&pair->down, noise, sizeof noise);
}

/* The server has answered. */
static bool loses_answer(struct pair *pair) {
    const bool is_lost = relay.present == RELAY_LOSE && pair->asked >= RELAY_BIG;
    if (is_lost) {
        pthread_mutex_lock(&relay.lock);
        relay.mode = RELAY_PASS;
        relay.present = RELAY_PASS;
        pthread_mutex_unlock(&relay.lock);
    }
    return is_lost;
}

/* The connection is to be closed: false. */
static bool read_chunk(struct pair *pair, struct flow *flow) {
    const ssize_t len = recv(flow->from, flow->data, CHUNK_BYTES, 0);
    if (len <= 0) {
        return len < 0 && (errno == EAGAIN || errno == EINTR);
    }
    flow->len = (size_t)len;
    flow->sent = 0;
    flow->due_ns = now_ns() + relay.present_delay_ns;
    if (relay.present == RELAY_NOISE || relay.present == RELAY_PORTAL) {
        flow->len = 0;
        answer_nonsense(pair);
    } else if (flow == &pair->down) {
        pthread_mutex_lock(&relay.lock);
        relay.bytes += (uint64_t)len;
        pthread_mutex_unlock(&relay.lock);
        flow->is_last = relay.present == RELAY_TRUNCATE;
        flow->len = flow->is_last ? (flow->len + 1) / 2 : flow->len;
        return !loses_answer(pair);
    } else {
        pair->asked += flow->len;
    }
    return true;
}

static bool write_chunk(struct flow *flow) {
    const ssize_t len =
        send(flow->to, flow->data + flow->sent, flow->len - flow->sent, MSG_NOSIGNAL);
    if (len < 0) {
        return errno == EAGAIN || errno == EINTR;
    }
    flow->sent += (size_t)len;
    if (flow->sent < flow->len) {
        return true;
    }
    flow->len = 0;
    return !flow->is_last;
}

/* What the flow waits for; the time until its chunk is due shortens wait_ms. */
static struct pollfd wish(const struct flow *flow, const struct flow *other, int *wait_ms) {
    struct pollfd wanted = {.fd = -1};
    if (relay.present == RELAY_STALL) {
        return wanted;
    }
    if (flow->len == 0) {
        wanted.fd = other->is_last ? -1 : flow->from;
        wanted.events = POLLIN;
        return wanted;
    }
    const uint64_t now = now_ns();
    if (flow->due_ns > now) {
        const int left_ms = (int)((flow->due_ns - now) / 1000000u) + 1;
        *wait_ms = *wait_ms < 0 || left_ms < *wait_ms ? left_ms : *wait_ms;
        return wanted;
    }
    wanted.fd = flow->to;
    wanted.events = POLLOUT;
    return wanted;
}

static bool move(struct pair *pair, struct flow *flow, const struct pollfd *found) {
    const bool has_changed = (found->events == POLLIN) != (flow->len == 0); /* by the other flow */
    if (found->fd < 0 || found->revents == 0 || has_changed) {
        return true;
    }
    return found->events == POLLIN ? read_chunk(pair, flow) : write_chunk(flow);
}

/* ---- the thread ---- */

static void change_mode(enum relay_mode mode) {
    relay.present = mode;
    if (relay.is_listening == (mode == RELAY_REFUSE)) {
        open_listener(mode != RELAY_REFUSE);
    }
    if (mode == RELAY_REFUSE) {
        close_pairs(true);
    }
    for (size_t i = 0; i < relay.count; i++) {
        relay.pairs[i]->asked = 0;
    }
    for (size_t i = 0; i < relay.count && (mode == RELAY_NOISE || mode == RELAY_PORTAL); i++) {
        answer_nonsense(relay.pairs[i]);
    }
}

/* Returns whether to go on. */
static bool obey(void) {
    uint64_t count = 0;
    (void)!read(relay.wake, &count, sizeof count);
    pthread_mutex_lock(&relay.lock);
    const enum relay_mode mode = relay.mode;
    const bool has_to_cut = relay.has_to_cut;
    const bool has_to_end = relay.has_to_end;
    relay.present_delay_ns = relay.delay_ms * 1000000ull;
    relay.has_to_cut = false;
    pthread_mutex_unlock(&relay.lock);
    if (has_to_cut || has_to_end) {
        close_pairs(false);
    }
    if (mode != relay.present) {
        change_mode(mode);
    }
    pthread_mutex_lock(&relay.lock);
    relay.carried_out = relay.ordered;
    pthread_cond_broadcast(&relay.obeyed);
    pthread_mutex_unlock(&relay.lock);
    return !has_to_end;
}

static void turn(struct pollfd *found) {
    int wait_ms = -1;
    const bool takes_more = relay.is_listening && relay.present != RELAY_STALL;
    const size_t count = relay.count;
    found[0] = (struct pollfd){.fd = relay.wake, .events = POLLIN};
    found[1] = (struct pollfd){.fd = takes_more ? relay.listener : -1, .events = POLLIN};
    for (size_t i = 0; i < count; i++) {
        struct pair *pair = relay.pairs[i];
        found[2 + 2 * i] = wish(&pair->up, &pair->down, &wait_ms);
        found[3 + 2 * i] = wish(&pair->down, &pair->down, &wait_ms);
    }
    if (poll(found, 2 + 2 * count, wait_ms) <= 0 || found[0].revents != 0) {
        return;
    }
    for (size_t i = count; i-- > 0;) { /* from the end: closing one moves the last */
        struct pair *pair = relay.pairs[i];
        if (!move(pair, &pair->up, &found[2 + 2 * i]) ||
            !move(pair, &pair->down, &found[3 + 2 * i])) {
            close_pair(i, false);
        }
    }
    if (found[1].revents != 0) {
        take_connection();
    }
}

static void *run(void *arg) {
    static struct pollfd found[2 + 2 * MAX_PAIRS];
    (void)arg;
    for (bool goes_on = true; goes_on;) {
        turn(found);
        goes_on = found[0].revents == 0 || obey();
    }
    (void)close(relay.listener);
    relay.listener = -1;
    return NULL;
}

/* ---- orders ---- */

/* The lock is held; it is released. */
static void order(void) {
    const uint64_t one = 1;
    const unsigned number = ++relay.ordered;
    (void)!write(relay.wake, &one, sizeof one);
    while (relay.carried_out != number) {
        pthread_cond_wait(&relay.obeyed, &relay.lock);
    }
    pthread_mutex_unlock(&relay.lock);
}

uint16_t relay_start(uint16_t to_port) {
    relay.wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    relay.port = server_free_port();
    relay.to_port = to_port;
    relay.mode = RELAY_PASS;
    relay.present = RELAY_PASS;
    relay.delay_ms = 0;
    relay.present_delay_ns = 0;
    relay.has_to_end = false;
    relay.connections = 0;
    relay.bytes = 0;
    open_listener(true);
    relay.runs = pthread_create(&relay.thread, NULL, run, NULL) == 0;
    if (!relay.runs) {
        perror("relay");
        abort();
    }
    return relay.port;
}

void relay_stop(void) {
    if (!relay.runs) {
        return;
    }
    pthread_mutex_lock(&relay.lock);
    relay.has_to_end = true;
    order();
    (void)pthread_join(relay.thread, NULL);
    (void)close(relay.wake);
    relay.runs = false;
}

void relay_set(enum relay_mode mode) {
    pthread_mutex_lock(&relay.lock);
    relay.mode = mode;
    order();
}

void relay_delay(unsigned delay_ms) {
    pthread_mutex_lock(&relay.lock);
    relay.delay_ms = delay_ms;
    order();
}

void relay_cut(void) {
    pthread_mutex_lock(&relay.lock);
    relay.has_to_cut = true;
    order();
}

unsigned relay_count(void) {
    pthread_mutex_lock(&relay.lock);
    const unsigned count = relay.connections;
    pthread_mutex_unlock(&relay.lock);
    return count;
}

uint64_t relay_bytes(void) {
    pthread_mutex_lock(&relay.lock);
    const uint64_t bytes = relay.bytes;
    pthread_mutex_unlock(&relay.lock);
    return bytes;
}
