/*
 * rules.c - see rules.h. A mistake in a rule could open a door, so everything is strict: unknown
 * keys, empty secrets, rules without credentials (unless `public = true`) and two rules for the
 * same path and method are refused with a sentence.
 */
#include "rules.h"

#define ITEMS_MAX 10000u

static struct eg_str text_of(const struct auth_rules *rules, const struct eg_json *object,
                             const char *name) {
    const struct eg_json_api *json = rules->host->json;
    return json->string(json->member(object, egx_str_c(name)));
}

static int32_t check_keys(const struct auth_rules *rules, const struct eg_json *object,
                          const char *const *known, size_t known_count, struct eg_why *ret_why) {
    const struct eg_json_api *json = rules->host->json;
    for (size_t i = 0; i < json->count(object); i++) {
        struct eg_str name = egx_str_n(NULL, 0);
        (void)json->at(object, i, &name);
        size_t k = 0;
        while (k < known_count && !egx_str_eq(name, egx_str_c(known[k]))) {
            k++;
        }
        if (k == known_count) {
            return egx_why(ret_why, EG_E_INVAL, "unknown key '%.*s'", EGX_FMT(name));
        }
    }
    return EG_OK;
}

/* A list of a rule; absent = empty. */
static int32_t list_of(const struct auth_rules *rules, const struct eg_json *rule, const char *name,
                       const struct eg_json **ret_list, size_t *ret_count, struct eg_why *ret_why) {
    const struct eg_json_api *json = rules->host->json;
    const struct eg_json *list = json->member(rule, egx_str_c(name));
    if (list != NULL && (json->kind(list) != EG_JSON_ARRAY || json->count(list) > ITEMS_MAX)) {
        return egx_why(ret_why, EG_E_INVAL, "'%s' has to be a list", name);
    }
    *ret_list = list;
    *ret_count = list == NULL ? 0 : json->count(list);
    return EG_OK;
}

static int32_t read_methods(const struct auth_rules *rules, const struct eg_json *json_rule,
                            struct auth_rule *rule, struct eg_why *ret_why) {
    const struct eg_json *list = NULL;
    size_t count = 0;
    const int32_t rc = list_of(rules, json_rule, "methods", &list, &count, ret_why);
    if (rc < 0) {
        return rc;
    }
    rule->methods = rules->host->mem->alloc(rules->host, (count + 1) * sizeof *rule->methods);
    for (size_t i = 0; i < count; i++) {
        const struct eg_str method =
            rules->host->json->string(rules->host->json->at(list, i, NULL));
        if (method.len == 0) {
            return egx_why(ret_why, EG_E_INVAL, "'methods' has to be a list of texts");
        }
        rule->methods[rule->method_count++] = method;
    }
    return EG_OK;
}

/* "secret", or { name = "who"; key = "secret" }. */
static int32_t read_credential(const struct auth_rules *rules, const struct eg_json *item,
                               const char *key, struct auth_credential *credential,
                               struct eg_why *ret_why) {
    const char *const known[] = {"name", key};
    credential->secret = rules->host->json->string(item);
    if (rules->host->json->kind(item) == EG_JSON_OBJECT) {
        const int32_t rc = check_keys(rules, item, known, EGX_COUNT(known), ret_why);
        if (rc < 0) {
            return rc;
        }
        credential->name = text_of(rules, item, "name");
        credential->secret = text_of(rules, item, key);
    }
    if (credential->secret.len == 0) {
        return egx_why(ret_why, EG_E_INVAL,
                       "a credential has to be a text or { name = \"...\"; %s = \"...\" }", key);
    }
    return EG_OK;
}

static int32_t read_credentials(const struct auth_rules *rules, const struct eg_json *json_rule,
                                const char *list_name, const char *key,
                                struct auth_credentials *credentials, struct eg_why *ret_why) {
    const struct eg_json *list = NULL;
    size_t count = 0;
    int32_t rc = list_of(rules, json_rule, list_name, &list, &count, ret_why);
    if (rc < 0) {
        return rc;
    }
    credentials->items =
        rules->host->mem->alloc(rules->host, (count + 1) * sizeof *credentials->items);
    for (size_t i = 0; rc >= 0 && i < count; i++) {
        rc = read_credential(rules, rules->host->json->at(list, i, NULL), key,
                             &credentials->items[i], ret_why);
    }
    credentials->count = count;
    return rc;
}

