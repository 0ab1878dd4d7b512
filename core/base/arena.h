/*
 * base/arena.h - memory of one request (or one configuration object): allocated piece by piece,
 * freed at once. One thread at a time. Chunks grow by doubling up to 64 KiB; bigger pieces get a
 * chunk of their own. gw_arena_reset keeps the first chunk, so a recycled arena does not allocate.
 */
#ifndef GW_BASE_ARENA_H
#define GW_BASE_ARENA_H

#include <eventgw/types.h>

/* AddressSanitizer wants to know each piece. */
#if defined(__SANITIZE_ADDRESS__)
#define GW_ARENA_IS_WATCHED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define GW_ARENA_IS_WATCHED 1
#endif
#endif
#ifndef GW_ARENA_IS_WATCHED
#define GW_ARENA_IS_WATCHED 0
#endif

#define GW_ARENA_ALIGN ((size_t)16)

struct gw_arena_chunk;
struct gw_arena {
    struct gw_arena_chunk *first;
    struct gw_arena_chunk *current;
    char *at;          /* the free part of current */
    size_t left;       /* its bytes */
    size_t used_bytes; /* handed out since the last reset */
};

void gw_arena_init(struct gw_arena *arena, size_t first_chunk_bytes);
void gw_arena_reset(struct gw_arena *arena);
void gw_arena_free(struct gw_arena *arena); /* also of a zeroed arena */

void *gw_arena_alloc_slowly(struct gw_arena *arena, size_t size);
/* Aligned to 16, not zeroed. */
static inline void *gw_arena_alloc(struct gw_arena *arena, size_t size) {
    const size_t taken = (size + GW_ARENA_ALIGN - 1) & ~(GW_ARENA_ALIGN - 1);
    if (GW_ARENA_IS_WATCHED || size > arena->left || taken >= arena->left) {
        return gw_arena_alloc_slowly(arena, size);
    }
    char *piece = arena->at;
    arena->at += taken;
    arena->left -= taken;
    arena->used_bytes += size;
    return piece;
}
void *gw_arena_zalloc(struct gw_arena *arena, size_t size); /* zeroed */
/* A copy of s in the arena. The copy is followed by a NUL that does not count. */
struct eg_str gw_arena_dup(struct gw_arena *arena, struct eg_str s);
/* printf into the arena. */
struct eg_str gw_arena_printf(struct gw_arena *arena, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
