/*
 * jq_program.c - compiles programs and runs one of them on one input.
 *
 * libjq binds variables when it compiles, ours differ from run to run. So a program is put behind
 * the words that take them out of the input. Each program becomes a function, since jq 1.6 spends
 * 15 ms on functions of its own whenever it compiles, however short the text is; the input says
 * which of them it is for. The parentheses also make a syntax error of `import` and `include`,
 * which are allowed at the beginning of a text only. As no text closes both parentheses and
 * brackets, each is there in both: what compiles so would do it alone.
 */
#include "jq_values.h"

#define PREFIX ".request as $request | .space as $space | "
#define NO_PLACE "(Unix shell quoting issues?) "

struct tr_program {
    jq_state *jq;
};

/* ---- compiling ---- */

struct complaint {
    char *text;
    size_t size;
    size_t len;
};

/* "jq: error: foo/0 is not defined at <top-level>, line 2:\n  foo  " in one line; that there was
 * one error needs no saying. */
static void on_complaint(void *arg, jv message) {
    struct complaint *c = arg;
    const char *from = jv_get_kind(message) == JV_KIND_STRING ? jv_string_value(message) : "";
    const int is_count = strstr(from, " compile error") != NULL;
    from += strncmp(from, "jq: error: ", 11) == 0 ? 11 : 0;
    if (c->len > 0 && !is_count && c->len + 3 < c->size) {
        c->text[c->len++] = ';';
        c->text[c->len++] = ' ';
    }
    while (!is_count && *from != 0 && c->len + 1 < c->size) {
        const char letter = (unsigned char)*from < 0x20 ? ' ' : *from;
        if (strncmp(from, NO_PLACE, sizeof NO_PLACE - 1) == 0) {
            from += sizeof NO_PLACE - 1;
            continue;
        }
        if (letter != ' ' || (c->len > 0 && c->text[c->len - 1] != ' ')) {
            c->text[c->len++] = letter;
        }
        from++;
    }
    while (c->len > 0 && c->text[c->len - 1] == ' ') {
        c->len--;
    }
    jv_free(message);
}

static jv argument(const char *name) {
    return jv_object_set(jv_object_set(jv_object(), jv_string("name"), jv_string(name)),
                         jv_string("value"), jv_null());
}

/* Without the attribute, jq 1.6 aborts when it looks for a module; jq_init leaves the callbacks as
 * the memory was. */
static jq_state *new_state(struct complaint *complaint) {
    jq_state *jq = jq_init();
    if (jq != NULL) {
        jq_set_attr(jq, jv_string("JQ_LIBRARY_PATH"), jv_array());
        jq_set_input_cb(jq, NULL, NULL);
        jq_set_debug_cb(jq, NULL, NULL);
        jq_set_error_cb(jq, on_complaint, complaint);
    }
    return jq;
}

static void replace(struct complaint *complaint, const char *text) {
    complaint->len = (size_t)snprintf(complaint->text, complaint->size, "%s", text);
}

/* The program alone: line and text of its complaint are those of the program. */
static void explain(const char *text, struct complaint *complaint) {
    static const char *const modules[] = {"unexpected import", "unexpected include",
                                          "unexpected module"};
    complaint->text[complaint->len] = 0;
    for (size_t i = 0; i < EGX_COUNT(modules); i++) {
        if (strstr(complaint->text, modules[i]) != NULL) { /* and no file is looked for */
            replace(complaint, "modules cannot be loaded here");
            return;
        }
    }
    replace(complaint, "");
    jq_state *jq = new_state(complaint);
    if (jq != NULL) {
        jv arguments = jv_array_append(jv_array(), argument("request"));
        (void)jq_compile_args(jq, text, jv_array_append(arguments, argument("space")));
        jq_teardown(&jq);
    }
    if (complaint->len == 0) { /* alone it would do: "1) | (2" */
        replace(complaint, "syntax error");
    }
}

