/*
 * state/content.c - see content.h. An object is kept over a resynchronisation when its record says
 * the same as before, so that the target bound to it stays too. The revision alone does not say
 * that: a store that was put back to an older state gives revisions a second time.
 *
 * The age of a key is what the store tells of it, so that all nodes agree, whenever they were
 * started. Of a store that does not know, it is the first revision that this node has seen.
 *
 * Every change is followed by each snapshot, so what a build wants to know of all objects is kept
 * rather than found out: their order, and how many a space has. New keys are the youngest, so the
 * order is kept by itself; only a whole content, which is told by key, has to be sorted, once.
 *
 * Pure. Ownership: a content owns its records, each record holds its object.
 */
#include "state/content.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "base/slice.h"

void gw_record_free(struct gw_record *record) {
    if (record != NULL) {
        gw_object_unref(record->object);
        gw_free(record);
    }
}

static struct gw_record *record_create(const struct gw_told_value *told,
                                       const struct gw_record *known) {
    const struct eg_str key = told->key;
    struct gw_record *record = gw_alloc(gw_size_add(sizeof *record, key.len));
    char *bytes = (char *)(record + 1);
    memcpy(bytes, key.ptr, key.len);
    record->key = gw_str(bytes, key.len);
    record->born = told->created != 0 ? told->created
                   : known != NULL    ? known->born
                                      : told->revision;
    record->revision = told->revision;
    record->value_hash = gw_hash(told->value);
    return record;
}

bool gw_record_says(const struct gw_record *record, uint64_t revision, struct eg_str value) {
    return record != NULL && record->revision == revision && record->value_hash == gw_hash(value);
}

int32_t gw_record_read(const struct gw_told_value *told, const struct gw_record *known,
                       struct gw_record **ret_record, struct eg_why *ret_why) {
    enum gw_kind kind = GW_KINDS;
    struct eg_str space = {0};
    struct eg_str id = {0};
    if (gw_store_key_parse(told->key, &kind, &space, &id) < 0) {
        return EG_E_INVAL;
    }
    struct gw_record *record = record_create(told, known);
    if (gw_record_says(known, told->revision, told->value)) {
        record->object = known->object == NULL ? NULL : gw_object_ref(known->object);
    } else if (gw_object_load(kind, space, id, told->revision, told->value, &record->object,
                              ret_why) < 0) {
        record->object = NULL;
    }
    if (record->object != NULL) {
        gw_route_hashes(record->object, record->hashes);
    }
    *ret_record = record;
    return EG_OK;
}

/* ---- by age ---- */

static int compare_age(const struct gw_record *left, const struct gw_record *right) {
    if (left->born != right->born) {
        return left->born < right->born ? -1 : 1;
    }
    return gw_str_cmp(left->key, right->key);
}

static int by_age(const void *a, const void *b) {
    const struct gw_record *const *left = a;
    const struct gw_record *const *right = b;
    return compare_age(*left, *right);
}

static void sort_ages(struct gw_age_list *list) {
    if (list->is_unsorted) {
        qsort(list->items, list->count, sizeof(struct gw_record *), by_age);
        list->is_unsorted = false;
    }
}

static void push_age(struct gw_age_list *list, struct gw_record *record) {
    if (list->count == list->room) {
        list->room = list->room == 0 ? 16 : gw_size_mul(list->room, 2);
        list->items = gw_realloc(list->items, gw_size_mul(list->room, sizeof(struct gw_record *)));
    }
    list->is_unsorted |= list->count > 0 && compare_age(list->items[list->count - 1], record) > 0;
    list->items[list->count++] = record;
}

/* Where the record is: it is there. */
static size_t place_of(struct gw_age_list *list, const struct gw_record *record) {
    sort_ages(list);
    size_t from = 0;
    size_t to = list->count;
    while (to - from > 1) {
        const size_t middle = from + (to - from) / 2;
        if (compare_age(list->items[middle], record) <= 0) {
            from = middle;
        } else {
            to = middle;
        }
    }
    GW_ASSERT(list->count > 0 && list->items[from] == record);
    return from;
}

