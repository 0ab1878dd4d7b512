/* Runs of plain bytes, held against a look at one byte after the other. */
#include "unit.h"

#include <stdlib.h>
#include <string.h>

#include "base/jrun.h"

#define LENGTH_MAX 70u /* some blocks, words and bytes */

static bool is_plain(unsigned char c) {
    return c >= 0x20 && c < 0x80 && c != '"' && c != '\\';
}

/* For each length and place of the byte: in heap memory of that size, so that a sanitizer sees a
 * read past the end. */
static void each_byte_ends_a_run_or_does_not_wherever_it_is(void) {
    bool is_right = true;
    for (size_t len = 1; len <= LENGTH_MAX; len++) {
        char *text = malloc(len);
        memset(text, 'a', len);
        for (size_t at = 0; at < len; at++) {
            for (unsigned byte = 0; byte < 256; byte++) {
                text[at] = (char)byte;
                const size_t plain = is_plain((unsigned char)byte) ? len : at;
                const size_t words = byte == '"' || byte == '\\' ? at : len;
                is_right = is_right && gw_json_plain_run(text, len) == plain &&
                           gw_json_text_run(text, len) == words;
            }
            text[at] = 'a';
        }
        free(text);
    }
    CU_ASSERT_TRUE(is_right);
}

static void nothing_is_a_run_of_nothing(void) {
    CU_ASSERT_EQUAL(gw_json_plain_run("", 0), 0);
    CU_ASSERT_EQUAL(gw_json_text_run("", 0), 0);
}

UNIT_MAIN(UNIT(each_byte_ends_a_run_or_does_not_wherever_it_is), UNIT(nothing_is_a_run_of_nothing))
