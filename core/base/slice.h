/* base/slice.h - questions to and cuts of struct eg_str. Nothing here allocates. */
#ifndef GW_BASE_SLICE_H
#define GW_BASE_SLICE_H

#include <stdbool.h>
#include <string.h>

#include <eventgw/types.h>

/* A slice of a string literal; of a C string; the empty slice. */
#define GW_STR(literal) ((struct eg_str){.ptr = "" literal, .len = sizeof(literal) - 1})
static inline struct eg_str gw_str_c(const char *s) {
    return (struct eg_str){.ptr = s, .len = s == NULL ? 0 : strlen(s)};
}
static inline struct eg_str gw_str(const char *ptr, size_t len) {
    return (struct eg_str){.ptr = ptr, .len = len};
}
/* For printf("%.*s", GW_FMT(s)). */
#define GW_FMT(s) (int)(s).len, (s).len == 0 ? "" : (s).ptr

/* ASCII: a capital letter's small one, all else as it is. */
static inline char gw_lower(char c) {
    return (char)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
}
/* Of a hexadecimal digit, either case; -1: it is none. */
static inline int gw_hex_value(char c) {
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    const char small = (char)(c | 0x20);
    return small >= 'a' && small <= 'f' ? small - 'a' + 10 : -1;
}

/* Most comparisons end at the lengths, so that much is inline. */
static inline bool gw_str_eq(struct eg_str a, struct eg_str b) {
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}
bool gw_same_nocase(const char *a, const char *b, size_t len); /* ASCII */
static inline bool gw_str_eq_nocase(struct eg_str a, struct eg_str b) {
    return a.len == b.len && gw_same_nocase(a.ptr, b.ptr, a.len);
}
bool gw_str_starts(struct eg_str s, struct eg_str prefix);
bool gw_str_starts_nocase(struct eg_str s, struct eg_str prefix);
bool gw_str_ends(struct eg_str s, struct eg_str suffix);
int gw_str_cmp(struct eg_str a, struct eg_str b);                   /* bytewise, shorter first */
size_t gw_str_find(struct eg_str s, char c);                        /* index, or s.len */
struct eg_str gw_str_cut(struct eg_str s, size_t from);             /* s without its first bytes */
struct eg_str gw_str_sub(struct eg_str s, size_t from, size_t len); /* clipped */
struct eg_str gw_str_trim(struct eg_str s);                         /* SP HTAB CR LF at both ends */
/* Cuts the piece before the next sep off *rest; false when *rest was used up (ptr NULL). */
bool gw_str_next(struct eg_str *rest, char sep, struct eg_str *ret_piece);

/* Compares secrets in time that depends on the lengths only. */
bool gw_str_eq_secret(struct eg_str a, struct eg_str b);

/* Whole-slice decimal; EG_E_SYNTAX or EG_E_TOOBIG. */
int32_t gw_str_u64(struct eg_str s, uint64_t *ret_value);
int32_t gw_str_i64(struct eg_str s, int64_t *ret_value);

/* The candidate nearest to word (edit distance, at most a third of its length), or NULL. For "did
 * you mean". */
const char *gw_str_nearest(struct eg_str word, const char *const *candidates, size_t count);

/* HTTP (RFC 9110 5.6.2, 5.5): token; field value free of control bytes but HTAB. */
extern const bool gw_token_bytes[256];
bool gw_is_token(struct eg_str s);
bool gw_is_field_value(struct eg_str s);
/* Header name in Go's canonical form: each dash-separated word capitalised, the rest lower. Writes
 * s.len bytes to out. Names that are no token are copied as they are: false. */
bool gw_header_canonical(struct eg_str s, char *out);

#endif
