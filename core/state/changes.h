/*
 * state/changes.h - which keys of a content were changed since somebody began to ask, so that a
 * snapshot can be made out of the one before and these. A few only: beyond that it is made anew.
 * One thread.
 */
#ifndef GW_STATE_CHANGES_H
#define GW_STATE_CHANGES_H

#include "base/map.h"
#include "domain/kinds.h"

#define GW_CHANGES_MAX 64u

struct gw_changed {
    struct eg_str key; /* behind the struct, in the same block */
    uint64_t born;     /* of what was there when it began; 0: nothing that could be read */
};

struct gw_changes {
    struct gw_map keys; /* key -> struct gw_changed */
    uint64_t since;     /* the beginning, by its number; 0: nothing is kept, anything may differ */
};

/* From now on changes are kept, none was made yet. The number is a new one in this process. */
uint64_t gw_changes_begin(struct gw_changes *changes);
void gw_changes_note(struct gw_changes *changes, struct eg_str key, uint64_t born);
void gw_changes_free(struct gw_changes *changes); /* keeps none any more */

#endif
