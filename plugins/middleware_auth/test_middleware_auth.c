/* middleware_auth without a gateway. */
#include <eventgw-sdk/egx.h>
#include <eventgw-sdk/egx_path.h>
#include <eventgw-sdk/fake_host.h>

#include "unit.h"

#define RULES                                                                                      \
    "{\"rules\":["                                                                                 \
    "{\"path\":\"/admin\",\"api_keys\":[\"k-all\",{\"name\":\"alice\",\"key\":\"k-alice\"}],"      \
    "\"tokens\":[{\"name\":\"bob\",\"token\":\"t-bob\"}]},"                                        \
    "{\"path\":\"/admin\",\"methods\":[\"post\"],\"api_keys\":[\"k-post\"]},"                      \
    "{\"path\":\"/admin/public/\",\"public\":true}]}"

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
        CU_ASSERT_EQUAL(component()->life->attach(instance, egx_fake_loop(fake), &slot), EG_OK);
    }
    return rc;
}
static void end(void) {
    if (instance != NULL) {
        component()->life->detach(instance, slot);
        egx_fake_destroy(fake, component(), instance);
    }
    CU_ASSERT_EQUAL(egx_fake_allocations(fake), 0);
    egx_fake_free(fake);
}

/* One request with up to one credential header; the verdict. */
static int32_t ask(const char *method, const char *path, const char *header, const char *value) {
    const struct eg_middleware_ops *ops = component()->ops;
    request = egx_fake_exchange(fake, method, path);
    if (header != NULL) {
        egx_fake_add_header(request, header, value);
    }
    egx_fake_op_init(fake, &op);
    const int32_t verdict = ops->on_request(instance, slot, request, &op.pub);
    CU_ASSERT_EQUAL(op.done_count, 0);
    return verdict;
}
#define ASSERT_OPEN(...) CU_ASSERT_EQUAL(ask(__VA_ARGS__), EG_NEXT)
#define ASSERT_SHUT(status, ...)                                                                   \
    do {                                                                                           \
        CU_ASSERT_EQUAL(ask(__VA_ARGS__), EG_STOP);                                                \
        CU_ASSERT_EQUAL(egx_fake_reply_status(request), (status));                                 \
    } while (0)

static void a_path_without_a_rule_is_open(void) {
    CU_ASSERT_EQUAL_FATAL(make(RULES), EG_OK);
    ASSERT_OPEN("GET", "/", NULL, NULL);
    ASSERT_OPEN("GET", "/administrator", NULL, NULL); /* borders of segments */
    ASSERT_OPEN("GET", "/x/admin", NULL, NULL);
    end();
}

static void nothing_given_is_401_with_a_challenge(void) {
    CU_ASSERT_EQUAL_FATAL(make(RULES), EG_OK);
    ASSERT_SHUT(401, "GET", "/admin", NULL, NULL);
    CU_ASSERT_STRING_EQUAL(egx_fake_reply_header(request, "www-authenticate"),
                           "Bearer realm=\"event-gateway\"");
    CU_ASSERT_STRING_EQUAL(egx_fake_reply_body(request),
                           "{\"errors\":[{\"message\":\"Authentication required.\"}]}\n");
    ASSERT_SHUT(401, "GET", "/admin/x", "Authorization", "Basic YTpi");
    ASSERT_SHUT(401, "GET", "/admin/x", "Authorization", "Bearer ");
    ASSERT_SHUT(401, "GET", "/admin/x", "x-api-key", "");
    end();
}

static void a_wrong_credential_is_403(void) {
    CU_ASSERT_EQUAL_FATAL(make(RULES), EG_OK);
    ASSERT_SHUT(403, "GET", "/admin", "x-api-key", "k-al");
    ASSERT_SHUT(403, "GET", "/admin", "x-api-key", "k-alll");
    ASSERT_SHUT(403, "GET", "/admin", "x-api-key", "t-bob"); /* a token is no key */
    ASSERT_SHUT(403, "GET", "/admin", "Authorization", "Bearer k-all");
    CU_ASSERT_PTR_NULL(egx_fake_reply_header(request, "www-authenticate"));
    CU_ASSERT_STRING_EQUAL(egx_fake_reply_body(request),
                           "{\"errors\":[{\"message\":\"Access denied.\"}]}\n");
    end();
}

