/*
 * claim.c - the key of an event, claims, and replies that are kept. Loop thread of the request.
 */
#include "claim.h"

/* ---- the key ---- */

/* The gateway's own, of events that it makes of plain requests: their ids are new each time. */
#define OWN_SOURCE EGX_STR("https://serverless.com/event-gateway/#transformationVersion=0.1")
#define BATCH_TYPE EGX_STR("application/cloudevents-batch")

/* With its length in front, so that no two lists of texts give the same bytes. */
static void put(struct egx_json *out, struct eg_str text) {
    const uint64_t len = text.ptr == NULL ? UINT64_MAX : text.len;
    egx_json_raw(out, egx_str_n((const char *)&len, sizeof len));
    egx_json_raw(out, text);
}

static void put_headers(struct egx_json *out, const struct dedupe *d,
                        const struct eg_exchange *exchange) {
    const struct eg_str_list *names = &d->settings->key_headers;
    for (size_t i = 0; i < names->count; i++) {
        struct eg_str value = d->host->exchange->header(exchange, names->items[i], 0);
        for (size_t n = 1; value.ptr != NULL; n++) {
            put(out, value);
            value = d->host->exchange->header(exchange, names->items[i], n);
        }
        put(out, value); /* ends the list */
    }
}

int dedupe_key(const struct dedupe *d, const struct eg_exchange *exchange,
               const struct eg_event *event, struct sip_hash *ret_key) {
    const struct eg_exchange_api *api = d->host->exchange;
    const struct eg_str source = d->host->event->attribute(event, EGX_STR("source"));
    const struct eg_str id = d->host->event->attribute(event, EGX_STR("id"));
    if (source.len == 0 || id.len == 0 || egx_str_eq(source, OWN_SOURCE)) {
        return 0;
    }
    struct egx_json text = egx_json_begin();
    put(&text, source);
    put(&text, id);
    put(&text, d->host->event->attribute(event, EGX_STR("type"))); /* which has the authorizer */
    put(&text, api->method(exchange));
    put(&text, api->path(exchange));
    put(&text, api->query(exchange)); /* authorizers see it, and it may hold a token */
    put(&text, api->principal(exchange));
    put_headers(&text, d, exchange);
    const int is_made = !text.is_failed;
    if (is_made) {
        *ret_key = dedupe_siphash(&d->key, text.ptr, text.len);
    }
    egx_json_free(&text);
    return is_made;
}

int dedupe_is_batch(const struct dedupe *d, const struct eg_exchange *exchange) {
    const struct eg_str type = d->host->exchange->header(exchange, EGX_STR("content-type"), 0);
    return type.len >= BATCH_TYPE.len &&
           egx_str_eq_nocase(egx_str_n(type.ptr, BATCH_TYPE.len), BATCH_TYPE);
}

/* ---- claims ---- */

struct claim {
    struct dedupe *dedupe;
    struct entry **entries;
    size_t count;
    size_t room;
    struct reply *before; /* headers that other middleware had added when the event came */
};

void dedupe_end(struct dedupe *d, struct entry *entry, struct reply *reply) {
    const uint64_t now_ns = d->host->clock->monotonic_ns(d->host);
    dedupe_wake(d, dedupe_table_finish(d->table, entry, now_ns, reply));
}

static void end_claim(struct claim *claim, struct reply *reply) {
    const struct eg_host *host = claim->dedupe->host;
    for (size_t i = 0; i < claim->count; i++) {
        dedupe_end(claim->dedupe, claim->entries[i], reply);
    }
    dedupe_reply_release(claim->before);
    host->mem->free(host, claim->entries);
    host->mem->free(host, claim);
}

/* The exchange ended, and on_reply was not called. */
static void give_up(void *ptr) {
    end_claim(ptr, NULL);
}

/* ---- replies ---- */

static struct eg_str copy_text(char **at, struct eg_str text) {
    char *to = *at;
    if (text.len > 0) {
        memcpy(to, text.ptr, text.len);
    }
    *at += text.len;
    return egx_str_n(to, text.len);
}

static int has_header(const struct reply *list, struct eg_str name, struct eg_str value) {
    for (size_t i = 0; list != NULL && i < list->header_count; i++) {
        if (egx_str_eq_nocase(list->headers[i].name, name) &&
            egx_str_eq(list->headers[i].value, value)) {
            return 1;
        }
    }
    return 0;
}

