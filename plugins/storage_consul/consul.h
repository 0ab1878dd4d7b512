/*
 * consul.h - an instance of the store: settings, calls, reads of trees, writes, watches.
 * Everything is on the control thread.
 *
 * In Consul, below the setting `prefix`: one key for each key of the gateway (its name: keys.h),
 * and the guard, `.guard`, which every write sets in the same transaction. So the guard's
 * ModifyIndex is the revision of the last write, whatever it was, and a read without the guard in
 * it is one that Consul's ACLs have emptied: they leave out silently what a token may not read.
 */
#ifndef STORAGE_CONSUL_H
#define STORAGE_CONSUL_H

#include "keys.h"
#include "scan.h"

#define CONSUL_SECOND_NS UINT64_C(1000000000)
#define CONSUL_MILLISECOND_NS UINT64_C(1000000)
#define CONSUL_GUARD ".guard"
#define CONSUL_GUARD_STR EGX_STR(CONSUL_GUARD)
/* The longest answer that is read: more than Consul is made to keep in its memory, and a bound for
 * what a server can make the gateway take. */
#define CONSUL_ANSWER_MAX (UINT64_C(256) << 20)

struct consul_settings {
    struct eg_str address;
    struct eg_str token;
    struct eg_str prefix;
    struct eg_str datacenter;
    uint64_t wait; /* ns, as all durations */
    uint64_t timeout;
    uint64_t max_transaction;
    struct eg_str ca_file;
    struct eg_str cert_file;
    struct eg_str key_file;
};

struct consul_watch;
struct consul_write;

struct consul_store {
    const struct eg_host *host;
    const struct consul_settings *settings;
    struct eg_loop *control;
    struct eg_str base;  /* of every URL, without '/' at its end */
    struct eg_str place; /* host:port, for sentences */
    bool is_exposed;     /* the token goes unencrypted to another machine */
    bool is_draining;
    size_t calls;                /* in flight */
    struct consul_call *reading; /* of these, those that may be given up */
    struct consul_watch *watches;
    struct consul_write *pausing; /* writes that will be tried again */
    struct egx_rows bad;          /* records that were named in the log */
    struct eg_metric *bad_total;
};

/* ---- call.c: one exchange ---- */

struct consul_call {
    struct consul_store *store;
    struct egx_json url;
    struct egx_json body;
    struct eg_kv headers[2];
    struct eg_http_request request;
    bool is_write;               /* sent once, whatever happens */
    struct eg_http_call *handle; /* NULL: not in flight */
    struct consul_call *next;    /* in store->reading */
    void (*ended)(struct consul_call *call);
    void *owner;
    /* What it ended with. status: EG_OK for 200, EG_E_NOTFOUND for 404, EG_E_CONFLICT for 409 (both
     * may be the right answer, why is empty); otherwise the error, and why. */
    int32_t status;
    uint64_t index; /* X-Consul-Index; 0 = none */
    struct eg_buf answer;
    struct eg_why why;
};

/* Begins a call: url and body are empty but for the base of the URL and path. */
void consul_call_begin(struct consul_store *store, struct consul_call *call, struct eg_str path);
/* "?name" or "&name", then "=value", percent-encoded; an empty value is none. */
void consul_call_query(struct consul_call *call, struct eg_str name, struct eg_str value);
/* Name of a key, percent-encoded, behind the prefix. */
void consul_call_name(struct consul_call *call, struct eg_str name);
/* Sends it: PUT with a body, GET without. idle_ns: the longest time without a byte; timeout_ns: of
 * all, UINT64_MAX = none. ended comes exactly once, never from within. */
void consul_call_send(struct consul_call *call, uint64_t timeout_ns, uint64_t idle_ns,
                      void (*ended)(struct consul_call *call), void *owner);
/* ended still comes. */
void consul_call_cancel(struct consul_call *call);
/* All but writes; each still ends. */
void consul_calls_stop(struct consul_store *store);
/* Releases what it ended with; not while it is in flight. */
void consul_call_free(struct consul_call *call);
/* For an op: as long as its deadline still allows. NULL: for ever. */
uint64_t consul_op_timeout(const struct consul_store *store, const struct eg_op *op);
/* Of a write whose answer was lost, at the end of its sentence. */
#define CONSUL_DOUBT "; the write may have happened"
/* An answer that is none: EG_E_PROTO, and why. */
int32_t consul_garbage(const struct consul_store *store, struct eg_why *ret_why);

/* ---- read.c: what is there, below some prefixes, at one moment ---- */

struct consul_row {
    struct eg_str key;
    struct eg_str base64;
    uint64_t revision;
    uint64_t created;
};

struct consul_read {
    struct consul_store *store;
    struct consul_call call;
    struct egx_json request; /* of the transaction */
    struct egx_json key;     /* scratch: the key of the present row */
    struct egx_json former;  /* scratch: the key of the row before, */
    struct eg_str last;      /* which this is */
    bool is_one_tree;        /* then keys ascend */
    bool is_garbled;         /* and they did not */
    const struct eg_op *op;  /* in whose time it has to be done; NULL: it has none */
    bool is_repeated;
    void (*begin)(struct consul_read *read); /* rows follow, what came before does not count */
    void (*row)(struct consul_read *read, const struct consul_row *row);
    void (*ended)(struct consul_read *read); /* once; the read may be freed in it */
    void *owner;
    /* What it ended with. */
    int32_t status;
    struct eg_why why;
    uint64_t revision; /* of the store: the newest of all that was seen */
    uint64_t guard;    /* ModifyIndex of the guard, 0 = there is none */
};

/* prefixes: of keys; count may be 0, then only the guard is read. */
void consul_read_start(struct consul_store *store, struct consul_read *read,
                       const struct eg_str *prefixes, size_t count);
void consul_read_free(struct consul_read *read);
/* Bytes of a value, to be freed by the host's free; NULL: it is no base64, and has been counted. */
char *consul_row_value(struct consul_store *store, const struct consul_row *row, size_t *ret_len);
/* Counts a record that cannot be understood, and names it in the log, once. name: in Consul. */
void consul_bad_record(struct consul_store *store, struct eg_str name, const char *what);

/* ---- ops.c, write.c ---- */

int32_t consul_get(void *instance, struct eg_str key, struct eg_op *op);
int32_t consul_list(void *instance, struct eg_str prefix, struct eg_op *op);
int32_t consul_put(void *instance, struct eg_str key, struct eg_str value, uint64_t expect_revision,
                   struct eg_op *op);
int32_t consul_remove(void *instance, struct eg_str key, uint64_t expect_revision,
                      struct eg_op *op);
int32_t consul_commit(void *instance, const struct eg_commit *commit, struct eg_op *op);
/* Ends the writes that wait to be tried again. */
void consul_writes_stop(struct consul_store *store);

/* ---- watch.c ---- */

int32_t consul_watch_open(void *instance, struct eg_str prefix, uint64_t from_revision,
                          struct eg_watch *watch);
void consul_watch_close(void *instance, struct eg_watch *watch);
void consul_watches_stop(struct consul_store *store);
void consul_watches_free(struct consul_store *store);

#endif
