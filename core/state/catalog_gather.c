/*
 * state/catalog_gather.c - the reads behind a decision of the Config API: every need is one get or
 * list of the storage, all sent at once, answered together. The Config API answers from the store
 * and never from the cache (chapter 2.3); the cache only spares parsing what it has parsed already,
 * and lists that are known to say nothing against a write (catalog_known.c).
 *
 * Thread: control. Ownership: the gather owns its objects and lets go of them after on_gathered.
 */
#include <stdlib.h>

#include "base/check.h"
#include "base/mem.h"
#include "base/slice.h"
#include "base/step_aside.h"
#include "base/why.h"
#include "state/catalog_inner.h"

struct found {
    struct gw_object **objects;
    size_t count;
    uint64_t revision;
    uint32_t mark;
};

struct gather {
    size_t calls_left;
    size_t need_count;
    struct gw_need needs[GW_MAX_NEEDS];
    struct found found[GW_MAX_NEEDS];
    int32_t status[GW_MAX_NEEDS];
    struct eg_why whys[GW_MAX_NEEDS];
    struct gw_task task; /* nothing was needed */
    struct gw_arena arena;
    struct eg_str space;
    void (*on_gathered)(void *arg, const struct gw_gathered *gathered);
    void *arg;
};

static void gather_free(struct gather *gather) {
    for (size_t i = 0; i < gather->need_count; i++) {
        for (size_t k = 0; k < gather->found[i].count; k++) {
            gw_object_unref(gather->found[i].objects[k]);
        }
    }
    gw_arena_free(&gather->arena);
    gw_free(gather);
}

static void tell(struct gather *gather) {
    struct gw_gathered gathered = {0};
    for (size_t i = 0; i < gather->need_count; i++) {
        gathered.objects[i] = gather->found[i].objects;
        gathered.counts[i] = gather->found[i].count;
        gathered.revisions[i] = gather->found[i].revision;
        gathered.marks[i] = gather->found[i].mark;
        if (gathered.status == EG_OK && gather->status[i] < 0) {
            gathered.status = gather->status[i];
            gathered.why = gw_why_str(&gather->whys[i]);
        }
    }
    gather->on_gathered(gather->arg, &gathered);
    gather_free(gather);
}

/* ---- one value ---- */

/* EG_E_NOTFOUND for keys that are none of this need: directory keys, other kinds. */
static int32_t load(struct gw_catalog *catalog, const struct gw_need *need, struct eg_str key,
                    struct eg_str value, uint64_t revision, struct gw_object **ret_object,
                    struct eg_why *ret_why) {
    enum gw_kind kind = GW_KINDS;
    struct eg_str space = {0};
    struct eg_str id = {0};
    if (gw_store_key_parse(key, &kind, &space, &id) < 0 || kind != need->kind) {
        return EG_E_NOTFOUND;
    }
    const struct gw_record *known = gw_content_get(&catalog->content, key);
    if (gw_record_says(known, revision, value) && known->object != NULL) {
        *ret_object = gw_object_ref(known->object);
        return EG_OK;
    }
    const int32_t rc = gw_object_load(kind, space, id, revision, value, ret_object, ret_why);
    return rc < 0 ? EG_E_SYNTAX : rc;
}

static int32_t take_one(struct gw_store_call *call, struct gather *gather,
                        const struct eg_result *result) {
    const size_t i = call->place;
    const struct eg_str value = gw_str(result->body.ptr, result->body.len);
    gather->found[i].revision = result->revision;
    gather->found[i].mark = gw_value_mark(value);
    if (gather->needs[i].is_mark_only) {
        return EG_OK;
    }
    struct gw_object **objects = gw_arena_zalloc(&gather->arena, sizeof(struct gw_object *));
    const int32_t rc = load(call->catalog, &gather->needs[i], gw_bytes_str(&call->key), value,
                            result->revision, objects, &gather->whys[i]);
    gather->found[i].objects = objects;
    gather->found[i].count = rc == EG_OK ? 1 : 0;
    return rc == EG_E_NOTFOUND ? EG_OK : rc;
}

static int by_id_descending(const void *a, const void *b) {
    const struct gw_object *const *left = a;
    const struct gw_object *const *right = b;
    return gw_str_cmp((*right)->id, (*left)->id);
}

/* Ascending as the store gave them; turned round, since lists descend (Q6). The order is not taken
 * on trust: it is what clients see. */
