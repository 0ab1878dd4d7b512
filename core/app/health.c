/*
 * app/health.c - `health`: asks a running gateway for its status, as load balancers do. For
 * containers: an image that holds nothing but the gateway has no curl to ask with. Control thread.
 */
#include <stdio.h>

#include "app/app.h"
#include "app/commands.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/slice.h"
#include "base/why.h"

#define TIMEOUT_NS (5 * GW_NS_PER_S)

struct question {
    struct gw_app *app;
    const char *url;
    int32_t status;
    struct eg_why *why;
};

static void on_answer(void *arg, const struct eg_http_response *response) {
    struct question *question = arg;
    struct eg_buf body = response->body;
    if (response->error != 0) {
        question->status = gw_why(question->why, response->error, "%s: %.*s", question->url,
                                  GW_FMT(response->message));
    } else if (response->status != 200) {
        question->status = gw_why(question->why, EG_E_UNAVAILABLE, "%s answered %d", question->url,
                                  response->status);
    }
    if (body.release != NULL) {
        body.release(body.owner);
    }
    gw_loop_stop(question->app->control);
}

/* Of the configuration: the gateway of this file, on this machine. */
static const char *default_url(struct gw_options *options) {
    const struct gw_listener_settings *listener = &options->settings.config.listener;
    const struct eg_str listen = listener->listen;
    const bool is_any = listen.len == 0 || gw_str_eq(listen, GW_STR("0.0.0.0"));
    const bool is_v6 = gw_str_find(listen, ':') < listen.len;
    const struct eg_str host = is_any                            ? GW_STR("127.0.0.1")
                               : gw_str_eq(listen, GW_STR("::")) ? GW_STR("::1")
                                                                 : listen;
    return gw_arena_printf(&options->source.arena, "%s://%s%.*s%s:%lld/v1/status",
                           listener->tls_cert.len > 0 ? "https" : "http", is_v6 ? "[" : "",
                           GW_FMT(host), is_v6 ? "]" : "", (long long)listener->port)
        .ptr;
}

static int32_t run(struct gw_app *app, struct eg_why *ret_why) {
    struct question question = {.app = app, .url = app->options.operand, .why = ret_why};
    struct eg_http_call *call = NULL;
    int32_t rc = gw_app_make_lanes(app, ret_why);
    if (rc < 0) {
        return rc;
    }
    if (question.url == NULL) {
        question.url = default_url(&app->options);
    }
    const struct eg_http_request request = {
        .struct_size = sizeof request,
        .method = GW_STR("GET"),
        .url = gw_str_c(question.url),
        .timeout_ns = TIMEOUT_NS,
        .ca_file = gw_str_c(app->options.kit.ca_path),
    };
    gw_loop_allow_slow_turns(app->control);
    rc = gw_http_send(app->control_client, &request, on_answer, &question, &call);
    if (rc < 0) {
        return gw_why(ret_why, rc, "%s is no URL to ask", question.url);
    }
    gw_loop_run(app->control);
    if (question.status == EG_OK) {
        puts("ok");
    }
    return question.status;
}

static int32_t act_ca(struct gw_options *options, const char *value, struct eg_why *ret_why) {
    (void)ret_why;
    options->kit.ca_path = value;
    return EG_OK;
}

static const struct gw_flag flags[] = {
    {"ca-file", GW_TAKES_TEXT, NULL, NULL, act_ca,
     "https: certificates to trust (PEM file), else the system's"},
};

const struct gw_subcommand gw_health_command = {
    .name = "health",
    .operand = "[URL]",
    .summary = "ask a running gateway whether it serves",
    .text =
        "Asks for /v1/status of the Configuration API: at URL, or where the configuration has it.\n"
        "For the health check of a container, which has no other program to ask with.\n"
        "\n"
        "Exit code: 0 it serves, 1 it does not (standard error says why), 2 wrong command line.",
    .shared = " config set config-port ",
    .flags = flags,
    .flag_count = GW_COUNT(flags),
    .run = run,
};
