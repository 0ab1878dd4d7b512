/* The JSON writer: always valid JSON, whatever the input. */
#include "base/jscan.h"
#include "base/jwrite.h"
#include "base/slice.h"
#include "unit.h"

static struct gw_bytes out;

static struct eg_str written(struct eg_str text) {
    gw_bytes_free(&out);
    gw_jw_string(&out, text);
    return gw_bytes_str(&out);
}

static void plain_text_is_copied_and_the_rest_escaped(void) {
    ASSERT_STR(written(GW_STR("plain text, longer than eight")),
               "\"plain text, longer than eight\"");
    ASSERT_STR(written(GW_STR("a\"b\\c/d")), "\"a\\\"b\\\\c/d\"");
    ASSERT_STR(written(GW_STR("\b\f\n\r\t\x01\x1f\x7f")), "\"\\b\\f\\n\\r\\t\\u0001\\u001f\x7f\"");
    ASSERT_STR(written(gw_str("\0", 1)), "\"\\u0000\"");
    ASSERT_STR(written(GW_STR("h\xc3\xa9 \xf0\x9f\x98\x80")), "\"h\xc3\xa9 \xf0\x9f\x98\x80\"");
    ASSERT_STR(written(gw_str(NULL, 0)), "\"\"");
    gw_bytes_free(&out);
}

static void invalid_utf8_becomes_one_mark_a_run(void) {
    ASSERT_STR(written(GW_STR("a\xff\xfe z\xc3")), "\"a\xef\xbf\xbd z\xef\xbf\xbd\"");
    ASSERT_STR(written(GW_STR("\xed\xa0\x80\"")), "\"\xef\xbf\xbd\\\"\"");
    gw_bytes_free(&out);
}

static void random_bytes_are_written_as_json_that_reads_back(void) {
    unsigned seed = 7;
    size_t wrong = 0;
    for (int round = 0; round < 20000; round++) {
        char text[24];
        const size_t len = (size_t)round % sizeof text;
        bool is_ascii = true;
        for (size_t i = 0; i < len; i++) {
            seed = seed * 1103515245u + 12345u;
            text[i] = (char)(seed >> 16 & (round % 2 == 0 ? 0x7f : 0xff));
            is_ascii &= (unsigned char)text[i] < 0x80;
        }
        struct gw_jval value;
        const struct eg_str json = written(gw_str(text, len));
        if (gw_json_check(json, 0, &value, NULL) != EG_OK || value.type != GW_J_STRING) {
            wrong++;
            continue;
        }
        struct gw_arena arena = {0};
        const struct eg_str back = gw_jstr_decode(&arena, value.raw);
        wrong += is_ascii && !gw_str_eq(back, gw_str(text, len));
        gw_arena_free(&arena);
    }
    CU_ASSERT_EQUAL(wrong, 0);
    gw_bytes_free(&out);
}

/* All lengths at which the way of copying changes, and some beyond what is copied in one pass. */
static void one_byte_that_is_not_plain_is_seen_at_any_place_of_any_length(void) {
    size_t wrong = 0;
    for (size_t len = 1; len < 300; len++) {
        char text[300];
        for (size_t at = 0; at <= len; at++) { /* at == len: all are plain */
            struct gw_bytes room;
            memset(text, 'x', len);
            text[at < len ? at : len - 1] = at < len ? '"' : 'x';
            gw_bytes_init(&room, 0);
            (void)gw_bytes_grow(&room, len + 2);
            gw_jw_string(&room, gw_str(text, len));
            const struct eg_str json = gw_bytes_str(&room);
            const size_t escapes = at < len ? 1 : 0;
            wrong += json.len != len + 2 + escapes || json.ptr[0] != '"' ||
                     json.ptr[json.len - 1] != '"';
            wrong += escapes == 1 && (json.ptr[1 + at] != '\\' || json.ptr[2 + at] != '"');
            for (size_t i = 0; i < len; i++) {
                wrong += i != at && json.ptr[1 + i + (i > at ? 1 : 0)] != 'x';
            }
            gw_bytes_free(&room);
        }
    }
    CU_ASSERT_EQUAL(wrong, 0);
}

static void names_get_commas_but_the_first(void) {
    bool is_first = true;
    gw_bytes_init(&out, 0);
    gw_bytes_add_char(&out, '{');
    gw_jw_name(&out, &is_first, "a");
    gw_jw_string(&out, GW_STR("x"));
    gw_jw_name(&out, &is_first, "b");
    gw_jw_base64(&out, GW_STR("hello"));
    gw_bytes_add_char(&out, '}');
    ASSERT_STR(gw_bytes_str(&out), "{\"a\":\"x\",\"b\":\"aGVsbG8=\"}");
    gw_bytes_free(&out);
}

static void names_of_others_are_escaped(void) {
    bool is_first = true;
    gw_bytes_init(&out, 0);
    gw_jw_any_name(&out, &is_first, GW_STR("a\"b"));
    gw_jw_string(&out, GW_STR("x"));
    gw_jw_any_name(&out, &is_first, GW_STR(""));
    ASSERT_STR(gw_bytes_str(&out), "\"a\\\"b\":\"x\",\"\":");
    gw_bytes_free(&out);
}

static void the_error_envelope_holds_any_message(void) {
    gw_bytes_init(&out, 0);
    gw_jw_error_envelope(&out, GW_STR("it's \"bad\"\n"));
    ASSERT_STR(gw_bytes_str(&out), "{\"errors\":[{\"message\":\"it's \\\"bad\\\"\\n\"}]}\n");
    gw_bytes_free(&out);
}

UNIT_MAIN(UNIT(plain_text_is_copied_and_the_rest_escaped),
          UNIT(invalid_utf8_becomes_one_mark_a_run),
          UNIT(random_bytes_are_written_as_json_that_reads_back),
          UNIT(one_byte_that_is_not_plain_is_seen_at_any_place_of_any_length),
          UNIT(names_get_commas_but_the_first), UNIT(names_of_others_are_escaped),
          UNIT(the_error_envelope_holds_any_message))
