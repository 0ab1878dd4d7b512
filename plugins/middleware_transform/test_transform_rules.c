/* middleware_transform without a gateway and without programs: rules, and what they do alone. */
#include <eventgw-sdk/fake_host.h>

#include "transform.h"
#include "unit.h"

static struct egx_fake *fake;
static void *instance;
static struct eg_why why;
static struct egx_fake_op op;

static const struct eg_component *component(void) {
    return eg_plugin.components[0];
}
static const struct eg_middleware_ops *ops(void) {
    return component()->ops;
}

static int32_t make(const char *settings) {
    fake = egx_fake_new();
    instance = NULL;
    why = (struct eg_why){.struct_size = sizeof why};
    return egx_fake_create(fake, component(), settings, &instance, &why);
}
static void end(void) {
    if (instance != NULL) {
        egx_fake_destroy(fake, component(), instance);
    }
    CU_ASSERT_EQUAL(egx_fake_allocations(fake), 0);
    egx_fake_free(fake);
}

static int32_t at_request(struct eg_exchange *x) {
    egx_fake_op_init(fake, &op);
    return ops()->on_request(instance, NULL, x, &op.pub);
}
static int32_t at_event(struct eg_exchange *x, struct eg_event *event) {
    egx_fake_op_init(fake, &op);
    return ops()->on_event(instance, NULL, x, event, &op.pub);
}
static int32_t at_reply(struct eg_exchange *x) {
    egx_fake_op_init(fake, &op);
    return ops()->on_reply(instance, NULL, x, &op.pub);
}
static struct eg_str header(struct eg_exchange *x, const char *name) {
    return egx_fake_host(fake)->exchange->header(x, egx_str_c(name), 0);
}
static struct eg_str attribute(struct eg_event *event, const char *name) {
    return egx_fake_host(fake)->event->attribute(event, egx_str_c(name));
}
static struct eg_str extension(struct eg_event *event, const char *name) {
    return egx_fake_host(fake)->event->extension(event, egx_str_c(name));
}

#define PATH_TOLD                                                                                  \
    "'path' has to begin with /, without ?, # and wildcards: what is below it is in it"

