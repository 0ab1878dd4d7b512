/*
 * middleware_transform - changes requests, events and replies: by jq programs, and headers and
 * attributes without one.
 *
 *   rules = ( { path = "/orders"; event = { jq = ".data.total = (.data.items | add)"; }; } );
 *
 * libjq cannot be interrupted, and ends its process when memory is out. So programs do not run
 * here: each loop has a few worker processes (pool.h). Programs are compiled in create too, so that
 * a mistake in one is a refused configuration. Rules are only read, by any loop; everything else is
 * of one loop.
 */
#include "child.h"
#include "transform.h"

#define TRIAL_NS UINT64_C(30000000000)

struct transform_settings {
    struct eg_str rules;
    uint64_t timeout;
    uint64_t max_output;
    uint64_t max_memory;
    int64_t workers;
    int64_t queue;
    struct eg_str worker;
};
EGX_SETTING(transform_settings, rules, "rules", EG_SET_JSON, EG_SET_REQUIRED, 0, 0, NULL, NULL,
            "list of { path, methods, event_types, request, event, reply }");
EGX_SETTING(transform_settings, timeout, "timeout", EG_SET_DURATION, 0, 1000000, 60000000000,
            "100ms", NULL, "processor time that one run of a program may take");
EGX_SETTING(transform_settings, max_output, "max_output", EG_SET_SIZE, 0, 1024, 67108864, "1MiB",
            NULL, "largest output of a program");
EGX_SETTING(transform_settings, max_memory, "max_memory", EG_SET_SIZE, 0, 33554432, 4294967296,
            "128MiB", NULL, "address space of a worker process");
EGX_SETTING(transform_settings, workers, "workers", EG_SET_INT, 0, 1, 16, "2", NULL,
            "most worker processes of each loop; the first is started in advance");
EGX_SETTING(transform_settings, queue, "queue", EG_SET_INT, 0, 1, 100000, "1000", NULL,
            "how many runs may wait for a worker on each loop; more are answered 503");
EGX_SETTING(transform_settings, worker, "worker", EG_SET_STRING, 0, 0, 0, NULL, NULL,
            "program of the workers instead of transform-worker beside the plugin");
static const struct eg_setting *const rows[] = {
    EGX_ROW(transform_settings, rules),      EGX_ROW(transform_settings, timeout),
    EGX_ROW(transform_settings, max_output), EGX_ROW(transform_settings, max_memory),
    EGX_ROW(transform_settings, workers),    EGX_ROW(transform_settings, queue),
    EGX_ROW(transform_settings, worker)};

struct transform {
    const struct eg_host *host;
    struct tr_rules rules;
    struct egx_json setup;
    struct tr_pool_config pool;
    struct tr_closed closed;
    struct eg_metric *runs[TR_OUTCOMES];
    char worker_path[4096];
    const struct eg_loop *control;
    struct eg_op *start_op;
    int32_t trial_status;
    struct eg_why trial_why;
};

/* One run of a program. */
struct work {
    struct tr_job job;
    const struct transform *transform;
    const struct tr_rule *rule;
    struct eg_op *op;
    struct eg_exchange *exchange;
    struct eg_event *event; /* NULL = it is about the reply */
};

/* ---- life ---- */

static void destroy(void *instance) {
    struct transform *transform = instance;
    tr_pools_free(&transform->closed);
    tr_rules_free(&transform->rules);
    egx_json_free(&transform->setup);
    transform->host->mem->free(transform->host, transform);
}

static void make_metrics(struct transform *transform) {
    const struct eg_host *host = transform->host;
    for (uint32_t i = 0; i < TR_OUTCOMES; i++) {
        const struct eg_kv label = {EGX_STR("outcome"), egx_str_c(tr_answer_of(i)->label)};
        transform->runs[i] =
            host->metrics->counter(host, EGX_STR("transform_runs_total"),
                                   EGX_STR("Runs of jq programs by how they ended."), &label, 1);
    }
    transform->pool.restarts =
        host->metrics->counter(host, EGX_STR("transform_worker_restarts_total"),
                               EGX_STR("Worker processes that ended and were replaced."), NULL, 0);
}

static int32_t find_worker(struct transform *transform, struct eg_str worker,
                           struct eg_why *ret_why) {
    char *path = transform->worker_path;
    if (worker.len > 0) {
        const int wanted = snprintf(path, sizeof transform->worker_path, "%.*s", EGX_FMT(worker));
        return wanted > 0 && (size_t)wanted < sizeof transform->worker_path
                   ? EG_OK
                   : egx_why(ret_why, EG_E_INVAL, "'worker' is too long");
    }
    if (tr_worker_find(path, sizeof transform->worker_path) < 0) {
        return egx_why(ret_why, EG_E_NOTFOUND,
                       "transform-worker is not beside the plugin: say where it is with 'worker'");
    }
    return EG_OK;
}

