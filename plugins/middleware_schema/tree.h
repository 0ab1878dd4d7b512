/*
 * tree.h - JSON as a flat array of nodes in the order of the text: a schema, or the data of an
 * event. A node of 24 bytes for each value and each name of a member; strings are decoded, numbers
 * keep their digits. Borrows the text. One thread while it is made, then only read.
 */
#ifndef SCHEMA_TREE_H
#define SCHEMA_TREE_H

#include <eventgw-sdk/egx.h>

enum node_kind {
    NODE_NULL,
    NODE_FALSE,
    NODE_TRUE,
    NODE_NUMBER,
    NODE_STRING,
    NODE_ARRAY,
    NODE_OBJECT
};

struct node {
    const char *text; /* strings and numbers */
    uint32_t len;
    uint32_t span;  /* nodes of this value, itself included: node + span is its next sibling */
    uint32_t count; /* members or items. A member is two nodes: its name, then its value */
    uint32_t kind;
};

/* Memory that is freed at once. */
struct arena {
    const struct eg_host *host;
    struct arena_chunk *last;
    size_t used_bytes;
};
void *schema_arena_alloc(struct arena *arena, size_t size); /* zeroed */
struct eg_str schema_arena_copy(struct arena *arena, struct eg_str text);
void schema_arena_free(struct arena *arena);

#define TREE_DEPTH 1024u

struct tree {
    const struct eg_host *host;
    struct node *nodes; /* the first is the root */
    size_t count;
    size_t room;
    struct arena strings;
};
/* EG_E_SYNTAX, EG_E_TOOBIG (depth, 2 GiB); then nothing is to be freed. */
int32_t schema_tree_parse(struct tree *tree, const struct eg_host *host, struct eg_str text);
void schema_tree_free(struct tree *tree);

static inline struct eg_str node_text(const struct node *node) {
    return egx_str_n(node->text, node->len);
}
/* The first of children; the next of one is node + node->span. Of objects: a name. */
static inline const struct node *node_first(const struct node *node) {
    return node + 1;
}
/* Value of a member of an object, NULL when there is none (or node is no object). */
const struct node *schema_node_member(const struct node *object, struct eg_str name);

/* What a piece of work may still cost: steps of roughly the same price. */
struct work {
    uint64_t left;
    int is_over;
};
/* 1, or 0 when it costs too much; then it is over for good. */
static inline int work_spend(struct work *work, uint64_t steps) {
    if (steps > work->left) {
        work->left = 0;
        work->is_over = 1;
        return 0;
    }
    work->left -= steps;
    return 1;
}

/* Equal as JSON Schema has it: 1 and 1.0 are, {"a":1,"b":2} and {"b":2,"a":1} are. */
int schema_node_equal(const struct node *a, const struct node *b, struct work *work);
/* Equal values have equal ones. */
uint64_t schema_node_hash(const struct node *node, struct work *work);
size_t schema_utf8_length(struct eg_str text); /* characters */

/* ---- numbers, exactly ---- */

/* first..: count digits without leading and trailing zeros (a '.' may stand among them), times 10^
 * exponent. Zero has no digits. */
struct decimal {
    const char *first;
    uint32_t count;
    int is_negative;
    int64_t exponent;
};
struct decimal schema_decimal_read(struct eg_str text);
int schema_decimal_compare(const struct decimal *a, const struct decimal *b); /* <0, 0, >0 */
static inline int decimal_is_integer(const struct decimal *d) {
    return d->exponent >= 0 || d->count == 0;
}
/* A whole number from 0; from 10^15 on all are INT64_MAX. -1: it is none. */
int64_t schema_decimal_small(const struct decimal *d);

#define DECIMAL_DIVISOR_DIGITS 18u
/* Is it a whole multiple of divisor, which is not zero and has at most that many digits? */
int schema_decimal_is_multiple(const struct decimal *d, const struct decimal *divisor);

#endif
