/* keys.c - see keys.h. */
#include "keys.h"

static const char digits[] = "0123456789ABCDEF";

static bool is_low(unsigned char c) {
    return c <= '!';
}

static bool is_high(unsigned char c) {
    return c >= '~';
}

void consul_put_name(struct egx_json *out, struct eg_str key) {
    bool is_start = true;
    for (size_t i = 0; i < key.len; i++) {
        const unsigned char c = (unsigned char)key.ptr[i];
        const char coded[] = {is_low(c) ? '!' : '~', digits[c >> 4], digits[c & 15u]};
        if (is_low(c) || is_high(c)) {
            egx_json_raw(out, egx_str_n(coded, 3));
        } else if (is_start && (c == '.' || c == '/')) {
            egx_json_raw(out, c == '.' ? EGX_STR(".-") : EGX_STR(".0"));
        } else {
            egx_json_raw(out, egx_str_n(key.ptr + i, 1));
        }
        is_start = c == '/';
    }
}

size_t consul_name_len(struct eg_str key) {
    size_t len = 0;
    bool is_start = true;
    for (size_t i = 0; i < key.len; i++) {
        const unsigned char c = (unsigned char)key.ptr[i];
        len += is_low(c) || is_high(c) ? 3 : is_start && (c == '.' || c == '/') ? 2 : 1;
        is_start = c == '/';
    }
    return len;
}

/* One byte of the key; how many bytes of the name it took, 0 = it is no name. */
static size_t read_byte(struct eg_str name, bool is_start, char *ret_byte) {
    const char first = name.ptr[0];
    const char second = name.len > 1 ? name.ptr[1] : '\0';
    if (first == '!' || first == '~') {
        const char *high = second == '\0' ? NULL : strchr(digits, second);
        const char *low = name.len < 3 || name.ptr[2] == '\0' ? NULL : strchr(digits, name.ptr[2]);
        if (high == NULL || low == NULL) {
            return 0;
        }
        const unsigned char c = (unsigned char)((high - digits) << 4 | (low - digits));
        *ret_byte = (char)c;
        return (first == '!' ? is_low(c) : is_high(c)) ? 3 : 0;
    }
    if (is_low((unsigned char)first) || is_high((unsigned char)first)) {
        return 0;
    }
    if (is_start && (first == '.' || first == '/')) {
        *ret_byte = second == '-' ? '.' : '/';
        return first == '.' && (second == '-' || second == '0') ? 2 : 0;
    }
    *ret_byte = first;
    return 1;
}

bool consul_read_name(struct eg_str name, char *out, size_t *ret_len) {
    size_t len = 0;
    bool is_start = true;
    for (size_t i = 0; i < name.len;) {
        const size_t used = read_byte(egx_str_cut(name, i), is_start, &out[len]);
        if (used == 0) {
            return false;
        }
        is_start = out[len] == '/';
        len++;
        i += used;
    }
    *ret_len = len;
    return true;
}
