/* Signatures of middleware_auth against what RFC 7515 and RFC 8037 print, and the form of tokens.
 */
#include <eventgw-sdk/fake_host.h>

#include "jws.h"
#include "keys.h"
#include "unit.h"

/* RFC 7515 A.1: the claims of A.1 to A.3, which are those of RFC 7519 3.1. */
#define CLAIMS                                                                                     \
    "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnV"  \
    "lfQ"

static const struct vector {
    const char *where;
    const char *algorithm;
    const char *keys;
    const char *text;
    const char *signature;
} vectors[] = {
    {"RFC 7515 A.1", "HS256",
     "{\"keys\":[{\"kty\":\"oct\",\"k\":\"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-"
     "1qS0gZH75aKtMN"
     "3Yj0iPS4hcgUuTwjAzZr1Z9CAow\"}]}",
     "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9." CLAIMS,
     "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"},
    {"RFC 7515 A.2", "RS256",
     "{\"keys\":[{\"kty\":\"RSA\",\"n\":\"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_"
     "wWJcyQoTbji9k0l8W26mPddxH"
     "mfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_"
     "YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb"
     "_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-"
     "UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo"
     "5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_"
     "h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ\","
     "\"e\":\"AQAB\"}]}",
     "eyJhbGciOiJSUzI1NiJ9." CLAIMS,
     "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_"
     "O8W2Fp5jujG"
     "bds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_"
     "nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7"
     "K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-"
     "eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np"
     "6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw"},
    {"RFC 7515 A.3", "ES256",
     "{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":"
     "\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\","
     "\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\"}]}",
     "eyJhbGciOiJFUzI1NiJ9." CLAIMS,
     "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"},
    {"RFC 7515 A.4", "ES512",
     "{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-521\",\"x\":"
     "\"AekpBQ8ST8a8VcfVOTNl353vSrDCLLJXmPk06wTjxrrjcBp"
     "Xp5EOnYG_NjFZ6OvLFV1jSfS9tsz4qUxcWceqwQGk\",\"y\":\"ADSmRA43Z1DSNx_RvcLI87cdL07l6jQyyBXMoxVg_"
     "l2Th-"
     "x3S1WDhjDly79ajL4Kkd0AZMaZmh9ubmf63e3kyMj2\"}]}",
     "eyJhbGciOiJFUzUxMiJ9.UGF5bG9hZA",
     "AdwMgeerwtHoh-l192l60hp9wAHZFVJbLfD_UxMi70cwnZOYaRI1bKPWROc-mZZqwqT2SI-KGDKB34XO0aw_"
     "7XdtAG8GaSwF"
     "KdCAPZgoXD2YBJZCPEX3xKpRwcdOO8KpEHwJjyqOgzDO7iKvU8vcnwNrmxYbSW9ERBXukOXolLzeO_Jn"},
    {"RFC 8037 A.4", "EdDSA",
     "{\"keys\":[{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"11qYAYKxCrfVS_"
     "7TyWQHOg7hcvPapiMlrwIaaPcHURo\""
     "}]}",
     "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc",
     "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"},
};

static struct egx_fake *fake;
static struct eg_why why;

static void begin(void) {
    fake = egx_fake_new();
    why = (struct eg_why){.struct_size = sizeof why};
}
static void end(void) {
    CU_ASSERT_EQUAL(egx_fake_allocations(fake), 0);
    egx_fake_free(fake);
}

static int is_signed(const struct auth_keys *keys, const char *algorithm_name, const char *text,
                     struct eg_str signature) {
    const struct auth_algorithm *algorithm = auth_algorithm_find(egx_str_c(algorithm_name));
    size_t cursor = 0;
    struct auth_key *key = auth_keys_next(keys, egx_str_n(NULL, 0), algorithm, &cursor);
    return key != NULL && auth_verify(key, algorithm, egx_str_c(text), signature);
}

static void the_signatures_of_the_rfcs_are_right_and_nothing_near_them(void) {
    begin();
    for (size_t i = 0; i < EGX_COUNT(vectors); i++) {
        const struct vector *v = &vectors[i];
        struct auth_keys keys;
        char bytes[1024];
        const int64_t len = auth_base64url(egx_str_c(v->signature), bytes);
        CU_ASSERT_TRUE_FATAL(len > 0);
        const struct eg_str signature = egx_str_n(bytes, (size_t)len);
        CU_ASSERT_EQUAL_FATAL(
            auth_keys_parse(&keys, egx_fake_host(fake), egx_str_c(v->keys), 1, &why), EG_OK);
        CU_ASSERT_TRUE(is_signed(&keys, v->algorithm, v->text, signature));
        CU_ASSERT_FALSE(is_signed(&keys, v->algorithm, "other text", signature));
        CU_ASSERT_FALSE(
            is_signed(&keys, v->algorithm, v->text, egx_str_n(bytes, signature.len - 1)));
        CU_ASSERT_FALSE(is_signed(&keys, v->algorithm, v->text, egx_str_n(bytes, 0)));
        bytes[len - 1] = (char)(bytes[len - 1] ^ 1);
        CU_ASSERT_FALSE(is_signed(&keys, v->algorithm, v->text, signature));
        memset(bytes, 0, sizeof bytes); /* R = S = 0 */
        CU_ASSERT_FALSE(is_signed(&keys, v->algorithm, v->text, signature));
        auth_keys_free(&keys);
    }
    end();
}

