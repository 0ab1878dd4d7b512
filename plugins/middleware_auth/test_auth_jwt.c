/* Tokens of issuers on their way through middleware_auth, without a gateway. Signed here, with
 * HS256 and Ed25519. */
#include <openssl/evp.h>
#include <openssl/ui.h>

#include <eventgw-sdk/fake_host.h>

#include "jws.h"
#include "unit.h"

/* The clock of the fake host stands at 1525176000. */
#define SECRET "0123456789abcdef0123456789abcdef"
#define ISSUER_OF(source, algorithm)                                                               \
    "\"issuers\":[{\"name\":\"main\",\"issuer\":\"https://"                                        \
    "id.example\",\"audiences\":[\"api\",\"b\"],"                                                  \
    "\"algorithms\":[\"" algorithm                                                                 \
    "\"],\"leeway\":30,\"claims\":[\"email\",\"roles\",\"n\",\"ok\","                              \
    "\"deep\"],\"cooldown\":10,\"refresh\":300,\"max_stale\":600," source "}]"
#define RULES_OF(issuer)                                                                           \
    "{" issuer ",\"rules\":[{\"path\":\"/\",\"issuers\":[\"main\"]},"                              \
    "{\"path\":\"/write\",\"issuers\":[\"main\"],\"scopes\":[\"write\",\"x:y\"]}]}"
#define SHARED RULES_OF(ISSUER_OF("\"secret\":\"" SECRET "\"", "HS256"))
#define REMOTE RULES_OF(ISSUER_OF("\"keys_url\":\"https://id.example/keys\"", "EdDSA"))

static struct egx_fake *fake;
static void *instance;
static void *slot;
static struct eg_exchange *request;
static struct egx_fake_op op;
static struct eg_why why;

static const struct eg_component *component(void) {
    return eg_plugin.components[0];
}

static int32_t make(const char *settings) {
    fake = egx_fake_new();
    instance = NULL;
    why = (struct eg_why){.struct_size = sizeof why};
    const int32_t rc = egx_fake_create(fake, component(), settings, &instance, &why);
    if (rc == EG_OK) {
        CU_ASSERT_EQUAL(egx_fake_start(fake, component(), instance), EG_OK);
        CU_ASSERT_EQUAL(component()->life->attach(instance, egx_fake_loop(fake), &slot), EG_OK);
    }
    return rc;
}
static void end(void) {
    if (instance != NULL) {
        component()->life->drain(instance);
        (void)egx_fake_run(fake);
        component()->life->detach(instance, slot);
        egx_fake_destroy(fake, component(), instance);
    }
    CU_ASSERT_EQUAL(egx_fake_allocations(fake), 0);
    egx_fake_free(fake);
}

/* ---- tokens ---- */

static void put64(char *out, const void *bytes, size_t len) {
    char *at = out + strlen(out);
    const int n = EVP_EncodeBlock((unsigned char *)at, bytes, (int)len);
    for (int i = 0; i < n; i++) {
        at[i] = (char)(at[i] == '+' ? '-' : at[i] == '/' ? '_' : at[i] == '=' ? '\0' : at[i]);
    }
}

/* The n-th key pair: a seed of that byte. */
static EVP_PKEY *pair(unsigned char n) {
    unsigned char seed[32];
    memset(seed, n, sizeof seed);
    return EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed, sizeof seed);
}

static size_t sign(const char *text, unsigned char key, unsigned char *signature) {
    size_t len = 64;
    if (key == 0) {
        (void)EVP_Q_mac(NULL, "HMAC", NULL, "SHA256", NULL, SECRET, strlen(SECRET),
                        (const unsigned char *)text, strlen(text), signature, 64, &len);
        return len;
    }
    EVP_PKEY *evp = pair(key);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    CU_ASSERT_EQUAL(EVP_DigestSignInit(context, NULL, NULL, NULL, evp), 1);
    CU_ASSERT_EQUAL(
        EVP_DigestSign(context, signature, &len, (const unsigned char *)text, strlen(text)), 1);
    EVP_MD_CTX_free(context);
    EVP_PKEY_free(evp);
    return len;
}

