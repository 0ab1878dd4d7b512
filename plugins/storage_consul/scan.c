/* scan.c - see scan.h. RFC 8259; strict about form, so that what was cut or garbled on its way is
 * found, but numbers are only read where they count. */
#include "scan.h"

#define DEPTH_MAX 64u /* bits of struct nesting */

struct consul_scan consul_scan_begin(struct eg_str text) {
    return (struct consul_scan){.at = text.ptr,
                                .end = text.len == 0 ? text.ptr : text.ptr + text.len};
}

static void spoil(struct consul_scan *scan) {
    scan->is_bad = true;
    scan->at = scan->end;
}

static void skip_blanks(struct consul_scan *scan) {
    while (scan->at < scan->end &&
           (*scan->at == ' ' || *scan->at == '\n' || *scan->at == '\r' || *scan->at == '\t')) {
        scan->at++;
    }
}

/* '\0' at the end. */
static char peek(struct consul_scan *scan) {
    skip_blanks(scan);
    return scan->at < scan->end ? *scan->at : '\0';
}

static bool take(struct consul_scan *scan, char c) {
    if (peek(scan) != c) {
        return false;
    }
    scan->at++;
    return true;
}

void consul_scan_open(struct consul_scan *scan, char bracket) {
    if (!take(scan, bracket)) {
        spoil(scan);
    }
}

bool consul_scan_more(struct consul_scan *scan, char closing, bool *is_first) {
    if (scan->is_bad || take(scan, closing)) {
        return false;
    }
    if (!*is_first && !take(scan, ',')) {
        spoil(scan);
        return false;
    }
    *is_first = false;
    return true;
}

struct eg_str consul_scan_string(struct consul_scan *scan) {
    if (!take(scan, '"')) {
        spoil(scan);
        return egx_str_n(NULL, 0);
    }
    const char *first = scan->at;
    const char *at = first;
    while (at < scan->end && *at != '"' && (unsigned char)*at >= 0x20) {
        at += *at == '\\' && at + 1 < scan->end ? 2 : 1;
    }
    if (at >= scan->end || *at != '"') {
        spoil(scan);
        return egx_str_n(NULL, 0);
    }
    scan->at = at + 1;
    return egx_str_n(first, (size_t)(at - first));
}

struct eg_str consul_scan_name(struct consul_scan *scan) {
    const struct eg_str name = consul_scan_string(scan);
    if (!take(scan, ':')) {
        spoil(scan);
    }
    return name;
}

static void take_word(struct consul_scan *scan, struct eg_str word) {
    if (!egx_str_starts(egx_str_n(scan->at, (size_t)(scan->end - scan->at)), word)) {
        spoil(scan);
        return;
    }
    scan->at += word.len;
}

bool consul_scan_null(struct consul_scan *scan) {
    if (peek(scan) != 'n') {
        return false;
    }
    take_word(scan, EGX_STR("null"));
    return !scan->is_bad;
}

struct eg_str consul_scan_string_or_null(struct consul_scan *scan) {
    return consul_scan_null(scan) ? egx_str_n(NULL, 0) : consul_scan_string(scan);
}

uint64_t consul_scan_number(struct consul_scan *scan) {
    uint64_t number = 0;
    skip_blanks(scan);
    const char *first = scan->at;
    while (scan->at < scan->end && *scan->at >= '0' && *scan->at <= '9') {
        const uint64_t digit = (uint64_t)(*scan->at - '0');
        if (number > (UINT64_MAX - digit) / 10) {
            spoil(scan);
            return 0;
        }
        number = number * 10 + digit;
        scan->at++;
    }
    if (scan->at == first) {
        spoil(scan);
    }
    return number;
}

/* ---- what does not count ---- */

static bool is_number_char(char c) {
    return (c >= '0' && c <= '9') || c == '-' || c == '+' || c == '.' || c == 'e' || c == 'E';
}

static void skip_number(struct consul_scan *scan) {
    const char *first = scan->at;
    while (scan->at < scan->end && is_number_char(*scan->at)) {
        scan->at++;
    }
    if (scan->at == first) {
        spoil(scan);
    }
}

static void skip_scalar(struct consul_scan *scan) {
    const char c = peek(scan);
    if (c == '"') {
        (void)consul_scan_string(scan);
    } else if (c == 't') {
        take_word(scan, EGX_STR("true"));
    } else if (c == 'f') {
        take_word(scan, EGX_STR("false"));
    } else if (c == 'n') {
        take_word(scan, EGX_STR("null"));
    } else {
        skip_number(scan);
    }
}

