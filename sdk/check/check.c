/*
 * check.c - the life of a component, twice at once: a gateway that reloads its plugins makes the
 * new instance before the old one ends, so one must not disturb the other.
 *
 *   create, start, attach          first
 *   create, start, attach          second (not storage: a store has one master in a process)
 *   calls of its kind, hostile too first
 *   drain, detach, destroy         first
 *   ordinary calls                 second
 *   drain, detach, destroy         second
 */
#include "check_parts.h"

static void (*const kinds[])(struct check_subject *subject, int is_short) = {
    [EG_KIND_PROVIDER] = check_provider,
    [EG_KIND_STORAGE] = check_storage,
    [EG_KIND_MIDDLEWARE] = check_middleware,
    [EG_KIND_REACTER] = check_reacter,
};

/* ---- up ---- */

static int32_t create(struct check_subject *subject, const char *settings, const char *with,
                      struct eg_why *ret_why) {
    struct check_call call = check_begin(subject, "create", with, 0);
    struct eg_why why = {.struct_size = sizeof why};
    const int32_t rc =
        egx_fake_create(subject->fake, subject->run->component, settings, &subject->instance, &why);
    check_returned(&call);
    if (rc < 0 && why.len == 0) {
        check_breach(&call, "it refused (%s) without a sentence that says why", egx_error_text(rc));
    }
    if (egx_fake_request_count(subject->fake) > 0) {
        check_breach(&call, "it sent an HTTP request; I/O belongs into start");
    }
    if (ret_why != NULL) {
        *ret_why = why;
    }
    return rc;
}

/* A store that cannot be reached is none of its faults: it goes on trying. */
static int32_t start(struct check_subject *subject, struct eg_why *ret_why) {
    const struct eg_life_ops *life = subject->run->component->life;
    struct eg_result result;
    if (life->start == NULL) {
        return EG_OK;
    }
    struct check_call call = check_begin(subject, "start", "", 1);
    const int32_t rc = life->start(subject->instance, &call.op->pub);
    const int32_t status = check_judge(&call, rc, 0, NULL, &result);
    return status < 0
               ? egx_why(ret_why, status, "it did not start: %.*s",
                         result.message.len > 0 ? (int)result.message.len : 200,
                         result.message.len > 0 ? result.message.ptr : egx_error_text(status))
               : EG_OK;
}

static int32_t attach(struct check_subject *subject, struct eg_why *ret_why) {
    const struct eg_life_ops *life = subject->run->component->life;
    if (life->attach == NULL) {
        return EG_OK;
    }
    struct check_call call = check_begin(subject, "attach", "", 0);
    const int32_t rc =
        life->attach(subject->instance, egx_fake_loop(subject->fake), &subject->slot);
    check_returned(&call);
    subject->is_attached = rc >= 0;
    check_settle(&call);
    return rc < 0 ? egx_why(ret_why, rc, "it cannot attach to a loop: %s", egx_error_text(rc))
                  : EG_OK;
}

static struct check_subject make(struct check_run *run) {
    struct check_subject subject = {.run = run, .fake = egx_fake_new()};
    egx_fake_time_callbacks(subject.fake);
    return subject;
}

/* ---- down ---- */

static void judge_drained(struct check_call *call) {
    struct egx_left left;
    egx_fake_left(call->subject->fake, &left);
    if (left.calls > 0) {
        check_breach(call, "%zu HTTP calls are in flight behind it", left.calls);
    }
    if (left.function_calls > 0) {
        check_breach(call, "%zu calls of other functions are in flight behind it",
                     left.function_calls);
    }
}

static void drain(struct check_subject *subject) {
    const struct eg_life_ops *life = subject->run->component->life;
    if (life->drain == NULL) {
        return;
    }
    struct check_call call = check_begin(subject, "drain", "", 0);
    life->drain(subject->instance);
    check_returned(&call);
    check_settle(&call);
    judge_drained(&call);
}

/* Also without a detach of its own: what the loop holds must be gone here. */
static void detach(struct check_subject *subject) {
    const struct eg_life_ops *life = subject->run->component->life;
    struct egx_left left;
    struct check_call call = check_begin(subject, "detach", "", 0);
    if (subject->is_attached && life->detach != NULL) {
        life->detach(subject->instance, subject->slot);
    }
    check_returned(&call);
    check_settle(&call);
    egx_fake_left(subject->fake, &left);
    if (left.timers > 0) {
        check_breach(&call,
                     "%zu timers are left after drain and detach (one that has fired has to "
                     "be stopped too)",
                     left.timers);
    }
    if (left.watches > 0) {
        check_breach(&call, "%zu watches of descriptors are left after drain and detach",
                     left.watches);
    }
}

static void judge_leaks(const struct check_call *call) {
    struct egx_left left;
    egx_fake_left(call->subject->fake, &left);
    const struct {
        size_t count;
        const char *what;
    } rows[] = {
        {left.allocations, "pieces of mem->alloc were not freed"},
        {left.json_roots, "JSON roots were not freed"},
        {left.buffers, "buffers (mem->copy, bodies of HTTP answers) were not released"},
        {left.posts, "posted functions would run after it"},
        {left.calls, "HTTP calls are in flight after it"},
        {left.function_calls, "calls of other functions are in flight after it"},
    };
    for (size_t i = 0; i < EGX_COUNT(rows); i++) {
        if (rows[i].count > 0) {
            check_breach(call, "%zu %s", rows[i].count, rows[i].what);
        }
    }
}

