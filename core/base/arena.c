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

#if GW_ARENA_IS_WATCHED
#include <sanitizer/asan_interface.h>
#define POISON(ptr, len) __asan_poison_memory_region((ptr), (len))
#define UNPOISON(ptr, len) __asan_unpoison_memory_region((ptr), (len))
#define GAP_BYTES ((size_t)16)
#else
#define POISON(ptr, len) ((void)(ptr), (void)(len))
#define UNPOISON(ptr, len) ((void)(ptr), (void)(len))
#define GAP_BYTES ((size_t)0)
#endif

#define CHUNK_MIN ((size_t)256)
#define CHUNK_MAX ((size_t)65536)
#define OWN_CHUNK_FROM (CHUNK_MAX / 4)

struct gw_arena_chunk {
    struct gw_arena_chunk *next;
    size_t size; /* of the data, which this header keeps aligned to 16 */
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
    return gw_size_add(gw_size_add(size, GW_ARENA_ALIGN - 1) & ~(GW_ARENA_ALIGN - 1), GAP_BYTES);
}

static void use_chunk(struct gw_arena *arena, struct gw_arena_chunk *chunk) {
    arena->current = chunk;
    arena->at = chunk->data;
    arena->left = chunk->size;
}

void gw_arena_init(struct gw_arena *arena, size_t first_chunk_bytes) {
    const size_t bytes = first_chunk_bytes < CHUNK_MIN ? CHUNK_MIN : first_chunk_bytes;
    *arena = (struct gw_arena){.first = chunk_new(round_up(bytes))};
    use_chunk(arena, arena->first);
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
    if (arena->first == NULL) {
        return;
    }
    free_after(arena->first);
    POISON(arena->first->data, arena->first->size);
    use_chunk(arena, arena->first);
}

void gw_arena_free(struct gw_arena *arena) {
    if (arena->first != NULL) {
        free_after(arena->first);
        chunk_free(arena->first);
    }
    *arena = (struct gw_arena){0};
}

/* A new chunk of this size of data, linked behind current. */
static struct gw_arena_chunk *add_chunk(struct gw_arena *arena, size_t bytes) {
    struct gw_arena_chunk *chunk = chunk_new(bytes);
    chunk->next = arena->current->next;
    arena->current->next = chunk;
    return chunk;
}

static void *take(struct gw_arena *arena, size_t size, size_t taken) {
    char *piece = arena->at;
    arena->at += taken;
    arena->left -= taken;
    UNPOISON(piece, size);
    return piece;
}

void *gw_arena_alloc_slowly(struct gw_arena *arena, size_t size) {
    const size_t taken = round_up(size);
    if (arena->first == NULL) {
        gw_arena_init(arena, CHUNK_MIN * 4);
    }
    arena->used_bytes = gw_size_add(arena->used_bytes, size);
    if (taken <= arena->left) {
        return take(arena, size, taken);
    }
    if (taken > OWN_CHUNK_FROM) {
        char *piece = add_chunk(arena, taken)->data;
        UNPOISON(piece, size);
        return piece;
    }
    const size_t before = arena->current->size;
    const size_t doubled = before < CHUNK_MAX / 2 ? before * 2 : CHUNK_MAX;
    use_chunk(arena, add_chunk(arena, taken > doubled ? taken : doubled));
    return take(arena, size, taken);
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
