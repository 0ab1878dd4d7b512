/*
 * app/stop.c - the way down, as a chain on the control loop: listeners stop accepting and new
 * requests get 503 -> what is in flight is answered and the backlog drained, up to drain_timeout ->
 * what is left is dropped and counted, connections are cut -> servers, catalog, snapshots, plugins
 * end -> the loops stop.
 *
 * Also the way out of a failed start: parts that were never made are skipped.
 */
#include <stdlib.h>
#include <unistd.h>

#include "app/app.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/slice.h"

#define POLL_NS (10 * GW_NS_PER_MS)
#define ABANDON_NS (2 * GW_NS_PER_S)

static void on_plugins_stopped(void *arg, uint32_t ops_left) {
    struct gw_app *app = arg;
    if (ops_left > 0) {
        /* A plugin never answered: its memory cannot be given back safely. */
        gw_logf(EG_LOG_WARN, "stopped with %u calls that a plugin never answered", ops_left);
        _exit(app->exit_code);
    }
    gw_loop_stop(app->control);
}

static void stop_plugins(struct gw_app *app) {
    gw_manager_stop(app->manager, GW_PLUGIN_STOP_NS, on_plugins_stopped, app);
}

static void on_publisher_stopped(void *arg) {
    stop_plugins(arg);
}

static void on_catalog_stopped(void *arg) {
    struct gw_app *app = arg;
    gw_publisher_stop(app->publisher, on_publisher_stopped, app);
}

static void stop_catalog(struct gw_app *app) {
    if (app->catalog != NULL) {
        gw_catalog_stop(app->catalog, on_catalog_stopped, app);
    } else {
        stop_plugins(app);
    }
}

static void end_lane(struct gw_task *task) {
    struct gw_lane *lane = gw_lane_of(task);
    gw_http_server_destroy(lane->server);
    lane->server = NULL;
    gw_flow_destroy(lane->flow);
    lane->flow = NULL;
    gw_lane_answer(lane);
}

static void on_lanes_ended(struct gw_app *app) {
    gw_http_server_destroy(app->config_server);
    app->config_server = NULL;
    stop_catalog(app);
}

static void drop_lane(struct gw_task *task) {
    struct gw_lane *lane = gw_lane_of(task);
    if (lane->flow != NULL) {
        gw_flow_abandon(lane->flow);
    }
    gw_lane_answer(lane);
}

/* The last means against clients that neither send nor read on. */
static void cut_lane(struct gw_task *task) {
    struct gw_lane *lane = gw_lane_of(task);
    gw_http_server_destroy(lane->server);
    lane->server = NULL;
    gw_lane_answer(lane);
}

static bool has_servers(const struct gw_app *app) {
    bool has = app->config_server != NULL;
    for (uint32_t i = 0; i < app->lane_count; i++) {
        has = has || app->lanes[i].server != NULL;
    }
    return has;
}

static void poll_lanes(struct gw_app *app);

static void on_poll_timer(struct gw_timer *timer) {
    poll_lanes((struct gw_app *)(void *)((char *)timer - offsetof(struct gw_app, timer)));
}

static void poll_later(struct gw_app *app) {
    gw_timer_start(app->control, &app->timer, POLL_NS, on_poll_timer);
}

/* What clients still send or read counts until drain_timeout; then it is cut with its server. */
static uint32_t count_transfers(const struct gw_app *app, const struct gw_http_server *server) {
    return server == NULL || app->is_abandoned ? 0 : gw_http_server_in_flight(server);
}

static uint32_t count_busy(const struct gw_app *app) {
    uint32_t busy = app->config_api == NULL ? 0 : gw_config_api_busy(app->config_api);
    busy += app->reload == NULL ? 0 : 1;
    busy += count_transfers(app, app->config_server);
    for (uint32_t i = 0; i < app->lane_count; i++) {
        busy += app->lanes[i].busy;
    }
    return busy;
}

static void on_lanes_polled(struct gw_app *app) {
    const uint32_t busy = count_busy(app);
    if (busy == 0) {
        app->stage = GW_ENDING;
        gw_app_each_lane(app, end_lane, on_lanes_ended);
        return;
    }
    if (gw_monotonic_ns() < app->drain_until_ns) {
        poll_later(app);
        return;
    }
    if (app->is_abandoned && has_servers(app)) {
        gw_http_server_destroy(app->config_server);
        app->config_server = NULL;
        gw_app_each_lane(app, cut_lane, poll_later);
        return;
    }
    if (app->is_abandoned) {
        gw_logf(EG_LOG_WARN, "stopped with %u calls that did not end", busy);
        _exit(app->exit_code);
    }
    gw_logf(EG_LOG_WARN, "drain_timeout passed: dropping what is left (%u)", busy);
    app->is_abandoned = true;
    app->drain_until_ns = gw_monotonic_ns() + ABANDON_NS;
    gw_app_each_lane(app, drop_lane, poll_later);
}

static void poll_lane(struct gw_task *task) {
    struct gw_lane *lane = gw_lane_of(task);
    lane->busy = lane->flow == NULL ? 0 : gw_flow_busy(lane->flow);
    lane->busy += count_transfers(lane->app, lane->server);
    gw_lane_answer(lane);
}

static void poll_lanes(struct gw_app *app) {
    gw_app_each_lane(app, poll_lane, on_lanes_polled);
}

static void quiesce_lane(struct gw_task *task) {
    struct gw_lane *lane = gw_lane_of(task);
    if (lane->server != NULL) {
        gw_http_server_quiesce(lane->server);
    }
    if (lane->flow != NULL) {
        gw_flow_drain(lane->flow);
    }
    gw_lane_answer(lane);
}

static void begin_drain(struct gw_app *app) {
    app->drain_until_ns = gw_monotonic_ns() + app->options.settings.top.drain_timeout_ns;
    gw_app_reload_stop(app);
    if (app->config_server != NULL) {
        gw_http_server_quiesce(app->config_server);
    }
    if (app->config_api != NULL) {
        gw_config_api_drain(app->config_api);
    }
    gw_app_each_lane(app, quiesce_lane, poll_lanes);
}

static void on_retry_timer(struct gw_timer *timer) {
    gw_app_stop((struct gw_app *)(void *)((char *)timer - offsetof(struct gw_app, timer)));
}

void gw_app_stop(struct gw_app *app) {
    if (app->lanes_to_answer > 0) {
        /* The start is talking to the lanes: let it come to its end first. */
        gw_timer_start(app->control, &app->timer, POLL_NS, on_retry_timer);
        return;
    }
    if (app->stage >= GW_DRAINING) {
        return;
    }
    app->stage = GW_DRAINING;
    begin_drain(app);
}

void gw_app_fail(struct gw_app *app, struct eg_str why) {
    gw_logf(EG_LOG_ERROR, "%.*s", GW_FMT(why));
    app->exit_code = 1;
    gw_app_stop(app);
}
