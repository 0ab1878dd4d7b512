/*
 * io/timer_heap.c - see timer_heap.h. A heap rather than a wheel: the loop asks for the earliest
 * deadline once a turn, and most timers (deadlines of calls) are stopped long before they fire.
 */
#include "io/timer_heap.h"

#include "base/check.h"
#include "base/mem.h"

static void place(struct gw_timer_heap *heap, size_t index, struct gw_timer_slot slot) {
    heap->slots[index] = slot;
    slot.timer->heap_index = index;
}

static void sift_up(struct gw_timer_heap *heap, size_t index, struct gw_timer_slot slot) {
    while (index > 1 && heap->slots[index / 2].at_ns > slot.at_ns) {
        place(heap, index, heap->slots[index / 2]);
        index /= 2;
    }
    place(heap, index, slot);
}

static void sift_down(struct gw_timer_heap *heap, size_t index, struct gw_timer_slot slot) {
    for (size_t child = index * 2; child <= heap->count; child = index * 2) {
        if (child < heap->count && heap->slots[child + 1].at_ns < heap->slots[child].at_ns) {
            child++;
        }
        if (heap->slots[child].at_ns >= slot.at_ns) {
            break;
        }
        place(heap, index, heap->slots[child]);
        index = child;
    }
    place(heap, index, slot);
}

/* Where it belongs, seen from index, which is free. */
static void sift(struct gw_timer_heap *heap, size_t index, struct gw_timer_slot slot) {
    if (index > 1 && heap->slots[index / 2].at_ns > slot.at_ns) {
        sift_up(heap, index, slot);
    } else {
        sift_down(heap, index, slot);
    }
}

void gw_timer_heap_free(struct gw_timer_heap *heap) {
    gw_free(heap->slots);
    *heap = (struct gw_timer_heap){0};
}

void gw_timer_heap_put(struct gw_timer_heap *heap, struct gw_timer *timer) {
    const struct gw_timer_slot slot = {timer->at_ns, timer};
    if (timer->heap_index != 0) {
        GW_ASSERT(heap->slots[timer->heap_index].timer == timer);
        sift(heap, timer->heap_index, slot);
        return;
    }
    if (heap->count + 2 > heap->room) {
        heap->room = gw_size_add(gw_size_mul(heap->room, 2), 64);
        heap->slots = gw_realloc(heap->slots, gw_size_mul(heap->room, sizeof *heap->slots));
    }
    heap->count++;
    sift_up(heap, heap->count, slot);
}

void gw_timer_heap_remove(struct gw_timer_heap *heap, struct gw_timer *timer) {
    const size_t index = timer->heap_index;
    if (index == 0) {
        return;
    }
    GW_ASSERT(index <= heap->count && heap->slots[index].timer == timer);
    const struct gw_timer_slot last = heap->slots[heap->count];
    heap->count--;
    timer->heap_index = 0;
    if (last.timer != timer) {
        sift(heap, index, last);
    }
}

struct gw_timer *gw_timer_heap_top(const struct gw_timer_heap *heap) {
    return heap->count == 0 ? NULL : heap->slots[1].timer;
}
