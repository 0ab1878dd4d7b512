/*
 * app/lanes.c - the threads that serve events, and how the control thread asks all of them
 * something.
 *
 * A lane's things (client, flow, server) are made before its thread runs and freed after it ended;
 * in between only its own thread touches them. The control thread sends one task to every lane and
 * goes on when the last has answered.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "app/app.h"
#include "base/check.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/slice.h"
#include "base/thread_slice.h"
#include "base/why.h"
#include "io/http_spread.h"

/* Never more loops than workers or places in the backlog: each loop has at least one of both, and
 * the shares add up to the configured numbers exactly. */
static uint32_t count_lanes(const struct gw_main_settings *top) {
    int64_t count = top->loops;
    if (count == 0) {
        const long cores = sysconf(_SC_NPROCESSORS_ONLN);
        count = cores < 1 ? 1 : cores;
    }
    count = count > top->workers ? top->workers : count;
    count = count > top->workers_backlog ? top->workers_backlog : count;
    return (uint32_t)(count > 256 ? 256 : count);
}

static int32_t make_client(struct gw_app *app, struct eg_loop *loop,
                           struct gw_http_client **ret_client) {
    const struct gw_settings *s = &app->options.settings;
    const bool is_curl_only = gw_str_eq(s->egress.engine, GW_STR("curl"));
    const struct gw_http_client_config config = {
        .engines = is_curl_only ? GW_HTTP_CURL_ONLY : GW_HTTP_AUTO,
        .timeout_ns = s->compat.function_timeout_ns,
        .connect_timeout_ns = s->egress.connect_timeout_ns,
        .max_response_bytes = s->limits.response_bytes,
        .max_connections = (uint32_t)s->egress.connections,
        .max_connections_per_host = (uint32_t)s->egress.connections_per_host,
        .idle_timeout_ns = s->egress.idle_timeout_ns,
    };
    return gw_http_client_create(loop, &config, ret_client);
}

static int32_t make_lane(struct gw_app *app, uint32_t index) {
    struct gw_lane *lane = &app->lanes[index];
    char name[24];
    lane->app = app;
    lane->index = index;
    snprintf(name, sizeof name, "loop-%u", index);
    int32_t rc = gw_loop_create(name, &lane->loop);
    if (rc < 0) {
        return rc;
    }
    gw_loop_set_index(lane->loop, index);
    rc = make_client(app, lane->loop, &lane->client);
    app->loops[index] = lane->loop;
    app->clients[index] = lane->client;
    return rc;
}

int32_t gw_app_make_lanes(struct gw_app *app, struct eg_why *ret_why) {
    /* Sub-commands serve nobody: they have the control loop alone. */
    const bool is_serving = app->options.subcommand == NULL;
    const uint32_t count = is_serving ? count_lanes(&app->options.settings.top) : 0;
    app->lane_count = count;
    app->spread = gw_spread_create(count);
    app->lanes = gw_alloc(gw_size_mul(count, sizeof *app->lanes));
    app->loops = gw_alloc(gw_size_mul(count + 1, sizeof(struct eg_loop *)));
    app->clients = gw_alloc(gw_size_mul(count + 1, sizeof(struct gw_http_client *)));
    int32_t rc = EG_OK;
    for (uint32_t i = 0; i < count; i++) {
        app->lanes[i].listen_fd = -1; /* also of lanes that are never made */
    }
    for (uint32_t i = 0; i < count && rc == EG_OK; i++) {
        rc = make_lane(app, i);
    }
    if (rc == EG_OK) {
        rc = gw_loop_create("control", &app->control);
    }
    if (rc == EG_OK) {
        gw_loop_set_index(app->control, count);
        rc = make_client(app, app->control, &app->control_client);
    }
    if (rc < 0) {
        return gw_why(ret_why, rc, "cannot make the event loops: %s", gw_error_text(rc));
    }
    app->loops[count] = app->control;
    app->clients[count] = app->control_client;
    rc = gw_pool_create(4, 1024, &app->pool);
    return rc < 0 ? gw_why(ret_why, rc, "cannot start the threads for blocking work: %s",
                           gw_error_text(rc))
                  : rc;
}

static void *lane_main(void *arg) {
    struct gw_lane *lane = arg;
    gw_thread_slice(GW_SLICE_SERVING_NS);
    gw_loop_run(lane->loop);
    return NULL;
}

int32_t gw_app_run_lanes(struct gw_app *app, struct eg_why *ret_why) {
    for (uint32_t i = 0; i < app->lane_count; i++) {
        const int error = pthread_create(&app->lanes[i].thread, NULL, lane_main, &app->lanes[i]);
        if (error != 0) {
            return gw_why(ret_why, EG_E_INTERNAL, "cannot start a thread: %s", strerror(error));
        }
        app->lanes[i].has_thread = true;
    }
    return EG_OK;
}

static void on_answer(struct gw_task *task) {
    struct gw_lane *lane = GW_CONTAINER(task, struct gw_lane, answer);
    struct gw_app *app = lane->app;
    GW_ASSERT(app->lanes_to_answer > 0);
    if (--app->lanes_to_answer == 0) {
        app->lanes_answered(app);
    }
}

void gw_lane_answer(struct gw_lane *lane) {
    lane->answer = (struct gw_task){.fn = on_answer};
    gw_loop_post(lane->app->control, &lane->answer);
}

void gw_app_each_lane(struct gw_app *app, void (*fn)(struct gw_task *task),
                      void (*answered)(struct gw_app *app)) {
    GW_ASSERT(app->lanes_to_answer == 0);
    app->lanes_to_answer = app->lane_count;
    app->lanes_answered = answered;
    for (uint32_t i = 0; i < app->lane_count; i++) {
        app->lanes[i].task = (struct gw_task){.fn = fn};
        gw_loop_post(app->lanes[i].loop, &app->lanes[i].task);
    }
}

static void join_lane(struct gw_lane *lane) {
    if (!lane->has_thread) {
        return;
    }
    gw_loop_stop(lane->loop);
    pthread_join(lane->thread, NULL);
    lane->has_thread = false;
}

void gw_app_free_lanes(struct gw_app *app) {
    for (uint32_t i = 0; i < app->lane_count; i++) {
        join_lane(&app->lanes[i]);
    }
    /* A pool thread may still be about to wake the loop that it has posted its last job to. */
    gw_pool_destroy(app->pool);
    for (uint32_t i = 0; i < app->lane_count; i++) {
        struct gw_lane *lane = &app->lanes[i];
        gw_http_server_destroy(lane->server);
        gw_flow_destroy(lane->flow);
        gw_http_client_destroy(lane->client);
        gw_loop_destroy(lane->loop);
        if (lane->listen_fd >= 0) {
            close(lane->listen_fd);
        }
    }
    gw_http_client_destroy(app->control_client);
    gw_loop_destroy(app->control);
    gw_spread_free(app->spread);
    gw_free(app->lanes);
    gw_free(app->loops);
    gw_free(app->clients);
    app->lanes = NULL;
    app->spread = NULL;
    app->lane_count = 0;
}
