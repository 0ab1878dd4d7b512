/*
 * fuzz_v2017.c - bodies of the Configuration API of 2017: any text, as a function and as a
 * subscription.
 *
 * What is refused is refused with a sentence. What is taken is shown as JSON, and sent back as it
 * was shown it is the same object; a subscription is found by the id that it shows, as it is and
 * escaped.
 */
#include "base/check.h"
#include "base/codec.h"
#include "base/jscan.h"
#include "base/slice.h"
#include "domain/v2017_objects.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct eg_str space = {"default", 7};

static void check_same(const struct gw_object *a, const struct gw_object *b) {
    struct gw_bytes first;
    struct gw_bytes second;
    gw_bytes_init(&first, 0);
    gw_bytes_init(&second, 0);
    gw_object_write(&first, a, (struct eg_str){0});
    gw_object_write(&second, b, (struct eg_str){0});
    GW_ASSERT(gw_str_eq(gw_bytes_str(&first), gw_bytes_str(&second)));
    gw_bytes_free(&first);
    gw_bytes_free(&second);
}

static void check_function(struct eg_str body) {
    struct gw_object *object = NULL;
    struct gw_object *again = NULL;
    struct gw_refusal refusal = {0};
    struct gw_bytes shown;
    if (gw_v2017_function_read(space, (struct eg_str){0}, body, &object, &refusal) < 0) {
        GW_ASSERT(refusal.status == 400 && refusal.why.len > 0);
        return;
    }
    gw_bytes_init(&shown, 0);
    gw_v2017_function_write(&shown, object, (struct eg_str){0});
    GW_ASSERT(gw_json_check(gw_bytes_str(&shown), GW_JSON_DEPTH_MAX, NULL, NULL) == EG_OK);
    if (gw_v2017_function_check(object, &refusal) < 0) {
        GW_ASSERT(refusal.status == 400 && refusal.why.len > 0);
    } else if (gw_json_check(gw_bytes_str(&shown), 0, NULL, NULL) == EG_OK) {
        /* Fields that were lifted lie one level deeper than they were sent. */
        GW_ASSERT(gw_v2017_function_read(space, (struct eg_str){0}, gw_bytes_str(&shown), &again,
                                         &refusal) == EG_OK);
        check_same(object, again);
    }
    gw_bytes_free(&shown);
    gw_object_unref(again);
    gw_object_unref(object);
}

static void check_found(struct gw_object *object, struct gw_arena *arena, struct eg_str raw) {
    const struct gw_v2017_name name = gw_v2017_name(arena, raw);
    GW_ASSERT(gw_v2017_subscription_find(&object, 1, &name) == object);
    GW_ASSERT(gw_v2017_name_shown(&name).len > 0);
}

static void check_id(struct gw_object *object) {
    struct gw_arena arena;
    struct gw_bytes escaped;
    gw_arena_init(&arena, 1024);
    const struct eg_str id = gw_v2017_subscription_id(&arena, object);
    gw_bytes_init_arena(&escaped, &arena, 1024);
    gw_percent_encode_segment(&escaped, id);
    /* An id of an unchecked function may hold a slash, which no function that exists does. */
    if (gw_str_find(id, '/') == id.len && gw_str_find(object->as.subscription.function_id, '%') ==
                                              object->as.subscription.function_id.len) {
        check_found(object, &arena, id);
        check_found(object, &arena, gw_bytes_str(&escaped));
    }
    gw_arena_free(&arena);
}

static void check_subscription(struct eg_str body) {
    struct gw_object *object = NULL;
    struct gw_object *again = NULL;
    struct gw_refusal refusal = {0};
    struct gw_bytes shown;
    if (gw_v2017_subscription_read(space, body, &object, &refusal) < 0) {
        GW_ASSERT(refusal.status == 400 && refusal.why.len > 0);
        return;
    }
    GW_ASSERT(gw_v2017_subscription_is_known(object));
    gw_bytes_init(&shown, 0);
    gw_v2017_subscription_write(&shown, object);
    GW_ASSERT(gw_v2017_subscription_read(space, gw_bytes_str(&shown), &again, &refusal) == EG_OK);
    check_same(object, again);
    check_id(object);
    gw_bytes_free(&shown);
    gw_object_unref(again);
    gw_object_unref(object);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const struct eg_str body = gw_str((const char *)data, size);
    check_function(body);
    check_subscription(body);
    return 0;
}
