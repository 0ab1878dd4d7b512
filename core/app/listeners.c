/*
 * app/listeners.c - the two listeners: certificates, sockets, servers.
 *
 * Sockets are opened before anything serves, so that a taken port is told at once. The Events API
 * has one socket per lane on the same port (SO_REUSEPORT; io/http_spread.h gives each lane as many
 * connections), the Config API one on the control loop. Servers are started on the thread of their
 * loop. What --check promises about certificates is found out by trying them.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "app/app.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/slice.h"
#include "base/why.h"

#define MAX_PEM_BYTES (1024 * 1024)

static int32_t read_pem(struct gw_app *app, struct eg_str path, struct eg_str *ret_text,
                        struct eg_why *ret_why) {
    struct gw_arena *arena = &app->options.source.arena;
    const struct eg_str name = gw_arena_dup(arena, path);
    FILE *file = fopen(name.ptr, "rbe");
    if (file == NULL) {
        return gw_why(ret_why, EG_E_IO, "%s: %s", name.ptr, strerror(errno));
    }
    char *text = gw_arena_alloc(arena, MAX_PEM_BYTES);
    errno = 0;
    const size_t len = fread(text, 1, MAX_PEM_BYTES, file);
    const int error = ferror(file) != 0 ? errno : 0;
    fclose(file);
    if (error != 0) {
        return gw_why(ret_why, EG_E_IO, "%s: %s", name.ptr, strerror(error));
    }
    if (len == 0 || len == MAX_PEM_BYTES) {
        return gw_why(ret_why, EG_E_INVAL, "%s: %s", name.ptr,
                      len == 0 ? "is empty" : "is too big for a PEM file");
    }
    *ret_text = gw_str(text, len);
    return EG_OK;
}

/* Only the library can tell what it can use: a server is started with the pair and ended. */
static int32_t try_pair(const struct gw_listener_settings *listener,
                        const struct gw_http_server_config *config, struct eg_why *ret_why) {
    struct eg_loop *loop = NULL;
    struct gw_http_server *server = NULL;
    struct eg_why why = {.struct_size = sizeof why};
    uint16_t port = 0;
    int fd = -1;
    int32_t rc = gw_loop_create("trial", &loop);
    if (rc == EG_OK) {
        rc = gw_listen(GW_STR("127.0.0.1"), 0, &fd, &port, &why);
    }
    if (rc == EG_OK) {
        rc = gw_http_server_start(loop, fd, config, &server, &why);
    }
    gw_http_server_destroy(server);
    gw_loop_destroy(loop);
    return rc == EG_OK ? rc
                       : gw_why(ret_why, rc, "%.*s and %.*s cannot be used for TLS: %.*s",
                                GW_FMT(listener->tls_cert), GW_FMT(listener->tls_key),
                                GW_FMT(gw_why_str(&why)));
}

static void refuse_request(void *arg, struct gw_http_request *request) {
    (void)arg;
    gw_http_request_unref(request);
}

static int32_t read_client_ca(struct gw_app *app, const struct gw_listener_settings *listener,
                              struct gw_tls_files *ret_tls, struct eg_why *ret_why) {
    struct eg_why why = {.struct_size = sizeof why};
    if (listener->tls_client_ca.len == 0) {
        return EG_OK;
    }
    const bool is_required = gw_str_eq(listener->tls_client_auth, GW_STR("required"));
    ret_tls->client_auth = is_required ? GW_CLIENT_AUTH_REQUIRED : GW_CLIENT_AUTH_OPTIONAL;
    int32_t rc = read_pem(app, listener->tls_client_ca, &ret_tls->client_ca_pem, ret_why);
    if (rc == EG_OK) {
        rc = gw_http_check_ca(ret_tls->client_ca_pem, &why);
    } else {
        return rc;
    }
    return rc == EG_OK ? rc
                       : gw_why(ret_why, rc, "%.*s: %.*s", GW_FMT(listener->tls_client_ca),
                                GW_FMT(gw_why_str(&why)));
}

