/*
 * eventgw-sdk/egx_reacter.h - which system events a reacter is told, by a setting that lists them.
 * Not part of egx.h; include it where it is needed.
 *
 *   struct hello_settings { struct eg_str_list types; };
 *   struct hello { struct egx_interests interests; ... };
 *   ... egx_interests_choose(&settings->types, "types", &hello->interests, ret_why) ...
 *   static const struct eg_reacter_ops ops = {..., .interests = egx_interests_of, ...};
 */
#ifndef EVENTGW_SDK_REACTER_H
#define EVENTGW_SDK_REACTER_H

#include "egx.h"

/* The types of system events. */
#define EGX_SYSTEM_EVENTS 4u

/* An asynchronous interest in one. */
#define EGX_INTEREST(type)                                                                         \
    { (uint32_t)sizeof(struct eg_interest), EG_INTEREST_ASYNC, "eventgateway." type }
/* Interests in all of them. */
static const struct eg_interest egx_system_events[EGX_SYSTEM_EVENTS] = {
    EGX_INTEREST("event.received"), EGX_INTEREST("function.invoking"),
    EGX_INTEREST("function.invoked"), EGX_INTEREST("function.invocationFailed")};

/* What struct eg_reacter_ops.interests returns: list and count. */
struct egx_interests {
    const struct eg_interest *list[EGX_SYSTEM_EVENTS];
    size_t count;
};

/* How often the list has the text. */
static inline size_t egx_list_count(const struct eg_str_list *list, struct eg_str text) {
    size_t found = 0;
    for (size_t i = 0; i < list->count; i++) {
        found += egx_str_eq(list->items[i], text) ? 1u : 0u;
    }
    return found;
}

/* The asynchronous interests that a setting asks for; all four when it is empty. EG_E_INVAL, with a
 * sentence, for what is no type of system events and for what is there twice. */
static inline int32_t egx_interests_choose(const struct eg_str_list *types, const char *setting,
                                           struct egx_interests *ret_interests,
                                           struct eg_why *ret_why) {
    struct egx_interests chosen;
    memset(&chosen, 0, sizeof chosen);
    for (size_t i = 0; i < EGX_SYSTEM_EVENTS; i++) {
        const struct eg_interest *one = &egx_system_events[i];
        if (types->count == 0 || egx_list_count(types, egx_str_c(one->event_type)) > 0) {
            chosen.list[chosen.count++] = one;
        }
    }
    if (types->count > 0 && chosen.count != types->count) {
        return egx_why(ret_why, EG_E_INVAL,
                       "'%s' has something that is no type of system events, or is there twice; "
                       "they are eventgateway.event.received, eventgateway.function.invoking, "
                       "eventgateway.function.invoked and eventgateway.function.invocationFailed",
                       setting);
    }
    *ret_interests = chosen;
    return EG_OK;
}

/* struct eg_reacter_ops.interests of an instance whose first member is its struct egx_interests. */
static inline const struct eg_interest *const *egx_interests_of(void *instance, size_t *ret_count) {
    const struct egx_interests *interests = (const struct egx_interests *)instance;
    *ret_count = interests->count;
    return interests->list;
}

#endif
