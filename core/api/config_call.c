/*
 * api/config_call.c - see the header. The road of every operation:
 *
 *   read the body -> count -> (wait for the turn) -> gather -> common decision (exists, missing,
 *   If-Match) -> resource's decision -> write on what was gathered -> answer
 *
 * Where the cache has nothing against it, the first try gathers no lists; when that ends with a
 * refusal or a lost race, the second one does.
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
#include "api/config_end.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/codec.h"
#include "base/mem.h"
#include "base/slice.h"

static void gather(struct gw_config_call *call);

static const struct gw_config_op_rules *rules_of(const struct gw_config_call *call) {
    return &call->route.face->resources[call->route.kind]->rules[call->route.op];
}

static bool has_body(enum gw_config_op op) {
    return op == GW_CONFIG_CREATE || op == GW_CONFIG_UPDATE;
}

static bool is_write(enum gw_config_op op) {
    return has_body(op) || op == GW_CONFIG_DELETE;
}

static bool is_list(const struct gw_need *need) {
    return need->id.len == 0;
}

static void note_heard(struct gw_config_context *context, int32_t status) {
    if (status != EG_E_TIMEOUT) {
        context->heard_ns = gw_monotonic_ns();
    }
}

/* ---- lost races ---- */

static void on_pause_over(struct gw_timer *timer) {
    struct gw_config_call *call = GW_CONTAINER(timer, struct gw_config_call, pause);
    GW_MAGIC_CHECK(call, GW_CONFIG_CALL_MAGIC);
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
        gw_config_end_crowded(call);
        return;
    }
    gw_timer_start(gw_loop_current(), &call->pause, pause_ns, on_pause_over);
}

/* Was the try made without the lists? Then it is made again with them, at once: what has gone wrong
 * is most likely older than the call. */
static bool try_with_lists(struct gw_config_call *call) {
    if (!call->is_presuming) {
        return false;
    }
    call->wants_lists = true;
    gather(call);
    return true;
}

/* ---- commit ---- */

/* Did the store say that there is nothing to delete? Where a certain revision was expected that is
 * a lost race, and the next decision finds the answer. */
static bool is_missing(const struct gw_config_call *call, int32_t status) {
    return call->route.op == GW_CONFIG_DELETE && call->expect_revision == EG_REV_ANY &&
           status == EG_E_NOTFOUND;
}

static void on_failed(struct gw_config_call *call, int32_t status, struct eg_str why) {
    struct gw_refusal refusal = {.why = {.struct_size = sizeof refusal.why}};
    if (gw_catalog_is_lost_race(status) && try_with_lists(call)) {
        return;
    }
    if (is_missing(call, status)) {
        (void)gw_refuse_missing(call->route.kind, call->route.id, &refusal);
        gw_config_end_refused(call, &refusal);
    } else if (gw_catalog_is_lost_race(status)) {
        try_again(call);
    } else if (status == EG_E_TOOBIG) {
        (void)gw_refuse(&refusal, 413, "%.*s", GW_FMT(why));
        gw_config_end_refused(call, &refusal);
    } else {
        gw_config_end_store_error(call, status, why);
    }
}

static void on_written(void *arg, int32_t status, struct eg_str why, uint64_t revision) {
    struct gw_config_call *call = arg;
    GW_MAGIC_CHECK(call, GW_CONFIG_CALL_MAGIC);
    note_heard(call->context, status);
    if (status < 0) {
        on_failed(call, status, why);
    } else {
        gw_config_end_written(call, revision);
    }
}

/* What the write rests on: all needs but that of the object itself, which is covered by the
 * expected revision. */
static size_t collect_bases(const struct gw_config_call *call, size_t own_need,
                            struct gw_basis bases[GW_MAX_NEEDS]) {
    size_t count = 0;
    for (size_t i = 0; i < call->need_count; i++) {
        if (i != own_need) {
            bases[count++] = call->needs[i];
        }
    }
    return count;
}

