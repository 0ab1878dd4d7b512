/*
 * Unit tests of the component `azurefunction` with tokens of Entra ID: how they are asked for, how
 * long they are used, what happens when there is none.
 */
#include <stdlib.h>

#include "test_azure.h"

#define BASE "\"url\":\"https://a.test/api/f\",\"resource\":\"api://x/y\""
#define SECRET                                                                                     \
    "{" BASE ",\"auth\":\"clientSecret\",\"tenantId\":\"t\",\"clientId\":\"c\",\"clientSecret\":"  \
    "\"s&=\"}"
#define TOKEN "{\"access_token\":\"T1\",\"expires_in\":3600}"
#define TOKEN_2 "{\"access_token\":\"T2\",\"expires_in\":3600}"

static void set_env(const char *name, const char *value) {
    if (value == NULL) {
        (void)unsetenv(name);
    } else {
        (void)setenv(name, value, 1);
    }
}

static const struct egx_fake_request *sent(size_t index) {
    const struct egx_fake_request *request = egx_fake_sent(fake, index);
    CU_ASSERT_PTR_NOT_NULL_FATAL(request);
    return request;
}

/* One call that ends well, with what is scripted. */
static void call_well(void) {
    struct egx_fake_op op;
    call(&op);
    CU_ASSERT_EQUAL(op.result.call_class, EG_CALL_OK);
    egx_fake_op_free(&op);
}

static void a_client_secret_buys_a_token_that_is_kept(void) {
    begin(NULL);
    CU_ASSERT_EQUAL_FATAL(bind(SECRET), EG_OK);
    egx_fake_answer(fake, 200, "", TOKEN);
    egx_fake_answer(fake, 200, "", "{}");
    egx_fake_answer(fake, 200, "", "{}");
    call_well();
    call_well();
    CU_ASSERT_EQUAL(egx_fake_request_count(fake), 3);
    CU_ASSERT_STRING_EQUAL(sent(0)->method, "POST");
    CU_ASSERT_STRING_EQUAL(sent(0)->url, "https://login.microsoftonline.com/t/oauth2/v2.0/token");
    ASSERT_STR(sent(0)->body, "client_id=c&scope=api%3A%2F%2Fx%2Fy%2F.default"
                              "&grant_type=client_credentials&client_secret=s%26%3D");
    ASSERT_STR(header_of(sent(0), "Content-Type"), "application/x-www-form-urlencoded");
    CU_ASSERT_EQUAL(sent(0)->timeout_ns, 10 * SECOND_NS);
    ASSERT_STR(header_of(sent(1), "Authorization"), "Bearer T1");
    ASSERT_STR(header_of(sent(2), "Authorization"), "Bearer T1");
    end();
}

