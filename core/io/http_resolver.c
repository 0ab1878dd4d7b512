/*
 * io/http_resolver.c - see http_resolver.h. getaddrinfo blocks, and a name server that is away
 * blocks it for tens of seconds. So each lookup has a thread of its own, detached, a bounded number
 * at a time: neither the store's threads (blocking.h) nor the end of the gateway wait for it. What
 * thread and loop share (struct shared) is counted, and outlives whichever ends first; finished
 * lookups wait there, and an eventfd calls the loop.
 *
 * Thread: the loop's, but run_lookup. Ownership: the resolver owns the names that it remembers; a
 * thread owns its job until it has handed it over.
 */
#include "io/http_resolver.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/slice.h"

#define REMEMBERED_NS (60 * GW_NS_PER_S)
#define FAILURE_REMEMBERED_NS GW_NS_PER_S
#define NAMES_MAX ((size_t)1024)
#define THREADS_MAX 16u
#define NAME_BYTES_MAX ((size_t)253) /* RFC 1035 2.3.4 */

struct shared {
    pthread_mutex_t lock;
    uint32_t users; /* the resolver and its threads */
    bool is_closed;
    int event_fd;
    struct gw_node finished; /* struct job */
};

struct job {
    struct gw_node node;
    struct shared *shared;
    char *host;
    int error; /* of getaddrinfo */
    struct gw_http_addresses addresses;
};

struct gw_http_name {
    struct gw_node node; /* in names of the resolver, oldest first, or in queued */
    char *host;
    size_t host_len;
    struct gw_http_addresses addresses;
    uint64_t ends_at_ns;
    bool is_asked; /* queued or being looked up */
    bool has_thread;
    struct gw_node waiting;
};

struct gw_http_resolver {
    struct eg_loop *loop;
    struct shared *shared; /* NULL until the first lookup */
    struct gw_fd fd;
    struct gw_map names; /* struct gw_http_name by host */
    struct gw_node known;
    struct gw_node queued;
    struct gw_node asking;
    uint32_t threads;
};

/* ---- the thread ---- */

static void free_job(struct job *job) {
    gw_free(job->host);
    gw_free(job);
}

static void leave_shared(struct shared *shared) {
    pthread_mutex_lock(&shared->lock);
    const bool is_last = --shared->users == 0;
    pthread_mutex_unlock(&shared->lock);
    if (is_last) {
        close(shared->event_fd);
        pthread_mutex_destroy(&shared->lock);
        gw_free(shared);
    }
}

static bool fits(const struct addrinfo *info, int family) {
    return info->ai_family == family && info->ai_addrlen <= sizeof(union gw_http_address);
}

/* The next address of the family from *at on. */
static bool take_address(const struct addrinfo **at, int family, struct gw_http_addresses *ret) {
    while (*at != NULL && !fits(*at, family)) {
        *at = (*at)->ai_next;
    }
    if (*at == NULL || ret->count == GW_HTTP_ADDRESSES_MAX) {
        return false;
    }
    memcpy(&ret->items[ret->count++], (*at)->ai_addr, (*at)->ai_addrlen);
    *at = (*at)->ai_next;
    return true;
}

/* RFC 8305 4: the preferred family first, then by turns. */
static void sort_addresses(const struct addrinfo *list, struct gw_http_addresses *ret) {
    const struct addrinfo *first = list;
    const struct addrinfo *second = list;
    const int family = list->ai_family;
    const int other = family == AF_INET6 ? AF_INET : AF_INET6;
    bool has_more = true;
    while (has_more) {
        const bool has_first = take_address(&first, family, ret);
        has_more = take_address(&second, other, ret) || has_first;
    }
}

static void look_up(struct job *job) {
    const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    struct addrinfo *list = NULL;
    job->error = getaddrinfo(job->host, NULL, &hints, &list);
    if (job->error == 0 && list != NULL) {
        sort_addresses(list, &job->addresses);
        freeaddrinfo(list);
    }
}

