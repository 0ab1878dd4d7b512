/*
 * edits.c - what needs no program: headers, attributes and extensions renamed, removed, set, in
 * this order. What was checked when the rules were read may still be refused by the gateway, for
 * example a time that is none.
 */
#include "transform.h"

/* ---- headers ---- */

/* Those of a request or those of a reply, with the same words. */
struct headers {
    struct eg_str (*at)(const struct eg_exchange *exchange, size_t index, struct eg_str *ret_name);
    int32_t (*set)(struct eg_exchange *exchange, struct eg_str name, struct eg_str value);
};

/* All values of a name as one (RFC 9110 5.3); 0 when there is none. */
static int collect(const struct headers *headers, const struct eg_exchange *exchange,
                   struct eg_str name, struct egx_json *out) {
    struct eg_str found;
    int count = 0;
    for (size_t i = 0;; i++) {
        const struct eg_str value = headers->at(exchange, i, &found);
        if (found.ptr == NULL) {
            return count;
        }
        if (egx_str_eq_nocase(found, name)) {
            egx_json_raw(out, count++ > 0 ? EGX_STR(", ") : EGX_STR(""));
            egx_json_raw(out, value);
        }
    }
}

static int32_t rename_header(const struct headers *headers, struct eg_exchange *exchange,
                             const struct tr_pair *pair) {
    struct egx_json value = egx_json_begin();
    int32_t rc = EG_OK;
    if (collect(headers, exchange, pair->name, &value) > 0) {
        const struct eg_str text = egx_str_n(value.len == 0 ? "" : value.ptr, value.len);
        rc = headers->set(exchange, pair->name, egx_str_n(NULL, 0));
        rc = rc < 0 ? rc : headers->set(exchange, pair->value, text);
    }
    egx_json_free(&value);
    return rc;
}

static int32_t edit_headers(const struct headers *headers, const struct tr_stage *stage,
                            struct eg_exchange *exchange) {
    int32_t rc = EG_OK;
    for (size_t i = 0; rc >= 0 && i < stage->renames.count; i++) {
        rc = rename_header(headers, exchange, &stage->renames.items[i]);
    }
    for (size_t i = 0; rc >= 0 && i < stage->removes.count; i++) {
        rc = headers->set(exchange, stage->removes.items[i], egx_str_n(NULL, 0));
    }
    for (size_t i = 0; rc >= 0 && i < stage->sets.count; i++) {
        const struct tr_pair *pair = &stage->sets.items[i];
        rc = headers->set(
            exchange, pair->name,
            egx_str_n(pair->value.ptr == NULL ? "" : pair->value.ptr, pair->value.len));
    }
    return rc;
}

int32_t tr_edit_request(const struct eg_host *host, const struct tr_stage *stage,
                        struct eg_exchange *exchange) {
    const struct headers headers = {host->exchange->header_at, host->exchange->set_header};
    return edit_headers(&headers, stage, exchange);
}

/* ---- events ---- */

static int32_t set_text(const struct eg_host *host, struct eg_event *event, struct eg_str name,
                        struct eg_str text) {
    struct egx_json json = egx_json_begin();
    if (tr_is_attribute(name)) {
        return host->event->set_attribute(event, name, text);
    }
    egx_json_string(&json, text);
    const int32_t rc = host->event->set_extension(event, name, egx_json_text(&json));
    egx_json_free(&json);
    return rc;
}

static int32_t remove_member(const struct eg_host *host, struct eg_event *event,
                             struct eg_str name) {
    return tr_is_attribute(name) ? host->event->set_attribute(event, name, egx_str_n(NULL, 0))
                                 : host->event->set_extension(event, name, egx_str_n(NULL, 0));
}

/* The text of an extension that is to become an attribute. */
static int32_t text_of(const struct eg_host *host, struct eg_str json, struct eg_json **ret_root,
                       struct eg_str *ret_text) {
    if (json.ptr[0] != '"') {
        *ret_text = json;
        return EG_OK;
    }
    const int32_t rc = host->json->parse(host, json, ret_root, NULL);
    *ret_text = rc < 0 ? json : host->json->string(*ret_root);
    return rc;
}

static int32_t rename_extension(const struct eg_host *host, struct eg_event *event,
                                const struct tr_pair *pair, struct eg_str json) {
    struct eg_json *root = NULL;
    struct eg_str text = json;
    int32_t rc = EG_OK;
    if (tr_is_attribute(pair->value)) {
        rc = text_of(host, json, &root, &text);
        rc = rc < 0 ? rc : host->event->set_attribute(event, pair->value, text);
    } else {
        rc = host->event->set_extension(event, pair->value, json);
    }
    if (root != NULL) {
        host->json->free(host, root);
    }
    return rc;
}

static int32_t rename_member(const struct eg_host *host, struct eg_event *event,
                             const struct tr_pair *pair) {
    const int is_attribute = tr_is_attribute(pair->name);
    const struct eg_str value = is_attribute ? host->event->attribute(event, pair->name)
                                             : host->event->extension(event, pair->name);
    if (value.len == 0) {
        return EG_OK;
    }
    struct eg_buf copy = egx_buf_copy(host, value); /* borrowed until the event is changed */
    const struct eg_str kept = egx_str_n(copy.ptr, copy.len);
    int32_t rc = remove_member(host, event, pair->name);
    if (rc >= 0) {
        rc = is_attribute ? set_text(host, event, pair->value, kept)
                          : rename_extension(host, event, pair, kept);
    }
    egx_buf_release(&copy);
    return rc;
}

int32_t tr_edit_event(const struct eg_host *host, const struct tr_stage *stage,
                      struct eg_event *event) {
    int32_t rc = EG_OK;
    for (size_t i = 0; i < stage->renames.count; i++) {
        if (rename_member(host, event, &stage->renames.items[i]) < 0) {
            return EG_E_SYNTAX;
        }
    }
    for (size_t i = 0; rc >= 0 && i < stage->removes.count; i++) {
        rc = remove_member(host, event, stage->removes.items[i]);
    }
    for (size_t i = 0; rc >= 0 && i < stage->sets.count; i++) {
        const struct tr_pair *pair = &stage->sets.items[i];
        rc = pair->is_json ? host->event->set_extension(event, pair->name, pair->value)
                           : set_text(host, event, pair->name, pair->value);
    }
    return rc;
}

/* ---- replies ---- */

int32_t tr_edit_reply(const struct eg_host *host, const struct tr_stage *stage,
                      struct eg_exchange *exchange) {
    const struct eg_exchange_api *api = host->exchange;
    const struct headers headers = {api->reply_header_at, api->set_reply_header};
    const int32_t rc = edit_headers(&headers, stage, exchange);
    if (rc >= 0 && stage->status != 0 && stage->status != api->reply_status(exchange)) {
        api->reply(exchange, stage->status, tr_reply_type(host, exchange),
                   egx_buf_copy(host, api->reply_body(exchange)));
    }
    return rc;
}