static void write(struct gw_config_call *call) {
    const bool is_removal = call->route.op == GW_CONFIG_DELETE;
    struct gw_basis bases[GW_MAX_NEEDS];
    const size_t count = collect_bases(call, call->own_need, bases);
    gw_catalog_write(call->context->catalog,
                     &(struct gw_catalog_write){.object = is_removal ? NULL : call->result,
                                                .kind = call->route.kind,
                                                .space = call->route.space,
                                                .id = call->removed_id,
                                                .expect_revision = call->expect_revision,
                                                .bases = bases,
                                                .basis_count = count,
                                                .deadline_ns = call->deadline_ns,
                                                .on_written = on_written,
                                                .arg = call});
}

/* The decision was made for a configuration without this object: from here on it rests on the one
 * that was just written. */
static void on_first_written(void *arg, int32_t status, struct eg_str why, uint64_t revision) {
    struct gw_config_call *call = arg;
    GW_MAGIC_CHECK(call, GW_CONFIG_CALL_MAGIC);
    note_heard(call->context, status);
    if (status < 0) {
        on_failed(call, status, why);
        return;
    }
    call->needs[call->first_need].revision = revision;
    write(call);
}

static void write_first(struct gw_config_call *call) {
    struct gw_basis bases[GW_MAX_NEEDS];
    const size_t count = collect_bases(call, call->first_need, bases);
    gw_catalog_write(call->context->catalog,
                     &(struct gw_catalog_write){.object = call->first,
                                                .expect_revision = EG_REV_ABSENT,
                                                .bases = bases,
                                                .basis_count = count,
                                                .deadline_ns = call->deadline_ns,
                                                .on_written = on_first_written,
                                                .arg = call});
}

/* ---- decide ---- */

static int32_t decide_create(struct gw_config_call *call, const struct gw_object *own,
                             struct gw_refusal *ret_refusal) {
    call->expect_revision = EG_REV_ABSENT;
    gw_config_call_set_result(call, gw_object_ref(call->sent));
    if (own == NULL) {
        return EG_OK;
    }
    const int32_t rc = gw_refuse_existing(call->route.kind, call->sent->id, ret_refusal);
    ret_refusal->status = call->route.face->exists_status;
    return rc;
}

int32_t gw_config_call_check_version(struct gw_config_call *call, struct eg_str id,
                                     struct gw_version version, struct gw_refusal *ret_refusal) {
    const bool is_get = call->route.op == GW_CONFIG_GET;
    const enum gw_conditions conditions =
        gw_config_conditions_check(call->request, is_get, version);
    if (version.revision == EG_REV_ABSENT && (is_get || conditions == GW_CONDITIONS_HOLD)) {
        return gw_refuse_missing(call->route.kind, id, ret_refusal);
    }
    if (conditions == GW_CONDITIONS_FAIL) {
        return gw_config_refuse_conditions(call->request, call->route.kind, id, version,
                                           ret_refusal);
    }
    call->is_unchanged = conditions == GW_CONDITIONS_UNCHANGED;
    return EG_OK;
}

/* What all resources have in common, on an object that should be there. */
static int32_t decide_present(struct gw_config_call *call, struct gw_object *own,
                              struct gw_refusal *ret_refusal) {
    const enum gw_config_op op = call->route.op;
    const bool is_there = op == GW_CONFIG_DELETE || own != NULL;
    const struct gw_version version = is_there ? call->own : (struct gw_version){0};
    const int32_t rc = gw_config_call_check_version(call, call->route.id, version, ret_refusal);
    if (rc < 0) {
        return rc;
    }
    call->expect_revision = version.revision;
    struct gw_object *result = op == GW_CONFIG_UPDATE ? call->sent : own;
    gw_config_call_set_result(call, result == NULL ? NULL : gw_object_ref(result));
    return EG_OK;
}

static int32_t decide_common(struct gw_config_call *call, const struct gw_gathered *gathered,
                             struct gw_refusal *ret_refusal) {
    const bool has_own = call->own_need != GW_MAX_NEEDS;
    if (!has_own && call->route.op != GW_CONFIG_CREATE) {
        return EG_OK; /* a delete of whatever is there, or of what the rules find */
    }
    struct gw_object *own = has_own ? gw_gathered_one(gathered, call->own_need) : NULL;
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
    if (rc < 0 && try_with_lists(call)) {
        return;
    }
    if (rc < 0) {
        gw_config_end_refused(call, &refusal);
    } else if (call->route.op == GW_CONFIG_GET) {
        gw_config_end_read(call);
    } else if (call->first != NULL) {
        write_first(call);
    } else {
        write(call);
    }
}

