/* base64 in both alphabets: vectors of RFC 4648 10, every length, and what is refused. */
#include "base/codec.h"
#include "base/slice.h"
#include "unit.h"

static void the_vectors_of_the_rfc_are_met(void) {
    static const char *const pairs[][2] = {
        {"", ""},
        {"f", "Zg=="},
        {"fo", "Zm8="},
        {"foo", "Zm9v"},
        {"foob", "Zm9vYg=="},
        {"fooba", "Zm9vYmE="},
        {"foobar", "Zm9vYmFy"},
    };
    struct gw_bytes out;
    gw_bytes_init(&out, 0);
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        gw_bytes_clear(&out);
        gw_base64_encode(&out, gw_str_c(pairs[i][0]));
        ASSERT_STR(gw_bytes_str(&out), pairs[i][1]);
        gw_bytes_clear(&out);
        CU_ASSERT_EQUAL(gw_base64_decode(&out, gw_str_c(pairs[i][1])), EG_OK);
        ASSERT_STR(gw_bytes_str(&out), pairs[i][0]);
    }
    gw_bytes_free(&out);
}

static void bytes_of_every_length_come_back(void) {
    char bytes[300];
    struct gw_bytes text;
    struct gw_bytes back;
    gw_bytes_init(&text, 0);
    gw_bytes_init(&back, 0);
    for (size_t i = 0; i < sizeof bytes; i++) {
        bytes[i] = (char)(i * 7);
    }
    for (size_t len = 0; len <= sizeof bytes; len++) {
        gw_bytes_clear(&text);
        gw_bytes_clear(&back);
        gw_base64_encode(&text, gw_str(bytes, len));
        CU_ASSERT_EQUAL(gw_base64_decode(&back, gw_bytes_str(&text)), EG_OK);
        CU_ASSERT_TRUE(gw_str_eq(gw_bytes_str(&back), gw_str(bytes, len)));
        gw_bytes_clear(&text);
        gw_bytes_clear(&back);
        gw_base64url_encode(&text, gw_str(bytes, len));
        CU_ASSERT_EQUAL(gw_base64url_decode(&back, gw_bytes_str(&text)), EG_OK);
        CU_ASSERT_TRUE(gw_str_eq(gw_bytes_str(&back), gw_str(bytes, len)));
    }
    gw_bytes_free(&text);
    gw_bytes_free(&back);
}

static void the_alphabets_do_not_mix(void) {
    struct gw_bytes out;
    gw_bytes_init(&out, 0);
    gw_base64_encode(&out, GW_STR("\xfb\xff\xbf"));
    ASSERT_STR(gw_bytes_str(&out), "+/+/");
    gw_bytes_clear(&out);
    gw_base64url_encode(&out, GW_STR("\xfb\xff\xbf\xff"));
    ASSERT_STR(gw_bytes_str(&out), "-_-__w");
    gw_bytes_clear(&out);
    CU_ASSERT_EQUAL(gw_base64_decode(&out, GW_STR("-_-_")), EG_E_SYNTAX);
    CU_ASSERT_EQUAL(gw_base64url_decode(&out, GW_STR("+/+/")), EG_E_SYNTAX);
    gw_bytes_free(&out);
}

static void what_is_not_canonical_is_refused_and_leaves_the_buffer_alone(void) {
    const char *const bad[] = {"Z",    "Zg",           "Zg=",     "Zg===",    "=",        "==",
                               "====", "Zg= =",        "Zm9v\n",  "Zm 9v",    "Zh==",     "Zm9=",
                               "Z===", "Zm9vZg==Zm9v", "Zm9\xff", "Zm9v====", "Zg==Zg==", "*m9v"};
    struct gw_bytes out;
    gw_bytes_init(&out, 0);
    gw_bytes_add_c(&out, "kept");
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        CU_ASSERT_EQUAL(gw_base64_decode(&out, gw_str_c(bad[i])), EG_E_SYNTAX);
        ASSERT_STR(gw_bytes_str(&out), "kept");
    }
    const char *const bad_url[] = {"Z", "Zg==", "Zm9vZ", "Zh", "Zm9"};
    for (size_t i = 0; i < sizeof bad_url / sizeof bad_url[0]; i++) {
        const int32_t rc = gw_base64url_decode(&out, gw_str_c(bad_url[i]));
        CU_ASSERT_EQUAL(rc, EG_E_SYNTAX);
    }
    CU_ASSERT_EQUAL(gw_base64_decode(&out, gw_str("Zm\09", 4)), EG_E_SYNTAX);
    gw_bytes_free(&out);
}

static void a_full_buffer_refuses_to_decode(void) {
    struct gw_bytes out;
    gw_bytes_init(&out, 4);
    CU_ASSERT_EQUAL(gw_base64_decode(&out, GW_STR("Zm9vYmFyZm9vYmFy")), EG_E_TOOBIG);
    CU_ASSERT_TRUE(out.is_full);
    gw_bytes_free(&out);
}

UNIT_MAIN(UNIT(the_vectors_of_the_rfc_are_met), UNIT(bytes_of_every_length_come_back),
          UNIT(the_alphabets_do_not_mix),
          UNIT(what_is_not_canonical_is_refused_and_leaves_the_buffer_alone),
          UNIT(a_full_buffer_refuses_to_decode))
