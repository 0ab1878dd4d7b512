/*
 * base/jrun.h - the inner loop of scanner and writer of JSON: how far does a string go on without
 * anything that needs a look? Eight bytes at a time; 16 where the processor can (SSE2, which each
 * x86-64 has) and the string is long.
 */
#ifndef GW_BASE_JRUN_H
#define GW_BASE_JRUN_H

#include <endian.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

/* ASCII but controls, quote and backslash. */
extern const bool gw_json_plain[256];

#define GW_EACH_BYTE(value) (0x0101010101010101u * (uint64_t)(value))

/* The bytes of p as a number whose lowest byte is the first. */
static inline uint64_t gw_json_word(const char *p) {
    uint64_t word;
    memcpy(&word, p, sizeof word);
    return le64toh(word);
}

/* A high bit per byte that is zero. A borrow may set one too many, but only behind a right one. */
static inline uint64_t gw_json_zeros(uint64_t word) {
    return (word - GW_EACH_BYTE(1)) & ~word & GW_EACH_BYTE(0x80);
}

/* A high bit per byte that is below 0x20, a quote, a backslash or not ASCII. */
static inline uint64_t gw_json_marks(uint64_t word) {
    return (((word - GW_EACH_BYTE(0x20)) | word) & GW_EACH_BYTE(0x80)) |
           gw_json_zeros(word ^ GW_EACH_BYTE('"')) | gw_json_zeros(word ^ GW_EACH_BYTE('\\'));
}

/* Leading plain bytes of p, in blocks of 16: stops before one with a byte that needs a look. */
static inline size_t gw_json_plain_blocks(const char *p, size_t len) {
    size_t at = 0;
#ifdef __SSE2__
    const __m128i space = _mm_set1_epi8(0x20);
    const __m128i quote = _mm_set1_epi8('"');
    const __m128i backslash = _mm_set1_epi8('\\');
    for (; len - at >= 16; at += 16) {
        const __m128i block = _mm_loadu_si128((const void *)(p + at));
        const __m128i marks = _mm_or_si128(
            _mm_cmplt_epi8(block, space), /* signed: what is not ASCII is below too */
            _mm_or_si128(_mm_cmpeq_epi8(block, quote), _mm_cmpeq_epi8(block, backslash)));
        if (_mm_movemask_epi8(marks) != 0) {
            break;
        }
    }
#else
    (void)p;
    (void)len;
#endif
    return at;
}

/* Number of leading plain bytes of p. The last word overlaps the one before it. */
static inline size_t gw_json_plain_run(const char *p, size_t len) {
    size_t at = len < 32 ? 0 : gw_json_plain_blocks(p, len);
    if (len < 8) {
        while (at < len && gw_json_plain[(unsigned char)p[at]]) {
            at++;
        }
        return at;
    }
    while (at < len) {
        const size_t from = len - at < 8 ? len - 8 : at;
        const uint64_t marks = gw_json_marks(gw_json_word(p + from));
        if (marks != 0) {
            return from + (size_t)__builtin_ctzll(marks) / 8;
        }
        at = from + 8;
    }
    return len;
}

/* Number of leading bytes of p that are neither quote nor backslash. */
static inline size_t gw_json_text_run(const char *p, size_t len) {
    size_t at = 0;
    while (len - at >= 8) {
        const uint64_t word = gw_json_word(p + at);
        const uint64_t marks =
            gw_json_zeros(word ^ GW_EACH_BYTE('"')) | gw_json_zeros(word ^ GW_EACH_BYTE('\\'));
        if (marks != 0) {
            return at + (size_t)__builtin_ctzll(marks) / 8;
        }
        at += 8;
    }
    while (at < len && p[at] != '"' && p[at] != '\\') {
        at++;
    }
    return at;
}

#endif
