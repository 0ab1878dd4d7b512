/*
 * test_path_claims.c - which paths may stand beside each other, in one space and across spaces.
 */
#include "domain/path_claims.h"

#include "base/check.h"
#include "base/slice.h"
#include "domain/object_fields.h"
#include "unit.h"

static struct gw_refusal refusal;

static struct gw_object *sync_at(const char *space, const char *path) {
    struct gw_object *object = gw_object_create(GW_SUBSCRIPTION, gw_str_c(space), gw_str_c(path));
    object->as.subscription = (struct gw_subscription){.is_sync = true,
                                                       .type = GW_STR("sync"),
                                                       .event_type = GW_STR("e"),
                                                       .function_id = GW_STR("f"),
                                                       .path = object->id,
                                                       .method = GW_STR("GET")};
    return object;
}

static struct gw_object *cors_at(const char *space, const char *path) {
    struct gw_object *object = gw_object_create(GW_CORS, gw_str_c(space), gw_str_c(path));
    object->as.cors = (struct gw_cors){.method = GW_STR("GET"), .path = object->id};
    return object;
}

/* Claims both in one set: what became of the second? */
static int32_t claim_both(struct gw_object *first, struct gw_object *second) {
    struct gw_arena arena = {0};
    struct gw_path_claims claims = {.arena = &arena};
    CU_ASSERT_EQUAL(gw_path_claim(&claims, first, &refusal), EG_OK);
    const int32_t rc = gw_path_claim(&claims, second, &refusal);
    gw_path_claims_free(&claims);
    gw_arena_free(&arena);
    gw_object_unref(first);
    gw_object_unref(second);
    return rc;
}

static int32_t check_both(struct gw_object *wanted, struct gw_object *other) {
    struct gw_arena arena = {0};
    const int32_t rc = gw_path_check_pair(&arena, wanted, other, &refusal);
    gw_arena_free(&arena);
    gw_object_unref(wanted);
    gw_object_unref(other);
    return rc;
}

static void a_claimed_path_refuses_its_rivals_with_the_words_of_the_config_api(void) {
    CU_ASSERT(claim_both(sync_at("s", "/users/:id"), sync_at("s", "/users/:name")) < 0);
    ASSERT_STR(gw_str_sub(gw_why_str(&refusal.why), 0, 28), "Subscription path conflict: ");
    CU_ASSERT_EQUAL(refusal.status, 400);
}

static void other_methods_types_spaces_and_async_ones_are_no_rivals(void) {
    struct gw_object *post = sync_at("s", "/users/:name");
    post->as.subscription.method = GW_STR("POST");
    CU_ASSERT_EQUAL(claim_both(sync_at("s", "/users/:id"), post), EG_OK);
    struct gw_object *typed = sync_at("s", "/users/:name");
    typed->as.subscription.event_type = GW_STR("other");
    CU_ASSERT_EQUAL(claim_both(sync_at("s", "/users/:id"), typed), EG_OK);
    struct gw_object *async = sync_at("s", "/users/:name");
    async->as.subscription.is_sync = false;
    CU_ASSERT_EQUAL(claim_both(sync_at("s", "/users/:id"), async), EG_OK);
    CU_ASSERT_EQUAL(claim_both(sync_at("s", "/users/:id"), sync_at("t", "/users/:name")), EG_OK);
    CU_ASSERT_EQUAL(claim_both(cors_at("s", "/users/:id"), cors_at("s", "/users/:name")), EG_OK);
}

static void a_refused_claim_leaves_the_others_as_they_were(void) {
    struct gw_arena arena = {0};
    struct gw_path_claims claims = {.arena = &arena};
    struct gw_object *objects[] = {sync_at("s", "/a/:x/b"), sync_at("s", "/a/:y/c"),
                                   sync_at("s", "/a/:x/c")};
    CU_ASSERT_EQUAL(gw_path_claim(&claims, objects[0], &refusal), EG_OK);
    CU_ASSERT(gw_path_claim(&claims, objects[1], &refusal) < 0);
    CU_ASSERT_EQUAL(gw_path_claim(&claims, objects[2], &refusal), EG_OK);
    gw_path_claims_free(&claims);
    gw_arena_free(&arena);
    for (size_t i = 0; i < GW_COUNT(objects); i++) {
        gw_object_unref(objects[i]);
    }
}

static void across_spaces_subscriptions_and_cors_conflict_alike(void) {
    CU_ASSERT(check_both(sync_at("s", "/users/:id"), sync_at("t", "/users/:name")) < 0);
    CU_ASSERT(check_both(cors_at("s", "/users/:id"), cors_at("t", "/users/:name")) < 0);
    ASSERT_STR(gw_str_sub(gw_why_str(&refusal.why), 0, 34), "CORS configuration path conflict: ");
    CU_ASSERT_EQUAL(check_both(cors_at("s", "/users/:id"), cors_at("s", "/users/:name")), EG_OK);
    CU_ASSERT_EQUAL(check_both(cors_at("s", "/users/:id"), sync_at("t", "/users/:name")), EG_OK);
    CU_ASSERT_EQUAL(check_both(sync_at("s", "/users"), sync_at("t", "/people")), EG_OK);
}

UNIT_MAIN(UNIT(a_claimed_path_refuses_its_rivals_with_the_words_of_the_config_api),
          UNIT(other_methods_types_spaces_and_async_ones_are_no_rivals),
          UNIT(a_refused_claim_leaves_the_others_as_they_were),
          UNIT(across_spaces_subscriptions_and_cors_conflict_alike))
