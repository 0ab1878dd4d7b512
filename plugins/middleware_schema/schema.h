/*
 * schema.h - JSON Schema draft 7 and 2020-12: a schema is compiled once, then only read, by any
 * number of threads at a time. Keywords of the specification, formats and contents are not looked
 * at (2020-12 makes them annotations by default). What a check may cost is the caller's to say.
 *
 * Own code, since no library of Debian 12 does 2020-12, and none bounds what the data may cost.
 */
#ifndef SCHEMA_SCHEMA_H
#define SCHEMA_SCHEMA_H

#include "tree.h"

#define DRAFT_7 1u
#define DRAFT_2020 2u

struct schema;

/* draft: of a schema without $schema. ret_why: place and reason, for whoever wrote the schema.
 * EG_E_INVAL: it is no schema; EG_E_UNSUPPORTED: another draft, or a $ref that leads elsewhere;
 * EG_E_TOOBIG: it takes too much memory. */
int32_t schema_compile(const struct eg_host *host, struct eg_str text, unsigned draft,
                       struct schema **ret_schema, struct eg_why *ret_why);
void schema_free(struct schema *schema);          /* NULL is fine */
size_t schema_bytes(const struct schema *schema); /* about what it keeps in memory */

struct schema_budget {
    uint64_t steps;      /* keywords applied to values, and what is like that */
    uint64_t pattern_ns; /* time in regular expressions */
};

#define SCHEMA_POINTER_BYTES 256u

/* Where and why data do not fit: a JSON Pointer (RFC 6901), cut when it is long, and a reason. */
struct schema_report {
    char pointer[SCHEMA_POINTER_BYTES];
    struct eg_why why;
};

/* 1: the data fit; 0: they do not, ret_report says why. EG_E_TOOBIG: the budget is used up or the
 * nesting too deep, and nothing is known. */
int32_t schema_check(const struct schema *schema, const struct node *data,
                     const struct schema_budget *budget, struct schema_report *ret_report);

#endif
