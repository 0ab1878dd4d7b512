/*
 * state/catalog_all.c - see the header. One list of the root, so that what is read is one moment of
 * the store: no subscription without its function, unless the store has it so.
 *
 * Thread: control. Ownership: the call's arena holds the records until on_read has returned.
 */
#include "state/catalog_all.h"

#include "base/check.h"
#include "base/slice.h"
#include "base/why.h"
#include "state/catalog_inner.h"

struct reading {
    void (*on_read)(void *arg, const struct gw_everything *all);
    void *arg;
};

/* EG_E_INVAL for keys that are none of ours. */
static int32_t load(struct gw_arena *arena, const struct eg_item *item,
                    struct gw_stored *ret_stored) {
    struct gw_stored stored = {.kind = GW_KINDS, .revision = item->revision};
    struct eg_why why = {.struct_size = sizeof why};
    const int32_t rc = gw_store_key_parse(item->key, &stored.kind, &stored.space, &stored.id);
    if (rc < 0) {
        return rc;
    }
    if (gw_object_load(stored.kind, stored.space, stored.id, item->revision, item->value,
                       &stored.object, &why) < 0) {
        stored.object = NULL;
        stored.why = gw_arena_dup(arena, gw_why_str(&why));
    }
    *ret_stored = stored;
    return EG_OK;
}

static void on_answer(struct gw_store_call *call, int32_t status, struct eg_str why,
                      struct eg_result *result) {
    const struct reading *reading = call->owner;
    struct gw_everything all = {.status = status, .why = why};
    struct gw_stored *items = NULL;
    if (status == EG_OK && result != NULL) {
        items = gw_arena_alloc(&call->arena, gw_size_mul(result->item_count + 1, sizeof *items));
        all.revision = result->revision;
        for (size_t i = 0; i < result->item_count; i++) {
            all.count += load(&call->arena, result->items[i], &items[all.count]) == EG_OK;
        }
    }
    all.items = items;
    reading->on_read(reading->arg, &all);
    for (size_t i = 0; i < all.count; i++) {
        gw_object_unref(items[i].object);
    }
}

void gw_catalog_read_all(struct gw_catalog *catalog, uint64_t deadline_ns,
                         void (*on_read)(void *arg, const struct gw_everything *all), void *arg) {
    GW_MAGIC_CHECK(catalog, GW_CATALOG_MAGIC);
    struct gw_store_call *call = gw_store_call_create(catalog);
    struct reading *reading = gw_arena_alloc(&call->arena, sizeof *reading);
    *reading = (struct reading){.on_read = on_read, .arg = arg};
    call->owner = reading;
    call->on_answer = on_answer;
    gw_bytes_add_c(&call->key, GW_STORE_ROOT);
    gw_store_call_begin(call, deadline_ns);
    gw_store_call_sent(call, catalog->ops->list(catalog->config.storage->self,
                                                gw_bytes_str(&call->key), &call->op.pub));
}
