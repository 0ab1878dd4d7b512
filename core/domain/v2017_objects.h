/*
 * domain/v2017_objects.h - functions and subscriptions in the words of the API of 2017
 * (compatibility chapter 15.1, 15.2): read from its bodies, written as it showed them. Behind them
 * are the same objects as ever, all in one space:
 *
 *   function      {"functionId","provider":{"type",..}} is a function of that type; the rest of the
 *                 provider is its provider. `awsAccessKeyID` is `awsAccessKeyId` inside
 *   event `http`  a sync subscription to `http.request`
 *   other events  an async subscription; without method and path that is POST and `/`
 *
 * Pure; results live in the caller's arena or buffer, objects are given.
 */
#ifndef GW_DOMAIN_V2017_OBJECTS_H
#define GW_DOMAIN_V2017_OBJECTS_H

#include "domain/object.h"

/* ---- functions ---- */

/* Reads a body as far as its shape goes; id: of the path for updates, else empty. A body without
 * `provider.type` may have the provider's fields beside `functionId`, as an example of the time
 * had (Q46). EG_E_SYNTAX with 400 `Malformed JSON payload: ...`. take: gw_object_unref. */
int32_t gw_v2017_function_read(struct eg_str space, struct eg_str id, struct eg_str body,
                               struct gw_object **ret_object, struct gw_refusal *ret_refusal);
/* The validation of a function that was read; the provider has its own besides. 0, or 400. */
int32_t gw_v2017_function_check(const struct gw_object *function, struct gw_refusal *ret_refusal);
/* provider_json may replace the stored one (masked form); empty = as stored. Functions with types
 * that 2017 did not know are written too, with whatever their provider holds. */
void gw_v2017_function_write(struct gw_bytes *out, const struct gw_object *function,
                             struct eg_str provider_json);

/* ---- subscriptions ---- */

/* EG_E_SYNTAX for a body of a wrong shape, EG_E_INVAL for one that does not validate; both 400.
 * take. */
int32_t gw_v2017_subscription_read(struct eg_str space, struct eg_str body,
                                   struct gw_object **ret_object, struct gw_refusal *ret_refusal);
/* Can 2017 express it? Sync subscriptions to other types than `http.request` it cannot. */
bool gw_v2017_subscription_is_known(const struct gw_object *subscription);
void gw_v2017_subscription_write(struct gw_bytes *out, const struct gw_object *subscription);
/* `user.created-f1`, `http-GET-%2Fusers`. Several may share one, which only the newer API can make:
 * async subscriptions of functions to the same event, method and path, and `a-b` of `c` with `a` of
 * `b-c`. */
struct eg_str gw_v2017_subscription_id(struct gw_arena *arena,
                                       const struct gw_object *subscription);
/* The event type that it needs, as an object that may not be stored yet. take. */
struct gw_object *gw_v2017_event_type(const struct gw_object *subscription);

/* An id as it stands in a URL: `http-GET-%252Fusers` is the proper escape of `http-GET-%2Fusers`,
 * which clients sent as it is (Q43); some write hex digits in lower case, and proxies may have
 * decoded it to `http-GET-/users`. */
struct gw_v2017_name {
    struct eg_str raw;
    struct eg_str decoded; /* once; raw, when it cannot be */
};
struct gw_v2017_name gw_v2017_name(struct gw_arena *arena, struct eg_str raw);
/* Takes slashes too many off the end. Of a name with slashes elsewhere they are part of the path:
 * without them it would be another. False: the name is as it was. */
bool gw_v2017_name_trim(struct gw_arena *arena, struct gw_v2017_name *name);
/* The one of the subscriptions that is meant, NULL when there is none. One whose id was sent as it
 * is comes before one whose id was sent escaped, and that before those meant otherwise. */
struct gw_object *gw_v2017_subscription_find(struct gw_object *const *subscriptions, size_t count,
                                             const struct gw_v2017_name *name);
/* The name for messages: decoded where no slash comes of it. */
struct eg_str gw_v2017_name_shown(const struct gw_v2017_name *name);

/* ---- texts ---- */

/* {"error":"..."} and a line break. */
void gw_v2017_error_write(struct gw_bytes *out, struct eg_str message);
/* 400 `Malformed JSON payload: <why>.`; returns EG_E_SYNTAX. */
int32_t gw_v2017_refuse_malformed(struct gw_refusal *ret_refusal, struct eg_str why);
/* 400 with the prefix of the kind and the detail quoted as Go's %q does; returns EG_E_INVAL. */
int32_t gw_v2017_refuse_invalid(struct gw_refusal *ret_refusal, enum gw_kind kind,
                                struct eg_str detail);
/* A validation refusal of the newer API, said as 2017 did. Others stay as they are. */
void gw_v2017_refusal_convert(struct gw_refusal *refusal, enum gw_kind kind);

#endif
