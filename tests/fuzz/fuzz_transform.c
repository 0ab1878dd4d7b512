/*
 * fuzz_transform - what the middleware `transform` reads: its rules (first byte 'r'), and what a
 * worker answers, for an event ('e') or a reply ('a'). A worker runs programs on data of strangers,
 * so it is not believed. Asserted: a refusal says why, nothing is kept, an outcome that is carried
 * out leaves an event that has what every event needs, and a reply with a status.
 */
#include <eventgw-sdk/egx.h>
#include <eventgw-sdk/fake_host.h>

#include "../../plugins/middleware_transform/edits.c"
#include "../../plugins/middleware_transform/input.c"
#include "../../plugins/middleware_transform/outcome.c"
#include "../../plugins/middleware_transform/rules.c"
#include "../../plugins/middleware_transform/rules_match.c"
#include "../../plugins/middleware_transform/rules_stage.c"
#include "base/check.h"

static struct egx_fake *fake;

static void find(const struct tr_rules *rules) {
    static const struct tr_subject subjects[] = {
        {{"GET", 3}, {"/", 1}, {NULL, 0}, 200},
        {{"POST", 4}, {"/a%2", 4}, {"order.made", 10}, 404},
        {{"", 0}, {"/%61/b", 6}, {"t", 1}, 999}};
    for (size_t i = 0; i < EGX_COUNT(subjects); i++) {
        for (uint32_t stage = 0; stage < TR_STAGES; stage++) {
            const struct tr_rule *rule = tr_rules_find(rules, stage, &subjects[i]);
            GW_ASSERT(rule == NULL || rule->stages[stage].is_there);
        }
    }
}

static void run_edits(const struct tr_rules *rules) {
    const struct eg_host *host = egx_fake_host(fake);
    struct eg_exchange *exchange = egx_fake_exchange(fake, "POST", "/a?b");
    struct eg_event *event = egx_fake_event(
        fake, "{\"id\":\"1\",\"source\":\"/\",\"type\":\"t\",\"a\":1,\"b\":\"x\",\"data\":[]}");
    egx_fake_add_header(exchange, "a", "1");
    egx_fake_add_header(exchange, "a", "2");
    host->exchange->reply(exchange, 200, EGX_STR("a/b"), egx_buf_static(EGX_STR("{}")));
    for (size_t i = 0; i < rules->count; i++) {
        const struct tr_stage *stages = rules->items[i].stages;
        (void)tr_edit_request(host, &stages[TR_ON_REQUEST], exchange);
        (void)tr_edit_event(host, &stages[TR_ON_EVENT], event);
        (void)tr_edit_reply(host, &stages[TR_ON_REPLY], exchange);
    }
    for (size_t i = 0; i < rules->program_count; i++) {
        struct egx_json out = egx_json_begin();
        const struct eg_event *at = rules->programs[i].stage == TR_ON_EVENT ? event : NULL;
        GW_ASSERT(tr_input_write(host, rules, (uint32_t)i, exchange, at, &out) == EG_OK);
        egx_json_free(&out);
    }
}

static void fuzz_rules(struct eg_str text) {
    struct tr_rules rules;
    struct eg_why why = {.struct_size = sizeof why};
    if (tr_rules_read(&rules, egx_fake_host(fake), text, &why) == EG_OK) {
        GW_ASSERT(rules.count > 0);
        find(&rules);
        run_edits(&rules);
    } else {
        GW_ASSERT(why.len > 0);
    }
    tr_rules_free(&rules);
}

static void fuzz_outcome(struct eg_str bytes, int is_event) {
    const struct eg_host *host = egx_fake_host(fake);
    struct eg_exchange *exchange = egx_fake_exchange(fake, "GET", "/");
    struct eg_event *event =
        egx_fake_event(fake, "{\"id\":\"1\",\"source\":\"/\",\"type\":\"t\",\"a\":1,\"data\":[]}");
    struct eg_why why = {.struct_size = sizeof why};
    struct tr_outcome outcome;
    uint32_t kind = 0;
    struct eg_str payload = bytes;
    size_t used = 0;
    (void)tr_frame_find(bytes, 1000, &kind, &payload, &used);
    GW_ASSERT(used <= bytes.len);
    host->exchange->reply(exchange, 200, EGX_STR("a/b"), egx_buf_static(EGX_STR("{}")));
    if (tr_outcome_read(bytes, &outcome) < 0) {
        return;
    }
    GW_ASSERT(outcome.kind < TR_WIRE_OUTCOMES && tr_answer_of(outcome.kind)->label != NULL);
    if (tr_outcome_apply(host, exchange, is_event ? event : NULL, &outcome, &why) < 0) {
        GW_ASSERT(why.len > 0);
    }
    GW_ASSERT(host->event->attribute(event, EGX_STR("id")).len > 0);
    const uint32_t status = host->exchange->reply_status(exchange);
    GW_ASSERT(status >= 200 && status <= 599);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    if (size == 0) {
        return 0;
    }
    const struct eg_str rest = egx_str_n((const char *)bytes + 1, size - 1);
    fake = egx_fake_new();
    if (bytes[0] == 'r') {
        fuzz_rules(rest);
    } else {
        fuzz_outcome(rest, bytes[0] == 'e');
    }
    GW_ASSERT(egx_fake_allocations(fake) == 0);
    egx_fake_free(fake);
    return 0;
}
