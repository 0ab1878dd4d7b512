/* What middleware_webhook refuses and with what, replays, rotation, rules, extensions. */
#include "test_webhook.h"

#define SECRET "\"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\""
#define OTHER_SECRET "\"whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\""
#define STANDARD "{\"path\":\"/in\",\"scheme\":\"standard\",\"secrets\":[" SECRET "]"
/* See test_webhook_vectors.c. */
#define ED25519_PUBLIC "\"whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4=\""
#define ED25519_SIGNATURE                                                                          \
    "v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/"                                                       \
    "enGzPCXe5BdqzCInXqYXFymVJaA7AZdpXwVLPo3mNl8EM+m7TBAg=="
#define ID "msg_p5jXN8AQM9LWM0D4loKWxJek"
#define BODY "{\"test\": 2432232314}"
#define SIGNATURE "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
#define AT 1614265330ull

/* NULL leaves a header out. */
static void deliver(const char *id, const char *time, const char *signature) {
    const struct {
        const char *name;
        const char *value;
    } rows[] = {{"webhook-id", id}, {"webhook-timestamp", time}, {"webhook-signature", signature}};
    begin("POST", "/in", BODY);
    for (size_t i = 0; i < EGX_COUNT(rows); i++) {
        if (rows[i].value != NULL) {
            egx_fake_add_header(request, rows[i].name, rows[i].value);
        }
    }
}

static void deliver_well(void) {
    deliver(ID, "1614265330", SIGNATURE);
}

static void open_standard(const char *rule_end, const char *more) {
    char rule[1024];
    (void)snprintf(rule, sizeof rule, STANDARD "%s}", rule_end);
    CU_ASSERT_EQUAL_FATAL(make_rules(rule, more), EG_OK);
    set_time(AT);
}

static void what_is_missing_is_401_with_a_challenge(void) {
    open_standard("", "");
    deliver(ID, "1614265330", NULL);
    ASSERT_SHUT(401);
    CU_ASSERT_STRING_EQUAL(egx_fake_reply_header(request, "www-authenticate"),
                           "Webhook scheme=\"standard\"");
    CU_ASSERT_PTR_NOT_NULL(strstr(egx_fake_reply_body(request),
                                  "signed requests only: there is no header 'webhook-signature'"));
    deliver(NULL, "1614265330", SIGNATURE);
    ASSERT_SHUT(401);
    deliver(ID, NULL, SIGNATURE);
    ASSERT_SHUT(401);
    CU_ASSERT_EQUAL(
        egx_fake_metric(fake, "webhook_refused_total", "scheme=standard,reason=signature"), 3);
    end();
}

static void what_cannot_be_read_is_400(void) {
    static const char *const signatures[] = {
        "v1,",
        "v1",
        "v1,%%%",
        "v1,AAAA",
        "v1," SIGNATURE,
        SIGNATURE "=",
        "v1a,AAAA",
        "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OF=", /* bits that are cut off */
    };
    static const char *const times[] = {"soon", "-1",  "1614265330.5", "1614265330000000",
                                        " 1",   "0x10"};
    open_standard("", "");
    for (size_t i = 0; i < EGX_COUNT(signatures); i++) {
        deliver(ID, "1614265330", signatures[i]);
        ASSERT_SHUT(400);
        CU_ASSERT_PTR_NULL(egx_fake_reply_header(request, "www-authenticate"));
    }
    for (size_t i = 0; i < EGX_COUNT(times); i++) {
        deliver(ID, times[i], SIGNATURE);
        ASSERT_SHUT(400);
    }
    deliver_well();
    egx_fake_add_header(request, "webhook-signature", SIGNATURE);
    ASSERT_SHUT(400);
    CU_ASSERT_PTR_NOT_NULL(strstr(egx_fake_reply_body(request),
                                  "The header 'webhook-signature' may be there once only."));
    CU_ASSERT_EQUAL(
        egx_fake_metric(fake, "webhook_refused_total", "scheme=standard,reason=malformed"),
        (int64_t)(EGX_COUNT(signatures) + EGX_COUNT(times) + 1));
    end();
}

