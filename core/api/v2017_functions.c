/*
 * api/v2017_functions.c - what is special about functions in the API of 2017 (chapter 15.1): the
 * words, and that an update looks for the function before it validates. Deleting one in use is
 * refused as ever (Q50). Control thread; no state.
 */
#include "api/v2017_face.h"
#include "base/slice.h"
#include "domain/v2017_objects.h"
#include "state/function_rules.h"

static int32_t bind(const struct gw_config_call *call, const struct gw_object *stored,
                    struct gw_object **ret_bound, struct gw_refusal *ret_refusal) {
    struct gw_config_context *context = call->context;
    int32_t rc = gw_v2017_function_check(call->sent, ret_refusal);
    if (rc < 0) {
        return rc;
    }
    rc = gw_function_bind(context->manager, call->sent, stored, context->mask_secrets, ret_bound,
                          ret_refusal);
    if (rc < 0) {
        gw_v2017_refusal_convert(ret_refusal, GW_FUNCTION);
    }
    return rc;
}

static int32_t check(struct gw_config_call *call, struct gw_refusal *ret_refusal) {
    struct gw_object *bound = NULL;
    if (call->route.op == GW_CONFIG_UPDATE) {
        return EG_OK; /* decide_update does it */
    }
    const int32_t rc = bind(call, NULL, &bound, ret_refusal);
    if (rc < 0) {
        return rc;
    }
    gw_object_unref(call->sent);
    call->sent = bound;
    return EG_OK;
}

/* 2017 had no metadata, so that an update of its clients means to say nothing about them. */
static int32_t decide_update(struct gw_config_call *call, const struct gw_gathered *gathered,
                             struct gw_refusal *ret_refusal) {
    const struct gw_object *stored = gw_gathered_one(gathered, 0);
    struct gw_object *bound = NULL;
    const int32_t rc = bind(call, stored, &bound, ret_refusal);
    if (rc < 0) {
        return rc;
    }
    if (stored != NULL) {
        gw_object_copy_metadata(bound, stored);
    }
    gw_config_call_set_result(call, bound);
    return EG_OK;
}

static void need_users(struct gw_config_call *call) {
    gw_config_functions.rules[GW_CONFIG_DELETE].needs(call);
}

static int32_t decide_delete(struct gw_config_call *call, const struct gw_gathered *gathered,
                             struct gw_refusal *ret_refusal) {
    return gw_config_functions.rules[GW_CONFIG_DELETE].decide(call, gathered, ret_refusal);
}

const struct gw_config_resource gw_v2017_functions = {
    .check = check,
    .rules = {[GW_CONFIG_UPDATE] = {.decide = decide_update},
              [GW_CONFIG_DELETE] = {.needs = need_users, .decide = decide_delete}},
};
