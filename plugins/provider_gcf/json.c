/*
 * json.c - walks the members of one JSON object without building it. The gateway has written the
 * text, so it is well formed; what is not ends the walk and never reads beyond the end. Data are
 * handed on byte by byte as the sender wrote them: numbers keep their digits. Nothing is allocated.
 */
#include "provider_gcf.h"

static size_t skip_space(struct eg_str s, size_t at) {
    while (at < s.len && strchr(" \t\r\n", s.ptr[at]) != NULL && s.ptr[at] != '\0') {
        at++;
    }
    return at;
}

/* Behind the string that begins at `at`, or SIZE_MAX. */
static size_t skip_string(struct eg_str s, size_t at) {
    if (at >= s.len || s.ptr[at] != '"') {
        return SIZE_MAX;
    }
    for (at++; at < s.len; at++) {
        if (s.ptr[at] == '\\') {
            at++;
        } else if (s.ptr[at] == '"') {
            return at + 1;
        }
    }
    return SIZE_MAX;
}

/* Behind the value that begins at `at`: brackets are counted, strings stepped over. */
static size_t skip_value(struct eg_str s, size_t at) {
    size_t depth = 0;
    while (at < s.len) {
        const char c = s.ptr[at];
        if (c == '"') {
            at = skip_string(s, at);
            if (depth == 0 || at == SIZE_MAX) {
                return at;
            }
            continue;
        }
        if (depth == 0 && (c == ',' || c == '}' || c == ']')) {
            return at; /* the end of a number or a word */
        }
        depth += (c == '{' || c == '[');
        at++;
        if ((c == '}' || c == ']') && --depth == 0) {
            return at;
        }
    }
    return SIZE_MAX;
}

static struct eg_str trim_end(struct eg_str s) {
    while (s.len > 0 && s.ptr[s.len - 1] != '\0' && strchr(" \t\r\n", s.ptr[s.len - 1]) != NULL) {
        s.len--;
    }
    return s;
}

int32_t gcf_json_next(struct eg_str object, size_t *cursor, struct eg_str *ret_name,
                      struct eg_str *ret_value) {
    size_t at = skip_space(object, *cursor);
    if (at >= object.len || (*cursor == 0 && object.ptr[at] != '{')) {
        return EG_E_SYNTAX;
    }
    if (object.ptr[at] == '}') {
        return 0;
    }
    if (object.ptr[at] != (*cursor == 0 ? '{' : ',')) {
        return EG_E_SYNTAX;
    }
    const size_t name = skip_space(object, at + 1);
    if (*cursor == 0 && name < object.len && object.ptr[name] == '}') {
        return 0;
    }
    const size_t name_end = skip_string(object, name);
    if (name_end == SIZE_MAX) {
        return EG_E_SYNTAX;
    }
    at = skip_space(object, name_end);
    if (at >= object.len || object.ptr[at] != ':') {
        return EG_E_SYNTAX;
    }
    const size_t value = skip_space(object, at + 1);
    const size_t end = skip_value(object, value);
    if (end == SIZE_MAX || end == value) {
        return EG_E_SYNTAX;
    }
    *ret_name = egx_str_n(object.ptr + name + 1, name_end - name - 2);
    *ret_value = trim_end(egx_str_n(object.ptr + value, end - value));
    *cursor = end;
    return 1;
}

static int hex_of(char c) {
    static const char digits[] = "0123456789abcdef";
    const char *at = c == '\0' ? NULL : strchr(digits, egx_lower(c));
    return at == NULL ? -1 : (int)(at - digits);
}

/* The four digits behind \u; UINT32_MAX when they are none. */
static uint32_t unit_at(struct eg_str s, size_t at) {
    uint32_t unit = 0;
    if (s.len < 4 || at > s.len - 4) {
        return UINT32_MAX;
    }
    for (size_t i = 0; i < 4; i++) {
        const int digit = hex_of(s.ptr[at + i]);
        if (digit < 0) {
            return UINT32_MAX;
        }
        unit = unit * 16 + (uint32_t)digit;
    }
    return unit;
}

static size_t put_utf8(char *out, uint32_t c) {
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    const size_t count = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    static const unsigned char lead[] = {0, 0, 0xc0, 0xe0, 0xf0};
    for (size_t i = count - 1; i > 0; i--) {
        out[i] = (char)(unsigned char)(0x80u | (c & 0x3fu));
        c >>= 6;
    }
    out[0] = (char)(unsigned char)(lead[count] | c);
    return count;
}

/* \uXXXX with s.ptr[at] == 'u', maybe a pair; what is no character is U+FFFD. Returns what was
 * read. */
static size_t decode_unit(struct eg_str s, size_t at, char *out, size_t *len) {
    uint32_t c = unit_at(s, at + 1);
    size_t used = 5;
    if (c == UINT32_MAX) {
        *len += put_utf8(out + *len, 0xfffd);
        return used;
    }
    if (c >= 0xd800 && c < 0xdc00 && at + 6 < s.len && s.ptr[at + 5] == '\\' &&
        s.ptr[at + 6] == 'u') {
        const uint32_t low = unit_at(s, at + 7);
        if (low >= 0xdc00 && low < 0xe000) {
            c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
            used = 11;
        }
    }
    *len += put_utf8(out + *len, c >= 0xd800 && c < 0xe000 ? 0xfffd : c);
    return used;
}

size_t gcf_json_decode(struct eg_str raw, char *out) {
    static const char from[] = "bfnrt";
    static const char to[] = "\b\f\n\r\t";
    size_t len = 0;
    if (raw.len < 2) {
        return 0;
    }
    const struct eg_str s = egx_str_n(raw.ptr + 1, raw.len - 2);
    for (size_t i = 0; i < s.len;) {
        if (s.ptr[i] != '\\' || i + 1 == s.len) {
            out[len++] = s.ptr[i++];
            continue;
        }
        const char c = s.ptr[++i];
        if (c == 'u') {
            /* Six bytes of text for at most three of UTF-8; a cut escape ends the string. */
            i += s.len - i >= 5 ? decode_unit(s, i, out, &len) : s.len - i;
            continue;
        }
        const char *at = c == '\0' ? NULL : strchr(from, c);
        out[len++] = at == NULL ? c : to[at - from];
        i++;
    }
    return len;
}
