/* eventgw-sdk/egx_str.h - slices (struct eg_str): made, compared, cut. Nothing here allocates. */
#ifndef EVENTGW_SDK_STR_H
#define EVENTGW_SDK_STR_H

#include <string.h>

#include <eventgw/types.h>

/* A slice of a string literal: as a value, and as the initialiser of a constant. */
#define EGX_STR(literal) egx_str_n("" literal, sizeof(literal) - 1)
#define EGX_STR_INIT(literal)                                                                      \
    { "" literal, sizeof(literal) - 1 }
/* For printf("%.*s", EGX_FMT(s)). */
#define EGX_FMT(s) (int)(s).len, (s).len == 0 ? "" : (s).ptr
#define EGX_COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Of a pointer and a length. */
static inline struct eg_str egx_str_n(const char *ptr, size_t len) {
    struct eg_str s;
    s.ptr = ptr;
    s.len = len;
    return s;
}

/* Of a C string; NULL is empty. */
static inline struct eg_str egx_str_c(const char *text) {
    return egx_str_n(text, text == NULL ? 0 : strlen(text));
}

/* Are these the same bytes? */
static inline int egx_str_eq(struct eg_str a, struct eg_str b) {
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

/* Of ASCII letters. */
static inline char egx_lower(char c) {
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* Without regard to ASCII case. */
static inline int egx_str_eq_nocase(struct eg_str a, struct eg_str b) {
    size_t i = 0;
    while (i < a.len && i < b.len && egx_lower(a.ptr[i]) == egx_lower(b.ptr[i])) {
        i++;
    }
    return a.len == b.len && i == a.len;
}

/* Does s begin with the prefix? */
static inline int egx_str_starts(struct eg_str s, struct eg_str prefix) {
    return s.len >= prefix.len && egx_str_eq(egx_str_n(s.ptr, prefix.len), prefix);
}

/* s without its first bytes. */
static inline struct eg_str egx_str_cut(struct eg_str s, size_t from) {
    const size_t at = from > s.len ? s.len : from;
    return egx_str_n(s.len == 0 ? s.ptr : s.ptr + at, s.len - at);
}

/* Compares secrets: how long it takes tells the lengths and nothing else. */
static inline int egx_ct_eq(struct eg_str a, struct eg_str b) {
    volatile unsigned char difference = (unsigned char)(a.len != b.len);
    for (size_t i = 0; a.len > 0 && i < b.len; i++) {
        difference = (unsigned char)(difference | (a.ptr[i % a.len] ^ b.ptr[i]));
    }
    return difference == 0;
}

#endif
