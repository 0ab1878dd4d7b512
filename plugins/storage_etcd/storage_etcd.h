/*
 * storage_etcd.h - the inside of the storage plugin for etcd v3, spoken to through the JSON gateway
 * that each of its servers has (https://etcd.io/docs/v3.4/dev-guide/api_grpc_gateway/).
 *
 *   storage_etcd.c  settings, life, the plugin's constant
 *   endpoints.c     the list of servers
 *   health.c        which server is asked, and whether any answers
 *   call.c          one request: server, token, timeout, failover, answer
 *   auth.c          the token
 *   errors.c        etcd's errors as ours
 *   wire.c          what is read from answers
 *   body.c          what is written into requests
 *   list.c          all keys of a prefix, page by page
 *   ops.c           get, list, put, remove, commit
 *   watch.c         a watch: where it stands and what it does next
 *   stream.c        a watch: the messages of its stream
 *
 * Thread: all of it on the control loop. Names: etcd_.
 */
#ifndef STORAGE_ETCD_H
#define STORAGE_ETCD_H

#include <stdbool.h>

#include <eventgw-sdk/egx.h>
#include <eventgw-sdk/egx_http.h>
#include <eventgw-sdk/egx_storage.h>

#define ETCD_MS 1000000u
#define ETCD_SECOND 1000000000u
/* What the role of a user has to be granted; its key is what is asked for to see whether etcd
 * answers. */
#define ETCD_ROOT "/serverless-event-gateway/"

struct etcd_settings {
    struct eg_str_list endpoints;
    struct eg_str username;
    struct eg_str password;
    struct eg_str ca_file;
    struct eg_str cert_file;
    struct eg_str key_file;
    uint64_t timeout; /* ns, as all durations */
    uint64_t dead_after;
};

struct etcd_endpoint {
    struct eg_str url;  /* scheme, host, port; without a slash at its end */
    struct eg_str name; /* host and port, for messages; within url */
};

struct etcd_store;

/* ---- calls ---- */

#define ETCD_REPEAT 0x1u   /* harmless to repeat: another server is asked when one fails */
#define ETCD_ANYWAY 0x2u   /* also while the store is down */
#define ETCD_NO_TOKEN 0x4u /* asks for the token itself */
#define ETCD_WRITE 0x8u
#define ETCD_PAGE 0x10u /* an answer that is too big is no surprise: less can be asked for */

/* One request. The owner zeroes it, fills in the first part and keeps it until on_end, which comes
 * exactly once and never inside of send or cancel. */
struct etcd_call {
    struct etcd_store *store;
    const char *path;
    struct egx_json body; /* freed by the call */
    uint32_t flags;
    uint64_t timeout_ns;      /* 0 = the setting */
    const struct eg_op *op;   /* in whose time it has to be done, if that is shorter; or NULL */
    uint64_t idle_timeout_ns; /* of streams, which have no other */
    uint64_t max_bytes;       /* of the answer */
    void (*on_data)(struct etcd_call *call, struct eg_str piece); /* NULL = the answer is one */
    /* root: the answer, borrowed; NULL when status is negative (then why says more), or of a
     * stream. The call may be freed in it. */
    void (*on_end)(struct etcd_call *call, int32_t status, const struct eg_json *root);
    /* results */
    struct eg_why why;
    bool is_active;
    bool is_timeout;
    size_t endpoint; /* that was asked last */
    /* of call.c and auth.c */
    bool is_canceled;
    bool has_data;   /* a piece of the stream has come */
    bool is_unsent;  /* the last failure was that of a connection that did not come about */
    bool is_renewed; /* a new token was asked for already */
    size_t tries;
    int32_t status; /* of an end that was posted */
    uint64_t token_serial;
    struct eg_http_call *http;
    struct eg_http_request request;
    struct eg_kv headers[3];
    char *texts;                   /* url and token of the request */
    struct etcd_call *next;        /* in the queue for a token */
    struct etcd_call *next_active; /* in store->active */
};
void etcd_call_send(struct etcd_call *call);
void etcd_call_cancel(struct etcd_call *call);  /* a wish; nothing is done when it is not active */
void etcd_calls_stop(struct etcd_store *store); /* cancels all but writes */
/* Go on, or end, after the wait for a token. */
void etcd_call_go_on(struct etcd_call *call);
void etcd_call_end_later(struct etcd_call *call, int32_t status);

