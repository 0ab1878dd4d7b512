/* What programs make of events and replies, in this process: outcome and changes of one run. */
#include <time.h>

#include "jq_program.h"
#include "pool.h"
#include "unit.h"

#define EVENT                                                                                      \
    "{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"/s\",\"type\":\"t\",\"subject\":\"u\","    \
    "\"level\":3,\"eventgateway\":{\"a\":1},\"data\":{\"n\":9007199254740993,\"l\":[1,2]}}"
#define REPLY                                                                                      \
    "{\"status\":200,\"headers\":{\"content-type\":\"application/json\",\"x-two\":[\"a\",\"b\"]}}"

static struct egx_json out;
static struct tr_outcome outcome;
static char listed[4096]; /* the changes, one a line */

static void list_changes(void) {
    static const char *const names[TR_CHANGES] = {"text",      "json",   "remove",   "data",
                                                  "base64",    "status", "header",   "another",
                                                  "no header", "body",   "json body"};
    struct tr_reader in = outcome.changes;
    size_t len = 0;
    listed[0] = 0;
    for (uint32_t i = 0; i < outcome.change_count; i++) {
        const uint32_t kind = tr_get_u32(&in);
        const struct eg_str name = tr_get_text(&in);
        const struct eg_str value = tr_get_text(&in);
        CU_ASSERT_TRUE_FATAL(!in.is_bad && kind < TR_CHANGES);
        len += (size_t)snprintf(listed + len, sizeof listed - len, "%s%s %.*s=%.*s",
                                i == 0 ? "" : "\n", names[kind], EGX_FMT(name), EGX_FMT(value));
    }
    CU_ASSERT_EQUAL(in.rest.len, 0);
}

static uint32_t run(const char *text, struct tr_run what, uint64_t max_output) {
    struct tr_program *program = NULL;
    char sentence[400];
    egx_json_free(&out);
    CU_ASSERT_EQUAL_FATAL(tr_program_compile(egx_str_c(text), &program, sentence, sizeof sentence),
                          EG_OK);
    for (int i = 0; i < 2; i++) { /* a program may be run again, whatever happened */
        out.len = 0;
        tr_program_run(program, &what, max_output, &out);
    }
    tr_program_free(program);
    CU_ASSERT_EQUAL_FATAL(tr_outcome_read(egx_json_text(&out), &outcome), EG_OK);
    list_changes();
    return outcome.kind;
}

static uint32_t on_event(const char *text) {
    return run(
        text,
        (struct tr_run){.stage = TR_STAGE_EVENT,
                        .main = egx_str_c(EVENT),
                        .request = EGX_STR("{\"method\":\"POST\",\"headers\":{\"a\":\"b\"}}"),
                        .space = EGX_STR("blue")},
        100000);
}
static uint32_t on_reply(const char *text, struct eg_str body, uint32_t is_json) {
    return run(
        text,
        (struct tr_run){
            .stage = TR_STAGE_REPLY, .main = egx_str_c(REPLY), .body = body, .is_json = is_json},
        100000);
}

#define ASSERT_CHANGES(text, expected)                                                             \
    do {                                                                                           \
        CU_ASSERT_EQUAL(on_event(text), TR_OK);                                                    \
        ASSERT_STR(egx_str_c(listed), expected);                                                   \
    } while (0)
#define ASSERT_FAILS(text, how, sentence)                                                          \
    do {                                                                                           \
        CU_ASSERT_EQUAL(on_event(text), how);                                                      \
        ASSERT_STR(outcome.message, sentence);                                                     \
    } while (0)
#define ASSERT_REPLY(text, body, is_json, expected)                                                \
    do {                                                                                           \
        CU_ASSERT_EQUAL(on_reply(text, EGX_STR(body), is_json), TR_OK);                            \
        ASSERT_STR(egx_str_c(listed), expected);                                                   \
    } while (0)

static void what_a_program_leaves_alone_is_not_touched(void) {
    ASSERT_CHANGES(".", "");
    ASSERT_CHANGES("{id, source, type, subject, level, data}", "");
    ASSERT_CHANGES(".id |= . # a comment at the end", "");
    ASSERT_CHANGES("del(.specversion)", "");
    ASSERT_CHANGES("del(.eventgateway)", "");
}

