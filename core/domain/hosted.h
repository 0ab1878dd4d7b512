/* domain/hosted.h - hosted path mapping by host name (chapter 12); a run-time option. */
#ifndef GW_DOMAIN_HOSTED_H
#define GW_DOMAIN_HOSTED_H

#include <stdbool.h>

#include "base/arena.h"

/* Does the Host header contain a match of (eventgateway([a-z-]*)?.io|slsgateway.com)? */
bool gw_is_hosted(struct eg_str host);
/* "/" + first label of host + path when hosted, else path. In the arena. */
struct eg_str gw_hosted_path(struct gw_arena *arena, struct eg_str host, struct eg_str path);
/* Where event.received goes: "/<first segment of the routing path>/" when hosted, else "/". */
struct eg_str gw_hosted_received_path(struct gw_arena *arena, struct eg_str host,
                                      struct eg_str routing_path);

#endif
