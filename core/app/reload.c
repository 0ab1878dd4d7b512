/*
 * app/reload.c - SIGHUP or POST /v1/plugins/reload: the configuration is read again, whole, and
 * takes effect as a whole or not at all.
 *
 *   read and check -> plan -> create -> start and attach, beside those at work
 *     -> new providers are asked about the functions there are -> the new chain set is the present
 * one, live settings are taken over
 *     -> every loop swaps settings -> every loop swaps its snapshot, and with it the chain set
 *     -> answer; what was replaced goes when the last request that began with it has ended
 *
 * Until the start has ended well, nothing has changed and a refusal takes down what was made. A
 * stop of the gateway does not wait for that start. Control thread. One reload at a time: a signal
 * that comes meanwhile is remembered, and one reload follows for all of them; a request that comes
 * meanwhile is told 409.
 */
#include "app/reload.h"

#include "base/check.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/slice.h"
#include "base/why.h"

/* ---- the end ---- */

static void answer(struct gw_app *app, struct gw_http_request *asker, uint32_t status,
                   struct eg_str text) {
    if (asker != NULL) {
        gw_config_api_reloaded(app->config_api, asker, status, text);
    }
}

static void end(struct gw_reload *reload) {
    struct gw_app *app = reload->app;
    GW_ASSERT(reload->change == NULL);
    app->reload = NULL;
    gw_bytes_free(&reload->changed);
    gw_bytes_free(&reload->waiting);
    gw_options_free(&reload->fresh);
    gw_free(reload);
    gw_app_reload_if_wanted(app);
}

static void refuse(struct gw_reload *reload, uint32_t status, struct eg_str why) {
    if (reload->change != NULL) {
        gw_change_abort(reload->change, GW_PLUGIN_STOP_NS);
        reload->change = NULL;
    }
    gw_logf(EG_LOG_ERROR, "reload refused, nothing changed: %.*s", GW_FMT(why));
    answer(reload->app, reload->asker, status, why);
    end(reload);
}

static void on_everywhere(void *arg) {
    struct gw_reload *reload = arg;
    struct gw_bytes text;
    gw_bytes_init(&text, 0);
    gw_reload_write(&text, reload);
    gw_logf(EG_LOG_INFO, "reload: done");
    answer(reload->app, reload->asker, 200, gw_bytes_str(&text));
    gw_bytes_free(&text);
    end(reload);
}

/* ---- it takes effect ---- */

static void configure_lane(struct gw_task *task) {
    struct gw_lane *lane = gw_lane_of(task);
    struct gw_flow_config config;
    gw_app_flow_config(&lane->app->options.settings, &config);
    gw_flow_configure(lane->flow, &config);
    gw_lane_answer(lane);
}

static void on_configured(struct gw_app *app) {
    if (app->reload->has_change) {
        gw_publisher_publish(app->publisher, app->catalog, on_everywhere, app->reload);
    } else {
        on_everywhere(app->reload);
    }
}

static void apply(struct gw_reload *reload) {
    struct gw_app *app = reload->app;
    struct gw_config_api_config api;
    gw_reload_report(reload);
    gw_reload_take_live(reload);
    gw_app_log_setup(&app->options);
    gw_app_api_config(&app->options.settings, &api);
    gw_config_api_configure(app->config_api, &api);
    gw_app_each_lane(app, configure_lane, on_configured);
}

static void on_started(void *arg, int32_t status, struct eg_str why) {
    struct gw_reload *reload = arg;
    struct gw_app *app = reload->app;
    struct eg_why refused = {.struct_size = sizeof refused};
    GW_ASSERT(app->stage == GW_SERVING);
    if (status < 0) {
        refuse(reload, status == EG_E_TIMEOUT ? 504 : 503, why);
    } else if (gw_publisher_check(app->publisher, gw_change_chains(reload->change), &refused) < 0) {
        refuse(reload, 400, gw_why_str(&refused));
    } else {
        gw_change_commit(reload->change, GW_PLUGIN_STOP_NS,
                         reload->fresh.settings.top.drain_timeout_ns);
        reload->change = NULL;
        apply(reload);
    }
}

/* ---- the beginning ---- */

static int32_t prepare(struct gw_reload *reload, struct eg_why *ret_why) {
    struct gw_app *app = reload->app;
    int32_t rc = gw_options_load(&reload->fresh, app->argc, app->argv, ret_why);
    if (rc == EG_OK) {
        rc = gw_reload_plan(reload, ret_why);
    }
    if (rc == EG_OK && reload->has_change) {
        reload->change = gw_change_begin(app->manager);
        rc = gw_reload_create(reload, ret_why);
    }
    return rc;
}

static void begin(struct gw_app *app, struct gw_http_request *asker, struct eg_str replace) {
    struct gw_reload *reload = gw_alloc(sizeof *reload);
    struct eg_why why = {.struct_size = sizeof why};
    reload->app = app;
    reload->asker = asker;
    reload->replace = replace;
    gw_bytes_init(&reload->changed, 0);
    gw_bytes_init(&reload->waiting, 0);
    app->reload = reload;
    if (prepare(reload, &why) < 0) {
        refuse(reload, 400, gw_why_str(&why));
    } else if (reload->has_change) {
        gw_change_start(reload->change, app->options.settings.top.start_timeout_ns, on_started,
                        reload);
    } else {
        apply(reload);
    }
}

void gw_app_reload_stop(struct gw_app *app) {
    if (app->reload != NULL && app->reload->change != NULL) {
        refuse(app->reload, 503, GW_STR("the gateway is stopping"));
    }
}

void gw_app_reload_if_wanted(struct gw_app *app) {
    if (app->is_reload_wanted && app->reload == NULL) {
        app->is_reload_wanted = false;
        gw_app_reload(app, NULL, (struct eg_str){0});
    }
}

void gw_app_reload(struct gw_app *app, struct gw_http_request *asker, struct eg_str replace) {
    if (app->stage > GW_SERVING) {
        gw_logf(EG_LOG_WARN, "reload: not now, the gateway is stopping");
        answer(app, asker, 503, GW_STR("the gateway is stopping"));
    } else if (app->stage < GW_SERVING || app->lanes_to_answer > 0 || app->reload != NULL) {
        /* A signal is kept: the file may have changed since it was read. */
        app->is_reload_wanted = app->is_reload_wanted || asker == NULL;
        answer(app, asker, 409,
               GW_STR("a reload is under way; ask again when it is over, or send SIGHUP, which "
                      "waits for its end"));
    } else {
        begin(app, asker, replace);
    }
}