static void attributes_extensions_and_data_are_changed(void) {
    ASSERT_CHANGES(".type = \"u\" | .id += \"2\"", "text id=12\ntext type=u");
    ASSERT_CHANGES("del(.subject) | .time = \"2026-01-01T00:00:00Z\"",
                   "remove subject=\ntext time=2026-01-01T00:00:00Z");
    ASSERT_CHANGES(".level = null | .color = \"r\\\"\" | .on = true",
                   "remove level=\njson color=\"r\\\"\"\njson on=true");
    ASSERT_CHANGES(".data = .data.l", "data data=[1,2]");
    ASSERT_CHANGES("del(.data)", "data data=null");
    ASSERT_CHANGES("del(.data) | .data_base64 = (\"hi\" | @base64)", "base64 data=aGk=");
}

static void variables_tell_of_the_request(void) {
    ASSERT_CHANGES(".v = $request.method + $request.headers.a + $space", "json v=\"POSTb"
                                                                         "blue\"");
    CU_ASSERT_EQUAL(run(".data = [$request, $space]",
                        (struct tr_run){.stage = TR_STAGE_EVENT, .main = egx_str_c(EVENT)}, 1000),
                    TR_OK);
    ASSERT_STR(egx_str_c(listed), "data data=[null,\"\"]");
}

static void an_output_that_is_no_event_is_refused(void) {
    ASSERT_FAILS("1", TR_BAD_OUTPUT, "its output has to be an object");
    ASSERT_FAILS("., .", TR_BAD_OUTPUT, "it gave more than one output");
    ASSERT_FAILS("del(.id)", TR_BAD_OUTPUT, "its output has no 'id'");
    ASSERT_FAILS(".type = 1", TR_BAD_OUTPUT, "'type' of its output has to be a text");
    ASSERT_FAILS(".subject = \"\"", TR_BAD_OUTPUT, "'subject' of its output has to be a text");
    ASSERT_FAILS(".specversion = \"0.3\"", TR_BAD_OUTPUT, "'specversion' cannot be changed");
    ASSERT_FAILS(".data_base64 = \"aGk=\"", TR_BAD_OUTPUT,
                 "its output has both 'data' and 'data_base64'");
    ASSERT_FAILS("del(.data) | .data_base64 = 1", TR_BAD_OUTPUT,
                 "'data_base64' of its output has to be a text");
    ASSERT_FAILS(".x = {}", TR_BAD_OUTPUT,
                 "extension 'x' of its output has to be a text, a whole number of 32 bits or a "
                 "boolean");
    ASSERT_FAILS(".x = 1.5", TR_BAD_OUTPUT,
                 "extension 'x' of its output has to be a text, a whole number of 32 bits or a "
                 "boolean");
    ASSERT_FAILS(".eventgateway.a = 2", TR_BAD_OUTPUT,
                 "'eventgateway' of its output belongs to the gateway and cannot be changed");
    ASSERT_FAILS(".eventgatewayauthorization = \"me\"", TR_BAD_OUTPUT,
                 "'eventgatewayauthorization' of its output belongs to the gateway and cannot be "
                 "changed");
}

/* In CloudEvents of another version names are written with lower-case letters and digits only. A
 * program that takes names from the data would let a client speak for the gateway. */
static void names_that_become_the_gateways_own_are_refused(void) {
    static const char *const names[] = {"EventGatewayAuthorization", "eventgateway-authorization",
                                        "event_gateway_authorization", "-EVENTGATEWAY",
                                        "eventgateway.authorization"};
    for (size_t i = 0; i < EGX_COUNT(names); i++) {
        char text[100];
        (void)snprintf(text, sizeof text, ".[\"%s\"] = \"me\"", names[i]);
        CU_ASSERT_EQUAL(on_event(text), TR_BAD_OUTPUT);
        CU_ASSERT_TRUE(egx_str_starts(outcome.message, EGX_STR("'")));
    }
    ASSERT_CHANGES(".[\"event-gate\"] = \"x\"", "json event-gate=\"x\"");
}

