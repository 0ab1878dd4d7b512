/*
 * audit.c - from time to time the data set is held against itself, and what watches were told
 * against the data set. Values that were changed by hand (HSET with redis-cli: no revision, or a
 * digest that does not fit) become changes like any other, by a script, so that every gateway is
 * told of them; records that a watch was told wrongly, if that ever happens, reset the watch.
 *
 * By pages, as the content is read. What watches were told is compared only when nothing was
 * written while the pages were read; on a store that is written all the time, some later run will
 * do.
 *
 * Thread: control.
 */
#include <sys/random.h>

#include "store.h"

#include <hiredis/hiredis.h>

#define PAGE_KEYS 250u
#define PAGE_BYTES (1024u * 1024u) /* the server makes a digest of them */
#define LOG_BYTES (64u * 1024u * 1024u)

struct redis_audit {
    struct redis_job job;
    struct redis_store *store;
    struct eg_timer *timer;
    struct egx_rows rows; /* keys and revisions */
    struct eg_buf after;
    char cursor[24];
    char nonce[REDIS_NONCE_BYTES];
    uint64_t revision; /* of the first page */
    uint64_t changed;
    char example[128];
    bool is_running;
    bool is_begun;
    bool has_moved; /* something was written meanwhile */
};

static void read_page(struct redis_audit *audit);
static void read_strays(struct redis_audit *audit);

static struct redis_audit *of_job(struct redis_job *job) {
    return (struct redis_audit *)(void *)((char *)job - offsetof(struct redis_audit, job));
}

/* ---- the timer ---- */

static void begin(void *arg) {
    struct redis_audit *audit = arg;
    struct redis_store *store = audit->store;
    store->host->loop->timer_stop(store->host, audit->timer);
    audit->timer = NULL;
    if (audit->is_running || store->is_draining) {
        return;
    }
    audit->is_running = true;
    audit->is_begun = false;
    audit->has_moved = false;
    audit->changed = 0;
    read_page(audit);
}

/* Half to one and a half of the period, so that many gateways do not come together. */
static void plan(struct redis_audit *audit) {
    struct redis_store *store = audit->store;
    const uint64_t period = store->settings->reconcile;
    uint64_t random = 0;
    if (getrandom(&random, sizeof random, GRND_NONBLOCK) != (ssize_t)sizeof random) {
        random = period / 2;
    }
    const bool is_wanted = redis_session_is_up(store) && !store->is_draining;
    if (is_wanted && audit->timer == NULL && !audit->is_running) {
        audit->timer = store->host->loop->timer_start(
            store->host, store->control, period / 2 + random % (period + 1), 0, begin, audit);
    }
}

/* ---- ends ---- */

static void report(struct redis_audit *audit) {
    struct redis_store *store = audit->store;
    if (audit->changed == 0) {
        return;
    }
    egx_log(store->host, EG_LOG_WARN,
            "redis: %llu records were changed by hand and are taken over, one of them is '%s'",
            (unsigned long long)audit->changed, audit->example);
    store->host->metrics->add(store->repairs, (int64_t)audit->changed);
}

static void end(struct redis_audit *audit, bool is_whole) {
    struct redis_store *store = audit->store;
    report(audit);
    if (is_whole && !audit->has_moved && audit->changed == 0) {
        redis_watches_compare(store, &audit->rows, audit->revision);
    }
    egx_rows_free(store->host, &audit->rows);
    egx_buf_release(&audit->after);
    audit->is_running = false;
    plan(audit);
}

static bool count_changed(struct redis_audit *audit, struct eg_str count, struct eg_str example) {
    uint64_t number = 0;
    if (!redis_number(count, &number)) {
        return false;
    }
    audit->changed += number;
    if (number > 0) {
        (void)snprintf(audit->example, sizeof audit->example, "%.*s", EGX_FMT(example));
    }
    return true;
}

/* ---- values that are in no index ---- */

static void build_common(struct redis_audit *audit, struct redis_command *command) {
    redis_fresh_nonce(audit->nonce);
    audit->nonce[16] = '-'; /* shorter: the script appends a number */
    audit->nonce[17] = '\0';
    redis_command_add_joined(command, egx_str_c(audit->nonce), egx_str_n(NULL, 0));
    redis_command_add_number(command, (uint64_t)audit->store->settings->history);
    redis_command_add_number(command, LOG_BYTES);
}

