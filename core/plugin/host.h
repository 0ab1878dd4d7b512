/*
 * plugin/host.h - what the parts of the microkernel share: the host tables of an instance, and its
 * ledger. Not for other floors.
 */
#ifndef GW_PLUGIN_HOST_H
#define GW_PLUGIN_HOST_H

#include "plugin/instance.h"
#include "plugin/manager.h"

#define GW_INSTANCE_MAGIC 0x4547494eu /* "EGIN" */

extern const struct eg_log_api gw_host_log;
extern const struct eg_mem_api gw_host_mem;
extern const struct eg_loop_api gw_host_loop;
extern const struct eg_http_api gw_host_http;
extern const struct eg_json_api gw_host_json;
extern const struct eg_metrics_api gw_host_metrics;
extern const struct eg_clock_api gw_host_clock;

/* Fills instance->host. */
void gw_host_init(struct gw_instance *instance, const struct gw_manager_config *config);
const struct gw_manager_config *gw_host_config(const struct gw_instance *instance);

/* For the loop that owns the counter. */
void gw_ledger_add(uint64_t *counter, uint64_t more);
/* As gw_ledger_enter, for work that any thread may begin and that ends on a loop. */
void gw_ledger_job_begin(struct gw_instance *instance);
void gw_ledger_job_end(struct gw_instance *instance, uint32_t loop_index);

#endif
