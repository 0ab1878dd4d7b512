/*
 * jq_reply.c - a reply as a value, and back as a list of changes.
 *
 *   {"status": 200, "headers": {"content-type": "text/plain"}, "body": "hello"}
 *
 * Names of headers are in lower case; one that is there several times is a list. The body is parsed
 * when it says that it is JSON, and is; a text otherwise; body_base64 when it is no UTF-8.
 */
#include "jq_values.h"

#include <eventgw-sdk/egx_http.h>
#include <eventgw-sdk/egx_storage.h>

/* ---- in ---- */

static int is_utf8(struct eg_str text) {
    for (size_t i = 0; i < text.len;) {
        const size_t used = egx_utf8_char(text.ptr + i, text.len - i);
        if (used == 0) {
            return 0;
        }
        i += used;
    }
    return 1;
}

static jv base64_of(struct eg_str bytes) {
    struct egx_json text = egx_json_begin();
    egx_put_base64(&text, bytes);
    jv value = jv_string_sized(text.len == 0 ? "" : text.ptr, (int)text.len);
    egx_json_free(&text);
    return value;
}

static jv body_value(struct eg_str body, uint32_t is_json) {
    jv value = is_json ? tr_parse(body) : jv_invalid();
    if (jv_is_valid(value)) {
        return value;
    }
    jv_free(value);
    return body.len == 0 ? jv_null() : jv_string_sized(body.ptr, (int)body.len);
}

jv tr_reply_input(jv head, struct eg_str body, uint32_t is_json) {
    if (!is_utf8(body)) {
        return jv_object_set(head, jv_string("body_base64"), base64_of(body));
    }
    return jv_object_set(head, jv_string("body"), body_value(body, is_json));
}

/* ---- status ---- */

static void status(struct tr_changes *changes, jv before, jv after) {
    jv now = tr_member(after, "status");
    const double number = jv_get_kind(now) == JV_KIND_NUMBER ? jv_number_value(now) : 0;
    char digits[16];
    if (!(number >= 200 && number <= 599) || number != (double)(uint32_t)number) {
        tr_changes_refuse(changes, TR_BAD_OUTPUT,
                          "'status' of its output has to be a number from 200 to 599");
    } else if (!jv_equal(tr_member(before, "status"), jv_copy(now))) {
        (void)snprintf(digits, sizeof digits, "%u", (uint32_t)number);
        tr_changes_add(changes, TR_STATUS, EGX_STR("status"), egx_str_c(digits));
    }
    jv_free(now);
}

/* ---- headers ---- */

static jv lower(struct eg_str name) {
    char text[256];
    size_t len = 0;
    while (len < name.len && len < sizeof text) {
        text[len] = egx_lower(name.ptr[len]);
        len++;
    }
    return jv_string_sized(text, (int)len);
}

/* Names in lower case, members that are null left out. Borrows. */
static jv normal_headers(struct tr_changes *changes, jv after) {
    jv given = tr_member(after, "headers");
    jv normal = jv_object();
    if (jv_get_kind(given) != JV_KIND_OBJECT) {
        tr_changes_refuse(changes, TR_BAD_OUTPUT, "'headers' of its output has to be an object");
        jv_free(given);
        return normal;
    }
    jv_object_foreach(given, key, value) {
        if (jv_get_kind(value) == JV_KIND_NULL) {
            jv_free(value);
        } else {
            normal = jv_object_set(normal, lower(tr_string(key)), value);
        }
        jv_free(key);
    }
    jv_free(given);
    return normal;
}

static void bad_header(struct tr_changes *changes, struct eg_str name) {
    tr_changes_refuse(changes, TR_BAD_OUTPUT,
                      "header '%.*s' of its output has to be a text or a list of texts",
                      EGX_FMT(name));
}

static void header_list(struct tr_changes *changes, struct eg_str name, jv list) {
    tr_changes_add(changes, TR_HEADER_REMOVE, name, egx_str_n(NULL, 0));
    jv_array_foreach(list, i, item) {
        if (jv_get_kind(item) == JV_KIND_STRING) {
            tr_changes_add(changes, TR_HEADER_ADD, name, tr_string(item));
        } else {
            bad_header(changes, name);
        }
        jv_free(item);
    }
}

static void header(struct tr_changes *changes, struct eg_str name, jv value) {
    if (jv_get_kind(value) == JV_KIND_STRING) {
        tr_changes_add(changes, TR_HEADER_SET, name, tr_string(value));
    } else if (jv_get_kind(value) == JV_KIND_ARRAY) {
        header_list(changes, name, value);
    } else {
        bad_header(changes, name);
    }
}

static void headers(struct tr_changes *changes, jv before, jv after) {
    jv was = tr_member(before, "headers");
    jv now = normal_headers(changes, after);
    jv_object_foreach(was, gone, former) {
        if (changes->outcome == TR_OK && !jv_object_has(jv_copy(now), jv_copy(gone))) {
            tr_changes_add(changes, TR_HEADER_REMOVE, tr_string(gone), egx_str_n(NULL, 0));
        }
        jv_free(gone);
        jv_free(former);
    }
    jv_object_foreach(now, key, value) {
        if (!jv_equal(jv_copy(value), tr_member(was, jv_string_value(key)))) {
            header(changes, tr_string(key), value);
        }
        jv_free(key);
        jv_free(value);
    }
    jv_free(was);
    jv_free(now);
}

/* ---- body ---- */

static void body_bytes(struct tr_changes *changes, struct eg_str text) {
    char *bytes = malloc(text.len / 4 * 3 + 1);
    size_t len = 0;
    if (bytes == NULL || egx_base64_decode(text, bytes, &len) < 0) {
        tr_changes_refuse(changes, TR_BAD_OUTPUT, "'body_base64' of its output is no base64");
    } else {
        tr_changes_add(changes, TR_BODY, EGX_STR("body"), egx_str_n(bytes, len));
    }
    free(bytes);
}

static void body(struct tr_changes *changes, jv before, jv after) {
    jv now = tr_member(after, "body");
    jv base64 = tr_member(after, "body_base64");
    const jv_kind kind = jv_get_kind(now);
    const jv_kind base64_kind = jv_get_kind(base64);
    if (base64_kind != JV_KIND_NULL && (base64_kind != JV_KIND_STRING || kind != JV_KIND_NULL)) {
        tr_changes_refuse(changes, TR_BAD_OUTPUT,
                          "'body_base64' of its output has to be a text, without 'body' beside it");
    } else if (jv_equal(jv_copy(now), tr_member(before, "body")) &&
               jv_equal(jv_copy(base64), tr_member(before, "body_base64"))) {
        /* as it is */
    } else if (base64_kind == JV_KIND_STRING) {
        body_bytes(changes, tr_string(base64));
    } else if (kind == JV_KIND_NULL || kind == JV_KIND_STRING) {
        tr_changes_add(changes, TR_BODY, EGX_STR("body"), tr_string(now));
    } else {
        tr_changes_add_json(changes, TR_BODY_JSON, EGX_STR("body"), jv_copy(now));
    }
    jv_free(now);
    jv_free(base64);
}

void tr_reply_changes(struct tr_changes *changes, jv before, jv after) {
    status(changes, before, after);
    headers(changes, before, after);
    body(changes, before, after);
}
