/* Requests through the middleware, with limits of this gateway alone. */
#include <eventgw-sdk/egx.h>
#include <eventgw-sdk/fake_host.h>

#include "unit.h"

#define S 1000000000ull

static struct egx_fake *fake;
static void *instance;
static struct eg_exchange *request;
static struct egx_fake_op op;
static struct eg_why why;

static const struct eg_component *component(void) {
    return eg_plugin.components[0];
}

static const struct eg_middleware_ops *hooks(void) {
    return component()->ops;
}

static int32_t make(const char *settings) {
    fake = egx_fake_new();
    instance = NULL;
    why = (struct eg_why){.struct_size = sizeof why};
    return egx_fake_create(fake, component(), settings, &instance, &why);
}

static void make_rules(const char *rules, const char *more) {
    char settings[2048];
    (void)snprintf(settings, sizeof settings, "{\"rules\":[%s]%s}", rules, more);
    CU_ASSERT_EQUAL_FATAL(make(settings), EG_OK);
    CU_ASSERT_EQUAL_FATAL(egx_fake_start(fake, component(), instance), EG_OK);
}

static void finish(void) {
    if (request != NULL) {
        egx_fake_end_exchange(request);
        request = NULL;
    }
}

static void end(void) {
    finish();
    if (instance != NULL) {
        egx_fake_destroy(fake, component(), instance);
    }
    CU_ASSERT_EQUAL(egx_fake_allocations(fake), 0);
    egx_fake_free(fake);
}

static void begin(const char *method, const char *path) {
    finish();
    request = egx_fake_exchange(fake, method, path);
    egx_fake_op_init(fake, &op);
}

/* All hooks, as the gateway calls them; 1 = it came through. */
static int through(void) {
    struct eg_event *event = egx_fake_event(fake, "{\"type\":\"t\"}");
    int32_t verdict = hooks()->on_request(instance, NULL, request, &op.pub);
    if (verdict == EG_NEXT) {
        verdict = hooks()->on_event(instance, NULL, request, event, &op.pub);
    }
    CU_ASSERT_EQUAL(hooks()->on_reply(instance, NULL, request, &op.pub), EG_NEXT);
    CU_ASSERT_EQUAL(op.done_count, 0);
    CU_ASSERT_EQUAL(egx_fake_reply_status(request), verdict == EG_NEXT ? 0 : 429);
    return verdict == EG_NEXT;
}

static int get(const char *path) {
    begin("GET", path);
    return through();
}

static int get_from(const char *peer, const char *forwarded) {
    begin("GET", "/");
    egx_fake_set_peer(request, peer);
    if (forwarded != NULL) {
        egx_fake_add_header(request, "X-Forwarded-For", forwarded);
    }
    return through();
}

static int get_with(const char *name, const char *value) {
    begin("GET", "/");
    if (value != NULL) {
        egx_fake_add_header(request, name, value);
    }
    return through();
}

#define ASSERT_HEADER(name, value)                                                                 \
    CU_ASSERT_STRING_EQUAL(egx_fake_reply_header(request, name) == NULL                            \
                               ? "(none)"                                                          \
                               : egx_fake_reply_header(request, name),                             \
                           value)

static void a_refusal_says_when_to_come_back(void) {
    make_rules("{\"name\":\"all\",\"limit\":2,\"per\":\"10s\",\"key\":\"all\"}", "");
    CU_ASSERT_TRUE(get("/a"));
    ASSERT_HEADER("RateLimit-Policy", "\"all\";q=2;w=10");
    ASSERT_HEADER("RateLimit", "\"all\";r=1;t=5");
    ASSERT_HEADER("Retry-After", "(none)");
    CU_ASSERT_TRUE(get("/b"));
    ASSERT_HEADER("RateLimit", "\"all\";r=0;t=5");
    egx_fake_advance(fake, 1 * S + 1);
    CU_ASSERT_FALSE(get("/a"));
    ASSERT_HEADER("Retry-After", "4");
    ASSERT_HEADER("RateLimit-Policy", "\"all\";q=2;w=10");
    ASSERT_HEADER("RateLimit", "\"all\";r=0;t=4");
    CU_ASSERT_STRING_EQUAL(
        egx_fake_reply_body(request),
        "{\"errors\":[{\"message\":\"Too many requests. Try again in 4 s.\"}]}\n");
    CU_ASSERT_EQUAL(egx_fake_metric(fake, "ratelimit_refused_total", "rule=all"), 1);
    egx_fake_advance(fake, 4 * S);
    CU_ASSERT_TRUE(get("/a"));
    end();
}

