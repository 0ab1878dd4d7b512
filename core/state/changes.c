/* state/changes.c - see changes.h. */
#include "state/changes.h"

#include <stdatomic.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "base/slice.h"

static atomic_uint_fast64_t last_number;

void gw_changes_free(struct gw_changes *changes) {
    const struct gw_map_slot *slot = NULL;
    for (size_t i = 0; (slot = gw_map_next(&changes->keys, &i)) != NULL;) {
        gw_free(slot->value);
    }
    gw_map_free(&changes->keys);
    changes->since = 0;
}

uint64_t gw_changes_begin(struct gw_changes *changes) {
    gw_changes_free(changes);
    changes->since = atomic_fetch_add(&last_number, 1) + 1;
    return changes->since;
}

void gw_changes_note(struct gw_changes *changes, struct eg_str key, uint64_t born) {
    if (changes->since == 0 || gw_map_get(&changes->keys, key) != NULL) {
        return;
    }
    if (changes->keys.count == GW_CHANGES_MAX) {
        gw_changes_free(changes);
        return;
    }
    struct gw_changed *changed = gw_alloc(gw_size_add(sizeof *changed, key.len));
    char *bytes = (char *)(changed + 1);
    if (key.len > 0) {
        memcpy(bytes, key.ptr, key.len);
    }
    *changed = (struct gw_changed){.key = gw_str(bytes, key.len), .born = born};
    (void)gw_map_put(&changes->keys, changed->key, changed);
}
