/*
 * issuers.h - who may issue tokens (setting `issuers`): where its keys are, and what a token of it
 * has to say. Read once, then only read, by any loop.
 */
#ifndef MIDDLEWARE_AUTH_ISSUERS_H
#define MIDDLEWARE_AUTH_ISSUERS_H

#include "keys.h"
#include "read.h"

#define AUTH_ISSUERS_MAX 32u

/* A claim that has to be there. */
struct auth_requirement {
    struct eg_str claim;
    const struct eg_json *value; /* one value, or a list of which one will do; NULL = any */
};

struct auth_issuer {
    const struct eg_host *host;
    size_t index;
    struct eg_str name;   /* in rules and in the log */
    struct eg_str issuer; /* claim iss */
    /* Exactly one of: */
    struct eg_str keys_url;
    struct eg_str keys_file;
    struct eg_str public_key;
    struct eg_str secret;
    struct eg_str ca_file;  /* of keys_url */
    struct auth_keys fixed; /* of public_key and secret */
    uint32_t algorithms;    /* bit set */
    struct eg_str_list audiences;
    struct eg_str_list types;  /* typ of the header */
    struct eg_str_list claims; /* handed on */
    struct auth_requirement *required;
    size_t required_count;
    struct eg_str principal; /* claim */
    int64_t leeway_s;
    int64_t lifetime_max_s; /* 0 = no limit */
    int64_t refresh_s;
    int64_t cooldown_s;
    int64_t stale_s;
};

struct auth_issuers {
    const struct eg_host *host;
    struct eg_json *root; /* texts live here */
    struct auth_issuer *items;
    size_t count;
};

/* The setting. take: auth_issuers_free, also after a refusal. */
int32_t auth_issuers_read(struct auth_issuers *issuers, const struct eg_host *host,
                          struct eg_str json, struct eg_why *ret_why);
void auth_issuers_free(struct auth_issuers *issuers);
/* By name; NULL = none. */
const struct auth_issuer *auth_issuer_find(const struct auth_issuers *issuers, struct eg_str name);
/* May its keys change while serving? */
static inline int auth_issuer_fetches(const struct auth_issuer *issuer) {
    return issuer->keys_url.len > 0 || issuer->keys_file.len > 0;
}

#endif
