/* Unit tests of every source of credentials: what is asked, what is signed with, what is refused.
 */
#include "test_world.h"

static void no_metadata(void) {
    begin_world();
    set_env("AWS_EC2_METADATA_DISABLED", "true");
}

/* One call is signed by that key after so many requests for credentials. */
static void expect_signed_by(const char *id, size_t asked) {
    struct world_call call;
    egx_fake_answer(world.fake, 200, "", "{}");
    call_once(&call);
    CU_ASSERT_EQUAL(call.done, 1);
    CU_ASSERT_EQUAL(call.call_class, EG_CALL_OK);
    if (call.call_class != EG_CALL_OK) {
        printf("  got: %s\n", call.message);
        return;
    }
    CU_ASSERT_EQUAL(egx_fake_request_count(world.fake), asked + 1);
    CU_ASSERT_TRUE(signed_by(asked, id));
    CU_ASSERT_FALSE(egx_fake_logged(world.fake, "topsecret"));
    CU_ASSERT_FALSE(egx_fake_logged(world.fake, "tok-"));
}

static void expect_none(const char *part) {
    struct world_call call;
    call_once(&call);
    CU_ASSERT_EQUAL(call.done, 1);
    CU_ASSERT_EQUAL(call.call_class, EG_CALL_AUTH);
    if (strstr(call.message, part) == NULL) {
        printf("  got: %s\n  expected a text with: %s\n", call.message, part);
    }
    CU_ASSERT_PTR_NOT_NULL(strstr(call.message, part));
    CU_ASSERT_FALSE(egx_fake_logged(world.fake, "topsecret"));
}

static void the_environment_comes_before_the_files(void) {
    no_metadata();
    set_env("AWS_ACCESS_KEY_ID", "AKIDENV");
    set_env("AWS_SECRET_ACCESS_KEY", "topsecret");
    (void)write_file("credentials", "[default]\naws_access_key_id=AKIDFILE\n"
                                    "aws_secret_access_key=topsecret\n");
    start_world();
    expect_signed_by("AKIDENV", 0);
    end_world();
}

static void keys_of_the_credentials_file_come_before_those_of_the_config_file(void) {
    no_metadata();
    (void)write_file("config", "[default]\naws_access_key_id=AKIDCONFIG\n"
                               "aws_secret_access_key=topsecret\nregion = eu-west-1\n");
    (void)write_file("credentials", "# mine\r\n[other]\r\naws_access_key_id=X\r\n\r\n[default]\r\n"
                                    "AWS_ACCESS_KEY_ID = AKIDFILE ; note\r\n"
                                    "aws_secret_access_key = top#secret\r\n");
    start_world();
    expect_signed_by("AKIDFILE", 0);
    end_world();
}

static void a_function_names_its_profile_and_skips_the_environments_keys(void) {
    struct world_call call;
    no_metadata();
    set_env("AWS_ACCESS_KEY_ID", "AKIDENV");
    set_env("AWS_SECRET_ACCESS_KEY", "topsecret");
    (void)write_file("config", "[profile other]\naws_access_key_id=AKIDOTHER\n"
                               "aws_secret_access_key=topsecret\n");
    start_world();
    struct aws_source *named = source_of((struct aws_source_config){.profile = EGX_STR("other")});
    egx_fake_answer(world.fake, 200, "", "{}");
    CU_ASSERT_EQUAL(send_call(world.client, named, &call), EG_OK);
    (void)egx_fake_run(world.fake);
    CU_ASSERT_EQUAL(call.call_class, EG_CALL_OK);
    CU_ASSERT_TRUE(signed_by(0, "AKIDOTHER"));
    aws_source_free(named);
    end_world();
}

static void a_profile_that_is_not_there_is_an_error(void) {
    no_metadata();
    set_env("AWS_PROFILE", "nobody");
    start_world();
    expect_none("there is no AWS profile \"nobody\"");
    end_world();
}

static void nothing_configured_is_told_with_the_places_that_were_looked_at(void) {
    no_metadata();
    start_world();
    expect_none("no AWS credentials: neither in the function nor in the environment");
    CU_ASSERT_EQUAL(egx_fake_request_count(world.fake), 0);
    end_world();
}

static void a_file_that_cannot_be_read_is_an_error(void) {
    no_metadata();
    set_env("AWS_PROFILE", "x");
    world.env[3] = "/"; /* the config file is a directory */
    start_world();
    expect_none("cannot read the AWS config file /");
    end_world();
}

