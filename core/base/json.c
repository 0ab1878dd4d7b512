/*
 * base/json.c - JSON trees on jansson, the only file that knows it.
 *
 * The text is checked by our own scanner first (one grammar in the whole house, no recursion, the
 * sentences of json.h), then the tree is built in one pass over it. jansson's parser is not used:
 * it recurses, refuses lone surrogates and numbers out of range, and keeps a repeated name in its
 * first place. A tree is immutable after parsing, so any thread may read it.
 */
#include "base/json.h"

#include <jansson.h>
#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include <eventgw/host.h>

#include "base/check.h"
#include "base/jscan.h"
#include "base/jwrite.h"
#include "base/mem.h"
#include "base/slice.h"
#include "base/why.h"

struct builder {
    struct eg_str text;
    size_t at;
    json_t *root;
    struct eg_str name; /* of the member that comes next */
    bool has_name;
    uint32_t depth;
    json_t *open[GW_JSON_DEPTH];
    struct gw_arena scratch;
};

static const json_t *tree(const struct eg_json *value) {
    return (const json_t *)(const void *)value;
}

static const struct eg_json *untree(const json_t *value) {
    return (const struct eg_json *)(const void *)value;
}

static json_t *new_number(struct eg_str raw) {
    int64_t integer = 0;
    const struct gw_jval number = {.type = GW_J_NUMBER, .raw = raw};
    if (gw_jnum_i64(number, &integer) == EG_OK) {
        return json_integer(integer);
    }
    char *text = gw_dup_cstr(raw);
    const double real = strtod(text, NULL);
    gw_free(text);
    /* Out of the range of a double: the nearest one that JSON can write. */
    if (isinf(real)) {
        return json_real(real > 0 ? 1.7976931348623157e308 : -1.7976931348623157e308);
    }
    return json_real(real);
}

static json_t *new_string(struct builder *b, struct eg_str raw) {
    const struct eg_str s = gw_jstr_decode(&b->scratch, raw);
    json_t *value = json_stringn_nocheck(s.len == 0 ? "" : s.ptr, s.len);
    gw_arena_reset(&b->scratch);
    return value;
}

static void attach(struct builder *b, json_t *value) {
    GW_ASSERT(value != NULL);
    if (b->depth == 0) {
        b->root = value;
        return;
    }
    json_t *parent = b->open[b->depth - 1];
    if (!json_is_object(parent)) {
        GW_ASSERT(json_array_append_new(parent, value) == 0);
        return;
    }
    const struct eg_str name = gw_jstr_decode(&b->scratch, b->name);
    const char *key = name.len == 0 ? "" : name.ptr;
    /* The last of a repeated name wins and stands in its own place. */
    (void)json_object_deln(parent, key, name.len);
    GW_ASSERT(json_object_setn_new_nocheck(parent, key, name.len, value) == 0);
    gw_arena_reset(&b->scratch);
    b->has_name = false;
}

/* The raw text of the scalar at b->at; moves behind it. The text is checked, so it ends. */
static struct eg_str take_scalar(struct builder *b) {
    const size_t begin = b->at;
    if (b->text.ptr[b->at] != '"') {
        while (b->at < b->text.len && strchr(" \t\r\n,:]}", b->text.ptr[b->at]) == NULL) {
            b->at++;
        }
        return gw_str_sub(b->text, begin, b->at - begin);
    }
    for (b->at++; b->text.ptr[b->at] != '"'; b->at++) {
        b->at += b->text.ptr[b->at] == '\\';
    }
    b->at++;
    return gw_str_sub(b->text, begin, b->at - begin);
}

static json_t *new_scalar(struct builder *b, struct eg_str raw) {
    switch (raw.ptr[0]) {
    case '"':
        return new_string(b, raw);
    case 't':
        return json_true();
    case 'f':
        return json_false();
    case 'n':
        return json_null();
    default:
        return new_number(raw);
    }
}

static void build_scalar(struct builder *b) {
    const struct eg_str raw = take_scalar(b);
    const bool in_object = b->depth > 0 && json_is_object(b->open[b->depth - 1]);
    if (in_object && !b->has_name) {
        b->name = raw;
        b->has_name = true;
        return;
    }
    attach(b, new_scalar(b, raw));
}

static void open_container(struct builder *b, json_t *container) {
    attach(b, container);
    b->open[b->depth++] = container;
    b->at++;
}

