/*
 * base/jscan.h - the strict JSON scanner of the data path (RFC 8259): checks and locates, builds no
 * tree, allocates nothing, uses no recursion. Numbers keep their digits, strings their escapes.
 */
#ifndef GW_BASE_JSCAN_H
#define GW_BASE_JSCAN_H

#include <stdbool.h>

#include "base/bytes.h"

#define GW_JSON_DEPTH 128u /* default limit of nesting */

enum gw_jtype {
    GW_J_NULL,
    GW_J_FALSE,
    GW_J_TRUE,
    GW_J_NUMBER,
    GW_J_STRING,
    GW_J_ARRAY,
    GW_J_OBJECT
};

/* A located value: its raw text, without surrounding space. Borrows the scanned text. */
struct gw_jval {
    enum gw_jtype type;
    struct eg_str raw;
};

#define GW_JSON_DEPTH_MAX 1024u

/* Why and where a text is no JSON. offset counts bytes; at_end = the text stopped too early. reason
 * is "EOF" for a blank text, "unexpected EOF" for a cut-off one, else it reads on its own, such as
 * "invalid character after array element" (the one at offset). */
struct gw_jerror {
    const char *reason;
    size_t offset;
    bool at_end;
};

/* Is the whole text one JSON value (with space around)? Refuses invalid UTF-8 and a byte order
 * mark; lone surrogate escapes are accepted (RFC 8259 8.2). max_depth 0 = GW_JSON_DEPTH, at most
 * GW_JSON_DEPTH_MAX. EG_E_SYNTAX, EG_E_TOOBIG (depth). Either output may be NULL. */
int32_t gw_json_check(struct eg_str text, uint32_t max_depth, struct gw_jval *ret_value,
                      struct gw_jerror *ret_error);
/* The same for the value that the text begins with; what follows it is not looked at. */
int32_t gw_json_check_first(struct eg_str text, uint32_t max_depth, struct gw_jval *ret_value,
                            struct gw_jerror *ret_error);
/* The sentence of a refusal, with the offending character: "invalid character 'g' looking for
 * beginning of value". Printable ASCII. */
void gw_jerror_write(struct gw_bytes *out, struct eg_str text, const struct gw_jerror *error);

/* Walks the members of an object that was checked before: start with *cursor = 0. */
bool gw_jobj_next(struct gw_jval object, size_t *cursor, struct eg_str *ret_raw_name,
                  struct gw_jval *ret_value); /* raw_name without quotes, escapes kept */
bool gw_jarr_next(struct gw_jval array, size_t *cursor, struct gw_jval *ret_item);

/* Decodes the raw text of a string (with or without quotes). When it has no escapes the result
 * borrows raw, else it is made in the arena. Lone surrogates become U+FFFD. */
struct eg_str gw_jstr_decode(struct gw_arena *arena, struct eg_str raw);
/* Does the raw member name, decoded, equal the ASCII name? */
bool gw_jname_eq(struct eg_str raw_name, struct eg_str name);
bool gw_jname_eq_nocase(struct eg_str raw_name, struct eg_str name);
/* The whole-number value of a number; EG_E_INVAL for fractions, EG_E_TOOBIG out of int64. 1e3 and
 * 1.0 are fractions here (Go's encoding/json rule for ints). */
int32_t gw_jnum_i64(struct gw_jval number, int64_t *ret_value);

#endif
