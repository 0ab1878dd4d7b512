/*
 * provider_gcf.h - what the files of this plugin share. Components `googlecloudfunction` and `gcf`
 * (the same under a shorter name): a function is a URL of Cloud Functions or Cloud Run that takes
 * the event as POST, with a Google-signed ID token.
 *
 * From the call down: call.c asks a source (source.c: one per audience and identity, shared by the
 * loops) for a token; the source has one fetch (fetch.c) at a time; a fetch with a service-account
 * key gets its signed request from key.c, which signs by rsa.c. wire.c writes the request of a
 * call.
 */
#ifndef PROVIDER_GCF_H
#define PROVIDER_GCF_H

#include <pthread.h>
#include <stdatomic.h>

#include <eventgw-sdk/egx.h>
#include <eventgw-sdk/egx_calls.h>
#include <eventgw-sdk/egx_http.h>

#define GCF_SECOND_NS 1000000000

/* Settings of the component. */
struct gcf_settings {
    struct eg_str metadata_host;
    struct eg_str credentials_file;
    struct eg_str token_uri;
    struct eg_str ca_file;
    uint32_t ambient;
    uint32_t allow_http;
    uint64_t max_response;
};

/* Settings of one function. */
struct gcf_target_settings {
    struct eg_str url;
    struct eg_str audience;
    struct eg_str auth;
    struct eg_str service_account_key;
    struct eg_str mode;
    uint64_t timeout;
};

struct gcf_source;

struct gcf_instance {
    const struct eg_host *host;
    const struct gcf_settings *settings;
    struct eg_str metadata_host;    /* of the settings, the environment, or Google's */
    struct eg_str credentials_file; /* of the settings or the environment; may be empty */
    struct gcf_source *sources;     /* control thread only */
    pthread_mutex_t lock;           /* of slots */
    struct gcf_slot *slots;
    atomic_uint is_draining;
};

/* What belongs to one loop, and is touched by it alone (but for next). */
struct gcf_slot {
    struct gcf_slot *next;
    struct gcf_instance *instance;
    struct eg_loop *loop;
    struct egx_calls calls;
    struct gcf_fetch *fetches; /* that were started here */
};

/* A bound function. */
struct gcf_target {
    const struct gcf_target_settings *settings;
    struct gcf_source *source; /* NULL = no token is sent */
    uint32_t is_structured;
};

/* ---- target.c ---- */
#define GCF_TARGET_ROWS 6u
extern const struct eg_setting *const gcf_target_rows[GCF_TARGET_ROWS];
int32_t gcf_bind(void *instance, const void *config, void **ret_target,
                 struct eg_target_traits *ret_traits, struct eg_why *ret_why);
void gcf_unbind(void *instance, void *target);

/* ---- call.c ---- */
int32_t gcf_attach(void *instance, struct eg_loop *loop, void **ret_slot);
void gcf_detach(void *instance, void *slot);
/* Tokens are no longer fetched ahead, and no fetch is tried again. Control thread. */
void gcf_drain(void *instance);
int32_t gcf_invoke(void *instance, void *slot, void *target, const struct eg_invocation *invocation,
                   struct eg_op *op);
void gcf_cancel(void *instance, void *slot, struct eg_op *op);

/* ---- answer.c ---- */
/* Class of a function's answer. */
uint32_t gcf_answer_class(const struct eg_http_response *response);
/* Ends the op by the function's answer; takes the body. */
void gcf_answer_end(const struct eg_host *host, struct eg_op *op,
                    const struct eg_http_response *response);

/* ---- wire.c ---- */
/* The request of one call. headers[0] is left free for Authorization; body is borrowed from the
 * payload or from memory. */
struct gcf_wire {
    struct eg_kv *headers;
    size_t header_count; /* with headers[0] */
    struct eg_str body;
    void *memory; /* NULL = none; host->mem->free */
    void *body_memory;
};
/* EG_E_TOOBIG for attributes over GCF_HEADERS_MAX, EG_E_SYNTAX for what cannot be written. */
#define GCF_HEADERS_MAX 65536u
int32_t gcf_wire_make(const struct eg_host *host, const struct eg_invocation *invocation,
                      uint32_t is_structured, struct gcf_wire *ret_wire, struct eg_why *ret_why);
void gcf_wire_free(const struct eg_host *host, struct gcf_wire *wire);

/* ---- source.c ---- */
/* Where the tokens of a source come from. */
#define GCF_FROM_METADATA 0u
#define GCF_FROM_KEY 1u
#define GCF_FROM_FILE 2u

struct gcf_token {
    atomic_uint refs;
    int64_t expires_ns; /* Unix time */
    int64_t refresh_ns; /* from here on a new one is fetched in the background */
    size_t header_len;
    char header[]; /* "Bearer " and the token */
};
void gcf_token_drop(const struct eg_host *host, struct gcf_token *token); /* NULL is fine */

/* Why there is no token. */
struct gcf_failure {
    int32_t status;
    uint32_t call_class;
    char text[256];
};

/* One call that waits for a token. resume runs on the slot's loop, later, with a reference to the
 * token or, when token is NULL, with the failure. */
struct gcf_waiter {
    struct gcf_waiter *next;
    struct gcf_slot *slot;
    void (*resume)(void *waiter);
    struct gcf_token *token;
    struct gcf_failure failure;
};

