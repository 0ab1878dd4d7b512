/*
 * api/config_api.c - the listener's door: who may come in, and where a request goes. Life and
 * settings of the Config API. Control thread; owns a copy of the token.
 *
 * With a token set, /v1/metrics and the bare /v1/status stay open: probes and scrapers seldom carry
 * secrets, and neither page tells any configuration but names of spaces and event types.
 */
#include "api/config_api.h"

#include "api/config_answer.h"
#include "api/config_call.h"
#include "api/pages.h"
#include "api/status_wait.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/slice.h"

#define API_MAGIC 0x63617069u /* capi */
#define MAX_FACES 2u

struct gw_config_api {
    uint32_t magic;
    struct gw_config_context context;
    const struct gw_config_face *faces[MAX_FACES]; /* asked in this order whose page it is */
    size_t face_count;
    char *token;
};

static void set_token(struct gw_config_api *api, struct eg_str token) {
    if (api->token != NULL) {
        gw_wipe(api->token, strlen(api->token));
        gw_free(api->token);
    }
    api->token = gw_dup_cstr(token);
}

void gw_config_api_configure(struct gw_config_api *api, const struct gw_config_api_config *config) {
    GW_MAGIC_CHECK(api, API_MAGIC);
    set_token(api, config->token);
    api->context.mask_secrets = config->mask_secrets;
    api->context.refuse_cross_space_conflicts = config->refuse_cross_space_conflicts;
}

static void add_face(struct gw_config_api *api, const struct gw_config_face *face) {
    GW_ASSERT(api->face_count < MAX_FACES);
    api->faces[api->face_count++] = face;
}

struct gw_config_api *gw_config_api_create(const struct gw_config_api_setup *setup) {
    struct gw_config_api *api = gw_alloc(sizeof *api);
    api->magic = API_MAGIC;
    api->context.catalog = setup->catalog;
    api->context.publisher = setup->publisher;
    api->context.manager = setup->manager;
    api->context.on_reload = setup->on_reload;
    api->context.reload_arg = setup->reload_arg;
    api->context.started_ns = gw_monotonic_ns();
    gw_list_init(&api->context.turns);
    gw_list_init(&api->context.waits);
    gw_config_metrics_init(&api->context);
    add_face(api, &gw_config_native);
    if (setup->has_v2017) {
        add_face(api, &gw_config_v2017);
    }
    gw_config_api_configure(api, &setup->config);
    return api;
}

void gw_config_api_destroy(struct gw_config_api *api) {
    if (api == NULL) {
        return;
    }
    GW_MAGIC_CHECK(api, API_MAGIC);
    GW_ASSERT(api->context.busy == 0);
    set_token(api, (struct eg_str){0});
    gw_free(api->token);
    gw_config_metrics_free(&api->context);
    api->magic = 0;
    gw_free(api);
}

void gw_config_api_gone(struct gw_config_api *api, struct gw_http_request *request) {
    GW_MAGIC_CHECK(api, API_MAGIC);
    gw_status_wait_gone(&api->context, request);
}

void gw_config_api_routed(struct gw_config_api *api) {
    GW_MAGIC_CHECK(api, API_MAGIC);
    gw_status_waits_check(&api->context);
}

void gw_config_api_drain(struct gw_config_api *api) {
    GW_MAGIC_CHECK(api, API_MAGIC);
    gw_status_waits_end(&api->context);
}

void gw_config_api_reloaded(struct gw_config_api *api, struct gw_http_request *request,
                            uint32_t status, struct eg_str text) {
    GW_MAGIC_CHECK(api, API_MAGIC);
    gw_reload_answer(&api->context, request, status, text);
}

uint32_t gw_config_api_busy(const struct gw_config_api *api) {
    GW_MAGIC_CHECK(api, API_MAGIC);
    return api->context.busy;
}

/* ---- who may come in ---- */

