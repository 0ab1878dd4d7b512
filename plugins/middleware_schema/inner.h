/*
 * inner.h - what a compiled schema is made of, and what a check carries along. For the files that
 * compile (scan, compile, build_*) and those that check (check, check_*).
 */
#ifndef SCHEMA_INNER_H
#define SCHEMA_INNER_H

#include "pattern.h"
#include "schema.h"

struct check_run;
struct frame;
struct check;

/* 1: the value of the frame fits. */
typedef int check_fn(struct check_run *run, const struct check *check, const struct frame *frame);

/* A schema with a URI of its own, and all below that has none. */
struct resource {
    struct eg_str uri; /* without fragment */
    struct subschema *root;
    struct resource *next;
};

/* One schema at one place of the text. */
struct subschema {
    const struct node *at;
    struct resource *resource;
    struct check *checks; /* all have to hold, in this order */
    struct subschema *next_waiting;
    int is_compiled;
    int never; /* `false` */
};

/* An entry of properties, patternProperties, dependencies ... */
struct member {
    struct eg_str name;
    struct subschema *schema;   /* or NULL */
    struct pattern *pattern;    /* patternProperties */
    const struct node *strings; /* names that are needed too: an array */
};

struct check {
    check_fn *run;
    struct check *next;
    const struct node *value; /* of the keyword */
    uint64_t least;           /* minItems ..., bits of types */
    uint64_t most;
    struct decimal number;
    struct pattern *pattern;
    struct subschema *schema;
    struct subschema *then; /* also additionalProperties, items behind prefixItems */
    struct subschema *otherwise;
    struct subschema **list; /* allOf, prefixItems ... */
    size_t list_count;
    struct member *members; /* sorted by name */
    size_t member_count;
    struct member *patterns;
    size_t pattern_count;
    struct eg_str anchor; /* $dynamicRef */
};

/* "uri#name" -> schema */
struct anchor {
    struct resource *resource;
    struct eg_str name;
    struct subschema *schema;
    int is_dynamic;
    struct anchor *next;
};

struct schema {
    const struct eg_host *host;
    struct arena arena; /* of all below */
    struct tree tree;
    struct subschema **by_node; /* of tree.count; NULL where no schema begins */
    struct resource *resources;
    struct anchor *anchors;
    struct pattern *patterns;
    struct subschema *root;
    int tracks_evaluated; /* an unevaluated* is somewhere */
};

/* ---- while it is compiled ---- */
struct compile {
    struct schema *schema;
    struct eg_why *ret_why;
    unsigned draft;
    struct subschema *to_scan; /* stacks */
    struct subschema *to_build;
    int32_t status; /* the first error */
};

/* The schema that begins at a node, made when it is the first time. */
struct subschema *schema_compile_at(struct compile *c, const struct node *at,
                                    struct resource *resource);
/* Registers $id and anchors of everything that waits, down to the leaves. */
void schema_scan_all(struct compile *c);
/* The target of a $ref; NULL after compile_fail. ret_anchor (may be NULL): the name, if the
 * fragment was that of a dynamic anchor. */
struct subschema *schema_resolve_ref(struct compile *c, const struct subschema *from,
                                     struct eg_str ref, struct eg_str *ret_anchor);
const struct anchor *schema_find_anchor(const struct schema *schema,
                                        const struct resource *resource, struct eg_str name);
void schema_build_checks(struct compile *c, struct subschema *s);
/* Ends the compiling; the first reason counts. at (may be NULL) is told as a JSON Pointer. */
EGX_PRINTF(4, 5)
void schema_compile_fail(struct compile *c, int32_t status, const struct node *at,
                         const char *format, ...);

struct check *schema_add_check(struct compile *c, struct subschema *s, check_fn *run,
                               const struct node *value);
/* Compiles the items of a list of schemas into the check. */
void schema_read_list(struct compile *c, struct subschema *s, struct check *check,
                      const struct node *list);
const struct node *schema_keyword(const struct subschema *s,
                                  const char *name); /* NULL: not given */
/* The same, and it is of the right kind: bits 1 << NODE_*; a failure is told. */
const struct node *schema_keyword_of(struct compile *c, const struct subschema *s, const char *name,
                                     unsigned kinds, const char *wanted);
#define KINDS(kind) (1u << (kind))
#define KINDS_SCHEMA (KINDS(NODE_FALSE) | KINDS(NODE_TRUE) | KINDS(NODE_OBJECT))
#define KINDS_BOOL (KINDS(NODE_FALSE) | KINDS(NODE_TRUE))
/* minX and maxX: run gets them as least and most. */
void schema_build_limits(struct compile *c, struct subschema *s, const char *least,
                         const char *most, check_fn *run);
int64_t schema_read_limit(struct compile *c, const struct subschema *s, const char *name,
                          int64_t fallback);
void schema_build_values(struct compile *c, struct subschema *s);
void schema_build_arrays(struct compile *c, struct subschema *s);
void schema_build_objects(struct compile *c, struct subschema *s);
void schema_build_logic(struct compile *c, struct subschema *s);
void schema_build_refs(struct compile *c, struct subschema *s);
void schema_build_unevaluated(struct compile *c, struct subschema *s);

/* URI reference against a base (RFC 3986 5.2). The fragment, still escaped, comes apart; its ptr is
 * NULL when there is none. */
struct eg_str schema_uri_resolve(struct arena *arena, struct eg_str base, struct eg_str reference,
                                 struct eg_str *ret_fragment);
struct eg_str schema_uri_unescape(struct arena *arena, struct eg_str text);

/* ---- while data are checked ---- */
#define CHECK_DEPTH 1000u

/* One schema applied to one value. On the stack. */
struct frame {
    const struct frame *up;
    const struct subschema *schema;
    const struct node *value;
    const struct node *name; /* how the value is reached from that of up: member, */
    uint32_t index;          /* or item, */
    uint32_t step;           /* STEP_*; or it is the same value */
    uint32_t depth;
    unsigned char *evaluated; /* one byte a child of value; NULL: nobody asks */
};
enum { STEP_NONE, STEP_MEMBER, STEP_ITEM };

struct check_run {
    const struct schema *schema;
    struct work work;
    struct pattern_run patterns;
    unsigned quiet; /* a failure is no failure of the whole */
    struct schema_report *report;
    int is_told;
};

/* Applies a schema to the frame's own value; what it evaluated is noted in the frame. */
int schema_apply(struct check_run *run, const struct subschema *s, const struct frame *frame);
int schema_apply_quietly(struct check_run *run, const struct subschema *s,
                         const struct frame *frame);
int schema_apply_member(struct check_run *run, const struct subschema *s, const struct frame *frame,
                        const struct node *name);
int schema_apply_item(struct check_run *run, const struct subschema *s, const struct frame *frame,
                      const struct node *item, uint32_t index);
/* Notes where and why, unless it was told before or nobody wants to know. Returns 0. */
EGX_PRINTF(3, 4)
int schema_mismatch(struct check_run *run, const struct frame *frame, const char *format, ...);
void schema_mark_evaluated(const struct frame *frame, uint32_t child);
/* For %.*s of names of strangers. */
#define NAME_BYTES 64
#define NAME_FMT(s) (int)((s).len > NAME_BYTES ? NAME_BYTES : (s).len), (s).len == 0 ? "" : (s).ptr

#endif
