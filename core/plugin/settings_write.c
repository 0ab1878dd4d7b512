/*
 * plugin/settings_write.c - settings in their normal form: to be compared by a reload, whoever
 * wrote them how, and to be shown to operators. Pure, any thread.
 */
#include "base/check.h"
#include "base/jscan.h"
#include "base/jwrite.h"
#include "base/slice.h"
#include "plugin/settings_value.h"

#define MASK "*****"

/* Everything but the texts; names of members stay. A text is told from a name by the colon behind
 * it. The value was written by gw_json_write, so it has no spaces outside of its texts. */
static void write_masked(struct gw_bytes *out, struct eg_str json) {
    size_t at = 0;
    while (at < json.len) {
        if (json.ptr[at] != '"') {
            gw_bytes_add_char(out, json.ptr[at++]);
            continue;
        }
        size_t end = at + 1;
        while (end < json.len && json.ptr[end] != '"') {
            end += json.ptr[end] == '\\' ? 2 : 1;
        }
        end = end < json.len ? end + 1 : json.len;
        const bool is_name = end < json.len && json.ptr[end] == ':';
        const bool is_empty = end - at == 2;
        gw_bytes_add(out,
                     is_name || is_empty ? gw_str_sub(json, at, end - at) : GW_STR("\"" MASK "\""));
        at = end;
    }
}

static void write_text(struct gw_bytes *out, struct eg_str text, bool is_masked);

static void write_list(struct gw_bytes *out, const struct eg_str_list *list, bool is_masked) {
    gw_bytes_add_char(out, '[');
    for (size_t i = 0; i < list->count; i++) {
        gw_bytes_add_c(out, i == 0 ? "" : ",");
        write_text(out, list->items[i], is_masked);
    }
    gw_bytes_add_char(out, ']');
}

static void write_unit(struct gw_bytes *out, void (*print)(struct gw_bytes *out, uint64_t value),
                       uint64_t value) {
    gw_bytes_add_char(out, '"');
    print(out, value);
    gw_bytes_add_char(out, '"');
}

static void write_json(struct gw_bytes *out, struct eg_str json, bool is_masked) {
    if (json.len == 0) {
        gw_bytes_add_c(out, "null");
    } else if (is_masked) {
        write_masked(out, json);
    } else {
        gw_bytes_add(out, json);
    }
}

/* A URL may hold credentials before its host (RFC 3986 3.2.1). */
static void write_text(struct gw_bytes *out, struct eg_str text, bool is_masked) {
    const size_t scheme = gw_str_find(text, ':');
    const struct eg_str rest = gw_str_cut(text, scheme);
    if (!is_masked || !gw_str_starts(rest, GW_STR("://"))) {
        gw_jw_string(out, text);
        return;
    }
    const struct eg_str authority = gw_str_sub(rest, 3, gw_str_find(gw_str_cut(rest, 3), '/'));
    size_t at = authority.len; /* behind the last '@': there may be one in a password */
    while (at > 0 && authority.ptr[at - 1] != '@') {
        at--;
    }
    gw_bytes_add_char(out, '"');
    gw_jw_string_part(out, gw_str_sub(text, 0, scheme + 3));
    gw_bytes_add_c(out, at == 0 ? "" : MASK "@");
    gw_jw_string_part(out, gw_str_cut(rest, 3 + at));
    gw_bytes_add_char(out, '"');
}

static void write_value(struct gw_bytes *out, const struct eg_setting *row, const void *settings,
                        bool is_masked) {
    const void *field = (const char *)settings + row->offset;
    const struct eg_str *text = field;
    switch (row->type) {
    case EG_SET_SECRET:
        gw_jw_string(out, is_masked && text->len > 0 ? GW_STR(MASK) : *text);
        break;
    case EG_SET_INT:
        gw_bytes_add_i64(out, *(const int64_t *)field);
        break;
    case EG_SET_BOOL:
        gw_bytes_add_c(out, *(const uint32_t *)field != 0 ? "true" : "false");
        break;
    case EG_SET_DURATION:
        write_unit(out, gw_duration_print, *(const uint64_t *)field);
        break;
    case EG_SET_SIZE:
        write_unit(out, gw_size_print, *(const uint64_t *)field);
        break;
    case EG_SET_LIST:
        write_list(out, field, is_masked);
        break;
    case EG_SET_JSON:
        write_json(out, *text, is_masked && (row->flags & GW_SETTING_OPEN) == 0);
        break;
    default:
        write_text(out, *text, is_masked);
        break;
    }
}

void gw_settings_write(struct gw_bytes *out, const struct gw_settings_table *table,
                       const void *settings, enum gw_secrets secrets) {
    bool is_first = true;
    gw_bytes_add_char(out, '{');
    for (size_t i = 0; i < table->count; i++) {
        gw_jw_name(out, &is_first, table->rows[i]->name);
        write_value(out, table->rows[i], settings, secrets == GW_MASK_SECRETS);
    }
    gw_bytes_add_char(out, '}');
}
