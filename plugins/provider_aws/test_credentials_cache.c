/*
 * Unit tests of the endpoints of containers and instances, and of the cache: one fetch at a time,
 * refreshed before the end, refused keys, several loops and components.
 */
#include "test_world.h"

static void on_an_instance(void) {
    begin_world();
    set_env("AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://127.0.0.1:1338/");
}

static void answer_metadata(const char *id, int64_t lives_s) {
    egx_fake_answer(world.fake, 200, "", "session-token");
    egx_fake_answer(world.fake, 200, "", "my-role\n");
    answer_document(id, lives_s);
}

static void answer_ok(void) {
    egx_fake_answer(world.fake, 200, "", "{}");
}

static void expect_ok(void) {
    struct world_call call;
    call_once(&call);
    CU_ASSERT_EQUAL(call.done, 1);
    CU_ASSERT_EQUAL(call.call_class, EG_CALL_OK);
}

static void expect_auth(const char *part) {
    struct world_call call;
    call_once(&call);
    CU_ASSERT_EQUAL(call.done, 1);
    CU_ASSERT_EQUAL(call.call_class, EG_CALL_AUTH);
    if (strstr(call.message, part) == NULL) {
        printf("  got: %s\n  expected a text with: %s\n", call.message, part);
    }
    CU_ASSERT_PTR_NOT_NULL(strstr(call.message, part));
}

static void an_instance_is_asked_in_three_steps(void) {
    on_an_instance();
    start_world();
    answer_metadata("AKIDIMDS", 6 * 3600);
    answer_ok();
    expect_ok();
    CU_ASSERT_STRING_EQUAL(sent(0)->method, "PUT");
    CU_ASSERT_STRING_EQUAL(sent(0)->url, "http://127.0.0.1:1338/latest/api/token");
    CU_ASSERT_STRING_EQUAL(sent_header(0, "x-aws-ec2-metadata-token-ttl-seconds"), "21600");
    CU_ASSERT_EQUAL(sent(0)->timeout_ns, SECOND);
    CU_ASSERT_STRING_EQUAL(sent(1)->method, "GET");
    CU_ASSERT_STRING_EQUAL(sent_header(1, "x-aws-ec2-metadata-token"), "session-token");
    CU_ASSERT_STRING_EQUAL(
        sent(2)->url, "http://127.0.0.1:1338/latest/meta-data/iam/security-credentials/my-role");
    CU_ASSERT_TRUE(signed_by(3, "AKIDIMDS"));
    CU_ASSERT_STRING_EQUAL(sent_header(3, "x-amz-security-token"), "tok-AKIDIMDS");
    end_world();
}

static void an_instance_that_misbehaves_is_told(void) {
    static const struct {
        int32_t status; /* 0: no answer at all */
        const char *token;
        const char *role;
        const char *keys;
        const char *want;
    } rows[] = {
        {0, "", "", "", "hop limit"},
        {403, "", "", "", "answered with status 403"},
        {200, "", "", "", "no token or role"},
        {200, "bad token", "", "", "no token or role"},
        {200, "tok", "../../x?y", "", "no token or role"},
        {200, "tok", "role", "<html>", "did not answer JSON"},
        {200, "tok", "role", "{\"Code\":\"AssumeRoleUnauthorizedAccess\",\"Message\":\"m\"}",
         "refused: AssumeRoleUnauthorizedAccess m"},
        {200, "tok", "role", "{\"Code\":\"Success\"}", "holds no usable keys"},
    };
    for (size_t i = 0; i < EGX_COUNT(rows); i++) {
        on_an_instance();
        start_world();
        if (rows[i].status == 0) {
            egx_fake_answer_error(world.fake, EG_E_TIMEOUT, "timed out");
        } else {
            egx_fake_answer(world.fake, rows[i].status, "", rows[i].token);
            egx_fake_answer(world.fake, 200, "", rows[i].role);
            egx_fake_answer(world.fake, 200, "", rows[i].keys);
        }
        expect_auth(rows[i].want);
        end_world();
    }
}

static void expired_keys_of_an_instance_are_used_on(void) {
    on_an_instance();
    start_world();
    answer_metadata("AKIDOLD", -60);
    answer_ok();
    expect_ok();
    CU_ASSERT_TRUE(signed_by(3, "AKIDOLD"));
    egx_fake_advance(world.fake, 900 * SECOND);
    answer_ok();
    expect_ok();
    CU_ASSERT_EQUAL(egx_fake_request_count(world.fake), 5); /* not asked again yet */
    end_world();
}

