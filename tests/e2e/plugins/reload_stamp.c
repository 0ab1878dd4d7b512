/*
 * reload_stamp - of the end-to-end tests: two middleware and a provider that show which settings
 * they had. A middleware puts its text into the event, and what it was in each hook into a header
 * of the reply; a function of the provider answers with the text that it has when called, that it
 * had when the function was bound, and that the event brought. `delay` keeps an event waiting, so
 * that requests are under way while settings change. create and start fail on demand, and a start
 * waits for a file that `gate` names.
 */
#include <eventgw-sdk/egx.h>

#include <stdio.h>
#include <unistd.h>

struct stamp_settings {
    struct eg_str text;
    struct eg_str key;
    struct eg_str rules;
    uint64_t delay;
    struct eg_str start;
    struct eg_str gate;
};
EGX_SETTING_REQUIRED(stamp_settings, text, "What is shown; \"bad\" is refused.");
EGX_SETTING_SECRET(stamp_settings, key, "Not used.");
EGX_SETTING_JSON(stamp_settings, rules, NULL, "Not used.");
EGX_SETTING_DURATION(stamp_settings, delay, 0, INT64_MAX, "0", "How long an event waits.");
EGX_SETTING_CHOICE(stamp_settings, start, "ok|fail|hang", "ok", "How the start ends.");
EGX_SETTING_STRING(stamp_settings, gate, NULL, "The start ends when this file is there.");
static const struct eg_setting *const rows[] = {
    EGX_ROW(stamp_settings, text),  EGX_ROW(stamp_settings, key),   EGX_ROW(stamp_settings, rules),
    EGX_ROW(stamp_settings, delay), EGX_ROW(stamp_settings, start), EGX_ROW(stamp_settings, gate)};

struct stamp {
    const struct eg_host *host;
    const struct stamp_settings *settings;
    struct eg_op *held; /* of a start that hangs or waits */
    struct eg_timer *look;
};

#define LOOK_NS 5000000u

/* ---- life ---- */

static int32_t create(const struct eg_host *host, const void *settings, void **ret_instance,
                      struct eg_why *ret_why) {
    const struct stamp_settings *s = settings;
    if (egx_str_eq(s->text, EGX_STR("bad"))) {
        return egx_why(ret_why, EG_E_INVAL, "'text' must not be bad");
    }
    struct stamp *stamp = host->mem->alloc(host, sizeof *stamp);
    *stamp = (struct stamp){.host = host, .settings = s};
    *ret_instance = stamp;
    egx_log(host, EG_LOG_DEBUG, "created with %.*s", (int)s->text.len, s->text.ptr);
    return EG_OK;
}

/* The timer goes on until the drain: who has started is drained, however late. */
static void look(void *arg) {
    struct stamp *stamp = arg;
    char path[256];
    (void)snprintf(path, sizeof path, "%.*s", (int)stamp->settings->gate.len,
                   stamp->settings->gate.ptr);
    if (stamp->held != NULL && access(path, F_OK) == 0) {
        egx_done_ok(stamp->held);
        stamp->held = NULL;
    }
}

static int32_t start(void *instance, struct eg_op *op) {
    struct stamp *stamp = instance;
    const struct eg_host *host = stamp->host;
    if (stamp->settings->gate.len > 0) {
        stamp->held = op;
        stamp->look =
            host->loop->timer_start(host, host->loop->current(host), LOOK_NS, LOOK_NS, look, stamp);
    } else if (egx_str_eq(stamp->settings->start, EGX_STR("hang"))) {
        stamp->held = op;
    } else if (egx_str_eq(stamp->settings->start, EGX_STR("fail"))) {
        egx_done_error(op, EG_E_UNAVAILABLE, "nobody is at home");
    } else {
        egx_done_ok(op);
    }
    return EG_OK;
}

static void drain(void *instance) {
    struct stamp *stamp = instance;
    if (stamp->look != NULL) {
        stamp->host->loop->timer_stop(stamp->host, stamp->look);
    }
}

static void destroy(void *instance) {
    struct stamp *stamp = instance;
    egx_log(stamp->host, EG_LOG_DEBUG, "destroyed with %.*s", (int)stamp->settings->text.len,
            stamp->settings->text.ptr);
    stamp->host->mem->free(stamp->host, stamp);
}

static const struct eg_life_ops life = {.struct_size = sizeof life,
                                        .create = create,
                                        .start = start,
                                        .drain = drain,
                                        .destroy = destroy};

/* ---- middleware ---- */

/* Of one request: what the text was in each hook. */
struct note {
    const struct eg_host *host;
    char request[32];
    char event[32];
};

static void put(char *to, size_t room, struct eg_str text) {
    (void)snprintf(to, room, "%.*s", (int)text.len, text.ptr);
}

static void free_note(void *ptr) {
    struct note *note = ptr;
    note->host->mem->free(note->host, note);
}

static int32_t on_request(void *instance, void *slot, struct eg_exchange *exchange,
                          struct eg_op *op) {
    struct stamp *stamp = instance;
    const struct eg_host *host = stamp->host;
    struct note *note = host->mem->alloc(host, sizeof *note);
    (void)slot;
    (void)op;
    *note = (struct note){.host = host};
    put(note->request, sizeof note->request, stamp->settings->text);
    host->exchange->keep(exchange, host, note, free_note);
    return EG_NEXT;
}

struct waiting {
    const struct eg_host *host;
    struct eg_op *op;
    struct eg_timer *timer;
};