static int32_t prepare(struct transform *transform, const struct transform_settings *settings,
                       struct eg_why *ret_why) {
    struct tr_rules *rules = &transform->rules;
    int32_t rc = tr_rules_read(rules, transform->host, settings->rules, ret_why);
    rc = rc < 0 ? rc : tr_rules_load(rules, ret_why);
    rc = rc < 0 ? rc : tr_programs_check(rules, ret_why);
    if (rc >= 0 && rules->program_count > 0) {
        rc = find_worker(transform, settings->worker, ret_why);
    }
    if (rc < 0) {
        return rc;
    }
    if (tr_programs_setup(rules, settings->max_memory, settings->max_output, settings->timeout,
                          &transform->setup) < 0) {
        return egx_why(ret_why, EG_E_TOOBIG, "'rules' has too many programs");
    }
    return EG_OK;
}

static int32_t create(const struct eg_host *host, const void *settings_void, void **ret_instance,
                      struct eg_why *ret_why) {
    const struct transform_settings *settings = settings_void;
    struct transform *transform = host->mem->alloc(host, sizeof *transform);
    transform->host = host;
    transform->rules.host = host;
    const int32_t rc = prepare(transform, settings, ret_why);
    if (rc < 0) {
        destroy(transform);
        return rc;
    }
    transform->pool.host = host;
    transform->pool.worker_path = transform->worker_path;
    transform->pool.setup = egx_json_text(&transform->setup);
    transform->pool.timeout_ns = settings->timeout;
    transform->pool.max_output = settings->max_output;
    transform->pool.workers = (uint32_t)settings->workers;
    transform->pool.max_queue = (uint32_t)settings->queue;
    make_metrics(transform);
    *ret_instance = transform;
    return EG_OK;
}

/* A worker that cannot work is told before anything is served. */
static void try_worker(void *arg) {
    struct transform *transform = arg;
    transform->trial_why.struct_size = sizeof transform->trial_why;
    transform->trial_status = tr_child_try(transform->worker_path, transform->pool.setup, TRIAL_NS,
                                           &transform->trial_why);
}

static void on_tried(void *arg) {
    struct transform *transform = arg;
    if (transform->trial_status < 0) {
        egx_done_error(transform->start_op, transform->trial_status, "%.*s",
                       (int)transform->trial_why.len, transform->trial_why.text);
    } else {
        transform->start_op->done(transform->start_op, EG_OK, NULL);
    }
}

static int32_t start(void *instance, struct eg_op *op) {
    struct transform *transform = instance;
    const struct eg_loop_api *loop = transform->host->loop;
    if (transform->rules.program_count == 0) {
        op->done(op, EG_OK, NULL);
        return EG_OK;
    }
    struct eg_loop *control = loop->current(transform->host);
    transform->start_op = op;
    transform->control = control;
    return loop->run_blocking(transform->host, control, try_worker, on_tried, transform);
}

/* The loop of the control thread has no requests of its own, so nothing is started for it. */
static int32_t attach(void *instance, struct eg_loop *loop, void **ret_slot) {
    const struct transform *transform = instance;
    if (transform->rules.program_count > 0) {
        *ret_slot = tr_pool_open(&transform->pool, loop, loop != transform->control);
    }
    return EG_OK;
}

static void detach(void *instance, void *slot) {
    struct transform *transform = instance;
    if (slot != NULL) {
        tr_pool_close(slot, &transform->closed);
    }
}

/* ---- a run, and what became of it ---- */

static void free_work(struct work *work) {
    egx_json_free(&work->job.frame);
    work->transform->host->mem->free(work->transform->host, work);
}

static size_t number_of(const struct transform *transform, const struct tr_rule *rule) {
    return (size_t)(rule - transform->rules.items) + 1;
}

static void log_outcome(const struct work *work, const struct tr_outcome *outcome) {
    const struct transform *transform = work->transform;
    const struct eg_host *host = transform->host;
    const char *stage = tr_stage_name(work->event != NULL ? TR_ON_EVENT : TR_ON_REPLY);
    const uint32_t level = outcome->kind == TR_EMPTY && work->event != NULL ? EG_LOG_DEBUG
                           : outcome->kind == TR_REFUSED                    ? EG_LOG_INFO
                                                                            : EG_LOG_WARN;
    egx_log(host, level, "rule %zu: %s: %.*s (%s, request %.*s)", number_of(transform, work->rule),
            stage, (int)(outcome->message.len < 500 ? outcome->message.len : 500),
            outcome->message.len == 0 ? "" : outcome->message.ptr,
            tr_answer_of(outcome->kind)->label,
            EGX_FMT(host->exchange->request_id(work->exchange)));
}