static void a_container_is_asked_with_its_token(void) {
    begin_world();
    set_env("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/v2/credentials/1?x=y");
    set_env("AWS_CONTAINER_AUTHORIZATION_TOKEN", "not this one");
    set_env("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", write_file("token", "Basic abc\n"));
    start_world();
    answer_document("AKIDECS", 3600);
    answer_ok();
    expect_ok();
    CU_ASSERT_STRING_EQUAL(sent(0)->url, "http://169.254.170.2/v2/credentials/1?x=y");
    CU_ASSERT_STRING_EQUAL(sent_header(0, "authorization"), "Basic abc");
    CU_ASSERT_EQUAL(sent(0)->timeout_ns, 2 * SECOND);
    CU_ASSERT_TRUE(signed_by(1, "AKIDECS"));
    end_world();
}

static void a_container_address_is_https_or_local(void) {
    static const struct {
        const char *url;
        const char *why; /* NULL = good */
    } rows[] = {
        {"https://far.test/x", NULL},
        {"http://127.0.0.1:7/x", NULL},
        {"http://localhost/x", NULL},
        {"http://169.254.170.23/v1", NULL},
        {"http://[::1]:9/x", NULL},
        {"http://[fd00:ec2::23]/x", NULL},
        {"http://far.test/x", "https, or http to an address of this machine"},
        {"http://127.evil.test", "https, or http to an address of this machine"},
        {"http://169.254.169.254", "https, or http to an address of this machine"},
        {"http://127.0.0.1@far.test", "is no URL"},
        {"file:///etc/passwd", "is no URL"},
        {"x", "is no URL"},
    };
    for (size_t i = 0; i < EGX_COUNT(rows); i++) {
        begin_world();
        set_env("AWS_CONTAINER_CREDENTIALS_FULL_URI", rows[i].url);
        start_world();
        if (rows[i].why == NULL) {
            answer_document("AKID", 3600);
            answer_ok();
            expect_ok();
        } else {
            expect_auth(rows[i].why);
            CU_ASSERT_EQUAL(egx_fake_request_count(world.fake), 0);
        }
        end_world();
    }
}

static void a_container_is_asked_three_times_a_second_apart(void) {
    struct world_call call;
    begin_world();
    set_env("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://127.0.0.1/x");
    start_world();
    egx_fake_answer(world.fake, 500, "", "");
    egx_fake_answer_error(world.fake, EG_E_TIMEOUT, "timed out");
    egx_fake_answer(world.fake, 503, "", "");
    call_once(&call);
    for (size_t asked = 1; asked < 3; asked++) {
        CU_ASSERT_EQUAL(egx_fake_request_count(world.fake), asked);
        CU_ASSERT_EQUAL(call.done, 0);
        egx_fake_advance(world.fake, SECOND);
        (void)egx_fake_run(world.fake);
    }
    CU_ASSERT_EQUAL(egx_fake_request_count(world.fake), 3);
    CU_ASSERT_EQUAL(call.done, 1);
    CU_ASSERT_EQUAL(call.call_class, EG_CALL_AUTH);
    CU_ASSERT_PTR_NOT_NULL(strstr(call.message, "container credentials endpoint answered with "
                                                "status 503"));
    end_world();
}

/* ---- the cache ---- */

static void many_calls_of_several_loops_wait_for_one_fetch(void) {
    enum { CALLS = 6 };
    struct world_call calls[CALLS];
    on_an_instance();
    start_world();
    struct aws_client *other =
        aws_client_new(egx_fake_host(world.fake), egx_fake_loop(world.fake), world.cache);
    for (size_t i = 0; i < CALLS; i++) {
        CU_ASSERT_EQUAL(send_call(i % 2 == 0 ? world.client : other, world.source, &calls[i]), 0);
    }
    (void)egx_fake_run(world.fake);
    CU_ASSERT_EQUAL(egx_fake_request_count(world.fake), 1); /* the metadata token, once */
    answer_metadata("AKIDONE", 6 * 3600);
    for (size_t i = 0; i < CALLS; i++) {
        answer_ok();
    }
    (void)egx_fake_run(world.fake);
    for (size_t i = 0; i < CALLS; i++) {
        CU_ASSERT_EQUAL(calls[i].done, 1);
        CU_ASSERT_EQUAL(calls[i].call_class, EG_CALL_OK);
    }
    CU_ASSERT_EQUAL(egx_fake_request_count(world.fake), 3 + CALLS);
    aws_client_free(other);
    end_world();
}

