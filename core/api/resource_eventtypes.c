/*
 * api/resource_eventtypes.c - what is special about event types (chapter 4.1): an authorizer has to
 * be a function of the same space, and a type that is subscribed to cannot be deleted. Control
 * thread; no state.
 */
#include "api/config_call.h"

#include "base/slice.h"

/* Needs of a save: 0 the own object, 1 the authorizer. */
#define AUTHORIZER 1u

static void need_authorizer(struct gw_config_call *call) {
    const struct gw_eventtype *type = &call->sent->as.eventtype;
    if (type->authorizer_id.len > 0) {
        (void)gw_config_call_need(call, GW_FUNCTION, type->authorizer_id);
    }
}

static int32_t decide_save(struct gw_config_call *call, const struct gw_gathered *gathered,
                           struct gw_refusal *ret_refusal) {
    const struct gw_eventtype *type = &call->sent->as.eventtype;
    if (!type->has_authorizer) {
        return EG_OK;
    }
    /* An empty id was given too, and names no function. */
    if (type->authorizer_id.len > 0 && gw_gathered_one(gathered, AUTHORIZER) != NULL) {
        return EG_OK;
    }
    return gw_refuse(ret_refusal, 400, "Authorizer function doesn't exists.");
}

static void need_subscriptions(struct gw_config_call *call) {
    (void)gw_config_call_need(call, GW_SUBSCRIPTION, (struct eg_str){0});
}

static bool is_unused(const struct gw_config_call *call) {
    return !gw_catalog_is_used(call->context->catalog, GW_EVENTTYPE, call->route.space,
                               call->route.id);
}

static int32_t decide_delete(struct gw_config_call *call, const struct gw_gathered *gathered,
                             struct gw_refusal *ret_refusal) {
    for (size_t i = 0; i < gathered->counts[0]; i++) {
        if (gw_str_eq(gathered->objects[0][i]->as.subscription.event_type, call->route.id)) {
            return gw_refuse(
                ret_refusal, 400,
                "Event type cannot be deleted because there are subscriptions using it.");
        }
    }
    return EG_OK;
}

const struct gw_config_resource gw_config_eventtypes = {
    .rules = {[GW_CONFIG_CREATE] = {.needs = need_authorizer, .decide = decide_save},
              [GW_CONFIG_UPDATE] = {.needs = need_authorizer, .decide = decide_save},
              [GW_CONFIG_DELETE] = {.needs = need_subscriptions,
                                    .is_clear = is_unused,
                                    .decide = decide_delete}},
};
