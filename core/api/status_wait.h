/*
 * api/status_wait.h - clients of /v1/status that wait until this node routes by a revision. Each is
 * answered once: when it does, when its time is over (504), or when the gateway stops (503). Inside
 * api/ only; control thread.
 */
#ifndef GW_API_STATUS_WAIT_H
#define GW_API_STATUS_WAIT_H

#include "api/config_context.h"
#include "io/http_server.h"

/* At once; more are told to come again (503). */
#define GW_MAX_STATUS_WAITS 256u

/* Answers at once when the revision is routed already (give). */
void gw_status_wait(struct gw_config_context *context, struct gw_http_request *request,
                    uint64_t revision, uint64_t timeout_ns);
void gw_status_wait_gone(struct gw_config_context *context, struct gw_http_request *request);
void gw_status_waits_check(struct gw_config_context *context);
/* From now on nobody waits. */
void gw_status_waits_end(struct gw_config_context *context);

#endif
