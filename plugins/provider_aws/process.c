/*
 * process.c - runs a credential_process: /bin/sh -c, in a process group of its own, without input;
 * its error output goes nowhere, since it may hold secrets. Blocks: pool threads only.
 */
#include "process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "credentials_env.h"
#include "hmac.h"

static int64_t now_ms(void) {
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Signals as a program expects them, whatever this thread blocks. */
static int32_t spawn(const char *command, int out_fd, pid_t *ret_pid) {
    char *const argv[] = {(char *)(uintptr_t) "sh", (char *)(uintptr_t) "-c",
                          (char *)(uintptr_t)command, NULL};
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;
    sigset_t none;
    sigset_t all;
    (void)sigemptyset(&none);
    (void)sigfillset(&all);
    (void)posix_spawn_file_actions_init(&files);
    (void)posix_spawnattr_init(&attributes);
    (void)posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    (void)posix_spawn_file_actions_adddup2(&files, out_fd, STDOUT_FILENO);
    (void)posix_spawn_file_actions_addopen(&files, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    (void)posix_spawnattr_setsigmask(&attributes, &none);
    (void)posix_spawnattr_setsigdefault(&attributes, &all);
    (void)posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK |
                                                    POSIX_SPAWN_SETSIGDEF);
    const int code = posix_spawn(ret_pid, "/bin/sh", &files, &attributes, argv, environ);
    (void)posix_spawn_file_actions_destroy(&files);
    (void)posix_spawnattr_destroy(&attributes);
    return code == 0 ? EG_OK : EG_E_IO;
}

/* Until the end of the output. EG_E_TIMEOUT, _TOOBIG, _IO. */
static int32_t read_output(int fd, int64_t until_ms, char *out, size_t *ret_len) {
    size_t len = 0;
    for (;;) {
        struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
        const int64_t left_ms = until_ms - now_ms();
        const int ready = left_ms <= 0 ? 0 : poll(&poll_fd, 1, (int)left_ms);
        if (ready == 0) {
            return EG_E_TIMEOUT;
        }
        const ssize_t got = ready < 0 ? -1 : read(fd, out + len, AWS_PROCESS_MAX_BYTES + 1 - len);
        if (got < 0 && errno != EINTR) {
            return EG_E_IO;
        }
        len += got > 0 ? (size_t)got : 0;
        if (len > AWS_PROCESS_MAX_BYTES) {
            return EG_E_TOOBIG;
        }
        if (got == 0) {
            *ret_len = len;
            return EG_OK;
        }
    }
}

/* It closed its output, so it is about to end; what is left of the time is its limit. */
static int32_t wait_for(pid_t pid, int64_t until_ms, int *ret_code) {
    for (;;) {
        const pid_t ended = waitpid(pid, ret_code, WNOHANG);
        if (ended == pid) {
            return EG_OK;
        }
        if (ended < 0 && errno != EINTR) {
            return EG_E_IO;
        }
        if (now_ms() >= until_ms) {
            return EG_E_TIMEOUT;
        }
        (void)poll(NULL, 0, 5);
    }
}

static void end_group(pid_t pid) {
    int code = 0;
    (void)kill(-pid, SIGKILL);
    while (waitpid(pid, &code, 0) < 0 && errno == EINTR) {
    }
}

int32_t aws_process_run(const char *command, int timeout_ms, char **ret_output,
                        struct eg_why *ret_why) {
    const int64_t until_ms = now_ms() + timeout_ms;
    int fds[2] = {-1, -1};
    pid_t pid = 0;
    size_t len = 0;
    int code = 0;
    if (pipe2(fds, O_CLOEXEC) != 0) {
        return egx_why(ret_why, EG_E_IO, "credential_process: no pipe");
    }
    char *out = aws_alloc(AWS_PROCESS_MAX_BYTES + 2);
    int32_t status = spawn(command, fds[1], &pid);
    (void)close(fds[1]);
    if (status == EG_OK) {
        status = read_output(fds[0], until_ms, out, &len);
        status = status == EG_OK ? wait_for(pid, until_ms, &code) : status;
        if (status < 0) {
            end_group(pid);
        }
    }
    (void)close(fds[0]);
    if (status < 0) {
        status = egx_why(ret_why, status, "credential_process failed: %s", egx_error_text(status));
    } else if (!WIFEXITED(code) || WEXITSTATUS(code) != 0) {
        status = egx_why(ret_why, EG_E_IO, "credential_process ended with %s %d",
                         WIFEXITED(code) ? "status" : "signal",
                         WIFEXITED(code) ? WEXITSTATUS(code) : WTERMSIG(code));
    } else if (memchr(out, '\0', len) != NULL) {
        status = egx_why(ret_why, EG_E_SYNTAX, "credential_process did not write text");
    } else {
        *ret_output = aws_copy(egx_str_n(out, len));
    }
    aws_wipe(out, AWS_PROCESS_MAX_BYTES + 2);
    free(out);
    return status;
}
