/*
 * domain/reply.h - a function's answer becomes an HTTP reply (chapter 6.3, Q19, plus
 * isBase64Encoded, multiValueHeaders, cookies, and repeated headers as arrays). Reads with the
 * scanner, no tree.
 */
#ifndef GW_DOMAIN_REPLY_H
#define GW_DOMAIN_REPLY_H

#include <stdbool.h>

#include "base/arena.h"

struct gw_reply {
    uint32_t status;
    struct eg_kv *headers; /* names canonical; in the arena */
    size_t header_count;
    struct eg_str body; /* borrows the answer, or lives in the arena */
};
/* A body without Content-Type gets the sniffed one; 204 and 304 get no body.
 * EG_E_SYNTAX: 500 `HTTP response object malformed`; ret_why for the log. */
int32_t gw_reply_map(struct gw_arena *arena, struct eg_str answer, uint32_t json_depth,
                     struct gw_reply *ret_reply, struct eg_why *ret_why);
/* Content-Type by content sniffing of the first 512 bytes (WHATWG MIME Sniffing as Go applies it).
 */
struct eg_str gw_sniff(struct eg_str body);

/* What an authorizer said (chapter 6.5, Q10): 0 = allowed and ret_json = {"principalId":...,
 * "context":...} in the arena; EG_E_DENIED with the reason for the log. */
int32_t gw_authorizer_map(struct gw_arena *arena, struct eg_str answer, uint32_t json_depth,
                          struct eg_str *ret_json, struct eg_why *ret_why);

#endif
