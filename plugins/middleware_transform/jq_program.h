/*
 * jq_program.h - a compiled jq program, without jq's own types: libjq is behind the files jq_*.c
 * only. One thread at a time for each program.
 *
 * What a program can reach: its input and its variables ($request, $space). Modules cannot be
 * loaded (`import` and `include` are syntax errors here), `input` has nothing to give, and `env` is
 * the environment of the process, which is empty in a worker.
 */
#ifndef MIDDLEWARE_TRANSFORM_JQ_PROGRAM_H
#define MIDDLEWARE_TRANSFORM_JQ_PROGRAM_H

#include "wire.h"

struct tr_program;

/* take. EG_E_SYNTAX: ret_text has jq's own sentence, with the line. */
int32_t tr_program_compile(struct eg_str text, struct tr_program **ret_program, char *ret_text,
                           size_t text_size);
/* Up to TR_TOGETHER of them as one, in hardly more time than one; a run says which it is for.
 * EG_E_SYNTAX: one does not compile, or they do not together; tr_program_compile tells. */
#define TR_TOGETHER 32u
int32_t tr_programs_compile(const struct eg_str *texts, size_t count,
                            struct tr_program **ret_program);
void tr_program_free(struct tr_program *program); /* NULL is fine */

/* One input. All texts are followed by some NUL before their memory ends. */
struct tr_run {
    uint32_t stage;        /* TR_STAGE_* */
    uint32_t number;       /* of the program among those that were compiled together */
    struct eg_str main;    /* JSON: the event, or status and headers of the reply */
    struct eg_str body;    /* of the reply */
    uint32_t is_json;      /* the body claims to be JSON */
    struct eg_str request; /* JSON, or empty: $request is null */
    struct eg_str space;
};
/* Appends the payload of a DONE frame. */
void tr_program_run(const struct tr_program *program, const struct tr_run *run, uint64_t max_output,
                    struct egx_json *out);

/* Calls fn instead of abort() when there is no memory for this program, or between runs. */
void tr_program_on_no_memory(struct tr_program *program, void (*fn)(void *arg), void *arg);

#endif
