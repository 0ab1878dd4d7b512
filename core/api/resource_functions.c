/*
 * api/resource_functions.c - what is special about functions (chapter 4.2): their provider checks
 * and normalises its configuration, secrets that come back masked keep their stored value (Q20),
 * and a function in use cannot be deleted. Control thread; no state.
 *
 * A masked update is shown to the provider only after the stored secrets are filled in, so that a
 * provider may be as strict about their form as it likes.
 */
#include "api/config_call.h"

#include "base/jscan.h"
#include "base/slice.h"

#define MASKED "*****"

static const struct eg_why empty_why = {.struct_size = sizeof empty_why};

/* Is any member of the provider object a masked secret? */
static bool has_masked(struct eg_str provider_json) {
    struct gw_jval object = {.type = GW_J_NULL};
    struct gw_jval value;
    struct eg_str name;
    struct gw_jerror error;
    size_t cursor = 0;
    if (provider_json.len == 0 ||
        gw_json_check(provider_json, GW_JSON_DEPTH, &object, &error) < 0 ||
        object.type != GW_J_OBJECT) {
        return false;
    }
    while (gw_jobj_next(object, &cursor, &name, &value)) {
        if (value.type == GW_J_STRING && gw_str_eq(value.raw, GW_STR("\"" MASKED "\""))) {
            return true;
        }
    }
    return false;
}

static int32_t refuse(struct gw_refusal *ret_refusal, struct eg_str why) {
    (void)gw_refuse(ret_refusal, 400, "%s%.*s", gw_kind_words[GW_FUNCTION].prefix, GW_FMT(why));
    return EG_E_SYNTAX;
}

/* Asks the provider; *ret_object is a copy of object with the normalised configuration. */
static int32_t bind(const struct gw_config_call *call, const struct gw_object *object,
                    struct eg_str provider_json, struct gw_object **ret_object,
                    struct gw_refusal *ret_refusal) {
    struct gw_target *target = NULL;
    struct eg_str normal = {0};
    struct eg_why why = empty_why;
    int32_t rc = gw_target_bind(call->context->manager, object->as.function.type, provider_json,
                                &target, &normal, &why);
    if (rc < 0) {
        return refuse(ret_refusal, gw_why_str(&why));
    }
    if (call->context->mask_secrets && has_masked(normal)) {
        rc = refuse(ret_refusal, GW_STR("a secret is sent as \"" MASKED
                                        "\", which stands for the stored one; none is stored"));
    } else {
        *ret_object = gw_object_with_provider(object, normal);
    }
    gw_target_unref(target);
    return rc;
}

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
        has_masked(provider_json)) {
        rc = defer_bind(call, ret_refusal);
    } else {
        rc = bind(call, call->sent, provider_json, &bound, ret_refusal);
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
    const struct gw_function *stored = &gw_gathered_one(gathered, 0)->as.function;
    const struct gw_function *sent = &call->sent->as.function;
    if (!call->is_sent_masked) {
        return EG_OK;
    }
    struct eg_str provider_json = sent->provider_json;
    if (gw_str_eq(sent->type, stored->type)) {
        provider_json = gw_provider_unmask(call->context->manager, sent->type, provider_json,
                                           stored->provider_json, &call->request->arena);
    }
    struct gw_object *bound = NULL;
    const int32_t rc = bind(call, call->sent, provider_json, &bound, ret_refusal);
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
    .rules = {[GW_CONFIG_UPDATE] = {NULL, decide_update},
              [GW_CONFIG_DELETE] = {need_users, decide_delete}},
};