/* RFC 8725 2.1: a public key is no secret, and no key goes with an algorithm of another kind. */
static void a_key_goes_with_algorithms_of_its_kind_only(void) {
    static const char *const all[] = {"HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "PS256",
                                      "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"};
    static const char *const fits[] = {" HS256 HS384 HS512 ",
                                       " RS256 RS384 RS512 PS256 PS384 PS512 ", " ES256 ",
                                       " ES512 ", " EdDSA "};
    begin();
    for (size_t i = 0; i < EGX_COUNT(vectors); i++) {
        struct auth_keys keys;
        CU_ASSERT_EQUAL_FATAL(
            auth_keys_parse(&keys, egx_fake_host(fake), egx_str_c(vectors[i].keys), 1, &why),
            EG_OK);
        for (size_t k = 0; k < EGX_COUNT(all); k++) {
            char word[16];
            size_t cursor = 0;
            (void)snprintf(word, sizeof word, " %s ", all[k]);
            const int is_found =
                auth_keys_next(&keys, egx_str_n(NULL, 0), auth_algorithm_find(egx_str_c(all[k])),
                               &cursor) != NULL;
            CU_ASSERT_EQUAL(is_found, strstr(fits[i], word) != NULL);
        }
        auth_keys_free(&keys);
    }
    CU_ASSERT_PTR_NULL(auth_algorithm_find(EGX_STR("none")));
    CU_ASSERT_PTR_NULL(auth_algorithm_find(EGX_STR("None")));
    CU_ASSERT_PTR_NULL(auth_algorithm_find(EGX_STR("hs256")));
    CU_ASSERT_PTR_NULL(auth_algorithm_find(EGX_STR("")));
    end();
}

static void key_sets_without_a_usable_key_are_refused(void) {
    static const char *const sets[] = {
        "",
        "{}",
        "[]",
        "{\"keys\":{}}",
        "{\"keys\":[]}",
        "{\"keys\":[1,null,\"x\"]}",
        "{\"keys\":[{\"kty\":\"RSA\",\"n\":\"AQAB\",\"e\":\"AQAB\"}]}", /* far too short */
        "{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"AA\",\"y\":\"AA\"}]}",
        /* not on the curve */
        "{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":"
        "\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRV"
        "EU\",\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a1\"}]}",
        "{\"keys\":[{\"kty\":\"OKP\",\"crv\":\"X25519\",\"x\":\"11qYAYKxCrfVS_"
        "7TyWQHOg7hcvPapiMlrwIaaPc"
        "HURo\"}]}",
        "{\"keys\":[{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"use\":\"enc\",\"x\":\"11qYAYKxCrfVS_"
        "7TyWQHOg"
        "7hcvPapiMlrwIaaPcHURo\"}]}",
        "{\"keys\":[{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"key_ops\":[\"sign\"],\"x\":"
        "\"11qYAYKxCrfVS_7"
        "TyWQHOg7hcvPapiMlrwIaaPcHURo\"}]}",
        "{\"keys\":[{\"kty\":\"oct\",\"k\":\"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T\"}]}",
        "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n",
        "-----BEGIN ",
    };
    begin();
    for (size_t i = 0; i < EGX_COUNT(sets); i++) {
        struct auth_keys keys;
        CU_ASSERT_TRUE(auth_keys_parse(&keys, egx_fake_host(fake), egx_str_c(sets[i]), 0, &why) <
                       0);
        CU_ASSERT_TRUE(why.len > 0);
    }
    end();
}

/* {"alg":"HS256"} and {} */
#define HEAD "eyJhbGciOiJIUzI1NiJ9"
#define NOTHING "e30"