static void more_signatures_than_secrets_can_be_active_are_400(void) {
    char many[64 * 40] = "";
    open_standard(",\"replay\":\"off\"", "");
    for (size_t i = 0; i < 32; i++) {
        (void)strncat(many, SIGNATURE " ", sizeof many - strlen(many) - 1);
    }
    deliver(ID, "1614265330", many);
    ASSERT_OPEN();
    finish();
    (void)strncat(many, SIGNATURE, sizeof many - strlen(many) - 1);
    deliver(ID, "1614265330", many);
    ASSERT_SHUT(400);
    end();
}

/* Each costs a pass over the body for each key. */
static void of_ed25519_few_signatures_are_checked(void) {
    char many[1024] = ED25519_SIGNATURE;
    CU_ASSERT_EQUAL_FATAL(make_rules("{\"path\":\"/in\",\"scheme\":\"standard\",\"replay\":\"off\","
                                     "\"secrets\":[" ED25519_PUBLIC "]}",
                                     ""),
                          EG_OK);
    set_time(AT);
    for (size_t i = 1; i <= 5; i++) {
        deliver(ID, "1614265330", many);
        CU_ASSERT_EQUAL(ask(), i <= 4 ? EG_NEXT : EG_STOP);
        CU_ASSERT_EQUAL(egx_fake_reply_status(request), i <= 4 ? 0 : 400);
        (void)strncat(many, " " ED25519_SIGNATURE, sizeof many - strlen(many) - 1);
    }
    end();
}

static void a_time_outside_the_tolerance_is_401_whatever_the_signature(void) {
    static const char told[] = "The time of this request is too far from now.";
    open_standard("", "");
    egx_fake_advance(fake, 300 * SECOND);
    deliver_well();
    ASSERT_OPEN();
    finish();
    egx_fake_advance(fake, 1 * SECOND);
    deliver_well();
    ASSERT_SHUT(401);
    CU_ASSERT_PTR_NOT_NULL(strstr(egx_fake_reply_body(request), told));
    deliver(ID, "1614265330", "v1,AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=");
    ASSERT_SHUT(401);
    CU_ASSERT_PTR_NOT_NULL(strstr(egx_fake_reply_body(request), told));
    deliver(ID, "1614266000", SIGNATURE); /* from the future */
    ASSERT_SHUT(401);
    CU_ASSERT_EQUAL(egx_fake_metric(fake, "webhook_refused_total", "scheme=standard,reason=time"),
                    3);
    end();
}

static void a_rule_has_its_own_tolerance(void) {
    open_standard(",\"tolerance\":\"10s\"", ",\"tolerance\":\"1h\"");
    egx_fake_advance(fake, 11 * SECOND);
    deliver_well();
    ASSERT_SHUT(401);
    end();
}

static void what_was_accepted_is_not_accepted_again(void) {
    open_standard("", "");
    deliver_well();
    ASSERT_OPEN();
    answer(202);
    finish();
    deliver(ID, "1614265330", "v2,x " SIGNATURE); /* written otherwise, and the same */
    ASSERT_SHUT(409);
    answer(409); /* its refusal sets nothing free */
    deliver_well();
    ASSERT_SHUT(409);
    CU_ASSERT_EQUAL(egx_fake_metric(fake, "webhook_refused_total", "scheme=standard,reason=replay"),
                    2);
    CU_ASSERT_EQUAL(egx_fake_metric(fake, "webhook_verified_total", "scheme=standard"), 1);
    end();
}

/* The published vectors of both kinds of key sign the same delivery. */
static void a_delivery_with_several_signatures_is_not_repeated_with_one_of_them(void) {
    static const char *const again[] = {SIGNATURE, ED25519_SIGNATURE,
                                        ED25519_SIGNATURE " " SIGNATURE};
    static const char *const secrets[] = {SECRET "," ED25519_PUBLIC, ED25519_PUBLIC "," SECRET,
                                          OTHER_SECRET "," SECRET "," ED25519_PUBLIC};
    for (size_t i = 0; i < EGX_COUNT(secrets); i++) {
        char rule[512];
        (void)snprintf(rule, sizeof rule,
                       "{\"path\":\"/in\",\"scheme\":\"standard\",\"secrets\":[%s]}", secrets[i]);
        CU_ASSERT_EQUAL_FATAL(make_rules(rule, ""), EG_OK);
        set_time(AT);
        deliver(ID, "1614265330", SIGNATURE " " ED25519_SIGNATURE);
        ASSERT_OPEN();
        answer(202);
        for (size_t k = 0; k < EGX_COUNT(again); k++) {
            deliver(ID, "1614265330", again[k]);
            ASSERT_SHUT(409);
        }
        end();
    }
}

