/*
 * api/config_router.h - which page, resource and operation a method and path of the Config API mean
 * (chapter 3.1). Pure; inside api/ only.
 *
 * Paths that differ from a route only by slashes too many, dot segments or the letter case of fixed
 * parts are served like the clean one. Segments are percent-decoded before matching; one that holds
 * an encoded slash matches nothing, save in a corsId.
 */
#ifndef GW_API_CONFIG_ROUTER_H
#define GW_API_CONFIG_ROUTER_H

#include "domain/object.h"

enum gw_config_op {
    GW_CONFIG_CREATE,
    GW_CONFIG_GET,
    GW_CONFIG_LIST,
    GW_CONFIG_UPDATE,
    GW_CONFIG_DELETE,
    GW_CONFIG_OPS
};
/* "create", "get", ...: label `operation`. */
extern const char *const gw_config_op_names[GW_CONFIG_OPS];

enum gw_config_page {
    GW_PAGE_STATUS,
    GW_PAGE_METRICS,
    GW_PAGE_PLUGINS,
    GW_PAGE_RELOAD,
    GW_PAGE_COLLECTION,
    GW_PAGE_ITEM
};

struct gw_config_face;

struct gw_config_route {
    const struct gw_config_face *face; /* whose page it is: see config_face.h; not set here */
    enum gw_config_page page;
    enum gw_config_op op;
    enum gw_kind kind;   /* collections and items */
    struct eg_str space; /* decoded; never empty */
    struct eg_str id;    /* items: decoded; of CORS as it is stored */
};

/* path: escaped, without query. Text of the route lives in the arena or borrows path.
 * EG_E_NOTFOUND: no such page. EG_E_UNSUPPORTED: the page does not know the method. */
int32_t gw_config_route(struct gw_arena *arena, struct eg_str method, struct eg_str path,
                        struct gw_config_route *ret_route);

#endif
