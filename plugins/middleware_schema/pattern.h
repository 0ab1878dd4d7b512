/*
 * pattern.h - regular expressions: the one door to PCRE2. Debian's, and it does without recursion
 * and ends a match that takes too many steps, which std::regex and regcomp do not. Compiled ones
 * are read only; a run belongs to one thread.
 */
#ifndef SCHEMA_PATTERN_H
#define SCHEMA_PATTERN_H

#include "tree.h"

struct pattern; /* memory of the schema's arena, but what PCRE2 made of it, which counts there */

struct pattern_run {
    const struct eg_host *host;
    struct work *work;
    uint64_t left_ns;
    uint64_t end_ns;    /* of the match at work */
    uint64_t unwatched; /* characters that it may have gone over since the last look at the clock */
    void *match;        /* made with the first use */
    void *context;
};

/* list: the head of those of one schema, for patterns_free. EG_E_INVAL. */
int32_t schema_pattern_compile(struct arena *arena, struct eg_str text, struct pattern **list,
                               struct pattern **ret_pattern, struct eg_why *ret_why);
void schema_patterns_free(struct pattern *list);
/* 1: somewhere in the text. 0: not, or the work is over. */
int schema_pattern_matches(struct pattern_run *run, const struct pattern *pattern,
                           struct eg_str text);
void schema_pattern_run_end(struct pattern_run *run);

#endif
