/*
 * base/jrun.h - the inner loop of scanner and writer of JSON: how far does a string go on without
 * anything that needs a look? 16 bytes at a time where the processor can (SSE2, which each x86-64
 * has) and there are as many, eight otherwise. The last block or word overlaps the one before it,
 * in which nothing was found.
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

/* A high bit per byte that is a quote or a backslash. */
static inline uint64_t gw_json_ends(uint64_t word) {
    return gw_json_zeros(word ^ GW_EACH_BYTE('"')) | gw_json_zeros(word ^ GW_EACH_BYTE('\\'));
}

/* A high bit per byte that is below 0x20, a quote, a backslash or not ASCII. */
static inline uint64_t gw_json_marks(uint64_t word) {
    return (((word - GW_EACH_BYTE(0x20)) | word) & GW_EACH_BYTE(0x80)) | gw_json_ends(word);
}

#ifdef __SSE2__
/* A bit per byte that is a quote or a backslash; the lowest bit is the first byte's. */
static inline unsigned gw_json_text_marks(__m128i block) {
    const __m128i quotes = _mm_cmpeq_epi8(block, _mm_set1_epi8('"'));
    return (unsigned)_mm_movemask_epi8(
        _mm_or_si128(quotes, _mm_cmpeq_epi8(block, _mm_set1_epi8('\\'))));
}

/* And per byte below 0x20. Signed: what is not ASCII is below too. */
static inline unsigned gw_json_plain_marks(__m128i block) {
    return gw_json_text_marks(block) |
           (unsigned)_mm_movemask_epi8(_mm_cmplt_epi8(block, _mm_set1_epi8(0x20)));
}

/* The place of the first mark; p has 16 bytes at least. */
static inline size_t gw_json_blocks_run(const char *p, size_t len,
                                        unsigned (*marks_of)(__m128i block)) {
    for (size_t at = 0; at < len; at += 16) {
        const size_t from = len - at < 16 ? len - 16 : at;
        const unsigned marks = marks_of(_mm_loadu_si128((const void *)(p + from)));
        if (marks != 0) {
            return from + (size_t)__builtin_ctz(marks);
        }
    }
    return len;
}
#endif

/* The same by words; p has 8 bytes at least. */
static inline size_t gw_json_words_run(const char *p, size_t len, uint64_t (*marks_of)(uint64_t)) {
    for (size_t at = 0; at < len; at += 8) {
        const size_t from = len - at < 8 ? len - 8 : at;
        const uint64_t marks = marks_of(gw_json_word(p + from));
        if (marks != 0) {
            return from + (size_t)__builtin_ctzll(marks) / 8;
        }
    }
    return len;
}

/* Number of leading plain bytes of p. */
static inline size_t gw_json_plain_run(const char *p, size_t len) {
    size_t at = 0;
#ifdef __SSE2__
    if (len >= 16) {
        return gw_json_blocks_run(p, len, gw_json_plain_marks);
    }
#endif
    if (len >= 8) {
        return gw_json_words_run(p, len, gw_json_marks);
    }
    while (at < len && gw_json_plain[(unsigned char)p[at]]) {
        at++;
    }
    return at;
}

/* Number of leading bytes of p that are neither quote nor backslash. */
static inline size_t gw_json_text_run(const char *p, size_t len) {
    size_t at = 0;
#ifdef __SSE2__
    if (len >= 16) {
        return gw_json_blocks_run(p, len, gw_json_text_marks);
    }
#endif
    if (len >= 8) {
        return gw_json_words_run(p, len, gw_json_ends);
    }
    while (at < len && p[at] != '"' && p[at] != '\\') {
        at++;
    }
    return at;
}

#endif
