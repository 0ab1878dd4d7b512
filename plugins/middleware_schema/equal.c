/*
 * equal.c - equality of values and of numbers, without rounding. What it costs is counted: a
 * stranger's data may be made so that comparing it is expensive. Recursion is as deep as the
 * parser lets a value be (TREE_DEPTH).
 */
#include "tree.h"

/* ---- numbers ---- */

#define EXPONENT_MAX ((int64_t)1 << 50)

static int64_t read_exponent(const char *at, const char *end) {
    const int is_negative = at < end && *at == '-';
    int64_t exponent = 0;
    at += at < end && (*at == '-' || *at == '+');
    for (; at < end; at++) {
        exponent = exponent > EXPONENT_MAX ? EXPONENT_MAX : exponent * 10 + (*at - '0');
    }
    return is_negative ? -exponent : exponent;
}

struct decimal schema_decimal_read(struct eg_str text) {
    const char *at = text.ptr;
    const char *end = text.ptr + text.len;
    struct decimal d = {.is_negative = text.len > 0 && *at == '-'};
    int64_t digits = 0; /* seen so far, from the first that counts */
    int64_t whole = 0;  /* of them before the point, less the zeros behind the point and before */
    int has_point = 0;
    at += d.is_negative;
    for (; at < end && *at != 'e' && *at != 'E'; at++) {
        if (*at == '.') {
            has_point = 1;
            continue;
        }
        if (d.first == NULL && *at == '0') {
            whole -= has_point;
            continue;
        }
        if (d.first == NULL) {
            d.first = at;
        }
        digits++;
        whole += !has_point;
        if (*at != '0') {
            d.count = (uint32_t)digits;
        }
    }
    if (at < end) {
        d.exponent = read_exponent(at + 1, end);
    }
    d.exponent += whole - (int64_t)d.count;
    if (d.count == 0) {
        d = (struct decimal){0};
    }
    return d;
}

static int next_digit(const char **at) {
    if (**at == '.') {
        (*at)++;
    }
    return *(*at)++ - '0';
}

static int compare_size(const struct decimal *a, const struct decimal *b) {
    const int64_t tops[2] = {a->exponent + a->count, b->exponent + b->count};
    const char *x = a->first;
    const char *y = b->first;
    if (a->count == 0 || b->count == 0) {
        return (a->count > 0) - (b->count > 0);
    }
    if (tops[0] != tops[1]) {
        return tops[0] < tops[1] ? -1 : 1;
    }
    for (uint32_t i = 0; i < a->count || i < b->count; i++) {
        const int p = i < a->count ? next_digit(&x) : 0;
        const int q = i < b->count ? next_digit(&y) : 0;
        if (p != q) {
            return p - q;
        }
    }
    return 0;
}

int schema_decimal_compare(const struct decimal *a, const struct decimal *b) {
    if (a->is_negative != b->is_negative) {
        return a->is_negative ? -1 : 1;
    }
    return a->is_negative ? -compare_size(a, b) : compare_size(a, b);
}

__extension__ typedef unsigned __int128 wide;

/* Digits of d modulo m, where m < 10^18. */
static uint64_t digits_modulo(const struct decimal *d, uint64_t m) {
    const char *at = d->first;
    uint64_t rest = 0;
    for (uint32_t i = 0; i < d->count; i++) {
        rest = (uint64_t)(((wide)rest * 10 + (unsigned)next_digit(&at)) % m);
    }
    return rest;
}

static uint64_t power_modulo(uint64_t exponent, uint64_t m) {
    wide result = 1 % m;
    wide base = 10 % m;
    for (; exponent > 0; exponent >>= 1) {
        if (exponent & 1) {
            result = result * base % m;
        }
        base = base * base % m;
    }
    return (uint64_t)result;
}

static uint64_t digits_of(const struct decimal *d) {
    const char *at = d->first;
    uint64_t value = 0;
    for (uint32_t i = 0; i < d->count; i++) {
        value = value * 10 + (unsigned)next_digit(&at);
    }
    return value;
}

/* D*10^e is a multiple of M*10^f. The last digit of D is not 0, so it never is when e < f would
 * need a factor of 10 in D. */
int schema_decimal_is_multiple(const struct decimal *d, const struct decimal *divisor) {
    if (d->count == 0) {
        return 1;
    }
    if (d->exponent < divisor->exponent) {
        return 0;
    }
    const uint64_t m = digits_of(divisor);
    const uint64_t shift = power_modulo((uint64_t)(d->exponent - divisor->exponent), m);
    return (uint64_t)((wide)digits_modulo(d, m) * shift % m) == 0;
}

