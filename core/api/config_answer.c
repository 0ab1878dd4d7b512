/*
 * api/config_answer.c - see the header. Every reply of the Config API leaves through send(), which
 * also observes its duration. Secrets of functions are masked here and nowhere else (Q20). Control
 * thread; bodies are built on the heap and given to the server.
 */
#include "api/config_answer.h"

#include <inttypes.h>
#include <stdio.h>

#include "api/config_conditions.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/slice.h"
#include "domain/cors_rules.h"

#define CONTENT_TYPE(value)                                                                        \
    { GW_STR("Content-Type"), (value) }
#define JSON_TYPE GW_STR("application/json")
#define U64_BYTES 21u
#define MAX_HEADERS (4u + GW_CORS_MAX_HEADERS)

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

/* ---- origins ---- */

static struct gw_cors_request cors_request(const struct gw_http_request *request) {
    return (struct gw_cors_request){
        .method = request->method,
        .origin = gw_http_header(request, GW_STR("Origin"), 0),
        .requested_method = gw_http_header(request, GW_STR("Access-Control-Request-Method"), 0),
        .requested_headers = gw_http_header(request, GW_STR("Access-Control-Request-Headers"), 0),
    };
}

bool gw_config_answer_preflight(struct gw_config_context *context,
                                const struct gw_config_face *face,
                                struct gw_http_request *request) {
    const struct gw_cors_request asked = cors_request(request);
    struct gw_cors_answer cors = {.count = 0};
    bool is_preflight = false;
    if (face->cors != NULL) {
        (void)gw_cors_lookup_method(&asked, &is_preflight);
    }
    if (is_preflight) {
        gw_cors_preflight(&request->arena, face->cors, &asked, &cors);
        send(context, request, 200, cors.headers, cors.count, (struct eg_buf){0});
    }
    return is_preflight;
}

/* With what the face says about origins. */
static void send_of(struct gw_config_context *context, const struct gw_config_face *face,
                    struct gw_http_request *request, uint32_t status, const struct eg_kv *headers,
                    size_t header_count, struct eg_buf body) {
    struct eg_kv all[MAX_HEADERS];
    struct gw_cors_answer cors = {.count = 0};
    size_t count = 0;
    if (face->cors != NULL) {
        const struct gw_cors_request asked = cors_request(request);
        gw_cors_actual(&request->arena, face->cors, &asked, &cors);
    }
    GW_ASSERT(header_count + cors.count <= MAX_HEADERS);
    for (size_t i = 0; i < header_count; i++) {
        all[count++] = headers[i];
    }
    for (size_t i = 0; i < cors.count; i++) {
        all[count++] = cors.headers[i];
    }
    send(context, request, status, all, count, body);
}

/* ---- errors ---- */

static void send_error(struct gw_config_context *context, const struct gw_config_face *face,
                       struct gw_http_request *request, uint32_t status, struct eg_kv extra,
                       struct eg_str message) {
    const struct eg_kv headers[] = {CONTENT_TYPE(JSON_TYPE), extra};
    struct gw_bytes body;
    gw_bytes_init(&body, 0);
    face->write_error(&body, message);
    send_of(context, face, request, status, headers, extra.name.len > 0 ? 2 : 1,
            gw_bytes_take(&body));
}

void gw_config_answer_error(struct gw_config_context *context, const struct gw_config_face *face,
                            struct gw_http_request *request, uint32_t status,
                            struct eg_str message) {
    struct eg_kv extra = {{0}, {0}};
    if (status == 503) {
        extra = (struct eg_kv){GW_STR("Retry-After"), GW_STR(GW_CONFIG_RETRY_AFTER)};
    }
    send_error(context, face, request, status, extra, message);
}

void gw_config_answer_unauthorized(struct gw_config_context *context,
                                   const struct gw_config_face *face,
                                   struct gw_http_request *request, bool was_given) {
    const struct eg_kv challenge = {
        GW_STR("WWW-Authenticate"),
        was_given ? GW_STR("Bearer realm=\"event-gateway\", error=\"invalid_token\"")
                  : GW_STR("Bearer realm=\"event-gateway\"")};
    send_error(context, face, request, 401, challenge,
               was_given ? GW_STR("The bearer token is not the right one.")
                         : GW_STR("A bearer token is required."));
}

/* These say that nothing is wrong with the request nor with what is stored, and that it is worth
 * trying again: after a while, or after somebody has looked at the store. */
