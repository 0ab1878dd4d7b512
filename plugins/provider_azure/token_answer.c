/*
 * token_answer.c - see token_answer.h. Three services answer with nearly the same JSON: Entra ID
 * (RFC 6749 5.1, expires_in a number), the metadata service of a VM (expires_in and expires_on as
 * texts), App Service (expires_on only, seconds since 1970 as text).
 *
 * 404, 410 and 5xx of a metadata service mean that it is being updated: trying later helps. Loop
 * thread; nothing is kept.
 */
#include "token_answer.h"

#define LIFE_DEFAULT_S 300
#define LIFE_MAX_S 86400
#define TOKEN_BYTES_MAX ((size_t)32 * 1024)

void token_answer_fail(struct token_answer *ret_answer, int32_t status, uint32_t call_class,
                       const char *message) {
    ret_answer->status = status;
    ret_answer->call_class = call_class;
    (void)snprintf(ret_answer->message, sizeof ret_answer->message, "%s", message);
}

/* ---- there is none ---- */

static const struct {
    int32_t status;
    uint32_t call_class;
} classes[] = {
    {404, EG_CALL_TRANSIENT}, {408, EG_CALL_TRANSIENT}, {410, EG_CALL_TRANSIENT},
    {429, EG_CALL_THROTTLED}, {500, EG_CALL_TRANSIENT}, {502, EG_CALL_TRANSIENT},
    {503, EG_CALL_TRANSIENT}, {504, EG_CALL_TRANSIENT},
};

static uint32_t class_of(int32_t status) {
    for (size_t i = 0; i < EGX_COUNT(classes); i++) {
        if (classes[i].status == status) {
            return classes[i].call_class;
        }
    }
    return EG_CALL_AUTH;
}

/* One line of plain characters: it goes to the log. */
static void put_clean(char *out, size_t size, struct eg_str text) {
    size_t len = 0;
    for (size_t i = 0; i < text.len && len + 1 < size && text.ptr[i] != '\r' && text.ptr[i] != '\n';
         i++) {
        out[len++] = text.ptr[i] >= ' ' && text.ptr[i] <= '~' ? text.ptr[i] : '?';
    }
    out[len] = '\0';
}

static void refused(const struct eg_host *host, const struct eg_http_response *response,
                    struct token_answer *ret_answer) {
    struct eg_json *root = NULL;
    char error[48] = "";
    char description[128] = "";
    (void)host->json->parse(host, egx_str_n(response->body.ptr, response->body.len), &root, NULL);
    if (host->json->kind(root) == EG_JSON_OBJECT) {
        put_clean(error, sizeof error,
                  host->json->string(host->json->member(root, EGX_STR("error"))));
        put_clean(description, sizeof description,
                  host->json->string(host->json->member(root, EGX_STR("error_description"))));
    }
    if (root != NULL) {
        host->json->free(host, root);
    }
    ret_answer->call_class = class_of(response->status);
    ret_answer->status = ret_answer->call_class == EG_CALL_AUTH ? EG_E_DENIED : EG_E_UNAVAILABLE;
    if (ret_answer->call_class == EG_CALL_THROTTLED) {
        ret_answer->status = EG_E_BUSY;
        ret_answer->retry_after_ns = egx_http_retry_after(host, response);
    }
    (void)snprintf(ret_answer->message, sizeof ret_answer->message,
                   "the token endpoint answered HTTP status code %d%s%s%s%s", (int)response->status,
                   error[0] != '\0' ? ": " : "", error, description[0] != '\0' ? ": " : "",
                   description);
}

/* ---- there is one ---- */

/* A number, or a text of digits; -1 = neither. */
static int64_t seconds_of(const struct eg_host *host, const struct eg_json *value) {
    const uint32_t kind = host->json->kind(value);
    if (kind == EG_JSON_INT) {
        return host->json->integer(value);
    }
    return kind == EG_JSON_STRING ? egx_digits(host->json->string(value)) : -1;
}

static int64_t life_of(const struct eg_host *host, const struct eg_json *root) {
    int64_t life = seconds_of(host, host->json->member(root, EGX_STR("expires_in")));
    if (life < 0) {
        const int64_t at = seconds_of(host, host->json->member(root, EGX_STR("expires_on")));
        const int64_t now = host->clock->unix_ns(host) / 1000000000;
        life = at < 0 ? LIFE_DEFAULT_S : at > now ? at - now : 0;
    }
    return life > LIFE_MAX_S ? LIFE_MAX_S : life;
}

static void granted(const struct eg_host *host, const struct eg_http_response *response,
                    struct token_answer *ret_answer) {
    struct eg_json *root = NULL;
    struct eg_str token = {0};
    (void)host->json->parse(host, egx_str_n(response->body.ptr, response->body.len), &root, NULL);
    if (host->json->kind(root) == EG_JSON_OBJECT) {
        token = host->json->string(host->json->member(root, EGX_STR("access_token")));
    }
    if (token.len == 0 || token.len > TOKEN_BYTES_MAX || !egx_is_header_text(token)) {
        token_answer_fail(ret_answer, EG_E_PROTO, EG_CALL_TRANSIENT,
                          "the token endpoint answered no token");
    } else {
        ret_answer->call_class = EG_CALL_OK;
        ret_answer->life_ns = (uint64_t)life_of(host, root) * 1000000000u;
        egx_json_raw(&ret_answer->text, token);
    }
    if (root != NULL) {
        host->json->free(host, root);
    }
}

void token_answer_read(const struct eg_host *host, const struct eg_http_response *response,
                       struct token_answer *ret_answer) {
    if (response->error != 0) {
        token_answer_fail(ret_answer, response->error, EG_CALL_TRANSIENT, "");
        (void)snprintf(ret_answer->message, sizeof ret_answer->message, "the token endpoint: %.*s",
                       EGX_FMT(response->message));
    } else if (response->status != 200) {
        refused(host, response, ret_answer);
    } else {
        granted(host, response, ret_answer);
    }
}