/* RFC 9110 11.4: the scheme's case does not count; the old SDK sends `bearer`. */
static bool is_token(const struct gw_config_api *api, struct eg_str authorization) {
    const struct eg_str scheme = GW_STR("Bearer ");
    if (!gw_str_starts_nocase(authorization, scheme)) {
        return false;
    }
    return gw_str_eq_secret(gw_str_trim(gw_str_cut(authorization, scheme.len)),
                            gw_str_c(api->token));
}

static bool is_open_page(const struct gw_http_request *request,
                         const struct gw_config_route *route) {
    return route->page == GW_PAGE_METRICS ||
           (route->page == GW_PAGE_STATUS && gw_status_is_bare(request->query));
}

/* Whatever is answered without a token must not depend on what exists. */
static bool is_allowed(const struct gw_config_api *api, const struct gw_http_request *request) {
    const struct eg_str name = GW_STR("Authorization");
    const struct eg_str first = gw_http_header(request, name, 0);
    const struct eg_str second = gw_http_header(request, name, 1);
    return api->token[0] == '\0' || (second.ptr == NULL && is_token(api, first));
}

/* ---- where it goes ---- */

static void serve(struct gw_config_context *context, struct gw_http_request *request,
                  const struct gw_config_route *route) {
    switch (route->page) {
    case GW_PAGE_STATUS:
        gw_status_page(context, request);
        break;
    case GW_PAGE_METRICS:
        gw_metrics_page(context, request);
        break;
    case GW_PAGE_PLUGINS:
        gw_plugins_page(context, request);
        break;
    case GW_PAGE_RELOAD:
        gw_reload_page(context, request);
        break;
    case GW_PAGE_COLLECTION:
    case GW_PAGE_ITEM:
        gw_config_call_start(context, request, route);
        break;
    }
}

/* What no face has a page for is the first one's. */
static int32_t find_page(const struct gw_config_api *api, struct gw_http_request *request,
                         struct eg_str path, struct gw_config_route *ret_route) {
    for (size_t i = 0; i < api->face_count; i++) {
        const int32_t rc = api->faces[i]->route(&request->arena, request->method, path, ret_route);
        if (rc != EG_E_NOTFOUND) {
            ret_route->face = api->faces[i];
            return rc;
        }
    }
    ret_route->face = api->faces[0];
    return EG_E_NOTFOUND;
}

void gw_config_api_request(struct gw_config_api *api, struct gw_http_request *request) {
    GW_MAGIC_CHECK(api, API_MAGIC);
    struct gw_config_context *context = &api->context;
    struct gw_config_route route = {0};
    const int32_t rc = find_page(api, request, request->path, &route);
    const bool is_open = rc == EG_OK && is_open_page(request, &route);
    if (gw_config_answer_preflight(context, route.face, request)) {
        return; /* browsers send no token with these (Fetch standard 4.8) */
    }
    if (!is_open && !is_allowed(api, request)) {
        const struct eg_str sent = gw_http_header(request, GW_STR("Authorization"), 0);
        gw_config_answer_unauthorized(context, route.face, request, sent.ptr != NULL);
    } else if (rc == EG_E_UNSUPPORTED) {
        route.face->refuse_method(context, request);
    } else if (rc < 0) {
        gw_config_answer_plain(context, request, 404, GW_STR("404 page not found"));
    } else {
        serve(context, request, &route);
    }
}

/* The head was not believed, but whose page it is can be seen from the target. */
void gw_config_api_refuse(struct gw_config_api *api, struct gw_http_request *request,
                          const char *reason, struct gw_http_reply *reply) {
    GW_MAGIC_CHECK(api, API_MAGIC);
    struct gw_config_route route = {0};
    struct gw_bytes body;
    const struct eg_str path = gw_str_sub(request->target, 0, gw_str_find(request->target, '?'));
    (void)find_page(api, request, path, &route);
    gw_bytes_init(&body, 0);
    route.face->write_error(&body, gw_str_c(reason));
    gw_buf_release(&reply->body);
    reply->body = gw_bytes_take(&body);
}
