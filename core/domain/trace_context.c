/*
 * domain/trace_context.c - see trace_context.h. Chapters are those of the recommendation of 23
 * November 2021 (level 1). Keys may begin with a digit, as level 2 allows it: refusing them would
 * drop what others may send.
 */
#include "domain/trace_context.h"

#include "base/bytes.h"
#include "base/slice.h"

/* ---- traceparent (3.2) ---- */

#define VERSION_AT 0u
#define TRACE_ID_AT 3u
#define SPAN_ID_AT 36u
#define FLAGS_AT 53u
#define VERSION_FORBIDDEN 0xffu

static int hex_of(char c) {
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1; /* lower case only */
}

static bool read_hex(struct eg_str text, size_t at, uint8_t *out, size_t bytes) {
    for (size_t i = 0; i < bytes; i++) {
        const int high = hex_of(text.ptr[at + 2 * i]);
        const int low = hex_of(text.ptr[at + 2 * i + 1]);
        if (high < 0 || low < 0) {
            return false;
        }
        out[i] = (uint8_t)(high * 16 + low);
    }
    return true;
}

static bool is_zero(const uint8_t *bytes, size_t count) {
    uint8_t all = 0;
    for (size_t i = 0; i < count; i++) {
        all |= bytes[i];
    }
    return all == 0;
}

/* A later version may have more behind a dash (4.3, versioning of traceparent). */
static bool has_length(struct eg_str text, uint8_t version) {
    return text.len == GW_TRACEPARENT_LEN ||
           (version > 0 && text.len > GW_TRACEPARENT_LEN && text.ptr[GW_TRACEPARENT_LEN] == '-');
}

bool gw_traceparent_read(struct eg_str text, struct gw_trace_context *ret_context) {
    struct gw_trace_context c = {.flags = 0};
    uint8_t version = 0;
    text = gw_str_trim(text);
    if (text.len < GW_TRACEPARENT_LEN || text.ptr[TRACE_ID_AT - 1] != '-' ||
        text.ptr[SPAN_ID_AT - 1] != '-' || text.ptr[FLAGS_AT - 1] != '-') {
        return false;
    }
    if (!read_hex(text, VERSION_AT, &version, 1) || version == VERSION_FORBIDDEN ||
        !has_length(text, version)) {
        return false;
    }
    if (!read_hex(text, TRACE_ID_AT, c.trace_id, sizeof c.trace_id) ||
        !read_hex(text, SPAN_ID_AT, c.span_id, sizeof c.span_id) ||
        !read_hex(text, FLAGS_AT, &c.flags, 1) || is_zero(c.trace_id, sizeof c.trace_id) ||
        is_zero(c.span_id, sizeof c.span_id)) {
        return false;
    }
    c.flags &= GW_TRACE_SAMPLED;
    *ret_context = c;
    return true;
}

static void write_hex(char *out, const uint8_t *bytes, size_t count) {
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < count; i++) {
        out[2 * i] = digits[bytes[i] >> 4];
        out[2 * i + 1] = digits[bytes[i] & 15];
    }
}

void gw_traceparent_write(const struct gw_trace_context *context, char *out) {
    const uint8_t version = 0;
    memset(out, '-', GW_TRACEPARENT_LEN);
    write_hex(out + VERSION_AT, &version, 1);
    write_hex(out + TRACE_ID_AT, context->trace_id, sizeof context->trace_id);
    write_hex(out + SPAN_ID_AT, context->span_id, sizeof context->span_id);
    write_hex(out + FLAGS_AT, &context->flags, 1);
}

/* ---- tracestate (3.3) ---- */

#define MEMBERS_MAX 32u
#define KEY_MAX 256u
#define TENANT_MAX 241u
#define SYSTEM_MAX 14u
#define VALUE_MAX 256u
#define STATE_MAX 512u   /* what has to be passed on at least */
#define MEMBER_LONG 128u /* longer ones go first */

static bool is_key_part(struct eg_str s, size_t max) {
    for (size_t i = 0; i < s.len; i++) {
        const char c = s.ptr[i];
        const bool is_alnum = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
        const bool is_mark = c == '_' || c == '-' || c == '*' || c == '/';
        if (!is_alnum && (i == 0 || !is_mark)) {
            return false;
        }
    }
    return s.len > 0 && s.len <= max;
}

/* "key" or "tenant@system". */
static bool is_key(struct eg_str s) {
    const size_t at = gw_str_find(s, '@');
    return at == s.len ? is_key_part(s, KEY_MAX)
                       : is_key_part(gw_str_sub(s, 0, at), TENANT_MAX) &&
                             is_key_part(gw_str_cut(s, at + 1), SYSTEM_MAX);
}

static bool is_value(struct eg_str s) {
    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] < 0x20 || s.ptr[i] > 0x7e || s.ptr[i] == ',' || s.ptr[i] == '=') {
            return false;
        }
    }
    return s.len > 0 && s.len <= VALUE_MAX && s.ptr[s.len - 1] != ' ';
}

static struct eg_str key_of(struct eg_str member) {
    return gw_str_sub(member, 0, gw_str_find(member, '='));
}

struct members {
    struct eg_str items[MEMBERS_MAX];
    size_t count;
    size_t bytes; /* joined */
};

/* A key may be there once (3.3.1.3.1). */
static bool add_member(struct members *members, struct eg_str member) {
    const struct eg_str key = key_of(member);
    if (key.len == member.len || !is_key(key) || !is_value(gw_str_cut(member, key.len + 1)) ||
        members->count == MEMBERS_MAX) {
        return false;
    }
    for (size_t i = 0; i < members->count; i++) {
        if (gw_str_eq(key_of(members->items[i]), key)) {
            return false;
        }
    }
    members->items[members->count++] = member;
    members->bytes += member.len + 1;
    return true;
}

static void drop_member(struct members *members) {
    size_t at = members->count - 1;
    for (size_t i = members->count; i > 0; i--) {
        if (members->items[i - 1].len > MEMBER_LONG) {
            at = i - 1;
            break;
        }
    }
    members->bytes -= members->items[at].len + 1;
    members->count--;
    memmove(&members->items[at], &members->items[at + 1],
            (members->count - at) * sizeof members->items[0]);
}

struct eg_str gw_tracestate_read(struct gw_arena *arena, struct eg_str text) {
    struct members members = {.count = 0};
    struct eg_str member;
    while (gw_str_next(&text, ',', &member)) {
        member = gw_str_trim(member);
        if (member.len > 0 && !add_member(&members, member)) {
            return (struct eg_str){0};
        }
    }
    while (members.bytes > STATE_MAX + 1) {
        drop_member(&members);
    }
    struct gw_bytes out;
    gw_bytes_init_arena(&out, arena, members.bytes + 1);
    for (size_t i = 0; i < members.count; i++) {
        gw_bytes_add(&out, i == 0 ? GW_STR("") : GW_STR(","));
        gw_bytes_add(&out, members.items[i]);
    }
    return gw_bytes_str(&out);
}
