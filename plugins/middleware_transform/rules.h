/*
 * rules.h - what is to be done to which requests, events and replies: the setting `rules`, read
 * once and strictly, then only read, by any loop.
 *
 * Each rule says whom it is for (path, methods, event types) and what it does in up to three
 * stages. For every stage the first rule that matches and has it is the one that counts.
 */
#ifndef MIDDLEWARE_TRANSFORM_RULES_H
#define MIDDLEWARE_TRANSFORM_RULES_H

#include "wire.h"

#define TR_ON_REQUEST 0u
#define TR_ON_EVENT 1u
#define TR_ON_REPLY 2u
#define TR_STAGES 3u

#define TR_NO_PROGRAM (-1)

struct tr_names {
    struct eg_str *items;
    size_t count;
};
/* value is a text: of a header, of an attribute or extension, or the new name. Of extensions that
 * are no text it is their JSON (is_json). */
struct tr_pair {
    struct eg_str name;
    struct eg_str value;
    int32_t is_json;
};
struct tr_pairs {
    struct tr_pair *items;
    size_t count;
};
struct tr_stage {
    int32_t is_there;
    int32_t program; /* index into programs, or TR_NO_PROGRAM */
    struct tr_pairs renames;
    struct tr_names removes;
    struct tr_pairs sets;
    uint32_t status;      /* reply: the new one; 0 = as it is */
    struct tr_names when; /* reply: "2xx", "404", "any" */
};
struct tr_rule {
    struct eg_str path; /* without a slash at its end; "" = everything */
    struct tr_names methods;
    struct tr_names event_types;
    struct tr_stage stages[TR_STAGES];
};
struct tr_source {
    struct eg_str text; /* of the program */
    struct eg_str file; /* where it is to be read from; empty = text was given */
    char *loaded;       /* what text points to when it was read */
    size_t rule;        /* counted from 1 */
    uint32_t stage;
    int32_t wants_request; /* does it name $request, $space? */
    int32_t wants_space;
};
struct tr_rules {
    const struct eg_host *host;
    struct eg_json *root; /* all texts live here */
    struct tr_rule *items;
    size_t count;
    struct tr_source *programs;
    size_t program_count;
};

/* The JSON list of the setting `rules`. No file is read, nothing compiled. take: tr_rules_free,
 * also after a refusal. */
int32_t tr_rules_read(struct tr_rules *rules, const struct eg_host *host, struct eg_str json,
                      struct eg_why *ret_why);
void tr_rules_free(struct tr_rules *rules);

/* Reads the programs that are in files. */
int32_t tr_rules_load(struct tr_rules *rules, struct eg_why *ret_why);

struct tr_subject {
    struct eg_str method;
    struct eg_str path; /* as routed, escaped */
    struct eg_str type; /* of the event; empty = not known */
    uint32_t status;    /* of the reply */
};
/* NULL = no rule has anything to do here. */
const struct tr_rule *tr_rules_find(const struct tr_rules *rules, uint32_t stage,
                                    const struct tr_subject *subject);

/* "event" and so on, for sentences. */
const char *tr_stage_name(uint32_t stage);

/* The attributes that a program and `set` may name; specversion, data and data_base64 are none. */
int32_t tr_is_attribute(struct eg_str name);

/* ---- used while reading ---- */

struct tr_read {
    const struct eg_host *host;
    struct tr_rules *rules;
    struct tr_rule *rule;
    uint32_t stage;
    struct eg_why *why;
};
int32_t tr_read_stage(struct tr_read *read, const struct eg_json *json, struct tr_stage *stage);
int32_t tr_read_names(struct tr_read *read, const struct eg_json *json, const char *key,
                      struct tr_names *ret_names);
void tr_source_look(struct tr_source *source); /* which variables its text names */
/* Says why, with the stage's name before it. */
int32_t tr_refuse(struct tr_read *read, const char *format, ...) EGX_PRINTF(2, 3);

#endif
