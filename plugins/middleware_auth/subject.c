/* subject.c - see subject.h. */
#include "subject.h"

/* The next part off *name, and what ended it: ',' or '+', or '\0' at the end. */
static struct eg_str next_part(struct eg_str *name, char *ret_end) {
    size_t i = 0;
    while (i < name->len && name->ptr[i] != ',' && name->ptr[i] != '+') {
        i += name->ptr[i] == '\\' && i + 1 < name->len ? 2 : 1;
    }
    const struct eg_str part = egx_str_n(name->ptr, i);
    *ret_end = i < name->len ? name->ptr[i] : '\0';
    *name = egx_str_cut(*name, i + 1);
    return part;
}

/* `*` = any text, perhaps none; everything else stands for itself. In one pass with one place to
 * go back to, so that no pattern is slow. */
static int matches(struct eg_str pattern, struct eg_str text) {
    size_t p = 0;
    size_t t = 0;
    size_t star = SIZE_MAX; /* the last one seen, and from where its text is tried */
    size_t star_text = 0;
    while (t < text.len) {
        if (p < pattern.len && pattern.ptr[p] == '*') {
            star = p++;
            star_text = t;
        } else if (p < pattern.len && pattern.ptr[p] == text.ptr[t]) {
            p++;
            t++;
        } else if (star != SIZE_MAX) {
            p = star + 1;
            t = ++star_text;
        } else {
            return 0;
        }
    }
    while (p < pattern.len && pattern.ptr[p] == '*') {
        p++;
    }
    return p == pattern.len;
}

int auth_subject_matches(struct eg_str pattern, struct eg_str subject) {
    char pattern_end = ',';
    char subject_end = ',';
    if (egx_str_eq(pattern, EGX_STR("*"))) {
        return 1; /* also without a subject: the name is in subjectAltName then, RFC 5280 4.1.2.6 */
    }
    if (subject.len == 0) {
        return 0;
    }
    while (pattern_end != '\0' && subject_end != '\0') {
        const struct eg_str want = next_part(&pattern, &pattern_end);
        const struct eg_str have = next_part(&subject, &subject_end);
        if (pattern_end != subject_end || !matches(want, have)) {
            return 0;
        }
    }
    return pattern_end == subject_end;
}

struct eg_str auth_subject_common_name(struct eg_str subject) {
    char end = ',';
    while (end != '\0') {
        const struct eg_str part = next_part(&subject, &end);
        if (egx_str_starts(part, EGX_STR("CN="))) {
            return egx_str_cut(part, 3);
        }
    }
    return egx_str_n(NULL, 0);
}
