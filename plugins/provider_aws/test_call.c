/* Unit tests of the signed call: what is sent, what the answer means, the two exceptions. */
#include "test_world.h"

static void with_keys(void) {
    begin_world();
    set_env("AWS_ACCESS_KEY_ID", "AKIDENV");
    set_env("AWS_SECRET_ACCESS_KEY", "topsecret");
    set_env("AWS_SESSION_TOKEN", "tok-env");
}

static void a_call_is_signed_and_sent_to_the_region(void) {
    struct world_call call;
    with_keys();
    start_world();
    egx_fake_answer(world.fake, 200, "x-amzn-RequestId: r-1", "{\"ok\":1}");
    call_once(&call);
    CU_ASSERT_EQUAL(call.done, 1);
    CU_ASSERT_EQUAL(call.call_class, EG_CALL_OK);
    CU_ASSERT_STRING_EQUAL(call.body, "{\"ok\":1}");
    CU_ASSERT_STRING_EQUAL(call.request_id, "r-1");
    CU_ASSERT_STRING_EQUAL(sent(0)->url, "https://kinesis.eu-central-1.amazonaws.com/");
    CU_ASSERT_STRING_EQUAL(sent(0)->method, "POST");
    CU_ASSERT_EQUAL(sent(0)->flags, EG_HTTP_NO_REDIRECT);
    ASSERT_STR(sent(0)->body, "{\"a\":1}");
    CU_ASSERT_STRING_EQUAL(sent_header(0, "x-amz-target"), "Kinesis_20131202.PutRecord");
    CU_ASSERT_STRING_EQUAL(sent_header(0, "x-amz-security-token"), "tok-env");
    CU_ASSERT_TRUE(signed_by(0, "AKIDENV"));
    CU_ASSERT_PTR_NOT_NULL(
        strstr(sent_header(0, "authorization"),
               "SignedHeaders=content-type;host;x-amz-date;x-amz-security-token;x-amz-target,"));
    end_world();
}

static void endpoints_of_the_environment_and_of_the_function_are_used(void) {
    static const struct {
        const char *service;
        const char *all;
        const char *own;
        const char *want;
    } rows[] = {
        {"http://127.0.0.1:1", NULL, "", "http://127.0.0.1:1/"},
        {"http://a.test/x/", "http://b.test", "", "http://a.test/x/"},
        {NULL, "http://b.test:80", "", "http://b.test:80/"},
        {"http://a.test", NULL, "https://[::1]:7", "https://[::1]:7/"},
    };
    for (size_t i = 0; i < EGX_COUNT(rows); i++) {
        struct world_call call = {.done = 0};
        with_keys();
        if (rows[i].service != NULL) {
            set_env("AWS_ENDPOINT_URL_SQS", rows[i].service);
        }
        if (rows[i].all != NULL) {
            set_env("AWS_ENDPOINT_URL", rows[i].all);
        }
        start_world();
        const struct aws_call_request request = {.source = world.source,
                                                 .service = EGX_STR("sqs"),
                                                 .region = EGX_STR("cn-north-1"),
                                                 .endpoint = egx_str_c(rows[i].own)};
        egx_fake_answer(world.fake, 204, "", "");
        CU_ASSERT_EQUAL(aws_call_send(world.client, &request, on_reply, &call, &call.handle), 0);
        (void)egx_fake_run(world.fake);
        CU_ASSERT_EQUAL(call.call_class, EG_CALL_OK);
        CU_ASSERT_STRING_EQUAL(sent(0)->url, rows[i].want);
        end_world();
    }
}

static void what_cannot_be_sent_is_refused_at_once(void) {
    static const struct {
        const char *region;
        const char *endpoint;
        const char *path;
        const char *query;
    } rows[] = {
        {"", "", "/", ""},          {"eu west", "", "/", ""},
        {"a.evil", "", "/", ""},    {"eu", "ftp://x", "/", ""},
        {"eu", "http://", "/", ""}, {"eu", "http://u:p@h", "/", ""},
        {"eu", "", "x", ""},        {"eu", "", "/a b", ""},
        {"eu", "", "/a?b", ""},     {"eu", "", "/", "a\r\nX: y"},
    };
    with_keys();
    start_world();
    for (size_t i = 0; i < EGX_COUNT(rows); i++) {
        struct world_call call = {.done = 0};
        const struct aws_call_request request = {.source = world.source,
                                                 .service = EGX_STR("lambda"),
                                                 .region = egx_str_c(rows[i].region),
                                                 .endpoint = egx_str_c(rows[i].endpoint),
                                                 .path = egx_str_c(rows[i].path),
                                                 .query = egx_str_c(rows[i].query)};
        CU_ASSERT_EQUAL(aws_call_send(world.client, &request, on_reply, &call, &call.handle),
                        EG_E_INVAL);
        CU_ASSERT_EQUAL(call.done, 0);
    }
    CU_ASSERT_EQUAL(egx_fake_request_count(world.fake), 0);
    end_world();
}

