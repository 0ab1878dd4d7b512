/*
 * ops.c - get, list, put, remove, commit. A write is one transaction: what it rests on are its
 * compares, and when they do not hold, the key itself is read in the same step, to tell why.
 *
 * Thread: control. Ownership: an op's inputs are borrowed until done, as the ABI says; they are
 * copied into the request's body.
 */
#include <stddef.h>

#include "storage_etcd.h"

#define MAX_CHECKS 8u
#define MAX_ANSWER_BYTES (64u << 20)
/* Of a value. etcd's own limit is 1.5 MiB for a request, and it warns of more than 10 MiB when it
 * is raised (embed/config.go, recommendedMaxRequestBytes). */
#define MAX_VALUE_BYTES (10u << 20)

struct etcd_op {
    struct etcd_call call;
    struct etcd_list list; /* of list only */
    struct eg_op *op;
    uint64_t expect_revision;
    size_t value_len;
    bool is_removal;
};

static struct etcd_op *as_op(struct etcd_call *call) {
    return (struct etcd_op *)(void *)((char *)call - offsetof(struct etcd_op, call));
}

static struct etcd_op *op_new(struct etcd_store *store, const char *path, struct eg_op *op) {
    struct etcd_op *made = store->host->mem->alloc(store->host, sizeof *made);
    made->op = op;
    made->call.op = op;
    made->list.call.op = op;
    made->call.store = store;
    made->call.path = path;
    made->call.body = egx_json_begin();
    return made;
}

static void op_failed(struct etcd_op *op, int32_t status, const struct eg_why *why) {
    const struct eg_host *host = op->call.store->host;
    egx_done_error(op->op, status == EG_E_CANCELED ? EG_E_UNAVAILABLE : status, "%.*s",
                   (int)why->len, why->text);
    host->mem->free(host, op);
}

static void op_unreadable(struct etcd_op *op, const char *what) {
    struct eg_why why = {.struct_size = sizeof why};
    op_failed(op,
              egx_why(&why, EG_E_PROTO, "etcd at %.*s answers with %s that cannot be read",
                      EGX_FMT(op->call.store->endpoints[op->call.endpoint].name), what),
              &why);
}

/* ---- reads ---- */

static void on_got(struct etcd_call *call, int32_t status, const struct eg_json *root) {
    struct etcd_op *op = as_op(call);
    const struct eg_host *host = call->store->host;
    const struct eg_json *kvs = host->json->member(root, EGX_STR("kvs"));
    struct etcd_header header;
    struct etcd_kv kv;
    if (status < 0) {
        op_failed(op, status, &call->why);
    } else if (etcd_header_read(host, root, &header) < 0) {
        op_unreadable(op, "a header");
    } else if (host->json->count(kvs) == 0) {
        op_failed(op, egx_why(&call->why, EG_E_NOTFOUND, "key not found"), &call->why);
    } else if (etcd_kv_read(host, host->json->at(kvs, 0, NULL), &kv) < 0) {
        etcd_bad_record(call->store, host->json->at(kvs, 0, NULL));
        op_unreadable(op, "a record");
    } else {
        egx_done_value(host, op->op, kv.revision, kv.value);
        etcd_kv_free(host, &kv);
        host->mem->free(host, op);
    }
}

static int32_t get(void *instance, struct eg_str key, struct eg_op *op) {
    struct etcd_store *store = instance;
    if (store->control == NULL || store->is_draining) {
        return EG_E_UNAVAILABLE;
    }
    struct etcd_op *made = op_new(store, "/v3/kv/range", op);
    made->call.flags = ETCD_REPEAT;
    made->call.max_bytes = MAX_ANSWER_BYTES;
    made->call.on_end = on_got;
    etcd_body_range(&made->call.body, key, egx_str_n(NULL, 0), 0, 0);
    etcd_call_send(&made->call);
    return EG_OK;
}

static void on_listed(struct etcd_list *list, int32_t status) {
    struct etcd_op *op = (struct etcd_op *)(void *)((char *)list - offsetof(struct etcd_op, list));
    const struct eg_host *host = list->store->host;
    const struct eg_why why = list->call.why;
    if (status == EG_OK) {
        egx_done_list(host, op->op, &list->rows, list->header.revision);
        etcd_list_free(list);
        host->mem->free(host, op);
        return;
    }
    etcd_list_free(list);
    op_failed(op, status, &why);
}

static int32_t list(void *instance, struct eg_str prefix, struct eg_op *op) {
    struct etcd_store *store = instance;
    if (store->control == NULL || store->is_draining) {
        return EG_E_UNAVAILABLE;
    }
    struct etcd_op *made = op_new(store, NULL, op);
    made->list.store = store;
    made->list.on_end = on_listed;
    etcd_range_make(store->host, prefix, &made->list.range);
    etcd_list_begin(&made->list);
    return EG_OK;
}

/* ---- writes ---- */

