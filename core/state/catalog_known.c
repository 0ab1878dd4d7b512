/*
 * state/catalog_known.c - decisions that need no list of the space. Whether a path is free or a
 * function unused depends on all objects of a space, and to read these from the store takes
 * milliseconds when there are thousands. The watch has told them already. So the decision is made
 * on the cache, and the write goes with the check that nothing was put since the revision that the
 * cache has all of: where the check holds, the store has nothing that the cache has not, and what
 * the cache has too much (removed, and not told yet) can only make a decision too strict. What
 * would be refused is therefore decided once more on the list; a check that does not hold also is.
 *
 * Rests on what eventgw/storage.h promises of a watch: changes in the order of their revisions,
 * without gaps but for what was overwritten or removed.
 *
 * The scans compare one number of each record. Control thread.
 */
#include "base/check.h"
#include "base/slice.h"
#include "base/step_aside.h"
#include "domain/path_tree.h"
#include "state/catalog_inner.h"

/* A node that has not been told of its own last write would fail the check by that. A list with a
 * value that cannot be read is refused (chapter 2.1), so such values are the store's to tell. */
uint64_t gw_catalog_settled(const struct gw_catalog *catalog) {
    GW_MAGIC_CHECK(catalog, GW_CATALOG_MAGIC);
    const bool is_known = catalog->is_ready && catalog->is_up && !catalog->is_resyncing &&
                          catalog->written <= catalog->revision &&
                          catalog->content.bad_count == 0 && gw_catalog_has_commit(catalog);
    return is_known ? catalog->settled : 0;
}

static bool names(const struct gw_record *record, enum gw_route_ref ref,
                  const struct gw_route_key *name, uint64_t hash) {
    if (record->hashes[ref] != hash) {
        return false;
    }
    const struct gw_route_key key = gw_route_key_of(record->object, ref);
    return gw_str_eq(key.a, name->a) && gw_str_eq(key.b, name->b);
}

static bool is_named(struct gw_catalog *catalog, enum gw_kind by, enum gw_route_ref ref,
                     const struct gw_route_key *name) {
    const uint64_t hash = gw_route_key_hash(name);
    size_t count = 0;
    struct gw_record *const *all = gw_catalog_by_age(catalog, by, &count);
    for (size_t i = 0; i < count; i++) {
        gw_step_aside(i, GW_STEP_ASIDE_LOOK);
        if (names(all[i], ref, name, hash)) {
            return true;
        }
    }
    return false;
}

bool gw_catalog_is_used(struct gw_catalog *catalog, enum gw_kind kind, struct eg_str space,
                        struct eg_str id) {
    const struct gw_route_key name = {.a = space, .b = id};
    GW_ASSERT(kind == GW_FUNCTION || kind == GW_EVENTTYPE);
    if (kind == GW_EVENTTYPE) {
        return is_named(catalog, GW_SUBSCRIPTION, GW_REF_TYPE, &name);
    }
    return is_named(catalog, GW_SUBSCRIPTION, GW_REF_FUNCTION, &name) ||
           is_named(catalog, GW_EVENTTYPE, GW_REF_FUNCTION, &name);
}

/* Two routes (method, event type) or two types of a space with one hash would make a rival too
 * many, which costs a list. */
bool gw_catalog_has_rival(struct gw_catalog *catalog, const struct gw_object *wanted) {
    const struct eg_str path = wanted->as.subscription.path;
    uint64_t hashes[GW_REFS];
    size_t count = 0;
    struct gw_record *const *all = gw_catalog_by_age(catalog, GW_SUBSCRIPTION, &count);
    gw_route_hashes(wanted, hashes);
    for (size_t i = 0; i < count; i++) {
        gw_step_aside(i, GW_STEP_ASIDE_LOOK);
        if (all[i]->hashes[GW_REF_ROUTE] == hashes[GW_REF_ROUTE] &&
            all[i]->hashes[GW_REF_TYPE] == hashes[GW_REF_TYPE] &&
            gw_paths_conflict(all[i]->object->as.subscription.path, path)) {
            return true;
        }
    }
    return false;
}
