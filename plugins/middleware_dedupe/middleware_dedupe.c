/*
 * middleware_dedupe - an event that was there before, by source, id and type, is answered like the
 * first and not processed again.
 *
 * on_event decides: the first of its kind goes on and leaves a claim with the request; on_reply
 * turns the claim into an answer that is kept. Duplicates that come between the two wait with their
 * op. Whoever ends the first posts to the loops of those that wait: their exchanges are touched
 * over there only. A claim whose request ends without on_reply is given up by its release, and then
 * the next one that waits is the first.
 *
 * The items of a batch have one reply together. A batch does not wait, since two that wait for each
 * other's items would do so until their deadline.
 */
#include <sys/random.h>

#include "claim.h"

#define REPLAYED EGX_STR("Idempotency-Replayed")
#define STILL_RUNNING                                                                              \
    EGX_STR("Service Unavailable: the same event is still being processed, send it again later")
#define CANCELED "the same event was still being processed"
/* How long before its deadline a wait is given up, so that the client is told why. */
#define MARGIN_NS 200000000u

EGX_SETTING_DURATION(dedupe_settings, window, 1000000, 86400000000000, "5m",
                     "How long an answer is kept, from the answer on.");
EGX_SETTING_INT(dedupe_settings, max_entries, 1, 10000000, "100000",
                "Events that are known at most; then the oldest is forgotten.");
EGX_SETTING_SIZE(dedupe_settings, max_memory, 1 << 20, (int64_t)1 << 40, "64MiB",
                 "Memory for what is known of them, answers among it.");
EGX_SETTING_SIZE(dedupe_settings, max_body, 0, 1 << 30, "64KiB",
                 "Biggest body of an answer that is kept.");
EGX_SETTING_INT(dedupe_settings, max_waiters, 0, 100000, "100",
                "Duplicates of one event that may wait while the first is processed.");
EGX_SETTING_CHOICE(dedupe_settings, remember, "success|no_5xx|all", "success",
                   "Answers that are kept: below 400; all but 408, 425, 429 and 5xx; all.");
EGX_SETTING_LIST(dedupe_settings, key_headers, "(\"authorization\", \"cookie\", \"x-api-key\")",
                 "Headers whose values have to be the same for an event to be a duplicate.");
static const struct eg_setting *const rows[] = {
    EGX_ROW(dedupe_settings, window),      EGX_ROW(dedupe_settings, max_entries),
    EGX_ROW(dedupe_settings, max_memory),  EGX_ROW(dedupe_settings, max_body),
    EGX_ROW(dedupe_settings, max_waiters), EGX_ROW(dedupe_settings, remember),
    EGX_ROW(dedupe_settings, key_headers)};

/* ---- life ---- */

static void destroy(void *instance) {
    struct dedupe *d = instance;
    dedupe_table_free(d->table);
    d->host->mem->free(d->host, d);
}

static void make_metrics(struct dedupe *d) {
    static const char *const results[COUNTS] = {"first",   "replayed", "waited",
                                                "refused", "unkept",   "untracked"};
    const struct eg_host *host = d->host;
    for (size_t i = 0; i < COUNTS; i++) {
        const struct eg_kv label = {EGX_STR("result"), egx_str_c(results[i])};
        d->events[i] = host->metrics->counter(host, EGX_STR("dedupe_events_total"),
                                              EGX_STR("Events with an id, by result."), &label, 1);
    }
}

static int32_t create(const struct eg_host *host, const void *settings_void, void **ret_instance,
                      struct eg_why *ret_why) {
    const struct dedupe_settings *settings = settings_void;
    struct sip_key key;
    if (settings->max_body > settings->max_memory / 16) {
        return egx_why(ret_why, EG_E_INVAL, "'max_memory' has to be 16 times 'max_body' or more");
    }
    if (getrandom(&key, sizeof key, 0) != (ssize_t)sizeof key) {
        return egx_why(ret_why, EG_E_IO, "no random numbers can be had");
    }
    struct dedupe *d = host->mem->alloc(host, sizeof *d);
    d->host = host;
    d->settings = settings;
    d->key = key;
    make_metrics(d);
    const struct table_config config = {
        .max_entries = (uint64_t)settings->max_entries,
        .max_bytes = settings->max_memory,
        .max_waiters = (uint64_t)settings->max_waiters,
        .window_ns = settings->window,
        .evictions =
            host->metrics->counter(host, EGX_STR("dedupe_evictions_total"),
                                   EGX_STR("Events forgotten before their time."), NULL, 0),
        .entries = host->metrics->gauge(host, EGX_STR("dedupe_entries"),
                                        EGX_STR("Events that are known."), NULL, 0),
        .bytes = host->metrics->gauge(host, EGX_STR("dedupe_bytes"),
                                      EGX_STR("Memory for what is known of events."), NULL, 0),
    };
    d->table = dedupe_table_new(host, &config);
    *ret_instance = d;
    return EG_OK;
}

