/* json_build.c - members and base64, written straight into the text that is sent. */
#include "json_build.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void aws_json_member(struct egx_json *json, struct eg_str name, struct eg_str value) {
    egx_json_key(json, name);
    egx_json_string(json, value);
}

/* One group of 1 to 3 bytes. */
static void encode_group(const unsigned char *in, size_t len, char *out) {
    const uint32_t bits = (uint32_t)in[0] << 16 | (len > 1 ? (uint32_t)in[1] << 8 : 0) |
                          (len > 2 ? (uint32_t)in[2] : 0);
    out[0] = alphabet[bits >> 18 & 63u];
    out[1] = alphabet[bits >> 12 & 63u];
    out[2] = len > 1 ? alphabet[bits >> 6 & 63u] : '=';
    out[3] = len > 2 ? alphabet[bits & 63u] : '=';
}

static void encode(struct egx_json *json, const unsigned char *in, size_t len) {
    char out[4096];
    size_t used = 0;
    for (size_t at = 0; at < len; at += 3) {
        if (used == sizeof out) {
            egx_json_raw(json, egx_str_n(out, used));
            used = 0;
        }
        encode_group(in + at, len - at < 3 ? len - at : 3, out + used);
        used += 4;
    }
    egx_json_raw(json, egx_str_n(out, used));
}

void aws_json_base64(struct egx_json *json, struct eg_str data, int32_t has_newline) {
    const size_t full = data.len - data.len % 3;
    unsigned char tail[3] = {0};
    size_t rest = data.len - full;
    egx_json_comma(json);
    egx_json_raw(json, EGX_STR("\""));
    encode(json, (const unsigned char *)data.ptr, full);
    if (rest > 0) {
        memcpy(tail, data.ptr + full, rest);
    }
    if (has_newline) {
        tail[rest++] = '\n';
    }
    encode(json, tail, rest);
    egx_json_raw(json, EGX_STR("\""));
}

size_t aws_base64_decode(struct eg_str text, char *out, size_t room) {
    uint32_t bits = 0;
    uint32_t count = 0;
    size_t used = 0;
    for (size_t i = 0; i < text.len && used < room; i++) {
        const char *found = text.ptr[i] == '\0' ? NULL : strchr(alphabet, text.ptr[i]);
        if (found == NULL) {
            break;
        }
        bits = (bits << 6 | (uint32_t)(found - alphabet)) & 0xffffffu;
        count += 6;
        if (count >= 8) {
            count -= 8;
            out[used++] = (char)(bits >> count & 0xffu);
        }
    }
    return used;
}

int32_t aws_is_utf8(struct eg_str text) {
    for (size_t i = 0; i < text.len;) {
        const size_t used = egx_utf8_char(text.ptr + i, text.len - i);
        if (used == 0) {
            return 0;
        }
        i += used;
    }
    return 1;
}
