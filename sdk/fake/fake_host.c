/*
 * fake_host.c - the fake itself: memory, log, clock, ops, and the life of a component.
 */
#include "fake_parts.h"

void *fake_alloc(size_t size) {
    void *ptr = calloc(1, size == 0 ? 1 : size);
    if (ptr == NULL) {
        abort();
    }
    return ptr;
}

void fake_push(struct fake_list *list, void *item) {
    void **items = realloc(list->items, (list->count + 1) * sizeof *items);
    if (items == NULL) {
        abort();
    }
    list->items = items;
    list->items[list->count++] = item;
}

void fake_remove(struct fake_list *list, const void *item) {
    for (size_t i = 0; i < list->count; i++) {
        if (list->items[i] == item) {
            memmove(&list->items[i], &list->items[i + 1], (--list->count - i) * sizeof(void *));
            return;
        }
    }
}

void *fake_shift(struct fake_list *list) {
    void *first = list->count == 0 ? NULL : list->items[0];
    fake_remove(list, first);
    return first;
}

void fake_own(struct egx_fake *fake, void *ptr) {
    (void)pthread_mutex_lock(&fake->kept_lock);
    fake_push(&fake->kept, ptr);
    (void)pthread_mutex_unlock(&fake->kept_lock);
}

void *fake_keep(struct egx_fake *fake, size_t size) {
    void *ptr = fake_alloc(size);
    fake_own(fake, ptr);
    return ptr;
}

char *fake_dup(struct egx_fake *fake, struct eg_str text) {
    char *copy = fake_keep(fake, text.len + 1);
    if (text.len > 0) {
        memcpy(copy, text.ptr, text.len);
    }
    return copy;
}

struct egx_fake *fake_of(const struct eg_host *host) {
    return host->self;
}

/* ---- log ---- */

struct line {
    uint32_t level;
    const char *text;
};

static int32_t log_enabled(const struct eg_host *host, uint32_t level) {
    (void)host;
    (void)level;
    return 1;
}

static void log_write(const struct eg_host *host, uint32_t level, struct eg_str message,
                      const struct eg_kv *fields, size_t field_count) {
    struct egx_fake *fake = fake_of(host);
    struct egx_json text = egx_json_begin();
    egx_json_raw(&text, message);
    for (size_t i = 0; i < field_count; i++) {
        egx_json_raw(&text, EGX_STR(" "));
        egx_json_raw(&text, fields[i].name);
        egx_json_raw(&text, EGX_STR("="));
        egx_json_raw(&text, fields[i].value);
    }
    struct line *line = fake_keep(fake, sizeof *line);
    line->level = level;
    line->text = fake_dup(fake, egx_json_text(&text));
    egx_json_free(&text);
    (void)pthread_mutex_lock(&fake->kept_lock);
    fake_push(&fake->lines, line);
    (void)pthread_mutex_unlock(&fake->kept_lock);
}

static const struct eg_log_api fake_log_api = {
    .struct_size = sizeof fake_log_api, .enabled = log_enabled, .write = log_write};

/* Of the log; other threads may write meanwhile. NULL when there are not so many. */
static const struct line *line_at(const struct egx_fake *fake, size_t index, size_t *ret_count) {
    pthread_mutex_t *lock = (pthread_mutex_t *)(uintptr_t)&fake->kept_lock;
    (void)pthread_mutex_lock(lock);
    const struct line *line = index < fake->lines.count ? fake->lines.items[index] : NULL;
    *ret_count = fake->lines.count;
    (void)pthread_mutex_unlock(lock);
    return line;
}

size_t egx_fake_log_count(const struct egx_fake *fake) {
    size_t count = 0;
    (void)line_at(fake, 0, &count);
    return count;
}

const char *egx_fake_log_line(const struct egx_fake *fake, size_t index, uint32_t *ret_level) {
    size_t count = 0;
    const struct line *line = line_at(fake, index, &count);
    if (line != NULL && ret_level != NULL) {
        *ret_level = line->level;
    }
    return line == NULL ? NULL : line->text;
}

int32_t egx_fake_logged(const struct egx_fake *fake, const char *part) {
    const size_t count = egx_fake_log_count(fake);
    for (size_t i = 0; i < count; i++) {
        if (strstr(egx_fake_log_line(fake, i, NULL), part) != NULL) {
            return 1;
        }
    }
    return 0;
}

/* ---- mem and clock ---- */

static void *mem_alloc(const struct eg_host *host, size_t size) {
    (void)__atomic_add_fetch(&fake_of(host)->allocations, 1, __ATOMIC_RELAXED);
    return fake_alloc(size);
}

static void mem_free(const struct eg_host *host, void *ptr) {
    if (ptr != NULL) {
        (void)__atomic_sub_fetch(&fake_of(host)->allocations, 1, __ATOMIC_RELAXED);
        free(ptr);
    }
}

static struct eg_buf mem_copy(const struct eg_host *host, struct eg_str bytes) {
    return fake_copies_make(fake_of(host)->copies, bytes);
}

static const struct eg_mem_api fake_mem_api = {
    .struct_size = sizeof fake_mem_api, .alloc = mem_alloc, .free = mem_free, .copy = mem_copy};

static uint64_t clock_monotonic_ns(const struct eg_host *host) {
    return fake_of(host)->monotonic_ns;
}

static int64_t clock_unix_ns(const struct eg_host *host) {
    return fake_of(host)->unix_ns;
}

static const struct eg_clock_api fake_clock_api = {.struct_size = sizeof fake_clock_api,
                                                   .monotonic_ns = clock_monotonic_ns,
                                                   .unix_ns = clock_unix_ns};

