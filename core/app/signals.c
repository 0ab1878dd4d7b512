/*
 * app/signals.c - SIGTERM and SIGINT stop (a second one ends at once), SIGHUP reads the
 * configuration again. Signals are blocked in every thread and read from a descriptor on the
 * control loop.
 */
#include <errno.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "app/app.h"
#include "base/check.h"
#include "base/log.h"

static void on_stop_signal(struct gw_app *app, uint32_t number) {
    if (app->stage >= GW_DRAINING) {
        gw_logf(EG_LOG_WARN, "second signal: ending at once");
        _exit(128 + (int)number);
    }
    gw_logf(EG_LOG_INFO, "stopping: draining for up to %llu ms",
            (unsigned long long)(app->options.settings.top.drain_timeout_ns / 1000000u));
    gw_app_stop(app);
}

static void on_signal(struct gw_fd *watch, uint32_t events) {
    (void)events;
    struct gw_app *app = GW_CONTAINER(watch, struct gw_app, signal_watch);
    struct signalfd_siginfo info;
    while (read(app->signal_fd, &info, sizeof info) == (ssize_t)sizeof info) {
        if (info.ssi_signo == SIGHUP) {
            gw_app_reload(app);
        } else {
            on_stop_signal(app, info.ssi_signo);
        }
    }
}

int32_t gw_app_signals(struct gw_app *app) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    signal(SIGPIPE, SIG_IGN);
    if (pthread_sigmask(SIG_BLOCK, &set, NULL) != 0) {
        return EG_E_INTERNAL;
    }
    app->signal_fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    if (app->signal_fd < 0) {
        return EG_E_INTERNAL;
    }
    return gw_fd_watch(app->control, &app->signal_watch, app->signal_fd, EG_FD_READ, on_signal);
}
