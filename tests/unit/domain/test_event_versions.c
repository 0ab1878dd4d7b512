/* domain/event_versions.c: the tables of attributes. */
#include "domain/event_internal.h"
#include "event_fixture.h"

static void versions_are_known_by_their_text(void) {
    CU_ASSERT_EQUAL(gw_ce_version_of(GW_STR("0.2")), EG_CE_0_2);
    CU_ASSERT_EQUAL(gw_ce_version_of(GW_STR("0.3")), EG_CE_0_3);
    CU_ASSERT_EQUAL(gw_ce_version_of(GW_STR("1.0")), EG_CE_1_0);
    static const char *const others[] = {"", "0.1", "1", "1.0.2", "1.0 ", "2.0"};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        CU_ASSERT_EQUAL(gw_ce_version_of(gw_str_c(others[i])), 0);
    }
}

static void attributes_are_found_by_the_rules_of_the_version(void) {
    const struct gw_ce_version *v01 = &gw_ce_versions[EG_CE_0_1];
    const struct gw_ce_version *v10 = &gw_ce_versions[EG_CE_1_0];
    ASSERT_STR(gw_attr_find_raw(v01, GW_STR("EVENTid"))->name, "eventID");
    ASSERT_STR(gw_attr_find_raw(v01, GW_STR("event\\u0049D"))->name, "eventID");
    CU_ASSERT_PTR_NULL(gw_attr_find_raw(v10, GW_STR("Type")));
    ASSERT_STR(gw_attr_find_raw(v10, GW_STR("t\\u0079pe"))->name, "type");
    CU_ASSERT_PTR_NULL(gw_attr_find(v10, GW_STR("schemaurl")));
    CU_ASSERT_PTR_NULL(gw_attr_find(v10, (struct eg_str){0}));
    CU_ASSERT_PTR_NULL(gw_attr_find_raw(v10, GW_STR("")));
}

static void every_version_has_the_four_required_attributes_and_data(void) {
    for (uint32_t v = EG_CE_0_1; v <= EG_CE_1_0; v++) {
        unsigned must = 0;
        unsigned data = 0;
        for (size_t i = 0; i < gw_ce_versions[v].attr_count; i++) {
            must += (gw_ce_versions[v].attrs[i].flags & GW_AT_ALWAYS) != 0;
            data += gw_ce_versions[v].attrs[i].kind == GW_AT_DATA;
        }
        CU_ASSERT_EQUAL(must, 4);
        CU_ASSERT_EQUAL(data, 1);
    }
}

UNIT_MAIN(UNIT(versions_are_known_by_their_text),
          UNIT(attributes_are_found_by_the_rules_of_the_version),
          UNIT(every_version_has_the_four_required_attributes_and_data))
