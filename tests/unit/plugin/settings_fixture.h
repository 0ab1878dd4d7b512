/* settings_fixture.h - one settings struct with a field of every type, for the tests of settings.
 */
#ifndef TESTS_SETTINGS_FIXTURE_H
#define TESTS_SETTINGS_FIXTURE_H

#include <eventgw-sdk/egx.h>

#include "base/slice.h"
#include "plugin/settings.h"
#include "unit.h"

struct sample {
    struct eg_str url;
    struct eg_str mode;
    struct eg_str password;
    int64_t count;
    uint32_t is_fast;
    uint64_t timeout;
    uint64_t body;
    struct eg_str_list tags;
    struct eg_str rules;
};
EGX_SETTING_REQUIRED(sample, url, "Where to.");
EGX_SETTING_CHOICE(sample, mode, "fast|safe", "safe", "How.");
EGX_SETTING_SECRET(sample, password, "A secret.");
EGX_SETTING_INT(sample, count, 1, 10, "3", "How many.");
EGX_SETTING_BOOL(sample, is_fast, "true", "Fast?");
EGX_SETTING_DURATION(sample, timeout, 1000000, INT64_MAX, "250ms", "How long.");
EGX_SETTING_SIZE(sample, body, 0, 1048576, "64KiB", "How big.");
EGX_SETTING_LIST(sample, tags, "(\"a\", \"b\")", "Which.");
EGX_SETTING_JSON(sample, rules, NULL, "Rules.");

static const struct eg_setting *const sample_rows[] = {
    EGX_ROW(sample, url),   EGX_ROW(sample, mode),    EGX_ROW(sample, password),
    EGX_ROW(sample, count), EGX_ROW(sample, is_fast), EGX_ROW(sample, timeout),
    EGX_ROW(sample, body),  EGX_ROW(sample, tags),    EGX_ROW(sample, rules)};
static const struct gw_settings_table sample_table = {
    sample_rows, sizeof sample_rows / sizeof sample_rows[0], sizeof(struct sample)};

#endif
