/* lambda.c and map.c: Invoke, its answers, and the three sentences for callers. */
#include "fake_calls.h"

#define EVENT "{\"specversion\":\"1.0\",\"type\":\"t\",\"source\":\"/s\",\"id\":\"1\"}"
#define FUNCTION "{\"arn\":\"hello\",\"region\":\"eu-west-1\"}"

static struct eg_str header(size_t index, const char *name) {
    const struct aws_call_request *request = &calls.sent[index]->request;
    for (size_t i = 0; i < request->header_count; i++) {
        if (egx_str_eq(request->headers[i].name, egx_str_c(name))) {
            return request->headers[i].value;
        }
    }
    return egx_str_n(NULL, 0);
}

static void a_call_posts_the_event_and_returns_the_payload(void) {
    rig_begin("awslambda", NULL, FUNCTION);
    rig_invoke(EVENT);
    const struct aws_call_request *request = &calls.sent[0]->request;
    ASSERT_STR(request->service, "lambda");
    ASSERT_STR(request->region, "eu-west-1");
    ASSERT_STR(request->path, "/2015-03-31/functions/hello/invocations");
    ASSERT_STR(request->query, "");
    ASSERT_STR(request->content_type, "application/json");
    ASSERT_STR(request->body, EVENT);
    ASSERT_STR(header(0, "X-Amz-Invocation-Type"), "RequestResponse");
    CU_ASSERT_EQUAL(rig_class(0), EG_CALL_CLASSES);
    calls_answer(0, 200, NULL, "{\"statusCode\":201}");
    CU_ASSERT_EQUAL(rig_class(0), EG_CALL_OK);
    CU_ASSERT_EQUAL(rig_op(0)->result.http_status, 200);
    ASSERT_STR(rig_body(0), "{\"statusCode\":201}");
    rig_end();
}

static void every_form_of_a_name_is_escaped_into_the_path(void) {
    static const struct {
        const char *arn;
        const char *escaped;
    } rows[] = {
        {"hello", "hello"},
        {"hello:live", "hello%3Alive"},
        {"123456789012:function:hello", "123456789012%3Afunction%3Ahello"},
        {"arn:aws:lambda:eu-west-1:123456789012:function:hello:1",
         "arn%3Aaws%3Alambda%3Aeu-west-1%3A123456789012%3Afunction%3Ahello%3A1"},
        {"../a b/%41?x#y", "..%2Fa%20b%2F%2541%3Fx%23y"},
        {"\xc3\xa9", "%C3%A9"},
    };
    char provider[256];
    char path[256];
    for (size_t i = 0; i < EGX_COUNT(rows); i++) {
        (void)snprintf(provider, sizeof provider,
                       "{\"arn\":\"%s\",\"region\":\"r\",\"qualifier\":\"$LATEST\"}", rows[i].arn);
        (void)snprintf(path, sizeof path, "/2015-03-31/functions/%s/invocations", rows[i].escaped);
        rig_begin("awslambda", NULL, provider);
        rig_invoke(EVENT);
        ASSERT_STR(calls.sent[0]->request.path, path);
        ASSERT_STR(calls.sent[0]->request.query, "Qualifier=%24LATEST");
        calls_answer(0, 200, NULL, "{}");
        rig_end();
    }
}

static void a_function_error_is_logged_and_not_returned(void) {
    rig_begin("awslambda", NULL, FUNCTION);
    rig_invoke(EVENT);
    calls_answer(0, 200, "x-amz-function-error: Unhandled", "{\"errorMessage\":\"boom\"}");
    CU_ASSERT_EQUAL(rig_class(0), EG_CALL_FUNCTION);
    ASSERT_STR(rig_message(0), "Unhandled: {\"errorMessage\":\"boom\"}");
    ASSERT_STR(rig_body(0), "");
    ASSERT_STR(rig_op(0)->result.client_text, "");
    rig_end();
}

static void access_errors_have_their_own_sentence_for_the_caller(void) {
    static const struct {
        const char *code;
        uint32_t status;
        const char *begins;
    } rows[] = {
        {"AccessDeniedException", 403, "Function call failed with AccessDeniedException. The pro"},
        {"UnrecognizedClientException", 403, "Function call failed with UnrecognizedClientExcept"},
        {"ExpiredTokenException", 403, "Function call failed with ExpiredTokenException. The pro"},
    };
    for (size_t i = 0; i < EGX_COUNT(rows); i++) {
        rig_begin("awslambda", NULL, FUNCTION);
        rig_invoke(EVENT);
        calls_fail(0, rows[i].status, rows[i].code, 0);
        CU_ASSERT_EQUAL(rig_class(0), EG_CALL_AUTH);
        CU_ASSERT_TRUE(egx_str_starts(rig_op(0)->result.client_text, egx_str_c(rows[i].begins)));
        rig_end();
    }
}

