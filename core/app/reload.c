/*
 * app/reload.c - SIGHUP: the configuration is read again, whole. A bad one changes nothing. What
 * may change while serving (gw_settings_group.live) does; every other key that differs is named in
 * the log and waits for the next start. Control thread.
 */
#include <stdio.h>
#include <string.h>

#include "app/app.h"
#include "base/check.h"
#include "base/log.h"
#include "base/slice.h"
#include "base/why.h"

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

static void report_group(const struct gw_settings_group *group, const struct gw_settings *before,
                         const struct gw_settings *after) {
    for (size_t i = 0; i < group->table.count; i++) {
        const struct eg_setting *row = group->table.rows[i];
        const size_t at = group->offset + row->offset;
        if (same_value(row->type, (const char *)before + at, (const char *)after + at)) {
            continue;
        }
        gw_logf(EG_LOG_INFO, "reload: %s%s%s %s", group->name, group->name[0] == '\0' ? "" : ".",
                row->name,
                is_live(group, row->name) ? "changed" : "differs: takes effect at the next start");
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

/* Settings of components in `a` that `b` does not have: any difference waits for the next start. */
static void report_components(const struct gw_source *a, const struct gw_source *b,
                              bool with_value) {
    for (size_t i = 0; i < a->count; i++) {
        const struct gw_source_item *item = &a->items[i];
        if (gw_str_starts(item->section, GW_STR("plugins.")) && !item->is_bare &&
            !has_item(b, item, with_value)) {
            gw_logf(EG_LOG_INFO, "reload: %.*s.%.*s differs: takes effect at the next start",
                    GW_FMT(item->section), GW_FMT(item->input.key));
        }
    }
}

/* One value over the other; texts are copied, for the new source goes away. Texts of former values
 * stay in the arena until the end: a reload is rare and they are short. */
static void take_value(struct gw_arena *arena, uint32_t type, void *to, const void *from) {
    static const size_t sizes[] = {
        [EG_SET_INT] = sizeof(int64_t),
        [EG_SET_BOOL] = sizeof(uint32_t),
        [EG_SET_DURATION] = sizeof(uint64_t),
        [EG_SET_SIZE] = sizeof(uint64_t),
    };
    if (type == EG_SET_STRING || type == EG_SET_SECRET) {
        *(struct eg_str *)to = gw_arena_dup(arena, *(const struct eg_str *)from);
        return;
    }
    GW_ASSERT(type < GW_COUNT(sizes) && sizes[type] > 0);
    memcpy(to, from, sizes[type]);
}

static void take_live(struct gw_app *app, const struct gw_settings *fresh) {
    char *settings = (char *)&app->options.settings;
    for (size_t g = 0; g < gw_settings_group_count; g++) {
        const struct gw_settings_group *group = &gw_settings_groups[g];
        for (size_t i = 0; i < group->table.count; i++) {
            const struct eg_setting *row = group->table.rows[i];
            if (is_live(group, row->name)) {
                const size_t at = group->offset + row->offset;
                take_value(&app->options.source.arena, row->type, settings + at,
                           (const char *)fresh + at);
            }
        }
    }
}

static void configure_lane(struct gw_task *task) {
    struct gw_lane *lane = gw_lane_of(task);
    struct gw_flow_config config;
    gw_app_flow_config(&lane->app->options.settings, &config);
    gw_flow_configure(lane->flow, &config);
    gw_lane_answer(lane);
}

static void on_configured(struct gw_app *app) {
    gw_logf(EG_LOG_INFO, "reload: done");
    gw_app_reload_if_wanted(app);
}

static void apply(struct gw_app *app, const struct gw_options *fresh) {
    struct gw_settings *settings = &app->options.settings;
    for (size_t i = 0; i < gw_settings_group_count; i++) {
        report_group(&gw_settings_groups[i], settings, &fresh->settings);
    }
    report_components(&fresh->source, &app->options.source, true); /* new and changed keys */
    report_components(&app->options.source, &fresh->source, false);
    take_live(app, &fresh->settings);
    gw_app_log_setup(&app->options);
    struct gw_config_api_config api;
    gw_app_api_config(settings, &api);
    gw_config_api_configure(app->config_api, &api);
    gw_app_each_lane(app, configure_lane, on_configured);
}

void gw_app_reload_if_wanted(struct gw_app *app) {
    if (app->is_reload_wanted) {
        app->is_reload_wanted = false;
        gw_app_reload(app);
    }
}

void gw_app_reload(struct gw_app *app) {
    struct gw_options fresh = {0};
    struct eg_why why = {.struct_size = sizeof why};
    if (app->stage > GW_SERVING) {
        gw_logf(EG_LOG_WARN, "reload: not now, the gateway is stopping");
        return;
    }
    if (app->stage < GW_SERVING || app->lanes_to_answer > 0) {
        app->is_reload_wanted = true; /* the file may have changed since it was read */
        return;
    }
    int32_t rc = gw_options_load(&fresh, app->argc, app->argv, &why);
    if (rc == EG_OK) {
        rc = gw_app_check_components(app->manager, &fresh, &why);
    }
    if (rc < 0) {
        gw_logf(EG_LOG_ERROR, "reload refused, nothing changed: %.*s", GW_FMT(gw_why_str(&why)));
    } else {
        apply(app, &fresh);
    }
    gw_options_free(&fresh);
}
