/*
 * transform.h - between the files of the plugin: what is done to a request, an event and a reply
 * without a program (edits.c), what a program is given (input.c), and what becomes of its outcome
 * (outcome.c). The loop's thread.
 */
#ifndef MIDDLEWARE_TRANSFORM_TRANSFORM_H
#define MIDDLEWARE_TRANSFORM_TRANSFORM_H

#include "pool.h"
#include "rules.h"

/* Renames, then removes, then sets. EG_E_INVAL: the gateway does not let it. EG_E_SYNTAX: a value
 * of the event does not fit the name it was to get. */
int32_t tr_edit_request(const struct eg_host *host, const struct tr_stage *stage,
                        struct eg_exchange *exchange);
int32_t tr_edit_event(const struct eg_host *host, const struct tr_stage *stage,
                      struct eg_event *event);
int32_t tr_edit_reply(const struct eg_host *host, const struct tr_stage *stage,
                      struct eg_exchange *exchange);

/* What stands in the reply for its body; empty = nothing. */
struct eg_str tr_reply_type(const struct eg_host *host, const struct eg_exchange *exchange);
int32_t tr_is_json_type(struct eg_str content_type);

/* The RUN frame. EG_E_TOOBIG. */
int32_t tr_input_write(const struct eg_host *host, const struct tr_rules *rules, uint32_t program,
                       const struct eg_exchange *exchange, const struct eg_event *event,
                       struct egx_json *out);

/* Carries out the changes of an outcome that is TR_OK. EG_E_INVAL, and ret_why says which of them
 * the gateway does not let through. event is NULL for a reply. */
int32_t tr_outcome_apply(const struct eg_host *host, struct eg_exchange *exchange,
                         struct eg_event *event, const struct tr_outcome *outcome,
                         struct eg_why *ret_why);

/* What the client is answered. */
struct tr_answer {
    const char *label; /* of the metric */
    uint32_t event_status;
    uint32_t reply_status;
    const char *event_sentence;
    const char *reply_sentence;
};
const struct tr_answer *tr_answer_of(uint32_t outcome);

/* All programs compile; ret_setup is what the workers are told. take, also after a refusal:
 * egx_json_free. */
int32_t tr_programs_check(const struct tr_rules *rules, struct eg_why *ret_why);
int32_t tr_programs_setup(const struct tr_rules *rules, uint64_t max_memory, uint64_t max_output,
                          uint64_t timeout_ns, struct egx_json *ret_setup);

#endif