static void a_key_or_a_token_opens_and_names_its_consumer(void) {
    CU_ASSERT_EQUAL_FATAL(make(RULES), EG_OK);
    ASSERT_OPEN("GET", "/admin", "X-Api-Key", "k-all");
    CU_ASSERT_PTR_NULL(egx_fake_principal(request));
    ASSERT_OPEN("GET", "/admin/a/b", "x-api-key", "k-alice");
    CU_ASSERT_STRING_EQUAL(egx_fake_principal(request), "alice");
    ASSERT_OPEN("GET", "/admin", "authorization", "bearer  t-bob");
    CU_ASSERT_STRING_EQUAL(egx_fake_principal(request), "bob");
    end();
}

static void a_rule_that_names_the_method_comes_before_one_that_does_not(void) {
    CU_ASSERT_EQUAL_FATAL(make(RULES), EG_OK);
    ASSERT_OPEN("POST", "/admin", "x-api-key", "k-post");
    ASSERT_SHUT(403, "POST", "/admin", "x-api-key", "k-all");
    ASSERT_SHUT(403, "GET", "/admin", "x-api-key", "k-post");
    end();
}

static void the_longest_path_wins(void) {
    CU_ASSERT_EQUAL_FATAL(make(RULES), EG_OK);
    ASSERT_OPEN("GET", "/admin/public", NULL, NULL);
    ASSERT_OPEN("POST", "/admin/public/a", NULL, NULL);
    ASSERT_SHUT(401, "GET", "/admin/publicly", NULL, NULL);
    end();
}

static void escapes_do_not_open_a_door(void) {
    CU_ASSERT_EQUAL_FATAL(make(RULES), EG_OK);
    ASSERT_SHUT(401, "GET", "/%61dmin", NULL, NULL);
    ASSERT_SHUT(401, "GET", "/%61d%6Din/x", NULL, NULL);
    ASSERT_OPEN("GET", "/admin%2", NULL, NULL); /* half an escape never gets here; no overread */
    end();
}

/* Functions behind a wildcard get paths decoded and may resolve them. */
static void a_path_whose_readings_have_different_rules_is_refused(void) {
    static const char *const paths[] = {"/admin%2Fx",       "/admin%2fpublic", "/admin/public%2Fx",
                                        "//admin",          "/x/../admin",     "/./admin",
                                        "/%2e/admin",       "/x/%2E%2e/admin", "/x%2f..%2fadmin/x",
                                        "/admin/public/..", "/admin/./public", "/x/..//admin",
                                        "/x\\..\\admin",    "//host/admin",    "/x/..;/admin",
                                        "/%2561dmin",       "/%%361dmin",      "/admin;x=1"};
    CU_ASSERT_EQUAL_FATAL(make(RULES), EG_OK);
    for (size_t i = 0; i < EGX_COUNT(paths); i++) {
        ASSERT_SHUT(400, "GET", paths[i], "x-api-key", "k-all");
    }
    CU_ASSERT_STRING_EQUAL(
        egx_fake_reply_body(request),
        "{\"errors\":[{\"message\":\"This path can be read in several ways: write "
        "it without //, ., .., ;, backslashes, %2F and %25.\"}]}\n");
    CU_ASSERT_EQUAL(egx_fake_metric(fake, "auth_refused_total", "reason=path"), 18);
    ASSERT_SHUT(401, "GET", "/admin/a//b%2Fc/./d", NULL, NULL); /* one rule in all of them */
    ASSERT_OPEN("GET", "/admin/a//b%2Fc/./d", "x-api-key", "k-all");
    ASSERT_OPEN("GET", "/x//y", NULL, NULL);
    ASSERT_OPEN("GET", "/x;y=1/%255Cz", NULL, NULL);
    ASSERT_OPEN("GET", "/admin/a;b=1", "x-api-key", "k-all");
    end();
}

/* The escape makes the shorter path the longer text. */
static void a_path_is_as_long_as_it_is_without_escapes(void) {
    CU_ASSERT_EQUAL_FATAL(make("{\"rules\":[{\"path\":\"/%61%62\",\"public\":true},"
                               "{\"path\":\"/ab/cd\",\"api_keys\":[\"k\"]}]}"),
                          EG_OK);
    ASSERT_OPEN("GET", "/ab/x", NULL, NULL);
    ASSERT_SHUT(401, "GET", "/ab/cd", NULL, NULL);
    end();
}

