/*
 * api/config_call.c - see the header. The road of every operation:
 *
 *   read the body -> count -> (wait for the turn) -> gather -> common decision (exists, missing)
 *   -> resource's decision -> put or remove with the revision seen -> answer
 *
 * Deletes do not gather the object itself: a stored value that does not parse has to stay
 * deletable (chapter 2.1), and that an object is missing is told by the store (the in-use checks
 * come first anyway).
 */
#include "api/config_call.h"

#include "api/config_answer.h"
#include "base/check.h"
#include "base/mem.h"
#include "base/slice.h"

#define CALL_MAGIC 0x6363616cu /* ccal */

static const struct gw_config_resource *const resources[GW_KINDS] = {
    [GW_EVENTTYPE] = &gw_config_eventtypes,
    [GW_FUNCTION] = &gw_config_functions,
    [GW_SUBSCRIPTION] = &gw_config_subscriptions,
    [GW_CORS] = &gw_config_cors,
};

static void gather(struct gw_config_call *call);

static const struct gw_config_op_rules *rules_of(const struct gw_config_call *call) {
    return &resources[call->route.kind]->rules[call->route.op];
}

static bool is_write(enum gw_config_op op) {
    return op == GW_CONFIG_CREATE || op == GW_CONFIG_UPDATE;
}

/* ---- the end ---- */

/* The request was given to an answer. */
static void finish(struct gw_config_call *call) {
    GW_ASSERT(call->context->busy > 0);
    call->context->busy--;
    gw_config_turn_end(&call->context->turns, &call->turn);
    gw_object_unref(call->sent);
    gw_object_unref(call->result);
    call->magic = 0;
    gw_free(call);
}

static void finish_refused(struct gw_config_call *call, const struct gw_refusal *refusal) {
    gw_config_answer_error(call->context, call->request, refusal->status,
                           gw_why_str(&refusal->why));
    finish(call);
}

static void finish_store_error(struct gw_config_call *call, int32_t status, struct eg_str why) {
    gw_config_answer_store_error(call->context, call->request, status, why);
    finish(call);
}

static void finish_with_result(struct gw_config_call *call) {
    const uint32_t status = call->route.op == GW_CONFIG_CREATE ? 201 : 200;
    gw_config_answer_object(call->context, call->request, status, call->result);
    finish(call);
}

/* ---- commit ---- */

static bool is_lost_race(int32_t status) {
    return status == EG_E_CONFLICT || status == EG_E_EXISTS || status == EG_E_NOTFOUND;
}

static void finish_crowded(struct gw_config_call *call) {
    gw_config_answer_error(
        call->context, call->request, 503,
        GW_STR("The configuration is being changed by others; please try again."));
    finish(call);
}

static void try_again(struct gw_config_call *call) {
    if (++call->tries < GW_CONFIG_TRIES) {
        gather(call);
        return;
    }
    finish_crowded(call);
}

static void on_put(void *arg, int32_t status, struct eg_str why) {
    struct gw_config_call *call = arg;
    GW_MAGIC_CHECK(call, CALL_MAGIC);
    if (is_lost_race(status)) {
        try_again(call);
    } else if (status < 0) {
        finish_store_error(call, status, why);
    } else {
        finish_with_result(call);
    }
}

static void on_removed(void *arg, int32_t status, struct eg_str why) {
    struct gw_config_call *call = arg;
    struct gw_refusal refusal = {.why = {.struct_size = sizeof refusal.why}};
    GW_MAGIC_CHECK(call, CALL_MAGIC);
    if (status == EG_E_NOTFOUND) {
        (void)gw_refuse_missing(call->route.kind, call->route.id, &refusal);
        finish_refused(call, &refusal);
    } else if (is_lost_race(status)) {
        try_again(call);
    } else if (status < 0) {
        finish_store_error(call, status, why);
    } else {
        gw_config_answer_deleted(call->context, call->request);
        finish(call);
    }
}

static void commit(struct gw_config_call *call) {
    if (call->route.op == GW_CONFIG_DELETE) {
        gw_catalog_remove(call->context->catalog, call->route.kind, call->route.space,
                          call->route.id, EG_REV_ANY, on_removed, call);
    } else if (is_write(call->route.op)) {
        gw_catalog_put(call->context->catalog, call->result, call->expect_revision, on_put, call);
    } else {
        finish_with_result(call);
    }
}

/* ---- decide ---- */

/* What all resources have in common. */
static int32_t decide_common(struct gw_config_call *call, const struct gw_gathered *gathered,
                             struct gw_refusal *ret_refusal) {
    if (call->route.op == GW_CONFIG_DELETE) {
        return EG_OK;
    }
    struct gw_object *own = gw_gathered_one(gathered, 0);
    if (call->route.op == GW_CONFIG_CREATE) {
        call->expect_revision = EG_REV_ABSENT;
        gw_config_call_set_result(call, gw_object_ref(call->sent));
        return own == NULL ? EG_OK
                           : gw_refuse_existing(call->route.kind, call->sent->id, ret_refusal);
    }
    if (own == NULL) {
        return gw_refuse_missing(call->route.kind, call->route.id, ret_refusal);
    }
    call->expect_revision = own->revision;
    gw_config_call_set_result(call,
                              gw_object_ref(call->route.op == GW_CONFIG_UPDATE ? call->sent : own));
    return EG_OK;
}

