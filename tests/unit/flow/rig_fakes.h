/*
 * rig_fakes.h - the functions of the HTTP server and of the routing snapshot that flow uses,
 * defined anew: replies are recorded, routes are a list. The linker then takes nothing of their
 * archives.
 */
#ifndef TESTS_UNIT_FLOW_RIG_FAKES_H
#define TESTS_UNIT_FLOW_RIG_FAKES_H

#include "rig_parts.h"

/* ---- requests ---- */

struct rig_request {
    struct gw_http_request request;
    uint32_t refs;
    unsigned replies;
    uint32_t status;
    char headers[2048];
    char *body;
    size_t body_len;
};

static void rig_request_free(struct rig_request *r) {
    CU_ASSERT_EQUAL(r->refs, 1); /* the flow has let go of it */
    gw_arena_free(&r->request.arena);
    free(r->body);
    gw_free(r);
}

/* For requests that are still held by deliveries. */
static void rig_request_free_later(struct rig *rig, struct rig_request *r) {
    GW_ASSERT(rig->later_count < RIG_HELD);
    rig->later[rig->later_count++] = r;
}

void gw_http_request_ref(struct gw_http_request *request) {
    GW_CONTAINER(request, struct rig_request, request)->refs++;
}

void gw_http_request_unref(struct gw_http_request *request) {
    struct rig_request *r = GW_CONTAINER(request, struct rig_request, request);
    GW_ASSERT(r->refs > 1); /* the test's own goes last */
    r->refs--;
}

struct eg_str gw_http_header(const struct gw_http_request *request, struct eg_str name,
                             size_t index) {
    for (size_t i = 0; i < request->header_count; i++) {
        if (gw_str_eq_nocase(request->headers[i].name, name) && index-- == 0) {
            return request->headers[i].value;
        }
    }
    return (struct eg_str){0};
}

/* Every client of the rig shows this one. */
struct eg_str gw_http_client_cert(const struct gw_http_request *request, uint32_t field) {
    (void)request;
    return field == EG_CERT_SUBJECT ? GW_STR("CN=rig") : (struct eg_str){0};
}

void gw_http_reply(struct gw_http_request *request, struct gw_http_reply *reply) {
    struct rig_request *r = GW_CONTAINER(request, struct rig_request, request);
    size_t at = 0;
    r->replies++;
    r->status = reply->status;
    for (size_t i = 0; i < reply->header_count; i++) {
        const int n = snprintf(r->headers + at, sizeof r->headers - at, "%.*s: %.*s\n",
                               GW_FMT(reply->headers[i].name), GW_FMT(reply->headers[i].value));
        at += (size_t)n;
    }
    r->body_len = reply->body.len;
    r->body = calloc(1, reply->body.len + 1);
    if (reply->body.len > 0) {
        memcpy(r->body, reply->body.ptr, reply->body.len);
    }
    gw_buf_release(&reply->body);
}

static struct rig_request *rig_request(const char *method, const char *path,
                                       const struct eg_kv *headers, size_t header_count,
                                       struct eg_str body) {
    struct rig_request *r = gw_alloc(sizeof *r);
    r->refs = 2;
    gw_arena_init(&r->request.arena, 1024);
    r->request.method = gw_str_c(method);
    r->request.target = r->request.path = gw_str_c(path);
    r->request.host = GW_STR("gateway.test");
    r->request.headers = headers;
    r->request.header_count = header_count;
    r->request.body = body;
    r->request.peer = GW_STR("127.0.0.1");
    r->request.request_id = GW_STR("rid-1");
    return r;
}

static void rig_turn(const struct rig *rig) {
    for (int i = 0; i < 8; i++) {
        gw_loop_turn(rig->loop, 0);
    }
}

static void rig_hand_over(void *arg) {
    gw_flow_request(rig_now->flow, &((struct rig_request *)arg)->request);
}

/* Sends a request on the loop; runs the loop until nothing moves. */
static struct rig_request *rig_send(struct rig *rig, const char *method, const char *path,
                                    const struct eg_kv *headers, size_t header_count,
                                    const char *body) {
    struct rig_request *r = rig_request(method, path, headers, header_count, gw_str_c(body));
    gw_loop_post_fn(rig->loop, rig_hand_over, r);
    rig_turn(rig);
    return r;
}

/* A structured CloudEvent 0.1 to POST path. */
static struct rig_request *rig_emit(struct rig *rig, const char *type, const char *path) {
    static const struct eg_kv headers[] = {
        {{"Content-Type", 12}, {"application/cloudevents+json", 28}}};
    static char body[512];
    (void)snprintf(body, sizeof body,
                   "{\"eventType\":\"%s\",\"eventID\":\"1\",\"cloudEventsVersion\":\"0.1\","
                   "\"source\":\"/x\",\"contentType\":\"application/json\",\"data\":{\"foo\":"
                   "\"bar\"}}",
                   type);
    return rig_send(rig, "POST", path, headers, 1, body);
}