static void a_role_is_assumed_with_the_keys_of_its_source_profile(void) {
    no_metadata();
    set_env("AWS_PROFILE", "dev");
    (void)write_file("config",
                     "[profile dev]\nrole_arn = arn:aws:iam::1:role/a b\nsource_profile = base\n"
                     "external_id = x&y\nduration_seconds = 900\nregion = eu-west-3\n");
    (void)write_file("credentials", "[base]\naws_access_key_id=AKIDBASE\n"
                                    "aws_secret_access_key=topsecret\n");
    start_world();
    answer_sts("AKIDROLE", 3600);
    expect_signed_by("AKIDROLE", 1);
    CU_ASSERT_STRING_EQUAL(sent(0)->url, "https://sts.eu-west-3.amazonaws.com/");
    ASSERT_STR(sent(0)->body,
               "Action=AssumeRole&Version=2011-06-15&RoleArn=arn%3Aaws%3Aiam%3A%3A1%3Arole%2Fa%20b"
               "&RoleSessionName=event-gateway&DurationSeconds=900&ExternalId=x%26y");
    CU_ASSERT_TRUE(signed_by(0, "AKIDBASE"));
    CU_ASSERT_STRING_EQUAL(sent_header(1, "x-amz-security-token"), "tok-AKIDROLE");
    end_world();
}

static void roles_are_assumed_one_after_the_other(void) {
    no_metadata();
    set_env("AWS_PROFILE", "c");
    (void)write_file("config", "[profile c]\nrole_arn=arn:c\nsource_profile=b\n"
                               "[profile b]\nrole_arn=arn:b\nsource_profile=a\n"
                               "[profile a]\naws_access_key_id=AKIDA\n"
                               "aws_secret_access_key=topsecret\n");
    start_world();
    answer_sts("AKIDB", 3600);
    answer_sts("AKIDC", 3600);
    expect_signed_by("AKIDC", 2);
    CU_ASSERT_TRUE(signed_by(0, "AKIDA"));
    CU_ASSERT_PTR_NOT_NULL(strstr(sent(0)->body.ptr, "RoleArn=arn%3Ab&"));
    CU_ASSERT_TRUE(signed_by(1, "AKIDB"));
    CU_ASSERT_STRING_EQUAL(sent_header(1, "x-amz-security-token"), "tok-AKIDB");
    end_world();
}

static void wrong_role_profiles_are_told(void) {
    static const struct {
        const char *config;
        const char *want;
    } rows[] = {
        {"[default]\nrole_arn=a\nsource_profile=b\n[profile b]\nrole_arn=b\nsource_profile=default",
         "more than 8 profiles assume roles of one another"},
        {"[default]\nrole_arn=a\n", "needs either source_profile or credential_source"},
        {"[default]\nrole_arn=a\nsource_profile=x\n", "there is no AWS profile \"x\""},
        {"[default]\nrole_arn=a\nsource_profile=x\n[profile x]\nregion=y\n",
         "the source profile \"x\" has no credentials"},
        {"[default]\nrole_arn=a\ncredential_source=Moon\n", "unknown credential_source \"Moon\""},
        {"[default]\nrole_arn=a\ncredential_source=EcsContainer\n",
         "credential_source EcsContainer has no credentials"},
        {"[default]\nrole_arn=a\nsource_profile=default\nmfa_serial=1\n", "one-time code"},
        {"[default]\nweb_identity_token_file=/nowhere\n", "needs a role ARN"},
        {"[default]\nrole_arn=a\nweb_identity_token_file=/nowhere/x\n",
         "cannot read the web identity token file /nowhere/x"},
    };
    for (size_t i = 0; i < EGX_COUNT(rows); i++) {
        no_metadata();
        (void)write_file("config", rows[i].config);
        start_world();
        expect_none(rows[i].want);
        end_world();
    }
}

static void a_refusal_of_sts_is_told(void) {
    no_metadata();
    (void)write_file("config", "[default]\nrole_arn=arn:r\nsource_profile=default\n"
                               "aws_access_key_id=A\naws_secret_access_key=topsecret\n");
    start_world();
    egx_fake_answer(world.fake, 403, "",
                    "<E><Error><Code>AccessDenied</Code><Message>not you</Message></Error></E>");
    expect_none("STS refuses the role arn:r with status 403: AccessDenied not you");
    end_world();
}

/* With another signature it repeats the canonical request, session token included. */
static void a_token_that_sts_repeats_is_not_told(void) {
    no_metadata();
    (void)write_file("config", "[default]\nrole_arn=arn:r\nsource_profile=default\n"
                               "aws_access_key_id=A\naws_secret_access_key=topsecret\n"
                               "aws_session_token=tok-base\n");
    start_world();
    egx_fake_answer(world.fake, 403, "",
                    "<E><Error><Code>SignatureDoesNotMatch</Code><Message>should have been "
                    "x-amz-security-token:tok-base</Message></Error></E>");
    struct world_call call;
    call_once(&call);
    CU_ASSERT_PTR_NOT_NULL(strstr(call.message, "SignatureDoesNotMatch should have been"));
    CU_ASSERT_PTR_NULL(strstr(call.message, "tok-base"));
    end_world();
}