static int32_t read_pair(struct gw_app *app, const struct gw_listener_settings *listener,
                         struct gw_tls_files *ret_tls, struct eg_why *ret_why) {
    if (listener->tls_cert.len == 0) {
        return EG_OK;
    }
    int32_t rc = read_pem(app, listener->tls_cert, &ret_tls->cert_pem, ret_why);
    if (rc == EG_OK) {
        rc = read_pem(app, listener->tls_key, &ret_tls->key_pem, ret_why);
    }
    if (rc == EG_OK) {
        rc = read_client_ca(app, listener, ret_tls, ret_why);
    }
    const struct gw_http_server_config trial = {
        .name = "trial",
        .limits = {.head_bytes = 4096, .connections = 1},
        .tls = *ret_tls,
        .on_request = refuse_request,
    };
    return rc < 0 ? rc : try_pair(listener, &trial, ret_why);
}

int32_t gw_app_read_tls(struct gw_app *app, struct eg_why *ret_why) {
    const struct gw_settings *settings = &app->options.settings;
    const int32_t rc = read_pair(app, &settings->events.listener, &app->events_tls, ret_why);
    return rc < 0 ? rc : read_pair(app, &settings->config.listener, &app->config_tls, ret_why);
}

/* SO_REUSEPORT would let a second gateway take the same port unnoticed: look first. */
static int32_t listen_first(const struct gw_listener_settings *listener, int *ret_fd,
                            uint16_t *ret_port, struct eg_why *ret_why) {
    const uint16_t port = (uint16_t)listener->port;
    const int32_t rc = gw_listen_check(listener->listen, port, ret_why);
    return rc < 0 ? rc : gw_listen(listener->listen, port, ret_fd, ret_port, ret_why);
}

int32_t gw_app_listen(struct gw_app *app, struct eg_why *ret_why) {
    const struct gw_listener_settings *events = &app->options.settings.events.listener;
    int32_t rc = listen_first(&app->options.settings.config.listener, &app->config_fd,
                              &app->config_port, ret_why);
    if (rc == EG_OK) {
        rc = listen_first(events, &app->lanes[0].listen_fd, &app->events_port, ret_why);
    }
    for (uint32_t i = 1; i < app->lane_count && rc == EG_OK; i++) {
        rc = gw_listen(events->listen, app->events_port, &app->lanes[i].listen_fd,
                       &app->events_port, ret_why);
    }
    return rc;
}

static enum gw_http_server_engine engine_of(const struct gw_app *app) {
    const bool is_auto = gw_str_eq(app->options.settings.ingress.engine, GW_STR("auto"));
    return is_auto ? GW_HTTP_SERVER_AUTO : GW_HTTP_SERVER_LIBRARY;
}

static struct gw_http_limits limits_of(const struct gw_limit_settings *limits, uint32_t shares) {
    const uint32_t connections = (uint32_t)limits->connections / shares;
    return (struct gw_http_limits){
        .body_bytes = limits->body_bytes,
        .head_bytes = limits->head_bytes,
        .target_bytes = limits->target_bytes,
        .connections = connections == 0 ? 1 : connections,
        .connections_per_ip = (uint32_t)limits->connections_per_ip,
        .head_timeout_ns = limits->head_timeout_ns,
        .body_timeout_ns = limits->body_timeout_ns,
        .idle_timeout_ns = limits->idle_timeout_ns,
    };
}

static void on_event_request(void *arg, struct gw_http_request *request) {
    gw_flow_request(arg, request);
}

static void on_event_gone(void *arg, struct gw_http_request *request) {
    gw_flow_gone(arg, request);
}

static void on_event_refuse(void *arg, struct gw_http_request *request, const char *reason,
                            struct gw_http_reply *reply) {
    gw_flow_refuse(arg, request, reason, reply);
}

static void on_config_request(void *arg, struct gw_http_request *request) {
    gw_config_api_request(arg, request);
}

static void on_config_gone(void *arg, struct gw_http_request *request) {
    gw_config_api_gone(arg, request);
}

