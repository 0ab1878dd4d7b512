/*
 * base/json.h - JSON trees for configuration-sized documents and the plugins' JSON service. The one
 * door to jansson. Not for the data path (see jscan.h).
 */
#ifndef GW_BASE_JSON_H
#define GW_BASE_JSON_H

#include <stdbool.h>

#include "base/bytes.h"

struct eg_json; /* completed nowhere: a value of json.c; immutable once parsed */

/* Parses one value, nested at most GW_JSON_DEPTH deep; with allow_tail whatever follows it is
 * ignored. Of repeated names the last wins and stands in its own place. Integers out of int64
 * become reals, lone surrogates U+FFFD. On refusal (EG_E_SYNTAX, EG_E_TOOBIG for depth) ret_why,
 * which may be NULL, holds a sentence: "EOF" for a blank text, "unexpected EOF" for a cut-off one,
 * else what is wrong: "invalid character 'g' looking for beginning of value". take: gw_json_free.
 */
int32_t gw_json_parse(struct eg_str text, bool allow_tail, struct eg_json **ret_root,
                      struct eg_why *ret_why);
void gw_json_free(struct eg_json *root);
uint32_t gw_json_kind(const struct eg_json *value); /* EG_JSON_*; NULL = EG_JSON_NULL */
const char *
gw_json_kind_name(const struct eg_json *value); /* object array string number bool null */
size_t gw_json_count(const struct eg_json *value);
const struct eg_json *gw_json_member(const struct eg_json *object, struct eg_str name);
/* Name without regard to ASCII case; the last member that matches. */
const struct eg_json *gw_json_member_nocase(const struct eg_json *object, struct eg_str name);
const struct eg_json *gw_json_at(const struct eg_json *container, size_t index,
                                 struct eg_str *ret_name);
struct eg_str gw_json_string(const struct eg_json *value);
int64_t gw_json_integer(const struct eg_json *value);
double gw_json_real(const struct eg_json *value);
/* Compact text of a value, member order kept. */
void gw_json_write(struct gw_bytes *out, const struct eg_json *value);

#endif
