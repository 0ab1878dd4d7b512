/*
 * test_config_file.c - the configuration file becomes sections and JSON; what cannot be read is
 * told with file and line.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "app/source.h"
#include "base/slice.h"
#include "base/why.h"
#include "unit.h"

static struct eg_why why = {.struct_size = sizeof why};
static char path[64];

static int32_t read_text(struct gw_source *source, const char *text) {
    snprintf(path, sizeof path, "/tmp/eventgw-config-XXXXXX");
    const int fd = mkstemp(path);
    CU_ASSERT_FATAL(fd >= 0);
    CU_ASSERT_EQUAL(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
    const int32_t rc = gw_source_read_file(source, path, &why);
    unlink(path);
    return rc;
}

static const struct gw_source_item *find(const struct gw_source *source, const char *section,
                                         const char *key) {
    for (size_t i = 0; i < source->count; i++) {
        if (gw_str_eq(source->items[i].section, gw_str_c(section)) &&
            gw_str_eq(source->items[i].input.key, gw_str_c(key))) {
            return &source->items[i];
        }
    }
    CU_FAIL_FATAL("no such key");
    return NULL;
}

static void values_become_json(void) {
    struct gw_source source = {0};
    CU_ASSERT_EQUAL_FATAL(read_text(&source, "a = 1; b = -9000000000L; c = 1.5; d = true;\n"
                                             "e = \"x\\\"y\"; f = [1, 2]; g = (\"a\", {h = 1;});"),
                          EG_OK);
    ASSERT_STR(find(&source, "", "a")->input.json, "1");
    ASSERT_STR(find(&source, "", "b")->input.json, "-9000000000");
    ASSERT_STR(find(&source, "", "c")->input.json, "1.5");
    ASSERT_STR(find(&source, "", "d")->input.json, "true");
    ASSERT_STR(find(&source, "", "e")->input.json, "\"x\\\"y\"");
    ASSERT_STR(find(&source, "", "f")->input.json, "[1,2]");
    ASSERT_STR(find(&source, "", "g")->input.json, "[\"a\",{\"h\":1}]");
    gw_source_free(&source);
}

static void groups_are_sections_and_components_have_their_own(void) {
    struct gw_source source = {0};
    CU_ASSERT_EQUAL_FATAL(read_text(&source, "events = { port = 1; };\n"
                                             "plugins = {\n  load = (\"x\");\n  auth = {\n"
                                             "    rules = ( { path = \"/\"; } );\n  };\n};"),
                          EG_OK);
    ASSERT_STR(find(&source, "events", "port")->input.json, "1");
    ASSERT_STR(find(&source, "plugins", "load")->input.json, "[\"x\"]");
    ASSERT_STR(find(&source, "plugins.auth", "rules")->input.json, "[{\"path\":\"/\"}]");
    const struct eg_str where = find(&source, "plugins.auth", "rules")->input.where;
    CU_ASSERT(gw_str_ends(where, GW_STR(":5")));
    gw_source_free(&source);
}

static void a_syntax_error_is_told_with_its_line(void) {
    struct gw_source source = {0};
    CU_ASSERT_EQUAL(read_text(&source, "a = 1;\nb = ;\n"), EG_E_SYNTAX);
    char place[80];
    snprintf(place, sizeof place, "%s:2: ", path);
    CU_ASSERT(gw_str_starts(gw_why_str(&why), gw_str_c(place)));
    gw_source_free(&source);
}

static void a_key_given_twice_is_refused(void) {
    struct gw_source source = {0};
    CU_ASSERT_EQUAL(read_text(&source, "a = 1;\na = 2;\n"), EG_E_SYNTAX);
    gw_source_free(&source);
}

static void values_nested_too_deep_are_refused(void) {
    struct gw_source source = {0};
    char text[512] = "a = ";
    size_t at = 4;
    for (int i = 0; i < 40; i++) {
        text[at++] = '(';
    }
    for (int i = 0; i < 40; i++) {
        text[at++] = ')';
    }
    text[at] = ';';
    CU_ASSERT_EQUAL(read_text(&source, text), EG_E_TOOBIG);
    gw_source_free(&source);
}

static void an_empty_group_is_remembered_with_its_place(void) {
    struct gw_source source = {0};
    CU_ASSERT_EQUAL_FATAL(read_text(&source, "\nevnts = {};\nplugins = { nosuch = {}; };"), EG_OK);
    CU_ASSERT_TRUE(find(&source, "evnts", "")->is_bare);
    CU_ASSERT_TRUE(gw_str_ends(find(&source, "evnts", "")->input.where, GW_STR(":2")));
    CU_ASSERT_TRUE(find(&source, "plugins.nosuch", "")->is_bare);
    gw_source_free(&source);
}

static void a_missing_file_is_told(void) {
    struct gw_source source = {0};
    CU_ASSERT_EQUAL(gw_source_read_file(&source, "/nosuch/file", &why), EG_E_IO);
    CU_ASSERT(gw_str_starts(gw_why_str(&why), GW_STR("/nosuch/file: ")));
    gw_source_free(&source);
}

UNIT_MAIN(UNIT(values_become_json), UNIT(groups_are_sections_and_components_have_their_own),
          UNIT(a_syntax_error_is_told_with_its_line), UNIT(a_key_given_twice_is_refused),
          UNIT(values_nested_too_deep_are_refused),
          UNIT(an_empty_group_is_remembered_with_its_place), UNIT(a_missing_file_is_told))
