/*
 * rules.c - see rules.h. A mistake in a rule could open a door, so everything is strict: unknown
 * keys, keys that do not belong to the scheme, empty secrets, a timestamp that is not signed, and
 * two rules for one path are refused with a sentence.
 */
#include "rules.h"

#include <eventgw-sdk/egx_group.h>
#include <eventgw-sdk/egx_path.h>
#include <eventgw-sdk/egx_storage.h>

#define RULES_MAX 1000u
#define SECRETS_MAX 16u
#define SECOND 1000000000ull
#define TOLERANCE_MAX (24 * 3600 * SECOND)
/* Standard Webhooks, "Signature scheme": 24 to 64 bytes. */
#define SECRET_BYTES_MIN 24u
#define SECRET_BYTES_MAX 64u

/* ---- the scheme ---- */

static int32_t read_headers(const struct webhook_rules *rules, const struct eg_json *group,
                            struct webhook_scheme *scheme, struct eg_why *ret_why) {
    const struct {
        const char *key;
        struct eg_str *ret;
    } rows[] = {{"header", &scheme->header},
                {"timestamp_header", &scheme->timestamp_header},
                {"id_header", &scheme->id_header}};
    for (size_t i = 0; i < EGX_COUNT(rows); i++) {
        const int32_t rc = egx_group_text(rules->host, group, rows[i].key, rows[i].ret, ret_why);
        if (rc < 0) {
            return rc;
        }
        if (rows[i].ret->len > 0 && !egx_group_is_header(*rows[i].ret)) {
            return egx_why(ret_why, EG_E_INVAL, "'%s' is no name of a header", rows[i].key);
        }
    }
    return scheme->header.len > 0 ? EG_OK
                                  : egx_why(ret_why, EG_E_INVAL, "the scheme hmac needs 'header'");
}

/* What is signed has to hold what is believed. */
static int32_t check_content(const struct webhook_rule *rule, struct eg_why *ret_why) {
    const struct webhook_scheme *scheme = &rule->scheme;
    const int has_time = webhook_content_has(&rule->content, WEBHOOK_TIMESTAMP);
    if (!webhook_content_has(&rule->content, WEBHOOK_BODY)) {
        return egx_why(ret_why, EG_E_INVAL, "'signed' has to hold {body}");
    }
    if (scheme->form != WEBHOOK_FORM_PAIRS && has_time != (scheme->timestamp_header.len > 0)) {
        return egx_why(ret_why, EG_E_INVAL,
                       "'timestamp_header' and {timestamp} in 'signed' go together: a time that is "
                       "not signed proves nothing");
    }
    if (webhook_content_has(&rule->content, WEBHOOK_ID) && scheme->id_header.len == 0) {
        return egx_why(ret_why, EG_E_INVAL, "{id} in 'signed' needs 'id_header'");
    }
    return EG_OK;
}

/* The keys that describe a scheme of one's own. */
static int32_t read_own_scheme(const struct webhook_rules *rules, const struct eg_json *group,
                               struct webhook_scheme *scheme, struct eg_why *ret_why) {
    static const char *const own[] = {"header", "algorithm",        "encoding", "prefix",
                                      "signed", "timestamp_header", "id_header"};
    static const char *const encodings[] = {"hex", "base64"};
    size_t encoding = scheme->encoding;
    size_t algorithm = scheme->algorithm;
    if (!webhook_scheme_is_hmac(scheme)) {
        for (size_t i = 0; i < EGX_COUNT(own); i++) {
            if (egx_group_has(rules->host, group, own[i])) {
                return egx_why(ret_why, EG_E_INVAL, "'%s' is for the scheme hmac, not for %s",
                               own[i], scheme->name);
            }
        }
        return EG_OK;
    }
    int32_t rc = read_headers(rules, group, scheme, ret_why);
    rc = rc < 0 ? rc : egx_group_text(rules->host, group, "prefix", &scheme->prefix, ret_why);
    rc = rc < 0 ? rc : egx_group_text(rules->host, group, "signed", &scheme->content, ret_why);
    rc = rc < 0 ? rc
                : egx_group_choice(rules->host, group, "encoding", encodings, EGX_COUNT(encodings),
                                   &encoding, ret_why);
    rc = rc < 0 ? rc
                : egx_group_choice(rules->host, group, "algorithm", webhook_algorithms,
                                   EGX_COUNT(webhook_algorithms), &algorithm, ret_why);
    scheme->encoding = (uint32_t)encoding;
    scheme->algorithm = (uint32_t)algorithm;
    return rc;
}

