/*
 * input.c - what a program is given: the event or the reply as JSON, and its variables where its
 * text names them.
 *
 * Members of an event have their CloudEvents 1.0 names whatever version it came in; values of
 * extensions and data are passed on as they are. An extension called like an attribute (0.1 lets
 * that happen) is not shown, and stays.
 */
#include "transform.h"

struct eg_str tr_reply_type(const struct eg_host *host, const struct eg_exchange *exchange) {
    struct eg_str name;
    for (size_t i = 0;; i++) {
        const struct eg_str value = host->exchange->reply_header_at(exchange, i, &name);
        if (name.ptr == NULL || egx_str_eq_nocase(name, EGX_STR("content-type"))) {
            return name.ptr == NULL ? egx_str_n("", 0) : value;
        }
    }
}

/* application/json, text/json, application/problem+json; charset=utf-8 */
int32_t tr_is_json_type(struct eg_str content_type) {
    size_t len = 0;
    while (len < content_type.len && strchr("; \t", content_type.ptr[len]) == NULL) {
        len++;
    }
    const struct eg_str media_type = egx_str_n(content_type.ptr, len);
    const struct eg_str tail = egx_str_cut(media_type, len < 5 ? len : len - 5);
    return egx_str_eq_nocase(tail, EGX_STR("/json")) || egx_str_eq_nocase(tail, EGX_STR("+json"));
}

/* ---- headers as an object ---- */

typedef struct eg_str (*header_at)(const struct eg_exchange *exchange, size_t index,
                                   struct eg_str *ret_name);

/* How many of that name are there; *ret_is_first: none of them stands before index. */
static size_t count_of(header_at at, const struct eg_exchange *exchange, struct eg_str name,
                       size_t index, int *ret_is_first) {
    struct eg_str other;
    size_t count = 0;
    *ret_is_first = 1;
    for (size_t i = 0; at(exchange, i, &other), other.ptr != NULL; i++) {
        if (egx_str_eq_nocase(other, name)) {
            *ret_is_first = *ret_is_first && i >= index;
            count++;
        }
    }
    return count;
}

static void key_lower(struct egx_json *out, struct eg_str name) {
    egx_json_key(out, name);
    for (size_t i = out->is_failed ? out->len : out->len - name.len - 2; i < out->len; i++) {
        out->ptr[i] = egx_lower(out->ptr[i]); /* a token: nothing in it is escaped */
    }
}

static void write_headers(struct egx_json *out, header_at at, const struct eg_exchange *exchange) {
    struct eg_str name;
    struct eg_str other;
    int is_first = 0;
    egx_json_open(out, '{');
    for (size_t i = 0;; i++) {
        const struct eg_str value = at(exchange, i, &name);
        if (name.ptr == NULL) {
            break;
        }
        const size_t count = count_of(at, exchange, name, i, &is_first);
        if (!is_first) {
            continue;
        }
        key_lower(out, name);
        if (count == 1) {
            egx_json_string(out, value);
            continue;
        }
        egx_json_open(out, '[');
        for (size_t k = i; k < i + 1000; k++) {
            const struct eg_str more = at(exchange, k, &other);
            if (other.ptr == NULL) {
                break;
            }
            if (egx_str_eq_nocase(other, name)) {
                egx_json_string(out, more);
            }
        }
        egx_json_close(out, ']');
    }
    egx_json_close(out, '}');
}

/* ---- event, reply, request ---- */

static void write_event(const struct eg_host *host, struct egx_json *out,
                        const struct eg_event *event) {
    static const struct eg_str names[] = {
        EGX_STR_INIT("id"),         EGX_STR_INIT("source"),
        EGX_STR_INIT("type"),       EGX_STR_INIT("subject"),
        EGX_STR_INIT("time"),       EGX_STR_INIT("datacontenttype"),
        EGX_STR_INIT("dataschema"), EGX_STR_INIT("eventtypeversion")};
    uint32_t is_base64 = 0;
    struct eg_str name;
    egx_json_open(out, '{');
    egx_json_key(out, EGX_STR("specversion"));
    egx_json_string(out, EGX_STR("1.0"));
    for (size_t i = 0; i < EGX_COUNT(names); i++) {
        const struct eg_str value = host->event->attribute(event, names[i]);
        if (value.len > 0) {
            egx_json_key(out, names[i]);
            egx_json_string(out, value);
        }
    }
    for (size_t i = 0;; i++) {
        const struct eg_str value = host->event->extension_at(event, i, &name);
        if (name.ptr == NULL) {
            break;
        }
        if (!tr_is_attribute(name) && !egx_str_eq(name, EGX_STR("specversion")) &&
            !egx_str_eq(name, EGX_STR("data")) && !egx_str_eq(name, EGX_STR("data_base64"))) {
            egx_json_key(out, name);
            egx_json_value(out, value);
        }
    }
    const struct eg_str data = host->event->data(event, &is_base64);
    egx_json_key(out, is_base64 ? EGX_STR("data_base64") : EGX_STR("data"));
    if (is_base64) {
        egx_json_string(out, data);
    } else {
        egx_json_value(out, data);
    }
    egx_json_close(out, '}');
}

static void write_reply(const struct eg_host *host, struct egx_json *out,
                        const struct eg_exchange *exchange) {
    egx_json_open(out, '{');
    egx_json_key(out, EGX_STR("status"));
    egx_json_int(out, host->exchange->reply_status(exchange));
    egx_json_key(out, EGX_STR("headers"));
    write_headers(out, host->exchange->reply_header_at, exchange);
    egx_json_close(out, '}');
}

static void write_request(const struct eg_host *host, struct egx_json *out,
                          const struct eg_exchange *exchange) {
    const struct eg_exchange_api *api = host->exchange;
    egx_json_open(out, '{');
    egx_json_key(out, EGX_STR("method"));
    egx_json_string(out, api->method(exchange));
    egx_json_key(out, EGX_STR("path"));
    egx_json_string(out, api->path(exchange));
    egx_json_key(out, EGX_STR("query"));
    egx_json_string(out, api->query(exchange));
    egx_json_key(out, EGX_STR("headers"));
    write_headers(out, api->header_at, exchange);
    egx_json_close(out, '}');
}

int32_t tr_input_write(const struct eg_host *host, const struct tr_rules *rules, uint32_t program,
                       const struct eg_exchange *exchange, const struct eg_event *event,
                       struct egx_json *out) {
    const struct tr_source *source = &rules->programs[program];
    const int is_reply = event == NULL;
    const struct eg_str none = egx_str_n(NULL, 0);
    const struct eg_str type = is_reply ? tr_reply_type(host, exchange) : none;
    tr_frame_open(out, TR_RUN);
    tr_put_u32(out, program);
    tr_put_u32(out, is_reply ? TR_STAGE_REPLY : TR_STAGE_EVENT);
    size_t at = tr_text_open(out);
    if (is_reply) {
        write_reply(host, out, exchange);
    } else {
        write_event(host, out, event);
    }
    tr_text_close(out, at);
    tr_put_u32(out, type.len == 0 || tr_is_json_type(type));
    tr_put_text(out, is_reply ? host->exchange->reply_body(exchange) : none);
    at = tr_text_open(out);
    if (source->wants_request) {
        write_request(host, out, exchange);
    }
    tr_text_close(out, at);
    tr_put_text(out, source->wants_space ? host->exchange->space(exchange) : none);
    return tr_frame_close(out);
}
