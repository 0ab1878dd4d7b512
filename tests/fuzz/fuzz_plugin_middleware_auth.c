/*
 * fuzz_plugin_middleware_auth.c - whatever stands behind "Bearer ", and whatever a server of keys
 * answers: a token is refused with a reason or taken apart within its bounds; nothing is believed
 * without a signature; key sets give keys that belong to an algorithm, or a sentence. A path that
 * somebody could resolve to /admin is never one of the open rules.
 */
#include <eventgw-sdk/egx_path.h>
#include <eventgw-sdk/fake_host.h>

#include "base/check.h"
#include "claims.h"
#include "rules.h"
#include "subject.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define ISSUERS                                                                                    \
    "[{\"name\":\"n\",\"issuer\":\"joe\",\"audiences\":[\"api\"],\"algorithms\":[\"HS256\"],"      \
    "\"claims\":[\"a\",\"b\"],\"require\":[{\"claim\":\"a\",\"value\":[1,\"x\",true]}],"           \
    "\"secret\":\"0123456789abcdef0123456789abcdef\"}]"

#define RULES                                                                                      \
    "[{\"path\":\"/\",\"public\":true},{\"path\":\"/admin\",\"api_keys\":[\"k\"]},"                \
    "{\"path\":\"/admin/public\",\"methods\":[\"POST\"],\"public\":true}]"

static void check_token(const struct eg_host *host, const struct auth_issuer *issuer,
                        struct eg_str token) {
    struct auth_jws jws;
    const char *reason = NULL;
    if (auth_jws_read(&jws, host, token, &reason) < 0) {
        GW_ASSERT(reason != NULL);
        auth_jws_free(&jws);
        return;
    }
    GW_ASSERT(jws.algorithm.len > 0 && jws.signature.len < token.len);
    GW_ASSERT(jws.signed_by.ptr == token.ptr && jws.signed_by.len < token.len);
    const struct auth_algorithm *algorithm = auth_algorithm_find(jws.algorithm);
    size_t cursor = 0;
    struct auth_key *key =
        algorithm == NULL ? NULL : auth_keys_next(&issuer->fixed, jws.key_id, algorithm, &cursor);
    /* A right signature would be a find of its own. */
    GW_ASSERT(key == NULL || !auth_verify(key, algorithm, jws.signed_by, jws.signature));
    struct auth_identity identity = {0};
    (void)auth_claims_check(issuer, &jws, 1300000000);
    if (auth_claims_identity(issuer, &jws, &identity)) {
        struct eg_json *context = NULL;
        GW_ASSERT(host->json->parse(host, egx_json_text(&identity.context), &context, NULL) == 0);
        host->json->free(host, context);
        GW_ASSERT(identity.principal.len > 0);
    }
    auth_identity_free(&identity);
    auth_jws_free(&jws);
}

static void check_keys(const struct eg_host *host, struct eg_str text) {
    struct auth_keys keys;
    struct eg_why why = {.struct_size = sizeof why};
    if (auth_keys_parse(&keys, host, text, 1, &why) < 0) {
        GW_ASSERT(why.len > 0);
        return;
    }
    GW_ASSERT(keys.count > 0 && keys.count <= AUTH_KEYS_MAX);
    auth_keys_free(&keys);
}

/* The first half as a pattern, the rest as a subject: a subject satisfies itself. */
static void check_subject(struct eg_str text) {
    (void)auth_subject_matches(egx_str_n(text.ptr, text.len / 2), egx_str_cut(text, text.len / 2));
    GW_ASSERT(text.len == 0 || auth_subject_matches(text, text));
    (void)auth_subject_common_name(text);
}

/* As a careless function would: escapes undone, empty segments and dots resolved, whatever was
 * escaped. 1 = it ends in /admin or below. */
static int resolves_to_admin(struct eg_str text) {
    char out[4096];
    size_t len = 0;
    size_t depth = 0;
    size_t begins[4096];
    if (text.len >= sizeof out) {
        return 0;
    }
    const size_t plain_len = egx_path_read(text, EGX_PATH_SPLIT, out);
    for (size_t i = 0; i < plain_len; i += len + 1) {
        len = 0;
        while (i + len < plain_len && out[i + len] != '/') {
            len++;
        }
        const struct eg_str segment = egx_str_n(out + i, len);
        if (egx_str_eq(segment, EGX_STR(".."))) {
            depth -= depth > 0;
        } else if (len > 0 && !egx_str_eq(segment, EGX_STR("."))) {
            begins[depth++] = i;
        }
    }
    return depth > 0 && plain_len - begins[0] >= 5 && memcmp(out + begins[0], "admin", 5) == 0 &&
           (plain_len - begins[0] == 5 || out[begins[0] + 5] == '/');
}

static void check_path(const struct eg_host *host, struct eg_str text) {
    struct auth_rules rules = {0};
    struct auth_credentials credentials;
    const struct auth_consumers consumers = {0};
    const struct auth_issuers issuers = {0};
    const struct auth_known known = {&consumers, &issuers, &credentials};
    const struct auth_rule *rule = NULL;
    auth_credentials_init(&credentials, host);
    GW_ASSERT(auth_rules_read(&rules, host, EGX_STR(RULES), &known, NULL) == 0);
    if (auth_rules_find(&rules, EGX_STR("GET"), text, &rule)) {
        GW_ASSERT(rule != NULL || text.len == 0 || text.ptr[0] != '/');
        GW_ASSERT(rule == NULL || !rule->is_public || !resolves_to_admin(text));
    }
    auth_rules_free(&rules);
    auth_credentials_free(&credentials);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const struct eg_str text = egx_str_n((const char *)data, size);
    struct egx_fake *fake = egx_fake_new();
    const struct eg_host *host = egx_fake_host(fake);
    struct auth_issuers issuers = {0};
    struct eg_why why = {.struct_size = sizeof why};
    GW_ASSERT(auth_issuers_read(&issuers, host, EGX_STR(ISSUERS), &why) == 0);
    check_token(host, &issuers.items[0], text);
    check_keys(host, text);
    check_subject(text);
    check_path(host, text);
    auth_issuers_free(&issuers);
    GW_ASSERT(egx_fake_allocations(fake) == 0);
    egx_fake_free(fake);
    return 0;
}
