/*
 * watch.c - a watch: asks Consul to tell when something below the setting `prefix` has changed,
 * then reads what is below the watch's prefix and tells the difference.
 *
 * The asking is a blocking query
 * (https://developer.hashicorp.com/consul/api-docs/features/blocking) for `?keys&separator=/`: it
 * waits for the same changes as one for all rows, but its answer is a few names, so that the
 * answers that come when nothing has happened cost nothing. What they are for: a connection that
 * has died without a word is noticed when one does not come.
 *
 * Reads have a pause between them, so that many writes become few reads; each waits until the loop
 * has had four times as long as the last one took. What was overwritten in between is not told.
 *
 * A watch remembers keys and revisions of what it has told, no values. An index that goes back
 * means that the store is another one (restored from a backup): everything is told anew.
 *
 *   ask --changed--> (pause) --> read --> tell --> ask           on failure: DOWN, pause, ask
 * without
 *    ^--nothing changed--|                                       index, read, tell what was missed
 *
 * Thread: control. A watch lives until it has told CLOSED.
 */
#include "table.h"

#define PAUSE_NS (50 * CONSUL_MILLISECOND_NS)
#define PAUSE_MAX_NS CONSUL_SECOND_NS
#define FIRST_RETRY_NS (100 * CONSUL_MILLISECOND_NS)
#define LAST_RETRY_NS (2 * CONSUL_SECOND_NS)

enum state { STATE_PAUSING, STATE_ASKING, STATE_READING };

struct consul_watch {
    struct consul_watch *next;
    struct consul_store *store;
    struct eg_watch *told;
    struct eg_str prefix; /* behind the watch, in the same block */
    enum state state;
    struct eg_timer *timer; /* while pausing */
    struct consul_call question;
    struct consul_read read;
    uint64_t asked_ns;
    uint64_t read_ns;
    uint64_t pause_ns; /* least time between two reads */
    struct egx_backoff backoff;
    /* What has been told. */
    uint64_t seen; /* everything up to here; in the beginning, from_revision */
    struct consul_table table;
    bool has_content;
    bool is_down;
    bool is_closing;
    bool is_closed_posted;
    /* The present read. */
    bool is_reset;
    uint64_t index; /* of the answer that led to it */
    uint64_t begun_ns;
};

static uint64_t now_of(const struct consul_watch *watch) {
    return watch->store->host->clock->monotonic_ns(watch->store->host);
}

/* ---- reading ---- */

static void begin_rows(struct consul_read *read) {
    struct consul_watch *watch = read->owner;
    consul_table_begin(&watch->table);
    watch->begun_ns = now_of(watch);
}

static void on_row(struct consul_read *read, const struct consul_row *row) {
    struct consul_watch *watch = read->owner;
    const struct eg_host *host = watch->store->host;
    size_t len = 0;
    if (consul_table_knows(&watch->table, row->key, row->revision, watch->is_reset)) {
        return;
    }
    char *value = consul_row_value(watch->store, row, &len);
    if (value != NULL) {
        consul_table_add(&watch->table, row, egx_str_n(value, len));
        host->mem->free(host, value);
    }
}

/* ---- the end ---- */

static void free_watch(struct consul_watch *watch) {
    const struct eg_host *host = watch->store->host;
    host->loop->timer_stop(host, watch->timer);
    consul_table_free(&watch->table);
    consul_call_free(&watch->question);
    consul_read_free(&watch->read);
    host->mem->free(host, watch);
}

static void tell_closed(void *arg) {
    struct consul_watch *watch = arg;
    struct consul_watch **place = &watch->store->watches;
    while (*place != watch) {
        place = &(*place)->next;
    }
    *place = watch->next;
    egx_tell(watch->told, EG_CHANGE_CLOSED, watch->seen, egx_str_n(NULL, 0));
    free_watch(watch);
}

/* Nothing of it is in flight any more. */
static void close_later(struct consul_watch *watch) {
    const struct eg_host *host = watch->store->host;
    host->loop->timer_stop(host, watch->timer);
    watch->timer = NULL;
    if (!watch->is_closed_posted) {
        watch->is_closed_posted = true;
        host->loop->post(host, watch->store->control, tell_closed, watch);
    }
}

/* ---- pauses ---- */

static void ask(struct consul_watch *watch);
static void start_read(struct consul_watch *watch);

/* A watch of a store that is being stopped, or that is closing, ends here. */
static bool is_over(struct consul_watch *watch) {
    watch->state = STATE_PAUSING;
    if (watch->is_closing) {
        close_later(watch);
    }
    return watch->is_closing || watch->store->is_draining;
}

static void pause_for(struct consul_watch *watch, uint64_t delay_ns, void (*then)(void *arg)) {
    const struct eg_host *host = watch->store->host;
    watch->state = STATE_PAUSING;
    watch->timer = host->loop->timer_start(host, watch->store->control, delay_ns, 0, then, watch);
}