/* Why it did not happen: root is the answer of the question in body.c. */
static int32_t refusal(const struct etcd_op *op, const struct eg_json *answer,
                       struct eg_why *ret_why) {
    const struct eg_host *host = op->call.store->host;
    const struct eg_json *range = host->json->member(answer, EGX_STR("response_range"));
    const struct eg_json *kvs = host->json->member(range, EGX_STR("kvs"));
    const bool is_there = host->json->count(kvs) > 0;
    uint64_t revision = 0;
    if (is_there &&
        etcd_number(host, host->json->at(kvs, 0, NULL), EGX_STR("mod_revision"), &revision) < 0) {
        return egx_why(ret_why, EG_E_CONFLICT, "the key was changed meanwhile");
    }
    if (op->is_removal && !is_there) {
        return egx_why(ret_why, EG_E_NOTFOUND, "key not found");
    }
    if (op->expect_revision == EG_REV_ANY || op->expect_revision == revision) {
        return egx_why(ret_why, EG_E_CONFLICT, "what the write rests on was changed meanwhile");
    }
    if (op->expect_revision == EG_REV_ABSENT) {
        return egx_why(ret_why, EG_E_EXISTS,
                       "Previous K/V pair exists, cannot complete Atomic operation");
    }
    return egx_why(ret_why, EG_E_CONFLICT, "the key was changed meanwhile");
}

static void write_answered(struct etcd_op *op, const struct eg_json *root) {
    const struct eg_host *host = op->call.store->host;
    const struct eg_json *responses = host->json->member(root, EGX_STR("responses"));
    const struct eg_json *answer = host->json->at(responses, 0, NULL);
    struct eg_why why = {.struct_size = sizeof why};
    struct etcd_header header;
    uint64_t deleted = 0;
    if (etcd_header_read(host, root, &header) < 0 || host->json->kind(answer) != EG_JSON_OBJECT) {
        op_unreadable(op, "a result of the write, which may have happened,");
        return;
    }
    if (!etcd_is_true(host, root, EGX_STR("succeeded"))) {
        op_failed(op, refusal(op, answer, &why), &why);
        return;
    }
    (void)etcd_number(host, host->json->member(answer, EGX_STR("response_delete_range")),
                      EGX_STR("deleted"), &deleted);
    if (op->is_removal && deleted == 0) {
        op_failed(op, egx_why(&why, EG_E_NOTFOUND, "key not found"), &why);
        return;
    }
    egx_done_revision(op->op, header.revision);
    host->mem->free(host, op);
}

static void on_written(struct etcd_call *call, int32_t status, const struct eg_json *root) {
    struct etcd_op *op = as_op(call);
    struct eg_why why = call->why;
    if (status == EG_OK) {
        write_answered(op, root);
    } else if (status == EG_E_TOOBIG) {
        op_failed(op,
                  egx_why(&why, EG_E_TOOBIG, "a value of %zu bytes is too big: %.*s", op->value_len,
                          (int)call->why.len, call->why.text),
                  &why);
    } else {
        op_failed(op, status, &why);
    }
}

static int32_t check_commit(const struct eg_commit *commit) {
    if (commit->check_count > MAX_CHECKS) {
        return EG_E_INVAL;
    }
    for (size_t i = 0; i < commit->check_count; i++) {
        const uint32_t kind = commit->checks[i]->kind;
        if (kind != EG_CHECK_KEY && kind != EG_CHECK_PREFIX) {
            return EG_E_UNSUPPORTED;
        }
    }
    return EG_OK;
}

static int32_t commit(void *instance, const struct eg_commit *commit, struct eg_op *op) {
    struct etcd_store *store = instance;
    if (store->control == NULL || store->is_draining) {
        return EG_E_UNAVAILABLE;
    }
    const int32_t rc = check_commit(commit);
    if (rc < 0) {
        return rc;
    }
    const size_t value_len = commit->is_removal != 0 ? 0 : commit->value.len;
    if (value_len > MAX_VALUE_BYTES) {
        egx_done_error(op, EG_E_TOOBIG, "values may have %u MiB at most", MAX_VALUE_BYTES >> 20);
        return EG_OK;
    }
    struct etcd_op *made = op_new(store, "/v3/kv/txn", op);
    made->call.flags = ETCD_WRITE;
    made->call.on_end = on_written;
    made->is_removal = commit->is_removal != 0;
    made->expect_revision = commit->expect_revision;
    made->value_len = value_len;
    etcd_body_txn(store->host, &made->call.body, commit);
    etcd_call_send(&made->call);
    return EG_OK;
}

static int32_t put(void *instance, struct eg_str key, struct eg_str value, uint64_t expect_revision,
                   struct eg_op *op) {
    return commit(instance,
                  &(struct eg_commit){.struct_size = sizeof(struct eg_commit),
                                      .key = key,
                                      .value = value,
                                      .expect_revision = expect_revision},
                  op);
}

static int32_t remove_key(void *instance, struct eg_str key, uint64_t expect_revision,
                          struct eg_op *op) {
    return commit(instance,
                  &(struct eg_commit){.struct_size = sizeof(struct eg_commit),
                                      .is_removal = 1,
                                      .key = key,
                                      .expect_revision = expect_revision},
                  op);
}

const struct eg_storage_ops etcd_ops = {
    .struct_size = sizeof etcd_ops,
    .get = get,
    .list = list,
    .put = put,
    .remove = remove_key,
    .watch = etcd_watch_open,
    .unwatch = etcd_watch_close,
    .commit = commit,
};