static void a_web_identity_is_exchanged_unsigned_and_read_anew_each_time(void) {
    no_metadata();
    set_env("AWS_WEB_IDENTITY_TOKEN_FILE", write_file("token", "jwt.one\n"));
    set_env("AWS_ROLE_ARN", "arn:r");
    set_env("AWS_ROLE_SESSION_NAME", "me");
    set_env("AWS_REGION", "us-west-2");
    start_world();
    egx_fake_answer(world.fake, 400, "", "<E><Code>IDPCommunicationError</Code></E>");
    struct world_call call;
    call_once(&call);
    CU_ASSERT_EQUAL(call.done, 0); /* tried again after a second */
    answer_sts("AKIDWEB", 3600);
    egx_fake_answer(world.fake, 200, "", "{}");
    egx_fake_advance(world.fake, SECOND);
    (void)egx_fake_run(world.fake);
    CU_ASSERT_EQUAL(call.call_class, EG_CALL_OK);
    CU_ASSERT_STRING_EQUAL(sent(0)->url, "https://sts.us-west-2.amazonaws.com/");
    CU_ASSERT_STRING_EQUAL(sent_header(0, "authorization"), "");
    ASSERT_STR(sent(0)->body, "Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleArn=arn%3Ar"
                              "&RoleSessionName=me&WebIdentityToken=jwt.one");
    (void)write_file("token", "jwt.two");
    egx_fake_advance(world.fake, 3300 * SECOND); /* past the mandatory time */
    answer_sts("AKIDNEW", 3600);
    egx_fake_answer(world.fake, 200, "", "{}");
    call_once(&call);
    CU_ASSERT_PTR_NOT_NULL(strstr(sent(3)->body.ptr, "WebIdentityToken=jwt.two"));
    CU_ASSERT_TRUE(signed_by(4, "AKIDNEW"));
    end_world();
}

static void a_credential_process_gives_the_keys(void) {
    no_metadata();
    (void)write_file(
        "config", "[default]\ncredential_process = printf '{\"Version\":1,\"AccessKeyId\":"
                  "\"AKIDPROC\",\"SecretAccessKey\":\"topsecret\",\"SessionToken\":\"tok-p\"}'\n");
    start_world();
    expect_signed_by("AKIDPROC", 0);
    CU_ASSERT_STRING_EQUAL(sent_header(0, "x-amz-security-token"), "tok-p");
    end_world();
}

static void a_credential_process_that_misbehaves_is_told(void) {
    static const struct {
        const char *command;
        const char *want;
    } rows[] = {
        {"echo topsecret >&2; exit 3", "credential_process ended with status 3"},
        {"kill -9 $$", "credential_process ended with signal 9"},
        {"echo topsecret", "the credential_process did not answer JSON"},
        {"echo '[]'", "the credential_process did not answer a JSON object"},
        {"echo '{\"AccessKeyId\":1}'", "holds no usable keys"},
        {"echo '{\"AccessKeyId\":\"a b\",\"SecretAccessKey\":\"s\"}'", "holds no usable keys"},
        {"echo '{\"AccessKeyId\":\"a\",\"SecretAccessKey\":\"s\",\"Expiration\":\"soon\"}'",
         "an Expiration that is no time"},
        {"echo '{\"AccessKeyId\":\"a\",\"SecretAccessKey\":\"s\",\"Expiration\":"
         "\"2001-01-01T00:00:00+01:00\"}'",
         "have expired already"},
        {"head -c 100000 /dev/zero", "credential_process failed: too big"},
        {"head -c 100 /dev/zero", "did not write text"},
    };
    for (size_t i = 0; i < EGX_COUNT(rows); i++) {
        char config[512];
        no_metadata();
        (void)snprintf(config, sizeof config, "[default]\ncredential_process = %s\n",
                       rows[i].command);
        (void)write_file("config", config);
        start_world();
        expect_none(rows[i].want);
        end_world();
    }
}

UNIT_MAIN(UNIT(the_environment_comes_before_the_files),
          UNIT(keys_of_the_credentials_file_come_before_those_of_the_config_file),
          UNIT(a_function_names_its_profile_and_skips_the_environments_keys),
          UNIT(a_profile_that_is_not_there_is_an_error),
          UNIT(nothing_configured_is_told_with_the_places_that_were_looked_at),
          UNIT(a_file_that_cannot_be_read_is_an_error),
          UNIT(a_role_is_assumed_with_the_keys_of_its_source_profile),
          UNIT(roles_are_assumed_one_after_the_other), UNIT(wrong_role_profiles_are_told),
          UNIT(a_token_that_sts_repeats_is_not_told), UNIT(a_refusal_of_sts_is_told),
          UNIT(a_web_identity_is_exchanged_unsigned_and_read_anew_each_time),
          UNIT(a_credential_process_gives_the_keys),
          UNIT(a_credential_process_that_misbehaves_is_told))