static void codes_are_sorted_into_classes(void) {
    static const struct {
        const char *code;
        uint32_t status;
        uint32_t call_class;
    } rows[] = {
        {"TooManyRequestsException", 429, EG_CALL_THROTTLED},
        {"EC2ThrottledException", 502, EG_CALL_THROTTLED},
        {"ServiceException", 500, EG_CALL_TRANSIENT},
        {"ENILimitReachedException", 502, EG_CALL_TRANSIENT},
        {"SnapStartTimeoutException", 408, EG_CALL_TRANSIENT},
        {"ResourceConflictException", 409, EG_CALL_TRANSIENT},
        {"EFSIOException", 410, EG_CALL_TRANSIENT},
        {"InvalidRuntimeException", 502, EG_CALL_PERMANENT},
        {"KMSAccessDeniedException", 502, EG_CALL_PERMANENT},
        {"ResourceNotFoundException", 404, EG_CALL_PERMANENT},
        {"RequestTooLargeException", 413, EG_CALL_PERMANENT},
    };
    for (size_t i = 0; i < EGX_COUNT(rows); i++) {
        rig_begin("awslambda", NULL, FUNCTION);
        rig_invoke(EVENT);
        calls_fail(0, rows[i].status, rows[i].code, 7000000000u);
        CU_ASSERT_EQUAL(rig_class(0), rows[i].call_class);
        CU_ASSERT_EQUAL(rig_op(0)->result.retry_after_ns,
                        rows[i].call_class == EG_CALL_THROTTLED ? 7000000000u : 0);
        ASSERT_STR(rig_op(0)->result.client_text, "");
        ASSERT_STR(rig_message(0), rows[i].code);
        rig_end();
    }
}

static void an_event_is_handed_off_and_acknowledged(void) {
    rig_begin("awslambda", NULL, "{\"arn\":\"f\",\"region\":\"r\",\"invocationType\":\"Event\"}");
    rig_invoke(EVENT);
    ASSERT_STR(header(0, "X-Amz-Invocation-Type"), "Event");
    ASSERT_STR(header(0, "X-Amz-Log-Type"), "");
    calls_answer(0, 202, NULL, "");
    CU_ASSERT_EQUAL(rig_class(0), EG_CALL_ACCEPTED);
    ASSERT_STR(rig_body(0), "{\"requestId\":\"req-1\"}");
    CU_ASSERT_EQUAL(rig_class(rig_invoke_bytes(1048577)), EG_CALL_PERMANENT);
    ASSERT_STR(rig_message(1), "the event has 1048577 bytes, Lambda takes at most 1048576");
    CU_ASSERT_EQUAL(calls.count, 1);
    rig_end();
}

static void an_event_bigger_than_lambda_takes_is_not_sent(void) {
    rig_begin("awslambda", NULL, FUNCTION);
    CU_ASSERT_EQUAL(rig_class(rig_invoke_bytes(6291557)), EG_CALL_PERMANENT);
    CU_ASSERT_EQUAL(rig_op(0)->status, EG_E_TOOBIG);
    CU_ASSERT_EQUAL(calls.count, 0);
    rig_end();
}

static void the_tail_of_the_log_is_written_at_debug_level(void) {
    rig_begin("awslambda", NULL, FUNCTION);
    rig_invoke(EVENT);
    if (rig.host->log->enabled(rig.host, EG_LOG_DEBUG)) {
        ASSERT_STR(header(0, "X-Amz-Log-Type"), "Tail");
        calls_answer(0, 200, "X-Amz-Log-Result: U1RBUlQKZG9uZQo=", "{}");
        CU_ASSERT_TRUE(egx_fake_logged(rig.fake, "The function's log."));
    } else {
        ASSERT_STR(header(0, "X-Amz-Log-Type"), "");
        calls_answer(0, 200, NULL, "{}");
    }
    CU_ASSERT_EQUAL(rig_class(0), EG_CALL_OK);
    rig_end();
}

static void what_cannot_be_sent_fails_once(void) {
    rig_begin("awslambda", NULL, FUNCTION);
    calls.refuse_with = EG_E_INVAL;
    CU_ASSERT_EQUAL(rig_class(rig_invoke(EVENT)), EG_CALL_PERMANENT);
    calls.refuse_with = 0;
    rig_invoke(EVENT);
    calls_error(0, EG_E_UNAVAILABLE, "connection refused");
    CU_ASSERT_EQUAL(rig_class(1), EG_CALL_TRANSIENT);
    CU_ASSERT_EQUAL(rig_op(1)->status, EG_E_UNAVAILABLE);
    ASSERT_STR(rig_message(1), "connection refused");
    rig_end();
}

static void cancel_reaches_the_call_of_its_op_only(void) {
    rig_begin("awslambda", NULL, FUNCTION);
    rig_invoke(EVENT);
    rig_invoke(EVENT);
    rig.ops->cancel(rig.instance, rig.slot, &rig.done[1].pub);
    CU_ASSERT_EQUAL(calls.sent[0]->is_canceled, 0);
    CU_ASSERT_EQUAL(calls.sent[1]->is_canceled, 1);
    calls_error(1, EG_E_CANCELED, "canceled");
    calls_answer(0, 200, NULL, "{}");
    rig.ops->cancel(rig.instance, rig.slot, &rig.done[0].pub); /* done already */
    CU_ASSERT_EQUAL(rig_class(0), EG_CALL_OK);
    CU_ASSERT_EQUAL(rig_op(1)->status, EG_E_CANCELED);
    rig_end();
}

UNIT_MAIN(UNIT(a_call_posts_the_event_and_returns_the_payload),
          UNIT(every_form_of_a_name_is_escaped_into_the_path),
          UNIT(a_function_error_is_logged_and_not_returned),
          UNIT(access_errors_have_their_own_sentence_for_the_caller),
          UNIT(codes_are_sorted_into_classes), UNIT(an_event_is_handed_off_and_acknowledged),
          UNIT(an_event_bigger_than_lambda_takes_is_not_sent),
          UNIT(the_tail_of_the_log_is_written_at_debug_level), UNIT(what_cannot_be_sent_fails_once),
          UNIT(cancel_reaches_the_call_of_its_op_only))
