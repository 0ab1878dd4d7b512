/*
 * state/catalog_all.h - everything that the store holds, in one linearizable read. For export and
 * import; serving never needs it. Control thread.
 */
#ifndef GW_STATE_CATALOG_ALL_H
#define GW_STATE_CATALOG_ALL_H

#include "state/catalog.h"

/* One record. The key's parts count for space and id, whatever the value says. */
struct gw_stored {
    enum gw_kind kind;
    struct eg_str space;
    struct eg_str id;
    uint64_t revision;
    struct gw_object *object; /* NULL: the value cannot be read, */
    struct eg_str why;        /* and this is the reason */
};
/* In ascending order of the keys. Valid during on_read; ref what is kept. */
struct gw_everything {
    int32_t status;    /* 0, or EG_E_* of the store */
    struct eg_str why; /* the store's text */
    const struct gw_stored *items;
    size_t count;
    uint64_t revision; /* of the store */
};
/* Keys that are none of ours are left out. on_read comes later, never inside the call. */
void gw_catalog_read_all(struct gw_catalog *catalog, uint64_t deadline_ns,
                         void (*on_read)(void *arg, const struct gw_everything *all), void *arg);

#endif