static void drop_age(struct gw_age_list *list, const struct gw_record *record) {
    const size_t place = place_of(list, record);
    struct gw_record **at = &list->items[place];
    list->count--;
    memmove(at, at + 1, (list->count - place) * sizeof(struct gw_record *));
}

struct gw_record *const *gw_content_by_age(struct gw_content *content, enum gw_kind kind,
                                           size_t *ret_count) {
    sort_ages(&content->ages[kind]);
    *ret_count = content->ages[kind].count;
    return content->ages[kind].items;
}

/* ---- how many ---- */

static void count_one(struct gw_content *content, const struct gw_object *object) {
    struct gw_space_count *space = gw_map_get(&content->spaces, object->space);
    if (space == NULL) {
        space = gw_alloc(gw_size_add(sizeof *space, object->space.len));
        char *bytes = (char *)(space + 1);
        if (object->space.len > 0) {
            memcpy(bytes, object->space.ptr, object->space.len);
        }
        space->name = gw_str(bytes, object->space.len);
        (void)gw_map_put(&content->spaces, space->name, space);
    }
    space->counts[object->kind]++;
}

static void uncount_one(struct gw_content *content, const struct gw_object *object) {
    struct gw_space_count *space = gw_map_get(&content->spaces, object->space);
    size_t left = 0;
    space->counts[object->kind]--;
    for (size_t kind = 0; kind < GW_KINDS; kind++) {
        left += space->counts[kind];
    }
    if (left == 0) {
        (void)gw_map_remove(&content->spaces, space->name);
        gw_free(space);
    }
}

/* ---- the whole ---- */

struct gw_record *gw_content_get(const struct gw_content *content, struct eg_str key) {
    return gw_map_get(&content->records, key);
}

static void note(struct gw_content *content, struct eg_str key, const struct gw_record *known) {
    const bool is_readable = known != NULL && known->object != NULL;
    gw_changes_note(&content->changes, key, is_readable ? known->born : 0);
}

bool gw_content_remove(struct gw_content *content, struct eg_str key) {
    struct gw_record *record = gw_map_remove(&content->records, key);
    if (record == NULL) {
        return false;
    }
    note(content, key, record);
    if (record->object != NULL) {
        const enum gw_kind kind = record->object->kind;
        (void)gw_map_remove(&content->objects[kind], key);
        drop_age(&content->ages[kind], record);
        uncount_one(content, record->object);
    } else {
        content->bad_count--;
    }
    gw_record_free(record);
    return true;
}

/* An object that is replaced keeps its age, so its place too. */
static bool replace(struct gw_content *content, struct gw_record *known, struct gw_record *record) {
    if (known == NULL || known->object == NULL || record->object == NULL ||
        known->born != record->born) {
        return false;
    }
    struct gw_age_list *list = &content->ages[record->object->kind];
    list->items[place_of(list, known)] = record;
    (void)gw_map_put(&content->records, record->key, record);
    (void)gw_map_put(&content->objects[record->object->kind], record->key, record->object);
    gw_record_free(known);
    return true;
}

void gw_content_put(struct gw_content *content, struct gw_record *record) {
    struct gw_record *known = gw_content_get(content, record->key);
    note(content, record->key, known);
    if (replace(content, known, record)) {
        return;
    }
    (void)gw_content_remove(content, record->key);
    (void)gw_map_put(&content->records, record->key, record);
    if (record->object != NULL) {
        (void)gw_map_put(&content->objects[record->object->kind], record->key, record->object);
        push_age(&content->ages[record->object->kind], record);
        count_one(content, record->object);
    } else {
        content->bad_count++;
    }
}

void gw_content_free(struct gw_content *content) {
    const struct gw_map_slot *slot = NULL;
    for (size_t i = 0; (slot = gw_map_next(&content->records, &i)) != NULL;) {
        gw_record_free(slot->value);
    }
    for (size_t i = 0; (slot = gw_map_next(&content->spaces, &i)) != NULL;) {
        gw_free(slot->value);
    }
    gw_changes_free(&content->changes);
    gw_map_free(&content->records);
    gw_map_free(&content->spaces);
    for (size_t kind = 0; kind < GW_KINDS; kind++) {
        gw_map_free(&content->objects[kind]);
        gw_free(content->ages[kind].items);
    }
    memset(content, 0, sizeof *content);
}
