/*
 * eventgw-sdk/egx_outbox_queue.h - what waits on one loop, the batch that is made of it, and what
 * is said of losses. Inside of egx_outbox.h, which says how it is used. Loop thread.
 */
#ifndef EVENTGW_SDK_OUTBOX_QUEUE_H
#define EVENTGW_SDK_OUTBOX_QUEUE_H

#include "egx_backoff.h"
#include "egx_outbox_rules.h"

/* Shortest time between two lines about what was lost. */
#define EGX_OUTBOX_LOG_NS UINT64_C(10000000000)

/* One piece of what waits. */
struct egx_outbox_item { /* the text stands behind it */
    struct egx_outbox_item *next;
    uint64_t queued_ns;
    size_t units;
    size_t len;
};

/* What waits to be sent, of one loop. */
struct egx_outbox {
    struct egx_outbox *next; /* in the rules' list */
    struct egx_outbox_rules *rules;
    struct eg_loop *loop;
    /* ---- what waits ---- */
    struct egx_outbox_item *first;
    struct egx_outbox_item **last;
    size_t units;
    size_t bytes;
    /* ---- the batch at work ---- */
    struct egx_json body; /* ptr NULL = there is none */
    size_t batch_units;
    uint64_t batch_oldest_ns;
    uint32_t tries;
    char batch_id[33]; /* random, lower-case hex; the same in every try */
    struct eg_http_request request;
    struct eg_kv headers[EGX_OUTBOX_HEADERS];
    char extra[EGX_OUTBOX_EXTRA][EGX_OUTBOX_EXTRA_BYTES];
    size_t extra_count;
    struct eg_http_call *call;
    /* ---- when to go on ---- */
    struct eg_timer *timer;
    struct eg_timer *limit; /* of the last tries */
    uint64_t not_before_ns;
    struct egx_backoff backoff;
    uint32_t is_draining;
    uint32_t is_last_try;
    uint32_t is_over;
    /* ---- what was said ---- */
    uint32_t is_failing;
    uint64_t failing_log_ns; /* not before */
    uint64_t lost_log_ns;
    size_t lost_unlogged[EGX_LOST_REASONS];
};

/* Of the gateway's clock. */
static inline uint64_t egx_outbox_now(const struct egx_outbox *box) {
    return box->rules->host->clock->monotonic_ns(box->rules->host);
}

/* ---- losses and the log ---- */

/* One line for all that was lost since the last one. */
/* With the reasons: when the gateway stops nobody can ask for metrics any more. */
static inline void egx_outbox_log_lost(struct egx_outbox *box, uint64_t now_ns) {
    char reasons[256] = "";
    size_t at = 0;
    size_t all = 0;
    for (size_t i = 0; i < EGX_LOST_REASONS; i++) {
        const size_t lost = box->lost_unlogged[i];
        if (lost > 0) {
            at += (size_t)snprintf(reasons + at, sizeof reasons - at, "%s%s %zu",
                                   all == 0 ? "" : ", ", egx_outbox_reasons[i], lost);
        }
        all += lost;
        box->lost_unlogged[i] = 0;
    }
    if (all > 0) {
        egx_log(box->rules->host, EG_LOG_WARN, "%zu %s were not delivered: %s", all,
                box->rules->noun, reasons);
        box->lost_log_ns = now_ns + EGX_OUTBOX_LOG_NS;
    }
}

/* Counts units that will not be delivered, and logs them with the others of the last seconds. */
static inline void egx_outbox_lose(struct egx_outbox *box, size_t units,
                                   enum egx_outbox_reason reason) {
    const uint64_t now_ns = egx_outbox_now(box);
    if (units == 0) {
        return;
    }
    box->rules->host->metrics->add(box->rules->lost[reason], (int64_t)units);
    box->lost_unlogged[reason] += units;
    if (now_ns >= box->lost_log_ns) {
        egx_outbox_log_lost(box, now_ns);
    }
}

