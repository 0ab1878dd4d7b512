/*
 * canonical.c - the canonical request: method, path, query, headers sorted by name, their names,
 * hash of the body. Any thread; memory is malloc's and goes to the caller.
 *
 * Headers that proxies or the transfer itself may add, drop or change stay unsigned.
 */
#include "canonical.h"

#include <stdlib.h>

#include "uri.h"

static const char *const unsigned_headers[] = {
    "authorization", "connection",        "expect",  "keep-alive", "te",
    "trailer",       "transfer-encoding", "upgrade", "user-agent", "x-amzn-trace-id",
};

static int is_signed(struct eg_str name) {
    const struct eg_str proxy = EGX_STR("proxy-");
    if (name.len >= proxy.len && egx_str_eq_nocase(egx_str_n(name.ptr, proxy.len), proxy)) {
        return 0;
    }
    for (size_t i = 0; i < EGX_COUNT(unsigned_headers); i++) {
        if (egx_str_eq_nocase(name, egx_str_c(unsigned_headers[i]))) {
            return 0;
        }
    }
    return 1;
}

struct row {
    struct eg_kv kv;
    size_t index; /* repeats keep their order */
};

static int compare_names(struct eg_str a, struct eg_str b) {
    for (size_t i = 0; i < a.len && i < b.len; i++) {
        const int left = (unsigned char)egx_lower(a.ptr[i]);
        const int right = (unsigned char)egx_lower(b.ptr[i]);
        if (left != right) {
            return left - right;
        }
    }
    return (a.len > b.len) - (a.len < b.len);
}

static int compare_rows(const void *left, const void *right) {
    const struct row *a = left;
    const struct row *b = right;
    const int order = compare_names(a->kv.name, b->kv.name);
    return order != 0 ? order : (a->index > b->index) - (a->index < b->index);
}

static int is_blank(char c) {
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Trimmed, and runs of blanks (folded lines too) as one space. */
static void put_value(struct egx_json *out, struct eg_str value) {
    int is_gap = 0;
    int has_begun = 0;
    for (size_t i = 0; i < value.len; i++) {
        const char c = value.ptr[i];
        if (is_blank(c)) {
            is_gap = has_begun;
            continue;
        }
        if (is_gap) {
            egx_json_raw(out, EGX_STR(" "));
        }
        egx_json_raw(out, egx_str_n(&c, 1));
        is_gap = 0;
        has_begun = 1;
    }
}

static void put_name(struct egx_json *out, struct eg_str name) {
    for (size_t i = 0; i < name.len; i++) {
        const char c = egx_lower(name.ptr[i]);
        egx_json_raw(out, egx_str_n(&c, 1));
    }
}

static void put_headers(const struct row *rows, size_t count, struct egx_json *text,
                        struct egx_json *names) {
    for (size_t i = 0; i < count; i++) {
        const int is_repeat = i > 0 && compare_names(rows[i - 1].kv.name, rows[i].kv.name) == 0;
        if (is_repeat) {
            egx_json_raw(text, EGX_STR(","));
        } else {
            egx_json_raw(text, i > 0 ? EGX_STR("\n") : EGX_STR(""));
            egx_json_raw(names, i > 0 ? EGX_STR(";") : EGX_STR(""));
            put_name(text, rows[i].kv.name);
            put_name(names, rows[i].kv.name);
            egx_json_raw(text, EGX_STR(":"));
        }
        put_value(text, rows[i].kv.value);
    }
    egx_json_raw(text, EGX_STR("\n"));
}

static size_t collect(struct row *rows, size_t count, const struct eg_kv *headers, size_t more) {
    for (size_t i = 0; i < more; i++) {
        if (is_signed(headers[i].name)) {
            rows[count] = (struct row){.kv = headers[i], .index = count};
            count++;
        }
    }
    return count;
}

static void put_path(struct egx_json *text, const struct aws_sign_request *request) {
    const size_t room = request->path.len * 3 + 2; /* every byte escaped, and a '/' */
    char *path = malloc(room);
    if (path == NULL) {
        text->is_failed = 1;
        return;
    }
    const int32_t is_normalized = (request->flags & AWS_SIGN_RAW_PATH) == 0;
    egx_json_raw(text,
                 egx_str_n(path, aws_uri_canonical_path(request->path, is_normalized, path, room)));
    free(path);
}

int32_t aws_canonical_new(const struct aws_sign_request *request, const struct eg_kv *extra,
                          size_t extra_count, const char *hash_hex,
                          struct aws_canonical *ret_canonical) {
    struct row rows[AWS_SIGN_MAX_HEADERS];
    if (request->header_count > AWS_SIGN_MAX_HEADERS ||
        extra_count > AWS_SIGN_MAX_HEADERS - request->header_count ||
        request->path.len > SIZE_MAX / 16) {
        return EG_E_INVAL;
    }
    char *query = aws_uri_canonical_query(request->query);
    if (query == NULL) {
        return EG_E_INVAL;
    }
    size_t count = collect(rows, 0, extra, extra_count);
    count = collect(rows, count, request->headers, request->header_count);
    qsort(rows, count, sizeof rows[0], compare_rows);

    struct egx_json text = egx_json_begin();
    struct egx_json names = egx_json_begin();
    egx_json_raw(&text, request->method);
    egx_json_raw(&text, EGX_STR("\n"));
    put_path(&text, request);
    egx_json_raw(&text, EGX_STR("\n"));
    egx_json_raw(&text, egx_str_c(query));
    egx_json_raw(&text, EGX_STR("\n"));
    put_headers(rows, count, &text, &names);
    egx_json_raw(&text, EGX_STR("\n"));
    egx_json_raw(&text, egx_json_text(&names));
    egx_json_raw(&text, EGX_STR("\n"));
    egx_json_raw(&text, egx_str_c(hash_hex));
    const size_t text_len = text.len;
    egx_json_raw(&text, egx_str_n("", 1)); /* the NUL */
    egx_json_raw(&names, egx_str_n("", 1));
    free(query);
    if (text.is_failed || names.is_failed) {
        egx_json_free(&text);
        egx_json_free(&names);
        return EG_E_TOOBIG;
    }
    *ret_canonical = (struct aws_canonical){text.ptr, text_len, names.ptr};
    return EG_OK;
}

void aws_canonical_free(struct aws_canonical *canonical) {
    free(canonical->text);
    free(canonical->signed_headers);
    *canonical = (struct aws_canonical){NULL, 0, NULL};
}
