/*
 * domain/event_internal.h - what the files of the event codec share: the attributes of each
 * CloudEvents version as tables, and the small steps between them. Not for other floors.
 */
#ifndef GW_DOMAIN_EVENT_INTERNAL_H
#define GW_DOMAIN_EVENT_INTERNAL_H

#include "base/slice.h"
#include "base/why.h"
#include "domain/event.h"

/* ---- the versions, as data (event_versions.c) ---- */

enum gw_attr_kind {
    GW_AT_TEXT,
    GW_AT_MILLIS, /* text in the event, in JSON the number of milliseconds since 1970 */
    GW_AT_EXTENSIONS,
    GW_AT_DATA,
    GW_AT_DATA_BASE64
};
enum gw_attr_check {
    GW_CHECK_NONE,
    GW_CHECK_URI,           /* 0.1: after cutting at '#' begins with '/' or has a scheme */
    GW_CHECK_URI_REFERENCE, /* RFC 3986 4.1 */
    GW_CHECK_TIME,          /* RFC 3339 */
    GW_CHECK_MEDIA_TYPE     /* RFC 2045 5.1 */
};
#define GW_AT_REQUIRED 0x1u  /* non-empty in every event */
#define GW_AT_ALWAYS 0x2u    /* written even when empty */
#define GW_AT_UNWRITTEN 0x4u /* only checked: other versions are written with it */
#define GW_AT_NULL 0x8u      /* data: written as null when there are none */

/* One attribute of one version. The order of rows is the order of output and of complaints. */
struct gw_attr {
    struct eg_str label; /* `,"name":` */
    struct eg_str name;  /* JSON name; empty = no name of its own (flat extensions) */
    const char *field;   /* how complaints call it */
    uint16_t offset;     /* of the text in struct eg_event */
    uint8_t kind;        /* enum gw_attr_kind */
    uint8_t flags;       /* GW_AT_* */
    uint8_t check;       /* enum gw_attr_check */
};
struct gw_ce_version {
    struct eg_str text; /* value of specversion */
    const struct gw_attr *attrs;
    size_t attr_count;
    bool is_any_case;         /* names match without regard to case (0.1) */
    struct eg_str media_type; /* of the JSON; empty: application/cloudevents+json */
};
/* By EG_CE_*; row 0 is unused, the last is GW_CE_2017. */
extern const struct gw_ce_version gw_ce_versions[GW_CE_VERSIONS];

/* The attribute with this decoded name (as it is written), or NULL. */
const struct gw_attr *gw_attr_find(const struct gw_ce_version *version, struct eg_str name);
/* The same for a raw JSON member name. */
const struct gw_attr *gw_attr_find_raw(const struct gw_ce_version *version, struct eg_str raw_name);
/* EG_CE_* of a specversion; 0 when it is none of 0.2, 0.3, 1.0. */
uint32_t gw_ce_version_of(struct eg_str specversion);
static inline struct eg_str *gw_attr_text(struct eg_event *event, const struct gw_attr *attr) {
    return (struct eg_str *)(void *)((char *)event + attr->offset);
}

/* ---- refusals ---- */

/* How much of a stranger's text a reason shows. */
#define GW_SHOW_BYTES 100u
#define GW_SHOW(s) (int)((s).len < GW_SHOW_BYTES ? (s).len : GW_SHOW_BYTES), (s).len ? (s).ptr : ""
/* Writes why a text is no JSON (code: what gw_json_check said) and returns EG_E_INVAL. */
int32_t gw_event_refuse_json(struct eg_why *ret_why, int32_t code, struct eg_str text,
                             const struct gw_jerror *error);

/* ---- checks (event_validate.c) ---- */

/* All rules of the event's version: one line a failed attribute, joined by newlines. */
int32_t gw_event_validate(struct eg_event *event, struct eg_why *ret_why);
bool gw_is_rfc3339(struct eg_str s);
/* Milliseconds since 1970 of one of those. */
int64_t gw_rfc3339_millis(struct eg_str s);
bool gw_is_source_uri(struct eg_str s); /* the rule of 0.1 */
bool gw_is_uri_reference(struct eg_str s);
bool gw_is_base64(struct eg_str s);

/* ---- extensions (event_extension.c) ---- */

