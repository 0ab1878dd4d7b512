/* Unit tests of domain/kinds.c. */
#include "unit.h"

#include "base/slice.h"
#include "domain/kinds.h"

static void assert_key(enum gw_kind kind, const char *space, const char *id, const char *key) {
    struct gw_bytes out;
    gw_bytes_init(&out, 0);
    gw_store_key(&out, kind, gw_str_c(space), gw_str_c(id));
    ASSERT_STR(gw_bytes_str(&out), key);
    enum gw_kind got = GW_KINDS;
    struct eg_str got_space = {0};
    struct eg_str got_id = {0};
    CU_ASSERT_EQUAL(gw_store_key_parse(gw_str_c(key), &got, &got_space, &got_id), 0);
    CU_ASSERT_EQUAL(got, kind);
    ASSERT_STR(got_space, space);
    ASSERT_STR(got_id, id);
    gw_bytes_free(&out);
}

static void keys_are_those_of_the_original_gateway_and_read_back(void) {
    assert_key(GW_EVENTTYPE, "default", "user.created",
               "/serverless-event-gateway/eventtypes/default/user.created");
    assert_key(GW_FUNCTION, "spa", "f1", "/serverless-event-gateway/functions/spa/f1");
    assert_key(GW_SUBSCRIPTION, "default", "YXN5bmM",
               "/serverless-event-gateway/subscriptions/default/YXN5bmM");
    assert_key(GW_CORS, "default", "GET%2Fhello",
               "/serverless-event-gateway/cors/default/GET%2Fhello");
    assert_key(GW_EVENTTYPE, "default", "old/name",
               "/serverless-event-gateway/eventtypes/default/old/name");
}

static void the_prefix_of_a_space_ends_in_a_slash(void) {
    struct gw_bytes out;
    gw_bytes_init(&out, 0);
    gw_store_prefix(&out, GW_CORS, GW_STR("ab"));
    ASSERT_STR(gw_bytes_str(&out), "/serverless-event-gateway/cors/ab/");
    gw_bytes_free(&out);
}

static void keys_that_name_no_object_are_refused(void) {
    static const char *const keys[] = {"",
                                       "/",
                                       "/serverless-event-gateway",
                                       "/serverless-event-gateway/",
                                       "/serverless-event-gateway/functions",
                                       "/serverless-event-gateway/functions/",
                                       "/serverless-event-gateway/functions//",
                                       "/serverless-event-gateway/functions//f",
                                       "/serverless-event-gateway/functions/default",
                                       "/serverless-event-gateway/functions/default/",
                                       "/serverless-event-gateway/Functions/default/f",
                                       "/serverless-event-gateway/endpoints/GET-a/b",
                                       "/serverless-event-gateway//default/f",
                                       "serverless-event-gateway/functions/default/f"};
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        enum gw_kind kind = GW_KINDS;
        struct eg_str space = {0};
        struct eg_str id = {0};
        CU_ASSERT_EQUAL(gw_store_key_parse(gw_str_c(keys[i]), &kind, &space, &id), EG_E_INVAL);
        CU_ASSERT_EQUAL(kind, GW_KINDS);
    }
}

static void names_hold_letters_digits_dots_dashes_and_underscores(void) {
    CU_ASSERT_TRUE(gw_is_space_name(GW_STR("a.b-c_1Z")));
    CU_ASSERT_TRUE(gw_is_space_name(GW_STR("x")));
    static const char *const bad[] = {"", "a b", "a/b", "a%2Fb", "\xC3\xA9t\xC3\xA9", "a\n", "a\\"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        CU_ASSERT_FALSE(gw_is_space_name(gw_str_c(bad[i])));
    }
    CU_ASSERT_FALSE(gw_is_space_name(GW_STR("a\0b")));
}

static void system_types_begin_with_the_gateways_name_and_a_dot(void) {
    CU_ASSERT_TRUE(gw_is_system_type(GW_STR("eventgateway.event.received")));
    CU_ASSERT_TRUE(gw_is_system_type(GW_STR("eventgateway.")));
    CU_ASSERT_FALSE(gw_is_system_type(GW_STR("eventgateway")));
    CU_ASSERT_FALSE(gw_is_system_type(GW_STR("Eventgateway.x")));
}

static void missing_and_existing_objects_are_told_in_the_words_of_their_kind(void) {
    static const struct {
        const char *missing;
        const char *existing;
    } texts[GW_KINDS] = {
        [GW_EVENTTYPE] = {"Event Type \"x\" not found.", "Event Type \"x\" already exists."},
        [GW_FUNCTION] = {"Function \"x\" not found.", "Function \"x\" already registered."},
        [GW_SUBSCRIPTION] = {"Subscription \"x\" not found.", "Subscription \"x\" already exists."},
        [GW_CORS] = {"CORS configuration \"x\" not found.",
                     "CORS configuration \"x\" already exists."},
    };
    for (unsigned kind = 0; kind < GW_KINDS; kind++) {
        struct gw_refusal refusal = {0};
        CU_ASSERT_EQUAL(gw_refuse_missing((enum gw_kind)kind, GW_STR("x"), &refusal),
                        EG_E_NOTFOUND);
        CU_ASSERT_EQUAL(refusal.status, 404);
        ASSERT_STR(gw_why_str(&refusal.why), texts[kind].missing);
        CU_ASSERT_EQUAL(gw_refuse_existing((enum gw_kind)kind, GW_STR("x"), &refusal), EG_E_EXISTS);
        CU_ASSERT_EQUAL(refusal.status, 409);
        ASSERT_STR(gw_why_str(&refusal.why), texts[kind].existing);
    }
}

UNIT_MAIN(UNIT(keys_are_those_of_the_original_gateway_and_read_back),
          UNIT(the_prefix_of_a_space_ends_in_a_slash), UNIT(keys_that_name_no_object_are_refused),
          UNIT(names_hold_letters_digits_dots_dashes_and_underscores),
          UNIT(system_types_begin_with_the_gateways_name_and_a_dot),
          UNIT(missing_and_existing_objects_are_told_in_the_words_of_their_kind))
