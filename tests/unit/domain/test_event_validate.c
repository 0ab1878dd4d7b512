/* domain/event_validate.c: times, URIs, base64. */
#include "domain/event_internal.h"
#include "event_fixture.h"

static void each(const char *const *texts, bool (*rule)(struct eg_str), bool expected) {
    for (; *texts != NULL; texts++) {
        /* At its exact size, for the sanitizer. */
        char *copy = malloc(strlen(*texts) + 1);
        memcpy(copy, *texts, strlen(*texts));
        const bool got = rule(gw_str(copy, strlen(*texts)));
        if (got != expected) {
            printf("  \"%s\" should%s pass\n", *texts, expected ? "" : " not");
        }
        CU_ASSERT_EQUAL(got, expected);
        free(copy);
    }
}

static void times_of_rfc_3339_pass(void) {
    static const char *const good[] = {
        "2018-01-01T00:00:00Z",           "1990-12-31T23:59:60Z",
        "2020-02-29T00:00:00+14:00",      "2000-02-29t00:00:00z",
        "2018-01-01T00:00:00.123456789Z", "0001-01-01T00:00:00-00:00",
        "2018-01-01T00:00:00.0Z",         NULL};
    static const char *const bad[] = {"",
                                      "nottime",
                                      "2018-01-01",
                                      "2018-01-01T00:00:00",
                                      "2018-13-01T00:00:00Z",
                                      "2018-00-01T00:00:00Z",
                                      "2018-04-31T00:00:00Z",
                                      "2019-02-29T00:00:00Z",
                                      "1900-02-29T00:00:00Z",
                                      "2018-01-01T24:00:00Z",
                                      "2018-01-01T00:60:00Z",
                                      "2018-01-01T00:00:61Z",
                                      "2018-01-01T00:00:00.Z",
                                      "2018-01-01T00:00:00.5",
                                      "2018-01-01T00:00:00+1:00",
                                      "2018-01-01T00:00:00+24:00",
                                      "2018-01-01 00:00:00Z",
                                      "2018-01-01T00:00:00Zx",
                                      "2018/01/01T00:00:00Z",
                                      " 2018-01-01T00:00:00Z",
                                      "+018-01-01T00:00:00Z",
                                      NULL};
    each(good, gw_is_rfc3339, true);
    each(bad, gw_is_rfc3339, false);
}

static void sources_of_0_1_begin_with_a_slash_or_a_scheme(void) {
    static const char *const good[] = {"/x", "/x#y",      "urn:x:y", "http://example.com",
                                       "/",  "a+b-c.1:x", "/x#a b",  NULL};
    static const char *const bad[] = {"NOT URI", "word", "a/b",  "#x",   "",
                                      "1a:x",    ":x",   "/a b", "/a\n", NULL};
    each(good, gw_is_source_uri, true);
    each(bad, gw_is_source_uri, false);
}

static void uri_references_are_told_from_other_text(void) {
    static const char *const good[] = {
        "/x",         "word",         "a/b", "#x", "../x?y=1", "http://[::1]/",
        "/caf%C3%A9", "/caf\xc3\xa9", "",    NULL};
    static const char *const bad[] = {"a b",  "/%zz", "/%4", "a#b#c", "<x>",
                                      "a\\b", "\"",   "\t",  NULL};
    each(good, gw_is_uri_reference, true);
    each(bad, gw_is_uri_reference, false);
}

static void base64_has_its_alphabet_and_its_padding(void) {
    static const char *const good[] = {"", "AAEC", "AA==", "AAE=", "+/+/", NULL};
    static const char *const bad[] = {
        "A", "AA", "AAE", "A===", "====", "AA=A", "A-_A", "AA==AAAA", "AA ==", NULL};
    each(good, gw_is_base64, true);
    each(bad, gw_is_base64, false);
}

static void zeros_at_the_end_of_a_fraction_are_cut_in_0_1(void) {
    static const char *const rows[][2] = {
        {"2018-01-01T00:00:00.500+02:00", "2018-01-01T00:00:00.5+02:00"},
        {"2018-01-01T00:00:00.000Z", "2018-01-01T00:00:00Z"},
        {"2018-01-01T00:00:10Z", "2018-01-01T00:00:10Z"},
        {"2018-01-01T00:00:00.05Z", "2018-01-01T00:00:00.05Z"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        fx_begin();
        struct eg_event event = {.arena = &fx.arena,
                                 .version = EG_CE_0_1,
                                 .spec_version = GW_STR("0.1"),
                                 .type = GW_STR("t"),
                                 .source = GW_STR("/"),
                                 .id = GW_STR("1"),
                                 .time = gw_str_c(rows[i][0])};
        CU_ASSERT_EQUAL(gw_event_validate(&event, &fx.why), 0);
        ASSERT_STR(event.time, rows[i][1]);
        fx_end();
    }
}

UNIT_MAIN(UNIT(times_of_rfc_3339_pass), UNIT(sources_of_0_1_begin_with_a_slash_or_a_scheme),
          UNIT(uri_references_are_told_from_other_text),
          UNIT(base64_has_its_alphabet_and_its_padding),
          UNIT(zeros_at_the_end_of_a_fraction_are_cut_in_0_1))