static const struct {
    const char *rules;
    const char *sentence;
} mistakes[] = {
    {"{}", "'rules' has to be a list of groups"},
    {"[]", "'rules' has to be a list of groups"},
    {"[1]", "rule 1: it has to be a group"},
    {"[{}]", "rule 1: it needs 'request', 'event' or 'reply'"},
    {"[{\"path\":\"a\"}]", "rule 1: " PATH_TOLD},
    {"[{\"path\":\"/a/:id\"}]", "rule 1: " PATH_TOLD},
    {"[{\"path\":\"/a?b\"}]", "rule 1: " PATH_TOLD},
    {"[{\"path\":1}]", "rule 1: " PATH_TOLD},
    {"[{\"paths\":\"/\"}]", "rule 1: unknown key 'paths'"},
    {"[{\"methods\":[]}]", "rule 1: 'methods' has to be a list of texts"},
    {"[{\"methods\":\"GET\"}]", "rule 1: 'methods' has to be a list of texts"},
    {"[{\"event_types\":[\"a*b\"]}]",
     "rule 1: 'a*b' in 'event_types' may have a * at its end only"},
    {"[{\"event\":1}]", "rule 1: event: it has to be a group"},
    {"[{\"event\":{}}]", "rule 1: event: there is nothing in it to do"},
    {"[{\"reply\":{\"when\":[\"404\"]}}]", "rule 1: reply: there is nothing in it to do"},
    {"[{\"event\":{\"set_headers\":{\"a\":\"b\"}}}]", "rule 1: event: unknown key 'set_headers'"},
    {"[{\"request\":{\"jq\":\".\"}}]", "rule 1: request: unknown key 'jq'"},
    {"[{\"request\":{\"set_headers\":{\"a b\":\"c\"}}}]",
     "rule 1: request: 'a b' in 'set_headers' is no header that may be changed"},
    {"[{\"request\":{\"set_headers\":{\"Host\":\"c\"}}}]",
     "rule 1: request: 'Host' in 'set_headers' is no header that may be changed"},
    {"[{\"request\":{\"set_headers\":{\"a\":\"b\\nc\"}}}]",
     "rule 1: request: 'a' cannot be set to that"},
    {"[{\"request\":{\"set_headers\":{\"a\":1}}}]",
     "rule 1: request: the value of 'a' has to be a text"},
    {"[{\"request\":{\"set_headers\":[]}}]",
     "rule 1: request: 'set_headers' has to be a group of texts"},
    {"[{\"request\":{\"rename_headers\":{\"a\":\"content-length\"}}}]",
     "rule 1: request: 'content-length' in 'rename_headers' is no header that may be changed"},
    {"[{\"request\":{\"remove_headers\":[\"te\"]}}]",
     "rule 1: request: 'te' in 'remove_headers' is no header that may be changed"},
    {"[{\"event_types\":[\"a\"],\"request\":{\"remove_headers\":[\"x\"]}}]",
     "rule 1: 'request' cannot go with 'event_types': the request is changed before there is "
     "an event"},
    {"[{\"event\":{\"set\":{\"specversion\":\"1.0\"}}}]",
     "rule 1: event: 'specversion' in 'set' is no attribute or extension that may be changed"},
    {"[{\"event\":{\"set\":{\"eventgateway\":\"x\"}}}]",
     "rule 1: event: 'eventgateway' in 'set' is no attribute or extension that may be changed"},
    {"[{\"event\":{\"rename\":{\"x\":\"Event-Gateway-Authorization\"}}}]",
     "rule 1: event: 'Event-Gateway-Authorization' in 'rename' is no attribute or extension that "
     "may be changed"},
    {"[{\"event\":{\"set\":{\"data\":\"x\"}}}]",
     "rule 1: event: 'data' in 'set' is no attribute or extension that may be changed"},
    {"[{\"event\":{\"set\":{\"subject\":true}}}]",
     "rule 1: event: the value of 'subject' has to be a text"},
    {"[{\"event\":{\"set\":{\"type\":\"eventgateway.x\"}}}]",
     "rule 1: event: 'type' cannot be set to that"},
    {"[{\"event\":{\"remove\":[\"id\"]}}]",
     "rule 1: event: 'id' in 'remove': every event needs it"},
    {"[{\"event\":{\"rename\":{\"type\":\"kind\"}}}]",
     "rule 1: event: 'type' in 'rename': every event needs it"},
    {"[{\"event\":{\"rename\":{\"a\":true}}}]",
     "rule 1: event: 'rename' has to be a group of texts"},
    {"[{\"reply\":{\"status\":199}}]",
     "rule 1: reply: 'status' has to be a number from 200 to 599"},
    {"[{\"reply\":{\"status\":\"200\"}}]",
     "rule 1: reply: 'status' has to be a number from 200 to 599"},
    {"[{\"reply\":{\"status\":200,\"when\":[\"1xx\"]}}]",
     "rule 1: reply: 'when' takes texts like \"2xx\", \"404\" and \"any\""},
    {"[{\"event\":{\"jq\":\"\"}}]", "rule 1: event: 'jq' has to be a program of at most 64 KiB"},
    {"[{\"event\":{\"jq\":\".\",\"jq_file\":\"/f\"}}]",
     "rule 1: event: either 'jq' or 'jq_file', not both"},
    {"[{\"event\":{\"jq_file\":\"/nowhere/at/all\"}}]",
     "rule 1: event: jq_file '/nowhere/at/all': No such file or directory"},
    {"[{\"event\":{\"jq_file\":\"/tmp\"}}]", "rule 1: event: jq_file '/tmp': it is no file"},
    {"[{\"event\":{\"jq_file\":\"/dev/zero\"}}]",
     "rule 1: event: jq_file '/dev/zero': it is no file"},
    {"[{\"path\":\"/\",\"reply\":{\"status\":200}},{\"event\":{\"jq\":\".a |\\n  foo(1)\"}}]",
     "rule 2: event: jq: foo/1 is not defined at <top-level>, line 2: foo(1)"},
    {"[{\"reply\":{\"jq\":\".a +\"}}]",
     "rule 1: reply: jq: syntax error, unexpected $end at <top-level>, line 1: .a +"},
    {"[{\"reply\":{\"jq\":\"include \\\"x\\\"; .\"}}]",
     "rule 1: reply: jq: modules cannot be loaded here"},
};