static void a_rule_for_the_root_covers_everything(void) {
    CU_ASSERT_EQUAL_FATAL(make("{\"rules\":[{\"path\":\"/\",\"api_keys\":[\"k\"]}]}"), EG_OK);
    ASSERT_SHUT(401, "GET", "/", NULL, NULL);
    ASSERT_SHUT(401, "GET", "/a/b", NULL, NULL);
    ASSERT_OPEN("GET", "/a", "x-api-key", "k");
    end();
}

#define PATH_TEXT EGX_PATH_RULE_TOLD

static void mistakes_in_rules_are_refused_with_a_sentence(void) {
    static const struct {
        const char *settings;
        const char *sentence;
    } rows[] = {
        {"{\"rules\":{}}", "'rules' has to be a list of groups"},
        {"{\"rules\":[1]}", "rule 1: it has to be a group"},
        {"{\"rules\":[{\"path\":\"/\",\"api_key\":[\"k\"]}]}", "rule 1: unknown key 'api_key'"},
        {"{\"rules\":[{\"path\":\"a\",\"api_keys\":[\"k\"]}]}", "rule 1: " PATH_TEXT},
        {"{\"rules\":[{\"path\":\"/a\"}]}",
         "rule 1: it needs 'api_keys' or 'tokens' (or 'consumers', 'issuers', 'certificates'), or "
         "else 'public = true'"},
        {"{\"rules\":[{\"path\":\"/a\",\"public\":true,\"tokens\":[\"t\"]}]}",
         "rule 1: it needs 'api_keys' or 'tokens' (or 'consumers', 'issuers', 'certificates'), or "
         "else 'public = true'"},
        {"{\"rules\":[{\"path\":\"/a\",\"api_keys\":[\"\"]}]}",
         "rule 1: a credential has to be a text or { name = \"...\"; key = \"...\" }"},
        {"{\"rules\":[{\"path\":\"/a\",\"tokens\":[{\"key\":\"x\"}]}]}",
         "rule 1: unknown key 'key'"},
        {"{\"rules\":[{\"path\":\"/a\",\"tokens\":\"t\"}]}", "rule 1: 'tokens' has to be a list"},
        {"{\"rules\":[]}", "'rules' is an empty list: leave it out, or say what is in it"},
        {"{\"rules\":[{\"path\":\"/a\",\"public\":true,\"allow_ips\":[]}]}",
         "rule 1: 'allow_ips' is an empty list: leave it out, or say what is in it"},
        {"{\"rules\":[{\"path\":\"/a\",\"certificates\":[]}]}",
         "rule 1: 'certificates' is an empty list: leave it out, or say what is in it"},
        {"{\"rules\":[{\"path\":\"/a/:id\",\"tokens\":[\"t\"]}]}", "rule 1: " PATH_TEXT},
        {"{\"rules\":[{\"path\":\"/a/*\",\"tokens\":[\"t\"]}]}", "rule 1: " PATH_TEXT},
        {"{\"rules\":[{\"path\":\"/a?b\",\"tokens\":[\"t\"]}]}", "rule 1: " PATH_TEXT},
        {"{\"rules\":[{\"path\":\"/a//b\",\"tokens\":[\"t\"]}]}", "rule 1: " PATH_TEXT},
        {"{\"rules\":[{\"path\":\"/a/../b\",\"tokens\":[\"t\"]}]}", "rule 1: " PATH_TEXT},
        {"{\"rules\":[{\"path\":\"/a;b\",\"tokens\":[\"t\"]}]}", "rule 1: " PATH_TEXT},
        {"{\"rules\":[{\"path\":\"/a%2Fb\",\"tokens\":[\"t\"]}]}", "rule 1: " PATH_TEXT},
        {"{\"rules\":[{\"path\":\"/a\",\"methods\":[\"GET,PUT\"],\"tokens\":[\"t\"]}]}",
         "rule 1: 'methods': 'GET,PUT' is no HTTP method"},
        {"{\"rules\":[{\"path\":\"/a\",\"tokens\":[\"t\"]},"
         "{\"path\":\"/%61\",\"tokens\":[\"u\"]}]}",
         "rule 2: rule 1 is for the same path and method"},
        {"{\"rules\":[{\"path\":\"/a\",\"methods\":[1],\"tokens\":[\"t\"]}]}",
         "rule 1: 'methods' has to be a list of texts"},
        {"{\"rules\":[{\"path\":\"/a\",\"tokens\":[\"t\"]},{\"path\":\"/a/\",\"tokens\":[\"u\"]}]}",
         "rule 2: rule 1 is for the same path and method"},
        {"{\"rules\":[{\"path\":\"/a\",\"tokens\":[\"t\"]}],\"realm\":\"a\\\"b\"}",
         "'realm' has to be plain ASCII without quotes"},
        {"{}", "'rules' has to be set"},
    };
    for (size_t i = 0; i < EGX_COUNT(rows); i++) {
        CU_ASSERT_TRUE(make(rows[i].settings) < 0);
        ASSERT_STR(((struct eg_str){why.text, why.len}), rows[i].sentence);
        end();
    }
}

