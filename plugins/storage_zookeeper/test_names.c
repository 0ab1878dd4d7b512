/* Keys as names of znodes, and back. */
#include <stdlib.h>

#include "names.h"
#include "unit.h"

static const char *name_of(struct eg_str key) {
    static char name[1024];
    name[zk_name_put(key, name)] = '\0';
    return name;
}

static void a_key_of_the_gateway_stays_readable(void) {
    CU_ASSERT_STRING_EQUAL(name_of(EGX_STR("/serverless-event-gateway/functions/default/f-1")),
                           "%2Fserverless-event-gateway%2Ffunctions%2Fdefault%2Ff-1");
}

static void what_zookeeper_forbids_in_a_name_is_escaped(void) {
    CU_ASSERT_STRING_EQUAL(name_of(EGX_STR("")), "%");
    CU_ASSERT_STRING_EQUAL(name_of(EGX_STR(".")), "%2E");
    CU_ASSERT_STRING_EQUAL(name_of(EGX_STR("..")), "%2E.");
    CU_ASSERT_STRING_EQUAL(name_of(EGX_STR("a.b")), "a.b");
    CU_ASSERT_STRING_EQUAL(name_of(EGX_STR("\0 \x1f\x7f\xed\xa0\x80")), "%00%20%1F%7F%ED%A0%80");
    CU_ASSERT_STRING_EQUAL(name_of(EGX_STR("100%/")), "100%25%2F");
}

static void every_byte_at_every_place_comes_back(void) {
    for (unsigned c = 0; c < 256; c++) {
        const char key[3] = {(char)c, (char)c, (char)c};
        for (size_t len = 1; len <= 3; len++) {
            char name[16];
            char back[16];
            size_t back_len = 0;
            const size_t name_len = zk_name_put(egx_str_n(key, len), name);
            CU_ASSERT_TRUE(name_len <= zk_name_room(len));
            CU_ASSERT_EQUAL(zk_name_key(egx_str_n(name, name_len), back, &back_len), EG_OK);
            CU_ASSERT_TRUE(egx_str_eq(egx_str_n(back, back_len), egx_str_n(key, len)));
        }
    }
}

static void a_name_that_is_not_the_one_of_its_key_is_none_of_ours(void) {
    static const char *const names[] = {"",   "%2",    "%zz",  "%2f",  "%41", "a%2Eb",
                                        ".",  "..",    "a b",  "%2 0", "a%",  "\xc3\xa4",
                                        "%%", "a\x7f", "%-1a", "%2G",  "a%4"};
    char back[16];
    size_t len = 0;
    for (size_t i = 0; i < EGX_COUNT(names); i++) {
        CU_ASSERT_EQUAL(zk_name_key(egx_str_c(names[i]), back, &len), EG_E_SYNTAX);
    }
}

UNIT_MAIN(UNIT(a_key_of_the_gateway_stays_readable),
          UNIT(what_zookeeper_forbids_in_a_name_is_escaped),
          UNIT(every_byte_at_every_place_comes_back),
          UNIT(a_name_that_is_not_the_one_of_its_key_is_none_of_ours))