static void admitted_replies_may_go_without_headers(void) {
    make_rules("{\"name\":\"all\",\"limit\":1,\"per\":\"1m\",\"key\":\"all\"}",
               ",\"headers\":false");
    CU_ASSERT_TRUE(get("/"));
    ASSERT_HEADER("RateLimit", "(none)");
    CU_ASSERT_FALSE(get("/"));
    ASSERT_HEADER("RateLimit", "\"all\";r=0;t=60");
    end();
}

static void the_strictest_rule_wins_and_a_refusal_charges_none(void) {
    make_rules("{\"name\":\"wide\",\"limit\":5,\"per\":\"1h\",\"burst\":6,\"key\":\"all\"},"
               "{\"name\":\"narrow\",\"limit\":2,\"per\":\"1s\",\"key\":\"all\"}",
               "");
    CU_ASSERT_TRUE(get("/"));
    CU_ASSERT_TRUE(get("/"));
    for (int i = 0; i < 20; i++) {
        CU_ASSERT_FALSE(get("/"));
        ASSERT_HEADER("Retry-After", "1");
    }
    ASSERT_HEADER("RateLimit-Policy",
                  "\"wide\";q=5;w=3600;eventgateway-burst=6, \"narrow\";q=2;w=1");
    ASSERT_HEADER("RateLimit", "\"wide\";r=4;t=720, \"narrow\";r=0;t=1");
    for (int i = 0; i < 4; i++) {
        egx_fake_advance(fake, S / 2);
        CU_ASSERT_TRUE(get("/"));
    }
    egx_fake_advance(fake, S);
    CU_ASSERT_FALSE(get("/"));
    ASSERT_HEADER("Retry-After", "717");
    CU_ASSERT_EQUAL(egx_fake_metric(fake, "ratelimit_refused_total", "rule=wide"), 1);
    end();
}

static void windows_below_a_second_are_not_told(void) {
    make_rules("{\"name\":\"all\",\"limit\":5,\"per\":\"250ms\",\"key\":\"all\"}", "");
    CU_ASSERT_TRUE(get("/"));
    ASSERT_HEADER("RateLimit-Policy", "\"all\";q=5");
    end();
}

static void addresses_are_told_apart_and_ipv6_by_64_bits(void) {
    make_rules("{\"name\":\"a\",\"limit\":1,\"per\":\"1m\",\"key\":\"address\"}", "");
    CU_ASSERT_TRUE(get_from("192.0.2.1", NULL));
    CU_ASSERT_FALSE(get_from("192.0.2.1", NULL));
    CU_ASSERT_FALSE(get_from("::ffff:192.0.2.1", NULL));
    CU_ASSERT_TRUE(get_from("192.0.2.2", NULL));
    CU_ASSERT_TRUE(get_from("2001:db8:0:1::1", NULL));
    CU_ASSERT_FALSE(get_from("2001:db8:0:1:ffff::2", NULL));
    CU_ASSERT_TRUE(get_from("2001:db8:0:2::1", NULL));
    CU_ASSERT_FALSE(get_from("192.0.2.1", "203.0.113.9")); /* nobody's word */
    end();
}

static void behind_trusted_proxies_the_client_counts(void) {
    make_rules("{\"name\":\"a\",\"limit\":1,\"per\":\"1m\",\"key\":\"address\"}",
               ",\"trusted_proxies\":[\"10.0.0.0/8\"]");
    CU_ASSERT_TRUE(get_from("10.0.0.1", "203.0.113.1"));
    CU_ASSERT_FALSE(get_from("10.0.0.2", "203.0.113.1"));
    CU_ASSERT_FALSE(get_from("10.0.0.1", "1.2.3.4, 203.0.113.1")); /* invented by the client */
    CU_ASSERT_FALSE(get_from("203.0.113.1", "203.0.113.2"));
    CU_ASSERT_TRUE(get_from("10.0.0.1", "203.0.113.2"));
    end();
}

static void a_header_or_the_address_without_it(void) {
    make_rules("{\"name\":\"k\",\"limit\":1,\"per\":\"1m\",\"key\":\"header:x-api-key\"}", "");
    CU_ASSERT_TRUE(get_with("X-Api-Key", "one"));
    CU_ASSERT_FALSE(get_with("X-Api-Key", "one"));
    CU_ASSERT_TRUE(get_with("X-Api-Key", "two"));
    CU_ASSERT_TRUE(get_with("X-Api-Key", NULL));
    CU_ASSERT_FALSE(get_with("X-Api-Key", NULL));
    CU_ASSERT_FALSE(get_with("X-Api-Key", ""));
    end();
}

