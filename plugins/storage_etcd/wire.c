/*
 * wire.c - what is read from answers. The gateway writes protobuf's JSON (https://protobuf.dev/
 * programming-guides/json/): bytes are base64, 64-bit integers are strings, what has its default is
 * left out. Nothing of it is believed before it was looked at.
 */
#include "storage_etcd.h"

struct eg_str etcd_string(const struct eg_host *host, const struct eg_json *object,
                          struct eg_str name) {
    return host->json->string(host->json->member(object, name));
}

bool etcd_is_true(const struct eg_host *host, const struct eg_json *object, struct eg_str name) {
    const struct eg_json *value = host->json->member(object, name);
    return host->json->kind(value) == EG_JSON_BOOL && host->json->integer(value) != 0;
}

static int32_t read_digits(struct eg_str text, uint64_t *ret_number) {
    uint64_t number = 0;
    if (text.len == 0) {
        return EG_E_PROTO;
    }
    for (size_t i = 0; i < text.len; i++) {
        const uint64_t digit = (uint64_t)(text.ptr[i] - '0');
        if (text.ptr[i] < '0' || text.ptr[i] > '9' || number > (UINT64_MAX - digit) / 10) {
            return EG_E_PROTO;
        }
        number = number * 10 + digit;
    }
    *ret_number = number;
    return EG_OK;
}

int32_t etcd_number(const struct eg_host *host, const struct eg_json *object, struct eg_str name,
                    uint64_t *ret_number) {
    const struct eg_json *value = host->json->member(object, name);
    const uint32_t kind = host->json->kind(value);
    if (kind == EG_JSON_NULL) {
        *ret_number = 0;
        return EG_OK;
    }
    if (kind == EG_JSON_INT && host->json->integer(value) >= 0) {
        *ret_number = (uint64_t)host->json->integer(value);
        return EG_OK;
    }
    return kind == EG_JSON_STRING ? read_digits(host->json->string(value), ret_number) : EG_E_PROTO;
}

int32_t etcd_header_read(const struct eg_host *host, const struct eg_json *root,
                         struct etcd_header *ret_header) {
    const struct eg_json *header = host->json->member(root, EGX_STR("header"));
    struct etcd_header read = {0};
    if (host->json->kind(header) != EG_JSON_OBJECT ||
        etcd_number(host, header, EGX_STR("cluster_id"), &read.cluster) < 0 ||
        etcd_number(host, header, EGX_STR("raft_term"), &read.term) < 0 ||
        etcd_number(host, header, EGX_STR("revision"), &read.revision) < 0) {
        return EG_E_PROTO;
    }
    *ret_header = read;
    return EG_OK;
}

/* ---- keys with values ---- */

int32_t etcd_kv_read(const struct eg_host *host, const struct eg_json *object,
                     struct etcd_kv *ret_kv) {
    const struct eg_json *value_json = host->json->member(object, EGX_STR("value"));
    const struct eg_str key = etcd_string(host, object, EGX_STR("key"));
    const struct eg_str value = host->json->string(value_json);
    const uint32_t value_kind = host->json->kind(value_json);
    uint64_t revision = 0;
    uint64_t created = 0; /* left out in removals */
    size_t key_len = 0;
    size_t value_len = 0;
    char *memory = host->mem->alloc(host, key.len + value.len + 1);
    if (key.len == 0 || (value_kind != EG_JSON_NULL && value_kind != EG_JSON_STRING) ||
        etcd_number(host, object, EGX_STR("mod_revision"), &revision) < 0 || revision == 0 ||
        etcd_number(host, object, EGX_STR("create_revision"), &created) < 0 ||
        egx_base64_decode(key, memory, &key_len) < 0 ||
        egx_base64_decode(value, memory + key.len, &value_len) < 0) {
        host->mem->free(host, memory);
        return EG_E_PROTO;
    }
    *ret_kv = (struct etcd_kv){.key = egx_str_n(memory, key_len),
                               .value = egx_str_n(memory + key.len, value_len),
                               .revision = revision,
                               .created = created,
                               .memory = memory};
    return EG_OK;
}

char *etcd_key_read(const struct eg_host *host, const struct eg_json *object,
                    struct eg_str *ret_key) {
    const struct eg_str text = etcd_string(host, object, EGX_STR("key"));
    char *memory = host->mem->alloc(host, text.len + 1);
    size_t len = 0;
    if (egx_base64_decode(text, memory, &len) < 0 || len == 0) {
        host->mem->free(host, memory);
        return NULL;
    }
    *ret_key = egx_str_n(memory, len);
    return memory;
}

void etcd_kv_free(const struct eg_host *host, struct etcd_kv *kv) {
    host->mem->free(host, kv->memory);
    *kv = (struct etcd_kv){0};
}

/* ---- bad records ---- */

/* FNV-1a: only to tell records apart that were named already. */
static uint64_t hash(uint64_t seed, struct eg_str text) {
    uint64_t h = seed;
    for (size_t i = 0; i < text.len; i++) {
        h = (h ^ (unsigned char)text.ptr[i]) * 1099511628211u;
    }
    return h;
}

/* True the first time. The memory is short: a store with more bad records names some again. */
static bool is_news(struct etcd_store *store, uint64_t mark) {
    for (size_t i = 0; i < ETCD_NAMED_BAD; i++) {
        if (store->named_bad[i] == mark) {
            return false;
        }
    }
    store->named_bad[store->named_bad_count++ % ETCD_NAMED_BAD] = mark;
    return true;
}

void etcd_bad_record(struct etcd_store *store, const struct eg_json *object) {
    const struct eg_host *host = store->host;
    const struct eg_str text = etcd_string(host, object, EGX_STR("key"));
    const struct eg_str revision = etcd_string(host, object, EGX_STR("mod_revision"));
    char *key = host->mem->alloc(host, text.len + 1);
    size_t len = 0;
    host->metrics->add(store->bad_records, 1);
    if (is_news(store, hash(hash(14695981039346656037u, text), revision))) {
        const bool is_key = egx_base64_decode(text, key, &len) == EG_OK && len > 0;
        const struct eg_str shown = is_key ? egx_str_n(key, len) : text;
        egx_log(host, EG_LOG_ERROR,
                "a record of etcd cannot be read and is left out: %s '%.*s', revision '%.*s'",
                is_key ? "key" : "what should be a key,", EGX_FMT(shown), EGX_FMT(revision));
    }
    host->mem->free(host, key);
}