static void no_output_and_errors_are_told_apart(void) {
    ASSERT_FAILS("empty", TR_EMPTY, "it gave no output");
    ASSERT_FAILS("error(\"oh\")", TR_JQ_ERROR, "oh");
    ASSERT_FAILS("., error(\"late\")", TR_JQ_ERROR, "late");
    ASSERT_FAILS("error({a: 1})", TR_JQ_ERROR, "{\"a\":1} (not a string)");
    CU_ASSERT_EQUAL(on_event(".data + 1"), TR_JQ_ERROR);
    CU_ASSERT_TRUE(egx_str_starts(outcome.message, EGX_STR("object ({\"n\":90")));
    ASSERT_FAILS("error({status: 422, message: \"no total\"})", TR_REFUSED, "no total");
    CU_ASSERT_EQUAL(outcome.status, 422);
    ASSERT_FAILS("error({status: 200, message: \"fine\"})", TR_JQ_ERROR,
                 "{\"status\":200,\"message\":\"fine\"} (not a string)");
    ASSERT_FAILS("halt", TR_JQ_ERROR, "it said halt");
}

static void a_large_output_is_refused(void) {
    const struct tr_run what = {.stage = TR_STAGE_EVENT, .main = egx_str_c(EVENT)};
    CU_ASSERT_EQUAL(run(".data = (\"x\" * 900)", what, 1000), TR_OK);
    CU_ASSERT_EQUAL(run(".data = (\"x\" * 1001)", what, 1000), TR_TOO_BIG);
    CU_ASSERT_TRUE(out.len < 200);
}

static void an_input_that_jq_cannot_read_is_an_error(void) {
    char deep[2100] = "{\"data\":";
    const size_t start = strlen(deep);
    memset(deep + start, '[', 1000);
    memset(deep + start + 1000, ']', 1000);
    memcpy(deep + start + 2000, "}", 2);
    (void)run(".", (struct tr_run){.stage = TR_STAGE_EVENT, .main = egx_str_c(deep)}, 10000);
    CU_ASSERT_TRUE(outcome.kind == TR_OK || outcome.kind == TR_JQ_ERROR); /* 1.6: 256 levels */
    CU_ASSERT_EQUAL(run(".", (struct tr_run){.stage = TR_STAGE_EVENT, .main = EGX_STR("{")}, 100),
                    TR_JQ_ERROR);
    CU_ASSERT_TRUE(egx_str_starts(outcome.message, EGX_STR("jq cannot read the input: ")));
    CU_ASSERT_PTR_NULL(strstr(outcome.message.ptr, "while parsing"));
}

static void a_reply_is_changed(void) {
    ASSERT_REPLY(".", "{\"a\":1}", 1, "");
    ASSERT_REPLY(".status = 201", "{}", 1, "status status=201");
    ASSERT_REPLY(".body.a += 1", "{\"a\":1}", 1, "json body body={\"a\":2}");
    ASSERT_REPLY(".body |= ascii_upcase", "hello", 0, "body body=HELLO");
    ASSERT_REPLY(".body |= type", "{\"a\":1}", 0, "body body=string");
    ASSERT_REPLY(".body |= type", "{\"a\"", 1, "body body=string"); /* claims to be JSON */
    ASSERT_REPLY(".body |= type", "", 1, "body body=null");
    ASSERT_REPLY("del(.body)", "hello", 0, "body body=");
    ASSERT_REPLY(".headers[\"X-Two\"] = \"c\" | del(.headers[\"x-two\"])", "", 0, "header x-two=c");
    ASSERT_REPLY(".headers[\"x-two\"] += [\"c\"]", "", 0,
                 "no header x-two=\nanother x-two=a\nanother x-two=b\nanother x-two=c");
    ASSERT_REPLY("del(.headers[\"x-two\"])", "", 0, "no header x-two=");
    ASSERT_REPLY(".headers[\"x-two\"] = null", "", 0, "no header x-two=");
}

