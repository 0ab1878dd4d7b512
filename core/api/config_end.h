/*
 * api/config_end.h - the ends that a call of the Config API may come to. Each answers the request
 * in the words of the call's face, gives its turn to the next and frees the call (give). Inside
 * api/ only; control thread.
 */
#ifndef GW_API_CONFIG_END_H
#define GW_API_CONFIG_END_H

#include "api/config_call.h"

/* The request was given to an answer already. */
void gw_config_end(struct gw_config_call *call);
void gw_config_end_refused(struct gw_config_call *call, const struct gw_refusal *refusal);
void gw_config_end_store_error(struct gw_config_call *call, int32_t status, struct eg_str why);
/* It has lost its races for as long as it may try. */
void gw_config_end_crowded(struct gw_config_call *call);
void gw_config_end_read(struct gw_config_call *call);
void gw_config_end_written(struct gw_config_call *call, uint64_t revision);
/* Its time was over before its turn came. */
void gw_config_end_late(struct gw_config_call *call);

#endif