static void a_federated_token_is_read_anew_for_each_fetch(void) {
    char path[] = "/tmp/eventgw-federated-XXXXXX";
    const int fd = mkstemp(path);
    FILE *file = fdopen(fd, "w");
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    (void)fputs("first.jwt\n", file);
    (void)fclose(file);
    set_env("AZURE_FEDERATED_TOKEN_FILE", path);
    set_env("AZURE_TENANT_ID", "env-tenant");
    set_env("AZURE_CLIENT_ID", "env-client");
    set_env("AZURE_AUTHORITY_HOST", "https://login.test/");
    begin(NULL);
    CU_ASSERT_EQUAL_FATAL(bind("{" BASE ",\"auth\":\"workloadIdentity\"}"), EG_OK);
    egx_fake_answer(fake, 200, "", TOKEN);
    egx_fake_answer(fake, 200, "", "{}");
    call_well();
    CU_ASSERT_STRING_EQUAL(sent(0)->url, "https://login.test/env-tenant/oauth2/v2.0/token");
    ASSERT_STR(sent(0)->body, "client_id=env-client&scope=api%3A%2F%2Fx%2Fy%2F.default"
                              "&grant_type=client_credentials&client_assertion_type="
                              "urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer"
                              "&client_assertion=first.jwt");
    file = fopen(path, "w");
    (void)fputs("second", file);
    (void)fclose(file);
    egx_fake_advance(fake, 3600 * SECOND_NS);
    egx_fake_answer(fake, 200, "", TOKEN_2);
    egx_fake_answer(fake, 200, "", "{}");
    call_well();
    CU_ASSERT_PTR_NOT_NULL(strstr(sent(2)->body.ptr, "client_assertion=second"));
    ASSERT_STR(header_of(sent(3), "Authorization"), "Bearer T2");
    (void)remove(path);
    egx_fake_advance(fake, 3600 * SECOND_NS);
    struct egx_fake_op op;
    call(&op);
    CU_ASSERT_EQUAL(op.result.call_class, EG_CALL_AUTH);
    ASSERT_STR(op.result.message, "the federated token file is missing, empty or too big");
    egx_fake_op_free(&op);
    end();
    set_env("AZURE_FEDERATED_TOKEN_FILE", NULL);
    set_env("AZURE_TENANT_ID", NULL);
    set_env("AZURE_CLIENT_ID", NULL);
    set_env("AZURE_AUTHORITY_HOST", NULL);
}

static void a_managed_identity_asks_app_service_or_the_metadata_service(void) {
    begin(NULL);
    CU_ASSERT_EQUAL_FATAL(bind("{" BASE ",\"auth\":\"managedIdentity\",\"clientId\":\"u 1\"}"),
                          EG_OK);
    egx_fake_answer(fake, 200, "", "{\"access_token\":\"T1\",\"expires_in\":\"3600\"}");
    egx_fake_answer(fake, 200, "", "{}");
    call_well();
    CU_ASSERT_STRING_EQUAL(sent(0)->method, "GET");
    CU_ASSERT_STRING_EQUAL(sent(0)->url,
                           "http://169.254.169.254/metadata/identity/oauth2/token"
                           "?api-version=2018-02-01&resource=api%3A%2F%2Fx%2Fy&client_id=u%201");
    ASSERT_STR(header_of(sent(0), "Metadata"), "true");
    end();
    set_env("IDENTITY_ENDPOINT", "http://127.0.0.1:41/msi/token");
    set_env("IDENTITY_HEADER", "h");
    begin(NULL);
    CU_ASSERT_EQUAL_FATAL(bind("{" BASE ",\"auth\":\"managedIdentity\"}"), EG_OK);
    egx_fake_answer(fake, 200, "", "{\"access_token\":\"T1\",\"expires_on\":\"9999999999\"}");
    egx_fake_answer(fake, 200, "", "{}");
    call_well();
    CU_ASSERT_STRING_EQUAL(sent(0)->url, "http://127.0.0.1:41/msi/token?api-version=2019-08-01"
                                         "&resource=api%3A%2F%2Fx%2Fy");
    ASSERT_STR(header_of(sent(0), "X-IDENTITY-HEADER"), "h");
    CU_ASSERT_EQUAL(header_of(sent(0), "Metadata").len, 0);
    end();
    set_env("IDENTITY_ENDPOINT", NULL);
    set_env("IDENTITY_HEADER", NULL);
}

static void the_gateways_own_identity_can_be_withheld(void) {
    begin("{\"ambient\":false}");
    CU_ASSERT_EQUAL(bind("{" BASE ",\"auth\":\"managedIdentity\"}"), EG_E_INVAL);
    CU_ASSERT_STRING_EQUAL(why_text(), "auth managedIdentity: functions may not use the gateway's "
                                       "own identity (setting ambient)");
    CU_ASSERT_EQUAL(bind(SECRET), EG_OK);
    end();
}