/* jq writes "<stripped: exceeds max depth>" where it does not go on. */
static void a_value_that_jq_does_not_write_whole_is_refused(void) {
    CU_ASSERT_EQUAL(on_reply("reduce range(300) as $x (.; .body = [.body])", EGX_STR("x"), 0),
                    TR_BAD_OUTPUT);
    ASSERT_STR(outcome.message, "'body' of its output is nested too deeply");
    CU_ASSERT_EQUAL(on_event("reduce range(300) as $x (.; .data = [.data])"), TR_BAD_OUTPUT);
    ASSERT_STR(outcome.message, "'data' of its output is nested too deeply");
    ASSERT_REPLY(".body = [\"\\\"<\", {\"<\": \"<\"}]", "x", 0,
                 "json body body=[\"\\\"<\",{\"<\":\"<\"}]");
}

static void bytes_that_are_no_text_are_base64(void) {
    ASSERT_REPLY(".", "\xff\xfe", 0, "");
    ASSERT_REPLY(".body = .body_base64 | del(.body_base64)", "\xff\xfe", 0, "body body=//4=");
    ASSERT_REPLY("del(.body) | .body_base64 = (\"hi\" | @base64)", "x", 0, "body body=hi");
    CU_ASSERT_EQUAL(on_reply("del(.body) | .body_base64 = \"?\"", EGX_STR("x"), 0), TR_BAD_OUTPUT);
    CU_ASSERT_EQUAL(on_reply(".body_base64 = \"aGk=\"", EGX_STR("x"), 0), TR_BAD_OUTPUT);
}

static void an_output_that_is_no_reply_is_refused(void) {
    static const char *const programs[] = {"[]",
                                           ".status = 199",
                                           ".status = 600",
                                           ".status = 200.5",
                                           "del(.status)",
                                           ".status = \"200\"",
                                           "del(.headers)",
                                           ".headers = []",
                                           ".headers.a = 1",
                                           ".headers.a = [1]"};
    for (size_t i = 0; i < EGX_COUNT(programs); i++) {
        CU_ASSERT_EQUAL(on_reply(programs[i], EGX_STR("x"), 0), TR_BAD_OUTPUT);
    }
}

static void nothing_outside_can_be_reached(void) {
    static const char *const programs[] = {"import \"a\" as a; .", "include \"a\"; .",
                                           "import \"a\" as $a; ."};
    struct tr_program *program = NULL;
    char sentence[400];
    for (size_t i = 0; i < EGX_COUNT(programs); i++) {
        CU_ASSERT_EQUAL(
            tr_program_compile(egx_str_c(programs[i]), &program, sentence, sizeof sentence),
            EG_E_SYNTAX);
    }
    CU_ASSERT_EQUAL(on_event("input"), TR_JQ_ERROR);
    CU_ASSERT_EQUAL(on_event("[inputs] | .[0]"), TR_BAD_OUTPUT);
    ASSERT_CHANGES(".data = get_search_list", "data data=[]");
}

static void programs_that_are_compiled_together_do_what_each_does_alone(void) {
    const struct eg_str texts[] = {EGX_STR(".a = 1 # the first"),
                                   EGX_STR("def transform: 2; .b = transform"),
                                   EGX_STR(".c = $space | ., ."), EGX_STR("def f: f; .d = 4")};
    static const char *const changes[] = {"json a=1", "json b=2", "", "json d=4"};
    struct tr_program *program = NULL;
    CU_ASSERT_EQUAL_FATAL(tr_programs_compile(texts, EGX_COUNT(texts), &program), EG_OK);
    for (uint32_t i = 0; i < EGX_COUNT(texts); i++) {
        const struct tr_run what = {.stage = TR_STAGE_EVENT, .number = i, .main = egx_str_c(EVENT)};
        out.len = 0;
        tr_program_run(program, &what, 1000, &out);
        CU_ASSERT_EQUAL_FATAL(tr_outcome_read(egx_json_text(&out), &outcome), EG_OK);
        CU_ASSERT_EQUAL(outcome.kind, i == 2 ? TR_BAD_OUTPUT : TR_OK);
        list_changes();
        ASSERT_STR(egx_str_c(listed), changes[i]);
    }
    tr_program_free(program);
    egx_json_free(&out);
}

