/*
 * base/slice.c - questions to byte slices. Nothing allocates, nothing needs a NUL, an empty slice
 * may have a NULL pointer. Any thread.
 */
#include "base/slice.h"

#include "base/check.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#define EACH_BYTE(value) (0x0101010101010101u * (uint64_t)(value))

static uint64_t word_at(const char *p) {
    uint64_t word;
    memcpy(&word, p, sizeof word);
    return word;
}

/* All of four to seven bytes, some of them twice. */
static uint64_t short_word_at(const char *p, size_t len) {
    uint32_t halves[2];
    memcpy(&halves[0], p, sizeof halves[0]);
    memcpy(&halves[1], p + len - sizeof halves[1], sizeof halves[1]);
    return (uint64_t)halves[1] << 32 | halves[0];
}

/* A letter A..Z gets the bit that makes it small. Bytes over 0x7f are left as they are: the sums
 * are made of the low seven bits, so that none reaches its neighbour. */
static uint64_t lower_word(uint64_t word) {
    const uint64_t low = word & EACH_BYTE(0x7f);
    const uint64_t from_a = low + EACH_BYTE(0x80 - 'A');
    const uint64_t past_z = low + EACH_BYTE(0x7f - 'Z');
    const uint64_t is_big = from_a & ~past_z & ~word & EACH_BYTE(0x80);
    return word | is_big >> 2;
}

/* Mostly they are written the same way. */
static inline bool is_same_word(uint64_t a, uint64_t b) {
    return a == b || lower_word(a) == lower_word(b);
}

/* Eight bytes at a time, the last word overlaps the one before it. */
static bool same_words(const char *a, const char *b, size_t len) {
    for (size_t at = 0; at + 8 < len; at += 8) {
        if (!is_same_word(word_at(a + at), word_at(b + at))) {
            return false;
        }
    }
    return is_same_word(word_at(a + len - 8), word_at(b + len - 8));
}

bool gw_same_nocase(const char *a, const char *b, size_t len) {
    if (len >= 8) {
        return same_words(a, b, len);
    }
    if (len >= 4) {
        return is_same_word(short_word_at(a, len), short_word_at(b, len));
    }
    for (size_t at = 0; at < len; at++) {
        if (gw_lower(a[at]) != gw_lower(b[at])) {
            return false;
        }
    }
    return true;
}

bool gw_str_starts(struct eg_str s, struct eg_str prefix) {
    return s.len >= prefix.len && gw_str_eq(gw_str(s.ptr, prefix.len), prefix);
}

bool gw_str_starts_nocase(struct eg_str s, struct eg_str prefix) {
    return s.len >= prefix.len && gw_same_nocase(s.ptr, prefix.ptr, prefix.len);
}

bool gw_str_ends(struct eg_str s, struct eg_str suffix) {
    return s.len >= suffix.len && gw_str_eq(gw_str_cut(s, s.len - suffix.len), suffix);
}

int gw_str_cmp(struct eg_str a, struct eg_str b) {
    const size_t common = a.len < b.len ? a.len : b.len;
    const int order = common == 0 ? 0 : memcmp(a.ptr, b.ptr, common);
    if (order != 0) {
        return order;
    }
    return (a.len > b.len) - (a.len < b.len);
}

size_t gw_str_find(struct eg_str s, char c) {
    const char *at = s.len == 0 ? NULL : memchr(s.ptr, c, s.len);
    return at == NULL ? s.len : (size_t)(at - s.ptr);
}

struct eg_str gw_str_cut(struct eg_str s, size_t from) {
    const size_t skip = from < s.len ? from : s.len;
    return skip == 0 ? s : gw_str(s.ptr + skip, s.len - skip);
}

struct eg_str gw_str_sub(struct eg_str s, size_t from, size_t len) {
    struct eg_str rest = gw_str_cut(s, from);
    rest.len = rest.len < len ? rest.len : len;
    return rest;
}

static bool is_space(char c) {
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

struct eg_str gw_str_trim(struct eg_str s) {
    while (s.len > 0 && is_space(s.ptr[0])) {
        s = gw_str_cut(s, 1);
    }
    while (s.len > 0 && is_space(s.ptr[s.len - 1])) {
        s.len--;
    }
    return s;
}

bool gw_str_next(struct eg_str *rest, char sep, struct eg_str *ret_piece) {
    if (rest->ptr == NULL) {
        return false;
    }
    const size_t at = gw_str_find(*rest, sep);
    *ret_piece = gw_str(rest->ptr, at);
    *rest = at == rest->len ? gw_str(NULL, 0) : gw_str_cut(*rest, at + 1);
    return true;
}

bool gw_str_eq_secret(struct eg_str a, struct eg_str b) {
    volatile unsigned char differs = a.len != b.len;
    for (size_t i = 0; i < a.len; i++) {
        const unsigned char other = i < b.len ? (unsigned char)b.ptr[i] : 0;
        differs = (unsigned char)(differs | ((unsigned char)a.ptr[i] ^ other));
    }
    return differs == 0;
}

int32_t gw_str_u64(struct eg_str s, uint64_t *ret_value) {
    uint64_t value = 0;
    bool is_over = false;
    if (s.len == 0) {
        return EG_E_SYNTAX;
    }
    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] < '0' || s.ptr[i] > '9') {
            return EG_E_SYNTAX;
        }
        is_over |= __builtin_mul_overflow(value, (uint64_t)10, &value);
        is_over |= __builtin_add_overflow(value, (uint64_t)(s.ptr[i] - '0'), &value);
    }
    if (is_over) {
        return EG_E_TOOBIG;
    }
    *ret_value = value;
    return EG_OK;
}

