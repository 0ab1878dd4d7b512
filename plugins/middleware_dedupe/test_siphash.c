/* SipHash-2-4-128 against vectors of its reference implementation (vectors_sip128), which OpenSSL
 * (openssl mac ... SIPHASH) makes too. */
#include "siphash.h"

#include "unit.h"

static void assert_hash(size_t len, const char *expected) {
    const struct sip_key key = {0x0706050403020100u, 0x0f0e0d0c0b0a0908u};
    unsigned char input[64];
    char text[40];
    for (size_t i = 0; i < sizeof input; i++) {
        input[i] = (unsigned char)i;
    }
    const struct sip_hash h = dedupe_siphash(&key, input, len);
    for (size_t i = 0; i < 16; i++) {
        const uint64_t word = i < 8 ? h.low : h.high;
        (void)snprintf(text + 2 * i, 3, "%02x", (unsigned)(word >> (8 * (i % 8)) & 0xff));
    }
    CU_ASSERT_STRING_EQUAL(text, expected);
}

static void the_published_vectors_come_out(void) {
    assert_hash(0, "a3817f04ba25a8e66df67214c7550293");
    assert_hash(1, "da87c1d86b99af44347659119b22fc45");
    assert_hash(2, "8177228da4a45dc7fca38bdef60affe4");
    assert_hash(15, "5493e99933b0a8117e08ec0f97cfc3d9");
}

static void every_byte_and_the_length_count(void) {
    const struct sip_key key = {1, 2};
    const struct sip_hash a = dedupe_siphash(&key, "abcdefgh", 8);
    CU_ASSERT_NOT_EQUAL(a.low, dedupe_siphash(&key, "abcdefgh\0", 9).low);
    CU_ASSERT_NOT_EQUAL(a.low, dedupe_siphash(&key, "abcdefgi", 8).low);
    CU_ASSERT_NOT_EQUAL(a.high, dedupe_siphash(&(struct sip_key){1, 3}, "abcdefgh", 8).high);
}

UNIT_MAIN(UNIT(the_published_vectors_come_out), UNIT(every_byte_and_the_length_count))
