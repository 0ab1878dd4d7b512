/*
 * base/random.c - random bytes and UUIDs of codec.h. getrandom(2) costs a system call, so each
 * thread draws a block and hands it out; what was handed out is wiped from the block at once, so
 * that a later look at the memory does not tell it. The gateway does not fork after it has drawn.
 */
#include <errno.h>
#include <sys/random.h>

#include "base/check.h"
#include "base/codec.h"
#include "base/mem.h"

#define BLOCK_BYTES 512

static _Thread_local unsigned char block[BLOCK_BYTES];
static _Thread_local size_t block_left;

static void draw(void *out, size_t len) {
    char *to = out;
    while (len > 0) {
        const ssize_t got = getrandom(to, len, 0);
        GW_ASSERT(got > 0 || (got < 0 && errno == EINTR));
        if (got > 0) {
            to += got;
            len -= (size_t)got;
        }
    }
}

void gw_random(void *out, size_t len) {
    if (len == 0) {
        return;
    }
    if (len > BLOCK_BYTES / 4) {
        draw(out, len);
        return;
    }
    if (len > block_left) {
        draw(block, sizeof block);
        block_left = sizeof block;
    }
    block_left -= len;
    memcpy(out, block + block_left, len);
    gw_wipe(block + block_left, len);
}

void gw_uuid4(char out[36]) {
    static const char hex[] = "0123456789abcdef";
    static const unsigned char places[16] = {0,  2,  4,  6,  9,  11, 14, 16,
                                             19, 21, 24, 26, 28, 30, 32, 34};
    unsigned char bytes[16];
    gw_random(bytes, sizeof bytes);
    bytes[6] = (unsigned char)((bytes[6] & 0x0f) | 0x40); /* RFC 9562 5.4: version 4 */
    bytes[8] = (unsigned char)((bytes[8] & 0x3f) | 0x80); /* and the variant of RFC 9562 */
    for (size_t i = 0; i < sizeof bytes; i++) {
        out[places[i]] = hex[bytes[i] >> 4];
        out[places[i] + 1] = hex[bytes[i] & 15];
    }
    out[8] = out[13] = out[18] = out[23] = '-';
}
