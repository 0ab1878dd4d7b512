/*
 * base/arena.h - memory of one request (or one configuration object): allocated piece by piece,
 * freed at once. One thread at a time. Chunks grow by doubling up to 64 KiB; bigger pieces get a
 * chunk of their own. gw_arena_reset keeps the first chunk, so a recycled arena does not allocate.
 */
#ifndef GW_BASE_ARENA_H
#define GW_BASE_ARENA_H

#include <eventgw/types.h>

struct gw_arena_chunk;
struct gw_arena {
    struct gw_arena_chunk *first;
    struct gw_arena_chunk *current;
    size_t used_bytes; /* handed out since the last reset */
};

void gw_arena_init(struct gw_arena *arena, size_t first_chunk_bytes);
void gw_arena_reset(struct gw_arena *arena);
void gw_arena_free(struct gw_arena *arena); /* also of a zeroed arena */

void *gw_arena_alloc(struct gw_arena *arena, size_t size);  /* aligned to 16, not zeroed */
void *gw_arena_zalloc(struct gw_arena *arena, size_t size); /* zeroed */
/* A copy of s in the arena. The copy is followed by a NUL that does not count. */
struct eg_str gw_arena_dup(struct gw_arena *arena, struct eg_str s);
/* printf into the arena. */
struct eg_str gw_arena_printf(struct gw_arena *arena, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