struct gcf_source {
    struct gcf_source *next;
    struct gcf_instance *instance;
    uint32_t kind;        /* GCF_FROM_* */
    uint32_t targets;     /* bound functions; control thread only */
    atomic_uint refs;     /* 1 for all targets, 1 for the fetch */
    char *audience;       /* these two end with a NUL */
    char *key;            /* JSON of the key; "" unless GCF_FROM_KEY */
    pthread_mutex_t lock; /* of what follows; held for a few instructions */
    struct gcf_token *token;
    struct gcf_waiter *waiters; /* in order of arrival */
    struct gcf_waiter **waiters_end;
    uint32_t is_fetching;
    int64_t next_try_ns; /* no background fetch before */
    int64_t last_refused_ns;
};

/* The source of an audience; bind and unbind, control thread. */
struct gcf_source *gcf_source_take(struct gcf_instance *instance, uint32_t kind,
                                   struct eg_str audience, struct eg_str key);
void gcf_source_drop(struct gcf_source *source); /* NULL is fine */
/* 1 and waiter->token, or 0: waiter->resume follows, unless gcf_source_forget comes first. The
 * thread of the waiter's slot. */
int gcf_source_token(struct gcf_source *source, struct gcf_waiter *waiter);
/* 1 = it waited and does no more; 0 = resume is under way. */
int gcf_source_forget(struct gcf_source *source, struct gcf_waiter *waiter);
/* Does a call wait? */
int gcf_source_is_wanted(struct gcf_source *source);
/* The token was refused by a function. 1 = a new one may help, ask for it. */
int gcf_source_refused(struct gcf_source *source, const struct gcf_token *token);
/* The end of a fetch, on its loop; token is given. Drops the fetch's reference. */
void gcf_source_fetched(struct gcf_source *source, struct gcf_token *token);
void gcf_source_failed(struct gcf_source *source, const struct gcf_failure *failure);

/* ---- fetch.c ---- */
/* Fetches a token and ends with gcf_source_fetched or _failed, maybe at once: waiters are resumed
 * later anyhow. Has the source's reference for the fetch, and runs on the slot's loop. */
void gcf_fetch_start(struct gcf_source *source, struct gcf_slot *slot);
/* Ends fetches that wait for their next try, and those that no call waits for. The slot's loop. */
void gcf_fetch_stop_all(struct gcf_slot *slot);

/* ---- jwt.c ---- */
/* A token as it came from Google: exp is read, the signature is the function's business. */
int32_t gcf_jwt_read(const struct eg_host *host, struct eg_str jwt, int64_t now_ns,
                     struct gcf_token **ret_token, struct eg_why *ret_why);

/* ---- key.c ---- */
struct gcf_key {
    struct eg_json *root; /* owner of the rest */
    struct eg_str email;
    struct eg_str key_id;
    struct eg_str pem;
    struct eg_str token_uri;
};
/* Reads the JSON of a service-account key, with its private key. Any thread. */
int32_t gcf_key_read(const struct eg_host *host, struct eg_str json, struct gcf_key *ret_key,
                     struct eg_why *ret_why);
void gcf_key_free(const struct eg_host *host, struct gcf_key *key);
/* The token endpoint that is asked: the setting's, else the key's, which has to be one that a token
 * may come from. Borrowed from either. Any thread. */
int32_t gcf_key_endpoint(const struct gcf_settings *settings, const struct gcf_key *key,
                         struct eg_str *ret_uri, struct eg_why *ret_why);
/* The form to post to the token endpoint (RFC 7523 2.1). Any thread, takes a millisecond. */
int32_t gcf_key_form(const struct gcf_key *key, struct eg_str token_uri, struct eg_str audience,
                     int64_t now_s, struct egx_json *ret_form, struct eg_why *ret_why);

/* ---- rsa.c: the one file that knows OpenSSL ---- */
#define GCF_SIGNATURE_MAX 1024u /* an RSA key of 8192 bits */
/* Is it a private RSA key in PEM without a passphrase, of 2048 to 8192 bits? */
int32_t gcf_rsa_check(struct eg_str pem, struct eg_why *ret_why);
/* RSASSA-PKCS1-v1_5 with SHA-256 (RS256, RFC 7518 3.3). */
int32_t gcf_rsa_sign(struct eg_str pem, struct eg_str text, unsigned char *ret_signature,
                     size_t *ret_len, struct eg_why *ret_why);

/* ---- encode.c ---- */
/* Base64 with either alphabet, padded or not; out has room for len / 4 * 3 + 3. SIZE_MAX = no. */
size_t gcf_base64_decode(struct eg_str text, char *out);
void gcf_base64url(struct egx_json *out, struct eg_str bytes);

/* ---- json.c: the top level of an event's JSON text, as written by the gateway ---- */
/* The next member; cursor begins with 0. name without its quotes and value are raw. 1, 0 at the
 * end, EG_E_SYNTAX. */
int32_t gcf_json_next(struct eg_str object, size_t *cursor, struct eg_str *ret_name,
                      struct eg_str *ret_value);
/* A raw string with its quotes, decoded; out has room for raw.len. Returns the length. */
size_t gcf_json_decode(struct eg_str raw, char *out);

#endif
