/*
 * md5.c - MD5 as RFC 1321 describes it, section 3.4. Our own because a crypto library may refuse it
 * (FIPS), and here it is a checksum of transport, not a matter of security.
 */
#include "md5.h"

#define BLOCK 64u

static const uint32_t sines[64] = {
    0xd76aa478, 0xe8c7b756, 0x242070db, 0xc1bdceee, 0xf57c0faf, 0x4787c62a, 0xa8304613, 0xfd469501,
    0x698098d8, 0x8b44f7af, 0xffff5bb1, 0x895cd7be, 0x6b901122, 0xfd987193, 0xa679438e, 0x49b40821,
    0xf61e2562, 0xc040b340, 0x265e5a51, 0xe9b6c7aa, 0xd62f105d, 0x02441453, 0xd8a1e681, 0xe7d3fbc8,
    0x21e1cde6, 0xc33707d6, 0xf4d50d87, 0x455a14ed, 0xa9e3e905, 0xfcefa3f8, 0x676f02d9, 0x8d2a4c8a,
    0xfffa3942, 0x8771f681, 0x6d9d6122, 0xfde5380c, 0xa4beea44, 0x4bdecfa9, 0xf6bb4b60, 0xbebfbc70,
    0x289b7ec6, 0xeaa127fa, 0xd4ef3085, 0x04881d05, 0xd9d4d039, 0xe6db99e5, 0x1fa27cf8, 0xc4ac5665,
    0xf4292244, 0x432aff97, 0xab9423a7, 0xfc93a039, 0x655b59c3, 0x8f0ccc92, 0xffeff47d, 0x85845dd1,
    0x6fa87e4f, 0xfe2ce6e0, 0xa3014314, 0x4e0811a1, 0xf7537e82, 0xbd3af235, 0x2ad7d2bb, 0xeb86d391,
};
static const uint32_t shifts[4][4] = {
    {7, 12, 17, 22}, {5, 9, 14, 20}, {4, 11, 16, 23}, {6, 10, 15, 21}};

static uint32_t mix(uint32_t step, uint32_t b, uint32_t c, uint32_t d) {
    switch (step / 16) {
    case 0:
        return (b & c) | (~b & d);
    case 1:
        return (d & b) | (~d & c);
    case 2:
        return b ^ c ^ d;
    default:
        return c ^ (b | ~d);
    }
}

static uint32_t word_of(uint32_t step) {
    static const uint32_t factor[4] = {1, 5, 3, 7};
    static const uint32_t start[4] = {0, 1, 5, 0};
    return (factor[step / 16] * step + start[step / 16]) % 16;
}

static void add_block(uint32_t state[4], const unsigned char *block) {
    uint32_t words[16];
    uint32_t s[4] = {state[0], state[1], state[2], state[3]};
    for (size_t i = 0; i < 16; i++) {
        words[i] = (uint32_t)block[4 * i] | (uint32_t)block[4 * i + 1] << 8 |
                   (uint32_t)block[4 * i + 2] << 16 | (uint32_t)block[4 * i + 3] << 24;
    }
    for (uint32_t i = 0; i < 64; i++) {
        const uint32_t sum = s[0] + mix(i, s[1], s[2], s[3]) + sines[i] + words[word_of(i)];
        const uint32_t shift = shifts[i / 16][i % 4];
        const uint32_t next = s[1] + (sum << shift | sum >> (32 - shift));
        s[0] = s[3];
        s[3] = s[2];
        s[2] = s[1];
        s[1] = next;
    }
    for (size_t i = 0; i < 4; i++) {
        state[i] += s[i];
    }
}

void aws_md5_hex(struct eg_str text, char *out) {
    static const char digits[] = "0123456789abcdef";
    uint32_t state[4] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476};
    unsigned char tail[2 * BLOCK] = {0};
    const size_t full = text.len - text.len % BLOCK;
    const size_t rest = text.len - full;
    const size_t end = rest < BLOCK - 8 ? BLOCK : 2 * BLOCK;
    for (size_t at = 0; at < full; at += BLOCK) {
        add_block(state, (const unsigned char *)text.ptr + at);
    }
    if (rest > 0) {
        memcpy(tail, text.ptr + full, rest);
    }
    tail[rest] = 0x80;
    for (size_t i = 0; i < 8; i++) {
        tail[end - 8 + i] = (unsigned char)((uint64_t)text.len * 8 >> 8 * i);
    }
    for (size_t at = 0; at < end; at += BLOCK) {
        add_block(state, tail + at);
    }
    for (size_t i = 0; i < 16; i++) {
        const uint32_t byte = state[i / 4] >> 8 * (i % 4) & 0xffu;
        out[2 * i] = digits[byte >> 4];
        out[2 * i + 1] = digits[byte & 15u];
    }
}
