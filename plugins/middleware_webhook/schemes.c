/*
 * schemes.c - see schemes.h. Sources: the Standard Webhooks specification 1.0.0; "Validating
 * webhook deliveries" of GitHub; "Receive Stripe events in your webhook endpoint"; "Verifying
 * requests from Slack"; "Deliver webhooks through HTTPS" of Shopify.
 */
#include "schemes.h"

const char *const webhook_algorithms[3] = {"sha256", "sha512", "sha1"};
const char *const webhook_digests[3] = {"SHA256", "SHA512", "SHA1"};
const size_t webhook_mac_sizes[3] = {32, 64, 20};

const struct webhook_scheme webhook_schemes[] = {
    {
        .name = "standard",
        .form = WEBHOOK_FORM_LIST,
        .encoding = WEBHOOK_BASE64,
        .has_prefixed_secrets = 1,
        .header = EGX_STR_INIT("webhook-signature"),
        .timestamp_header = EGX_STR_INIT("webhook-timestamp"),
        .id_header = EGX_STR_INIT("webhook-id"),
        .content = EGX_STR_INIT("{id}.{timestamp}.{body}"),
    },
    {
        .name = "github",
        .header = EGX_STR_INIT("x-hub-signature-256"),
        .prefix = EGX_STR_INIT("sha256="),
        .id_header = EGX_STR_INIT("x-github-delivery"),
        .content = EGX_STR_INIT("{body}"),
    },
    {
        /* The whole text of the secret is the key, with its "whsec_": it is no base64 here. */
        .name = "stripe",
        .form = WEBHOOK_FORM_PAIRS,
        .header = EGX_STR_INIT("stripe-signature"),
        .content = EGX_STR_INIT("{timestamp}.{body}"),
    },
    {
        .name = "slack",
        .header = EGX_STR_INIT("x-slack-signature"),
        .prefix = EGX_STR_INIT("v0="),
        .timestamp_header = EGX_STR_INIT("x-slack-request-timestamp"),
        .content = EGX_STR_INIT("v0:{timestamp}:{body}"),
    },
    {
        .name = "shopify",
        .encoding = WEBHOOK_BASE64,
        .header = EGX_STR_INIT("x-shopify-hmac-sha256"),
        .id_header = EGX_STR_INIT("x-shopify-webhook-id"),
        .content = EGX_STR_INIT("{body}"),
    },
    {
        .name = "hmac",
        .content = EGX_STR_INIT("{body}"),
    },
    {
        .name = "none",
    },
};
const size_t webhook_scheme_count = EGX_COUNT(webhook_schemes);

const struct webhook_scheme *webhook_scheme_find(struct eg_str name) {
    for (size_t i = 0; i < webhook_scheme_count; i++) {
        if (egx_str_eq(name, egx_str_c(webhook_schemes[i].name))) {
            return &webhook_schemes[i];
        }
    }
    return NULL;
}

int webhook_scheme_is_none(const struct webhook_scheme *scheme) {
    return scheme->content.len == 0;
}

int webhook_scheme_is_hmac(const struct webhook_scheme *scheme) {
    return strcmp(scheme->name, "hmac") == 0;
}

/* ---- what is signed ---- */

static const struct {
    const char *name;
    uint32_t kind;
} words[] = {{"{body}", WEBHOOK_BODY}, {"{timestamp}", WEBHOOK_TIMESTAMP}, {"{id}", WEBHOOK_ID}};

/* The word that text begins with; its index, or their count. */
static size_t word_at(struct eg_str text) {
    size_t i = 0;
    while (i < EGX_COUNT(words) && !egx_str_starts(text, egx_str_c(words[i].name))) {
        i++;
    }
    return i;
}

int32_t webhook_content_read(struct eg_str content, struct webhook_content *ret_content,
                             struct eg_why *ret_why) {
    struct webhook_content read = {.count = 0};
    while (content.len > 0) {
        const size_t word = word_at(content);
        struct eg_str text = content;
        if (word < EGX_COUNT(words)) {
            text.len = strlen(words[word].name);
        } else {
            const char *brace = memchr(content.ptr, '{', content.len);
            text.len = brace == NULL ? content.len : (size_t)(brace - content.ptr);
        }
        if (text.len == 0 || memchr(text.ptr, '}', text.len - 1) != NULL) {
            return egx_why(ret_why, EG_E_INVAL, "braces are for {body}, {timestamp} and {id}");
        }
        if (read.count == WEBHOOK_PIECES_MAX) {
            return egx_why(ret_why, EG_E_INVAL, "it has more than %u pieces", WEBHOOK_PIECES_MAX);
        }
        read.pieces[read.count].kind = word < EGX_COUNT(words) ? words[word].kind : WEBHOOK_TEXT;
        read.pieces[read.count++].text = text;
        content = egx_str_cut(content, text.len);
    }
    *ret_content = read;
    return EG_OK;
}

int webhook_content_has(const struct webhook_content *content, uint32_t kind) {
    size_t i = 0;
    while (i < content->count && content->pieces[i].kind != kind) {
        i++;
    }
    return i < content->count;
}
