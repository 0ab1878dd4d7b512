/*
 * domain/event_binary.c - events in HTTP headers: CE-EventType ... of 0.1 as the original reads
 * them (chapter 5.3), and ce-type ... of 0.2, 0.3 and 1.0 by their HTTP bindings.
 *
 * 0.1: values are taken as they are; CE-X-Foo-Bar is the extension foo-Bar (Q15). 1.0 (binding
 * 3.1.3.2): a value may be a quoted string, then it is percent-decoded exactly once, and must be
 * UTF-8. 0.2 and 0.3 write JSON values, so a quoted value is a JSON string after percent-decoding;
 * what most of their senders write, plain text, is taken as it is.
 */
#include "base/check.h"
#include "base/codec.h"
#include "base/jwrite.h"
#include "domain/event_internal.h"
#include "domain/media_type.h"

struct reader {
    struct eg_event *event;
    const struct gw_event_request *request;
    struct eg_why *ret_why;
};

/* ---- values ---- */

/* RFC 9110 5.6.4: what a quoted string says. */
static struct eg_str unquote(struct gw_arena *arena, struct eg_str s) {
    if (s.len < 2 || s.ptr[0] != '"' || s.ptr[s.len - 1] != '"') {
        return s;
    }
    s = gw_str_sub(s, 1, s.len - 2);
    if (gw_str_find(s, '\\') == s.len) {
        return s;
    }
    char *text = gw_arena_alloc(arena, s.len);
    size_t len = 0;
    for (size_t i = 0; i < s.len; i++) {
        i += s.ptr[i] == '\\' && i + 1 < s.len ? 1 : 0;
        text[len++] = s.ptr[i];
    }
    return gw_str(text, len);
}

static struct eg_str unquote_json(struct gw_arena *arena, struct eg_str s) {
    struct gw_jval value;
    if (s.len < 2 || *s.ptr != '"' || gw_json_check(s, 1, &value, NULL) < 0) {
        return s;
    }
    return gw_jstr_decode(arena, value.raw);
}

static bool has_control(struct eg_str s) {
    for (size_t i = 0; i < s.len; i++) {
        if ((unsigned char)s.ptr[i] < ' ' || s.ptr[i] == 0x7f) {
            return true;
        }
    }
    return false;
}

static int32_t percent_decode(struct reader *r, struct eg_str name, struct eg_str value,
                              struct eg_str *ret_text) {
    if (gw_str_find(value, '%') == value.len) {
        *ret_text = value;
        return EG_OK;
    }
    struct gw_bytes out;
    gw_bytes_init_arena(&out, r->event->arena, value.len + 1);
    if (gw_percent_decode(&out, value, false) < 0) {
        return gw_why(r->ret_why, EG_E_INVAL,
                      "CloudEvent doesn't validate: bad percent-encoding in header %.*s",
                      GW_SHOW(name));
    }
    *ret_text = gw_bytes_str(&out);
    return EG_OK;
}

static int32_t decode(struct reader *r, const struct eg_kv *header, struct eg_str *ret_text) {
    struct gw_arena *arena = r->event->arena;
    const bool is_1_0 = r->event->version == EG_CE_1_0;
    struct eg_str text = is_1_0 ? unquote(arena, header->value) : header->value;
    if (percent_decode(r, header->name, text, &text) < 0) {
        return EG_E_INVAL;
    }
    text = is_1_0 ? text : unquote_json(arena, text);
    if (!gw_utf8_valid(text)) {
        return gw_why(r->ret_why, EG_E_INVAL,
                      "CloudEvent doesn't validate: header %.*s is no valid UTF-8",
                      GW_SHOW(header->name));
    }
    if (has_control(text)) {
        return gw_why(r->ret_why, EG_E_INVAL,
                      "CloudEvent doesn't validate: control character in header %.*s",
                      GW_SHOW(header->name));
    }
    *ret_text = text;
    return EG_OK;
}

