/*
 * write.c - a write with its checks, in one transaction with the guard.
 *
 * Read what the write rests on, decide, and send { guard: version as it was when reading began ->
 * the next; the item } as one multi. The guard's version says that no other gateway wrote since, so
 * what was read still holds, even where the version of a single znode would not tell (removed and
 * made again it counts from 0). When the guard has moved, everything is read anew. The items' own
 * versions go along, for writers that do not know of the guard.
 *
 * Writes of one instance wait for each other: they would only make each other start over.
 *
 * Thread: control. Ownership: what the op lends is borrowed until it is done.
 */
#include <stdlib.h>
#include <string.h>

#include "store.h"

#define MAX_CHECKS 8u
#define PACKET_HEAD 128u /* headers, counters, ACL of a multi with two operations */
#define CHECK_BYTES 32u  /* of each further operation, without its path */

struct item {
    char *path;
    bool is_there;
    struct zk_stat stat;
};

struct zk_write {
    struct zk_write *next;
    bool is_begun;
    struct zk_store *store;
    struct eg_op *op;
    struct eg_commit commit;
    struct zk_guard *guard; /* held: as it was when reading began */
    struct item item;
    struct item checked[MAX_CHECKS]; /* of EG_CHECK_KEY */
    size_t reads;                    /* under way */
    size_t prefix_at;                /* which check is being looked at */
    struct zk_snapshot snapshot;
    char *ring; /* the guard's next data */
    size_t ring_len;
    int32_t status; /* of the reading */
    struct eg_why why;
};

static void begin_attempt(struct zk_write *write);
static void check_prefixes(struct zk_write *write);

/* ---- one after the other ---- */

/* A loop, not a recursion: while the store is away thousands may end one after the other. */
static void run_writes(struct zk_store *store) {
    if (store->is_running_writes) {
        return;
    }
    store->is_running_writes = true;
    while (store->writes != NULL && !store->writes->is_begun) {
        store->writes->is_begun = true;
        begin_attempt(store->writes);
    }
    store->is_running_writes = false;
}

static void write_free(struct zk_write *write) {
    const struct eg_host *host = write->store->host;
    zk_guard_drop(write->store, write->guard);
    host->mem->free(host, write->item.path);
    for (size_t i = 0; i < MAX_CHECKS; i++) {
        host->mem->free(host, write->checked[i].path);
    }
    host->mem->free(host, write->ring);
    host->mem->free(host, write);
}

static void end(struct zk_write *write, int32_t status, uint64_t revision) {
    struct zk_store *store = write->store;
    if (status == EG_OK) {
        egx_done_revision(write->op, revision);
    } else {
        egx_done_error(write->op, status, "%.*s", (int)write->why.len, write->why.text);
    }
    store->writes = write->next;
    if (store->writes == NULL) {
        store->last_write = NULL;
    }
    write_free(write);
    zk_op_ended(store);
    run_writes(store);
}

EGX_PRINTF(3, 4)
static void end_with(struct zk_write *write, int32_t status, const char *format, ...) {
    va_list args;
    va_start(args, format);
    write->why.len = (uint32_t)egx_vprint(write->why.text, sizeof write->why.text, format, args);
    va_end(args);
    end(write, status, 0);
}

/* ---- sending ---- */

static void on_guard_again(void *arg, int32_t status) {
    struct zk_write *write = arg;
    if (status != EG_OK) {
        end_with(write, status, "%s", write->store->session.trouble_text);
        return;
    }
    begin_attempt(write);
}

static void on_written(void *arg, const struct zk_reply *reply) {
    struct zk_write *write = arg;
    struct zk_store *store = write->store;
    if (reply->code == ZK_OK) {
        const struct eg_str data = egx_str_n(write->ring, write->ring_len);
        zk_guard_written(store, reply->stat.version, reply->stat.made_zxid, reply->stat.zxid, data);
        end(write, EG_OK, reply->stat.zxid);
    } else if (reply->code == ZK_BADVERSION || reply->code == ZK_EXISTS ||
               reply->code == ZK_NONODE) {
        /* Somebody was faster, and nothing was written: the guard has moved, or a znode was written
         * without it. */
        if (store->session.client == NULL) {
            end_with(write, EG_E_UNAVAILABLE, "%s", store->session.trouble_text);
        } else {
            zk_guard_read(store, on_guard_again, write);
        }
    } else if (reply->code == ZK_LOST) {
        end_with(write, EG_E_UNAVAILABLE,
                 "the connection to zookeeper was lost before its answer, the write may have "
                 "happened");
    } else {
        const int32_t status = zk_session_failed(store, reply, store->root, &write->why);
        end(write, status, 0);
    }
}

/* Bytes that everything but the value and the ring takes in the packet. */
static size_t packet_rest(const struct zk_write *write) {
    size_t bytes = PACKET_HEAD + strlen(write->store->guard) + strlen(write->store->items) + 1 +
                   zk_name_room(write->commit.key.len);
    for (size_t i = 0; i < write->commit.check_count; i++) {
        bytes += CHECK_BYTES + strlen(write->store->items) + 1 +
                 zk_name_room(write->commit.checks[i]->key.len);
    }
    return bytes;
}

