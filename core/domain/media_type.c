/*
 * domain/media_type.c - reading the Content-Type header: `type/subtype; name=value; name="value"`.
 *
 * The rules and the texts of refusals are those clients of the gateway know (compatibility chapter
 * 5.2): a parameter without a value and a repeated parameter with two values are errors, a last
 * semicolon is not. Any thread; borrows the header.
 */
#include "domain/media_type.h"

#include "base/check.h"
#include "base/slice.h"
#include "domain/event_internal.h"

/* Repeats are searched from the start; nobody needs more. */
#define MAX_PARAMS 64u

struct param {
    struct eg_str name;
    struct eg_str value; /* raw: with quotes when it was quoted */
};

static struct eg_str cut_token(struct eg_str *rest) {
    size_t n = 0;
    while (n < rest->len && gw_token_bytes[(unsigned char)rest->ptr[n]]) {
        n++;
    }
    const struct eg_str token = gw_str_sub(*rest, 0, n);
    *rest = gw_str_cut(*rest, n);
    return token;
}

static void skip_space(struct eg_str *rest) {
    while (rest->len > 0 && (*rest->ptr == ' ' || *rest->ptr == '\t')) {
        *rest = gw_str_cut(*rest, 1);
    }
}

static bool cut_char(struct eg_str *rest, char c) {
    if (rest->len == 0 || *rest->ptr != c) {
        return false;
    }
    *rest = gw_str_cut(*rest, 1);
    return true;
}

/* A token or a quoted string; false when there is neither, or the string has no end. */
static bool cut_value(struct eg_str *rest, struct eg_str *ret_value) {
    if (rest->len == 0 || *rest->ptr != '"') {
        *ret_value = cut_token(rest);
        return ret_value->len > 0;
    }
    for (size_t i = 1; i < rest->len; i++) {
        const char c = rest->ptr[i];
        if (c == '"') {
            *ret_value = gw_str_sub(*rest, 0, i + 1);
            *rest = gw_str_cut(*rest, i + 1);
            return true;
        }
        if (c == '\r' || c == '\n') {
            return false;
        }
        i += c == '\\';
    }
    return false;
}

/* "; name=value" */
static bool cut_param(struct eg_str *rest, struct param *ret_param) {
    if (!cut_char(rest, ';')) {
        return false;
    }
    skip_space(rest);
    ret_param->name = cut_token(rest);
    skip_space(rest);
    if (ret_param->name.len == 0 || !cut_char(rest, '=')) {
        return false;
    }
    skip_space(rest);
    return cut_value(rest, &ret_param->value);
}

static bool is_repeated(const struct param *params, size_t count, const struct param *param) {
    for (size_t i = 0; i < count; i++) {
        if (gw_str_eq_nocase(params[i].name, param->name) &&
            !gw_str_eq(params[i].value, param->value)) {
            return true;
        }
    }
    return false;
}

static const char *check_params(struct eg_str rest) {
    struct param params[MAX_PARAMS];
    size_t count = 0;
    for (skip_space(&rest); rest.len > 0; skip_space(&rest)) {
        if (gw_str_eq(gw_str_trim(rest), GW_STR(";"))) {
            return NULL;
        }
        if (count == MAX_PARAMS || !cut_param(&rest, &params[count])) {
            return "mime: invalid media parameter";
        }
        if (is_repeated(params, count, &params[count])) {
            return "mime: duplicate parameter name";
        }
        count++;
    }
    return NULL;
}

static const char *check_type(struct eg_str type) {
    if (cut_token(&type).len == 0) {
        return "mime: no media type";
    }
    if (!cut_char(&type, '/')) {
        return "mime: expected slash after first token";
    }
    if (cut_token(&type).len == 0) {
        return "mime: expected token after slash";
    }
    return type.len == 0 ? NULL : "mime: unexpected content after media subtype";
}

const char *gw_media_type_check(struct eg_str header) {
    const size_t end = gw_str_find(header, ';');
    const char *complaint = check_type(gw_str_trim(gw_str_sub(header, 0, end)));
    return complaint != NULL ? complaint : check_params(gw_str_cut(header, end));
}

static struct eg_str lower(struct gw_arena *arena, struct eg_str s) {
    size_t i = 0;
    while (i < s.len && !(s.ptr[i] >= 'A' && s.ptr[i] <= 'Z')) {
        i++;
    }
    if (i == s.len) {
        return s;
    }
    char *copy = gw_arena_alloc(arena, s.len);
    for (i = 0; i < s.len; i++) {
        copy[i] = gw_lower(s.ptr[i]);
    }
    return gw_str(copy, s.len);
}

int32_t gw_media_type_parse(struct gw_arena *arena, struct eg_str header,
                            struct eg_str *ret_media_type, struct eg_why *ret_why) {
    const char *complaint = gw_media_type_check(header);
    if (complaint != NULL) {
        return gw_why(ret_why, EG_E_INVAL, "%s", complaint);
    }
    const size_t end = gw_str_find(header, ';');
    *ret_media_type = lower(arena, gw_str_trim(gw_str_sub(header, 0, end)));
    return EG_OK;
}

bool gw_media_is_json(struct eg_str media_type) {
    return gw_str_eq(media_type, GW_STR("application/json")) ||
           gw_str_ends(media_type, GW_STR("+json"));
}

bool gw_media_is_form(struct eg_str media_type) {
    return gw_str_starts(media_type, GW_STR("multipart/form-data")) ||
           gw_str_eq(media_type, GW_STR("application/x-www-form-urlencoded"));
}

bool gw_media_is_text(struct eg_str media_type) {
    return gw_str_starts(media_type, GW_STR("text/")) ||
           gw_str_eq(media_type, GW_STR("application/xml")) ||
           gw_str_ends(media_type, GW_STR("+xml"));
}