static void decide(struct gw_config_call *call, const struct gw_gathered *gathered) {
    struct gw_refusal refusal = {.why = {.struct_size = sizeof refusal.why}};
    const struct gw_config_op_rules *rules = rules_of(call);
    int32_t rc = decide_common(call, gathered, &refusal);
    if (rc == EG_OK && rules->decide != NULL) {
        rc = rules->decide(call, gathered, &refusal);
    }
    if (rc < 0) {
        finish_refused(call, &refusal);
        return;
    }
    commit(call);
}

/* ---- gather ---- */

static void on_gathered(void *arg, const struct gw_gathered *gathered) {
    struct gw_config_call *call = arg;
    GW_MAGIC_CHECK(call, CALL_MAGIC);
    if (gathered->status < 0) {
        finish_store_error(call, gathered->status, gathered->why);
    } else if (call->route.op == GW_CONFIG_LIST) {
        gw_config_answer_list(call->context, call->request, call->route.kind, gathered->objects[0],
                              gathered->counts[0]);
        finish(call);
    } else {
        decide(call, gathered);
    }
}

static void gather(struct gw_config_call *call) {
    if (call->need_count == 0) {
        commit(call);
        return;
    }
    gw_catalog_gather(call->context->catalog, call->route.space, call->needs, call->need_count,
                      on_gathered, call);
}

static void collect_needs(struct gw_config_call *call) {
    const struct gw_config_op_rules *rules = rules_of(call);
    if (call->route.op == GW_CONFIG_LIST) {
        (void)gw_config_call_need(call, call->route.kind, (struct eg_str){0});
    } else if (call->route.op != GW_CONFIG_DELETE) {
        const bool is_create = call->route.op == GW_CONFIG_CREATE;
        (void)gw_config_call_need(call, call->route.kind,
                                  is_create ? call->sent->id : call->route.id);
    }
    if (rules->needs != NULL) {
        rules->needs(call);
    }
}

/* ---- turns ---- */

static void on_turn(struct gw_config_turn *turn, bool is_late) {
    struct gw_config_call *call = GW_CONTAINER(turn, struct gw_config_call, turn);
    GW_MAGIC_CHECK(call, CALL_MAGIC);
    if (is_late) {
        finish_crowded(call);
    } else {
        gather(call);
    }
}

/* Does the decision to write rest on objects besides the one that is written? */
static bool rests_on_others(const struct gw_config_call *call) {
    return call->route.op == GW_CONFIG_DELETE ? call->need_count > 0
                                              : is_write(call->route.op) && call->need_count > 1;
}

/* ---- the beginning ---- */

static int32_t check_id_length(const struct gw_config_call *call, struct gw_refusal *ret_refusal) {
    if (call->sent->id.len <= GW_CONFIG_MAX_ID_BYTES) {
        return EG_OK;
    }
    return gw_refuse(ret_refusal, 400, "%sthe identifier has %zu bytes; at most %u are possible",
                     gw_kind_words[call->route.kind].prefix, call->sent->id.len,
                     GW_CONFIG_MAX_ID_BYTES);
}

static int32_t read_body(struct gw_config_call *call, struct gw_refusal *ret_refusal) {
    const struct gw_config_resource *resource = resources[call->route.kind];
    int32_t rc = gw_object_read(call->route.kind, call->route.space, call->route.id,
                                call->request->body, &call->sent, ret_refusal);
    if (rc == EG_OK && resource->check != NULL) {
        rc = resource->check(call, ret_refusal);
    }
    return rc < 0 ? rc : check_id_length(call, ret_refusal);
}

void gw_config_call_start(struct gw_config_context *context, struct gw_http_request *request,
                          const struct gw_config_route *route) {
    struct gw_refusal refusal = {.why = {.struct_size = sizeof refusal.why}};
    struct gw_config_call *call = gw_alloc(sizeof *call);
    call->magic = CALL_MAGIC;
    call->context = context;
    call->request = request;
    call->route = *route;
    context->busy++;
    const int32_t rc = is_write(route->op) ? read_body(call, &refusal) : EG_OK;
    if (rc != EG_E_SYNTAX) {
        gw_config_metrics_count(context, route->space, route->kind, route->op);
    }
    if (rc < 0) {
        finish_refused(call, &refusal);
        return;
    }
    collect_needs(call);
    if (rests_on_others(call)) {
        gw_config_turn_begin(&context->turns, &call->turn, request, route->space, on_turn);
    } else {
        gather(call);
    }
}

/* ---- for resources ---- */

size_t gw_config_call_need(struct gw_config_call *call, enum gw_kind kind, struct eg_str id) {
    GW_ASSERT(call->need_count < GW_MAX_NEEDS);
    call->needs[call->need_count] = (struct gw_need){.kind = kind, .id = id};
    return call->need_count++;
}

struct gw_object *gw_gathered_one(const struct gw_gathered *gathered, size_t need) {
    return gathered->counts[need] == 0 ? NULL : gathered->objects[need][0];
}

void gw_config_call_set_result(struct gw_config_call *call, struct gw_object *object) {
    gw_object_unref(call->result);
    call->result = object;
}
