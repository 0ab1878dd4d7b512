/*
 * api/resource_functions.c - what is special about functions (chapter 4.2): their provider checks
 * and normalises its configuration, secrets that come back masked keep their stored value (Q20),
 * and a function in use cannot be deleted. Control thread; no state.
 */
#include "api/config_call.h"

#include "base/slice.h"
#include "state/function_rules.h"

/* The first half of a masked update; decide_update has the other one. */
static int32_t defer_bind(struct gw_config_call *call, struct gw_refusal *ret_refusal) {
    const struct eg_str type = call->sent->as.function.type;
    if (gw_manager_component(call->context->manager, EG_KIND_PROVIDER, type) == NULL) {
        (void)gw_refuse(ret_refusal, 400, "%sprovider %.*s not supported",
                        gw_kind_words[GW_FUNCTION].prefix, GW_FMT(type));
        return EG_E_SYNTAX;
    }
    call->is_sent_masked = true;
    return EG_OK;
}

static int32_t check(struct gw_config_call *call, struct gw_refusal *ret_refusal) {
    const struct eg_str provider_json = call->sent->as.function.provider_json;
    struct gw_object *bound = NULL;
    int32_t rc;
    if (call->context->mask_secrets && call->route.op == GW_CONFIG_UPDATE &&
        gw_function_is_masked(provider_json)) {
        rc = defer_bind(call, ret_refusal);
    } else {
        rc = gw_function_bind(call->context->manager, call->sent, NULL, call->context->mask_secrets,
                              &bound, ret_refusal);
    }
    if (rc < 0) {
        return rc;
    }
    if (bound != NULL) {
        gw_object_unref(call->sent);
        call->sent = bound;
    }
    return gw_object_validate(call->sent, ret_refusal);
}

static int32_t decide_update(struct gw_config_call *call, const struct gw_gathered *gathered,
                             struct gw_refusal *ret_refusal) {
    if (!call->is_sent_masked) {
        return EG_OK;
    }
    struct gw_object *bound = NULL;
    const int32_t rc = gw_function_bind(call->context->manager, call->sent,
                                        gw_gathered_one(gathered, 0), true, &bound, ret_refusal);
    if (rc == EG_OK) {
        gw_config_call_set_result(call, bound);
    }
    return rc;
}

/* Needs of a delete, in the order of the checks. */
enum { SUBSCRIPTIONS, EVENTTYPES };

static void need_users(struct gw_config_call *call) {
    (void)gw_config_call_need(call, GW_SUBSCRIPTION, (struct eg_str){0});
    (void)gw_config_call_need(call, GW_EVENTTYPE, (struct eg_str){0});
}

static bool is_unused(const struct gw_config_call *call) {
    return !gw_catalog_is_used(call->context->catalog, GW_FUNCTION, call->route.space,
                               call->route.id);
}

static int32_t decide_delete(struct gw_config_call *call, const struct gw_gathered *gathered,
                             struct gw_refusal *ret_refusal) {
    const struct eg_str id = call->route.id;
    for (size_t i = 0; i < gathered->counts[SUBSCRIPTIONS]; i++) {
        if (gw_str_eq(gathered->objects[SUBSCRIPTIONS][i]->as.subscription.function_id, id)) {
            return gw_refuse(
                ret_refusal, 400,
                "Function cannot be deleted because it's subscribed to a least one event.");
        }
    }
    for (size_t i = 0; i < gathered->counts[EVENTTYPES]; i++) {
        const struct gw_object *type = gathered->objects[EVENTTYPES][i];
        if (type->as.eventtype.has_authorizer && gw_str_eq(type->as.eventtype.authorizer_id, id)) {
            return gw_refuse(ret_refusal, 400,
                             "Function %.*s cannot be deleted because is used as an authorizer for "
                             "%.*s event type.",
                             GW_FMT(id), GW_FMT(type->id));
        }
    }
    return EG_OK;
}

const struct gw_config_resource gw_config_functions = {
    .check = check,
    .rules = {[GW_CONFIG_UPDATE] = {.decide = decide_update},
              [GW_CONFIG_DELETE] = {.needs = need_users,
                                    .is_clear = is_unused,
                                    .decide = decide_delete}},
};
