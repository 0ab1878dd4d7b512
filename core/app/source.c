/*
 * app/source.c - the list of settings that were given, whatever gave them.
 *
 * Control thread, at start and at reload. The source owns all text in its arena.
 */
#include "app/source.h"

#include "app/settings.h"
#include "base/check.h"
#include "base/jwrite.h"
#include "base/mem.h"
#include "base/slice.h"
#include "base/why.h"

void gw_source_free(struct gw_source *source) {
    gw_arena_free(&source->arena);
    gw_free(source->items);
    *source = (struct gw_source){0};
}

void gw_source_add(struct gw_source *source, struct eg_str section, struct eg_str key,
                   struct eg_str value, struct eg_str where, bool is_text) {
    if (source->count == source->room) {
        source->room = source->room == 0 ? 32 : source->room * 2;
        source->items = gw_realloc(source->items, gw_size_mul(source->room, sizeof *source->items));
    }
    source->items[source->count++] = (struct gw_source_item){
        .section = gw_arena_dup(&source->arena, section),
        .input = {.key = gw_arena_dup(&source->arena, key),
                  .json = gw_arena_dup(&source->arena, value),
                  .where = gw_arena_dup(&source->arena, where)},
        .is_text = is_text,
    };
}

void gw_source_add_bare(struct gw_source *source, struct eg_str section, struct eg_str where) {
    gw_source_add(source, section, GW_STR(""), GW_STR(""), where, false);
    source->items[source->count - 1].is_bare = true;
}

int32_t gw_source_add_set(struct gw_source *source, const char *assignment,
                          struct eg_why *ret_why) {
    const struct eg_str all = gw_str_c(assignment);
    const size_t equals = gw_str_find(all, '=');
    if (equals == all.len || equals == 0) {
        return gw_why(ret_why, EG_E_INVAL, "--set %s: expected key=value, for example %s",
                      assignment, "--set events.hosted=true");
    }
    struct eg_str path = gw_str_sub(all, 0, equals);
    size_t dot = path.len;
    while (dot > 0 && path.ptr[dot - 1] != '.') {
        dot--;
    }
    const struct eg_str section = dot == 0 ? GW_STR("") : gw_str_sub(path, 0, dot - 1);
    gw_source_add(source, section, gw_str_cut(path, dot), gw_str_cut(all, equals + 1),
                  GW_STR("--set"), true);
    return EG_OK;
}

/* Which types take the words of a command line as they are (numbers, true, [..]). */
static bool takes_json(uint32_t type) {
    return type == EG_SET_INT || type == EG_SET_BOOL || type == EG_SET_JSON;
}

/* a,b,c -> ["a","b","c"]; a text that begins with '[' is JSON already. */
static void write_list(struct gw_bytes *out, struct eg_str text) {
    if (text.len > 0 && text.ptr[0] == '[') {
        gw_bytes_add(out, text);
        return;
    }
    gw_bytes_add_char(out, '[');
    struct eg_str piece;
    bool is_first = true;
    while (text.len > 0 && gw_str_next(&text, ',', &piece)) {
        if (!is_first) {
            gw_bytes_add_char(out, ',');
        }
        is_first = false;
        gw_jw_string(out, gw_str_trim(piece));
    }
    gw_bytes_add_char(out, ']');
}

static struct eg_str text_to_json(struct gw_arena *arena, const struct eg_setting *row,
                                  struct eg_str text) {
    if (row != NULL && takes_json(row->type)) {
        return text;
    }
    struct gw_bytes out;
    gw_bytes_init_arena(&out, arena, text.len + 16);
    if (row != NULL && row->type == EG_SET_LIST) {
        write_list(&out, text);
    } else {
        gw_jw_string(&out, text);
    }
    return gw_bytes_str(&out);
}

const struct gw_setting_input *gw_source_section(struct gw_source *source, struct eg_str section,
                                                 const struct gw_settings_table *table,
                                                 size_t *ret_count) {
    struct gw_setting_input *inputs = gw_arena_alloc(
        &source->arena, gw_size_mul(source->count + 1, sizeof(struct gw_setting_input)));
    size_t count = 0;
    for (size_t i = 0; i < source->count; i++) {
        const struct gw_source_item *item = &source->items[i];
        if (item->is_bare || !gw_str_eq(item->section, section)) {
            continue;
        }
        inputs[count] = item->input;
        if (item->is_text) {
            inputs[count].json = text_to_json(
                &source->arena, gw_settings_row(table, item->input.key), item->input.json);
        }
        count++;
    }
    *ret_count = count;
    return inputs;
}