/* SHA-256 of "k-alice" and of "k-alice-2", as `printf k-alice | sha256sum` writes them. */
#define CONSUMERS                                                                                  \
    "{\"consumers\":[{\"name\":\"alice\",\"metadata\":{\"plan\":\"gold\"},\"api_keys\":["          \
    "\"sha256:8fab151ebfe45da0ce0c2a951f8bba063f8668389b08a793acf59f301a6dbd57\",\"k-alice-2\"]}," \
    "{\"name\":\"bob\",\"tokens\":[\"t-bob\"]}],"                                                  \
    "\"key_header\":\"X-Key\",\"rules\":["                                                         \
    "{\"path\":\"/all\",\"consumers\":[\"*\"]},{\"path\":\"/bob\",\"consumers\":[\"bob\"]}]}"

static void keys_of_consumers_are_found_by_their_hash(void) {
    CU_ASSERT_EQUAL_FATAL(make(CONSUMERS), EG_OK);
    ASSERT_OPEN("GET", "/all", "x-key", "k-alice");
    CU_ASSERT_STRING_EQUAL(egx_fake_principal(request), "alice");
    CU_ASSERT_STRING_EQUAL(egx_fake_principal_context(request), "{\"plan\":\"gold\"}");
    ASSERT_OPEN("GET", "/all", "x-key", "k-alice-2");
    CU_ASSERT_STRING_EQUAL(egx_fake_principal(request), "alice");
    ASSERT_OPEN("GET", "/all", "authorization", "Bearer t-bob");
    ASSERT_OPEN("GET", "/bob", "authorization", "Bearer t-bob");
    CU_ASSERT_STRING_EQUAL(egx_fake_principal(request), "bob");
    ASSERT_SHUT(403, "GET", "/bob", "x-key", "k-alice");
    ASSERT_SHUT(401, "GET", "/all", "x-api-key", "k-alice"); /* another header is asked for */
    /* The hash of a key is not the key. */
    ASSERT_SHUT(403, "GET", "/all", "x-key",
                "sha256:8fab151ebfe45da0ce0c2a951f8bba063f8668389b08a793acf59f301a6dbd57");
    ASSERT_SHUT(403, "GET", "/all", "x-key",
                "8fab151ebfe45da0ce0c2a951f8bba063f8668389b08a793acf59f301a6dbd57");
    CU_ASSERT_EQUAL(egx_fake_metric(fake, "auth_accepted_total", "by=api_key"), 2);
    CU_ASSERT_EQUAL(egx_fake_metric(fake, "auth_refused_total", "reason=wrong"), 3);
    end();
}

