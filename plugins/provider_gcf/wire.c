/*
 * wire.c - the request of one call, from the payload that the gateway has written.
 *
 * Binary mode (CloudEvents 1.0, HTTP binding 3.1): attributes become ce- headers, data the body,
 * with datacontenttype as Content-Type. Functions of the second generation take this natively. The
 * payload is the event as CloudEvents 1.0 JSON, so all extensions are found in it; JSON data are
 * sent as they stand in it, without a copy. A payload that is no event (authorizers) is sent as it
 * is. Structured mode sends every payload as it is.
 *
 * Loop thread. What is made lives until gcf_wire_free; the payload has to live as long.
 */
#include "provider_gcf.h"

#define ATTRIBUTES_MAX 512u

struct attributes {
    struct eg_str names[ATTRIBUTES_MAX];
    struct eg_str values[ATTRIBUTES_MAX]; /* raw JSON */
    size_t count;
    size_t bytes;
    struct eg_str content_type; /* raw JSON; empty = absent, as the next two */
    struct eg_str data;
    struct eg_str data_base64;
};

static int is_string(struct eg_str raw) {
    return raw.len >= 2 && raw.ptr[0] == '"';
}

/* Names the gateway would not make are none of HTTP's either. */
static int is_header_name(struct eg_str name) {
    for (size_t i = 0; i < name.len; i++) {
        const char c = egx_lower(name.ptr[i]);
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-')) {
            return 0;
        }
    }
    return name.len > 0;
}

static int32_t sort_member(struct attributes *all, struct eg_str name, struct eg_str value) {
    if (egx_str_eq(name, EGX_STR("data"))) {
        all->data = value;
    } else if (egx_str_eq(name, EGX_STR("data_base64"))) {
        all->data_base64 = value;
    } else if (egx_str_eq(value, EGX_STR("null")) || !is_header_name(name)) {
        return EG_OK;
    } else if (egx_str_eq(name, EGX_STR("datacontenttype"))) {
        all->content_type = value;
        all->bytes += value.len;
    } else {
        all->bytes += name.len + value.len;
        if (all->count == ATTRIBUTES_MAX || all->bytes > GCF_HEADERS_MAX) {
            return EG_E_TOOBIG;
        }
        all->names[all->count] = name;
        all->values[all->count++] = value;
    }
    return all->bytes > GCF_HEADERS_MAX ? EG_E_TOOBIG : EG_OK;
}

static int32_t sort_members(struct eg_str payload, struct attributes *all) {
    size_t cursor = 0;
    struct eg_str name;
    struct eg_str value;
    int32_t rc = gcf_json_next(payload, &cursor, &name, &value);
    while (rc > 0) {
        rc = sort_member(all, name, value);
        rc = rc < 0 ? rc : gcf_json_next(payload, &cursor, &name, &value);
    }
    return rc;
}

/* Text of an attribute: strings decoded, all else as it stands. out has room for raw.len. */
static struct eg_str text_of(struct eg_str raw, char *out) {
    return is_string(raw) ? egx_str_n(out, gcf_json_decode(raw, out)) : raw;
}

/* HTTP binding 3.1.3.2: space, double quote, percent and all but printable ASCII, as %XX of the
 * UTF-8 bytes. */
static size_t escape(struct eg_str text, char *out) {
    static const char hex[] = "0123456789ABCDEF";
    size_t len = 0;
    for (size_t i = 0; i < text.len; i++) {
        const unsigned char c = (unsigned char)text.ptr[i];
        if (c > 0x20 && c < 0x7f && c != '"' && c != '%') {
            out[len++] = (char)c;
            continue;
        }
        out[len++] = '%';
        out[len++] = hex[c >> 4];
        out[len++] = hex[c & 15u];
    }
    return len;
}

/* Writes "ce-name" and the value behind at; returns what follows. A value takes three times its
 * room for the escapes, and once for the decoded text behind them. */
static char *put_attribute(struct eg_kv *header, struct eg_str name, struct eg_str raw, char *at) {
    char *value = at + 3 + name.len;
    memcpy(at, "ce-", 3);
    for (size_t i = 0; i < name.len; i++) {
        at[3 + i] = egx_lower(name.ptr[i]);
    }
    const size_t len = escape(text_of(raw, value + 3 * raw.len), value);
    header->name = egx_str_n(at, 3 + name.len);
    header->value = egx_str_n(value, len);
    return value + len;
}

static int is_clean(struct eg_str value) {
    for (size_t i = 0; i < value.len; i++) {
        if ((unsigned char)value.ptr[i] < 0x20 || value.ptr[i] == 0x7f) {
            return 0;
        }
    }
    return value.len > 0;
}

static int ends_with_json(struct eg_str s) {
    const struct eg_str end = EGX_STR("+json");
    return s.len > end.len && egx_str_eq_nocase(egx_str_cut(s, s.len - end.len), end);
}

