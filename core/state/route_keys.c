/* state/route_keys.c - see route_keys.h. Pure. */
#include "state/route_keys.h"

#include "base/slice.h"

static struct gw_route_key key_of_function(const struct gw_object *object) {
    const struct eg_str id = object->kind == GW_SUBSCRIPTION ? object->as.subscription.function_id
                                                             : object->as.eventtype.authorizer_id;
    return (struct gw_route_key){.a = object->space, .b = id};
}

static struct gw_route_key key_of_route(const struct gw_object *object) {
    const struct gw_subscription *s = &object->as.subscription;
    if (object->kind == GW_CORS) {
        return (struct gw_route_key){.a = object->as.cors.method};
    }
    return s->is_sync ? (struct gw_route_key){.a = s->method, .b = s->event_type}
                      : (struct gw_route_key){.a = s->method, .b = s->path, .c = s->event_type};
}

struct gw_route_key gw_route_key_of(const struct gw_object *object, enum gw_route_ref ref) {
    const bool is_subscription = object->kind == GW_SUBSCRIPTION;
    if (ref == GW_REF_SELF) {
        return (struct gw_route_key){.a = object->space, .b = object->id};
    }
    if (ref == GW_REF_FUNCTION && (is_subscription || object->kind == GW_EVENTTYPE)) {
        return key_of_function(object);
    }
    if (ref == GW_REF_ROUTE && (is_subscription || object->kind == GW_CORS)) {
        return key_of_route(object);
    }
    if (!is_subscription || (ref != GW_REF_TYPE && ref != GW_REF_LABEL)) {
        return (struct gw_route_key){0};
    }
    const struct gw_subscription *s = &object->as.subscription;
    const bool is_custom = ref == GW_REF_LABEL && !s->is_sync;
    return (struct gw_route_key){.a = object->space,
                                 .b = is_custom ? GW_STR("custom") : s->event_type};
}

void gw_route_hashes(const struct gw_object *object, uint64_t ret_hashes[GW_REFS]) {
    for (size_t ref = 0; ref < GW_REFS; ref++) {
        const struct gw_route_key key = gw_route_key_of(object, (enum gw_route_ref)ref);
        ret_hashes[ref] = gw_route_key_hash(&key);
    }
}
