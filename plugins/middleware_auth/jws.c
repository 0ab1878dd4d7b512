/*
 * jws.c - see jws.h. Hostile until the signature was verified: everything is bounded by the length
 * of the token, names that come twice are refused (RFC 7515 4, RFC 7519 4), extensions that have to
 * be understood are not (`crit`, RFC 7515 4.1.11, which covers b64 of RFC 7797), and keys that the
 * token brings along (jwk, jku, x5c, x5u) are not looked at.
 */
#include "jws.h"

#define KEY_ID_MAX 256u

static int letter_value(char c) {
    if (c >= 'A' && c <= 'Z') {
        return c - 'A';
    }
    if (c >= 'a' && c <= 'z') {
        return c - 'a' + 26;
    }
    if (c >= '0' && c <= '9') {
        return c - '0' + 52;
    }
    return c == '-' ? 62 : c == '_' ? 63 : -1;
}

int64_t auth_base64url(struct eg_str text, char *out) {
    uint32_t bits = 0;
    uint32_t bit_count = 0;
    int64_t len = 0;
    if (text.len % 4 == 1) {
        return -1;
    }
    for (size_t i = 0; i < text.len; i++) {
        const int value = letter_value(text.ptr[i]);
        if (value < 0) {
            return -1;
        }
        bits = (bits << 6 | (uint32_t)value) & 0xffffffu;
        bit_count += 6;
        if (bit_count >= 8) {
            bit_count -= 8;
            out[len++] = (char)(unsigned char)(bits >> bit_count & 0xffu);
        }
    }
    return (bits & ((1u << bit_count) - 1)) == 0 ? len : -1; /* bits that nobody reads */
}

/* Members of the outermost object, as often as they are written. The text is JSON. */
static size_t written_members(struct eg_str json) {
    size_t members = 0;
    int depth = 0;
    int is_string = 0;
    for (size_t i = 0; i < json.len; i++) {
        const char c = json.ptr[i];
        if (is_string) {
            i += c == '\\';
            is_string = c != '"';
            continue;
        }
        is_string = c == '"';
        depth += (c == '{' || c == '[') - (c == '}' || c == ']');
        members += c == ':' && depth == 1;
    }
    return members;
}

static struct eg_json *parse_object(const struct eg_host *host, struct eg_str text) {
    struct eg_json *root = NULL;
    if (host->json->parse(host, text, &root, NULL) < 0) {
        return NULL;
    }
    if (host->json->kind(root) != EG_JSON_OBJECT ||
        host->json->count(root) != written_members(text)) {
        host->json->free(host, root);
        return NULL;
    }
    return root;
}

/* The parts between the dots; anything but three that are not empty is refused. */
static int split(struct eg_str token, struct eg_str parts[3]) {
    size_t count = 0;
    size_t from = 0;
    for (size_t i = 0; i <= token.len; i++) {
        if (i < token.len && token.ptr[i] != '.') {
            continue;
        }
        if (count == 3 || i == from) {
            return 0;
        }
        parts[count++] = egx_str_n(token.ptr + from, i - from);
        from = i + 1;
    }
    return count == 3;
}

static int decode(struct auth_jws *jws, const struct eg_str parts[3], struct eg_str ret[3]) {
    char *at = jws->bytes;
    for (size_t i = 0; i < 3; i++) {
        const int64_t len = auth_base64url(parts[i], at);
        if (len < 0) {
            return 0;
        }
        ret[i] = egx_str_n(at, (size_t)len);
        at += len;
    }
    return 1;
}

/* A text of the header; 0 when it is there and no text. */
static int header_text(const struct auth_jws *jws, const char *name, struct eg_str *ret_text) {
    const struct eg_json *value = jws->host->json->member(jws->header, egx_str_c(name));
    *ret_text = jws->host->json->string(value);
    return value == NULL || jws->host->json->kind(value) == EG_JSON_STRING;
}

static const char *read_header(struct auth_jws *jws) {
    const struct eg_json_api *json = jws->host->json;
    if (!header_text(jws, "alg", &jws->algorithm) || jws->algorithm.len == 0) {
        return "its header has no alg";
    }
    if (json->member(jws->header, EGX_STR("crit")) != NULL) {
        return "its header has crit";
    }
    if (!header_text(jws, "kid", &jws->key_id) || jws->key_id.len > KEY_ID_MAX) {
        return "its kid is no short text";
    }
    return header_text(jws, "typ", &jws->type) ? NULL : "its typ is no text";
}

int32_t auth_jws_read(struct auth_jws *jws, const struct eg_host *host, struct eg_str token,
                      const char **ret_reason) {
    struct eg_str parts[3];
    struct eg_str decoded[3];
    *jws = (struct auth_jws){.host = host};
    *ret_reason = "it is no token of three parts";
    if (token.len > AUTH_TOKEN_MAX || !split(token, parts)) {
        return EG_E_SYNTAX;
    }
    jws->bytes = host->mem->alloc(host, token.len);
    *ret_reason = "a part of it is no base64url";
    if (!decode(jws, parts, decoded)) {
        return EG_E_SYNTAX;
    }
    jws->signed_by = egx_str_n(token.ptr, parts[0].len + 1 + parts[1].len);
    jws->signature = decoded[2];
    *ret_reason = "its header is no JSON object, or has a name twice";
    jws->header = parse_object(host, decoded[0]);
    if (jws->header == NULL) {
        return EG_E_SYNTAX;
    }
    *ret_reason = read_header(jws);
    if (*ret_reason != NULL) {
        return EG_E_SYNTAX;
    }
    *ret_reason = "its claims are no JSON object, or have a name twice";
    jws->claims = parse_object(host, decoded[1]);
    return jws->claims == NULL ? EG_E_SYNTAX : EG_OK;
}

void auth_jws_free(struct auth_jws *jws) {
    if (jws->host == NULL) {
        return;
    }
    if (jws->header != NULL) {
        jws->host->json->free(jws->host, jws->header);
    }
    if (jws->claims != NULL) {
        jws->host->json->free(jws->host, jws->claims);
    }
    jws->host->mem->free(jws->host, jws->bytes);
    *jws = (struct auth_jws){0};
}