/* application/json, text/json, anything/...+json; also without one (JSON format 3.1). */
static int is_json_type(struct eg_str type) {
    size_t end = 0;
    while (end < type.len && type.ptr[end] != ';' && type.ptr[end] != ' ') {
        end++;
    }
    type.len = end;
    return type.len == 0 || egx_str_eq_nocase(type, EGX_STR("application/json")) ||
           egx_str_eq_nocase(type, EGX_STR("text/json")) || ends_with_json(type);
}

/* The body: JSON as it stands; strings of other types and binary data decoded. */
static int32_t put_body(const struct eg_host *host, const struct attributes *all,
                        struct eg_str type, struct gcf_wire *wire) {
    const int is_base64 = is_string(all->data_base64);
    if (!is_base64 && (!is_string(all->data) || is_json_type(type))) {
        wire->body = egx_str_eq(all->data, EGX_STR("null")) ? EGX_STR("") : all->data;
        return EG_OK;
    }
    const struct eg_str raw = is_base64 ? all->data_base64 : all->data;
    char *bytes = host->mem->alloc(host, raw.len + 4);
    size_t len = gcf_json_decode(raw, bytes);
    wire->body_memory = bytes;
    if (is_base64) {
        /* In place: three bytes are written where four were read. */
        len = gcf_base64_decode(egx_str_n(bytes, len), bytes);
    }
    wire->body = egx_str_n(bytes, len == SIZE_MAX ? 0 : len);
    return len == SIZE_MAX ? EG_E_SYNTAX : EG_OK;
}

static void put_content_type(struct gcf_wire *wire, struct eg_str type) {
    wire->headers[wire->header_count].name = EGX_STR("Content-Type");
    wire->headers[wire->header_count++].value = type;
}

static int32_t make_binary(const struct eg_host *host, const struct attributes *all,
                           struct gcf_wire *wire) {
    const size_t table = (all->count + 2 + EGX_TRACE_HEADERS) * sizeof(struct eg_kv);
    wire->memory = host->mem->alloc(host, table + 3 * all->count + 4 * all->bytes + 1);
    wire->headers = wire->memory;
    wire->header_count = 1;
    char *at = (char *)wire->memory + table;
    for (size_t i = 0; i < all->count; i++) {
        at = put_attribute(&wire->headers[wire->header_count++], all->names[i], all->values[i], at);
    }
    struct eg_str type = text_of(all->content_type, at);
    if (all->content_type.len > 0 && !is_clean(type)) {
        return EG_E_SYNTAX;
    }
    const int32_t rc = put_body(host, all, type, wire);
    if (type.len == 0 && wire->body.len > 0) {
        type = EGX_STR("application/json");
    }
    if (type.len > 0) {
        put_content_type(wire, type);
    }
    return rc;
}

static void make_plain(const struct eg_host *host, struct eg_str payload, struct eg_str type,
                       struct gcf_wire *wire) {
    wire->memory = host->mem->alloc(host, (2 + EGX_TRACE_HEADERS) * sizeof(struct eg_kv));
    wire->headers = wire->memory;
    wire->header_count = 1;
    wire->body = payload;
    put_content_type(wire, type);
}

/* Room for it was left. */
static void put_trace(struct gcf_wire *wire, const struct eg_invocation *invocation) {
    wire->header_count += egx_trace_headers(invocation, wire->headers + wire->header_count);
}

int32_t gcf_wire_make(const struct eg_host *host, const struct eg_invocation *invocation,
                      uint32_t is_structured, struct gcf_wire *ret_wire, struct eg_why *ret_why) {
    struct gcf_wire wire = {0};
    if (invocation->event == NULL || is_structured) {
        make_plain(host, invocation->payload,
                   invocation->event == NULL ? EGX_STR("application/json")
                                             : egx_content_type(invocation),
                   &wire);
        put_trace(&wire, invocation);
        *ret_wire = wire;
        return EG_OK;
    }
    struct attributes *all = host->mem->alloc(host, sizeof *all);
    int32_t rc = sort_members(invocation->payload, all);
    rc = rc < 0 ? rc : make_binary(host, all, &wire);
    host->mem->free(host, all);
    if (rc < 0) {
        gcf_wire_free(host, &wire);
        return egx_why(ret_why, rc, "%s",
                       rc == EG_E_TOOBIG ? "the event's attributes are too big for headers"
                                         : "the event cannot be written in binary mode");
    }
    put_trace(&wire, invocation);
    *ret_wire = wire;
    return EG_OK;
}

void gcf_wire_free(const struct eg_host *host, struct gcf_wire *wire) {
    host->mem->free(host, wire->memory);
    host->mem->free(host, wire->body_memory);
    memset(wire, 0, sizeof *wire);
}
