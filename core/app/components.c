/*
 * app/components.c - which components the configuration wants at work: one storage, every provider
 * that is there, middleware and reacters in their configured order.
 *
 * Control thread. At the start, before the loops run, each becomes an instance here (so --check
 * finds every bad setting) that is started later; a reload compares the list with what is at work.
 */
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "app/app.h"
#include "base/check.h"
#include "base/jwrite.h"
#include "base/log.h"
#include "base/slice.h"
#include "base/why.h"
#include "plugin/component_settings.h"

#ifndef EVENTGW_LIBDIR_FROM_BIN
#define EVENTGW_LIBDIR_FROM_BIN "../lib"
#endif

const char *gw_app_find_beside(struct gw_arena *arena, const char *const *places, size_t count) {
    char self[PATH_MAX];
    const ssize_t len = readlink("/proc/self/exe", self, sizeof self - 1);
    if (len <= 0) {
        return NULL;
    }
    self[len] = '\0';
    char *slash = strrchr(self, '/');
    if (slash == NULL) {
        return NULL;
    }
    *slash = '\0';
    for (size_t i = 0; i < count; i++) {
        const struct eg_str path = gw_arena_printf(arena, "%s/%s", self, places[i]);
        if (access(path.ptr, R_OK) == 0) {
            return path.ptr;
        }
    }
    return NULL;
}

static const char *find_plugin_directory(struct gw_arena *arena) {
    static const char *const places[] = {"plugins", EVENTGW_LIBDIR_FROM_BIN "/eventgw/plugins",
                                         "../lib/eventgw/plugins"};
    return gw_app_find_beside(arena, places, GW_COUNT(places));
}

static int32_t load_list(struct gw_app *app, const struct eg_str_list *paths,
                         struct eg_why *ret_why) {
    for (size_t i = 0; i < paths->count; i++) {
        const struct eg_str path = gw_arena_dup(&app->options.source.arena, paths->items[i]);
        const int32_t rc = gw_manager_load(app->manager, path.ptr, ret_why);
        if (rc < 0) {
            return rc;
        }
    }
    return EG_OK;
}

int32_t gw_app_load_plugins(struct gw_app *app, struct eg_why *ret_why) {
    struct gw_arena *arena = &app->options.source.arena;
    const struct gw_plugins_settings *plugins = &app->options.settings.plugins;
    const char *directory = plugins->directory.len > 0 ? gw_arena_dup(arena, plugins->directory).ptr
                                                       : find_plugin_directory(arena);
    int32_t rc = gw_manager_load(app->manager, NULL, ret_why);
    (void)gw_manager_components(app->manager, &app->flagged_first);
    if (rc == EG_OK) {
        rc = load_list(app, &app->options.plugins, ret_why);
    }
    (void)gw_manager_components(app->manager, &app->flagged_end);
    if (rc == EG_OK && directory != NULL) {
        rc = gw_manager_load_directory(app->manager, directory, ret_why);
    }
    return rc == EG_OK ? load_list(app, &plugins->load, ret_why) : rc;
}

/* "'etcd' is not installed; known storage components: embedded" */
static int32_t refuse_unknown(const struct gw_app *app, struct gw_options *options, uint32_t kind,
                              const char *kind_name, struct eg_str name, struct eg_why *ret_why) {
    size_t count = 0;
    const struct eg_component *const *known = gw_manager_components(app->manager, &count);
    struct gw_bytes list;
    gw_bytes_init_arena(&list, &options->source.arena, 256);
    for (size_t i = 0; i < count; i++) {
        if (known[i]->kind == kind) {
            gw_bytes_addf(&list, "%s%s", list.len == 0 ? "" : ", ", known[i]->name);
        }
    }
    return gw_why(ret_why, EG_E_NOTFOUND, "%s '%.*s' is not installed; there is: %.*s", kind_name,
                  GW_FMT(name), GW_FMT(gw_bytes_str(&list)));
}

