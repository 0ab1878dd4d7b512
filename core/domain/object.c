/*
 * domain/object.c - life of a configuration object: made, counted, copied, freed. An object never
 * changes once others can see it, so a change is a new object. References are atomic: catalog and
 * snapshots of all threads share objects.
 */
#include "base/check.h"
#include "base/mem.h"
#include "base/slice.h"
#include "domain/object_fields.h"

#define FIRST_CHUNK_BYTES 512u

struct gw_object *gw_object_create(enum gw_kind kind, struct eg_str space, struct eg_str id) {
    GW_ASSERT(kind < GW_KINDS);
    struct gw_object *object = gw_alloc(sizeof *object);
    object->magic = GW_OBJECT_MAGIC;
    object->kind = kind;
    object->refs = 1;
    gw_arena_init(&object->arena, FIRST_CHUNK_BYTES);
    object->space = gw_arena_dup(&object->arena, space);
    object->id = gw_arena_dup(&object->arena, id);
    return object;
}

struct gw_object *gw_object_ref(struct gw_object *object) {
    GW_MAGIC_CHECK(object, GW_OBJECT_MAGIC);
    (void)__atomic_add_fetch(&object->refs, 1, __ATOMIC_RELAXED);
    return object;
}

void gw_object_unref(struct gw_object *object) {
    if (object == NULL) {
        return;
    }
    GW_MAGIC_CHECK(object, GW_OBJECT_MAGIC);
    const uint32_t left = __atomic_sub_fetch(&object->refs, 1, __ATOMIC_ACQ_REL);
    GW_ASSERT(left != UINT32_MAX);
    if (left > 0) {
        return;
    }
    object->magic = 0;
    gw_arena_free(&object->arena);
    gw_free(object);
}

void gw_object_copy_metadata(struct gw_object *object, const struct gw_object *from) {
    GW_MAGIC_CHECK(object, GW_OBJECT_MAGIC);
    GW_MAGIC_CHECK(from, GW_OBJECT_MAGIC);
    const size_t count = from->metadata_count;
    struct eg_kv *pairs = NULL;
    if (count > 0) {
        pairs = gw_arena_alloc(&object->arena, gw_size_mul(count, sizeof *pairs));
    }
    for (size_t i = 0; i < count; i++) {
        pairs[i].name = gw_arena_dup(&object->arena, from->metadata[i].name);
        pairs[i].value = gw_arena_dup(&object->arena, from->metadata[i].value);
    }
    object->metadata = pairs;
    object->metadata_count = count;
}

struct gw_object *gw_object_with_provider(const struct gw_object *object,
                                          struct eg_str provider_json) {
    GW_MAGIC_CHECK(object, GW_OBJECT_MAGIC);
    GW_ASSERT(object->kind == GW_FUNCTION);
    struct gw_object *copy = gw_object_create(object->kind, object->space, object->id);
    copy->revision = object->revision;
    copy->as.function.type = gw_arena_dup(&copy->arena, object->as.function.type);
    copy->as.function.provider_json = gw_arena_dup(&copy->arena, provider_json);
    gw_object_copy_metadata(copy, object);
    return copy;
}
