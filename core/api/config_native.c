/*
 * api/config_native.c - the Config API of chapters 3 and 4 as a face: bodies are objects as they
 * are stored, errors are envelopes. Control thread; no state.
 */
#include "api/config_answer.h"
#include "api/config_call.h"
#include "base/jwrite.h"
#include "base/slice.h"

static int32_t read(struct gw_config_call *call, struct gw_refusal *ret_refusal) {
    const struct gw_config_resource *resource = gw_config_native.resources[call->route.kind];
    int32_t rc = gw_object_read(call->route.kind, call->route.space, call->route.id,
                                call->request->body, &call->sent, ret_refusal);
    if (rc == EG_OK && resource->check != NULL) {
        rc = resource->check(call, ret_refusal);
    }
    return rc < 0 ? rc : gw_object_check_id_length(call->sent, ret_refusal);
}

static void refuse_method(struct gw_config_context *context, struct gw_http_request *request) {
    gw_config_answer_plain(context, request, 405, GW_STR("Method Not Allowed"));
}

static void write_object(const struct gw_config_context *context, const struct gw_object *object,
                         struct gw_bytes *out) {
    struct gw_bytes room;
    gw_object_write(out, object, gw_config_shown_provider(context, object, &room));
    gw_bytes_free(&room);
}

static void write_list(const struct gw_config_context *context, struct gw_http_request *request,
                       enum gw_kind kind, struct gw_object *const *objects, size_t count,
                       struct gw_bytes *out) {
    const char *comma = "";
    struct gw_filter filter;
    gw_filter_parse(&request->arena, request->query, &filter);
    gw_bytes_addf(out, "{\"%s\":[", gw_kind_words[kind].envelope);
    for (size_t i = 0; i < count; i++) {
        if (gw_object_matches(objects[i], &filter)) {
            gw_bytes_add_c(out, comma);
            write_object(context, objects[i], out);
            comma = ",";
        }
    }
    gw_bytes_add_c(out, "]}");
}

const struct gw_config_face gw_config_native = {
    .route = gw_config_route,
    .created_status = 201,
    .exists_status = 409,
    .read = read,
    .resources = {[GW_EVENTTYPE] = &gw_config_eventtypes,
                  [GW_FUNCTION] = &gw_config_functions,
                  [GW_SUBSCRIPTION] = &gw_config_subscriptions,
                  [GW_CORS] = &gw_config_cors},
    .refuse_method = refuse_method,
    .write_error = gw_jw_error_envelope,
    .write_object = write_object,
    .write_list = write_list,
};
