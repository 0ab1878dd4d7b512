/*
 * io/timer_heap.c - see timer_heap.h. A heap rather than a wheel: the loop asks for the earliest
 * deadline once a turn. Deadlines mostly come in the order of their time, so a new one stays at the
 * end where it was put.
 */
#include "io/timer_heap.h"

#include "base/check.h"
#include "base/mem.h"

#define FEW_EMPTY 64U /* are not worth a sweep */

static void place(struct gw_timer_heap *heap, size_t index, struct gw_timer_slot slot) {
    heap->slots[index] = slot;
    if (slot.timer != NULL) {
        slot.timer->heap_index = index;
    }
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

/* Takes out all that are empty, and makes it a heap again from the bottom up. */
static void sweep(struct gw_timer_heap *heap) {
    size_t kept = 0;
    for (size_t i = 1; i <= heap->count; i++) {
        if (heap->slots[i].timer != NULL) {
            place(heap, ++kept, heap->slots[i]);
        }
    }
    GW_ASSERT(kept == heap->armed);
    heap->count = kept;
    for (size_t i = kept / 2; i > 0; i--) {
        sift_down(heap, i, heap->slots[i]);
    }
}

static void empty(struct gw_timer_heap *heap, struct gw_timer *timer) {
    const size_t index = timer->heap_index;
    GW_ASSERT(index <= heap->count && heap->slots[index].timer == timer);
    heap->slots[index].timer = NULL;
    timer->heap_index = 0;
    heap->armed--;
}

/* The end needs no order, so what is empty there goes at once. */
static void tidy(struct gw_timer_heap *heap) {
    while (heap->count > 0 && heap->slots[heap->count].timer == NULL) {
        heap->count--;
    }
    if (heap->count - heap->armed > heap->armed + FEW_EMPTY) {
        sweep(heap);
    }
}

static void need_room(struct gw_timer_heap *heap) {
    if (heap->count + 2 > heap->room) {
        heap->room = gw_size_add(gw_size_mul(heap->room, 2), 64);
        heap->slots = gw_realloc(heap->slots, gw_size_mul(heap->room, sizeof *heap->slots));
    }
}

void gw_timer_heap_free(struct gw_timer_heap *heap) {
    gw_free(heap->slots);
    *heap = (struct gw_timer_heap){0};
}

void gw_timer_heap_put(struct gw_timer_heap *heap, struct gw_timer *timer) {
    if (timer->heap_index != 0) {
        empty(heap, timer);
        tidy(heap);
    }
    need_room(heap);
    heap->count++;
    heap->armed++;
    sift_up(heap, heap->count, (struct gw_timer_slot){.at_ns = timer->at_ns, .timer = timer});
}

void gw_timer_heap_remove(struct gw_timer_heap *heap, struct gw_timer *timer) {
    if (timer->heap_index != 0) {
        empty(heap, timer);
        tidy(heap);
    }
}

/* The last one takes its place. */
static void drop_first(struct gw_timer_heap *heap) {
    const struct gw_timer_slot last = heap->slots[heap->count];
    heap->count--;
    if (heap->count > 0) {
        sift_down(heap, 1, last);
    }
}

struct gw_timer *gw_timer_heap_top(struct gw_timer_heap *heap) {
    if (heap->armed == 0) {
        return NULL;
    }
    while (heap->slots[1].timer == NULL) {
        drop_first(heap);
    }
    return heap->slots[1].timer;
}
