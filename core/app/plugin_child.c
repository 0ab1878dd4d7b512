/*
 * app/plugin_child.c - runs code of strangers in a child process: whatever it does, the parent
 * lives, and knows in which step it happened.
 *
 * The child is forked before this process has threads. It leads a process group, which is killed
 * as a whole at the end, so that nothing it started is left. Its lines come through a pipe. It
 * leaves no core file, and dies with its parent. Control thread; blocks.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "app/plugin_kit.h"
#include "base/clock.h"
#include "base/why.h"

#define SLICE_MS 20
#define LINE_MAX_BYTES 2048u

/* ---- the child ---- */

void gw_child_tell(int fd, char kind, const char *text) {
    char line[LINE_MAX_BYTES];
    const int len = snprintf(line, sizeof line - 1, "%c%s", kind, text);
    size_t count = len < 0 ? 0 : (size_t)len;
    count = count < sizeof line - 1 ? count : sizeof line - 2;
    for (size_t i = 0; i < count; i++) {
        const unsigned char c = (unsigned char)line[i];
        line[i] = c < 0x20 || c == 0x7f ? '?' : line[i];
    }
    line[count++] = '\n';
    const ssize_t written = write(fd, line, count); /* less than PIPE_BUF: whole or not at all */
    (void)written;
}

static void begin_child(void) {
    const struct rlimit none = {0, 0};
    (void)setpgid(0, 0);
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    (void)setrlimit(RLIMIT_CORE, &none);
    (void)signal(SIGPIPE, SIG_IGN);
}

/* ---- the parent ---- */

struct ear {
    const struct gw_child *child;
    struct gw_child_end *end;
    int fd;
    char line[LINE_MAX_BYTES];
    size_t len;
    uint64_t heard_ns;
};

static void hear_line(struct ear *ear) {
    struct gw_child_end *end = ear->end;
    ear->line[ear->len] = '\0';
    if (ear->len > 0) {
        const char *text = ear->line + 1;
        if (ear->line[0] == GW_CHILD_STEP) {
            (void)snprintf(end->step, sizeof end->step, "%.*s", (int)sizeof end->step - 1, text);
        } else if (ear->line[0] == GW_CHILD_REFUSED) {
            (void)snprintf(end->refused, sizeof end->refused, "%.*s", (int)sizeof end->refused - 1,
                           text);
        } else if (ear->line[0] == GW_CHILD_BACK) {
            end->is_back = true;
        } else {
            ear->child->heard(ear->child->heard_arg, ear->line[0], text);
        }
    }
    ear->len = 0;
}

/* False when there is nothing now. */
static bool hear(struct ear *ear) {
    char piece[4096];
    const ssize_t n = read(ear->fd, piece, sizeof piece);
    for (ssize_t i = 0; i < n; i++) {
        if (piece[i] == '\n' || ear->len == sizeof ear->line - 1) {
            hear_line(ear);
        } else {
            ear->line[ear->len++] = piece[i];
        }
    }
    ear->heard_ns = n > 0 ? gw_monotonic_ns() : ear->heard_ns;
    return n > 0;
}

/* A process that the child left behind may hold the pipe open: what counts is the child's end. */
static void wait_for(struct ear *ear, pid_t pid) {
    int status = 0;
    pid_t ended = 0;
    struct pollfd wanted = {.fd = ear->fd, .events = POLLIN};
    while ((ended = waitpid(pid, &status, WNOHANG)) == 0) {
        (void)poll(&wanted, 1, SLICE_MS);
        const bool is_heard = hear(ear);
        if (!is_heard && !ear->end->is_late &&
            gw_monotonic_ns() - ear->heard_ns > ear->child->patience_ns) {
            ear->end->is_late = true;
            (void)kill(-pid, SIGKILL);
            (void)kill(pid, SIGKILL); /* it may have gone to another group */
        }
    }
    while (hear(ear)) {
    }
    (void)kill(-pid, SIGKILL);
    const bool has_signal = ended == pid && WIFSIGNALED(status);
    ear->end->signal = has_signal ? WTERMSIG(status) : 0;
    ear->end->exit_code =
        ended == pid && WIFEXITED(status) ? WEXITSTATUS(status) : GW_CHILD_NO_CODE;
}

int32_t gw_child_run(const struct gw_child *child, struct gw_child_end *ret_end,
                     struct eg_why *ret_why) {
    int fds[2];
    *ret_end = (struct gw_child_end){0};
    (void)fflush(NULL);
    if (pipe2(fds, O_CLOEXEC) != 0) {
        return gw_why(ret_why, EG_E_INTERNAL, "cannot make a pipe: %s", strerror(errno));
    }
    const pid_t pid = fork();
    if (pid == 0) {
        (void)close(fds[0]);
        begin_child();
        const int code = child->work(child->arg, fds[1]);
        gw_child_tell(fds[1], GW_CHILD_BACK, "");
        (void)fflush(NULL);
        _exit(code);
    }
    (void)close(fds[1]);
    if (pid < 0) {
        (void)close(fds[0]);
        return gw_why(ret_why, EG_E_INTERNAL, "cannot make a process: %s", strerror(errno));
    }
    (void)setpgid(pid, pid);
    (void)fcntl(fds[0], F_SETFL, O_NONBLOCK);
    struct ear ear = {.child = child, .end = ret_end, .fd = fds[0], .heard_ns = gw_monotonic_ns()};
    wait_for(&ear, pid);
    (void)close(fds[0]);
    return EG_OK;
}

void gw_child_describe(const struct gw_child_end *end, char *text, size_t size) {
    const char *step = end->step[0] == '\0' ? "its constructors" : end->step;
    if (end->is_late) {
        (void)snprintf(text, size, "did not come back from %s, and was killed", step);
    } else if (end->signal == 0) {
        (void)snprintf(text, size, "ended the process with exit code %d in %s", end->exit_code,
                       step);
    } else {
        (void)snprintf(text, size, "crashed with signal %d (%s) in %s", end->signal,
                       strsignal(end->signal), step);
    }
}