static void errors_are_sorted_by_code_first_and_status_second(void) {
    static const struct {
        int32_t status;
        const char *headers;
        const char *body;
        uint32_t want;
        const char *code;
        const char *message;
        uint64_t retry_after_ns;
    } rows[] = {
        {400, "",
         "{\"__type\":\"com.amazonaws.kinesis#ProvisionedThroughputExceededException\",\"message\":"
         "\"slow\"}",
         EG_CALL_THROTTLED, "ProvisionedThroughputExceededException", "slow", 0},
        {429, "x-amzn-ErrorType: TooManyRequestsException:http://x/\nRetry-After: 3",
         "{\"Message\":\"m\"}", EG_CALL_THROTTLED, "TooManyRequestsException", "m", 3 * SECOND},
        {503, "x-amz-retry-after: 250", "gone", EG_CALL_TRANSIENT, "", "HTTP status code: 503",
         SECOND / 4},
        {502, "x-amzn-errortype: InvalidRuntimeException", "", EG_CALL_PERMANENT,
         "InvalidRuntimeException", "HTTP status code: 502", 0},
        {403, "", "{\"__type\":\"AccessDeniedException\",\"message\":\"no\"}", EG_CALL_PERMANENT,
         "AccessDeniedException", "no", 0},
        {404, "", "{\"code\":\"ResourceNotFoundException\"}", EG_CALL_PERMANENT,
         "ResourceNotFoundException", "HTTP status code: 404", 0},
        {400, "",
         "<ErrorResponse><Error><Type>Sender</Type><Code>RequestThrottled</Code><Message>x</"
         "Message>",
         EG_CALL_THROTTLED, "RequestThrottled", "x", 0},
        {301, "Location: http://evil.test/", "", EG_CALL_PERMANENT, "", "HTTP status code: 301", 0},
        {400, "", "{\"__type\":7,\"message\":[]}", EG_CALL_PERMANENT, "", "HTTP status code: 400",
         0},
        {400, "", "{\"__type\":", EG_CALL_PERMANENT, "", "HTTP status code: 400", 0},
        {501, "Retry-After: never", "", EG_CALL_PERMANENT, "", "HTTP status code: 501", 0},
    };
    with_keys();
    start_world();
    for (size_t i = 0; i < EGX_COUNT(rows); i++) {
        struct world_call call;
        egx_fake_answer(world.fake, rows[i].status, rows[i].headers, rows[i].body);
        call_once(&call);
        CU_ASSERT_EQUAL(call.done, 1);
        CU_ASSERT_EQUAL(call.error, 0);
        CU_ASSERT_EQUAL(call.status, (uint32_t)rows[i].status);
        CU_ASSERT_EQUAL(call.call_class, rows[i].want);
        CU_ASSERT_STRING_EQUAL(call.code, rows[i].code);
        CU_ASSERT_STRING_EQUAL(call.message, rows[i].message);
        CU_ASSERT_EQUAL(call.retry_after_ns, rows[i].retry_after_ns);
    }
    CU_ASSERT_EQUAL(egx_fake_request_count(world.fake), EGX_COUNT(rows)); /* nothing twice */
    end_world();
}

static void codes_of_batch_entries_have_classes_without_a_status(void) {
    CU_ASSERT_EQUAL(aws_error_class(EGX_STR("InternalFailure"), 0), EG_CALL_TRANSIENT);
    CU_ASSERT_EQUAL(aws_error_class(EGX_STR("ThrottlingException"), 0), EG_CALL_THROTTLED);
    CU_ASSERT_EQUAL(aws_error_class(EGX_STR("ExpiredToken"), 0), EG_CALL_AUTH);
    CU_ASSERT_EQUAL(aws_error_class(EGX_STR("InvalidMessageContents"), 0), EG_CALL_PERMANENT);
}

