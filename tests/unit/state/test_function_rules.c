/*
 * test_function_rules.c - what a provider is asked before its function is stored. (How the Config
 * API uses it: test_resource_functions.c.)
 */
#include "state/function_rules.h"

#include "state_rig.h"

static struct gw_refusal refusal;

static struct gw_object *function(const char *type, const char *provider) {
    char body[512];
    struct gw_object *object = NULL;
    (void)snprintf(body, sizeof body, "{\"functionId\":\"f\",\"type\":\"%s\",\"provider\":%s}",
                   type, provider);
    rig_must(gw_object_read(GW_FUNCTION, GW_STR("default"), (struct eg_str){0}, gw_str_c(body),
                            &object, &refusal) == EG_OK,
             body);
    return object;
}

/* What the provider text becomes; NULL when it is refused. */
static struct gw_object *bind(const char *type, const char *provider, const char *stored_type,
                              const char *stored, bool knows_masks) {
    struct gw_object *sent = function(type, provider);
    struct gw_object *before = stored == NULL ? NULL : function(stored_type, stored);
    struct gw_object *bound = NULL;
    const int32_t rc = gw_function_bind(rig.manager, sent, before, knows_masks, &bound, &refusal);
    CU_ASSERT((rc == EG_OK) == (bound != NULL));
    CU_ASSERT(rc == EG_OK || rc == EG_E_SYNTAX);
    gw_object_unref(sent);
    gw_object_unref(before);
    return bound;
}

static void check_bound(struct gw_object *bound, const char *provider) {
    CU_ASSERT_PTR_NOT_NULL_FATAL(bound);
    ASSERT_STR(bound->as.function.provider_json, provider);
    gw_object_unref(bound);
}

static void up(void) {
    rig_up();
}

static void the_provider_s_normal_form_is_what_counts(void) {
    check_bound(bind("http", "{\"URL\":\"http://a\",\"other\":1}", NULL, NULL, true),
                "{\"url\":\"http://a\"}");
}

static void a_refusal_has_the_words_of_the_config_api(void) {
    CU_ASSERT_PTR_NULL(bind("http", "{}", NULL, NULL, true));
    ASSERT_STR(gw_why_str(&refusal.why), "Function doesn't validate. Validation error: missing "
                                         "required fields for HTTP endpoint");
    CU_ASSERT_PTR_NULL(bind("nosuch", "{}", NULL, NULL, true));
    ASSERT_STR(gw_why_str(&refusal.why),
               "Function doesn't validate. Validation error: provider nosuch not supported");
}

static void a_mask_stands_for_the_stored_secret(void) {
    static const char masked[] = "{\"url\":\"u\",\"key\":\"*****\"}";
    static const char stored[] = "{\"url\":\"u\",\"key\":\"k1\"}";
    check_bound(bind("vault", masked, "vault", stored, true), "{\"url\":\"u\",\"key\":\"k1\"}");
}

static void a_mask_without_a_stored_secret_is_refused(void) {
    static const char masked[] = "{\"url\":\"u\",\"key\":\"k1\",\"token\":\"*****\"}";
    CU_ASSERT_PTR_NULL(bind("vault", masked, NULL, NULL, true));
    CU_ASSERT_PTR_NOT_NULL(
        memmem(refusal.why.text, refusal.why.len, "none is stored", strlen("none is stored")));
    CU_ASSERT_PTR_NULL(bind("vault", masked, "http", "{\"url\":\"u\"}", true));
    check_bound(bind("vault", masked, NULL, NULL, false), masked);
}

static void only_a_whole_text_of_stars_is_a_mask(void) {
    CU_ASSERT_TRUE(gw_function_is_masked(GW_STR("{\"a\":1,\"b\":\"*****\"}")));
    CU_ASSERT_FALSE(gw_function_is_masked(GW_STR("{\"b\":\"******\"}")));
    CU_ASSERT_FALSE(gw_function_is_masked(GW_STR("{\"b\":{\"c\":\"*****\"}}")));
    CU_ASSERT_FALSE(gw_function_is_masked(GW_STR("\"*****\"")));
    CU_ASSERT_FALSE(gw_function_is_masked(GW_STR("{\"b\":")));
    CU_ASSERT_FALSE(gw_function_is_masked(GW_STR("")));
}

static void down(void) {
    rig_down();
}

UNIT_MAIN(UNIT(up), UNIT(the_provider_s_normal_form_is_what_counts),
          UNIT(a_refusal_has_the_words_of_the_config_api),
          UNIT(a_mask_stands_for_the_stored_secret),
          UNIT(a_mask_without_a_stored_secret_is_refused),
          UNIT(only_a_whole_text_of_stars_is_a_mask), UNIT(down))
