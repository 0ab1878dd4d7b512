/* check_reacter.c - system events of all four types, to the interests that a reacter has. */
#include "check_parts.h"

#define SYSTEM_EVENT(type, data)                                                                   \
    "{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"/check\",\"type\":\"eventgateway." type    \
    "\",\"data\":" data "}"

static const struct {
    const char *type;
    const char *name;
    const char *json;
} events[] = {
    {"eventgateway.event.received", "event.received",
     SYSTEM_EVENT("event.received", "{\"path\":\"/\",\"event\":{\"id\":\"1\"},\"headers\":{}}")},
    {"eventgateway.event.received", "event.received without data",
     SYSTEM_EVENT("event.received", "null")},
    {"eventgateway.function.invoking", "function.invoking",
     SYSTEM_EVENT("function.invoking", "{\"space\":\"s\",\"functionId\":\"f\",\"event\":{}}")},
    {"eventgateway.function.invoked", "function.invoked",
     SYSTEM_EVENT("function.invoked",
                  "{\"space\":\"s\",\"functionId\":\"f\",\"result\":\"YQ==\"}")},
    {"eventgateway.function.invoked", "function.invoked with odd data",
     SYSTEM_EVENT("function.invoked", "[\"\\u0001\\u2028\\ud83d\\ude00\",1e308,{\"\":[]}]")},
    {"eventgateway.function.invocationFailed", "function.invocationFailed",
     SYSTEM_EVENT("function.invocationFailed", "{\"space\":\"s\",\"error\":\"it broke\"}")},
};

static void react(struct check_subject *subject, const struct eg_interest *interest, size_t which,
                  enum check_weather weather) {
    const struct eg_reacter_ops *ops = subject->run->component->ops;
    struct check_call call = check_begin(subject, "react", events[which].name, 1);
    const struct eg_event *event = egx_fake_event(subject->fake, events[which].json);
    call.weather = weather;
    call.cancel = EG_HAS(ops, cancel) ? ops->cancel : NULL;
    (void)interest;
    const int32_t rc = ops->react(subject->instance, subject->slot, event, &call.op->pub);
    (void)check_judge(&call, rc, 1, NULL, NULL);
}

static int is_known(const struct eg_interest *interest) {
    for (size_t i = 0; i < EGX_COUNT(events); i++) {
        if (strcmp(events[i].type, interest->event_type) == 0) {
            return 1;
        }
    }
    return 0;
}

static void react_all(struct check_subject *subject, const struct eg_interest *interest,
                      enum check_weather weather) {
    for (size_t i = 0; i < EGX_COUNT(events) && !subject->is_stuck; i++) {
        if (strcmp(events[i].type, interest->event_type) == 0) {
            react(subject, interest, i, weather);
        }
    }
}

static void trace(struct check_subject *subject) {
    const struct eg_reacter_ops *ops = subject->run->component->ops;
    static const struct eg_kv attribute = {{"http.route", 10}, {"/", 1}};
    struct eg_span span = {.struct_size = sizeof span, .kind = EG_SPAN_REQUEST, .id = {1}};
    span.name = EGX_STR("POST /");
    span.duration_ns = 1000;
    span.http_status = 202;
    span.attributes = &attribute;
    span.attribute_count = 1;
    const struct eg_span *spans[] = {&span};
    struct eg_trace one = {.struct_size = sizeof one, .flags = 1, .id = {2}, .spans = spans};
    if (!EG_HAS(ops, trace) || ops->trace == NULL) {
        return;
    }
    for (one.span_count = 0; one.span_count <= EGX_COUNT(spans); one.span_count++) {
        struct check_call call =
            check_begin(subject, "trace", one.span_count == 0 ? "no spans" : "one span", 0);
        ops->trace(subject->instance, subject->slot, &one);
        check_returned(&call);
        check_settle(&call);
    }
}

void check_reacter(struct check_subject *subject, int is_short) {
    const struct eg_reacter_ops *ops = subject->run->component->ops;
    struct check_call call = check_begin(subject, "interests", "", 0);
    size_t count = 0;
    const struct eg_interest *const *interests = ops->interests(subject->instance, &count);
    check_returned(&call);
    if (count == 0 && (!EG_HAS(ops, trace) || ops->trace == NULL)) {
        check_tell(subject->run, EGX_CHECK_NOTE, "it has no interests, so it is never called");
    }
    for (size_t i = 0; i < count; i++) {
        const struct eg_interest *interest = interests == NULL ? NULL : interests[i];
        if (interest == NULL || interest->event_type == NULL || interest->event_type[0] == '\0' ||
            interest->mode > EG_INTEREST_SYNC) {
            check_breach(&call, "interest %zu is NULL, or has no type, or an unknown mode", i);
            continue;
        }
        if (!is_known(interest)) {
            check_tell(subject->run, EGX_CHECK_NOTE,
                       "interest %zu: there is no system event '%s' today, so it is not told", i,
                       interest->event_type);
        }
        react_all(subject, interest, CHECK_FINE);
        const int asks = egx_fake_request_count(subject->fake) > 0;
        for (uint32_t weather = CHECK_FINE + 1;
             asks && !is_short && !subject->is_stuck && weather < CHECK_WEATHERS; weather++) {
            react_all(subject, interest, (enum check_weather)weather);
        }
    }
    trace(subject);
    check_stage(subject->run, "system events of %zu interest%s", count, count == 1 ? "" : "s");
}