/* key 0 = the secret. The text is good until the next call. */
static const char *token_of(const char *header, const char *claims, unsigned char key) {
    static char token[8192];
    unsigned char signature[64];
    memset(token, 0, sizeof token);
    put64(token, header, strlen(header));
    token[strlen(token)] = '.';
    put64(token, claims, strlen(claims));
    const size_t len = sign(token, key, signature);
    token[strlen(token)] = '.';
    put64(token, signature, len);
    return token;
}

#define HS "{\"alg\":\"HS256\",\"typ\":\"JWT\"}"
#define ED(kid) "{\"alg\":\"EdDSA\",\"kid\":\"" kid "\"}"
#define PLAIN "\"iss\":\"https://id.example\",\"aud\":\"api\",\"sub\":\"alice\""
#define GOOD "{" PLAIN ",\"exp\":1525179600}"

static const char *key_set(unsigned char n, const char *kid) {
    static char text[512];
    char x[64] = "";
    unsigned char bytes[32];
    size_t len = sizeof bytes;
    EVP_PKEY *evp = pair(n);
    (void)EVP_PKEY_get_raw_public_key(evp, bytes, &len);
    EVP_PKEY_free(evp);
    put64(x, bytes, len);
    (void)snprintf(text, sizeof text,
                   "{\"keys\":[{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"kid\":\"%s\",\"x\":\"%s\"}]}",
                   kid, x);
    return text;
}

static int32_t ask(const char *path, const char *token) {
    const struct eg_middleware_ops *ops = component()->ops;
    char header[9000];
    (void)snprintf(header, sizeof header, "Bearer %s", token);
    request = egx_fake_exchange(fake, "GET", path);
    egx_fake_add_header(request, "Authorization", header);
    egx_fake_op_init(fake, &op);
    return ops->on_request(instance, slot, request, &op.pub);
}

static void assert_refused(const char *path, const char *token) {
    CU_ASSERT_EQUAL(ask(path, token), EG_STOP);
    CU_ASSERT_EQUAL(egx_fake_reply_status(request), 401);
    CU_ASSERT_STRING_EQUAL(egx_fake_reply_header(request, "www-authenticate"),
                           "Bearer realm=\"event-gateway\", error=\"invalid_token\"");
}

/* ---- what tokens say ---- */

static void a_good_token_names_the_principal_and_its_claims(void) {
    CU_ASSERT_EQUAL_FATAL(make(SHARED), EG_OK);
    CU_ASSERT_EQUAL(ask("/", token_of(HS, GOOD, 0)), EG_NEXT);
    CU_ASSERT_STRING_EQUAL(egx_fake_principal(request), "alice");
    const char *token =
        token_of(HS,
                 "{" PLAIN ",\"exp\":1525179600,\"email\":\"a\\\"@b\",\"roles\":[\"x\","
                 "\"y\"],\"n\":7,\"ok\":true,\"deep\":{\"a\":1},\"other\":\"z\"}",
                 0);
    for (int i = 0; i < 3; i++) { /* verified, and out of the cache */
        CU_ASSERT_EQUAL(ask("/", token), EG_NEXT);
        CU_ASSERT_STRING_EQUAL(egx_fake_principal(request), "alice");
        CU_ASSERT_STRING_EQUAL(
            egx_fake_principal_context(request),
            "{\"email\":\"a\\\"@b\",\"roles\":\"x y\",\"n\":\"7\",\"ok\":\"true\"}");
    }
    end();
}

static void a_token_is_good_until_it_expires_also_out_of_the_cache(void) {
    CU_ASSERT_EQUAL_FATAL(make(SHARED), EG_OK);
    const char *token = token_of(HS, "{" PLAIN ",\"exp\":1525176060}", 0);
    CU_ASSERT_EQUAL(ask("/", token), EG_NEXT);
    egx_fake_advance(fake, 89 * (uint64_t)1000000000); /* with the leeway of 30 */
    CU_ASSERT_EQUAL(ask("/", token), EG_NEXT);
    egx_fake_advance(fake, (uint64_t)1000000000);
    assert_refused("/", token);
    end();
}

