/*
 * batch.h - events on their way into a stream or queue: one call for one event, or one call for
 * several under a small latency budget (settings batch_max and batch_linger).
 *
 * One queue per target and loop. Events of one ordering key are never on the wire in two calls at
 * once, so that they cannot overtake each other; those that come meanwhile wait, and leave
 * together. Failed entries of a batch fail alone and are not sent again: retries are the gateway's.
 */
#ifndef AWS_BATCH_H
#define AWS_BATCH_H

#include "provider_aws.h"

struct aws_batch;

/* Longest ordering key, in bytes: 256 characters of Kinesis. */
#define AWS_KEY_ROOM 1024u
struct aws_key {
    size_t len; /* 0 = none: the service wants no key */
    char text[AWS_KEY_ROOM];
};

#define AWS_PUT_MAGIC 0x41575055u /* "AWPU" */
struct aws_put {
    uint32_t magic;
    uint32_t lane; /* hash of the key, 0 = not ordered */
    struct aws_put *next;
    struct aws_put *prev;
    struct aws_queue *queue;
    struct aws_batch *batch; /* NULL = still waiting */
    struct eg_op *op;
    struct eg_str payload;  /* borrowed until the op is done */
    struct eg_str event_id; /* borrowed until the op is done; empty = not an event */
    size_t cost;            /* what it counts of the request's limit */
    uint32_t is_canceled;
    uint32_t reserved;
    struct eg_str key; /* behind the struct */
};

/* A member of the service's answer and how our acknowledgement calls it. */
struct aws_ack {
    struct eg_str member;
    struct eg_str name;
};

/* A service as data. Slices empty = the service has no such thing. */
struct aws_connector {
    struct eg_str component;
    struct eg_str service; /* signing name */
    struct eg_str content_type;
    struct eg_str target_one; /* X-Amz-Target of a call with one event */
    struct eg_str target_many;
    struct eg_str head;     /* "StreamName" */
    struct eg_str record;   /* member around the one event of a single call */
    struct eg_str list;     /* member that holds the entries of a batch */
    uint32_t has_entry_id;  /* entries of a batch carry "Id" */
    uint32_t max_entries;   /* of one call */
    size_t max_entry_bytes; /* of one event */
    size_t max_call_bytes;  /* of all events of a call, as the service counts */
    struct eg_str code;     /* members of a failed entry */
    struct eg_str message;
    struct aws_ack acks[2]; /* members of a good entry; the first has to be there */
    const char *missing;    /* text of the Config API for missing fields */
    /* What stands in `head`. */
    struct eg_str (*name_of)(const struct aws_target *target);
    /* The ordering key of an event; EG_E_INVAL with the reason when it can never be sent. */
    int32_t (*prepare)(const struct eg_host *host, const struct aws_target *target,
                       const struct eg_invocation *invocation, struct aws_key *ret_key,
                       struct eg_why *ret_why);
    /* Bytes that an event counts. */
    size_t (*cost)(const struct aws_target *target, const struct aws_put *put);
    /* Members of one entry. */
    void (*write)(struct egx_json *json, const struct aws_target *target,
                  const struct aws_put *put);
    /* The entry of a batch's answer that belongs to the index-th event, or NULL. */
    const struct eg_json *(*entry)(const struct eg_host *host, const struct eg_json *root,
                                   size_t index);
    /* Optional: is what the service took what we sent? */
    int32_t (*verify)(const struct eg_host *host, const struct eg_json *entry,
                      const struct aws_put *put);
};
extern const struct aws_connector aws_kinesis;
extern const struct aws_connector aws_firehose;
extern const struct aws_connector aws_sqs;
/* The connector of a component's name; NULL = it is none. */
const struct aws_connector *aws_connector_of(struct eg_str component);

/* ---- batch_key.c ---- */

/* The usual key of an event: extension partitionkey, else what the pointer (RFC 6901) finds in it,
 * else subject, source, id. One that the service does not take is replaced by its MD5 in hex. */
void aws_event_key(const struct eg_host *host, struct eg_str pointer,
                   const struct eg_invocation *invocation, int32_t (*is_allowed)(struct eg_str key),
                   struct aws_key *ret_key);
/* The text, or its MD5 in hex when the service does not take it. */
void aws_key_set(struct aws_key *key, struct eg_str text, int32_t (*is_allowed)(struct eg_str key));
/* EG_E_INVAL unless it is empty or "/a/b~1c" of RFC 6901. */
int32_t aws_pointer_check(struct eg_str pointer);

int32_t aws_batch_invoke(void *instance, void *slot, void *target,
                         const struct eg_invocation *invocation, struct eg_op *op);
void aws_batch_cancel(void *instance, void *slot, struct eg_op *op);
/* The queues of a loop, at its end. */
void aws_batch_detach(struct aws_slot *slot);

#endif