/* Containers that are open, innermost in the lowest bit. */
struct nesting {
    uint64_t is_object;
    uint64_t is_first;
    unsigned depth;
};

/* A container is entered; anything else is over after this. */
static void skip_begin(struct consul_scan *scan, struct nesting *nesting) {
    const char c = peek(scan);
    if (c != '{' && c != '[') {
        skip_scalar(scan);
        return;
    }
    if (nesting->depth == DEPTH_MAX) {
        spoil(scan);
        return;
    }
    scan->at++;
    nesting->depth++;
    nesting->is_object = nesting->is_object << 1 | (c == '{');
    nesting->is_first = nesting->is_first << 1 | 1u;
}

void consul_scan_skip(struct consul_scan *scan) {
    struct nesting nesting = {0};
    skip_begin(scan, &nesting);
    while (nesting.depth > 0 && !scan->is_bad) {
        const bool is_object = (nesting.is_object & 1u) != 0;
        bool is_first = (nesting.is_first & 1u) != 0;
        if (!consul_scan_more(scan, is_object ? '}' : ']', &is_first)) {
            nesting.depth--;
            nesting.is_object >>= 1;
            nesting.is_first >>= 1;
            continue;
        }
        nesting.is_first &= ~UINT64_C(1);
        if (is_object) {
            (void)consul_scan_name(scan);
        }
        skip_begin(scan, &nesting);
    }
}

void consul_scan_finish(struct consul_scan *scan) {
    if (peek(scan) != '\0' || scan->at != scan->end) {
        spoil(scan);
    }
}

/* ---- escapes ---- */

/* Four hexadecimal digits; -1. */
static int32_t hex4(struct eg_str text) {
    int32_t number = 0;
    for (size_t i = 0; i < 4; i++) {
        const char c = i < text.len ? egx_lower(text.ptr[i]) : '\0';
        const int32_t digit = c >= '0' && c <= '9'   ? c - '0'
                              : c >= 'a' && c <= 'f' ? c - 'a' + 10
                                                     : -1;
        if (digit < 0) {
            return -1;
        }
        number = number * 16 + digit;
    }
    return number;
}

static size_t put_utf8(uint32_t c, char *out) {
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    const size_t more = c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
    static const unsigned char leads[] = {0, 0xc0, 0xe0, 0xf0};
    out[0] = (char)(leads[more] | c >> (6 * more));
    for (size_t i = 1; i <= more; i++) {
        out[i] = (char)(0x80u | (c >> (6 * (more - i)) & 0x3fu));
    }
    return more + 1;
}

/* Behind "\u"; how many bytes of text it took, 0 = none. Never writes more than it takes. */
static size_t unescape_unicode(struct eg_str text, char *out, size_t *len) {
    const int32_t high = hex4(text);
    if (high < 0xd800 || high > 0xdfff) {
        *len += high < 0 ? 0 : put_utf8((uint32_t)high, out);
        return high < 0 ? 0 : 4;
    }
    const int32_t low =
        egx_str_starts(egx_str_cut(text, 4), EGX_STR("\\u")) ? hex4(egx_str_cut(text, 6)) : -1;
    if (high > 0xdbff || low < 0xdc00 || low > 0xdfff) {
        return 0;
    }
    *len += put_utf8(0x10000u + (((uint32_t)high & 0x3ffu) << 10) + ((uint32_t)low & 0x3ffu), out);
    return 10;
}

bool consul_unescape(struct eg_str text, char *out, size_t *ret_len) {
    static const char names[] = "\"\\/bfnrt";
    static const char meanings[] = "\"\\/\b\f\n\r\t";
    size_t len = 0;
    for (size_t i = 0; i < text.len;) {
        if (text.ptr[i] != '\\') {
            out[len++] = text.ptr[i++];
            continue;
        }
        const char c = i + 1 < text.len ? text.ptr[i + 1] : '\0';
        const char *name = c == '\0' ? NULL : strchr(names, c);
        i += 2;
        if (name != NULL) {
            out[len++] = meanings[name - names];
            continue;
        }
        const size_t used = c == 'u' ? unescape_unicode(egx_str_cut(text, i), out + len, &len) : 0;
        if (used == 0) {
            return false;
        }
        i += used;
    }
    *ret_len = len;
    return true;
}

/* ---- Consul's answers ---- */