static void an_authority_without_https_gets_no_secret(void) {
    begin("{\"authority_host\":\"http://login.test\"}");
    CU_ASSERT_EQUAL(bind(SECRET), EG_E_INVAL);
    CU_ASSERT_STRING_EQUAL(why_text(), "the authority host has to be an https URL");
    end();
}

static void all_who_wait_share_one_fetch(void) {
    struct egx_fake_op made[5];
    begin(NULL);
    CU_ASSERT_EQUAL_FATAL(bind(SECRET), EG_OK);
    void *first = target;
    CU_ASSERT_EQUAL_FATAL(bind(SECRET), EG_OK); /* another function, the same identity */
    for (size_t i = 0; i < 5; i++) {
        invoke(&made[i]);
    }
    (void)egx_fake_run(fake);
    CU_ASSERT_EQUAL(egx_fake_request_count(fake), 1);
    egx_fake_answer(fake, 200, "", TOKEN);
    for (size_t i = 0; i < 5; i++) {
        egx_fake_answer(fake, 200, "", "{}");
    }
    (void)egx_fake_run(fake);
    CU_ASSERT_EQUAL(egx_fake_request_count(fake), 6);
    for (size_t i = 0; i < 5; i++) {
        CU_ASSERT_EQUAL(made[i].result.call_class, EG_CALL_OK);
        CU_ASSERT_EQUAL(made[i].done_count, 1);
        egx_fake_op_free(&made[i]);
    }
    ops()->unbind(instance, first);
    end();
}

static void a_successor_is_fetched_in_the_background(void) {
    begin(NULL);
    CU_ASSERT_EQUAL_FATAL(bind(SECRET), EG_OK);
    egx_fake_answer(fake, 200, "", TOKEN);
    egx_fake_answer(fake, 200, "", "{}");
    call_well();
    egx_fake_advance(fake, 3301 * SECOND_NS); /* less than five minutes are left */
    egx_fake_answer(fake, 200, "", "{}");     /* the call is sent before the fetch */
    egx_fake_answer(fake, 503, "", "");
    call_well();
    ASSERT_STR(header_of(sent(2), "Authorization"), "Bearer T1");
    CU_ASSERT_PTR_NOT_NULL(strstr(sent(3)->url, "/oauth2/"));
    egx_fake_answer(fake, 200, "", "{}");
    call_well(); /* the fetch has failed: not tried again at once */
    CU_ASSERT_EQUAL(egx_fake_request_count(fake), 5);
    egx_fake_advance(fake, 31 * SECOND_NS);
    egx_fake_answer(fake, 200, "", "{}");
    egx_fake_answer(fake, 200, "", TOKEN_2);
    call_well();
    egx_fake_answer(fake, 200, "", "{}");
    call_well();
    CU_ASSERT_EQUAL(egx_fake_request_count(fake), 8);
    ASSERT_STR(header_of(sent(7), "Authorization"), "Bearer T2");
    end();
}

static void an_expired_token_is_waited_for(void) {
    begin(NULL);
    CU_ASSERT_EQUAL_FATAL(bind(SECRET), EG_OK);
    egx_fake_answer(fake, 200, "", TOKEN);
    egx_fake_answer(fake, 200, "", "{}");
    call_well();
    egx_fake_advance(fake, 3571 * SECOND_NS); /* half a minute before the end it is not used */
    egx_fake_answer(fake, 200, "", TOKEN_2);
    egx_fake_answer(fake, 200, "", "{}");
    call_well();
    ASSERT_STR(header_of(sent(3), "Authorization"), "Bearer T2");
    end();
}

