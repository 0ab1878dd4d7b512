/*
 * batch.c - queues of events per target and loop, and the calls they leave in. Loop thread.
 *
 * invoke puts an event at the end of its target's queue. The queue is due when nothing is to be
 * waited for: no linger is set, or it has passed, or a call's worth of events is there. A due queue
 * sends calls until it is empty or what is left has to wait for calls on the wire: an event waits
 * while its lane is busy. A lane is a hash of the ordering key, so that two keys may share one;
 * then they wait for each other without need, never wrongly.
 *
 * A queue exists as long as it has events waiting or in flight, so it never outlives its target.
 */
#include "batch_reply.h"

#define LANES 1024u
#define QUEUE_MAGIC 0x41575155u /* "AWQU" */
#define BATCH_MAGIC 0x41574254u /* "AWBT" */

struct aws_batch {
    uint32_t magic;
    uint32_t count;
    struct aws_queue *queue;
    struct aws_batch *next;
    struct aws_batch *prev;
    struct aws_put *first; /* in order */
    struct aws_put *last;
    size_t bytes;
    struct egx_json body;
    struct aws_call *handle;
};

struct aws_queue {
    uint32_t magic;
    uint32_t is_due;
    struct aws_slot *slot;
    const struct aws_target *target;
    struct aws_queue *next;
    struct aws_put *first; /* waiting, in order of arrival */
    struct aws_put *last;
    size_t waiting;
    size_t waiting_bytes;
    struct aws_batch *batches; /* on the wire */
    struct eg_timer *timer;
    unsigned char busy[LANES / 8];
};

static void pump(struct aws_queue *queue);

/* ---- lanes ---- */

/* FNV-1a; 0 is kept for "not ordered". */
static uint32_t lane_of(struct eg_str key) {
    uint32_t hash = 2166136261u;
    for (size_t i = 0; i < key.len; i++) {
        hash = (hash ^ (unsigned char)key.ptr[i]) * 16777619u;
    }
    return key.len == 0 ? 0 : 1 + (hash ^ hash >> 16) % (LANES - 1);
}

static int is_busy(const struct aws_queue *queue, uint32_t lane) {
    return (queue->busy[lane / 8] >> lane % 8 & 1) != 0;
}

static void set_busy(struct aws_queue *queue, const struct aws_batch *batch, int is_on) {
    for (const struct aws_put *put = batch->first; put != NULL; put = put->next) {
        unsigned char *byte = &queue->busy[put->lane / 8];
        const unsigned bit = put->lane == 0 ? 0 : 1u << put->lane % 8;
        *byte = (unsigned char)(is_on ? *byte | bit : *byte & ~bit);
    }
}

/* ---- puts ---- */

static struct aws_put *put_new(struct aws_queue *queue, const struct aws_key *key,
                               const struct eg_invocation *invocation, struct eg_op *op) {
    const struct aws_instance *instance = queue->slot->instance;
    const struct eg_host *host = instance->host;
    struct aws_put *put = host->mem->alloc(host, sizeof *put + key->len);
    char *text = (char *)(put + 1);
    if (key->len > 0) {
        memcpy(text, key->text, key->len);
    }
    *put = (struct aws_put){
        .magic = AWS_PUT_MAGIC,
        .queue = queue,
        .op = op,
        .payload = invocation->payload,
        .key = egx_str_n(text, key->len),
    };
    if (invocation->event != NULL) {
        put->event_id = host->event->attribute(invocation->event, EGX_STR("id"));
    }
    put->lane = lane_of(put->key);
    put->cost = instance->connector->cost(queue->target, put);
    return put;
}

static void put_free(const struct eg_host *host, struct aws_put *put) {
    put->magic = 0;
    host->mem->free(host, put);
}

static void put_append(struct aws_put **first, struct aws_put **last, struct aws_put *put) {
    put->next = NULL;
    put->prev = *last;
    if (*last != NULL) {
        (*last)->next = put;
    } else {
        *first = put;
    }
    *last = put;
}

