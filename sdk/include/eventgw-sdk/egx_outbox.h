/*
 * eventgw-sdk/egx_outbox.h - delivers small texts to an HTTP service in batches, without ever
 * delaying who hands them over: a bounded queue per loop, batches by count, bytes and age, one
 * request at a time, pauses between tries (Retry-After, or a random one that grows), an end of
 * trying, a last try when the gateway stops. What is lost is counted by reason and logged at most
 * every ten seconds. Not part of egx.h; include it where it is needed.
 *
 *   create   fill in the first part of a struct egx_outbox_rules; egx_outbox_begin
 *   start    egx_outbox_check_files
 *   attach   *ret_slot = egx_outbox_attach(&me->rules, loop);
 *   react    egx_outbox_push(slot, text, 1);
 *   detach   egx_outbox_detach(slot);
 *   drain    egx_outbox_drain(&me->rules);
 *   destroy  egx_outbox_end(&me->rules);
 *
 * Threads: rules are read-only after begin but for the list of boxes. A box belongs to its loop;
 * drain, on the control thread, posts to it. From then on a box ends by itself: what is in flight
 * may end, what waits is sent without pauses, each batch once more, until something fails or
 * EGX_OUTBOX_LAST_NS have passed; the rest is lost. Its timers have ended with its last call.
 *
 * Metrics: eventgateway_outbox_{sent,lost,retries}_total, eventgateway_outbox_queued.
 */
#ifndef EVENTGW_SDK_OUTBOX_H
#define EVENTGW_SDK_OUTBOX_H

#include "egx_outbox_queue.h"

/* The gateway gives plugins five seconds to end. */
#define EGX_OUTBOX_LAST_NS UINT64_C(3000000000)
#define EGX_OUTBOX_FIRST_PAUSE_NS UINT64_C(500000000)
#define EGX_OUTBOX_LAST_PAUSE_NS UINT64_C(30000000000)

static inline void egx_outbox_pump(struct egx_outbox *box);

/* ---- timers ---- */

/* Stops and forgets it; NULL is fine. */
static inline void egx_outbox_stop_timer(struct egx_outbox *box, struct eg_timer **timer) {
    box->rules->host->loop->timer_stop(box->rules->host, *timer);
    *timer = NULL;
}

/* The batch is due, or to be tried again. */
static inline void egx_outbox_on_timer(void *arg) {
    struct egx_outbox *box = (struct egx_outbox *)arg;
    egx_outbox_stop_timer(box, &box->timer);
    egx_outbox_pump(box);
}

/* Looks again after that time. */
static inline void egx_outbox_wait(struct egx_outbox *box, uint64_t delay_ns) {
    const struct eg_host *host = box->rules->host;
    egx_outbox_stop_timer(box, &box->timer);
    box->timer = host->loop->timer_start(host, box->loop, delay_ns, 0, egx_outbox_on_timer, box);
}

/* ---- the end ---- */

/* No more tries: what waits is lost. A call that is in flight may still turn out well. */
static inline void egx_outbox_give_up(struct egx_outbox *box) {
    box->is_over = 1;
    while (box->first != NULL) {
        egx_outbox_drop_first(box, EGX_LOST_STOPPED);
    }
    if (box->call != NULL) {
        box->rules->host->http->cancel(box->rules->host, box->call);
        return;
    }
    egx_outbox_lose_batch(box, EGX_LOST_STOPPED);
}

/* The time that the end may take has passed. */
static inline void egx_outbox_on_limit(void *arg) {
    struct egx_outbox *box = (struct egx_outbox *)arg;
    egx_outbox_stop_timer(box, &box->limit);
    egx_outbox_give_up(box);
    egx_outbox_pump(box);
}

/* While something is in flight after drain there is a limit, also for what comes late. */
static inline void egx_outbox_set_limit(struct egx_outbox *box) {
    const struct eg_host *host = box->rules->host;
    if (box->is_draining && !box->is_over && box->limit == NULL) {
        box->limit = host->loop->timer_start(host, box->loop, EGX_OUTBOX_LAST_NS, 0,
                                             egx_outbox_on_limit, box);
    }
}

/* Begins the end, on the loop of the box. */
static inline void egx_outbox_on_drain(void *arg) {
    struct egx_outbox *box = (struct egx_outbox *)arg;
    box->is_draining = 1;
    egx_outbox_set_limit(box);
    egx_outbox_pump(box);
}

/* Control thread, once. */
static inline void egx_outbox_drain(struct egx_outbox_rules *rules) {
    struct egx_outbox *box = __atomic_load_n(&rules->boxes, __ATOMIC_ACQUIRE);
    for (; box != NULL; box = box->next) {
        rules->host->loop->post(rules->host, box->loop, egx_outbox_on_drain, box);
    }
}

/* ---- a try ---- */

