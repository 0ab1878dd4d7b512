/*
 * base/arena.c - a chain of chunks that are handed out from front to back.
 *
 * `first` heads the chain, `current` is the chunk that is being handed out. A piece over a quarter
 * of the largest chunk gets a chunk of its own, linked behind current, so that it does not waste
 * the rest of current. Under AddressSanitizer what is not handed out is poisoned and pieces have a
 * gap between them, so that an overrun inside an arena is found like one on the heap.
 */
#include "base/arena.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"

#if defined(__SANITIZE_ADDRESS__)
#define HAS_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HAS_ASAN 1
#endif
#endif

#ifdef HAS_ASAN
#include <sanitizer/asan_interface.h>
#define POISON(ptr, len) __asan_poison_memory_region((ptr), (len))
#define UNPOISON(ptr, len) __asan_unpoison_memory_region((ptr), (len))
#define GAP_BYTES ((size_t)16)
#else
#define POISON(ptr, len) ((void)(ptr), (void)(len))
#define UNPOISON(ptr, len) ((void)(ptr), (void)(len))
#define GAP_BYTES ((size_t)0)
#endif

#define ALIGN ((size_t)16)
#define CHUNK_MIN ((size_t)256)
#define CHUNK_MAX ((size_t)65536)
#define OWN_CHUNK_FROM (CHUNK_MAX / 4)

struct gw_arena_chunk {
    struct gw_arena_chunk *next;
    size_t size; /* of the data */
    size_t used;
    size_t unused_pad; /* keeps the data aligned to 16 */
    char data[];
};

static struct gw_arena_chunk *chunk_new(size_t size) {
    struct gw_arena_chunk *chunk =
        gw_realloc(NULL, gw_size_add(sizeof(struct gw_arena_chunk), size));
    *chunk = (struct gw_arena_chunk){.size = size};
    POISON(chunk->data, size);
    return chunk;
}

static void chunk_free(struct gw_arena_chunk *chunk) {
    UNPOISON(chunk->data, chunk->size);
    gw_free(chunk);
}

static size_t round_up(size_t size) {
    return gw_size_add(gw_size_add(size, ALIGN - 1) & ~(ALIGN - 1), GAP_BYTES);
}

static void *chunk_take(struct gw_arena_chunk *chunk, size_t size) {
    char *ptr = chunk->data + chunk->used;
    chunk->used += round_up(size);
    UNPOISON(ptr, size);
    return ptr;
}

void gw_arena_init(struct gw_arena *arena, size_t first_chunk_bytes) {
    const size_t bytes = first_chunk_bytes < CHUNK_MIN ? CHUNK_MIN : first_chunk_bytes;
    *arena = (struct gw_arena){.first = chunk_new(round_up(bytes))};
    arena->current = arena->first;
}

static void free_after(struct gw_arena_chunk *chunk) {
    struct gw_arena_chunk *next = chunk->next;
    while (next != NULL) {
        struct gw_arena_chunk *gone = next;
        next = gone->next;
        chunk_free(gone);
    }
    chunk->next = NULL;
}

void gw_arena_reset(struct gw_arena *arena) {
    arena->used_bytes = 0;
    arena->current = arena->first;
    if (arena->first == NULL) {
        return;
    }
    free_after(arena->first);
    POISON(arena->first->data, arena->first->size);
    arena->first->used = 0;
}

void gw_arena_free(struct gw_arena *arena) {
    if (arena->first != NULL) {
        free_after(arena->first);
        chunk_free(arena->first);
    }
    *arena = (struct gw_arena){0};
}

/* A chunk with room for size, linked behind current. */
static struct gw_arena_chunk *chunk_for(struct gw_arena *arena, size_t size) {
    struct gw_arena_chunk *current = arena->current;
    size_t bytes = round_up(size);
    const bool is_own = bytes > OWN_CHUNK_FROM;
    if (!is_own) {
        const size_t doubled = current->size < CHUNK_MAX / 2 ? current->size * 2 : CHUNK_MAX;
        bytes = bytes > doubled ? bytes : doubled;
    }
    struct gw_arena_chunk *chunk = chunk_new(bytes);
    chunk->next = current->next;
    current->next = chunk;
    if (!is_own) {
        arena->current = chunk;
    }
    return chunk;
}

void *gw_arena_alloc(struct gw_arena *arena, size_t size) {
    if (arena->first == NULL) {
        gw_arena_init(arena, CHUNK_MIN * 4);
    }
    struct gw_arena_chunk *chunk = arena->current;
    if (round_up(size) > chunk->size - chunk->used) {
        chunk = chunk_for(arena, size);
    }
    arena->used_bytes = gw_size_add(arena->used_bytes, size);
    return chunk_take(chunk, size);
}

void *gw_arena_zalloc(struct gw_arena *arena, size_t size) {
    return memset(gw_arena_alloc(arena, size), 0, size);
}

struct eg_str gw_arena_dup(struct gw_arena *arena, struct eg_str s) {
    char *copy = gw_arena_alloc(arena, gw_size_add(s.len, 1));
    if (s.len > 0) {
        memcpy(copy, s.ptr, s.len);
    }
    copy[s.len] = '\0';
    return (struct eg_str){.ptr = copy, .len = s.len};
}

struct eg_str gw_arena_printf(struct gw_arena *arena, const char *format, ...) {
    va_list args;
    va_start(args, format);
    const int len = vsnprintf(NULL, 0, format, args);
    va_end(args);
    GW_ASSERT(len >= 0);
    char *text = gw_arena_alloc(arena, (size_t)len + 1);
    va_start(args, format);
    vsnprintf(text, (size_t)len + 1, format, args);
    va_end(args);
    return (struct eg_str){.ptr = text, .len = (size_t)len};
}
