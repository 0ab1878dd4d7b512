/*
 * app/start.c - from the command line to serving: settings, plugins, loops, then on the control
 * loop one after the other: plugins start -> the catalog has the present content, or the cached
 * copy while the storage is away -> the first snapshot is on every loop -> the listeners serve. Any
 * failure is one sentence on stderr and exit 1.
 */
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#include "api/v2017_events.h"
#include "app/app.h"
#include "app/commands.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/slice.h"
#include "base/thread_slice.h"
#include "base/why.h"
#include "domain/document.h"
#include "plugin/component_settings.h"

#ifndef EVENTGW_VERSION
#define EVENTGW_VERSION "dev"
#endif

static void print(int fd, struct gw_bytes *text) {
    size_t at = 0;
    while (at < text->len) {
        const ssize_t n = write(fd, text->ptr + at, text->len - at);
        if (n <= 0) {
            break;
        }
        at += (size_t)n;
    }
    gw_bytes_free(text);
}

static void print_usage_error(const struct gw_options *options, const struct eg_why *why) {
    struct gw_bytes out;
    gw_bytes_init(&out, 0);
    gw_bytes_add(&out, gw_why_str(why));
    gw_bytes_add_char(&out, '\n');
    gw_options_usage(&out, options);
    print(STDERR_FILENO, &out);
}

/* ---- on the control loop ---- */

static void on_published(void *arg) {
    gw_app_serve(arg);
}

static void on_catalog_change(void *arg, struct gw_catalog *catalog) {
    struct gw_app *app = arg;
    if (app->stage < GW_ENDING && app->publisher != NULL) {
        gw_publisher_publish(app->publisher, catalog, NULL, NULL);
    }
}

static void on_catalog_ready(void *arg, int32_t status, struct eg_str why) {
    struct gw_app *app = arg;
    if (app->stage != GW_STARTING) {
        return;
    }
    if (status < 0) {
        gw_app_fail(app, why);
        return;
    }
    gw_publisher_publish(app->publisher, app->catalog, on_published, app);
}

static uint32_t share(int64_t total, uint32_t parts, uint32_t index) {
    const uint64_t all = (uint64_t)total;
    return (uint32_t)(all / parts + (index < all % parts ? 1 : 0));
}

static void make_flows(struct gw_app *app) {
    const struct gw_settings *settings = &app->options.settings;
    for (uint32_t i = 0; i < app->lane_count; i++) {
        struct gw_flow_setup setup = {
            .loop = app->lanes[i].loop,
            .reader = gw_publisher_reader(app->publisher, i),
            .workers = share(settings->top.workers, app->lane_count, i),
            .backlog = share(settings->top.workers_backlog, app->lane_count, i),
            .face = settings->api.v2017 ? &gw_face_v2017 : NULL,
        };
        gw_app_flow_config(settings, &setup.config);
        app->lanes[i].flow = gw_flow_create(&setup);
    }
}

static void on_routed(void *arg) {
    struct gw_app *app = arg;
    gw_config_api_routed(app->config_api);
}

static void on_reload(void *arg, struct gw_http_request *request, struct eg_str replace) {
    gw_app_reload(arg, request, replace);
}

static void make_config_api(struct gw_app *app) {
    struct gw_config_api_setup setup = {
        .catalog = app->catalog,
        .publisher = app->publisher,
        .manager = app->manager,
        .on_reload = on_reload,
        .reload_arg = app,
        .has_v2017 = app->options.settings.api.v2017 != 0,
    };
    gw_app_api_config(&app->options.settings, &setup.config);
    app->config_api = gw_config_api_create(&setup);
    gw_publisher_on_routed(app->publisher, on_routed, app);
}

static void on_plugins_started(void *arg, int32_t status, struct eg_str why) {
    struct gw_app *app = arg;
    if (status < 0) {
        gw_app_fail(app, why);
        return;
    }
    app->is_started = true;
    if (app->stage != GW_STARTING) {
        return;
    }
    const struct gw_catalog_config config = {
        .storage = gw_manager_storage(app->manager),
        .control = app->control,
        .timeout_ns = app->options.settings.store.timeout_ns,
        .on_change = on_catalog_change,
        .arg = app,
        .copy_file = app->options.settings.store.cache_file,
        .pool = app->pool,
    };
    app->publisher = gw_publisher_create(app->manager, app->control, app->loops, app->lane_count);
    if (app->options.settings.api.v2017) {
        gw_publisher_index_space(app->publisher, GW_STR(GW_DEFAULT_SPACE));
    }
    app->catalog = gw_catalog_create(&config);
    make_flows(app);
    make_config_api(app);
    gw_catalog_start(app->catalog, on_catalog_ready, app);
}

static void start(struct gw_app *app) {
    gw_manager_start(app->manager, app->options.settings.top.start_timeout_ns, on_plugins_started,
                     app);
}

/* ---- before the control loop runs ---- */

int32_t gw_app_make_manager(struct gw_app *app, struct eg_why *ret_why) {
    const int32_t rc = gw_app_make_lanes(app, ret_why);
    if (rc < 0) {
        return rc;
    }
    const struct gw_manager_config config = {
        .loops = app->loops,
        .clients = app->clients,
        .loop_count = app->lane_count + 1,
        .control = app->control,
        .pool = app->pool,
        .event_api = gw_flow_event_api(),
        .exchange_api = gw_flow_exchange_api(),
        .function_api = gw_flow_function_api(),
        .version = EVENTGW_VERSION,
    };
    app->manager = gw_manager_create(&config);
    return gw_app_load_plugins(app, ret_why);
}

