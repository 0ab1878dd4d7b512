/*
 * tree.c - the parser (RFC 8259): one pass, no recursion. The text was checked by the gateway; it
 * is checked once more, since nothing here may rest on that.
 */
#include "tree.h"

#define CHUNK_BYTES ((size_t)4096)

struct arena_chunk {
    struct arena_chunk *before;
    size_t used;
    size_t room;
    max_align_t bytes[];
};

void *schema_arena_alloc(struct arena *arena, size_t size) {
    const size_t align = sizeof(max_align_t);
    const size_t need = (size + align - 1) / align * align;
    struct arena_chunk *chunk = arena->last;
    if (chunk == NULL || chunk->room - chunk->used < need) {
        const size_t room = need > CHUNK_BYTES ? need : CHUNK_BYTES;
        chunk = arena->host->mem->alloc(arena->host, sizeof *chunk + room);
        chunk->room = room;
        chunk->before = arena->last;
        arena->last = chunk;
        arena->used_bytes += sizeof *chunk + room;
    }
    void *piece = (char *)chunk->bytes + chunk->used;
    chunk->used += need;
    return piece;
}

struct eg_str schema_arena_copy(struct arena *arena, struct eg_str text) {
    char *copy = schema_arena_alloc(arena, text.len + 1);
    if (text.len > 0) {
        memcpy(copy, text.ptr, text.len);
    }
    return egx_str_n(copy, text.len);
}

void schema_arena_free(struct arena *arena) {
    while (arena->last != NULL) {
        struct arena_chunk *chunk = arena->last;
        arena->last = chunk->before;
        arena->host->mem->free(arena->host, chunk);
    }
    arena->used_bytes = 0;
}

/* ---- nodes ---- */

/* Valid until the next one. */
static struct node *add_node(struct tree *tree, enum node_kind kind) {
    if (tree->count == tree->room) {
        const size_t room = tree->room == 0 ? 64 : tree->room * 2;
        struct node *nodes = tree->host->mem->alloc(tree->host, room * sizeof *nodes);
        if (tree->count > 0) {
            memcpy(nodes, tree->nodes, tree->count * sizeof *nodes);
        }
        tree->host->mem->free(tree->host, tree->nodes);
        tree->nodes = nodes;
        tree->room = room;
    }
    struct node *node = &tree->nodes[tree->count++];
    *node = (struct node){.span = 1, .kind = kind};
    return node;
}

void schema_tree_free(struct tree *tree) {
    if (tree->host != NULL) {
        tree->host->mem->free(tree->host, tree->nodes);
        schema_arena_free(&tree->strings);
    }
    *tree = (struct tree){0};
}

struct parser {
    struct tree *tree;
    const char *at;
    const char *end;
    uint32_t depth;
    uint32_t open[TREE_DEPTH]; /* containers that are not closed yet */
};

static void skip_space(struct parser *p) {
    while (p->at < p->end &&
           (*p->at == ' ' || *p->at == '\t' || *p->at == '\n' || *p->at == '\r')) {
        p->at++;
    }
}

static int take(struct parser *p, char c) {
    if (p->at == p->end || *p->at != c) {
        return 0;
    }
    p->at++;
    return 1;
}

/* ---- strings ---- */

