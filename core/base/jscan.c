/*
 * base/jscan.c - the strict scanner (RFC 8259): is this text JSON, and where does its value stand?
 *
 * A table says for each state (what may come now) and each class of byte what to do. Nesting is one
 * bit a level (1 = object), so depth costs no stack and no allocation. Strings and numbers have
 * loops of their own. Any thread; borrows the text. The walkers over checked text are in jwalk.c.
 */
#include "base/jscan.h"

#include "base/codec.h"
#include "base/jrun.h"
#include "base/slice.h"

enum byte_class {
    B_OTHER,
    B_OPEN_OBJ,
    B_OPEN_ARR,
    B_CLOSE_OBJ,
    B_CLOSE_ARR,
    B_COLON,
    B_COMMA,
    B_QUOTE,
    B_NUMBER,
    B_WORD,
    BYTE_CLASSES
};
enum state {
    S_VALUE,
    S_ITEM_OR_END,
    S_NAME_OR_END,
    S_NAME,
    S_COLON,
    S_AFTER_ITEM,
    S_AFTER_MEMBER,
    S_DONE,
    STATES
};
enum action {
    A_REFUSE,
    A_STRING,
    A_NAME,
    A_NUMBER,
    A_WORD,
    A_OPEN_OBJ,
    A_OPEN_ARR,
    A_CLOSE,
    A_MOVE
};

struct scan {
    const char *begin;
    const char *p;
    const char *end;
    enum state state;
    enum state after; /* a value that ends here */
    uint32_t depth;
    uint32_t max_depth;
    const char *reason;
    uint64_t is_object[GW_JSON_DEPTH_MAX / 64];
};

const bool gw_json_plain[256] = {
    [0x20 ... 0x21] = true,
    [0x23 ... 0x5b] = true,
    [0x5d ... 0x7f] = true,
};

static const uint8_t classes[256] = {
    ['{'] = B_OPEN_OBJ, ['['] = B_OPEN_ARR, ['}'] = B_CLOSE_OBJ, [']'] = B_CLOSE_ARR,
    [':'] = B_COLON,    [','] = B_COMMA,    ['"'] = B_QUOTE,     ['-'] = B_NUMBER,
    ['t'] = B_WORD,     ['f'] = B_WORD,     ['n'] = B_WORD,      ['0' ... '9'] = B_NUMBER,
};

#define BEGINS_VALUE                                                                               \
    [B_OPEN_OBJ] = A_OPEN_OBJ, [B_OPEN_ARR] = A_OPEN_ARR, [B_QUOTE] = A_STRING,                    \
    [B_NUMBER] = A_NUMBER, [B_WORD] = A_WORD

static const uint8_t actions[STATES][BYTE_CLASSES] = {
    [S_VALUE] = {BEGINS_VALUE},
    [S_ITEM_OR_END] = {BEGINS_VALUE, [B_CLOSE_ARR] = A_CLOSE},
    [S_NAME_OR_END] = {[B_QUOTE] = A_NAME, [B_CLOSE_OBJ] = A_CLOSE},
    [S_NAME] = {[B_QUOTE] = A_NAME},
    [S_COLON] = {[B_COLON] = A_MOVE},
    [S_AFTER_ITEM] = {[B_COMMA] = A_MOVE, [B_CLOSE_ARR] = A_CLOSE},
    [S_AFTER_MEMBER] = {[B_COMMA] = A_MOVE, [B_CLOSE_OBJ] = A_CLOSE},
};

/* Where the single byte of A_MOVE leads. */
static const uint8_t moves[STATES] = {
    [S_COLON] = S_VALUE, [S_AFTER_ITEM] = S_VALUE, [S_AFTER_MEMBER] = S_NAME};

/* That byte, by state; of no state is it 0x100. */
static const uint16_t separators[STATES] = {
    [S_VALUE] = 0x100, [S_ITEM_OR_END] = 0x100, [S_NAME_OR_END] = 0x100, [S_NAME] = 0x100,
    [S_COLON] = ':',   [S_AFTER_ITEM] = ',',    [S_AFTER_MEMBER] = ',',  [S_DONE] = 0x100,
};

static const char *const refusals[STATES] = {
    [S_VALUE] = "invalid character looking for beginning of value",
    [S_ITEM_OR_END] = "invalid character looking for beginning of value",
    [S_NAME_OR_END] = "invalid character looking for beginning of object key string",
    [S_NAME] = "invalid character looking for beginning of object key string",
    [S_COLON] = "invalid character after object key",
    [S_AFTER_ITEM] = "invalid character after array element",
    [S_AFTER_MEMBER] = "invalid character after object key:value pair",
    [S_DONE] = "invalid character after top-level value",
};