static int32_t attach(void *instance, struct eg_loop *loop, void **ret_slot) {
    const struct dedupe *d = instance;
    struct slot *slot = d->host->mem->alloc(d->host, sizeof *slot);
    slot->loop = loop;
    *ret_slot = slot;
    return EG_OK;
}

static void detach(void *instance, void *slot) {
    const struct dedupe *d = instance;
    d->host->mem->free(d->host, slot);
}

/* ---- answers to duplicates ---- */

static void release_reply(void *owner) {
    dedupe_reply_release(owner);
}

static int32_t replay(const struct dedupe *d, struct eg_exchange *exchange, struct reply *held) {
    const struct eg_exchange_api *api = d->host->exchange;
    const struct eg_buf body = {
        .ptr = held->body.ptr, .len = held->body.len, .release = release_reply, .owner = held};
    const int has_own_reply = !dedupe_is_batch(d, exchange); /* of a batch only the status counts */
    for (size_t i = 0; has_own_reply && i < held->header_count; i++) {
        (void)api->reply_header(exchange, held->headers[i].name, held->headers[i].value);
    }
    if (has_own_reply) {
        (void)api->set_reply_header(exchange, REPLAYED, EGX_STR("true"));
    }
    api->reply(exchange, held->status, held->content_type, body);
    return EG_STOP;
}

/* The same event is in this batch already: whatever becomes of it is the answer to both. */
static int32_t accept_twin(const struct dedupe *d, struct eg_exchange *exchange) {
    d->host->exchange->reply(exchange, 202, egx_str_n(NULL, 0), egx_buf_static(egx_str_n(NULL, 0)));
    return EG_STOP;
}

static int32_t refuse(const struct dedupe *d, struct eg_exchange *exchange) {
    d->host->metrics->add(d->events[COUNT_REFUSED], 1);
    (void)d->host->exchange->set_reply_header(exchange, EGX_STR("Retry-After"), EGX_STR("1"));
    d->host->exchange->reply_error(exchange, 503, STILL_RUNNING);
    return EG_STOP;
}

/* ---- waiting ---- */

static void forget(struct wait *wait) {
    struct wait **link = &wait->slot->waits;
    while (*link != wait) {
        link = &(*link)->next;
    }
    *link = wait->next;
    wait->dedupe->host->loop->timer_stop(wait->dedupe->host, wait->timer);
    wait->dedupe->host->mem->free(wait->dedupe->host, wait);
}

static void on_woken(void *arg) {
    struct wait *wait = arg;
    struct dedupe *d = wait->dedupe;
    struct eg_op *op = wait->op;
    struct eg_exchange *exchange = wait->exchange;
    const struct waiter woken = wait->waiter;
    const int is_over = wait->is_over;
    int32_t verdict = EG_NEXT;
    forget(wait);
    if (is_over) { /* nobody listens any more: what it was given goes on to the next one */
        dedupe_reply_release(woken.reply);
        if (woken.entry != NULL) {
            dedupe_end(d, woken.entry, NULL);
        }
        egx_done_error(op, EG_E_CANCELED, CANCELED);
        return;
    }
    if (woken.reply != NULL) {
        verdict = replay(d, exchange, woken.reply);
        d->host->metrics->add(d->events[COUNT_WAITED], 1);
    } else {
        dedupe_claim_add(d, exchange, woken.entry);
        d->host->metrics->add(d->events[COUNT_FIRST], 1);
    }
    egx_done_verdict(op, verdict);
}

void dedupe_wake(struct dedupe *d, struct waiter *woken) {
    while (woken != NULL) {
        struct waiter *next = woken->next; /* it may be gone with the post */
        struct wait *wait = wait_of(woken);
        d->host->loop->post(d->host, wait->slot->loop, on_woken, wait);
        woken = next;
    }
}

/* Ends a wait that nobody has woken. 0: somebody has, and on_woken comes. */
static int leave(struct wait *wait) {
    if (!dedupe_table_leave(wait->dedupe->table, &wait->waiter)) {
        return 0;
    }
    forget(wait);
    return 1;
}

