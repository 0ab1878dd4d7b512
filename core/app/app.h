/*
 * app/app.h - the wiring: which objects there are, on which thread, in which order they come and
 * go.
 *
 * The control thread is main's: it runs the control loop (Config API, storage, plugins' life). Each
 * lane is one event loop on a thread of its own with its share of everything. Loop indices: lanes
 * from 0, the control loop last.
 */
#ifndef GW_APP_APP_H
#define GW_APP_APP_H

#include <pthread.h>

#include "api/config_api.h"
#include "app/options.h"
#include "base/clock.h"
#include "flow/flow.h"

/* How long plugins may take to end. */
#define GW_PLUGIN_STOP_NS (5 * GW_NS_PER_S)

struct gw_app;

struct gw_lane {
    struct gw_app *app;
    uint32_t index;
    pthread_t thread;
    bool has_thread;
    struct eg_loop *loop;
    struct gw_http_client *client;
    struct gw_flow *flow;
    struct gw_http_server *server;
    int listen_fd;         /* -1 once the server has it */
    struct gw_task task;   /* control -> lane, one request at a time */
    struct gw_task answer; /* lane -> control */
    int32_t status;        /* of the answer */
    struct eg_why why;
    uint32_t busy; /* requests, events and deliveries left, as last told */
};

struct gw_reload;

enum gw_stage { GW_STARTING, GW_SERVING, GW_DRAINING, GW_ENDING };

struct gw_app {
    int argc;
    char **argv;
    struct gw_options options;
    enum gw_stage stage;
    int exit_code;
    const struct eg_why *session_why; /* of a store session: why it failed; NULL: there is none */

    struct eg_loop *control;
    struct gw_http_client *control_client;
    struct gw_lane *lanes;
    uint32_t lane_count;
    struct gw_spread *spread; /* of the lanes' connections */
    uint32_t lanes_to_answer;
    void (*lanes_answered)(struct gw_app *app);

    struct eg_loop **loops; /* by index, control last */
    struct gw_http_client **clients;
    struct gw_pool *pool;
    struct gw_manager *manager;
    size_t flagged_first; /* components of the plugins of --plugin: from here */
    size_t flagged_end;   /* to here */
    struct gw_catalog *catalog;
    struct gw_publisher *publisher;
    struct gw_config_api *config_api;
    struct gw_http_server *config_server;
    int config_fd;
    uint16_t events_port; /* as bound */
    uint16_t config_port;
    struct gw_tls_files events_tls;
    struct gw_tls_files config_tls;

    struct gw_fd signal_watch;
    int signal_fd;
    struct gw_timer timer; /* of the stop */
    uint64_t drain_until_ns;
    bool is_abandoned;
    bool is_stop_wanted; /* a signal to stop came */
    uint64_t stop_wanted_ns;
    bool is_reload_wanted;    /* SIGHUP came while it could not be done */
    struct gw_reload *reload; /* under way, or NULL */
    bool is_started;          /* manager_start answered 0 */
};

/* The whole life; the process's exit code. */
int gw_app_run(int argc, char **argv);
/* Loops and a manager that knows all plugins, but has none at work. */
int32_t gw_app_make_manager(struct gw_app *app, struct eg_why *ret_why);

/* lanes.c: loops, clients, threads. The fn of gw_app_each_lane runs on every lane, then answered
 * once on the control loop. */
int32_t gw_app_make_lanes(struct gw_app *app, struct eg_why *ret_why);
int32_t gw_app_run_lanes(struct gw_app *app, struct eg_why *ret_why);
void gw_app_each_lane(struct gw_app *app, void (*fn)(struct gw_task *task),
                      void (*answered)(struct gw_app *app));
void gw_app_free_lanes(struct gw_app *app);
static inline struct gw_lane *gw_lane_of(struct gw_task *task) {
    return (struct gw_lane *)(void *)((char *)task - offsetof(struct gw_lane, task));
}
/* Each fn above ends with it. */
void gw_lane_answer(struct gw_lane *lane);

/* components.c: plugins of the configuration become instances. */
struct gw_wanted {
    const struct eg_component *component;
    const struct gw_setting_input *inputs;
    size_t input_count;
};
struct gw_wanted_list {
    struct gw_wanted *items; /* in the arena of the options */
    size_t count;
};
int32_t gw_app_load_plugins(struct gw_app *app, struct eg_why *ret_why);
/* Checks the options, and lists what they want at work, in order of the chains. */
int32_t gw_app_want(const struct gw_app *app, struct gw_options *options,
                    struct gw_wanted_list *ret_list, struct eg_why *ret_why);
/* What stands beside the program (a build tree) or in its prefix (an installation), or NULL. */
const char *gw_app_find_beside(struct gw_arena *arena, const char *const *places, size_t count);
int32_t gw_app_add_components(struct gw_app *app, struct eg_why *ret_why);
/* Only the storage, and the providers if they are asked about functions. */
int32_t gw_app_add_store(struct gw_app *app, bool with_providers, struct eg_why *ret_why);
/* Are all sections of plugins.* those of known components, with keys and values that can be read?
 * Adds what the gateway itself tells components to the source. */
int32_t gw_app_check_components(struct gw_manager *manager, struct gw_options *options,
                                struct eg_why *ret_why);

/* listeners.c */
int32_t gw_app_read_tls(struct gw_app *app, struct eg_why *ret_why);
int32_t gw_app_listen(struct gw_app *app, struct eg_why *ret_why);
void gw_app_serve(struct gw_app *app); /* starts the servers of both APIs, then is serving */

/* convert.c */
void gw_app_flow_config(const struct gw_settings *settings, struct gw_flow_config *ret_config);
void gw_app_api_config(const struct gw_settings *settings, struct gw_config_api_config *ret_config);
void gw_app_log_setup(const struct gw_options *options);

void gw_app_stop(struct gw_app *app);                    /* stop.c */
void gw_app_fail(struct gw_app *app, struct eg_str why); /* stops, exit 1 */
/* reload.c. asker (give): the request of the Config API that is answered when it is over; NULL: a
 * signal, which waits for a reload that is under way. replace: see gw_config_api_setup. */
void gw_app_reload(struct gw_app *app, struct gw_http_request *asker, struct eg_str replace);
void gw_app_reload_stop(struct gw_app *app); /* the gateway stops: one that starts plugins ends */
void gw_app_reload_if_wanted(struct gw_app *app); /* when what was in its way is over */
void gw_app_hold_reloads(void);                   /* signals.c: a reload that is asked for waits */
int32_t gw_app_signals(struct gw_app *app, struct eg_why *ret_why); /* signals.c */

#endif
