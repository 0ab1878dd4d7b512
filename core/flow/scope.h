/*
 * flow/scope.h - which middleware takes part in what: the common setting `match`, applied to one
 * request and its events. Loop thread; state in the exchange's arena, made when it is needed.
 *
 * A match of paths and methods is judged by the request. One of spaces or event types needs the
 * event: such a middleware is asked late, its on_request when the first event comes that matches
 * (once in the request), then its on_event. What it answered then holds for all matching events of
 * a batch, so a guard that refused one refuses them all.
 */
#ifndef GW_FLOW_SCOPE_H
#define GW_FLOW_SCOPE_H

#include <stdbool.h>

#include <eventgw/types.h>

struct eg_exchange;
struct gw_instance;
enum gw_hook;

enum gw_scope_request { GW_SCOPE_UNKNOWN, GW_SCOPE_INSIDE, GW_SCOPE_OUTSIDE };
enum gw_scope_state { GW_SCOPE_NEW, GW_SCOPE_ASKED, GW_SCOPE_STOPPED };

/* One middleware in one request. */
struct gw_scope {
    enum gw_scope_request request;
    enum gw_scope_state state; /* of the late on_request */
    uint32_t status;           /* stopped: what was answered */
    struct eg_str message;
};

enum gw_scope_part {
    GW_PART_NONE,    /* it has nothing to do with this */
    GW_PART_ASK,     /* the hook of the chain */
    GW_PART_LATE,    /* on_request first; ask again then */
    GW_PART_REFUSED, /* it has refused the request before; that is the answer now */
};

/* Of a middleware that has a match; place: where it stands in the chain. */
enum gw_scope_part gw_scope_judge(struct eg_exchange *exchange, const struct gw_instance *instance,
                                  size_t place, enum gw_hook hook);
/* Its late on_request has answered; when it stopped, the answer is set. */
void gw_scope_note(struct eg_exchange *exchange, size_t place, bool is_stopped);

#endif