/* For prepare: a header of this try, copied. EG_E_TOOBIG when there is no room for it. */
static inline int32_t egx_outbox_header(struct egx_outbox *box, struct eg_str name,
                                        struct eg_str value) {
    if (box->extra_count == EGX_OUTBOX_EXTRA || value.len > EGX_OUTBOX_EXTRA_BYTES) {
        return EG_E_TOOBIG;
    }
    char *copy = box->extra[box->extra_count++];
    if (value.len > 0) {
        memcpy(copy, value.ptr, value.len);
    }
    box->headers[box->request.header_count].name = name;
    box->headers[box->request.header_count++].value = egx_str_n(copy, value.len);
    return EG_OK;
}

/* It did not work, and may work later. What a service wishes is bounded by how old things may grow:
 * after that all that waits would be lost, for a service that may be well again in a minute. */
static inline void egx_outbox_pause(struct egx_outbox *box,
                                    const struct eg_http_response *response) {
    const struct egx_outbox_settings *s = box->rules->settings;
    const uint64_t wished_ns =
        response->error != 0 ? 0 : egx_http_retry_after(box->rules->host, response);
    const uint64_t longest_ns =
        s->max_age > EGX_OUTBOX_LAST_PAUSE_NS ? s->max_age : EGX_OUTBOX_LAST_PAUSE_NS;
    const uint64_t pause_ns = wished_ns > 0 ? wished_ns : egx_backoff_next(&box->backoff);
    const uint64_t now_ns = egx_outbox_now(box);
    box->not_before_ns = now_ns + (pause_ns < longest_ns ? pause_ns : longest_ns);
    if (box->tries >= (uint64_t)s->attempts) {
        egx_outbox_lose_batch(box, EGX_LOST_ATTEMPTS);
    } else if (now_ns + pause_ns - box->batch_oldest_ns > s->max_age) {
        egx_outbox_lose_batch(box, EGX_LOST_AGE);
    } else {
        box->rules->host->metrics->add(box->rules->retries, 1);
    }
}

static inline void egx_outbox_judge(struct egx_outbox *box,
                                    const struct eg_http_response *response) {
    const struct egx_outbox_rules *rules = box->rules;
    const int is_transport = response->error != 0 && response->error != EG_E_TOOBIG;
    if (response->error == 0 && response->status >= 200 && response->status < 300) {
        const size_t lost = rules->accepted == NULL ? 0 : rules->accepted(rules->arg, response);
        const size_t rest = lost < box->batch_units ? box->batch_units - lost : 0;
        rules->host->metrics->add(rules->sent, (int64_t)rest);
        egx_outbox_lose(box, box->batch_units - rest, EGX_LOST_REFUSED);
        egx_outbox_say_working(box);
        egx_outbox_end_batch(box);
        box->backoff.tries = 0;
        return;
    }
    if (!box->is_over) { /* then it is only what give_up has cancelled */
        egx_outbox_say_failing(box, response);
    }
    if (!is_transport && !rules->is_retryable(response->status)) {
        egx_outbox_lose_batch(box, EGX_LOST_REFUSED);
    } else if (!box->is_draining) {
        egx_outbox_pause(box, response);
    } else if (box->is_last_try) {
        egx_outbox_give_up(box);
    }
}

/* The receiver answered, or did not. */
static inline void egx_outbox_on_done(void *arg, const struct eg_http_response *response) {
    struct egx_outbox *box = (struct egx_outbox *)arg;
    struct eg_buf body = response->body;
    box->call = NULL;
    egx_outbox_judge(box, response);
    egx_buf_release(&body);
    if (box->is_over) {
        egx_outbox_lose_batch(box, EGX_LOST_STOPPED);
    }
    egx_outbox_pump(box);
}

/* Begins the next try. Negative: it cannot be sent. */
static inline int32_t egx_outbox_try(struct egx_outbox *box) {
    const struct egx_outbox_rules *rules = box->rules;
    const struct egx_outbox_settings *s = rules->settings;
    struct eg_http_request *request = &box->request;
    memset(request, 0, sizeof *request);
    request->struct_size = (uint32_t)sizeof *request;
    request->flags = EG_HTTP_NO_REDIRECT;
    request->method = EGX_STR("POST");
    request->url = rules->url;
    request->body = egx_json_text(&box->body);
    request->timeout_ns = s->timeout;
    request->ca_file = s->ca_file;
    request->cert_file = s->cert_file;
    request->key_file = s->key_file;
    memcpy(box->headers, rules->headers, rules->header_count * sizeof rules->headers[0]);
    request->headers = box->headers;
    request->header_count = rules->header_count;
    box->extra_count = 0;
    box->tries++;
    box->is_last_try = box->is_draining;
    const int32_t rc =
        rules->prepare == NULL ? EG_OK : rules->prepare(rules->arg, box, request->body);
    return rc < 0 ? rc
                  : rules->host->http->send(rules->host, box->loop, request, egx_outbox_on_done,
                                            box, &box->call);
}

/* ---- what is next? ---- */

