/* Unit tests of escaping, canonical paths and queries, URLs, shared files and times: what they make
 * of input that nobody meant well. */
#include <stdlib.h>

#include "clock_skew.h"
#include "credentials_value.h"
#include "ini.h"
#include "unit.h"
#include "uri.h"

static void every_byte_but_the_unreserved_is_escaped(void) {
    char out[64];
    const struct eg_str arn = EGX_STR("arn:aws:lambda:f/\xc3\xa9 $~");
    const size_t len = aws_uri_escape(arn, out, sizeof out);
    ASSERT_STR(egx_str_n(out, len), "arn%3Aaws%3Alambda%3Af%2F%C3%A9%20%24~");
}

static void nothing_is_written_past_the_room(void) {
    char out[4] = "xyz";
    CU_ASSERT_EQUAL(aws_uri_escape(EGX_STR("a:::"), out, 2), 10);
    CU_ASSERT_EQUAL(memcmp(out, "a%z", 4), 0);
    CU_ASSERT_EQUAL(aws_uri_canonical_path(EGX_STR("/a/../b"), 1, out, 0), 4);
    CU_ASSERT_EQUAL(memcmp(out, "a%z", 4), 0);
}

static void paths_become_canonical(void) {
    static const struct {
        const char *path;
        const char *want;
    } rows[] = {
        {"", "/"},           {"/", "/"},        {"//", "/"},
        {"/a/..", "/"},      {"/a/../..", "/"}, {"/../a", "/a"},
        {"/a//b/", "/a/b/"}, {"/./a/.", "/a"},  {"/a%3Ab", "/a%253Ab"},
        {"/a:b", "/a%3Ab"},  {"a/b", "/a/b"},   {"/...", "/..."},
    };
    for (size_t i = 0; i < EGX_COUNT(rows); i++) {
        char out[64];
        const size_t len = aws_uri_canonical_path(egx_str_c(rows[i].path), 1, out, sizeof out);
        ASSERT_STR(egx_str_n(out, len), rows[i].want);
    }
}

static void queries_become_canonical(void) {
    static const struct {
        const char *query;
        const char *want;
    } rows[] = {
        {"", ""},
        {"b=2&a=1", "a=1&b=2"},
        {"a", "a="},
        {"&&a=1&", "a=1"},
        {"a=%", "a=%25"},
        {"a=%4", "a=%254"},
        {"a=%zz", "a=%25zz"},
        {"a=+b", "a=%20b"},
        {"a=2&a=1", "a=1&a=2"},
        {"=x", "=x"},
        {"a=b=c", "a=b%3Dc"},
        {"a=%c3%a9", "a=%C3%A9"},
        {"Qualifier=%24LATEST", "Qualifier=%24LATEST"},
        {"x-two=1&x=2", "x=2&x-two=1"},
    };
    for (size_t i = 0; i < EGX_COUNT(rows); i++) {
        char *out = aws_uri_canonical_query(egx_str_c(rows[i].query));
        CU_ASSERT_PTR_NOT_NULL_FATAL(out);
        ASSERT_STR(egx_str_c(out), rows[i].want);
        free(out);
    }
}

static void a_query_of_too_many_parameters_is_refused(void) {
    char query[(AWS_URI_MAX_PARAMETERS + 1) * 2];
    for (size_t i = 0; i < sizeof query; i += 2) {
        memcpy(query + i, "a&", 2);
    }
    CU_ASSERT_PTR_NULL(aws_uri_canonical_query(egx_str_n(query, sizeof query)));
    char *out = aws_uri_canonical_query(egx_str_n(query, sizeof query - 2));
    CU_ASSERT_PTR_NOT_NULL(out);
    free(out);
}

static void urls_are_http_with_a_host(void) {
    static const char *const good[] = {"http://h", "HTTPS://h:1/a/", "http://[::1]:80"};
    static const char *const bad[] = {"",           "h",          "http://",    "http:///x",
                                      "ftp://h",    "http://u@h", "http://h?q", "http://h/a?q",
                                      "http://h/ ", "http://:80", "http://h#f", "https:/h"};
    struct aws_url url;
    for (size_t i = 0; i < EGX_COUNT(good); i++) {
        CU_ASSERT_EQUAL(aws_url_parse(egx_str_c(good[i]), &url), EG_OK);
    }
    for (size_t i = 0; i < EGX_COUNT(bad); i++) {
        CU_ASSERT_EQUAL(aws_url_parse(egx_str_c(bad[i]), &url), EG_E_INVAL);
    }
    CU_ASSERT_EQUAL(aws_url_parse(EGX_STR("http://h/a\0b"), &url), EG_E_INVAL);
}