/* More are refused: the list is searched from its start. */
#define GW_MAX_EXTENSIONS 256u
#define GW_MAX_OWN_MEMBERS 64u /* members of the extension `eventgateway` */
/* Appends, or replaces one of the same name. Slices are borrowed. EG_E_TOOBIG. */
int32_t gw_extension_put(struct eg_event *event, struct eg_str name, struct eg_str json);
/* Lower-case letters and digits only (attribute names of 0.2 and later). In the arena when it
 * differs. */
struct eg_str gw_extension_flat_name(struct gw_arena *arena, struct eg_str name);
/* Forgets written forms after a change. */
void gw_event_changed(struct eg_event *event);

/* ---- reading ---- */

/* A JSON value that was checked before. */
int32_t gw_event_read_value(struct gw_arena *arena, struct gw_jval value,
                            struct eg_event **ret_event, struct eg_why *ret_why);
int32_t gw_event_read_batch(struct gw_arena *arena, struct eg_str json, uint32_t json_depth,
                            struct eg_event ***ret_events, size_t *ret_count,
                            struct eg_why *ret_why);
/* What the codec wants to know of the headers, found in one pass. */
struct gw_event_headers {
    struct eg_str content_type; /* raw; first one */
    struct eg_str event;        /* legacy header */
    struct eg_str spec_version; /* ce-specversion */
    bool has_01;                /* the four required CE- headers of 0.1 are there */
};
int32_t gw_event_read_binary(struct gw_arena *arena, const struct gw_event_request *request,
                             const struct gw_event_headers *found, struct eg_str media_type,
                             uint32_t json_depth, struct eg_event **ret_event,
                             struct eg_why *ret_why);

/* ---- bodies and requests (event_request.c) ---- */

/* A body as an event carries it (chapter 5.5): JSON text, or base64 of what is neither JSON nor
 * text. EG_E_TOOBIG: JSON nested too deep. */
struct gw_event_body {
    struct eg_str json;
    struct eg_str base64;
};
int32_t gw_event_body(struct gw_arena *arena, struct eg_str media_type, struct eg_str body,
                      uint32_t json_depth, bool text_is_string, struct gw_event_body *ret_body);
struct eg_str gw_event_base64(struct gw_arena *arena, struct eg_str body);
int32_t gw_event_refuse_depth(uint32_t json_depth, struct eg_why *ret_why); /* EG_E_INVAL */
/* {"headers":...,"method":..,"params": - up to where the parameters begin. */
void gw_event_write_request_open(struct gw_arena *arena, struct gw_bytes *out,
                                 const struct gw_event_request *request,
                                 const struct gw_event_body *body);
/* null, or an object of strings. */
void gw_event_write_params(struct gw_bytes *out, const struct gw_path_params *params);
/* Canonical names, repeated ones joined, without Host and Transfer-Encoding. */
void gw_event_write_headers(struct gw_arena *arena, struct gw_bytes *out,
                            const struct eg_kv *headers, size_t count);
/* The same names, each with a list of its values. */
void gw_event_write_header_lists(struct gw_arena *arena, struct gw_bytes *out,
                                 const struct eg_kv *headers, size_t count);
void gw_event_write_body(struct gw_bytes *out, const struct gw_event_body *body);
/* Most of the size of the object of a request: names, values, a little for each header's quotes. */
size_t gw_event_request_room(const struct gw_event_request *request,
                             const struct gw_event_body *body);
void gw_event_write_query(struct gw_arena *arena, struct gw_bytes *out, struct eg_str query);
/* Decoded, unlike the parameters (Q36); a path with a bad escape stays as it is. */
void gw_event_write_path(struct gw_arena *arena, struct gw_bytes *out, struct eg_str path);
struct eg_str gw_event_header(const struct eg_kv *headers, size_t count, struct eg_str name);

/* ---- grouping pairs by name (event_group.c) ---- */

struct gw_group {
    uint32_t next; /* index of the next pair of the same name; 0 = none */
    bool is_first;
};
/* One row a pair, in the arena. */
struct gw_group *gw_group_pairs(struct gw_arena *arena, const struct eg_kv *pairs, size_t count,
                                bool is_any_case);

/* The text of the attribute with this CloudEvents 1.0 name, or NULL. */
struct eg_str *gw_event_attribute_slot(struct eg_event *event, struct eg_str name);
/* A new event of the gateway itself without data. */
struct eg_event *gw_event_new(struct gw_arena *arena, const struct gw_event_seed *seed,
                              struct eg_str type, struct eg_str content_type);

#endif
