/*
 * base/step_aside.h - long work beside threads that serve. Who has computed for milliseconds is not
 * put aside at once when a loop wakes up on the same core: the scheduler lets it have its slice,
 * and requests wait as long (sched(7)). So it offers its core itself, every tenth of a millisecond
 * or so; where nobody wants it that costs a system call. How long it is gone for then is a question
 * of its slice (thread_slice.h). Any thread.
 */
#ifndef GW_BASE_STEP_ASIDE_H
#define GW_BASE_STEP_ASIDE_H

#include <sched.h>
#include <stddef.h>

/* How many items take that long: of a microsecond each, of a few hundred instructions, of one look.
 * Not fewer, for beside a loop that never sleeps each offer may cost as much time as a slice. */
#define GW_STEP_ASIDE_LONG 128u
#define GW_STEP_ASIDE_SHORT 512u
#define GW_STEP_ASIDE_LOOK 2048u

/* To be called for each of many items, i being its number. */
static inline void gw_step_aside(size_t i, size_t each) {
    if (i % each == each - 1) {
        (void)sched_yield();
    }
}

#endif
