/*
 * domain/cors_rules.h - which CORS headers an answer carries (chapter 7). Pure.
 */
#ifndef GW_DOMAIN_CORS_RULES_H
#define GW_DOMAIN_CORS_RULES_H

#include "domain/object.h"

struct gw_cors_request {
    struct eg_str method;           /* of the request */
    struct eg_str origin;           /* ptr NULL = no header */
    struct eg_str requested_method; /* Access-Control-Request-Method; ptr NULL = no header */
    struct eg_str requested_headers;
};
#define GW_CORS_MAX_HEADERS 8u
#define GW_CORS_MAX_REQUESTED 256u /* a preflight that asks for more headers is not allowed */
struct gw_cors_answer {
    struct eg_kv headers[GW_CORS_MAX_HEADERS]; /* values in the arena or static */
    size_t count;
};
/* Method to look the configuration up by, and whether this is a preflight if one is found. Empty
 * for OPTIONS without Access-Control-Request-Method: no look-up, no CORS headers. */
struct eg_str gw_cors_lookup_method(const struct gw_cors_request *request, bool *ret_is_preflight);
void gw_cors_preflight(struct gw_arena *arena, const struct gw_cors *cors,
                       const struct gw_cors_request *request, struct gw_cors_answer *ret_answer);
void gw_cors_actual(struct gw_arena *arena, const struct gw_cors *cors,
                    const struct gw_cors_request *request, struct gw_cors_answer *ret_answer);

#endif
