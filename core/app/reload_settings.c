/*
 * app/reload_settings.c - what differs between the configuration in use and a fresh one, told to
 * the log and to who asked for the reload; and the taking over of what may change while serving
 * (gw_settings_group.live). Control thread.
 */
#include <stdio.h>
#include <string.h>

#include "app/reload.h"
#include "base/check.h"
#include "base/jwrite.h"
#include "base/log.h"
#include "base/slice.h"

static const char *const fate_words[GW_FATES] = {
    [GW_KEPT] = "kept",         [GW_MOVED] = "moved",     [GW_CREATED] = "created",
    [GW_REPLACED] = "replaced", [GW_REMOVED] = "removed", [GW_WAITS] = "kept",
};

static bool is_live(const struct gw_settings_group *group, const char *key) {
    char word[64];
    snprintf(word, sizeof word, " %s ", key);
    return strstr(group->live, word) != NULL;
}

static bool same_text(const void *a, const void *b) {
    return gw_str_eq(*(const struct eg_str *)a, *(const struct eg_str *)b);
}

static bool same_list(const void *a, const void *b) {
    const struct eg_str_list *x = a;
    const struct eg_str_list *y = b;
    bool same = x->count == y->count;
    for (size_t i = 0; same && i < x->count; i++) {
        same = gw_str_eq(x->items[i], y->items[i]);
    }
    return same;
}

static bool same_word(const void *a, const void *b) {
    return memcmp(a, b, 8) == 0;
}
static bool same_half(const void *a, const void *b) {
    return memcmp(a, b, 4) == 0;
}

static bool same_value(uint32_t type, const void *a, const void *b) {
    static bool (*const compare[])(const void *a, const void *b) = {
        [EG_SET_STRING] = same_text, [EG_SET_SECRET] = same_text,   [EG_SET_INT] = same_word,
        [EG_SET_BOOL] = same_half,   [EG_SET_DURATION] = same_word, [EG_SET_SIZE] = same_word,
        [EG_SET_LIST] = same_list,   [EG_SET_JSON] = same_text,
    };
    return compare[type](a, b);
}

/* ---- the report ---- */

static void tell(struct gw_reload *reload, struct eg_str section, struct eg_str key, bool is_live) {
    struct gw_bytes *list = is_live ? &reload->changed : &reload->waiting;
    const struct eg_str name =
        gw_arena_printf(&reload->fresh.source.arena, "%.*s%s%.*s", GW_FMT(section),
                        section.len == 0 ? "" : ".", GW_FMT(key));
    gw_logf(EG_LOG_INFO, "reload: %.*s %s", GW_FMT(name),
            is_live ? "changed" : "differs: takes effect at the next start");
    gw_bytes_add_c(list, list->len == 0 ? "" : ",");
    gw_jw_string(list, name);
}

static void report_group(struct gw_reload *reload, const struct gw_settings_group *group) {
    const char *before = (const char *)&reload->app->options.settings;
    const char *after = (const char *)&reload->fresh.settings;
    for (size_t i = 0; i < group->table.count; i++) {
        const struct eg_setting *row = group->table.rows[i];
        const size_t at = group->offset + row->offset;
        if (!same_value(row->type, before + at, after + at)) {
            tell(reload, gw_str_c(group->name), gw_str_c(row->name), is_live(group, row->name));
        }
    }
}

static bool is_same_key(const struct gw_source_item *a, const struct gw_source_item *b) {
    return a->is_bare == b->is_bare && gw_str_eq(a->section, b->section) &&
           gw_str_eq(a->input.key, b->input.key);
}

/* Is the key of the item there, with the same value when that counts? */
static bool has_item(const struct gw_source *source, const struct gw_source_item *item,
                     bool with_value) {
    for (size_t i = 0; i < source->count; i++) {
        const struct gw_source_item *other = &source->items[i];
        if (is_same_key(item, other) &&
            (!with_value || gw_str_eq(item->input.json, other->input.json))) {
            return true;
        }
    }
    return false;
}

/* Keys of the section that `b` does not have like this. */
static void report_section(struct gw_reload *reload, struct eg_str section,
                           const struct gw_source *a, const struct gw_source *b, bool with_value) {
    for (size_t i = 0; i < a->count; i++) {
        const struct gw_source_item *item = &a->items[i];
        if (gw_str_eq(item->section, section) && !item->is_bare && !has_item(b, item, with_value)) {
            tell(reload, section, item->input.key, false);
        }
    }
}

