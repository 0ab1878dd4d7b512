/*
 * provider_azure.h - what the files of this plugin share. Component `azurefunction`: a function of
 * Azure with an HTTP trigger. It gets the event as POST, with a function key, with a bearer token
 * of Entra ID, with both or with none.
 */
#ifndef PROVIDER_AZURE_H
#define PROVIDER_AZURE_H

#include <eventgw-sdk/egx.h>

#include "tokens.h"

/* Settings of the component. */
struct azure_settings {
    struct eg_str domain;         /* of app names */
    struct eg_str authority_host; /* Entra ID */
    struct eg_str imds_endpoint;
    struct eg_str federated_token_file;
    uint32_t ambient;    /* functions may use the gateway's own identity */
    uint32_t allow_http; /* credentials over plain http to other machines */
    uint64_t token_timeout;
    uint64_t max_response;
    struct eg_str ca_file;
};

/* Settings of one function. */
struct azure_target_settings {
    struct eg_str url;
    struct eg_str app;
    struct eg_str function;
    struct eg_str route_prefix;
    struct eg_str key;
    struct eg_str auth; /* "", "none", "clientSecret", "workloadIdentity", "managedIdentity" */
    struct eg_str tenant_id;
    struct eg_str client_id;
    struct eg_str client_secret;
    struct eg_str resource;
    struct eg_str content_type;
    struct eg_str cloud_events;
};

struct azure_instance {
    const struct eg_host *host;
    const struct azure_settings *settings;
    struct tokens *tokens;
};

struct azure_target {
    struct eg_str url; /* borrows the settings, or built */
    struct eg_str key;
    struct eg_str content_type;
    struct token_source *source; /* NULL = no token */
    struct egx_json built;
};

/* target.c */
#define AZURE_TARGET_ROWS 12u
extern const struct eg_setting *const azure_target_rows[AZURE_TARGET_ROWS];
int32_t azure_bind(void *instance, const void *config, void **ret_target,
                   struct eg_target_traits *ret_traits, struct eg_why *ret_why);
void azure_unbind(void *instance, void *target);

/* identity.c: how the token of a function is got. *ret_source stays NULL when it wants none. */
int32_t azure_identity(struct azure_instance *instance, const struct azure_target_settings *config,
                       struct token_source **ret_source, struct eg_why *ret_why);

/* call.c */
int32_t azure_attach(void *instance, struct eg_loop *loop, void **ret_slot);
void azure_detach(void *instance, void *slot);
int32_t azure_invoke(void *instance, void *slot, void *target,
                     const struct eg_invocation *invocation, struct eg_op *op);
void azure_cancel(void *instance, void *slot, struct eg_op *op);

#endif
