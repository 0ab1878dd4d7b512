/*
 * middleware_schema - checks the data of events against the JSON Schema of their type. What does
 * not fit is refused with 400, or tagged.
 *
 * A check starts on the request's loop with a small budget. What does not end within it, or needs a
 * schema that is not compiled yet, goes to the pool and is done over there, with the whole budget.
 * The texts of schemas and the event stay as they are meanwhile: they are borrowed until the op is
 * done. Jobs belong to the slot of their loop.
 */
#include "cache.h"

#define LOOP_STEPS 20000u /* about a millisecond */
#define LOOP_PATTERN_NS 1000000u
#define LOOP_DATA_BYTES ((size_t)16 * 1024)
#define MESSAGE "The event's data does not fit the schema of its type: "

struct schema_settings {
    struct eg_str on_failure;
    struct eg_str extension;
    struct eg_str on_no_json;
    struct eg_str on_bad_schema;
    struct eg_str draft;
    int64_t max_steps;
    uint64_t pattern_time;
    uint64_t cache_size;
};
EGX_SETTING_CHOICE(schema_settings, on_failure, "refuse|tag", "refuse",
                   "Events that do not fit: refused with 400, or tagged and let through.");
EGX_SETTING_STRING(schema_settings, extension, "schemaerror",
                   "Extension that holds the reason, with on_failure = \"tag\".");
EGX_SETTING_CHOICE(schema_settings, on_no_json, "fail|pass", "fail",
                   "Events with a schema whose data are no JSON: do not fit, or are not checked.");
EGX_SETTING_CHOICE(schema_settings, on_bad_schema, "refuse|pass", "refuse",
                   "Events whose schema cannot be used: refused with 500, or not checked.");
EGX_SETTING_CHOICE(schema_settings, draft, "2020-12|7", "2020-12",
                   "Draft of schemas that do not name one in $schema.");
EGX_SETTING_INT(schema_settings, max_steps, 1000, 1000000000, "1000000",
                "Steps that checking one event may take; a million are some 50 ms.");
EGX_SETTING_DURATION(schema_settings, pattern_time, 1000000, 10000000000, "50ms",
                     "Time that one event may spend in regular expressions.");
EGX_SETTING_SIZE(schema_settings, cache_size, 1 << 20, (int64_t)1 << 40, "64MiB",
                 "Memory for compiled schemas; 256 are kept at most.");
static const struct eg_setting *const rows[] = {
    EGX_ROW(schema_settings, on_failure),   EGX_ROW(schema_settings, extension),
    EGX_ROW(schema_settings, on_no_json),   EGX_ROW(schema_settings, on_bad_schema),
    EGX_ROW(schema_settings, draft),        EGX_ROW(schema_settings, max_steps),
    EGX_ROW(schema_settings, pattern_time), EGX_ROW(schema_settings, cache_size)};

enum outcome { FITS, UNCHECKED, UNFIT, NO_JSON, TOO_MUCH, BAD_SCHEMA, BUSY, NOT_READY };
static const char *const outcome_names[] = {"fit",      "unchecked",  "unfit", "no_json",
                                            "too_much", "bad_schema", "busy"};

struct plugin {
    const struct eg_host *host;
    const struct schema_settings *settings;
    struct cache *cache;
    struct schema_budget budget;
    unsigned draft;
    int is_tagging;
    int passes_bad_schema;
    struct eg_metric *events[NOT_READY];
};

/* Of one loop. */
struct slot {
    struct job *jobs; /* on the pool */
};

struct source {
    struct eg_str text;
    uint64_t mark;
};

struct job {
    struct plugin *plugin;
    struct slot *slot;
    struct job *next;
    struct eg_op *op;
    struct eg_exchange *exchange;
    struct eg_event *event;
    struct eg_str type;
    struct eg_str data;
    struct source *sources;
    size_t count;
    enum outcome outcome;
    struct schema_report report;
    int is_canceled;
};

/* ---- life ---- */

/* Those that are texts (CloudEvents 1.0, 3.1), and the member of the data (JSON format 3.1). */
static int is_attribute_name(struct eg_str name) {
    static const struct eg_str names[] = {EGX_STR_INIT("id"),
                                          EGX_STR_INIT("source"),
                                          EGX_STR_INIT("specversion"),
                                          EGX_STR_INIT("type"),
                                          EGX_STR_INIT("datacontenttype"),
                                          EGX_STR_INIT("dataschema"),
                                          EGX_STR_INIT("subject"),
                                          EGX_STR_INIT("time"),
                                          EGX_STR_INIT("data")};
    for (size_t i = 0; i < EGX_COUNT(names); i++) {
        if (egx_str_eq(name, names[i])) {
            return 1;
        }
    }
    return 0;
}

