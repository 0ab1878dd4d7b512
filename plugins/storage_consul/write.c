/*
 * write.c - put, remove, commit: one transaction
 * (https://developer.hashicorp.com/consul/api-docs/txn) of the checks, the write, and the guard.
 *
 * Consul has no check of a range. A write that rests on "nothing below this prefix was put since"
 * reads the prefix and the guard at one moment, decides, and then writes only if the guard has not
 * moved: then nothing has. When it has moved it looks again, until the op's deadline.
 *
 * Consul does not write what is there already: with the same value and Flags the entry keeps its
 * ModifyIndex. Every write has a number of its own in Flags, so that it always is a change.
 *
 * A write is sent once (EG_HTTP_ONCE). When its answer is lost nobody knows whether it has
 * happened, and that is what its op is told.
 *
 * Thread: control. A write belongs to itself until its op is done; its inputs are borrowed until
 * then.
 */
#include "steps.h"

#define TRIES_MAX 1000u

static const struct {
    int32_t status;
    const char *text;
} verdicts[CONSUL_ROLES] = {
    [CONSUL_ROLE_WRITE] = {EG_E_IO, NULL}, /* Consul's own words */
    [CONSUL_ROLE_THERE] = {EG_E_NOTFOUND, "key not found"},
    [CONSUL_ROLE_ABSENT] = {EG_E_EXISTS, "the key exists already"},
    [CONSUL_ROLE_SAME] = {EG_E_CONFLICT, "the key was changed meanwhile"},
    [CONSUL_ROLE_CHECK] = {EG_E_CONFLICT, "what the write rests on was changed meanwhile"},
    [CONSUL_ROLE_GUARD] = {EG_E_BUSY, NULL}, /* tried again */
};

struct consul_write {
    struct consul_write *next; /* in the store's list of those that pause */
    struct consul_store *store;
    struct consul_call call;
    struct consul_read read;
    struct eg_op *op;
    struct eg_commit commit;
    bool has_prefix_checks;
    bool is_broken; /* a check of a prefix does not hold */
    uint32_t tries;
    struct egx_backoff backoff;
    struct eg_timer *timer;
    struct consul_steps steps;
    enum consul_role failed; /* of the transaction; CONSUL_ROLES = none */
    bool is_denied;
    struct eg_why why;
    uint64_t revision; /* of the guard, after the write */
};

/* ---- the end ---- */

static void free_write(struct consul_write *write) {
    const struct eg_host *host = write->store->host;
    consul_call_free(&write->call);
    consul_read_free(&write->read);
    host->mem->free(host, write);
}

static void end_ok(struct consul_write *write, uint64_t revision) {
    egx_done_revision(write->op, revision);
    free_write(write);
}

static void end_failed(struct consul_write *write, int32_t status, const struct eg_why *why) {
    egx_done_error(write->op, status, "%.*s", (int)why->len, why->text);
    free_write(write);
}

static void end_refused(struct consul_write *write, enum consul_role role) {
    const char *text = verdicts[role].text;
    if (text != NULL) {
        (void)egx_why(&write->why, verdicts[role].status, "%s", text);
    }
    end_failed(write, verdicts[role].status, &write->why);
}

/* ---- again, when only the guard has moved ---- */

static void begin_try(struct consul_write *write);

static void leave_pausing(struct consul_write *write) {
    struct consul_write **place = &write->store->pausing;
    while (*place != write) {
        place = &(*place)->next;
    }
    *place = write->next;
    write->store->host->loop->timer_stop(write->store->host, write->timer);
    write->timer = NULL;
}

static void on_pause_over(void *arg) {
    struct consul_write *write = arg;
    leave_pausing(write);
    begin_try(write);
}

static void try_again(struct consul_write *write) {
    struct consul_store *store = write->store;
    const struct eg_host *host = store->host;
    const uint64_t pause_ns = egx_backoff_next(&write->backoff);
    const uint64_t deadline_ns = write->op->deadline_ns;
    const bool is_late =
        deadline_ns != 0 && host->clock->monotonic_ns(host) + pause_ns >= deadline_ns;
    if (is_late || store->is_draining || write->tries >= TRIES_MAX) {
        (void)egx_why(&write->why, EG_E_TIMEOUT, "other writes to Consul came in between, %u times",
                      write->tries);
        end_failed(write, EG_E_TIMEOUT, &write->why);
        return;
    }
    write->next = store->pausing;
    store->pausing = write;
    write->timer = host->loop->timer_start(host, store->control, pause_ns, 0, on_pause_over, write);
}