static void a_transport_error_is_transient_and_told(void) {
    struct world_call call;
    with_keys();
    start_world();
    egx_fake_answer_error(world.fake, EG_E_UNAVAILABLE, "connection refused");
    call_once(&call);
    CU_ASSERT_EQUAL(call.error, EG_E_UNAVAILABLE);
    CU_ASSERT_EQUAL(call.call_class, EG_CALL_TRANSIENT);
    CU_ASSERT_STRING_EQUAL(call.message, "connection refused");
    end_world();
}

static void a_cancelled_call_ends_once(void) {
    struct world_call call;
    with_keys();
    start_world();
    call_once(&call); /* no answer: in flight */
    CU_ASSERT_EQUAL(call.done, 0);
    aws_call_cancel(call.handle);
    CU_ASSERT_EQUAL(call.done, 0);
    (void)egx_fake_run(world.fake);
    CU_ASSERT_EQUAL(call.done, 1);
    CU_ASSERT_EQUAL(call.error, EG_E_CANCELED);
    end_world();
}

static void a_wrong_clock_is_corrected_once_by_the_date_of_the_answer(void) {
    struct world_call call;
    with_keys();
    start_world();
    egx_fake_answer(world.fake, 403, "Date: Mon, 01 Jan 2035 10:00:00 GMT",
                    "{\"__type\":\"InvalidSignatureException\"}");
    egx_fake_answer(world.fake, 200, "", "{}");
    call_once(&call);
    CU_ASSERT_EQUAL(call.call_class, EG_CALL_OK);
    CU_ASSERT_EQUAL(egx_fake_request_count(world.fake), 2);
    CU_ASSERT_STRING_EQUAL(sent_header(1, "x-amz-date"), "20350101T100000Z");
    CU_ASSERT_STRING_NOT_EQUAL(sent_header(0, "x-amz-date"), "20350101T100000Z");
    /* The next call knows; a service that goes on saying so is not asked a third time. */
    for (int i = 0; i < 2; i++) {
        egx_fake_answer(world.fake, 403, "Date: Mon, 01 Jan 2035 10:00:00 GMT",
                        "{\"__type\":\"RequestTimeTooSkewed\"}");
    }
    call_once(&call);
    CU_ASSERT_EQUAL(call.call_class, EG_CALL_AUTH);
    CU_ASSERT_STRING_EQUAL(sent_header(2, "x-amz-date"), "20350101T100000Z");
    CU_ASSERT_EQUAL(egx_fake_request_count(world.fake), 3);
    end_world();
}

/* Whoever runs the endpoint of one function must not move the clock of the others. */
static void the_date_of_an_endpoint_of_a_function_moves_no_other_clock(void) {
    struct world_call call = {.done = 0};
    with_keys();
    start_world();
    const struct aws_call_request request = {.source = world.source,
                                             .service = EGX_STR("sqs"),
                                             .region = EGX_STR("eu"),
                                             .endpoint = EGX_STR("http://own.test")};
    struct aws_source *usual = source_of((struct aws_source_config){.profile = {NULL, 0}});
    for (int i = 0; i < 2; i++) { /* the second one knows the endpoint's clock */
        if (i == 0) {
            egx_fake_answer(world.fake, 403, "Date: Mon, 01 Jan 2035 10:00:00 GMT",
                            "{\"__type\":\"RequestTimeTooSkewed\"}");
        }
        egx_fake_answer(world.fake, 200, "", "{}");
        CU_ASSERT_EQUAL(aws_call_send(world.client, &request, on_reply, &call, &call.handle), 0);
        (void)egx_fake_run(world.fake);
        CU_ASSERT_EQUAL(call.call_class, EG_CALL_OK);
    }
    CU_ASSERT_STRING_EQUAL(sent_header(2, "x-amz-date"), "20350101T100000Z");
    egx_fake_answer(world.fake, 200, "", "{}");
    CU_ASSERT_EQUAL(send_call(world.client, usual, &call), EG_OK);
    (void)egx_fake_run(world.fake);
    CU_ASSERT_STRING_EQUAL(sent(3)->url, "https://kinesis.eu-central-1.amazonaws.com/");
    CU_ASSERT_STRING_NOT_EQUAL(sent_header(3, "x-amz-date"), "20350101T100000Z");
    aws_source_free(usual);
    end_world();
}