static void make_ring(struct zk_write *write) {
    struct zk_store *store = write->store;
    const struct eg_commit *commit = &write->commit;
    const size_t least = ZK_RING_HEAD + ZK_RING_ENTRY + commit->key.len;
    const size_t used = packet_rest(write) + (commit->is_removal != 0 ? 0 : commit->value.len);
    const size_t left = (size_t)store->settings->max_packet - used;
    const size_t most = left < ZK_RING_MAX_BYTES ? left : ZK_RING_MAX_BYTES;
    const size_t room = most > least ? most : least;
    store->host->mem->free(store->host, write->ring);
    write->ring = store->host->mem->alloc(store->host, room);
    write->ring_len = zk_ring_encode(
        &write->guard->ring, commit->is_removal != 0 ? EG_CHANGE_REMOVE : EG_CHANGE_PUT,
        commit->key, (size_t)store->settings->history, room, write->ring);
}

static void send(struct zk_write *write) {
    struct zk_op ops[ZK_MAX_OPS];
    const struct eg_commit *commit = &write->commit;
    size_t count = 0;
    make_ring(write);
    ops[count++] = (struct zk_op){ZK_SET, write->guard->version, write->store->guard,
                                  egx_str_n(write->ring, write->ring_len)};
    ops[count++] = (struct zk_op){commit->is_removal != 0 ? ZK_DELETE
                                  : write->item.is_there  ? ZK_SET
                                                          : ZK_CREATE,
                                  write->item.stat.version, write->item.path, commit->value};
    for (size_t i = 0; i < commit->check_count; i++) {
        /* The item itself has its version in its own operation. */
        if (write->checked[i].is_there && !egx_str_eq(commit->checks[i]->key, commit->key)) {
            ops[count++] = (struct zk_op){
                ZK_CHECK, write->checked[i].stat.version, write->checked[i].path, {NULL, 0}};
        }
    }
    zk_multi(write->store->session.client, ops, count, (struct zk_ask){on_written, write});
}

/* ---- deciding ---- */

static bool has_revision(const struct item *item, uint64_t revision) {
    return revision == EG_REV_ANY ||
           (revision == EG_REV_ABSENT ? !item->is_there
                                      : item->is_there && item->stat.zxid == revision);
}

static int32_t decide(struct zk_write *write) {
    const struct eg_commit *commit = &write->commit;
    struct eg_why *why = &write->why;
    if (commit->is_removal != 0 && !write->item.is_there) {
        return egx_why(why, EG_E_NOTFOUND, "there is no such key");
    }
    if (!has_revision(&write->item, commit->expect_revision)) {
        return commit->expect_revision == EG_REV_ABSENT
                   ? egx_why(why, EG_E_EXISTS, "the key exists already")
                   : egx_why(why, EG_E_CONFLICT, "the key has another revision");
    }
    for (size_t i = 0; i < commit->check_count; i++) {
        const struct eg_check *check = commit->checks[i];
        if (check->kind == EG_CHECK_KEY && !has_revision(&write->checked[i], check->revision)) {
            return egx_why(why, EG_E_CONFLICT, "a key that the write rests on has changed");
        }
    }
    return EG_OK;
}

/* ---- EG_CHECK_PREFIX ---- */

static void prefix_failed(struct zk_write *write) {
    end_with(write, EG_E_CONFLICT, "something that the write rests on was added or changed");
}

static void on_prefix_read(void *arg, int32_t status, struct eg_why *why) {
    struct zk_write *write = arg;
    const struct eg_check *check = write->commit.checks[write->prefix_at];
    struct zk_snapshot *snapshot = &write->snapshot;
    uint64_t newest = 0;
    if (status != EG_OK) {
        write->why = *why;
        zk_snapshot_free(snapshot);
        end(write, status, 0);
        return;
    }
    for (size_t i = 0; i < snapshot->rows.count; i++) {
        const uint64_t revision = snapshot->rows.items[i]->revision;
        newest = revision > newest ? revision : newest;
    }
    const bool is_same_guard = snapshot->guard->ring.newest == write->guard->ring.newest;
    zk_snapshot_free(snapshot);
    if (newest > check->revision) {
        prefix_failed(write);
    } else if (!is_same_guard) {
        begin_attempt(write);
    } else {
        write->prefix_at++;
        check_prefixes(write);
    }
}

/* The ring knows what was put since, if it reaches back; else everything is looked at. */
static bool is_put_after(const struct zk_ring *ring, const struct eg_check *check) {
    for (size_t i = 0; i < ring->changes.count; i++) {
        const struct egx_row *change = ring->changes.items[i];
        if (change->revision > check->revision && change->kind == EG_CHANGE_PUT &&
            egx_str_starts(change->key, check->key)) {
            return true;
        }
    }
    return false;
}

