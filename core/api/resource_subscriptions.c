/*
 * api/resource_subscriptions.c - what is special about subscriptions (chapter 4.3): sync paths may
 * not conflict, event type and function have to exist, and an update may change metadata only.
 * Control thread; no state.
 */
#include "api/config_call.h"
#include "api/path_conflicts.h"

#include "base/slice.h"

/* Needs of a create; the own object is 0. */
enum { CREATE_EVENTTYPE = 1, CREATE_FUNCTION, CREATE_SPACE };
/* Needs of an update. */
enum { UPDATE_FUNCTION = 1 };

static void need_create(struct gw_config_call *call) {
    const struct gw_subscription *sent = &call->sent->as.subscription;
    (void)gw_config_call_need(call, GW_EVENTTYPE, sent->event_type);
    (void)gw_config_call_need(call, GW_FUNCTION, sent->function_id);
    if (sent->is_sync) {
        (void)gw_config_call_need(call, GW_SUBSCRIPTION, (struct eg_str){0});
    }
}

/* Paths are all that the list is for; async ones have none. */
static bool is_path_free(const struct gw_config_call *call) {
    return call->sent->as.subscription.is_sync &&
           !gw_catalog_has_rival(call->context->catalog, call->sent);
}

/* A missing part of a subscription is the client's error, not a missing page. */
static int32_t refuse_part(enum gw_kind kind, struct eg_str id, struct gw_refusal *ret_refusal) {
    const int32_t rc = gw_refuse_missing(kind, id, ret_refusal);
    ret_refusal->status = 400;
    return rc;
}

static int32_t check_paths(const struct gw_config_call *call, const struct gw_gathered *gathered,
                           struct gw_refusal *ret_refusal) {
    if (!call->sent->as.subscription.is_sync) {
        return EG_OK;
    }
    const int32_t rc = gw_config_check_own_space(call->sent, gathered->objects[CREATE_SPACE],
                                                 gathered->counts[CREATE_SPACE], ret_refusal);
    return rc < 0 ? rc : gw_config_check_other_spaces(call->context, call->sent, ret_refusal);
}

static int32_t decide_create(struct gw_config_call *call, const struct gw_gathered *gathered,
                             struct gw_refusal *ret_refusal) {
    const struct gw_subscription *sent = &call->sent->as.subscription;
    const int32_t rc = check_paths(call, gathered, ret_refusal);
    if (rc < 0) {
        return rc;
    }
    if (gw_gathered_one(gathered, CREATE_EVENTTYPE) == NULL) {
        return refuse_part(GW_EVENTTYPE, sent->event_type, ret_refusal);
    }
    if (gw_gathered_one(gathered, CREATE_FUNCTION) == NULL) {
        return refuse_part(GW_FUNCTION, sent->function_id, ret_refusal);
    }
    return EG_OK;
}

static void need_update(struct gw_config_call *call) {
    (void)gw_config_call_need(call, GW_FUNCTION, call->sent->as.subscription.function_id);
}

static int32_t decide_update(struct gw_config_call *call, const struct gw_gathered *gathered,
                             struct gw_refusal *ret_refusal) {
    const int32_t rc =
        gw_object_check_update(gw_gathered_one(gathered, 0), call->sent, ret_refusal);
    if (rc < 0) {
        return rc;
    }
    if (gw_gathered_one(gathered, UPDATE_FUNCTION) == NULL) {
        return refuse_part(GW_FUNCTION, call->sent->as.subscription.function_id, ret_refusal);
    }
    return EG_OK;
}

const struct gw_config_resource gw_config_subscriptions = {
    .rules = {[GW_CONFIG_CREATE] = {.needs = need_create,
                                    .is_clear = is_path_free,
                                    .decide = decide_create},
              [GW_CONFIG_UPDATE] = {.needs = need_update, .decide = decide_update}},
};
