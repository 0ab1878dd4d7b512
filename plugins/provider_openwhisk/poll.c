/*
 * poll.c - a blocking call that OpenWhisk answered 202 goes on running; its activation is looked at
 * until it has a record. The record appears when the action has ended, 404 means not yet. Loop
 * thread.
 *
 * What goes wrong on the way (a controller that restarts, 429) is no end: the action runs, and
 * to look again changes nothing. The op's deadline ends it; without one, GIVE_UP_NS.
 */
#include "provider_openwhisk.h"

#define GIVE_UP_NS (600 * UINT64_C(1000000000))

static void on_timer(void *arg);

static uint64_t now_of(const struct whisk_call *call) {
    const struct eg_host *host = call->head.calls->host;
    return host->clock->monotonic_ns(host);
}

/* At least retry_after_ns from now. */
static void later(struct whisk_call *call, uint64_t retry_after_ns) {
    const struct whisk_instance *i = whisk_instance_of(call);
    const uint64_t now_ns = now_of(call);
    if (call->is_canceled || now_ns >= call->give_up_ns) {
        whisk_end_failed(call, call->is_canceled ? EG_E_CANCELED : EG_E_TIMEOUT, EG_CALL_TRANSIENT,
                         "activation %s did not end in time", call->activation_id);
        return;
    }
    uint64_t delay_ns = call->delay_ns > retry_after_ns ? call->delay_ns : retry_after_ns;
    if (delay_ns > call->give_up_ns - now_ns) {
        delay_ns = call->give_up_ns - now_ns;
    }
    call->delay_ns = call->delay_ns * 2 < i->settings->poll_interval_max
                         ? call->delay_ns * 2
                         : i->settings->poll_interval_max;
    call->timer =
        i->host->loop->timer_start(i->host, call->head.calls->loop, delay_ns, 0, on_timer, call);
}

static void on_look(struct whisk_call *call, const struct eg_http_response *response) {
    struct eg_buf body = response->body;
    struct record record = {0};
    const uint32_t call_class = whisk_class_of(response->status);
    if (response->status == 200 && record_read(egx_str_n(body.ptr, body.len), &record) >= 0 &&
        record.has_response) {
        whisk_end_record(call, &record, body);
        return;
    }
    if (response->status == 200) {
        whisk_end_failed(call, EG_E_PROTO, EG_CALL_TRANSIENT,
                         "activation %s: the answer is no activation record", call->activation_id);
    } else if (response->status == 404 || call_class == EG_CALL_TRANSIENT ||
               call_class == EG_CALL_THROTTLED) {
        later(call, egx_http_retry_after(call->head.calls->host, response));
    } else {
        whisk_end_status(call, response);
    }
    egx_buf_release(&body);
}

static void on_response(void *arg, const struct eg_http_response *response) {
    struct whisk_call *call = arg;
    struct eg_buf body = response->body;
    call->handle = NULL;
    if (response->error == 0) {
        on_look(call, response);
        return;
    }
    egx_buf_release(&body);
    if (call->is_canceled || response->error == EG_E_TOOBIG || response->error == EG_E_CANCELED) {
        whisk_end_failed(call, response->error, EG_CALL_TRANSIENT, "activation %s: %.*s",
                         call->activation_id, EGX_FMT(response->message));
    } else {
        later(call, 0);
    }
}

static void on_timer(void *arg) {
    struct whisk_call *call = arg;
    const struct eg_host *host = call->head.calls->host;
    host->loop->timer_stop(host, call->timer);
    call->timer = NULL;
    if (whisk_send(call, EGX_STR("GET"), egx_str_n(NULL, 0), on_response) < 0) {
        later(call, 0);
    }
}

void whisk_poll(struct whisk_call *call, struct eg_str activation_id) {
    const struct whisk_instance *i = whisk_instance_of(call);
    (void)snprintf(call->activation_id, sizeof call->activation_id, "%.*s", EGX_FMT(activation_id));
    egx_json_free(&call->url);
    egx_json_raw(&call->url, egx_json_text(&call->target->activations_url));
    egx_json_raw(&call->url, activation_id);
    call->delay_ns = i->settings->poll_interval;
    call->give_up_ns =
        call->head.op->deadline_ns != 0 ? call->head.op->deadline_ns : now_of(call) + GIVE_UP_NS;
    later(call, 0);
}