static int32_t read_path(const struct auth_rules *rules, const struct eg_json *json_rule,
                         struct auth_rule *rule, struct eg_why *ret_why) {
    rule->path = text_of(rules, json_rule, "path");
    if (rule->path.len == 0 || rule->path.ptr[0] != '/') {
        return egx_why(ret_why, EG_E_INVAL, "'path' has to begin with /");
    }
    while (rule->path.len > 0 && rule->path.ptr[rule->path.len - 1] == '/') {
        rule->path.len--;
    }
    return EG_OK;
}

static int32_t read_rule(const struct auth_rules *rules, const struct eg_json *json_rule,
                         struct auth_rule *rule, struct eg_why *ret_why) {
    static const char *const known[] = {"path", "methods", "api_keys", "tokens", "public"};
    const struct eg_json_api *json = rules->host->json;
    const struct eg_json *is_public = json->member(json_rule, EGX_STR("public"));
    if (json->kind(json_rule) != EG_JSON_OBJECT) {
        return egx_why(ret_why, EG_E_INVAL, "it has to be a group");
    }
    if (is_public != NULL && json->kind(is_public) != EG_JSON_BOOL) {
        return egx_why(ret_why, EG_E_INVAL, "'public' has to be true or false");
    }
    rule->is_public = json->integer(is_public) != 0;
    int32_t rc = check_keys(rules, json_rule, known, EGX_COUNT(known), ret_why);
    rc = rc < 0 ? rc : read_path(rules, json_rule, rule, ret_why);
    rc = rc < 0 ? rc : read_methods(rules, json_rule, rule, ret_why);
    rc = rc < 0 ? rc
                : read_credentials(rules, json_rule, "api_keys", "key", &rule->api_keys, ret_why);
    rc =
        rc < 0 ? rc : read_credentials(rules, json_rule, "tokens", "token", &rule->tokens, ret_why);
    const size_t count = rule->api_keys.count + rule->tokens.count;
    if (rc >= 0 && (count == 0) != (rule->is_public != 0)) {
        return egx_why(ret_why, EG_E_INVAL,
                       "it needs 'api_keys' or 'tokens', or else 'public = true'");
    }
    return rc;
}

/* ---- matching ---- */

static int hex_of(char c) {
    const char low = egx_lower(c);
    return c >= '0' && c <= '9' ? c - '0' : low >= 'a' && low <= 'f' ? low - 'a' + 10 : -1;
}

#define ESCAPED_SLASH ('/' | 0x100)

/* The next byte with its escape undone, off *s; -1 at the end. */
static int next_byte(struct eg_str *s) {
    if (s->len == 0) {
        return -1;
    }
    int byte = (unsigned char)s->ptr[0];
    size_t used = 1;
    if (byte == '%' && s->len >= 3 && hex_of(s->ptr[1]) >= 0 && hex_of(s->ptr[2]) >= 0) {
        byte = hex_of(s->ptr[1]) * 16 + hex_of(s->ptr[2]);
        byte = byte == '/' ? ESCAPED_SLASH : byte;
        used = 3;
    }
    *s = egx_str_cut(*s, used);
    return byte;
}

/* Is the rule's path the request's, or what that begins with up to a slash? /%61dmin is /admin: an
 * escape opens nothing. Routing takes %2F for a byte of a segment, yet a function behind a wildcard
 * gets the path decoded and sees /admin/x for /admin%2Fx: so it is a slash where a rule protects,
 * and none where a rule lets everybody in. */
static int is_below(struct eg_str path, const struct auth_rule *rule) {
    const int slash_mask = rule->is_public ? -1 : 0xff;
    struct eg_str prefix = rule->path;
    for (int want = next_byte(&prefix); want >= 0; want = next_byte(&prefix)) {
        const int got = next_byte(&path);
        if (got < 0 || (got & slash_mask) != (want & slash_mask)) {
            return 0;
        }
    }
    const int next = next_byte(&path);
    return next < 0 || (next & slash_mask) == '/';
}

