/*
 * base/yaml.h - YAML documents as JSON text, and JSON text as a YAML document. The one door to
 * libyaml.
 *
 * What is read is the part of YAML that JSON has too, with the plain scalars of YAML 1.2 (core
 * schema): `no` and `2024-01-01` are texts. Refused are anchors and aliases (a few lines of them
 * can stand for gigabytes), tags but those of the core schema, keys that are no scalars, and plain
 * numerals that JSON does not have and YAML 1.1 and 1.2 read differently (`0x1F`, `007`, `1_000`).
 * What is written quotes every text that any version of YAML could take for something else.
 */
#ifndef GW_BASE_YAML_H
#define GW_BASE_YAML_H

#include <stdbool.h>

#include "base/bytes.h"

struct gw_yaml_reader;

/* Reads a stream of documents in UTF-8. Borrows the text. take: gw_yaml_close. */
struct gw_yaml_reader *gw_yaml_open(struct eg_str text);
void gw_yaml_close(struct gw_yaml_reader *reader); /* NULL is fine */
/* The next document, as compact JSON behind what is in out. 1 = there was one, 0 = no more. On a
 * refusal (EG_E_SYNTAX, EG_E_TOOBIG for depth) the reader is behind the bad document if it can get
 * there, else at the end. ret_line: where the document begins or the refused thing stands. */
int32_t gw_yaml_next(struct gw_yaml_reader *reader, struct gw_bytes *out, size_t *ret_line,
                     struct eg_why *ret_why);

/* Writes `---` and one JSON text that gw_json_check accepts as block YAML. */
void gw_yaml_write(struct gw_bytes *out, struct eg_str json);

#endif
