/*
 * base/yaml_scalar.c - see the header. YAML 1.1 has more booleans (yes, no, on, off, y, n),
 * numerals (0b11, 1_000, 1:30) and dates than 1.2; 007 is 7 in both, but octal in one of them.
 * Pure.
 */
#include "base/yaml_scalar.h"

#include "base/check.h"
#include "base/jscan.h"
#include "base/slice.h"

static bool is_one_of(struct eg_str s, const char *const *words, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (gw_str_eq(s, gw_str_c(words[i]))) {
            return true;
        }
    }
    return false;
}

static bool is_null(struct eg_str s) {
    static const char *const words[] = {"", "~", "null", "Null", "NULL"};
    return is_one_of(s, words, GW_COUNT(words));
}
static bool is_true(struct eg_str s) {
    static const char *const words[] = {"true", "True", "TRUE"};
    return is_one_of(s, words, GW_COUNT(words));
}
static bool is_false(struct eg_str s) {
    static const char *const words[] = {"false", "False", "FALSE"};
    return is_one_of(s, words, GW_COUNT(words));
}

static bool is_json_number(struct eg_str s) {
    struct gw_jval value;
    return gw_json_check(s, 1, &value, NULL) == EG_OK && value.type == GW_J_NUMBER;
}

/* How many leading bytes are out of the set? */
static size_t span(struct eg_str s, const char *set) {
    size_t n = 0;
    while (n < s.len && s.ptr[n] != '\0' && strchr(set, s.ptr[n]) != NULL) {
        n++;
    }
    return n;
}

#define DIGITS "0123456789"

/* 0x1F, 0o17, 0b11 */
static bool is_based(struct eg_str s) {
    static const struct {
        const char *mark;
        const char *digits;
    } bases[] = {{"0x", DIGITS "abcdefABCDEF_"}, {"0o", "01234567_"}, {"0b", "01_"}};
    for (size_t i = 0; i < GW_COUNT(bases); i++) {
        if (gw_str_starts_nocase(s, gw_str_c(bases[i].mark)) && s.len > 2) {
            const struct eg_str tail = gw_str_cut(s, 2);
            return span(tail, bases[i].digits) == tail.len;
        }
    }
    return false;
}

/* 12, 1_000, 1., .5, 1.5e+3 */
static bool is_decimal(struct eg_str s) {
    const size_t whole = span(s, DIGITS "_");
    size_t at = whole;
    size_t fraction = 0;
    if (at < s.len && s.ptr[at] == '.') {
        fraction = span(gw_str_cut(s, at + 1), DIGITS "_");
        at += 1 + fraction;
    }
    if (span(s, "._") == at || (whole > 0 && s.ptr[0] == '_')) {
        return false; /* no digit in it, or none at its front */
    }
    if (at < s.len && (s.ptr[at] == 'e' || s.ptr[at] == 'E')) {
        const size_t sign = at + 1 < s.len && strchr("+-", s.ptr[at + 1]) != NULL ? 1 : 0;
        const size_t exponent = span(gw_str_cut(s, at + 1 + sign), DIGITS);
        at = exponent == 0 ? 0 : at + 1 + sign + exponent;
    }
    return at == s.len;
}

/* Does some version of YAML take it for a number? */
static bool is_numeral(struct eg_str s) {
    if (s.len > 0 && (s.ptr[0] == '-' || s.ptr[0] == '+')) {
        s = gw_str_cut(s, 1);
    }
    return gw_str_eq_nocase(s, GW_STR(".inf")) || gw_str_eq_nocase(s, GW_STR(".nan")) ||
           is_based(s) || is_decimal(s);
}

enum gw_yaml_plain gw_yaml_plain(struct eg_str text) {
    static const struct {
        bool (*holds)(struct eg_str s);
        enum gw_yaml_plain plain;
    } rules[] = {
        {is_null, GW_YAML_NULL},          {is_true, GW_YAML_TRUE},        {is_false, GW_YAML_FALSE},
        {is_json_number, GW_YAML_NUMBER}, {is_numeral, GW_YAML_DOUBTFUL},
    };
    for (size_t i = 0; i < GW_COUNT(rules); i++) {
        if (rules[i].holds(text)) {
            return rules[i].plain;
        }
    }
    return GW_YAML_TEXT;
}

/* Letters first, and no word that some version of YAML knows. */
bool gw_yaml_is_plain(struct eg_str s) {
    static const char *const words[] = {"y",   "n",    "yes",   "no",  "on",
                                        "off", "true", "false", "null"};
    static const char first[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ/";
    static const char others[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ/" DIGITS "_-.:%@+?=&~";
    if (span(s, first) == 0 || span(s, others) < s.len || s.ptr[s.len - 1] == ':') {
        return false;
    }
    for (size_t i = 0; i < GW_COUNT(words); i++) {
        if (gw_str_eq_nocase(s, gw_str_c(words[i]))) {
            return false;
        }
    }
    return true;
}
