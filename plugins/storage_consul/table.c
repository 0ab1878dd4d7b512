/* table.c - see table.h. Thread: control. */
#include "table.h"

static void push_row(const struct eg_host *host, struct egx_rows *rows, struct egx_row *row) {
    if (rows->count == rows->room) {
        const size_t room = rows->room == 0 ? 16 : rows->room * 2;
        struct egx_row **items = host->mem->alloc(host, room * sizeof(struct egx_row *));
        if (rows->count > 0) {
            memcpy(items, rows->items, rows->count * sizeof(struct egx_row *));
        }
        host->mem->free(host, rows->items);
        rows->items = items;
        rows->room = room;
    }
    rows->items[rows->count++] = row;
}

/* Frees the rows that are not known's as well. */
void consul_table_begin(struct consul_table *table) {
    struct egx_rows *fresh = &table->fresh;
    size_t own = 0;
    for (size_t i = 0; i < table->known.count; i++) {
        table->known.items[i]->kind = CONSUL_ROW_GONE;
    }
    for (size_t i = 0; i < fresh->count; i++) {
        if (fresh->items[i]->kind != CONSUL_ROW_GONE) {
            fresh->items[own++] = fresh->items[i];
        }
    }
    fresh->count = own;
    egx_rows_free(table->host, fresh);
    table->place = 0;
}

/* Keys come strictly ascending, which read.c sees to: one walk along what is known, and no known
 * row is taken over twice. */
bool consul_table_knows(struct consul_table *table, struct eg_str key, uint64_t revision,
                        bool is_anew) {
    const struct egx_rows *known = &table->known;
    while (table->place < known->count && egx_str_cmp(known->items[table->place]->key, key) < 0) {
        table->place++;
    }
    struct egx_row *former = table->place < known->count ? known->items[table->place] : NULL;
    if (former == NULL || !egx_str_eq(former->key, key)) {
        return false;
    }
    if (former->revision != revision || is_anew) {
        former->kind = CONSUL_ROW_REPLACED;
        return false;
    }
    former->kind = CONSUL_ROW_SAME;
    push_row(table->host, &table->fresh, former);
    return true;
}

void consul_table_add(struct consul_table *table, const struct consul_row *row,
                      struct eg_str value) {
    struct egx_rows *fresh = &table->fresh;
    egx_rows_add(table->host, fresh, EG_CHANGE_PUT, row->revision, row->key, value);
    fresh->items[fresh->count - 1]->created = row->created;
}

void consul_table_end(struct consul_table *table) {
    egx_rows_sort_by_key(&table->fresh);
}

uint64_t consul_table_newest(const struct consul_table *table, uint64_t revision) {
    uint64_t newest = 0;
    for (size_t i = 0; i < table->known.count; i++) {
        newest = table->known.items[i]->kind == CONSUL_ROW_GONE ? revision : newest;
    }
    for (size_t i = 0, k = 0; i < table->fresh.count; i++) {
        const struct egx_row *row = table->fresh.items[i];
        while (k < table->known.count && egx_rows_key_order(&table->known.items[k], &row) < 0) {
            k++;
        }
        const bool is_known = k < table->known.count && table->known.items[k] == row;
        newest = !is_known && row->revision > newest ? row->revision : newest;
    }
    return newest;
}

void consul_table_keep(struct consul_table *table) {
    const struct eg_host *host = table->host;
    struct egx_rows kept = {0};
    for (size_t i = 0; i < table->fresh.count; i++) {
        struct egx_row *row = table->fresh.items[i];
        if (row->value.len == 0) {
            push_row(host, &kept, row);
            continue;
        }
        egx_rows_add(host, &kept, EG_CHANGE_PUT, row->revision, row->key, egx_str_n(NULL, 0));
        host->mem->free(host, row);
    }
    for (size_t i = 0; i < table->known.count; i++) {
        if (table->known.items[i]->kind != CONSUL_ROW_SAME) {
            host->mem->free(host, table->known.items[i]);
        }
    }
    for (size_t i = 0; i < kept.count; i++) {
        kept.items[i]->kind = CONSUL_ROW_GONE;
    }
    host->mem->free(host, table->known.items);
    host->mem->free(host, table->fresh.items);
    table->known = kept;
    table->fresh = (struct egx_rows){0};
}

void consul_table_free(struct consul_table *table) {
    consul_table_begin(table);
    egx_rows_free(table->host, &table->known);
}