static void a_refused_token_is_replaced_and_the_call_tried_once_more(void) {
    struct egx_fake_op op;
    begin(NULL);
    CU_ASSERT_EQUAL_FATAL(bind(SECRET), EG_OK);
    egx_fake_answer(fake, 200, "", TOKEN);
    egx_fake_answer(fake, 401, "", "");
    egx_fake_answer(fake, 200, "", TOKEN_2);
    egx_fake_answer(fake, 200, "", "{}");
    call_well();
    ASSERT_STR(header_of(sent(3), "Authorization"), "Bearer T2");
    ASSERT_STR(sent(3)->body, EVENT);
    egx_fake_advance(fake, 31 * SECOND_NS);
    egx_fake_answer(fake, 401, "", "");
    egx_fake_answer(fake, 200, "", TOKEN);
    egx_fake_answer(fake, 401, "", "");
    call(&op);
    CU_ASSERT_EQUAL(op.result.call_class, EG_CALL_AUTH);
    CU_ASSERT_EQUAL(egx_fake_request_count(fake), 7);
    egx_fake_op_free(&op);
    end();
}

static void a_function_that_refuses_every_token_does_not_take_it_from_the_others(void) {
    struct egx_fake_op op;
    begin(NULL);
    CU_ASSERT_EQUAL_FATAL(bind(SECRET), EG_OK);
    egx_fake_answer(fake, 200, "", TOKEN);
    egx_fake_answer(fake, 401, "", "");
    egx_fake_answer(fake, 200, "", TOKEN_2);
    egx_fake_answer(fake, 401, "", "");
    call(&op);
    egx_fake_op_free(&op);
    egx_fake_answer(fake, 401, "", ""); /* the token that was fetched a moment ago */
    call(&op);
    CU_ASSERT_EQUAL(op.result.call_class, EG_CALL_AUTH);
    CU_ASSERT_EQUAL_FATAL(egx_fake_request_count(fake), 5);
    egx_fake_op_free(&op);
    egx_fake_answer(fake, 200, "", "{}");
    call_well();
    ASSERT_STR(header_of(sent(5), "Authorization"), "Bearer T2");
    egx_fake_advance(fake, 31 * SECOND_NS);
    egx_fake_answer(fake, 401, "", "");
    egx_fake_answer(fake, 200, "", TOKEN);
    egx_fake_answer(fake, 200, "", "{}");
    call_well();
    ASSERT_STR(header_of(sent(8), "Authorization"), "Bearer T1");
    end();
}

static void two_refusals_of_one_token_fetch_one_successor(void) {
    struct egx_fake_op a;
    struct egx_fake_op b;
    begin(NULL);
    CU_ASSERT_EQUAL_FATAL(bind(SECRET), EG_OK);
    egx_fake_answer(fake, 200, "", TOKEN);
    egx_fake_answer(fake, 200, "", "{}");
    call_well();
    invoke(&a);
    invoke(&b);
    egx_fake_answer(fake, 401, "", "");
    egx_fake_answer(fake, 401, "", "");
    egx_fake_answer(fake, 200, "", TOKEN_2);
    egx_fake_answer(fake, 200, "", "{}");
    egx_fake_answer(fake, 200, "", "{}");
    (void)egx_fake_run(fake);
    CU_ASSERT_EQUAL(a.result.call_class, EG_CALL_OK);
    CU_ASSERT_EQUAL(b.result.call_class, EG_CALL_OK);
    CU_ASSERT_EQUAL(egx_fake_request_count(fake), 7);
    egx_fake_op_free(&a);
    egx_fake_op_free(&b);
    end();
}

