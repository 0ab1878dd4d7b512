/* Golden offsets: what a plugin binary relies on, field by field. */
#include <eventgw/plugin.h>

#include "numbers_0_1.h"
#include "unit.h"

struct row {
    const char *where;
    size_t got_offset;
    size_t got_bytes;
    size_t want_offset;
    size_t want_bytes;
};
#define STRUCT(name, bytes) {"struct " #name, 0, sizeof(struct name), 0, bytes},
#define FIELD(name, field, offset, bytes)                                                          \
    {#name "." #field, offsetof(struct name, field), sizeof(((struct name *)0)->field), offset,    \
     bytes},
static const struct row rows[] = {
#include "layout_0_1.h"
};

static void every_field_is_where_it_was(void) {
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct row *row = &rows[i];
        if (row->got_offset != row->want_offset || row->got_bytes != row->want_bytes) {
            printf("  %s: offset %zu size %zu, was %zu %zu\n", row->where, row->got_offset,
                   row->got_bytes, row->want_offset, row->want_bytes);
        }
        CU_ASSERT_EQUAL(row->got_offset, row->want_offset);
        CU_ASSERT_EQUAL(row->got_bytes, row->want_bytes);
    }
}

/* A struct that grows without a row here would not be noticed field by field, but by its size. */
static void structs_begin_with_their_size_but_for_the_frozen_ones(void) {
    static const char *const frozen[] = {"struct eg_str", "struct eg_buf", "struct eg_kv",
                                         "struct eg_str_list", "struct eg_plugin"};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int is_frozen = strncmp(rows[i].where, "struct ", 7) != 0;
        for (size_t k = 0; k < sizeof frozen / sizeof frozen[0]; k++) {
            is_frozen = is_frozen || strcmp(rows[i].where, frozen[k]) == 0;
        }
        if (!is_frozen) {
            CU_ASSERT_PTR_NOT_NULL(strstr(rows[i + 1].where, ".struct_size"));
            CU_ASSERT_EQUAL(rows[i + 1].got_offset, 0);
        }
    }
}

static void numbers_that_cross_have_not_changed(void) {
#define EXPECT_NUMBER(name, value)                                                                 \
    if ((int64_t)(name) != (value)) {                                                              \
        CU_FAIL(#name " is no longer " #value);                                                    \
    }
    ABI_NUMBERS(EXPECT_NUMBER)
}

UNIT_MAIN(UNIT(every_field_is_where_it_was),
          UNIT(structs_begin_with_their_size_but_for_the_frozen_ones),
          UNIT(numbers_that_cross_have_not_changed))
