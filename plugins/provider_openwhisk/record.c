/*
 * record.c - see record.h. A record holds the action's result, which may be big and is wanted byte
 * by byte, so it is found and not parsed: one pass per object, no recursion, no memory.
 */
#include "record.h"

struct scan {
    const char *at;
    const char *end;
};

static void skip_space(struct scan *s) {
    while (s->at < s->end &&
           (*s->at == ' ' || *s->at == '\t' || *s->at == '\n' || *s->at == '\r')) {
        s->at++;
    }
}

/* The character, or 0 at the end. */
static char peek(struct scan *s) {
    skip_space(s);
    return s->at < s->end ? *s->at : '\0';
}

/* At its opening quote. ret_text is what is between the quotes. */
static int32_t take_string(struct scan *s, struct eg_str *ret_text) {
    const char *begin = ++s->at;
    while (s->at < s->end && *s->at != '"') {
        s->at += *s->at == '\\' && s->end - s->at > 1 ? 2 : 1;
    }
    if (s->at >= s->end) {
        return EG_E_PROTO;
    }
    *ret_text = egx_str_n(begin, (size_t)(s->at - begin));
    s->at++;
    return EG_OK;
}

/* A number or a word. */
static int32_t skip_word(struct scan *s) {
    const char *begin = s->at;
    while (s->at < s->end && strchr(",]} \t\r\n\"{[:", *s->at) == NULL) {
        s->at++;
    }
    return s->at > begin ? EG_OK : EG_E_PROTO;
}

/* Any value; inside of it only quotes and the depth of brackets count. */
static int32_t take_value(struct scan *s, struct eg_str *ret_value) {
    struct eg_str ignored;
    size_t depth = 0;
    (void)peek(s);
    const char *begin = s->at;
    do {
        const char c = peek(s);
        int32_t rc = EG_OK;
        if (c == '"') {
            rc = take_string(s, &ignored);
        } else if (c == '{' || c == '[') {
            depth++;
            s->at++;
        } else if (c == '}' || c == ']') {
            rc = depth == 0 ? EG_E_PROTO : EG_OK;
            depth -= depth > 0;
            s->at++;
        } else if (depth > 0 && (c == ',' || c == ':')) {
            s->at++;
        } else {
            rc = skip_word(s);
        }
        if (rc < 0) {
            return rc;
        }
    } while (depth > 0);
    *ret_value = egx_str_n(begin, (size_t)(s->at - begin));
    return EG_OK;
}

typedef void (*on_member)(struct record *record, struct eg_str name, struct eg_str value);

static int32_t each_member(struct eg_str object, struct record *record, on_member take) {
    struct scan s = {object.ptr, object.ptr == NULL ? NULL : object.ptr + object.len};
    char next = peek(&s);
    if (next != '{') {
        return EG_E_PROTO;
    }
    s.at++;
    for (next = peek(&s); next != '}'; next = peek(&s)) {
        struct eg_str name = {0};
        struct eg_str value = {0};
        if (next != '"' || take_string(&s, &name) < 0 || peek(&s) != ':') {
            return EG_E_PROTO;
        }
        s.at++;
        if (take_value(&s, &value) < 0) {
            return EG_E_PROTO;
        }
        take(record, name, value);
        next = peek(&s);
        if (next != ',' && next != '}') {
            return EG_E_PROTO;
        }
        s.at += next == ',';
    }
    s.at++;
    return peek(&s) == '\0' && s.at == s.end ? EG_OK : EG_E_PROTO;
}

/* ---- what is wanted of a record ---- */

static struct eg_str text_of(struct eg_str value) {
    const int is_text = value.len >= 2 && value.ptr[0] == '"';
    return is_text ? egx_str_n(value.ptr + 1, value.len - 2) : egx_str_n(NULL, 0);
}

int record_is_id(struct eg_str text) {
    for (size_t i = 0; i < text.len; i++) {
        const char c = text.ptr[i];
        const int is_good =
            (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-';
        if (!is_good) {
            return 0;
        }
    }
    return text.len > 0 && text.len <= 64;
}

static void take_result(struct record *record, struct eg_str name, struct eg_str value) {
    if (egx_str_eq(name, EGX_STR("error"))) {
        record->error = text_of(value);
    }
}

static void take_response(struct record *record, struct eg_str name, struct eg_str value) {
    if (egx_str_eq(name, EGX_STR("result"))) {
        record->result = value;
    } else if (egx_str_eq(name, EGX_STR("status"))) {
        record->status = text_of(value);
    } else if (egx_str_eq(name, EGX_STR("success")) && record->status.len == 0) {
        record->status =
            egx_str_eq(value, EGX_STR("true")) ? EGX_STR("success") : EGX_STR("application error");
    }
}

static void take_top(struct record *record, struct eg_str name, struct eg_str value) {
    if (egx_str_eq(name, EGX_STR("activationId")) && record_is_id(text_of(value))) {
        record->activation_id = text_of(value);
    } else if (egx_str_eq(name, EGX_STR("error"))) {
        record->has_error = 1;
        record->error = text_of(value);
    } else if (egx_str_eq(name, EGX_STR("response"))) {
        record->has_response = each_member(value, record, take_response) >= 0;
    }
}

/* With spaces in activation records, with underscores in metrics and in a fork or two. */
static const struct {
    const char *status;
    uint32_t call_class;
} classes[] = {
    {"success", EG_CALL_OK},
    {"application error", EG_CALL_FUNCTION},
    {"application_error", EG_CALL_FUNCTION},
    {"action developer error", EG_CALL_FUNCTION},
    {"action_developer_error", EG_CALL_FUNCTION},
    {"developer_error", EG_CALL_FUNCTION},
    {"whisk internal error", EG_CALL_TRANSIENT},
    {"whisk_internal_error", EG_CALL_TRANSIENT},
};

static uint32_t class_of(struct eg_str status) {
    for (size_t i = 0; i < EGX_COUNT(classes); i++) {
        if (egx_str_eq(status, egx_str_c(classes[i].status))) {
            return classes[i].call_class;
        }
    }
    return EG_CALL_FUNCTION;
}

int32_t record_read(struct eg_str text, struct record *ret_record) {
    struct record record = {0};
    const int32_t rc = each_member(text, &record, take_top);
    if (rc < 0) {
        return rc;
    }
    if (record.has_response && record.status.len == 0) {
        record.has_response = 0; /* nothing tells how it ended */
    }
    if (record.has_response) {
        record.call_class = class_of(record.status);
        (void)each_member(record.result, &record, take_result); /* any JSON value may be a result */
    }
    *ret_record = record;
    return EG_OK;
}