static void report_component(struct gw_reload *reload, const struct gw_fate_row *row) {
    struct gw_source *before = &reload->app->options.source;
    if (row->fate == GW_WAITS && row->wanted != NULL) {
        const struct eg_str section =
            gw_arena_printf(&reload->fresh.source.arena, "plugins.%s", row->component->name);
        report_section(reload, section, &reload->fresh.source, before, true); /* new and changed */
        report_section(reload, section, before, &reload->fresh.source, false);
    } else if (row->fate != GW_KEPT && row->fate != GW_WAITS) {
        gw_logf(EG_LOG_INFO, "reload: component '%s' %s", row->component->name,
                fate_words[row->fate]);
    }
}

void gw_reload_report(struct gw_reload *reload) {
    for (size_t i = 0; i < gw_settings_group_count; i++) {
        report_group(reload, &gw_settings_groups[i]);
    }
    for (size_t i = 0; i < reload->row_count; i++) {
        report_component(reload, &reload->rows[i]);
    }
}

void gw_reload_write(struct gw_bytes *out, const struct gw_reload *reload) {
    static const char *const kinds[GW_KIND_COUNT] = {[EG_KIND_PROVIDER] = "provider",
                                                     [EG_KIND_STORAGE] = "storage",
                                                     [EG_KIND_MIDDLEWARE] = "middleware",
                                                     [EG_KIND_REACTER] = "reacter"};
    gw_bytes_add_c(out, "{\"components\":[");
    for (size_t i = 0; i < reload->row_count; i++) {
        const struct gw_fate_row *row = &reload->rows[i];
        gw_bytes_addf(out, "%s{\"name\":\"%s\",\"kind\":\"%s\",\"change\":\"%s\"}",
                      i == 0 ? "" : ",", row->component->name, kinds[row->component->kind],
                      fate_words[row->fate]);
    }
    gw_bytes_addf(out, "],\"changed\":[%.*s],\"nextStart\":[%.*s]}",
                  GW_FMT(gw_bytes_str(&reload->changed)), GW_FMT(gw_bytes_str(&reload->waiting)));
}

/* ---- the taking over ---- */

static void take_list(struct gw_arena *arena, struct eg_str_list *to,
                      const struct eg_str_list *from) {
    struct eg_str *items = gw_arena_alloc(arena, gw_size_mul(from->count + 1, sizeof *items));
    for (size_t i = 0; i < from->count; i++) {
        items[i] = gw_arena_dup(arena, from->items[i]);
    }
    *to = (struct eg_str_list){.items = items, .count = from->count};
}

/* One value over the other; texts are copied, for the new source goes away. Texts of former values
 * stay in the arena until the end: so only what differs is taken. */
static void take_value(struct gw_arena *arena, uint32_t type, void *to, const void *from) {
    static const size_t sizes[] = {
        [EG_SET_INT] = sizeof(int64_t),
        [EG_SET_BOOL] = sizeof(uint32_t),
        [EG_SET_DURATION] = sizeof(uint64_t),
        [EG_SET_SIZE] = sizeof(uint64_t),
    };
    if (type == EG_SET_STRING || type == EG_SET_SECRET) {
        *(struct eg_str *)to = gw_arena_dup(arena, *(const struct eg_str *)from);
    } else if (type == EG_SET_LIST) {
        take_list(arena, to, from);
    } else {
        GW_ASSERT(type < GW_COUNT(sizes) && sizes[type] > 0);
        memcpy(to, from, sizes[type]);
    }
}

void gw_reload_take_live(struct gw_reload *reload) {
    struct gw_options *options = &reload->app->options;
    char *settings = (char *)&options->settings;
    const char *fresh = (const char *)&reload->fresh.settings;
    for (size_t g = 0; g < gw_settings_group_count; g++) {
        const struct gw_settings_group *group = &gw_settings_groups[g];
        for (size_t i = 0; i < group->table.count; i++) {
            const struct eg_setting *row = group->table.rows[i];
            const size_t at = group->offset + row->offset;
            if (is_live(group, row->name) && !same_value(row->type, settings + at, fresh + at)) {
                take_value(&options->source.arena, row->type, settings + at, fresh + at);
            }
        }
    }
}
