/*
 * batch_key.c - what orders an event: events of one key stay in order. Loop thread.
 *
 * Never a random value: the same event has the same key again, and related events meet in one shard
 * or group.
 */
#include "batch.h"
#include "md5.h"

#define MAX_POINTER_BYTES 512u

int32_t aws_pointer_check(struct eg_str pointer) {
    if (pointer.len > MAX_POINTER_BYTES || (pointer.len > 0 && pointer.ptr[0] != '/')) {
        return EG_E_INVAL;
    }
    for (size_t i = 0; i < pointer.len; i++) {
        const char after = i + 1 < pointer.len ? pointer.ptr[i + 1] : '\0';
        if (pointer.ptr[i] == '~' && after != '0' && after != '1') {
            return EG_E_INVAL;
        }
    }
    return EG_OK;
}

void aws_key_set(struct aws_key *key, struct eg_str text,
                 int32_t (*is_allowed)(struct eg_str key)) {
    if (text.len <= AWS_KEY_ROOM && is_allowed(text)) {
        memcpy(key->text, text.ptr, text.len);
        key->len = text.len;
    } else {
        aws_md5_hex(text, key->text);
        key->len = AWS_MD5_HEX;
    }
}

/* ~1 is '/', ~0 is '~' (RFC 6901, section 4). out has room for the token. */
static struct eg_str unescape(struct eg_str token, char *out) {
    size_t used = 0;
    for (size_t i = 0; i < token.len; i++) {
        char c = token.ptr[i];
        if (c == '~' && i + 1 < token.len) {
            c = token.ptr[++i] == '1' ? '/' : '~';
        }
        out[used++] = c;
    }
    return egx_str_n(out, used);
}

/* Array index: digits without a leading zero. SIZE_MAX = none. */
static size_t index_of(struct eg_str token) {
    size_t index = 0;
    if (token.len == 0 || token.len > 9 || (token.len > 1 && token.ptr[0] == '0')) {
        return SIZE_MAX;
    }
    for (size_t i = 0; i < token.len; i++) {
        if (token.ptr[i] < '0' || token.ptr[i] > '9') {
            return SIZE_MAX;
        }
        index = 10 * index + (size_t)(token.ptr[i] - '0');
    }
    return index;
}

static const struct eg_json *step(const struct eg_json_api *json, const struct eg_json *value,
                                  struct eg_str token) {
    struct eg_str name;
    if (json->kind(value) == EG_JSON_OBJECT) {
        return json->member(value, token);
    }
    if (json->kind(value) == EG_JSON_ARRAY) {
        const size_t index = index_of(token);
        return index < json->count(value) ? json->at(value, index, &name) : NULL;
    }
    return NULL;
}

static const struct eg_json *resolve(const struct eg_json_api *json, const struct eg_json *root,
                                     struct eg_str pointer) {
    char token[MAX_POINTER_BYTES];
    const struct eg_json *value = root;
    while (pointer.len > 0 && value != NULL) {
        size_t end = 1;
        while (end < pointer.len && pointer.ptr[end] != '/') {
            end++;
        }
        value = step(json, value, unescape(egx_str_n(pointer.ptr + 1, end - 1), token));
        pointer = egx_str_cut(pointer, end);
    }
    return value;
}

/* Strings and integers make keys; number has room for one. */
static struct eg_str key_text(const struct eg_json_api *json, const struct eg_json *value,
                              char number[24]) {
    if (json->kind(value) == EG_JSON_INT) {
        const int len = snprintf(number, 24, "%lld", (long long)json->integer(value));
        return egx_str_n(number, len > 0 ? (size_t)len : 0);
    }
    return json->string(value);
}

/* The value that the pointer finds in a JSON text becomes the key. 1 = it did. */
static int key_from(const struct eg_host *host, struct eg_str text, struct eg_str pointer,
                    int32_t (*is_allowed)(struct eg_str key), struct aws_key *key) {
    struct eg_json *root = NULL;
    char number[24];
    if (text.len == 0 || host->json->parse(host, text, &root, NULL) < 0) {
        return 0;
    }
    const struct eg_str found = key_text(host->json, resolve(host->json, root, pointer), number);
    if (found.len > 0) {
        aws_key_set(key, found, is_allowed);
    }
    host->json->free(host, root);
    return found.len > 0;
}

static int key_of_attributes(const struct eg_host *host, const struct eg_event *event,
                             int32_t (*is_allowed)(struct eg_str key), struct aws_key *key) {
    static const struct eg_str names[] = {EGX_STR_INIT("subject"), EGX_STR_INIT("source"),
                                          EGX_STR_INIT("id")};
    for (size_t i = 0; i < EGX_COUNT(names); i++) {
        const struct eg_str value = host->event->attribute(event, names[i]);
        if (value.len > 0) {
            aws_key_set(key, value, is_allowed);
            return 1;
        }
    }
    return 0;
}

void aws_event_key(const struct eg_host *host, struct eg_str pointer,
                   const struct eg_invocation *invocation, int32_t (*is_allowed)(struct eg_str key),
                   struct aws_key *ret_key) {
    const struct eg_event *event = invocation->event;
    const struct eg_str whole = egx_str_n(NULL, 0);
    if (event != NULL && key_from(host, host->event->extension(event, EGX_STR("partitionkey")),
                                  whole, is_allowed, ret_key)) {
        return;
    }
    if (pointer.len > 0 && key_from(host, invocation->payload, pointer, is_allowed, ret_key)) {
        return;
    }
    if (event != NULL && key_of_attributes(host, event, is_allowed, ret_key)) {
        return;
    }
    aws_key_set(ret_key, EGX_STR("-"), is_allowed); /* no event: an authorizer's question */
}