static void build(struct builder *b) {
    while (b->at < b->text.len) {
        switch (b->text.ptr[b->at]) {
        case ' ':
        case '\t':
        case '\r':
        case '\n':
        case ',':
        case ':':
            b->at++;
            break;
        case '{':
            open_container(b, json_object());
            break;
        case '[':
            open_container(b, json_array());
            break;
        case '}':
        case ']':
            b->at++;
            b->depth--;
            break;
        default:
            build_scalar(b);
        }
    }
}

static int32_t refuse(struct eg_why *ret_why, int32_t rc, struct eg_str text,
                      const struct gw_jerror *error) {
    struct gw_bytes sentence;
    gw_bytes_init(&sentence, 0);
    gw_jerror_write(&sentence, text, error);
    const int32_t code = gw_why(ret_why, rc, "%.*s", GW_FMT(gw_bytes_str(&sentence)));
    gw_bytes_free(&sentence);
    return code;
}

int32_t gw_json_parse(struct eg_str text, bool allow_tail, struct eg_json **ret_root,
                      struct eg_why *ret_why) {
    struct gw_jval value;
    struct gw_jerror error;
    const int32_t rc = allow_tail ? gw_json_check_first(text, GW_JSON_DEPTH, &value, &error)
                                  : gw_json_check(text, GW_JSON_DEPTH, &value, &error);
    if (rc < 0) {
        return refuse(ret_why, rc, text, &error);
    }
    struct builder b = {.text = value.raw};
    build(&b);
    gw_arena_free(&b.scratch);
    GW_ASSERT(b.root != NULL && b.depth == 0);
    *ret_root = (struct eg_json *)(void *)b.root;
    return EG_OK;
}

/*
 * jansson's objects are linked lists: the n-th member is n steps away. Walking an object by index
 * would be quadratic, and its size is a stranger's choice, so each thread remembers where its last
 * look-up ended. Freeing any tree makes all such memories void.
 */
static atomic_uint_fast64_t trees_freed;
static _Thread_local struct {
    const json_t *object;
    size_t index;
    void *iter;
    uint64_t trees_freed;
} last_look;

void gw_json_free(struct eg_json *root) {
    if (root != NULL) {
        atomic_fetch_add(&trees_freed, 1);
        json_decref((json_t *)(void *)root);
    }
}

static void *iter_at(const json_t *object, size_t index) {
    json_t *writable = (json_t *)(uintptr_t)object; /* jansson's iterators take no const */
    const uint64_t freed = atomic_load(&trees_freed);
    size_t at = 0;
    void *iter = NULL;
    if (last_look.object == object && last_look.trees_freed == freed && last_look.index <= index) {
        at = last_look.index;
        iter = last_look.iter;
    } else {
        iter = json_object_iter(writable);
    }
    for (; at < index; at++) {
        iter = json_object_iter_next(writable, iter);
    }
    last_look.object = object;
    last_look.index = index;
    last_look.iter = iter;
    last_look.trees_freed = freed;
    return iter;
}

uint32_t gw_json_kind(const struct eg_json *value) {
    static const uint32_t kinds[] = {[JSON_OBJECT] = EG_JSON_OBJECT, [JSON_ARRAY] = EG_JSON_ARRAY,
                                     [JSON_STRING] = EG_JSON_STRING, [JSON_INTEGER] = EG_JSON_INT,
                                     [JSON_REAL] = EG_JSON_REAL,     [JSON_TRUE] = EG_JSON_BOOL,
                                     [JSON_FALSE] = EG_JSON_BOOL,    [JSON_NULL] = EG_JSON_NULL};
    return value == NULL ? EG_JSON_NULL : kinds[json_typeof(tree(value))];
}

const char *gw_json_kind_name(const struct eg_json *value) {
    static const char *const names[] = {
        [EG_JSON_NULL] = "null",    [EG_JSON_BOOL] = "bool",     [EG_JSON_INT] = "number",
        [EG_JSON_REAL] = "number",  [EG_JSON_STRING] = "string", [EG_JSON_ARRAY] = "array",
        [EG_JSON_OBJECT] = "object"};
    return names[gw_json_kind(value)];
}

size_t gw_json_count(const struct eg_json *value) {
    return json_is_object(tree(value)) ? json_object_size(tree(value))
                                       : json_array_size(tree(value));
}

const struct eg_json *gw_json_member(const struct eg_json *object, struct eg_str name) {
    const char *key = name.len == 0 ? "" : name.ptr;
    return untree(json_object_getn(tree(object), key, name.len));
}

