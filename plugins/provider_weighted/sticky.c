/*
 * sticky.c - see sticky.h. Walks over the text of the event without making anything of it, so that
 * a call costs one pass at most, and no memory. The text is the gateway's and well-formed; what is
 * not leads nowhere. Of members with the same name the first counts.
 */
#include "sticky.h"

#include "pick.h"

int sticky_is_pointer(struct eg_str pointer) {
    for (size_t i = 0; i < pointer.len; i++) {
        const char next = i + 1 < pointer.len ? pointer.ptr[i + 1] : '\0';
        if (pointer.ptr[i] == '~' && next != '0' && next != '1') {
            return 0;
        }
    }
    return pointer.len > 1 && pointer.ptr[0] == '/';
}

/* ---- texts, byte by byte ---- */

/* What is between the quotes of a JSON text, with escapes. */
struct reader {
    struct eg_str rest;
    unsigned char left[4]; /* of a character that was escaped */
    size_t left_count;
    size_t left_at;
};

static int hex_of(char c) {
    const char low = egx_lower(c);
    return c >= '0' && c <= '9' ? c - '0' : low >= 'a' && low <= 'f' ? low - 'a' + 10 : -1;
}

/* The four digits behind \u; -1 = they are none. */
static int32_t unit_of(struct eg_str digits) {
    int32_t unit = 0;
    for (size_t i = 0; i < 4; i++) {
        const int digit = i < digits.len ? hex_of(digits.ptr[i]) : -1;
        if (digit < 0) {
            return -1;
        }
        unit = unit * 16 + digit;
    }
    return unit;
}

static void keep_utf8(struct reader *reader, uint32_t c) {
    static const struct {
        uint32_t below;
        unsigned char head;
    } sizes[] = {{0x80, 0}, {0x800, 0xc0}, {0x10000, 0xe0}, {0x110000, 0xf0}};
    size_t more = 0;
    while (more < 3 && c >= sizes[more].below) {
        more++;
    }
    reader->left_at = 0;
    reader->left_count = more + 1;
    for (size_t i = more; i > 0; i--) {
        reader->left[i] = (unsigned char)(0x80 | (c & 0x3f));
        c >>= 6;
    }
    reader->left[0] = (unsigned char)(sizes[more].head | c);
}

/* Behind the u. A pair of surrogates is one character. */
static void read_unicode(struct reader *reader) {
    const int32_t unit = unit_of(reader->rest);
    uint32_t c = unit < 0 ? 0xfffd : (uint32_t)unit;
    reader->rest = egx_str_cut(reader->rest, 4);
    if (c >= 0xd800 && c < 0xdc00 && egx_str_starts(reader->rest, EGX_STR("\\u"))) {
        const int32_t low = unit_of(egx_str_cut(reader->rest, 2));
        if (low >= 0xdc00 && low < 0xe000) {
            c = 0x10000 + ((c - 0xd800) << 10) + ((uint32_t)low - 0xdc00);
            reader->rest = egx_str_cut(reader->rest, 6);
        }
    }
    keep_utf8(reader, c);
}

static int take(struct reader *reader) {
    const unsigned char c = (unsigned char)reader->rest.ptr[0];
    reader->rest = egx_str_cut(reader->rest, 1);
    return c;
}

/* -1 at the end. */
static int next_byte(struct reader *reader) {
    static const char names[] = "bfnrt";
    static const char bytes[] = "\b\f\n\r\t";
    if (reader->left_at < reader->left_count) {
        return reader->left[reader->left_at++];
    }
    if (reader->rest.len == 0) {
        return -1;
    }
    const int c = take(reader);
    if (c != '\\' || reader->rest.len == 0) {
        return c;
    }
    const int escaped = take(reader);
    if (escaped == 'u') {
        read_unicode(reader);
        return reader->left[reader->left_at++];
    }
    const char *known = memchr(names, escaped, sizeof names - 1);
    return known == NULL ? escaped : bytes[known - names];
}

/* Is the member's name the token of the pointer? */
static int is_named(struct eg_str name, struct eg_str token) {
    struct reader reader = {.rest = name};
    for (size_t i = 0; i < token.len; i++) {
        unsigned char want = (unsigned char)token.ptr[i];
        if (want == '~') {
            want = token.ptr[++i] == '0' ? '~' : '/'; /* sticky_is_pointer was asked */
        }
        if (next_byte(&reader) != want) {
            return 0;
        }
    }
    return next_byte(&reader) < 0;
}

