/* pick.h - numbers by chance and by a hash, each as likely as the others. No state but the
 * caller's. */
#ifndef WEIGHTED_PICK_H
#define WEIGHTED_PICK_H

#include <eventgw-sdk/egx_str.h>

/* One backing function: it has the numbers from the end of the one before to its own. */
struct choice {
    struct eg_str function_id;
    uint64_t end; /* sum of the weights so far */
};

/* A source of numbers for one loop; any seed will do. */
struct dice {
    uint64_t state;
};

/* A number below total, which is not 0. */
uint64_t dice_below(struct dice *dice, uint64_t total);
/* The same, by a hash: with other weights of the same proportions it stays in its share. */
uint64_t pick_below(uint64_t hash, uint64_t total);
/* Whose number it is. Weights of 0 have none. */
const struct choice *pick_choice(const struct choice *choices, size_t count, uint64_t number);

/* All 64 bits of a hash depend on all bytes. The same on every machine and after every restart. */
#define PICK_HASH_BEGIN 0xcbf29ce484222325u
static inline uint64_t pick_hash_byte(uint64_t hash, unsigned char byte) {
    return (hash ^ byte) * 0x100000001b3u;
}
uint64_t pick_hash_end(uint64_t hash);

#endif