/* Tells once that the receiver does not take it. */
static inline void egx_outbox_say_failing(struct egx_outbox *box,
                                          const struct eg_http_response *response) {
    const uint64_t now_ns = egx_outbox_now(box);
    char text[256];
    if (!box->is_failing && now_ns >= box->failing_log_ns) {
        if (response->error != 0) {
            (void)snprintf(text, sizeof text, "%.*s", EGX_FMT(response->message));
        } else {
            (void)snprintf(text, sizeof text, "the answer was HTTP %d", (int)response->status);
        }
        egx_log(box->rules->host, EG_LOG_WARN, "%s cannot be delivered: %s", box->rules->noun,
                text);
        box->is_failing = 1;
        box->failing_log_ns = now_ns + EGX_OUTBOX_LOG_NS;
    }
}

/* Tells that it takes it again. */
static inline void egx_outbox_say_working(struct egx_outbox *box) {
    if (box->is_failing) {
        egx_log(box->rules->host, EG_LOG_INFO, "%s are delivered again", box->rules->noun);
        box->is_failing = 0;
    }
}

/* ---- queue and batch ---- */

/* Takes the first item off the queue; free it. */
static inline struct egx_outbox_item *egx_outbox_shift(struct egx_outbox *box) {
    struct egx_outbox_item *item = box->first;
    box->first = item->next;
    if (box->first == NULL) {
        box->last = &box->first;
    }
    box->units -= item->units;
    box->bytes -= item->len;
    box->rules->host->metrics->add(box->rules->queued, -(int64_t)item->units);
    return item;
}

/* Loses the oldest. */
static inline void egx_outbox_drop_first(struct egx_outbox *box, enum egx_outbox_reason reason) {
    struct egx_outbox_item *item = egx_outbox_shift(box);
    egx_outbox_lose(box, item->units, reason);
    box->rules->host->mem->free(box->rules->host, item);
}

/* The batch is done with. */
static inline void egx_outbox_end_batch(struct egx_outbox *box) {
    egx_json_free(&box->body);
    box->batch_units = 0;
    box->tries = 0;
}

/* Loses what was being sent. */
static inline void egx_outbox_lose_batch(struct egx_outbox *box, enum egx_outbox_reason reason) {
    egx_outbox_lose(box, box->batch_units, reason);
    egx_outbox_end_batch(box);
}

/* Is there enough for a whole batch? */
static inline int egx_outbox_is_full(const struct egx_outbox *box) {
    const struct egx_outbox_settings *s = box->rules->settings;
    return box->units >= (size_t)s->batch_count || box->bytes >= s->batch_bytes;
}

static inline void egx_outbox_new_id(struct egx_outbox *box) {
    static const char digits[] = "0123456789abcdef";
    unsigned char random[16];
    const uint64_t now_ns = egx_outbox_now(box);
    memset(random, 0, sizeof random);
    if (getrandom(random, sizeof random, GRND_NONBLOCK) != (ssize_t)sizeof random) {
        memcpy(random, &now_ns, sizeof now_ns); /* without entropy, at early boot */
    }
    for (size_t i = 0; i < sizeof random; i++) {
        box->batch_id[2 * i] = digits[random[i] >> 4];
        box->batch_id[2 * i + 1] = digits[random[i] & 15u];
    }
}

/* Of the first items, at least one. */
static inline void egx_outbox_make_batch(struct egx_outbox *box) {
    const struct egx_outbox_rules *rules = box->rules;
    const struct egx_outbox_settings *s = rules->settings;
    size_t bytes = 0;
    box->batch_oldest_ns = box->first->queued_ns;
    egx_json_raw(&box->body, rules->before);
    while (box->first != NULL &&
           (bytes == 0 || (box->batch_units + box->first->units <= (size_t)s->batch_count &&
                           bytes + box->first->len <= s->batch_bytes))) {
        struct egx_outbox_item *item = egx_outbox_shift(box);
        egx_json_raw(&box->body, bytes == 0 ? EGX_STR("") : EGX_STR(","));
        egx_json_raw(&box->body, egx_str_n((const char *)(item + 1), item->len));
        bytes += item->len;
        box->batch_units += item->units;
        rules->host->mem->free(rules->host, item);
    }
    egx_json_raw(&box->body, rules->after);
    egx_outbox_new_id(box);
    if (box->body.is_failed ||
        (rules->encode != NULL && rules->encode(rules->arg, &box->body) < 0)) {
        egx_outbox_lose_batch(box, EGX_LOST_ERROR);
    }
}

#endif