static void *run_lookup(void *arg) {
    struct job *job = arg;
    struct shared *shared = job->shared;
    const uint64_t one = 1;
    look_up(job);
    pthread_mutex_lock(&shared->lock);
    const bool is_closed = shared->is_closed;
    if (!is_closed) {
        gw_list_push(&shared->finished, &job->node);
        const ssize_t written = write(shared->event_fd, &one, sizeof one);
        (void)written; /* a full counter wakes as well */
    }
    pthread_mutex_unlock(&shared->lock);
    if (is_closed) {
        free_job(job);
    }
    leave_shared(shared);
    return NULL;
}

/* Signals are the main thread's. */
static bool start_thread(struct job *job) {
    pthread_t thread;
    pthread_attr_t attributes;
    sigset_t all;
    sigset_t former;
    sigfillset(&all);
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    pthread_sigmask(SIG_SETMASK, &all, &former);
    const bool has_begun = pthread_create(&thread, &attributes, run_lookup, job) == 0;
    pthread_sigmask(SIG_SETMASK, &former, NULL);
    pthread_attr_destroy(&attributes);
    return has_begun;
}

/* ---- names ---- */

static struct gw_http_name *find_name(const struct gw_http_resolver *resolver, struct eg_str host) {
    return gw_map_get(&resolver->names, host);
}

static void free_name(struct gw_http_resolver *resolver, struct gw_http_name *name) {
    (void)gw_map_remove(&resolver->names, gw_str(name->host, name->host_len));
    gw_list_remove(&name->node);
    gw_free(name->host);
    gw_free(name);
}

static struct gw_http_name *add_name(struct gw_http_resolver *resolver, struct eg_str host) {
    if (resolver->names.count >= NAMES_MAX && !gw_list_empty(&resolver->known)) {
        free_name(resolver, GW_CONTAINER(resolver->known.next, struct gw_http_name, node));
    }
    struct gw_http_name *name = gw_alloc(sizeof *name);
    name->host = gw_dup_cstr(host);
    name->host_len = host.len;
    gw_list_init(&name->waiting);
    (void)gw_map_put(&resolver->names, gw_str(name->host, name->host_len), name);
    return name;
}

/* Whoever waits may ask again, drop the name, or let others no longer wait, while being told: their
 * list is not the name's any more. */
static void tell(struct gw_http_name *name) {
    const struct gw_http_addresses addresses = name->addresses;
    struct gw_node waiting;
    gw_list_init(&waiting);
    for (struct gw_node *node; (node = gw_list_shift(&name->waiting)) != NULL;) {
        GW_CONTAINER(node, struct gw_http_lookup, node)->name = NULL;
        gw_list_push(&waiting, node);
    }
    for (struct gw_node *node; (node = gw_list_shift(&waiting)) != NULL;) {
        struct gw_http_lookup *lookup = GW_CONTAINER(node, struct gw_http_lookup, node);
        lookup->on_done(lookup, &addresses);
    }
}

static void learn(struct gw_http_resolver *resolver, const struct job *job) {
    struct gw_http_name *name = find_name(resolver, gw_str_c(job->host));
    GW_ASSERT(name != NULL && name->is_asked); /* names that are asked are not thrown out */
    gw_list_remove(&name->node);
    gw_list_push(&resolver->known, &name->node);
    name->is_asked = name->has_thread = false;
    name->addresses = job->addresses;
    name->addresses.reason = job->error != 0 ? gai_strerror(job->error) : "it has no address";
    name->ends_at_ns =
        gw_monotonic_ns() + (name->addresses.count > 0 ? REMEMBERED_NS : FAILURE_REMEMBERED_NS);
    tell(name);
}

/* ---- lookups ---- */

static void on_finished(struct gw_fd *fd, uint32_t events);