static void thousands_of_keys_are_all_found(void) {
    struct egx_json json = egx_json_begin();
    char text[64];
    egx_json_raw(&json, EGX_STR("{\"rules\":[{\"path\":\"/\",\"api_keys\":["));
    for (int i = 0; i < 5000; i++) {
        (void)snprintf(text, sizeof text, "%s{\"name\":\"n%d\",\"key\":\"key-%d\"}",
                       i > 0 ? "," : "", i, i);
        egx_json_raw(&json, egx_str_c(text));
    }
    egx_json_raw(&json, egx_str_n("]}]}", 5)); /* with its NUL */
    CU_ASSERT_EQUAL_FATAL(make(json.ptr), EG_OK);
    for (int i = 0; i < 5000; i += 499) {
        char name[16];
        (void)snprintf(text, sizeof text, "key-%d", i);
        (void)snprintf(name, sizeof name, "n%d", i);
        ASSERT_OPEN("GET", "/", "x-api-key", text);
        CU_ASSERT_STRING_EQUAL(egx_fake_principal(request), name);
    }
    ASSERT_SHUT(403, "GET", "/", "x-api-key", "key-5000");
    egx_json_free(&json);
    end();
}

/* The password is "correct horse"; bcrypt with its lowest cost, so that the test is fast. */
#define BASIC                                                                                      \
    "{\"consumers\":[{\"name\":\"alice\",\"password\":\"$2b$04$abcdefghijklmnopqrstuujydOTSfIH/"   \
    "d5oUHpsygqV5X9xJLQc6e\",\"metadata\":{\"a\":\"b\"}}],"                                        \
    "\"password_checks\":1,\"rules\":[{\"path\":\"/\",\"consumers\":[\"alice\"]}]}"
#define RIGHT "Basic YWxpY2U6Y29ycmVjdCBob3JzZQ=="

/* As ask, and lets the pool work. */
static int32_t ask_password(const char *value) {
    const struct eg_middleware_ops *ops = component()->ops;
    request = egx_fake_exchange(fake, "GET", "/");
    egx_fake_add_header(request, "authorization", value);
    egx_fake_op_init(fake, &op);
    const int32_t verdict = ops->on_request(instance, slot, request, &op.pub);
    if (verdict != EG_PENDING) {
        return verdict;
    }
    (void)egx_fake_run(fake);
    CU_ASSERT_EQUAL(op.done_count, 1);
    return op.result.verdict;
}

static void a_password_is_checked_in_the_pool_and_then_remembered(void) {
    CU_ASSERT_EQUAL_FATAL(make(BASIC), EG_OK);
    CU_ASSERT_EQUAL(ask("GET", "/", "authorization", RIGHT), EG_PENDING);
    /* One at a time is the setting: a second one has to come again. */
    struct eg_exchange *first_request = request;
    const struct eg_middleware_ops *ops = component()->ops;
    struct egx_fake_op second;
    egx_fake_op_init(fake, &second);
    request = egx_fake_exchange(fake, "GET", "/");
    egx_fake_add_header(request, "authorization", "Basic YWxpY2U6b3RoZXI=");
    CU_ASSERT_EQUAL(ops->on_request(instance, slot, request, &second.pub), EG_STOP);
    CU_ASSERT_EQUAL(egx_fake_reply_status(request), 503);
    CU_ASSERT_STRING_EQUAL(egx_fake_reply_header(request, "retry-after"), "1");
    (void)egx_fake_run(fake);
    CU_ASSERT_EQUAL(op.done_count, 1);
    CU_ASSERT_EQUAL(op.result.verdict, EG_NEXT);
    CU_ASSERT_STRING_EQUAL(egx_fake_principal(first_request), "alice");
    CU_ASSERT_STRING_EQUAL(egx_fake_principal_context(first_request), "{\"a\":\"b\"}");
    /* From now on it needs no waiting, for five minutes. */
    ASSERT_OPEN("GET", "/", "authorization", RIGHT);
    egx_fake_advance(fake, 301 * (uint64_t)1000000000);
    CU_ASSERT_EQUAL(ask_password(RIGHT), EG_NEXT);
    end();
}

