/*
 * api/config_call.h - one operation of the Config API on its way: gather what the decision needs,
 * decide, commit, answer; and again from the start when somebody else was faster. What differs
 * between resources, and between faces, are tables of functions. Inside api/ only; control thread.
 *
 * A call holds its request and ends with the one reply, before its time for the store is over.
 * Nothing is decided twice on old data: every try gathers anew, and the commit names the revisions
 * of all that the decision saw.
 *
 * The lists of a space are spared where the cache has nothing that speaks against the operation
 * (state/catalog_known.c). That way nothing is ever refused: what would be is tried once more, with
 * the lists.
 */
#ifndef GW_API_CONFIG_CALL_H
#define GW_API_CONFIG_CALL_H

#include "api/config_conditions.h"
#include "api/config_face.h"
#include "api/config_turns.h"
#include "io/http_server.h"

/* After a lost race a call is tried again as long as its time lasts, each time after a pause drawn
 * from 0 to a bound that doubles, so that gateways which write at once keep out of step. */
#define GW_CONFIG_FIRST_PAUSE_NS (10 * GW_NS_PER_MS)
#define GW_CONFIG_LAST_PAUSE_NS (200 * GW_NS_PER_MS)

#define GW_CONFIG_CALL_MAGIC 0x6363616cu /* ccal */

struct gw_config_call {
    uint32_t magic;
    struct gw_config_context *context;
    struct gw_http_request *request;     /* held */
    struct gw_config_route route;        /* its text lives in the request's arena */
    struct gw_object *sent;              /* create and update: the body; owned */
    bool is_sent_masked;                 /* update: `sent` holds masked secrets (functions) */
    struct gw_basis needs[GW_MAX_NEEDS]; /* with what the last gather told */
    size_t need_count;
    size_t own_need;          /* which of them is the object itself; GW_MAX_NEEDS: none is */
    struct gw_object *result; /* what is put or answered; owned, new in every try */
    struct gw_object *first;  /* put before the result, where nothing is; owned, new in every try */
    size_t first_need;        /* the need that told that it is not there */
    bool is_presuming;        /* this try was made without the lists */
    bool wants_lists;         /* one without them has led to nothing */
    struct eg_str removed_id; /* delete: what is removed, in the request's arena */
    struct gw_version own;    /* what the last gather told of the object itself */
    bool is_unchanged;        /* get: the client has it already */
    uint64_t expect_revision; /* of the write */
    uint64_t began_ns;
    uint64_t deadline_ns;    /* of all that the store is asked */
    uint64_t pause_bound_ns; /* of the next pause */
    struct gw_timer pause;
    struct gw_config_turn turn; /* of operations whose decision rests on other objects */
};

/* What a resource adds to the common road. Entries may be NULL: nothing to add. */
struct gw_config_op_rules {
    /* decide looks for the object itself, among all of its kind: the common road neither needs it
     * nor decides about its being there. Creates are put where nothing is; deletes set removed_id
     * and expect_revision. */
    bool finds_own;
    /* Adds to the needs. Called once. */
    void (*needs)(struct gw_config_call *call);
    /* Is there nothing in the cache that the lists among the needs could be asked for to refuse the
     * operation? NULL: they are always read. */
    bool (*is_clear)(const struct gw_config_call *call);
    /* May the operation go on? Create and update have the own object as need 0. 0, or a refusal. */
    int32_t (*decide)(struct gw_config_call *call, const struct gw_gathered *gathered,
                      struct gw_refusal *ret_refusal);
};
struct gw_config_resource {
    /* More checks of a body that was read; may replace call->sent. A refusal with EG_E_SYNTAX
     * counts as one that could not be read. */
    int32_t (*check)(struct gw_config_call *call, struct gw_refusal *ret_refusal);
    struct gw_config_op_rules rules[GW_CONFIG_OPS];
};
extern const struct gw_config_resource gw_config_eventtypes;
extern const struct gw_config_resource gw_config_functions;
extern const struct gw_config_resource gw_config_subscriptions;
extern const struct gw_config_resource gw_config_cors;

/* Runs the operation of the route, which names its face; answers now or later (give). */
void gw_config_call_start(struct gw_config_context *context, struct gw_http_request *request,
                          const struct gw_config_route *route);

/* ---- for resources ---- */

/* id empty: all of the kind in the space. Returns the index among the needs. */
size_t gw_config_call_need(struct gw_config_call *call, enum gw_kind kind, struct eg_str id);
/* The object of a need with an id; NULL when it is not there (or was only marked). */
struct gw_object *gw_gathered_one(const struct gw_gathered *gathered, size_t need);
/* Replaces call->result (take). */
void gw_config_call_set_result(struct gw_config_call *call, struct gw_object *object);
/* The object (take) is put before the result, if it is still missing as the need has told. Only of
 * an accepted operation: should the second write be refused for good, the first stays. */
void gw_config_call_put_first(struct gw_config_call *call, struct gw_object *object, size_t need);
/* May the object of that version be changed, as the request's conditions go? 0, or a refusal: 404
 * for what is not there, 412. id: as it is called in messages. */
int32_t gw_config_call_check_version(struct gw_config_call *call, struct eg_str id,
                                     struct gw_version version, struct gw_refusal *ret_refusal);

#endif
