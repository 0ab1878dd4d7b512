/*
 * scan.c - where schemas begin in the text, which URIs and anchors they have, and what a $ref
 * leads to. What waits is kept in stacks of its own, so nothing recurses. Compiling thread.
 */
#include "inner.h"

#include <eventgw-sdk/egx_http.h>

enum shape { ONE, LIST, MAP, ONE_OR_LIST, NEEDS };

/* Keywords that hold schemas. */
static const struct {
    const char *name;
    unsigned drafts;
    enum shape shape;
} holders[] = {
    {"$defs", DRAFT_2020, MAP},
    {"definitions", DRAFT_7 | DRAFT_2020, MAP},
    {"properties", DRAFT_7 | DRAFT_2020, MAP},
    {"patternProperties", DRAFT_7 | DRAFT_2020, MAP},
    {"dependentSchemas", DRAFT_2020, MAP},
    {"dependencies", DRAFT_7 | DRAFT_2020, NEEDS},
    {"items", DRAFT_7, ONE_OR_LIST},
    {"items", DRAFT_2020, ONE},
    {"prefixItems", DRAFT_2020, LIST},
    {"allOf", DRAFT_7 | DRAFT_2020, LIST},
    {"anyOf", DRAFT_7 | DRAFT_2020, LIST},
    {"oneOf", DRAFT_7 | DRAFT_2020, LIST},
    {"additionalItems", DRAFT_7, ONE},
    {"additionalProperties", DRAFT_7 | DRAFT_2020, ONE},
    {"contains", DRAFT_7 | DRAFT_2020, ONE},
    {"propertyNames", DRAFT_7 | DRAFT_2020, ONE},
    {"not", DRAFT_7 | DRAFT_2020, ONE},
    {"if", DRAFT_7 | DRAFT_2020, ONE},
    {"then", DRAFT_7 | DRAFT_2020, ONE},
    {"else", DRAFT_7 | DRAFT_2020, ONE},
    {"unevaluatedItems", DRAFT_2020, ONE},
    {"unevaluatedProperties", DRAFT_2020, ONE},
};

struct subschema *schema_compile_at(struct compile *c, const struct node *at,
                                    struct resource *resource) {
    struct schema *schema = c->schema;
    struct subschema **place = &schema->by_node[at - schema->tree.nodes];
    if (*place == NULL) {
        struct subschema *s = schema_arena_alloc(&schema->arena, sizeof *s);
        s->at = at;
        s->resource = resource;
        s->never = at->kind == NODE_FALSE;
        s->next_waiting = c->to_scan;
        c->to_scan = s;
        *place = s;
    }
    return *place;
}

/* ---- identifiers ---- */

static void add_anchor(struct compile *c, struct subschema *s, struct eg_str name, int is_dynamic) {
    struct anchor *anchor = schema_arena_alloc(&c->schema->arena, sizeof *anchor);
    *anchor = (struct anchor){.resource = s->resource,
                              .name = name,
                              .schema = s,
                              .is_dynamic = is_dynamic,
                              .next = c->schema->anchors};
    c->schema->anchors = anchor;
}

static struct resource *add_resource(struct compile *c, struct subschema *root, struct eg_str uri) {
    struct resource *resource = schema_arena_alloc(&c->schema->arena, sizeof *resource);
    resource->uri = uri;
    resource->root = root;
    resource->next = c->schema->resources;
    c->schema->resources = resource;
    return resource;
}

static void scan_id(struct compile *c, struct subschema *s) {
    const struct node *id = schema_keyword_of(c, s, "$id", KINDS(NODE_STRING), "a string");
    const struct eg_str base = s->resource == NULL ? egx_str_n(NULL, 0) : s->resource->uri;
    struct eg_str fragment = {0};
    struct eg_str uri = base;
    if (id != NULL) {
        uri = schema_uri_resolve(&c->schema->arena, base, node_text(id), &fragment);
    }
    const int is_anchor = id != NULL && id->len > 0 && id->text[0] == '#';
    if (s->resource == NULL || (id != NULL && !is_anchor)) {
        s->resource = add_resource(c, s, uri);
    }
    if (fragment.len > 0 && c->draft == DRAFT_7) { /* there it is what $anchor is later */
        add_anchor(c, s, fragment, 0);
    }
}