const struct eg_json *gw_json_member_nocase(const struct eg_json *object, struct eg_str name) {
    json_t *writable = (json_t *)(uintptr_t)tree(object);
    const json_t *found = NULL;
    for (void *i = json_object_iter(writable); i != NULL; i = json_object_iter_next(writable, i)) {
        const struct eg_str key = gw_str(json_object_iter_key(i), json_object_iter_key_len(i));
        if (gw_str_eq_nocase(key, name)) {
            found = json_object_iter_value(i);
        }
    }
    return untree(found);
}

const struct eg_json *gw_json_at(const struct eg_json *container, size_t index,
                                 struct eg_str *ret_name) {
    struct eg_str name = {0};
    const json_t *value = NULL;
    if (index < gw_json_count(container)) {
        if (json_is_object(tree(container))) {
            void *iter = iter_at(tree(container), index);
            name = gw_str(json_object_iter_key(iter), json_object_iter_key_len(iter));
            value = json_object_iter_value(iter);
        } else {
            value = json_array_get(tree(container), index);
        }
    }
    if (ret_name != NULL) {
        *ret_name = name;
    }
    return untree(value);
}

struct eg_str gw_json_string(const struct eg_json *value) {
    return gw_str(json_string_value(tree(value)), json_string_length(tree(value)));
}

int64_t gw_json_integer(const struct eg_json *value) {
    return json_is_true(tree(value)) ? 1 : (int64_t)json_integer_value(tree(value));
}

double gw_json_real(const struct eg_json *value) {
    return json_number_value(tree(value));
}

static void write_real(struct gw_bytes *out, double value) {
    char text[40];
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, value);
        if (strtod(text, NULL) == value) {
            break;
        }
    }
    gw_bytes_add_c(out, text);
    if (strpbrk(text, ".e") == NULL) {
        gw_bytes_add(out, GW_STR(".0")); /* stays a real when it is read again */
    }
}

static void write_scalar(struct gw_bytes *out, const json_t *value) {
    switch (json_typeof(value)) {
    case JSON_STRING:
        gw_jw_string(out, gw_json_string(untree(value)));
        break;
    case JSON_INTEGER:
        gw_bytes_add_i64(out, json_integer_value(value));
        break;
    case JSON_REAL:
        write_real(out, json_real_value(value));
        break;
    default:
        gw_bytes_add_c(out, json_is_true(value) ? "true" : json_is_false(value) ? "false" : "null");
    }
}

struct writer_level {
    json_t *container;
    void *iter;   /* object: the next member */
    size_t index; /* array: the next item */
};

static bool is_container(const json_t *value) {
    return json_is_object(value) || json_is_array(value);
}

/* The next value of the level, with its name and comma written; NULL at the end. */
static json_t *write_step(struct gw_bytes *out, struct writer_level *level, bool is_first) {
    json_t *value;
    if (json_is_array(level->container)) {
        value = json_array_get(level->container, level->index++);
        if (value != NULL && !is_first) {
            gw_bytes_add_char(out, ',');
        }
        return value;
    }
    if (level->iter == NULL) {
        return NULL;
    }
    if (!is_first) {
        gw_bytes_add_char(out, ',');
    }
    gw_jw_string(out,
                 gw_str(json_object_iter_key(level->iter), json_object_iter_key_len(level->iter)));
    gw_bytes_add_char(out, ':');
    value = json_object_iter_value(level->iter);
    level->iter = json_object_iter_next(level->container, level->iter);
    return value;
}

static struct writer_level write_open(struct gw_bytes *out, json_t *container) {
    gw_bytes_add_char(out, json_is_object(container) ? '{' : '[');
    return (struct writer_level){.container = container, .iter = json_object_iter(container)};
}

void gw_json_write(struct gw_bytes *out, const struct eg_json *value) {
    struct writer_level levels[GW_JSON_DEPTH];
    uint32_t depth = 0;
    json_t *root = value == NULL ? json_null() : (json_t *)(uintptr_t)tree(value);
    if (!is_container(root)) {
        write_scalar(out, root);
        return;
    }
    levels[depth++] = write_open(out, root);
    bool is_first = true;
    while (depth > 0) {
        struct writer_level *level = &levels[depth - 1];
        json_t *next = write_step(out, level, is_first);
        is_first = false;
        if (next == NULL) {
            gw_bytes_add_char(out, json_is_object(level->container) ? '}' : ']');
            depth--;
        } else if (is_container(next)) {
            GW_ASSERT(depth < GW_JSON_DEPTH);
            levels[depth++] = write_open(out, next);
            is_first = true;
        } else {
            write_scalar(out, next);
        }
    }
}