static void take_down(void *arg, struct eg_str section, struct eg_str key, struct eg_str value) {
    char *out = arg;
    const size_t len = strlen(out);
    (void)snprintf(out + len, 512 - len, "[%.*s]%.*s=%.*s;", EGX_FMT(section), EGX_FMT(key),
                   EGX_FMT(value));
}

static void shared_files_are_read_as_they_are(void) {
    char out[512] = "";
    aws_ini_read(
        EGX_STR("lost=1\n[a]\nk=v # c\nk2 = a#b;c\r\n  nested=1\nnothing\n=\n[broken\nx=1\n"
                "[ b ] # c\ns3 =\n  max = 1\nlast=1"),
        take_down, out);
    CU_ASSERT_STRING_EQUAL(out, "[a]k=v;[a]k2=a#b;c;[a]=;[b]s3=;[b]last=1;");
    aws_ini_read(egx_str_n(NULL, 0), take_down, out);
}

static void times_of_documents_are_read_strictly(void) {
    static const struct {
        const char *text;
        int64_t want; /* -1 = no time */
    } rows[] = {
        {"1970-01-01T00:00:10Z", 10},
        {"1970-01-01T01:00:10+01:00", 10},
        {"1970-01-01T00:00:10.123Z", 10},
        {"1970-01-01T00:00:10", 10},
        {"1969-12-31T23:00:10-01:00", 10},
        {"", -1},
        {"tomorrow", -1},
        {"1970-01-01", -1},
        {"1970-01-01T00:00:10Zx", -1},
        {"1970-13-01T00:00:10Z", -1},
        {"1970-01-01T00:00:10 01:00", -1},
        {"1970-01-01T00:00:10Z1970-01-01T00:00:10Z1970-01-01", -1},
    };
    for (size_t i = 0; i < EGX_COUNT(rows); i++) {
        int64_t got = -1;
        const int32_t status = aws_time_parse(egx_str_c(rows[i].text), &got);
        CU_ASSERT_EQUAL(status, rows[i].want < 0 ? EG_E_SYNTAX : EG_OK);
        CU_ASSERT_EQUAL(got, rows[i].want);
    }
}

static void dates_of_answers_are_read_strictly(void) {
    int64_t got = -1;
    CU_ASSERT_EQUAL(aws_http_date(EGX_STR("Sun, 06 Nov 1994 08:49:37 GMT"), &got), EG_OK);
    CU_ASSERT_EQUAL(got, 784111777);
    CU_ASSERT_EQUAL(aws_http_date(EGX_STR("Sunday, 06-Nov-94 08:49:37 GMT"), &got), EG_E_SYNTAX);
    CU_ASSERT_EQUAL(aws_http_date(EGX_STR("Sun, 06 ovD 1994 08:49:37 GMT"), &got), EG_E_SYNTAX);
    CU_ASSERT_EQUAL(aws_http_date(EGX_STR(""), &got), EG_E_SYNTAX);
}

static void texts_of_xml_are_found_whole_or_not_at_all(void) {
    ASSERT_STR(aws_xml_text(EGX_STR("<A><Code>x</Code></A>"), "Code"), "x");
    ASSERT_STR(aws_xml_text(EGX_STR("<A><Code>x"), "Code"), "");
    ASSERT_STR(aws_xml_text(EGX_STR("<Code>"), "Code"), "");
    ASSERT_STR(aws_xml_text(EGX_STR(""), "Code"), "");
}

UNIT_MAIN(UNIT(every_byte_but_the_unreserved_is_escaped), UNIT(nothing_is_written_past_the_room),
          UNIT(paths_become_canonical), UNIT(queries_become_canonical),
          UNIT(a_query_of_too_many_parameters_is_refused), UNIT(urls_are_http_with_a_host),
          UNIT(shared_files_are_read_as_they_are), UNIT(times_of_documents_are_read_strictly),
          UNIT(dates_of_answers_are_read_strictly),
          UNIT(texts_of_xml_are_found_whole_or_not_at_all))
