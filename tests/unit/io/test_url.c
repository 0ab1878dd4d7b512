/* URLs of functions: what is understood, and what is refused because parsers would disagree. */
#include "unit.h"

#include "base/slice.h"
#include "io/http_client.h"

static struct gw_url parsed;
static int32_t parse(const char *text) {
    parsed = (struct gw_url){0};
    return gw_url_parse(gw_str_c(text), &parsed);
}

static void a_url_is_split_into_scheme_host_port_and_path(void) {
    CU_ASSERT_EQUAL(parse("http://example.test:8080/a/b?c=d#frag"), 0);
    ASSERT_STR(parsed.scheme, "http");
    ASSERT_STR(parsed.host, "example.test");
    CU_ASSERT_EQUAL(parsed.port, 8080);
    ASSERT_STR(parsed.path, "/a/b?c=d");
    CU_ASSERT_EQUAL(parse("HTTPS://[::1]"), 0);
    ASSERT_STR(parsed.scheme, "HTTPS");
    ASSERT_STR(parsed.host, "[::1]");
    CU_ASSERT_EQUAL(parsed.port, 0);
    ASSERT_STR(parsed.path, "");
    CU_ASSERT_EQUAL(parse("http://user:pw@host:1?x"), 0);
    ASSERT_STR(parsed.host, "host");
    CU_ASSERT_EQUAL(parsed.port, 1);
    ASSERT_STR(parsed.path, "?x");
    CU_ASSERT_EQUAL(parse("http://host:/"), 0);
    CU_ASSERT_EQUAL(parsed.port, 0);
}

static void credentials_and_bytes_beyond_ascii_are_told(void) {
    CU_ASSERT_EQUAL(parse("http://host/a@b"), 0);
    CU_ASSERT_FALSE(parsed.has_user);
    CU_ASSERT_TRUE(parsed.is_ascii);
    CU_ASSERT_EQUAL(parse("http://user@host/a"), 0);
    CU_ASSERT_TRUE(parsed.has_user);
    CU_ASSERT_EQUAL(parse("http://\xc3\xa4.test/"), 0);
    CU_ASSERT_FALSE(parsed.is_ascii);
    CU_ASSERT_EQUAL(parse("http://host/\xc3\xa4"), 0);
    CU_ASSERT_FALSE(parsed.is_ascii);
}

/* A host of three bytes, of which the middle one is tried. */
static void each_byte_of_a_host_is_judged(void) {
    static const char others[] = "-._~";
    for (unsigned c = 0; c < 256; c++) {
        char text[] = "http://a?b/";
        text[8] = (char)c;
        const bool is_good = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
                             (c >= 'A' && c <= 'Z') || c >= 0x80 ||
                             (c != 0 && strchr(others, (int)c) != NULL);
        const bool ends = c == '/' || c == '?' || c == '#' || c == '@';
        const int32_t rc = gw_url_parse(gw_str(text, sizeof text - 1), &parsed);
        CU_ASSERT_EQUAL(rc == EG_OK, is_good || ends);
        if (is_good) {
            CU_ASSERT_EQUAL(parsed.host.len, 3);
            CU_ASSERT_EQUAL(parsed.is_ascii, c < 0x80);
        }
    }
}

static void each_byte_of_an_address_in_brackets_is_judged(void) {
    for (unsigned c = 1; c < 256; c++) {
        char text[] = "http://[:?1]/";
        text[9] = (char)c;
        const bool is_good = strchr("0123456789abcdefABCDEF:.", (int)c) != NULL;
        CU_ASSERT_EQUAL(gw_url_parse(gw_str(text, sizeof text - 1), &parsed) == EG_OK, is_good);
    }
}

static void what_is_no_http_url_is_refused(void) {
    const char *const bad[] = {"",
                               "http",
                               "http:/a",
                               "http://",
                               "http:///a",
                               "ftp://a",
                               "//a/b",
                               "/a",
                               "http://a b",
                               "http://a\n/",
                               "http://a\\b",
                               "http://a:0/",
                               "http://a:65536",
                               "http://a:+80",
                               "http://a:8x",
                               "http://[::1",
                               "http://[::1]x",
                               "http://[g::]",
                               "http://[]",
                               "http://[fe80::1%25eth0]/",
                               "http://[fe80::1%eth0]/",
                               "http://a@b@c/",
                               "http://:80/",
                               "http://a:-1/",
                               "javascript:1",
                               "http://a,b/",
                               "http://a/\x7f",
                               "http://?a",
                               "http://#a",
                               "http://a:1:2/",
                               "file:///etc/passwd"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        const int32_t rc = parse(bad[i]);
        if (rc != EG_E_INVAL) {
            printf("  accepted: %s\n", bad[i]);
        }
        CU_ASSERT_EQUAL(rc, EG_E_INVAL);
        CU_ASSERT_PTR_NULL(parsed.host.ptr);
    }
    CU_ASSERT_EQUAL(gw_url_parse(gw_str("http://a\0b", 10), &parsed), EG_E_INVAL);
}

UNIT_MAIN(UNIT(a_url_is_split_into_scheme_host_port_and_path),
          UNIT(credentials_and_bytes_beyond_ascii_are_told), UNIT(each_byte_of_a_host_is_judged),
          UNIT(each_byte_of_an_address_in_brackets_is_judged), UNIT(what_is_no_http_url_is_refused))
