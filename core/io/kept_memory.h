/*
 * io/kept_memory.h - malloc and friends for a library that asks for the same few dozen sizes with
 * every exchange: what a thread frees it keeps, and gives out again without a search. The
 * signatures are those that curl_global_init_mem takes. Any thread; a block may be freed by another
 * one.
 */
#ifndef GW_IO_KEPT_MEMORY_H
#define GW_IO_KEPT_MEMORY_H

#include <stddef.h>

/* As their namesakes of the C library, but the new size of realloc may not be 0. */
void *gw_kept_malloc(size_t size);
void *gw_kept_calloc(size_t count, size_t size);
void *gw_kept_realloc(void *ptr, size_t size);
char *gw_kept_strdup(const char *text);
void gw_kept_free(void *ptr);

#endif