/* The number of a program between two words. */
static void put(struct egx_json *out, const char *before, size_t number, const char *after) {
    char text[80];
    (void)snprintf(text, sizeof text, "%s%zu%s", before, number, after);
    egx_json_raw(out, egx_str_c(text));
}

/* One of those from first to the one before end, by halves: jq looks at every condition. */
static void put_choice(struct egx_json *out, size_t first, size_t end) {
    const size_t middle = first + (end - first) / 2;
    if (end - first == 1) {
        put(out, "(.event | transform__", first, ")");
        return;
    }
    put(out, "if .number < ", middle, " then ");
    put_choice(out, first, middle);
    egx_json_raw(out, EGX_STR(" else "));
    put_choice(out, middle, end);
    egx_json_raw(out, EGX_STR(" end"));
}

/* All of them, and which of them it is to be; with a NUL at the end. */
static void write_whole(struct egx_json *out, const struct eg_str *texts, size_t count) {
    egx_json_raw(out, EGX_STR(PREFIX));
    for (size_t i = 0; i < count; i++) { /* a text may end with a comment */
        put(out, "def transform__", i, ": (");
        egx_json_raw(out, texts[i]);
        put(out, "\n); def transform__check", i, ": [");
        egx_json_raw(out, texts[i]);
        egx_json_raw(out, EGX_STR("\n]; "));
    }
    put_choice(out, 0, count);
    egx_json_raw(out, egx_str_n("", 1));
}

static int32_t compile(const struct eg_str *texts, size_t count, struct complaint *complaint,
                       struct tr_program **ret_program) {
    struct egx_json whole = egx_json_begin();
    struct tr_program *program = calloc(1, sizeof *program);
    jq_state *jq = new_state(complaint);
    int32_t rc = EG_E_INTERNAL;
    write_whole(&whole, texts, count);
    if (program != NULL && jq != NULL && !whole.is_failed) {
        rc = jq_compile(jq, whole.ptr) ? EG_OK : EG_E_SYNTAX;
    }
    egx_json_free(&whole);
    if (rc < 0) {
        jq_teardown(&jq);
        free(program);
        return rc;
    }
    program->jq = jq;
    jq_set_error_cb(jq, NULL, NULL);
    *ret_program = program;
    return EG_OK;
}

int32_t tr_programs_compile(const struct eg_str *texts, size_t count,
                            struct tr_program **ret_program) {
    char ignored[400];
    struct complaint complaint = {ignored, sizeof ignored, 0};
    return compile(texts, count, &complaint, ret_program);
}

int32_t tr_program_compile(struct eg_str text, struct tr_program **ret_program, char *ret_text,
                           size_t text_size) {
    struct complaint complaint = {ret_text, text_size, 0};
    struct egx_json alone = egx_json_begin();
    const int32_t rc = compile(&text, 1, &complaint, ret_program);
    if (rc == EG_E_SYNTAX) {
        egx_json_raw(&alone, text);
        egx_json_raw(&alone, egx_str_n("", 1));
        explain(alone.is_failed ? "" : alone.ptr, &complaint);
        egx_json_free(&alone);
    }
    ret_text[complaint.len] = 0;
    return rc;
}

void tr_program_free(struct tr_program *program) {
    if (program != NULL) {
        jq_teardown(&program->jq);
        free(program);
    }
}

void tr_program_on_no_memory(struct tr_program *program, void (*fn)(void *arg), void *arg) {
    jq_set_nomem_handler(program->jq, fn, arg);
}

/* ---- small things about values ---- */

struct eg_str tr_string(jv borrowed) {
    if (jv_get_kind(borrowed) != JV_KIND_STRING) {
        return egx_str_n(NULL, 0);
    }
    return egx_str_n(jv_string_value(borrowed), (size_t)jv_string_length_bytes(jv_copy(borrowed)));
}

