/* Unit tests of calls and tokens, against the fake host: the metadata server and the functions are
 * answers that the test writes; the clock is the test's. */
#include <eventgw-sdk/fake_host.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <stdlib.h>

#include "provider_gcf.h"
#include "unit.h"

#define CALLS 8u
#define SECOND UINT64_C(1000000000)

static struct egx_fake *fake;
static const struct eg_component *component;
static const struct eg_provider_ops *ops;
static void *instance;
static void *slot;
static void *target;
static struct egx_fake_op op[CALLS];
static struct eg_why why;

static int32_t bind(const char *json, void **ret_target) {
    struct eg_target_traits traits = {.struct_size = sizeof traits};
    const void *config = NULL;
    const int32_t rc = egx_fake_target_settings(fake, component, json, &config, &why);
    why.len = rc < 0 ? why.len : 0;
    return rc < 0 ? rc : ops->bind(instance, config, ret_target, &traits, &why);
}

static void begin(const char *settings, const char *function) {
    (void)unsetenv("GCE_METADATA_HOST");
    (void)unsetenv("GOOGLE_APPLICATION_CREDENTIALS");
    fake = egx_fake_new();
    why = (struct eg_why){.struct_size = sizeof why};
    component = eg_plugin_constant.components[0];
    ops = component->ops;
    CU_ASSERT_EQUAL_FATAL(egx_fake_create(fake, component, settings, &instance, &why), EG_OK);
    CU_ASSERT_EQUAL_FATAL(component->life->attach(instance, egx_fake_loop(fake), &slot), EG_OK);
    target = NULL;
    if (function != NULL) {
        CU_ASSERT_EQUAL_FATAL(bind(function, &target), EG_OK);
    }
}

static void end(void) {
    for (size_t i = 0; i < CALLS; i++) {
        egx_fake_op_free(&op[i]);
        memset(&op[i], 0, sizeof op[i]);
    }
    ops->unbind(instance, target);
    component->life->detach(instance, slot);
    egx_fake_destroy(fake, component, instance);
    CU_ASSERT_EQUAL(egx_fake_allocations(fake), 0);
    egx_fake_free(fake);
}

static void invoke(size_t n) {
    static struct eg_invocation invocation = {.struct_size = sizeof invocation,
                                              .payload = {"{\"id\":\"1\",\"data\":7}", 19}};
    egx_fake_op_init(fake, &op[n]);
    invocation.event = egx_fake_event(fake, "{\"id\":\"1\"}");
    CU_ASSERT_EQUAL(ops->invoke(instance, slot, target, &invocation, &op[n].pub), EG_OK);
}

/* An unsigned token that ends so many seconds from now; tag tells tokens apart. */
static const char *token_for(int64_t seconds, char tag) {
    static char jwt[256];
    struct egx_json claims = egx_json_begin();
    struct egx_json out = egx_json_begin();
    const struct eg_host *host = egx_fake_host(fake);
    egx_json_open(&claims, '{');
    egx_json_key(&claims, EGX_STR("exp"));
    egx_json_int(&claims, host->clock->unix_ns(host) / (int64_t)SECOND + seconds);
    egx_json_close(&claims, '}');
    gcf_base64url(&out, egx_json_text(&claims));
    (void)snprintf(jwt, sizeof jwt, "h%c.%.*s.s", tag, EGX_FMT(egx_json_text(&out)));
    egx_json_free(&claims);
    egx_json_free(&out);
    return jwt;
}

static void answer_token(int64_t seconds, char tag) {
    egx_fake_answer(fake, 200, "Metadata-Flavor: Google\n", token_for(seconds, tag));
}

static size_t sent(void) {
    return egx_fake_request_count(fake);
}
static const struct egx_fake_request *last(void) {
    return egx_fake_sent(fake, sent() - 1);
}
/* "Bearer h<tag>..." of the last request, or '-'. */
static char last_tag(void) {
    const struct eg_kv *first = &last()->headers[0];
    return egx_str_eq(first->name, EGX_STR("Authorization")) ? first->value.ptr[8] : '-';
}