void consul_writes_stop(struct consul_store *store) {
    while (store->pausing != NULL) {
        struct consul_write *write = store->pausing;
        leave_pausing(write);
        (void)egx_why(&write->why, EG_E_UNAVAILABLE, "the gateway is being stopped");
        end_failed(write, EG_E_UNAVAILABLE, &write->why);
    }
}

/* ---- the answer of the transaction ---- */

static void on_result(void *arg, const struct consul_entry *entry) {
    struct consul_write *write = arg;
    const struct eg_str prefix = write->store->settings->prefix;
    if (egx_str_starts(entry->key, prefix) &&
        egx_str_eq(egx_str_cut(entry->key, prefix.len), CONSUL_GUARD_STR)) {
        write->revision = entry->revision; /* the last of them is the one that was written */
    }
}

static void on_error(void *arg, uint64_t op_index, struct eg_str text) {
    struct consul_write *write = arg;
    const enum consul_role role =
        op_index < write->steps.count ? write->steps.roles[op_index] : CONSUL_ROLE_WRITE;
    if (egx_str_starts(text, EGX_STR("Permission denied"))) {
        write->is_denied = true;
    }
    if (role < write->failed) {
        write->failed = role;
        (void)egx_why(&write->why, EG_E_IO, "Consul refuses the write: %.*s", EGX_FMT(text));
    }
}

static void end_conflict(struct consul_write *write) {
    if (write->is_denied) {
        (void)egx_why(&write->why, EG_E_DENIED,
                      "Consul at %.*s does not let the token write below '%.*s'",
                      EGX_FMT(write->store->place), EGX_FMT(write->store->settings->prefix));
        end_failed(write, EG_E_DENIED, &write->why);
    } else if (write->failed == CONSUL_ROLE_GUARD) {
        try_again(write);
    } else {
        end_refused(write, write->failed);
    }
}

/* It says that the write was done, or not, but not so that it can be understood. */
static void end_unclear(struct consul_write *write) {
    const struct consul_store *store = write->store;
    (void)egx_why(&write->why, EG_E_PROTO,
                  "Consul at %.*s answers what cannot be understood" CONSUL_DOUBT,
                  EGX_FMT(store->place));
    end_failed(write, EG_E_PROTO, &write->why);
}

static void on_written(struct consul_call *call) {
    struct consul_write *write = call->owner;
    const struct consul_txn_reader reader = {.entry = on_result, .error = on_error, .arg = write};
    if (call->status != EG_OK && call->status != EG_E_CONFLICT) {
        const bool is_foreign = call->status == EG_E_NOTFOUND;
        const int32_t status = is_foreign ? consul_garbage(write->store, &call->why) : call->status;
        end_failed(write, status, &call->why);
        return;
    }
    write->failed = CONSUL_ROLES;
    write->is_denied = false;
    const bool is_read = consul_scan_txn(egx_str_n(call->answer.ptr, call->answer.len), &reader);
    if (is_read && call->status == EG_OK && write->revision != 0) {
        end_ok(write, write->revision);
    } else if (is_read && call->status == EG_E_CONFLICT && write->failed != CONSUL_ROLES) {
        end_conflict(write);
    } else {
        end_unclear(write);
    }
}

/* ---- the transaction ---- */

static void end_too_long(struct consul_write *write, size_t bytes) {
    (void)egx_why(&write->why, EG_E_TOOBIG,
                  "the name of this key in Consul has %zu bytes, and %u are the most", bytes,
                  CONSUL_NAME_MAX);
    end_failed(write, EG_E_TOOBIG, &write->why);
}

static void end_too_big(struct consul_write *write, size_t bytes) {
    (void)egx_why(
        &write->why, EG_E_TOOBIG,
        "a value of %zu bytes makes a transaction of about %zu bytes, and Consul takes %llu "
        "(txn_max_req_len of its servers, max_transaction here)",
        write->commit.value.len, bytes,
        (unsigned long long)write->store->settings->max_transaction);
    end_failed(write, EG_E_TOOBIG, &write->why);
}

static void send(struct consul_write *write) {
    struct consul_store *store = write->store;
    consul_call_free(&write->call);
    consul_call_begin(store, &write->call, EGX_STR("/v1/txn"));
    consul_steps_build(&write->steps, &write->commit,
                       write->has_prefix_checks ? &write->read.guard : NULL);
    const size_t bytes = egx_json_text(&write->call.body).len;
    if (bytes > store->settings->max_transaction || write->call.body.is_failed) {
        end_too_big(write, bytes);
        return;
    }
    write->call.is_write = true;
    consul_call_send(&write->call, consul_op_timeout(store, write->op), store->settings->timeout,
                     on_written, write);
}