jv tr_member(jv borrowed_object, const char *name) {
    jv value = jv_object_get(jv_copy(borrowed_object), jv_string(name));
    if (!jv_is_valid(value)) {
        jv_free(value);
        return jv_null();
    }
    return value;
}

jv tr_parse(struct eg_str json) {
    if (json.len == 0 || json.len > INT32_MAX) {
        return jv_invalid();
    }
    return jv_parse_sized(json.ptr, (int)json.len);
}

void tr_changes_refuse(struct tr_changes *changes, uint32_t outcome, const char *format, ...) {
    va_list args;
    if (changes->outcome != TR_OK) {
        return;
    }
    changes->outcome = outcome;
    va_start(args, format);
    (void)egx_vprint(changes->message, sizeof changes->message, format, args);
    va_end(args);
}

void tr_changes_add(struct tr_changes *changes, uint32_t kind, struct eg_str name,
                    struct eg_str value) {
    if (changes->out->len + name.len + value.len > changes->max_output) {
        tr_changes_refuse(changes, TR_TOO_BIG, "its output is larger than max_output");
        return;
    }
    tr_put_u32(changes->out, kind);
    tr_put_text(changes->out, name);
    tr_put_text(changes->out, value);
    changes->count++;
}

/* Deeper than some 256 levels jq writes words in angle brackets instead, and does not say so. Where
 * no string is, JSON has no such bracket. */
static int is_whole(struct eg_str json) {
    int is_in_string = 0;
    for (size_t i = 0; i < json.len; i++) {
        if (json.ptr[i] == '"') {
            is_in_string = !is_in_string;
        } else if (is_in_string && json.ptr[i] == '\\') {
            i++;
        } else if (!is_in_string && json.ptr[i] == '<') {
            return 0;
        }
    }
    return 1;
}

void tr_changes_add_json(struct tr_changes *changes, uint32_t kind, struct eg_str name, jv value) {
    jv text = jv_dump_string(value, 0);
    if (is_whole(tr_string(text))) {
        tr_changes_add(changes, kind, name, tr_string(text));
    } else {
        tr_changes_refuse(changes, TR_BAD_OUTPUT, "'%.*s' of its output is nested too deeply",
                          EGX_FMT(name));
    }
    jv_free(text);
}

/* ---- running ---- */

/* error({status: 422, message: "..."}) is an answer that the program chose. */
static int is_refusal(jv borrowed, uint32_t *ret_status) {
    if (jv_get_kind(borrowed) != JV_KIND_OBJECT) {
        return 0;
    }
    jv status = tr_member(borrowed, "status");
    jv message = tr_member(borrowed, "message");
    const double number = jv_get_kind(status) == JV_KIND_NUMBER ? jv_number_value(status) : 0;
    const int is_one = number >= 400 && number <= 599 && tr_string(message).len > 0 &&
                       number == (double)(uint32_t)number;
    *ret_status = is_one ? (uint32_t)number : 0;
    jv_free(status);
    jv_free(message);
    return is_one;
}

/* Takes the message of an invalid value. */
static void on_error(struct tr_changes *changes, jv message, uint32_t *ret_status) {
    if (is_refusal(message, ret_status)) {
        jv text = tr_member(message, "message");
        tr_changes_refuse(changes, TR_REFUSED, "%.*s", EGX_FMT(tr_string(text)));
        jv_free(text);
    } else if (jv_get_kind(message) == JV_KIND_STRING) {
        tr_changes_refuse(changes, TR_JQ_ERROR, "%.*s", EGX_FMT(tr_string(message)));
    } else {
        jv text = jv_dump_string(jv_copy(message), 0);
        tr_changes_refuse(changes, TR_JQ_ERROR, "%.*s (not a string)", EGX_FMT(tr_string(text)));
        jv_free(text);
    }
    jv_free(message);
}

