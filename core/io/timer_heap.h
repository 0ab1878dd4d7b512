/*
 * io/timer_heap.h - the timers of one loop: a binary heap of borrowed struct gw_timer, the earliest
 * on top. Slot 0 stays empty, so that heap_index 0 means "not armed". Loop thread only.
 *
 * Nearly all timers are deadlines that are stopped long before they are due, and each call has one
 * or two. So stopping only empties the slot; empty ones are taken out when they come to the top, or
 * all at once when they are the greater part.
 */
#ifndef GW_IO_TIMER_HEAP_H
#define GW_IO_TIMER_HEAP_H

#include "io/loop.h"

/* The time is here as well, since comparing must not touch the timers, which are all over the
 * memory. */
struct gw_timer_slot {
    uint64_t at_ns;
    struct gw_timer *timer; /* NULL: was stopped */
};

struct gw_timer_heap {
    struct gw_timer_slot *slots;
    size_t count; /* of slots in use */
    size_t armed; /* of them not empty */
    size_t room;
};

void gw_timer_heap_free(struct gw_timer_heap *heap);
void gw_timer_heap_put(struct gw_timer_heap *heap, struct gw_timer *timer); /* or moves it */
void gw_timer_heap_remove(struct gw_timer_heap *heap, struct gw_timer *timer);
/* The earliest timer; NULL: none is armed. */
struct gw_timer *gw_timer_heap_top(struct gw_timer_heap *heap);
/* No timer is earlier than this; UINT64_MAX: none is armed. Does not clear away what was stopped,
 * so it may be too early. */
static inline uint64_t gw_timer_heap_bound_ns(const struct gw_timer_heap *heap) {
    return heap->armed == 0 ? UINT64_MAX : heap->slots[1].at_ns;
}

#endif