static const char plain[] = "{\"url\": \"https://f.test/x?a=b#c\"}";

static void a_call_carries_the_token_of_the_metadata_server(void) {
    begin(NULL, plain);
    invoke(0);
    CU_ASSERT_EQUAL(sent(), 1);
    CU_ASSERT_STRING_EQUAL(last()->method, "GET");
    CU_ASSERT_STRING_EQUAL(
        last()->url, "http://metadata.google.internal/computeMetadata/v1/instance/service-accounts/"
                     "default/identity?audience=https%3A%2F%2Ff.test%2Fx&format=full");
    ASSERT_STR(last()->headers[0].name, "Metadata-Flavor");
    ASSERT_STR(last()->headers[0].value, "Google");
    CU_ASSERT_EQUAL(last()->timeout_ns, 3 * SECOND);
    answer_token(3600, 'A');
    egx_fake_answer(fake, 200, "", "{\"ok\":1}");
    (void)egx_fake_run(fake);
    CU_ASSERT_EQUAL(sent(), 2);
    CU_ASSERT_STRING_EQUAL(last()->url, "https://f.test/x?a=b#c");
    CU_ASSERT_STRING_EQUAL(last()->method, "POST");
    CU_ASSERT_EQUAL(last()->flags, EG_HTTP_NO_REDIRECT);
    CU_ASSERT_EQUAL(last_tag(), 'A');
    ASSERT_STR(last()->body, "7");
    CU_ASSERT_EQUAL(op[0].done_count, 1);
    CU_ASSERT_EQUAL(op[0].result.call_class, EG_CALL_OK);
    ASSERT_STR(egx_str_n(op[0].result.body.ptr, op[0].result.body.len), "{\"ok\":1}");
    end();
}

static void a_public_function_is_called_without_a_token(void) {
    begin(NULL, "{\"url\": \"https://f.test/\", \"auth\": \"none\"}");
    invoke(0);
    CU_ASSERT_EQUAL(sent(), 1);
    CU_ASSERT_EQUAL(last_tag(), '-');
    egx_fake_answer(fake, 403, "", "");
    (void)egx_fake_run(fake);
    CU_ASSERT_EQUAL(op[0].result.call_class, EG_CALL_AUTH);
    CU_ASSERT_EQUAL(sent(), 1);
    end();
}

static void many_calls_share_one_fetch(void) {
    begin(NULL, plain);
    for (size_t i = 0; i < CALLS; i++) {
        invoke(i);
    }
    CU_ASSERT_EQUAL(sent(), 1);
    answer_token(3600, 'A');
    for (size_t i = 0; i < CALLS; i++) {
        egx_fake_answer(fake, 200, "", "");
    }
    (void)egx_fake_run(fake);
    CU_ASSERT_EQUAL(sent(), 1 + CALLS);
    for (size_t i = 0; i < CALLS; i++) {
        CU_ASSERT_EQUAL(op[i].done_count, 1);
    }
    end();
}

static void run_one(size_t n, int32_t status) {
    invoke(n);
    egx_fake_answer(fake, status, "", "");
    (void)egx_fake_run(fake);
}

static void a_token_is_kept_and_renewed_in_the_background_before_it_ends(void) {
    begin(NULL, plain);
    answer_token(3600, 'A');
    run_one(0, 200);
    egx_fake_advance(fake, 3000 * SECOND);
    run_one(1, 200);
    CU_ASSERT_EQUAL(sent(), 3); /* one fetch, two calls */
    egx_fake_advance(fake, 400 * SECOND);
    invoke(2); /* 200 s left: goes on with the old one while the new one is fetched */
    CU_ASSERT_EQUAL(sent(), 5);
    CU_ASSERT_EQUAL(last_tag(), 'A');
    answer_token(3600, 'B');
    egx_fake_answer(fake, 200, "", "");
    (void)egx_fake_run(fake);
    CU_ASSERT_EQUAL(op[2].done_count, 1);
    run_one(3, 200);
    CU_ASSERT_EQUAL(last_tag(), 'B');
    CU_ASSERT_EQUAL(sent(), 6);
    end();
}

