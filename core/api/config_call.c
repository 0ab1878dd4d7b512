/*
 * api/config_call.c - see the header. The road of every operation:
 *
 *   read the body -> count -> (wait for the turn) -> gather -> common decision (exists, missing,
 *   If-Match) -> resource's decision -> write on what was gathered -> answer
 *
 * Deletes do not gather the object itself: a stored value that does not parse has to stay
 * deletable (chapter 2.1), and that an object is missing is told by the store (the in-use checks
 * come first anyway). With If-Match they ask for its version, which damaged values have as well.
 *
 * A lost race starts over, also with If-Match: what was lost may be another object than the one
 * that it names. If it was that one, the next decision says so (412).
 */
#include "api/config_call.h"

#include "api/config_answer.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/codec.h"
#include "base/mem.h"
#include "base/slice.h"
#include "state/standing.h"

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

static bool has_body(enum gw_config_op op) {
    return op == GW_CONFIG_CREATE || op == GW_CONFIG_UPDATE;
}

static bool is_write(enum gw_config_op op) {
    return has_body(op) || op == GW_CONFIG_DELETE;
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

static void note_heard(struct gw_config_context *context, int32_t status) {
    if (status != EG_E_TIMEOUT) {
        context->heard_ns = gw_monotonic_ns();
    }
}

/* ---- lost races ---- */

static void finish_crowded(struct gw_config_call *call) {
    gw_config_answer_error(
        call->context, call->request, 503,
        GW_STR("The configuration is being changed by others; please try again."));
    finish(call);
}

static void on_pause_over(struct gw_timer *timer) {
    struct gw_config_call *call = GW_CONTAINER(timer, struct gw_config_call, pause);
    GW_MAGIC_CHECK(call, CALL_MAGIC);
    gather(call);
}

/* Full jitter: anything from nothing to the bound. */
static uint64_t next_pause(struct gw_config_call *call) {
    uint64_t random = 0;
    gw_random(&random, sizeof random);
    const uint64_t pause_ns = random % call->pause_bound_ns;
    const uint64_t doubled = call->pause_bound_ns * 2;
    call->pause_bound_ns = doubled < GW_CONFIG_LAST_PAUSE_NS ? doubled : GW_CONFIG_LAST_PAUSE_NS;
    return pause_ns;
}

static void try_again(struct gw_config_call *call) {
    const uint64_t pause_ns = next_pause(call);
    if (gw_monotonic_ns() + pause_ns >= call->deadline_ns) {
        finish_crowded(call);
        return;
    }
    gw_timer_start(gw_loop_current(), &call->pause, pause_ns, on_pause_over);
}

/* ---- commit ---- */

static void finish_read(struct gw_config_call *call) {
    if (call->is_unchanged) {
        gw_config_answer_unchanged(call->context, call->request, call->result, call->own);
    } else {
        gw_config_answer_object(call->context, call->request, call->result, call->own);
    }
    finish(call);
}

static void finish_written(struct gw_config_call *call, uint64_t revision) {
    if (call->route.op == GW_CONFIG_DELETE) {
        gw_config_answer_deleted(call->context, call->request, revision);
    } else {
        gw_config_answer_written(call->context, call->request,
                                 call->route.op == GW_CONFIG_CREATE ? 201 : 200, call->result,
                                 revision);
    }
    finish(call);
}

/* Did the store say that there is nothing to delete? With If-Match that is another answer, which
 * the next decision finds. */
static bool is_missing(const struct gw_config_call *call, int32_t status) {
    return call->route.op == GW_CONFIG_DELETE && call->own_need == GW_MAX_NEEDS &&
           status == EG_E_NOTFOUND;
}

static void on_written(void *arg, int32_t status, struct eg_str why, uint64_t revision) {
    struct gw_config_call *call = arg;
    struct gw_refusal refusal = {.why = {.struct_size = sizeof refusal.why}};
    GW_MAGIC_CHECK(call, CALL_MAGIC);
    note_heard(call->context, status);
    if (is_missing(call, status)) {
        (void)gw_refuse_missing(call->route.kind, call->route.id, &refusal);
        finish_refused(call, &refusal);
    } else if (gw_catalog_is_lost_race(status)) {
        try_again(call);
    } else if (status == EG_E_TOOBIG) {
        (void)gw_refuse(&refusal, 413, "%.*s", GW_FMT(why));
        finish_refused(call, &refusal);
    } else if (status < 0) {
        finish_store_error(call, status, why);
    } else {
        finish_written(call, revision);
    }
}

/* The object itself is covered by the expected revision. */
static void write(struct gw_config_call *call) {
    const bool is_removal = call->route.op == GW_CONFIG_DELETE;
    struct gw_basis bases[GW_MAX_NEEDS];
    size_t count = 0;
    for (size_t i = 0; i < call->need_count; i++) {
        if (i != call->own_need) {
            bases[count++] = call->needs[i];
        }
    }
    gw_catalog_write(call->context->catalog,
                     &(struct gw_catalog_write){.object = is_removal ? NULL : call->result,
                                                .kind = call->route.kind,
                                                .space = call->route.space,
                                                .id = call->route.id,
                                                .expect_revision = call->expect_revision,
                                                .bases = bases,
                                                .basis_count = count,
                                                .deadline_ns = call->deadline_ns,
                                                .on_written = on_written,
                                                .arg = call});
}

/* ---- decide ---- */

static int32_t decide_create(struct gw_config_call *call, const struct gw_object *own,
                             struct gw_refusal *ret_refusal) {
    call->expect_revision = EG_REV_ABSENT;
    gw_config_call_set_result(call, gw_object_ref(call->sent));
    return own == NULL ? EG_OK : gw_refuse_existing(call->route.kind, call->sent->id, ret_refusal);
}

/* What all resources have in common, on an object that should be there. */
static int32_t decide_present(struct gw_config_call *call, struct gw_object *own,
                              struct gw_refusal *ret_refusal) {
    const enum gw_config_op op = call->route.op;
    const bool is_there = op == GW_CONFIG_DELETE || own != NULL;
    const struct gw_version version = is_there ? call->own : (struct gw_version){0};
    const uint64_t revision = version.revision;
    const enum gw_conditions conditions =
        gw_config_conditions_check(call->request, op == GW_CONFIG_GET, version);
    if (revision == EG_REV_ABSENT && (op == GW_CONFIG_GET || conditions == GW_CONDITIONS_HOLD)) {
        return gw_refuse_missing(call->route.kind, call->route.id, ret_refusal);
    }
    if (conditions == GW_CONDITIONS_FAIL) {
        return gw_config_refuse_conditions(call->request, call->route.kind, call->route.id, version,
                                           ret_refusal);
    }
    call->is_unchanged = conditions == GW_CONDITIONS_UNCHANGED;
    call->expect_revision = revision;
    struct gw_object *result = op == GW_CONFIG_UPDATE ? call->sent : own;
    gw_config_call_set_result(call, result == NULL ? NULL : gw_object_ref(result));
    return EG_OK;
}

static int32_t decide_common(struct gw_config_call *call, const struct gw_gathered *gathered,
                             struct gw_refusal *ret_refusal) {
    if (call->own_need == GW_MAX_NEEDS) {
        return EG_OK; /* a delete of whatever is there */
    }
    struct gw_object *own = gw_gathered_one(gathered, call->own_need);
    return call->route.op == GW_CONFIG_CREATE ? decide_create(call, own, ret_refusal)
                                              : decide_present(call, own, ret_refusal);
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
    } else if (call->route.op == GW_CONFIG_GET) {
        finish_read(call);
    } else {
        write(call);
    }
}