/* CloudEvents 1.0, 3.1: lower-case letters and digits. */
static int is_extension_name(struct eg_str name) {
    for (size_t i = 0; i < name.len; i++) {
        const char c = name.ptr[i];
        if ((c < 'a' || c > 'z') && (c < '0' || c > '9')) {
            return 0;
        }
    }
    return name.len > 0 && name.len <= 20 && !is_attribute_name(name);
}

static void destroy(void *instance) {
    struct plugin *p = instance;
    schema_cache_free(p->cache);
    p->host->mem->free(p->host, p);
}

static int32_t create(const struct eg_host *host, const void *settings_void, void **ret_instance,
                      struct eg_why *ret_why) {
    const struct schema_settings *settings = settings_void;
    if (!is_extension_name(settings->extension)) {
        return egx_why(ret_why, EG_E_INVAL,
                       "'extension' is up to 20 lower-case letters and digits, and no attribute "
                       "of CloudEvents");
    }
    struct plugin *p = host->mem->alloc(host, sizeof *p);
    p->host = host;
    p->settings = settings;
    p->cache = schema_cache_new(host, settings->cache_size);
    p->budget = (struct schema_budget){(uint64_t)settings->max_steps, settings->pattern_time};
    p->draft = egx_str_eq(settings->draft, EGX_STR("7")) ? DRAFT_7 : DRAFT_2020;
    p->is_tagging = egx_str_eq(settings->on_failure, EGX_STR("tag"));
    p->passes_bad_schema = egx_str_eq(settings->on_bad_schema, EGX_STR("pass"));
    for (size_t i = 0; i < EGX_COUNT(p->events); i++) {
        const struct eg_kv label = {EGX_STR("result"), egx_str_c(outcome_names[i])};
        p->events[i] =
            host->metrics->counter(host, EGX_STR("schema_events_total"),
                                   EGX_STR("Events that have a schema, by result."), &label, 1);
    }
    *ret_instance = p;
    return EG_OK;
}

static int32_t attach(void *instance, struct eg_loop *loop, void **ret_slot) {
    const struct plugin *p = instance;
    (void)loop;
    *ret_slot = p->host->mem->alloc(p->host, sizeof(struct slot));
    return EG_OK;
}

static void detach(void *instance, void *slot) {
    const struct plugin *p = instance;
    p->host->mem->free(p->host, slot);
}

/* ---- checking; any thread ---- */

static struct validator *compile(const struct job *job, const struct source *source) {
    const struct plugin *p = job->plugin;
    struct schema *schema = NULL;
    struct eg_why why = {.struct_size = sizeof why};
    if (schema_compile(p->host, source->text, p->draft, &schema, &why) < 0) {
        egx_log(p->host, EG_LOG_ERROR, "the schema of event type '%.*s' cannot be used: %.*s",
                (int)(job->type.len > 200 ? 200 : job->type.len), job->type.ptr, (int)why.len,
                why.text);
    }
    return schema_cache_add(p->cache, source->mark, schema);
}

static enum outcome check_by(struct job *job, const struct source *source, const struct node *data,
                             const struct schema_budget *budget, int may_compile) {
    struct validator *v = schema_cache_find(job->plugin->cache, source->mark);
    if (v == NULL && !may_compile) {
        return NOT_READY;
    }
    if (v == NULL) {
        v = compile(job, source);
    }
    enum outcome outcome = job->plugin->passes_bad_schema ? UNCHECKED : BAD_SCHEMA;
    if (v->schema != NULL) {
        const int32_t rc = schema_check(v->schema, data, budget, &job->report);
        outcome = rc < 0 ? TOO_MUCH : rc == 0 ? UNFIT : FITS;
    }
    schema_validator_release(v);
    return outcome;
}

static enum outcome check_all(struct job *job, const struct schema_budget *budget,
                              int may_compile) {
    struct tree tree;
    enum outcome outcome = FITS;
    if (schema_tree_parse(&tree, job->plugin->host, job->data) < 0) {
        return TOO_MUCH; /* the gateway has seen that it is JSON: it is nested too deep */
    }
    for (size_t i = 0; i < job->count && outcome <= UNCHECKED; i++) {
        outcome = check_by(job, &job->sources[i], tree.nodes, budget, may_compile);
    }
    schema_tree_free(&tree);
    return outcome;
}

