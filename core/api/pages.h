/* api/pages.h - /v1/status, /v1/metrics and /v1/plugins. Inside api/ only; control thread. */
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
void gw_plugins_page(struct gw_config_context *context, struct gw_http_request *request);
/* Asks for a reload (give); gw_reload_answer follows, maybe inside the call. */
void gw_reload_page(struct gw_config_context *context, struct gw_http_request *request);
void gw_reload_answer(struct gw_config_context *context, struct gw_http_request *request,
                      uint32_t status, struct eg_str text);

#endif
