/*
 * io/kept_memory.c - see kept_memory.h. Each block has a header with its class of size; a thread
 * has one list of free blocks a class, last in first out, so that the warm one is used next. What
 * would make a thread keep more than KEPT_BYTES_MAX goes back to the C library, and so does all it
 * has when it ends.
 *
 * Thread: any; the lists are thread-local, so nothing is locked. Ownership: a block belongs to
 * nobody but its holder: whoever frees it keeps it.
 */
#include "io/kept_memory.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/list.h"

#define BLOCK_MAGIC 0x4b454550u /* "PEEK" */
#define FINE_BYTES ((size_t)64) /* step of the classes up to FINE_MAX */
#define FINE_MAX ((size_t)2048)
#define COARSE_BYTES ((size_t)1024) /* step from there to COARSE_MAX */
#define COARSE_MAX ((size_t)20 * 1024)
#define FINE_CLASSES (FINE_MAX / FINE_BYTES)
#define CLASSES (FINE_CLASSES + (COARSE_MAX - FINE_MAX) / COARSE_BYTES)
#define KEPT_BYTES_MAX ((size_t)4 << 20)

/* The address sanitizer cannot see that a kept block is not to be touched. */
#ifndef __has_feature
#define __has_feature(feature) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer)
#define KEEPS_BLOCKS false
#else
#define KEEPS_BLOCKS true
#endif

struct block {
    _Alignas(max_align_t) uint32_t magic;
    uint32_t class; /* CLASSES: too big to be kept */
    size_t room;
    /* the caller's bytes; while kept, the next block */
};

struct shelf {
    struct block *blocks[CLASSES];
    size_t kept_bytes;
};

static _Thread_local struct shelf *own_shelf;
static pthread_key_t at_thread_end;

static void *bytes_of(struct block *block) {
    return block + 1;
}

static struct block *next_of(struct block *block) {
    struct block *next;
    memcpy(&next, bytes_of(block), sizeof next);
    return next;
}

static void drop_shelf(void *arg) {
    struct shelf *shelf = arg;
    for (size_t i = 0; i < CLASSES; i++) {
        for (struct block *block = shelf->blocks[i]; block != NULL;) {
            struct block *next = next_of(block);
            free(block);
            block = next;
        }
    }
    free(shelf);
    own_shelf = NULL;
}

static void make_key(void) {
    GW_ASSERT(pthread_key_create(&at_thread_end, drop_shelf) == 0);
}

/* NULL when there is no memory: then nothing is kept. */
static struct shelf *get_shelf(void) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    if (own_shelf == NULL) {
        pthread_once(&once, make_key);
        own_shelf = calloc(1, sizeof *own_shelf);
        (void)pthread_setspecific(at_thread_end, own_shelf);
    }
    return own_shelf;
}

/* The class whose blocks hold size bytes, and how many they hold. */
static uint32_t class_of(size_t size, size_t *ret_room) {
    if (size > COARSE_MAX) {
        *ret_room = size;
        return CLASSES;
    }
    if (size <= FINE_MAX) {
        const size_t steps = size == 0 ? 1 : (size + FINE_BYTES - 1) / FINE_BYTES;
        *ret_room = steps * FINE_BYTES;
        return (uint32_t)(steps - 1);
    }
    const size_t steps = (size - FINE_MAX + COARSE_BYTES - 1) / COARSE_BYTES;
    *ret_room = FINE_MAX + steps * COARSE_BYTES;
    return (uint32_t)(FINE_CLASSES + steps - 1);
}

static struct block *block_of(void *ptr) {
    struct block *block = (struct block *)ptr - 1;
    GW_ASSERT(block->magic == BLOCK_MAGIC);
    return block;
}

void *gw_kept_malloc(size_t size) {
    size_t room;
    const uint32_t class = class_of(size, &room);
    struct shelf *shelf = own_shelf;
    if (class < CLASSES && shelf != NULL && shelf->blocks[class] != NULL) {
        struct block *kept = shelf->blocks[class];
        shelf->blocks[class] = next_of(kept);
        shelf->kept_bytes -= room;
        kept->magic = BLOCK_MAGIC;
        return bytes_of(kept);
    }
    struct block *block = room > SIZE_MAX - sizeof *block ? NULL : malloc(sizeof *block + room);
    if (block == NULL) {
        return NULL;
    }
    *block = (struct block){.magic = BLOCK_MAGIC, .class = class, .room = room};
    return bytes_of(block);
}

void *gw_kept_calloc(size_t count, size_t size) {
    if (size != 0 && count > SIZE_MAX / size) {
        return NULL;
    }
    void *bytes = gw_kept_malloc(count * size);
    return bytes == NULL ? NULL : memset(bytes, 0, count * size);
}

void *gw_kept_realloc(void *ptr, size_t size) {
    if (ptr == NULL) {
        return gw_kept_malloc(size);
    }
    struct block *block = block_of(ptr);
    if (size <= block->room) {
        return ptr;
    }
    void *bytes = gw_kept_malloc(size);
    if (bytes != NULL) {
        memcpy(bytes, ptr, block->room);
        gw_kept_free(ptr);
    }
    return bytes;
}

char *gw_kept_strdup(const char *text) {
    const size_t size = strlen(text) + 1;
    char *copy = gw_kept_malloc(size);
    return copy == NULL ? NULL : memcpy(copy, text, size);
}

void gw_kept_free(void *ptr) {
    if (ptr == NULL) {
        return;
    }
    struct block *block = block_of(ptr);
    struct shelf *shelf = KEEPS_BLOCKS && block->class < CLASSES ? get_shelf() : NULL;
    block->magic = 0; /* freed twice: found by block_of */
    if (shelf == NULL || shelf->kept_bytes + block->room > KEPT_BYTES_MAX) {
        free(block);
        return;
    }
    memcpy(bytes_of(block), &shelf->blocks[block->class], sizeof shelf->blocks[0]);
    shelf->blocks[block->class] = block;
    shelf->kept_bytes += block->room;
}
