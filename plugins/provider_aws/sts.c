/*
 * sts.c - form bodies of AssumeRole and AssumeRoleWithWebIdentity. Pure; any thread. The token of a
 * web identity is a secret: bodies are freed by aws_free_secret.
 */
#include "sts.h"

#include <stdlib.h>

#include "hmac.h"
#include "uri.h"

static void add(struct egx_json *form, const char *name, const char *value) {
    if (value == NULL) {
        return;
    }
    const size_t room = strlen(value) * 3 + 1;
    char *escaped = aws_alloc(room);
    egx_json_raw(form, form->len > 0 ? EGX_STR("&") : EGX_STR(""));
    egx_json_raw(form, egx_str_c(name));
    egx_json_raw(form, EGX_STR("="));
    egx_json_raw(form, egx_str_n(escaped, aws_uri_escape(egx_str_c(value), escaped, room)));
    aws_wipe(escaped, room);
    free(escaped);
}

static char *finish(struct egx_json *form) {
    char *text = aws_copy(egx_json_text(form));
    if (form->ptr != NULL) {
        aws_wipe(form->ptr, form->room);
    }
    egx_json_free(form);
    return text;
}

char *aws_sts_assume_role(const struct aws_role *role) {
    struct egx_json form = egx_json_begin();
    add(&form, "Action", "AssumeRole");
    add(&form, "Version", "2011-06-15");
    add(&form, "RoleArn", role->arn);
    add(&form, "RoleSessionName", role->session_name);
    add(&form, "DurationSeconds", role->duration_seconds);
    add(&form, "ExternalId", role->external_id);
    return finish(&form);
}

char *aws_sts_web_identity(const struct aws_role *role, const char *token) {
    struct egx_json form = egx_json_begin();
    add(&form, "Action", "AssumeRoleWithWebIdentity");
    add(&form, "Version", "2011-06-15");
    add(&form, "RoleArn", role->arn);
    add(&form, "RoleSessionName", role->session_name);
    add(&form, "WebIdentityToken", token);
    return finish(&form);
}
