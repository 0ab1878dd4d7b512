/* Unit tests of service-account keys: what is refused, and that the signed request is one that
 * anybody with the public key can check. The key is made anew for each run. */
#include <eventgw-sdk/fake_host.h>
#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "provider_gcf.h"
#include "unit.h"

static struct egx_fake *fake;
static const struct eg_host *host;

/* The key in PEM as JSON writes it. */
static void add_pem(struct egx_json *json, EVP_PKEY *key, const char *passphrase) {
    char *text = NULL;
    BIO *bio = BIO_new(BIO_s_mem());
    CU_ASSERT_EQUAL_FATAL(PEM_write_bio_PKCS8PrivateKey(
                              bio, key, passphrase == NULL ? NULL : EVP_aes_128_cbc(), passphrase,
                              passphrase == NULL ? 0 : (int)strlen(passphrase), NULL, NULL),
                          1);
    const long len = BIO_get_mem_data(bio, &text);
    egx_json_string(json, egx_str_n(text, (size_t)len));
    (void)BIO_free(bio);
}

static struct egx_json key_json(EVP_PKEY *key, const char *passphrase) {
    struct egx_json json = egx_json_begin();
    egx_json_raw(&json, EGX_STR("{\"type\":\"service_account\",\"client_email\":\"a@b\","
                                "\"private_key_id\":\"id\\\"1\",\"private_key\":"));
    add_pem(&json, key, passphrase);
    egx_json_raw(&json, EGX_STR("}"));
    return json;
}

static int32_t read_key(EVP_PKEY *key, const char *passphrase, struct gcf_key *ret_key,
                        struct eg_why *ret_why) {
    struct egx_json json = key_json(key, passphrase);
    const int32_t rc = gcf_key_read(host, egx_json_text(&json), ret_key, ret_why);
    egx_json_free(&json);
    return rc;
}

static void begin(void) {
    fake = egx_fake_new();
    host = egx_fake_host(fake);
}
static void end(void) {
    CU_ASSERT_EQUAL(egx_fake_allocations(fake), 0);
    egx_fake_free(fake);
}

/* From the first byte to the n-th dot. */
static struct eg_str until_dot(struct eg_str text, size_t n) {
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '.' && --n == 0) {
            return egx_str_n(text.ptr, i);
        }
    }
    return egx_str_n(NULL, 0);
}

static void check_part(struct eg_str part, const char *expected) {
    char text[512];
    const size_t len = gcf_base64_decode(part, text);
    ASSERT_STR(egx_str_n(text, len), expected);
}

static void check_signature(EVP_PKEY *key, struct eg_str signed_text, struct eg_str part) {
    char signature[512];
    const size_t len = gcf_base64_decode(part, signature);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    CU_ASSERT_EQUAL(EVP_DigestVerifyInit(context, NULL, EVP_sha256(), NULL, key), 1);
    CU_ASSERT_EQUAL(EVP_DigestVerify(context, (const unsigned char *)signature, len,
                                     (const unsigned char *)signed_text.ptr, signed_text.len),
                    1);
    EVP_MD_CTX_free(context);
}

static void the_request_for_a_token_is_signed_and_says_who_and_for_what(void) {
    static const struct eg_str grant =
        EGX_STR_INIT("grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion=");
    EVP_PKEY *pair = EVP_RSA_gen(2048);
    struct gcf_key key;
    struct egx_json form;
    begin();
    CU_ASSERT_EQUAL_FATAL(read_key(pair, NULL, &key, NULL), EG_OK);
    ASSERT_STR(key.token_uri, "https://oauth2.googleapis.com/token");
    CU_ASSERT_EQUAL_FATAL(
        gcf_key_form(&key, key.token_uri, EGX_STR("https://f/\"x\""), 1000, &form, NULL), EG_OK);
    CU_ASSERT_TRUE_FATAL(egx_str_starts(egx_json_text(&form), grant));
    const struct eg_str jwt = egx_str_cut(egx_json_text(&form), grant.len);
    const struct eg_str header = until_dot(jwt, 1);
    const struct eg_str signed_text = until_dot(jwt, 2);
    check_part(header, "{\"alg\":\"RS256\",\"typ\":\"JWT\",\"kid\":\"id\\\"1\"}");
    check_part(egx_str_cut(signed_text, header.len + 1),
               "{\"iss\":\"a@b\",\"aud\":\"https://oauth2.googleapis.com/token\",\"iat\":1000,"
               "\"exp\":4600,\"target_audience\":\"https://f/\\\"x\\\"\"}");
    check_signature(pair, signed_text, egx_str_cut(jwt, signed_text.len + 1));
    egx_json_free(&form);
    gcf_key_free(host, &key);
    EVP_PKEY_free(pair);
    end();
}

static void keys_that_cannot_sign_are_refused_without_asking_the_terminal(void) {
    static const struct {
        const char *passphrase;
        const char *text;
    } rows[] = {{"secret", "private_key is no private key in PEM"},
                {NULL, "private_key is no RSA key of 2048 to 8192 bits"},
                {NULL, "private_key is no RSA key of 2048 to 8192 bits"}};
    EVP_PKEY *keys[] = {EVP_RSA_gen(2048), EVP_RSA_gen(1024), EVP_EC_gen("P-256")};
    begin();
    for (size_t i = 0; i < EGX_COUNT(rows); i++) {
        struct eg_why why = {.struct_size = sizeof why};
        struct gcf_key key;
        CU_ASSERT_EQUAL(read_key(keys[i], rows[i].passphrase, &key, &why), EG_E_INVAL);
        ASSERT_STR(egx_str_n(why.text, why.len), rows[i].text);
        EVP_PKEY_free(keys[i]);
    }
    end();
}

static void a_text_that_is_no_key_is_refused(void) {
    static const char *const bad[] = {"",
                                      "x",
                                      "[]",
                                      "null",
                                      "\"text\"",
                                      "{}",
                                      "{\"type\":7}",
                                      "{\"type\":\"service_account\"",
                                      "{\"type\":\"service_account\",\"client_email\":\"\"}"};
    begin();
    for (size_t i = 0; i < EGX_COUNT(bad); i++) {
        struct gcf_key key;
        CU_ASSERT_EQUAL(gcf_key_read(host, egx_str_c(bad[i]), &key, NULL), EG_E_INVAL);
    }
    end();
}

UNIT_MAIN(UNIT(the_request_for_a_token_is_signed_and_says_who_and_for_what),
          UNIT(keys_that_cannot_sign_are_refused_without_asking_the_terminal),
          UNIT(a_text_that_is_no_key_is_refused))
