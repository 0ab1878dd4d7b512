/*
 * consumers.h - who may call (setting `consumers`): a name, what is known of them, and their
 * credentials. Read once, then only read, by any loop.
 */
#ifndef MIDDLEWARE_AUTH_CONSUMERS_H
#define MIDDLEWARE_AUTH_CONSUMERS_H

#include "credentials.h"
#include "read.h"

struct auth_consumer {
    size_t index;
    struct eg_str name;
    struct egx_json context;     /* the metadata, a JSON object of texts; empty = none */
    struct eg_str password;      /* a hash; empty = none */
    struct eg_str_list subjects; /* patterns for certificates */
    uint32_t kinds;              /* bit set of enum auth_kind: what they have */
};

struct auth_consumers {
    const struct eg_host *host;
    struct eg_json *root; /* texts live here */
    struct auth_consumer *items;
    size_t count;
    struct eg_str any_password; /* a hash to work on for names that nobody has; empty = none */
};

/* The setting; credentials go into the table. take: auth_consumers_free, also after a refusal. */
int32_t auth_consumers_read(struct auth_consumers *consumers, const struct eg_host *host,
                            struct eg_str json, struct auth_credentials *credentials,
                            struct eg_why *ret_why);
void auth_consumers_free(struct auth_consumers *consumers);
const struct auth_consumer *auth_consumer_find(const struct auth_consumers *consumers,
                                               struct eg_str name);

/* Certificates of a rule or a consumer: fingerprints go into the table, patterns into ret_subjects
 * (take: free items). */
int32_t auth_read_certificates(const struct eg_host *host, const struct eg_json *group,
                               struct auth_credential whose, struct auth_credentials *credentials,
                               struct eg_str_list *ret_subjects, struct eg_why *ret_why);

#endif