static void end_pause(struct consul_watch *watch) {
    watch->store->host->loop->timer_stop(watch->store->host, watch->timer);
    watch->timer = NULL;
}

static void on_time_to_ask(void *arg) {
    end_pause(arg);
    ask(arg);
}

static void on_time_to_read(void *arg) {
    end_pause(arg);
    start_read(arg);
}

/* A server, or something between, that answers at once though nothing has changed is not asked more
 * often than one where something has. */
static void ask_again(struct consul_watch *watch) {
    const uint64_t now_ns = now_of(watch);
    const uint64_t next_ns = watch->asked_ns + PAUSE_NS;
    if (now_ns >= next_ns) {
        ask(watch);
    } else {
        pause_for(watch, next_ns - now_ns, on_time_to_ask);
    }
}

static void read_soon(struct consul_watch *watch) {
    const uint64_t now_ns = now_of(watch);
    const uint64_t next_ns = watch->read_ns + watch->pause_ns;
    if (watch->read_ns == 0 || now_ns >= next_ns) {
        start_read(watch);
    } else {
        pause_for(watch, next_ns - now_ns, on_time_to_read);
    }
}

static void fail(struct consul_watch *watch, const struct eg_why *why) {
    if (!watch->is_down) {
        watch->is_down = true;
        egx_tell(watch->told, EG_CHANGE_DOWN, watch->seen, egx_str_n(why->text, why->len));
    }
    pause_for(watch, egx_backoff_next(&watch->backoff), on_time_to_ask);
}

/* ---- telling ---- */

static void tell_content(struct consul_watch *watch, uint64_t revision) {
    const struct eg_host *host = watch->store->host;
    const struct egx_rows nothing = {0};
    const bool is_unchanged = !watch->has_content && watch->seen == revision;
    if (!is_unchanged) {
        if (watch->has_content || watch->seen != 0) {
            egx_tell(watch->told, EG_CHANGE_RESET, revision, egx_str_n(NULL, 0));
        }
        egx_tell_difference(host, watch->told, &nothing, &watch->table.fresh, revision);
    }
    egx_tell(watch->told, EG_CHANGE_SYNCED, revision, egx_str_n(NULL, 0));
}

static void tell_changes(struct consul_watch *watch, uint64_t revision) {
    const struct eg_host *host = watch->store->host;
    const bool is_news = revision > watch->seen;
    const bool is_told = consul_table_newest(&watch->table, revision) == revision;
    egx_tell_difference(host, watch->told, &watch->table.known, &watch->table.fresh, revision);
    if (watch->is_down || (is_news && !is_told)) {
        egx_tell(watch->told, EG_CHANGE_SYNCED, revision, egx_str_n(NULL, 0));
    }
}

static void on_read(struct consul_read *read) {
    struct consul_watch *watch = read->owner;
    const int32_t status = read->status;
    const struct eg_why why = read->why;
    const uint64_t revision = read->revision > watch->index ? read->revision : watch->index;
    consul_read_free(read);
    if (is_over(watch)) {
        return;
    }
    if (status != EG_OK) {
        fail(watch, &why);
        return;
    }
    consul_table_end(&watch->table);
    if (!watch->has_content || watch->is_reset) {
        tell_content(watch, revision);
    } else {
        tell_changes(watch, revision);
    }
    consul_table_keep(&watch->table);
    watch->seen = revision;
    watch->has_content = true;
    watch->is_down = false;
    watch->is_reset = false;
    watch->backoff.tries = 0;
    const uint64_t rest_ns = 4 * (now_of(watch) - watch->begun_ns);
    watch->pause_ns = rest_ns < PAUSE_NS       ? PAUSE_NS
                      : rest_ns > PAUSE_MAX_NS ? PAUSE_MAX_NS
                                               : rest_ns;
    ask_again(watch);
}

static void start_read(struct consul_watch *watch) {
    if (is_over(watch)) {
        return;
    }
    watch->state = STATE_READING;
    watch->read_ns = now_of(watch);
    watch->read =
        (struct consul_read){.begin = begin_rows, .row = on_row, .ended = on_read, .owner = watch};
    consul_read_start(watch->store, &watch->read, &watch->prefix, 1);
}

/* ---- asking ---- */

/* What the answer says. Names: is the guard among them? */
static int32_t judge(struct consul_call *call, bool *ret_has_guard) {
    const struct consul_store *store = call->store;
    struct egx_json guard = egx_json_begin();
    *ret_has_guard = false;
    if (call->status == EG_E_NOTFOUND && call->index != 0) {
        return EG_OK; /* nothing there, as yet */
    }
    if (call->status != EG_OK && call->status != EG_E_NOTFOUND && call->status != EG_E_CONFLICT) {
        return call->status;
    }
    egx_json_raw(&guard, store->settings->prefix);
    egx_json_raw(&guard, CONSUL_GUARD_STR);
    const struct eg_str answer = egx_str_n(call->answer.ptr, call->answer.len);
    const bool is_good = call->status == EG_OK && call->index != 0 &&
                         consul_scan_names(answer, egx_json_text(&guard), ret_has_guard);
    egx_json_free(&guard);
    return is_good ? EG_OK : consul_garbage(store, &call->why);
}

