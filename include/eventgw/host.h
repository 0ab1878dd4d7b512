/*
 * eventgw/host.h - what the gateway does for a plugin: a table of tables.
 *
 * The gateway exports no symbols. create() receives a struct eg_host that belongs to this one
 * component and stays valid until its destroy returns; the first argument of every service is that
 * pointer, so that logs, metrics and the ledger carry the plugin's name. Unless said otherwise a
 * service may be called from any thread.
 */
#ifndef EVENTGW_HOST_H
#define EVENTGW_HOST_H

#include "op.h"

#ifdef __cplusplus
extern "C" {
#endif

struct eg_host;
struct eg_loop;     /* one event loop = one thread */
struct eg_event;    /* a CloudEvent */
struct eg_exchange; /* one request with its reply */
struct eg_timer;
struct eg_fd_watch;
struct eg_http_call;
struct eg_json; /* a JSON value; members and items are borrowed from the root */
struct eg_metric;
struct eg_call;          /* a call of a function that a provider was asked to make */
struct eg_function_call; /* one that it has asked for */

/* ---- log: levels as in --log-level ---- */
#define EG_LOG_DEBUG 0u
#define EG_LOG_INFO 1u
#define EG_LOG_WARN 2u
#define EG_LOG_ERROR 3u

/* Lines of the gateway's log, with the name of the component. */
struct eg_log_api {
    uint32_t struct_size;
    uint32_t reserved;
    /* 1 when a message of this level would be written. */
    int32_t (*enabled)(const struct eg_host *host, uint32_t level);
    /* One line; fields become keys of the JSON format. Never pass secrets. */
    void (*write)(const struct eg_host *host, uint32_t level, struct eg_str message,
                  const struct eg_kv *fields, size_t field_count);
};

/* ---- mem: never fails (the process ends when memory is out) ---- */
struct eg_mem_api {
    uint32_t struct_size;
    uint32_t reserved;
    void *(*alloc)(const struct eg_host *host, size_t size); /* zeroed; release with free */
    void (*free)(const struct eg_host *host, void *ptr);     /* NULL is fine */
    struct eg_buf (*copy)(const struct eg_host *host, struct eg_str bytes); /* take */
};

/* ---- loop ---- */
#define EG_FD_READ 1u
#define EG_FD_WRITE 2u

/* What happens on the event loops: posting, timers, file descriptors, blocking work. */
struct eg_loop_api {
    uint32_t struct_size;
    uint32_t reserved;
    /* The loop this thread runs, or NULL. */
    struct eg_loop *(*current)(const struct eg_host *host);
    /* Runs fn(arg) on the loop, later, in order of posting. Any thread. */
    void (*post)(const struct eg_host *host, struct eg_loop *loop, void (*fn)(void *arg),
                 void *arg);
    /* One-shot when period_ns is 0. The rest on the loop's thread only. */
    struct eg_timer *(*timer_start)(const struct eg_host *host, struct eg_loop *loop,
                                    uint64_t delay_ns, uint64_t period_ns, void (*fn)(void *arg),
                                    void *arg);
    /* Stops and forgets it; also a one-shot that has fired has to be stopped once. NULL is fine. */
    void (*timer_stop)(const struct eg_host *host, struct eg_timer *timer);
    /* Level-triggered. The fd stays the plugin's; unwatch before closing it. */
    struct eg_fd_watch *(*fd_watch)(const struct eg_host *host, struct eg_loop *loop, int32_t fd,
                                    uint32_t events, void (*fn)(void *arg, uint32_t events),
                                    void *arg);
    void (*fd_change)(const struct eg_host *host, struct eg_fd_watch *watch, uint32_t events);
    void (*fd_unwatch)(const struct eg_host *host, struct eg_fd_watch *watch);
    /* Runs work(arg) on a pool thread, then done(arg) on the loop. EG_E_BUSY when the pool's queue
     * is full: nothing runs. */
    int32_t (*run_blocking)(const struct eg_host *host, struct eg_loop *loop,
                            void (*work)(void *arg), void (*done)(void *arg), void *arg);
};

/* ---- http: asynchronous client, connections pooled per loop ---- */
#define EG_HTTP_NO_REDIRECT 0x1u
/* Since 0.2. The request is never sent twice. Without it a request is sent once more when a kept
 * connection turns out to have ended before the answer began (RFC 9112 9.3.1), and then nobody
 * knows whether the first one was carried out. Costs a connection of its own. */
#define EG_HTTP_ONCE 0x2u

/* One request to be sent. */
struct eg_http_request {
    uint32_t struct_size;
    uint32_t flags;              /* EG_HTTP_* */
    struct eg_str method;        /* a token */
    struct eg_str url;           /* http:// or https:// */
    const struct eg_kv *headers; /* checked: names are tokens, values free of control bytes.
                                    Content-Length, Host and framing are the host's */
    size_t header_count;
    struct eg_str body;
    uint64_t timeout_ns;         /* the whole exchange; 0 = the gateway's function timeout,
                                    UINT64_MAX = none (then set idle_timeout_ns) */
    uint64_t max_response_bytes; /* 0 = the gateway's limit */
    struct eg_str ca_file;       /* empty = the system's */
    struct eg_str cert_file;     /* client certificate and key, PEM; empty = none */
    struct eg_str key_file;
    /* Since 0.2. Not NULL: the body of a 2xx answer is told piece by piece as it comes (borrowed,
     * with the arg of send) instead of being collected, without a limit of its size. Bodies of
     * other answers come with on_done as always. send and cancel may be called in it. */
    void (*on_data)(void *arg, struct eg_str piece);
    /* Since 0.2. Longest time between two pieces of the answer, from the sending of the request on;
     * EG_E_TIMEOUT when it passes. 0 = none. */
    uint64_t idle_timeout_ns;
};

/* Headers are borrowed during the callback; the body is given. */
struct eg_http_response {
    uint32_t struct_size;
    int32_t status; /* of the answer, 100..999; 0 when error != 0 */
    int32_t error;  /* 0 or EG_E_TIMEOUT, _CANCELED, _TOOBIG, _PROTO, _UNAVAILABLE, _IO */
    uint32_t reserved;
    struct eg_str message;       /* why it failed, borrowed */
    const struct eg_kv *headers; /* of the last answer after redirects, as received */
    size_t header_count;
    struct eg_buf body;
};

/* Sends requests, and tells their answers. */
struct eg_http_api {
    uint32_t struct_size;
    uint32_t reserved;
    /* Borrows the request and all it points to until the callback. on_done is called exactly once,
     * on the loop, never inside send. ret_call is valid until then. Loop thread only. */
    int32_t (*send)(const struct eg_host *host, struct eg_loop *loop,
                    const struct eg_http_request *request,
                    void (*on_done)(void *arg, const struct eg_http_response *response), void *arg,
                    struct eg_http_call **ret_call);
    /* A wish: on_done comes with EG_E_CANCELED, or with the answer that was there already. */
    void (*cancel)(const struct eg_host *host, struct eg_http_call *call);
};

/* ---- json: for configuration-sized documents; not for the data path ---- */
#define EG_JSON_NULL 0u
#define EG_JSON_BOOL 1u
#define EG_JSON_INT 2u
#define EG_JSON_REAL 3u
#define EG_JSON_STRING 4u
#define EG_JSON_ARRAY 5u
#define EG_JSON_OBJECT 6u

/* Reads JSON texts. */
struct eg_json_api {
    uint32_t struct_size;
    uint32_t reserved;
    /* take: free the root. ret_why names the place of the error; may be NULL. */
    int32_t (*parse)(const struct eg_host *host, struct eg_str text, struct eg_json **ret_root,
                     struct eg_why *ret_why);
    void (*free)(const struct eg_host *host, struct eg_json *root);
    uint32_t (*kind)(const struct eg_json *value); /* NULL counts as EG_JSON_NULL */
    size_t (*count)(const struct eg_json *value);  /* members or items */
    const struct eg_json *(*member)(const struct eg_json *object, struct eg_str name); /* or NULL */
    const struct eg_json *(*at)(const struct eg_json *container, size_t index,
                                struct eg_str *ret_name);
    struct eg_str (*string)(const struct eg_json *value); /* empty unless EG_JSON_STRING */
    int64_t (*integer)(const struct eg_json *value);      /* also of BOOL; 0 otherwise */
    double (*real)(const struct eg_json *value);
};

/* ---- event; the event's loop only ---- */
struct eg_event_api {
    uint32_t struct_size;
    uint32_t reserved;
    /* Attribute by its CloudEvents 1.0 name: id, source, type, specversion, subject, time,
     * datacontenttype, dataschema; and eventtypeversion of 0.1. Empty when absent. Borrowed until
     * the event is changed. */
    struct eg_str (*attribute)(const struct eg_event *event, struct eg_str name);
    /* JSON text of an extension's value; empty when absent. */
    struct eg_str (*extension)(const struct eg_event *event, struct eg_str name);
    /* Sets an extension, or with an empty text removes it, whatever a client has called it.
     * value_json is copied and has to be one JSON value; the name [a-zA-Z0-9_-]{1,64}. EG_E_SYNTAX
     * otherwise. */
    int32_t (*set_extension)(struct eg_event *event, struct eg_str name, struct eg_str value_json);
    /* data as JSON text ("null" when absent), or *ret_is_base64 = 1 and the base64 text. */
    struct eg_str (*data)(const struct eg_event *event, uint32_t *ret_is_base64);
    /* The event in structured JSON; version EG_CE_*. Borrowed until the event is changed. */
    struct eg_str (*json)(const struct eg_event *event, uint32_t version);
    /* Since 0.3. Sets an attribute by its name (see attribute), or with an empty value removes an
     * optional one. Copied. EG_E_INVAL for specversion, unknown names, an empty id, source or type,
     * a type of the gateway's own (eventgateway.*), text that is not UTF-8 or has control bytes. */
    int32_t (*set_attribute)(struct eg_event *event, struct eg_str name, struct eg_str value);
    /* Since 0.3. Replaces data: one JSON value, or base64 text. Copied. EG_E_SYNTAX when it is not
     * what it says to be. Set datacontenttype besides when that changes. */
    int32_t (*set_data)(struct eg_event *event, struct eg_str data, uint32_t is_base64);
    /* Since 0.3. JSON text and name of the index-th extension; *ret_name with ptr NULL when there
     * are not so many. Borrowed until the event is changed. */
    struct eg_str (*extension_at)(const struct eg_event *event, size_t index,
                                  struct eg_str *ret_name);
};

/* What client_cert tells of a certificate. */
#define EG_CERT_SUBJECT 1u     /* distinguished name, RFC 4514: "CN=alice,O=Example" */
#define EG_CERT_ISSUER 2u      /* the same of who issued it */
#define EG_CERT_FINGERPRINT 3u /* SHA-256 of its DER form, 64 lower-case hex digits */
#define EG_CERT_PEM 4u         /* the certificate itself */

/* ---- exchange; the request's loop only; slices are borrowed until the exchange ends ---- */
struct eg_exchange_api {
    uint32_t struct_size;
    uint32_t reserved;
    struct eg_str (*method)(const struct eg_exchange *exchange);
    struct eg_str (*path)(const struct eg_exchange *exchange);  /* as routed, escaped */
    struct eg_str (*query)(const struct eg_exchange *exchange); /* raw, without '?' */
    struct eg_str (*body)(const struct eg_exchange *exchange);
    struct eg_str (*peer)(const struct eg_exchange *exchange); /* address of the client, no port */
    struct eg_str (*request_id)(const struct eg_exchange *exchange);
    /* The index-th value of a header, name without regard to case; ptr NULL when there is none. */
    struct eg_str (*header)(const struct eg_exchange *exchange, struct eg_str name, size_t index);
    /* Sets status and body of the reply. body is given. content_type may be empty. */
    void (*reply)(struct eg_exchange *exchange, uint32_t status, struct eg_str content_type,
                  struct eg_buf body);
    /* Answers the standard error envelope {"errors":[{"message":...}]}. */
    void (*reply_error)(struct eg_exchange *exchange, uint32_t status, struct eg_str message);
    /* Adds a header to the reply, whatever it will be. EG_E_INVAL for what is no header. */
    int32_t (*reply_header)(struct eg_exchange *exchange, struct eg_str name, struct eg_str value);
    /* What will be sent, for on_reply. */
    uint32_t (*reply_status)(const struct eg_exchange *exchange);
    struct eg_str (*reply_body)(const struct eg_exchange *exchange);
    /* Who the caller is: handed to functions in the extension eventgateway.authorization like an
     * authorizer's answer. context_json is an object of strings, or empty for null. Copied. */
    int32_t (*set_principal)(struct eg_exchange *exchange, struct eg_str principal_id,
                             struct eg_str context_json);
    /* Since 0.3. What set_principal was called with last; empty when it was not. */
    struct eg_str (*principal)(const struct eg_exchange *exchange);
    /* Since 0.3. The event of the request, once there is one: in on_event and on_reply. NULL in
     * on_reply of a batch, and before. */
    const struct eg_event *(*event)(const struct eg_exchange *exchange);
    /* Since 0.3. The space that the event at work is routed to by its type, method and path: that
     * of the synchronous subscription, or else of the oldest asynchronous one. Empty in on_request,
     * and when nobody subscribed. */
    struct eg_str (*space)(const struct eg_exchange *exchange);
    /* Since 0.3. The index-th header of the request as received; *ret_name with ptr NULL when there
     * are not so many. */
    struct eg_str (*header_at)(const struct eg_exchange *exchange, size_t index,
                               struct eg_str *ret_name);
    /* Since 0.3. Replaces all headers of this name by one, or removes them (value.ptr NULL), before
     * the event is made; in on_request only. Copied. EG_E_INVAL for what is no header, and for
     * framing, Host and connection headers. */
    int32_t (*set_header)(struct eg_exchange *exchange, struct eg_str name, struct eg_str value);
    /* Since 0.3. The certificate that the client showed and the listener verified; field is
     * EG_CERT_*. Empty without one. */
    struct eg_str (*client_cert)(const struct eg_exchange *exchange, uint32_t field);
    /* Since 0.3, for on_reply. The index-th header of the reply, Content-Type among them, CORS
     * headers not; *ret_name with ptr NULL when there are not so many. */
    struct eg_str (*reply_header_at)(const struct eg_exchange *exchange, size_t index,
                                     struct eg_str *ret_name);
    /* Since 0.3. As reply_header, but replaces what has this name, or removes it (value.ptr NULL).
     */
    int32_t (*set_reply_header)(struct eg_exchange *exchange, struct eg_str name,
                                struct eg_str value);
    /* Since 0.3. The JSON Schema that the event's type has in the index-th space that has one and
     * that the event is routed to. Empty when there are not so many. *ret_mark (may be NULL): equal
     * marks mean equal texts, so what was made of one may be kept by it. */
    struct eg_str (*event_schema)(const struct eg_exchange *exchange, const struct eg_event *event,
                                  size_t index, uint64_t *ret_mark);
    /* Since 0.3. Keeps one pointer of this component with the request, from one hook to a later
     * one; a former one is released. release (may be NULL) is called on the request's loop when
     * the exchange ends, however it ended. */
    void (*keep)(struct eg_exchange *exchange, const struct eg_host *host, void *ptr,
                 void (*release)(void *ptr));
    void *(*kept)(const struct eg_exchange *exchange, const struct eg_host *host); /* or NULL */
};

/* ---- metrics ---- */
struct eg_metrics_api {
    uint32_t struct_size;
    uint32_t reserved;
    /* name [a-z_]+ gets the prefix eventgateway_; counters end in _total. Same name and labels =
     * same metric. Handles live as long as the process; keep them, look-up takes a lock. */
    struct eg_metric *(*counter)(const struct eg_host *host, struct eg_str name, struct eg_str help,
                                 const struct eg_kv *labels, size_t label_count);
    struct eg_metric *(*gauge)(const struct eg_host *host, struct eg_str name, struct eg_str help,
                               const struct eg_kv *labels, size_t label_count);
    void (*add)(struct eg_metric *metric, int64_t delta); /* counters: delta >= 0 */
    void (*set)(struct eg_metric *metric, int64_t value); /* gauges */
};

/* ---- clock: the gateway's own, so that tests can move it ---- */
struct eg_clock_api {
    uint32_t struct_size;
    uint32_t reserved;
    uint64_t (*monotonic_ns)(const struct eg_host *host);
    int64_t (*unix_ns)(const struct eg_host *host);
};

/* ---- function: a provider that has others do the work. Since 0.4 ---- */

/* Calls of other functions, within a call. The loop of that call only. */
struct eg_function_api {
    uint32_t struct_size;
    uint32_t reserved;
    /*
     * Calls another function of the same space in place of the one that is being called: with the
     * same event, in the version which that function wants, also where it is a part of the payload
     * (authorizers); with spans, metrics and logs of its own. Which function the name means is
     * settled by the configuration that the request began with.
     *
     * from: call of the invocation, whose op is not done. deadline_ns: on clock->monotonic_ns; 0,
     * or one that is later than the op's, is the op's. on_done comes exactly once, on the loop,
     * never inside call or cancel; also when the op has ended meanwhile. ret_call is valid until
     * then.
     *
     * result is never NULL; its body is given, all else is borrowed during the callback, and a
     * failure has a message. status and class agree: a result may be handed to op->done as it is.
     *
     * EG_E_NOTFOUND: the space has no such function. EG_E_UNAVAILABLE: it has no provider.
     * EG_E_UNSUPPORTED: one level is all, this call was made by another function (from is NULL).
     * EG_E_CANCELED: nobody waits for the op any more. EG_E_INVAL: not the caller's op, wrong
     * thread. After these no on_done comes.
     */
    int32_t (*call)(const struct eg_host *host, const struct eg_call *from,
                    struct eg_str function_id, uint64_t deadline_ns,
                    void (*on_done)(void *arg, int32_t status, const struct eg_result *result),
                    void *arg, struct eg_function_call **ret_call);
    /* A wish: on_done comes with EG_E_CANCELED, or with what the function answered. */
    void (*cancel)(const struct eg_host *host, struct eg_function_call *call);
};

/* All services, for one component. */
struct eg_host {
    uint32_t struct_size;
    uint32_t abi;            /* EG_ABI of the host */
    void *self;              /* the host's own */
    struct eg_str component; /* name of the component this table belongs to */
    struct eg_str gateway_version;
    const struct eg_log_api *log;
    const struct eg_mem_api *mem;
    const struct eg_loop_api *loop;
    const struct eg_http_api *http;
    const struct eg_json_api *json;
    const struct eg_event_api *event;
    const struct eg_exchange_api *exchange;
    const struct eg_metrics_api *metrics;
    const struct eg_clock_api *clock;
    const struct eg_function_api *function; /* since 0.4 */
};

#ifdef __cplusplus
}
#endif
#endif