static void what_its_issuer_does_not_promise_is_refused(void) {
    static const struct {
        const char *header;
        const char *claims;
    } rows[] = {
        {HS, "{\"iss\":\"https://id.example\",\"aud\":\"api\",\"exp\":1525179600}"}, /* no sub */
        {HS, "{\"iss\":\"https://id.example\",\"aud\":\"api\",\"sub\":1,\"exp\":1525179600}"},
        {HS, "{\"iss\":\"https://id.example\",\"aud\":\"api\",\"sub\":\"\",\"exp\":1525179600}"},
        {HS, "{\"iss\":\"https://id.example/\",\"aud\":\"api\",\"sub\":\"a\",\"exp\":1525179600}"},
        {HS, "{\"aud\":\"api\",\"sub\":\"a\",\"exp\":1525179600}"},
        {HS, "{\"iss\":[\"https://id.example\"],\"aud\":\"api\",\"sub\":\"a\",\"exp\":1525179600}"},
        {HS, "{\"iss\":\"https://id.example\",\"aud\":\"other\",\"sub\":\"a\",\"exp\":1525179600}"},
        {HS, "{\"iss\":\"https://id.example\",\"aud\":[\"c\",1],\"sub\":\"a\",\"exp\":1525179600}"},
        {HS,
         "{\"iss\":\"https://id.example\",\"aud\":{\"api\":1},\"sub\":\"a\",\"exp\":1525179600}"},
        {HS, "{\"iss\":\"https://id.example\",\"sub\":\"a\",\"exp\":1525179600}"},
        {HS, "{" PLAIN "}"},                        /* no exp */
        {HS, "{" PLAIN ",\"exp\":\"1525179600\"}"}, /* a text */
        {HS, "{" PLAIN ",\"exp\":null}"},
        {HS, "{" PLAIN ",\"exp\":-1}"},
        {HS, "{" PLAIN ",\"exp\":1e300}"},
        {HS, "{" PLAIN ",\"exp\":9223372036854775807}"},
        {HS, "{" PLAIN ",\"exp\":1525175970}"}, /* now, with the leeway */
        {HS, "{" PLAIN ",\"exp\":1525179600,\"nbf\":1525176031}"},
        {HS, "{" PLAIN ",\"exp\":1525179600,\"nbf\":\"0\"}"},
        {HS, "{" PLAIN ",\"exp\":1525179600,\"iat\":1525176031}"},
        {HS, "{" PLAIN ",\"exp\":1525179600,\"exp\":1525179601}"}, /* twice */
        {"{\"alg\":\"HS256\",\"typ\":\"logout+jwt\"}", GOOD},
        {"{\"alg\":\"HS256\",\"crit\":[\"exp\"],\"exp\":1}", GOOD},
        {"{\"alg\":\"HS384\"}", GOOD},
        {"{\"alg\":\"none\"}", GOOD},
        {"{\"alg\":\"nOnE\"}", GOOD},
        {"{\"alg\":\"EdDSA\"}", GOOD},
        {"{\"alg\":\"HS256\",\"b64\":false,\"crit\":[\"b64\"]}", GOOD},
    };
    CU_ASSERT_EQUAL_FATAL(make(SHARED), EG_OK);
    for (size_t i = 0; i < EGX_COUNT(rows); i++) {
        assert_refused("/", token_of(rows[i].header, rows[i].claims, 0));
    }
    assert_refused("/", token_of(HS, GOOD, 1)); /* another key */
    assert_refused("/", "a.b.c");
    CU_ASSERT_EQUAL(egx_fake_request_count(fake), 0);
    end();
}

static void what_is_unusual_and_allowed_is_taken(void) {
    static const struct {
        const char *header;
        const char *claims;
    } rows[] = {
        {"{\"alg\":\"HS256\"}", GOOD},
        {"{\"alg\":\"HS256\",\"typ\":\"application/at+JWT\"}", GOOD},
        {"{\"alg\":\"HS256\",\"kid\":\"whatever\",\"jwk\":{},\"jku\":\"http://evil\"}", GOOD},
        {HS, "{" PLAIN ",\"exp\":1525179600.5,\"nbf\":1525176000.25,\"iat\":0}"},
        {HS, "{" PLAIN ",\"exp\":1525175971}"},
        {HS,
         "{\"iss\":\"https://id.example\",\"aud\":[\"x\",\"b\"],\"sub\":\"a\",\"exp\":1525179600}"},
        {HS, "{" PLAIN ",\"exp\":253402300799}"}, /* the year 9999 */
    };
    CU_ASSERT_EQUAL_FATAL(make(SHARED), EG_OK);
    for (size_t i = 0; i < EGX_COUNT(rows); i++) {
        CU_ASSERT_EQUAL(ask("/", token_of(rows[i].header, rows[i].claims, 0)), EG_NEXT);
    }
    end();
}