/* How long nothing is to be done; 0 = now. UINT64_MAX = until something is pushed. */
static inline uint64_t egx_outbox_due(const struct egx_outbox *box, uint64_t now_ns) {
    const uint64_t pause_ns = box->not_before_ns > now_ns ? box->not_before_ns - now_ns : 0;
    uint64_t age_ns = 0;
    if (box->body.ptr == NULL && box->first == NULL) {
        return UINT64_MAX;
    }
    if (box->is_draining) {
        return 0;
    }
    if (box->body.ptr == NULL && !egx_outbox_is_full(box)) {
        const uint64_t due_ns = box->first->queued_ns + box->rules->settings->batch_age;
        age_ns = due_ns > now_ns ? due_ns - now_ns : 0;
    }
    return pause_ns > age_ns ? pause_ns : age_ns;
}

/* Begins the next try when it is time, or sets the timer. */
static inline void egx_outbox_pump(struct egx_outbox *box) {
    while (box->call == NULL) {
        const uint64_t now_ns = egx_outbox_now(box);
        const uint64_t max_age_ns = box->rules->settings->max_age;
        while (box->first != NULL && now_ns - box->first->queued_ns > max_age_ns) {
            egx_outbox_drop_first(box, EGX_LOST_AGE);
        }
        const uint64_t due_ns = egx_outbox_due(box, now_ns);
        egx_outbox_stop_timer(box, &box->timer);
        if (due_ns == UINT64_MAX) {
            egx_outbox_stop_timer(box, &box->limit);
            return;
        }
        if (due_ns > 0) {
            egx_outbox_wait(box, due_ns);
            return;
        }
        egx_outbox_set_limit(box);
        if (box->body.ptr == NULL) {
            egx_outbox_make_batch(box);
        }
        if (box->body.ptr != NULL && egx_outbox_try(box) < 0) {
            egx_outbox_lose_batch(box, EGX_LOST_ERROR);
        }
    }
}

/* Hands over a copy of the text; units is how many things it is, for limits and metrics. Loop
 * thread; never waits. */
static inline void egx_outbox_push(struct egx_outbox *box, struct eg_str text, size_t units) {
    const struct eg_host *host = box->rules->host;
    const struct egx_outbox_settings *s = box->rules->settings;
    if (text.len == 0 || box->is_over) {
        egx_outbox_lose(box, units, box->is_over ? EGX_LOST_STOPPED : EGX_LOST_ERROR);
        return;
    }
    if (box->units + units > (size_t)s->queue_count || box->bytes + text.len > s->queue_bytes) {
        egx_outbox_lose(box, units, EGX_LOST_QUEUE_FULL);
        return;
    }
    struct egx_outbox_item *item =
        (struct egx_outbox_item *)host->mem->alloc(host, sizeof(struct egx_outbox_item) + text.len);
    memcpy((char *)(item + 1), text.ptr, text.len);
    item->queued_ns = egx_outbox_now(box);
    item->units = units;
    item->len = text.len;
    *box->last = item;
    box->last = &item->next;
    box->units += units;
    box->bytes += text.len;
    host->metrics->add(box->rules->queued, (int64_t)units);
    /* With a timer that runs only a full batch changes what is next, unless there is a pause. */
    if (box->call == NULL && (box->timer == NULL ||
                              (egx_outbox_is_full(box) && item->queued_ns >= box->not_before_ns))) {
        egx_outbox_pump(box);
    }
}

/* ---- loops ---- */

/* Makes the box of a loop. */
static inline struct egx_outbox *egx_outbox_attach(struct egx_outbox_rules *rules,
                                                   struct eg_loop *loop) {
    struct egx_outbox *box =
        (struct egx_outbox *)rules->host->mem->alloc(rules->host, sizeof(struct egx_outbox));
    box->rules = rules;
    box->loop = loop;
    box->last = &box->first;
    box->backoff.first_ns = EGX_OUTBOX_FIRST_PAUSE_NS;
    box->backoff.last_ns = EGX_OUTBOX_LAST_PAUSE_NS;
    box->next = __atomic_load_n(&rules->boxes, __ATOMIC_RELAXED);
    while (!__atomic_compare_exchange_n(&rules->boxes, &box->next, box, 0, __ATOMIC_RELEASE,
                                        __ATOMIC_RELAXED)) {
    }
    return box;
}

/* Loop thread, with nothing in flight. The box itself is freed by egx_outbox_end. */
static inline void egx_outbox_detach(struct egx_outbox *box) {
    egx_outbox_give_up(box);
    egx_outbox_stop_timer(box, &box->timer);
    egx_outbox_stop_timer(box, &box->limit);
    egx_outbox_log_lost(box, egx_outbox_now(box));
}

/* Control thread, after the last detach. */
static inline void egx_outbox_end(struct egx_outbox_rules *rules) {
    while (rules->boxes != NULL) {
        struct egx_outbox *box = rules->boxes;
        rules->boxes = box->next;
        rules->host->mem->free(rules->host, box);
    }
    egx_json_free(&rules->bearer);
}

#endif
