/*
 * plugin/settings_units.c - durations and sizes as people write them, both ways. Pure, any thread.
 */
#include "base/check.h"
#include "base/clock.h"
#include "base/slice.h"
#include "plugin/settings_value.h"

struct unit {
    const char *name;
    uint64_t factor;
};
/* Biggest first, so that the first that divides is the one to print. */
static const struct unit durations[] = {
    {"h", 3600 * GW_NS_PER_S}, {"m", 60 * GW_NS_PER_S}, {"s", GW_NS_PER_S},
    {"ms", GW_NS_PER_MS},      {"us", GW_NS_PER_US},    {"ns", 1},
};
static const struct unit sizes[] = {
    {"GiB", 1ull << 30}, {"MiB", 1ull << 20}, {"KiB", 1ull << 10}, {"B", 1}};

static int32_t parse(struct eg_str text, const struct unit *units, size_t unit_count,
                     uint64_t bare_factor, uint64_t *ret_value) {
    size_t digits = 0;
    while (digits < text.len && text.ptr[digits] >= '0' && text.ptr[digits] <= '9') {
        digits++;
    }
    const struct eg_str name = gw_str_cut(text, digits);
    uint64_t number = 0;
    const int32_t rc = gw_str_u64(gw_str_sub(text, 0, digits), &number);
    if (rc < 0) {
        return rc;
    }
    uint64_t factor = name.len == 0 ? bare_factor : 0;
    for (size_t i = 0; i < unit_count; i++) {
        if (gw_str_eq(name, gw_str_c(units[i].name))) {
            factor = units[i].factor;
        }
    }
    if (factor == 0) {
        return EG_E_SYNTAX;
    }
    if (number > UINT64_MAX / factor) {
        return EG_E_TOOBIG;
    }
    *ret_value = number * factor;
    return EG_OK;
}

static void print(struct gw_bytes *out, uint64_t value, const struct unit *units, size_t count) {
    size_t i = value == 0 ? count - 1 : 0;
    while (i < count - 1 && value % units[i].factor != 0) {
        i++;
    }
    gw_bytes_add_u64(out, value / units[i].factor);
    gw_bytes_add_c(out, value == 0 ? "" : units[i].name);
}

int32_t gw_duration_parse(struct eg_str text, uint64_t *ret_ns) {
    return parse(text, durations, GW_COUNT(durations), GW_NS_PER_S, ret_ns);
}

int32_t gw_size_parse(struct eg_str text, uint64_t *ret_bytes) {
    return parse(text, sizes, GW_COUNT(sizes), 1, ret_bytes);
}

void gw_duration_print(struct gw_bytes *out, uint64_t ns) {
    print(out, ns, durations, GW_COUNT(durations));
}

void gw_size_print(struct gw_bytes *out, uint64_t bytes) {
    print(out, bytes, sizes, GW_COUNT(sizes));
}