static int32_t prepare(struct gw_app *app, struct eg_why *ret_why) {
    int32_t rc = gw_app_make_manager(app, ret_why);
    if (rc == EG_OK && app->options.command != GW_SHOW_PLUGIN) {
        rc = gw_app_add_components(app, ret_why);
    }
    return rc == EG_OK ? gw_app_read_tls(app, ret_why) : rc;
}

static int32_t show_plugin(struct gw_app *app, struct eg_why *ret_why) {
    const struct eg_str name = gw_str_c(app->options.help_plugin);
    const struct eg_component *component = gw_manager_component(app->manager, 0, name);
    struct gw_bytes out;
    if (component == NULL) {
        size_t count = 0;
        const struct eg_component *const *known = gw_manager_components(app->manager, &count);
        struct gw_bytes list;
        gw_bytes_init_arena(&list, &app->options.source.arena, 128);
        for (size_t i = 0; i < count; i++) {
            gw_bytes_addf(&list, " %s", known[i]->name);
        }
        return gw_why(ret_why, EG_E_NOTFOUND, "no component '%s' is installed; there is:%.*s",
                      app->options.help_plugin, GW_FMT(gw_bytes_str(&list)));
    }
    gw_bytes_init(&out, 0);
    gw_bytes_addf(&out, "%s - %s\n", component->name, component->summary);
    const struct gw_settings_table settings = gw_component_own_table(component);
    const struct gw_settings_table common = gw_component_host_table(component);
    if (settings.count > 0) {
        gw_bytes_addf(&out, "\nSettings, in plugins.%s:\n", component->name);
        gw_settings_help(&out, &settings);
    }
    if (common.count > 0) {
        gw_bytes_addf(&out, "\nOf every middleware, also in plugins.%s:\n", component->name);
        gw_settings_help(&out, &common);
    }
    if (component->kind == EG_KIND_PROVIDER) {
        const struct gw_settings_table target = gw_component_target_table(component);
        gw_bytes_add_c(&out, "\nOf a function, in `provider`:\n");
        gw_settings_help(&out, &target);
    }
    print(STDOUT_FILENO, &out);
    return EG_OK;
}

static int32_t serve(struct gw_app *app, struct eg_why *ret_why) {
    gw_thread_slice(GW_SLICE_ASIDE_NS);
    int32_t rc = gw_app_listen(app, ret_why);
    if (rc == EG_OK) {
        rc = gw_app_signals(app, ret_why);
    }
    if (rc == EG_OK) {
        rc = gw_app_run_lanes(app, ret_why);
    }
    if (rc == EG_OK) {
        start(app);
        gw_loop_run(app->control);
    }
    return rc;
}

static int32_t run_command(struct gw_app *app, struct eg_why *ret_why) {
    if (app->options.subcommand != NULL) {
        return app->options.subcommand->run(app, ret_why);
    }
    if (app->options.command == GW_SERVE) {
        gw_app_hold_reloads();
    }
    const int32_t rc = prepare(app, ret_why);
    if (rc < 0) {
        return rc;
    }
    switch (app->options.command) {
    case GW_SHOW_PLUGIN:
        return show_plugin(app, ret_why);
    case GW_CHECK:
        puts("the configuration is valid");
        return EG_OK;
    default:
        return serve(app, ret_why);
    }
}

static void free_all(struct gw_app *app) {
    gw_config_api_destroy(app->config_api);
    gw_catalog_destroy(app->catalog);
    gw_publisher_destroy(app->publisher);
    gw_manager_destroy(app->manager);
    gw_app_free_lanes(app);
    gw_options_free(&app->options);
}

/* Texts that need neither settings nor plugins. */
static bool answer_early(const struct gw_options *options) {
    struct gw_bytes out;
    gw_bytes_init(&out, 0);
    if (options->command == GW_SHOW_VERSION) {
        gw_bytes_add_c(&out, "Event Gateway version: " EVENTGW_VERSION "\n");
    } else if (options->command == GW_SHOW_HELP) {
        gw_options_help(&out, options);
    } else {
        return false;
    }
    print(STDOUT_FILENO, &out);
    return true;
}

/* Shells give 1024 descriptors of many more that are allowed (the low number is for programs that
 * call select), which is less than limits.connections: functions could then not be connected to. */
static void raise_descriptor_limit(void) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
}

int gw_app_run(int argc, char **argv) {
    gw_mem_setup();
    struct gw_app app = {.argc = argc, .argv = argv, .config_fd = -1, .signal_fd = -1};
    struct eg_why why = {.struct_size = sizeof why};
    struct gw_options early;
    const int32_t parsed = gw_options_parse(&early, argc, argv, &why);
    const bool is_answered = parsed == EG_OK && answer_early(&early);
    if (parsed < 0) {
        print_usage_error(&early, &why);
    }
    gw_options_free(&early);
    if (parsed < 0) {
        return GW_EXIT_USAGE;
    }
    if (is_answered) {
        return 0;
    }
    int32_t rc = gw_options_load(&app.options, argc, argv, &why);
    if (rc == EG_OK) {
        gw_app_log_setup(&app.options);
        raise_descriptor_limit();
        rc = run_command(&app, &why);
    }
    if (rc < 0) {
        fprintf(stderr, "event-gateway: %.*s\n", GW_FMT(gw_why_str(&why)));
        app.exit_code = 1;
    }
    free_all(&app);
    return app.exit_code;
}