static int get_as(const char *principal) {
    begin("GET", "/");
    if (principal != NULL) {
        (void)egx_fake_host(fake)->exchange->set_principal(request, egx_str_c(principal),
                                                           egx_str_n(NULL, 0));
    }
    return through();
}

static void a_principal_or_the_address_without_one(void) {
    make_rules("{\"name\":\"p\",\"limit\":1,\"per\":\"1m\",\"key\":\"principal\"}", "");
    CU_ASSERT_TRUE(get_as("alice"));
    CU_ASSERT_FALSE(get_as("alice"));
    CU_ASSERT_TRUE(get_as("bob"));
    CU_ASSERT_TRUE(get_as(NULL));
    CU_ASSERT_FALSE(get_as(NULL));
    end();
}

static void paths_are_told_apart_in_any_spelling(void) {
    make_rules("{\"name\":\"p\",\"limit\":1,\"per\":\"1m\",\"key\":\"path\"}", "");
    CU_ASSERT_TRUE(get("/a"));
    CU_ASSERT_FALSE(get("/%61?x=1"));
    CU_ASSERT_FALSE(get("//x/../a"));
    CU_ASSERT_FALSE(get("/a;x=1"));
    CU_ASSERT_FALSE(get("/x\\..\\%2561"));
    CU_ASSERT_TRUE(get("/b"));
    end();
}

static int get_in(const char *space) {
    begin("GET", "/");
    egx_fake_set_space(request, space);
    return through();
}

static void spaces_are_told_apart_once_there_is_an_event(void) {
    make_rules("{\"name\":\"s\",\"limit\":1,\"per\":\"1m\",\"key\":\"space\"},"
               "{\"name\":\"all\",\"limit\":3,\"per\":\"1m\",\"key\":\"all\"}",
               "");
    CU_ASSERT_TRUE(get_in("one"));
    ASSERT_HEADER("RateLimit", "\"all\";r=2;t=20, \"s\";r=0;t=60");
    CU_ASSERT_FALSE(get_in("one"));
    ASSERT_HEADER("RateLimit", "\"all\";r=1;t=20, \"s\";r=0;t=60");
    CU_ASSERT_TRUE(get_in("two"));
    end();
}

static void keys_may_be_combined(void) {
    make_rules("{\"name\":\"c\",\"limit\":1,\"per\":\"1m\",\"key\":[\"address\",\"path\"]}", "");
    CU_ASSERT_TRUE(get("/a"));
    CU_ASSERT_TRUE(get("/b"));
    CU_ASSERT_FALSE(get("/a"));
    end();
}

static void a_rule_is_for_its_path_and_methods(void) {
    make_rules("{\"name\":\"p\",\"limit\":1,\"per\":\"1m\",\"key\":\"all\",\"path\":\"/api\","
               "\"methods\":[\"get\"]}",
               "");
    CU_ASSERT_TRUE(get("/"));
    CU_ASSERT_TRUE(get("/apis"));
    ASSERT_HEADER("RateLimit", "(none)");
    CU_ASSERT_TRUE(get("/api/x"));
    CU_ASSERT_FALSE(get("/api"));
    CU_ASSERT_FALSE(get("/%61pi%2Fx"));
    CU_ASSERT_FALSE(get("//api"));
    CU_ASSERT_FALSE(get("/x\\..\\api"));
    CU_ASSERT_FALSE(get("//host/api"));
    CU_ASSERT_FALSE(get("/x/..;/api"));
    CU_ASSERT_FALSE(get("/%2561pi"));
    begin("POST", "/api");
    CU_ASSERT_TRUE(through());
    end();
}

