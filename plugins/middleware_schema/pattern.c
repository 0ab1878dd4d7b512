/*
 * pattern.c - see pattern.h. ECMA-262 as far as PCRE2 has it: its escapes (PCRE2_ALT_BSUX), empty
 * classes, `$` only at the very end, \d and \w of ASCII.
 *
 * What a match may cost: a number of steps that grows with the text, so that patterns which need a
 * time linear in it always get it and those that explode end soon; and all matches of one run
 * together a time. PCRE2 counts steps anew at each place where a match may begin, and a step may go
 * over all of the text, so the clock is looked at meanwhile: PCRE2_AUTO_CALLOUT calls before each
 * item of the pattern.
 */
#define PCRE2_CODE_UNIT_WIDTH 8
#include "pattern.h"

#include <pcre2.h>

#define MATCH_STEPS 10000u /* for every text, */
#define STEPS_PER_BYTE 100u
#define STEP_NS 40u        /* about what one takes */
#define WATCH_BYTES 65536u /* the most that goes unwatched; some 100 us */
#define MATCH_DEPTH 20000u /* of backtracking points kept, */
#define MATCH_HEAP_KIB 4096u

struct pattern {
    pcre2_code *code;
    struct pattern *next;
};

/* \p{Letter} and others: ECMA has the long names too, PCRE2 the short ones only. */
static const struct {
    const char *name;
    const char *code;
} long_names[] = {{"Letter", "L"},
                  {"Lowercase_Letter", "Ll"},
                  {"Uppercase_Letter", "Lu"},
                  {"Number", "N"},
                  {"Decimal_Number", "Nd"},
                  {"digit", "Nd"},
                  {"Punctuation", "P"},
                  {"Symbol", "S"},
                  {"Separator", "Z"},
                  {"Mark", "M"},
                  {"Other", "C"},
                  {"Control", "Cc"},
                  {"Space_Separator", "Zs"}};

/* Bytes of a long name in braces after \p or \P at text, 0 = none; *ret_code is what it means. */
static size_t long_name(struct eg_str text, const char **ret_code) {
    if (text.len < 4 || text.ptr[0] != '\\' || egx_lower(text.ptr[1]) != 'p' ||
        text.ptr[2] != '{') {
        return 0;
    }
    for (size_t i = 0; i < EGX_COUNT(long_names); i++) {
        const struct eg_str name = egx_str_c(long_names[i].name);
        const struct eg_str rest = egx_str_cut(text, 3);
        if (egx_str_starts(rest, name) && rest.len > name.len && rest.ptr[name.len] == '}') {
            *ret_code = long_names[i].code;
            return 3 + name.len + 1;
        }
    }
    return 0;
}

static struct eg_str translate(struct arena *arena, struct eg_str text) {
    char *out = schema_arena_alloc(arena, text.len + 1);
    size_t len = 0;
    for (size_t i = 0; i < text.len;) {
        const char *code = NULL;
        const size_t used = long_name(egx_str_cut(text, i), &code);
        if (used > 0) {
            len +=
                (size_t)snprintf(out + len, text.len + 1 - len, "\\%c{%s}", text.ptr[i + 1], code);
            i += used;
            continue;
        }
        const size_t step = text.ptr[i] == '\\' && i + 1 < text.len ? 2 : 1; /* \\p is no \p */
        memcpy(out + len, text.ptr + i, step);
        len += step;
        i += step;
    }
    return egx_str_n(out, len);
}