static int32_t read_scheme(const struct webhook_rules *rules, const struct eg_json *group,
                           struct webhook_rule *rule, struct eg_why *ret_why) {
    struct eg_str name = egx_str_n(NULL, 0);
    int32_t rc = egx_group_text(rules->host, group, "scheme", &name, ret_why);
    const struct webhook_scheme *scheme = webhook_scheme_find(name);
    if (rc < 0 || scheme == NULL) {
        return rc < 0 ? rc
                      : egx_why(ret_why, EG_E_INVAL,
                                "'scheme' has to be standard, github, stripe, slack, shopify, hmac "
                                "or none");
    }
    rule->scheme = *scheme;
    rc = read_own_scheme(rules, group, &rule->scheme, ret_why);
    if (rc < 0 || webhook_scheme_is_none(scheme)) {
        return rc;
    }
    rc = webhook_content_read(rule->scheme.content, &rule->content, ret_why);
    rc = rc < 0 ? rc : check_content(rule, ret_why);
    rule->has_time = webhook_content_has(&rule->content, WEBHOOK_TIMESTAMP);
    return rc;
}

/* ---- secrets ---- */

static int32_t make_hmac(const struct webhook_rules *rules, const struct webhook_rule *rule,
                         struct eg_str secret, struct webhook_key **ret_key,
                         struct eg_why *ret_why) {
    const int32_t rc =
        webhook_key_hmac(rules->host, webhook_digests[rule->scheme.algorithm], secret, ret_key);
    return rc < 0 ? egx_why(ret_why, rc, "libcrypto cannot make a key of %s",
                            webhook_algorithms[rule->scheme.algorithm])
                  : EG_OK;
}

/* whsec_<base64> is the key of an HMAC, whpk_<base64> the public key of Ed25519. */
static int32_t make_standard(const struct webhook_rules *rules, const struct webhook_rule *rule,
                             struct eg_str secret, struct webhook_key **ret_key,
                             struct eg_why *ret_why) {
    const int is_public = egx_str_starts(secret, EGX_STR("whpk_"));
    const int is_secret = egx_str_starts(secret, EGX_STR("whsec_"));
    const struct eg_str text = egx_str_cut(secret, is_public ? 5 : is_secret ? 6 : 0);
    char bytes[128];
    size_t len = 0;
    if ((!is_public && !is_secret) || text.len > 96 || egx_base64_decode(text, bytes, &len) < 0) {
        return egx_why(ret_why, EG_E_INVAL,
                       "a secret of the scheme standard is whsec_ or whpk_ and base64");
    }
    int32_t rc = EG_OK;
    if (is_public) {
        rc = webhook_key_ed25519(rules->host, egx_str_n(bytes, len), ret_key);
        rc = rc < 0 ? egx_why(ret_why, rc, "a whpk_ key has to be 32 bytes of Ed25519") : rc;
    } else if (len < SECRET_BYTES_MIN || len > SECRET_BYTES_MAX) {
        rc = egx_why(ret_why, EG_E_INVAL, "a whsec_ secret has to be %u to %u bytes in base64",
                     SECRET_BYTES_MIN, SECRET_BYTES_MAX);
    } else {
        rc = make_hmac(rules, rule, egx_str_n(bytes, len), ret_key, ret_why);
    }
    webhook_wipe(bytes, sizeof bytes);
    return rc;
}