static void wrong_passwords_and_what_is_no_basic_get_a_challenge(void) {
    static const char *const wrong[] = {
        "Basic YWxpY2U6Y29ycmVjdCBob3JzZTE=", /* one more byte */
        "Basic Ym9iOmNvcnJlY3QgaG9yc2U=",     /* nobody has this name */
        "Basic YWxpY2U6Y29ycmVjdCBob3JzZQBh", /* right, NUL, a */
        "Basic YWxpY2U6",                     /* empty */
        "Basic YWxpY2U=",                     /* no colon */
        "Basic YWxpY2U6Y29ycmVjdCBob3JzZQ",   /* no padding */
        "Basic YWxpY2U6Y29ycmVjdCBob3JzZQ===",
        "Basic =",
        "Basic *",
    };
    CU_ASSERT_EQUAL_FATAL(make(BASIC), EG_OK);
    for (size_t i = 0; i < EGX_COUNT(wrong); i++) {
        CU_ASSERT_EQUAL(ask_password(wrong[i]), EG_STOP);
        CU_ASSERT_EQUAL(egx_fake_reply_status(request), 401);
        CU_ASSERT_STRING_EQUAL(egx_fake_reply_header(request, "www-authenticate"),
                               "Basic realm=\"event-gateway\", charset=\"UTF-8\"");
    }
    end();
}

static void a_canceled_check_answers_nothing(void) {
    const struct eg_middleware_ops *ops = component()->ops;
    CU_ASSERT_EQUAL_FATAL(make(BASIC), EG_OK);
    CU_ASSERT_EQUAL(ask("GET", "/", "authorization", RIGHT), EG_PENDING);
    ops->cancel(instance, slot, &op.pub);
    (void)egx_fake_run(fake);
    CU_ASSERT_EQUAL(op.done_count, 1);
    CU_ASSERT_EQUAL(op.status, EG_E_CANCELED);
    CU_ASSERT_EQUAL(egx_fake_reply_status(request), 0);
    end();
}

#define CERTIFICATES                                                                               \
    "{\"consumers\":[{\"name\":\"robot\",\"certificates\":[\"CN=robot-*,O=Example\"]}],"           \
    "\"rules\":[{\"path\":\"/\",\"certificates\":[\"sha256:" HEX "\",\"CN=web,O=Example\"],"       \
    "\"consumers\":[\"robot\"]}]}"
#define HEX "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define OTHER_HEX "ff112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

static int32_t ask_certificate(const char *subject, const char *fingerprint) {
    const struct eg_middleware_ops *ops = component()->ops;
    request = egx_fake_exchange(fake, "GET", "/");
    egx_fake_set_cert(request, EG_CERT_SUBJECT, subject);
    egx_fake_set_cert(request, EG_CERT_ISSUER, "CN=CA");
    egx_fake_set_cert(request, EG_CERT_FINGERPRINT, fingerprint);
    egx_fake_op_init(fake, &op);
    return ops->on_request(instance, slot, request, &op.pub);
}

static void certificates_open_by_fingerprint_or_subject(void) {
    CU_ASSERT_EQUAL_FATAL(make(CERTIFICATES), EG_OK);
    CU_ASSERT_EQUAL(ask_certificate("CN=any", HEX), EG_NEXT);
    CU_ASSERT_STRING_EQUAL(egx_fake_principal(request), "CN=any");
    CU_ASSERT_STRING_EQUAL(egx_fake_principal_context(request),
                           "{\"subject\":\"CN=any\",\"issuer\":\"CN=CA\",\"fingerprint\":\"" HEX
                           "\"}");
    CU_ASSERT_EQUAL(ask_certificate("CN=web,O=Example", OTHER_HEX), EG_NEXT);
    CU_ASSERT_EQUAL(ask_certificate("CN=robot-7,O=Example", OTHER_HEX), EG_NEXT);
    CU_ASSERT_STRING_EQUAL(egx_fake_principal(request), "robot");
    CU_ASSERT_EQUAL(ask_certificate("CN=web\\,O=Example", OTHER_HEX), EG_STOP);
    CU_ASSERT_EQUAL(egx_fake_reply_status(request), 403);
    ASSERT_SHUT(403, "GET", "/", NULL, NULL);
    CU_ASSERT_STRING_EQUAL(egx_fake_reply_body(request),
                           "{\"errors\":[{\"message\":\"A client certificate is needed.\"}]}\n");
    end();
}

static void a_star_is_every_certificate_also_one_without_a_subject(void) {
    CU_ASSERT_EQUAL_FATAL(make("{\"rules\":[{\"path\":\"/\",\"certificates\":[\"*\"]}]}"), EG_OK);
    CU_ASSERT_EQUAL(ask_certificate("CN=any", HEX), EG_NEXT);
    CU_ASSERT_EQUAL(ask_certificate("", HEX), EG_NEXT);
    CU_ASSERT_STRING_EQUAL(egx_fake_principal(request), HEX);
    CU_ASSERT_EQUAL(ask_certificate("", ""), EG_STOP);
    end();
}

