/* domain/media_type.c: Content-Type headers, good and bad. */
#include "base/slice.h"
#include "domain/media_type.h"
#include "unit.h"

static void the_bare_type_is_lower_case(void) {
    static const char *const rows[][2] = {
        {"application/json", "application/json"},
        {"Application/CloudEvents+JSON; charset=utf-8", "application/cloudevents+json"},
        {" text/plain ;charset=\"a;b\\\"c\" ; x = y ", "text/plain"},
        {"text/plain;", "text/plain"},
        {"text/plain; ", "text/plain"},
        {"text/plain; a=1; a=1", "text/plain"},
        {"multipart/form-data; boundary=----x", "multipart/form-data"},
    };
    struct gw_arena arena;
    gw_arena_init(&arena, 256);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct eg_str type = {0};
        CU_ASSERT_EQUAL(gw_media_type_parse(&arena, gw_str_c(rows[i][0]), &type, NULL), 0);
        ASSERT_STR(type, rows[i][1]);
    }
    gw_arena_free(&arena);
}

static void what_cannot_be_read_is_told(void) {
    static const char *const rows[][2] = {
        {"foo bar", "mime: expected slash after first token"},
        {"foo", "mime: expected slash after first token"},
        {"", "mime: no media type"},
        {"; a=b", "mime: no media type"},
        {"a/", "mime: expected token after slash"},
        {"a/b c", "mime: unexpected content after media subtype"},
        {"a/b/c", "mime: unexpected content after media subtype"},
        {"a/b; charset", "mime: invalid media parameter"},
        {"a/b; =x", "mime: invalid media parameter"},
        {"a/b; a=", "mime: invalid media parameter"},
        {"a/b; a=\"x", "mime: invalid media parameter"},
        {"a/b; a=\"x\\", "mime: invalid media parameter"},
        {"a/b; a=1 b=2", "mime: invalid media parameter"},
        {"a/b; a=1; A=2", "mime: duplicate parameter name"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct eg_str type = {0};
        struct eg_why why = {0};
        CU_ASSERT_TRUE(gw_media_type_parse(NULL, gw_str_c(rows[i][0]), &type, &why) < 0);
        ASSERT_STR(gw_str(why.text, why.len), rows[i][1]);
    }
}

static void hundreds_of_parameters_are_refused(void) {
    char text[2048];
    size_t at = (size_t)snprintf(text, sizeof text, "a/b");
    for (unsigned i = 0; i < 65; i++) {
        at += (size_t)snprintf(text + at, sizeof text - at, ";a%u=1", i);
    }
    CU_ASSERT_PTR_NOT_NULL(gw_media_type_check(gw_str_c(text)));
}

static void kinds_of_types_are_told_apart(void) {
    CU_ASSERT_TRUE(gw_media_is_json(GW_STR("application/json")));
    CU_ASSERT_TRUE(gw_media_is_json(GW_STR("application/foo+json")));
    CU_ASSERT_FALSE(gw_media_is_json(GW_STR("application/jsonp")));
    CU_ASSERT_TRUE(gw_media_is_form(GW_STR("multipart/form-data")));
    CU_ASSERT_TRUE(gw_media_is_form(GW_STR("application/x-www-form-urlencoded")));
    CU_ASSERT_FALSE(gw_media_is_form(GW_STR("multipart/mixed")));
    CU_ASSERT_TRUE(gw_media_is_text(GW_STR("text/csv")));
    CU_ASSERT_TRUE(gw_media_is_text(GW_STR("image/svg+xml")));
    CU_ASSERT_FALSE(gw_media_is_text(GW_STR("image/png")));
}

UNIT_MAIN(UNIT(the_bare_type_is_lower_case), UNIT(what_cannot_be_read_is_told),
          UNIT(hundreds_of_parameters_are_refused), UNIT(kinds_of_types_are_told_apart))
