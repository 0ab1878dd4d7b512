/* URLs that are known already: the same answer as for those that are not. */
#include "unit.h"

#include <stdlib.h>

#include "base/slice.h"
#include "io/url_memo.h"

static struct gw_url_memo memo;

static struct gw_url ask(struct eg_str url) {
    struct gw_url known = {0};
    struct gw_url parsed = {0};
    CU_ASSERT_EQUAL_FATAL(gw_url_parse(url, &parsed), EG_OK);
    CU_ASSERT_EQUAL_FATAL(gw_url_parse_known(&memo, url, &known), EG_OK);
    CU_ASSERT_PTR_EQUAL(known.scheme.ptr, parsed.scheme.ptr);
    CU_ASSERT_PTR_EQUAL(known.host.ptr, parsed.host.ptr);
    CU_ASSERT_PTR_EQUAL(known.path.ptr, parsed.path.ptr);
    CU_ASSERT_EQUAL(known.scheme.len, parsed.scheme.len);
    CU_ASSERT_EQUAL(known.host.len, parsed.host.len);
    CU_ASSERT_EQUAL(known.path.len, parsed.path.len);
    CU_ASSERT_EQUAL(known.port, parsed.port);
    CU_ASSERT_EQUAL(known.has_user, parsed.has_user);
    CU_ASSERT_EQUAL(known.is_ascii, parsed.is_ascii);
    return known;
}

static void a_known_url_is_split_like_a_new_one(void) {
    static const char *const urls[] = {"http://h", "https://example.test:8080/a/b?c=d#frag",
                                       "HTTP://[::1]:81?x", "http://user:pw@host:1/#",
                                       "http://\xc3\xa9.test/"};
    for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++) {
        for (int times = 0; times < 3; times++) {
            (void)ask(gw_str_c(urls[i]));
        }
    }
}

static void another_url_in_the_same_place_is_not_taken_for_the_former(void) {
    char place[32] = "http://first.test/a";
    for (int times = 0; times < 2; times++) {
        (void)ask(gw_str_c(place));
        memcpy(place, "http://other.test:9", 20);
        ASSERT_STR(ask(gw_str_c(place)).host, "other.test");
        ASSERT_STR(ask(gw_str(place, 13)).host, "other."); /* as long as it says */
        ASSERT_STR(ask(gw_str_c(place)).host, "other.test");
        memcpy(place, "http://first.test/a", 20);
    }
}

static void what_is_answered_lies_in_the_text_of_who_asks(void) {
    for (int times = 0; times < 3; times++) {
        char *text = strdup("http://host.test:80/path");
        CU_ASSERT_PTR_NOT_NULL_FATAL(text);
        ASSERT_STR(ask(gw_str_c(text)).path, "/path");
        free(text);
    }
}

static void what_is_no_url_never_becomes_one(void) {
    static const char *const texts[] = {"", "ftp://h", "http://", "http://h:99999", "http://a b"};
    struct gw_url parsed;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        for (int times = 0; times < 3; times++) {
            CU_ASSERT_EQUAL(gw_url_parse_known(&memo, gw_str_c(texts[i]), &parsed), EG_E_INVAL);
        }
    }
    CU_ASSERT_EQUAL(gw_url_parse_known(&memo, (struct eg_str){0}, &parsed), EG_E_INVAL);
}

static void a_long_url_is_split_each_time(void) {
    char text[GW_URL_MEMO_BYTES + 2] = "http://h/";
    memset(text + 9, 'x', sizeof text - 9);
    for (size_t len = GW_URL_MEMO_BYTES - 1; len <= GW_URL_MEMO_BYTES + 1; len++) {
        (void)ask(gw_str(text, len));
        CU_ASSERT_EQUAL(ask(gw_str(text, len)).path.len, len - 8);
    }
}

UNIT_MAIN(UNIT(a_known_url_is_split_like_a_new_one),
          UNIT(another_url_in_the_same_place_is_not_taken_for_the_former),
          UNIT(what_is_answered_lies_in_the_text_of_who_asks),
          UNIT(what_is_no_url_never_becomes_one), UNIT(a_long_url_is_split_each_time))