static bool is_away(int32_t status) {
    static const int32_t away[] = {EG_E_UNAVAILABLE, EG_E_TIMEOUT, EG_E_BUSY,
                                   EG_E_DENIED,      EG_E_PROTO,   EG_E_CANCELED};
    for (size_t i = 0; i < GW_COUNT(away); i++) {
        if (status == away[i]) {
            return true;
        }
    }
    return false;
}

void gw_config_answer_store_error(struct gw_config_context *context,
                                  const struct gw_config_face *face,
                                  struct gw_http_request *request, int32_t status,
                                  struct eg_str why) {
    const struct eg_str text = why.len > 0 ? why : gw_str_c(gw_error_text(status));
    GW_LOG(EG_LOG_ERROR, "the store failed a call of the Config API", {GW_STR("error"), text},
           {GW_STR("request_id"), request->request_id});
    gw_config_answer_error(context, face, request, is_away(status) ? 503 : 500, text);
}

/* The header that every write is answered with. */
static struct eg_kv revision_header(char room[U64_BYTES], uint64_t revision) {
    (void)snprintf(room, U64_BYTES, "%" PRIu64, revision);
    return (struct eg_kv){GW_STR("eg-config-revision"), gw_str_c(room)};
}

void gw_config_answer_deleted(struct gw_config_context *context, const struct gw_config_face *face,
                              struct gw_http_request *request, uint64_t revision) {
    char room[U64_BYTES];
    const struct eg_kv headers[] = {CONTENT_TYPE(JSON_TYPE), revision_header(room, revision)};
    send_of(context, face, request, 204, headers, GW_COUNT(headers), (struct eg_buf){0});
}

/* ---- objects ---- */

struct eg_str gw_config_shown_provider(const struct gw_config_context *context,
                                       const struct gw_object *object, struct gw_bytes *room) {
    gw_bytes_init(room, 0);
    if (object->kind == GW_FUNCTION && context->mask_secrets) {
        gw_provider_mask(context->manager, object->as.function.type,
                         object->as.function.provider_json, room);
    }
    return gw_bytes_str(room);
}

static struct eg_buf body_of(const struct gw_config_context *context,
                             const struct gw_config_face *face, const struct gw_object *object) {
    struct gw_bytes body;
    gw_bytes_init(&body, 0);
    face->write_object(context, object, &body);
    gw_bytes_add_char(&body, '\n');
    return gw_bytes_take(&body);
}

void gw_config_answer_object(struct gw_config_context *context, const struct gw_config_face *face,
                             struct gw_http_request *request, const struct gw_object *object,
                             struct gw_version version) {
    char room[GW_ETAG_BYTES];
    const struct eg_kv headers[] = {CONTENT_TYPE(JSON_TYPE),
                                    {GW_STR("ETag"), gw_etag(room, version)}};
    send_of(context, face, request, 200, headers, GW_COUNT(headers),
            body_of(context, face, object));
}

/* The body is not sent; its size is told (RFC 9110 8.6). */
void gw_config_answer_unchanged(struct gw_config_context *context,
                                const struct gw_config_face *face, struct gw_http_request *request,
                                const struct gw_object *object, struct gw_version version) {
    char room[GW_ETAG_BYTES];
    const struct eg_kv headers[] = {{GW_STR("ETag"), gw_etag(room, version)}};
    send_of(context, face, request, 304, headers, GW_COUNT(headers),
            body_of(context, face, object));
}

void gw_config_answer_written(struct gw_config_context *context, const struct gw_config_face *face,
                              struct gw_http_request *request, uint32_t status,
                              const struct gw_object *object, uint64_t revision) {
    const struct gw_version version = {.revision = revision, .mark = gw_object_mark(object)};
    char tag[GW_ETAG_BYTES];
    char number[U64_BYTES];
    const struct eg_kv headers[] = {CONTENT_TYPE(JSON_TYPE),
                                    {GW_STR("ETag"), gw_etag(tag, version)},
                                    revision_header(number, revision)};
    send_of(context, face, request, status, headers, GW_COUNT(headers),
            body_of(context, face, object));
}

void gw_config_answer_list(struct gw_config_context *context, const struct gw_config_face *face,
                           struct gw_http_request *request, enum gw_kind kind,
                           struct gw_object *const *objects, size_t count) {
    const struct eg_kv headers[] = {CONTENT_TYPE(JSON_TYPE)};
    struct gw_bytes body;
    gw_bytes_init(&body, 0);
    face->write_list(context, request, kind, objects, count, &body);
    gw_bytes_add_char(&body, '\n');
    send_of(context, face, request, 200, headers, GW_COUNT(headers), gw_bytes_take(&body));
}
