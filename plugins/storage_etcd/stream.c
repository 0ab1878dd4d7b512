/*
 * stream.c - the messages of a watch's stream: JSON objects, one a line, {"result":{..}} or
 * {"error":{..}}. The host hands over pieces of any size; a line is kept until its end has come.
 *
 * The first result is `created`. Then `events` (in order; those of one transaction share a revision
 * and are in one message, or in several marked `fragment`), empty ones that tell how far the store
 * is, or `canceled`, with compact_revision when history that was asked for is gone. The last
 * revision of a fragment may go on in the next one: its changes are held back until it is whole, so
 * that a stream can be begun anew behind any revision that was told.
 *
 * Thread: control. Ownership: the line and the held rows are the watch's.
 */
#include <stddef.h>

#include "storage_etcd.h"

#define LINE_MAX_BYTES ((size_t)64 << 20)

static struct etcd_watch *watch_of(struct etcd_call *call) {
    return (struct etcd_watch *)(void *)((char *)call - offsetof(struct etcd_watch, call));
}

/* Cancels the stream; what then is for watch.c. EG_OK: begin anew. */
static void stop(struct etcd_watch *watch, int32_t status) {
    watch->is_stopping = true;
    watch->stop_status = status;
    etcd_call_cancel(&watch->call);
}

static void stop_for_content(struct etcd_watch *watch) {
    watch->needs_content = watch->needs_reset = true;
    stop(watch, EG_OK);
}

static struct eg_str name_of(const struct etcd_watch *watch) {
    return watch->store->endpoints[watch->call.endpoint].name;
}

/* ---- events ---- */

static void flush(struct etcd_watch *watch) {
    if (watch->held.count == 0) {
        return;
    }
    watch->seen = watch->held.items[0]->revision;
    egx_tell_rows(watch->told, &watch->held);
    egx_rows_free(watch->store->host, &watch->held);
}

/* "PUT" is the default, so it is left out; as a number by those who write enums so. */
static int32_t read_kind(const struct eg_host *host, const struct eg_json *event,
                         uint32_t *ret_kind) {
    const struct eg_json *type = host->json->member(event, EGX_STR("type"));
    const struct eg_str text = host->json->string(type);
    const uint32_t kind = host->json->kind(type);
    if (kind == EG_JSON_NULL || egx_str_eq(text, EGX_STR("PUT")) ||
        (kind == EG_JSON_INT && host->json->integer(type) == 0)) {
        *ret_kind = EG_CHANGE_PUT;
        return EG_OK;
    }
    *ret_kind = EG_CHANGE_REMOVE;
    return egx_str_eq(text, EGX_STR("DELETE")) ||
                   (kind == EG_JSON_INT && host->json->integer(type) == 1)
               ? EG_OK
               : EG_E_PROTO;
}

static void take_event(struct etcd_watch *watch, const struct eg_json *event) {
    const struct eg_host *host = watch->store->host;
    const struct eg_json *record = host->json->member(event, EGX_STR("kv"));
    struct etcd_kv kv;
    uint32_t kind = 0;
    if (read_kind(host, event, &kind) < 0 || etcd_kv_read(host, record, &kv) < 0) {
        etcd_bad_record(watch->store, record);
        return;
    }
    if (watch->held.count > 0 && watch->held.items[0]->revision != kv.revision) {
        flush(watch);
    }
    if (kv.revision > watch->seen) { /* else it was told already */
        egx_rows_add(host, &watch->held, kind, kv.revision, kv.key, kv.value);
        watch->held.items[watch->held.count - 1]->created = kv.created;
    }
    etcd_kv_free(host, &kv);
}

static void take_events(struct etcd_watch *watch, const struct eg_json *events, bool is_fragment) {
    const struct eg_host *host = watch->store->host;
    const uint64_t before = watch->seen;
    const size_t count = host->json->count(events);
    for (size_t i = 0; i < count; i++) {
        take_event(watch, host->json->at(events, i, NULL));
    }
    if (!is_fragment) {
        flush(watch);
    }
    if (watch->seen > before) {
        etcd_watch_progress(watch);
    }
}

/* ---- messages ---- */

static void take_canceled(struct etcd_watch *watch, const struct eg_json *result) {
    const struct eg_host *host = watch->store->host;
    const struct eg_str reason = etcd_string(host, result, EGX_STR("cancel_reason"));
    uint64_t compacted = 0;
    if (etcd_number(host, result, EGX_STR("compact_revision"), &compacted) == EG_OK &&
        compacted > 0) {
        stop_for_content(watch);
        return;
    }
    const struct etcd_error *error = etcd_error_find(14, reason);
    stop(watch, egx_why(&watch->stop_why, error->code, "etcd at %.*s ends the watch: %.*s%s%s",
                        EGX_FMT(name_of(watch)), EGX_FMT(reason), error->advice == NULL ? "" : "; ",
                        error->advice == NULL ? "" : error->advice));
}