/* ---- the walk; a text that ends too early becomes empty, which nothing begins with ---- */

static char first_of(struct eg_str *json) {
    while (json->len > 0 && memchr(" \t\r\n", json->ptr[0], 4) != NULL) {
        *json = egx_str_cut(*json, 1);
    }
    return json->len == 0 ? '\0' : json->ptr[0];
}

/* What is between the quotes; json goes on behind them. */
static struct eg_str take_text(struct eg_str *json) {
    const struct eg_str inside = egx_str_cut(*json, 1);
    size_t end = 0;
    while (end < inside.len && inside.ptr[end] != '"') {
        end += inside.ptr[end] == '\\' ? 2 : 1;
    }
    *json = egx_str_cut(inside, end + 1);
    return egx_str_n(inside.ptr, end < inside.len ? end : inside.len);
}

/* Digits or a word. */
static struct eg_str take_word(struct eg_str *json) {
    size_t end = 0;
    while (end < json->len && memchr(",]}: \t\r\n", json->ptr[end], 8) == NULL) {
        end++;
    }
    const struct eg_str word = egx_str_n(json->ptr, end);
    *json = egx_str_cut(*json, end);
    return word;
}

static void skip_value(struct eg_str *json) {
    size_t depth = 0;
    do {
        const char c = first_of(json);
        if (c == '"') {
            (void)take_text(json);
        } else if (c != '\0' && memchr("{}[],:", c, 6) != NULL) {
            depth += c == '{' || c == '[';
            depth -= (c == '}' || c == ']') && depth > 0;
            *json = egx_str_cut(*json, 1);
        } else if (json->len > 0) {
            (void)take_word(json);
        }
    } while (depth > 0 && json->len > 0);
}

/* Behind the bracket: to the value of the member. */
static int enter_object(struct eg_str *json, struct eg_str token) {
    while (first_of(json) == '"') {
        const struct eg_str name = take_text(json);
        if (first_of(json) != ':') {
            return 0;
        }
        *json = egx_str_cut(*json, 1);
        if (is_named(name, token)) {
            return 1;
        }
        skip_value(json);
        if (first_of(json) == ',') {
            *json = egx_str_cut(*json, 1);
        }
        (void)first_of(json);
    }
    return 0;
}

/* The same for an item. Its number has no zeros before it (RFC 6901 4), and is no big one. */
static int enter_array(struct eg_str *json, struct eg_str token) {
    size_t index = 0;
    for (size_t i = 0; i < token.len; i++) {
        if (token.ptr[i] < '0' || token.ptr[i] > '9' || i == 9) {
            return 0;
        }
        index = index * 10 + (size_t)(token.ptr[i] - '0');
    }
    if (token.len == 0 || (token.len > 1 && token.ptr[0] == '0')) {
        return 0;
    }
    for (; index > 0; index--) {
        if (first_of(json) == ']') {
            return 0;
        }
        skip_value(json);
        if (first_of(json) != ',') {
            return 0;
        }
        *json = egx_str_cut(*json, 1);
    }
    return first_of(json) != ']';
}

static int enter(struct eg_str *json, struct eg_str token) {
    const char c = first_of(json);
    *json = egx_str_cut(*json, 1);
    return c == '{' ? enter_object(json, token) : c == '[' ? enter_array(json, token) : 0;
}

int sticky_hash(struct eg_str json, struct eg_str pointer, uint64_t *hash) {
    while (pointer.len > 0) {
        const struct eg_str rest = egx_str_cut(pointer, 1);
        const char *slash = rest.len == 0 ? NULL : memchr(rest.ptr, '/', rest.len);
        const size_t len = slash == NULL ? rest.len : (size_t)(slash - rest.ptr);
        if (!enter(&json, egx_str_n(rest.ptr, len))) {
            return 0;
        }
        pointer = egx_str_cut(rest, len);
    }
    const char c = first_of(&json);
    if (c == '{' || c == '[' || c == 'n' || c == '\0') { /* n: null */
        return 0;
    }
    struct reader reader = {.rest = c == '"' ? take_text(&json) : take_word(&json)};
    for (int byte = next_byte(&reader); byte >= 0; byte = next_byte(&reader)) {
        *hash = pick_hash_byte(*hash, (unsigned char)byte);
    }
    return 1;
}
