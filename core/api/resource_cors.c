/*
 * api/resource_cors.c - what is special about CORS configurations (chapter 4.4): method and path
 * are their identity and cannot be changed. Within a space nothing else is checked. Control thread;
 * no state.
 */
#include "api/config_call.h"
#include "api/path_conflicts.h"

static int32_t decide_create(struct gw_config_call *call, const struct gw_gathered *gathered,
                             struct gw_refusal *ret_refusal) {
    (void)gathered;
    return gw_config_check_other_spaces(call->context, call->sent, ret_refusal);
}

static int32_t decide_update(struct gw_config_call *call, const struct gw_gathered *gathered,
                             struct gw_refusal *ret_refusal) {
    return gw_object_check_update(gw_gathered_one(gathered, 0), call->sent, ret_refusal);
}

const struct gw_config_resource gw_config_cors = {
    .rules = {[GW_CONFIG_CREATE] = {.decide = decide_create},
              [GW_CONFIG_UPDATE] = {.decide = decide_update}},
};