static void build_strays(struct redis_job *job, struct redis_command *command) {
    build_common(of_job(job), command);
    redis_command_add_c(command, of_job(job)->cursor);
}

static void finish_strays(struct redis_job *job, int32_t rc, const struct redisReply *reply,
                          const struct eg_why *why) {
    struct redis_audit *audit = of_job(job);
    (void)why;
    if (rc != EG_OK || !count_changed(audit, redis_part(reply, 2), redis_part(reply, 3))) {
        end(audit, false);
        return;
    }
    (void)snprintf(audit->cursor, sizeof audit->cursor, "%.*s", EGX_FMT(redis_part(reply, 1)));
    if (strcmp(audit->cursor, "0") == 0 || audit->store->is_draining) {
        end(audit, false);
    } else {
        read_strays(audit);
    }
}

static void read_strays(struct redis_audit *audit) {
    audit->job.script = REDIS_SCRIPT_STRAY;
    audit->job.build = build_strays;
    audit->job.finish = finish_strays;
    redis_job_run(&audit->job);
}

/* ---- pages ---- */

static void build_page(struct redis_job *job, struct redis_command *command) {
    struct redis_audit *audit = of_job(job);
    build_common(audit, command);
    if (audit->after.ptr != NULL) {
        redis_command_add_joined(command, EGX_STR("("),
                                 egx_str_n(audit->after.ptr, audit->after.len));
    } else {
        redis_command_add_c(command, "-");
    }
    redis_command_add_number(command, PAGE_KEYS);
    redis_command_add_number(command, PAGE_BYTES);
}

static void add_rows(struct redis_audit *audit, const struct redisReply *list) {
    for (size_t i = 0; i < list->elements; i += 2) {
        uint64_t revision = 0;
        if (redis_number(redis_part(list, i + 1), &revision)) {
            egx_rows_add(audit->store->host, &audit->rows, EG_CHANGE_PUT, revision,
                         redis_part(list, i), egx_str_n(NULL, 0));
        }
    }
}

static void finish_page(struct redis_job *job, int32_t rc, const struct redisReply *reply,
                        const struct eg_why *why) {
    struct redis_audit *audit = of_job(job);
    uint64_t revision = 0;
    (void)why;
    const struct redisReply *list = rc == EG_OK ? redis_list_part(reply, 7, 2) : NULL;
    if (list == NULL || audit->store->is_draining ||
        !redis_number(redis_part(reply, 1), &revision) ||
        !count_changed(audit, redis_part(reply, 4), redis_part(reply, 5))) {
        end(audit, false);
        return;
    }
    if (!audit->is_begun) {
        audit->is_begun = true;
        audit->revision = revision;
    }
    audit->has_moved = audit->has_moved || revision != audit->revision;
    add_rows(audit, list);
    egx_buf_release(&audit->after);
    if (egx_str_eq(redis_part(reply, 2), EGX_STR("1"))) {
        audit->after = egx_buf_copy(audit->store->host, redis_part(reply, 3));
        read_page(audit);
    } else if (egx_str_eq(redis_part(reply, 6), EGX_STR("1"))) {
        (void)snprintf(audit->cursor, sizeof audit->cursor, "0");
        read_strays(audit);
    } else {
        end(audit, true);
    }
}

static void read_page(struct redis_audit *audit) {
    audit->job.store = audit->store;
    audit->job.script = REDIS_SCRIPT_AUDIT;
    audit->job.build = build_page;
    audit->job.finish = finish_page;
    redis_job_run(&audit->job);
}

/* ---- life ---- */

void redis_audit_create(struct redis_store *store) {
    store->audit = store->host->mem->alloc(store->host, sizeof *store->audit);
    store->audit->store = store;
}

void redis_audit_start(struct redis_store *store) {
    plan(store->audit);
}

void redis_audit_stop(struct redis_store *store) {
    store->host->loop->timer_stop(store->host, store->audit->timer);
    store->audit->timer = NULL;
}

void redis_audit_free(struct redis_store *store) {
    egx_rows_free(store->host, &store->audit->rows);
    egx_buf_release(&store->audit->after);
    store->host->mem->free(store->host, store->audit);
}