static void on_config_refuse(void *arg, struct gw_http_request *request, const char *reason,
                             struct gw_http_reply *reply) {
    gw_config_api_refuse(arg, request, reason, reply);
}

static void start_lane_server(struct gw_task *task) {
    struct gw_lane *lane = gw_lane_of(task);
    struct gw_app *app = lane->app;
    const struct gw_http_server_config config = {
        .name = "events",
        .engine = engine_of(app),
        .limits = limits_of(&app->options.settings.limits, app->lane_count),
        .tls = app->events_tls,
        .spread = app->spread,
        .on_request = on_event_request,
        .on_gone = on_event_gone,
        .on_refuse = on_event_refuse,
        .arg = lane->flow,
    };
    const int fd = lane->listen_fd;
    lane->listen_fd = -1;
    lane->status = gw_http_server_start(lane->loop, fd, &config, &lane->server, &lane->why);
    gw_lane_answer(lane);
}

static int32_t start_config_server(struct gw_app *app, struct eg_why *ret_why) {
    const struct gw_http_server_config config = {
        .name = "config",
        .engine = engine_of(app),
        .limits = limits_of(&app->options.settings.limits, 1),
        .tls = app->config_tls,
        .on_request = on_config_request,
        .on_gone = on_config_gone,
        .on_refuse = on_config_refuse,
        .arg = app->config_api,
    };
    const int fd = app->config_fd;
    app->config_fd = -1;
    return gw_http_server_start(app->control, fd, &config, &app->config_server, ret_why);
}

/* As it stands in a URL: a wildcard is reached at the loopback, IPv6 wants brackets (RFC
 * 3986 3.2.2). */
static const char *shown(struct gw_app *app, struct eg_str address) {
    const bool is_any = address.len == 0 || gw_str_eq(address, GW_STR("*")) ||
                        gw_str_eq(address, GW_STR("0.0.0.0"));
    if (is_any || gw_str_eq(address, GW_STR("::"))) {
        return is_any ? "127.0.0.1" : "[::1]";
    }
    const bool is_bare_v6 = address.ptr[0] != '[' && gw_str_find(address, ':') < address.len;
    return gw_arena_printf(&app->options.source.arena, is_bare_v6 ? "[%.*s]" : "%.*s",
                           GW_FMT(address))
        .ptr;
}

static void tell_ready(struct gw_app *app) {
    const struct gw_settings *s = &app->options.settings;
    bool is_old = false;
    const char *library = gw_http_server_library(&is_old);
    if (is_old) {
        gw_logf(EG_LOG_WARN,
                "libmicrohttpd %s is older than 1.0: it is known to accept smuggled requests that "
                "only the guard stops; etc/build-deps builds a newer one",
                library);
    }
    if (s->api.v2017 && s->config.token.len == 0) { /* its pages allow all origins (15.6) */
        gw_logf(
            EG_LOG_WARN,
            "api.v2017 without config.token: any web page can change the configuration, through "
            "a browser that reaches the Configuration API");
    }
    gw_logf(EG_LOG_INFO, "serving: Events API %s://%s:%u, Config API %s://%s:%u, loops %u",
            app->events_tls.cert_pem.len > 0 ? "https" : "http",
            shown(app, s->events.listener.listen), app->events_port,
            app->config_tls.cert_pem.len > 0 ? "https" : "http",
            shown(app, s->config.listener.listen), app->config_port, app->lane_count);
}

static void on_lanes_served(struct gw_app *app) {
    for (uint32_t i = 0; i < app->lane_count; i++) {
        if (app->lanes[i].status < 0) {
            gw_app_fail(app, gw_why_str(&app->lanes[i].why));
            return;
        }
    }
    struct eg_why why = {.struct_size = sizeof why};
    if (start_config_server(app, &why) < 0) {
        gw_app_fail(app, gw_why_str(&why));
        return;
    }
    app->stage = GW_SERVING;
    tell_ready(app);
    gw_app_reload_if_wanted(app);
}

void gw_app_serve(struct gw_app *app) {
    gw_app_each_lane(app, start_lane_server, on_lanes_served);
}
