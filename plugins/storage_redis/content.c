/*
 * content.c - the content below a prefix at one revision. It is read by pages, so that no script
 * holds Redis up for long; writes may come between two pages. So when the last page is there, the
 * changes since the first one are read and laid over the pages: of each key the newest word counts,
 * and what stands in no page and no change is not there. If the change stream has lost some of them
 * meanwhile, reading begins anew.
 *
 * Thread: control. Ownership: rows are the reader's; prefix is borrowed until done.
 */
#include "store.h"

#include <hiredis/hiredis.h>

#define PAGE_KEYS 500u
#define PAGE_BYTES (2u * 1024u * 1024u)
#define CHANGES_AT_ONCE 1000u
#define MAX_TRIES 5u

static void read_page(struct redis_content *content);
static void read_changes(struct redis_content *content);

static struct redis_content *of_job(struct redis_job *job) {
    return (struct redis_content *)(void *)((char *)job - offsetof(struct redis_content, job));
}

static void end(struct redis_content *content, int32_t rc, const struct eg_why *why) {
    egx_buf_release(&content->after);
    if (rc != EG_OK) {
        egx_rows_free(content->job.store->host, &content->rows);
    }
    content->done(content, rc, why);
}

static void end_garbage(struct redis_content *content) {
    struct eg_why why = {.struct_size = sizeof why};
    (void)egx_why(&why, EG_E_PROTO, "redis has answered what is not understood");
    end(content, EG_E_PROTO, &why);
}

/* ---- rows of several moments ---- */

static int by_key_and_revision(const void *a, const void *b) {
    const int order = egx_rows_key_order(a, b);
    return order != 0 ? order : egx_rows_revision_order(a, b);
}

void redis_rows_settle(const struct eg_host *host, struct egx_rows *rows) {
    size_t kept = 0;
    if (rows->count > 1) {
        qsort(rows->items, rows->count, sizeof rows->items[0], by_key_and_revision);
    }
    for (size_t i = 0; i < rows->count; i++) {
        struct egx_row *row = rows->items[i];
        const bool is_last = i + 1 == rows->count || !egx_str_eq(row->key, rows->items[i + 1]->key);
        if (is_last && row->kind == EG_CHANGE_PUT) {
            rows->items[kept++] = row;
        } else {
            host->mem->free(host, row);
        }
    }
    rows->count = kept;
}

bool redis_rows_add_changes(struct redis_store *store, struct egx_rows *rows,
                            const struct redisReply *list) {
    if (list == NULL) {
        return false;
    }
    for (size_t i = 0; i < list->elements; i += 5) {
        const struct eg_str kind = redis_part(list, i + 1);
        const struct eg_str key = redis_part(list, i + 2);
        const bool is_put = egx_str_eq(kind, EGX_STR("put"));
        uint64_t revision = 0;
        uint64_t created = 0;
        if (!redis_number(redis_part(list, i), &revision) ||
            !redis_number(redis_part(list, i + 4), &created)) {
            return false;
        }
        if (!is_put && !egx_str_eq(kind, EGX_STR("remove"))) {
            redis_bad_record(store, key, "its change is of no known kind");
            continue;
        }
        egx_rows_add(store->host, rows, is_put ? EG_CHANGE_PUT : EG_CHANGE_REMOVE, revision, key,
                     is_put ? redis_part(list, i + 3) : egx_str_n(NULL, 0));
        rows->items[rows->count - 1]->created = created;
    }
    return true;
}

/* ---- changes that came between ---- */

static void build_changes(struct redis_job *job, struct redis_command *command) {
    struct redis_content *content = of_job(job);
    redis_command_add(command, content->prefix);
    redis_command_add_number(command, content->begin.revision);
    redis_command_add_c(command, content->begin.nonce);
    redis_command_add_number(command, CHANGES_AT_ONCE);
    redis_command_add_number(command, PAGE_BYTES);
}

static void begin_anew(struct redis_content *content) {
    struct eg_why why = {.struct_size = sizeof why};
    egx_rows_free(content->job.store->host, &content->rows);
    egx_buf_release(&content->after);
    content->is_begun = false;
    if (++content->tries >= MAX_TRIES) {
        (void)egx_why(&why, EG_E_BUSY, "redis is written faster than its content can be read");
        end(content, EG_E_BUSY, &why);
        return;
    }
    read_page(content);
}

