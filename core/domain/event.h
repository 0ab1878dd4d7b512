/*
 * domain/event.h - one CloudEvent in any of the versions 0.1, 0.2, 0.3 and 1.0, read from and
 * written to JSON without a tree. Pure: no I/O, no clock, no random numbers (they are arguments).
 *
 * All slices borrow the request's arena (or the text they were read from); the event lives as long
 * as its arena. One thread.
 */
#ifndef GW_DOMAIN_EVENT_H
#define GW_DOMAIN_EVENT_H

#include <stdbool.h>

#include <eventgw/provider.h>

#include "base/arena.h"
#include "base/bytes.h"
#include "base/jscan.h"
#include "domain/path_tree.h"

/* Beside EG_CE_*: what events of the API of 2017 are written as. It never crosses the ABI, where it
 * is EG_CE_AS_RECEIVED. */
#define GW_CE_2017 5u
#define GW_CE_VERSIONS 6u

struct gw_extension {
    struct eg_str name; /* decoded, as it is written */
    struct eg_str json; /* raw JSON text of the value */
    struct gw_extension *next;
};

/* Completes the opaque type of the ABI. Text fields are decoded. Empty = absent. */
struct eg_event {
    struct gw_arena *arena;     /* borrow */
    uint32_t version;           /* EG_CE_0_1 .. EG_CE_1_0, GW_CE_2017: the rules it came under */
    struct eg_str spec_version; /* as sent; 0.1: cloudEventsVersion, any text */
    struct eg_str type;
    struct eg_str type_version; /* 0.1 only */
    struct eg_str source;
    struct eg_str id;
    struct eg_str time;         /* RFC 3339, offset kept */
    struct eg_str schema;       /* schemaURL, schemaurl, dataschema */
    struct eg_str content_type; /* of the data */
    struct eg_str sent_type;    /* http events of 2017: of the request, whose body is in the data */
    struct eg_str content_encoding;  /* 0.3 datacontentencoding */
    struct eg_str subject;           /* 0.3, 1.0 */
    struct gw_extension *extensions; /* in order of appearance */
    struct eg_str data_json;   /* JSON text of data; empty when absent or data_base64 is used */
    struct eg_str data_base64; /* binary data, whatever the version: base64 text */
    bool has_params_slot;      /* made from a raw request: see gw_event_set_params */
    size_t params_at;          /* offset of the text of params, the last member, in data_json */
    size_t data_room;          /* bytes that may be written at data_json.ptr */
    struct eg_str written[GW_CE_VERSIONS]; /* cache of gw_event_json by EG_CE_* */
};

/* A request as the codecs see it. */
struct gw_event_request {
    struct eg_str method;
    struct eg_str path; /* escaped; without the hosted prefix */
    struct eg_str query;
    struct eg_str host;
    const struct eg_kv *headers;
    size_t header_count;
    struct eg_str body;
};
/* What a new event needs and purity forbids to fetch. */
struct gw_event_seed {
    char uuid[36];
    int64_t unix_ns;
    uint32_t version; /* of events the gateway makes: EG_CE_0_1, EG_CE_1_0 or GW_CE_2017 */
    uint32_t json_depth;
};

/*
 * Chooses the mode (chapter 5.2, plus binary and structured of 0.2, 0.3, 1.0 and batch) and makes
 * the event or events. ret_events is an array in the arena; *ret_is_batch tells a batch, which may
 * hold no event at all: *ret_count 0 is success and is to be answered like any accepted batch (HTTP
 * binding 3.3.2). Events that clients wrote come out without `eventgateway.authorization` (Q11). On
 * refusal ret_why is the text for a 400 (a batch names the index).
 */
int32_t gw_events_from_request(struct gw_arena *arena, const struct gw_event_request *request,
                               const struct gw_event_seed *seed, struct eg_event ***ret_events,
                               size_t *ret_count, bool *ret_is_batch, struct eg_why *ret_why);

/* The one event of a request to the API of 2017 (chapter 15.3): named by the header `Event`, http
 * without one. The refusal is the JSON parser's text. */
int32_t gw_event_from_request_2017(struct gw_arena *arena, const struct gw_event_request *request,
                                   const struct gw_event_seed *seed, struct eg_event **ret_event,
                                   struct eg_why *ret_why);

/* The structured JSON of one event; refusal text for a 400. */
int32_t gw_event_read(struct gw_arena *arena, struct eg_str json, uint32_t json_depth,
                      struct eg_event **ret_event, struct eg_why *ret_why);

/* An event of the gateway itself (system events): type, data given as JSON text. */
struct eg_event *gw_event_make(struct gw_arena *arena, const struct gw_event_seed *seed,
                               struct eg_str type, struct eg_str content_type,
                               struct eg_str data_json);

/* Structured JSON in a version (EG_CE_AS_RECEIVED = the event's own). Made once, kept until the
 * event is changed; lives in the event's arena. */
struct eg_str gw_event_json(struct eg_event *event, uint32_t version);

/* Media type of what gw_event_json gives; empty: application/cloudevents+json. */
struct eg_str gw_event_media_type(const struct eg_event *event, uint32_t version);

/* Puts the matched path parameters into an http.request event: null or an object of strings.
 * Written in place where they fit, so before copies of the struct share the data; other events stay
 * as they are (Q16). */
void gw_event_set_params(struct eg_event *event, const struct gw_path_params *params);

/* Extensions: value is one JSON value (checked by the caller of the ABI); empty removes. */
struct eg_str gw_event_extension(const struct eg_event *event, struct eg_str name);
void gw_event_set_extension(struct eg_event *event, struct eg_str name, struct eg_str json);
/* Q11: removes `authorization` out of a client-sent `eventgateway` extension (and a non-object
 * one). */
void gw_event_clean_authorization(struct eg_event *event);
/* Merges {"authorization": json} into the extension `eventgateway`. For 1.0 output, where
 * extensions are flat strings, see docs: eventgatewayauthorization holds the same JSON as text. */
void gw_event_set_authorization(struct eg_event *event, struct eg_str authorization_json);

/* By CloudEvents 1.0 name, see struct eg_event_api.attribute. */
struct eg_str gw_event_attribute(const struct eg_event *event, struct eg_str name);

/* Sets an attribute by that name, but specversion; an empty value removes it. Copied. EG_E_INVAL,
 * and nothing is changed, when the rules of the event's version forbid it. */
int32_t gw_event_set_attribute(struct eg_event *event, struct eg_str name, struct eg_str value);
/* Replaces data by one JSON value or by base64 text. Copied. EG_E_SYNTAX. */
int32_t gw_event_set_data(struct eg_event *event, struct eg_str data, bool is_base64,
                          uint32_t json_depth);
/* JSON text of the index-th extension; ret_name->ptr NULL when there are not so many. */
struct eg_str gw_event_extension_at(const struct eg_event *event, size_t index,
                                    struct eg_str *ret_name);

/* The `request` object of an authorizer's payload (chapter 6.5; body filled in, Q12). */
void gw_event_write_request(struct gw_bytes *out, const struct gw_event_request *request,
                            const struct gw_path_params *params, uint32_t json_depth);

#endif
