/*
 * state/content.c - see content.h. An object is kept over a resynchronisation when its record says
 * the same as before, so that the target bound to it stays too. The revision alone does not say
 * that: a store that was put back to an older state gives revisions a second time.
 *
 * The age of a key is what the store tells of it, so that all nodes agree, whenever they were
 * started. Of a store that does not know, it is the first revision that this node has seen.
 *
 * Pure. Ownership: a content owns its records, each record holds its object.
 */
#include "state/content.h"

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
    *ret_record = record;
    return EG_OK;
}

struct gw_record *gw_content_get(const struct gw_content *content, struct eg_str key) {
    return gw_map_get(&content->records, key);
}

bool gw_content_remove(struct gw_content *content, struct eg_str key) {
    struct gw_record *record = gw_map_remove(&content->records, key);
    if (record == NULL) {
        return false;
    }
    if (record->object != NULL) {
        (void)gw_map_remove(&content->objects[record->object->kind], key);
    } else {
        content->bad_count--;
    }
    gw_record_free(record);
    return true;
}

void gw_content_put(struct gw_content *content, struct gw_record *record) {
    (void)gw_content_remove(content, record->key);
    (void)gw_map_put(&content->records, record->key, record);
    if (record->object != NULL) {
        (void)gw_map_put(&content->objects[record->object->kind], record->key, record->object);
    } else {
        content->bad_count++;
    }
}

void gw_content_free(struct gw_content *content) {
    const struct gw_map_slot *slot = NULL;
    for (size_t i = 0; (slot = gw_map_next(&content->records, &i)) != NULL;) {
        gw_record_free(slot->value);
    }
    gw_map_free(&content->records);
    for (size_t kind = 0; kind < GW_KINDS; kind++) {
        gw_map_free(&content->objects[kind]);
    }
    memset(content, 0, sizeof *content);
}