static void wait_remove(struct aws_queue *queue, struct aws_put *put) {
    if (put->prev != NULL) {
        put->prev->next = put->next;
    } else {
        queue->first = put->next;
    }
    if (put->next != NULL) {
        put->next->prev = put->prev;
    } else {
        queue->last = put->prev;
    }
    queue->waiting--;
    queue->waiting_bytes -= put->cost;
}

/* ---- queues ---- */

static struct aws_queue *queue_of(struct aws_slot *slot, const struct aws_target *target) {
    const struct eg_host *host = slot->instance->host;
    for (struct aws_queue *queue = slot->queues; queue != NULL; queue = queue->next) {
        if (queue->target == target) {
            return queue;
        }
    }
    struct aws_queue *queue = host->mem->alloc(host, sizeof *queue);
    queue->magic = QUEUE_MAGIC;
    queue->slot = slot;
    queue->target = target;
    queue->next = slot->queues;
    slot->queues = queue;
    return queue;
}

static void queue_free(struct aws_queue *queue) {
    struct aws_slot *slot = queue->slot;
    const struct eg_host *host = slot->instance->host;
    struct aws_queue **at = &slot->queues;
    while (*at != queue) {
        at = &(*at)->next;
    }
    *at = queue->next;
    host->loop->timer_stop(host, queue->timer);
    queue->magic = 0;
    host->mem->free(host, queue);
}

static void queue_settle(struct aws_queue *queue) {
    if (queue->first == NULL && queue->batches == NULL) {
        queue_free(queue);
    }
}

static void on_linger(void *arg) {
    struct aws_queue *queue = arg;
    const struct eg_host *host = queue->slot->instance->host;
    host->loop->timer_stop(host, queue->timer);
    queue->timer = NULL;
    queue->is_due = 1;
    pump(queue);
    queue_settle(queue);
}

static size_t max_count(const struct aws_instance *instance) {
    const size_t wanted = (size_t)instance->settings->batch_max;
    return wanted < instance->connector->max_entries ? wanted : instance->connector->max_entries;
}

/* Is there anything left to wait for? Starts the wait when there is. */
static int is_due(struct aws_queue *queue) {
    const struct aws_instance *instance = queue->slot->instance;
    const struct eg_host *host = instance->host;
    const uint64_t linger_ns = instance->settings->batch_linger_ns;
    if (queue->is_due || linger_ns == 0 || queue->waiting >= max_count(instance) ||
        queue->waiting_bytes >= instance->connector->max_call_bytes) {
        return 1;
    }
    if (queue->timer == NULL) {
        queue->timer =
            host->loop->timer_start(host, queue->slot->loop, linger_ns, 0, on_linger, queue);
    }
    return 0;
}

/* ---- batches ---- */

static void batch_free(struct aws_batch *batch) {
    const struct eg_host *host = batch->queue->slot->instance->host;
    for (struct aws_put *put = batch->first; put != NULL;) {
        struct aws_put *next = put->next;
        put_free(host, put);
        put = next;
    }
    egx_json_free(&batch->body);
    batch->magic = 0;
    host->mem->free(host, batch);
}

static void batch_link(struct aws_batch *batch) {
    struct aws_queue *queue = batch->queue;
    batch->next = queue->batches;
    if (batch->next != NULL) {
        batch->next->prev = batch;
    }
    queue->batches = batch;
    set_busy(queue, batch, 1);
}

static void batch_unlink(struct aws_batch *batch) {
    struct aws_queue *queue = batch->queue;
    if (batch->prev != NULL) {
        batch->prev->next = batch->next;
    } else {
        queue->batches = batch->next;
    }
    if (batch->next != NULL) {
        batch->next->prev = batch->prev;
    }
    set_busy(queue, batch, 0);
}

/* Takes what may leave now out of the queue, in order; NULL = nothing may. It stops at the first
 * event that does not fit: a later one of the same key must not pass it. */
