/*
 * api/config_answer.c - see the header. Every reply of the Config API leaves through send(), which
 * also observes its duration. Secrets of functions are masked here and nowhere else (Q20). Control
 * thread; bodies are built on the heap and given to the server.
 */
#include "api/config_answer.h"

#include "base/check.h"
#include "base/clock.h"
#include "base/jwrite.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/slice.h"

#define CONTENT_TYPE(value)                                                                        \
    { GW_STR("Content-Type"), (value) }
#define JSON_TYPE GW_STR("application/json")

static void send(struct gw_config_context *context, struct gw_http_request *request,
                 uint32_t status, const struct eg_kv *headers, size_t header_count,
                 struct eg_buf body) {
    struct gw_http_reply reply = {
        .status = status, .headers = headers, .header_count = header_count, .body = body};
    gw_metric_observe_ns(context->duration, gw_monotonic_ns() - request->received_ns);
    gw_http_reply(request, &reply);
    gw_http_request_unref(request);
}

void gw_config_answer_empty(struct gw_config_context *context, struct gw_http_request *request,
                            uint32_t status) {
    send(context, request, status, NULL, 0, (struct eg_buf){0});
}

void gw_config_answer_bytes(struct gw_config_context *context, struct gw_http_request *request,
                            struct eg_str content_type, struct gw_bytes *body) {
    const struct eg_kv headers[] = {CONTENT_TYPE(content_type)};
    send(context, request, 200, headers, GW_COUNT(headers), gw_bytes_take(body));
}

void gw_config_answer_plain(struct gw_config_context *context, struct gw_http_request *request,
                            uint32_t status, struct eg_str text) {
    const struct eg_kv headers[] = {CONTENT_TYPE(GW_STR("text/plain; charset=utf-8")),
                                    {GW_STR("X-Content-Type-Options"), GW_STR("nosniff")}};
    send(context, request, status, headers, GW_COUNT(headers), gw_buf_static(text));
}

static void send_error(struct gw_config_context *context, struct gw_http_request *request,
                       uint32_t status, struct eg_kv extra, struct eg_str message) {
    const struct eg_kv headers[] = {CONTENT_TYPE(JSON_TYPE), extra};
    struct gw_bytes body;
    gw_bytes_init(&body, 0);
    gw_jw_error_envelope(&body, message);
    send(context, request, status, headers, extra.name.len > 0 ? 2 : 1, gw_bytes_take(&body));
}

void gw_config_answer_error(struct gw_config_context *context, struct gw_http_request *request,
                            uint32_t status, struct eg_str message) {
    struct eg_kv extra = {{0}, {0}};
    if (status == 503) {
        extra = (struct eg_kv){GW_STR("Retry-After"), GW_STR(GW_CONFIG_RETRY_AFTER)};
    }
    send_error(context, request, status, extra, message);
}

void gw_config_answer_unauthorized(struct gw_config_context *context,
                                   struct gw_http_request *request, bool was_given) {
    const struct eg_kv challenge = {
        GW_STR("WWW-Authenticate"),
        was_given ? GW_STR("Bearer realm=\"event-gateway\", error=\"invalid_token\"")
                  : GW_STR("Bearer realm=\"event-gateway\"")};
    send_error(context, request, 401, challenge,
               was_given ? GW_STR("The bearer token is not the right one.")
                         : GW_STR("A bearer token is required."));
}

void gw_config_answer_store_error(struct gw_config_context *context,
                                  struct gw_http_request *request, int32_t status,
                                  struct eg_str why) {
    const bool is_away =
        status == EG_E_UNAVAILABLE || status == EG_E_TIMEOUT || status == EG_E_BUSY;
    const struct eg_str text = why.len > 0 ? why : gw_str_c(gw_error_text(status));
    GW_LOG(EG_LOG_ERROR, "the store failed a call of the Config API", {GW_STR("error"), text},
           {GW_STR("request_id"), request->request_id});
    gw_config_answer_error(context, request, is_away ? 503 : 500, text);
}

void gw_config_answer_deleted(struct gw_config_context *context, struct gw_http_request *request) {
    const struct eg_kv headers[] = {CONTENT_TYPE(JSON_TYPE)};
    send(context, request, 204, headers, GW_COUNT(headers), (struct eg_buf){0});
}

static void write_object(const struct gw_config_context *context, struct gw_bytes *out,
                         const struct gw_object *object) {
    struct gw_bytes masked;
    gw_bytes_init(&masked, 0);
    if (object->kind == GW_FUNCTION && context->mask_secrets) {
        gw_provider_mask(context->manager, object->as.function.type,
                         object->as.function.provider_json, &masked);
    }
    gw_object_write(out, object, gw_bytes_str(&masked));
    gw_bytes_free(&masked);
}

void gw_config_answer_object(struct gw_config_context *context, struct gw_http_request *request,
                             uint32_t status, const struct gw_object *object) {
    const struct eg_kv headers[] = {CONTENT_TYPE(JSON_TYPE)};
    struct gw_bytes body;
    gw_bytes_init(&body, 0);
    write_object(context, &body, object);
    gw_bytes_add_char(&body, '\n');
    send(context, request, status, headers, GW_COUNT(headers), gw_bytes_take(&body));
}

void gw_config_answer_list(struct gw_config_context *context, struct gw_http_request *request,
                           enum gw_kind kind, struct gw_object *const *objects, size_t count) {
    const char *comma = "";
    struct gw_filter filter;
    struct gw_bytes body;
    gw_filter_parse(&request->arena, request->query, &filter);
    gw_bytes_init(&body, 0);
    gw_bytes_addf(&body, "{\"%s\":[", gw_kind_words[kind].envelope);
    for (size_t i = 0; i < count; i++) {
        if (gw_object_matches(objects[i], &filter)) {
            gw_bytes_add_c(&body, comma);
            write_object(context, &body, objects[i]);
            comma = ",";
        }
    }
    gw_bytes_add_c(&body, "]}\n");
    gw_config_answer_bytes(context, request, JSON_TYPE, &body);
}
