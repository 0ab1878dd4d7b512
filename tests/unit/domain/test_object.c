/* Unit tests of domain/object.c. */
#include "objects.h"

#include <pthread.h>

static void a_copy_with_another_provider_keeps_everything_else(void) {
    struct gw_object *object = read_object(GW_FUNCTION, NULL,
                                           "{\"functionId\":\"f1\",\"type\":\"http\",\"provider\":"
                                           "{\"url\":\"http://a\",\"x\":1},\"metadata\":"
                                           "{\"b\":\"2\",\"a\":\"1\"}}");
    object->revision = 7;
    struct gw_object *copy = gw_object_with_provider(object, GW_STR("{\"url\":\"http://a\"}"));
    gw_object_unref(object); /* the copy borrows nothing of it */
    CU_ASSERT_EQUAL(copy->revision, 7);
    assert_written(copy, "{\"space\":\"default\",\"functionId\":\"f1\",\"type\":\"http\","
                         "\"provider\":{\"url\":\"http://a\"},\"metadata\":{\"a\":\"1\","
                         "\"b\":\"2\"}}");
    gw_object_unref(copy);
}

static void an_object_lives_until_its_last_reference_is_gone(void) {
    struct gw_object *object = read_object(GW_EVENTTYPE, NULL, "{\"name\":\"a\"}");
    CU_ASSERT_PTR_EQUAL(gw_object_ref(object), object);
    gw_object_unref(object);
    ASSERT_STR(object->id, "a");
    gw_object_unref(object);
    gw_object_unref(NULL);
}

static void *take_and_give(void *arg) {
    for (int i = 0; i < 2000; i++) {
        gw_object_unref(gw_object_ref(arg));
    }
    return NULL;
}

static void references_are_counted_by_several_threads(void) {
    struct gw_object *object = read_object(GW_EVENTTYPE, NULL, "{\"name\":\"a\"}");
    pthread_t threads[4];
    for (size_t i = 0; i < 4; i++) {
        CU_ASSERT_EQUAL_FATAL(pthread_create(&threads[i], NULL, take_and_give, object), 0);
    }
    for (size_t i = 0; i < 4; i++) {
        (void)pthread_join(threads[i], NULL);
    }
    CU_ASSERT_EQUAL(object->refs, 1);
    gw_object_unref(object);
}

UNIT_MAIN(UNIT(a_copy_with_another_provider_keeps_everything_else),
          UNIT(an_object_lives_until_its_last_reference_is_gone),
          UNIT(references_are_counted_by_several_threads))