/* Neither with what it is put between, nor with its neighbours. */
static void a_text_that_is_no_program_alone_is_refused(void) {
    static const char *const texts[][2] = {{"1) | (2", "."},
                                           {"1); def x: (2", "."},
                                           {"1]; def x: [2", "."},
                                           {".", "1 end, if . then 2 else 3"},
                                           {"# \\", "nosuch"}};
    struct tr_program *program = NULL;
    char sentence[400];
    const struct eg_str halves[] = {EGX_STR("\"a"), EGX_STR("b\"")};
    CU_ASSERT_EQUAL(tr_programs_compile(halves, 2, &program), EG_E_SYNTAX);
    for (size_t i = 0; i < EGX_COUNT(texts); i++) {
        const struct eg_str both[] = {egx_str_c(texts[i][0]), egx_str_c(texts[i][1])};
        CU_ASSERT_EQUAL(tr_programs_compile(both, 2, &program), EG_E_SYNTAX);
        int32_t rc = tr_program_compile(both[0], &program, sentence, sizeof sentence);
        if (rc == EG_OK) {
            tr_program_free(program);
            rc = tr_program_compile(both[1], &program, sentence, sizeof sentence);
        }
        CU_ASSERT_EQUAL(rc, EG_E_SYNTAX);
        CU_ASSERT_TRUE(strlen(sentence) > 0);
    }
}

static uint64_t cpu_ns(void) {
    struct timespec used;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    return (uint64_t)used.tv_sec * 1000000000u + (uint64_t)used.tv_nsec;
}

/* Else a configuration of many programs keeps the control thread, and each new worker, for long. */
static void many_programs_take_hardly_longer_than_one(void) {
    struct eg_str texts[TR_TOGETHER];
    struct tr_program *program = NULL;
    uint64_t took[2];
    for (size_t i = 0; i < EGX_COUNT(texts); i++) {
        texts[i] = EGX_STR(".data.total = ([.data.items[].price] | add)");
    }
    for (size_t i = 0; i < EGX_COUNT(took); i++) {
        const uint64_t before = cpu_ns();
        CU_ASSERT_EQUAL_FATAL(tr_programs_compile(texts, i == 0 ? 1 : TR_TOGETHER, &program),
                              EG_OK);
        took[i] = cpu_ns() - before;
        tr_program_free(program);
    }
    CU_ASSERT_TRUE(took[1] < took[0] * TR_TOGETHER / 3);
}

static void an_outcome_is_read_with_suspicion(void) {
    CU_ASSERT_EQUAL(on_event(".type = \"u\""), TR_OK);
    for (size_t i = 0; i < out.len; i++) {
        struct tr_outcome ignored;
        const int32_t rc = tr_outcome_read(egx_str_n(out.ptr, i), &ignored);
        CU_ASSERT_EQUAL(rc, i < 16 ? EG_E_PROTO : EG_OK);
    }
    out.ptr[0] = TR_TIMEOUT; /* no word of a worker */
    CU_ASSERT_EQUAL(tr_outcome_read(egx_json_text(&out), &outcome), EG_E_PROTO);
    out.ptr[0] = TR_REFUSED; /* without a status */
    CU_ASSERT_EQUAL(tr_outcome_read(egx_json_text(&out), &outcome), EG_E_PROTO);
    egx_json_free(&out);
}

UNIT_MAIN(UNIT(what_a_program_leaves_alone_is_not_touched),
          UNIT(attributes_extensions_and_data_are_changed), UNIT(variables_tell_of_the_request),
          UNIT(an_output_that_is_no_event_is_refused),
          UNIT(names_that_become_the_gateways_own_are_refused),
          UNIT(no_output_and_errors_are_told_apart), UNIT(a_large_output_is_refused),
          UNIT(an_input_that_jq_cannot_read_is_an_error), UNIT(a_reply_is_changed),
          UNIT(a_value_that_jq_does_not_write_whole_is_refused),
          UNIT(bytes_that_are_no_text_are_base64), UNIT(an_output_that_is_no_reply_is_refused),
          UNIT(nothing_outside_can_be_reached),
          UNIT(programs_that_are_compiled_together_do_what_each_does_alone),
          UNIT(a_text_that_is_no_program_alone_is_refused),
          UNIT(many_programs_take_hardly_longer_than_one), UNIT(an_outcome_is_read_with_suspicion))
