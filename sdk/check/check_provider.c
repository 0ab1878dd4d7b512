/*
 * check_provider.c - functions are bound, with settings good and odd, and called while their
 * service answers well, badly, and not at all.
 */
#include "check_parts.h"

static const struct {
    const char *name;
    const char *payload; /* NULL: 1 MiB */
    const char *event;   /* NULL: not an event */
    uint32_t is_async;
    uint32_t is_inner; /* of a function that was called by another */
} invocations[] = {
    {"an event", "{\"specversion\":\"1.0\",\"id\":\"1\",\"type\":\"t\",\"data\":{}}",
     "{\"specversion\":\"1.0\",\"id\":\"1\",\"type\":\"t\",\"data\":{}}", 0, 0},
    {"an event that nobody waits for", "{\"id\":\"1\"}", "{\"id\":\"1\",\"type\":\"t\"}", 1, 0},
    /* from here on: hostile */
    {"what is no event (an authorizer's call)", "{\"request\":{}}", NULL, 0, 0},
    {"an empty payload", "", NULL, 0, 0},
    {"1 MiB of payload", NULL, NULL, 0, 0},
    {"an event, for another function", "{\"id\":\"1\"}", "{\"id\":\"1\",\"type\":\"t\"}", 0, 1},
};
#define ORDINARY 2u
#define BIG ((size_t)1 << 20)

static struct eg_str payload_of(struct check_subject *subject, size_t which) {
    if (invocations[which].payload != NULL) {
        return egx_str_c(invocations[which].payload);
    }
    char *big = fake_keep(subject->fake, BIG + 1);
    memset(big, ' ', BIG);
    big[0] = '[';
    big[BIG - 1] = ']';
    return egx_str_n(big, BIG);
}

static void judge_result(const struct check_call *call, int32_t status,
                         const struct eg_result *result) {
    if (result->call_class >= EG_CALL_CLASSES) {
        check_breach(call, "class %u of the result is unknown", result->call_class);
    }
    if (status < 0 && status != EG_E_TIMEOUT && result->call_class <= EG_CALL_ACCEPTED) {
        check_breach(call, "it failed, and the class of the result says that it did not");
    }
    if (result->http_status > 999) {
        check_breach(call, "http_status %u of the result is none", result->http_status);
    }
}