static const struct {
    const char *settings;
    const char *told;
} mistakes[] = {
    {"{}", "rules"},
    {"{\"rules\":[]}", "list of 1 to 16 groups"},
    {"{\"rules\":{\"a\":1}}", "list of 1 to 16 groups"},
    {"{\"rules\":[1]}", "rule 1: it has to be a group"},
    {"{\"rules\":[{\"limit\":1}]}", "rule 1: it needs a 'name'"},
    {"{\"rules\":[{\"name\":\"a b\"}]}", "rule 1: it needs a 'name'"},
    {"{\"rules\":[{\"name\":\"a\",\"limit\":1}]}", "it needs 'limit' and 'per'"},
    {"{\"rules\":[{\"name\":\"a\",\"limit\":0,\"per\":\"1s\"}]}", "'limit' has to be a whole"},
    {"{\"rules\":[{\"name\":\"a\",\"limit\":1,\"per\":\"0s\"}]}", "'per' has to be a duration"},
    {"{\"rules\":[{\"name\":\"a\",\"limit\":1,\"per\":\"1s\"}]}", "'key' has to be all"},
    {"{\"rules\":[{\"name\":\"a\",\"limit\":1,\"per\":\"1s\",\"key\":\"header:\"}]}",
     "'key' has to be all"},
    {"{\"rules\":[{\"name\":\"a\",\"limit\":1,\"per\":\"1s\",\"key\":[]}]}", "'key' has to be a"},
    {"{\"rules\":[{\"name\":\"a\",\"limit\":1,\"per\":\"1s\",\"key\":[\"all\",1]}]}",
     "'key' has to be all"},
    {"{\"rules\":[{\"name\":\"a\",\"limit\":1000000,\"per\":\"1s\",\"key\":\"all\"}]}",
     "more than 100000 in a second"},
    {"{\"rules\":[{\"name\":\"a\",\"limit\":1,\"per\":\"24h\",\"burst\":366,\"key\":\"all\"}]}",
     "'burst' is more than"},
    {"{\"rules\":[{\"name\":\"a\",\"limit\":1,\"per\":\"1s\",\"key\":\"all\",\"path\":\"x\"}]}",
     "'path' has to begin"},
    {"{\"rules\":[{\"name\":\"a\",\"limit\":1,\"per\":\"1s\",\"key\":\"all\",\"path\":\"/a/"
     ":id\"}]}",
     "and wildcards"},
    {"{\"rules\":[{\"name\":\"a\",\"limit\":1,\"per\":\"1s\",\"key\":\"header:x-api-key:\"}]}",
     "'key' has to be all"},
    {"{\"rules\":[{\"name\":\"a\",\"limit\":1,\"per\":\"1s\",\"key\":\"all\",\"methods\":[1]}]}",
     "'methods' has to be"},
    {"{\"rules\":[{\"name\":\"a\",\"limit\":1,\"per\":\"1s\",\"key\":\"all\",\"bursts\":1}]}",
     "unknown key 'bursts'"},
    {"{\"rules\":[{\"name\":\"a\",\"limit\":1,\"per\":\"1s\",\"key\":\"all\"},"
     "{\"name\":\"a\",\"limit\":1,\"per\":\"1s\",\"key\":\"all\"}]}",
     "rule 2: there is a rule 'a' already"},
    {"{\"rules\":[{\"name\":\"a\",\"limit\":1,\"per\":\"1s\",\"key\":\"all\"}],"
     "\"trusted_proxies\":[\"10.0.0.1/8\"]}",
     "is no network"},
    {"{\"rules\":[{\"name\":\"a\",\"limit\":1,\"per\":\"1s\",\"key\":\"all\"}],"
     "\"address\":[\"a:b:c\"]}",
     "is no address"},
    {"{\"rules\":[{\"name\":\"a\",\"limit\":1,\"per\":\"1s\",\"key\":\"all\"}],"
     "\"username\":\"u\"}",
     "username needs a password"},
    {"{\"rules\":[{\"name\":\"a\",\"limit\":1,\"per\":\"1s\",\"key\":\"all\"}],"
     "\"ca_file\":\"u\"}",
     "need tls = true"},
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

UNIT_MAIN(UNIT(a_refusal_says_when_to_come_back), UNIT(admitted_replies_may_go_without_headers),
          UNIT(the_strictest_rule_wins_and_a_refusal_charges_none),
          UNIT(windows_below_a_second_are_not_told),
          UNIT(addresses_are_told_apart_and_ipv6_by_64_bits),
          UNIT(behind_trusted_proxies_the_client_counts), UNIT(a_header_or_the_address_without_it),
          UNIT(a_principal_or_the_address_without_one), UNIT(paths_are_told_apart_in_any_spelling),
          UNIT(spaces_are_told_apart_once_there_is_an_event), UNIT(keys_may_be_combined),
          UNIT(a_rule_is_for_its_path_and_methods), UNIT(mistakes_in_settings_are_told))
