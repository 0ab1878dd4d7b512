/* A settings table for people. */
#include "base/check.h"
#include "base/json.h"
#include "settings_fixture.h"

static void the_help_has_a_line_for_every_setting(void) {
    struct gw_bytes out;
    gw_bytes_init(&out, 0);
    gw_settings_help(&out, &sample_table);
    ASSERT_STR(gw_bytes_str(&out), "  NAME      TYPE      DEFAULT     MEANING\n"
                                   "  url       text      (required)  Where to.\n"
                                   "  mode      text      safe        How. (one of fast|safe)\n"
                                   "  password  secret    -           A secret.\n"
                                   "  count     number    3           How many. (1 to 10)\n"
                                   "  is_fast   bool      true        Fast?\n"
                                   "  timeout   duration  250ms       How long. (at least 1ms)\n"
                                   "  body      size      64KiB       How big. (0 to 1MiB)\n"
                                   "  tags      list      (\"a\", \"b\")  Which.\n"
                                   "  rules     json      -           Rules.\n");
    gw_bytes_free(&out);
}

static void a_default_of_a_secret_is_not_shown(void) {
    struct eg_setting row = egx_row_sample_password;
    const struct eg_setting *const rows[] = {&row};
    const struct gw_settings_table table = {rows, 1, sizeof(struct sample)};
    struct gw_bytes out;
    row.fallback = "hunter2";
    gw_bytes_init(&out, 0);
    gw_settings_help(&out, &table);
    gw_bytes_add_char(&out, '\0');
    CU_ASSERT_PTR_NULL(strstr(out.ptr, "hunter2"));
    CU_ASSERT_PTR_NOT_NULL(strstr(out.ptr, "*****"));
    gw_bytes_free(&out);
}

static void programs_are_told_the_same_as_json(void) {
    struct gw_bytes out;
    struct eg_json *root = NULL;
    gw_bytes_init(&out, 0);
    gw_settings_json(&out, &sample_table);
    CU_ASSERT_EQUAL_FATAL(gw_json_parse(gw_bytes_str(&out), false, &root, NULL), EG_OK);
    CU_ASSERT_EQUAL(gw_json_count(root), sample_table.count);
    gw_json_free(root);
    gw_bytes_add_char(&out, '\0');
    static const char *const parts[] = {
        ("{\"name\":\"url\",\"type\":\"text\",\"required\":true,\"default\":null,\"min\":null,"
         "\"max\":null,\"choices\":[],\"help\":\"Where to.\"}"),
        "\"default\":\"safe\",\"min\":null,\"max\":null,\"choices\":[\"fast\",\"safe\"]",
        "\"default\":\"3\",\"min\":\"1\",\"max\":\"10\"",
        "\"default\":\"250ms\",\"min\":\"1ms\",\"max\":null",
        "\"default\":\"(\\\"a\\\", \\\"b\\\")\"",
    };
    for (size_t i = 0; i < GW_COUNT(parts); i++) {
        CU_ASSERT_PTR_NOT_NULL(strstr(out.ptr, parts[i]));
    }
    gw_bytes_free(&out);
}

UNIT_MAIN(UNIT(programs_are_told_the_same_as_json), UNIT(the_help_has_a_line_for_every_setting),
          UNIT(a_default_of_a_secret_is_not_shown))