static void mistakes_in_rules_are_refused_with_a_sentence(void) {
    char settings[1024];
    for (size_t i = 0; i < EGX_COUNT(mistakes); i++) {
        (void)snprintf(settings, sizeof settings, "{\"rules\":%s}", mistakes[i].rules);
        CU_ASSERT_TRUE(make(settings) < 0);
        const struct eg_str said = {why.text, why.len};
        /* What else jq has to say differs from version to version. */
        const struct eg_str head =
            egx_str_n(said.ptr, said.len < strlen(mistakes[i].sentence) ||
                                        strstr(mistakes[i].sentence, "jq: ") == NULL
                                    ? said.len
                                    : strlen(mistakes[i].sentence));
        ASSERT_STR(head, mistakes[i].sentence);
        end();
    }
}

static void headers_of_a_request_are_renamed_removed_and_set(void) {
    CU_ASSERT_EQUAL_FATAL(
        make("{\"rules\":[{\"path\":\"/a\",\"request\":{\"rename_headers\":{\"x-old\":\"x-new\","
             "\"x-none\":\"x-nothing\"},\"remove_headers\":[\"X-Secret\"],\"set_headers\":"
             "{\"x-set\":\"1\",\"x-new2\":\"\"}}}]}"),
        EG_OK);
    struct eg_exchange *x = egx_fake_exchange(fake, "GET", "/a/b");
    egx_fake_add_header(x, "X-Old", "one");
    egx_fake_add_header(x, "x-old", "two");
    egx_fake_add_header(x, "x-secret", "s");
    egx_fake_add_header(x, "x-set", "0");
    CU_ASSERT_EQUAL(at_request(x), EG_NEXT);
    ASSERT_STR(header(x, "x-new"), "one, two");
    ASSERT_STR(header(x, "x-set"), "1");
    CU_ASSERT_PTR_NULL(header(x, "x-old").ptr);
    CU_ASSERT_PTR_NULL(header(x, "x-secret").ptr);
    CU_ASSERT_PTR_NULL(header(x, "x-nothing").ptr);
    CU_ASSERT_PTR_NOT_NULL(header(x, "x-new2").ptr);
    x = egx_fake_exchange(fake, "GET", "/ab");
    egx_fake_add_header(x, "x-secret", "s");
    CU_ASSERT_EQUAL(at_request(x), EG_NEXT);
    ASSERT_STR(header(x, "x-secret"), "s");
    end();
}

#define EVENT                                                                                      \
    "{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"/s\",\"type\":\"order.made\","             \
    "\"subject\":\"s\\\"1\",\"old\":\"v\",\"number\":7,\"gone\":true,\"data\":{\"n\":1}}"

static void members_of_an_event_are_renamed_removed_and_set(void) {
    CU_ASSERT_EQUAL_FATAL(
        make("{\"rules\":[{\"event_types\":[\"order.*\"],\"event\":{\"rename\":{\"old\":"
             "\"dataschema\",\"subject\":\"topic\",\"number\":\"count\",\"none\":\"some\"},"
             "\"remove\":[\"gone\"],\"set\":{\"type\":\"order.new\",\"team\":\"red \\\"1\\\"\","
             "\"urgent\":true}}}]}"),
        EG_OK);
    struct eg_exchange *x = egx_fake_exchange(fake, "POST", "/");
    struct eg_event *event = egx_fake_event(fake, EVENT);
    CU_ASSERT_EQUAL(at_event(x, event), EG_NEXT);
    ASSERT_STR(attribute(event, "type"), "order.new");
    ASSERT_STR(attribute(event, "dataschema"), "v");
    ASSERT_STR(attribute(event, "subject"), "");
    ASSERT_STR(extension(event, "topic"), "\"s\\\"1\"");
    ASSERT_STR(extension(event, "count"), "7");
    ASSERT_STR(extension(event, "team"), "\"red \\\"1\\\"\"");
    ASSERT_STR(extension(event, "urgent"), "true");
    ASSERT_STR(extension(event, "gone"), "");
    ASSERT_STR(extension(event, "old"), "");
    ASSERT_STR(extension(event, "some"), "");
    event = egx_fake_event(fake, "{\"id\":\"1\",\"source\":\"/\",\"type\":\"orders\",\"gone\":1}");
    CU_ASSERT_EQUAL(at_event(x, event), EG_NEXT);
    ASSERT_STR(extension(event, "gone"), "1");
    end();
}

