/*
 * credentials_value.c - a set of keys, and the two documents it comes in. Any thread.
 *
 * Times: new keys are fetched from 15 minutes before the end and calls wait for them from 10
 * minutes before it (botocore's numbers), but never before half and two thirds of the life: roles
 * of 15 minutes would otherwise be fetched for every call.
 */
#include "credentials_value.h"

#include <stdlib.h>
#include <time.h>

#include "hmac.h"

#define REFRESH_S 900
#define MUST_S 600

static struct eg_str append(struct aws_creds *creds, struct eg_str part) {
    char *at = creds->text + creds->text_len;
    if (part.len > 0) {
        memcpy(at, part.ptr, part.len);
    }
    creds->text_len += part.len;
    return egx_str_n(at, part.len);
}

struct aws_creds *aws_creds_new(const struct aws_keys *keys, int64_t expires_s, int64_t now_s) {
    const size_t len =
        keys->access_key_id.len + keys->secret_access_key.len + keys->session_token.len;
    struct aws_creds *creds = aws_alloc(sizeof *creds + len + 1);
    atomic_init(&creds->refs, 1);
    creds->keys.access_key_id = append(creds, keys->access_key_id);
    creds->keys.secret_access_key = append(creds, keys->secret_access_key);
    creds->keys.session_token = append(creds, keys->session_token);
    creds->expires_s = creds->refresh_s = creds->must_s = expires_s;
    if (expires_s != AWS_NEVER_S) {
        const int64_t life_s = expires_s > now_s ? expires_s - now_s : 0;
        creds->refresh_s -= life_s / 2 < REFRESH_S ? life_s / 2 : REFRESH_S;
        creds->must_s -= life_s / 3 < MUST_S ? life_s / 3 : MUST_S;
    }
    return creds;
}

struct aws_creds *aws_creds_ref(struct aws_creds *creds) {
    if (creds != NULL) {
        atomic_fetch_add(&creds->refs, 1);
    }
    return creds;
}

void aws_creds_unref(struct aws_creds *creds) {
    if (creds != NULL && atomic_fetch_sub(&creds->refs, 1) == 1) {
        aws_wipe(creds->text, creds->text_len);
        free(creds);
    }
}

int32_t aws_creds_same(const struct aws_creds *a, const struct aws_creds *b) {
    return a->text_len == b->text_len &&
           egx_ct_eq(egx_str_n(a->text, a->text_len), egx_str_n(b->text, b->text_len));
}

/* ---- times ---- */

/* Seconds of "Z", "+hh:mm", "-hh:mm" or nothing (UTC). */
static int32_t parse_zone(const char *text, int64_t *ret_offset_s) {
    int hours = 0;
    int minutes = 0;
    char sign = '+';
    char rest = '\0';
    *ret_offset_s = 0;
    if (text[0] == '\0' || strcmp(text, "Z") == 0) {
        return EG_OK;
    }
    if (sscanf(text, "%c%2d:%2d%c", &sign, &hours, &minutes, &rest) != 3 ||
        (sign != '+' && sign != '-')) {
        return EG_E_SYNTAX;
    }
    *ret_offset_s = (int64_t)(hours * 3600 + minutes * 60) * (sign == '-' ? -1 : 1);
    return EG_OK;
}

int32_t aws_time_parse(struct eg_str text, int64_t *ret_unix_s) {
    struct tm parts = {.tm_isdst = 0};
    char copy[48];
    int64_t offset_s = 0;
    if (text.len == 0 || text.len >= sizeof copy) {
        return EG_E_SYNTAX;
    }
    (void)snprintf(copy, sizeof copy, "%.*s", EGX_FMT(text));
    const char *rest = strptime(copy, "%Y-%m-%dT%H:%M:%S", &parts);
    if (rest == NULL) {
        return EG_E_SYNTAX;
    }
    if (*rest == '.') {
        rest += 1 + strspn(rest + 1, "0123456789");
    }
    if (parse_zone(rest, &offset_s) < 0) {
        return EG_E_SYNTAX;
    }
    *ret_unix_s = (int64_t)timegm(&parts) - offset_s;
    return EG_OK;
}

/* ---- documents ---- */

static int is_header_text(struct eg_str s) { /* goes into headers: no blanks, no control bytes */
    for (size_t i = 0; i < s.len; i++) {
        if ((unsigned char)s.ptr[i] <= 0x20 || (unsigned char)s.ptr[i] >= 0x7f) {
            return 0;
        }
    }
    return 1;
}

