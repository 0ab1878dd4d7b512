/*
 * fuzz_plugin_provider_weighted.c - a line with a JSON pointer and then any bytes, which are an
 * event, and the settings of a function: the walk stays within them and comes to its end, and what
 * it finds is found again; settings are refused with a sentence, or are a choice in which every
 * number belongs to somebody with a weight.
 */
#include <stdlib.h>

#include <eventgw-sdk/fake_host.h>

#include "base/check.h"
#include "provider_weighted.h"
#include "sticky.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_walk(struct eg_str pointer, struct eg_str json) {
    uint64_t once = PICK_HASH_BEGIN;
    uint64_t again = PICK_HASH_BEGIN;
    char *copy = malloc(json.len + 1); /* of its own, so that its end is seen */
    if (json.len > 0) {
        memcpy(copy, json.ptr, json.len);
    }
    copy = realloc(copy, json.len + (json.len == 0));
    const int found = sticky_hash(egx_str_n(copy, json.len), pointer, &once);
    GW_ASSERT(found == sticky_hash(json, pointer, &again));
    GW_ASSERT(once == again);
    GW_ASSERT(found || once == PICK_HASH_BEGIN);
    free(copy);
}

static void check_choices(const struct weighted_target *target) {
    const uint64_t numbers[] = {0, target->total / 2, target->total - 1};
    for (size_t i = 0; i < EGX_COUNT(numbers); i++) {
        const struct choice *choice = pick_choice(target->choices, target->count, numbers[i]);
        const uint64_t begin = choice == target->choices ? 0 : choice[-1].end;
        GW_ASSERT(numbers[i] >= begin && numbers[i] < choice->end);
        GW_ASSERT(choice->function_id.len > 0);
    }
}

static void check_bind(struct egx_fake *fake, struct eg_str json, struct eg_str pointer) {
    struct weighted_instance instance = {.host = egx_fake_host(fake)};
    const struct weighted_target_settings settings = {.weighted = json, .sticky_by = pointer};
    struct eg_target_traits traits = {.struct_size = sizeof traits};
    struct eg_why why = {.struct_size = sizeof why};
    void *target = NULL;
    if (weighted_bind(&instance, &settings, &target, &traits, &why) < 0) {
        GW_ASSERT(why.len > 0);
    } else {
        check_choices(target);
        weighted_unbind(&instance, target);
    }
    GW_ASSERT(egx_fake_allocations(fake) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const struct eg_str all = egx_str_n((const char *)data, size);
    const char *line = size == 0 ? NULL : memchr(all.ptr, '\n', all.len);
    const size_t len = line == NULL ? 0 : (size_t)(line - all.ptr);
    const struct eg_str pointer = egx_str_n(all.ptr, len);
    const struct eg_str json = egx_str_cut(all, line == NULL ? 0 : len + 1);
    struct egx_fake *fake = egx_fake_new();
    if (sticky_is_pointer(pointer)) {
        check_walk(pointer, json);
    }
    check_bind(fake, json, pointer);
    egx_fake_free(fake);
    return 0;
}
