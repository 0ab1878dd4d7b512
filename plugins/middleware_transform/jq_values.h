/*
 * jq_values.h - between the files jq_*.c: what a program gave becomes a list of changes. All jv_*
 * functions take what they are handed, so does everything here that is not said to borrow.
 */
#ifndef MIDDLEWARE_TRANSFORM_JQ_VALUES_H
#define MIDDLEWARE_TRANSFORM_JQ_VALUES_H

#include <jq.h>

#include "jq_program.h"

struct tr_changes {
    struct egx_json *out;
    uint32_t count;
    uint64_t max_output;
    uint32_t outcome; /* TR_OK until something is wrong */
    char message[400];
};

/* The first thing that is wrong counts. */
void tr_changes_refuse(struct tr_changes *changes, uint32_t outcome, const char *format, ...)
    EGX_PRINTF(3, 4);
void tr_changes_add(struct tr_changes *changes, uint32_t kind, struct eg_str name,
                    struct eg_str value);
void tr_changes_add_json(struct tr_changes *changes, uint32_t kind, struct eg_str name, jv value);

/* Borrowed as long as the value lives. */
struct eg_str tr_string(jv borrowed);
/* The member, or null when there is none; take. */
jv tr_member(jv borrowed_object, const char *name);
/* JSON that is whole; invalid otherwise. */
jv tr_parse(struct eg_str json);

/* Both borrow before and after. */
void tr_event_changes(struct tr_changes *changes, jv before, jv after);
void tr_reply_changes(struct tr_changes *changes, jv before, jv after);
/* The input of a reply program: status and headers with the body. */
jv tr_reply_input(jv head, struct eg_str body, uint32_t is_json);

#endif