#define ADDRESSES                                                                                  \
    "{\"trusted_proxies\":[\"10.0.0.0/8\",\"::1\"],\"deny_ips\":[\"192.0.2.66\"],\"rules\":["      \
    "{\"path\":\"/in\",\"public\":true,\"allow_ips\":[\"192.0.2.0/24\",\"2001:db8::/32\"]}]}"

static int32_t ask_from(const char *path, const char *peer, const char *forwarded) {
    const struct eg_middleware_ops *ops = component()->ops;
    request = egx_fake_exchange(fake, "GET", path);
    egx_fake_set_peer(request, peer);
    if (forwarded != NULL) {
        egx_fake_add_header(request, "X-Forwarded-For", forwarded);
    }
    egx_fake_op_init(fake, &op);
    return ops->on_request(instance, slot, request, &op.pub);
}

static void addresses_are_those_that_trusted_proxies_tell(void) {
    static const struct {
        const char *path;
        const char *peer;
        const char *forwarded;
        int32_t verdict;
    } rows[] = {
        {"/", "203.0.113.1", NULL, EG_NEXT},
        {"/", "192.0.2.66", NULL, EG_STOP},
        {"/", "::ffff:192.0.2.66", NULL, EG_STOP},
        {"/in", "192.0.2.1", NULL, EG_NEXT},
        {"/in", "2001:db8:1::1", NULL, EG_NEXT},
        {"/in", "203.0.113.1", NULL, EG_STOP},
        {"/in", "203.0.113.1", "192.0.2.1", EG_STOP}, /* nobody asked them */
        {"/in", "10.0.0.1", "192.0.2.1", EG_NEXT},
        {"/in", "::1", "203.0.113.1, 192.0.2.1 , 10.9.9.9", EG_NEXT},
        {"/in", "10.0.0.1", "192.0.2.1, 203.0.113.1", EG_STOP}, /* what the client wrote */
        {"/in", "10.0.0.1", "192.0.2.1:4711", EG_NEXT},
        {"/in", "10.0.0.1", "[2001:db8::5]:4711", EG_NEXT},
        {"/in", "10.0.0.1", "192.0.2.1, unknown", EG_STOP},
        {"/in", "10.0.0.1", "192.0.2.1,", EG_STOP},
        {"/in", "10.0.0.1", "192.0.2.1:x", EG_STOP},
        {"/in", "10.0.0.1", "[2001:db8::5]x", EG_STOP},
        {"/in", "10.0.0.1", NULL, EG_STOP},
        {"/", "10.0.0.1", "192.0.2.66", EG_STOP},
        {"/", "10.0.0.1", "nonsense", EG_STOP},
    };
    CU_ASSERT_EQUAL_FATAL(make(ADDRESSES), EG_OK);
    for (size_t i = 0; i < EGX_COUNT(rows); i++) {
        const int32_t verdict = ask_from(rows[i].path, rows[i].peer, rows[i].forwarded);
        if (verdict != rows[i].verdict) {
            printf("  row %zu\n", i);
        }
        CU_ASSERT_EQUAL(verdict, rows[i].verdict);
        CU_ASSERT_EQUAL(egx_fake_reply_status(request), verdict == EG_NEXT ? 0 : 403);
    }
    end();
}