/* ---- what becomes of the event; its loop ---- */

static size_t write_reason(const struct job *job, char *out, size_t size) {
    switch (job->outcome) {
    case UNFIT:
        return (size_t)snprintf(out, size, "at '%s': %.*s", job->report.pointer,
                                (int)job->report.why.len, job->report.why.text);
    case NO_JSON:
        return (size_t)snprintf(out, size, "it is no JSON");
    default:
        return (size_t)snprintf(out, size, "checking it takes too long, or it is nested too deep");
    }
}

static int32_t fail_event(const struct job *job) {
    const struct eg_host *host = job->plugin->host;
    char text[sizeof MESSAGE + SCHEMA_POINTER_BYTES + sizeof job->report.why.text + 16] = MESSAGE;
    char *reason = text + sizeof MESSAGE - 1;
    const size_t len = write_reason(job, reason, sizeof text - sizeof MESSAGE);
    if (!job->plugin->is_tagging) {
        host->exchange->reply_error(job->exchange, 400, egx_str_n(text, sizeof MESSAGE - 1 + len));
        return EG_STOP;
    }
    struct egx_json json = egx_json_begin();
    egx_json_string(&json, egx_str_n(reason, len));
    const int32_t rc = host->event->set_extension(job->event, job->plugin->settings->extension,
                                                  egx_json_text(&json));
    egx_json_free(&json);
    return rc < 0 ? rc : EG_NEXT;
}

static int32_t conclude(const struct job *job) {
    const struct eg_exchange_api *api = job->plugin->host->exchange;
    job->plugin->host->metrics->add(job->plugin->events[job->outcome], 1);
    switch (job->outcome) {
    case FITS:
    case UNCHECKED:
        return EG_NEXT;
    case BAD_SCHEMA:
        api->reply_error(
            job->exchange, 500,
            EGX_STR("The schema of this event type cannot be used. Please check logs."));
        return EG_STOP;
    case BUSY:
        (void)api->reply_header(job->exchange, EGX_STR("Retry-After"), EGX_STR("1"));
        api->reply_error(job->exchange, 503,
                         EGX_STR("Service Unavailable: too many events wait to be checked"));
        return EG_STOP;
    default:
        return fail_event(job);
    }
}

/* ---- the pool ---- */

static void free_job(struct job *job) {
    const struct eg_host *host = job->plugin->host;
    host->mem->free(host, job->sources);
    host->mem->free(host, job);
}

static void work_on(void *arg) {
    struct job *job = arg;
    job->outcome = check_all(job, &job->plugin->budget, 1);
}

static void on_worked(void *arg) {
    struct job *job = arg;
    struct job **link = &job->slot->jobs;
    struct eg_op *op = job->op;
    while (*link != job) {
        link = &(*link)->next;
    }
    *link = job->next;
    const int32_t verdict = job->is_canceled ? EG_E_CANCELED : conclude(job);
    free_job(job);
    if (verdict < 0) {
        egx_done_error(op, verdict, "the event could not be checked");
    } else {
        egx_done_verdict(op, verdict);
    }
}

static int32_t hand_over(struct job *job) {
    const struct eg_host *host = job->plugin->host;
    const int32_t rc =
        host->loop->run_blocking(host, host->loop->current(host), work_on, on_worked, job);
    if (rc < 0) {
        job->outcome = BUSY;
        const int32_t verdict = conclude(job);
        free_job(job);
        return verdict;
    }
    job->next = job->slot->jobs;
    job->slot->jobs = job;
    return EG_PENDING;
}

static void cancel(void *instance, void *slot_void, struct eg_op *op) {
    const struct slot *slot = slot_void;
    (void)instance;
    for (struct job *job = slot->jobs; job != NULL; job = job->next) {
        if (job->op == op) {
            job->is_canceled = 1; /* the budget ends it */
        }
    }
}

/* ---- the hook ---- */

