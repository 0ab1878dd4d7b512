/* spawn.c - see spawn.h. */
#include "spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* Between fork and exec: only what POSIX lets the child of a program with threads do. */
_Noreturn static void become(const char *const *arguments, int in_fd, int out_fd, bool with_errors,
                             pid_t parent) {
    const int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
    (void)setpgid(0, 0);
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() == parent && dup2(in_fd < 0 ? nothing : in_fd, STDIN_FILENO) >= 0 &&
        (out_fd < 0 || dup2(out_fd, STDOUT_FILENO) >= 0) &&
        (out_fd < 0 || !with_errors || dup2(out_fd, STDERR_FILENO) >= 0)) {
        (void)execv(arguments[0], (char *const *)(uintptr_t)arguments);
    }
    _exit(127);
}

pid_t spawn_start(const char *const *arguments, int in_fd, int out_fd, bool with_errors) {
    const pid_t parent = getpid();
    (void)fflush(NULL);
    const pid_t pid = fork();
    if (pid == 0) {
        become(arguments, in_fd, out_fd, with_errors, parent);
    }
    if (pid < 0) {
        perror("fork");
        abort();
    }
    (void)setpgid(pid, pid); /* both sides: whoever comes first */
    return pid;
}

bool spawn_has_ended(pid_t pid, int *ret_status) {
    return waitpid(pid, ret_status, WNOHANG) == pid;
}

int spawn_wait(pid_t pid) {
    int status = -1;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    return status;
}

int spawn_kill(pid_t pid, int signal_number) {
    (void)kill(-pid, signal_number);
    return spawn_wait(pid);
}

int spawn_run(const char *const *arguments) {
    const int status = spawn_wait(spawn_start(arguments, -1, -1, false));
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}