/* What the gateway knows and a component wants to be told, unless the configuration tells it. */
static void add_implied(struct gw_options *options) {
    const struct gw_settings *settings = &options->settings;
    const struct {
        const char *section;
        const char *key;
        struct eg_str value;
    } implied[] = {
        {"plugins.embedded", "path", gw_options_data_dir(options)},
        {"plugins.http", "fail_on", settings->compat.http_status},
    };
    struct gw_source *source = &options->source;
    for (size_t i = 0; i < GW_COUNT(implied); i++) {
        bool is_given = false;
        for (size_t k = 0; k < source->count; k++) {
            is_given =
                is_given || (gw_str_eq(source->items[k].section, gw_str_c(implied[i].section)) &&
                             gw_str_eq(source->items[k].input.key, gw_str_c(implied[i].key)));
        }
        if (!is_given) {
            gw_source_add(source, gw_str_c(implied[i].section), gw_str_c(implied[i].key),
                          implied[i].value, GW_STR("default"), true);
        }
    }
}

/* What the configuration gives a component. */
static const struct gw_setting_input *
inputs_of(struct gw_source *source, const struct eg_component *component, size_t *ret_count) {
    const struct gw_settings_table table = gw_component_table(component, &source->arena);
    const struct eg_str section = gw_arena_printf(&source->arena, "plugins.%s", component->name);
    return gw_source_section(source, section, &table, ret_count);
}

/* ---- what is wanted ---- */

static void want(struct gw_options *options, struct gw_wanted_list *list,
                 const struct eg_component *component) {
    struct gw_wanted *wanted = &list->items[list->count++];
    *wanted = (struct gw_wanted){.component = component};
    wanted->inputs = inputs_of(&options->source, component, &wanted->input_count);
}

static int32_t want_named(const struct gw_app *app, struct gw_options *options, uint32_t kind,
                          const char *kind_name, const struct eg_str_list *names,
                          struct gw_wanted_list *list, struct eg_why *ret_why) {
    for (size_t i = 0; i < names->count; i++) {
        const struct eg_component *component =
            gw_manager_component(app->manager, kind, names->items[i]);
        if (component == NULL) {
            return refuse_unknown(app, options, kind, kind_name, names->items[i], ret_why);
        }
        want(options, list, component);
    }
    return EG_OK;
}

static bool is_listed(const struct eg_str_list *names, const char *name) {
    for (size_t i = 0; i < names->count; i++) {
        if (gw_str_eq(names->items[i], gw_str_c(name))) {
            return true;
        }
    }
    return false;
}

/* Components of the plugins that --plugin named take part without being listed, as they always did.
 */
static void want_flagged(const struct gw_app *app, struct gw_options *options,
                         struct gw_wanted_list *list) {
    const struct eg_component *const *known = gw_manager_components(app->manager, &(size_t){0});
    const struct gw_plugins_settings *plugins = &options->settings.plugins;
    for (size_t i = app->flagged_first; i < app->flagged_end; i++) {
        const bool is_middleware = known[i]->kind == EG_KIND_MIDDLEWARE;
        if (!is_middleware && known[i]->kind != EG_KIND_REACTER) {
            continue;
        }
        if (!is_listed(is_middleware ? &plugins->middleware : &plugins->reacters, known[i]->name)) {
            want(options, list, known[i]);
        }
    }
}

static void want_providers(const struct gw_app *app, struct gw_options *options,
                           struct gw_wanted_list *list) {
    size_t count = 0;
    const struct eg_component *const *known = gw_manager_components(app->manager, &count);
    for (size_t i = 0; i < count; i++) {
        if (known[i]->kind == EG_KIND_PROVIDER) {
            want(options, list, known[i]);
        }
    }
}

/* With room for all that may be wanted. */
static void init_list(const struct gw_app *app, struct gw_options *options,
                      struct gw_wanted_list *ret_list) {
    const struct gw_plugins_settings *plugins = &options->settings.plugins;
    size_t count = 0;
    (void)gw_manager_components(app->manager, &count);
    count = gw_size_add(count + 1, plugins->middleware.count + plugins->reacters.count);
    *ret_list = (struct gw_wanted_list){
        .items =
            gw_arena_alloc(&options->source.arena, gw_size_mul(count, sizeof(struct gw_wanted)))};
}

static int32_t want_store(const struct gw_app *app, struct gw_options *options, bool with_providers,
                          struct gw_wanted_list *ret_list, struct eg_why *ret_why) {
    const struct eg_str_list backend = {&options->settings.store.backend, 1};
    int32_t rc = gw_app_check_components(app->manager, options, ret_why);
    init_list(app, options, ret_list);
    if (rc == EG_OK) {
        rc = want_named(app, options, EG_KIND_STORAGE, "storage", &backend, ret_list, ret_why);
    }
    if (rc == EG_OK && with_providers) {
        want_providers(app, options, ret_list);
    }
    return rc;
}

