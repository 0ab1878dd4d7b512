/*
 * flow/scope.c - see scope.h. An event belongs to the spaces of the subscriptions that its type
 * and the request's method and path lead to, synchronous or not.
 */
#include "flow/scope.h"

#include "base/mem.h"
#include "domain/match.h"
#include "flow/exchange.h"

static struct gw_scope *scope_of(struct eg_exchange *x, size_t place) {
    if (x->scopes == NULL) {
        x->scopes = gw_arena_zalloc(x->arena, x->chains->of_kind[EG_KIND_MIDDLEWARE].count *
                                                  sizeof *x->scopes);
    }
    return &x->scopes[place];
}

static bool is_in_spaces(const struct eg_exchange *x, const struct gw_match *match) {
    struct gw_route route = {0};
    if (!gw_match_has_spaces(match)) {
        return true;
    }
    x->flow->face->route(x, x->item->event->type, NULL, &route);
    if (route.sync != NULL && gw_match_space(match, route.sync->object->space)) {
        return true;
    }
    if (route.callee != NULL && gw_match_space(match, route.callee->object->space)) {
        return true;
    }
    size_t i = 0;
    while (i < route.async_count && !gw_match_space(match, route.async[i]->object->space)) {
        i++;
    }
    return i < route.async_count;
}

/* Judged once: neither method nor path change. Of a hosted host the path counts in both forms: by
 * the one with the space it is routed, the one without is what functions are told. Host names are
 * the client's, so with the first alone any of them would be a way past a guard. */
static bool is_request(struct eg_exchange *x, const struct gw_match *match, size_t place) {
    struct gw_scope *scope = scope_of(x, place);
    const struct eg_str method = x->request->method;
    if (scope->request == GW_SCOPE_UNKNOWN) {
        const bool is_inside = gw_match_request(match, method, x->path) ||
                               (x->is_hosted && gw_match_request(match, method, x->request->path));
        scope->request = is_inside ? GW_SCOPE_INSIDE : GW_SCOPE_OUTSIDE;
    }
    return scope->request == GW_SCOPE_INSIDE;
}

static enum gw_scope_part judge_event(struct eg_exchange *x, const struct gw_match *match,
                                      size_t place) {
    if (!is_request(x, match, place) || !gw_match_event_type(match, x->item->event->type) ||
        !is_in_spaces(x, match)) {
        return GW_PART_NONE;
    }
    const struct gw_scope *scope = scope_of(x, place);
    if (scope->state != GW_SCOPE_STOPPED) {
        return scope->state == GW_SCOPE_NEW ? GW_PART_LATE : GW_PART_ASK;
    }
    if (scope->status >= 400) {
        gw_answer_error(x, scope->status, scope->message);
    } else {
        gw_answer_set(x, scope->status);
    }
    return GW_PART_REFUSED;
}

enum gw_scope_part gw_scope_judge(struct eg_exchange *exchange, const struct gw_instance *instance,
                                  size_t place, enum gw_hook hook) {
    const struct gw_match *match = instance->match;
    bool takes_part = false;
    if (gw_match_is_early(match)) {
        takes_part = is_request(exchange, match, place);
    } else if (hook == GW_HOOK_EVENT) {
        return judge_event(exchange, match, place);
    } else if (hook == GW_HOOK_REPLY) {
        takes_part = scope_of(exchange, place)->state != GW_SCOPE_NEW;
    }
    return takes_part ? GW_PART_ASK : GW_PART_NONE;
}

void gw_scope_note(struct eg_exchange *exchange, size_t place, bool is_stopped) {
    struct gw_scope *scope = scope_of(exchange, place);
    scope->state = is_stopped ? GW_SCOPE_STOPPED : GW_SCOPE_ASKED;
    if (is_stopped) {
        scope->status = exchange->answer.status;
        scope->message = exchange->answer.message;
    } else if (exchange->answer.status != 0) {
        gw_answer_clear(exchange); /* a reply without a stop is no reply */
    }
}