static int hex_digit(char c) {
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    const char lower = egx_lower(c);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/* The four digits after \u; -1 when they are none. */
static int32_t read_unit(const char *at, const char *end) {
    int32_t unit = 0;
    if (end - at < 4) {
        return -1;
    }
    for (int i = 0; i < 4; i++) {
        const int digit = hex_digit(at[i]);
        if (digit < 0) {
            return -1;
        }
        unit = unit * 16 + digit;
    }
    return unit;
}

static char *put_utf8(char *out, int32_t c) {
    if (c < 0x80) {
        *out++ = (char)c;
    } else if (c < 0x800) {
        *out++ = (char)(0xc0 | (c >> 6));
        *out++ = (char)(0x80 | (c & 0x3f));
    } else if (c < 0x10000) {
        *out++ = (char)(0xe0 | (c >> 12));
        *out++ = (char)(0x80 | ((c >> 6) & 0x3f));
        *out++ = (char)(0x80 | (c & 0x3f));
    } else {
        *out++ = (char)(0xf0 | (c >> 18));
        *out++ = (char)(0x80 | ((c >> 12) & 0x3f));
        *out++ = (char)(0x80 | ((c >> 6) & 0x3f));
        *out++ = (char)(0x80 | (c & 0x3f));
    }
    return out;
}

/* After \u. Half of a surrogate pair becomes U+FFFD. NULL: no digits. */
static const char *decode_unit(const char *at, const char *end, char **out) {
    int32_t c = read_unit(at, end);
    if (c < 0) {
        return NULL;
    }
    at += 4;
    if (c >= 0xd800 && c <= 0xdbff && end - at >= 6 && at[0] == '\\' && at[1] == 'u') {
        const int32_t low = read_unit(at + 2, end);
        if (low >= 0xdc00 && low <= 0xdfff) {
            *out = put_utf8(*out, 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00));
            return at + 6;
        }
    }
    *out = put_utf8(*out, c >= 0xd800 && c <= 0xdfff ? 0xfffd : c);
    return at;
}

/* Never longer than the escaped text. NULL: a bad escape. */
static char *decode(struct arena *arena, const char *at, const char *end, size_t *ret_len) {
    static const char names[] = "\"\\/bfnrt";
    static const char meant[] = "\"\\/\b\f\n\r\t";
    char *text = schema_arena_alloc(arena, (size_t)(end - at) + 1);
    char *out = text;
    while (at < end) {
        if (*at != '\\') {
            *out++ = *at++;
            continue;
        }
        at++; /* the scan has seen that something follows */
        const char *known = *at == '\0' ? NULL : strchr(names, *at);
        if (*at == 'u') {
            at = decode_unit(at + 1, end, &out);
            if (at == NULL) {
                return NULL;
            }
        } else if (known != NULL) {
            *out++ = meant[known - names];
            at++;
        } else {
            return NULL;
        }
    }
    *ret_len = (size_t)(out - text);
    return text;
}

/* Behind the opening quote. */
static int32_t read_string(struct parser *p) {
    const char *from = p->at;
    int has_escape = 0;
    while (p->at < p->end && *p->at != '"') {
        if ((unsigned char)*p->at < 0x20) {
            return EG_E_SYNTAX;
        }
        if (*p->at == '\\') {
            has_escape = 1;
            p->at++;
        }
        p->at += p->at < p->end;
    }
    if (p->at == p->end) {
        return EG_E_SYNTAX;
    }
    size_t len = (size_t)(p->at - from);
    if (has_escape) {
        from = decode(&p->tree->strings, from, p->at, &len);
        if (from == NULL) {
            return EG_E_SYNTAX;
        }
    }
    p->at++;
    struct node *node = add_node(p->tree, NODE_STRING);
    node->text = from;
    node->len = (uint32_t)len;
    return EG_OK;
}

/* ---- numbers and words ---- */

static size_t skip_digits(struct parser *p) {
    const char *from = p->at;
    while (p->at < p->end && *p->at >= '0' && *p->at <= '9') {
        p->at++;
    }
    return (size_t)(p->at - from);
}

static int32_t read_number(struct parser *p) {
    const char *from = p->at;
    (void)take(p, '-');
    const int is_zero = p->at < p->end && *p->at == '0';
    const size_t digits = skip_digits(p);
    if (digits == 0 || (is_zero && digits > 1)) {
        return EG_E_SYNTAX;
    }
    if (take(p, '.') && skip_digits(p) == 0) {
        return EG_E_SYNTAX;
    }
    if (take(p, 'e') || take(p, 'E')) {
        if (!take(p, '+')) {
            (void)take(p, '-');
        }
        if (skip_digits(p) == 0) {
            return EG_E_SYNTAX;
        }
    }
    struct node *node = add_node(p->tree, NODE_NUMBER);
    node->text = from;
    node->len = (uint32_t)(p->at - from);
    return EG_OK;
}

