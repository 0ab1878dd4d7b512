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

/* ---- copying with a look on the way ---- */

static inline bool gw_json_copy_few(char *to, const char *from, size_t len) {
    for (size_t at = 0; at < len; at++) {
        if (!gw_json_plain[(unsigned char)from[at]]) {
            return false;
        }
        to[at] = from[at];
    }
    return true;
}

/* Of at least 4 and at most 8 bytes. */
static inline bool gw_json_copy_halves(char *to, const char *from, size_t len) {
    uint32_t first;
    uint32_t last;
    memcpy(&first, from, sizeof first);
    memcpy(&last, from + len - sizeof last, sizeof last);
    memcpy(to, &first, sizeof first);
    memcpy(to + len - sizeof last, &last, sizeof last);
    return gw_json_marks((uint64_t)first << 32 | last) == 0;
}

/* Of at least 8 bytes; the last word overlaps the one before it. */
static inline bool gw_json_copy_words(char *to, const char *from, size_t len) {
    uint64_t marks = 0;
    for (size_t at = 0; at < len; at += sizeof marks) {
        uint64_t word;
        at = len - at < sizeof word ? len - sizeof word : at;
        memcpy(&word, from + at, sizeof word);
        memcpy(to + at, &word, sizeof word);
        marks |= gw_json_marks(word);
    }
    return marks == 0;
}

/* Of at least 16 bytes. */
static inline bool gw_json_copy_blocks(char *to, const char *from, size_t len) {
#ifdef __SSE2__
    unsigned marks = 0;
    for (size_t at = 0; at < len; at += 16) {
        at = len - at < 16 ? len - 16 : at;
        const __m128i block = _mm_loadu_si128((const void *)(from + at));
        _mm_storeu_si128((void *)(to + at), block);
        marks |= gw_json_plain_marks(block);
    }
    return marks == 0;
#else
    return gw_json_copy_words(to, from, len);
#endif
}

/* Copies a text that is plain from end to end. false: it is not, and what stands at `to` is of no
 * use. Looks at all bytes, so it is for short ones. */
static inline bool gw_json_copy_plain(char *to, const char *from, size_t len) {
    if (len >= 16) {
        return gw_json_copy_blocks(to, from, len);
    }
    if (len >= 8) {
        return gw_json_copy_words(to, from, len);
    }
    return len >= 4 ? gw_json_copy_halves(to, from, len) : gw_json_copy_few(to, from, len);
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