/* The client's mistake, not the gateway's. */
static void a_value_that_does_not_fit_its_new_name_is_answered_400(void) {
    CU_ASSERT_EQUAL_FATAL(make("{\"rules\":[{\"event\":{\"rename\":{\"x\":\"type\"}}}]}"), EG_OK);
    static const char json[] =
        "{\"id\":\"1\",\"source\":\"/\",\"type\":\"t\",\"x\":\"eventgateway.x\"}";
    struct eg_exchange *x = egx_fake_exchange(fake, "POST", "/");
    CU_ASSERT_EQUAL(at_event(x, egx_fake_event(fake, json)), EG_STOP);
    CU_ASSERT_EQUAL(egx_fake_reply_status(x), 400);
    CU_ASSERT_STRING_EQUAL(
        egx_fake_reply_body(x),
        "{\"errors\":[{\"message\":\"The event could not be transformed.\"}]}\n");
    CU_ASSERT_TRUE(egx_fake_logged(fake, "rule 1: event: a value does not fit its new name"));
    end();
}

static void a_reply_gets_headers_and_a_status(void) {
    CU_ASSERT_EQUAL_FATAL(
        make("{\"rules\":[{\"reply\":{\"when\":[\"404\"],\"set_headers\":{\"x-a\":\"404\"}}},"
             "{\"reply\":{\"status\":203,\"set_headers\":{\"x-a\":\"b\"},\"remove_headers\":"
             "[\"x-b\"]}},{\"reply\":{\"when\":[\"any\"],\"set_headers\":{\"x-a\":\"any\"}}}]}"),
        EG_OK);
    const struct eg_host *host = egx_fake_host(fake);
    static const struct {
        uint32_t before;
        uint32_t after;
        const char *header;
    } rows[] = {{200, 203, "b"}, {299, 203, "b"}, {404, 404, "404"}, {500, 500, "any"}};
    for (size_t i = 0; i < EGX_COUNT(rows); i++) {
        struct eg_exchange *x = egx_fake_exchange(fake, "GET", "/");
        host->exchange->reply(x, rows[i].before, EGX_STR("text/plain"),
                              egx_buf_static(EGX_STR("body")));
        (void)host->exchange->reply_header(x, EGX_STR("X-B"), EGX_STR("there"));
        CU_ASSERT_EQUAL(at_reply(x), EG_NEXT);
        CU_ASSERT_EQUAL(egx_fake_reply_status(x), rows[i].after);
        CU_ASSERT_STRING_EQUAL(egx_fake_reply_header(x, "x-a"), rows[i].header);
        CU_ASSERT_EQUAL(egx_fake_reply_header(x, "x-b") == NULL, rows[i].after == 203);
        CU_ASSERT_STRING_EQUAL(egx_fake_reply_body(x), "body");
        CU_ASSERT_STRING_EQUAL(egx_fake_reply_header(x, "content-type"), "text/plain");
    }
    end();
}

static size_t found(const struct tr_rules *rules, uint32_t stage, const char *method,
                    const char *path, const char *type, uint32_t status) {
    const struct tr_subject subject = {egx_str_c(method), egx_str_c(path), egx_str_c(type), status};
    const struct tr_rule *rule = tr_rules_find(rules, stage, &subject);
    return rule == NULL ? 0 : (size_t)(rule - rules->items) + 1;
}

