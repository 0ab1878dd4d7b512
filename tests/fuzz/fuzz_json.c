/*
 * fuzz_json.c - the JSON scanner, the walkers and the trees on any text.
 *
 * Whatever the scanner accepts has to be walkable to its last member, each piece being JSON again;
 * has to become a tree; and what the tree writes has to be accepted and written the same. What it
 * refuses has to be refused with a place inside the text, and the tree has to agree.
 */
#include "base/check.h"
#include "base/codec.h"
#include "base/jscan.h"
#include "base/json.h"
#include "base/jwrite.h"
#include "base/mem.h"
#include "base/slice.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A decoded string is valid UTF-8, and written and decoded again it is the same. */
static void check_string(struct eg_str raw) {
    struct gw_arena arena = {0};
    struct gw_bytes again;
    const struct eg_str text = gw_jstr_decode(&arena, raw);
    GW_ASSERT(gw_utf8_valid(text));
    gw_bytes_init(&again, 0);
    gw_jw_string(&again, text);
    GW_ASSERT(gw_str_eq(gw_jstr_decode(&arena, gw_bytes_str(&again)), text));
    gw_bytes_free(&again);
    gw_arena_free(&arena);
}

static void check_piece(struct gw_jval piece) {
    struct gw_jval same;
    int64_t number = 0;
    GW_ASSERT(gw_json_check(piece.raw, GW_JSON_DEPTH_MAX, &same, NULL) == EG_OK);
    GW_ASSERT(same.type == piece.type && gw_str_eq(same.raw, piece.raw));
    if (piece.type == GW_J_STRING) {
        check_string(piece.raw);
    }
    GW_ASSERT(piece.type == GW_J_NUMBER || gw_jnum_i64(piece, &number) == EG_E_INVAL);
    (void)gw_jnum_i64(piece, &number);
}

/* Walks one way down, always into the last container of a level, and counts what it passes. */
static size_t walk(struct gw_jval value) {
    size_t first_level = 0;
    for (uint32_t depth = 0; value.type == GW_J_OBJECT || value.type == GW_J_ARRAY; depth++) {
        struct gw_jval next = {.type = GW_J_NULL};
        struct gw_jval child;
        struct eg_str name;
        size_t cursor = 0;
        while (value.type == GW_J_OBJECT ? gw_jobj_next(value, &cursor, &name, &child)
                                         : gw_jarr_next(value, &cursor, &child)) {
            first_level += depth == 0;
            check_piece(child);
            if (value.type == GW_J_OBJECT && name.len > 0) {
                check_string(name);
            }
            next = child.type == GW_J_OBJECT || child.type == GW_J_ARRAY ? child : next;
        }
        value = next;
    }
    return first_level;
}

/* The tree of text, written. */
static struct eg_buf rewrite(struct eg_str text, size_t members) {
    struct eg_json *root = NULL;
    struct gw_bytes out;
    gw_bytes_init(&out, 0);
    GW_ASSERT(gw_json_parse(text, false, &root, NULL) == EG_OK);
    GW_ASSERT(gw_json_count(root) <= members);
    for (size_t i = 0; i < gw_json_count(root); i++) {
        GW_ASSERT(gw_json_at(root, i, NULL) != NULL);
    }
    gw_json_write(&out, root);
    gw_json_free(root);
    return gw_bytes_take(&out);
}

static void check_accepted(struct eg_str text, struct gw_jval value) {
    const size_t members = walk(value);
    struct eg_buf once = rewrite(text, members);
    struct eg_buf twice = rewrite(gw_str(once.ptr, once.len), members);
    GW_ASSERT(gw_str_eq(gw_str(once.ptr, once.len), gw_str(twice.ptr, twice.len)));
    gw_buf_release(&once);
    gw_buf_release(&twice);
}

static void check_refused(struct eg_str text, const struct gw_jerror *error) {
    struct eg_json *root = NULL;
    struct eg_why why = {.struct_size = sizeof why};
    GW_ASSERT(error->reason != NULL && error->offset <= text.len);
    GW_ASSERT(!error->at_end || error->offset == text.len);
    GW_ASSERT(gw_json_parse(text, false, &root, &why) < 0 && root == NULL && why.len > 0);
    if (gw_json_parse(text, true, &root, NULL) == EG_OK) {
        gw_json_free(root);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const struct eg_str text = gw_str((const char *)data, size);
    struct gw_jval value;
    struct gw_jerror error = {0};
    if (gw_json_check(text, GW_JSON_DEPTH, &value, &error) == EG_OK) {
        check_accepted(text, value);
    } else {
        check_refused(text, &error);
    }
    return 0;
}