static void a_failed_renewal_leaves_the_old_token_in_use_until_its_end(void) {
    begin(NULL, plain);
    answer_token(3600, 'A');
    run_one(0, 200);
    egx_fake_advance(fake, 3500 * SECOND);
    invoke(1);
    egx_fake_answer(fake, 404, "", "");
    egx_fake_answer(fake, 200, "", "");
    (void)egx_fake_run(fake);
    CU_ASSERT_EQUAL(op[1].result.call_class, EG_CALL_OK);
    CU_ASSERT_TRUE(egx_fake_logged(fake, "no new ID token for https://f.test/x"));
    run_one(2, 200); /* no fetch with every call */
    CU_ASSERT_EQUAL(sent(), 5);
    egx_fake_advance(fake, 101 * SECOND);
    invoke(3); /* ended: waits for a new one */
    CU_ASSERT_STRING_EQUAL(last()->method, "GET");
    answer_token(3600, 'B');
    egx_fake_answer(fake, 200, "", "");
    (void)egx_fake_run(fake);
    CU_ASSERT_EQUAL(last_tag(), 'B');
    end();
}

static void a_refused_token_is_replaced_and_the_call_tried_once_more(void) {
    static const int32_t statuses[] = {401, 403};
    for (size_t i = 0; i < EGX_COUNT(statuses); i++) {
        begin(NULL, plain);
        answer_token(3600, 'A');
        egx_fake_answer(fake, statuses[i], "", "no");
        invoke(0);
        (void)egx_fake_run(fake);
        CU_ASSERT_EQUAL(op[0].done_count, 0);
        answer_token(3600, 'B');
        egx_fake_answer(fake, 200, "", "yes");
        (void)egx_fake_run(fake);
        CU_ASSERT_EQUAL(sent(), 4);
        CU_ASSERT_EQUAL(last_tag(), 'B');
        CU_ASSERT_EQUAL(op[0].result.call_class, EG_CALL_OK);
        end();
    }
}

static void a_token_refused_twice_is_the_end_and_not_a_fetch_with_every_call(void) {
    begin(NULL, plain);
    invoke(0);
    answer_token(3600, 'A');
    egx_fake_answer(fake, 403, "", "");
    (void)egx_fake_run(fake);
    answer_token(3600, 'B');
    egx_fake_answer(fake, 403, "WWW-Authenticate: Bearer error=\"insufficient_scope\"\n", "");
    (void)egx_fake_run(fake);
    CU_ASSERT_EQUAL(op[0].result.call_class, EG_CALL_AUTH);
    ASSERT_STR(op[0].result.message, "HTTP status code: 403, Bearer error=\"insufficient_scope\"");
    run_one(1, 403);
    CU_ASSERT_EQUAL(op[1].result.call_class, EG_CALL_AUTH);
    CU_ASSERT_EQUAL(sent(), 5);
    egx_fake_advance(fake, 30 * SECOND); /* later the role may have been granted */
    run_one(2, 403);
    CU_ASSERT_EQUAL(sent(), 7);
    CU_ASSERT_STRING_EQUAL(last()->method, "GET");
    answer_token(3600, 'C');
    egx_fake_answer(fake, 200, "", "");
    (void)egx_fake_run(fake);
    CU_ASSERT_EQUAL(op[2].result.call_class, EG_CALL_OK);
    end();
}

static void a_call_is_tried_once_more_and_no_more_however_slow_the_function(void) {
    begin(NULL, plain);
    invoke(0);
    answer_token(3600, 'A');
    egx_fake_answer(fake, 401, "", "");
    (void)egx_fake_run(fake);
    egx_fake_advance(fake, 31 * SECOND);
    answer_token(3600, 'B');
    egx_fake_answer(fake, 401, "", "");
    (void)egx_fake_run(fake);
    CU_ASSERT_EQUAL(op[0].done_count, 1);
    CU_ASSERT_EQUAL(op[0].result.call_class, EG_CALL_AUTH);
    CU_ASSERT_EQUAL(sent(), 4);
    end();
}

