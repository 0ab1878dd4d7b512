/*
 * app/store_session.c - see the header. The catalog is used without its watch. Control thread.
 */
#include "app/store_session.h"

#include <signal.h>
#include <unistd.h>

#include "app/transfer.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/slice.h"
#include "base/why.h"

struct session {
    struct gw_app *app;
    void (*work)(struct gw_app *app, void *arg);
    void *arg;
    int32_t status;
    struct eg_why *why;
};

static void on_plugins_stopped(void *arg, uint32_t ops_left) {
    struct gw_app *app = arg;
    if (ops_left > 0) {
        /* A plugin never answered: its memory cannot be given back safely. */
        gw_logf(EG_LOG_WARN, "ended with %u calls that a plugin never answered", ops_left);
        if (app->session_why->len > 0) {
            gw_transfer_say(STDERR_FILENO, "event-gateway: %.*s",
                            GW_FMT(gw_why_str(app->session_why)));
        }
        _exit(app->exit_code);
    }
    gw_loop_stop(app->control);
}

static void on_catalog_stopped(void *arg) {
    struct gw_app *app = arg;
    gw_manager_stop(app->manager, GW_PLUGIN_STOP_NS, on_plugins_stopped, app);
}

void gw_store_session_end(struct gw_app *app) {
    if (app->catalog != NULL) {
        gw_catalog_stop(app->catalog, on_catalog_stopped, app);
    } else {
        on_catalog_stopped(app);
    }
}

uint64_t gw_store_session_deadline(const struct gw_app *app) {
    const uint64_t timeout_ns = app->options.settings.store.timeout_ns;
    return gw_monotonic_ns() +
           (timeout_ns > GW_SESSION_PATIENCE_NS ? timeout_ns : GW_SESSION_PATIENCE_NS);
}

static void on_started(void *arg, int32_t status, struct eg_str why) {
    struct session *session = arg;
    struct gw_app *app = session->app;
    if (status < 0) {
        session->status = gw_why(session->why, status, "%.*s", GW_FMT(why));
        app->exit_code = GW_EXIT_FAILED;
        gw_store_session_end(app);
        return;
    }
    const struct gw_catalog_config config = {
        .storage = gw_manager_storage(app->manager),
        .control = app->control,
        .timeout_ns = app->options.settings.store.timeout_ns,
    };
    app->catalog = gw_catalog_create(&config);
    session->work(app, session->arg);
}

int32_t gw_store_session(struct gw_app *app, bool with_providers,
                         void (*work)(struct gw_app *app, void *arg), void *arg,
                         struct eg_why *ret_why) {
    struct session session = {.app = app, .work = work, .arg = arg, .why = ret_why};
    (void)signal(SIGPIPE, SIG_IGN);
    int32_t rc = gw_app_make_manager(app, ret_why);
    if (rc == EG_OK) {
        rc = gw_app_add_store(app, with_providers, ret_why);
    }
    if (rc < 0) {
        return rc;
    }
    app->session_why = ret_why;
    gw_loop_allow_slow_turns(app->control);
    gw_manager_start(app->manager, app->options.settings.top.start_timeout_ns, on_started,
                     &session);
    gw_loop_run(app->control);
    return session.status;
}
