/*
 * child.c - worker processes, by way of posix_spawn, which does not copy the gateway's memory.
 *
 * A worker has to end with the gateway, however that ends: it asks the kernel for a signal when the
 * thread that started it dies (prctl(2), PR_SET_PDEATHSIG), and it ends when its socket does.
 */
#include "child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "wire.h"

static int spawn(const char *path, int fd, pid_t *ret_pid) {
    char *const argv[] = {(char *)(uintptr_t) "transform-worker", NULL};
    char *const environment[] = {NULL};
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;
    sigset_t none;
    sigset_t all;
    (void)sigemptyset(&none);
    (void)sigfillset(&all);
    (void)posix_spawn_file_actions_init(&files);
    (void)posix_spawnattr_init(&attributes);
    (void)posix_spawn_file_actions_adddup2(&files, fd, STDIN_FILENO);
    (void)posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    (void)posix_spawn_file_actions_addopen(&files, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    (void)posix_spawn_file_actions_addclosefrom_np(&files, STDERR_FILENO + 1);
    (void)posix_spawnattr_setsigmask(&attributes, &none);
    (void)posix_spawnattr_setsigdefault(&attributes, &all);
    (void)posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK |
                                                    POSIX_SPAWN_SETSIGDEF);
    const int code = posix_spawn(ret_pid, path, &files, &attributes, argv, environment);
    (void)posix_spawn_file_actions_destroy(&files);
    (void)posix_spawnattr_destroy(&attributes);
    return code;
}

int32_t tr_child_spawn(const char *path, pid_t *ret_pid, int32_t *ret_fd, struct eg_why *ret_why) {
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) {
        return egx_why(ret_why, EG_E_IO, "no socket for a worker: %s", strerror(errno));
    }
    const int code = spawn(path, pair[1], ret_pid);
    (void)close(pair[1]);
    if (code != 0) {
        (void)close(pair[0]);
        return egx_why(ret_why, EG_E_IO, "cannot start '%s': %s", path, strerror(code));
    }
    (void)fcntl(pair[0], F_SETFL, O_NONBLOCK);
    *ret_fd = pair[0];
    return EG_OK;
}

clockid_t tr_child_clock(pid_t pid) {
    clockid_t clock = 0;
    return clock_getcpuclockid(pid, &clock) == 0 ? clock : -1;
}

uint64_t tr_child_cpu_ns(clockid_t clock) {
    struct timespec used;
    if (clock_gettime(clock, &used) != 0) {
        return 0;
    }
    return (uint64_t)used.tv_sec * 1000000000u + (uint64_t)used.tv_nsec;
}

void tr_child_kill(pid_t pid) {
    (void)kill(pid, SIGKILL);
}

int32_t tr_child_reap(pid_t pid, int32_t is_patient, int32_t *ret_status) {
    pid_t ended;
    do {
        ended = waitpid(pid, ret_status, is_patient ? 0 : WNOHANG);
    } while (ended < 0 && errno == EINTR);
    if (ended < 0) { /* somebody else took it: how it ended will not be known */
        *ret_status = 0;
    }
    return ended != 0;
}

/* ---- a trial ---- */

static uint64_t now_ns(void) {
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* Until the socket is ready for it, or until_ns. */
static int wait_for(int fd, short events, uint64_t until_ns) {
    struct pollfd poll_fd = {.fd = fd, .events = events};
    const uint64_t now = now_ns();
    return now < until_ns && poll(&poll_fd, 1, (int)((until_ns - now) / 1000000u + 1)) >= 0;
}

static int32_t say(int fd, struct eg_str bytes, uint64_t until_ns) {
    while (bytes.len > 0) {
        const ssize_t n = send(fd, bytes.ptr, bytes.len, MSG_NOSIGNAL);
        if (n < 0 && errno != EAGAIN && errno != EINTR) {
            return EG_E_IO;
        }
        bytes = egx_str_cut(bytes, n > 0 ? (size_t)n : 0);
        if (n < 0 && !wait_for(fd, POLLOUT, until_ns)) {
            return EG_E_TIMEOUT;
        }
    }
    return EG_OK;
}

/* READY, or why not. */
static int32_t hear(int fd, uint64_t until_ns, struct eg_why *ret_why) {
    char bytes[1024];
    size_t len = 0;
    uint32_t kind = 0;
    struct eg_str payload;
    size_t used = 0;
    while (used == 0) {
        const ssize_t n = recv(fd, bytes + len, sizeof bytes - len, 0);
        if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) {
            return egx_why(ret_why, EG_E_IO, "the worker ended at once");
        }
        len += n > 0 ? (size_t)n : 0;
        if (tr_frame_find(egx_str_n(bytes, len), sizeof bytes - TR_HEAD_BYTES, &kind, &payload,
                          &used) < 0) {
            return egx_why(ret_why, EG_E_PROTO, "what it started is no worker of this plugin");
        }
        if (n < 0 && !wait_for(fd, POLLIN, until_ns)) {
            return egx_why(ret_why, EG_E_TIMEOUT, "the worker does not get ready");
        }
    }
    if (kind != TR_READY) {
        struct tr_reader in = {payload, 0};
        const struct eg_str text = tr_get_text(&in);
        return egx_why(ret_why, EG_E_INVAL, "the worker cannot work: %.*s", EGX_FMT(text));
    }
    return EG_OK;
}

int32_t tr_child_try(const char *path, struct eg_str setup, uint64_t max_wait_ns,
                     struct eg_why *ret_why) {
    const uint64_t until_ns = now_ns() + max_wait_ns;
    int32_t status = 0;
    int32_t fd = -1;
    pid_t pid = 0;
    int32_t rc = tr_child_spawn(path, &pid, &fd, ret_why);
    if (rc < 0) {
        return rc;
    }
    rc = say(fd, setup, until_ns);
    if (rc != EG_E_TIMEOUT) { /* one that has hung up may have said why */
        rc = hear(fd, until_ns, ret_why);
    } else {
        (void)egx_why(ret_why, rc, "the worker does not listen");
    }
    (void)close(fd);
    tr_child_kill(pid);
    (void)tr_child_reap(pid, 1, &status);
    return rc;
}
