/*
 * What senders publish to check a receiver with, through the whole plugin. Where a sender publishes
 * none (Stripe, Shopify), the numbers are of `openssl dgst`.
 */
#include "test_webhook.h"

/* The vector of the libraries of standard-webhooks, "sign function works". */
#define STANDARD_SECRET "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
#define STANDARD_ID "msg_p5jXN8AQM9LWM0D4loKWxJek"
#define STANDARD_TIME "1614265330"
#define STANDARD_BODY "{\"test\": 2432232314}"
#define STANDARD_SIGNATURE "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
/* The vector of the Svix server, test_asymmetric_key_signing; its signature is in the example of
 * the Standard Webhooks specification. */
#define ED25519_PUBLIC "whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4="
#define ED25519_SIGNATURE                                                                          \
    "v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/"                                                       \
    "enGzPCXe5BdqzCInXqYXFymVJaA7AZdpXwVLPo3mNl8EM+m7TBAg=="

static void standard(const char *signature, const char *body) {
    begin("POST", "/", body);
    egx_fake_add_header(request, "webhook-id", STANDARD_ID);
    egx_fake_add_header(request, "webhook-timestamp", STANDARD_TIME);
    egx_fake_add_header(request, "webhook-signature", signature);
}

static void make_standard(const char *secret) {
    char rule[512];
    (void)snprintf(rule, sizeof rule,
                   "{\"scheme\":\"standard\",\"secrets\":[\"%s\"],\"replay\":\"off\"}", secret);
    CU_ASSERT_EQUAL_FATAL(make_rules(rule, ""), EG_OK);
    set_time(1614265330);
}

static void the_vector_of_standard_webhooks_is_right(void) {
    make_standard(STANDARD_SECRET);
    standard(STANDARD_SIGNATURE, STANDARD_BODY);
    ASSERT_OPEN();
    standard("v2,AAAA " STANDARD_SIGNATURE " " ED25519_SIGNATURE, STANDARD_BODY);
    ASSERT_OPEN();
    standard(STANDARD_SIGNATURE, STANDARD_BODY " ");
    ASSERT_SHUT(401);
    standard(ED25519_SIGNATURE, STANDARD_BODY); /* a secret is no public key */
    ASSERT_SHUT(401);
    standard("v1,h0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=", STANDARD_BODY);
    ASSERT_SHUT(401);
    standard("v2,AAAA", STANDARD_BODY); /* nothing known in it */
    ASSERT_SHUT(401);
    end();
}

static void the_vector_of_asymmetric_signatures_is_right(void) {
    make_standard(ED25519_PUBLIC);
    standard(ED25519_SIGNATURE, STANDARD_BODY);
    ASSERT_OPEN();
    standard(STANDARD_SIGNATURE " " ED25519_SIGNATURE, STANDARD_BODY);
    ASSERT_OPEN();
    standard(ED25519_SIGNATURE, STANDARD_BODY " ");
    ASSERT_SHUT(401);
    standard(STANDARD_SIGNATURE, STANDARD_BODY);
    ASSERT_SHUT(401);
    end();
}

/* docs.github.com, "Validating webhook deliveries", "Testing the webhook payload validation". */
static void the_vector_of_github_is_right(void) {
    static const char header[] = "X-Hub-Signature-256";
    static const char signature[] =
        "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
    CU_ASSERT_EQUAL_FATAL(
        make_rules("{\"scheme\":\"github\",\"secrets\":[\"It's a Secret to Everybody\"]}", ""),
        EG_OK);
    begin("POST", "/", "Hello, World!");
    egx_fake_add_header(request, header, signature);
    ASSERT_OPEN();
    begin("POST", "/", "Hello, World?");
    egx_fake_add_header(request, header, signature);
    ASSERT_SHUT(401);
    begin("POST", "/", "Hello, World!"); /* sha1 of before 2020 is not looked at */
    egx_fake_add_header(request, "X-Hub-Signature", signature);
    ASSERT_SHUT(401);
    begin("POST", "/", "Hello, World!");
    egx_fake_add_header(request, header, signature + strlen("sha256="));
    ASSERT_SHUT(400);
    end();
}

/* docs.slack.dev, "Verifying requests from Slack", "Validating a request". */
static void the_vector_of_slack_is_right(void) {
    static const char body[] =
        "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&"
        "channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&"
        "command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%"
        "2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121."
        "803a0bc887a14d10d2c447fce8b6703c";
    static const char signature[] =
        "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503";
    CU_ASSERT_EQUAL_FATAL(
        make_rules("{\"scheme\":\"slack\",\"secrets\":[\"8f742231b10e8888abcd99yyyzzz85a5\"]}", ""),
        EG_OK);
    set_time(1531420618 + 299);
    begin("POST", "/", body);
    egx_fake_add_header(request, "X-Slack-Request-Timestamp", "1531420618");
    egx_fake_add_header(request, "X-Slack-Signature", signature);
    ASSERT_OPEN();
    finish();
    begin("POST", "/", body);
    egx_fake_add_header(request, "X-Slack-Request-Timestamp", "1531420619");
    egx_fake_add_header(request, "X-Slack-Signature", signature);
    ASSERT_SHUT(401);
    end();
}