int32_t schema_pattern_compile(struct arena *arena, struct eg_str text, struct pattern **list,
                               struct pattern **ret_pattern, struct eg_why *ret_why) {
    const uint32_t options = PCRE2_UTF | PCRE2_ALT_BSUX | PCRE2_ALLOW_EMPTY_CLASS |
                             PCRE2_MATCH_UNSET_BACKREF | PCRE2_DOLLAR_ENDONLY |
                             PCRE2_NEVER_BACKSLASH_C | PCRE2_AUTO_CALLOUT;
    const struct eg_str meant = translate(arena, text);
    int error = 0;
    PCRE2_SIZE offset = 0;
    pcre2_compile_context *context = pcre2_compile_context_create(NULL);
    if (context == NULL) {
        return egx_why(ret_why, EG_E_INVAL, "memory is out");
    }
    (void)pcre2_set_compile_extra_options(context, PCRE2_EXTRA_ALT_BSUX);
    pcre2_code *code =
        pcre2_compile((PCRE2_SPTR)meant.ptr, meant.len, options, &error, &offset, context);
    pcre2_compile_context_free(context);
    if (code == NULL) {
        PCRE2_UCHAR words[160] = "";
        (void)pcre2_get_error_message(error, words, sizeof words);
        return egx_why(ret_why, EG_E_INVAL, "%s at character %zu", (const char *)words, offset);
    }
    struct pattern *pattern = schema_arena_alloc(arena, sizeof *pattern);
    size_t size = 0;
    (void)pcre2_pattern_info(code, PCRE2_INFO_SIZE, &size);
    arena->used_bytes += size; /* x{900} is short, and what it is compiled to is not */
    pattern->code = code;
    pattern->next = *list;
    *list = pattern;
    *ret_pattern = pattern;
    return EG_OK;
}

void schema_patterns_free(struct pattern *list) {
    for (; list != NULL; list = list->next) {
        pcre2_code_free(list->code);
    }
}

/* What lies before an item goes over the text once at most. */
static int on_item(pcre2_callout_block *block, void *run_void) {
    struct pattern_run *run = run_void;
    run->unwatched += 1 + block->subject_length;
    if (run->unwatched < WATCH_BYTES) {
        return 0;
    }
    run->unwatched = 0;
    return run->host->clock->monotonic_ns(run->host) < run->end_ns ? 0 : PCRE2_ERROR_CALLOUT;
}

static int prepare(struct pattern_run *run) {
    if (run->match == NULL) {
        run->match = pcre2_match_data_create(1, NULL);
        run->context = pcre2_match_context_create(NULL);
    }
    if (run->match == NULL || run->context == NULL) {
        return 0;
    }
    (void)pcre2_set_depth_limit(run->context, MATCH_DEPTH);
    (void)pcre2_set_heap_limit(run->context, MATCH_HEAP_KIB);
    (void)pcre2_set_callout(run->context, on_item, run);
    return 1;
}

int schema_pattern_matches(struct pattern_run *run, const struct pattern *pattern,
                           struct eg_str text) {
    const uint64_t fair = MATCH_STEPS + (uint64_t)STEPS_PER_BYTE * text.len;
    const uint64_t left = run->left_ns / STEP_NS;
    const uint64_t limit = fair < left ? fair : left;
    if (!work_spend(run->work, 16 + text.len / 8) || !prepare(run)) {
        run->work->is_over = 1;
        return 0;
    }
    (void)pcre2_set_match_limit(run->context, limit > UINT32_MAX ? UINT32_MAX : (uint32_t)limit);
    const uint64_t begun_ns = run->host->clock->monotonic_ns(run->host);
    run->end_ns = begun_ns + run->left_ns;
    const int rc = pcre2_match(pattern->code, (PCRE2_SPTR)(text.ptr == NULL ? "" : text.ptr),
                               text.len, 0, 0, run->match, run->context);
    const uint64_t took_ns = run->host->clock->monotonic_ns(run->host) - begun_ns;
    run->left_ns -= took_ns < run->left_ns ? took_ns : run->left_ns;
    if (run->left_ns == 0 || (rc < 0 && rc != PCRE2_ERROR_NOMATCH)) {
        run->work->is_over = 1;
        return 0;
    }
    return rc >= 0;
}

void schema_pattern_run_end(struct pattern_run *run) {
    pcre2_match_data_free(run->match);
    pcre2_match_context_free(run->context);
    run->match = NULL;
    run->context = NULL;
}
