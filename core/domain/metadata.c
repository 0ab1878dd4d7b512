/*
 * domain/metadata.c - the labels of an object and the list filters on them (compatibility chapter
 * 3.5). A filter is parsed once and asked for each object of a list. Pure.
 */
#include <stdlib.h>

#include "base/check.h"
#include "base/codec.h"
#include "base/map.h"
#include "base/slice.h"
#include "domain/object_fields.h"

static int by_name(const void *a, const void *b) {
    const struct eg_kv *left = a;
    const struct eg_kv *right = b;
    return gw_str_cmp(left->name, right->name);
}

void gw_metadata_sort(struct eg_kv *items, size_t count) {
    if (count > 1) {
        qsort(items, count, sizeof *items, by_name);
    }
}

static int32_t decode_part(struct gw_arena *arena, struct eg_str raw, struct eg_str *ret_text) {
    struct gw_bytes text;
    gw_bytes_init_arena(&text, arena, raw.len + 1);
    const int32_t rc = gw_percent_decode(&text, raw, true);
    if (rc < 0) {
        return rc;
    }
    *ret_text = gw_bytes_str(&text);
    return EG_OK;
}

/* One `name=value` of a query; false when it is no filter. */
static bool read_pair(struct gw_arena *arena, struct eg_str piece, struct eg_kv *ret_pair) {
    const struct eg_str prefix = GW_STR("metadata.");
    const size_t name_len = gw_str_find(piece, '=');
    const struct eg_str raw_value =
        gw_str_cut(piece, name_len < piece.len ? name_len + 1 : name_len);
    struct eg_str name;
    if (decode_part(arena, gw_str_sub(piece, 0, name_len), &name) < 0 ||
        !gw_str_starts(name, prefix)) {
        return false;
    }
    if (decode_part(arena, raw_value, &ret_pair->value) < 0) {
        return false;
    }
    ret_pair->name = gw_str_cut(name, prefix.len);
    return true;
}

static size_t count_pieces(struct eg_str query) {
    size_t count = 1;
    for (size_t i = 0; i < query.len; i++) {
        count += query.ptr[i] == '&';
    }
    return count;
}

void gw_filter_parse(struct gw_arena *arena, struct eg_str raw_query,
                     struct gw_filter *ret_filter) {
    *ret_filter = (struct gw_filter){0};
    if (raw_query.len == 0) {
        return;
    }
    struct gw_map seen = {0};
    struct eg_kv *items =
        gw_arena_alloc(arena, gw_size_mul(count_pieces(raw_query), sizeof *items));
    size_t count = 0;
    struct eg_str rest = raw_query;
    struct eg_str piece;
    while (gw_str_next(&rest, '&', &piece)) {
        struct eg_kv pair;
        if (read_pair(arena, piece, &pair) && gw_map_get(&seen, pair.name) == NULL) {
            items[count] = pair;
            (void)gw_map_put(&seen, pair.name, &items[count]);
            count++;
        }
    }
    gw_map_free(&seen);
    ret_filter->items = items;
    ret_filter->count = count;
}

bool gw_object_matches(const struct gw_object *object, const struct gw_filter *filter) {
    GW_MAGIC_CHECK(object, GW_OBJECT_MAGIC);
    for (size_t i = 0; i < filter->count; i++) {
        const struct eg_kv *wanted = &filter->items[i];
        const struct eg_kv *found = object->metadata_count == 0
                                        ? NULL
                                        : bsearch(wanted, object->metadata, object->metadata_count,
                                                  sizeof *wanted, by_name);
        if (found == NULL || !gw_str_eq(found->value, wanted->value)) {
            return false;
        }
    }
    return true;
}

bool gw_object_matches_query(const struct gw_object *object, struct eg_str raw_query) {
    struct gw_arena arena;
    gw_arena_init(&arena, raw_query.len + 256);
    struct gw_filter filter;
    gw_filter_parse(&arena, raw_query, &filter);
    const bool matches = gw_object_matches(object, &filter);
    gw_arena_free(&arena);
    return matches;
}