static void on_waited(void *arg) {
    struct waiting *waiting = arg;
    const struct eg_host *host = waiting->host;
    host->loop->timer_stop(host, waiting->timer);
    egx_done_verdict(waiting->op, EG_NEXT);
    host->mem->free(host, waiting);
}

static int32_t on_event(void *instance, void *slot, struct eg_exchange *exchange,
                        struct eg_event *event, struct eg_op *op) {
    struct stamp *stamp = instance;
    const struct eg_host *host = stamp->host;
    struct note *note = host->exchange->kept(exchange, host);
    char json[40];
    (void)slot;
    if (note == NULL) {
        return EG_E_INTERNAL; /* another instance had the request */
    }
    put(note->event, sizeof note->event, stamp->settings->text);
    (void)snprintf(json, sizeof json, "\"%s\"", note->event);
    (void)host->event->set_extension(event, host->component, egx_str_c(json));
    if (stamp->settings->delay == 0) {
        return EG_NEXT;
    }
    struct waiting *waiting = host->mem->alloc(host, sizeof *waiting);
    *waiting = (struct waiting){.host = host, .op = op};
    waiting->timer = host->loop->timer_start(host, host->loop->current(host),
                                             stamp->settings->delay, 0, on_waited, waiting);
    return EG_PENDING;
}

static int32_t on_reply(void *instance, void *slot, struct eg_exchange *exchange,
                        struct eg_op *op) {
    struct stamp *stamp = instance;
    const struct eg_host *host = stamp->host;
    const struct note *note = host->exchange->kept(exchange, host);
    char text[128];
    (void)slot;
    (void)op;
    (void)snprintf(text, sizeof text, "%s/%s/%.*s", note == NULL ? "?" : note->request,
                   note == NULL ? "?" : note->event, (int)stamp->settings->text.len,
                   stamp->settings->text.ptr);
    return host->exchange->reply_header(exchange, host->component, egx_str_c(text)) < 0
               ? EG_E_INTERNAL
               : EG_NEXT;
}

static const struct eg_middleware_ops middleware_ops = {.struct_size = sizeof middleware_ops,
                                                        .on_request = on_request,
                                                        .on_event = on_event,
                                                        .on_reply = on_reply};

/* ---- provider ---- */

struct stamped_target {
    struct eg_str note;
};
EGX_SETTING(stamped_target, note, "note", EG_SET_STRING, 0, 0, 0, NULL, NULL, "Not used.");
static const struct eg_setting *const target_rows[] = {EGX_ROW(stamped_target, note)};

struct bound {
    struct stamp *by;
    char text[32];
};

static int32_t bind(void *instance, const void *config, void **ret_target,
                    struct eg_target_traits *ret_traits, struct eg_why *ret_why) {
    struct stamp *stamp = instance;
    const struct stamped_target *target = config;
    (void)ret_traits;
    if (egx_str_eq(target->note, stamp->settings->text)) {
        return egx_why(ret_why, EG_E_INVAL, "note and text must not be the same");
    }
    struct bound *bound = stamp->host->mem->alloc(stamp->host, sizeof *bound);
    bound->by = stamp;
    put(bound->text, sizeof bound->text, stamp->settings->text);
    *ret_target = bound;
    return EG_OK;
}

static void unbind(void *instance, void *target) {
    struct stamp *stamp = instance;
    stamp->host->mem->free(stamp->host, target);
}

static int32_t invoke(void *instance, void *slot, void *target,
                      const struct eg_invocation *invocation, struct eg_op *op) {
    struct stamp *stamp = instance;
    const struct bound *bound = target;
    const struct eg_host *host = stamp->host;
    const struct eg_str stamped = host->event->extension(invocation->event, EGX_STR("stamp"));
    const struct eg_str shown =
        stamped.len > 2 ? egx_str_n(stamped.ptr + 1, stamped.len - 2) : EGX_STR("none");
    char text[256];
    (void)slot;
    (void)snprintf(text, sizeof text,
                   "{\"statusCode\":200,\"headers\":{\"Function\":\"%.*s/%s/%.*s\"}}",
                   (int)stamp->settings->text.len, stamp->settings->text.ptr, bound->text,
                   (int)shown.len, shown.ptr);
    egx_done_call(op, 200, host->mem->copy(host, egx_str_c(text)));
    return EG_OK;
}

static const struct eg_provider_ops provider_ops = {
    .struct_size = sizeof provider_ops, .bind = bind, .unbind = unbind, .invoke = invoke};

EGX_COMPONENT(stamp_component, EG_KIND_MIDDLEWARE, "stamp", "Shows its settings.", stamp_settings,
              rows, &life, &middleware_ops);
EGX_COMPONENT(stamp2_component, EG_KIND_MIDDLEWARE, "stamp2", "Shows its settings.", stamp_settings,
              rows, &life, &middleware_ops);
static const struct eg_component stamped_component = {
    .struct_size = sizeof stamped_component,
    .kind = EG_KIND_PROVIDER,
    .name = "stamped",
    .summary = "Answers with its settings.",
    .settings = rows,
    .setting_count = EGX_COUNT(rows),
    .settings_size = sizeof(struct stamp_settings),
    .target_settings = target_rows,
    .target_setting_count = EGX_COUNT(target_rows),
    .target_settings_size = sizeof(struct stamped_target),
    .life = &life,
    .ops = &provider_ops,
};
EGX_PLUGIN("reload_stamp", "1.2.3", "Apache-2.0", EG_ABI_MAKE(0, 3), &stamp_component,
           &stamp2_component, &stamped_component)