/* ---- token ---- */

struct etcd_auth {
    char *token;
    size_t token_len;
    uint64_t serial; /* of the token; grows */
    bool is_off;     /* etcd says that it does not want any */
    struct etcd_call call;
    struct etcd_call *waiting;
};
bool etcd_auth_needs_token(const struct etcd_store *store);
void etcd_auth_wait(struct etcd_call *call);
/* The token of that serial was refused. */
void etcd_auth_forget(struct etcd_store *store, uint64_t serial);

/* ---- health ---- */

struct etcd_health {
    size_t current;  /* the server that is asked */
    size_t failures; /* since something worked */
    size_t probes;   /* since the last pause */
    bool is_down;    /* each has failed */
    int32_t code;
    struct eg_why why;
    struct egx_backoff backoff;
    struct eg_timer *pause;
    struct etcd_call probe;
    struct eg_op *start_op;
    struct eg_timer *start_limit;
};
void etcd_health_start(struct etcd_store *store, struct eg_op *op);
void etcd_health_stop(struct etcd_store *store);
void etcd_health_worked(struct etcd_store *store, size_t endpoint);
void etcd_health_failed(struct etcd_store *store, size_t endpoint, int32_t code,
                        const struct eg_why *why);

/* ---- the store ---- */

#define ETCD_NAMED_BAD 64u
struct etcd_store {
    const struct eg_host *host;
    const struct etcd_settings *settings;
    struct eg_loop *control;
    struct etcd_endpoint *endpoints;
    size_t endpoint_count;
    struct etcd_health health;
    struct etcd_auth auth;
    struct etcd_watch *watches;
    struct etcd_call *active; /* every call from send to its end */
    bool is_draining;
    struct eg_metric *bad_records;
    uint64_t named_bad[ETCD_NAMED_BAD]; /* hashes of bad records that the log has named */
    size_t named_bad_count;
};
int32_t etcd_endpoints_make(struct etcd_store *store, struct eg_why *ret_why);
void etcd_endpoints_free(struct etcd_store *store);

extern const struct eg_storage_ops etcd_ops;

/* ---- errors ---- */

struct etcd_error {
    int64_t grpc_code;  /* -1 = any */
    const char *text;   /* that the message contains; NULL = any */
    int32_t code;       /* EG_E_* */
    bool is_token;      /* a new token may help */
    bool is_no_auth;    /* there is no authentication */
    const char *advice; /* what to do, or NULL */
};
/* Never NULL. */
const struct etcd_error *etcd_error_find(int64_t grpc_code, struct eg_str message);
/* Reads the body of an answer that is no 2xx, or the error of a stream. NULL: it is none of
 * etcd's; ret_message is borrowed from the root. */
const struct etcd_error *etcd_error_read(const struct eg_host *host, const struct eg_json *root,
                                         struct eg_str *ret_message);

/* ---- reading ---- */

struct etcd_header {
    uint64_t cluster;
    uint64_t term;
    uint64_t revision;
};
struct etcd_kv {
    struct eg_str key;
    struct eg_str value;
    uint64_t revision;
    uint64_t created;
    char *memory;
};
struct eg_str etcd_string(const struct eg_host *host, const struct eg_json *object,
                          struct eg_str name);
/* int64 and uint64 are strings in protobuf's JSON; a field that is 0 is left out. EG_E_PROTO. */
int32_t etcd_number(const struct eg_host *host, const struct eg_json *object, struct eg_str name,
                    uint64_t *ret_number);
bool etcd_is_true(const struct eg_host *host, const struct eg_json *object, struct eg_str name);
/* EG_E_PROTO when it is not there or not readable. */
int32_t etcd_header_read(const struct eg_host *host, const struct eg_json *root,
                         struct etcd_header *ret_header);
/* EG_E_PROTO; memory is to be freed by etcd_kv_free. */
int32_t etcd_kv_read(const struct eg_host *host, const struct eg_json *object,
                     struct etcd_kv *ret_kv);
