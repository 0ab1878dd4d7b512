/*
 * state/catalog_copy.c - the cached copy of the configuration on disk, with which a node can start
 * while its store is away (store.cache_file).
 *
 * Writing: when the content came from the store or changed, a pool thread writes all objects anew,
 * a second after the last time at the earliest; a copy that takes long is written less often, so
 * that it costs a fifth of a thread at most. The objects are immutable and counted, so the thread
 * needs no more than a list of them. A stop writes what is not in the file yet,
 * and before that waits for the watch to tell what this node has written.
 *
 * Reading: once, at the start, when the store tells that it is away or is silent for some seconds.
 * The copy becomes the content until the store has told its own, which then replaces it whole. A
 * file that cannot be used is named in the log, and the start goes on waiting for the store.
 *
 * Thread: control; work_* on a pool thread, which has the job for itself. Ownership: the catalog
 * owns the job, lent to the pool until done.
 */
#include <string.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/slice.h"
#include "base/why.h"
#include "state/catalog_inner.h"
#include "state/copy_file.h"
#include "state/copy_format.h"

#define PATIENCE_NS (3 * GW_NS_PER_S)
#define PAUSE_NS (1 * GW_NS_PER_S)
#define PAUSE_FACTOR 4u
#define PAUSE_AFTER_FAILURE_NS (30 * GW_NS_PER_S)

/* An object with its age. */
struct kept {
    struct gw_object *object; /* held */
    uint64_t born;
};

struct gw_copy_job {
    struct gw_job job;
    struct gw_catalog *catalog;
    const char *file;
    struct gw_copy_head head;
    struct kept *kept;         /* to be written: head.objects of them */
    struct gw_content content; /* that was read */
    uint64_t taken_ns;
    int32_t status;
    struct eg_why why;
};

static struct gw_copy_job *job_create(struct gw_catalog *catalog) {
    struct gw_copy_job *job = gw_alloc(sizeof *job);
    job->catalog = catalog;
    job->file = catalog->copy.file;
    job->head.backend = gw_str_c(catalog->config.storage->name);
    job->why.struct_size = sizeof job->why;
    return job;
}

static void job_free(struct gw_copy_job *job) {
    if (job == NULL) {
        return;
    }
    for (size_t i = 0; job->kept != NULL && i < job->head.objects; i++) {
        gw_object_unref(job->kept[i].object);
    }
    gw_free(job->kept);
    gw_content_free(&job->content);
    gw_free(job);
}

static int32_t run(struct gw_copy_job *job, void (*work)(struct gw_job *job),
                   void (*done)(struct gw_job *job)) {
    struct gw_catalog *catalog = job->catalog;
    catalog->copy.job = job;
    const int32_t rc =
        gw_pool_run(catalog->config.pool, catalog->config.control, &job->job, work, done);
    if (rc < 0) {
        catalog->copy.job = NULL;
        job_free(job);
    }
    return rc;
}

/* ---- writing ---- */

static void write_object(struct gw_bytes *out, const struct kept *kept, struct gw_bytes *key,
                         struct gw_bytes *value) {
    const struct gw_object *object = kept->object;
    gw_bytes_clear(key);
    gw_bytes_clear(value);
    gw_store_key(key, object->kind, object->space, object->id);
    gw_object_write(value, object, (struct eg_str){0});
    gw_copy_write_record(out, &(struct gw_copy_record){.key = gw_bytes_str(key),
                                                       .value = gw_bytes_str(value),
                                                       .revision = object->revision,
                                                       .created = kept->born});
}

static void work_write(struct gw_job *base) {
    struct gw_copy_job *job = GW_CONTAINER(base, struct gw_copy_job, job);
    const uint64_t begun_ns = gw_monotonic_ns();
    struct gw_bytes text;
    struct gw_bytes key;
    struct gw_bytes value;
    gw_bytes_init(&text, GW_COPY_MAX_BYTES);
    gw_bytes_init(&key, 0);
    gw_bytes_init(&value, 0);
    gw_copy_write_head(&text, &job->head);
    for (size_t i = 0; i < job->head.objects && !text.is_full; i++) {
        write_object(&text, &job->kept[i], &key, &value);
    }
    gw_copy_write_end(&text);
    job->status = text.is_full ? gw_why(&job->why, EG_E_TOOBIG, "would be bigger than %zu MiB",
                                        GW_COPY_MAX_BYTES / 1024 / 1024)
                               : gw_copy_file_write(job->file, gw_bytes_str(&text), &job->why);
    gw_bytes_free(&text);
    gw_bytes_free(&key);
    gw_bytes_free(&value);
    job->taken_ns = gw_monotonic_ns() - begun_ns;
}

static void schedule(struct gw_catalog *catalog);

/* A disk that is full is told once, not every half minute. */
static void tell_written(struct gw_copy *copy, const struct gw_copy_job *job) {
    if (job->status < 0 && !copy->is_failing) {
        GW_LOG(EG_LOG_WARN, "the cached copy of the configuration is not kept up to date",
               {GW_STR("file"), gw_str_c(copy->file)}, {GW_STR("reason"), gw_why_str(&job->why)});
    } else if (job->status == EG_OK && copy->is_failing) {
        GW_LOG(EG_LOG_INFO, "the cached copy of the configuration is up to date again",
               {GW_STR("file"), gw_str_c(copy->file)});
    }
    copy->is_failing = job->status < 0;
}

