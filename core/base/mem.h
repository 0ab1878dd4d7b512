/* base/mem.h - memory that never fails: small and ours. Aborts when the system has none left. */
#ifndef GW_BASE_MEM_H
#define GW_BASE_MEM_H

#include <eventgw/types.h>

void *gw_alloc(size_t size);              /* zeroed; give back with gw_free */
void *gw_realloc(void *ptr, size_t size); /* new bytes are not zeroed */
void gw_free(void *ptr);                  /* NULL is fine */
char *gw_dup_cstr(struct eg_str s);       /* NUL-terminated copy; gw_free */

/* A heap copy of bytes as eg_buf (take). */
struct eg_buf gw_buf_copy(struct eg_str bytes);
/* Wraps bytes that live for ever; release is NULL. */
struct eg_buf gw_buf_static(struct eg_str bytes);
/* Releases and zeroes; an empty or already released buf is fine. */
void gw_buf_release(struct eg_buf *buf);

/* Once, before threads are made: big blocks go back to the system when they are freed. */
void gw_mem_setup(void);

/* Overwrites a secret before its memory is given back; not optimised away. */
void gw_wipe(void *ptr, size_t len);

#endif
