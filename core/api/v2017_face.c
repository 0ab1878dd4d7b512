/*
 * api/v2017_face.c - the API of 2017 as a face: how its bodies, answers and errors are written, and
 * that every origin may use it (chapter 15.6). The objects behind it are those of the space
 * `default`, so that both APIs show the same configuration. Control thread; no state.
 */
#include "api/v2017_face.h"

#include <stdlib.h>

#include "api/config_answer.h"
#include "api/v2017_cors.h"
#include "base/check.h"
#include "base/slice.h"
#include "domain/v2017_objects.h"

/* ---- bodies of requests ---- */

static int32_t read_object(struct gw_config_call *call, struct gw_refusal *ret_refusal) {
    const struct gw_config_route *route = &call->route;
    if (route->kind == GW_SUBSCRIPTION) {
        return gw_v2017_subscription_read(route->space, call->request->body, &call->sent,
                                          ret_refusal);
    }
    const int32_t rc = gw_v2017_function_read(route->space, route->id, call->request->body,
                                              &call->sent, ret_refusal);
    return rc < 0 ? rc : gw_v2017_functions.check(call, ret_refusal);
}

static int32_t read(struct gw_config_call *call, struct gw_refusal *ret_refusal) {
    int32_t rc = read_object(call, ret_refusal);
    if (rc < 0) {
        return rc;
    }
    rc = gw_object_check_id_length(call->sent, ret_refusal);
    if (rc < 0) {
        gw_v2017_refusal_convert(ret_refusal, call->route.kind);
    }
    return rc;
}

/* ---- answers ---- */

static void refuse_method(struct gw_config_context *context, struct gw_http_request *request) {
    gw_config_answer_error(context, &gw_config_v2017, request, 405, GW_STR("Method Not Allowed"));
}

static void write_object(const struct gw_config_context *context, const struct gw_object *object,
                         struct gw_bytes *out) {
    struct gw_bytes room;
    if (object->kind == GW_SUBSCRIPTION) {
        gw_v2017_subscription_write(out, object);
        return;
    }
    gw_v2017_function_write(out, object, gw_config_shown_provider(context, object, &room));
    gw_bytes_free(&room);
}

/* ---- lists ---- */

/* A place in a list: the id by which it is sorted. */
struct place {
    struct eg_str id;
    const struct gw_object *object;
};

/* Those of one id stay in an order: that of their keys. */
static int ascending(const void *a, const void *b) {
    const struct place *left = a;
    const struct place *right = b;
    const int order = gw_str_cmp(left->id, right->id);
    return order != 0 ? order : gw_str_cmp(left->object->id, right->object->id);
}

static size_t sort(struct gw_arena *arena, struct gw_object *const *objects, size_t count,
                   struct place *places) {
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        const bool is_subscription = objects[i]->kind == GW_SUBSCRIPTION;
        if (!is_subscription || gw_v2017_subscription_is_known(objects[i])) {
            places[kept++] = (struct place){
                .id =
                    is_subscription ? gw_v2017_subscription_id(arena, objects[i]) : objects[i]->id,
                .object = objects[i],
            };
        }
    }
    if (kept > 1) {
        qsort(places, kept, sizeof *places, ascending);
    }
    return kept;
}

static void write_list(const struct gw_config_context *context, struct gw_http_request *request,
                       enum gw_kind kind, struct gw_object *const *objects, size_t count,
                       struct gw_bytes *out) {
    struct gw_arena *arena = &request->arena;
    struct place *places = gw_arena_alloc(arena, gw_size_mul(count + 1, sizeof *places));
    const size_t kept = sort(arena, objects, count, places);
    gw_bytes_addf(out, "{\"%s\":[", gw_kind_words[kind].envelope);
    for (size_t i = 0; i < kept; i++) {
        gw_bytes_add_c(out, i == 0 ? "" : ",");
        write_object(context, places[i].object, out);
    }
    gw_bytes_add_c(out, "]}");
}

const struct gw_config_face gw_config_v2017 = {
    .route = gw_v2017_route,
    .cors = &gw_v2017_cors,
    .created_status = 200,
    .exists_status = 400,
    .read = read,
    .resources = {[GW_FUNCTION] = &gw_v2017_functions, [GW_SUBSCRIPTION] = &gw_v2017_subscriptions},
    .refuse_method = refuse_method,
    .write_error = gw_v2017_error_write,
    .write_object = write_object,
    .write_list = write_list,
};