/* ---- gather ---- */

static void on_gathered(void *arg, const struct gw_gathered *gathered) {
    struct gw_config_call *call = arg;
    GW_MAGIC_CHECK(call, CALL_MAGIC);
    note_heard(call->context, gathered->status);
    if (gathered->status < 0) {
        finish_store_error(call, gathered->status, gathered->why);
        return;
    }
    for (size_t i = 0; i < call->need_count; i++) {
        call->needs[i].revision = gathered->revisions[i];
    }
    if (call->own_need != GW_MAX_NEEDS) {
        call->own = (struct gw_version){.revision = gathered->revisions[call->own_need],
                                        .mark = gathered->marks[call->own_need]};
    }
    if (call->route.op == GW_CONFIG_LIST) {
        gw_config_answer_list(call->context, call->request, call->route.kind, gathered->objects[0],
                              gathered->counts[0]);
        finish(call);
    } else {
        decide(call, gathered);
    }
}

static void gather(struct gw_config_call *call) {
    struct gw_need needs[GW_MAX_NEEDS];
    if (call->need_count == 0) {
        write(call);
        return;
    }
    for (size_t i = 0; i < call->need_count; i++) {
        needs[i] = call->needs[i].need;
    }
    gw_catalog_gather(call->context->catalog, call->route.space, needs, call->need_count,
                      call->deadline_ns, on_gathered, call);
}

static void need_own(struct gw_config_call *call) {
    const struct eg_str id = call->route.op == GW_CONFIG_CREATE ? call->sent->id : call->route.id;
    call->own_need = gw_config_call_need(call, call->route.kind, id);
    call->needs[call->own_need].need.is_mark_only = call->route.op == GW_CONFIG_DELETE;
}

