/*
 * keys.c - see keys.h. What a key says of itself (alg, use, key_ops) narrows what it may be used
 * for, and its type decides in the end (auth_key_fits). Control thread, loop or pool.
 */
#include "keys.h"

#include "jws.h"

#define ALL_ALGORITHMS UINT32_MAX
#define PART_MAX 2048u /* of a key, in base64url */

struct key_reader {
    const struct eg_host *host;
    const struct eg_json *jwk;
    int may_be_secret;
};

static struct eg_str member_text(const struct key_reader *reader, const char *name) {
    const struct eg_json_api *json = reader->host->json;
    return json->string(json->member(reader->jwk, egx_str_c(name)));
}

/* A base64url member, decoded into out[PART_MAX]; empty when it is none. */
static struct eg_str member_bytes(const struct key_reader *reader, const char *name, char *out) {
    const struct eg_str text = member_text(reader, name);
    const int64_t len = text.len > PART_MAX ? -1 : auth_base64url(text, out);
    return egx_str_n(out, len < 0 ? 0 : (size_t)len);
}

static struct auth_key *make_rsa(const struct key_reader *reader) {
    char n[PART_MAX];
    char e[PART_MAX];
    return auth_key_rsa(reader->host, member_bytes(reader, "n", n), member_bytes(reader, "e", e),
                        NULL);
}

static struct auth_key *make_ec(const struct key_reader *reader) {
    char x[PART_MAX];
    char y[PART_MAX];
    return auth_key_ec(reader->host, member_text(reader, "crv"), member_bytes(reader, "x", x),
                       member_bytes(reader, "y", y), NULL);
}

static struct auth_key *make_ed(const struct key_reader *reader) {
    char x[PART_MAX];
    return auth_key_ed(reader->host, member_text(reader, "crv"), member_bytes(reader, "x", x),
                       NULL);
}

static struct auth_key *make_secret(const struct key_reader *reader) {
    char k[PART_MAX];
    return reader->may_be_secret ? auth_key_secret(reader->host, member_bytes(reader, "k", k), NULL)
                                 : NULL;
}

static const struct {
    const char *type; /* kty */
    struct auth_key *(*make)(const struct key_reader *reader);
} types[] = {{"RSA", make_rsa}, {"EC", make_ec}, {"OKP", make_ed}, {"oct", make_secret}};

/* May it verify at all (RFC 7517 4.2, 4.3)? */
static int is_for_signatures(const struct key_reader *reader) {
    const struct eg_json_api *json = reader->host->json;
    const struct eg_str use = member_text(reader, "use");
    const struct eg_json *operations = json->member(reader->jwk, EGX_STR("key_ops"));
    int verifies = operations == NULL;
    for (size_t i = 0; operations != NULL && i < json->count(operations); i++) {
        verifies |= egx_str_eq(json->string(json->at(operations, i, NULL)), EGX_STR("verify"));
    }
    return verifies && (use.len == 0 || egx_str_eq(use, EGX_STR("sig")));
}

static uint32_t algorithms_of(const struct key_reader *reader) {
    const struct eg_str name = member_text(reader, "alg");
    const struct auth_algorithm *algorithm = auth_algorithm_find(name);
    if (name.len == 0) {
        return ALL_ALGORITHMS;
    }
    return algorithm == NULL ? 0 : 1u << auth_algorithm_index(algorithm);
}

static void add_jwk(struct auth_keys *keys, const struct key_reader *reader) {
    const struct eg_str type = member_text(reader, "kty");
    struct auth_named_key named = {.id = member_text(reader, "kid"),
                                   .algorithms = algorithms_of(reader)};
    if (!is_for_signatures(reader) || named.algorithms == 0) {
        return;
    }
    for (size_t i = 0; i < EGX_COUNT(types) && named.key == NULL; i++) {
        if (egx_str_eq(type, egx_str_c(types[i].type))) {
            named.key = types[i].make(reader);
        }
    }
    if (named.key != NULL) {
        keys->items[keys->count++] = named;
    }
}

