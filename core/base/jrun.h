/*
 * base/jrun.h - the inner loop of scanner and writer of JSON: how far does a string go on without
 * anything that needs a look? Eight bytes at a time.
 */
#ifndef GW_BASE_JRUN_H
#define GW_BASE_JRUN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* ASCII but controls, quote and backslash. */
extern const bool gw_json_plain[256];

#define GW_EACH_BYTE(value) (0x0101010101010101u * (uint64_t)(value))

/* Number of leading plain bytes of p. */
static inline size_t gw_json_plain_run(const char *p, size_t len) {
    size_t at = 0;
    while (len - at >= 8) {
        uint64_t word;
        memcpy(&word, p + at, sizeof word);
        /* A high bit per byte that is below 0x20, a quote, a backslash or not ASCII. A borrow may
         * set one too many, but only behind a right one. */
        const uint64_t quotes = word ^ GW_EACH_BYTE('"');
        const uint64_t slashes = word ^ GW_EACH_BYTE('\\');
        const uint64_t marks = ((word - GW_EACH_BYTE(0x20)) & ~word) |
                               ((quotes - GW_EACH_BYTE(1)) & ~quotes) |
                               ((slashes - GW_EACH_BYTE(1)) & ~slashes) | word;
        if ((marks & GW_EACH_BYTE(0x80)) != 0) {
            break;
        }
        at += 8;
    }
    while (at < len && gw_json_plain[(unsigned char)p[at]]) {
        at++;
    }
    return at;
}

#endif
