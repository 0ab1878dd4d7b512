/*
 * resource.h - what an ExportTraceServiceRequest says besides its spans: who sends (the resource)
 * and what made them (the scope). Made once, in create.
 */
#ifndef REACTER_OTEL_RESOURCE_H
#define REACTER_OTEL_RESOURCE_H

#include <eventgw-sdk/egx.h>

struct otel_resource {
    struct eg_str service_name;
    struct eg_str instance_id;            /* empty = a random UUID */
    const struct eg_str_list *attributes; /* "name=value" */
};

/* The text before the spans; OTEL_AFTER_SPANS stands behind them. EG_E_INVAL with a sentence. */
#define OTEL_AFTER_SPANS "]}]}]}"
int32_t otel_put_resource(struct egx_json *out, const struct eg_host *host,
                          const struct otel_resource *resource, struct eg_why *ret_why);

#endif