static void what_was_not_taken_may_come_again(void) {
    open_standard("", "");
    deliver_well();
    ASSERT_OPEN();
    deliver_well(); /* while the first one is under way */
    ASSERT_SHUT(409);
    end();
    open_standard("", "");
    deliver_well();
    ASSERT_OPEN();
    answer(500);
    finish();
    deliver_well();
    ASSERT_OPEN();
    finish();
    end();
}

static void without_a_time_nothing_is_remembered_unless_asked_for(void) {
    static const char signature[] =
        "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
    static const char *const more[] = {"", ",\"replay\":\"signature\""};
    for (size_t i = 0; i < 2; i++) {
        char rule[256];
        (void)snprintf(rule, sizeof rule,
                       "{\"scheme\":\"github\",\"secrets\":[\"It's a Secret to Everybody\"]%s}",
                       more[i]);
        CU_ASSERT_EQUAL_FATAL(make_rules(rule, ""), EG_OK);
        for (size_t k = 0; k < 2; k++) { /* GitHub redelivers the same bytes */
            begin("POST", "/", "Hello, World!");
            egx_fake_add_header(request, "X-Hub-Signature-256", signature);
            CU_ASSERT_EQUAL(ask(), i == 1 && k == 1 ? EG_STOP : EG_NEXT);
            finish();
        }
        end();
    }
}

/* Such a signature is good for ever, so it is no use to forget it when a tolerance is over. */
static void without_a_time_a_delivery_stays_known(void) {
    CU_ASSERT_EQUAL_FATAL(make_rules(STANDARD ",\"replay\":\"signature\"},"
                                              "{\"scheme\":\"github\",\"replay\":\"signature\","
                                              "\"secrets\":[\"It's a Secret to Everybody\"]}",
                                     ""),
                          EG_OK);
    for (int i = 0; i < 3; i++) {
        begin("POST", "/", "Hello, World!");
        egx_fake_add_header(
            request, "X-Hub-Signature-256",
            "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17");
        CU_ASSERT_EQUAL(ask(), i == 0 ? EG_NEXT : EG_STOP);
        egx_fake_advance(fake, 20 * 86400 * SECOND);
    }
    end();
}

static void each_active_secret_opens(void) {
    CU_ASSERT_EQUAL_FATAL(
        make_rules("{\"scheme\":\"github\",\"secrets\":[\"a\",\"It's a Secret to Everybody\"]}",
                   ""),
        EG_OK);
    begin("POST", "/", "Hello, World!");
    egx_fake_add_header(request, "X-Hub-Signature-256",
                        "sha256=757107EA0EB2509FC211221CCE984B8A37570B6D7586C22C46F4379C8B043E17");
    ASSERT_OPEN();
    end();
}

static void the_longest_path_wins_and_others_are_open(void) {
    CU_ASSERT_EQUAL_FATAL(make_rules("{\"path\":\"/in\",\"scheme\":\"github\",\"secrets\":[\"a\"]},"
                                     "{\"path\":\"/in/open/\",\"scheme\":\"none\"}",
                                     ""),
                          EG_OK);
    static const struct {
        const char *path;
        int32_t verdict;
    } rows[] = {{"/", EG_NEXT},
                {"/inner", EG_NEXT},
                {"/in", EG_STOP},
                {"/in/x?a=b", EG_STOP},
                {"/%69n/x", EG_STOP},
                {"/in%2Fx", EG_STOP},
                {"/in/open", EG_NEXT},
                {"/in/open/x", EG_NEXT},
                {"/in/opened", EG_STOP},
                {"/in/open%2Fx", EG_STOP},
                {"//in/x", EG_STOP},
                {"/x/../in", EG_STOP},
                {"/in/open/../x", EG_STOP},
                {"/other//x", EG_NEXT},
                {"/in/open//x", EG_NEXT}};
    for (size_t i = 0; i < EGX_COUNT(rows); i++) {
        begin("POST", rows[i].path, "");
        CU_ASSERT_EQUAL(ask(), rows[i].verdict);
    }
    end();
}