/* RFC 6839 3.1 for +json; without a type, data are JSON (CloudEvents 1.0 JSON format 3.1). */
static int is_json_type(struct eg_str type) {
    const char *semicolon = type.len == 0 ? NULL : memchr(type.ptr, ';', type.len);
    type.len = semicolon == NULL ? type.len : (size_t)(semicolon - type.ptr);
    while (type.len > 0 && type.ptr[type.len - 1] == ' ') {
        type.len--;
    }
    return type.len == 0 || egx_str_eq_nocase(type, EGX_STR("application/json")) ||
           egx_str_eq_nocase(type, EGX_STR("text/json")) ||
           (type.len > 5 && egx_str_eq_nocase(egx_str_cut(type, type.len - 5), EGX_STR("+json")));
}

static void read_sources(struct job *job) {
    const struct eg_exchange_api *api = job->plugin->host->exchange;
    size_t count = 1; /* it was asked for the first one already */
    while (api->event_schema(job->exchange, job->event, count, NULL).len > 0) {
        count++;
    }
    job->sources = job->plugin->host->mem->alloc(job->plugin->host, count * sizeof *job->sources);
    job->count = count;
    for (size_t i = 0; i < count; i++) {
        job->sources[i].text =
            api->event_schema(job->exchange, job->event, i, &job->sources[i].mark);
    }
}

/* An event that is handed on in another version of CloudEvents has names in lower case and without
 * what is neither letter nor digit, so `Schema-Error` is ours, too. */
static int becomes(struct eg_str name, struct eg_str tag) {
    size_t at = 0;
    for (size_t i = 0; i < name.len; i++) {
        const char c = egx_lower(name.ptr[i]);
        if ((c < 'a' || c > 'z') && (c < '0' || c > '9')) {
            continue;
        }
        if (at == tag.len || c != tag.ptr[at++]) {
            return 0;
        }
    }
    return at == tag.len;
}

/* Only the gateway says that an event does not fit. */
static int32_t remove_tag(const struct plugin *p, struct eg_event *event) {
    const struct eg_event_api *api = p->host->event;
    struct eg_str name = {0};
    int32_t rc = EG_OK;
    size_t i = 0;
    while (rc == EG_OK && p->is_tagging && api->extension_at(event, i, &name).len > 0) {
        if (becomes(name, p->settings->extension)) {
            rc = api->set_extension(event, name, egx_str_n(NULL, 0)); /* the next is at i now */
        } else {
            i++;
        }
    }
    return rc;
}

static int32_t on_event(void *instance, void *slot, struct eg_exchange *exchange,
                        struct eg_event *event, struct eg_op *op) {
    struct plugin *p = instance;
    const struct eg_event_api *events = p->host->event;
    uint32_t is_base64 = 0;
    const int32_t rc = remove_tag(p, event);
    if (rc < 0 || p->host->exchange->event_schema(exchange, event, 0, NULL).len == 0) {
        return rc < 0 ? rc : EG_NEXT;
    }
    struct job *job = p->host->mem->alloc(p->host, sizeof *job);
    *job = (struct job){.plugin = p, .slot = slot, .op = op, .exchange = exchange, .event = event};
    job->type = events->attribute(event, EGX_STR("type"));
    job->data = events->data(event, &is_base64);
    read_sources(job);
    /* All schemas of the event together hold up the loop no longer than one. */
    const struct schema_budget on_loop = {LOOP_STEPS / job->count, LOOP_PATTERN_NS / job->count};
    if (is_base64 || !is_json_type(events->attribute(event, EGX_STR("datacontenttype")))) {
        const int passes = egx_str_eq(p->settings->on_no_json, EGX_STR("pass"));
        job->outcome = passes ? UNCHECKED : NO_JSON;
    } else {
        job->outcome = job->data.len > LOOP_DATA_BYTES ? NOT_READY : check_all(job, &on_loop, 0);
    }
    if (job->outcome == NOT_READY || job->outcome == TOO_MUCH) {
        return hand_over(job);
    }
    const int32_t verdict = conclude(job);
    free_job(job);
    return verdict;
}

static const struct eg_life_ops life = {.struct_size = sizeof life,
                                        .create = create,
                                        .attach = attach,
                                        .detach = detach,
                                        .destroy = destroy};
static const struct eg_middleware_ops ops = {
    .struct_size = sizeof ops, .on_event = on_event, .cancel = cancel};
EGX_COMPONENT(schema_component, EG_KIND_MIDDLEWARE, "schema",
              "Checks the data of events against the JSON Schema of their type.", schema_settings,
              rows, &life, &ops);
EGX_PLUGIN("middleware_schema", "0.1.0", "Apache-2.0", EG_ABI_MAKE(0, 3), &schema_component)