static int32_t make(const char *what, const struct aws_keys *keys, struct eg_str expiration,
                    int64_t now_s, struct aws_creds **ret_creds, struct eg_why *ret_why) {
    int64_t expires_s = AWS_NEVER_S;
    if (keys->access_key_id.len == 0 || keys->secret_access_key.len == 0 ||
        !is_header_text(keys->access_key_id) || !is_header_text(keys->session_token)) {
        return egx_why(ret_why, EG_E_PROTO, "the answer of the %s holds no usable keys", what);
    }
    if (expiration.len > 0 && aws_time_parse(expiration, &expires_s) < 0) {
        return egx_why(ret_why, EG_E_PROTO, "the %s answered an Expiration that is no time", what);
    }
    *ret_creds = aws_creds_new(keys, expires_s, now_s);
    return EG_OK;
}

static struct eg_str text_of(const struct eg_host *host, const struct eg_json *root,
                             const char *name) {
    return host->json->string(host->json->member(root, egx_str_c(name)));
}

static int32_t read_document(const struct eg_host *host, const char *what,
                             const struct eg_json *root, int64_t now_s,
                             struct aws_creds **ret_creds, struct eg_why *ret_why) {
    const struct eg_str code = text_of(host, root, "Code");
    const struct eg_str token = text_of(host, root, "Token");
    const struct aws_keys keys = {text_of(host, root, "AccessKeyId"),
                                  text_of(host, root, "SecretAccessKey"),
                                  token.len > 0 ? token : text_of(host, root, "SessionToken")};
    if (host->json->kind(root) != EG_JSON_OBJECT) {
        return egx_why(ret_why, EG_E_PROTO, "the %s did not answer a JSON object", what);
    }
    /* A 200 may be an error document (instance metadata). */
    if (code.len > 0 && !egx_str_eq(code, EGX_STR("Success")) && keys.access_key_id.len == 0) {
        const struct eg_str message = text_of(host, root, "Message");
        return egx_why(ret_why, EG_E_DENIED, "the %s refused: %.*s %.*s", what, EGX_FMT(code),
                       EGX_FMT(message));
    }
    return make(what, &keys, text_of(host, root, "Expiration"), now_s, ret_creds, ret_why);
}

int32_t aws_creds_from_json(const struct eg_host *host, const char *what, struct eg_str text,
                            int64_t now_s, struct aws_creds **ret_creds, struct eg_why *ret_why) {
    struct eg_json *root = NULL;
    if (host->json->parse(host, text, &root, NULL) < 0) {
        return egx_why(ret_why, EG_E_PROTO, "the %s did not answer JSON", what);
    }
    const int32_t status = read_document(host, what, root, now_s, ret_creds, ret_why);
    host->json->free(host, root);
    return status;
}

struct eg_str aws_xml_text(struct eg_str xml, const char *name) {
    char tag[64];
    const int len = snprintf(tag, sizeof tag, "<%s>", name);
    const char *open = xml.len == 0 ? NULL : memmem(xml.ptr, xml.len, tag, (size_t)len);
    if (open == NULL) {
        return egx_str_n(NULL, 0);
    }
    const struct eg_str rest = egx_str_cut(xml, (size_t)(open - xml.ptr) + (size_t)len);
    const char *close = rest.len == 0 ? NULL : memchr(rest.ptr, '<', rest.len);
    return egx_str_n(rest.ptr, close == NULL ? 0 : (size_t)(close - rest.ptr));
}

struct eg_str aws_text_before(struct eg_str text, struct eg_str secret) {
    const char *found = text.len == 0 || secret.len == 0
                            ? NULL
                            : memmem(text.ptr, text.len, secret.ptr, secret.len);
    return found == NULL ? text : egx_str_n(text.ptr, (size_t)(found - text.ptr));
}

int32_t aws_creds_from_xml(struct eg_str text, int64_t now_s, struct aws_creds **ret_creds,
                           struct eg_why *ret_why) {
    const struct aws_keys keys = {aws_xml_text(text, "AccessKeyId"),
                                  aws_xml_text(text, "SecretAccessKey"),
                                  aws_xml_text(text, "SessionToken")};
    return make("STS", &keys, aws_xml_text(text, "Expiration"), now_s, ret_creds, ret_why);
}