/* ---- gather ---- */

/* Was the store asked for anything? */
static bool has_asked(const struct gw_config_call *call) {
    bool has = !call->is_presuming;
    for (size_t i = 0; i < call->need_count; i++) {
        has = has || !is_list(&call->needs[i].need);
    }
    return has;
}

static void on_gathered(void *arg, const struct gw_gathered *gathered) {
    struct gw_config_call *call = arg;
    GW_MAGIC_CHECK(call, GW_CONFIG_CALL_MAGIC);
    if (has_asked(call)) {
        note_heard(call->context, gathered->status);
    }
    if (gathered->status < 0) {
        gw_config_end_store_error(call, gathered->status, gathered->why);
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
        gw_config_answer_list(call->context, call->route.face, call->request, call->route.kind,
                              gathered->objects[0], gathered->counts[0]);
        gw_config_end(call);
    } else {
        decide(call, gathered);
    }
}

/* The revision at which the lists are known to say nothing against the operation; 0: they have to
 * be read. */
static uint64_t presume(struct gw_config_call *call) {
    const struct gw_config_op_rules *rules = rules_of(call);
    const uint64_t settled = call->wants_lists || rules->is_clear == NULL
                                 ? 0
                                 : gw_catalog_settled(call->context->catalog);
    return settled != 0 && rules->is_clear(call) ? settled : 0;
}

static void gather(struct gw_config_call *call) {
    struct gw_need needs[GW_MAX_NEEDS];
    const uint64_t known_at = presume(call);
    call->is_presuming = known_at != 0;
    gw_config_call_put_first(call, NULL, 0);
    if (call->need_count == 0) {
        write(call);
        return;
    }
    for (size_t i = 0; i < call->need_count; i++) {
        needs[i] = call->needs[i].need;
        needs[i].known_at = is_list(&needs[i]) ? known_at : 0;
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
    } else if (op != GW_CONFIG_DELETE && !rules->finds_own) {
        need_own(call);
    }
    if (rules->needs != NULL) {
        rules->needs(call);
    }
    if (op == GW_CONFIG_DELETE && !rules->finds_own && gw_config_has_conditions(call->request)) {
        need_own(call);
    }
}

/* ---- turns ---- */

static void on_turn(struct gw_config_turn *turn, bool is_late) {
    struct gw_config_call *call = GW_CONTAINER(turn, struct gw_config_call, turn);
    GW_MAGIC_CHECK(call, GW_CONFIG_CALL_MAGIC);
    if (is_late) {
        gw_config_end_late(call);
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

static int32_t read_request(struct gw_config_call *call, struct gw_refusal *ret_refusal) {
    const int32_t rc = has_body(call->route.op) ? call->route.face->read(call, ret_refusal) : EG_OK;
    if (rc < 0 || call->route.page != GW_PAGE_ITEM) {
        return rc;
    }
    return gw_config_conditions_read(call->request, ret_refusal);
}

void gw_config_call_start(struct gw_config_context *context, struct gw_http_request *request,
                          const struct gw_config_route *route) {
    struct gw_refusal refusal = {.why = {.struct_size = sizeof refusal.why}};
    struct gw_config_call *call = gw_alloc(sizeof *call);
    call->magic = GW_CONFIG_CALL_MAGIC;
    call->context = context;
    call->request = request;
    call->route = *route;
    call->expect_revision = EG_REV_ANY;
    call->removed_id = route->id;
    call->began_ns = gw_monotonic_ns();
    call->deadline_ns = gw_catalog_deadline(context->catalog);
    call->pause_bound_ns = GW_CONFIG_FIRST_PAUSE_NS;
    context->busy++;
    const int32_t rc = read_request(call, &refusal);
    if (rc != EG_E_SYNTAX) {
        gw_config_metrics_count(context, route->space, route->kind, route->op);
    }
    if (rc < 0) {
        gw_config_end_refused(call, &refusal);
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

void gw_config_call_put_first(struct gw_config_call *call, struct gw_object *object, size_t need) {
    gw_object_unref(call->first);
    call->first = object;
    call->first_need = need;
}