static void scopes_have_to_be_there(void) {
    static const struct {
        const char *more;
        int32_t verdict;
    } rows[] = {
        {"\"scope\":\"a write x:y b\"", EG_NEXT},
        {"\"scp\":[\"x:y\",\"write\"]", EG_NEXT},
        {"\"scp\":\"write x:y\"", EG_NEXT},
        {"\"scope\":\"write\"", EG_STOP},
        {"\"scope\":\"writer x:y\"", EG_STOP},
        {"\"scope\":{\"write\":1}", EG_STOP},
        {"\"scope\":\"\",\"scp\":[\"write\",\"x:y\"]", EG_STOP},
        {"\"other\":1", EG_STOP},
    };
    CU_ASSERT_EQUAL_FATAL(make(SHARED), EG_OK);
    for (size_t i = 0; i < EGX_COUNT(rows); i++) {
        char claims[512];
        (void)snprintf(claims, sizeof claims, "{" PLAIN ",\"exp\":1525179600,%s}", rows[i].more);
        const char *token = token_of(HS, claims, 0);
        CU_ASSERT_EQUAL(ask("/", token), EG_NEXT);
        for (int k = 0; k < 2; k++) {
            CU_ASSERT_EQUAL(ask("/write/x", token), rows[i].verdict);
            if (rows[i].verdict == EG_STOP) {
                CU_ASSERT_EQUAL(egx_fake_reply_status(request), 403);
                CU_ASSERT_STRING_EQUAL(egx_fake_reply_header(request, "www-authenticate"),
                                       "Bearer realm=\"event-gateway\", "
                                       "error=\"insufficient_scope\", scope=\"write x:y\"");
            }
        }
    }
    end();
}

static void required_claims_have_to_be_there(void) {
    static const struct {
        const char *more;
        int32_t verdict;
    } rows[] = {
        {"\"tenant\":\"t\",\"groups\":[\"dev\",\"ops\"],\"verified\":true", EG_NEXT},
        {"\"tenant\":7,\"groups\":\"admin\",\"verified\":true", EG_NEXT},
        {"\"tenant\":null,\"groups\":[\"ops\"],\"verified\":true", EG_STOP},
        {"\"groups\":[\"ops\"],\"verified\":true", EG_STOP},
        {"\"tenant\":\"t\",\"groups\":[\"dev\"],\"verified\":true", EG_STOP},
        {"\"tenant\":\"t\",\"groups\":[\"ops\"],\"verified\":\"true\"", EG_STOP},
        {"\"tenant\":\"t\",\"groups\":[\"ops\"],\"verified\":1", EG_STOP},
    };
    CU_ASSERT_EQUAL_FATAL(
        make(RULES_OF(ISSUER_OF("\"secret\":\"" SECRET "\",\"max_lifetime\":7200,\"require\":["
                                "{\"claim\":\"tenant\"},{\"claim\":\"groups\",\"value\":[\"ops\","
                                "\"admin\"]},{\"claim\":\"verified\",\"value\":true}]",
                                "HS256"))),
        EG_OK);
    for (size_t i = 0; i < EGX_COUNT(rows); i++) {
        char claims[512];
        (void)snprintf(claims, sizeof claims, "{" PLAIN ",\"exp\":1525179600,%s}", rows[i].more);
        CU_ASSERT_EQUAL(ask("/", token_of(HS, claims, 0)), rows[i].verdict);
        (void)snprintf(claims, sizeof claims, "{" PLAIN ",\"exp\":1525183231,%s}", rows[i].more);
        assert_refused("/", token_of(HS, claims, 0)); /* max_lifetime */
    }
    end();
}

/* ---- keys of a server ---- */

