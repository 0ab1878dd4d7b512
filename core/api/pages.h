/* api/pages.h - /v1/status and /v1/metrics. Inside api/ only; control thread. */
#ifndef GW_API_PAGES_H
#define GW_API_PAGES_H

#include "api/config_context.h"
#include "io/http_server.h"

/* Does the query ask for no more than `200`? */
bool gw_status_is_bare(struct eg_str query);

/* Answers now, or when a revision is routed that the query asks for (give). */
void gw_status_page(struct gw_config_context *context, struct gw_http_request *request);
/* The answer itself, as detailed as the query asks for (give). */
void gw_status_answer(struct gw_config_context *context, struct gw_http_request *request);
/* Answers at once (give). */
void gw_metrics_page(struct gw_config_context *context, struct gw_http_request *request);

#endif
