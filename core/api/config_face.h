/*
 * api/config_face.h - one way to talk about the configuration: which pages there are, how bodies
 * are read and answers are written, and what rules hold besides. Behind all faces are the same
 * objects and the same road (config_call.h), which knows a face as this table only. Inside api/
 * only; constant data.
 */
#ifndef GW_API_CONFIG_FACE_H
#define GW_API_CONFIG_FACE_H

#include "api/config_context.h"

struct gw_config_call;
struct gw_config_resource;

struct gw_config_face {
    /* As gw_config_route. */
    int32_t (*route)(struct gw_arena *arena, struct eg_str method, struct eg_str path,
                     struct gw_config_route *ret_route);
    const struct gw_cors *cors; /* for all its pages; NULL: no word about origins */
    uint32_t created_status;
    uint32_t exists_status; /* what should be made is there already */

    /* Reads the body of a create or an update into call->sent. EG_E_SYNTAX: it could not be read.
     */
    int32_t (*read)(struct gw_config_call *call, struct gw_refusal *ret_refusal);
    const struct gw_config_resource *resources[GW_KINDS];

    /* Answers a method that the page does not know (give). */
    void (*refuse_method)(struct gw_config_context *context, struct gw_http_request *request);
    /* The bodies of answers; that of an error with its line break. */
    void (*write_error)(struct gw_bytes *out, struct eg_str message);
    void (*write_object)(const struct gw_config_context *context, const struct gw_object *object,
                         struct gw_bytes *out);
    /* Objects are in descending order of their key. */
    void (*write_list)(const struct gw_config_context *context, struct gw_http_request *request,
                       enum gw_kind kind, struct gw_object *const *objects, size_t count,
                       struct gw_bytes *out);
};
/* The API of chapters 3 and 4, and the one for everything that no face has a page for. */
extern const struct gw_config_face gw_config_native;
/* The API of 2017 (chapter 15), on the space `default`. */
extern const struct gw_config_face gw_config_v2017;

/* For write_object: the provider of a function as it may be shown, secrets masked (Q20); empty = as
 * it is stored. room is initialised here and freed by the caller. */
struct eg_str gw_config_shown_provider(const struct gw_config_context *context,
                                       const struct gw_object *object, struct gw_bytes *room);

#endif
