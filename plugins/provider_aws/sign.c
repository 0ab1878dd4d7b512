/*
 * sign.c - Signature Version 4: string to sign, derived key, the Authorization header. Any thread;
 * the cache of derived keys belongs to one thread.
 *
 * The canonical request holds the session token and is therefore wiped before it is freed. The
 * secret itself is only ever read.
 */
#include "sign.h"

#include <stdlib.h>
#include <time.h>

#include "canonical.h"
#include "hmac.h"

#define ALGORITHM "AWS4-HMAC-SHA256"
#define SCOPE_END "aws4_request"
#define MAX_SECRET 1024u

struct scope {
    char date[9];
    char text[192]; /* date/region/service/aws4_request */
};

static int32_t format_date(int64_t unix_s, char ret_date[AWS_DATE_CHARS + 1]) {
    struct tm parts;
    const time_t at = (time_t)unix_s;
    if (gmtime_r(&at, &parts) == NULL ||
        strftime(ret_date, AWS_DATE_CHARS + 1, "%Y%m%dT%H%M%SZ", &parts) != AWS_DATE_CHARS) {
        return EG_E_INVAL;
    }
    return EG_OK;
}

static int32_t make_scope(const struct aws_sign_request *request, const char *date,
                          struct scope *ret_scope) {
    (void)snprintf(ret_scope->date, sizeof ret_scope->date, "%.8s", date);
    const int len = snprintf(ret_scope->text, sizeof ret_scope->text, "%s/%.*s/%.*s/" SCOPE_END,
                             ret_scope->date, EGX_FMT(request->region), EGX_FMT(request->service));
    return len > 0 && (size_t)len < sizeof ret_scope->text ? EG_OK : EG_E_INVAL;
}

/* ---- derived keys ---- */

static int32_t derive(const struct aws_sign_request *request, const struct scope *scope,
                      struct eg_str secret, unsigned char ret_key[AWS_SHA256_BYTES]) {
    char first[MAX_SECRET + 4];
    const struct eg_str words[] = {egx_str_c(scope->date), request->region, request->service,
                                   EGX_STR(SCOPE_END)};
    int32_t status = EG_OK;
    if (secret.len > MAX_SECRET) {
        return EG_E_INVAL;
    }
    memcpy(first, "AWS4", 4);
    memcpy(first + 4, secret.ptr, secret.len);
    struct eg_str key = egx_str_n(first, secret.len + 4);
    unsigned char macs[EGX_COUNT(words)][AWS_SHA256_BYTES];
    for (size_t i = 0; i < EGX_COUNT(words) && status == EG_OK; i++) {
        status = aws_hmac(key, words[i], macs[i]);
        key = egx_str_n((const char *)macs[i], AWS_SHA256_BYTES);
    }
    if (status == EG_OK) {
        memcpy(ret_key, key.ptr, AWS_SHA256_BYTES);
    }
    aws_wipe(first, sizeof first);
    aws_wipe(macs, sizeof macs);
    return status;
}

/* The secret is known by its hash only: keys of two functions may share everything else. */
static int32_t derive_cached(const struct aws_sign_request *request, const struct scope *scope,
                             struct eg_str secret, struct aws_key_cache *cache,
                             unsigned char ret_key[AWS_SHA256_BYTES]) {
    unsigned char hash[AWS_SHA256_BYTES];
    if (cache == NULL) {
        return derive(request, scope, secret, ret_key);
    }
    int32_t status = aws_sha256(secret, hash);
    for (size_t i = 0; i < AWS_KEY_CACHE_ROWS && status == EG_OK; i++) {
        const struct aws_key_cache_row *row = &cache->rows[i];
        if (strcmp(row->scope, scope->text) == 0 &&
            memcmp(row->secret_hash, hash, sizeof hash) == 0) {
            memcpy(ret_key, row->key, AWS_SHA256_BYTES);
            return EG_OK;
        }
    }
    if (status == EG_OK) {
        status = derive(request, scope, secret, ret_key);
    }
    if (status == EG_OK) {
        struct aws_key_cache_row *row = &cache->rows[cache->next];
        cache->next = (cache->next + 1) % AWS_KEY_CACHE_ROWS;
        (void)snprintf(row->scope, sizeof row->scope, "%s", scope->text);
        memcpy(row->secret_hash, hash, sizeof hash);
        memcpy(row->key, ret_key, AWS_SHA256_BYTES);
    }
    return status;
}

void aws_key_cache_wipe(struct aws_key_cache *cache) {
    aws_wipe(cache, sizeof *cache);
}

/* ---- the signature ---- */