/* The value of the index-th header with all later ones of its name, joined. */
static struct eg_str joined(struct reader *r, const struct gw_group *groups, size_t index) {
    const struct eg_kv *headers = r->request->headers;
    if (groups[index].next == 0) {
        return headers[index].value;
    }
    struct gw_bytes out;
    gw_bytes_init_arena(&out, r->event->arena, 128);
    gw_bytes_add(&out, headers[index].value);
    for (uint32_t k = groups[index].next; k != 0; k = groups[k].next) {
        gw_bytes_add_c(&out, ", ");
        gw_bytes_add(&out, headers[k].value);
    }
    return gw_bytes_str(&out);
}

static int32_t put_text(struct reader *r, struct eg_str name, struct eg_str text) {
    struct gw_bytes json;
    gw_bytes_init_arena(&json, r->event->arena, text.len + 16);
    gw_jw_string(&json, text);
    if (gw_extension_put(r->event, name, gw_bytes_str(&json)) < 0) {
        return gw_why(r->ret_why, EG_E_INVAL,
                      "CloudEvent doesn't validate: more than %u extensions", GW_MAX_EXTENSIONS);
    }
    return EG_OK;
}

/* ---- 0.1 ---- */

static const struct {
    struct eg_str header;
    size_t offset;
} headers_0_1[] = {
    {{"eventtype", 9}, offsetof(struct eg_event, type)},
    {{"eventtypeversion", 16}, offsetof(struct eg_event, type_version)},
    {{"cloudeventsversion", 18}, offsetof(struct eg_event, spec_version)},
    {{"source", 6}, offsetof(struct eg_event, source)},
    {{"eventid", 7}, offsetof(struct eg_event, id)},
    {{"eventtime", 9}, offsetof(struct eg_event, time)},
    {{"schemaurl", 9}, offsetof(struct eg_event, schema)},
};

/* CE-X-MyExtension is `myextension`, CE-X-Foo-Bar is `foo-Bar`: the canonical name of the header,
 * its first letter lowered. */
static int32_t extension_0_1(struct reader *r, const struct gw_group *groups, size_t index) {
    const struct eg_str header = r->request->headers[index].name;
    if (header.len == 5) {
        return EG_OK;
    }
    char *name = gw_arena_alloc(r->event->arena, header.len);
    (void)gw_header_canonical(header, name);
    name[5] = gw_lower(name[5]);
    return put_text(r, gw_str(name + 5, header.len - 5), joined(r, groups, index));
}

static void attribute_0_1(struct reader *r, const struct eg_kv *header) {
    const struct eg_str name = gw_str_cut(header->name, 3);
    for (size_t i = 0; i < GW_COUNT(headers_0_1); i++) {
        if (gw_str_eq_nocase(name, headers_0_1[i].header)) {
            *(struct eg_str *)(void *)((char *)r->event + headers_0_1[i].offset) = header->value;
        }
    }
}

/* ---- 0.2, 0.3, 1.0 ---- */

/* The attribute `name` of the header ce-<name>; attributes that stand elsewhere in a message
 * (Content-Type, the body) are ignored as headers. */
static int32_t header_flat(struct reader *r, const struct gw_group *groups, size_t index) {
    const struct gw_ce_version *version = &gw_ce_versions[r->event->version];
    const struct eg_kv *header = &r->request->headers[index];
    struct eg_kv pair = {.name = header->name, .value = joined(r, groups, index)};
    char *lower = gw_arena_alloc(r->event->arena, header->name.len + 1);
    for (size_t i = 0; i < header->name.len; i++) {
        lower[i] = gw_lower(header->name.ptr[i]);
    }
    const struct eg_str name = gw_str(lower + 3, header->name.len - 3);
    const struct gw_attr *attr = gw_attr_find(version, name);
    struct eg_str text = {0};
    if (name.len == 0 || (attr != NULL && attr->kind != GW_AT_TEXT)) {
        return EG_OK;
    }
    if (attr != NULL) {
        pair.value = header->value;
    }
    if (decode(r, &pair, &text) < 0) {
        return EG_E_INVAL;
    }
    if (attr == NULL) {
        return put_text(r, name, text);
    }
    if (attr->offset != offsetof(struct eg_event, content_type)) {
        *gw_attr_text(r->event, attr) = text;
    }
    return EG_OK;
}