size_t egx_fake_allocations(const struct egx_fake *fake) {
    return __atomic_load_n(&fake->allocations, __ATOMIC_RELAXED);
}

/* ---- ops ---- */

static void copy_items(struct egx_fake *fake, struct eg_result *result) {
    const struct eg_item **pointers =
        fake_keep(fake, (result->item_count + 1) * sizeof(const struct eg_item *));
    for (size_t i = 0; i < result->item_count; i++) {
        struct eg_item *item = fake_keep(fake, sizeof *item);
        *item = *result->items[i];
        item->key.ptr = fake_dup(fake, item->key);
        item->value.ptr = fake_dup(fake, item->value);
        pointers[i] = item;
    }
    result->items = (const struct eg_item *const *)pointers;
}

/* How an op has ended, with copies of what its done borrowed. */
struct ending {
    struct egx_fake_op *op;
    int32_t status;
    int32_t has_result;
    struct eg_result result;
};

static void deliver(void *arg) {
    const struct ending *ending = arg;
    struct egx_fake_op *op = ending->op;
    op->done_count++;
    op->status = ending->status;
    if (ending->has_result && op->done_count == 1) {
        op->result = ending->result;
    }
}

/* An op belongs to the loop: what another thread has ended is told there, as a gateway does. */
static void op_done(struct eg_op *pub, int32_t status, const struct eg_result *result) {
    struct egx_fake_op *op = (struct egx_fake_op *)(void *)pub; /* pub is its first member */
    struct egx_fake *fake = op->fake;
    struct ending *ending = fake_keep(fake, sizeof *ending);
    ending->op = op;
    ending->status = status;
    if (result != NULL) {
        ending->has_result = 1;
        ending->result = *result;
        ending->result.message.ptr = fake_dup(fake, result->message);
        ending->result.client_text.ptr = fake_dup(fake, result->client_text);
        copy_items(fake, &ending->result);
    }
    if (pthread_equal(pthread_self(), fake->thread)) {
        deliver(ending);
    } else {
        fake_loop_api.post(&fake->host, &fake->loop, deliver, ending);
    }
}

void egx_fake_op_init(struct egx_fake *fake, struct egx_fake_op *op) {
    memset(op, 0, sizeof *op);
    op->pub.struct_size = sizeof op->pub;
    op->pub.done = op_done;
    op->fake = fake;
}

void egx_fake_op_free(struct egx_fake_op *op) {
    egx_buf_release(&op->result.body);
}

/* ---- life ---- */

struct egx_fake *egx_fake_new(void) {
    struct egx_fake *fake = fake_alloc(sizeof *fake);
    fake->loop.fake = fake;
    fake->thread = pthread_self();
    fake->monotonic_ns = 1000000000u;
    fake->unix_ns = 1525176000000000000; /* 2018-05-01T12:00:00Z */
    (void)pthread_mutex_init(&fake->lock, NULL);
    (void)pthread_mutex_init(&fake->kept_lock, NULL);
    (void)pthread_cond_init(&fake->moved, NULL);
    fake->copies = fake_copies_new();
    fake->host = (struct eg_host){
        .struct_size = sizeof fake->host,
        .abi = EG_ABI,
        .self = fake,
        .component = EGX_STR(""),
        .gateway_version = EGX_STR("fake"),
        .log = &fake_log_api,
        .mem = &fake_mem_api,
        .loop = &fake_loop_api,
        .http = &fake_http_api,
        .json = &fake_json_api,
        .event = &fake_event_api,
        .exchange = &fake_exchange_api,
        .metrics = &fake_metrics_api,
        .clock = &fake_clock_api,
        .function = &fake_function_api,
    };
    return fake;
}

void egx_fake_free(struct egx_fake *fake) {
    if (fake == NULL) {
        return;
    }
    fake_json_free_roots(fake);
    for (size_t i = fake->kept.count; i > 0; i--) {
        free(fake->kept.items[i - 1]);
    }
    struct fake_list *const lists[] = {&fake->kept,
                                       &fake->posts,
                                       &fake->timers,
                                       &fake->watches,
                                       &fake->lines,
                                       &fake->requests,
                                       &fake->calls,
                                       &fake->answers,
                                       &fake->jsons,
                                       &fake->metrics,
                                       &fake->called,
                                       &fake->function_calls,
                                       &fake->function_answers};
    for (size_t i = 0; i < EGX_COUNT(lists); i++) {
        free(lists[i]->items);
    }
    fake_copies_end(fake->copies);
    (void)pthread_cond_destroy(&fake->moved);
    (void)pthread_mutex_destroy(&fake->kept_lock);
    (void)pthread_mutex_destroy(&fake->lock);
    free(fake);
}

const struct eg_host *egx_fake_host(struct egx_fake *fake) {
    return &fake->host;
}

struct eg_loop *egx_fake_loop(struct egx_fake *fake) {
    return &fake->loop;
}

int32_t egx_fake_start(struct egx_fake *fake, const struct eg_component *component,
                       void *instance) {
    struct egx_fake_op op;
    if (component->life->start == NULL) {
        return EG_OK;
    }
    egx_fake_op_init(fake, &op);
    const int32_t rc = component->life->start(instance, &op.pub);
    if (rc < 0) {
        return rc;
    }
    while (op.done_count == 0 && egx_fake_run(fake) > 0) {
    }
    egx_fake_op_free(&op);
    return op.done_count == 1 ? op.status : EG_E_TIMEOUT;
}

void egx_fake_destroy(struct egx_fake *fake, const struct eg_component *component, void *instance) {
    if (component->life->drain != NULL) {
        component->life->drain(instance);
    }
    (void)egx_fake_run(fake);
    component->life->destroy(instance);
}