static void scan_anchors(struct compile *c, struct subschema *s) {
    static const char *const names[] = {"$anchor", "$dynamicAnchor"};
    for (size_t i = 0; c->draft == DRAFT_2020 && i < EGX_COUNT(names); i++) {
        const struct node *anchor =
            schema_keyword_of(c, s, names[i], KINDS(NODE_STRING), "a string");
        if (anchor != NULL) {
            add_anchor(c, s, node_text(anchor), i == 1);
        }
    }
}

/* ---- schemas below ---- */

static void scan_child(struct compile *c, const struct subschema *s, const struct node *child) {
    if ((KINDS(child->kind) & KINDS_SCHEMA) == 0) {
        schema_compile_fail(c, EG_E_INVAL, child, "a schema is an object or a boolean");
        return;
    }
    (void)schema_compile_at(c, child, s->resource);
}

static void scan_list(struct compile *c, const struct subschema *s, const struct node *list) {
    const struct node *at = node_first(list);
    for (uint32_t i = 0; i < list->count; i++, at += at->span) {
        scan_child(c, s, at);
    }
}

static void scan_map(struct compile *c, const struct subschema *s, const struct node *map,
                     int may_need) {
    const struct node *at = node_first(map);
    for (uint32_t i = 0; i < map->count; i++, at += 1 + at[1].span) {
        if (!may_need || at[1].kind != NODE_ARRAY) {
            scan_child(c, s, at + 1);
        }
    }
}

static void scan_holder(struct compile *c, const struct subschema *s, const struct node *value,
                        enum shape shape) {
    const int wants_list = shape == LIST || (shape == ONE_OR_LIST && value->kind == NODE_ARRAY);
    if (shape == MAP || shape == NEEDS) {
        if (value->kind != NODE_OBJECT) {
            schema_compile_fail(c, EG_E_INVAL, value, "an object of schemas is needed");
            return;
        }
        scan_map(c, s, value, shape == NEEDS);
    } else if (wants_list) {
        if (value->kind != NODE_ARRAY || (value->count == 0 && shape == LIST)) {
            schema_compile_fail(c, EG_E_INVAL, value, "a list of at least one schema is needed");
            return;
        }
        scan_list(c, s, value);
    } else {
        scan_child(c, s, value);
    }
}

/* In draft 7 everything beside a $ref is ignored. */
static int is_bare_ref(const struct compile *c, const struct subschema *s) {
    return c->draft == DRAFT_7 && schema_keyword(s, "$ref") != NULL;
}

static void scan(struct compile *c, struct subschema *s) {
    if (s->at->kind != NODE_OBJECT || is_bare_ref(c, s)) {
        s->resource = s->resource == NULL ? add_resource(c, s, egx_str_n(NULL, 0)) : s->resource;
        return;
    }
    scan_id(c, s);
    scan_anchors(c, s);
    for (size_t i = 0; i < EGX_COUNT(holders); i++) {
        const struct node *value = schema_keyword(s, holders[i].name);
        if (value != NULL && (holders[i].drafts & c->draft) != 0) {
            scan_holder(c, s, value, holders[i].shape);
        }
    }
}

void schema_scan_all(struct compile *c) {
    while (c->to_scan != NULL && c->status == EG_OK) {
        struct subschema *s = c->to_scan;
        c->to_scan = s->next_waiting;
        scan(c, s);
        s->next_waiting = c->to_build;
        c->to_build = s;
    }
}

/* ---- references ---- */

