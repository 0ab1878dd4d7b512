/*
 * plugin/settings_target.c - the `provider` object of a function: read as Go's encoding/json reads
 * a struct (names without regard to case, unknown keys dropped, null leaves a field unset, the last
 * of repeated names wins), written back normalised, masked for answers, unmasked on the way in
 * (Q20). Control thread.
 */
#include "base/check.h"
#include "base/jwrite.h"
#include "base/slice.h"
#include "base/why.h"
#include "plugin/settings_value.h"

#define MASK GW_STR("*****")
#define PREFIX "unable to load function provider config: "

static size_t row_index(const struct gw_settings_table *table, struct eg_str name) {
    size_t i = 0;
    while (i < table->count && !gw_str_eq_nocase(gw_str_c(table->rows[i]->name), name)) {
        i++;
    }
    return i;
}

static bool is_empty_value(const struct eg_json *value) {
    const uint32_t kind = gw_json_kind(value);
    return kind == EG_JSON_NULL || (kind == EG_JSON_STRING && gw_json_string(value).len == 0) ||
           ((kind == EG_JSON_ARRAY || kind == EG_JSON_OBJECT) && gw_json_count(value) == 0);
}

static struct eg_str write_normal(const struct gw_settings_table *table,
                                  const struct eg_json *const *given, struct gw_arena *arena) {
    struct gw_bytes out;
    bool is_first = true;
    gw_bytes_init_arena(&out, arena, 128);
    gw_bytes_add_char(&out, '{');
    for (size_t i = 0; i < table->count; i++) {
        if (!is_empty_value(given[i])) {
            gw_jw_any_name(&out, &is_first, gw_str_c(table->rows[i]->name));
            gw_json_write(&out, given[i]);
        }
    }
    gw_bytes_add_char(&out, '}');
    return gw_bytes_str(&out);
}

static int32_t read_members(const struct gw_settings_table *table, const struct eg_json *object,
                            struct gw_arena *arena, void *base, const struct eg_json **given,
                            struct eg_why *ret_why) {
    for (size_t i = 0; i < gw_json_count(object); i++) {
        struct eg_str name = {0};
        const struct eg_json *value = gw_json_at(object, i, &name);
        const size_t index = row_index(table, name);
        if (index == table->count || gw_json_kind(value) == EG_JSON_NULL) {
            continue;
        }
        struct eg_why why = {.struct_size = sizeof why};
        if (gw_setting_store(table->rows[index], value, arena, base, &why) < 0) {
            return gw_why(ret_why, EG_E_SYNTAX, PREFIX "'%s' %.*s", table->rows[index]->name,
                          GW_FMT(gw_why_str(&why)));
        }
        given[index] = value;
    }
    return EG_OK;
}

int32_t gw_target_settings_read(const struct gw_settings_table *table, struct eg_str provider_json,
                                struct gw_arena *arena, void *ret_struct, struct eg_str *ret_normal,
                                struct eg_why *ret_why) {
    struct eg_json *root = NULL;
    struct eg_why why = {.struct_size = sizeof why};
    int32_t rc = EG_OK;
    const struct eg_json **given =
        gw_arena_zalloc(arena, gw_size_mul(table->count + 1, sizeof *given));
    if (table->struct_bytes > 0) {
        memset(ret_struct, 0, table->struct_bytes);
    }
    rc = gw_settings_defaults(table, arena, ret_struct, ret_why);
    if (rc < 0) {
        return rc;
    }
    if (gw_str_trim(provider_json).len > 0) {
        rc = gw_json_parse(provider_json, false, &root, &why);
    }
    if (rc < 0) {
        rc = gw_why(ret_why, EG_E_SYNTAX, PREFIX "%.*s", GW_FMT(gw_why_str(&why)));
        goto out;
    }
    if (gw_json_kind(root) != EG_JSON_OBJECT && gw_json_kind(root) != EG_JSON_NULL) {
        rc = gw_why(ret_why, EG_E_SYNTAX, PREFIX "it has to be an object, not %s",
                    gw_json_kind_name(root));
        goto out;
    }
    rc = read_members(table, root, arena, ret_struct, given, ret_why);
    if (rc >= 0 && ret_normal != NULL) {
        *ret_normal = write_normal(table, given, arena);
    }
out:
    gw_json_free(root);
    return rc;
}

/* What the table does not know may be a secret of another version: masked too. */
static bool is_shown(const struct gw_settings_table *table, struct eg_str name,
                     const struct eg_json *value) {
    const size_t index = row_index(table, name);
    return is_empty_value(value) ||
           (index < table->count && table->rows[index]->type != EG_SET_SECRET);
}

void gw_target_settings_mask(const struct gw_settings_table *table, struct eg_str normal_json,
                             struct gw_bytes *out) {
    struct eg_json *root = NULL;
    bool is_first = true;
    (void)gw_json_parse(normal_json, false, &root, NULL); /* what does not parse shows as {} */
    const size_t count = gw_json_kind(root) == EG_JSON_OBJECT ? gw_json_count(root) : 0;
    gw_bytes_add_char(out, '{');
    for (size_t i = 0; i < count; i++) {
        struct eg_str name = {0};
        const struct eg_json *value = gw_json_at(root, i, &name);
        gw_jw_any_name(out, &is_first, name);
        if (is_shown(table, name, value)) {
            gw_json_write(out, value);
        } else {
            gw_jw_string(out, MASK);
        }
    }
    gw_bytes_add_char(out, '}');
    gw_json_free(root);
}

struct eg_str gw_target_settings_unmask(const struct gw_settings_table *table,
                                        struct eg_str new_json, struct eg_str stored_json,
                                        struct gw_arena *arena) {
    struct eg_json *sent = NULL;
    struct eg_json *stored = NULL;
    struct eg_str result = new_json;
    bool is_first = true;
    if (gw_json_parse(new_json, false, &sent, NULL) < 0 || gw_json_kind(sent) != EG_JSON_OBJECT) {
        goto out; /* whoever reads it says what is wrong */
    }
    (void)gw_json_parse(stored_json, false, &stored, NULL);
    struct gw_bytes text;
    gw_bytes_init_arena(&text, arena, new_json.len + 64);
    gw_bytes_add_char(&text, '{');
    for (size_t i = 0; i < gw_json_count(sent); i++) {
        struct eg_str name = {0};
        const struct eg_json *value = gw_json_at(sent, i, &name);
        const size_t index = row_index(table, name);
        if (index < table->count && table->rows[index]->type == EG_SET_SECRET &&
            gw_str_eq(gw_json_string(value), MASK)) {
            value =
                gw_json_kind(stored) == EG_JSON_OBJECT ? gw_json_member_nocase(stored, name) : NULL;
        }
        if (value != NULL) { /* a masked secret nobody has is no secret */
            gw_jw_any_name(&text, &is_first, name);
            gw_json_write(&text, value);
        }
    }
    gw_bytes_add_char(&text, '}');
    result = gw_bytes_str(&text);
out:
    gw_json_free(sent);
    gw_json_free(stored);
    return result;
}
