/*
 * domain/event_v2017.c - events of the API of 2017 (chapter 15.3): one request, one event, named by
 * a header. How such an event is written is a row of event_versions.c.
 *
 * A body is JSON only under exactly `application/json`, and then it has to be; what the header says
 * is passed on as it came. One thread; everything in the request's arena, the body is borrowed.
 */
#include "base/check.h"
#include "base/jwrite.h"
#include "domain/event_internal.h"

#define HTTP GW_STR("http")
#define JSON GW_STR("application/json")
#define OCTETS GW_STR("application/octet-stream")

static struct eg_str header_or(const struct gw_event_request *request, struct eg_str name,
                               struct eg_str otherwise) {
    const struct eg_str value = gw_event_header(request->headers, request->header_count, name);
    return value.len > 0 ? value : otherwise;
}

/* In the words that clients know, also for a text that stops too early. */
static int32_t refuse(struct gw_arena *arena, struct eg_str body, uint32_t json_depth, int32_t code,
                      const struct gw_jerror *error, struct eg_why *ret_why) {
    struct gw_bytes text;
    if (code == EG_E_TOOBIG) {
        return gw_event_refuse_depth(json_depth, ret_why);
    }
    if (error->at_end) {
        return gw_why(ret_why, EG_E_INVAL, "unexpected end of JSON input");
    }
    gw_bytes_init_arena(&text, arena, 128);
    gw_jerror_write(&text, body, error);
    return gw_why(ret_why, EG_E_INVAL, "%.*s", GW_FMT(gw_bytes_str(&text)));
}

static int32_t read_body(struct gw_arena *arena, const struct gw_event_request *request,
                         struct eg_str type, uint32_t json_depth, struct gw_event_body *ret_body,
                         struct eg_why *ret_why) {
    struct gw_jval value;
    struct gw_jerror error;
    if (request->body.len == 0) {
        ret_body->json = GW_STR("\"\"");
        return EG_OK;
    }
    if (!gw_str_eq(type, JSON)) {
        ret_body->base64 = gw_event_base64(arena, request->body);
        return EG_OK;
    }
    const int32_t rc = gw_json_check(request->body, json_depth, &value, &error);
    if (rc < 0) {
        return refuse(arena, request->body, json_depth, rc, &error, ret_why);
    }
    ret_body->json = value.raw;
    return EG_OK;
}

/* ---- the data of an http event ---- */

static struct eg_str http_data(struct gw_arena *arena, const struct gw_event_request *request,
                               const struct gw_event_body *body) {
    struct gw_bytes out;
    gw_bytes_init_arena(&out, arena, gw_event_request_room(request, body));
    gw_bytes_add(&out, GW_STR("{\"headers\":"));
    gw_event_write_header_lists(arena, &out, request->headers, request->header_count);
    gw_bytes_add(&out, GW_STR(",\"query\":"));
    gw_event_write_query(arena, &out, request->query);
    gw_bytes_add(&out, GW_STR(",\"body\":"));
    gw_event_write_body(&out, body);
    gw_bytes_add(&out, GW_STR(",\"path\":"));
    gw_event_write_path(arena, &out, request->path);
    gw_bytes_add(&out, GW_STR(",\"method\":"));
    gw_jw_string(&out, request->method);
    gw_bytes_add_char(&out, '}');
    return gw_bytes_str(&out);
}

int32_t gw_event_from_request_2017(struct gw_arena *arena, const struct gw_event_request *request,
                                   const struct gw_event_seed *seed, struct eg_event **ret_event,
                                   struct eg_why *ret_why) {
    struct gw_event_seed own = *seed;
    struct gw_event_body body = {0};
    const struct eg_str name = header_or(request, GW_STR("event"), HTTP);
    const struct eg_str type = header_or(request, GW_STR("content-type"), OCTETS);
    const int32_t rc = read_body(arena, request, type, seed->json_depth, &body, ret_why);
    if (rc < 0) {
        return rc;
    }
    own.version = GW_CE_2017;
    struct eg_event *event = gw_event_new(arena, &own, name, type);
    if (gw_str_eq(name, HTTP)) {
        event->data_json = http_data(arena, request, &body);
        event->content_type = JSON; /* of the object, as with http.request */
        event->sent_type = type;
    } else {
        event->data_json = body.json;
        event->data_base64 = body.base64;
    }
    *ret_event = event;
    return EG_OK;
}
