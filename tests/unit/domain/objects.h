/*
 * objects.h - what the tests of configuration objects share: reading bodies of clients and
 * comparing what comes out. Slices of answers live until the next call.
 */
#ifndef TESTS_DOMAIN_OBJECTS_H
#define TESTS_DOMAIN_OBJECTS_H

#include "base/slice.h"
#include "domain/object.h"
#include "unit.h"

/* Reads a body sent to space `default`; id NULL = create. Fails the test when it is refused. */
static inline struct gw_object *read_object(enum gw_kind kind, const char *id, const char *body) {
    struct gw_object *object = NULL;
    struct gw_refusal refusal = {0};
    const int32_t rc =
        gw_object_read(kind, GW_STR("default"), gw_str_c(id), gw_str_c(body), &object, &refusal);
    if (rc < 0) {
        printf("  refused: %.*s\n", GW_FMT(gw_why_str(&refusal.why)));
    }
    CU_ASSERT_EQUAL_FATAL(rc, 0);
    CU_ASSERT_PTR_NOT_NULL_FATAL(object);
    return object;
}

/* The body is refused with 400 and this text; in_space NULL = default. */
static inline void assert_refused_in(const char *in_space, enum gw_kind kind, const char *id,
                                     const char *body, const char *text) {
    struct gw_object *object = NULL;
    struct gw_refusal refusal = {0};
    const struct eg_str space = gw_str_c(in_space == NULL ? "default" : in_space);
    CU_ASSERT_TRUE(gw_object_read(kind, space, gw_str_c(id), gw_str_c(body), &object, &refusal) <
                   0);
    CU_ASSERT_PTR_NULL(object);
    CU_ASSERT_EQUAL(refusal.status, 400);
    ASSERT_STR(gw_why_str(&refusal.why), text);
    gw_object_unref(object);
}
static inline void assert_refused(enum gw_kind kind, const char *id, const char *body,
                                  const char *text) {
    assert_refused_in(NULL, kind, id, body, text);
}

static inline void assert_written(const struct gw_object *object, const char *json) {
    struct gw_bytes out;
    gw_bytes_init(&out, 0);
    gw_object_write(&out, object, (struct eg_str){0});
    ASSERT_STR(gw_bytes_str(&out), json);
    gw_bytes_free(&out);
}

/* Read, written, freed. */
static inline void assert_becomes(enum gw_kind kind, const char *id, const char *body,
                                  const char *json) {
    struct gw_object *object = read_object(kind, id, body);
    assert_written(object, json);
    gw_object_unref(object);
}

#endif