static void finish_changes(struct redis_job *job, int32_t rc, const struct redisReply *reply,
                           const struct eg_why *why) {
    struct redis_content *content = of_job(job);
    uint64_t revision = 0;
    if (rc != EG_OK) {
        end(content, rc, why);
        return;
    }
    if (egx_str_eq(redis_part(reply, 0), EGX_STR("GONE"))) {
        begin_anew(content);
        return;
    }
    if (!redis_number(redis_part(reply, 1), &revision) ||
        !redis_rows_add_changes(job->store, &content->rows, redis_list_part(reply, 4, 5))) {
        end_garbage(content);
        return;
    }
    redis_place_set(&content->begin, revision, redis_part(reply, 2));
    if (egx_str_eq(redis_part(reply, 3), EGX_STR("1"))) {
        read_changes(content);
        return;
    }
    content->place = content->begin;
    redis_rows_settle(job->store->host, &content->rows);
    end(content, EG_OK, NULL);
}

static void read_changes(struct redis_content *content) {
    content->job.script = REDIS_SCRIPT_CHANGES;
    content->job.build = build_changes;
    content->job.finish = finish_changes;
    redis_job_run(&content->job);
}

/* ---- pages ---- */

static void build_page(struct redis_job *job, struct redis_command *command) {
    struct redis_content *content = of_job(job);
    redis_command_add_range(command, content->prefix,
                            egx_str_n(content->after.ptr, content->after.len));
    redis_command_add_number(command, PAGE_KEYS);
    redis_command_add_number(command, PAGE_BYTES);
}

static void add_rows(struct redis_content *content, const struct redisReply *list) {
    struct redis_store *store = content->job.store;
    for (size_t i = 0; i < list->elements; i += 3) {
        const struct eg_str key = redis_part(list, i);
        uint64_t revision = 0;
        uint64_t created = 0;
        if (redis_revisions(redis_part(list, i + 1), &revision, &created)) {
            egx_rows_add(store->host, &content->rows, EG_CHANGE_PUT, revision, key,
                         redis_part(list, i + 2));
            content->rows.items[content->rows.count - 1]->created = created;
        } else {
            redis_bad_record(store, key, "it has no revision");
        }
    }
}

static void finish_page(struct redis_job *job, int32_t rc, const struct redisReply *reply,
                        const struct eg_why *why) {
    struct redis_content *content = of_job(job);
    const struct eg_host *host = job->store->host;
    uint64_t revision = 0;
    if (rc != EG_OK) {
        end(content, rc, why);
        return;
    }
    const struct redisReply *list = redis_list_part(reply, 5, 3);
    if (!redis_number(redis_part(reply, 1), &revision) || list == NULL) {
        end_garbage(content);
        return;
    }
    if (!content->is_begun) {
        content->is_begun = true;
        redis_place_set(&content->begin, revision, redis_part(reply, 2));
    }
    add_rows(content, list);
    if (egx_str_eq(redis_part(reply, 3), EGX_STR("1"))) {
        egx_buf_release(&content->after);
        content->after = egx_buf_copy(host, redis_part(reply, 4));
        read_page(content);
    } else if (revision != content->begin.revision) {
        read_changes(content);
    } else {
        content->place = content->begin;
        redis_rows_settle(host, &content->rows);
        end(content, EG_OK, NULL);
    }
}

static void read_page(struct redis_content *content) {
    content->job.script = REDIS_SCRIPT_PAGE;
    content->job.build = build_page;
    content->job.finish = finish_page;
    redis_job_run(&content->job);
}

void redis_content_read(struct redis_content *content, struct redis_store *store,
                        struct eg_str prefix) {
    content->job.store = store;
    content->prefix = prefix;
    content->is_begun = false;
    content->tries = 0;
    read_page(content);
}

void redis_content_free(struct redis_content *content) {
    egx_buf_release(&content->after);
    egx_rows_free(content->job.store->host, &content->rows);
}
