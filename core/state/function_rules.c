/*
 * state/function_rules.c - see the header. Stored secrets are filled in before the provider is
 * asked, so that it may be as strict about their form as it likes.
 */
#include "state/function_rules.h"

#include "base/check.h"
#include "base/jscan.h"
#include "base/slice.h"

#define MASKED "*****"

bool gw_function_is_masked(struct eg_str provider_json) {
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

int32_t gw_function_bind(struct gw_manager *manager, const struct gw_object *sent,
                         const struct gw_object *stored, bool knows_masks,
                         struct gw_object **ret_object, struct gw_refusal *ret_refusal) {
    GW_ASSERT(sent->kind == GW_FUNCTION);
    const struct gw_function *function = &sent->as.function;
    struct eg_str provider_json = function->provider_json;
    struct gw_target *target = NULL;
    struct eg_str normal = {0};
    struct eg_why why = {.struct_size = sizeof why};
    struct gw_arena arena = {0};
    if (knows_masks && stored != NULL && gw_str_eq(function->type, stored->as.function.type)) {
        provider_json = gw_provider_unmask(manager, function->type, provider_json,
                                           stored->as.function.provider_json, &arena);
    }
    int32_t rc = gw_target_bind(manager, function->type, provider_json, &target, &normal, &why);
    if (rc < 0) {
        rc = refuse(ret_refusal, gw_why_str(&why));
        goto out;
    }
    if (knows_masks && gw_function_is_masked(normal)) {
        rc = refuse(ret_refusal, GW_STR("a secret is sent as \"" MASKED
                                        "\", which stands for the stored one; none is stored"));
        goto out;
    }
    *ret_object = gw_object_with_provider(sent, normal);
out:
    gw_target_unref(target);
    gw_arena_free(&arena);
    return rc;
}
