/*
 * body.c - what is written into requests. See
 * https://etcd.io/docs/v3.4/dev-guide/api_reference_v3/ for the messages.
 */
#include "storage_etcd.h"

/* ---- ranges ---- */

/* The end is the first key behind all that begin with the prefix: its last byte that is not 0xFF
 * grown by one. When there is none, and for the empty prefix, etcd has "\0" = no end; the empty key
 * is written "\0" too, since no key is empty. */
void etcd_range_make(const struct eg_host *host, struct eg_str prefix,
                     struct etcd_range *ret_range) {
    size_t end_len = prefix.len;
    char *memory = host->mem->alloc(host, 2 * prefix.len + 2);
    char *end = memory + prefix.len + 1;
    if (prefix.len > 0) {
        memcpy(memory, prefix.ptr, prefix.len);
        memcpy(end, prefix.ptr, prefix.len);
    }
    while (end_len > 0 && (unsigned char)end[end_len - 1] == 0xffu) {
        end_len--;
    }
    if (end_len > 0) {
        end[end_len - 1] = (char)((unsigned char)end[end_len - 1] + 1u);
    } else {
        end[0] = '\0';
        end_len = 1;
    }
    ret_range->memory = memory;
    ret_range->first = egx_str_n(memory, prefix.len == 0 ? 1 : prefix.len);
    ret_range->end = egx_str_n(end, end_len);
}

void etcd_range_free(const struct eg_host *host, struct etcd_range *range) {
    host->mem->free(host, range->memory);
    *range = (struct etcd_range){0};
}

/* ---- pieces ---- */

static void put_bytes(struct egx_json *body, struct eg_str name, struct eg_str bytes) {
    egx_json_key(body, name);
    egx_json_base64(body, bytes);
}

/* etcd's revisions are int64, and as text they are exact in every JSON. What is beyond them equals
 * none and is behind all. */
static void put_revision(struct egx_json *body, struct eg_str name, uint64_t revision) {
    char text[24];
    const int len = snprintf(text, sizeof text, "%llu",
                             (unsigned long long)(revision > INT64_MAX ? INT64_MAX : revision));
    egx_json_key(body, name);
    egx_json_string(body, egx_str_n(text, (size_t)len));
}

static void put_text(struct egx_json *body, struct eg_str name, struct eg_str text) {
    egx_json_key(body, name);
    egx_json_string(body, text);
}

void etcd_body_range(struct egx_json *body, struct eg_str first, struct eg_str end, uint64_t limit,
                     uint64_t revision) {
    egx_json_open(body, '{');
    put_bytes(body, EGX_STR("key"), first);
    if (end.len > 0) {
        put_bytes(body, EGX_STR("range_end"), end);
    }
    if (limit > 0) {
        put_revision(body, EGX_STR("limit"), limit);
    }
    if (revision > 0) {
        put_revision(body, EGX_STR("revision"), revision);
    }
    egx_json_close(body, '}');
}

/* ---- transactions ---- */

static void put_compare(struct egx_json *body, struct eg_str key, struct eg_str end,
                        struct eg_str result, uint64_t revision) {
    egx_json_open(body, '{');
    put_bytes(body, EGX_STR("key"), key);
    if (end.len > 0) {
        put_bytes(body, EGX_STR("range_end"), end);
    }
    put_text(body, EGX_STR("target"), EGX_STR("MOD"));
    put_text(body, EGX_STR("result"), result);
    put_revision(body, EGX_STR("mod_revision"), revision);
    egx_json_close(body, '}');
}

/* A key that is not there has the revision 0; of a range each key has to fit (etcd 3.3). */
static void put_check(const struct eg_host *host, struct egx_json *body,
                      const struct eg_check *check) {
    struct etcd_range range;
    if (check->kind == EG_CHECK_KEY) {
        put_compare(body, check->key, egx_str_n(NULL, 0), EGX_STR("EQUAL"), check->revision);
        return;
    }
    etcd_range_make(host, check->key, &range);
    put_compare(body, range.first, range.end, EGX_STR("LESS"),
                check->revision < UINT64_MAX ? check->revision + 1 : check->revision);
    etcd_range_free(host, &range);
}

static void put_write(struct egx_json *body, const struct eg_commit *commit) {
    egx_json_open(body, '{');
    egx_json_key(body, commit->is_removal != 0 ? EGX_STR("request_delete_range")
                                               : EGX_STR("request_put"));
    egx_json_open(body, '{');
    put_bytes(body, EGX_STR("key"), commit->key);
    if (commit->is_removal == 0) {
        put_bytes(body, EGX_STR("value"), commit->value);
    }
    egx_json_close(body, '}');
    egx_json_close(body, '}');
}

/* When it does not hold: what is at the key, to say why. */
static void put_question(struct egx_json *body, struct eg_str key) {
    egx_json_open(body, '{');
    egx_json_key(body, EGX_STR("request_range"));
    egx_json_open(body, '{');
    put_bytes(body, EGX_STR("key"), key);
    egx_json_key(body, EGX_STR("keys_only"));
    egx_json_bool(body, 1);
    egx_json_close(body, '}');
    egx_json_close(body, '}');
}

void etcd_body_txn(const struct eg_host *host, struct egx_json *body,
                   const struct eg_commit *commit) {
    egx_json_open(body, '{');
    egx_json_key(body, EGX_STR("compare"));
    egx_json_open(body, '[');
    if (commit->expect_revision != EG_REV_ANY) {
        put_compare(body, commit->key, egx_str_n(NULL, 0), EGX_STR("EQUAL"),
                    commit->expect_revision);
    }
    for (size_t i = 0; i < commit->check_count; i++) {
        put_check(host, body, commit->checks[i]);
    }
    egx_json_close(body, ']');
    egx_json_key(body, EGX_STR("success"));
    egx_json_open(body, '[');
    put_write(body, commit);
    egx_json_close(body, ']');
    egx_json_key(body, EGX_STR("failure"));
    egx_json_open(body, '[');
    put_question(body, commit->key);
    egx_json_close(body, ']');
    egx_json_close(body, '}');
}

/* ---- watches ---- */

/* progress_notify: an empty message now and then, which tells how far the store is. fragment: big
 * batches come in several messages (etcd 3.4). */
void etcd_body_watch(struct egx_json *body, const struct etcd_range *range, uint64_t from) {
    egx_json_open(body, '{');
    egx_json_key(body, EGX_STR("create_request"));
    egx_json_open(body, '{');
    put_bytes(body, EGX_STR("key"), range->first);
    put_bytes(body, EGX_STR("range_end"), range->end);
    put_revision(body, EGX_STR("start_revision"), from);
    egx_json_key(body, EGX_STR("progress_notify"));
    egx_json_bool(body, 1);
    egx_json_key(body, EGX_STR("fragment"));
    egx_json_bool(body, 1);
    egx_json_close(body, '}');
    egx_json_close(body, '}');
}