static void no_token_has_the_class_of_its_reason(void) {
    static const struct {
        int32_t status;
        const char *headers;
        const char *body;
        uint32_t call_class;
        uint64_t retry_after_s;
        const char *message;
    } rows[] = {
        {401, "",
         "{\"error\":\"invalid_client\",\"error_description\":\"AADSTS7000215: bad\\r\\nTrace\"}",
         EG_CALL_AUTH, 0,
         "the token endpoint answered HTTP status code 401: invalid_client: AADSTS7000215: bad"},
        {400, "", "<html>", EG_CALL_AUTH, 0, "the token endpoint answered HTTP status code 400"},
        {302, "", "", EG_CALL_AUTH, 0, "the token endpoint answered HTTP status code 302"},
        {404, "", "[]", EG_CALL_TRANSIENT, 0, "the token endpoint answered HTTP status code 404"},
        {410, "", "", EG_CALL_TRANSIENT, 0, "the token endpoint answered HTTP status code 410"},
        {429, "Retry-After: 3", "", EG_CALL_THROTTLED, 3,
         "the token endpoint answered HTTP status code 429"},
        {500, "", "", EG_CALL_TRANSIENT, 0, "the token endpoint answered HTTP status code 500"},
        {200, "", "not JSON", EG_CALL_TRANSIENT, 0, "the token endpoint answered no token"},
        {200, "", "{}", EG_CALL_TRANSIENT, 0, "the token endpoint answered no token"},
        {200, "", "{\"access_token\":7}", EG_CALL_TRANSIENT, 0,
         "the token endpoint answered no token"},
        {200, "", "{\"access_token\":\"a\\r\\nX: y\"}", EG_CALL_TRANSIENT, 0,
         "the token endpoint answered no token"},
    };
    begin(NULL);
    CU_ASSERT_EQUAL_FATAL(bind(SECRET), EG_OK);
    for (size_t i = 0; i < EGX_COUNT(rows); i++) {
        struct egx_fake_op op;
        egx_fake_answer(fake, rows[i].status, rows[i].headers, rows[i].body);
        call(&op);
        CU_ASSERT_EQUAL(op.result.call_class, rows[i].call_class);
        CU_ASSERT_EQUAL(op.result.retry_after_ns, rows[i].retry_after_s * SECOND_NS);
        ASSERT_STR(op.result.message, rows[i].message);
        egx_fake_op_free(&op);
    }
    CU_ASSERT_EQUAL(egx_fake_request_count(fake),
                    EGX_COUNT(rows)); /* the function was not called */
    struct egx_fake_op op;
    egx_fake_answer_error(fake, EG_E_TIMEOUT, "timed out");
    call(&op);
    CU_ASSERT_EQUAL(op.result.call_class, EG_CALL_TRANSIENT);
    ASSERT_STR(op.result.message, "the token endpoint: timed out");
    egx_fake_op_free(&op);
    CU_ASSERT(!egx_fake_logged(fake, "s&="));
    end();
}

static void a_token_without_life_time_is_not_kept_for_long(void) {
    begin(NULL);
    CU_ASSERT_EQUAL_FATAL(bind(SECRET), EG_OK);
    egx_fake_answer(fake, 200, "", "{\"access_token\":\"T1\",\"expires_in\":0}");
    egx_fake_answer(fake, 200, "", "{}");
    call_well();
    egx_fake_answer(fake, 200, "", "{\"access_token\":\"T2\"}");
    egx_fake_answer(fake, 200, "", "{}");
    call_well();
    ASSERT_STR(header_of(sent(3), "Authorization"), "Bearer T2");
    egx_fake_advance(fake, 300 * SECOND_NS);
    egx_fake_answer(fake, 200, "", TOKEN);
    egx_fake_answer(fake, 200, "", "{}");
    call_well();
    CU_ASSERT_EQUAL(egx_fake_request_count(fake), 6);
    end();
}

static void who_waits_for_a_token_can_be_cancelled(void) {
    struct egx_fake_op a;
    struct egx_fake_op b;
    begin(NULL);
    CU_ASSERT_EQUAL_FATAL(bind(SECRET), EG_OK);
    invoke(&a);
    invoke(&b);
    (void)egx_fake_run(fake);
    ops()->cancel(instance, slot, &a.pub);
    (void)egx_fake_run(fake);
    CU_ASSERT_EQUAL(a.done_count, 1);
    CU_ASSERT_EQUAL(a.status, EG_E_CANCELED);
    CU_ASSERT_EQUAL(b.done_count, 0);
    egx_fake_answer(fake, 200, "", TOKEN);
    egx_fake_answer(fake, 200, "", "{}");
    (void)egx_fake_run(fake);
    CU_ASSERT_EQUAL(b.result.call_class, EG_CALL_OK);
    egx_fake_op_free(&a);
    egx_fake_op_free(&b);
    end();
}