static int32_t read_word(struct parser *p) {
    static const struct {
        struct eg_str word;
        enum node_kind kind;
    } words[] = {{EGX_STR_INIT("null"), NODE_NULL},
                 {EGX_STR_INIT("false"), NODE_FALSE},
                 {EGX_STR_INIT("true"), NODE_TRUE}};
    const struct eg_str rest = egx_str_n(p->at, (size_t)(p->end - p->at));
    for (size_t i = 0; i < EGX_COUNT(words); i++) {
        if (egx_str_starts(rest, words[i].word)) {
            p->at += words[i].word.len;
            (void)add_node(p->tree, words[i].kind);
            return EG_OK;
        }
    }
    return EG_E_SYNTAX;
}

/* ---- containers ---- */

static int32_t read_name(struct parser *p) {
    skip_space(p);
    if (!take(p, '"') || read_string(p) < 0) {
        return EG_E_SYNTAX;
    }
    skip_space(p);
    return take(p, ':') ? EG_OK : EG_E_SYNTAX;
}

static void close(struct parser *p) {
    const uint32_t at = p->open[--p->depth];
    p->tree->nodes[at].span = (uint32_t)(p->tree->count - at);
}

/* 1: it is open, and a value follows; 0: it was empty. */
static int32_t open(struct parser *p, enum node_kind kind) {
    if (p->depth == TREE_DEPTH) {
        return EG_E_TOOBIG;
    }
    p->open[p->depth++] = (uint32_t)p->tree->count;
    (void)add_node(p->tree, kind);
    skip_space(p);
    if (take(p, kind == NODE_OBJECT ? '}' : ']')) {
        close(p);
        return 0;
    }
    if (kind == NODE_OBJECT && read_name(p) < 0) {
        return EG_E_SYNTAX;
    }
    return 1;
}

/* As open. */
static int32_t read_value(struct parser *p) {
    skip_space(p);
    if (p->at == p->end) {
        return EG_E_SYNTAX;
    }
    if (take(p, '{')) {
        return open(p, NODE_OBJECT);
    }
    if (take(p, '[')) {
        return open(p, NODE_ARRAY);
    }
    if (take(p, '"')) {
        return read_string(p);
    }
    return *p->at == '-' || (*p->at >= '0' && *p->at <= '9') ? read_number(p) : read_word(p);
}

/* Behind a value: 1 when another one follows, 0 at the end of the root. */
static int32_t read_next(struct parser *p) {
    while (p->depth > 0) {
        struct node *parent = &p->tree->nodes[p->open[p->depth - 1]];
        const int is_object = parent->kind == NODE_OBJECT;
        parent->count++;
        skip_space(p);
        if (take(p, ',')) {
            return is_object && read_name(p) < 0 ? EG_E_SYNTAX : 1;
        }
        if (!take(p, is_object ? '}' : ']')) {
            return EG_E_SYNTAX;
        }
        close(p);
    }
    return 0;
}

int32_t schema_tree_parse(struct tree *tree, const struct eg_host *host, struct eg_str text) {
    struct parser p = {.tree = tree, .at = text.ptr, .end = text.ptr + text.len};
    *tree = (struct tree){.host = host, .strings = {.host = host}};
    int32_t rc = text.len > INT32_MAX ? EG_E_TOOBIG : 1;
    while (rc == 1) {
        rc = read_value(&p);
        if (rc == 0) {
            rc = read_next(&p);
        }
    }
    skip_space(&p);
    if (rc == 0 && p.at != p.end) {
        rc = EG_E_SYNTAX;
    }
    if (rc < 0) {
        schema_tree_free(tree);
    }
    return rc;
}

const struct node *schema_node_member(const struct node *object, struct eg_str name) {
    if (object->kind != NODE_OBJECT) {
        return NULL;
    }
    const struct node *at = node_first(object);
    for (uint32_t i = 0; i < object->count; i++) {
        if (egx_str_eq(node_text(at), name)) {
            return at + 1;
        }
        at += 1 + at[1].span;
    }
    return NULL;
}
