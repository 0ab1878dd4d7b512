/* Settings in their normal form, with and without secrets (plugin/settings_write.c). */
#include "settings_fixture.h"

static struct gw_arena arena;

static struct eg_str written(const struct gw_setting_input *inputs, size_t count,
                             enum gw_secrets secrets) {
    struct sample sample;
    struct eg_why why = {.struct_size = sizeof why};
    struct gw_bytes out;
    CU_ASSERT_EQUAL_FATAL(
        gw_settings_read(&sample_table, "s", inputs, count, &arena, &sample, &why), EG_OK);
    gw_bytes_init_arena(&out, &arena, 256);
    gw_settings_write(&out, &sample_table, &sample, secrets);
    return gw_bytes_str(&out);
}

static void every_row_is_there_with_its_default(void) {
    const struct gw_setting_input inputs[] = {{GW_STR("url"), GW_STR("\"u\""), {0}}};
    gw_arena_init(&arena, 1024);
    ASSERT_STR(written(inputs, 1, GW_SHOW_SECRETS),
               "{\"url\":\"u\",\"mode\":\"safe\",\"password\":\"\",\"count\":3,\"is_fast\":true,"
               "\"timeout\":\"250ms\",\"body\":\"64KiB\",\"tags\":[\"a\",\"b\"],\"rules\":null}");
    gw_arena_free(&arena);
}

static void the_same_in_other_words_is_the_same(void) {
    const struct gw_setting_input one[] = {{GW_STR("url"), GW_STR("\"u\""), {0}},
                                           {GW_STR("timeout"), GW_STR("60"), {0}},
                                           {GW_STR("body"), GW_STR("1024"), {0}},
                                           {GW_STR("rules"), GW_STR("[ {\"a\" : 1} ]"), {0}}};
    const struct gw_setting_input other[] = {{GW_STR("rules"), GW_STR("[{\"a\":1}]"), {0}},
                                             {GW_STR("body"), GW_STR("\"1KiB\""), {0}},
                                             {GW_STR("timeout"), GW_STR("\"1m\""), {0}},
                                             {GW_STR("count"), GW_STR("3"), {0}},
                                             {GW_STR("url"), GW_STR("\"\\u0075\""), {0}}};
    gw_arena_init(&arena, 1024);
    const struct eg_str text = written(one, EGX_COUNT(one), GW_SHOW_SECRETS);
    const struct eg_str same = written(other, EGX_COUNT(other), GW_SHOW_SECRETS);
    CU_ASSERT_TRUE(gw_str_eq(text, same));
    gw_arena_free(&arena);
}

static void secrets_are_told_only_to_who_compares(void) {
    const struct gw_setting_input inputs[] = {
        {GW_STR("url"), GW_STR("\"u\""), {0}},
        {GW_STR("password"), GW_STR("\"hush\\\"x\""), {0}},
        {GW_STR("tags"), GW_STR("[]"), {0}},
        {GW_STR("rules"),
         GW_STR("[{\"token\":\"to:ken\\\"\",\"deep\":[\"x\",1,true,null,\"\"],\"n\\\"\":{}}]"),
         {0}}};
    gw_arena_init(&arena, 1024);
    ASSERT_STR(written(inputs, EGX_COUNT(inputs), GW_SHOW_SECRETS),
               "{\"url\":\"u\",\"mode\":\"safe\",\"password\":\"hush\\\"x\",\"count\":3,"
               "\"is_fast\":true,\"timeout\":\"250ms\",\"body\":\"64KiB\",\"tags\":[],\"rules\":"
               "[{\"token\":\"to:ken\\\"\",\"deep\":[\"x\",1,true,null,\"\"],\"n\\\"\":{}}]}");
    ASSERT_STR(written(inputs, EGX_COUNT(inputs), GW_MASK_SECRETS),
               "{\"url\":\"u\",\"mode\":\"safe\",\"password\":\"*****\",\"count\":3,"
               "\"is_fast\":true,\"timeout\":\"250ms\",\"body\":\"64KiB\",\"tags\":[],\"rules\":"
               "[{\"token\":\"*****\",\"deep\":[\"*****\",1,true,null,\"\"],\"n\\\"\":{}}]}");
    gw_arena_free(&arena);
}

static void credentials_in_a_url_are_masked(void) {
    static const struct {
        const char *url;
        const char *shown;
    } cases[] = {
        {"\"https://user:pa@ss@host:1/p@th?a=b@c\"", "\"https://*****@host:1/p@th?a=b@c\""},
        {"\"redis://:secret@host\"", "\"redis://*****@host\""},
        {"\"http://host/a@b\"", "\"http://host/a@b\""},
        {"\"http://\"", "\"http://\""},
        {"\"a:b@c\"", "\"a:b@c\""},
        {"\"://x@\"", "\"://*****@\""},
    };
    for (size_t i = 0; i < EGX_COUNT(cases); i++) {
        const struct gw_setting_input inputs[] = {{GW_STR("url"), gw_str_c(cases[i].url), {0}}};
        gw_arena_init(&arena, 1024);
        const struct eg_str clear = written(inputs, 1, GW_SHOW_SECRETS);
        const struct eg_str masked = written(inputs, 1, GW_MASK_SECRETS);
        ASSERT_STR(gw_str_sub(clear, 7, strlen(cases[i].url)), cases[i].url);
        ASSERT_STR(gw_str_sub(masked, 7, strlen(cases[i].shown)), cases[i].shown);
        gw_arena_free(&arena);
    }
}

UNIT_MAIN(UNIT(every_row_is_there_with_its_default), UNIT(the_same_in_other_words_is_the_same),
          UNIT(secrets_are_told_only_to_who_compares), UNIT(credentials_in_a_url_are_masked))
