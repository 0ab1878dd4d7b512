/* api/pages.h - /v1/status and /v1/metrics. Inside api/ only; control thread. */
#ifndef GW_API_PAGES_H
#define GW_API_PAGES_H

#include "api/config_context.h"
#include "io/http_server.h"

/* Does the query ask for more than `200`? */
bool gw_status_is_verbose(struct eg_str query);

/* Both answer at once (give). */
void gw_status_page(struct gw_config_context *context, struct gw_http_request *request);
void gw_metrics_page(struct gw_config_context *context, struct gw_http_request *request);

#endif