static void put_in_order(struct found *found) {
    bool is_in_order = true;
    for (size_t i = 0; i < found->count / 2; i++) {
        struct gw_object *first = found->objects[i];
        found->objects[i] = found->objects[found->count - 1 - i];
        found->objects[found->count - 1 - i] = first;
    }
    for (size_t i = 1; i < found->count && is_in_order; i++) {
        is_in_order = by_id_descending(&found->objects[i - 1], &found->objects[i]) <= 0;
    }
    if (!is_in_order) {
        qsort(found->objects, found->count, sizeof found->objects[0], by_id_descending);
    }
}

static int32_t take_list(struct gw_store_call *call, struct gather *gather,
                         const struct eg_result *result) {
    const size_t i = call->place;
    struct found *found = &gather->found[i];
    found->revision = result->revision;
    found->objects = gw_arena_zalloc(
        &gather->arena, gw_size_mul(result->item_count + 1, sizeof(struct gw_object *)));
    for (size_t k = 0; k < result->item_count; k++) {
        const struct eg_item *item = result->items[k];
        gw_step_aside(k, GW_STEP_ASIDE_SHORT);
        const int32_t rc = load(call->catalog, &gather->needs[i], item->key, item->value,
                                item->revision, &found->objects[found->count], &gather->whys[i]);
        if (rc == EG_OK) {
            found->count++;
        } else if (rc != EG_E_NOTFOUND) {
            return rc;
        }
    }
    put_in_order(found);
    return EG_OK;
}

/* ---- calls ---- */

static void on_answer(struct gw_store_call *call, int32_t status, struct eg_str why,
                      struct eg_result *result) {
    struct gather *gather = call->owner;
    const size_t i = call->place;
    const bool is_one = gather->needs[i].id.len > 0;
    if (status == EG_E_NOTFOUND && is_one) {
        status = EG_OK; /* an object that is not there is an answer */
    } else if (status == EG_OK && result != NULL) {
        status = is_one ? take_one(call, gather, result) : take_list(call, gather, result);
        why = gw_why_str(&gather->whys[i]);
    }
    if (status < 0) {
        gather->status[i] = status;
        (void)gw_why(&gather->whys[i], status, "%.*s", GW_FMT(why));
    }
    if (--gather->calls_left == 0) {
        tell(gather);
    }
}

static void send(struct gw_catalog *catalog, struct gather *gather, size_t i,
                 uint64_t deadline_ns) {
    const struct gw_need *need = &gather->needs[i];
    const struct gw_instance *storage = catalog->config.storage;
    struct gw_store_call *call = gw_store_call_create(catalog);
    call->owner = gather;
    call->place = i;
    call->on_answer = on_answer;
    if (need->id.len > 0) {
        gw_store_key(&call->key, need->kind, gather->space, need->id);
    } else {
        gw_store_prefix(&call->key, need->kind, gather->space);
    }
    gw_store_call_begin(call, deadline_ns);
    const struct eg_str key = gw_bytes_str(&call->key);
    gw_store_call_sent(call, need->id.len > 0
                                 ? catalog->ops->get(storage->self, key, &call->op.pub)
                                 : catalog->ops->list(storage->self, key, &call->op.pub));
}

static void on_nothing_needed(struct gw_task *task) {
    tell(GW_CONTAINER(task, struct gather, task));
}

void gw_catalog_gather(struct gw_catalog *catalog, struct eg_str space, const struct gw_need *needs,
                       size_t need_count, uint64_t deadline_ns,
                       void (*on_gathered)(void *arg, const struct gw_gathered *gathered),
                       void *arg) {
    GW_MAGIC_CHECK(catalog, GW_CATALOG_MAGIC);
    GW_ASSERT(need_count <= GW_MAX_NEEDS);
    struct gather *gather = gw_alloc(sizeof *gather);
    gw_arena_init(&gather->arena, 1024);
    gather->space = gw_arena_dup(&gather->arena, space);
    gather->need_count = need_count;
    gather->on_gathered = on_gathered;
    gather->arg = arg;
    for (size_t i = 0; i < need_count; i++) {
        gather->needs[i] = needs[i];
        gather->needs[i].id = gw_arena_dup(&gather->arena, needs[i].id);
        gather->whys[i].struct_size = sizeof gather->whys[i];
        gather->found[i].revision = needs[i].known_at;
        gather->calls_left += needs[i].known_at == 0;
    }
    if (gather->calls_left == 0) {
        gather->task.fn = on_nothing_needed;
        gw_loop_defer(catalog->config.control, &gather->task);
    }
    for (size_t i = 0; i < need_count; i++) {
        if (needs[i].known_at == 0) {
            send(catalog, gather, i, deadline_ns);
        }
    }
}