static int32_t make_shared(struct gw_http_resolver *resolver) {
    if (resolver->shared != NULL) {
        return EG_OK;
    }
    const int event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (event_fd < 0 ||
        gw_fd_watch(resolver->loop, &resolver->fd, event_fd, EG_FD_READ, on_finished) != EG_OK) {
        if (event_fd >= 0) {
            close(event_fd);
        }
        return EG_E_IO;
    }
    struct shared *shared = gw_alloc(sizeof *shared);
    pthread_mutex_init(&shared->lock, NULL);
    shared->users = 1;
    shared->event_fd = event_fd;
    gw_list_init(&shared->finished);
    resolver->shared = shared;
    return EG_OK;
}

static void add_user(struct shared *shared) {
    pthread_mutex_lock(&shared->lock);
    shared->users++;
    pthread_mutex_unlock(&shared->lock);
}

/* A lookup that cannot begin is one that has failed for the moment: told like one, by a later turn.
 */
static void begin_lookup(struct gw_http_resolver *resolver, struct gw_http_name *name) {
    struct job *job = gw_alloc(sizeof *job);
    struct shared *shared = resolver->shared;
    job->host = gw_dup_cstr(gw_str(name->host, name->host_len));
    job->shared = shared;
    gw_list_remove(&name->node);
    gw_list_push(&resolver->asking, &name->node);
    name->has_thread = true;
    resolver->threads++;
    add_user(shared);
    if (start_thread(job)) {
        return;
    }
    const uint64_t one = 1;
    job->error = EAI_AGAIN;
    pthread_mutex_lock(&shared->lock);
    shared->users--;
    gw_list_push(&shared->finished, &job->node);
    pthread_mutex_unlock(&shared->lock);
    const ssize_t written = write(shared->event_fd, &one, sizeof one);
    (void)written;
}

static void begin_lookups(struct gw_http_resolver *resolver) {
    while (resolver->threads < THREADS_MAX && !gw_list_empty(&resolver->queued)) {
        begin_lookup(resolver, GW_CONTAINER(resolver->queued.next, struct gw_http_name, node));
    }
}

static struct job *take_finished(struct shared *shared) {
    pthread_mutex_lock(&shared->lock);
    struct gw_node *node = gw_list_shift(&shared->finished);
    pthread_mutex_unlock(&shared->lock);
    return node == NULL ? NULL : GW_CONTAINER(node, struct job, node);
}

static void on_finished(struct gw_fd *fd, uint32_t events) {
    struct gw_http_resolver *resolver = GW_CONTAINER(fd, struct gw_http_resolver, fd);
    uint64_t count = 0;
    (void)events;
    const ssize_t got = read(fd->fd, &count, sizeof count);
    (void)got;
    for (struct job *job; (job = take_finished(resolver->shared)) != NULL;) {
        resolver->threads--;
        learn(resolver, job);
        free_job(job);
    }
    begin_lookups(resolver);
}

/* ---- without a lookup ---- */

static bool parse_literal(struct eg_str host, struct gw_http_addresses *ret) {
    char text[INET6_ADDRSTRLEN];
    const bool is_v6 = host.len > 2 && host.ptr[0] == '[';
    const struct eg_str inner = is_v6 ? gw_str_sub(host, 1, host.len - 2) : host;
    union gw_http_address address = {0};
    if (inner.len >= sizeof text) {
        return false;
    }
    (void)snprintf(text, sizeof text, "%.*s", GW_FMT(inner));
    address.any.sa_family = is_v6 ? AF_INET6 : AF_INET;
    void *bytes = is_v6 ? (void *)&address.v6.sin6_addr : (void *)&address.v4.sin_addr;
    if (inet_pton(address.any.sa_family, text, bytes) != 1) {
        return false;
    }
    ret->count = 1;
    ret->items[0] = address;
    return true;
}

static bool is_localhost(struct eg_str host) {
    return gw_str_eq_nocase(host, GW_STR("localhost")) ||
           gw_str_eq_nocase(host, GW_STR("localhost.")) ||
           (host.len > 10 &&
            gw_str_eq_nocase(gw_str_cut(host, host.len - 10), GW_STR(".localhost")));
}

