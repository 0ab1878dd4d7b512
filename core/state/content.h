/*
 * state/content.h - all records of the configuration as one teller (the watch, or the cached copy)
 * told them: what is known of each key, and the objects by kind. One thread at a time.
 */
#ifndef GW_STATE_CONTENT_H
#define GW_STATE_CONTENT_H

#include "base/map.h"
#include "domain/object.h"
#include "state/changes.h"
#include "state/route_keys.h"

/* What is known of one key besides its object. */
struct gw_record {
    struct eg_str key; /* behind the record, in the same block */
    uint64_t born;     /* the revision that made the key: its age */
    uint64_t revision;
    uint64_t value_hash;      /* of the value as told */
    struct gw_object *object; /* held; NULL: the value cannot be read */
    uint64_t hashes[GW_REFS]; /* of the object */
};

/* Records with an object, by age (born, then key) when it is sorted. */
struct gw_age_list {
    struct gw_record **items;
    size_t count;
    size_t room;
    bool is_unsorted;
};

/* How many objects a space has. */
struct gw_space_count {
    struct eg_str name; /* behind the struct, in the same block */
    size_t counts[GW_KINDS];
};

struct gw_content {
    struct gw_map records;           /* key -> struct gw_record */
    struct gw_map objects[GW_KINDS]; /* key -> struct gw_object */
    struct gw_age_list ages[GW_KINDS];
    struct gw_map spaces; /* name -> struct gw_space_count; those with objects */
    size_t bad_count;
    struct gw_changes changes;
};

void gw_content_free(struct gw_content *content); /* zeroes it; also of a zeroed one */
/* NULL when the key is not there. */
struct gw_record *gw_content_get(const struct gw_content *content, struct eg_str key);
/* Instead of a record with the same key (take). */
void gw_content_put(struct gw_content *content, struct gw_record *record);
bool gw_content_remove(struct gw_content *content, struct eg_str key); /* was it there? */
/* All of a kind that can be read, oldest first. Borrow until the next change. */
struct gw_record *const *gw_content_by_age(struct gw_content *content, enum gw_kind kind,
                                           size_t *ret_count);

/* What is told of one key, as in struct eg_change. */
struct gw_told_value {
    struct eg_str key;
    struct eg_str value;
    uint64_t revision;
    uint64_t created; /* 0: the store does not know */
};
/* The record of a told value. known (may be NULL): an earlier record of the key, whose object is
 * kept when revision and value are the same, and whose age goes on when none is told. A value that
 * cannot be read makes a record without object, with the reason in ret_why. EG_E_INVAL for keys
 * that are none of ours. */
int32_t gw_record_read(const struct gw_told_value *told, const struct gw_record *known,
                       struct gw_record **ret_record, struct eg_why *ret_why);
/* Does the record (NULL: no) stand for this value at this revision? */
bool gw_record_says(const struct gw_record *record, uint64_t revision, struct eg_str value);
void gw_record_free(struct gw_record *record); /* NULL is fine */

#endif