static void on_written(struct gw_job *base) {
    struct gw_copy_job *job = GW_CONTAINER(base, struct gw_copy_job, job);
    struct gw_catalog *catalog = job->catalog;
    struct gw_copy *copy = &catalog->copy;
    const uint64_t pause_ns = job->taken_ns * PAUSE_FACTOR;
    tell_written(copy, job);
    copy->next_ns = gw_monotonic_ns() + (copy->is_failing      ? PAUSE_AFTER_FAILURE_NS
                                         : pause_ns > PAUSE_NS ? pause_ns
                                                               : PAUSE_NS);
    copy->job = NULL;
    job_free(job);
    if (catalog->is_stopping) {
        copy->is_stale = copy->is_stale && !copy->is_failing;
    } else {
        copy->is_stale = copy->is_stale || copy->is_failing;
    }
    schedule(catalog);
    if (catalog->is_stopping) {
        gw_catalog_check_stopped(catalog);
    }
}

static void begin_write(struct gw_catalog *catalog) {
    struct gw_copy_job *job = job_create(catalog);
    const struct gw_content *content = &catalog->content;
    const struct gw_map_slot *slot = NULL;
    job->kept = gw_alloc(gw_size_mul(content->records.count + 1, sizeof(struct kept)));
    for (size_t i = 0; (slot = gw_map_next(&content->records, &i)) != NULL;) {
        const struct gw_record *record = slot->value;
        if (record->object != NULL) {
            job->kept[job->head.objects++] =
                (struct kept){.object = gw_object_ref(record->object), .born = record->born};
        }
    }
    job->head.revision = catalog->revision;
    job->head.written_s = gw_unix_ns() / (int64_t)GW_NS_PER_S;
    if (run(job, work_write, on_written) == EG_OK) {
        catalog->copy.is_stale = false;
    } else {
        catalog->copy.next_ns = gw_monotonic_ns() + PAUSE_NS; /* the pool is full */
    }
}

static void on_pause_over(struct gw_timer *timer) {
    schedule(GW_CONTAINER(GW_CONTAINER(timer, struct gw_copy, pause), struct gw_catalog, copy));
}

static void schedule(struct gw_catalog *catalog) {
    struct gw_copy *copy = &catalog->copy;
    const uint64_t now_ns = gw_monotonic_ns();
    if (!copy->is_stale || copy->job != NULL) {
        return;
    }
    if (now_ns >= copy->next_ns || catalog->is_stopping) {
        begin_write(catalog);
    }
    if (copy->is_stale && !catalog->is_stopping) {
        gw_timer_start(catalog->config.control, &copy->pause, copy->next_ns - now_ns,
                       on_pause_over);
    }
}

void gw_copy_mark(struct gw_catalog *catalog) {
    catalog->copy.is_stale = catalog->copy.file != NULL;
}

void gw_copy_refresh(struct gw_catalog *catalog) {
    gw_copy_mark(catalog);
    schedule(catalog);
}

bool gw_copy_is_early(const struct gw_catalog *catalog) {
    return catalog->copy.file != NULL && catalog->awaited.revision != 0 && catalog->is_up &&
           catalog->feed.is_open;
}

/* ---- reading ---- */

static int32_t take_record(struct gw_copy_job *job, const struct gw_copy_record *record,
                           struct eg_why *ret_why) {
    struct gw_record *made = NULL;
    struct eg_why why = {.struct_size = sizeof why};
    const struct gw_told_value told = {.key = record->key,
                                       .value = record->value,
                                       .revision = record->revision,
                                       .created = record->created};
    if (gw_content_get(&job->content, record->key) != NULL ||
        gw_record_read(&told, NULL, &made, &why) < 0) {
        return gw_why(ret_why, EG_E_SYNTAX, "is damaged: it has a key that cannot be");
    }
    if (made->object == NULL) {
        gw_record_free(made);
        return gw_why(ret_why, EG_E_SYNTAX, "is damaged: an object cannot be read: %.*s",
                      GW_FMT(gw_why_str(&why)));
    }
    gw_content_put(&job->content, made);
    return EG_OK;
}

static int32_t take_records(struct gw_copy_job *job, struct eg_str records,
                            struct eg_why *ret_why) {
    struct gw_copy_record record = {0};
    int32_t rc = gw_copy_next(&records, &record);
    while (rc > 0) {
        rc = take_record(job, &record, ret_why);
        if (rc < 0) {
            return rc;
        }
        rc = gw_copy_next(&records, &record);
    }
    if (rc < 0 || job->content.records.count != job->head.objects) {
        return gw_why(ret_why, EG_E_SYNTAX, "is damaged: its records do not fit together");
    }
    return EG_OK;
}