static void collect_needs(struct gw_config_call *call) {
    const enum gw_config_op op = call->route.op;
    const struct gw_config_op_rules *rules = rules_of(call);
    call->own_need = GW_MAX_NEEDS;
    if (op == GW_CONFIG_LIST) {
        (void)gw_config_call_need(call, call->route.kind, (struct eg_str){0});
    } else if (op != GW_CONFIG_DELETE) {
        need_own(call);
    }
    if (rules->needs != NULL) {
        rules->needs(call);
    }
    if (op == GW_CONFIG_DELETE && gw_config_has_conditions(call->request)) {
        need_own(call);
    }
}

/* ---- turns ---- */

/* Its time was over before its turn came. Those before it need not be to blame: when the store is
 * away, or has answered nobody in all that time, its reason is told. */
static void finish_late(struct gw_config_call *call) {
    struct gw_standing standing;
    gw_standing_read(call->context->catalog, call->context->publisher, &standing);
    if (!standing.is_up) {
        finish_store_error(call, EG_E_UNAVAILABLE, standing.down_why);
    } else if (call->context->heard_ns < call->began_ns) {
        finish_store_error(call, EG_E_TIMEOUT, GW_STR("the storage did not answer in time"));
    } else {
        finish_crowded(call);
    }
}

static void on_turn(struct gw_config_turn *turn, bool is_late) {
    struct gw_config_call *call = GW_CONTAINER(turn, struct gw_config_call, turn);
    GW_MAGIC_CHECK(call, CALL_MAGIC);
    if (is_late) {
        finish_late(call);
    } else {
        gather(call);
    }
}

/* Does the decision to write rest on objects besides the one that is written? */
static bool rests_on_others(const struct gw_config_call *call) {
    const size_t own = call->own_need == GW_MAX_NEEDS ? 0 : 1;
    return is_write(call->route.op) && call->need_count > own;
}

/* ---- the beginning ---- */

static int32_t read_body(struct gw_config_call *call, struct gw_refusal *ret_refusal) {
    const struct gw_config_resource *resource = resources[call->route.kind];
    int32_t rc = gw_object_read(call->route.kind, call->route.space, call->route.id,
                                call->request->body, &call->sent, ret_refusal);
    if (rc == EG_OK && resource->check != NULL) {
        rc = resource->check(call, ret_refusal);
    }
    return rc < 0 ? rc : gw_object_check_id_length(call->sent, ret_refusal);
}

static int32_t read_request(struct gw_config_call *call, struct gw_refusal *ret_refusal) {
    const int32_t rc = has_body(call->route.op) ? read_body(call, ret_refusal) : EG_OK;
    if (rc < 0 || call->route.page != GW_PAGE_ITEM) {
        return rc;
    }
    return gw_config_conditions_read(call->request, ret_refusal);
}

void gw_config_call_start(struct gw_config_context *context, struct gw_http_request *request,
                          const struct gw_config_route *route) {
    struct gw_refusal refusal = {.why = {.struct_size = sizeof refusal.why}};
    struct gw_config_call *call = gw_alloc(sizeof *call);
    call->magic = CALL_MAGIC;
    call->context = context;
    call->request = request;
    call->route = *route;
    call->expect_revision = EG_REV_ANY;
    call->began_ns = gw_monotonic_ns();
    call->deadline_ns = gw_catalog_deadline(context->catalog);
    call->pause_bound_ns = GW_CONFIG_FIRST_PAUSE_NS;
    context->busy++;
    const int32_t rc = read_request(call, &refusal);
    if (rc != EG_E_SYNTAX) {
        gw_config_metrics_count(context, route->space, route->kind, route->op);
    }
    if (rc < 0) {
        finish_refused(call, &refusal);
        return;
    }
    collect_needs(call);
    if (rests_on_others(call)) {
        gw_config_turn_begin(&context->turns, &call->turn, request, route->space, call->deadline_ns,
                             on_turn);
    } else {
        gather(call);
    }
}

/* ---- for resources ---- */

size_t gw_config_call_need(struct gw_config_call *call, enum gw_kind kind, struct eg_str id) {
    GW_ASSERT(call->need_count < GW_MAX_NEEDS);
    call->needs[call->need_count] = (struct gw_basis){.need = {.kind = kind, .id = id}};
    return call->need_count++;
}

struct gw_object *gw_gathered_one(const struct gw_gathered *gathered, size_t need) {
    return gathered->counts[need] == 0 ? NULL : gathered->objects[need][0];
}

void gw_config_call_set_result(struct gw_config_call *call, struct gw_object *object) {
    gw_object_unref(call->result);
    call->result = object;
}
