/*
 * base/hash.c - the seeded hash of map.h: SipHash-1-3 (Aumasson and Bernstein, "SipHash: a fast
 * short-input PRF", 2012; one compression and three finalisation rounds). Keyed, because keys may
 * be shaped by strangers who would like them all in one bucket. The key is drawn once a process;
 * it is zero for hashes that others have to come to as well.
 */
#include <endian.h>
#include <pthread.h>
#include <string.h>

#include "base/codec.h"
#include "base/map.h"

static uint64_t seed[2];
static pthread_once_t seed_once = PTHREAD_ONCE_INIT;

static void draw_seed(void) {
    gw_random(seed, sizeof seed);
}

static inline uint64_t rotate(uint64_t x, unsigned bits) {
    return (x << bits) | (x >> (64 - bits));
}

static inline void sip_round(uint64_t v[4]) {
    v[0] += v[1];
    v[2] += v[3];
    v[1] = rotate(v[1], 13) ^ v[0];
    v[3] = rotate(v[3], 16) ^ v[2];
    v[0] = rotate(v[0], 32);
    v[2] += v[1];
    v[0] += v[3];
    v[1] = rotate(v[1], 17) ^ v[2];
    v[3] = rotate(v[3], 21) ^ v[0];
    v[2] = rotate(v[2], 32);
}

static uint64_t sip(const uint64_t key[2], struct eg_str s) {
    uint64_t v[4] = {key[0] ^ 0x736f6d6570736575u, key[1] ^ 0x646f72616e646f6du,
                     key[0] ^ 0x6c7967656e657261u, key[1] ^ 0x7465646279746573u};
    uint64_t word;
    size_t at = 0;
    for (; s.len - at >= sizeof word; at += sizeof word) {
        memcpy(&word, s.ptr + at, sizeof word);
        word = le64toh(word);
        v[3] ^= word;
        sip_round(v);
        v[0] ^= word;
    }
    word = (uint64_t)s.len << 56;
    for (unsigned shift = 0; at < s.len; at++, shift += 8) {
        word |= (uint64_t)(unsigned char)s.ptr[at] << shift;
    }
    v[3] ^= word;
    sip_round(v);
    v[0] ^= word;
    v[2] ^= 0xff;
    for (int round = 0; round < 3; round++) {
        sip_round(v);
    }
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

uint64_t gw_hash(struct eg_str s) {
    pthread_once(&seed_once, draw_seed);
    return sip(seed, s);
}

uint64_t gw_hash_everywhere(struct eg_str s) {
    static const uint64_t zero[2];
    return sip(zero, s);
}
