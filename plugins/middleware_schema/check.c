/*
 * check.c - applies compiled schemas to values. Schemas may refer to themselves, so this recurses:
 * with the nesting of the data and of the schema, at most CHECK_DEPTH deep. Every step is paid out
 * of a budget; when it is used up all ends, and nothing is known. Any thread.
 */
#include "inner.h"

/* ---- telling what does not fit ---- */

/* The steps from the root, backwards. */
static size_t write_pointer(char *out, size_t room, const struct frame *frame) {
    const struct frame *way[CHECK_DEPTH + 1];
    size_t count = 0;
    struct egx_json text = egx_json_begin();
    for (; frame != NULL; frame = frame->up) {
        if (frame->step != STEP_NONE && count < EGX_COUNT(way)) {
            way[count++] = frame;
        }
    }
    while (count-- > 0 && text.len < room) {
        const struct frame *f = way[count];
        char number[16];
        (void)snprintf(number, sizeof number, "%u", f->index);
        const struct eg_str name = f->step == STEP_MEMBER ? node_text(f->name) : egx_str_c(number);
        egx_json_raw(&text, EGX_STR("/"));
        for (size_t i = 0; i < name.len && text.len < room; i++) {
            const char c = name.ptr[i];
            egx_json_raw(&text, c == '~'   ? EGX_STR("~0")
                                : c == '/' ? EGX_STR("~1")
                                           : egx_str_n(name.ptr + i, 1));
        }
    }
    size_t len = text.len < room ? text.len : room - 1;
    while (len > 0 && len < text.len && ((unsigned char)text.ptr[len] & 0xc0u) == 0x80u) {
        len--; /* never half a character */
    }
    if (len > 0) {
        memcpy(out, text.ptr, len);
    }
    out[len] = '\0';
    egx_json_free(&text);
    return len;
}

int schema_mismatch(struct check_run *run, const struct frame *frame, const char *format, ...) {
    va_list args;
    if (run->quiet > 0 || run->is_told || run->work.is_over) {
        return 0;
    }
    run->is_told = 1;
    (void)write_pointer(run->report->pointer, sizeof run->report->pointer, frame);
    struct eg_why *why = &run->report->why;
    va_start(args, format);
    why->len = (uint32_t)egx_vprint(why->text, sizeof why->text, format, args);
    va_end(args);
    return 0;
}

/* ---- what was evaluated, for unevaluated* ---- */

void schema_mark_evaluated(const struct frame *frame, uint32_t child) {
    if (frame->evaluated != NULL) {
        frame->evaluated[child] = 1;
    }
}

/* ---- schemas ---- */

static int run_checks(struct check_run *run, const struct frame *frame) {
    for (const struct check *c = frame->schema->checks; c != NULL; c = c->next) {
        if (!work_spend(&run->work, 1) || !c->run(run, c, frame) || run->work.is_over) {
            return 0;
        }
    }
    return 1;
}

static int is_container(const struct node *value) {
    return value->kind == NODE_ARRAY || value->kind == NODE_OBJECT;
}

/* Only a schema that holds tells what it evaluated. */
static int run_tracked(struct check_run *run, struct frame *frame, unsigned char *outer) {
    const struct eg_host *host = run->schema->host;
    const uint32_t count = frame->value->count;
    if (!work_spend(&run->work, count / 8)) {
        return 0;
    }
    frame->evaluated = host->mem->alloc(host, (size_t)count + 1);
    const int fits = run_checks(run, frame);
    for (uint32_t i = 0; fits && outer != NULL && i < count; i++) {
        outer[i] |= frame->evaluated[i];
    }
    host->mem->free(host, frame->evaluated);
    return fits;
}

static int run_frame(struct check_run *run, struct frame *frame, unsigned char *outer) {
    if (frame->depth > CHECK_DEPTH || !work_spend(&run->work, 1)) {
        run->work.is_over = 1;
        return 0;
    }
    if (frame->schema->never) {
        return schema_mismatch(run, frame, "nothing is allowed here");
    }
    if (run->schema->tracks_evaluated && is_container(frame->value)) {
        return run_tracked(run, frame, outer);
    }
    return run_checks(run, frame);
}

int schema_apply(struct check_run *run, const struct subschema *s, const struct frame *frame) {
    struct frame inner = {
        .up = frame, .schema = s, .value = frame->value, .depth = frame->depth + 1};
    return run_frame(run, &inner, frame->evaluated);
}

int schema_apply_quietly(struct check_run *run, const struct subschema *s,
                         const struct frame *frame) {
    run->quiet++;
    const int fits = schema_apply(run, s, frame);
    run->quiet--;
    return fits;
}

int schema_apply_member(struct check_run *run, const struct subschema *s, const struct frame *frame,
                        const struct node *name) {
    struct frame inner = {.up = frame,
                          .schema = s,
                          .value = name + 1,
                          .name = name,
                          .step = STEP_MEMBER,
                          .depth = frame->depth + 1};
    return run_frame(run, &inner, NULL);
}

int schema_apply_item(struct check_run *run, const struct subschema *s, const struct frame *frame,
                      const struct node *item, uint32_t index) {
    struct frame inner = {.up = frame,
                          .schema = s,
                          .value = item,
                          .index = index,
                          .step = STEP_ITEM,
                          .depth = frame->depth + 1};
    return run_frame(run, &inner, NULL);
}

int32_t schema_check(const struct schema *schema, const struct node *data,
                     const struct schema_budget *budget, struct schema_report *ret_report) {
    struct check_run run = {
        .schema = schema, .work = {.left = budget->steps}, .report = ret_report};
    run.patterns = (struct pattern_run){
        .host = schema->host, .work = &run.work, .left_ns = budget->pattern_ns};
    struct frame root = {.schema = schema->root, .value = data};
    const int fits = run_frame(&run, &root, NULL);
    schema_pattern_run_end(&run.patterns);
    if (run.work.is_over) {
        return EG_E_TOOBIG;
    }
    return fits;
}
