/*
 * api/config_conditions.h - If-Match and If-None-Match of requests to one object (RFC 9110 13.1.1,
 * 13.1.2). Its entity tag is the revision of its last change in the store and a mark of what is
 * stored: a store that was put back from a backup, or another one that was imported into, gives
 * revisions a second time, to other contents. Inside api/ only; no state.
 */
#ifndef GW_API_CONFIG_CONDITIONS_H
#define GW_API_CONFIG_CONDITIONS_H

#include "domain/kinds.h"
#include "io/http_server.h"

struct gw_version {
    uint64_t revision; /* 0: it is not there */
    uint32_t mark;     /* gw_value_mark */
};
/* Room for an entity tag with its quotes. */
#define GW_ETAG_BYTES 32u
/* "7-0a1b2c3d", written into room. */
struct eg_str gw_etag(char room[GW_ETAG_BYTES], struct gw_version version);

/* Does the request carry one of the headers? */
bool gw_config_has_conditions(const struct gw_http_request *request);
/* 0, or a refusal (400): what they hold are no entity tags. */
int32_t gw_config_conditions_read(const struct gw_http_request *request,
                                  struct gw_refusal *ret_refusal);

/* Conditions that were read, held against what is stored of the object. */
enum gw_conditions {
    GW_CONDITIONS_HOLD,
    GW_CONDITIONS_UNCHANGED, /* GET: the client has this very object, 304 */
    GW_CONDITIONS_FAIL       /* 412 */
};
enum gw_conditions gw_config_conditions_check(const struct gw_http_request *request, bool is_get,
                                              struct gw_version version);
/* 412 in words. */
int32_t gw_config_refuse_conditions(const struct gw_http_request *request, enum gw_kind kind,
                                    struct eg_str id, struct gw_version version,
                                    struct gw_refusal *ret_refusal);

#endif
