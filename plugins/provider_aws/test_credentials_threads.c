/*
 * The cache under several loops at once, each a real thread with its own view: one fetch, everybody
 * gets its keys, refused keys are renewed once. Made for ThreadSanitizer; the host is the least
 * that the cache needs.
 */
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "credentials_cache.h"
#include "unit.h"

#define LOOPS 4
#define ASKS 50

struct task {
    struct task *next;
    void (*work)(void *arg);
    void (*done)(void *arg);
    void *arg;
};

struct eg_loop {
    pthread_mutex_t lock;
    pthread_cond_t news;
    struct task *first;
    struct aws_views *views;
    int answered;
};

static atomic_int fetches;
static struct aws_cache *cache;
static struct aws_source *source;

static void push(struct eg_loop *loop, void (*work)(void *arg), void (*done)(void *arg),
                 void *arg) {
    struct task *task = calloc(1, sizeof *task);
    if (task == NULL) {
        abort();
    }
    *task = (struct task){NULL, work, done, arg};
    (void)pthread_mutex_lock(&loop->lock);
    struct task **at = &loop->first;
    while (*at != NULL) {
        at = &(*at)->next;
    }
    *at = task;
    (void)pthread_cond_signal(&loop->news);
    (void)pthread_mutex_unlock(&loop->lock);
}

static void run_one(struct eg_loop *loop) {
    (void)pthread_mutex_lock(&loop->lock);
    while (loop->first == NULL) {
        (void)pthread_cond_wait(&loop->news, &loop->lock);
    }
    struct task *task = loop->first;
    loop->first = task->next;
    (void)pthread_mutex_unlock(&loop->lock);
    if (task->work != NULL) {
        task->work(task->arg);
    }
    task->done(task->arg);
    free(task);
}

static void loop_post(const struct eg_host *host, struct eg_loop *loop, void (*fn)(void *arg),
                      void *arg) {
    (void)host;
    push(loop, NULL, fn, arg);
}
static int32_t loop_run_blocking(const struct eg_host *host, struct eg_loop *loop,
                                 void (*work)(void *arg), void (*done)(void *arg), void *arg) {
    (void)host;
    atomic_fetch_add(&fetches, 1);
    push(loop, work, done, arg);
    return EG_OK;
}
static void loop_timer_stop(const struct eg_host *host, struct eg_timer *timer) {
    (void)host;
    (void)timer;
}
static int32_t log_enabled(const struct eg_host *host, uint32_t level) {
    (void)host;
    (void)level;
    return 0;
}
static uint64_t clock_monotonic_ns(const struct eg_host *host) {
    (void)host;
    return 1000000000u;
}
static int64_t clock_unix_ns(const struct eg_host *host) {
    (void)host;
    return 1525176000000000000;
}

static const struct eg_loop_api loop_api = {.struct_size = sizeof loop_api,
                                            .post = loop_post,
                                            .run_blocking = loop_run_blocking,
                                            .timer_stop = loop_timer_stop};
static const struct eg_log_api log_api = {.struct_size = sizeof log_api, .enabled = log_enabled};
static const struct eg_clock_api clock_api = {
    .struct_size = sizeof clock_api, .monotonic_ns = clock_monotonic_ns, .unix_ns = clock_unix_ns};
static const struct eg_host host = {
    .struct_size = sizeof host, .loop = &loop_api, .log = &log_api, .clock = &clock_api};

struct waiter {
    struct aws_wait wait;
    struct eg_loop *loop;
    struct aws_creds *creds;
};

static void on_ready(struct aws_wait *wait, struct aws_creds *creds, struct eg_str why) {
    struct waiter *waiter = (struct waiter *)(void *)wait;
    (void)why;
    waiter->creds = creds;
    waiter->loop->answered = 1;
}

/* What a call does: asks, waits on its loop, gives the keys back. */
static struct aws_creds *ask(struct eg_loop *loop, struct aws_creds *refused) {
    struct waiter waiter = {.wait = {.ready = on_ready}, .loop = loop};
    const int32_t status = aws_creds_ask(loop->views, source, EGX_STR("eu"), refused, &waiter.wait,
                                         &waiter.creds, NULL);
    loop->answered = status != 0;
    while (!loop->answered) {
        run_one(loop);
    }
    return waiter.creds;
}

static void *run_loop(void *arg) {
    struct eg_loop *loop = arg;
    struct aws_creds *creds = NULL;
    size_t good = 0;
    loop->views = aws_views_new(&host, loop, cache);
    for (int i = 0; i < ASKS; i++) {
        aws_creds_unref(creds);
        creds = ask(loop, NULL);
        good += creds != NULL && egx_str_eq(creds->keys.access_key_id, EGX_STR("AKIDENV"));
    }
    /* The environment has no others, so everybody is told so, by a fetch or without one. */
    struct aws_creds *other = creds == NULL ? NULL : ask(loop, creds);
    good += other == NULL;
    aws_creds_unref(other);
    aws_creds_unref(creds);
    return (void *)(uintptr_t)good;
}

/* What came after the last answer: news for views that are gone. */
static void drain(struct eg_loop *loop) {
    while (loop->first != NULL) {
        run_one(loop);
    }
}

static const char *env(void *arg, const char *name) {
    (void)arg;
    return strcmp(name, "AWS_ACCESS_KEY_ID") == 0       ? "AKIDENV"
           : strcmp(name, "AWS_SECRET_ACCESS_KEY") == 0 ? "topsecret"
                                                        : NULL;
}

static void loops_share_one_fetch_and_all_get_its_keys(void) {
    static struct eg_loop loops[LOOPS];
    pthread_t threads[LOOPS];
    const struct aws_source_config config = {.profile = {NULL, 0}};
    cache = aws_cache_new(env, NULL);
    CU_ASSERT_EQUAL_FATAL(aws_source_new(cache, &config, &source, NULL), EG_OK);
    for (size_t i = 0; i < LOOPS; i++) {
        (void)pthread_mutex_init(&loops[i].lock, NULL);
        (void)pthread_cond_init(&loops[i].news, NULL);
        CU_ASSERT_EQUAL_FATAL(pthread_create(&threads[i], NULL, run_loop, &loops[i]), 0);
    }
    for (size_t i = 0; i < LOOPS; i++) {
        void *good = NULL;
        CU_ASSERT_EQUAL(pthread_join(threads[i], &good), 0);
        CU_ASSERT_EQUAL((uintptr_t)good, ASKS + 1);
    }
    CU_ASSERT_EQUAL(atomic_load(&fetches), 2); /* the first, and one because of refused keys */
    for (size_t i = 0; i < LOOPS; i++) {
        aws_views_free(loops[i].views);
        drain(&loops[i]);
        (void)pthread_mutex_destroy(&loops[i].lock);
        (void)pthread_cond_destroy(&loops[i].news);
    }
    aws_source_free(source);
    aws_cache_release(cache);
}

UNIT_MAIN(UNIT(loops_share_one_fetch_and_all_get_its_keys))