static void take_result(struct etcd_watch *watch, const struct eg_json *result) {
    const struct eg_host *host = watch->store->host;
    const struct eg_json *events = host->json->member(result, EGX_STR("events"));
    const bool is_fragment = etcd_is_true(host, result, EGX_STR("fragment"));
    const bool is_created = etcd_is_true(host, result, EGX_STR("created"));
    struct etcd_header header;
    if (etcd_header_read(host, result, &header) < 0) {
        stop(watch,
             egx_why(&watch->stop_why, EG_E_PROTO, "etcd at %.*s tells changes that cannot be read",
                     EGX_FMT(name_of(watch))));
    } else if (etcd_is_true(host, result, EGX_STR("canceled"))) {
        take_canceled(watch, result);
    } else if (header.cluster != watch->cluster) {
        stop_for_content(watch);
    } else if (is_created) {
        etcd_watch_created(watch);
    } else if (host->json->count(events) > 0 || is_fragment || watch->held.count > 0) {
        take_events(watch, events, is_fragment);
    } else if (header.revision > watch->seen) {
        watch->seen = header.revision; /* nothing more came up to here */
        etcd_watch_progress(watch);
    }
}

static void take_error(struct etcd_watch *watch, const struct eg_json *root) {
    struct eg_str message = {NULL, 0};
    const struct etcd_error *error = etcd_error_read(watch->store->host, root, &message);
    stop(watch,
         egx_why(&watch->stop_why, error == NULL ? EG_E_PROTO : error->code,
                 "etcd at %.*s ends the watch: %.*s", EGX_FMT(name_of(watch)), EGX_FMT(message)));
}

static void take_line(struct etcd_watch *watch, struct eg_str line) {
    const struct eg_host *host = watch->store->host;
    struct eg_json *root = NULL;
    if (host->json->parse(host, line, &root, NULL) < 0) {
        stop(watch,
             egx_why(&watch->stop_why, EG_E_PROTO, "etcd at %.*s tells changes that are no JSON",
                     EGX_FMT(name_of(watch))));
        return;
    }
    const struct eg_json *result = host->json->member(root, EGX_STR("result"));
    if (host->json->member(root, EGX_STR("error")) != NULL) {
        take_error(watch, root);
    } else {
        take_result(watch, result);
    }
    host->json->free(host, root);
}

/* A message that is too big is not waited for: the content is read anew, which can be done in small
 * pieces. */
static void keep(struct etcd_watch *watch, struct eg_str piece) {
    if (piece.len > LINE_MAX_BYTES - watch->line.len) {
        egx_log(watch->store->host, EG_LOG_WARN,
                "etcd at %.*s tells changes in one message of more than %zu MiB; all is read anew",
                EGX_FMT(name_of(watch)), LINE_MAX_BYTES >> 20);
        stop_for_content(watch);
        return;
    }
    egx_json_raw(&watch->line, piece);
    if (watch->line.is_failed) {
        stop(watch, egx_why(&watch->stop_why, EG_E_TOOBIG, "memory is out"));
    }
}

static void on_data(struct etcd_call *call, struct eg_str piece) {
    struct etcd_watch *watch = watch_of(call);
    etcd_watch_heard(watch);
    while (piece.len > 0 && !watch->is_stopping && !watch->is_closing) {
        const char *end = memchr(piece.ptr, '\n', piece.len);
        const struct eg_str part =
            egx_str_n(piece.ptr, end == NULL ? piece.len : (size_t)(end - piece.ptr));
        piece = egx_str_cut(piece, end == NULL ? piece.len : part.len + 1);
        if (end != NULL && watch->line.len == 0) {
            if (part.len > 0) {
                take_line(watch, part);
            }
            continue;
        }
        keep(watch, part);
        if (end != NULL && !watch->is_stopping) {
            take_line(watch, egx_json_text(&watch->line));
            egx_json_free(&watch->line);
        }
    }
}

/* ---- life ---- */

static void on_end(struct etcd_call *call, int32_t status, const struct eg_json *root) {
    struct etcd_watch *watch = watch_of(call);
    (void)root;
    egx_json_free(&watch->line);
    egx_rows_free(watch->store->host, &watch->held);
    if (watch->is_stopping) {
        status = watch->stop_status;
    } else if (status == EG_OK) {
        status = egx_why(&call->why, EG_E_UNAVAILABLE, "etcd at %.*s has ended the watch",
                         EGX_FMT(name_of(watch)));
    }
    etcd_watch_ended(watch, status);
}

/* The stream is there, but etcd does not say so. */
static void on_created_late(void *arg) {
    struct etcd_watch *watch = arg;
    const int32_t status =
        egx_why(&watch->stop_why, EG_E_UNAVAILABLE, "etcd at %.*s did not open a watch in time",
                EGX_FMT(name_of(watch)));
    watch->call.is_timeout = true;
    etcd_health_failed(watch->store, watch->call.endpoint, status, &watch->stop_why);
    stop(watch, status);
}

void etcd_stream_open(struct etcd_watch *watch) {
    struct etcd_store *store = watch->store;
    struct etcd_call *call = &watch->call;
    *call = (struct etcd_call){.store = store,
                               .path = "/v3/watch",
                               .flags = ETCD_ANYWAY,
                               .idle_timeout_ns = store->settings->dead_after,
                               .on_data = on_data,
                               .on_end = on_end,
                               .body = egx_json_begin()};
    watch->step = ETCD_WATCH_OPENING;
    watch->is_stopping = false;
    watch->stop_why = (struct eg_why){.struct_size = sizeof watch->stop_why};
    etcd_body_watch(&call->body, &watch->range, watch->seen + 1);
    watch->timer = store->host->loop->timer_start(
        store->host, store->control, store->settings->timeout, 0, on_created_late, watch);
    etcd_call_send(call);
}

void etcd_stream_free(struct etcd_watch *watch) {
    egx_json_free(&watch->line);
    egx_rows_free(watch->store->host, &watch->held);
}
