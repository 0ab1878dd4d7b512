/*
 * pick.c - see pick.h. The generator is SplitMix64 (Steele, Lea, Flood: Fast Splittable
 * Pseudorandom Number Generators, 2014): a counter and a mix of its bits, without a system call.
 * Numbers below a total are the high half of a product, and those that would be one too many are
 * thrown again (Lemire: Fast Random Integer Generation in an Interval, 2019), so there is no bias.
 * Hashes are FNV-1a, mixed once more, since its high bits change little with the last bytes.
 */
#include "pick.h"

__extension__ typedef unsigned __int128 wide;

#define GOLDEN 0x9e3779b97f4a7c15u

static uint64_t mix(uint64_t z) {
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static uint64_t dice_next(struct dice *dice) {
    dice->state += GOLDEN;
    return mix(dice->state);
}

uint64_t dice_below(struct dice *dice, uint64_t total) {
    wide product = (wide)dice_next(dice) * total;
    if ((uint64_t)product < total) {
        const uint64_t surplus = (0 - total) % total; /* of 2^64 numbers */
        while ((uint64_t)product < surplus) {
            product = (wide)dice_next(dice) * total;
        }
    }
    return (uint64_t)(product >> 64);
}

uint64_t pick_below(uint64_t hash, uint64_t total) {
    return (uint64_t)((wide)hash * total >> 64);
}

const struct choice *pick_choice(const struct choice *choices, size_t count, uint64_t number) {
    size_t low = 0;
    size_t high = count - 1;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (number < choices[middle].end) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return &choices[low];
}

uint64_t pick_hash_end(uint64_t hash) {
    return mix(hash + GOLDEN);
}
