/*
 * base/thread_slice.h - who goes first where threads of the gateway share a core. Any thread; each
 * says it of itself.
 */
#ifndef GW_BASE_THREAD_SLICE_H
#define GW_BASE_THREAD_SLICE_H

#include <stdint.h>

/* A thread that serves events, and one that does all else. */
#define GW_SLICE_SERVING_NS 100000u
#define GW_SLICE_ASIDE_NS 200000u

/* The time for which the calling thread wants the core at once. Only asked for: on kernels that do
 * not know of it, and where it is forbidden, nothing changes. */
void gw_thread_slice(uint64_t ns);

#endif
