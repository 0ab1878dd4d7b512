/*
 * child.h - one worker process: how it is started, how much processor time it has used, how it is
 * ended. No loop, no queue; any thread.
 */
#ifndef MIDDLEWARE_TRANSFORM_CHILD_H
#define MIDDLEWARE_TRANSFORM_CHILD_H

#include <sys/types.h>
#include <time.h>

#include <eventgw-sdk/egx.h>

/* Starts it with a socket for its standard input, no environment and no other descriptors. take:
 * both, ret_fd does not block. */
int32_t tr_child_spawn(const char *path, pid_t *ret_pid, int32_t *ret_fd, struct eg_why *ret_why);
/* The clock of its processor time, and what it says; 0 when the process is gone. */
clockid_t tr_child_clock(pid_t pid);
uint64_t tr_child_cpu_ns(clockid_t clock);
void tr_child_kill(pid_t pid);
/* 1 when it has ended and *ret_status is what wait says; never waits unless is_patient. */
int32_t tr_child_reap(pid_t pid, int32_t is_patient, int32_t *ret_status);

/* Starts one, says `setup` to it, waits until it is ready, and ends it. Blocks. */
int32_t tr_child_try(const char *path, struct eg_str setup, uint64_t max_wait_ns,
                     struct eg_why *ret_why);

/* Where the worker is that was installed with this plugin: beside the file this code is in. */
int32_t tr_worker_find(char *ret_path, size_t size);

#endif
