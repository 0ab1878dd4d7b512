/*
 * fake_parts.h - the inside of the fake host. Memory of a test is small and short: what is handed
 * out lies in `kept` until egx_fake_free. What a plugin allocates is counted, not kept.
 */
#ifndef FAKE_PARTS_H
#define FAKE_PARTS_H

#include <pthread.h>

#include <eventgw-sdk/egx.h>
#include <eventgw-sdk/fake_host.h>

struct fake_list { /* of pointers */
    void **items;
    size_t count;
};

struct eg_loop {
    struct egx_fake *fake;
};

struct egx_fake {
    struct eg_host host;
    struct eg_loop loop;
    struct fake_list kept;
    pthread_mutex_t kept_lock; /* of kept, lines and metrics: any thread logs and counts */
    size_t allocations;
    size_t json_roots; /* of the allocations */
    struct fake_copies *copies;
    uint32_t is_timed;
    uint64_t slowest_ns;
    uint64_t monotonic_ns;
    int64_t unix_ns;
    pthread_t thread;     /* the one of the loop */
    pthread_mutex_t lock; /* of posts */
    pthread_cond_t moved; /* there is a new post, or an op is done */
    struct fake_list posts;
    struct fake_list timers;
    struct fake_list watches;
    struct fake_list lines;
    struct fake_list requests; /* what was sent */
    struct fake_list calls;    /* without an answer */
    struct fake_list answers;  /* not used yet */
    struct fake_list metrics;
    struct fake_list jsons;            /* roots of events, freed at the end */
    struct fake_list called;           /* functions that were called */
    struct fake_list function_calls;   /* of them, not ended yet */
    struct fake_list function_answers; /* not used yet */
    int32_t call_refusal;              /* what the next call of a function returns */
};

void *fake_alloc(size_t size); /* zeroed, never fails */
void fake_push(struct fake_list *list, void *item);
void fake_remove(struct fake_list *list, const void *item);
void *fake_shift(struct fake_list *list); /* or NULL */
/* Of any thread; freed with the fake. */
void *fake_keep(struct egx_fake *fake, size_t size);
void fake_own(struct egx_fake *fake, void *ptr); /* the same for what is there already */
char *fake_dup(struct egx_fake *fake, struct eg_str text);
struct egx_fake *fake_of(const struct eg_host *host);

extern const struct eg_loop_api fake_loop_api;
extern const struct eg_http_api fake_http_api;
extern const struct eg_json_api fake_json_api;
extern const struct eg_event_api fake_event_api;
extern const struct eg_exchange_api fake_exchange_api;
extern const struct eg_metrics_api fake_metrics_api;
extern const struct eg_function_api fake_function_api;

/* The object (NULL = an empty one) with this member in it; take, for free(). */
char *fake_with_member(const char *object_json, const char *name, const char *value_json);

size_t fake_http_run(struct egx_fake *fake);
size_t fake_function_run(struct egx_fake *fake);
void fake_json_free_roots(struct egx_fake *fake);

/* in fake_watch.c: what the fake notices besides */
struct fake_copies *fake_copies_new(void);
void fake_copies_end(struct fake_copies *copies); /* the fake's own part in it */
struct eg_buf fake_copies_make(struct fake_copies *copies, struct eg_str bytes);
uint64_t fake_began(const struct egx_fake *fake); /* for fake_took, around a callback */
void fake_took(struct egx_fake *fake, uint64_t began_ns);

#endif
