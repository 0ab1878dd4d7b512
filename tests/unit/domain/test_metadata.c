/* Unit tests of domain/metadata.c. */
#include "objects.h"

#define FUNCTION_M1                                                                                \
    "{\"functionId\":\"m1\",\"type\":\"http\",\"metadata\":{\"b\":\"2\",\"a\":\"1\",\"a.b c\":"    \
    "\"x&y\",\"e\":\"\"}}"

struct query_case {
    const char *query;
    bool matches;
};

static void assert_queries(const char *body, const struct query_case *cases, size_t count) {
    struct gw_object *object = read_object(GW_FUNCTION, NULL, body);
    for (size_t i = 0; i < count; i++) {
        const bool matches = gw_object_matches_query(object, gw_str_c(cases[i].query));
        if (matches != cases[i].matches) {
            printf("  query %s\n", cases[i].query);
        }
        CU_ASSERT_EQUAL(matches, cases[i].matches);
    }
    gw_object_unref(object);
}
#define ASSERT_QUERIES(body, ...)                                                                  \
    do {                                                                                           \
        static const struct query_case cases_[] = {__VA_ARGS__};                                   \
        assert_queries(body, cases_, sizeof cases_ / sizeof cases_[0]);                            \
    } while (0)

static void all_filters_have_to_match(void) {
    ASSERT_QUERIES(FUNCTION_M1, {"metadata.a=1&metadata.b=2", true},
                   {"metadata.a=1&metadata.b=3", false}, {"metadata.a=1", true},
                   {"metadata.c=1", false}, {"metadata.A=1", false});
}

static void of_a_repeated_filter_the_first_counts(void) {
    ASSERT_QUERIES(FUNCTION_M1, {"metadata.b=2&metadata.b=3", true},
                   {"metadata.b=3&metadata.b=2", false}, {"metadata.%62=3&metadata.b=2", false});
}

static void other_parameters_are_ignored(void) {
    ASSERT_QUERIES(FUNCTION_M1, {"", true}, {"foo=bar&metadata.b=2", true}, {"functionId=zz", true},
                   {"metadata", true}, {"&&=&", true}, {"Metadata.a=9", true},
                   {"metadataa=9", true});
}

static void an_absent_key_matches_no_value_not_even_the_empty_one(void) {
    ASSERT_QUERIES(FUNCTION_M1, {"metadata.b=", false}, {"metadata.=2", false},
                   {"metadata.zz=", false}, {"metadata.zz", false}, {"metadata.e=", true},
                   {"metadata.e", true});
    ASSERT_QUERIES("{\"type\":\"http\"}", {"metadata.a=1", false}, {"metadata.=", false},
                   {"", true});
    ASSERT_QUERIES("{\"type\":\"http\",\"metadata\":{\"\":\"2\"}}", {"metadata.=2", true});
}

static void filters_are_percent_decoded(void) {
    ASSERT_QUERIES(FUNCTION_M1, {"metadata.a.b+c=x%26y", true}, {"metadata.a.b%20c=x%26y", true},
                   {"metadata%2Ea=1", true}, {"metadata%2Ea=2", false}, {"metadata.a=%zz", true},
                   {"metadata.%zz=1", true});
}

static void a_query_of_many_filters_is_parsed_once(void) {
    struct gw_bytes query;
    gw_bytes_init(&query, 0);
    for (unsigned i = 0; i < 50000; i++) {
        gw_bytes_addf(&query, "metadata.k%u=%u&", i % 25000, i);
    }
    struct gw_arena arena;
    gw_arena_init(&arena, 4096);
    struct gw_filter filter;
    gw_filter_parse(&arena, gw_bytes_str(&query), &filter);
    CU_ASSERT_EQUAL_FATAL(filter.count, 25000);
    ASSERT_STR(filter.items[24999].name, "k24999");
    ASSERT_STR(filter.items[24999].value, "24999");
    gw_arena_free(&arena);
    gw_bytes_free(&query);
}

static void metadata_comes_back_sorted_and_an_empty_one_is_absent(void) {
    assert_becomes(
        GW_EVENTTYPE, NULL,
        "{\"name\":\"a\",\"metadata\":{\"b\":\"1\",\"B\":\"2\",\"\":\"3\",\"ab\":\"4\"}}",
        "{\"space\":\"default\",\"name\":\"a\",\"metadata\":{\"\":\"3\",\"B\":\"2\","
        "\"ab\":\"4\",\"b\":\"1\"}}");
    assert_becomes(GW_EVENTTYPE, NULL, "{\"name\":\"a\",\"metadata\":{}}",
                   "{\"space\":\"default\",\"name\":\"a\"}");
    assert_becomes(GW_EVENTTYPE, NULL, "{\"name\":\"a\",\"metadata\":null}",
                   "{\"space\":\"default\",\"name\":\"a\"}");
}

static void large_metadata_is_read_in_time(void) {
    struct gw_bytes body;
    gw_bytes_init(&body, 0);
    gw_bytes_add_c(&body, "{\"name\":\"a\",\"metadata\":{\"\":\"\"");
    for (unsigned i = 0; i < 60000; i++) {
        gw_bytes_addf(&body, ",\"%u\":\"\"", i);
    }
    gw_bytes_add_c(&body, "}}");
    struct gw_object *object = NULL;
    struct gw_refusal refusal = {0};
    CU_ASSERT_EQUAL_FATAL(gw_object_read(GW_EVENTTYPE, GW_STR("default"), (struct eg_str){0},
                                         gw_bytes_str(&body), &object, &refusal),
                          0);
    CU_ASSERT_EQUAL(object->metadata_count, 60001);
    CU_ASSERT_TRUE(gw_object_matches_query(object, GW_STR("metadata.59999=&metadata.0=")));
    gw_object_unref(object);
    gw_bytes_free(&body);
}

UNIT_MAIN(UNIT(all_filters_have_to_match), UNIT(of_a_repeated_filter_the_first_counts),
          UNIT(other_parameters_are_ignored),
          UNIT(an_absent_key_matches_no_value_not_even_the_empty_one),
          UNIT(filters_are_percent_decoded), UNIT(a_query_of_many_filters_is_parsed_once),
          UNIT(metadata_comes_back_sorted_and_an_empty_one_is_absent),
          UNIT(large_metadata_is_read_in_time))
