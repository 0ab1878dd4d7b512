/*
 * siphash.h - SipHash-2-4 with 128 bits (Aumasson, Bernstein: "SipHash: a fast short-input PRF"):
 * what an event is known by. Keyed, so nobody can make two that collide; and what it is made of,
 * credentials among it, does not have to be kept. Pure.
 */
#ifndef DEDUPE_SIPHASH_H
#define DEDUPE_SIPHASH_H

#include <stddef.h>
#include <stdint.h>

struct sip_key {
    uint64_t k0;
    uint64_t k1;
};
struct sip_hash {
    uint64_t low;
    uint64_t high;
};
struct sip_hash dedupe_siphash(const struct sip_key *key, const void *bytes, size_t len);

#endif