static void the_first_rule_that_matches_and_has_the_stage_counts(void) {
    struct tr_rules rules;
    fake = egx_fake_new();
    instance = NULL;
    CU_ASSERT_EQUAL_FATAL(
        tr_rules_read(
            &rules, egx_fake_host(fake),
            EGX_STR("[{\"path\":\"/a/b/\",\"methods\":[\"post\"],\"event\":{\"jq\":\".\"}},"
                    "{\"path\":\"/a\",\"event_types\":[\"x\",\"order.*\"],\"event\":{\"jq\":\".\"},"
                    "\"reply\":{\"when\":[\"4xx\"],\"jq\":\".\"}},"
                    "{\"path\":\"/\",\"reply\":{\"jq\":\"$request.path | $space\"}}]"),
            &why),
        EG_OK);
    CU_ASSERT_EQUAL(found(&rules, TR_ON_EVENT, "POST", "/a/b", "x", 0), 1);
    CU_ASSERT_EQUAL(found(&rules, TR_ON_EVENT, "GET", "/a/b", "x", 0), 2);
    CU_ASSERT_EQUAL(found(&rules, TR_ON_EVENT, "GET", "/a/b", "y", 0), 0);
    CU_ASSERT_EQUAL(found(&rules, TR_ON_EVENT, "GET", "/a", "order.made", 0), 2);
    CU_ASSERT_EQUAL(found(&rules, TR_ON_EVENT, "GET", "/%61/c", "order.", 0), 2);
    CU_ASSERT_EQUAL(found(&rules, TR_ON_EVENT, "GET", "/ab", "x", 0), 0);
    CU_ASSERT_EQUAL(found(&rules, TR_ON_EVENT, "GET", "/a%", "x", 0), 0);
    CU_ASSERT_EQUAL(found(&rules, TR_ON_EVENT, "GET", "/a%4", "x", 0), 0);
    CU_ASSERT_EQUAL(found(&rules, TR_ON_REQUEST, "GET", "/a", "", 0), 0);
    CU_ASSERT_EQUAL(found(&rules, TR_ON_REPLY, "GET", "/a", "x", 200), 3);
    CU_ASSERT_EQUAL(found(&rules, TR_ON_REPLY, "GET", "/a", "x", 404), 2);
    CU_ASSERT_EQUAL(found(&rules, TR_ON_REPLY, "GET", "/a", "", 404), 0);
    CU_ASSERT_EQUAL(found(&rules, TR_ON_REPLY, "GET", "/", "", 299), 3);
    CU_ASSERT_EQUAL(found(&rules, TR_ON_REPLY, "GET", "/", "", 300), 0);
    CU_ASSERT_EQUAL_FATAL(rules.program_count, 4);
    CU_ASSERT_TRUE(rules.programs[3].wants_request && rules.programs[3].wants_space);
    CU_ASSERT_FALSE(rules.programs[0].wants_request || rules.programs[0].wants_space);
    tr_rules_free(&rules);
    end();
}

static void json_is_known_by_its_media_type(void) {
    static const char *const yes[] = {"application/json", "Application/JSON; charset=utf-8",
                                      "application/problem+json", "text/json"};
    static const char *const no[] = {"", "json", "text/plain", "application/jsonp", "x/y;a=/json"};
    for (size_t i = 0; i < EGX_COUNT(yes); i++) {
        CU_ASSERT_TRUE(tr_is_json_type(egx_str_c(yes[i])));
    }
    for (size_t i = 0; i < EGX_COUNT(no); i++) {
        CU_ASSERT_FALSE(tr_is_json_type(egx_str_c(no[i])));
    }
}

UNIT_MAIN(UNIT(mistakes_in_rules_are_refused_with_a_sentence),
          UNIT(headers_of_a_request_are_renamed_removed_and_set),
          UNIT(members_of_an_event_are_renamed_removed_and_set),
          UNIT(a_value_that_does_not_fit_its_new_name_is_answered_400),
          UNIT(a_reply_gets_headers_and_a_status),
          UNIT(the_first_rule_that_matches_and_has_the_stage_counts),
          UNIT(json_is_known_by_its_media_type))