static void the_first_tokens_wait_for_the_keys(void) {
    CU_ASSERT_EQUAL_FATAL(make(REMOTE), EG_OK);
    CU_ASSERT_EQUAL_FATAL(egx_fake_request_count(fake), 1); /* as soon as the loop is there */
    CU_ASSERT_STRING_EQUAL(egx_fake_sent(fake, 0)->url, "https://id.example/keys");
    CU_ASSERT_EQUAL(ask("/", token_of(ED("k1"), GOOD, 1)), EG_PENDING);
    struct eg_exchange *first = request;
    egx_fake_answer(fake, 200, "", key_set(1, "k1"));
    (void)egx_fake_run(fake);
    CU_ASSERT_EQUAL(op.done_count, 1);
    CU_ASSERT_EQUAL(op.result.verdict, EG_NEXT);
    CU_ASSERT_STRING_EQUAL(egx_fake_principal(first), "alice");
    CU_ASSERT_EQUAL(ask("/", token_of(ED("k1"), GOOD, 1)), EG_NEXT);
    assert_refused("/", token_of("{\"alg\":\"EdDSA\",\"kid\":\"k1\",\"x\":1}", GOOD, 2));
    CU_ASSERT_EQUAL(egx_fake_request_count(fake), 1);
    end();
}

/* RFC 1421 4.6.1: a header of PEM; what follows is anything. */
#define ENCRYPTED                                                                                  \
    "Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,D75C97FE993BC85DDE04DE0909F61015\n\n"           \
    "MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n"
static int asked;
static int on_question(UI *ui) {
    (void)ui;
    asked++;
    return 0;
}

/* OpenSSL asks for a passphrase on the terminal, and whoever answers for the keys would stop the
 * loop with that. */
static void encrypted_pem_asks_nobody_for_a_passphrase(void) {
    static const char *const bodies[] = {
        "-----BEGIN PUBLIC KEY-----\n" ENCRYPTED "-----END PUBLIC KEY-----\n",
        "-----BEGIN CERTIFICATE-----\n" ENCRYPTED "-----END CERTIFICATE-----\n",
        "-----BEGIN RSA PRIVATE KEY-----\n" ENCRYPTED "-----END RSA PRIVATE KEY-----\n"};
    UI_METHOD *method = UI_create_method("test");
    (void)UI_method_set_opener(method, on_question);
    UI_set_default_method(method);
    CU_ASSERT_EQUAL_FATAL(make(REMOTE), EG_OK);
    for (size_t i = 0; i < EGX_COUNT(bodies); i++) {
        egx_fake_answer(fake, 200, "", bodies[i]);
        (void)egx_fake_run(fake);
        CU_ASSERT_EQUAL(egx_fake_metric(fake, "auth_key_fetches_total", "outcome=failed"),
                        (int64_t)i + 1);
        egx_fake_advance(fake, 10 * (uint64_t)1000000000);
        (void)ask("/", token_of(ED("k1"), GOOD, 1)); /* begins the next fetch */
    }
    CU_ASSERT_EQUAL(asked, 0);
    UI_set_default_method(NULL);
    UI_destroy_method(method);
    end();
}

static void an_unknown_kid_fetches_the_keys_again_at_most_every_cooldown(void) {
    CU_ASSERT_EQUAL_FATAL(make(REMOTE), EG_OK);
    egx_fake_answer(fake, 200, "", key_set(1, "k1"));
    (void)egx_fake_run(fake);
    for (int i = 0; i < 5; i++) { /* just fetched */
        assert_refused("/", token_of(ED("k2"), GOOD, 2));
    }
    CU_ASSERT_EQUAL(egx_fake_request_count(fake), 1);
    CU_ASSERT_EQUAL(ask("/", token_of(ED("k1"), GOOD, 1)), EG_NEXT);
    egx_fake_advance(fake, 10 * (uint64_t)1000000000);
    CU_ASSERT_EQUAL(ask("/", token_of(ED("k2"), GOOD, 2)), EG_PENDING);
    CU_ASSERT_EQUAL(egx_fake_request_count(fake), 2);
    egx_fake_answer(fake, 200, "", key_set(2, "k2"));
    (void)egx_fake_run(fake);
    CU_ASSERT_EQUAL(op.result.verdict, EG_NEXT);
    /* The old key is gone, and with it what the cache knew of it. */
    assert_refused("/", token_of(ED("k1"), GOOD, 1));
    CU_ASSERT_EQUAL(egx_fake_request_count(fake), 2);
    end();
}