int32_t gw_app_want(const struct gw_app *app, struct gw_options *options,
                    struct gw_wanted_list *ret_list, struct eg_why *ret_why) {
    const struct gw_plugins_settings *plugins = &options->settings.plugins;
    int32_t rc = want_store(app, options, true, ret_list, ret_why);
    if (rc == EG_OK) {
        rc = want_named(app, options, EG_KIND_MIDDLEWARE, "middleware", &plugins->middleware,
                        ret_list, ret_why);
    }
    if (rc == EG_OK) {
        rc = want_named(app, options, EG_KIND_REACTER, "reacter", &plugins->reacters, ret_list,
                        ret_why);
    }
    if (rc == EG_OK) {
        want_flagged(app, options, ret_list);
    }
    return rc;
}

/* ---- what can be wrong ---- */

/* A section plugins.<name> has to belong to a component that is there. */
static int32_t check_sections(const struct gw_manager *manager, struct gw_source *source,
                              struct eg_why *ret_why) {
    for (size_t i = 0; i < source->count; i++) {
        const struct gw_source_item *item = &source->items[i];
        if (!gw_str_starts(item->section, GW_STR("plugins."))) {
            continue;
        }
        const struct eg_str name = gw_str_cut(item->section, sizeof "plugins." - 1);
        if (gw_manager_component(manager, 0, name) != NULL) {
            continue;
        }
        size_t count = 0;
        const struct eg_component *const *known = gw_manager_components(manager, &count);
        const char **names = gw_arena_alloc(&source->arena, gw_size_mul(count + 1, sizeof *names));
        for (size_t k = 0; k < count; k++) {
            names[k] = known[k]->name;
        }
        const char *nearest = gw_str_nearest(name, names, count);
        return gw_why(ret_why, EG_E_NOTFOUND, "%.*s: no component '%.*s' is installed%s%s%s",
                      GW_FMT(item->input.where), GW_FMT(name),
                      nearest == NULL ? "" : "; did you mean '", nearest == NULL ? "" : nearest,
                      nearest == NULL ? "" : "'?");
    }
    return EG_OK;
}

/* Also of components that are not in use: a typing error there is one none the less. */
static int32_t check_settings(const struct eg_component *component, struct gw_source *source,
                              struct eg_why *ret_why) {
    void *settings = NULL;
    const struct gw_match *match = NULL;
    size_t count = 0;
    const struct gw_setting_input *inputs = inputs_of(source, component, &count);
    return count == 0 ? EG_OK
                      : gw_component_settings_read(component, inputs, count, &source->arena,
                                                   &settings, &match, ret_why);
}

int32_t gw_app_check_components(struct gw_manager *manager, struct gw_options *options,
                                struct eg_why *ret_why) {
    size_t count = 0;
    const struct eg_component *const *known = gw_manager_components(manager, &count);
    int32_t rc = check_sections(manager, &options->source, ret_why);
    add_implied(options);
    for (size_t i = 0; i < count && rc == EG_OK; i++) {
        rc = check_settings(known[i], &options->source, ret_why);
    }
    return rc;
}

/* ---- at the start ---- */

static int32_t add_all(struct gw_app *app, const struct gw_wanted_list *list,
                       struct eg_why *ret_why) {
    int32_t rc = EG_OK;
    for (size_t i = 0; i < list->count && rc == EG_OK; i++) {
        const struct gw_wanted *wanted = &list->items[i];
        rc = gw_manager_add(app->manager, wanted->component, wanted->inputs, wanted->input_count,
                            NULL, ret_why);
    }
    return rc;
}

int32_t gw_app_add_store(struct gw_app *app, bool with_providers, struct eg_why *ret_why) {
    struct gw_wanted_list list;
    const int32_t rc = want_store(app, &app->options, with_providers, &list, ret_why);
    return rc == EG_OK ? add_all(app, &list, ret_why) : rc;
}

int32_t gw_app_add_components(struct gw_app *app, struct eg_why *ret_why) {
    struct gw_wanted_list list;
    const int32_t rc = gw_app_want(app, &app->options, &list, ret_why);
    return rc == EG_OK ? add_all(app, &list, ret_why) : rc;
}