static void take_loopback(struct gw_http_addresses *ret) {
    ret->count = 2;
    ret->items[0] = (union gw_http_address){
        .v6 = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT}};
    ret->items[1] = (union gw_http_address){
        .v4 = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}}};
}

/* ---- the front ---- */

struct gw_http_resolver *gw_http_resolver_create(struct eg_loop *loop) {
    struct gw_http_resolver *resolver = gw_alloc(sizeof *resolver);
    resolver->loop = loop;
    gw_list_init(&resolver->known);
    gw_list_init(&resolver->queued);
    gw_list_init(&resolver->asking);
    return resolver;
}

/* Names that are being looked up have no waiters left; their jobs find the door closed. */
static void free_names(struct gw_http_resolver *resolver) {
    struct gw_node *const lists[] = {&resolver->known, &resolver->queued, &resolver->asking};
    for (size_t i = 0; i < GW_COUNT(lists); i++) {
        while (!gw_list_empty(lists[i])) {
            free_name(resolver, GW_CONTAINER(lists[i]->next, struct gw_http_name, node));
        }
    }
    gw_map_free(&resolver->names);
}

static void close_shared(struct gw_http_resolver *resolver) {
    struct shared *shared = resolver->shared;
    gw_fd_unwatch(resolver->loop, &resolver->fd);
    pthread_mutex_lock(&shared->lock);
    shared->is_closed = true;
    pthread_mutex_unlock(&shared->lock);
    for (struct job *job; (job = take_finished(shared)) != NULL;) {
        free_job(job);
    }
    leave_shared(shared);
}

void gw_http_resolver_destroy(struct gw_http_resolver *resolver) {
    if (resolver->shared != NULL) {
        close_shared(resolver);
    }
    free_names(resolver);
    gw_free(resolver);
}

static void wait_for(struct gw_http_resolver *resolver, struct gw_http_name *name,
                     struct gw_http_lookup *lookup) {
    gw_list_push(&name->waiting, &lookup->node);
    lookup->name = name;
    if (!name->is_asked) {
        name->is_asked = true;
        gw_list_remove(&name->node);
        gw_list_push(&resolver->queued, &name->node);
        begin_lookups(resolver);
    }
}

bool gw_http_resolver_ask(struct gw_http_resolver *resolver, struct eg_str host,
                          struct gw_http_lookup *lookup, struct gw_http_addresses *ret_addresses) {
    if (parse_literal(host, ret_addresses)) {
        return true;
    }
    if (is_localhost(host)) {
        take_loopback(ret_addresses);
        return true;
    }
    struct gw_http_name *name = find_name(resolver, host);
    if (name != NULL && !name->is_asked && gw_monotonic_ns() < name->ends_at_ns) {
        *ret_addresses = name->addresses;
        return true;
    }
    *ret_addresses = (struct gw_http_addresses){.reason = "it cannot be looked up"};
    if (host.len > NAME_BYTES_MAX + 1 || make_shared(resolver) != EG_OK) {
        return true;
    }
    wait_for(resolver, name != NULL ? name : add_name(resolver, host), lookup);
    return false;
}

/* Else calls that have long given up would have threads, and whoever makes up names could fill the
 * queue. */
void gw_http_resolver_forget(struct gw_http_resolver *resolver, struct gw_http_lookup *lookup) {
    struct gw_http_name *name = lookup->name;
    gw_list_remove(&lookup->node);
    lookup->name = NULL;
    if (name != NULL && !name->has_thread && gw_list_empty(&name->waiting)) {
        free_name(resolver, name);
    }
}

void gw_http_resolver_drop(struct gw_http_resolver *resolver, struct eg_str host) {
    struct gw_http_name *name = find_name(resolver, host);
    if (name != NULL && !name->is_asked) {
        free_name(resolver, name);
    }
}
