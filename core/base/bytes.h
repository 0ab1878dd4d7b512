/*
 * base/bytes.h - a growing byte buffer for building text: JSON, HTTP, logs.
 * Heap-owned unless begun on an arena. A buffer with a cap refuses growth past it: the append and
 * all later ones are dropped, `is_full` is set, and the caller checks once at the end.
 */
#ifndef GW_BASE_BYTES_H
#define GW_BASE_BYTES_H

#include <stdbool.h>
#include <string.h>

#include "base/arena.h"

struct gw_bytes {
    char *ptr;
    size_t len;
    size_t room;
    size_t cap;             /* 0 = none */
    struct gw_arena *arena; /* NULL = heap */
    bool is_full;
};

void gw_bytes_init(struct gw_bytes *b, size_t cap);
void gw_bytes_init_arena(struct gw_bytes *b, struct gw_arena *arena, size_t first_room);
void gw_bytes_free(struct gw_bytes *b); /* no-op on an arena */
/* Forgets the content, keeps the memory and the cap. */
void gw_bytes_clear(struct gw_bytes *b);
/* Room for `more` bytes behind the content; the caller writes there and adds to len. NULL when
 * full. */
char *gw_bytes_grow(struct gw_bytes *b, size_t more);
/* The same; no call where there is room. more is over 0. */
static inline char *gw_bytes_room(struct gw_bytes *b, size_t more) {
    return more <= b->room - b->len ? b->ptr + b->len : gw_bytes_grow(b, more);
}
static inline void gw_bytes_add(struct gw_bytes *b, struct eg_str s) {
    if (s.len == 0) {
        return;
    }
    char *to = gw_bytes_room(b, s.len);
    if (to != NULL) {
        memcpy(to, s.ptr, s.len);
        b->len += s.len;
    }
}
static inline void gw_bytes_add_char(struct gw_bytes *b, char c) {
    char *to = gw_bytes_room(b, 1);
    if (to != NULL) {
        *to = c;
        b->len++;
    }
}
static inline void gw_bytes_add_c(struct gw_bytes *b, const char *s) {
    gw_bytes_add(b, (struct eg_str){.ptr = s, .len = strlen(s)});
}
void gw_bytes_add_u64(struct gw_bytes *b, uint64_t n);
void gw_bytes_add_i64(struct gw_bytes *b, int64_t n);
void gw_bytes_addf(struct gw_bytes *b, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
static inline struct eg_str gw_bytes_str(const struct gw_bytes *b) {
    return (struct eg_str){.ptr = b->ptr, .len = b->len};
}
/* The content as eg_buf (take); b is empty afterwards, its cap stays. What stood in an arena is
 * copied to the heap. */
struct eg_buf gw_bytes_take(struct gw_bytes *b);

#endif