static void the_rule_becomes_the_principal(void) {
    open_standard(",\"name\":\"billing\"", ",\"principal\":true");
    deliver_well();
    ASSERT_OPEN();
    CU_ASSERT_STRING_EQUAL(egx_fake_principal(request), "billing");
    CU_ASSERT_STRING_EQUAL(egx_fake_principal_context(request),
                           "{\"scheme\":\"standard\",\"id\":\"" ID "\"}");
    finish();
    end();
}

static void the_extension_names_rule_and_id_and_cannot_be_forged(void) {
    const struct eg_event_api *api = NULL;
    open_standard("", ",\"extension\":\"hook\"");
    api = egx_fake_host(fake)->event;
    struct eg_event *event = egx_fake_event(fake, "{\"type\":\"t\",\"hook\":\"forged\"}");
    deliver_well();
    ASSERT_OPEN();
    CU_ASSERT_EQUAL(hooks()->on_event(instance, NULL, request, event, &op.pub), EG_NEXT);
    ASSERT_STR(api->extension(event, EGX_STR("hook")), "\"standard\"");
    ASSERT_STR(api->extension(event, EGX_STR("hookid")), "\"" ID "\"");
    finish();
    begin("POST", "/elsewhere", "");
    ASSERT_OPEN();
    CU_ASSERT_EQUAL(hooks()->on_event(instance, NULL, request, event, &op.pub), EG_NEXT);
    ASSERT_STR(api->extension(event, EGX_STR("hook")), "");
    ASSERT_STR(api->extension(event, EGX_STR("hookid")), "");
    end();
}