static int has_method(const struct auth_rule *rule, struct eg_str method) {
    size_t i = 0;
    while (i < rule->method_count && !egx_str_eq_nocase(rule->methods[i], method)) {
        i++;
    }
    return rule->method_count == 0 || i < rule->method_count;
}

static int is_better(const struct auth_rule *rule, const struct auth_rule *best) {
    if (best == NULL || rule->path.len != best->path.len) {
        return best == NULL || rule->path.len > best->path.len;
    }
    return rule->method_count > 0 && best->method_count == 0;
}

const struct auth_rule *auth_rules_find(const struct auth_rules *rules, struct eg_str method,
                                        struct eg_str path) {
    const struct auth_rule *best = NULL;
    for (size_t i = 0; i < rules->count; i++) {
        const struct auth_rule *rule = &rules->items[i];
        if (is_better(rule, best) && has_method(rule, method) && is_below(path, rule)) {
            best = rule;
        }
    }
    return best;
}

const struct auth_credential *auth_find_credential(const struct auth_credentials *credentials,
                                                   struct eg_str secret) {
    const struct auth_credential *found = NULL;
    for (size_t i = 0; i < credentials->count; i++) { /* to the end, whatever was found */
        if (egx_ct_eq(credentials->items[i].secret, secret)) {
            found = &credentials->items[i];
        }
    }
    return found;
}

/* ---- all of them ---- */

static int is_same(const struct auth_rule *a, const struct auth_rule *b) {
    if (!egx_str_eq(a->path, b->path) || (a->method_count == 0) != (b->method_count == 0)) {
        return 0;
    }
    for (size_t i = 0; i < a->method_count; i++) {
        if (has_method(b, a->methods[i])) {
            return 1;
        }
    }
    return a->method_count == 0;
}

static int32_t add_rule(struct auth_rules *rules, const struct eg_json *json_rule,
                        struct eg_why *ret_why) {
    struct auth_rule *rule = &rules->items[rules->count];
    const int32_t rc = read_rule(rules, json_rule, rule, ret_why);
    rules->count++;
    for (size_t i = 0; rc >= 0 && i + 1 < rules->count; i++) {
        if (is_same(&rules->items[i], rule)) {
            return egx_why(ret_why, EG_E_INVAL, "rule %zu is for the same path and method", i + 1);
        }
    }
    return rc;
}

int32_t auth_rules_read(struct auth_rules *rules, const struct eg_host *host, struct eg_str json,
                        struct eg_why *ret_why) {
    struct eg_why why;
    memset(rules, 0, sizeof *rules);
    memset(&why, 0, sizeof why);
    rules->host = host;
    int32_t rc = host->json->parse(host, json, &rules->root, ret_why);
    if (rc < 0) {
        return rc;
    }
    const size_t count = host->json->count(rules->root);
    if (host->json->kind(rules->root) != EG_JSON_ARRAY || count > ITEMS_MAX) {
        return egx_why(ret_why, EG_E_INVAL, "'rules' has to be a list of groups");
    }
    rules->items = host->mem->alloc(host, (count + 1) * sizeof *rules->items);
    for (size_t i = 0; i < count; i++) {
        rc = add_rule(rules, host->json->at(rules->root, i, NULL), &why);
        if (rc < 0) {
            return egx_why(ret_why, rc, "rule %zu: %.*s", i + 1, (int)why.len, why.text);
        }
    }
    return EG_OK;
}

void auth_rules_free(struct auth_rules *rules) {
    const struct eg_mem_api *mem = rules->host->mem;
    for (size_t i = 0; i < rules->count; i++) {
        mem->free(rules->host, rules->items[i].methods);
        mem->free(rules->host, rules->items[i].api_keys.items);
        mem->free(rules->host, rules->items[i].tokens.items);
    }
    mem->free(rules->host, rules->items);
    if (rules->root != NULL) {
        rules->host->json->free(rules->host, rules->root);
    }
}