/* The one output of a program, or why there is none. */
static jv only_output(struct tr_changes *changes, jq_state *jq, jv input, uint32_t *ret_status) {
    jq_start(jq, input, 0);
    jv first = jq_next(jq);
    jv second = jv_is_valid(first) ? jq_next(jq) : jv_invalid();
    jv *failed = jv_is_valid(first) ? &second : &first;
    if (jq_halted(jq)) {
        tr_changes_refuse(changes, TR_JQ_ERROR, "it said halt");
    } else if (jv_is_valid(second)) {
        tr_changes_refuse(changes, TR_BAD_OUTPUT, "it gave more than one output");
    } else if (jv_invalid_has_msg(jv_copy(*failed))) {
        on_error(changes, jv_invalid_get_msg(jv_copy(*failed)), ret_status);
    } else if (!jv_is_valid(first)) {
        tr_changes_refuse(changes, TR_EMPTY, "it gave no output");
    }
    jv_free(second);
    return first;
}

static jv variable(struct eg_str json) {
    jv value = tr_parse(json);
    if (!jv_is_valid(value)) {
        jv_free(value);
        return jv_null();
    }
    return value;
}

static void run_on(struct tr_changes *changes, jq_state *jq, const struct tr_run *run, jv before,
                   uint32_t *ret_status) {
    jv input = jv_object_set(jv_object(), jv_string("event"), jv_copy(before));
    input = jv_object_set(input, jv_string("number"), jv_number(run->number));
    input = jv_object_set(input, jv_string("request"), variable(run->request));
    input = jv_object_set(
        input, jv_string("space"),
        jv_string_sized(run->space.len == 0 ? "" : run->space.ptr, (int)run->space.len));
    jv after = only_output(changes, jq, input, ret_status);
    if (changes->outcome == TR_OK && jv_get_kind(after) != JV_KIND_OBJECT) {
        tr_changes_refuse(changes, TR_BAD_OUTPUT, "its output has to be an object");
    } else if (changes->outcome == TR_OK) {
        (run->stage == TR_STAGE_EVENT ? tr_event_changes : tr_reply_changes)(changes, before,
                                                                             after);
    }
    jv_free(after);
}

/* "Exceeds depth limit for parsing at line 1, column 257 (while parsing '...')" */
static void unreadable(struct tr_changes *changes, jv invalid) {
    jv message = jv_invalid_get_msg(invalid);
    const struct eg_str text = tr_string(message);
    const char *end = text.len == 0 ? NULL : memmem(text.ptr, text.len, " (while", 7);
    const size_t len = end == NULL ? text.len : (size_t)(end - text.ptr);
    tr_changes_refuse(changes, TR_JQ_ERROR, "jq cannot read the input: %.*s", (int)len,
                      len == 0 ? "" : text.ptr);
    jv_free(message);
}

void tr_program_run(const struct tr_program *program, const struct tr_run *run, uint64_t max_output,
                    struct egx_json *out) {
    struct tr_changes changes = {.out = out, .max_output = max_output};
    uint32_t status = 0;
    const size_t start = out->len;
    tr_put_u32(out, TR_OK);
    tr_put_u32(out, 0);
    tr_put_text(out, egx_str_n(NULL, 0));
    const size_t count_at = tr_put_later(out, sizeof changes.count);
    jv before = tr_parse(run->main);
    if (!jv_is_valid(before)) {
        unreadable(&changes, jv_copy(before));
    } else {
        if (run->stage == TR_STAGE_REPLY) {
            before = tr_reply_input(before, run->body, run->is_json);
        }
        run_on(&changes, program->jq, run, before, &status);
    }
    jv_free(before);
    if (changes.outcome == TR_OK) {
        tr_patch_u32(out, count_at, changes.count);
        return;
    }
    out->len = start;
    tr_put_u32(out, changes.outcome);
    tr_put_u32(out, status);
    tr_put_text(out, egx_str_c(changes.message));
    tr_put_u32(out, 0);
}
