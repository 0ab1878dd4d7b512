/*
 * ini.c - reads the shared AWS files, line by line. Pure; any thread.
 *
 * Comments: lines that begin with '#' or ';', and the rest of a line after " #" or " ;" (a secret
 * may hold '#', so a blank has to stand before it).
 */
#include "ini.h"

static int is_blank(char c) {
    return c == ' ' || c == '\t' || c == '\r';
}

static struct eg_str trim(struct eg_str s) {
    while (s.len > 0 && is_blank(s.ptr[0])) {
        s = egx_str_cut(s, 1);
    }
    while (s.len > 0 && is_blank(s.ptr[s.len - 1])) {
        s.len--;
    }
    return s;
}

static struct eg_str without_comment(struct eg_str s) {
    for (size_t i = 0; i < s.len; i++) {
        if ((s.ptr[i] == '#' || s.ptr[i] == ';') && (i == 0 || is_blank(s.ptr[i - 1]))) {
            s.len = i;
        }
    }
    return trim(s);
}

static void read_line(struct eg_str line, struct eg_str *section, aws_ini_fn on_key, void *arg) {
    const int is_nested = line.len > 0 && is_blank(line.ptr[0]);
    const struct eg_str text = without_comment(line);
    if (text.len == 0 || is_nested) {
        return;
    }
    if (text.ptr[0] == '[') {
        const char *end = memchr(text.ptr, ']', text.len);
        *section = end == NULL ? egx_str_n(NULL, 0)
                               : trim(egx_str_n(text.ptr + 1, (size_t)(end - text.ptr) - 1));
        return;
    }
    const char *equals = memchr(text.ptr, '=', text.len);
    if (equals != NULL && section->len > 0) {
        const size_t at = (size_t)(equals - text.ptr);
        on_key(arg, *section, trim(egx_str_n(text.ptr, at)), trim(egx_str_cut(text, at + 1)));
    }
}

void aws_ini_read(struct eg_str text, aws_ini_fn on_key, void *arg) {
    struct eg_str section = egx_str_n(NULL, 0);
    while (text.len > 0) {
        const char *newline = memchr(text.ptr, '\n', text.len);
        const size_t len = newline == NULL ? text.len : (size_t)(newline - text.ptr);
        read_line(egx_str_n(text.ptr, len), &section, on_key, arg);
        text = egx_str_cut(text, len + 1);
    }
}