static void on_asked(struct consul_call *call) {
    struct consul_watch *watch = call->owner;
    bool has_guard = false;
    const int32_t status = judge(call, &has_guard);
    const uint64_t index = call->index;
    const struct eg_why why = call->why;
    consul_call_free(call);
    if (is_over(watch)) {
        return;
    }
    if (status != EG_OK) {
        fail(watch, &why);
        return;
    }
    watch->is_reset = watch->is_reset || (watch->has_content && index < watch->seen);
    watch->index = index;
    /* Without the guard, what is there may only be hidden by ACLs: the read finds out. */
    if (watch->has_content && !watch->is_down && has_guard && index == watch->seen) {
        ask_again(watch);
    } else {
        read_soon(watch);
    }
}

/* Each asks for a little less than `wait`, so that many gateways do not come all at once. */
static uint64_t some_wait_ns(const struct consul_store *store) {
    struct egx_backoff random = {store->settings->wait / 8, store->settings->wait / 8, 0};
    return store->settings->wait - egx_backoff_next(&random);
}

static void ask(struct consul_watch *watch) {
    struct consul_store *store = watch->store;
    struct consul_call *call = &watch->question;
    char number[32];
    uint64_t wait_ns = 0;
    if (is_over(watch)) {
        return;
    }
    watch->state = STATE_ASKING;
    watch->asked_ns = now_of(watch);
    consul_call_begin(store, call, EGX_STR("/v1/kv/"));
    consul_call_name(call, EGX_STR(""));
    consul_call_query(call, EGX_STR("keys"), EGX_STR(""));
    consul_call_query(call, EGX_STR("separator"), EGX_STR("/"));
    consul_call_query(call, EGX_STR("consistent"), EGX_STR(""));
    if (watch->has_content && !watch->is_down) {
        wait_ns = some_wait_ns(store);
        (void)snprintf(number, sizeof number, "%llu", (unsigned long long)watch->seen);
        consul_call_query(call, EGX_STR("index"), egx_str_c(number));
        (void)snprintf(number, sizeof number, "%llums",
                       (unsigned long long)(wait_ns / CONSUL_MILLISECOND_NS));
        consul_call_query(call, EGX_STR("wait"), egx_str_c(number));
    }
    /* Consul waits up to a sixteenth longer than it was asked to. */
    consul_call_send(call, UINT64_MAX, wait_ns + wait_ns / 16 + store->settings->timeout, on_asked,
                     watch);
}

/* ---- opening and closing ---- */

int32_t consul_watch_open(void *instance, struct eg_str prefix, uint64_t from_revision,
                          struct eg_watch *told) {
    struct consul_store *store = instance;
    const struct eg_host *host = store->host;
    if (store->is_draining || store->control == NULL) {
        return EG_E_UNAVAILABLE;
    }
    struct consul_watch *watch = host->mem->alloc(host, sizeof *watch + prefix.len);
    char *bytes = (char *)(watch + 1);
    if (prefix.len > 0) {
        memcpy(bytes, prefix.ptr, prefix.len);
    }
    watch->store = store;
    watch->table.host = host;
    watch->told = told;
    watch->prefix = egx_str_n(bytes, prefix.len);
    watch->seen = from_revision;
    watch->pause_ns = PAUSE_NS;
    watch->backoff = (struct egx_backoff){FIRST_RETRY_NS, LAST_RETRY_NS, 0};
    watch->next = store->watches;
    store->watches = watch;
    pause_for(watch, 0, on_time_to_ask);
    return EG_OK;
}

static void stop_calls(struct consul_watch *watch) {
    consul_call_cancel(&watch->question);
    consul_call_cancel(&watch->read.call);
}

void consul_watch_close(void *instance, struct eg_watch *told) {
    struct consul_store *store = instance;
    struct consul_watch *watch = store->watches;
    while (watch != NULL && watch->told != told) {
        watch = watch->next;
    }
    if (watch == NULL || watch->is_closing) {
        return;
    }
    watch->is_closing = true;
    stop_calls(watch);
    if (watch->state == STATE_PAUSING) {
        close_later(watch);
    }
}

void consul_watches_stop(struct consul_store *store) {
    for (struct consul_watch *watch = store->watches; watch != NULL; watch = watch->next) {
        store->host->loop->timer_stop(store->host, watch->timer);
        watch->timer = NULL;
    }
}

void consul_watches_free(struct consul_store *store) {
    while (store->watches != NULL) {
        struct consul_watch *watch = store->watches;
        store->watches = watch->next;
        free_watch(watch);
    }
}
