/*
 * spawn.h - programs that a test starts: each is the head of a process group of its own and dies
 * with the thread that started it, so that nothing is left when a test is killed. Main thread.
 */
#ifndef CONTRACT_STORAGE_SPAWN_H
#define CONTRACT_STORAGE_SPAWN_H

#include <stdbool.h>
#include <sys/types.h>

/* arguments[0] is the path, NULL ends them. out_fd: its output and errors, -1: ours; in_fd likewise
 * (-1: nothing to read). Ends the test program when that is not possible. */
pid_t spawn_start(const char *const *arguments, int in_fd, int out_fd, bool with_errors);
bool spawn_has_ended(pid_t pid, int *ret_status); /* reaps it */
int spawn_wait(pid_t pid);                        /* the status as of waitpid */
/* The whole group, by its id, and waits for its head. */
int spawn_kill(pid_t pid, int signal_number);
/* Runs it to its end: its exit status, or -1 when a signal ended it. */
int spawn_run(const char *const *arguments);

#endif