static struct aws_batch *batch_take(struct aws_queue *queue) {
    const struct aws_instance *instance = queue->slot->instance;
    struct aws_batch *batch = NULL;
    for (struct aws_put *put = queue->first; put != NULL;) {
        struct aws_put *next = put->next;
        if (batch != NULL && (batch->count == max_count(instance) ||
                              put->cost > instance->connector->max_call_bytes - batch->bytes)) {
            break;
        }
        if (!is_busy(queue, put->lane)) {
            if (batch == NULL) {
                batch = instance->host->mem->alloc(instance->host, sizeof *batch);
                batch->magic = BATCH_MAGIC;
                batch->queue = queue;
            }
            wait_remove(queue, put);
            put_append(&batch->first, &batch->last, put);
            put->batch = batch;
            batch->count++;
            batch->bytes += put->cost;
        }
        put = next;
    }
    return batch;
}

static void write_entry(struct egx_json *json, const struct aws_connector *connector,
                        const struct aws_target *target, const struct aws_put *put, size_t index) {
    char id[24];
    egx_json_open(json, '{');
    if (connector->has_entry_id) {
        const int len = snprintf(id, sizeof id, "%zu", index);
        egx_json_key(json, EGX_STR("Id"));
        egx_json_string(json, egx_str_n(id, len > 0 ? (size_t)len : 0));
    }
    connector->write(json, target, put);
    egx_json_close(json, '}');
}

static void write_body(struct aws_batch *batch) {
    const struct aws_target *target = batch->queue->target;
    const struct aws_connector *connector = batch->queue->slot->instance->connector;
    struct egx_json *json = &batch->body;
    size_t index = 0;
    egx_json_open(json, '{');
    egx_json_key(json, connector->head);
    egx_json_string(json, connector->name_of(target));
    if (batch->count > 1) {
        egx_json_key(json, connector->list);
        egx_json_open(json, '[');
        for (const struct aws_put *put = batch->first; put != NULL; put = put->next) {
            write_entry(json, connector, target, put, index++);
        }
        egx_json_close(json, ']');
    } else if (connector->record.len > 0) {
        egx_json_key(json, connector->record);
        write_entry(json, connector, target, batch->first, 0);
    } else {
        connector->write(json, target, batch->first);
    }
    egx_json_close(json, '}');
}

/* ---- on the wire ---- */

/* Every event of the batch gets its end; then the queue goes on. */
static void batch_end(struct aws_batch *batch, const struct aws_call_reply *reply) {
    struct aws_queue *queue = batch->queue;
    const struct aws_instance *instance = queue->slot->instance;
    batch_unlink(batch);
    aws_batch_reply(instance->host, instance->connector, reply, batch->first, batch->count);
    batch_free(batch);
}

static void on_reply(void *arg, const struct aws_call_reply *reply) {
    struct aws_batch *batch = arg;
    struct aws_queue *queue = batch->queue;
    struct eg_buf body = reply->body;
    batch_end(batch, reply);
    egx_buf_release(&body);
    pump(queue);
    queue_settle(queue);
}

/* The last deadline of its events; 0 when one has none. */
static uint64_t batch_timeout(const struct eg_host *host, const struct aws_batch *batch) {
    uint64_t longest = 0;
    for (const struct aws_put *put = batch->first; put != NULL; put = put->next) {
        const uint64_t timeout_ns = aws_timeout_of(host, put->op);
        if (timeout_ns == 0) {
            return 0;
        }
        longest = timeout_ns > longest ? timeout_ns : longest;
    }
    return longest;
}

static int32_t batch_send(struct aws_batch *batch) {
    const struct aws_queue *queue = batch->queue;
    const struct aws_instance *instance = queue->slot->instance;
    const struct aws_connector *connector = instance->connector;
    write_body(batch);
    if (batch->body.is_failed) {
        return EG_E_BUSY;
    }
    const struct aws_call_request request = {
        .source = queue->target->source,
        .service = connector->service,
        .region = queue->target->settings->region,
        .endpoint = queue->target->settings->endpoint,
        .content_type = connector->content_type,
        .target = batch->count > 1 ? connector->target_many : connector->target_one,
        .body = egx_json_text(&batch->body),
        .timeout_ns = batch_timeout(instance->host, batch),
    };
    return aws_call_send(queue->slot->client, &request, on_reply, batch, &batch->handle);
}