void etcd_kv_free(const struct eg_host *host, struct etcd_kv *kv);
/* The key alone, into memory that is to be freed by the host's free; NULL: it cannot be read. */
char *etcd_key_read(const struct eg_host *host, const struct eg_json *object,
                    struct eg_str *ret_key);
/* A record that could not be read: counted, and named in the log once. */
void etcd_bad_record(struct etcd_store *store, const struct eg_json *object);

/* ---- writing ---- */

/* The keys that begin with a prefix, as etcd's key and range_end. */
struct etcd_range {
    struct eg_str first;
    struct eg_str end;
    char *memory;
};
void etcd_range_make(const struct eg_host *host, struct eg_str prefix,
                     struct etcd_range *ret_range);
void etcd_range_free(const struct eg_host *host, struct etcd_range *range);

/* end empty: this key only. limit 0: all. revision 0: the present. */
void etcd_body_range(struct egx_json *body, struct eg_str first, struct eg_str end, uint64_t limit,
                     uint64_t revision);
void etcd_body_txn(const struct eg_host *host, struct egx_json *body,
                   const struct eg_commit *commit);
void etcd_body_watch(struct egx_json *body, const struct etcd_range *range, uint64_t from);

/* ---- lists ---- */

/* What a list may take in memory; etcd's own database has 2 GiB at most, unless it is told
 * otherwise, and the gateway's part of it is small. */
#define ETCD_LIST_BYTES ((size_t)256 << 20)

/* Zeroed by its owner; then store, range (made) and on_end. */
struct etcd_list {
    struct etcd_call call;
    struct etcd_store *store;
    struct etcd_range range;
    void (*on_end)(struct etcd_list *list, int32_t status); /* call.why says why */
    struct etcd_header header;                              /* of the first page */
    struct egx_rows rows;
    size_t bytes; /* of rows */
    uint64_t limit;
    uint32_t begun; /* how often from the start */
    char *next_key;
    size_t next_key_len;
};
void etcd_list_begin(struct etcd_list *list);
void etcd_list_free(struct etcd_list *list); /* not while its call is active */

/* ---- watches ---- */

#define ETCD_WATCH_WAITING 0u /* for the store to be up */
#define ETCD_WATCH_PAUSED 1u
#define ETCD_WATCH_ASKING 2u /* where the store stands */
#define ETCD_WATCH_LISTING 3u
#define ETCD_WATCH_OPENING 4u /* the stream was asked for */
#define ETCD_WATCH_LIVE 5u
struct etcd_watch {
    struct etcd_watch *next;
    struct etcd_store *store;
    struct eg_watch *told;
    struct etcd_range range;
    uint32_t step;
    uint64_t seen;    /* all up to here was told */
    uint64_t cluster; /* 0 = not known yet */
    uint64_t term;
    uint64_t goal; /* where the store stood when the stream was opened */
    bool needs_content;
    bool needs_reset; /* told before the content */
    bool needs_synced;
    bool is_down;
    bool is_closing;
    bool
        has_hurried; /* the content was read anew without a pause, and no stream has lasted since */
    struct etcd_list list;
    struct etcd_call call; /* the question, or the stream */
    struct eg_timer *timer;
    struct egx_backoff backoff;
    uint64_t live_since_ns;
    /* stream.c's */
    struct egx_json line; /* the beginning of a message whose end has not come */
    struct egx_rows held; /* changes of one revision that may not be all of it */
    bool is_stopping;     /* the stream was cancelled, for: */
    int32_t stop_status;
    struct eg_why stop_why;
};
int32_t etcd_watch_open(void *instance, struct eg_str prefix, uint64_t from_revision,
                        struct eg_watch *told);
void etcd_watch_close(void *instance, struct eg_watch *told);
void etcd_watches_wake(struct etcd_store *store); /* the store is up */
void etcd_watches_drain(struct etcd_store *store);
void etcd_watches_free(struct etcd_store *store);

void etcd_stream_open(struct etcd_watch *watch);
void etcd_stream_free(struct etcd_watch *watch);
/* What stream.c tells watch.c. */
void etcd_watch_created(struct etcd_watch *watch);
void etcd_watch_heard(struct etcd_watch *watch); /* a piece has come */
void etcd_watch_progress(struct etcd_watch *watch);
void etcd_watch_ended(struct etcd_watch *watch, int32_t status);

#endif