int32_t gw_str_i64(struct eg_str s, int64_t *ret_value) {
    const bool is_minus = s.len > 0 && s.ptr[0] == '-';
    uint64_t size = 0;
    const int32_t rc = gw_str_u64(is_minus ? gw_str_cut(s, 1) : s, &size);
    if (rc < 0) {
        return rc;
    }
    if (size > (uint64_t)INT64_MAX + (is_minus ? 1 : 0)) {
        return EG_E_TOOBIG;
    }
    *ret_value = is_minus ? (int64_t)(0 - size) : (int64_t)size;
    return EG_OK;
}

#define NEAREST_MAX 64

static size_t min3(size_t a, size_t b, size_t c) {
    const size_t ab = a < b ? a : b;
    return ab < c ? ab : c;
}

/* Levenshtein distance, one row at a time, without regard to ASCII case. */
static size_t edit_distance(struct eg_str a, struct eg_str b) {
    size_t row[NEAREST_MAX + 1];
    for (size_t j = 0; j <= b.len; j++) {
        row[j] = j;
    }
    for (size_t i = 1; i <= a.len; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b.len; j++) {
            const size_t swap = diagonal + (gw_lower(a.ptr[i - 1]) != gw_lower(b.ptr[j - 1]));
            diagonal = row[j];
            row[j] = min3(swap, row[j] + 1, row[j - 1] + 1);
        }
    }
    return row[b.len];
}

const char *gw_str_nearest(struct eg_str word, const char *const *candidates, size_t count) {
    const char *nearest = NULL;
    size_t best = word.len / 3 + 1;
    if (word.len > NEAREST_MAX) {
        return NULL;
    }
    for (size_t i = 0; i < count; i++) {
        const struct eg_str candidate = gw_str_c(candidates[i]);
        if (candidate.ptr == NULL || candidate.len > NEAREST_MAX) {
            continue;
        }
        const size_t distance = edit_distance(word, candidate);
        if (distance < best) {
            best = distance;
            nearest = candidates[i];
        }
    }
    return nearest;
}

/* RFC 9110 5.6.2 tchar */
const bool gw_token_bytes[256] = {
    ['0' ... '9'] = true, ['A' ... 'Z'] = true, ['a' ... 'z'] = true, ['!'] = true,  ['#'] = true,
    ['$'] = true,         ['%'] = true,         ['&'] = true,         ['\''] = true, ['*'] = true,
    ['+'] = true,         ['-'] = true,         ['.'] = true,         ['^'] = true,  ['_'] = true,
    ['`'] = true,         ['|'] = true,         ['~'] = true,
};

bool gw_is_token(struct eg_str s) {
    for (size_t i = 0; i < s.len; i++) {
        if (!gw_token_bytes[(unsigned char)s.ptr[i]]) {
            return false;
        }
    }
    return s.len > 0;
}

/* A high bit per byte that is a control byte; a borrow may set one too many. */
static uint64_t controls(uint64_t word) {
    const uint64_t deletes = word ^ EACH_BYTE(0x7f);
    return (((word - EACH_BYTE(0x20)) & ~word) | ((deletes - EACH_BYTE(1)) & ~deletes)) &
           EACH_BYTE(0x80);
}

#ifdef __SSE2__
/* The same 16 bytes at a time, and exactly; s has as many at least. */
static bool are_blocks_free_of_controls(struct eg_str s) {
    int found = 0;
    for (size_t at = 0; found == 0 && at < s.len; at += 16) {
        const char *from = s.ptr + (s.len - at < 16 ? s.len - 16 : at);
        const __m128i block = _mm_loadu_si128((const void *)from);
        const __m128i is_low = _mm_cmplt_epi8(block, _mm_set1_epi8(0x20)); /* signed */
        const __m128i is_high = _mm_cmplt_epi8(block, _mm_setzero_si128());
        const __m128i is_del = _mm_cmpeq_epi8(block, _mm_set1_epi8(0x7f));
        found = _mm_movemask_epi8(_mm_or_si128(_mm_andnot_si128(is_high, is_low), is_del));
    }
    return found == 0;
}
#endif

static bool is_free_of_controls(struct eg_str s) {
    uint64_t found = s.len < 4 ? 1 : 0;
#ifdef __SSE2__
    if (s.len >= 16) {
        return are_blocks_free_of_controls(s);
    }
#endif
    if (s.len >= 4 && s.len < 8) {
        found = controls(short_word_at(s.ptr, s.len));
    }
    for (size_t at = 0; s.len >= 8 && found == 0 && at < s.len; at += 8) {
        found = controls(word_at(s.ptr + (s.len - at < 8 ? s.len - 8 : at)));
    }
    return found == 0;
}

/* HTAB is the one control byte that may be there. */
bool gw_is_field_value(struct eg_str s) {
    if (is_free_of_controls(s)) {
        return true;
    }
    for (size_t i = 0; i < s.len; i++) {
        const unsigned char c = (unsigned char)s.ptr[i];
        if ((c < 0x20 && c != '\t') || c == 0x7f) {
            return false;
        }
    }
    return true;
}

bool gw_header_canonical(struct eg_str s, char *out) {
    bool is_start = true;
    for (size_t i = 0; i < s.len; i++) {
        const unsigned char c = (unsigned char)s.ptr[i];
        if (!gw_token_bytes[c]) {
            memcpy(out, s.ptr, s.len);
            return false;
        }
        const bool is_letter = (unsigned char)((c | 0x20) - 'a') < 26;
        const unsigned char big = (unsigned char)(is_start ? 0 : 0x20);
        out[i] = (char)(is_letter ? (c & 0xdf) | big : c);
        is_start = c == '-';
    }
    return s.len > 0;
}