/* So that its own answer is not taken for a reply to be transformed. */
static void mark_own(const struct transform *transform, struct eg_exchange *exchange) {
    transform->host->exchange->keep(exchange, transform->host,
                                    (void *)(uintptr_t)(const void *)transform, NULL);
}

/* The reply that says so; EG_STOP. */
static int32_t answer(const struct work *work, const struct tr_outcome *outcome) {
    const struct eg_exchange_api *api = work->transform->host->exchange;
    const struct tr_answer *row = tr_answer_of(outcome->kind);
    const int is_event = work->event != NULL;
    if (is_event) {
        mark_own(work->transform, work->exchange);
    } else { /* one that a rule has set stands before that of the answer */
        (void)api->set_reply_header(work->exchange, EGX_STR("Content-Type"), egx_str_n(NULL, 0));
    }
    if (outcome->kind == TR_EMPTY && is_event) {
        api->reply(work->exchange, row->event_status, egx_str_n("", 0),
                   egx_buf_static(egx_str_n("", 0)));
    } else if (outcome->kind == TR_REFUSED) {
        api->reply_error(work->exchange, outcome->status, outcome->message);
    } else {
        if (outcome->kind == TR_UNAVAILABLE) {
            (void)api->reply_header(work->exchange, EGX_STR("Retry-After"), EGX_STR("1"));
        }
        api->reply_error(work->exchange, is_event ? row->event_status : row->reply_status,
                         egx_str_c(is_event ? row->event_sentence : row->reply_sentence));
    }
    return EG_STOP;
}

static int32_t conclude(const struct work *work, struct tr_outcome *outcome) {
    const struct transform *transform = work->transform;
    const struct eg_host *host = transform->host;
    struct eg_why why = {.struct_size = sizeof why};
    if (outcome->kind == TR_OK &&
        tr_outcome_apply(host, work->exchange, work->event, outcome, &why) < 0) {
        outcome->kind = TR_BAD_OUTPUT;
        outcome->message = egx_str_n(why.text, why.len);
    }
    host->metrics->add(transform->runs[outcome->kind], 1);
    if (outcome->kind == TR_OK) {
        return EG_NEXT;
    }
    log_outcome(work, outcome);
    return answer(work, outcome);
}

static void on_ended(struct tr_job *job, const struct tr_outcome *outcome) {
    struct work *work = (struct work *)job; /* its first member */
    struct tr_outcome own = *outcome;
    if (!job->is_abandoned) {
        egx_done_verdict(work->op, conclude(work, &own));
    }
    free_work(work);
}

static int32_t refuse_now(struct work *work, int32_t why) {
    struct tr_outcome outcome = {.kind = why == EG_E_TOOBIG ? TR_TOO_BIG : TR_UNAVAILABLE};
    outcome.message = why == EG_E_TOOBIG ? EGX_STR("its input is too large")
                      : why == EG_E_BUSY ? EGX_STR("too many runs are waiting")
                                         : EGX_STR("no worker stays alive");
    const int32_t verdict = conclude(work, &outcome);
    free_work(work);
    return verdict;
}

static int32_t run(const struct transform *transform, void *slot, const struct tr_rule *rule,
                   struct eg_exchange *exchange, struct eg_event *event, struct eg_op *op) {
    const struct eg_host *host = transform->host;
    const int32_t program = rule->stages[event != NULL ? TR_ON_EVENT : TR_ON_REPLY].program;
    if (program == TR_NO_PROGRAM) {
        return EG_NEXT;
    }
    struct work *work = host->mem->alloc(host, sizeof *work);
    work->job.key = op;
    work->job.ended = on_ended;
    work->transform = transform;
    work->rule = rule;
    work->op = op;
    work->exchange = exchange;
    work->event = event;
    int32_t rc = tr_input_write(host, &transform->rules, (uint32_t)program, exchange, event,
                                &work->job.frame);
    rc = rc < 0 ? rc : tr_pool_submit(slot, &work->job);
    return rc < 0 ? refuse_now(work, rc) : EG_PENDING;
}

/* ---- hooks ---- */

