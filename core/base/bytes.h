/*
 * base/bytes.h - a growing byte buffer for building text: JSON, HTTP, logs.
 * Heap-owned unless begun on an arena. A buffer with a cap refuses growth past it: the append is
 * dropped, `is_full` is set, and the caller checks once at the end.
 */
#ifndef GW_BASE_BYTES_H
#define GW_BASE_BYTES_H

#include <stdbool.h>

#include "base/arena.h"

struct gw_bytes {
    char *ptr;
    size_t len;
    size_t room;
    size_t cap;              /* 0 = none */
    struct gw_arena *arena;  /* NULL = heap */
    bool is_full;
};

void gw_bytes_init(struct gw_bytes *b, size_t cap);
void gw_bytes_init_arena(struct gw_bytes *b, struct gw_arena *arena, size_t first_room);
void gw_bytes_free(struct gw_bytes *b);                     /* no-op on an arena */
char *gw_bytes_grow(struct gw_bytes *b, size_t more);       /* room for more; NULL when full */
void gw_bytes_add(struct gw_bytes *b, struct eg_str s);
void gw_bytes_add_c(struct gw_bytes *b, const char *s);
void gw_bytes_add_char(struct gw_bytes *b, char c);
void gw_bytes_add_u64(struct gw_bytes *b, uint64_t n);
void gw_bytes_add_i64(struct gw_bytes *b, int64_t n);
void gw_bytes_addf(struct gw_bytes *b, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
static inline struct eg_str gw_bytes_str(const struct gw_bytes *b) {
    return (struct eg_str){.ptr = b->ptr, .len = b->len};
}
/* The heap content as eg_buf (take); b is empty afterwards. */
struct eg_buf gw_bytes_take(struct gw_bytes *b);

#endif