static struct resource *find_resource(const struct schema *schema, struct eg_str uri) {
    struct resource *r = schema->resources;
    while (r != NULL && !egx_str_eq(r->uri, uri)) {
        r = r->next;
    }
    return r;
}

const struct anchor *schema_find_anchor(const struct schema *schema,
                                        const struct resource *resource, struct eg_str name) {
    const struct anchor *a = schema->anchors;
    while (a != NULL && (a->resource != resource || !egx_str_eq(a->name, name))) {
        a = a->next;
    }
    return a;
}

/* RFC 6901 4: "~1" is "/", "~0" is "~". In place. */
static struct eg_str pointer_token(char *token, size_t len) {
    size_t out = 0;
    for (size_t i = 0; i < len; i++) {
        const int is_escape = token[i] == '~' && i + 1 < len;
        token[out++] = is_escape ? (token[i + 1] == '1' ? '/' : '~') : token[i];
        i += (size_t)is_escape;
    }
    return egx_str_n(token, out);
}

static const struct node *step_into(const struct node *at, struct eg_str token) {
    if (at->kind != NODE_ARRAY) {
        return schema_node_member(at, token);
    }
    const int64_t index = egx_digits(token);
    if (index < 0 || index >= (int64_t)at->count) {
        return NULL;
    }
    const struct node *item = node_first(at);
    for (int64_t i = 0; i < index; i++) {
        item += item->span;
    }
    return item;
}

/* pointer begins with '/', or is empty. A schema on the way may begin another resource. */
static struct subschema *follow_pointer(struct compile *c, struct resource *resource,
                                        struct eg_str pointer) {
    const struct schema *schema = c->schema;
    struct eg_str rest = schema_arena_copy(&c->schema->arena, pointer);
    const struct node *at = resource->root->at;
    while (rest.len > 0) {
        size_t n = 1;
        while (n < rest.len && rest.ptr[n] != '/') {
            n++;
        }
        char *token = (char *)(uintptr_t)(rest.ptr + 1); /* the copy above */
        at = step_into(at, pointer_token(token, n - 1));
        rest = egx_str_cut(rest, n);
        if (at == NULL) {
            return NULL;
        }
        const struct subschema *passed = schema->by_node[at - schema->tree.nodes];
        resource = passed != NULL && passed->resource != NULL ? passed->resource : resource;
    }
    return (KINDS(at->kind) & KINDS_SCHEMA) == 0 ? NULL : schema_compile_at(c, at, resource);
}

struct subschema *schema_resolve_ref(struct compile *c, const struct subschema *from,
                                     struct eg_str ref, struct eg_str *ret_anchor) {
    struct eg_str fragment = {0};
    const struct eg_str uri =
        schema_uri_resolve(&c->schema->arena, from->resource->uri, ref, &fragment);
    struct resource *resource = find_resource(c->schema, uri);
    struct subschema *found = NULL;
    if (resource == NULL) {
        schema_compile_fail(
            c, EG_E_UNSUPPORTED, from->at,
            "the $ref '%.*s' leads out of the schema; schemas of elsewhere are never "
            "fetched: copy it into $defs",
            NAME_FMT(ref));
        return NULL;
    }
    fragment = schema_uri_unescape(&c->schema->arena, fragment);
    if (fragment.len == 0 || fragment.ptr[0] == '/') {
        found = follow_pointer(c, resource, fragment);
    } else {
        const struct anchor *anchor = schema_find_anchor(c->schema, resource, fragment);
        found = anchor == NULL ? NULL : anchor->schema;
        if (anchor != NULL && anchor->is_dynamic && ret_anchor != NULL) {
            *ret_anchor = anchor->name;
        }
    }
    if (found == NULL) {
        schema_compile_fail(c, EG_E_INVAL, from->at, "the $ref '%.*s' leads to no schema",
                            NAME_FMT(ref));
    }
    return found;
}