static void invoke(struct check_subject *subject, void *target, size_t which,
                   enum check_weather weather) {
    static const char *const weathers[] = {"", ", answered 500", ", answered garbage",
                                           ", not connected", ", never answered"};
    const struct eg_provider_ops *ops = subject->run->component->ops;
    struct eg_invocation *invocation = fake_keep(subject->fake, sizeof *invocation);
    struct eg_result result;
    char *with = fake_keep(subject->fake, 120);
    (void)snprintf(with, 120, "%s%s", invocations[which].name, weathers[weather]);
    *invocation = (struct eg_invocation){.struct_size = sizeof *invocation,
                                         .is_async = invocations[which].is_async,
                                         .space = EGX_STR("check"),
                                         .function_id = EGX_STR("function"),
                                         .request_id = EGX_STR("check-request"),
                                         .payload = payload_of(subject, which)};
    invocation->call = invocations[which].is_inner ? NULL : egx_fake_call(subject->fake);
    if (invocations[which].event != NULL) {
        invocation->event = egx_fake_event(subject->fake, invocations[which].event);
        invocation->traceparent =
            EGX_STR("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
    }
    struct check_call call = check_begin(subject, "invoke", with, 1);
    call.weather = weather;
    call.cancel = EG_HAS(ops, cancel) ? ops->cancel : NULL;
    const int32_t rc =
        ops->invoke(subject->instance, subject->slot, target, invocation, &call.op->pub);
    const int32_t status = check_judge(&call, rc, 0, NULL, &result);
    judge_result(&call, status, &result);
}

static int32_t bind(struct check_subject *subject, const char *json, const char *with,
                    void **ret_target, struct eg_why *ret_why) {
    const struct eg_provider_ops *ops = subject->run->component->ops;
    const void *config = NULL;
    struct eg_target_traits traits = {.struct_size = sizeof traits};
    struct eg_why why = {.struct_size = sizeof why};
    const size_t sent = egx_fake_request_count(subject->fake);
    int32_t rc =
        egx_fake_target_settings(subject->fake, subject->run->component, json, &config, ret_why);
    if (rc < 0) {
        return rc;
    }
    struct check_call call = check_begin(subject, "bind", with, 0);
    rc = ops->bind(subject->instance, config, ret_target, &traits, &why);
    check_returned(&call);
    if (rc < 0 && why.len == 0) {
        check_breach(&call, "it refused (%s) without a sentence for the client",
                     egx_error_text(rc));
    }
    if (traits.event_version > EG_CE_1_0) {
        check_breach(&call, "event_version %u of the traits is unknown", traits.event_version);
    }
    if (egx_fake_request_count(subject->fake) > sent) {
        check_breach(&call, "it sent an HTTP request; bind does no I/O");
    }
    if (rc < 0) {
        (void)egx_why(ret_why, rc, "%.*s", (int)why.len, why.text);
    }
    return rc;
}

static void unbind(struct check_subject *subject, void *target) {
    const struct eg_provider_ops *ops = subject->run->component->ops;
    struct check_call call = check_begin(subject, "unbind", "", 0);
    ops->unbind(subject->instance, target);
    check_returned(&call);
}

/* What clients of the Config API may write. */
static void bind_odd(struct check_subject *subject) {
    static const char *const odd[] = {
        "\"\"",      "\"\\u0000\"",     "\"http://\"",           "\"\\r\\nX: y\"",
        "\"../..\"", "\"http://[::1\"", "\"arn:aws:lambda:::\"", "\"\\ud83d\\ude00\"",
        "\"%s%n\"",
    };
    const struct eg_component *component = subject->run->component;
    void *target = NULL;
    if (bind(subject, NULL, "no settings", &target, NULL) >= 0) {
        unbind(subject, target);
    }
    for (size_t i = 0; i < component->target_setting_count * EGX_COUNT(odd); i++) {
        const struct eg_setting *row = component->target_settings[i / EGX_COUNT(odd)];
        const char *value = odd[i % EGX_COUNT(odd)];
        char with[160];
        char *json = fake_with_member(subject->run->check->target_json, row->name, value);
        (void)snprintf(with, sizeof with, "%s = %s", row->name, value);
        if (bind(subject, json, with, &target, NULL) >= 0) {
            unbind(subject, target);
        }
        free(json);
    }
    check_stage(subject->run, "functions with odd settings: taken, or refused with a sentence");
}

static void invoke_all(struct check_subject *subject, void *target, int is_short) {
    const uint32_t before = subject->run->calls;
    const size_t count = is_short ? ORDINARY : EGX_COUNT(invocations);
    for (size_t i = 0; i < count && !subject->is_stuck; i++) {
        invoke(subject, target, i, CHECK_FINE);
    }
    const int asks =
        egx_fake_request_count(subject->fake) > 0 || egx_fake_called_count(subject->fake) > 0;
    for (uint32_t weather = CHECK_FINE + 1;
         asks && !is_short && !subject->is_stuck && weather < CHECK_WEATHERS; weather++) {
        for (size_t i = 0; i < ORDINARY; i++) {
            invoke(subject, target, i, (enum check_weather)weather);
        }
    }
    check_stage(subject->run, "%u calls of a function", subject->run->calls - before);
}

void check_provider(struct check_subject *subject, int is_short) {
    struct eg_why why = {.struct_size = sizeof why};
    void *target = NULL;
    if (!is_short) {
        bind_odd(subject);
    }
    if (bind(subject, subject->run->check->target_json, "the function's settings", &target, &why) >=
        0) {
        invoke_all(subject, target, is_short);
        if (!subject->is_stuck) {
            unbind(subject, target);
        }
    } else if (!is_short) {
        check_tell(subject->run, EGX_CHECK_NOTE, "no function was called: %.*s", (int)why.len,
                   why.text);
        if (subject->run->check->target_json != NULL) {
            subject->run->refusal = why;
        }
    }
}
