/* siphash.c - see siphash.h. Little-endian words, whatever the machine. */
#include "siphash.h"

struct state {
    uint64_t v[4];
};

static uint64_t rotate(uint64_t x, unsigned by) {
    return (x << by) | (x >> (64 - by));
}

static void mix(struct state *s, unsigned rounds) {
    uint64_t *v = s->v;
    while (rounds-- > 0) {
        v[0] += v[1];
        v[1] = rotate(v[1], 13) ^ v[0];
        v[0] = rotate(v[0], 32);
        v[2] += v[3];
        v[3] = rotate(v[3], 16) ^ v[2];
        v[0] += v[3];
        v[3] = rotate(v[3], 21) ^ v[0];
        v[2] += v[1];
        v[1] = rotate(v[1], 17) ^ v[2];
        v[2] = rotate(v[2], 32);
    }
}

static uint64_t read_word(const unsigned char *at, size_t count) {
    uint64_t word = 0;
    for (size_t i = 0; i < count; i++) {
        word |= (uint64_t)at[i] << (8 * i);
    }
    return word;
}

static void absorb(struct state *s, uint64_t word) {
    s->v[3] ^= word;
    mix(s, 2);
    s->v[0] ^= word;
}

struct sip_hash dedupe_siphash(const struct sip_key *key, const void *bytes, size_t len) {
    struct state s = {{key->k0 ^ 0x736f6d6570736575u, key->k1 ^ 0x646f72616e646f6du ^ 0xee,
                       key->k0 ^ 0x6c7967656e657261u, key->k1 ^ 0x7465646279746573u}};
    const unsigned char *at = bytes;
    struct sip_hash hash;
    size_t left = len;
    for (; left >= 8; left -= 8, at += 8) {
        absorb(&s, read_word(at, 8));
    }
    absorb(&s, read_word(at, left) | (uint64_t)(len & 0xff) << 56);
    s.v[2] ^= 0xee;
    mix(&s, 4);
    hash.low = s.v[0] ^ s.v[1] ^ s.v[2] ^ s.v[3];
    s.v[1] ^= 0xdd;
    mix(&s, 4);
    hash.high = s.v[0] ^ s.v[1] ^ s.v[2] ^ s.v[3];
    return hash;
}
