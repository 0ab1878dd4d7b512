/*
 * compile.c - from the text of a schema to checks. First the places of all schemas are known
 * (scan.c), then each gets its checks; a $ref may lead to places that no keyword has told, so the
 * two alternate until nothing waits. One thread; the result is only read.
 */
#include "inner.h"

#define ARENA_MAX_BYTES ((size_t)64 << 20) /* of a schema that is 256 KiB at most */

/* ---- telling what is wrong ---- */

static void put_token(struct egx_json *out, struct eg_str name) {
    egx_json_raw(out, EGX_STR("/"));
    for (size_t i = 0; i < name.len && i < NAME_BYTES; i++) {
        const char c = name.ptr[i];
        egx_json_raw(out, c == '~'   ? EGX_STR("~0")
                          : c == '/' ? EGX_STR("~1")
                                     : egx_str_n(name.ptr + i, 1));
    }
}

/* The child of parent that holds the node; its name or number is added. */
static const struct node *child_towards(const struct node *parent, const struct node *node,
                                        struct egx_json *out) {
    const struct node *at = node_first(parent);
    for (uint32_t i = 0; i < parent->count; i++) {
        const struct node *value = parent->kind == NODE_OBJECT ? at + 1 : at;
        if (node < value + value->span) {
            char number[16];
            (void)snprintf(number, sizeof number, "%u", i);
            put_token(out, parent->kind == NODE_OBJECT ? node_text(at) : egx_str_c(number));
            return value;
        }
        at = value + value->span;
    }
    return node;
}

void schema_compile_fail(struct compile *c, int32_t status, const struct node *at,
                         const char *format, ...) {
    char reason[512];
    struct egx_json pointer = egx_json_begin();
    va_list args;
    if (c->status != EG_OK) {
        return;
    }
    c->status = status;
    va_start(args, format);
    const size_t len = egx_vprint(reason, sizeof reason, format, args);
    va_end(args);
    const struct node *on_way = c->schema->tree.nodes;
    while (at != NULL && on_way != at && pointer.len < SCHEMA_POINTER_BYTES) {
        on_way = child_towards(on_way, at, &pointer);
    }
    const struct eg_str place = egx_json_text(&pointer);
    (void)egx_why(c->ret_why, status, "at '%.*s' of the schema: %.*s", EGX_FMT(place), (int)len,
                  reason);
    egx_json_free(&pointer);
}

/* ---- what the builders use ---- */

const struct node *schema_keyword(const struct subschema *s, const char *name) {
    return schema_node_member(s->at, egx_str_c(name));
}

const struct node *schema_keyword_of(struct compile *c, const struct subschema *s, const char *name,
                                     unsigned kinds, const char *wanted) {
    const struct node *value = schema_keyword(s, name);
    if (value != NULL && (KINDS(value->kind) & kinds) == 0) {
        schema_compile_fail(c, EG_E_INVAL, value, "%s is needed", wanted);
        return NULL;
    }
    return value;
}

struct check *schema_add_check(struct compile *c, struct subschema *s, check_fn *run,
                               const struct node *value) {
    struct check *check = schema_arena_alloc(&c->schema->arena, sizeof *check);
    struct check **end = &s->checks;
    check->run = run;
    check->value = value;
    while (*end != NULL) {
        end = &(*end)->next;
    }
    *end = check;
    return check;
}

void schema_build_checks(struct compile *c, struct subschema *s) {
    if (s->at->kind != NODE_OBJECT) {
        return;
    }
    schema_build_refs(c, s);
    if (c->draft == DRAFT_7 && s->checks != NULL && schema_keyword(s, "$ref") != NULL) {
        return; /* what is beside it is ignored there */
    }
    schema_build_values(c, s);
    schema_build_arrays(c, s);
    schema_build_objects(c, s);
    schema_build_logic(c, s);
    schema_build_unevaluated(c, s); /* last: it needs to know what the others have evaluated */
}

/* ---- the whole ---- */

static void choose_draft(struct compile *c) {
    static const struct {
        const char *uri;
        unsigned draft;
    } drafts[] = {{"http://json-schema.org/draft-07/schema", DRAFT_7},
                  {"https://json-schema.org/draft-07/schema", DRAFT_7},
                  {"https://json-schema.org/draft/2020-12/schema", DRAFT_2020}};
    const struct node *root = c->schema->tree.nodes;
    const struct node *told = schema_node_member(root, EGX_STR("$schema"));
    if (told == NULL) {
        return;
    }
    struct eg_str uri = node_text(told);
    if (uri.len > 0 && uri.ptr[uri.len - 1] == '#') {
        uri.len--;
    }
    for (size_t i = 0; i < EGX_COUNT(drafts); i++) {
        if (told->kind == NODE_STRING && egx_str_eq(uri, egx_str_c(drafts[i].uri))) {
            c->draft = drafts[i].draft;
            return;
        }
    }
    schema_compile_fail(c, EG_E_UNSUPPORTED, told, "'%.*s' is neither draft 7 nor 2020-12",
                        NAME_FMT(uri));
}

static void build_all(struct compile *c) {
    schema_scan_all(c);
    while (c->to_build != NULL && c->status == EG_OK) {
        struct subschema *s = c->to_build;
        c->to_build = s->next_waiting;
        if (!s->is_compiled) {
            s->is_compiled = 1;
            schema_build_checks(c, s);
        }
        schema_scan_all(c);
        if (c->schema->arena.used_bytes > ARENA_MAX_BYTES) {
            schema_compile_fail(c, EG_E_TOOBIG, s->at, "the schema takes too much memory");
        }
    }
}

static void compile_root(struct compile *c) {
    struct schema *schema = c->schema;
    const struct node *root = schema->tree.nodes;
    if ((KINDS(root->kind) & KINDS_SCHEMA) == 0) {
        schema_compile_fail(c, EG_E_INVAL, root, "a schema is an object or a boolean");
        return;
    }
    choose_draft(c);
    schema->by_node =
        schema_arena_alloc(&schema->arena, schema->tree.count * sizeof(struct subschema *));
    schema->root = schema_compile_at(c, root, NULL);
    build_all(c);
}

int32_t schema_compile(const struct eg_host *host, struct eg_str text, unsigned draft,
                       struct schema **ret_schema, struct eg_why *ret_why) {
    struct schema *schema = host->mem->alloc(host, sizeof *schema);
    struct compile c = {.schema = schema, .ret_why = ret_why, .draft = draft};
    schema->host = host;
    schema->arena.host = host;
    const struct eg_str own = schema_arena_copy(&schema->arena, text);
    c.status = schema_tree_parse(&schema->tree, host, own);
    if (c.status < 0) {
        (void)egx_why(ret_why, c.status, "the schema is no JSON");
    } else {
        compile_root(&c);
    }
    if (c.status < 0) {
        schema_free(schema);
        return c.status;
    }
    *ret_schema = schema;
    return EG_OK;
}

size_t schema_bytes(const struct schema *schema) {
    return sizeof *schema + schema->arena.used_bytes + schema->tree.strings.used_bytes +
           schema->tree.room * sizeof(struct node);
}

void schema_free(struct schema *schema) {
    if (schema == NULL) {
        return;
    }
    const struct eg_host *host = schema->host;
    schema_patterns_free(schema->patterns);
    schema_tree_free(&schema->tree);
    schema_arena_free(&schema->arena);
    host->mem->free(host, schema);
}