static void destroy(struct check_subject *subject) {
    struct check_call call = check_begin(subject, "destroy", "", 0);
    subject->run->component->life->destroy(subject->instance);
    check_returned(&call);
    judge_leaks(&call);
}

static void forget(struct check_subject *subject) {
    if (!subject->is_stuck) {
        egx_fake_free(subject->fake);
    }
    subject->fake = NULL;
}

static void end(struct check_subject *subject, const char *which) {
    drain(subject);
    detach(subject);
    if (subject->is_stuck) {
        check_tell(subject->run, EGX_CHECK_NOTE,
                   "destroy was not called: the gateway keeps an instance that has calls to end");
    } else {
        destroy(subject);
        check_stage(subject->run, "drain, detach, destroy%s: nothing is left", which);
    }
    forget(subject);
}

/* ---- settings that are odd ---- */

/* A value that the row allows and an author may not have thought of; NULL: none of this number. */
static const char *odd_value(const struct eg_setting *row, uint32_t number) {
    static const char *const texts[] = {"\"\"", "\"../../../etc\"", "\"a\\tb \\u00e4\\u2028\"",
                                        "\"%s%n%d\""};
    static const char *const lists[] = {"[]", "[\"\"]", "[\"a\", \"a\"]"};
    static const char *const jsons[] = {"{}", "[]", "[[]]", "[{\"\": null}]", "[{\"a\": [1, {}]}]"};
    switch (row->type) {
    case EG_SET_STRING:
    case EG_SET_SECRET:
        return row->choices != NULL || number >= EGX_COUNT(texts) ? NULL : texts[number];
    case EG_SET_LIST:
        return number >= EGX_COUNT(lists) ? NULL : lists[number];
    case EG_SET_JSON:
        return number >= EGX_COUNT(jsons) ? NULL : jsons[number];
    default:
        return NULL;
    }
}

/* create takes it, or refuses with a sentence; either way nothing is left. */
static void try_settings(struct check_run *run, const char *json, const char *with) {
    struct check_subject subject = make(run);
    struct check_call call = {.subject = &subject, .name = "create", .with = with};
    if (create(&subject, json, with, NULL) >= 0) {
        destroy(&subject);
    } else {
        judge_leaks(&call);
    }
    forget(&subject);
}

/* The given settings with one row changed. */
static void try_rows(struct check_run *run) {
    const struct eg_component *component = run->component;
    for (size_t i = 0; i < component->setting_count; i++) {
        const struct eg_setting *row = component->settings[i];
        for (uint32_t n = 0; odd_value(row, n) != NULL; n++) {
            char with[120];
            char *json = fake_with_member(run->check->settings_json, row->name, odd_value(row, n));
            (void)snprintf(with, sizeof with, "%s = %s", row->name, odd_value(row, n));
            try_settings(run, json, with);
            free(json);
        }
    }
    check_stage(run, "odd settings: taken, or refused with a sentence");
}

/* ---- the whole ---- */

static int32_t bring_up(struct check_subject *subject, struct eg_why *ret_why) {
    struct eg_why why = {.struct_size = sizeof why};
    int32_t rc = create(subject, subject->run->check->settings_json, "", &why);
    if (rc < 0) {
        struct check_call call = {.subject = subject, .name = "create", .with = ""};
        judge_leaks(&call);
        forget(subject);
        return egx_why(ret_why, rc, "it refuses the settings: %.*s",
                       why.len > 0 ? (int)why.len : 200,
                       why.len > 0 ? why.text : egx_error_text(rc));
    }
    rc = start(subject, ret_why);
    if (rc >= 0) {
        rc = attach(subject, ret_why);
    }
    if (rc < 0) {
        end(subject, " after a start that failed");
    }
    return rc;
}

/* The settings are those of the first, which serves: a reload would fail for what it says now. */
static int bring_up_second(struct check_run *run, struct check_subject *second) {
    struct eg_why why = {.struct_size = sizeof why};
    *second = make(run);
    if (bring_up(second, &why) < 0) {
        check_tell(run, EGX_CHECK_BREACH,
                   "a second instance, as a reload makes one, does not come up beside the first: "
                   "%.*s",
                   (int)why.len, why.text);
        return 0;
    }
    check_stage(run, "a second instance beside it, as a reload makes one");
    return 1;
}

int32_t egx_check_component(const struct egx_check *check, struct eg_why *ret_why) {
    struct check_run run = {.check = check, .component = check->component};
    const int wants_second = check->component->kind != EG_KIND_STORAGE;
    struct check_subject second = {0};
    struct check_subject first = make(&run);
    const int32_t rc = bring_up(&first, ret_why);
    if (rc < 0) {
        return rc;
    }
    check_stage(&run, "create, start, attach");
    const int has_second = wants_second && bring_up_second(&run, &second);
    kinds[check->component->kind](&first, 0);
    end(&first, "");
    if (has_second) {
        kinds[check->component->kind](&second, 1);
        end(&second, " of the second");
    }
    try_rows(&run);
    if (run.breaches == 0 && run.refusal.len > 0) {
        return egx_why(ret_why, EG_E_INVAL, "it refuses the function: %.*s", (int)run.refusal.len,
                       run.refusal.text);
    }
    return (int32_t)run.breaches;
}
