/*
 * base/bytes.c - the growing buffer. Room doubles, so that appending stays linear. On an arena the
 * old room is left behind until the arena is reset. When the cap is hit, room is pulled down to
 * len: the inline fast path then finds no room either, and every later append ends in grow, which
 * says no.
 */
#include "base/bytes.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/check.h"
#include "base/mem.h"

#define FIRST_ROOM ((size_t)128)

void gw_bytes_init(struct gw_bytes *b, size_t cap) {
    *b = (struct gw_bytes){.cap = cap};
}

void gw_bytes_init_arena(struct gw_bytes *b, struct gw_arena *arena, size_t first_room) {
    *b = (struct gw_bytes){.arena = arena};
    if (first_room > 0) {
        b->ptr = gw_arena_alloc(arena, first_room);
        b->room = first_room;
    }
}

void gw_bytes_free(struct gw_bytes *b) {
    if (b->arena == NULL) {
        gw_free(b->ptr);
    }
    *b = (struct gw_bytes){.cap = b->cap, .arena = b->arena};
}

void gw_bytes_clear(struct gw_bytes *b) {
    b->len = 0;
    b->is_full = false;
}

static void move_to(struct gw_bytes *b, size_t room) {
    if (b->arena == NULL) {
        b->ptr = gw_realloc(b->ptr, room);
    } else {
        char *moved = gw_arena_alloc(b->arena, room);
        if (b->len > 0) {
            memcpy(moved, b->ptr, b->len);
        }
        b->ptr = moved;
    }
    b->room = room;
}

char *gw_bytes_grow(struct gw_bytes *b, size_t more) {
    const size_t need = gw_size_add(b->len, more);
    if (b->is_full || (b->cap > 0 && need > b->cap)) {
        b->is_full = true;
        b->room = b->len;
        return NULL;
    }
    if (need > b->room) {
        size_t room = b->room < FIRST_ROOM ? FIRST_ROOM : gw_size_mul(b->room, 2);
        room = room < need ? need : room;
        room = b->cap > 0 && room > b->cap ? b->cap : room;
        move_to(b, room);
    }
    return b->ptr + b->len;
}

void gw_bytes_add_u64(struct gw_bytes *b, uint64_t n) {
    char digits[20];
    size_t at = sizeof digits;
    do {
        digits[--at] = (char)('0' + n % 10);
        n /= 10;
    } while (n > 0);
    gw_bytes_add(b, (struct eg_str){.ptr = digits + at, .len = sizeof digits - at});
}

void gw_bytes_add_i64(struct gw_bytes *b, int64_t n) {
    if (n < 0) {
        gw_bytes_add_char(b, '-');
    }
    gw_bytes_add_u64(b, n < 0 ? 0 - (uint64_t)n : (uint64_t)n);
}

void gw_bytes_addf(struct gw_bytes *b, const char *format, ...) {
    va_list args;
    va_start(args, format);
    const int len = vsnprintf(NULL, 0, format, args);
    va_end(args);
    GW_ASSERT(len >= 0);
    /* vsnprintf writes a NUL behind the text; the cap counts the text only. */
    char *text = gw_realloc(NULL, (size_t)len + 1);
    va_start(args, format);
    vsnprintf(text, (size_t)len + 1, format, args);
    va_end(args);
    gw_bytes_add(b, (struct eg_str){.ptr = text, .len = (size_t)len});
    gw_free(text);
}

struct eg_buf gw_bytes_take(struct gw_bytes *b) {
    if (b->arena != NULL || b->len == 0) {
        const struct eg_buf copy = gw_buf_copy(gw_bytes_str(b));
        gw_bytes_free(b);
        return copy;
    }
    const struct eg_buf buf = {.ptr = b->ptr, .len = b->len, .release = gw_free, .owner = b->ptr};
    *b = (struct gw_bytes){.cap = b->cap};
    return buf;
}
