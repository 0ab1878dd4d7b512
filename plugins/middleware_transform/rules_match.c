/*
 * rules_match.c - which rule is it? Pure; any loop.
 */
#include "rules.h"

static int hex_of(char c) {
    return c >= '0' && c <= '9'                         ? c - '0'
           : egx_lower(c) >= 'a' && egx_lower(c) <= 'f' ? egx_lower(c) - 'a' + 10
                                                        : -1;
}

/* The next byte of a path, escapes resolved; -1 at its end. */
static int next_byte(struct eg_str *s) {
    if (s->len == 0) {
        return -1;
    }
    int byte = (unsigned char)s->ptr[0];
    size_t used = 1;
    if (byte == '%' && s->len >= 3 && hex_of(s->ptr[1]) >= 0 && hex_of(s->ptr[2]) >= 0) {
        byte = hex_of(s->ptr[1]) * 16 + hex_of(s->ptr[2]);
        used = 3;
    }
    *s = egx_str_cut(*s, used);
    return byte;
}

/* Is the prefix the path, or what it begins with up to a slash? */
static int is_below(struct eg_str path, struct eg_str prefix) {
    for (int want = next_byte(&prefix); want >= 0; want = next_byte(&prefix)) {
        if (next_byte(&path) != want) {
            return 0;
        }
    }
    const int next = next_byte(&path);
    return next < 0 || next == '/';
}

static int has_method(const struct tr_names *methods, struct eg_str method) {
    size_t i = 0;
    while (i < methods->count && !egx_str_eq_nocase(methods->items[i], method)) {
        i++;
    }
    return methods->count == 0 || i < methods->count;
}

static int is_type(struct eg_str pattern, struct eg_str type) {
    if (pattern.ptr[pattern.len - 1] == '*') {
        pattern.len--;
        return egx_str_starts(type, pattern);
    }
    return egx_str_eq(pattern, type);
}

static int has_type(const struct tr_names *types, struct eg_str type) {
    size_t i = 0;
    while (i < types->count && (type.len == 0 || !is_type(types->items[i], type))) {
        i++;
    }
    return types->count == 0 || i < types->count;
}

static int is_status(struct eg_str word, uint32_t status) {
    char digits[16];
    (void)snprintf(digits, sizeof digits, "%u", status);
    if (egx_str_eq(word, EGX_STR("any"))) {
        return 1;
    }
    return word.ptr[1] == 'x' ? word.ptr[0] == digits[0] : egx_str_eq(word, egx_str_c(digits));
}

static int has_status(const struct tr_names *when, uint32_t status) {
    size_t i = 0;
    if (when->count == 0) {
        return status >= 200 && status <= 299;
    }
    while (i < when->count && !is_status(when->items[i], status)) {
        i++;
    }
    return i < when->count;
}

const struct tr_rule *tr_rules_find(const struct tr_rules *rules, uint32_t stage,
                                    const struct tr_subject *subject) {
    for (size_t i = 0; i < rules->count; i++) {
        const struct tr_rule *rule = &rules->items[i];
        if (rule->stages[stage].is_there && has_method(&rule->methods, subject->method) &&
            has_type(&rule->event_types, subject->type) && is_below(subject->path, rule->path) &&
            (stage != TR_ON_REPLY || has_status(&rule->stages[stage].when, subject->status))) {
            return rule;
        }
    }
    return NULL;
}
