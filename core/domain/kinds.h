/*
 * domain/kinds.h - the four kinds of configuration objects, as data: names, routes, storage
 * directories, messages. Everything that differs between kinds only by words is a row here.
 */
#ifndef GW_DOMAIN_KINDS_H
#define GW_DOMAIN_KINDS_H

#include <stdbool.h>

#include "base/bytes.h"
#include "domain/refusal.h"

enum gw_kind { GW_EVENTTYPE, GW_FUNCTION, GW_SUBSCRIPTION, GW_CORS, GW_KINDS };

struct gw_kind_words {
    const char *route;       /* URL segment and storage directory: "eventtypes" */
    const char *envelope;    /* list envelope: "eventTypes" */
    const char *metric;      /* label `resource`: "eventtype" */
    const char *prefix;      /* "Event Type doesn't validate. Validation error: " */
    const char *title;       /* of messages about one object: "Event Type" */
    const char *noun;        /* in the middle of a message: "event type" */
    const char *exists;      /* the end of its conflict message: "already exists." */
    const char *struct_name; /* of validation lines: "Type" */
};
extern const struct gw_kind_words gw_kind_words[GW_KINDS];

/* 404 `Event Type "<id>" not found.` and 409 `Event Type "<id>" already exists.` in the words of
 * the kind. Return EG_E_NOTFOUND and EG_E_EXISTS. */
int32_t gw_refuse_missing(enum gw_kind kind, struct eg_str id, struct gw_refusal *ret_refusal);
int32_t gw_refuse_existing(enum gw_kind kind, struct eg_str id, struct gw_refusal *ret_refusal);

/* "/serverless-event-gateway/<route>/<space>/<id>" and its parts. */
#define GW_STORE_ROOT "/serverless-event-gateway/"
void gw_store_key(struct gw_bytes *out, enum gw_kind kind, struct eg_str space, struct eg_str id);
/* Prefix of a whole space: ends in '/'. */
void gw_store_prefix(struct gw_bytes *out, enum gw_kind kind, struct eg_str space);
/* EG_E_INVAL for keys that are none of ours (directory keys, unknown kinds). The id is all that
 * follows the space, since old event types may hold a slash. Borrows key. */
int32_t gw_store_key_parse(struct eg_str key, enum gw_kind *ret_kind, struct eg_str *ret_space,
                           struct eg_str *ret_id);

bool gw_is_space_name(struct eg_str s); /* ^[a-zA-Z0-9\.\-_]+$, also the rule of ids and types */
bool gw_is_system_type(struct eg_str type); /* begins with "eventgateway." */

#endif