static const struct {
    const char *settings;
    const char *told;
} mistakes[] = {
    {"{}", "it needs 'rules' or 'allowed_origins'"},
    {"{\"rules\":[]}", "it needs 'rules' or 'allowed_origins'"},
    {"{\"rules\":[1]}", "rule 1: it has to be a group"},
    {"{\"rules\":{}}", "'rules' has to be a list of groups"},
    {"{\"rules\":[{\"scheme\":\"md5\"}]}", "rule 1: 'scheme' has to be standard"},
    {"{\"rules\":[{\"secrets\":[\"a\"]}]}", "'scheme' has to be"},
    {"{\"rules\":[{\"scheme\":\"github\"}]}", "it needs 'secrets'"},
    {"{\"rules\":[{\"scheme\":\"github\",\"secrets\":[]}]}", "'secrets' has to be a list of 1"},
    {"{\"rules\":[{\"scheme\":\"github\",\"secrets\":[\"\"]}]}", "list of texts"},
    {"{\"rules\":[{\"scheme\":\"none\",\"secrets\":[\"a\"]}]}", "none has no 'secrets'"},
    {"{\"rules\":[{\"scheme\":\"github\",\"secrets\":[\"a\"],\"header\":\"x\"}]}",
     "'header' is for the scheme hmac"},
    {"{\"rules\":[{\"scheme\":\"hmac\",\"secrets\":[\"a\"]}]}", "needs 'header'"},
    {"{\"rules\":[{\"scheme\":\"hmac\",\"secrets\":[\"a\"],\"header\":\"x y\"}]}",
     "'header' is no name of a header"},
    {"{\"rules\":[{\"scheme\":\"hmac\",\"secrets\":[\"a\"],\"header\":\"x\","
     "\"signed\":\"{timestamp}\"}]}",
     "has to hold {body}"},
    {"{\"rules\":[{\"scheme\":\"hmac\",\"secrets\":[\"a\"],\"header\":\"x\","
     "\"timestamp_header\":\"t\"}]}",
     "a time that is not signed proves nothing"},
    {"{\"rules\":[{\"scheme\":\"hmac\",\"secrets\":[\"a\"],\"header\":\"x\","
     "\"signed\":\"{id}{body}\"}]}",
     "needs 'id_header'"},
    {"{\"rules\":[{\"scheme\":\"hmac\",\"secrets\":[\"a\"],\"header\":\"x\","
     "\"signed\":\"{body}{nonce}\"}]}",
     "braces are for"},
    {"{\"rules\":[{\"scheme\":\"hmac\",\"secrets\":[\"a\"],\"header\":\"x\","
     "\"algorithm\":\"md5\"}]}",
     "'algorithm' cannot be 'md5'"},
    {"{\"rules\":[{\"scheme\":\"github\",\"secrets\":[\"a\"],\"replay\":\"id\"}]}",
     "needs a scheme that signs the id"},
    {"{\"rules\":[{\"scheme\":\"github\",\"secrets\":[\"a\"],\"tolerance\":\"0s\"}]}",
     "'tolerance' has to be a duration"},
    {"{\"rules\":[{\"scheme\":\"github\",\"secrets\":[\"a\"],\"path\":\"in\"}]}",
     "has to begin with /"},
    {"{\"rules\":[{\"scheme\":\"github\",\"secrets\":[\"a\"],\"path\":\"/hooks/*\"}]}",
     "rule 1: 'path' has to begin with /, without"},
    {"{\"rules\":[{\"scheme\":\"github\",\"secrets\":[\"a\"],\"pathh\":\"/\"}]}",
     "unknown key 'pathh'"},
    {"{\"rules\":[{\"scheme\":\"standard\",\"secrets\":[\"secret\"]}]}", "whsec_ or whpk_"},
    {"{\"rules\":[{\"scheme\":\"standard\",\"secrets\":[\"whsec_AAAA\"]}]}", "24 to 64 bytes"},
    {"{\"rules\":[{\"scheme\":\"standard\",\"secrets\":[\"whpk_AAAA\"]}]}", "32 bytes"},
    {"{\"rules\":[{\"scheme\":\"github\",\"secrets\":[\"a\"]},"
     "{\"path\":\"/\",\"scheme\":\"none\"}]}",
     "rule 2: rule 1 has the same path"},
    {"{\"allowed_origins\":[\"a b\"]}", "'allowed_origins'"},
    {"{\"allowed_origins\":[\"*\"],\"callback_hosts\":[\"https://a\"]}", "'callback_hosts'"},
    {"{\"rules\":[{\"scheme\":\"none\"}],\"callback_hosts\":[\"a\"]}", "needs 'allowed_origins'"},
    {"{\"allowed_origins\":[\"*\"],\"extension\":\"Hook\"}", "'extension'"},
    {"{\"allowed_origins\":[\"*\"],\"extension\":\"type\"}", "attribute that events have"},
    {"{\"allowed_origins\":[\"*\"],\"extension\":\"eventgateway\"}", "attribute that events have"},
};

static void mistakes_in_settings_are_told(void) {
    for (size_t i = 0; i < EGX_COUNT(mistakes); i++) {
        CU_ASSERT_EQUAL(make(mistakes[i].settings), EG_E_INVAL);
        why.text[why.len < sizeof why.text ? why.len : sizeof why.text - 1] = '\0';
        if (strstr(why.text, mistakes[i].told) == NULL) {
            printf("  %s\n    told \"%s\"\n", mistakes[i].settings, why.text);
            CU_FAIL("another sentence");
        }
        end();
    }
}

UNIT_MAIN(UNIT(what_is_missing_is_401_with_a_challenge), UNIT(what_cannot_be_read_is_400),
          UNIT(more_signatures_than_secrets_can_be_active_are_400),
          UNIT(of_ed25519_few_signatures_are_checked),
          UNIT(a_time_outside_the_tolerance_is_401_whatever_the_signature),
          UNIT(a_rule_has_its_own_tolerance), UNIT(what_was_accepted_is_not_accepted_again),
          UNIT(a_delivery_with_several_signatures_is_not_repeated_with_one_of_them),
          UNIT(what_was_not_taken_may_come_again),
          UNIT(without_a_time_nothing_is_remembered_unless_asked_for),
          UNIT(without_a_time_a_delivery_stays_known), UNIT(each_active_secret_opens),
          UNIT(the_longest_path_wins_and_others_are_open), UNIT(the_rule_becomes_the_principal),
          UNIT(the_extension_names_rule_and_id_and_cannot_be_forged),
          UNIT(mistakes_in_settings_are_told))
