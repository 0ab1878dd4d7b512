/*
 * broken.c - one plugin of middleware (and others), each of which breaks one rule of the contract
 * while it runs: what `plugin check` has to find. zoo.c has those that are not even loaded.
 */
#define _GNU_SOURCE
#include <eventgw-sdk/egx.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

struct self {
    const struct eg_host *host;
    struct eg_loop *loop;
    struct eg_timer *timer;
    struct eg_op *op;
};

static void *last_self; /* what an instance that is disturbed by another one shares with it */

/* ---- lives ---- */

static int32_t make(const struct eg_host *host, const void *settings, void **ret_instance,
                    struct eg_why *ret_why) {
    struct self *self = host->mem->alloc(host, sizeof *self);
    (void)settings;
    (void)ret_why;
    self->host = host;
    *ret_instance = self;
    return EG_OK;
}

static void end(void *instance) {
    struct self *self = instance;
    self->host->mem->free(self->host, self);
}

static int32_t take_loop(void *instance, struct eg_loop *loop, void **ret_slot) {
    ((struct self *)instance)->loop = loop;
    *ret_slot = instance;
    return EG_OK;
}

static int32_t crash(const struct eg_host *host, const void *settings, void **ret_instance,
                     struct eg_why *ret_why) {
    (void)host;
    (void)settings;
    (void)ret_instance;
    (void)ret_why;
    abort();
}

static int32_t leave(const struct eg_host *host, const void *settings, void **ret_instance,
                     struct eg_why *ret_why) {
    (void)host;
    (void)settings;
    (void)ret_instance;
    (void)ret_why;
    exit(7);
}

static uint32_t instances;

static int32_t make_the_only_one(const struct eg_host *host, const void *settings,
                                 void **ret_instance, struct eg_why *ret_why) {
    if (instances > 0) {
        return egx_why(ret_why, EG_E_EXISTS, "there can be only one");
    }
    instances++;
    return make(host, settings, ret_instance, ret_why);
}

static int to_thread = -1;

static void *end_ops(void *from) {
    struct eg_op *op = NULL;
    while (read((int)(intptr_t)from, &op, sizeof op) == sizeof op) {
        egx_done_verdict(op, EG_NEXT);
    }
    return NULL;
}

/* One thread for all, as long as the process: to begin one may take its time on a busy machine, and
 * a call must not. */
static int32_t make_with_thread(const struct eg_host *host, const void *settings,
                                void **ret_instance, struct eg_why *ret_why) {
    int ends[2];
    pthread_t thread;
    if (to_thread < 0) {
        if (pipe(ends) != 0 ||
            pthread_create(&thread, NULL, end_ops, (void *)(intptr_t)ends[0]) != 0) {
            return egx_why(ret_why, EG_E_INTERNAL, "no thread");
        }
        (void)pthread_detach(thread);
        to_thread = ends[1];
    }
    return make(host, settings, ret_instance, ret_why);
}

static int32_t refuse_without_words(const struct eg_host *host, const void *settings,
                                    void **ret_instance, struct eg_why *ret_why) {
    (void)host;
    (void)settings;
    (void)ret_instance;
    (void)ret_why;
    return EG_E_INVAL;
}

static void end_the_only_one(void *instance) {
    instances--;
    end(instance);
}

static void keep_self(void *instance) {
    (void)instance;
}

static void tick(void *arg) {
    (void)arg;
}

static int32_t start_timer(void *instance, struct eg_loop *loop, void **ret_slot) {
    struct self *self = instance;
    self->timer =
        self->host->loop->timer_start(self->host, loop, 1000000000, 1000000000, tick, self);
    return take_loop(instance, loop, ret_slot);
}

static int32_t start_and_forget(void *instance, struct eg_op *op) {
    (void)instance;
    (void)op;
    return EG_OK;
}

static int32_t start_and_fail(void *instance, struct eg_op *op) {
    (void)instance;
    op->done(op, EG_E_IO, NULL);
    return EG_OK;
}

