/*
 * api/v2017_face.h - the parts of the face of 2017 (chapter 15.1, 15.2, 15.6), which is
 * gw_config_v2017 of config_face.h. Inside api/ only; control thread.
 */
#ifndef GW_API_V2017_FACE_H
#define GW_API_V2017_FACE_H

#include "api/config_call.h"

/* As gw_config_route. The id of a subscription is what the URL says, as it stands there. */
int32_t gw_v2017_route(struct gw_arena *arena, struct eg_str method, struct eg_str path,
                       struct gw_config_route *ret_route);

/* check of functions is for creates: updates look for the function before they validate. */
extern const struct gw_config_resource gw_v2017_functions;
extern const struct gw_config_resource gw_v2017_subscriptions;

#endif