static void keys_are_refreshed_before_the_end_without_holding_calls(void) {
    struct world_call call;
    on_an_instance();
    start_world();
    answer_metadata("AKIDONE", 3600);
    answer_ok();
    expect_ok();
    egx_fake_advance(world.fake, (3600 - 890) * SECOND); /* in the last 15 minutes */
    CU_ASSERT_EQUAL(send_call(world.client, world.source, &call), EG_OK);
    CU_ASSERT_EQUAL(egx_fake_request_count(world.fake), 5); /* sent at once */
    CU_ASSERT_TRUE(signed_by(4, "AKIDONE"));
    answer_ok();
    answer_metadata("AKIDTWO", 3600);
    (void)egx_fake_run(world.fake);
    CU_ASSERT_EQUAL(call.call_class, EG_CALL_OK);
    answer_ok();
    expect_ok();
    CU_ASSERT_TRUE(signed_by(8, "AKIDTWO"));
    end_world();
}

static void old_keys_are_used_while_new_ones_cannot_be_had(void) {
    on_an_instance();
    start_world();
    answer_metadata("AKIDONE", 3600);
    answer_ok();
    expect_ok();
    egx_fake_advance(world.fake, (3600 - 300) * SECOND); /* calls wait for new ones by now */
    egx_fake_answer_error(world.fake, EG_E_UNAVAILABLE, "refused");
    answer_ok();
    expect_ok();
    CU_ASSERT_TRUE(signed_by(5, "AKIDONE"));
    answer_ok();
    expect_ok(); /* and the next one does not try again at once */
    CU_ASSERT_EQUAL(egx_fake_request_count(world.fake), 7);
    egx_fake_advance(world.fake, 300 * SECOND);
    egx_fake_answer_error(world.fake, EG_E_UNAVAILABLE, "refused");
    expect_auth("instance metadata service cannot be reached: refused");
    end_world();
}

static void a_failed_fetch_is_not_repeated_for_every_call(void) {
    on_an_instance();
    start_world();
    egx_fake_answer_error(world.fake, EG_E_UNAVAILABLE, "refused");
    expect_auth("refused");
    expect_auth("refused");
    CU_ASSERT_EQUAL(egx_fake_request_count(world.fake), 1);
    egx_fake_advance(world.fake, SECOND);
    answer_metadata("AKID", 3600);
    answer_ok();
    expect_ok();
    end_world();
}

static void refused_keys_are_fetched_anew_once(void) {
    struct world_call call;
    on_an_instance();
    start_world();
    answer_metadata("AKIDONE", 6 * 3600);
    egx_fake_answer(world.fake, 400, "", "{\"__type\":\"ExpiredTokenException\"}");
    answer_metadata("AKIDTWO", 6 * 3600);
    answer_ok();
    expect_ok();
    CU_ASSERT_TRUE(signed_by(3, "AKIDONE"));
    CU_ASSERT_TRUE(signed_by(7, "AKIDTWO"));
    /* They are refused too, soon after: nothing is fetched again for a while. */
    egx_fake_answer(world.fake, 400, "",
                    "{\"__type\":\"ExpiredTokenException\",\"message\":\"m\"}");
    call_once(&call);
    CU_ASSERT_EQUAL(call.call_class, EG_CALL_AUTH);
    CU_ASSERT_STRING_EQUAL(call.code, "ExpiredTokenException");
    CU_ASSERT_STRING_EQUAL(call.message, "m");
    CU_ASSERT_EQUAL(egx_fake_request_count(world.fake), 9);
    end_world();
}

static void the_same_keys_again_are_not_tried_again(void) {
    struct world_call call;
    on_an_instance();
    start_world();
    answer_metadata("AKIDONE", 6 * 3600);
    egx_fake_answer(world.fake, 403, "",
                    "{\"__type\":\"UnrecognizedClientException\",\"message\":\"m\"}");
    answer_metadata("AKIDONE", 6 * 3600);
    call_once(&call);
    CU_ASSERT_EQUAL(call.done, 1);
    CU_ASSERT_EQUAL(call.call_class, EG_CALL_AUTH);
    CU_ASSERT_EQUAL(call.status, 403);
    CU_ASSERT_STRING_EQUAL(call.message, "m");
    CU_ASSERT_EQUAL(egx_fake_request_count(world.fake), 7);
    end_world();
}