static void a_metadata_server_that_is_away_is_asked_three_times(void) {
    begin("{\"metadata_host\": \"127.0.0.1:1\"}", plain);
    invoke(0);
    for (int i = 0; i < 3; i++) {
        egx_fake_answer_error(fake, EG_E_UNAVAILABLE, "connection refused");
        (void)egx_fake_run(fake);
        CU_ASSERT_EQUAL(sent(), (size_t)i + 1);
        egx_fake_advance(fake, 3 * SECOND);
        (void)egx_fake_run(fake);
    }
    CU_ASSERT_EQUAL(sent(), 3);
    CU_ASSERT_EQUAL(op[0].status, EG_E_UNAVAILABLE);
    CU_ASSERT_EQUAL(op[0].result.call_class, EG_CALL_TRANSIENT);
    ASSERT_STR(op[0].result.message, "the metadata server: connection refused");
    end();
}

static void an_answer_without_a_usable_token_is_told(void) {
    static const struct {
        int32_t status;
        const char *headers;
        const char *body;
        const char *text;
    } rows[] = {
        {404, "Metadata-Flavor: Google\n", "",
         "the metadata server gives no ID token: HTTP status code: 404"},
        {200, "", "a.b.c", "metadata.google.internal is not Google's metadata server"},
        {200, "Metadata-Flavor: Google\n", "<html>",
         "the metadata server: the answer holds no ID token"},
        {200, "Metadata-Flavor: Google\n", "a.eyJleHAiOjF9.c",
         "the metadata server: the ID token has ended already; is the clock right?"},
    };
    for (size_t i = 0; i < EGX_COUNT(rows); i++) {
        begin(NULL, plain);
        invoke(0);
        egx_fake_answer(fake, rows[i].status, rows[i].headers, rows[i].body);
        (void)egx_fake_run(fake);
        CU_ASSERT_EQUAL(op[0].result.call_class, EG_CALL_AUTH);
        ASSERT_STR(op[0].result.message, rows[i].text);
        end();
    }
}

static void a_call_can_be_canceled_while_it_waits_and_while_it_is_out(void) {
    struct egx_fake_op other;
    begin(NULL, plain);
    egx_fake_op_init(fake, &other);
    invoke(0);
    invoke(1);
    invoke(2);
    ops->cancel(instance, slot, &other.pub);
    ops->cancel(instance, slot, &op[2].pub); /* the last in line: the line's end moves */
    ops->cancel(instance, slot, &op[0].pub);
    (void)egx_fake_run(fake);
    CU_ASSERT_EQUAL(op[0].status, EG_E_CANCELED);
    CU_ASSERT_EQUAL(op[2].status, EG_E_CANCELED);
    invoke(3);
    answer_token(3600, 'A');
    (void)egx_fake_run(fake);
    CU_ASSERT_EQUAL(sent(), 3);
    ops->cancel(instance, slot, &op[1].pub);
    (void)egx_fake_run(fake);
    CU_ASSERT_EQUAL(op[1].status, EG_E_CANCELED);
    egx_fake_answer(fake, 200, "", "");
    (void)egx_fake_run(fake);
    CU_ASSERT_EQUAL(op[3].result.call_class, EG_CALL_OK);
    ops->cancel(instance, slot, &op[3].pub); /* done already */
    egx_fake_op_free(&other);
    end();
}

static void throttling_tells_for_how_long(void) {
    begin(NULL, "{\"url\": \"https://f.test/\", \"auth\": \"none\"}");
    invoke(0);
    egx_fake_answer(fake, 429, "Retry-After: 7\n", "");
    invoke(1);
    egx_fake_answer(fake, 429, "", "");
    (void)egx_fake_run(fake);
    CU_ASSERT_EQUAL(op[0].result.call_class, EG_CALL_THROTTLED);
    CU_ASSERT_EQUAL(op[0].result.retry_after_ns, 7 * SECOND);
    CU_ASSERT_EQUAL(op[1].result.call_class, EG_CALL_THROTTLED);
    CU_ASSERT_EQUAL(op[1].result.retry_after_ns, 0);
    end();
}