static void old_keys_are_good_for_a_while_when_the_server_is_away(void) {
    CU_ASSERT_EQUAL_FATAL(make(REMOTE), EG_OK);
    egx_fake_answer(fake, 200, "", key_set(1, "k1"));
    (void)egx_fake_run(fake);
    const char *good = "{" PLAIN ",\"exp\":1525189600}";
    CU_ASSERT_EQUAL(ask("/", token_of(ED("k1"), good, 1)), EG_NEXT);
    egx_fake_advance(fake, 301 * (uint64_t)1000000000);
    CU_ASSERT_EQUAL(ask("/", token_of(ED("k1"), good, 1)), EG_NEXT); /* and fetches behind */
    CU_ASSERT_EQUAL(egx_fake_request_count(fake), 2);
    egx_fake_answer_error(fake, EG_E_IO, "no route");
    (void)egx_fake_run(fake);
    CU_ASSERT_TRUE(egx_fake_logged(fake, "no route"));
    CU_ASSERT_EQUAL(ask("/", token_of(ED("k1"), good, 1)), EG_NEXT);
    CU_ASSERT_EQUAL(egx_fake_request_count(fake), 2); /* cooldown */
    egx_fake_advance(fake, 20 * (uint64_t)1000000000);
    CU_ASSERT_EQUAL(ask("/", token_of(ED("k1"), good, 1)), EG_NEXT);
    CU_ASSERT_EQUAL(egx_fake_request_count(fake), 3);
    egx_fake_answer(fake, 200, "", "<html>"); /* no better than none */
    (void)egx_fake_run(fake);
    CU_ASSERT_EQUAL(ask("/", token_of(ED("k1"), good, 1)), EG_NEXT);
    egx_fake_advance(fake, 600 * (uint64_t)1000000000); /* max_stale is over */
    CU_ASSERT_EQUAL(ask("/", token_of(ED("k1"), good, 1)), EG_PENDING);
    egx_fake_answer(fake, 500, "", "");
    (void)egx_fake_run(fake);
    CU_ASSERT_EQUAL(op.result.verdict, EG_STOP);
    CU_ASSERT_EQUAL(egx_fake_reply_status(request), 503);
    CU_ASSERT_STRING_EQUAL(egx_fake_reply_header(request, "retry-after"), "1");
    CU_ASSERT_EQUAL(egx_fake_metric(fake, "auth_key_fetches_total", "outcome=failed"), 3);
    end();
}

static void keys_that_never_came_are_503_and_tried_again(void) {
    CU_ASSERT_EQUAL_FATAL(make(REMOTE), EG_OK);
    CU_ASSERT_EQUAL(ask("/", token_of(ED("k1"), GOOD, 1)), EG_PENDING);
    egx_fake_answer_error(fake, EG_E_TIMEOUT, "slow");
    (void)egx_fake_run(fake);
    CU_ASSERT_EQUAL(op.result.verdict, EG_STOP);
    CU_ASSERT_EQUAL(egx_fake_reply_status(request), 503);
    CU_ASSERT_EQUAL(ask("/", token_of(ED("k1"), GOOD, 1)), EG_STOP);
    CU_ASSERT_EQUAL(egx_fake_reply_status(request), 503);
    egx_fake_advance(fake, (uint64_t)1000000000);
    CU_ASSERT_EQUAL(ask("/", token_of(ED("k1"), GOOD, 1)), EG_PENDING);
    egx_fake_answer(fake, 200, "", key_set(1, "k1"));
    (void)egx_fake_run(fake);
    CU_ASSERT_EQUAL(op.result.verdict, EG_NEXT);
    end();
}

static void who_does_not_wait_any_more_is_not_answered(void) {
    const struct eg_middleware_ops *ops = component()->ops;
    CU_ASSERT_EQUAL_FATAL(make(REMOTE), EG_OK);
    CU_ASSERT_EQUAL(ask("/", token_of(ED("k1"), GOOD, 1)), EG_PENDING);
    ops->cancel(instance, slot, &op.pub);
    CU_ASSERT_EQUAL(op.done_count, 1);
    CU_ASSERT_EQUAL(op.status, EG_E_CANCELED);
    egx_fake_answer(fake, 200, "", key_set(1, "k1"));
    (void)egx_fake_run(fake);
    CU_ASSERT_EQUAL(op.done_count, 1);
    CU_ASSERT_EQUAL(egx_fake_reply_status(request), 0);
    end();
}

