/*
 * provider_http.h - what the files of this plugin share. Component `http`: a function is a URL that
 * takes the event as POST (chapter 8 of the compatibility specification).
 */
#ifndef PROVIDER_HTTP_H
#define PROVIDER_HTTP_H

#include <eventgw-sdk/egx.h>

/* Settings of the component. */
struct http_settings {
    struct eg_str fail_on; /* "5xx" or "500-only" */
    uint32_t redirects;
    uint64_t max_response; /* bytes; 0 = the gateway's */
};

/* Settings of one function. */
struct http_target_settings {
    struct eg_str url;
    struct eg_str cloud_events; /* "", "0.1", "0.2", "0.3", "1.0" */
};

struct http_instance {
    const struct eg_host *host;
    const struct http_settings *settings;
    uint32_t is_500_only;
};

/* target.c. A target is its settings struct: nothing else is needed of it. */
#define PROVIDER_HTTP_TARGET_ROWS 2u
extern const struct eg_setting *const provider_http_target_rows[PROVIDER_HTTP_TARGET_ROWS];
int32_t provider_http_bind(void *instance, const void *config, void **ret_target,
                           struct eg_target_traits *ret_traits, struct eg_why *ret_why);

/* call.c */
int32_t provider_http_attach(void *instance, struct eg_loop *loop, void **ret_slot);
void provider_http_detach(void *instance, void *slot);
int32_t provider_http_invoke(void *instance, void *slot, void *target,
                             const struct eg_invocation *invocation, struct eg_op *op);
void provider_http_cancel(void *instance, void *slot, struct eg_op *op);

#endif