/* printf '1525176000.{"id":"evt_1"}' | openssl dgst -sha256 -hmac whsec_test_secret */
static void a_signature_of_stripe_is_right(void) {
    static const char good[] =
        "t=1525176000,v1=d7b26b9b4bf2917d42f94cc93ad706f38435b0cde08f704b6fcee2da16f41fe2,v0=00";
    CU_ASSERT_EQUAL_FATAL(
        make_rules("{\"scheme\":\"stripe\",\"secrets\":[\"whsec_test_secret\"]}", ""), EG_OK);
    begin("POST", "/", "{\"id\":\"evt_1\"}");
    egx_fake_add_header(request, "Stripe-Signature", good);
    ASSERT_OPEN();
    finish();
    begin("POST", "/", "{\"id\":\"evt_2\"}");
    egx_fake_add_header(request, "Stripe-Signature", good);
    ASSERT_SHUT(401);
    begin("POST", "/", "{\"id\":\"evt_1\"}"); /* v0 is not believed: no downgrade */
    egx_fake_add_header(
        request, "Stripe-Signature",
        "t=1525176000,v0=d7b26b9b4bf2917d42f94cc93ad706f38435b0cde08f704b6fcee2da16f41fe2");
    ASSERT_SHUT(401);
    end();
}

/* printf '{"id":820982911946154508}' | openssl dgst -sha256 -hmac hush -binary | base64 */
static void a_signature_of_shopify_is_right(void) {
    CU_ASSERT_EQUAL_FATAL(make_rules("{\"scheme\":\"shopify\",\"secrets\":[\"hush\"]}", ""), EG_OK);
    begin("POST", "/", "{\"id\":820982911946154508}");
    egx_fake_add_header(request, "X-Shopify-Hmac-Sha256",
                        "qBvrsZF7RfB1iS6BX6IHqJTp5L911P7intnPeTPsH0I=");
    ASSERT_OPEN();
    begin("POST", "/", "{\"id\":820982911946154509}");
    egx_fake_add_header(request, "X-Shopify-Hmac-Sha256",
                        "qBvrsZF7RfB1iS6BX6IHqJTp5L911P7intnPeTPsH0I=");
    ASSERT_SHUT(401);
    end();
}

/* RFC 4231 4.3 (SHA-256, SHA-512) and RFC 2202 3 (SHA-1), test case 2. */
static void the_vectors_of_hmac_are_right(void) {
    static const struct {
        const char *rule;
        const char *value;
    } rows[] = {
        {"\"header\":\"x-sig\"",
         "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
        {"\"header\":\"x-sig\",\"prefix\":\"sha512=\",\"algorithm\":\"sha512\"",
         "sha512=164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea2505549758bf75c05a994a6d"
         "034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737"},
        {"\"header\":\"x-sig\",\"algorithm\":\"sha1\"", "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"},
        {"\"header\":\"x-sig\",\"algorithm\":\"sha1\",\"encoding\":\"base64\"",
         "7/zfauXrL6LSdBbV8YTfnCWafHk="},
    };
    for (size_t i = 0; i < EGX_COUNT(rows); i++) {
        char rule[512];
        (void)snprintf(rule, sizeof rule, "{\"scheme\":\"hmac\",\"secrets\":[\"Jefe\"],%s}",
                       rows[i].rule);
        CU_ASSERT_EQUAL_FATAL(make_rules(rule, ""), EG_OK);
        begin("POST", "/", "what do ya want for nothing?");
        egx_fake_add_header(request, "X-Sig", rows[i].value);
        ASSERT_OPEN();
        begin("POST", "/", "what do ya want for nothing");
        egx_fake_add_header(request, "X-Sig", rows[i].value);
        ASSERT_SHUT(401);
        end();
    }
}

/* printf '1525176000:one:{"a":1}' | openssl dgst -sha256 -hmac k */
static void a_scheme_of_ones_own_signs_what_its_template_says(void) {
    CU_ASSERT_EQUAL_FATAL(
        make_rules("{\"scheme\":\"hmac\",\"secrets\":[\"k\"],\"header\":\"x-sig\","
                   "\"signed\":\"{timestamp}:{id}:{body}\",\"timestamp_header\":\"x-time\","
                   "\"id_header\":\"x-id\",\"replay\":\"id\"}",
                   ""),
        EG_OK);
    begin("POST", "/", "{\"a\":1}");
    egx_fake_add_header(request, "x-time", "1525176000");
    egx_fake_add_header(request, "x-id", "one");
    egx_fake_add_header(request, "x-sig",
                        "8dc37d62715e8bf390e3045310099f99982ba35d7fa1cd59a72bc51ac425002b");
    ASSERT_OPEN();
    finish();
    begin("POST", "/", "{\"a\":1}");
    egx_fake_add_header(request, "x-time", "1525176000");
    egx_fake_add_header(request, "x-id", "two");
    egx_fake_add_header(request, "x-sig",
                        "8dc37d62715e8bf390e3045310099f99982ba35d7fa1cd59a72bc51ac425002b");
    ASSERT_SHUT(401);
    end();
}

UNIT_MAIN(UNIT(the_vector_of_standard_webhooks_is_right),
          UNIT(the_vector_of_asymmetric_signatures_is_right), UNIT(the_vector_of_github_is_right),
          UNIT(the_vector_of_slack_is_right), UNIT(a_signature_of_stripe_is_right),
          UNIT(a_signature_of_shopify_is_right), UNIT(the_vectors_of_hmac_are_right),
          UNIT(a_scheme_of_ones_own_signs_what_its_template_says))