static void pump(struct aws_queue *queue) {
    while (queue->first != NULL && is_due(queue)) {
        struct aws_batch *batch = batch_take(queue);
        if (batch == NULL) {
            break;
        }
        batch_link(batch);
        const int32_t status = batch_send(batch);
        if (status < 0) {
            const struct aws_call_reply refused = {
                .error = status,
                .call_class = status == EG_E_INVAL ? EG_CALL_PERMANENT : EG_CALL_TRANSIENT,
                .message = status == EG_E_INVAL
                               ? EGX_STR("the endpoint of the function cannot be called")
                               : EGX_STR("the call could not be begun"),
            };
            batch_end(batch, &refused);
        }
    }
    if (queue->first == NULL) {
        queue->is_due = 0;
    }
}

/* ---- ops of the provider ---- */

static int32_t refuse(struct eg_op *op, int32_t status, const struct eg_why *why) {
    egx_done_call_failed(op, status, EG_CALL_PERMANENT, "%.*s", (int)why->len, why->text);
    return EG_OK;
}

int32_t aws_batch_invoke(void *instance, void *slot, void *target,
                         const struct eg_invocation *invocation, struct eg_op *op) {
    const struct aws_instance *i = instance;
    struct eg_why why = {.struct_size = sizeof why};
    struct aws_key key;
    key.len = 0;
    const int32_t rc = i->connector->prepare(i->host, target, invocation, &key, &why);
    if (rc < 0) {
        return refuse(op, rc, &why);
    }
    struct aws_queue *queue = queue_of(slot, target);
    struct aws_put *put = put_new(queue, &key, invocation, op);
    if (put->cost > i->connector->max_entry_bytes) {
        (void)egx_why(&why, EG_E_TOOBIG, "the event counts %zu bytes, %.*s takes at most %zu",
                      put->cost, EGX_FMT(i->connector->service), i->connector->max_entry_bytes);
        put_free(i->host, put);
        queue_settle(queue);
        return refuse(op, EG_E_TOOBIG, &why);
    }
    put_append(&queue->first, &queue->last, put);
    queue->waiting++;
    queue->waiting_bytes += put->cost;
    pump(queue);
    queue_settle(queue);
    return EG_OK;
}

/* Still waiting: it is over at once. On the wire: over with its call, which ends early only when
 * nobody wants any of its events any more. */
static void put_cancel(struct aws_put *put) {
    struct aws_queue *queue = put->queue;
    const struct aws_batch *batch = put->batch;
    struct eg_op *op = put->op;
    if (batch == NULL) {
        wait_remove(queue, put);
        put_free(queue->slot->instance->host, put);
        queue_settle(queue);
        egx_done_call_failed(op, EG_E_CANCELED, EG_CALL_TRANSIENT, "canceled before it was sent");
        return;
    }
    put->is_canceled = 1;
    for (const struct aws_put *other = batch->first; other != NULL; other = other->next) {
        if (!other->is_canceled) {
            return;
        }
    }
    aws_call_cancel(batch->handle);
}

static struct aws_put *find(struct aws_put *first, const struct eg_op *op) {
    while (first != NULL && first->op != op) {
        first = first->next;
    }
    return first;
}

void aws_batch_cancel(void *instance, void *slot, struct eg_op *op) {
    const struct aws_slot *s = slot;
    (void)instance;
    for (struct aws_queue *queue = s->queues; queue != NULL; queue = queue->next) {
        struct aws_put *put = find(queue->first, op);
        for (struct aws_batch *b = queue->batches; put == NULL && b != NULL; b = b->next) {
            put = find(b->first, op);
        }
        if (put != NULL) {
            put_cancel(put);
            return;
        }
    }
}

/* Normally there is none left: the ledger was empty. When it was given up, nothing is sent or told
 * any more. */
void aws_batch_detach(struct aws_slot *slot) {
    const struct eg_host *host = slot->instance->host;
    while (slot->queues != NULL) {
        struct aws_queue *queue = slot->queues;
        while (queue->first != NULL) {
            struct aws_put *put = queue->first;
            wait_remove(queue, put);
            put_free(host, put);
        }
        while (queue->batches != NULL) {
            struct aws_batch *batch = queue->batches;
            batch_unlink(batch);
            batch_free(batch);
        }
        queue_free(queue);
    }
}
