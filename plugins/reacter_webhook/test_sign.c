/* Signatures of Standard Webhooks. */
#include "sign.h"

#include "unit.h"

/* 25 bytes, "second secret, made of 25". */
#define SECOND "whsec_c2Vjb25kIHNlY3JldCwgbWFkZSBvZiAyNQ=="
/* The published example of the standard (the tests of its reference libraries). */
#define PUBLISHED "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
#define SIXTEEN "AAAAAAAAAAAAAAAA"
/* 72 bytes */
#define LONG "whsec_" SIXTEEN SIXTEEN SIXTEEN SIXTEEN SIXTEEN SIXTEEN
#define PUBLISHED_SIGNATURE "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="

static struct eg_why why;
static struct signing_keys keys;

static int32_t parse(const char *text) {
    why = (struct eg_why){.struct_size = sizeof why};
    return webhook_events_keys(egx_str_c(text), &keys, &why);
}

static struct egx_json sign(void) {
    struct egx_json out = egx_json_begin();
    CU_ASSERT_EQUAL(webhook_events_sign(&keys, EGX_STR("msg_p5jXN8AQM9LWM0D4loKWxJek"), 1614265330,
                                        EGX_STR("{\"test\": 2432232314}"), &out),
                    EG_OK);
    return out;
}

static void the_published_example_has_the_published_signature(void) {
    static const char *const forms[] = {PUBLISHED, "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
                                        "  " PUBLISHED " "};
    for (size_t i = 0; i < EGX_COUNT(forms); i++) {
        CU_ASSERT_EQUAL_FATAL(parse(forms[i]), EG_OK);
        CU_ASSERT_EQUAL(keys.count, 1);
        struct egx_json out = sign();
        ASSERT_STR(egx_json_text(&out), PUBLISHED_SIGNATURE);
        egx_json_free(&out);
    }
}

static void several_secrets_sign_one_after_the_other(void) {
    CU_ASSERT_EQUAL_FATAL(parse(SECOND " " PUBLISHED), EG_OK);
    struct egx_json out = sign();
    const struct eg_str text = egx_json_text(&out);
    CU_ASSERT_EQUAL_FATAL(text.len, 2 * strlen(PUBLISHED_SIGNATURE) + 1);
    ASSERT_STR(egx_str_cut(text, strlen(PUBLISHED_SIGNATURE)), " " PUBLISHED_SIGNATURE);
    CU_ASSERT_FALSE(egx_str_starts(text, EGX_STR(PUBLISHED_SIGNATURE)));
    egx_json_free(&out);
}

static void what_is_no_secret_is_refused_without_telling_it(void) {
    static const char *const bad[] = {
        "whsec_",
        "whsec_c2hvcnQ=",                        /* 5 bytes */
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS", /* cut */
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLa_-",
        "whsk_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        PUBLISHED " hello",
        PUBLISHED " " PUBLISHED " " PUBLISHED " " PUBLISHED " " PUBLISHED,
        LONG,
    };
    for (size_t i = 0; i < EGX_COUNT(bad); i++) {
        CU_ASSERT_EQUAL(parse(bad[i]), EG_E_INVAL);
        CU_ASSERT_PTR_NOT_NULL(strstr(why.text, "'secret'"));
        CU_ASSERT_PTR_NULL(strstr(why.text, "MfKQ"));
    }
    CU_ASSERT_EQUAL(parse(""), EG_OK);
    CU_ASSERT_EQUAL(keys.count, 0);
}

UNIT_MAIN(UNIT(the_published_example_has_the_published_signature),
          UNIT(several_secrets_sign_one_after_the_other),
          UNIT(what_is_no_secret_is_refused_without_telling_it))
