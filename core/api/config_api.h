/*
 * api/config_api.h - the Configuration API (chapters 3 and 4), /v1/status, /v1/metrics and
 * /v1/plugins; behind a switch also that of 2017 (config_face.h). Control thread. Routes, resources
 * and their needs are tables; each operation is gather -> decide -> commit (state/catalog.h), tried
 * again a few times when somebody else was faster.
 */
#ifndef GW_API_CONFIG_API_H
#define GW_API_CONFIG_API_H

#include "io/http_server.h"
#include "state/snapshot.h"

struct gw_config_api;

/* Copied, strings too; may be replaced while serving. */
struct gw_config_api_config {
    struct eg_str token; /* empty = open */
    bool mask_secrets;
    bool refuse_cross_space_conflicts; /* events.refuse_cross_space_conflicts (Q27) */
};
struct gw_config_api_setup {
    struct gw_catalog *catalog;
    const struct gw_publisher *publisher; /* for /v1/status; NULL: what is known counts as routed */
    struct gw_manager *manager;
    /* Somebody wants plugins to be reloaded (give): answered once, with gw_config_api_reloaded.
     * replace: names with commas between them, as sent, of components that are replaced even when
     * their settings are the same; ptr NULL: none. As long as the request. */
    void (*on_reload)(void *arg, struct gw_http_request *request, struct eg_str replace);
    void *reload_arg;
    bool has_v2017; /* the pages of the API of 2017 too (chapter 15), on the space `default` */
    struct gw_config_api_config config;
};
struct gw_config_api *gw_config_api_create(const struct gw_config_api_setup *setup);
void gw_config_api_configure(struct gw_config_api *api, const struct gw_config_api_config *config);
/* Nothing may be busy any more; NULL is fine. */
void gw_config_api_destroy(struct gw_config_api *api);

/* The config listener's on_request (give) and on_gone. */
void gw_config_api_request(struct gw_config_api *api, struct gw_http_request *request);
void gw_config_api_gone(struct gw_config_api *api, struct gw_http_request *request);
/* Its on_refuse: says it as the errors of the page are said. */
void gw_config_api_refuse(struct gw_config_api *api, struct gw_http_request *request,
                          const char *reason, struct gw_http_reply *reply);
/* A newer revision is routed: whoever waits for it is answered. */
void gw_config_api_routed(struct gw_config_api *api);
/* The answer to a wish for a reload: 200 with the JSON in `text`, or an error with its message.
 * Control thread, also inside of on_reload. */
void gw_config_api_reloaded(struct gw_config_api *api, struct gw_http_request *request,
                            uint32_t status, struct eg_str text);
/* The gateway stops: nobody waits for a revision any more. */
void gw_config_api_drain(struct gw_config_api *api);
/* Requests that have not been answered yet. */
uint32_t gw_config_api_busy(const struct gw_config_api *api);

#endif