static int32_t parse_set(struct auth_keys *keys, struct eg_str text, int may_be_secret,
                         struct eg_why *ret_why) {
    const struct eg_json_api *json = keys->host->json;
    if (json->parse(keys->host, text, &keys->root, NULL) < 0) { /* its words could show a secret */
        keys->root = NULL;
        return egx_why(ret_why, EG_E_INVAL, "it is neither JSON nor PEM");
    }
    const struct eg_json *list = json->member(keys->root, EGX_STR("keys"));
    const size_t count = json->count(list);
    if (json->kind(list) != EG_JSON_ARRAY || count > AUTH_KEYS_MAX) {
        return egx_why(ret_why, EG_E_INVAL, "it has no list 'keys' of at most %u keys",
                       AUTH_KEYS_MAX);
    }
    keys->items = keys->host->mem->alloc(keys->host, (count + 1) * sizeof *keys->items);
    for (size_t i = 0; i < count; i++) {
        const struct key_reader reader = {keys->host, json->at(list, i, NULL), may_be_secret};
        add_jwk(keys, &reader);
    }
    return keys->count > 0 ? EG_OK : egx_why(ret_why, EG_E_INVAL, "it has no key that can be used");
}

/* give key; NULL fails. */
static int32_t take_one(struct auth_keys *keys, struct auth_key *key) {
    keys->items = keys->host->mem->alloc(keys->host, sizeof *keys->items);
    keys->items[0] = (struct auth_named_key){.algorithms = ALL_ALGORITHMS, .key = key};
    keys->count = key != NULL;
    return key != NULL ? EG_OK : EG_E_INVAL;
}

static struct eg_str skip_blanks(struct eg_str text) {
    while (text.len > 0 && strchr(" \t\r\n", text.ptr[0]) != NULL && text.ptr[0] != '\0') {
        text = egx_str_cut(text, 1);
    }
    return text;
}

int32_t auth_keys_parse(struct auth_keys *keys, const struct eg_host *host, struct eg_str text,
                        int may_be_secret, struct eg_why *ret_why) {
    *keys = (struct auth_keys){.host = host};
    int32_t rc = EG_OK;
    if (text.len > AUTH_KEYS_BYTES_MAX) {
        return egx_why(ret_why, EG_E_TOOBIG, "it is too big for a key set");
    }
    if (egx_str_starts(skip_blanks(text), EGX_STR("-----BEGIN "))) {
        rc = take_one(keys, auth_key_pem(host, text, ret_why));
    } else {
        rc = parse_set(keys, text, may_be_secret, ret_why);
    }
    if (rc < 0) {
        auth_keys_free(keys);
    }
    return rc;
}

int32_t auth_keys_secret(struct auth_keys *keys, const struct eg_host *host, struct eg_str secret,
                         struct eg_why *ret_why) {
    *keys = (struct auth_keys){.host = host};
    const int32_t rc = take_one(keys, auth_key_secret(host, secret, ret_why));
    if (rc < 0) {
        auth_keys_free(keys);
    }
    return rc;
}

void auth_keys_free(struct auth_keys *keys) {
    if (keys->host == NULL) {
        return;
    }
    for (size_t i = 0; i < keys->count; i++) {
        auth_key_unref(keys->items[i].key);
    }
    keys->host->mem->free(keys->host, keys->items);
    if (keys->root != NULL) {
        keys->host->json->free(keys->host, keys->root);
    }
    *keys = (struct auth_keys){0};
}

struct auth_key *auth_keys_next(const struct auth_keys *keys, struct eg_str key_id,
                                const struct auth_algorithm *algorithm, size_t *cursor) {
    const uint32_t bit = 1u << auth_algorithm_index(algorithm);
    while (*cursor < keys->count) {
        const struct auth_named_key *named = &keys->items[(*cursor)++];
        const int is_meant = named->id.len == 0 || key_id.len == 0 || egx_str_eq(named->id, key_id);
        if (is_meant && (named->algorithms & bit) != 0 && auth_key_fits(named->key, algorithm)) {
            return named->key;
        }
    }
    return NULL;
}