/* ---- both ---- */

static int32_t read_headers(struct reader *r) {
    const struct gw_event_request *request = r->request;
    const struct gw_group *groups =
        gw_group_pairs(r->event->arena, request->headers, request->header_count, true);
    for (size_t i = 0; i < request->header_count; i++) {
        const struct eg_kv *header = &request->headers[i];
        int32_t rc = EG_OK;
        if (!groups[i].is_first || !gw_str_starts_nocase(header->name, GW_STR("ce-"))) {
            continue;
        }
        if (r->event->version != EG_CE_0_1) {
            rc = header_flat(r, groups, i);
        } else if (gw_str_starts_nocase(header->name, GW_STR("ce-x-"))) {
            rc = extension_0_1(r, groups, i);
        } else {
            attribute_0_1(r, header);
        }
        if (rc < 0) {
            return rc;
        }
    }
    return EG_OK;
}

/* 0.3 may send its data as base64 text, and says so. */
static bool is_base64_body(const struct eg_event *event) {
    return event->version == EG_CE_0_3 &&
           gw_str_eq_nocase(event->content_encoding, GW_STR("base64"));
}

static int32_t read_body(struct reader *r, struct eg_str media_type, uint32_t json_depth) {
    struct eg_event *event = r->event;
    const struct eg_str body = r->request->body;
    struct gw_event_body encoded = {0};
    if (event->version != EG_CE_0_1 && body.len == 0) {
        return EG_OK;
    }
    if (is_base64_body(event)) {
        event->data_base64 = body;
        return gw_is_base64(body) ? EG_OK
                                  : gw_why(r->ret_why, EG_E_INVAL,
                                           "CloudEvent doesn't validate: the body is no base64, as "
                                           "ce-datacontentencoding says");
    }
    if (gw_event_body(event->arena, media_type, body, json_depth, event->version != EG_CE_0_1,
                      &encoded) < 0) {
        return gw_why(r->ret_why, EG_E_INVAL, "JSON body is nested deeper than %u levels",
                      json_depth);
    }
    event->data_json = encoded.json;
    event->data_base64 = encoded.base64;
    return EG_OK;
}

/* By the text of ce-specversion, which came percent-encoded or quoted like any other. */
static int32_t pick_version(struct reader *r, const struct gw_event_headers *found) {
    struct eg_str text = {0};
    const struct eg_kv header = {.name = GW_STR("ce-specversion"), .value = found->spec_version};
    r->event->version = EG_CE_1_0;
    if (decode(r, &header, &text) < 0) {
        return EG_E_INVAL;
    }
    r->event->version = gw_ce_version_of(text);
    if (r->event->version == 0) {
        return gw_why(r->ret_why, EG_E_INVAL,
                      "CloudEvent doesn't validate: ce-specversion \"%.*s\" is not one of 0.2, 0.3 "
                      "and 1.0",
                      GW_SHOW(text));
    }
    return EG_OK;
}

int32_t gw_event_read_binary(struct gw_arena *arena, const struct gw_event_request *request,
                             const struct gw_event_headers *found, struct eg_str media_type,
                             uint32_t json_depth, struct eg_event **ret_event,
                             struct eg_why *ret_why) {
    struct eg_event *event = gw_arena_zalloc(arena, sizeof *event);
    struct reader r = {.event = event, .request = request, .ret_why = ret_why};
    event->arena = arena;
    event->version = EG_CE_0_1;
    if (found->spec_version.len > 0 && pick_version(&r, found) < 0) {
        return EG_E_INVAL;
    }
    event->content_type = found->content_type;
    if (read_headers(&r) < 0 || read_body(&r, media_type, json_depth) < 0 ||
        gw_event_validate(event, ret_why) < 0) {
        return EG_E_INVAL;
    }
    *ret_event = event;
    return EG_OK;
}
