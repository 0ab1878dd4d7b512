/*
 * eventgw-sdk/egx_json.h - writes JSON text. Commas come by themselves:
 *
 *   struct egx_json j = egx_json_begin();
 *   egx_json_open(&j, '{');
 *   egx_json_key(&j, EGX_STR("id"));
 *   egx_json_string(&j, id);
 *   egx_json_close(&j, '}');
 *   ... egx_json_text(&j) ... egx_json_free(&j);
 *
 * Memory is malloc's; when it is out the text is empty and stays so (is_failed).
 */
#ifndef EVENTGW_SDK_JSON_H
#define EVENTGW_SDK_JSON_H

#include <stdio.h>
#include <stdlib.h>

#include "egx_str.h"

/* JSON text that grows. Not to be touched: begin with egx_json_begin. */
struct egx_json {
    char *ptr;
    size_t len;
    size_t room;
    int is_failed;
};

/* An empty text. */
static inline struct egx_json egx_json_begin(void) {
    struct egx_json json;
    memset(&json, 0, sizeof json);
    return json;
}

/* Also of a text that was taken; it is empty afterwards. */
static inline void egx_json_free(struct egx_json *json) {
    free(json->ptr);
    *json = egx_json_begin();
}

/* What is there, borrowed until the next change; empty when memory ran out. */
static inline struct eg_str egx_json_text(const struct egx_json *json) {
    return egx_str_n(json->ptr, json->is_failed ? 0 : json->len);
}

/* For struct eg_buf. */
static inline void egx_json_release(void *owner) {
    free(owner);
}

/* The text, to be given away; json is empty afterwards. */
static inline struct eg_buf egx_json_take(struct egx_json *json) {
    struct eg_buf buf;
    buf.ptr = json->ptr;
    buf.len = json->is_failed ? 0 : json->len;
    buf.release = egx_json_release;
    buf.owner = json->ptr;
    *json = egx_json_begin();
    return buf;
}

/* Appends bytes as they are. */
static inline void egx_json_raw(struct egx_json *json, struct eg_str bytes) {
    if (json->is_failed || bytes.len == 0) {
        return;
    }
    if (bytes.len > json->room - json->len) {
        size_t room = json->room < 128 ? 128 : json->room;
        while (room - json->len < bytes.len && room <= SIZE_MAX / 2) {
            room *= 2;
        }
        char *ptr = room - json->len < bytes.len ? NULL : (char *)realloc(json->ptr, room);
        if (ptr == NULL) {
            json->is_failed = 1;
            return;
        }
        json->ptr = ptr;
        json->room = room;
    }
    memcpy(json->ptr + json->len, bytes.ptr, bytes.len);
    json->len += bytes.len;
}

/* The comma before a member or an item, where one belongs. */
static inline void egx_json_comma(struct egx_json *json) {
    const char last = json->len == 0 ? '\n' : json->ptr[json->len - 1];
    if (strchr("{[:,\n", last) == NULL) {
        egx_json_raw(json, EGX_STR(","));
    }
}

/* Length of the valid UTF-8 character (RFC 3629) that begins here; 0 = none. */
static inline size_t egx_utf8_char(const char *text, size_t len) {
    const unsigned char *s = (const unsigned char *)text;
    const size_t need = s[0] < 0x80 ? 1 : s[0] < 0xc2 ? 0 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;
    if (need == 0 || need > len || s[0] > 0xf4) {
        return 0;
    }
    for (size_t i = 1; i < need; i++) {
        if ((s[i] & 0xc0u) != 0x80u) {
            return 0;
        }
    }
    const int is_bad = (s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) ||
                       (s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f);
    return is_bad ? 0 : need;
}

/* One character of a string: as it is, escaped, or U+FFFD for what is no UTF-8. Bytes used. */
static inline size_t egx_json_char(struct egx_json *json, const char *text, size_t len) {
    const unsigned char c = (unsigned char)text[0];
    const size_t used = egx_utf8_char(text, len);
    char escape[8];
    if (used == 0) {
        egx_json_raw(json, EGX_STR("\xef\xbf\xbd"));
        return 1;
    }
    if (c == '"' || c == '\\') {
        escape[0] = '\\';
        escape[1] = (char)c;
        egx_json_raw(json, egx_str_n(escape, 2));
    } else if (c < 0x20) {
        (void)snprintf(escape, sizeof escape, "\\u%04x", c);
        egx_json_raw(json, egx_str_n(escape, 6));
    } else {
        egx_json_raw(json, egx_str_n(text, used));
    }
    return used;
}

/* A text with quotes and escapes, without a comma. */
static inline void egx_json_quote(struct egx_json *json, struct eg_str text) {
    egx_json_raw(json, EGX_STR("\""));
    for (size_t i = 0; i < text.len;) {
        i += egx_json_char(json, text.ptr + i, text.len - i);
    }
    egx_json_raw(json, EGX_STR("\""));
}

/* ---- values; each puts its comma ---- */

/* A string. */
static inline void egx_json_string(struct egx_json *json, struct eg_str text) {
    egx_json_comma(json);
    egx_json_quote(json, text);
}

/* A number. */
static inline void egx_json_int(struct egx_json *json, int64_t number) {
    char text[24];
    const int len = snprintf(text, sizeof text, "%lld", (long long)number);
    egx_json_comma(json);
    egx_json_raw(json, egx_str_n(text, len > 0 ? (size_t)len : 0));
}

/* true or false. */
static inline void egx_json_bool(struct egx_json *json, int is_true) {
    egx_json_comma(json);
    egx_json_raw(json, is_true ? EGX_STR("true") : EGX_STR("false"));
}

/* null. */
static inline void egx_json_null(struct egx_json *json) {
    egx_json_comma(json);
    egx_json_raw(json, EGX_STR("null"));
}

/* A value that is JSON text already. */
static inline void egx_json_value(struct egx_json *json, struct eg_str text) {
    egx_json_comma(json);
    egx_json_raw(json, text);
}

/* JSON text as a line of its own. Line ends between its tokens become spaces; in strings they are
 * escaped anyway. */
static inline void egx_json_line(struct egx_json *json, struct eg_str text) {
    const size_t begin = json->len;
    egx_json_raw(json, text);
    for (size_t i = begin; i < json->len; i++) {
        json->ptr[i] = json->ptr[i] == '\n' || json->ptr[i] == '\r' ? ' ' : json->ptr[i];
    }
    egx_json_raw(json, EGX_STR("\n"));
}

/* Begins an object or array: '{' or '['. */
static inline void egx_json_open(struct egx_json *json, char bracket) {
    egx_json_comma(json);
    egx_json_raw(json, egx_str_n(&bracket, 1));
}

/* Ends it: '}' or ']'. */
static inline void egx_json_close(struct egx_json *json, char bracket) {
    egx_json_raw(json, egx_str_n(&bracket, 1));
}

/* The name of the next member. */
static inline void egx_json_key(struct egx_json *json, struct eg_str name) {
    egx_json_comma(json);
    egx_json_quote(json, name);
    egx_json_raw(json, EGX_STR(":"));
}

#endif