static int32_t read_secrets(const struct webhook_rules *rules, const struct eg_json *group,
                            struct webhook_rule *rule, struct eg_why *ret_why) {
    const struct eg_json *list = NULL;
    size_t count = 0;
    int32_t rc = egx_group_list(rules->host, group, "secrets", SECRETS_MAX, &list, &count, ret_why);
    if (rc >= 0 && (count == 0) != (webhook_scheme_is_none(&rule->scheme) != 0)) {
        return egx_why(ret_why, EG_E_INVAL,
                       count == 0 ? "it needs 'secrets'" : "the scheme none has no 'secrets'");
    }
    rule->keys = rules->host->mem->alloc(rules->host, (count + 1) * sizeof(struct webhook_key *));
    for (size_t i = 0; rc >= 0 && i < count; i++) {
        const struct eg_str secret =
            rules->host->json->string(rules->host->json->at(list, i, NULL));
        if (secret.len == 0) {
            return egx_why(ret_why, EG_E_INVAL, "'secrets' has to be a list of texts");
        }
        rc = rule->scheme.has_prefixed_secrets
                 ? make_standard(rules, rule, secret, &rule->keys[i], ret_why)
                 : make_hmac(rules, rule, secret, &rule->keys[i], ret_why);
        rule->key_count += rc >= 0;
    }
    return rc;
}

/* ---- one rule ---- */

static int32_t read_replay(const struct webhook_rules *rules, const struct eg_json *group,
                           struct webhook_rule *rule, struct eg_why *ret_why) {
    static const char *const words[] = {"off", "signature", "id"};
    rule->replay = rule->has_time ? WEBHOOK_REPLAY_SIGNATURE : WEBHOOK_REPLAY_OFF;
    int32_t rc = egx_group_choice(rules->host, group, "replay", words, EGX_COUNT(words),
                                  &rule->replay, ret_why);
    if (rc >= 0 && rule->replay == WEBHOOK_REPLAY_ID &&
        !webhook_content_has(&rule->content, WEBHOOK_ID)) {
        rc = egx_why(ret_why, EG_E_INVAL, "replay by id needs a scheme that signs the id");
    }
    return rc;
}

static int32_t read_rule(const struct webhook_rules *rules, const struct eg_json *group,
                         struct webhook_rule *rule, struct eg_why *ret_why) {
    static const char *const known[] = {
        "path",      "name",     "scheme", "secrets", "tolerance",        "replay",   "header",
        "algorithm", "encoding", "prefix", "signed",  "timestamp_header", "id_header"};
    const struct eg_host *host = rules->host;
    rule->path = EGX_STR("/");
    rule->tolerance_ns = rules->tolerance_ns;
    int32_t rc = egx_group_keys(host, group, known, EGX_COUNT(known), ret_why);
    rc = rc < 0 ? rc : egx_group_text(host, group, "path", &rule->path, ret_why);
    if (rc >= 0 && !egx_path_is_rule(rule->path)) {
        return egx_why(ret_why, EG_E_INVAL, EGX_PATH_RULE_TOLD);
    }
    rc = rc < 0 ? rc : egx_group_text(host, group, "name", &rule->name, ret_why);
    rc = rc < 0 ? rc : read_scheme(rules, group, rule, ret_why);
    rc = rc < 0 ? rc : read_secrets(rules, group, rule, ret_why);
    rc = rc < 0 ? rc
                : egx_group_duration(host, group, "tolerance", SECOND, TOLERANCE_MAX,
                                     &rule->tolerance_ns, ret_why);
    rc = rc < 0 ? rc : read_replay(rules, group, rule, ret_why);
    if (rc >= 0 && rule->name.len == 0) {
        rule->name = egx_str_c(rule->scheme.name);
    }
    return rc;
}

static void make_metrics(const struct webhook_rules *rules, struct webhook_rule *rule) {
    static const char *const reasons[WEBHOOK_REASONS] = {"malformed", "signature", "time",
                                                         "replay"};
    const struct eg_metrics_api *metrics = rules->host->metrics;
    const struct eg_str scheme = egx_str_c(rule->scheme.name);
    const struct eg_kv label = {EGX_STR("scheme"), scheme};
    rule->verified =
        metrics->counter(rules->host, EGX_STR("webhook_verified_total"),
                         EGX_STR("Requests with a signature that is right."), &label, 1);
    for (size_t i = 0; i < WEBHOOK_REASONS; i++) {
        const struct eg_kv labels[] = {{EGX_STR("scheme"), scheme},
                                       {EGX_STR("reason"), egx_str_c(reasons[i])}};
        rule->refused[i] = metrics->counter(rules->host, EGX_STR("webhook_refused_total"),
                                            EGX_STR("Requests that were refused."), labels, 2);
    }
}