/* ---- checks of prefixes ---- */

static void begin_rows(struct consul_read *read) {
    struct consul_write *write = read->owner;
    write->is_broken = false;
}

static void check_row(struct consul_read *read, const struct consul_row *row) {
    struct consul_write *write = read->owner;
    for (size_t i = 0; i < write->commit.check_count; i++) {
        const struct eg_check *check = write->commit.checks[i];
        if (check->kind == EG_CHECK_PREFIX && egx_str_starts(row->key, check->key) &&
            row->revision > check->revision) {
            write->is_broken = true;
        }
    }
}

static void end_rows(struct consul_read *read) {
    struct consul_write *write = read->owner;
    if (read->status != EG_OK) {
        end_failed(write, read->status, &read->why);
    } else if (write->is_broken) {
        end_refused(write, CONSUL_ROLE_CHECK);
    } else {
        send(write);
    }
}

static void begin_try(struct consul_write *write) {
    struct eg_str prefixes[CONSUL_CHECKS_MAX];
    size_t count = 0;
    write->tries++;
    for (size_t i = 0; i < write->commit.check_count; i++) {
        if (write->commit.checks[i]->kind == EG_CHECK_PREFIX) {
            prefixes[count++] = write->commit.checks[i]->key;
        }
    }
    write->has_prefix_checks = count > 0;
    if (count == 0) {
        send(write);
        return;
    }
    consul_read_free(&write->read);
    write->read = (struct consul_read){
        .op = write->op, .begin = begin_rows, .row = check_row, .ended = end_rows, .owner = write};
    consul_read_start(write->store, &write->read, prefixes, count);
}

/* ---- the front ---- */

/* Up to 2^53, which every JSON reader keeps exactly; never 0, which is what others have. */
static uint64_t random_number(const struct consul_store *store) {
    uint64_t number = 0;
    if (getrandom(&number, sizeof number, GRND_NONBLOCK) != (ssize_t)sizeof number) {
        number = (uint64_t)store->host->clock->unix_ns(store->host) << 11;
    }
    return (number >> 11) | 1u;
}

static int32_t check_commit(const struct eg_commit *commit) {
    if (commit->check_count > CONSUL_CHECKS_MAX) {
        return EG_E_INVAL;
    }
    for (size_t i = 0; i < commit->check_count; i++) {
        if (commit->checks[i]->kind != EG_CHECK_KEY && commit->checks[i]->kind != EG_CHECK_PREFIX) {
            return EG_E_UNSUPPORTED;
        }
    }
    return EG_OK;
}

int32_t consul_commit(void *instance, const struct eg_commit *commit, struct eg_op *op) {
    struct consul_store *store = instance;
    if (store->is_draining || store->control == NULL) {
        return EG_E_UNAVAILABLE;
    }
    const int32_t rc = check_commit(commit);
    if (rc < 0) {
        return rc;
    }
    struct consul_write *write = store->host->mem->alloc(store->host, sizeof *write);
    write->store = store;
    write->op = op;
    write->steps.body = &write->call.body;
    write->steps.prefix = store->settings->prefix;
    write->commit = *commit;
    write->steps.number = random_number(store);
    write->backoff =
        (struct egx_backoff){5 * CONSUL_MILLISECOND_NS, 100 * CONSUL_MILLISECOND_NS, 0};
    write->why.struct_size = sizeof write->why;
    if (commit->is_removal != 0) {
        write->commit.value = egx_str_n(NULL, 0);
    }
    const size_t name_bytes = consul_name_len(commit->key);
    const size_t base64_bytes = write->commit.value.len / 3 * 4;
    if (name_bytes > CONSUL_NAME_MAX) {
        end_too_long(write, name_bytes);
    } else if (base64_bytes > store->settings->max_transaction) {
        end_too_big(write, base64_bytes);
    } else {
        begin_try(write);
    }
    return EG_OK;
}

int32_t consul_put(void *instance, struct eg_str key, struct eg_str value, uint64_t expect_revision,
                   struct eg_op *op) {
    return consul_commit(
        instance,
        &(struct eg_commit){.key = key, .value = value, .expect_revision = expect_revision}, op);
}

int32_t consul_remove(void *instance, struct eg_str key, uint64_t expect_revision,
                      struct eg_op *op) {
    return consul_commit(
        instance,
        &(struct eg_commit){.is_removal = 1, .key = key, .expect_revision = expect_revision}, op);
}
