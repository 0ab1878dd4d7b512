/*
 * app/signals.c - SIGTERM and SIGINT stop (a second one ends at once), SIGHUP reads the
 * configuration again. Signals are blocked in every thread and read from a descriptor on the
 * control loop.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "app/app.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/slice.h"
#include "base/why.h"

/* timeout(1) and others that end a process and then its group send the same signal twice within
 * microseconds: that is one wish. A person's second one comes later. */
#define SAME_WISH_NS (5 * GW_NS_PER_MS)

static void on_stop_signal(struct gw_app *app, uint32_t number) {
    const uint64_t now_ns = gw_monotonic_ns();
    if (app->is_stop_wanted && now_ns - app->stop_wanted_ns < SAME_WISH_NS) {
        return;
    }
    if (app->is_stop_wanted || app->stage >= GW_DRAINING) {
        gw_logf(EG_LOG_WARN, "second signal: ending at once");
        _exit(128 + (int)number);
    }
    gw_logf(EG_LOG_INFO, "stopping: draining for up to %llu ms",
            (unsigned long long)(app->options.settings.top.drain_timeout_ns / 1000000u));
    app->is_stop_wanted = true;
    app->stop_wanted_ns = now_ns;
    gw_app_stop(app);
}

static void on_signal(struct gw_fd *watch, uint32_t events) {
    (void)events;
    struct gw_app *app = GW_CONTAINER(watch, struct gw_app, signal_watch);
    struct signalfd_siginfo info;
    while (read(app->signal_fd, &info, sizeof info) == (ssize_t)sizeof info) {
        if (info.ssi_signo == SIGHUP) {
            gw_app_reload(app, NULL, (struct eg_str){0});
        } else {
            on_stop_signal(app, info.ssi_signo);
        }
    }
}

/* A SIGHUP that comes while plugins are loaded would end the process. */
void gw_app_hold_reloads(void) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGHUP);
    (void)pthread_sigmask(SIG_BLOCK, &set, NULL);
}

int32_t gw_app_signals(struct gw_app *app, struct eg_why *ret_why) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    signal(SIGPIPE, SIG_IGN);
    if (pthread_sigmask(SIG_BLOCK, &set, NULL) != 0) {
        return gw_why(ret_why, EG_E_INTERNAL, "cannot block signals");
    }
    app->signal_fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    if (app->signal_fd < 0) {
        return gw_why(ret_why, EG_E_INTERNAL, "cannot wait for signals: %s", strerror(errno));
    }
    const int32_t rc =
        gw_fd_watch(app->control, &app->signal_watch, app->signal_fd, EG_FD_READ, on_signal);
    return rc < 0 ? gw_why(ret_why, rc, "cannot wait for signals: %s", gw_error_text(rc)) : rc;
}
