/* Unit tests of key names and of the settings that stand before them. */
#include <stdlib.h>

#include "keys.h"
#include "unit.h"
#include "url.h"

static struct egx_json name;

static const char *name_of(struct eg_str key) {
    egx_json_free(&name);
    consul_put_name(&name, key);
    CU_ASSERT_EQUAL(name.len, consul_name_len(key));
    egx_json_raw(&name, egx_str_n("", 1));
    return name.ptr;
}

/* The key that a name reads as, "?" = none. */
static const char *key_of(const char *text) {
    static char key[256];
    size_t len = 0;
    if (!consul_read_name(egx_str_c(text), key, &len)) {
        return "?";
    }
    key[len] = '\0';
    return key;
}

static void names_of_ordinary_keys_can_be_read(void) {
    CU_ASSERT_STRING_EQUAL(name_of(EGX_STR("a/b-c_d.e:f")), "a/b-c_d.e:f");
    CU_ASSERT_STRING_EQUAL(name_of(EGX_STR("/serverless-event-gateway/functions/default/hello")),
                           ".0serverless-event-gateway/functions/default/hello");
    CU_ASSERT_STRING_EQUAL(name_of(EGX_STR("a/%?#\"\\")), "a/%?#\"\\");
    egx_json_free(&name);
}

static void names_have_no_segment_that_a_path_loses(void) {
    CU_ASSERT_STRING_EQUAL(name_of(EGX_STR("a//b")), "a/.0b");
    CU_ASSERT_STRING_EQUAL(name_of(EGX_STR("a///")), "a/.0.0");
    CU_ASSERT_STRING_EQUAL(name_of(EGX_STR("a/../.")), "a/.-./.-");
    CU_ASSERT_STRING_EQUAL(name_of(EGX_STR(".guard")), ".-guard"); /* never the guard */
    egx_json_free(&name);
}

static void bytes_that_are_no_visible_ascii_are_written_in_hexadecimal(void) {
    CU_ASSERT_STRING_EQUAL(name_of(egx_str_n("a\0 !~\x7f\xff", 7)), "a!00!20!21~7E~7F~FF");
    egx_json_free(&name);
}

static void only_names_that_a_key_can_have_are_read(void) {
    static const char *const bad[] = {
        "!",    "!0",        "!0g", "!22", "!0a",    "~41", "~7d", "~zz", "~fF",  "a b",
        "\x7f", "a\xc3\xa4", ".",   ".x",  ".guard", "a/.", "a//", "/",   "a/.1",
    };
    for (size_t i = 0; i < EGX_COUNT(bad); i++) {
        CU_ASSERT_STRING_EQUAL(key_of(bad[i]), "?");
    }
    CU_ASSERT_STRING_EQUAL(key_of(""), "");
    CU_ASSERT_STRING_EQUAL(key_of("a/.0.-.!20"), "a//..\x20");
}

static uint32_t random_state = 1;
static uint32_t random_below(uint32_t bound) {
    random_state = random_state * 1664525u + 1013904223u;
    return (random_state >> 8) % bound;
}

/* Bytes that matter, often beside each other. */
static size_t random_key(char *out) {
    static const char bytes[] = "//..-0!~\0\x20\x21\x22\x7d\x7e\x7f\x80\xff/az.";
    const size_t len = random_below(6);
    for (size_t i = 0; i < len; i++) {
        out[i] = bytes[random_below(sizeof bytes - 1)];
    }
    return len;
}

static int sign(int number) {
    return (number > 0) - (number < 0);
}

static void order_beginnings_and_bytes_survive(void) {
    size_t wrong = 0;
    for (size_t i = 0; i < 200000; i++) {
        char bytes[2][8];
        char back[32];
        size_t len = 0;
        const struct eg_str a = egx_str_n(bytes[0], random_key(bytes[0]));
        const struct eg_str b = egx_str_n(bytes[1], random_key(bytes[1]));
        struct egx_json x = egx_json_begin();
        struct egx_json y = egx_json_begin();
        consul_put_name(&x, a);
        consul_put_name(&y, b);
        const struct eg_str p = egx_json_text(&x);
        const struct eg_str q = egx_json_text(&y);
        wrong += sign(egx_str_cmp(a, b)) != sign(egx_str_cmp(p, q));
        wrong += egx_str_starts(a, b) != egx_str_starts(p, q);
        wrong += !consul_read_name(p, back, &len) || !egx_str_eq(egx_str_n(back, len), a);
        wrong += p.len != consul_name_len(a);
        egx_json_free(&x);
        egx_json_free(&y);
    }
    CU_ASSERT_EQUAL(wrong, 0);
}

static void prefixes_are_those_that_names_can_stand_below(void) {
    static const char *const bad[] = {"",   "/",    "a",     "/a/",   "a//", "a/./", "../",
                                      " /", "a\"/", "a/\t/", "\xc3/", "a/b", "a&/"};
    for (size_t i = 0; i < EGX_COUNT(bad); i++) {
        CU_ASSERT_FALSE(consul_is_prefix(egx_str_c(bad[i])));
    }
    CU_ASSERT_TRUE(consul_is_prefix(EGX_STR("event-gateway/")));
    CU_ASSERT_TRUE(consul_is_prefix(EGX_STR("teams/a.b/gateway/")));
}

static void addresses_are_a_scheme_a_host_and_a_port(void) {
    static const char *const bad[] = {
        "",           "127.0.0.1:8500", "ftp://a",    "http://",   "http://a/b",
        "http://a?b", "http://u:p@a",   "http://a b", "https:///",
    };
    struct consul_address address = {0};
    for (size_t i = 0; i < EGX_COUNT(bad); i++) {
        CU_ASSERT_FALSE(consul_read_address(egx_str_c(bad[i]), &address));
    }
    CU_ASSERT_TRUE(consul_read_address(EGX_STR("http://127.0.0.1:8500/"), &address));
    ASSERT_STR(address.base, "http://127.0.0.1:8500");
    ASSERT_STR(address.place, "127.0.0.1:8500");
    CU_ASSERT_FALSE(address.is_secure);
    CU_ASSERT_TRUE(consul_read_address(EGX_STR("https://[::1]:8501"), &address));
    ASSERT_STR(address.host, "::1");
    CU_ASSERT_TRUE(address.is_secure);
}

UNIT_MAIN(UNIT(names_of_ordinary_keys_can_be_read), UNIT(names_have_no_segment_that_a_path_loses),
          UNIT(bytes_that_are_no_visible_ascii_are_written_in_hexadecimal),
          UNIT(only_names_that_a_key_can_have_are_read), UNIT(order_beginnings_and_bytes_survive),
          UNIT(prefixes_are_those_that_names_can_stand_below),
          UNIT(addresses_are_a_scheme_a_host_and_a_port))