static const char reason_cut[] = "unexpected EOF";

static int32_t refuse(struct scan *s, const char *reason) {
    s->reason = s->p == s->end ? reason_cut : reason;
    return EG_E_SYNTAX;
}

static inline const char *skip_space(const char *p, const char *end) {
    while (p < end && (unsigned char)*p <= ' ' &&
           (*p == ' ' || *p == '\n' || *p == '\r' || *p == '\t')) {
        p++;
    }
    return p;
}

static inline bool is_digit(const char *p, const char *end) {
    return p < end && *p >= '0' && *p <= '9';
}

static inline bool is_hex(char c) {
    return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f');
}

/* s->p is behind a backslash. */
static int32_t scan_escape(struct scan *s) {
    static const bool letters[256] = {
        ['"'] = true, ['\\'] = true, ['/'] = true, ['b'] = true, ['f'] = true,
        ['n'] = true, ['r'] = true,  ['t'] = true, ['u'] = true};
    if (s->p == s->end || !letters[(unsigned char)*s->p]) {
        return refuse(s, "invalid character in string escape code");
    }
    if (*s->p++ != 'u') {
        return EG_OK;
    }
    for (int digit = 0; digit < 4; digit++, s->p++) {
        if (s->p == s->end || !is_hex(*s->p)) {
            return refuse(s, "invalid character in \\u hexadecimal character escape");
        }
    }
    return EG_OK;
}

/* What is no plain byte of a string, at s->p; the string goes on behind it. */
static int32_t scan_mark(struct scan *s) {
    if (s->p == s->end) {
        return refuse(s, reason_cut);
    }
    const unsigned char c = (unsigned char)*s->p;
    if (c == '\\') {
        s->p++;
        return scan_escape(s);
    }
    const size_t step = c < 0x80 ? 0 : gw_utf8_step(s->p, (size_t)(s->end - s->p));
    if (step == 0) {
        return refuse(s, c < 0x80 ? "invalid character in string literal"
                                  : "invalid UTF-8 in string literal");
    }
    s->p += step;
    return EG_OK;
}

/* s->p is at the opening quote. */
static int32_t scan_string(struct scan *s) {
    s->p++;
    for (;;) {
        s->p += gw_json_plain_run(s->p, (size_t)(s->end - s->p));
        if (s->p < s->end && *s->p == '"') {
            s->p++;
            return EG_OK;
        }
        const int32_t rc = scan_mark(s);
        if (rc < 0) {
            return rc;
        }
    }
}

/* One digit at least. */
static int32_t scan_digits(struct scan *s) {
    if (!is_digit(s->p, s->end)) {
        return refuse(s, "invalid character in numeric literal");
    }
    while (is_digit(s->p, s->end)) {
        s->p++;
    }
    return EG_OK;
}

static int32_t scan_number(struct scan *s) {
    int32_t rc = EG_OK;
    s->p += *s->p == '-';
    if (s->p < s->end && *s->p == '0') {
        s->p++;
    } else {
        rc = scan_digits(s);
    }
    if (rc == EG_OK && s->p < s->end && *s->p == '.') {
        s->p++;
        rc = scan_digits(s);
    }
    if (rc == EG_OK && s->p < s->end && (*s->p | 0x20) == 'e') {
        s->p++;
        s->p += s->p < s->end && (*s->p == '+' || *s->p == '-');
        rc = scan_digits(s);
    }
    return rc;
}

static int32_t scan_word(struct scan *s) {
    const char *word = *s->p == 't' ? "true" : *s->p == 'f' ? "false" : "null";
    for (; *word != '\0'; word++, s->p++) {
        if (s->p == s->end || *s->p != *word) {
            return refuse(s, "invalid character in literal true, false or null");
        }
    }
    return EG_OK;
}

static bool in_object(const struct scan *s) {
    const uint32_t level = s->depth - 1;
    return (s->is_object[level / 64] >> (level % 64) & 1) != 0;
}

static void set_after(struct scan *s) {
    s->after = s->depth == 0 ? S_DONE : in_object(s) ? S_AFTER_MEMBER : S_AFTER_ITEM;
}

/* What separates this from the next mostly stands there at once. */
static inline void enter(struct scan *s, enum state state) {
    if (s->p < s->end && (unsigned char)*s->p == separators[state]) {
        s->p++;
        state = moves[state];
    }
    s->state = state;
}

static int32_t open_container(struct scan *s, bool is_object) {
    if (s->depth == s->max_depth) {
        s->reason = "nested too deeply";
        return EG_E_TOOBIG;
    }
    const uint64_t bit = 1ull << (s->depth % 64);
    uint64_t *word = &s->is_object[s->depth / 64];
    *word = is_object ? *word | bit : *word & ~bit;
    s->depth++;
    s->p++;
    set_after(s);
    s->state = is_object ? S_NAME_OR_END : S_ITEM_OR_END;
    return EG_OK;
}