static void work_read(struct gw_job *base) {
    struct gw_copy_job *job = GW_CONTAINER(base, struct gw_copy_job, job);
    const struct eg_str backend = job->head.backend;
    struct eg_str records = {0};
    struct gw_bytes text;
    gw_bytes_init(&text, 0);
    job->status = gw_copy_file_read(job->file, &text, &job->why);
    if (job->status == EG_OK) {
        job->status = gw_copy_read(gw_bytes_str(&text), backend, &job->head, &records, &job->why);
    }
    if (job->status == EG_OK) {
        job->status = take_records(job, records, &job->why);
    }
    gw_bytes_free(&text);
}

/* What an operator has to know: this node may route what the store does not say any more. */
static void tell_used(const struct gw_catalog *catalog, const struct gw_copy_job *job) {
    const int64_t now_s = gw_unix_ns() / (int64_t)GW_NS_PER_S;
    const int64_t age_s = now_s > job->head.written_s ? now_s - job->head.written_s : 0;
    struct gw_bytes text;
    gw_bytes_init(&text, 0);
    gw_bytes_addf(&text,
                  "started without the storage, from the cached copy of the configuration: "
                  "written %lld s ago, revision %llu, %llu objects",
                  (long long)age_s, (unsigned long long)job->head.revision,
                  (unsigned long long)job->head.objects);
    gw_bytes_add_char(&text, '\0');
    GW_LOG(EG_LOG_WARN, text.ptr, {GW_STR("file"), gw_str_c(job->file)},
           {GW_STR("storage"), job->head.backend},
           {GW_STR("reason"), gw_why_str(&catalog->down_why)});
    gw_bytes_free(&text);
}

static void use(struct gw_catalog *catalog, struct gw_copy_job *job) {
    tell_used(catalog, job);
    gw_content_free(&catalog->content);
    catalog->content = job->content;
    memset(&job->content, 0, sizeof job->content);
    catalog->revision = job->head.revision;
    catalog->copy.is_used = true;
    catalog->is_ready = true;
    gw_catalog_become_ready(catalog, EG_OK, (struct eg_str){0});
}

static void on_read(struct gw_job *base) {
    struct gw_copy_job *job = GW_CONTAINER(base, struct gw_copy_job, job);
    struct gw_catalog *catalog = job->catalog;
    catalog->copy.job = NULL;
    if (catalog->is_stopping) {
        gw_catalog_check_stopped(catalog);
    } else if (catalog->is_ready) {
        schedule(catalog); /* the store was faster */
    } else if (job->status == EG_OK) {
        use(catalog, job);
    } else {
        GW_LOG(EG_LOG_WARN, "the cached copy of the configuration is not used",
               {GW_STR("file"), gw_str_c(job->file)}, {GW_STR("reason"), gw_why_str(&job->why)});
    }
    job_free(job);
}

/* A store that says nothing, not even that it is away, is away as well since the start. */
static void on_patience_over(struct gw_timer *timer) {
    struct gw_copy *copy = GW_CONTAINER(timer, struct gw_copy, patience);
    struct gw_catalog *catalog = GW_CONTAINER(copy, struct gw_catalog, copy);
    if (catalog->down_why.len == 0) {
        (void)gw_why(&catalog->down_why, EG_E_UNAVAILABLE,
                     "the storage has told nothing since this gateway was started");
    }
    gw_copy_ask(catalog);
}

void gw_copy_ask(struct gw_catalog *catalog) {
    struct gw_copy *copy = &catalog->copy;
    if (copy->file == NULL || copy->is_asked || catalog->is_stopping) {
        return;
    }
    copy->is_asked = true;
    if (run(job_create(catalog), work_read, on_read) < 0) {
        GW_LOG(EG_LOG_WARN, "the cached copy of the configuration is not used",
               {GW_STR("file"), gw_str_c(copy->file)},
               {GW_STR("reason"), GW_STR("too much work waits for the pool's threads")});
    }
}

/* ---- life ---- */

void gw_copy_init(struct gw_catalog *catalog) {
    if (catalog->config.copy_file.len > 0) {
        GW_ASSERT(catalog->config.pool != NULL);
        catalog->copy.file = gw_dup_cstr(catalog->config.copy_file);
    }
}

void gw_copy_wait(struct gw_catalog *catalog, void (*on_over)(struct gw_timer *timer)) {
    gw_timer_start(catalog->config.control, &catalog->copy.patience, PATIENCE_NS, on_over);
}

void gw_copy_start(struct gw_catalog *catalog) {
    if (catalog->copy.file != NULL) {
        gw_copy_wait(catalog, on_patience_over);
    }
}

void gw_copy_stop(struct gw_catalog *catalog) {
    gw_timer_stop(catalog->config.control, &catalog->copy.pause);
    gw_timer_stop(catalog->config.control, &catalog->copy.patience);
    schedule(catalog);
}

bool gw_copy_is_busy(const struct gw_catalog *catalog) {
    return catalog->copy.job != NULL;
}

void gw_copy_free(struct gw_catalog *catalog) {
    gw_timer_stop(catalog->config.control, &catalog->copy.pause);
    gw_timer_stop(catalog->config.control, &catalog->copy.patience);
    gw_free(catalog->copy.file);
    catalog->copy.file = NULL;
}