int64_t schema_decimal_small(const struct decimal *d) {
    if (d->count == 0) {
        return 0;
    }
    if (d->is_negative || d->exponent < 0) {
        return -1;
    }
    if (d->exponent + d->count > 15) {
        return INT64_MAX;
    }
    uint64_t value = digits_of(d);
    for (int64_t i = 0; i < d->exponent; i++) {
        value *= 10;
    }
    return (int64_t)value;
}

/* ---- values ---- */

size_t schema_utf8_length(struct eg_str text) {
    size_t length = 0;
    for (size_t i = 0; i < text.len; i++) {
        length += ((unsigned char)text.ptr[i] & 0xc0u) != 0x80u;
    }
    return length;
}

static int same_numbers(const struct node *a, const struct node *b) {
    const struct decimal x = schema_decimal_read(node_text(a));
    const struct decimal y = schema_decimal_read(node_text(b));
    return schema_decimal_compare(&x, &y) == 0;
}

static int same_items(const struct node *a, const struct node *b, struct work *work) {
    const struct node *x = node_first(a);
    const struct node *y = node_first(b);
    for (uint32_t i = 0; i < a->count; i++) {
        if (!schema_node_equal(x, y, work)) {
            return 0;
        }
        x += x->span;
        y += y->span;
    }
    return 1;
}

static int has_names_of(const struct node *object, const struct node *other, struct work *work) {
    const struct node *at = node_first(other);
    for (uint32_t i = 0; i < other->count; i++, at += 1 + at[1].span) {
        if (!work_spend(work, 1 + object->count / 8) ||
            schema_node_member(object, node_text(at)) == NULL) {
            return 0;
        }
    }
    return 1;
}

/* A name that comes twice in one of them does not stand for two of the other. */
static int same_members(const struct node *a, const struct node *b, struct work *work) {
    const struct node *x = node_first(a);
    for (uint32_t i = 0; i < a->count; i++) {
        if (!work_spend(work, 1 + b->count / 8)) {
            return 0;
        }
        const struct node *other = schema_node_member(b, node_text(x));
        if (other == NULL || !schema_node_equal(x + 1, other, work)) {
            return 0;
        }
        x += 1 + x[1].span;
    }
    return has_names_of(a, b, work);
}

int schema_node_equal(const struct node *a, const struct node *b, struct work *work) {
    if (!work_spend(work, 1 + a->len / 16) || a->kind != b->kind || a->count != b->count) {
        return 0;
    }
    switch (a->kind) {
    case NODE_NUMBER:
        return same_numbers(a, b);
    case NODE_STRING:
        return egx_str_eq(node_text(a), node_text(b));
    case NODE_ARRAY:
        return same_items(a, b, work);
    case NODE_OBJECT:
        return same_members(a, b, work);
    default:
        return 1;
    }
}

static uint64_t mix(uint64_t hash, uint64_t value) {
    return (hash ^ value) * 0x100000001b3u;
}

static uint64_t hash_bytes(uint64_t hash, struct eg_str text) {
    for (size_t i = 0; i < text.len; i++) {
        hash = mix(hash, (unsigned char)text.ptr[i]);
    }
    return hash;
}

static uint64_t hash_number(uint64_t hash, struct eg_str text) {
    const struct decimal d = schema_decimal_read(text);
    const char *at = d.first;
    for (uint32_t i = 0; i < d.count; i++) {
        hash = mix(hash, (uint64_t)next_digit(&at));
    }
    return mix(mix(hash, (uint64_t)d.exponent), (uint64_t)d.is_negative);
}

/* Members count in any order. */
uint64_t schema_node_hash(const struct node *node, struct work *work) {
    uint64_t hash = mix(0xcbf29ce484222325u, node->kind);
    const struct node *at = node_first(node);
    if (!work_spend(work, 1 + node->len / 16)) {
        return 0;
    }
    if (node->kind == NODE_NUMBER) {
        return hash_number(hash, node_text(node));
    }
    if (node->kind == NODE_STRING) {
        return hash_bytes(hash, node_text(node));
    }
    for (uint32_t i = 0; i < node->count; i++) {
        if (node->kind == NODE_ARRAY) {
            hash = mix(hash, schema_node_hash(at, work));
            at += at->span;
        } else {
            hash += mix(hash_bytes(1, node_text(at)), schema_node_hash(at + 1, work));
            at += 1 + at[1].span;
        }
    }
    return hash;
}