static void a_call_waits_no_longer_than_its_time(void) {
    struct world_call call;
    on_an_instance();
    start_world();
    call_once(&call); /* the metadata service hangs */
    egx_fake_advance(world.fake, 60 * SECOND);
    (void)egx_fake_run(world.fake);
    CU_ASSERT_EQUAL(call.done, 1);
    CU_ASSERT_EQUAL(call.error, EG_E_TIMEOUT);
    CU_ASSERT_EQUAL(call.call_class, EG_CALL_TRANSIENT);
    egx_fake_answer_error(world.fake, EG_E_TIMEOUT, "timed out");
    (void)egx_fake_run(world.fake);
    CU_ASSERT_EQUAL(call.done, 1);
    end_world();
}

static void a_call_that_waits_can_be_cancelled_and_its_client_freed(void) {
    struct world_call call;
    on_an_instance();
    start_world();
    struct aws_client *other =
        aws_client_new(egx_fake_host(world.fake), egx_fake_loop(world.fake), world.cache);
    CU_ASSERT_EQUAL(send_call(other, world.source, &call), EG_OK);
    (void)egx_fake_run(world.fake);
    aws_call_cancel(call.handle);
    CU_ASSERT_EQUAL(call.done, 0);
    (void)egx_fake_run(world.fake);
    CU_ASSERT_EQUAL(call.done, 1);
    CU_ASSERT_EQUAL(call.error, EG_E_CANCELED);
    aws_client_free(other); /* its fetch goes on, for whoever asks next */
    answer_metadata("AKID", 3600);
    (void)egx_fake_run(world.fake);
    answer_ok();
    expect_ok();
    CU_ASSERT_EQUAL(egx_fake_request_count(world.fake), 4);
    end_world();
}

static void a_fetch_that_pauses_ends_with_its_client(void) {
    struct world_call mine;
    struct world_call others;
    begin_world();
    set_env("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://127.0.0.1/x");
    start_world();
    struct aws_client *other =
        aws_client_new(egx_fake_host(world.fake), egx_fake_loop(world.fake), world.cache);
    egx_fake_answer(world.fake, 500, "", "");
    CU_ASSERT_EQUAL(send_call(other, world.source, &others), EG_OK);
    CU_ASSERT_EQUAL(send_call(world.client, world.source, &mine), EG_OK);
    (void)egx_fake_run(world.fake);
    aws_call_cancel(others.handle);
    (void)egx_fake_run(world.fake);
    CU_ASSERT_EQUAL(others.done, 1);
    aws_client_free(other); /* detached while it pauses; the other client still waits */
    (void)egx_fake_run(world.fake);
    CU_ASSERT_EQUAL(mine.done, 1);
    CU_ASSERT_EQUAL(mine.call_class, EG_CALL_AUTH);
    egx_fake_advance(world.fake, 2 * SECOND);
    (void)egx_fake_run(world.fake);
    CU_ASSERT_EQUAL(egx_fake_request_count(world.fake), 1); /* its timer is gone */
    end_world();
}

static void the_cache_of_the_process_is_one(void) {
    struct aws_cache *first = aws_cache_take();
    struct aws_cache *second = aws_cache_take();
    CU_ASSERT_PTR_EQUAL(first, second);
    aws_cache_release(first);
    aws_cache_release(second);
    aws_cache_release(NULL);
}

UNIT_MAIN(UNIT(an_instance_is_asked_in_three_steps), UNIT(an_instance_that_misbehaves_is_told),
          UNIT(expired_keys_of_an_instance_are_used_on), UNIT(a_container_is_asked_with_its_token),
          UNIT(a_container_address_is_https_or_local),
          UNIT(a_container_is_asked_three_times_a_second_apart),
          UNIT(many_calls_of_several_loops_wait_for_one_fetch),
          UNIT(keys_are_refreshed_before_the_end_without_holding_calls),
          UNIT(old_keys_are_used_while_new_ones_cannot_be_had),
          UNIT(a_failed_fetch_is_not_repeated_for_every_call),
          UNIT(refused_keys_are_fetched_anew_once), UNIT(the_same_keys_again_are_not_tried_again),
          UNIT(a_call_waits_no_longer_than_its_time),
          UNIT(a_call_that_waits_can_be_cancelled_and_its_client_freed),
          UNIT(a_fetch_that_pauses_ends_with_its_client), UNIT(the_cache_of_the_process_is_one))
