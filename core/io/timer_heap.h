/*
 * io/timer_heap.h - the timers of one loop: a binary heap of borrowed struct gw_timer, the earliest
 * on top. Slot 0 stays empty, so that heap_index 0 means "not armed". Loop thread only.
 */
#ifndef GW_IO_TIMER_HEAP_H
#define GW_IO_TIMER_HEAP_H

#include "io/loop.h"

/* The time stands beside the timer: who sifts does not touch the timers that it passes. */
struct gw_timer_slot {
    uint64_t at_ns;
    struct gw_timer *timer;
};
struct gw_timer_heap {
    struct gw_timer_slot *slots;
    size_t count;
    size_t room;
};

void gw_timer_heap_free(struct gw_timer_heap *heap);
void gw_timer_heap_put(struct gw_timer_heap *heap, struct gw_timer *timer); /* or moves it */
void gw_timer_heap_remove(struct gw_timer_heap *heap, struct gw_timer *timer);
struct gw_timer *gw_timer_heap_top(const struct gw_timer_heap *heap); /* NULL when empty */

#endif