static int32_t make_shared(const struct eg_host *host, const void *settings, void **ret_instance,
                           struct eg_why *ret_why) {
    const int32_t rc = make(host, settings, ret_instance, ret_why);
    last_self = *ret_instance;
    return rc;
}

static void end_shared(void *instance) {
    last_self = NULL;
    end(instance);
}

/* ---- hooks ---- */

#define HOOK(name)                                                                                 \
    static int32_t name(void *instance, void *slot, struct eg_exchange *exchange, struct eg_op *op)
#define UNUSED()                                                                                   \
    (void)instance;                                                                                \
    (void)slot;                                                                                    \
    (void)exchange;                                                                                \
    (void)op

HOOK(never_done) {
    UNUSED();
    return EG_PENDING;
}
HOOK(two_dones) {
    UNUSED();
    egx_done_verdict(op, EG_NEXT);
    egx_done_verdict(op, EG_NEXT);
    return EG_PENDING;
}
static void done_again(void *arg) {
    egx_done_verdict(arg, EG_NEXT);
}
HOOK(a_late_done) {
    const struct self *self = instance;
    UNUSED();
    egx_done_verdict(op, EG_NEXT);
    self->host->loop->post(self->host, self->loop, done_again, op);
    return EG_PENDING;
}
HOOK(done_at_once) {
    UNUSED();
    egx_done_verdict(op, EG_NEXT);
    return EG_NEXT;
}
HOOK(done_and_refused) {
    UNUSED();
    egx_done_verdict(op, EG_NEXT);
    return EG_E_IO;
}
HOOK(fails_without_words) {
    UNUSED();
    op->done(op, EG_E_IO, NULL);
    return EG_PENDING;
}
HOOK(stops_without_reply) {
    UNUSED();
    return EG_STOP;
}
HOOK(odd_verdict) {
    UNUSED();
    return 77;
}
HOOK(odd_error) {
    UNUSED();
    return -77;
}
HOOK(odd_status) {
    const struct self *self = instance;
    UNUSED();
    self->host->exchange->reply(exchange, 7, EGX_STR(""), egx_buf_static(EGX_STR("")));
    return EG_STOP;
}
HOOK(leaks) {
    const struct self *self = instance;
    struct eg_json *root = NULL;
    UNUSED();
    (void)self->host->mem->alloc(self->host, 1);
    (void)self->host->mem->copy(self->host, EGX_STR("x"));
    (void)self->host->json->parse(self->host, EGX_STR("{}"), &root, NULL);
    return EG_NEXT;
}
HOOK(sleeps) {
    const struct timespec nap = {0, 80000000};
    UNUSED();
    (void)nanosleep(&nap, NULL);
    return EG_NEXT;
}
HOOK(leaves_quietly) {
    UNUSED();
    exit(0);
}
/* Whoever kills the group that it was in does not reach it. */
HOOK(leaves_its_group) {
    UNUSED();
    if (setpgid(0, getpgid(getppid())) == 0) {
        (void)pause();
    }
    return EG_NEXT;
}
HOOK(hangs) {
    UNUSED();
    for (;;) {
        (void)pause();
    }
    return EG_NEXT;
}
HOOK(uses_shared) {
    const struct self *self = last_self;
    UNUSED();
    return self->host == NULL ? EG_E_INTERNAL : EG_NEXT;
}
HOOK(in_a_thread) { /* this one is allowed */
    UNUSED();
    return write(to_thread, &op, sizeof op) == sizeof op ? EG_PENDING : EG_E_IO;
}

/* ---- the components ---- */

#define LIFE(name, ...)                                                                            \
    static const struct eg_life_ops life_##name = {.struct_size = sizeof life_##name, __VA_ARGS__}