/* Secrets that a server hands out would be no secrets. */
static void a_server_cannot_bring_in_secrets(void) {
    char set[256];
    char k[64] = "";
    put64(k, SECRET, strlen(SECRET));
    (void)snprintf(set, sizeof set, "{\"keys\":[{\"kty\":\"oct\",\"kid\":\"k1\",\"k\":\"%s\"}]}",
                   k);
    CU_ASSERT_EQUAL_FATAL(make(REMOTE), EG_OK);
    egx_fake_answer(fake, 200, "", set);
    (void)egx_fake_run(fake);
    assert_refused("/", token_of("{\"alg\":\"HS256\",\"kid\":\"k1\"}", GOOD, 0));
    end();
}

static void a_file_of_keys_is_read_again_when_it_changed(void) {
    char path[] = "/tmp/eventgw-keys-XXXXXX";
    char settings[2048];
    const int fd = mkstemp(path);
    FILE *file = fdopen(fd, "w");
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    (void)fputs(key_set(1, "k1"), file);
    (void)fclose(file);
    (void)snprintf(
        settings, sizeof settings,
        RULES_OF("\"issuers\":[{\"name\":\"main\",\"issuer\":\"https://id.example\","
                 "\"audiences\":[\"api\"],\"algorithms\":[\"EdDSA\"],\"keys_file\":\"%s\"}]"),
        path);
    CU_ASSERT_EQUAL_FATAL(make(settings), EG_OK);
    (void)egx_fake_run(fake);
    CU_ASSERT_EQUAL(ask("/", token_of(ED("k1"), GOOD, 1)), EG_NEXT);
    file = fopen(path, "w");
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    (void)fputs(key_set(2, "k2"), file);
    (void)fclose(file);
    egx_fake_advance(fake, 11 * (uint64_t)1000000000);
    CU_ASSERT_EQUAL(ask("/", token_of(ED("k2"), GOOD, 2)), EG_PENDING);
    (void)egx_fake_run(fake);
    CU_ASSERT_EQUAL(op.result.verdict, EG_NEXT);
    assert_refused("/", token_of(ED("k1"), GOOD, 1));
    end();
    (void)remove(path);
    fake = egx_fake_new();
    instance = NULL;
    CU_ASSERT_EQUAL_FATAL(egx_fake_create(fake, component(), settings, &instance, &why), EG_OK);
    CU_ASSERT_TRUE(egx_fake_start(fake, component(), instance) < 0); /* it is not there */
    egx_fake_destroy(fake, component(), instance);
    egx_fake_free(fake);
}