/* AWS repeats the canonical request when it computes another signature, headers included. */
static void the_session_token_is_not_told_when_the_service_repeats_it(void) {
    static const char *const bodies[] = {
        "{\"__type\":\"AccessDeniedException\",\"message\":\"The Canonical String should have "
        "been\\nx-amz-security-token:tok-env\\n\"}",
        "<E><Code>AccessDenied</Code><Message>The Canonical String should have been\n"
        "x-amz-security-token:tok-env\n</Message></E>",
    };
    for (size_t i = 0; i < EGX_COUNT(bodies); i++) {
        struct world_call call;
        with_keys();
        start_world();
        egx_fake_answer(world.fake, 403, "", bodies[i]);
        call_once(&call);
        CU_ASSERT_PTR_NOT_NULL(strstr(call.message, "The Canonical String"));
        CU_ASSERT_PTR_NULL(strstr(call.message, "tok-env"));
        end_world();
    }
}

static void refused_keys_of_the_function_are_not_tried_again(void) {
    struct world_call call;
    begin_world();
    start_world();
    struct aws_source *own = source_of(
        (struct aws_source_config){.keys = {EGX_STR("AKIDOWN"), EGX_STR("s"), {NULL, 0}}});
    egx_fake_answer(world.fake, 400, "",
                    "{\"__type\":\"UnrecognizedClientException\",\"message\":\"invalid token\"}");
    CU_ASSERT_EQUAL(send_call(world.client, own, &call), EG_OK);
    (void)egx_fake_run(world.fake);
    CU_ASSERT_EQUAL(call.call_class, EG_CALL_AUTH);
    CU_ASSERT_STRING_EQUAL(call.code, "UnrecognizedClientException");
    CU_ASSERT_TRUE(signed_by(0, "AKIDOWN"));
    CU_ASSERT_EQUAL(egx_fake_request_count(world.fake), 1);
    aws_source_free(own);
    end_world();
}

/* Functions may be configured with anything (8.1); the call tells. */
static void keys_that_are_no_header_fail_the_call(void) {
    static const struct aws_keys rows[] = {
        {EGX_STR_INIT("AK\r\nX: y"), EGX_STR_INIT("s"), {NULL, 0}},
        {EGX_STR_INIT("AKID"), EGX_STR_INIT("s"), EGX_STR_INIT("tok\n")},
        {EGX_STR_INIT("AK ID"), EGX_STR_INIT("s"), {NULL, 0}},
    };
    begin_world();
    start_world();
    for (size_t i = 0; i < EGX_COUNT(rows); i++) {
        struct world_call call;
        struct aws_source *source = source_of((struct aws_source_config){.keys = rows[i]});
        CU_ASSERT_EQUAL(send_call(world.client, source, &call), EG_OK);
        CU_ASSERT_EQUAL(call.done, 0);
        (void)egx_fake_run(world.fake);
        CU_ASSERT_EQUAL(call.done, 1);
        CU_ASSERT_EQUAL(call.call_class, EG_CALL_AUTH);
        CU_ASSERT_STRING_EQUAL(call.message,
                               "the AWS access key or token holds characters that no key has");
        aws_source_free(source);
    }
    CU_ASSERT_EQUAL(egx_fake_request_count(world.fake), 0);
    end_world();
}

static void a_profile_that_is_no_name_is_refused_when_bound(void) {
    struct eg_why why = {.struct_size = sizeof why};
    struct aws_source *source = NULL;
    char longest[129];
    begin_world();
    start_world();
    memset(longest, 'p', sizeof longest);
    struct aws_source_config config = {.profile = egx_str_n(longest, sizeof longest)};
    CU_ASSERT_EQUAL(aws_source_new(world.cache, &config, &source, &why), EG_E_TOOBIG);
    config.profile = EGX_STR("a\nb");
    CU_ASSERT_EQUAL(aws_source_new(world.cache, &config, &source, &why), EG_E_INVAL);
    CU_ASSERT_PTR_NULL(source);
    end_world();
}

UNIT_MAIN(UNIT(a_call_is_signed_and_sent_to_the_region),
          UNIT(endpoints_of_the_environment_and_of_the_function_are_used),
          UNIT(what_cannot_be_sent_is_refused_at_once),
          UNIT(errors_are_sorted_by_code_first_and_status_second),
          UNIT(codes_of_batch_entries_have_classes_without_a_status),
          UNIT(a_transport_error_is_transient_and_told), UNIT(a_cancelled_call_ends_once),
          UNIT(a_wrong_clock_is_corrected_once_by_the_date_of_the_answer),
          UNIT(the_date_of_an_endpoint_of_a_function_moves_no_other_clock),
          UNIT(the_session_token_is_not_told_when_the_service_repeats_it),
          UNIT(refused_keys_of_the_function_are_not_tried_again),
          UNIT(keys_that_are_no_header_fail_the_call),
          UNIT(a_profile_that_is_no_name_is_refused_when_bound))
