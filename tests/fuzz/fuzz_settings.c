/*
 * fuzz_settings - configuration keys and provider objects shaped by strangers. The first byte
 * chooses: a section (key, newline, JSON), a provider object (read, masked, unmasked), or a unit.
 * Asserted: a refusal says why, an accepted number is in its range, the normal form reads back to
 * itself, and no secret is in a masked text.
 */
#include <string.h>

#include "base/check.h"
#include "base/slice.h"
#include "plugin/settings.h"

struct sample {
    struct eg_str url;
    struct eg_str mode;
    struct eg_str secret;
    int64_t count;
    uint32_t is_fast;
    uint64_t timeout;
    uint64_t body;
    struct eg_str_list tags;
    struct eg_str rules;
};
#define ROW(field, type, flags, min, max, fallback, choices)                                       \
    static const struct eg_setting row_##field = {sizeof(struct eg_setting),                       \
                                                  type,                                            \
                                                  flags,                                           \
                                                  offsetof(struct sample, field),                  \
                                                  min,                                             \
                                                  max,                                             \
                                                  #field,                                          \
                                                  fallback,                                        \
                                                  choices,                                         \
                                                  "Help."}
ROW(url, EG_SET_STRING, 0, 0, 0, NULL, NULL);
ROW(mode, EG_SET_STRING, 0, 0, 0, "safe", "fast|safe");
ROW(secret, EG_SET_SECRET, 0, 0, 0, NULL, NULL);
ROW(count, EG_SET_INT, 0, 1, 10, "3", NULL);
ROW(is_fast, EG_SET_BOOL, 0, 0, 0, "true", NULL);
ROW(timeout, EG_SET_DURATION, 0, 1000000, INT64_MAX, "250ms", NULL);
ROW(body, EG_SET_SIZE, 0, 0, 1 << 20, "64KiB", NULL);
ROW(tags, EG_SET_LIST, 0, 0, 0, "(\"a\")", NULL);
ROW(rules, EG_SET_JSON, 0, 0, 0, NULL, NULL);
static const struct eg_setting *const rows[] = {&row_url,   &row_mode,    &row_secret,
                                                &row_count, &row_is_fast, &row_timeout,
                                                &row_body,  &row_tags,    &row_rules};
static const struct gw_settings_table table = {rows, GW_COUNT(rows), sizeof(struct sample)};

static void check_ranges(const struct sample *sample) {
    GW_ASSERT(sample->count >= 1 && sample->count <= 10);
    GW_ASSERT(sample->is_fast <= 1);
    GW_ASSERT(sample->timeout >= 1000000 && sample->timeout <= INT64_MAX);
    GW_ASSERT(sample->body <= 1 << 20);
    GW_ASSERT(gw_str_eq(sample->mode, GW_STR("fast")) || gw_str_eq(sample->mode, GW_STR("safe")));
}

static void fuzz_section(struct eg_str text, struct gw_arena *arena) {
    const size_t line = gw_str_find(text, '\n');
    const struct gw_setting_input input = {gw_str_sub(text, 0, line), gw_str_cut(text, line + 1),
                                           GW_STR("fuzz:1")};
    struct sample sample;
    struct eg_why why = {.struct_size = sizeof why};
    if (gw_settings_read(&table, "fuzz", &input, 1, arena, &sample, &why) < 0) {
        GW_ASSERT(why.len > 0 && why.len <= sizeof why.text);
    } else {
        check_ranges(&sample);
    }
}

static bool contains(struct eg_str text, struct eg_str part) {
    return memmem(text.ptr, text.len, part.ptr, part.len) != NULL;
}

static void fuzz_provider(struct eg_str text, struct gw_arena *arena) {
    struct sample sample;
    struct sample again;
    struct eg_str normal = {0};
    struct eg_str twice = {0};
    struct eg_why why = {.struct_size = sizeof why};
    (void)gw_target_settings_unmask(&table, text, GW_STR("{\"secret\":\"s\"}"), arena);
    if (gw_target_settings_read(&table, text, arena, &sample, &normal, &why) < 0) {
        GW_ASSERT(why.len > 0);
        return;
    }
    check_ranges(&sample);
    GW_ASSERT(gw_target_settings_read(&table, normal, arena, &again, &twice, &why) == EG_OK);
    GW_ASSERT(gw_str_eq(normal, twice) && gw_str_eq(sample.url, again.url));
    struct gw_bytes masked;
    gw_bytes_init(&masked, 0);
    gw_target_settings_mask(&table, normal, &masked);
    if (sample.secret.len > 0) {
        GW_ASSERT(contains(gw_bytes_str(&masked), GW_STR("\"secret\":\"*****\"")));
    }
    /* What was masked and comes back is what was stored. */
    const struct eg_str back =
        gw_target_settings_unmask(&table, gw_bytes_str(&masked), normal, arena);
    GW_ASSERT(gw_str_eq(back, normal));
    gw_bytes_free(&masked);
}

static void fuzz_unit(struct eg_str text) {
    uint64_t value = 7;
    if (gw_duration_parse(text, &value) < 0) {
        GW_ASSERT(value == 7);
    }
    value = 7;
    if (gw_size_parse(text, &value) < 0) {
        GW_ASSERT(value == 7);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size == 0) {
        return 0;
    }
    const struct eg_str text = gw_str((const char *)data + 1, size - 1);
    struct gw_arena arena;
    gw_arena_init(&arena, 256);
    switch (data[0] % 3) {
    case 0:
        fuzz_section(text, &arena);
        break;
    case 1:
        fuzz_provider(text, &arena);
        break;
    default:
        fuzz_unit(text);
        break;
    }
    gw_arena_free(&arena);
    return 0;
}
