/*
 * table.h - what a watch has told and what it reads now. Keys and revisions of what was told are
 * kept, values are not; rows that have not changed move over as they are, so that a read of 10,000
 * keys of which one has changed copies one.
 */
#ifndef STORAGE_CONSUL_TABLE_H
#define STORAGE_CONSUL_TABLE_H

#include "consul.h"

/* Of a known row: it has not been read (again), it is in fresh as it is, or with another revision.
 */
#define CONSUL_ROW_GONE EG_CHANGE_REMOVE
#define CONSUL_ROW_SAME EG_CHANGE_PUT
#define CONSUL_ROW_REPLACED 0u

/* All zero but host is empty. */
struct consul_table {
    const struct eg_host *host;
    struct egx_rows known; /* ascending by key, without values; kind: CONSUL_ROW_* */
    struct egx_rows fresh; /* as read; without a value when it is a known row */
    size_t place;          /* in known */
};

/* What was read does not count. */
void consul_table_begin(struct consul_table *table);
/* Keys have to come strictly ascending. Is this row known, as it is? Then it has been taken over.
 * is_anew: nothing is known. */
bool consul_table_knows(struct consul_table *table, struct eg_str key, uint64_t revision,
                        bool is_anew);
/* value: of the row, decoded. */
void consul_table_add(struct consul_table *table, const struct consul_row *row,
                      struct eg_str value);
/* All has been read: fresh ascends by key. */
void consul_table_end(struct consul_table *table);
/* The highest revision that telling the difference tells; removals are told with `revision`. */
uint64_t consul_table_newest(const struct consul_table *table, uint64_t revision);
/* What was read is what is known from now on. */
void consul_table_keep(struct consul_table *table);
void consul_table_free(struct consul_table *table);

#endif