static void functions_of_one_audience_share_a_token_and_others_do_not(void) {
    void *same = NULL;
    void *other = NULL;
    begin(NULL, plain);
    CU_ASSERT_EQUAL(bind("{\"url\": \"https://f.test/x\"}", &same), EG_OK);
    CU_ASSERT_EQUAL(bind("{\"url\": \"https://f.test/y\"}", &other), EG_OK);
    CU_ASSERT_PTR_EQUAL(((struct gcf_target *)same)->source, ((struct gcf_target *)target)->source);
    CU_ASSERT_PTR_NOT_EQUAL(((struct gcf_target *)other)->source,
                            ((struct gcf_target *)target)->source);
    ops->unbind(instance, same);
    ops->unbind(instance, other);
    end();
}

static void an_unbound_function_may_leave_a_background_fetch_behind(void) {
    begin(NULL, plain);
    answer_token(3600, 'A');
    run_one(0, 200);
    egx_fake_advance(fake, 3500 * SECOND);
    invoke(1);
    struct egx_fake_op *ended = &op[1];
    egx_fake_answer_error(fake, EG_E_UNAVAILABLE, "away"); /* tried again in a second */
    egx_fake_answer(fake, 200, "", "");
    (void)egx_fake_run(fake);
    CU_ASSERT_EQUAL(ended->done_count, 1);
    ops->unbind(instance, target);
    target = NULL;
    egx_fake_advance(fake, 2 * SECOND);
    (void)egx_fake_run(fake);
    answer_token(3600, 'B');
    (void)egx_fake_run(fake);
    end();
}

static void a_fetch_that_waits_for_its_next_try_ends_with_the_loop(void) {
    begin(NULL, plain);
    invoke(0);
    egx_fake_answer_error(fake, EG_E_UNAVAILABLE, "away");
    (void)egx_fake_run(fake);
    CU_ASSERT_EQUAL(op[0].done_count, 0);
    ops->cancel(instance, slot, &op[0].pub);
    CU_ASSERT_EQUAL(op[0].status, EG_E_CANCELED);
    end();
}

static void draining_ends_fetches_that_nobody_waits_for(void) {
    begin(NULL, plain);
    answer_token(3600, 'A');
    run_one(0, 200);
    egx_fake_advance(fake, 3500 * SECOND);
    invoke(1); /* two requests are out: of the background fetch and of the call */
    component->life->drain(instance);
    (void)egx_fake_run(fake);
    egx_fake_answer(fake, 200, "", "");
    (void)egx_fake_run(fake);
    CU_ASSERT_EQUAL(op[1].result.call_class, EG_CALL_OK);
    CU_ASSERT_TRUE(egx_fake_logged(fake, "canceled"));
    end();
}

static void a_draining_plugin_does_not_try_again(void) {
    begin(NULL, plain);
    invoke(0);
    component->life->drain(instance);
    egx_fake_answer_error(fake, EG_E_TIMEOUT, "timed out");
    (void)egx_fake_run(fake);
    CU_ASSERT_EQUAL(op[0].done_count, 1);
    CU_ASSERT_EQUAL(op[0].result.call_class, EG_CALL_TRANSIENT);
    end();
}