static void check_prefixes(struct zk_write *write) {
    const struct eg_commit *commit = &write->commit;
    for (; write->prefix_at < commit->check_count; write->prefix_at++) {
        const struct eg_check *check = commit->checks[write->prefix_at];
        if (check->kind != EG_CHECK_PREFIX) {
            continue;
        }
        if (is_put_after(&write->guard->ring, check)) {
            prefix_failed(write);
            return;
        }
        if (check->revision < write->guard->ring.floor) {
            write->snapshot = (struct zk_snapshot){.store = write->store,
                                                   .prefix = check->key,
                                                   .stat_only = true,
                                                   .done = on_prefix_read,
                                                   .arg = write};
            zk_snapshot_begin(&write->snapshot);
            return;
        }
    }
    send(write);
}

/* ---- reading ---- */

struct read_one {
    struct zk_write *write;
    struct item *item;
};

static void on_read(void *arg, const struct zk_reply *reply) {
    struct read_one *one = arg;
    struct zk_write *write = one->write;
    struct zk_store *store = write->store;
    if (reply->code == ZK_OK || reply->code == ZK_NONODE) {
        one->item->is_there = reply->code == ZK_OK;
        one->item->stat = reply->stat;
    } else if (write->status == EG_OK) {
        write->status = zk_session_failed(store, reply, one->item->path, &write->why);
    }
    store->host->mem->free(store->host, one);
    if (--write->reads > 0) {
        return;
    }
    if (write->status == EG_OK && store->session.client == NULL) {
        write->status = egx_why(&write->why, EG_E_UNAVAILABLE, "%s", store->session.trouble_text);
    }
    if (write->status == EG_OK) {
        write->status = decide(write);
    }
    if (write->status != EG_OK) {
        end(write, write->status, 0);
        return;
    }
    write->prefix_at = 0;
    check_prefixes(write);
}

static void read_item(struct zk_write *write, struct item *item, struct eg_str key) {
    struct zk_store *store = write->store;
    struct read_one *one = store->host->mem->alloc(store->host, sizeof *one);
    *one = (struct read_one){write, item};
    if (item->path == NULL) {
        item->path = zk_path(store->host, store->items, key);
    }
    write->reads++;
    zk_exists(store->session.client, item->path, (struct zk_ask){on_read, one});
}

static void begin_attempt(struct zk_write *write) {
    struct zk_store *store = write->store;
    const uint64_t deadline_ns = write->op->deadline_ns;
    if (!zk_session_is_ready(store)) {
        end_with(write, store->session.trouble == EG_OK ? EG_E_UNAVAILABLE : store->session.trouble,
                 "%s", store->session.trouble_text);
        return;
    }
    if (deadline_ns != 0 && store->host->clock->monotonic_ns(store->host) >= deadline_ns) {
        end_with(write, EG_E_TIMEOUT, "too many others write at the same time");
        return;
    }
    zk_guard_drop(store, write->guard);
    write->guard = zk_guard_hold(store->session.guard);
    write->status = EG_OK;
    write->reads = 0;
    zk_sync(store->session.client, store->root, (struct zk_ask){NULL, NULL});
    read_item(write, &write->item, write->commit.key);
    for (size_t i = 0; i < write->commit.check_count; i++) {
        if (write->commit.checks[i]->kind == EG_CHECK_KEY) {
            read_item(write, &write->checked[i], write->commit.checks[i]->key);
        }
    }
}

/* ---- the beginning ---- */

/* A packet that is too big makes the server drop the connection, with all that others wait for. */
static int32_t refuse_size(struct zk_store *store, struct zk_write *write) {
    const uint64_t most = store->settings->max_packet;
    const size_t rest = packet_rest(write) + ZK_RING_HEAD + ZK_RING_ENTRY + write->commit.key.len;
    const size_t value = write->commit.is_removal != 0 ? 0 : write->commit.value.len;
    if (rest + value <= most) {
        return EG_OK;
    }
    return egx_why(&write->why, EG_E_TOOBIG,
                   "a value of %zu bytes is too big: zookeeper takes requests of %llu bytes at "
                   "most (jute.maxbuffer), which leaves %llu for this one",
                   value, (unsigned long long)most,
                   (unsigned long long)(rest < most ? most - rest : 0));
}

int32_t zk_write_begin(struct zk_store *store, const struct eg_commit *commit, struct eg_op *op) {
    if (commit->check_count > MAX_CHECKS) {
        return EG_E_INVAL;
    }
    struct zk_write *write = store->host->mem->alloc(store->host, sizeof *write);
    write->store = store;
    write->op = op;
    write->commit = *commit;
    write->why = (struct eg_why){.struct_size = sizeof write->why};
    const int32_t status = refuse_size(store, write);
    if (status != EG_OK) {
        egx_done_error(op, status, "%.*s", (int)write->why.len, write->why.text);
        write_free(write);
        return EG_OK;
    }
    zk_op_begun(store);
    if (store->writes == NULL) {
        store->writes = write;
    } else {
        store->last_write->next = write;
    }
    store->last_write = write;
    run_writes(store);
    return EG_OK;
}