LIFE(usual, .create = make, .attach = take_loop, .destroy = end);
LIFE(crash, .create = crash, .destroy = end);
LIFE(threaded, .create = make_with_thread, .attach = take_loop, .destroy = end);
LIFE(only_one, .create = make_the_only_one, .destroy = end_the_only_one);
LIFE(leave, .create = leave, .destroy = end);
LIFE(wordless, .create = refuse_without_words, .destroy = end);
LIFE(leak, .create = make, .destroy = keep_self);
LIFE(timer, .create = make, .attach = start_timer, .destroy = end);
LIFE(no_start, .create = make, .start = start_and_forget, .destroy = end);
LIFE(bad_start, .create = make, .start = start_and_fail, .destroy = end);
LIFE(shared, .create = make_shared, .destroy = end_shared);

#define MIDDLEWARE(name, life, hook)                                                               \
    static const struct eg_middleware_ops ops_##name = {.struct_size = sizeof ops_##name,          \
                                                        .on_request = hook};                       \
    EGX_COMPONENT_BARE(component_##name, EG_KIND_MIDDLEWARE, #name, "breaks a rule", &life_##life, \
                       &ops_##name)
#define ALL(X)                                                                                     \
    X(never_done, usual, never_done)                                                               \
    X(two_dones, usual, two_dones)                                                                 \
    X(a_late_done, usual, a_late_done)                                                             \
    X(done_at_once, usual, done_at_once)                                                           \
    X(done_and_refused, usual, done_and_refused)                                                   \
    X(fails_without_words, usual, fails_without_words)                                             \
    X(stops_without_reply, usual, stops_without_reply)                                             \
    X(odd_verdict, usual, odd_verdict)                                                             \
    X(odd_error, usual, odd_error)                                                                 \
    X(odd_status, usual, odd_status)                                                               \
    X(leaks, usual, leaks)                                                                         \
    X(sleeps, usual, sleeps)                                                                       \
    X(hangs, usual, hangs)                                                                         \
    X(leaves_quietly, usual, leaves_quietly)                                                       \
    X(leaves_its_group, usual, leaves_its_group)                                                   \
    X(in_a_thread, threaded, in_a_thread)                                                          \
    X(crashes, crash, NULL)                                                                        \
    X(leaves, leave, NULL)                                                                         \
    X(only_one, only_one, NULL)                                                                    \
    X(wordless, wordless, NULL)                                                                    \
    X(forgets_itself, leak, NULL)                                                                  \
    X(forgets_timer, timer, NULL)                                                                  \
    X(never_started, no_start, NULL)                                                               \
    X(cannot_start, bad_start, NULL)                                                               \
    X(disturbs, shared, uses_shared)
#define DEFINE(name, life, hook) MIDDLEWARE(name, life, hook);
ALL(DEFINE)

#define LIST(name, life, hook) &component_##name,

/* A reacter with an interest in what does not happen. */
static const struct eg_interest misspelt = {.struct_size = sizeof misspelt,
                                            .event_type = "eventgateway.function.failed"};
static const struct eg_interest *const in_vain[] = {&misspelt};

static const struct eg_interest *const *interests(void *instance, size_t *ret_count) {
    (void)instance;
    *ret_count = EGX_COUNT(in_vain);
    return in_vain;
}

static int32_t react(void *instance, void *slot, const struct eg_event *event, struct eg_op *op) {
    (void)instance;
    (void)slot;
    (void)event;
    (void)op;
    return EG_NEXT;
}
static const struct eg_reacter_ops reacter_ops = {
    .struct_size = sizeof reacter_ops, .interests = interests, .react = react};
EGX_COMPONENT_BARE(component_waits_in_vain, EG_KIND_REACTER, "waits_in_vain", "is never told",
                   &life_usual, &reacter_ops);

static const struct eg_component *const components[] = {ALL(LIST) & component_waits_in_vain};
EG_PLUGIN_EXPORT const struct eg_plugin eg_plugin_constant = {EG_PLUGIN_MAGIC,
                                                              (uint32_t)sizeof(struct eg_plugin),
                                                              EG_ABI,
                                                              EG_ABI_MAKE(0, 1),
                                                              "broken",
                                                              "1.0.0",
                                                              "Apache-2.0",
                                                              components,
                                                              EGX_COUNT(components)};