static void tokens_of_another_form_are_refused(void) {
    static const char *const wrong[] = {
        "",
        ".",
        "..",
        "...",
        HEAD,
        HEAD "." NOTHING,
        HEAD "." NOTHING ".",
        "." NOTHING ".AA",
        HEAD "..AA",
        HEAD "." NOTHING ".AA.AA",
        HEAD "." NOTHING ".AA.AA.AA",
        HEAD "." NOTHING ".A",    /* no base64url has one letter */
        HEAD "." NOTHING ".AB",   /* bits that nobody reads */
        HEAD "." NOTHING ".AA==", /* padding */
        HEAD "." NOTHING ".A+AA",
        HEAD "." NOTHING ".A/AA",
        HEAD "." NOTHING ".AA\n",
        " " HEAD "." NOTHING ".AA",
        NOTHING "." NOTHING ".AA", /* no alg */
        "W10." NOTHING ".AA",      /* [] */
        HEAD ".W10.AA",
        HEAD ".bnVsbA.AA",                                       /* null */
        "eyJhbGciOjF9." NOTHING ".AA",                           /* {"alg":1} */
        "eyJhbGciOiJIUzI1NiIsImNyaXQiOltdfQ." NOTHING ".AA",     /* crit */
        "eyJhbGciOiJIUzI1NiIsImFsZyI6Im5vbmUifQ." NOTHING ".AA", /* alg twice */
        "eyJhbGciOiJIUzI1NiIsImtpZCI6MX0." NOTHING ".AA",        /* {"alg":"HS256","kid":1} */
        "eyJhbGciOiJIUzI1NiIsInR5cCI6MX0." NOTHING ".AA",        /* {"alg":"HS256","typ":1} */
        HEAD ".eyJzdWIiOiJhIiwic3ViIjoiYiJ9.AA",                 /* {"sub":"a","sub":"b"} */
        HEAD ".eyJzdWIiOiJhIiwic1x1MDA3NWIiOiJiIn0.AA",          /* {"sub":"a","s\u0075b":"b"} */
    };
    begin();
    for (size_t i = 0; i < EGX_COUNT(wrong); i++) {
        struct auth_jws jws;
        const char *reason = NULL;
        const int32_t rc = auth_jws_read(&jws, egx_fake_host(fake), egx_str_c(wrong[i]), &reason);
        if (rc != EG_E_SYNTAX) {
            printf("  taken: %s\n", wrong[i]);
        }
        CU_ASSERT_EQUAL(rc, EG_E_SYNTAX);
        CU_ASSERT_PTR_NOT_NULL(reason);
        auth_jws_free(&jws);
    }
    end();
}

static void huge_and_deep_tokens_are_refused_in_little_time(void) {
    char *token = malloc(2 * AUTH_TOKEN_MAX);
    struct auth_jws jws;
    const char *reason = NULL;
    CU_ASSERT_PTR_NOT_NULL_FATAL(token);
    begin();
    memset(token, '.', 2 * AUTH_TOKEN_MAX);
    CU_ASSERT_EQUAL(
        auth_jws_read(&jws, egx_fake_host(fake), egx_str_n(token, AUTH_TOKEN_MAX), &reason),
        EG_E_SYNTAX);
    auth_jws_free(&jws);
    memset(token, 'A', 2 * AUTH_TOKEN_MAX);
    token[4] = token[AUTH_TOKEN_MAX] = '.';
    CU_ASSERT_EQUAL(
        auth_jws_read(&jws, egx_fake_host(fake), egx_str_n(token, 2 * AUTH_TOKEN_MAX), &reason),
        EG_E_SYNTAX);
    auth_jws_free(&jws);
    memset(token, 'W', AUTH_TOKEN_MAX); /* "[[[..." has 'W1tb' over and over */
    for (size_t i = 0; i + 4 <= AUTH_TOKEN_MAX - 8; i += 4) {
        memcpy(token + i, "W1tb", 4);
    }
    memcpy(token + AUTH_TOKEN_MAX - 8, ".e30.AAA", 8);
    CU_ASSERT_EQUAL(
        auth_jws_read(&jws, egx_fake_host(fake), egx_str_n(token, AUTH_TOKEN_MAX), &reason),
        EG_E_SYNTAX);
    auth_jws_free(&jws);
    free(token);
    end();
}

static void a_token_is_taken_apart(void) {
    struct auth_jws jws;
    const char *reason = NULL;
    const struct eg_str token = EGX_STR("eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9." CLAIMS
                                        ".dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
    begin();
    CU_ASSERT_EQUAL_FATAL(auth_jws_read(&jws, egx_fake_host(fake), token, &reason), EG_OK);
    const struct eg_json_api *json = egx_fake_host(fake)->json;
    ASSERT_STR(jws.algorithm, "HS256");
    ASSERT_STR(jws.type, "JWT");
    ASSERT_STR(jws.key_id, "");
    ASSERT_STR(json->string(json->member(jws.claims, EGX_STR("iss"))), "joe");
    CU_ASSERT_EQUAL(json->integer(json->member(jws.claims, EGX_STR("exp"))), 1300819380);
    CU_ASSERT_EQUAL(jws.signature.len, 32);
    auth_jws_free(&jws);
    end();
}

UNIT_MAIN(UNIT(the_signatures_of_the_rfcs_are_right_and_nothing_near_them),
          UNIT(a_key_goes_with_algorithms_of_its_kind_only),
          UNIT(key_sets_without_a_usable_key_are_refused), UNIT(tokens_of_another_form_are_refused),
          UNIT(huge_and_deep_tokens_are_refused_in_little_time), UNIT(a_token_is_taken_apart))
