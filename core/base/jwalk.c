/*
 * base/jwalk.c - the walkers of jscan.h: members and items of a text that gw_json_check accepted,
 * and the values of its strings and numbers. They rely on the check: no syntax is refused here, but
 * no byte outside the given text is touched whatever it holds. Any thread; borrows the text.
 */
#include "base/codec.h"
#include "base/jrun.h"
#include "base/jscan.h"
#include "base/slice.h"

static bool is_space(char c) {
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

/* Over space and the separators, which the check has seen to be in place. */
static size_t skip_between(struct eg_str s, size_t at) {
    while (at < s.len && (is_space(s.ptr[at]) || s.ptr[at] == ',' || s.ptr[at] == ':')) {
        at++;
    }
    return at;
}

/* at is at the opening quote; returns the place behind the closing one. */
static size_t skip_string(struct eg_str s, size_t at) {
    at++;
    while (at < s.len) {
        at += gw_json_text_run(s.ptr + at, s.len - at);
        if (at < s.len && s.ptr[at] == '"') {
            return at + 1;
        }
        at += 2; /* a backslash, and what it escapes */
    }
    return s.len;
}

static size_t skip_container(struct eg_str s, size_t at) {
    static const int8_t steps[256] = {['{'] = 1, ['['] = 1, ['}'] = -1, [']'] = -1};
    int64_t depth = 0;
    while (at < s.len) {
        if (s.ptr[at] == '"') {
            at = skip_string(s, at);
            continue;
        }
        depth += steps[(unsigned char)s.ptr[at++]];
        if (depth == 0) {
            break;
        }
    }
    return at;
}

static size_t skip_scalar(struct eg_str s, size_t at) {
    static const bool ends[256] = {[' '] = true, ['\n'] = true, ['\r'] = true, ['\t'] = true,
                                   [','] = true, ['}'] = true,  [']'] = true};
    while (at < s.len && !ends[(unsigned char)s.ptr[at]]) {
        at++;
    }
    return at;
}

/* The value at `at`; returns the place behind it. */
static size_t locate(struct eg_str s, size_t at, struct gw_jval *ret_value) {
    static const uint8_t types[256] = {
        ['{'] = GW_J_OBJECT, ['['] = GW_J_ARRAY, ['"'] = GW_J_STRING, ['t'] = GW_J_TRUE,
        ['f'] = GW_J_FALSE,  ['n'] = GW_J_NULL,  ['-'] = GW_J_NUMBER, ['0' ... '9'] = GW_J_NUMBER};
    const enum gw_jtype type = types[(unsigned char)s.ptr[at]];
    size_t end;
    if (type == GW_J_STRING) {
        end = skip_string(s, at);
    } else if (type == GW_J_ARRAY || type == GW_J_OBJECT) {
        end = skip_container(s, at);
    } else {
        end = skip_scalar(s, at);
    }
    *ret_value = (struct gw_jval){.type = type, .raw = gw_str(s.ptr + at, end - at)};
    return end;
}

/* Where the next member or item begins; false at the closing bracket. */
static bool next_begin(struct gw_jval container, enum gw_jtype type, size_t cursor,
                       size_t *ret_at) {
    if (container.type != type || container.raw.len < 2) {
        return false;
    }
    const size_t at = skip_between(container.raw, cursor == 0 ? 1 : cursor);
    *ret_at = at;
    return at + 1 < container.raw.len;
}

bool gw_jobj_next(struct gw_jval object, size_t *cursor, struct eg_str *ret_raw_name,
                  struct gw_jval *ret_value) {
    size_t at;
    if (!next_begin(object, GW_J_OBJECT, *cursor, &at)) {
        return false;
    }
    const size_t name_end = skip_string(object.raw, at);
    const size_t value = skip_between(object.raw, name_end);
    if (name_end - at < 2 || value >= object.raw.len) {
        return false;
    }
    *ret_raw_name = gw_str(object.raw.ptr + at + 1, name_end - at - 2);
    *cursor = locate(object.raw, value, ret_value);
    return true;
}

bool gw_jarr_next(struct gw_jval array, size_t *cursor, struct gw_jval *ret_item) {
    size_t at;
    if (!next_begin(array, GW_J_ARRAY, *cursor, &at)) {
        return false;
    }
    *cursor = locate(array.raw, at, ret_item);
    return true;
}

static uint32_t hex4(const char *p) {
    uint32_t value = 0;
    for (int i = 0; i < 4; i++) {
        const uint32_t c = (unsigned char)p[i];
        value = value << 4 | (c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
    }
    return value & 0xffff;
}

/* The character of the escape at *at (behind the backslash); moves *at behind it. A high surrogate
 * takes the low one that follows along; a lone one stays a surrogate. */
static uint32_t read_escape(struct eg_str s, size_t *at) {
    static const char letters[256] = {
        ['b'] = '\b', ['f'] = '\f', ['n'] = '\n', ['r'] = '\r', ['t'] = '\t'};
    const unsigned char letter = (unsigned char)s.ptr[(*at)++];
    if (letter != 'u' || s.len - *at < 4) {
        return letters[letter] != 0 ? (uint32_t)(unsigned char)letters[letter] : letter;
    }
    const uint32_t c = hex4(s.ptr + *at);
    *at += 4;
    const bool has_next = s.len - *at >= 6 && s.ptr[*at] == '\\' && s.ptr[*at + 1] == 'u';
    if (c < 0xd800 || c > 0xdbff || !has_next) {
        return c;
    }
    const uint32_t low = hex4(s.ptr + *at + 2);
    if (low < 0xdc00 || low > 0xdfff) {
        return c;
    }
    *at += 6;
    return 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
}

static struct eg_str without_quotes(struct eg_str raw) {
    /* A raw name never begins with a quote: inside a string it would be escaped. */
    if (raw.len >= 2 && raw.ptr[0] == '"') {
        return gw_str(raw.ptr + 1, raw.len - 2);
    }
    return raw;
}

struct eg_str gw_jstr_decode(struct gw_arena *arena, struct eg_str raw) {
    raw = without_quotes(raw);
    size_t slash = gw_str_find(raw, '\\');
    if (slash == raw.len) {
        return raw;
    }
    /* No escape is shorter than what it stands for. */
    char *out = gw_arena_alloc(arena, raw.len + 4);
    size_t len = 0;
    size_t at = 0;
    while (at < raw.len) {
        memcpy(out + len, raw.ptr + at, slash - at);
        len += slash - at;
        at = slash + 1;
        if (at < raw.len) {
            len += gw_utf8_encode(read_escape(raw, &at), out + len);
        }
        slash = at < raw.len ? at + gw_str_find(gw_str_cut(raw, at), '\\') : raw.len;
    }
    return gw_str(out, len);
}

static uint32_t fold(uint32_t c, bool folds) {
    return folds && c >= 'A' && c <= 'Z' ? c + 32 : c;
}

/* No escape is shorter than what it stands for, and what has the length of the name has none. */
static bool name_eq(struct eg_str raw, struct eg_str name, bool folds) {
    size_t at = 0;
    if (raw.len <= name.len || memchr(raw.ptr, '\\', raw.len) == NULL) {
        return folds ? gw_str_eq_nocase(raw, name) : gw_str_eq(raw, name);
    }
    for (size_t i = 0; i < name.len; i++) {
        if (at >= raw.len) {
            return false;
        }
        uint32_t c = (unsigned char)raw.ptr[at++];
        if (c == '\\' && at < raw.len) {
            c = read_escape(raw, &at);
            /* U+0080 and up would look like a raw byte of the name. */
            c = c < 0x80 ? c : UINT32_MAX;
        }
        if (fold(c, folds) != fold((unsigned char)name.ptr[i], folds)) {
            return false;
        }
    }
    return at == raw.len;
}

bool gw_jname_eq(struct eg_str raw_name, struct eg_str name) {
    return name_eq(raw_name, name, false);
}

bool gw_jname_eq_nocase(struct eg_str raw_name, struct eg_str name) {
    return name_eq(raw_name, name, true);
}

int32_t gw_jnum_i64(struct gw_jval number, int64_t *ret_value) {
    if (number.type != GW_J_NUMBER) {
        return EG_E_INVAL;
    }
    const int32_t rc = gw_str_i64(number.raw, ret_value);
    return rc == EG_E_SYNTAX ? EG_E_INVAL : rc;
}