/* long because of its rows */
static void mistakes_in_issuers_are_refused_with_a_sentence(void) {
#define ISSUER(more)                                                                               \
    "{\"rules\":[{\"path\":\"/"                                                                    \
    "\",\"public\":true}],\"issuers\":[{\"name\":\"a\",\"issuer\":\"i\"," more "}]}"
/* RFC 8037 A.2, in PEM. */
#define ED_PEM                                                                                     \
    "-----BEGIN PUBLIC KEY-----\\n"                                                                \
    "MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\\n-----END PUBLIC KEY-----\\n"
#define VALUE_TEXT                                                                                 \
    "'require': 'value' has to be a text, a whole number, true, false, or a list of such"
#define AUD "\"audiences\":[\"x\"],"
    static const struct {
        const char *settings;
        const char *sentence;
    } rows[] = {
        {ISSUER("\"secret\":\"" SECRET "\",\"algorithms\":[\"HS256\"]"),
         "issuer 1: 'audiences' has to name whom tokens are made for"},
        {ISSUER(AUD "\"secret\":\"" SECRET "\",\"algorithms\":[\"HS256\"],"
                    "\"require\":[{\"claim\":\"a\",\"value\":1.5}]"),
         "issuer 1: " VALUE_TEXT},
        {ISSUER(AUD "\"secret\":\"" SECRET "\",\"algorithms\":[\"HS256\"],"
                    "\"require\":[{\"claim\":\"a\",\"value\":[]}]"),
         "issuer 1: " VALUE_TEXT},
        {ISSUER(AUD "\"secret\":\"" SECRET "\",\"algorithms\":[\"HS256\"],"
                    "\"require\":[{\"claim\":\"a\",\"value\":[\"x\",[\"y\"]]}]"),
         "issuer 1: " VALUE_TEXT},
        {ISSUER(AUD "\"algorithms\":[\"HS256\"]"),
         "issuer 1: it needs one of 'keys_url', 'keys_file', 'public_key' and 'secret'"},
        {ISSUER(AUD "\"secret\":\"short\",\"algorithms\":[\"HS256\"]"),
         "issuer 1: 'secret': a secret has to have 32 to 4096 bytes"},
        {ISSUER(AUD "\"secret\":\"" SECRET "\""),
         "issuer 1: 'algorithms' has to name what tokens are signed with"},
        {ISSUER(AUD "\"secret\":\"" SECRET "\",\"algorithms\":[\"none\"]"),
         "issuer 1: 'algorithms': 'none' is none of HS256, HS384, HS512, RS256, RS384, RS512, "
         "PS256, PS384, PS512, ES256, ES384, ES512, EdDSA"},
        {ISSUER(AUD "\"secret\":\"" SECRET "\",\"algorithms\":[\"HS256\",\"HS512\"]"),
         "issuer 1: 'secret': it is no key for HS512"},
        {ISSUER(AUD "\"public_key\":\"" ED_PEM "\",\"algorithms\":[\"ES256\"]"),
         "issuer 1: 'public_key': it is no key for ES256"},
        {ISSUER(AUD "\"secret\":\"" SECRET "\",\"algorithms\":[\"HS256\"],\"ca_file\":\"x\""),
         "issuer 1: 'ca_file' and 'allow_http' go with 'keys_url' only"},
        {ISSUER(AUD "\"secret\":\"" SECRET "\",\"algorithms\":[\"HS256\"],\"allow_http\":true"),
         "issuer 1: 'ca_file' and 'allow_http' go with 'keys_url' only"},
        {ISSUER(AUD "\"secret\":\"" SECRET "\",\"algorithms\":[\"RS256\"]"),
         "issuer 1: 'secret' goes with HS256, HS384 and HS512 only"},
        {ISSUER(AUD "\"keys_url\":\"https://a/\",\"algorithms\":[\"RS256\",\"HS256\"]"),
         "issuer 1: 'algorithms' mixes secrets (HS...) with public keys"},
        {ISSUER(AUD "\"keys_url\":\"https://a/\",\"algorithms\":[\"HS256\"]"),
         "issuer 1: HS256, HS384 and HS512 need 'secret', or a 'keys_file' with keys of type oct"},
        {ISSUER(AUD "\"keys_url\":\"http://a/\",\"algorithms\":[\"RS256\"]"),
         "issuer 1: 'keys_url' has to be an https url (or set 'allow_http': whoever can change the "
         "answer can issue tokens)"},
        {ISSUER(AUD "\"public_key\":\"x\",\"algorithms\":[\"RS256\"]"),
         "issuer 1: 'public_key': it is neither JSON nor PEM"},
        {ISSUER(AUD "\"secret\":\"" SECRET "\",\"algorithms\":[\"HS256\"],\"leeway\":\"1m\""),
         "issuer 1: 'leeway' has to be a number from 0 to 600"},
        {ISSUER(AUD "\"secret\":\"" SECRET "\",\"algorithms\":[\"HS256\"],\"issuers\":1"),
         "issuer 1: unknown key 'issuers'"},
    };
    for (size_t i = 0; i < EGX_COUNT(rows); i++) {
        CU_ASSERT_TRUE(make(rows[i].settings) < 0);
        ASSERT_STR(((struct eg_str){why.text, why.len}), rows[i].sentence);
        end();
    }
}

UNIT_MAIN(UNIT(a_good_token_names_the_principal_and_its_claims),
          UNIT(a_token_is_good_until_it_expires_also_out_of_the_cache),
          UNIT(what_its_issuer_does_not_promise_is_refused),
          UNIT(what_is_unusual_and_allowed_is_taken), UNIT(scopes_have_to_be_there),
          UNIT(required_claims_have_to_be_there), UNIT(the_first_tokens_wait_for_the_keys),
          UNIT(encrypted_pem_asks_nobody_for_a_passphrase),
          UNIT(an_unknown_kid_fetches_the_keys_again_at_most_every_cooldown),
          UNIT(old_keys_are_good_for_a_while_when_the_server_is_away),
          UNIT(keys_that_never_came_are_503_and_tried_again),
          UNIT(who_does_not_wait_any_more_is_not_answered), UNIT(a_server_cannot_bring_in_secrets),
          UNIT(a_file_of_keys_is_read_again_when_it_changed),
          UNIT(mistakes_in_issuers_are_refused_with_a_sentence))
