/*
 * base/step_aside.h - long work beside threads that serve. Who has computed for milliseconds is not
 * put aside at once when a loop wakes up on the same core: the scheduler lets it have its slice,
 * and requests wait as long (sched(7)). So it offers its core itself, every tenth of a millisecond
 * or so; where nobody wants it that costs a system call. Any thread.
 */
#ifndef GW_BASE_STEP_ASIDE_H
#define GW_BASE_STEP_ASIDE_H

#include <sched.h>
#include <stddef.h>

#define GW_STEP_ASIDE_EACH 128u

/* To be called for each of many items, i being its number. */
static inline void gw_step_aside(size_t i) {
    if (i % GW_STEP_ASIDE_EACH == GW_STEP_ASIDE_EACH - 1) {
        (void)sched_yield();
    }
}

#endif