static void what_a_function_lacks_is_told(void) {
#define MISSING "missing required fields for Google Cloud Function"
#define NO_URL MISSING ": url has to begin with https:// or http://"
    static const struct {
        const char *url, *audience, *auth, *key, *text;
    } rows[] = {
        {"", "", "auto", "", MISSING},
        {"f.test", "", "auto", "", NO_URL},
        {"ftp://f.test", "", "none", "", NO_URL},
        {"https://", "", "auto", "", NO_URL},
        {"https:///x", "", "auto", "", NO_URL},
        {"https://f/\n", "", "auto", "", NO_URL},
        {"http://f", "", "auto", "",
         "a token needs an https url (or the gateway's setting allow_http)"},
        {"https://f", "a b", "auto", "",
         "audience has to be without spaces, of at most 2048 bytes"},
        {"https://f", "", "serviceAccount", "", MISSING ": serviceAccountKey"},
        {"https://f", "", "auto", "secret", "serviceAccountKey: it is no JSON object"},
        {"https://f", "", "auto", "{}", "serviceAccountKey: type is not \"service_account\""},
        {"https://f", "", "none", "[]", "serviceAccountKey: it is no JSON object"},
        {"https://f", "", "auto", "{\"type\":\"service_account\"}",
         "serviceAccountKey: client_email is missing"},
        {"https://f", "", "auto", "{\"type\":\"service_account\",\"client_email\":\"a@b\"}",
         "serviceAccountKey: private_key is missing"},
        {"https://f", "", "auto",
         "{\"type\":\"service_account\",\"client_email\":\"a@b\",\"private_key\":\"x\"}",
         "serviceAccountKey: private_key is no private key in PEM"},
    };
    for (size_t i = 0; i < EGX_COUNT(rows); i++) {
        const struct gcf_target_settings settings = {.url = egx_str_c(rows[i].url),
                                                     .audience = egx_str_c(rows[i].audience),
                                                     .auth = egx_str_c(rows[i].auth),
                                                     .service_account_key = egx_str_c(rows[i].key),
                                                     .mode = EGX_STR("binary")};
        struct eg_target_traits traits = {.struct_size = sizeof traits};
        begin(NULL, NULL);
        CU_ASSERT_EQUAL(ops->bind(instance, &settings, &target, &traits, &why), EG_E_INVAL);
        ASSERT_STR(egx_str_n(why.text, why.len), rows[i].text);
        end();
    }
}

/* A key that could sign, with a token endpoint of its own. */
static struct egx_json key_with(const char *token_uri) {
    char *pem = NULL;
    struct egx_json key = egx_json_begin();
    EVP_PKEY *rsa = EVP_RSA_gen(2048);
    BIO *bio = BIO_new(BIO_s_mem());
    (void)PEM_write_bio_PrivateKey(bio, rsa, NULL, NULL, 0, NULL, NULL);
    const long len = BIO_get_mem_data(bio, &pem);
    egx_json_raw(&key, EGX_STR("{\"type\":\"service_account\",\"client_email\":\"a@b\","
                               "\"private_key\":"));
    egx_json_string(&key, egx_str_n(pem, (size_t)len));
    egx_json_raw(&key, EGX_STR(",\"token_uri\":"));
    egx_json_string(&key, egx_str_c(token_uri));
    egx_json_raw(&key, EGX_STR("}"));
    (void)BIO_free(bio);
    EVP_PKEY_free(rsa);
    return key;
}

static struct egx_json function_with_key(const char *token_uri) {
    struct egx_json key = key_with(token_uri);
    struct egx_json out = egx_json_begin();
    egx_json_raw(&out, EGX_STR("{\"url\":\"https://f\",\"serviceAccountKey\":"));
    egx_json_string(&out, egx_json_text(&key));
    egx_json_raw(&out, EGX_STR("}"));
    egx_json_raw(&out, egx_str_n("", 1)); /* a NUL, for who wants a C string */
    egx_json_free(&key);
    return out;
}

