/* middleware_auth without a gateway. */
#include <eventgw-sdk/egx.h>
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
    return egx_fake_create(fake, component(), settings, &instance, &why);
}
static void end(void) {
    if (instance != NULL) {
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
    const int32_t verdict = ops->on_request(instance, NULL, request, &op.pub);
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
    /* Functions behind a wildcard see these decoded: protected as /admin/..., but not public. */
    ASSERT_SHUT(401, "GET", "/admin%2Fx", NULL, NULL);
    ASSERT_SHUT(401, "GET", "/admin%2fpublic", NULL, NULL);
    ASSERT_SHUT(401, "GET", "/admin/public%2Fx", NULL, NULL);
    ASSERT_OPEN("GET", "/admin%2", NULL, NULL); /* half an escape never gets here; no overread */
    end();
}

static void a_rule_for_the_root_covers_everything(void) {
    CU_ASSERT_EQUAL_FATAL(make("{\"rules\":[{\"path\":\"/\",\"api_keys\":[\"k\"]}]}"), EG_OK);
    ASSERT_SHUT(401, "GET", "/", NULL, NULL);
    ASSERT_SHUT(401, "GET", "/a/b", NULL, NULL);
    ASSERT_OPEN("GET", "/a", "x-api-key", "k");
    end();
}

static void mistakes_in_rules_are_refused_with_a_sentence(void) {
    static const struct {
        const char *settings;
        const char *sentence;
    } rows[] = {
        {"{\"rules\":{}}", "'rules' has to be a list of groups"},
        {"{\"rules\":[1]}", "rule 1: it has to be a group"},
        {"{\"rules\":[{\"path\":\"/\",\"api_key\":[\"k\"]}]}", "rule 1: unknown key 'api_key'"},
        {"{\"rules\":[{\"path\":\"a\",\"api_keys\":[\"k\"]}]}",
         "rule 1: 'path' has to begin with /"},
        {"{\"rules\":[{\"path\":\"/a\"}]}",
         "rule 1: it needs 'api_keys' or 'tokens', or else 'public = true'"},
        {"{\"rules\":[{\"path\":\"/a\",\"public\":true,\"tokens\":[\"t\"]}]}",
         "rule 1: it needs 'api_keys' or 'tokens', or else 'public = true'"},
        {"{\"rules\":[{\"path\":\"/a\",\"api_keys\":[\"\"]}]}",
         "rule 1: a credential has to be a text or { name = \"...\"; key = \"...\" }"},
        {"{\"rules\":[{\"path\":\"/a\",\"tokens\":[{\"key\":\"x\"}]}]}",
         "rule 1: unknown key 'key'"},
        {"{\"rules\":[{\"path\":\"/a\",\"tokens\":\"t\"}]}", "rule 1: 'tokens' has to be a list"},
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

UNIT_MAIN(UNIT(a_path_without_a_rule_is_open), UNIT(nothing_given_is_401_with_a_challenge),
          UNIT(a_wrong_credential_is_403), UNIT(a_key_or_a_token_opens_and_names_its_consumer),
          UNIT(a_rule_that_names_the_method_comes_before_one_that_does_not),
          UNIT(the_longest_path_wins), UNIT(escapes_do_not_open_a_door),
          UNIT(a_rule_for_the_root_covers_everything),
          UNIT(mistakes_in_rules_are_refused_with_a_sentence))