/* One token, and what separates it from the next: s->p is at a byte that is no space. */
static inline int32_t scan_token(struct scan *s) {
    const uint8_t action = actions[s->state][classes[(unsigned char)*s->p]];
    int32_t rc = EG_OK;
    switch (action) {
    case A_STRING:
    case A_NAME:
        rc = scan_string(s);
        break;
    case A_NUMBER:
    case A_WORD:
        rc = action == A_NUMBER ? scan_number(s) : scan_word(s);
        break;
    case A_OPEN_OBJ:
    case A_OPEN_ARR:
        return open_container(s, action == A_OPEN_OBJ);
    case A_CLOSE:
        s->p++;
        s->depth--;
        set_after(s);
        break;
    case A_MOVE:
        s->p++;
        s->state = moves[s->state];
        return EG_OK;
    default:
        return refuse(s, refusals[s->state]);
    }
    if (rc == EG_OK) {
        enter(s, action == A_NAME ? S_COLON : s->after);
    }
    return rc;
}

static int32_t scan_value(struct scan *s) {
    int32_t rc = EG_OK;
    while (rc == EG_OK && s->state != S_DONE) {
        s->p = skip_space(s->p, s->end);
        rc = s->p == s->end ? refuse(s, reason_cut) : scan_token(s);
    }
    return rc;
}

static enum gw_jtype type_of(char first) {
    static const uint8_t types[256] = {
        ['{'] = GW_J_OBJECT, ['['] = GW_J_ARRAY, ['"'] = GW_J_STRING, ['t'] = GW_J_TRUE,
        ['f'] = GW_J_FALSE,  ['n'] = GW_J_NULL,  ['-'] = GW_J_NUMBER, ['0' ... '9'] = GW_J_NUMBER};
    return types[(unsigned char)first];
}

static uint32_t depth_limit(uint32_t max_depth) {
    if (max_depth == 0) {
        return GW_JSON_DEPTH;
    }
    return max_depth < GW_JSON_DEPTH_MAX ? max_depth : GW_JSON_DEPTH_MAX;
}

static int32_t check(struct eg_str text, uint32_t max_depth, bool allow_tail,
                     struct gw_jval *ret_value, struct gw_jerror *ret_error) {
    struct scan s;
    /* is_object is not cleared: a level's bit is written before it is read. */
    s.begin = s.p = text.len == 0 ? "" : text.ptr;
    s.end = s.begin + text.len;
    s.state = S_VALUE;
    s.after = S_DONE;
    s.depth = 0;
    s.max_depth = depth_limit(max_depth);
    s.reason = NULL;
    const char *value = skip_space(s.p, s.end);
    int32_t rc = scan_value(&s);
    const char *value_end = s.p;
    if (rc == EG_OK && !allow_tail) {
        s.p = skip_space(s.p, s.end);
        rc = s.p == s.end ? EG_OK : refuse(&s, refusals[S_DONE]);
    }
    if (rc < 0) {
        if (ret_error != NULL) {
            const bool is_cut = s.reason == reason_cut;
            *ret_error = (struct gw_jerror){.reason = value == s.end ? "EOF" : s.reason,
                                            .offset = (size_t)(s.p - s.begin),
                                            .at_end = is_cut};
        }
        return rc;
    }
    if (ret_value != NULL) {
        ret_value->type = type_of(*value);
        ret_value->raw = gw_str(value, (size_t)(value_end - value));
    }
    return EG_OK;
}

int32_t gw_json_check(struct eg_str text, uint32_t max_depth, struct gw_jval *ret_value,
                      struct gw_jerror *ret_error) {
    return check(text, max_depth, false, ret_value, ret_error);
}

int32_t gw_json_check_first(struct eg_str text, uint32_t max_depth, struct gw_jval *ret_value,
                            struct gw_jerror *ret_error) {
    return check(text, max_depth, true, ret_value, ret_error);
}

void gw_jerror_write(struct gw_bytes *out, struct eg_str text, const struct gw_jerror *error) {
    static const char prefix[] = "invalid character";
    const char *reason = error->reason;
    if (error->offset < text.len && strncmp(reason, prefix, sizeof prefix - 1) == 0) {
        const unsigned char c = (unsigned char)text.ptr[error->offset];
        const bool is_printable = c >= 0x20 && c < 0x7f;
        gw_bytes_addf(out, is_printable ? "%s '%c'" : "%s '\\x%02x'", prefix, c);
        reason += sizeof prefix - 1;
    }
    gw_bytes_add_c(out, reason);
}