void consul_scan_entry(struct consul_scan *scan, struct consul_entry *ret_entry) {
    bool is_first = true;
    struct consul_entry entry = {0};
    consul_scan_open(scan, '{');
    while (consul_scan_more(scan, '}', &is_first)) {
        const struct eg_str name = consul_scan_name(scan);
        if (egx_str_eq(name, EGX_STR("Key"))) {
            entry.key = consul_scan_string(scan);
        } else if (egx_str_eq(name, EGX_STR("Value"))) {
            entry.value = consul_scan_string_or_null(scan);
        } else if (egx_str_eq(name, EGX_STR("ModifyIndex"))) {
            entry.revision = consul_scan_number(scan);
        } else if (egx_str_eq(name, EGX_STR("CreateIndex"))) {
            entry.created = consul_scan_number(scan);
        } else if (egx_str_eq(name, EGX_STR("Flags"))) {
            entry.flags = consul_scan_number(scan);
        } else {
            consul_scan_skip(scan);
        }
    }
    if (entry.key.ptr == NULL || entry.revision == 0) {
        spoil(scan);
    }
    *ret_entry = entry;
}

/* {"KV": row}; other kinds (services, sessions) are nothing that was asked for. */
static void scan_result(struct consul_scan *scan, const struct consul_txn_reader *reader) {
    bool is_first = true;
    consul_scan_open(scan, '{');
    while (consul_scan_more(scan, '}', &is_first)) {
        struct consul_entry entry;
        if (!egx_str_eq(consul_scan_name(scan), EGX_STR("KV"))) {
            consul_scan_skip(scan);
            continue;
        }
        consul_scan_entry(scan, &entry);
        if (!scan->is_bad && reader->entry != NULL) {
            reader->entry(reader->arg, &entry);
        }
    }
}

static void scan_error(struct consul_scan *scan, const struct consul_txn_reader *reader) {
    bool is_first = true;
    uint64_t op_index = 0;
    struct eg_str text = {0};
    consul_scan_open(scan, '{');
    while (consul_scan_more(scan, '}', &is_first)) {
        const struct eg_str name = consul_scan_name(scan);
        if (egx_str_eq(name, EGX_STR("OpIndex"))) {
            op_index = consul_scan_number(scan);
        } else if (egx_str_eq(name, EGX_STR("What"))) {
            text = consul_scan_string(scan);
        } else {
            consul_scan_skip(scan);
        }
    }
    if (!scan->is_bad && reader->error != NULL) {
        reader->error(reader->arg, op_index, text);
    }
}

/* An array of these, or null. */
static void scan_array(struct consul_scan *scan, const struct consul_txn_reader *reader,
                       void (*item)(struct consul_scan *scan,
                                    const struct consul_txn_reader *reader)) {
    bool is_first = true;
    if (consul_scan_null(scan)) {
        return;
    }
    consul_scan_open(scan, '[');
    while (consul_scan_more(scan, ']', &is_first)) {
        item(scan, reader);
    }
}

bool consul_scan_txn(struct eg_str body, const struct consul_txn_reader *reader) {
    struct consul_scan scan = consul_scan_begin(body);
    bool is_first = true;
    bool has_results = false;
    consul_scan_open(&scan, '{');
    while (consul_scan_more(&scan, '}', &is_first)) {
        const struct eg_str name = consul_scan_name(&scan);
        if (egx_str_eq(name, EGX_STR("Results"))) {
            has_results = true;
            scan_array(&scan, reader, scan_result);
        } else if (egx_str_eq(name, EGX_STR("Errors"))) {
            scan_array(&scan, reader, scan_error);
        } else {
            consul_scan_skip(&scan);
        }
    }
    consul_scan_finish(&scan);
    return !scan.is_bad && has_results;
}

bool consul_scan_one(struct eg_str body, struct consul_entry *ret_entry) {
    struct consul_scan scan = consul_scan_begin(body);
    consul_scan_open(&scan, '[');
    consul_scan_entry(&scan, ret_entry);
    consul_scan_open(&scan, ']');
    consul_scan_finish(&scan);
    return !scan.is_bad;
}

bool consul_scan_names(struct eg_str body, struct eg_str wanted, bool *ret_is_there) {
    struct consul_scan scan = consul_scan_begin(body);
    bool is_first = true;
    bool is_there = false;
    consul_scan_open(&scan, '[');
    while (consul_scan_more(&scan, ']', &is_first)) {
        is_there = egx_str_eq(consul_scan_string(&scan), wanted) || is_there;
    }
    consul_scan_finish(&scan);
    *ret_is_there = is_there;
    return !scan.is_bad;
}