static void who_waits_may_leave_in_any_order(void) {
    static const size_t orders[][3] = {{0, 1, 2}, {2, 1, 0}, {1, 0, 2}, {1, 2, 0}};
    for (size_t i = 0; i < EGX_COUNT(orders); i++) {
        struct egx_fake_op made[3];
        begin(NULL);
        CU_ASSERT_EQUAL_FATAL(bind(SECRET), EG_OK);
        for (size_t k = 0; k < 3; k++) {
            invoke(&made[k]);
        }
        (void)egx_fake_run(fake);
        for (size_t k = 0; k < 3; k++) {
            ops()->cancel(instance, slot, &made[orders[i][k]].pub);
        }
        egx_fake_answer(fake, 200, "", TOKEN);
        (void)egx_fake_run(fake);
        CU_ASSERT_EQUAL(egx_fake_request_count(fake), 1); /* the token is there for the next */
        for (size_t k = 0; k < 3; k++) {
            CU_ASSERT_EQUAL(made[k].done_count, 1);
            CU_ASSERT_EQUAL(made[k].status, EG_E_CANCELED);
            egx_fake_op_free(&made[k]);
        }
        egx_fake_answer(fake, 200, "", "{}");
        call_well();
        end();
    }
}

static void a_time_of_expiry_counts_from_now(void) {
    char token[96];
    begin(NULL);
    const struct eg_host *host = egx_fake_host(fake);
    CU_ASSERT_EQUAL_FATAL(bind(SECRET), EG_OK);
    (void)snprintf(token, sizeof token, "{\"access_token\":\"T1\",\"expires_on\":\"%lld\"}",
                   (long long)(host->clock->unix_ns(host) / 1000000000 + 100));
    egx_fake_answer(fake, 200, "", token);
    egx_fake_answer(fake, 200, "", "{}");
    call_well();
    egx_fake_advance(fake, 91 * SECOND_NS); /* its last tenth is not used */
    egx_fake_answer(fake, 200, "", "{\"access_token\":\"T2\",\"expires_on\":\"1\"}");
    egx_fake_answer(fake, 200, "", "{}");
    call_well();
    ASSERT_STR(header_of(sent(3), "Authorization"), "Bearer T2");
    egx_fake_answer(fake, 200, "", TOKEN); /* long past: good for those who waited, no longer */
    egx_fake_answer(fake, 200, "", "{}");
    call_well();
    CU_ASSERT_EQUAL(egx_fake_request_count(fake), 6);
    end();
}

UNIT_MAIN(UNIT(a_client_secret_buys_a_token_that_is_kept),
          UNIT(a_federated_token_is_read_anew_for_each_fetch),
          UNIT(a_managed_identity_asks_app_service_or_the_metadata_service),
          UNIT(the_gateways_own_identity_can_be_withheld),
          UNIT(an_authority_without_https_gets_no_secret), UNIT(all_who_wait_share_one_fetch),
          UNIT(a_successor_is_fetched_in_the_background), UNIT(an_expired_token_is_waited_for),
          UNIT(a_refused_token_is_replaced_and_the_call_tried_once_more),
          UNIT(a_function_that_refuses_every_token_does_not_take_it_from_the_others),
          UNIT(two_refusals_of_one_token_fetch_one_successor),
          UNIT(no_token_has_the_class_of_its_reason),
          UNIT(a_token_without_life_time_is_not_kept_for_long),
          UNIT(who_waits_for_a_token_can_be_cancelled), UNIT(who_waits_may_leave_in_any_order),
          UNIT(a_time_of_expiry_counts_from_now))