static void mistakes_elsewhere_are_refused_with_a_sentence(void) {
#define WITH(more) "{\"rules\":[{\"path\":\"/\",\"public\":true}]," more "}"
    static const struct {
        const char *settings;
        const char *sentence;
    } rows[] = {
        {WITH("\"consumers\":[{\"name\":\"a\"}]"),
         "consumer 1: it needs 'api_keys', 'tokens', 'password' or 'certificates'"},
        {WITH("\"consumers\":[{\"api_keys\":[\"k\"]}]"), "consumer 1: it needs a 'name'"},
        {WITH("\"consumers\":[{\"name\":\"a\",\"api_keys\":[\"sha256:12\"]}]"),
         "consumer 1: a hash has to be written as sha256: and 64 hex digits"},
        {WITH("\"consumers\":[{\"name\":\"a\",\"api_keys\":[\"sha512:12\"]}]"),
         "consumer 1: a hash has to be written as sha256: and 64 hex digits"},
        {WITH("\"consumers\":[{\"name\":\"a\",\"password\":\"secret\"}]"),
         "consumer 1: 'password' has to be a hash of crypt(3) ($y$, $7$, $2b$, $6$ or $5$)"},
        {WITH("\"consumers\":[{\"name\":\"a\",\"password\":\"$1$abc$def\"}]"),
         "consumer 1: 'password' has to be a hash of crypt(3) ($y$, $7$, $2b$, $6$ or $5$)"},
        {WITH("\"consumers\":[{\"name\":\"a\",\"api_keys\":[\"k\"],\"metadata\":{\"x\":1}}]"),
         "consumer 1: 'metadata' has to be a group of texts"},
        {WITH("\"consumers\":[{\"name\":\"a\",\"api_keys\":[\"k\"]},{\"name\":\"b\","
              "\"api_keys\":[\"k\"]}]"),
         "two consumers have the same name, key, token or certificate"},
        {WITH("\"consumers\":[{\"name\":\"a\",\"api_keys\":[\"k\"]},{\"name\":\"a\","
              "\"api_keys\":[\"l\"]}]"),
         "two consumers have the same name, key, token or certificate"},
        {WITH("\"consumers\":[{\"name\":\"a\",\"certificates\":[\"alice\"]}]"),
         "consumer 1: 'certificates': 'alice' is neither a subject such as \"CN=*,O=Example\" nor "
         "\"sha256:\" and a fingerprint"},
        {WITH("\"allow_ips\":[\"10.0.0.1/8\"]"),
         "'allow_ips': '10.0.0.1/8' is neither an address nor a network such as 10.0.0.0/8"},
        {WITH("\"deny_ips\":[\"10.0.0.0/33\"]"),
         "'deny_ips': '10.0.0.0/33' is neither an address nor a network such as 10.0.0.0/8"},
        {WITH("\"key_header\":\"a b\""), "'key_header' has to be the name of a header"},
        {"{\"rules\":[{\"path\":\"/\",\"consumers\":[\"x\"]}]}",
         "rule 1: 'consumers': there is no consumer 'x'"},
        {"{\"rules\":[{\"path\":\"/\",\"issuers\":[\"x\"]}]}",
         "rule 1: 'issuers': there is no issuer 'x'"},
        {"{\"rules\":[{\"path\":\"/\",\"tokens\":[\"t\"],\"scopes\":[\"x\"]}]}",
         "rule 1: 'scopes' needs 'issuers', whose tokens have them"},
    };
    for (size_t i = 0; i < EGX_COUNT(rows); i++) {
        CU_ASSERT_TRUE(make(rows[i].settings) < 0);
        ASSERT_STR(((struct eg_str){why.text, why.len}), rows[i].sentence);
        end();
    }
}

UNIT_MAIN(UNIT(a_path_without_a_rule_is_open), UNIT(nothing_given_is_401_with_a_challenge),
          UNIT(a_wrong_credential_is_403), UNIT(a_key_or_a_token_opens_and_names_its_consumer),
          UNIT(a_rule_that_names_the_method_comes_before_one_that_does_not),
          UNIT(the_longest_path_wins), UNIT(escapes_do_not_open_a_door),
          UNIT(a_path_whose_readings_have_different_rules_is_refused),
          UNIT(a_path_is_as_long_as_it_is_without_escapes),
          UNIT(a_rule_for_the_root_covers_everything),
          UNIT(mistakes_in_rules_are_refused_with_a_sentence),
          UNIT(keys_of_consumers_are_found_by_their_hash), UNIT(thousands_of_keys_are_all_found),
          UNIT(a_password_is_checked_in_the_pool_and_then_remembered),
          UNIT(wrong_passwords_and_what_is_no_basic_get_a_challenge),
          UNIT(a_canceled_check_answers_nothing), UNIT(certificates_open_by_fingerprint_or_subject),
          UNIT(a_star_is_every_certificate_also_one_without_a_subject),
          UNIT(addresses_are_those_that_trusted_proxies_tell),
          UNIT(mistakes_elsewhere_are_refused_with_a_sentence))