/* ---- all of them ---- */

static int is_same_path(struct eg_str a, struct eg_str b) {
    return egx_path_is_below(a, 0, b) && egx_path_is_below(b, 0, a);
}

static int32_t add_rule(struct webhook_rules *rules, const struct eg_json *group,
                        struct eg_why *ret_why) {
    struct webhook_rule *rule = &rules->items[rules->count];
    rule->index = (uint32_t)rules->count++;
    const int32_t rc = read_rule(rules, group, rule, ret_why);
    for (size_t i = 0; rc >= 0 && i < rule->index; i++) {
        if (is_same_path(rules->items[i].path, rule->path)) {
            return egx_why(ret_why, EG_E_INVAL, "rule %zu has the same path", i + 1);
        }
    }
    if (rc >= 0) {
        make_metrics(rules, rule);
        rules->has_replay[rule->has_time] |= rule->replay != WEBHOOK_REPLAY_OFF;
    }
    return rc;
}

int32_t webhook_rules_read(struct webhook_rules *ret_rules, const struct eg_host *host,
                           struct eg_str json, uint64_t tolerance_ns, struct eg_why *ret_why) {
    struct webhook_rules *rules = ret_rules;
    struct eg_why why = {.struct_size = sizeof why};
    memset(rules, 0, sizeof *rules);
    rules->host = host;
    rules->tolerance_ns = tolerance_ns;
    if (json.len == 0) {
        return EG_OK;
    }
    int32_t rc = host->json->parse(host, json, &rules->root, ret_why);
    if (rc < 0) {
        return rc;
    }
    const size_t count = host->json->count(rules->root);
    if (host->json->kind(rules->root) != EG_JSON_ARRAY || count > RULES_MAX) {
        return egx_why(ret_why, EG_E_INVAL, "'rules' has to be a list of groups");
    }
    rules->items = host->mem->alloc(host, (count + 1) * sizeof *rules->items);
    for (size_t i = 0; i < count; i++) {
        rc = add_rule(rules, host->json->at(rules->root, i, NULL), &why);
        if (rc < 0) {
            return egx_why(ret_why, rc, "rule %zu: %.*s", i + 1, (int)why.len, why.text);
        }
    }
    for (size_t i = 0; i < count; i++) {
        if (rules->items[i].tolerance_ns > rules->tolerance_ns) {
            rules->tolerance_ns = rules->items[i].tolerance_ns;
        }
    }
    return EG_OK;
}

void webhook_rules_free(struct webhook_rules *rules) {
    const struct eg_host *host = rules->host;
    for (size_t i = 0; i < rules->count; i++) {
        for (size_t k = 0; k < rules->items[i].key_count; k++) {
            webhook_key_free(host, rules->items[i].keys[k]);
        }
        host->mem->free(host, rules->items[i].keys);
    }
    host->mem->free(host, rules->items);
    if (rules->root != NULL) {
        host->json->free(host, rules->root);
    }
}

static const void *find(const void *of, struct eg_str path, int is_reading) {
    const struct webhook_rules *rules = of;
    const struct webhook_rule *best = NULL;
    for (size_t i = 0; i < rules->count; i++) {
        const struct webhook_rule *rule = &rules->items[i];
        if ((best == NULL || rule->path.len > best->path.len) &&
            egx_path_is_below(path, is_reading, rule->path)) {
            best = rule;
        }
    }
    return best;
}

int webhook_rules_find(const struct webhook_rules *rules, struct eg_str path,
                       const struct webhook_rule **ret_rule) {
    const void *rule = NULL;
    if (rules->count == 0) {
        *ret_rule = NULL;
        return 1;
    }
    const int is_one = egx_path_find(rules->host, path, find, rules, &rule);
    *ret_rule = is_one || rule != NULL ? rule : &rules->items[0];
    return is_one;
}
