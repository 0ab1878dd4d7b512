/*
 * flow/answer.c - see answer.h. Everything lies in the exchange's arena; bodies that came as eg_buf
 * are kept until the exchange ends, and the server holds the exchange until the body is sent.
 */
#include "flow/answer.h"

#include "base/check.h"
#include "base/mem.h"
#include "base/slice.h"
#include "domain/reply.h"
#include "flow/exchange.h"

struct gw_kept {
    struct eg_buf buf;
    struct gw_kept *next;
};

void gw_headers_add(struct gw_arena *arena, struct gw_headers *headers, struct eg_str name,
                    struct eg_str value) {
    if (headers->count == headers->room) {
        const size_t room = headers->room == 0 ? 8 : gw_size_mul(headers->room, 2);
        struct eg_kv *items = gw_arena_alloc(arena, gw_size_mul(room, sizeof *items));
        if (headers->count > 0) {
            memcpy(items, headers->items, headers->count * sizeof *items);
        }
        headers->items = items;
        headers->room = room;
    }
    headers->items[headers->count++] = (struct eg_kv){name, value};
}

void gw_answer_clear(struct eg_exchange *exchange) {
    struct gw_answer *a = &exchange->answer;
    a->status = 0;
    a->message = a->content_type = a->body = (struct eg_str){0};
    a->own.count = 0;
}

void gw_answer_set(struct eg_exchange *exchange, uint32_t status) {
    gw_answer_clear(exchange);
    exchange->answer.status = status;
}

void gw_answer_error(struct eg_exchange *exchange, uint32_t status, struct eg_str message) {
    struct gw_answer *a = &exchange->answer;
    gw_answer_set(exchange, status);
    a->message = gw_arena_dup(exchange->arena, message);
    exchange->flow->face->error(exchange);
}

void gw_answer_keep(struct eg_exchange *exchange, struct eg_buf buf) {
    if (buf.release == NULL) {
        return;
    }
    struct gw_kept *kept = gw_arena_alloc(exchange->arena, sizeof *kept);
    *kept = (struct gw_kept){.buf = buf, .next = exchange->answer.kept};
    exchange->answer.kept = kept;
}

void gw_answer_free(struct gw_answer *answer) {
    for (struct gw_kept *k = answer->kept; k != NULL; k = k->next) {
        gw_buf_release(&k->buf);
    }
    answer->kept = NULL;
}

void gw_answer_body(struct eg_exchange *exchange, struct eg_str content_type, struct eg_buf body) {
    struct gw_answer *a = &exchange->answer;
    gw_answer_keep(exchange, body);
    a->message = (struct eg_str){0};
    a->content_type = gw_arena_dup(exchange->arena, content_type);
    a->body = gw_str(body.ptr, body.len);
}

static bool has_name(const struct gw_headers *headers, struct eg_str name) {
    for (size_t i = 0; i < headers->count; i++) {
        if (gw_str_eq_nocase(headers->items[i].name, name)) {
            return true;
        }
    }
    return false;
}

static void remove_name(struct gw_headers *headers, struct eg_str name) {
    size_t left = 0;
    for (size_t i = 0; i < headers->count; i++) {
        if (!gw_str_eq_nocase(headers->items[i].name, name)) {
            headers->items[left++] = headers->items[i];
        }
    }
    headers->count = left;
}

void gw_answer_remove_header(struct gw_answer *answer, struct eg_str name) {
    remove_name(&answer->own, name);
    remove_name(&answer->added, name);
    if (gw_str_eq_nocase(name, GW_STR("Content-Type"))) {
        answer->content_type = (struct eg_str){0};
    }
}

struct eg_str gw_answer_header_at(const struct gw_answer *answer, size_t index,
                                  struct eg_str *ret_name) {
    const struct gw_headers *const lists[] = {&answer->own, &answer->added};
    const struct eg_str content_type = GW_STR("Content-Type");
    const bool has_type = answer->content_type.len > 0 && !has_name(&answer->added, content_type);
    if (has_type && index-- == 0) {
        *ret_name = content_type;
        return answer->content_type;
    }
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        if (index < lists[i]->count) {
            *ret_name = lists[i]->items[index].name;
            return lists[i]->items[index].value;
        }
        index -= lists[i]->count;
    }
    *ret_name = (struct eg_str){0};
    return *ret_name;
}

/* events.expose_revision: what the request was routed by. Nobody else says that of us. */
#define REVISION_NAME GW_STR("eg-config-revision")

static void add_list(struct eg_exchange *exchange, const struct gw_headers *from,
                     struct gw_headers *all) {
    const bool is_ours = exchange->flow->config.exposes_revision;
    for (size_t i = 0; i < from->count; i++) {
        if (!is_ours || !gw_str_eq_nocase(from->items[i].name, REVISION_NAME)) {
            gw_headers_add(exchange->arena, all, from->items[i].name, from->items[i].value);
        }
    }
}

static void add_revision(struct eg_exchange *exchange, struct gw_headers *all) {
    if (exchange->flow->config.exposes_revision) {
        const uint64_t revision = gw_snapshot_revision(gw_exchange_snapshot(exchange));
        gw_headers_add(exchange->arena, all, REVISION_NAME,
                       gw_arena_printf(exchange->arena, "%llu", (unsigned long long)revision));
    }
}

/* The CORS rule does not speak for who has spoken: a function, or a middleware that answers in its
 * place. More than one Access-Control-Allow-Origin fails in browsers; Vary may come twice. */
static bool is_said(const struct gw_answer *a, struct eg_str name) {
    return has_name(&a->own, name) ||
           (has_name(&a->added, name) && !gw_str_eq_nocase(name, GW_STR("Vary")));
}

static void join_headers(struct eg_exchange *exchange, struct gw_headers *ret_all) {
    const struct gw_answer *a = &exchange->answer;
    const struct eg_str content_type = GW_STR("Content-Type");
    for (size_t i = 0; i < a->cors.count; i++) {
        if (!is_said(a, a->cors.items[i].name)) {
            gw_headers_add(exchange->arena, ret_all, a->cors.items[i].name, a->cors.items[i].value);
        }
    }
    add_list(exchange, &a->own, ret_all);
    add_list(exchange, &a->added, ret_all);
    add_revision(exchange, ret_all);
    if (has_name(&a->added, content_type)) {
        return;
    }
    if (a->content_type.len > 0) {
        gw_headers_add(exchange->arena, ret_all, content_type, a->content_type);
    } else if (a->body.len > 0) {
        gw_headers_add(exchange->arena, ret_all, content_type, gw_sniff(a->body));
    }
}

static void release_hold(void *owner) {
    gw_exchange_unref(owner);
}

void gw_answer_send(struct eg_exchange *exchange) {
    struct gw_answer *a = &exchange->answer;
    struct gw_headers all = {0};
    GW_ASSERT(!a->is_sent && a->status != 0);
    join_headers(exchange, &all);
    struct gw_http_reply reply = {
        .status = a->status,
        .headers = all.items,
        .header_count = all.count,
    };
    if (a->body.len > 0) {
        gw_exchange_ref(exchange);
        reply.body = (struct eg_buf){
            .ptr = a->body.ptr,
            .len = a->body.len,
            .release = release_hold,
            .owner = exchange,
        };
    }
    a->is_sent = true;
    gw_http_reply(exchange->request, &reply);
}
