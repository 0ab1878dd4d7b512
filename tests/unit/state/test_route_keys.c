/* The keys by which a snapshot finds what belongs to an object. */
#include "base/slice.h"
#include "state/route_keys.h"
#include "unit.h"

static struct gw_object *load(enum gw_kind kind, const char *value) {
    struct gw_object *object = NULL;
    CU_ASSERT_EQUAL_FATAL(
        gw_object_load(kind, GW_STR("spa"), GW_STR("id"), 1, gw_str_c(value), &object, NULL),
        EG_OK);
    return object;
}

static void assert_key(const struct gw_object *object, enum gw_route_ref ref, const char *a,
                       const char *b, const char *c) {
    const struct gw_route_key key = gw_route_key_of(object, ref);
    uint64_t hashes[GW_REFS];
    ASSERT_STR(key.a, a);
    ASSERT_STR(key.b, b);
    ASSERT_STR(key.c, c);
    gw_route_hashes(object, hashes);
    CU_ASSERT_EQUAL(hashes[ref], gw_route_key_hash(&key));
}

static void a_subscription_names_its_function_type_counters_and_route(void) {
    struct gw_object *sync = load(
        GW_SUBSCRIPTION, "{\"type\":\"sync\",\"eventType\":\"t\",\"functionId\":\"f\",\"path\":"
                         "\"/p\",\"method\":\"POST\"}");
    struct gw_object *async = load(
        GW_SUBSCRIPTION, "{\"type\":\"async\",\"eventType\":\"t\",\"functionId\":\"f\",\"path\":"
                         "\"/p\",\"method\":\"POST\"}");
    assert_key(sync, GW_REF_SELF, "spa", "id", "");
    assert_key(sync, GW_REF_FUNCTION, "spa", "f", "");
    assert_key(sync, GW_REF_TYPE, "spa", "t", "");
    assert_key(sync, GW_REF_LABEL, "spa", "t", "");
    assert_key(sync, GW_REF_ROUTE, "POST", "t", "");
    assert_key(async, GW_REF_TYPE, "spa", "t", "");
    assert_key(async, GW_REF_LABEL, "spa", "custom", "");
    assert_key(async, GW_REF_ROUTE, "POST", "/p", "t");
    gw_object_unref(sync);
    gw_object_unref(async);
}

static void other_kinds_have_what_they_need(void) {
    struct gw_object *type = load(GW_EVENTTYPE, "{\"authorizerId\":\"auth\"}");
    struct gw_object *cors = load(GW_CORS, "{\"method\":\"GET\",\"path\":\"/p\"}");
    struct gw_object *function = load(GW_FUNCTION, "{\"type\":\"http\"}");
    assert_key(type, GW_REF_FUNCTION, "spa", "auth", "");
    assert_key(type, GW_REF_ROUTE, "", "", "");
    assert_key(cors, GW_REF_ROUTE, "GET", "", "");
    assert_key(cors, GW_REF_FUNCTION, "", "", "");
    assert_key(function, GW_REF_SELF, "spa", "id", "");
    assert_key(function, GW_REF_LABEL, "", "", "");
    gw_object_unref(type);
    gw_object_unref(cors);
    gw_object_unref(function);
}

UNIT_MAIN(UNIT(a_subscription_names_its_function_type_counters_and_route),
          UNIT(other_kinds_have_what_they_need))