static void a_key_is_used_with_a_token_endpoint_of_https_only(void) {
    static const struct {
        const char *settings, *token_uri;
        int32_t status;
    } rows[] = {
        {"{}", "http://token.test/", EG_E_INVAL},
        {"{}", "http://127.evil.test/", EG_E_INVAL},
        {"{}", "https://u:p@token.test/", EG_E_INVAL},
        {"{}", "file:///etc/passwd", EG_E_INVAL},
        {"{}", "https://token.test/", EG_OK},
        {"{}", "http://127.0.0.1:1/token", EG_OK},
        {"{\"allow_http\": true}", "http://token.test/", EG_OK},
        {"{\"token_uri\": \"https://token.test/\"}", "http://never.asked.test/", EG_OK},
    };
    for (size_t i = 0; i < EGX_COUNT(rows); i++) {
        struct egx_json provider = function_with_key(rows[i].token_uri);
        void *other = NULL;
        begin(rows[i].settings, NULL);
        CU_ASSERT_EQUAL(bind(provider.ptr, &other), rows[i].status);
        if (rows[i].status < 0) {
            ASSERT_STR(egx_str_n(why.text, why.len),
                       "serviceAccountKey: token_uri has to be an https url (or the gateway's "
                       "setting allow_http)");
        }
        if (other != NULL) {
            ops->unbind(instance, other);
        }
        end();
        egx_json_free(&provider);
    }
}

static void a_key_file_is_used_with_a_token_endpoint_of_https_only(void) {
    char path[] = "/tmp/eventgw-key-XXXXXX";
    const int fd = mkstemp(path);
    FILE *file = fdopen(fd, "w");
    struct egx_json key = key_with("http://token.test/");
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    (void)fwrite(key.ptr, 1, key.len, file);
    (void)fclose(file);
    char settings[128];
    (void)snprintf(settings, sizeof settings, "{\"credentials_file\": \"%s\"}", path);
    begin(settings, plain);
    invoke(0);
    (void)egx_fake_run(fake);
    CU_ASSERT_EQUAL(sent(), 0);
    CU_ASSERT_EQUAL(op[0].done_count, 1);
    CU_ASSERT_EQUAL(op[0].result.call_class, EG_CALL_AUTH);
    CU_ASSERT_PTR_NOT_NULL(strstr(op[0].result.message.ptr, "token_uri has to be an https url"));
    end();
    (void)remove(path);
    egx_json_free(&key);
}

static void the_gateways_own_identity_can_be_kept_from_functions(void) {
    void *other = NULL;
    begin("{\"ambient\": false, \"allow_http\": true}",
          "{\"url\": \"http://f/\", \"auth\": \"none\"}");
    CU_ASSERT_EQUAL(bind("{\"url\": \"http://f/\"}", &other), EG_E_INVAL);
    ASSERT_STR(egx_str_n(why.text, why.len),
               "functions may not use the gateway's own identity (setting ambient)");
    end();
    begin("{\"allow_http\": true}", "{\"url\": \"http://f/\"}");
    end();
}

UNIT_MAIN(UNIT(a_key_is_used_with_a_token_endpoint_of_https_only),
          UNIT(a_key_file_is_used_with_a_token_endpoint_of_https_only),
          UNIT(the_gateways_own_identity_can_be_kept_from_functions),
          UNIT(a_call_carries_the_token_of_the_metadata_server),
          UNIT(a_public_function_is_called_without_a_token), UNIT(many_calls_share_one_fetch),
          UNIT(a_token_is_kept_and_renewed_in_the_background_before_it_ends),
          UNIT(a_failed_renewal_leaves_the_old_token_in_use_until_its_end),
          UNIT(a_refused_token_is_replaced_and_the_call_tried_once_more),
          UNIT(a_token_refused_twice_is_the_end_and_not_a_fetch_with_every_call),
          UNIT(a_call_is_tried_once_more_and_no_more_however_slow_the_function),
          UNIT(a_metadata_server_that_is_away_is_asked_three_times),
          UNIT(an_answer_without_a_usable_token_is_told),
          UNIT(a_call_can_be_canceled_while_it_waits_and_while_it_is_out),
          UNIT(throttling_tells_for_how_long),
          UNIT(functions_of_one_audience_share_a_token_and_others_do_not),
          UNIT(an_unbound_function_may_leave_a_background_fetch_behind),
          UNIT(a_fetch_that_waits_for_its_next_try_ends_with_the_loop),
          UNIT(draining_ends_fetches_that_nobody_waits_for),
          UNIT(a_draining_plugin_does_not_try_again), UNIT(what_a_function_lacks_is_told))