static bool rig_has(const char *text, const char *part) {
    const bool found = strstr(text, part) != NULL;
    if (!found) {
        printf("  missing \"%s\" in:\n%s\n", part, text);
    }
    return found;
}

/* ---- the routing snapshot ---- */

struct gw_view *gw_view_acquire(struct gw_reader *reader) {
    (void)reader;
    rig_now->view.refs++;
    return &rig_now->view;
}

void gw_view_release(struct gw_view *view) {
    GW_ASSERT(view->refs > 0);
    view->refs--;
}

static bool rig_matches(const struct rig_subscription *s, bool is_sync, struct eg_str method,
                        struct eg_str path, struct eg_str event_type) {
    const struct gw_subscription *sub = &s->object.as.subscription;
    return sub->is_sync == is_sync && gw_str_eq(sub->method, method) &&
           gw_str_eq(sub->path, path) && gw_str_eq(sub->event_type, event_type);
}

const struct gw_subscriber *gw_snapshot_sync(const struct gw_snapshot *snapshot,
                                             struct eg_str method, struct eg_str path,
                                             struct eg_str event_type,
                                             struct gw_path_params *ret_params) {
    (void)snapshot;
    for (size_t i = 0; i < rig_now->subscription_count; i++) {
        if (rig_matches(&rig_now->subscriptions[i], true, method, path, event_type)) {
            if (ret_params != NULL) {
                ret_params->is_null = false;
                ret_params->count = 1;
                ret_params->items[0] = (struct eg_kv){GW_STR("id"), GW_STR("7")};
            }
            return &rig_now->subscriptions[i].subscriber;
        }
    }
    return NULL;
}

const struct gw_subscriber *const *gw_snapshot_async(const struct gw_snapshot *snapshot,
                                                     struct eg_str method, struct eg_str path,
                                                     struct eg_str event_type, size_t *ret_count) {
    const struct gw_subscriber **list = gw_alloc(RIG_MAX * sizeof(struct gw_subscriber *));
    (void)snapshot;
    GW_ASSERT(rig_now->list_count < RIG_LISTS);
    rig_now->lists[rig_now->list_count++] = (void *)list;
    *ret_count = 0;
    for (size_t i = 0; i < rig_now->subscription_count; i++) {
        if (rig_matches(&rig_now->subscriptions[i], false, method, path, event_type)) {
            list[(*ret_count)++] = &rig_now->subscriptions[i].subscriber;
        }
    }
    return list;
}

const struct gw_callee *gw_snapshot_callee(const struct gw_snapshot *snapshot, struct eg_str space,
                                           struct eg_str id) {
    (void)snapshot;
    for (size_t i = 0; i < rig_now->offer_count; i++) {
        const struct gw_object *function = &rig_now->offers[i].function;
        if (gw_str_eq(function->space, space) && gw_str_eq(function->id, id)) {
            return &rig_now->offers[i].callee;
        }
    }
    return NULL;
}

const struct gw_eventtype *gw_snapshot_schema(const struct gw_snapshot *snapshot,
                                              struct eg_str method, struct eg_str path,
                                              struct eg_str event_type, size_t index) {
    (void)snapshot;
    for (size_t i = 0; i < rig_now->subscription_count; i++) {
        const struct rig_subscription *s = &rig_now->subscriptions[i];
        const struct gw_object *type = s->subscriber.event_type;
        if (type != NULL &&
            rig_matches(s, s->object.as.subscription.is_sync, method, path, event_type) &&
            index-- == 0) {
            return &type->as.eventtype;
        }
    }
    return NULL;
}

/* A new subscription makes a new snapshot. */
const struct gw_chains *gw_snapshot_chains(const struct gw_snapshot *snapshot) {
    (void)snapshot;
    return gw_manager_chains(rig_now->manager);
}
uint64_t gw_snapshot_revision(const struct gw_snapshot *snapshot) {
    (void)snapshot;
    return rig_now->subscription_count;
}

const struct gw_cors *gw_snapshot_cors(const struct gw_snapshot *snapshot, struct eg_str method,
                                       struct eg_str path) {
    (void)snapshot;
    (void)method;
    return rig_now->cors_path != NULL && gw_str_eq(path, gw_str_c(rig_now->cors_path))
               ? rig_now->cors
               : NULL;
}

#endif
