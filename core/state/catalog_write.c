/*
 * state/catalog_write.c - the one write behind a decision of the Config API. What the decision has
 * read goes with it as checks, so that a store with `commit` does both in one step: a function
 * cannot be removed while somebody subscribes to it elsewhere. Stores without it (ABI 0.1, or those
 * that can only write one key at a time) get the plain put or remove; then only the object itself
 * is safe from races with other gateways.
 *
 * Thread: control. Ownership: all that the storage borrows lives in the call, which lives until the
 * storage has ended it, however late; the object is held until the answer.
 */
#include "base/check.h"
#include "base/mem.h"
#include "base/slice.h"
#include "state/catalog_inner.h"

#define KEY_BYTES 128u

/* ---- checks ---- */

bool gw_catalog_has_commit(const struct gw_catalog *catalog) {
    return EG_HAS(catalog->ops, commit) && catalog->ops->commit != NULL;
}

static struct eg_check make_check(struct gw_arena *arena, struct eg_str space,
                                  const struct gw_basis *basis) {
    const bool is_one = basis->need.id.len > 0;
    struct gw_bytes key;
    gw_bytes_init_arena(&key, arena, KEY_BYTES);
    if (is_one) {
        gw_store_key(&key, basis->need.kind, space, basis->need.id);
    } else {
        gw_store_prefix(&key, basis->need.kind, space);
    }
    return (struct eg_check){.struct_size = sizeof(struct eg_check),
                             .kind = is_one ? EG_CHECK_KEY : EG_CHECK_PREFIX,
                             .key = gw_bytes_str(&key),
                             .revision = basis->revision};
}

static const struct eg_check *const *make_checks(struct gw_arena *arena, struct eg_str space,
                                                 const struct gw_catalog_write *write) {
    const size_t count = write->basis_count;
    struct eg_check *checks = gw_arena_zalloc(arena, (count + 1) * sizeof *checks);
    const struct eg_check **list = gw_arena_zalloc(arena, (count + 1) * sizeof(struct eg_check *));
    for (size_t i = 0; i < count; i++) {
        checks[i] = make_check(arena, space, &write->bases[i]);
        list[i] = &checks[i];
    }
    return list;
}

/* ---- the write ---- */

static int32_t send(struct gw_store_call *call, struct eg_str space,
                    const struct gw_catalog_write *write) {
    const struct eg_storage_ops *ops = call->catalog->ops;
    void *self = call->catalog->config.storage->self;
    const bool is_removal = write->object == NULL;
    const struct eg_str key = gw_bytes_str(&call->key);
    const struct eg_str value = gw_bytes_str(&call->value);
    if (!gw_catalog_has_commit(call->catalog)) {
        return is_removal ? ops->remove(self, key, write->expect_revision, &call->op.pub)
                          : ops->put(self, key, value, write->expect_revision, &call->op.pub);
    }
    struct eg_commit *commit = gw_arena_zalloc(&call->arena, sizeof *commit);
    *commit = (struct eg_commit){.struct_size = sizeof *commit,
                                 .is_removal = is_removal ? 1 : 0,
                                 .key = key,
                                 .value = value,
                                 .expect_revision = write->expect_revision,
                                 .checks = make_checks(&call->arena, space, write),
                                 .check_count = write->basis_count};
    return ops->commit(self, commit, &call->op.pub);
}

static void on_answer(struct gw_store_call *call, int32_t status, struct eg_str why,
                      struct eg_result *result) {
    const struct gw_catalog_write *write = call->owner;
    const uint64_t revision = status == EG_OK && result != NULL ? result->revision : 0;
    if (write->object != NULL && write->object->revision == 0) {
        write->object->revision = revision;
    }
    gw_catalog_note_written(call->catalog, revision);
    gw_object_unref(write->object);
    write->on_written(write->arg, status, why, revision);
}

void gw_catalog_write(struct gw_catalog *catalog, const struct gw_catalog_write *write) {
    GW_MAGIC_CHECK(catalog, GW_CATALOG_MAGIC);
    GW_ASSERT(write->basis_count <= GW_MAX_NEEDS);
    struct gw_object *object = write->object;
    struct gw_store_call *call = gw_store_call_create(catalog);
    struct gw_catalog_write *copy = gw_arena_zalloc(&call->arena, sizeof *copy);
    const struct eg_str space = object != NULL ? object->space : write->space;
    *copy = *write;
    call->owner = copy;
    call->on_answer = on_answer;
    if (object != NULL) {
        (void)gw_object_ref(object);
        gw_store_key(&call->key, object->kind, object->space, object->id);
        gw_object_write(&call->value, object, (struct eg_str){0});
    } else {
        gw_store_key(&call->key, write->kind, write->space, write->id);
    }
    gw_store_call_begin(call, write->deadline_ns);
    gw_store_call_sent(call, send(call, space, write));
}