static void on_patience(void *arg) {
    struct wait *wait = arg;
    struct dedupe *d = wait->dedupe;
    struct eg_op *op = wait->op;
    struct eg_exchange *exchange = wait->exchange;
    if (leave(wait)) {
        (void)refuse(d, exchange);
        egx_done_verdict(op, EG_STOP);
    }
}

static void cancel(void *instance, void *slot_void, struct eg_op *op) {
    const struct slot *slot = slot_void;
    struct wait *wait = slot->waits;
    (void)instance;
    while (wait != NULL && wait->op != op) {
        wait = wait->next;
    }
    if (wait != NULL && leave(wait)) {
        egx_done_error(op, EG_E_CANCELED, CANCELED);
    } else if (wait != NULL) {
        wait->is_over = 1; /* it was woken: on_woken is on its way, and ends the op */
    }
}

static struct wait *new_wait(struct dedupe *d, struct slot *slot, struct eg_exchange *exchange,
                             struct eg_op *op) {
    struct wait *wait = d->host->mem->alloc(d->host, sizeof *wait);
    *wait = (struct wait){
        .dedupe = d, .slot = slot, .exchange = exchange, .op = op, .next = slot->waits};
    slot->waits = wait;
    return wait;
}

static void start_patience(struct wait *wait) {
    const struct eg_host *host = wait->dedupe->host;
    const uint64_t now_ns = host->clock->monotonic_ns(host);
    const uint64_t deadline_ns = wait->op->deadline_ns;
    if (deadline_ns != 0) {
        const uint64_t left_ns = deadline_ns > now_ns ? deadline_ns - now_ns : 0;
        const uint64_t margin_ns = left_ns / 4 < MARGIN_NS ? left_ns / 4 : MARGIN_NS;
        wait->timer = host->loop->timer_start(host, wait->slot->loop, left_ns - margin_ns, 0,
                                              on_patience, wait);
    }
}

/* ---- the hooks ---- */

static int32_t on_event(void *instance, void *slot, struct eg_exchange *exchange,
                        struct eg_event *event, struct eg_op *op) {
    struct dedupe *d = instance;
    struct sip_hash key;
    struct entry *entry = NULL;
    struct reply *reply = NULL;
    if (!dedupe_key(d, exchange, event, &key)) {
        return EG_NEXT;
    }
    struct wait *wait = dedupe_is_batch(d, exchange) ? NULL : new_wait(d, slot, exchange, op);
    const enum look look = dedupe_table_look(d->table, &key, d->host->clock->monotonic_ns(d->host),
                                             d->host->exchange->kept(exchange, d->host),
                                             wait == NULL ? NULL : &wait->waiter, &entry, &reply);
    if (look == LOOK_WAITS) {
        start_patience(wait);
        return EG_PENDING;
    }
    if (wait != NULL) {
        forget(wait);
    }
    switch (look) {
    case LOOK_FIRST:
        dedupe_claim_add(d, exchange, entry);
        d->host->metrics->add(d->events[COUNT_FIRST], 1);
        return EG_NEXT;
    case LOOK_DONE:
        d->host->metrics->add(d->events[COUNT_REPLAYED], 1);
        return replay(d, exchange, reply);
    case LOOK_OWN:
        d->host->metrics->add(d->events[COUNT_REPLAYED], 1);
        return accept_twin(d, exchange);
    case LOOK_FULL:
        d->host->metrics->add(d->events[COUNT_UNTRACKED], 1);
        return EG_NEXT;
    default:
        return refuse(d, exchange);
    }
}

static int32_t on_reply(void *instance, void *slot, struct eg_exchange *exchange,
                        struct eg_op *op) {
    struct dedupe *d = instance;
    (void)slot;
    (void)op;
    dedupe_claim_finish(d, exchange);
    return EG_NEXT;
}

static const struct eg_life_ops life = {.struct_size = sizeof life,
                                        .create = create,
                                        .attach = attach,
                                        .detach = detach,
                                        .destroy = destroy};
static const struct eg_middleware_ops ops = {
    .struct_size = sizeof ops, .on_event = on_event, .on_reply = on_reply, .cancel = cancel};
EGX_COMPONENT(dedupe_component, EG_KIND_MIDDLEWARE, "dedupe",
              "Answers events that were there before like the first time.", dedupe_settings, rows,
              &life, &ops);
EGX_PLUGIN("middleware_dedupe", "0.1.0", "Apache-2.0", EG_ABI_MAKE(0, 3), &dedupe_component)
