/*
 * api/v2017_subscriptions.c - what is special about subscriptions in the API of 2017 (chapter
 * 15.2): they are known by the ids of that time, there are no conflicts of paths, and the event
 * type comes along with its first subscription. One that is refused leaves nothing behind (Q44),
 * unless its function goes between the two writes: then the event type stays. Control thread; no
 * state.
 */
#include "api/v2017_face.h"
#include "base/slice.h"
#include "domain/v2017_objects.h"

/* ---- create ---- */

enum { EVENTTYPE, FUNCTION, SPACE };

static void need_create(struct gw_config_call *call) {
    const struct gw_subscription *sent = &call->sent->as.subscription;
    (void)gw_config_call_need(call, GW_EVENTTYPE, sent->event_type);
    (void)gw_config_call_need(call, GW_FUNCTION, sent->function_id);
    (void)gw_config_call_need(call, GW_SUBSCRIPTION, (struct eg_str){0});
}

/* The id is the same, letter by letter: another spelling of it is another subscription. */
static bool has_id(struct gw_object *const *subscriptions, size_t count, struct eg_str id) {
    struct gw_arena arena;
    bool has = false;
    gw_arena_init(&arena, id.len + 64);
    for (size_t i = 0; !has && i < count; i++) {
        gw_arena_reset(&arena);
        has = gw_v2017_subscription_is_known(subscriptions[i]) &&
              gw_str_eq(gw_v2017_subscription_id(&arena, subscriptions[i]), id);
    }
    gw_arena_free(&arena);
    return has;
}

static int32_t decide_create(struct gw_config_call *call, const struct gw_gathered *gathered,
                             struct gw_refusal *ret_refusal) {
    const struct eg_str function_id = call->sent->as.subscription.function_id;
    const struct eg_str id = gw_v2017_subscription_id(&call->request->arena, call->sent);
    if (has_id(gathered->objects[SPACE], gathered->counts[SPACE], id)) {
        /* So spelled by the original. */
        return gw_refuse(ret_refusal, 400, "Subscription \"%.*s\" already exits.", GW_FMT(id));
    }
    if (gw_gathered_one(gathered, FUNCTION) == NULL) {
        const int32_t rc = gw_refuse_missing(GW_FUNCTION, function_id, ret_refusal);
        ret_refusal->status = 400;
        return rc;
    }
    if (gw_gathered_one(gathered, EVENTTYPE) == NULL) {
        gw_config_call_put_first(call, gw_v2017_event_type(call->sent), EVENTTYPE);
    }
    return EG_OK;
}

/* ---- delete ---- */

static void need_delete(struct gw_config_call *call) {
    (void)gw_config_call_need(call, GW_SUBSCRIPTION, (struct eg_str){0});
}

static int32_t decide_delete(struct gw_config_call *call, const struct gw_gathered *gathered,
                             struct gw_refusal *ret_refusal) {
    struct gw_arena *arena = &call->request->arena;
    struct gw_v2017_name name = gw_v2017_name(arena, call->route.id);
    const struct gw_object *found =
        gw_v2017_subscription_find(gathered->objects[0], gathered->counts[0], &name);
    struct gw_version version = {0};
    if (found == NULL && gw_v2017_name_trim(arena, &name)) {
        found = gw_v2017_subscription_find(gathered->objects[0], gathered->counts[0], &name);
    }
    if (found != NULL) {
        version = (struct gw_version){.revision = found->revision, .mark = gw_object_mark(found)};
    }
    const int32_t rc =
        gw_config_call_check_version(call, gw_v2017_name_shown(&name), version, ret_refusal);
    if (rc < 0) {
        return rc;
    }
    call->removed_id = gw_arena_dup(arena, found->id);
    call->expect_revision = version.revision;
    return EG_OK;
}

const struct gw_config_resource gw_v2017_subscriptions = {
    .rules =
        {[GW_CONFIG_CREATE] = {.finds_own = true, .needs = need_create, .decide = decide_create},
         [GW_CONFIG_DELETE] = {.finds_own = true, .needs = need_delete, .decide = decide_delete}},
};
