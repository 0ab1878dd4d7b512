/* match.c - which rule counts for a request: see rules.h. Pure; any thread. */
#include "rules.h"

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

int auth_rule_has_method(const struct auth_rule *rule, struct eg_str method) {
    size_t i = 0;
    while (i < rule->methods.count && !egx_str_eq_nocase(rule->methods.items[i], method)) {
        i++;
    }
    return rule->methods.count == 0 || i < rule->methods.count;
}

static int is_better(const struct auth_rule *rule, const struct auth_rule *best) {
    if (best == NULL || rule->path.len != best->path.len) {
        return best == NULL || rule->path.len > best->path.len;
    }
    return rule->methods.count > 0 && best->methods.count == 0;
}

const struct auth_rule *auth_rules_find(const struct auth_rules *rules, struct eg_str method,
                                        struct eg_str path) {
    const struct auth_rule *best = NULL;
    for (size_t i = 0; i < rules->count; i++) {
        const struct auth_rule *rule = &rules->items[i];
        if (is_better(rule, best) && auth_rule_has_method(rule, method) && is_below(path, rule)) {
            best = rule;
        }
    }
    return best;
}
