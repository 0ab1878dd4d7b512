/* Which system events a reacter is told. */
#include <eventgw-sdk/egx_reacter.h>

#include "unit.h"

static struct eg_why why;
static struct { struct egx_interests interests; } instance;

static int32_t choose(const struct eg_str *types, size_t count) {
    const struct eg_str_list list = {types, count};
    why = (struct eg_why){.struct_size = sizeof why};
    memset(&instance, 0, sizeof instance);
    return egx_interests_choose(&list, "events", &instance.interests, &why);
}

static void without_a_choice_it_is_all_four(void) {
    size_t count = 0;
    CU_ASSERT_EQUAL(choose(NULL, 0), EG_OK);
    const struct eg_interest *const *list = egx_interests_of(&instance, &count);
    CU_ASSERT_EQUAL_FATAL(count, 4);
    CU_ASSERT_STRING_EQUAL(list[3]->event_type, "eventgateway.function.invocationFailed");
    CU_ASSERT_EQUAL(list[0]->mode, EG_INTEREST_ASYNC);
    CU_ASSERT_EQUAL(list[0]->struct_size, sizeof(struct eg_interest));
}

static void a_choice_is_what_was_chosen(void) {
    const struct eg_str types[] = {EGX_STR("eventgateway.function.invoked"),
                                   EGX_STR("eventgateway.event.received")};
    size_t count = 0;
    CU_ASSERT_EQUAL(choose(types, 2), EG_OK);
    const struct eg_interest *const *list = egx_interests_of(&instance, &count);
    CU_ASSERT_EQUAL_FATAL(count, 2);
    CU_ASSERT_STRING_EQUAL(list[0]->event_type, "eventgateway.event.received");
    CU_ASSERT_STRING_EQUAL(list[1]->event_type, "eventgateway.function.invoked");
}

static void unknown_types_and_doubles_are_refused_with_the_name_of_the_setting(void) {
    const struct eg_str unknown[] = {EGX_STR("eventgateway.function.invoke")};
    const struct eg_str twice[] = {EGX_STR("eventgateway.event.received"),
                                   EGX_STR("eventgateway.event.received")};
    CU_ASSERT_EQUAL(choose(unknown, 1), EG_E_INVAL);
    CU_ASSERT_PTR_NOT_NULL(strstr(why.text, "'events'"));
    CU_ASSERT_EQUAL(choose(twice, 2), EG_E_INVAL);
    CU_ASSERT_EQUAL(instance.interests.count, 0);
}

UNIT_MAIN(UNIT(without_a_choice_it_is_all_four), UNIT(a_choice_is_what_was_chosen),
          UNIT(unknown_types_and_doubles_are_refused_with_the_name_of_the_setting))