static struct tr_subject subject_of(const struct transform *transform,
                                    const struct eg_exchange *exchange,
                                    const struct eg_event *event) {
    const struct eg_host *host = transform->host;
    struct tr_subject subject = {.method = host->exchange->method(exchange),
                                 .path = host->exchange->path(exchange)};
    if (event != NULL) {
        subject.type = host->event->attribute(event, EGX_STR("type"));
    }
    return subject;
}

static int32_t on_request(void *instance, void *slot, struct eg_exchange *exchange,
                          struct eg_op *op) {
    const struct transform *transform = instance;
    const struct tr_subject subject = subject_of(transform, exchange, NULL);
    const struct tr_rule *rule = tr_rules_find(&transform->rules, TR_ON_REQUEST, &subject);
    (void)slot;
    (void)op;
    if (rule == NULL) {
        return EG_NEXT;
    }
    const int32_t rc = tr_edit_request(transform->host, &rule->stages[TR_ON_REQUEST], exchange);
    return rc < 0 ? rc : EG_NEXT;
}

/* What a client sent is its mistake, what is set belongs to the configuration. */
static int32_t unfit(const struct transform *transform, const struct tr_rule *rule,
                     struct eg_exchange *exchange, int32_t rc) {
    const struct tr_answer *row = tr_answer_of(TR_JQ_ERROR);
    const struct eg_exchange_api *api = transform->host->exchange;
    egx_log(transform->host, EG_LOG_WARN, "rule %zu: event: %s (request %.*s)",
            number_of(transform, rule),
            rc == EG_E_SYNTAX ? "a value does not fit its new name"
                              : "the gateway refuses its changes",
            EGX_FMT(api->request_id(exchange)));
    if (rc != EG_E_SYNTAX) {
        return rc;
    }
    mark_own(transform, exchange);
    api->reply_error(exchange, row->event_status, egx_str_c(row->event_sentence));
    return EG_STOP;
}

static int32_t on_event(void *instance, void *slot, struct eg_exchange *exchange,
                        struct eg_event *event, struct eg_op *op) {
    const struct transform *transform = instance;
    const struct tr_subject subject = subject_of(transform, exchange, event);
    const struct tr_rule *rule = tr_rules_find(&transform->rules, TR_ON_EVENT, &subject);
    if (rule == NULL) {
        return EG_NEXT;
    }
    const int32_t rc = tr_edit_event(transform->host, &rule->stages[TR_ON_EVENT], event);
    if (rc < 0) {
        return unfit(transform, rule, exchange, rc);
    }
    return run(transform, slot, rule, exchange, event, op);
}

static int32_t on_reply(void *instance, void *slot, struct eg_exchange *exchange,
                        struct eg_op *op) {
    const struct transform *transform = instance;
    const struct eg_exchange_api *api = transform->host->exchange;
    const struct eg_event *event = api->event(exchange); /* NULL: of a batch, or there was none */
    if (event != NULL && api->kept(exchange, transform->host) != NULL) {
        return EG_NEXT;
    }
    struct tr_subject subject = subject_of(transform, exchange, event);
    subject.status = api->reply_status(exchange);
    const struct tr_rule *rule = tr_rules_find(&transform->rules, TR_ON_REPLY, &subject);
    if (rule == NULL) {
        return EG_NEXT;
    }
    const int32_t rc = tr_edit_reply(transform->host, &rule->stages[TR_ON_REPLY], exchange);
    return rc < 0 ? rc : run(transform, slot, rule, exchange, NULL, op);
}

static void cancel(void *instance, void *slot, struct eg_op *op) {
    (void)instance;
    struct tr_job *waiting = NULL;
    if (!tr_pool_withdraw(slot, op, &waiting)) {
        return; /* its done is on the way */
    }
    if (waiting != NULL) {
        free_work((struct work *)waiting);
    }
    op->done(op, EG_E_CANCELED, NULL);
}

static const struct eg_life_ops life = {.struct_size = sizeof life,
                                        .create = create,
                                        .start = start,
                                        .attach = attach,
                                        .detach = detach,
                                        .destroy = destroy};
static const struct eg_middleware_ops ops = {.struct_size = sizeof ops,
                                             .on_request = on_request,
                                             .on_event = on_event,
                                             .on_reply = on_reply,
                                             .cancel = cancel};

EGX_COMPONENT(transform_component, EG_KIND_MIDDLEWARE, "transform",
              "changes requests, events and replies, by jq programs or without", transform_settings,
              rows, &life, &ops);
EGX_PLUGIN("middleware_transform", "0.1.0", "Apache-2.0", EG_ABI_MAKE(0, 3), &transform_component)