static int is_content_type(struct eg_str name) {
    return egx_str_eq_nocase(name, EGX_STR("content-type"));
}

/* Copies what the reply is now, without the headers of except (may be NULL). */
static struct reply *copy_reply(const struct dedupe *d, const struct eg_exchange *exchange,
                                const struct reply *except) {
    const struct eg_exchange_api *api = d->host->exchange;
    const struct eg_str body = api->reply_body(exchange);
    size_t count = 0;
    size_t bytes = sizeof(struct reply) + body.len;
    struct eg_str name;
    struct eg_str value = api->reply_header_at(exchange, 0, &name);
    for (; name.ptr != NULL; value = api->reply_header_at(exchange, ++count, &name)) {
        bytes += sizeof(struct eg_kv) + name.len + value.len;
    }
    struct reply *reply = d->host->mem->alloc(d->host, bytes);
    char *at = (char *)reply + sizeof *reply + count * sizeof(struct eg_kv);
    *reply = (struct reply){
        .host = d->host, .refs = 1, .status = api->reply_status(exchange), .bytes = bytes};
    reply->headers = (struct eg_kv *)(void *)(reply + 1);
    reply->body = copy_text(&at, body);
    for (size_t i = 0; i < count; i++) {
        value = api->reply_header_at(exchange, i, &name);
        if (is_content_type(name)) {
            reply->content_type = copy_text(&at, value);
        } else if (!has_header(except, name, value)) {
            struct eg_kv *kept = &reply->headers[reply->header_count++];
            kept->name = copy_text(&at, name);
            kept->value = copy_text(&at, value);
        }
    }
    return reply;
}

/* RFC 9110 15.5.9, RFC 8470 5.2, RFC 6585 4: 408, 425 and 429 ask to send it again. */
static int is_kept(const struct dedupe *d, uint32_t status) {
    if (egx_str_eq(d->settings->remember, EGX_STR("all"))) {
        return 1;
    }
    if (egx_str_eq(d->settings->remember, EGX_STR("success"))) {
        return status < 400;
    }
    return status < 500 && status != 408 && status != 425 && status != 429;
}

/* Of a batch nobody knows which of its events were refused: only a whole success is kept. */
static struct reply *reply_to_keep(const struct dedupe *d, const struct eg_exchange *exchange,
                                   const struct claim *claim) {
    const struct eg_exchange_api *api = d->host->exchange;
    const uint32_t status = api->reply_status(exchange);
    if (!is_kept(d, status) || api->reply_body(exchange).len > d->settings->max_body ||
        (status >= 300 && dedupe_is_batch(d, exchange))) {
        return NULL;
    }
    return copy_reply(d, exchange, claim->before);
}

void dedupe_claim_add(struct dedupe *d, struct eg_exchange *exchange, struct entry *entry) {
    const struct eg_host *host = d->host;
    struct claim *claim = host->exchange->kept(exchange, host);
    if (claim == NULL) {
        claim = host->mem->alloc(host, sizeof *claim);
        claim->dedupe = d;
        claim->before = copy_reply(d, exchange, NULL);
        host->exchange->keep(exchange, host, claim, give_up);
    }
    if (claim->count == claim->room) {
        const size_t room = claim->room == 0 ? 1 : claim->room * 2;
        struct entry **entries = host->mem->alloc(host, room * sizeof(struct entry *));
        if (claim->count > 0) {
            memcpy(entries, claim->entries, claim->count * sizeof(struct entry *));
        }
        host->mem->free(host, claim->entries);
        claim->entries = entries;
        claim->room = room;
    }
    claim->entries[claim->count++] = entry;
    dedupe_table_own(d->table, entry, claim);
}

void dedupe_claim_finish(struct dedupe *d, struct eg_exchange *exchange) {
    const struct eg_host *host = d->host;
    struct claim *claim = host->exchange->kept(exchange, host);
    if (claim == NULL) {
        return;
    }
    struct reply *reply = reply_to_keep(d, exchange, claim);
    if (reply == NULL) {
        host->metrics->add(d->events[COUNT_UNKEPT], (int64_t)claim->count);
    }
    /* keep() releases what was kept before, which is for those that end otherwise. */
    struct claim *own = host->mem->alloc(host, sizeof *own);
    *own = *claim;
    *claim = (struct claim){.dedupe = d};
    host->exchange->keep(exchange, host, NULL, NULL);
    end_claim(own, reply);
    dedupe_reply_release(reply);
}