static size_t extra_headers(const struct aws_sign_request *request, const struct aws_keys *keys,
                            const struct aws_signature *signature, struct eg_kv ret_extra[4]) {
    size_t count = 0;
    ret_extra[count++] = (struct eg_kv){EGX_STR("host"), request->host};
    ret_extra[count++] = (struct eg_kv){EGX_STR("x-amz-date"), egx_str_c(signature->date)};
    if (keys->session_token.len > 0 && (request->flags & AWS_SIGN_TOKEN_AFTER) == 0) {
        ret_extra[count++] = (struct eg_kv){EGX_STR("x-amz-security-token"), keys->session_token};
    }
    if ((request->flags & AWS_SIGN_BODY_HASH) != 0) {
        ret_extra[count++] =
            (struct eg_kv){EGX_STR("x-amz-content-sha256"), egx_str_c(signature->body_hash)};
    }
    return count;
}

static char *print_text(const char *format, ...) __attribute__((format(printf, 1, 2)));
static char *print_text(const char *format, ...) {
    va_list args;
    char *text = NULL;
    va_start(args, format);
    const int len = vasprintf(&text, format, args);
    va_end(args);
    return len < 0 ? NULL : text;
}

static int32_t sign_text(const struct aws_sign_request *request, const struct aws_keys *keys,
                         const struct scope *scope, struct aws_key_cache *cache,
                         const struct aws_canonical *canonical, struct aws_signature *signature) {
    unsigned char bytes[AWS_SHA256_BYTES];
    char hex[AWS_SHA256_HEX + 1];
    int32_t status = aws_sha256(egx_str_n(canonical->text, canonical->text_len), bytes);
    aws_hex(bytes, hex);
    signature->string_to_sign =
        print_text(ALGORITHM "\n%s\n%s\n%s", signature->date, scope->text, hex);
    if (status < 0 || signature->string_to_sign == NULL) {
        return EG_E_INTERNAL;
    }
    status = derive_cached(request, scope, keys->secret_access_key, cache, bytes);
    if (status == EG_OK) {
        unsigned char mac[AWS_SHA256_BYTES];
        status = aws_hmac(egx_str_n((const char *)bytes, sizeof bytes),
                          egx_str_c(signature->string_to_sign), mac);
        aws_hex(mac, signature->hex);
    }
    aws_wipe(bytes, sizeof bytes);
    if (status == EG_OK) {
        signature->text = print_text(
            ALGORITHM " Credential=%.*s/%s, SignedHeaders=%s, Signature=%s",
            EGX_FMT(keys->access_key_id), scope->text, canonical->signed_headers, signature->hex);
        signature->authorization = egx_str_c(signature->text);
        status = signature->text == NULL ? EG_E_INTERNAL : EG_OK;
    }
    return status;
}

int32_t aws_sign(const struct aws_sign_request *request, const struct aws_keys *keys,
                 struct aws_key_cache *cache, int32_t explain,
                 struct aws_signature *ret_signature) {
    struct aws_signature signature = {.text = NULL};
    struct aws_canonical canonical = {.text = NULL};
    struct scope scope;
    unsigned char hash[AWS_SHA256_BYTES];
    struct eg_kv extra[4];
    if (keys->access_key_id.len == 0 || keys->secret_access_key.len == 0) {
        return EG_E_INVAL;
    }
    int32_t status = format_date(request->unix_s, signature.date);
    if (status == EG_OK) {
        status = make_scope(request, signature.date, &scope);
    }
    if (status == EG_OK) {
        status = aws_sha256(request->body, hash);
    }
    if (status < 0) {
        return status;
    }
    aws_hex(hash, signature.body_hash);
    const size_t extra_count = extra_headers(request, keys, &signature, extra);
    status = aws_canonical_new(request, extra, extra_count, signature.body_hash, &canonical);
    if (status == EG_OK) {
        status = sign_text(request, keys, &scope, cache, &canonical, &signature);
    }
    if (status == EG_OK && explain) {
        signature.canonical_request = canonical.text;
        canonical.text = NULL;
    }
    if (canonical.text != NULL) {
        aws_wipe(canonical.text, canonical.text_len);
    }
    aws_canonical_free(&canonical);
    if (status < 0) {
        aws_signature_free(&signature);
        return status;
    }
    *ret_signature = signature;
    return EG_OK;
}

void aws_signature_free(struct aws_signature *signature) {
    if (signature->canonical_request != NULL) {
        aws_wipe(signature->canonical_request, strlen(signature->canonical_request));
    }
    free(signature->text);
    free(signature->canonical_request);
    free(signature->string_to_sign);
    *signature = (struct aws_signature){.text = NULL};
}
