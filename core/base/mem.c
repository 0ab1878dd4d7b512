/*
 * base/mem.c - memory that never fails. For sizes that are ours: what a stranger shapes is capped
 * before it comes here. Any thread. Copies end in a NUL that does not count, so that C libraries
 * can be handed them.
 */
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"

#define SMALL_BYTES ((size_t)1024)

#ifdef __GLIBC__
#include <malloc.h>

#define MAPPED_FROM (256 * 1024)
#define TRIMMED_FROM (4 * 1024 * 1024)

/* Left alone, glibc takes each big block that is freed as a reason to serve blocks of that size
 * from its heaps, where one small neighbour keeps them: a burst of big bodies stays for ever. */
void gw_mem_setup(void) {
    (void)mallopt(M_MMAP_THRESHOLD, MAPPED_FROM);
    (void)mallopt(M_TRIM_THRESHOLD, TRIMMED_FROM);
}
#else
void gw_mem_setup(void) {}
#endif

/* glibc's calloc does not look into the thread's cache of small blocks, malloc does; but gcc makes
 * a calloc of malloc and memset where it sees both. */
static __attribute__((noinline)) void *unset(size_t size) {
    return malloc(size);
}

void *gw_alloc(size_t size) {
    const bool is_small = size > 0 && size <= SMALL_BYTES;
    void *ptr = is_small ? unset(size) : calloc(1, size == 0 ? 1 : size);
    GW_ASSERT(ptr != NULL);
    return is_small ? memset(ptr, 0, size) : ptr;
}

void *gw_realloc(void *ptr, size_t size) {
    void *moved = realloc(ptr, size == 0 ? 1 : size);
    GW_ASSERT(moved != NULL);
    return moved;
}

void gw_free(void *ptr) {
    free(ptr);
}

char *gw_dup_cstr(struct eg_str s) {
    char *copy = gw_realloc(NULL, gw_size_add(s.len, 1));
    if (s.len > 0) {
        memcpy(copy, s.ptr, s.len);
    }
    copy[s.len] = '\0';
    return copy;
}

struct eg_buf gw_buf_copy(struct eg_str bytes) {
    if (bytes.len == 0) {
        return (struct eg_buf){.ptr = ""};
    }
    char *copy = gw_dup_cstr(bytes);
    return (struct eg_buf){.ptr = copy, .len = bytes.len, .release = gw_free, .owner = copy};
}

struct eg_buf gw_buf_static(struct eg_str bytes) {
    return (struct eg_buf){.ptr = bytes.ptr, .len = bytes.len};
}

void gw_buf_release(struct eg_buf *buf) {
    const struct eg_buf gone = *buf;
    *buf = (struct eg_buf){0};
    if (gone.release != NULL) {
        gone.release(gone.owner);
    }
}

void gw_wipe(void *ptr, size_t len) {
    if (len > 0) {
        explicit_bzero(ptr, len);
    }
}
