/*
 * api/config_end.c - see the header. Control thread.
 */
#include "api/config_end.h"

#include "api/config_answer.h"
#include "base/check.h"
#include "base/mem.h"
#include "base/slice.h"
#include "state/standing.h"

void gw_config_end(struct gw_config_call *call) {
    GW_ASSERT(call->context->busy > 0);
    call->context->busy--;
    gw_config_turn_end(&call->context->turns, &call->turn);
    gw_object_unref(call->sent);
    gw_object_unref(call->result);
    gw_object_unref(call->first);
    call->magic = 0;
    gw_free(call);
}

void gw_config_end_refused(struct gw_config_call *call, const struct gw_refusal *refusal) {
    gw_config_answer_error(call->context, call->route.face, call->request, refusal->status,
                           gw_why_str(&refusal->why));
    gw_config_end(call);
}

void gw_config_end_store_error(struct gw_config_call *call, int32_t status, struct eg_str why) {
    gw_config_answer_store_error(call->context, call->route.face, call->request, status, why);
    gw_config_end(call);
}

void gw_config_end_crowded(struct gw_config_call *call) {
    gw_config_answer_error(
        call->context, call->route.face, call->request, 503,
        GW_STR("The configuration is being changed by others; please try again."));
    gw_config_end(call);
}

void gw_config_end_read(struct gw_config_call *call) {
    if (call->is_unchanged) {
        gw_config_answer_unchanged(call->context, call->route.face, call->request, call->result,
                                   call->own);
    } else {
        gw_config_answer_object(call->context, call->route.face, call->request, call->result,
                                call->own);
    }
    gw_config_end(call);
}

void gw_config_end_written(struct gw_config_call *call, uint64_t revision) {
    if (call->route.op == GW_CONFIG_DELETE) {
        gw_config_answer_deleted(call->context, call->route.face, call->request, revision);
    } else {
        gw_config_answer_written(
            call->context, call->route.face, call->request,
            call->route.op == GW_CONFIG_CREATE ? call->route.face->created_status : 200,
            call->result, revision);
    }
    gw_config_end(call);
}

/* Those before it need not be to blame: when the store is
 * away, or has answered nobody in all that time, its reason is told. */
void gw_config_end_late(struct gw_config_call *call) {
    struct gw_standing standing;
    gw_standing_read(call->context->catalog, call->context->publisher, &standing);
    if (!standing.is_up) {
        gw_config_end_store_error(call, EG_E_UNAVAILABLE, standing.down_why);
    } else if (call->context->heard_ns < call->began_ns) {
        gw_config_end_store_error(call, EG_E_TIMEOUT, GW_STR("the storage did not answer in time"));
    } else {
        gw_config_end_crowded(call);
    }
}
