/*
 * app/plugin_inspect.c - `plugin inspect`: what a file says about itself, after the loader's
 * checks. `plugin list`: which components this gateway has.
 *
 * Loading runs the constructors of a shared object, so inspect does it in a child process.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "app/app.h"
#include "app/commands.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/jwrite.h"
#include "base/slice.h"
#include "base/why.h"
#include "plugin/component_settings.h"
#include "plugin/loader.h"

#ifndef EVENTGW_VERSION
#define EVENTGW_VERSION "dev"
#endif
#define PATIENCE_NS (10 * GW_NS_PER_S)

const char *gw_kit_kind(uint32_t kind) {
    static const char *const names[] = {
        [EG_KIND_PROVIDER] = "provider",
        [EG_KIND_STORAGE] = "storage",
        [EG_KIND_MIDDLEWARE] = "middleware",
        [EG_KIND_REACTER] = "reacter",
    };
    return kind < GW_COUNT(names) && names[kind] != NULL ? names[kind] : "unknown";
}

int32_t gw_kit_print(struct gw_bytes *text, struct eg_why *ret_why) {
    int32_t rc = EG_OK;
    for (size_t at = 0; at < text->len && rc == EG_OK;) {
        const ssize_t n = write(STDOUT_FILENO, text->ptr + at, text->len - at);
        if (n < 0 && errno != EINTR) {
            rc = gw_why(ret_why, EG_E_IO, "cannot write to standard output: %s", strerror(errno));
        }
        at += n > 0 ? (size_t)n : 0;
    }
    gw_bytes_free(text);
    return rc;
}

/* ---- for people ---- */

static void write_component(struct gw_bytes *out, const struct eg_component *component) {
    const struct gw_settings_table own = gw_component_own_table(component);
    const struct gw_settings_table target = gw_component_target_table(component);
    const struct gw_settings_table common = gw_component_host_table(component);
    gw_bytes_addf(out, "\n%s %s - %s\n", gw_kit_kind(component->kind), component->name,
                  component->summary);
    if (own.count == 0) {
        gw_bytes_add_c(out, "\nIt has no settings.\n");
    } else {
        gw_bytes_addf(out, "\nSettings, in plugins.%s:\n", component->name);
        gw_settings_help(out, &own);
    }
    if (common.count > 0) {
        gw_bytes_addf(out, "\nOf every %s, also in plugins.%s:\n", gw_kit_kind(component->kind),
                      component->name);
        gw_settings_help(out, &common);
    }
    if (component->kind == EG_KIND_PROVIDER) {
        gw_bytes_addf(out, "\nOf a function of type %s, in `provider`:\n", component->name);
        gw_settings_help(out, &target);
    }
}

static void write_text(struct gw_bytes *out, const struct eg_plugin *plugin) {
    gw_bytes_addf(out, "%s %s, licence %s\n", plugin->name, plugin->version, plugin->licence);
    gw_bytes_addf(out, "ABI: built with %u.%u, needs %u.%u; this gateway has %u.%u\n",
                  EG_ABI_MAJOR(plugin->abi_built), EG_ABI_MINOR(plugin->abi_built),
                  EG_ABI_MAJOR(plugin->abi_needs), EG_ABI_MINOR(plugin->abi_needs),
                  EG_ABI_MAJOR(EG_ABI), EG_ABI_MINOR(EG_ABI));
    for (size_t i = 0; i < plugin->component_count; i++) {
        write_component(out, plugin->components[i]);
    }
}

/* ---- for programs ---- */

static void add_string(struct gw_bytes *out, bool *is_first, const char *name, const char *text) {
    gw_jw_name(out, is_first, name);
    gw_jw_string(out, gw_str_c(text));
}

static void add_abi(struct gw_bytes *out, bool *is_first, const char *name, uint32_t abi) {
    gw_jw_name(out, is_first, name);
    gw_bytes_addf(out, "\"%u.%u\"", EG_ABI_MAJOR(abi), EG_ABI_MINOR(abi));
}

static void write_component_json(struct gw_bytes *out, const struct eg_component *component) {
    const struct gw_settings_table own = gw_component_own_table(component);
    const struct gw_settings_table target = gw_component_target_table(component);
    const struct gw_settings_table common = gw_component_host_table(component);
    bool is_first = true;
    gw_bytes_add_char(out, '{');
    add_string(out, &is_first, "kind", gw_kit_kind(component->kind));
    add_string(out, &is_first, "name", component->name);
    add_string(out, &is_first, "summary", component->summary);
    gw_jw_name(out, &is_first, "settings");
    gw_settings_json(out, &own);
    gw_jw_name(out, &is_first, "commonSettings");
    gw_settings_json(out, &common);
    if (component->kind == EG_KIND_PROVIDER) {
        gw_jw_name(out, &is_first, "functionSettings");
        gw_settings_json(out, &target);
    }
    gw_bytes_add_char(out, '}');
}

static void write_json(struct gw_bytes *out, const struct eg_plugin *plugin) {
    bool is_first = true;
    gw_bytes_add_char(out, '{');
    add_string(out, &is_first, "name", plugin->name);
    add_string(out, &is_first, "version", plugin->version);
    add_string(out, &is_first, "licence", plugin->licence);
    add_abi(out, &is_first, "abiBuilt", plugin->abi_built);
    add_abi(out, &is_first, "abiNeeds", plugin->abi_needs);
    add_abi(out, &is_first, "abiGateway", EG_ABI);
    add_string(out, &is_first, "gatewayVersion", EVENTGW_VERSION);
    gw_jw_name(out, &is_first, "components");
    for (size_t i = 0; i < plugin->component_count; i++) {
        gw_bytes_add_char(out, i == 0 ? '[' : ',');
        write_component_json(out, plugin->components[i]);
    }
    gw_bytes_add_c(out, "]}\n");
}

/* ---- inspect ---- */

static int inspect(void *arg, int fd) {
    const struct gw_options *options = arg;
    struct eg_why why = {.struct_size = sizeof why};
    const struct eg_plugin *plugin = NULL;
    struct gw_bytes out;
    int32_t rc = gw_plugin_open(options->operand, &plugin, &why);
    if (rc == EG_OK) {
        gw_bytes_init(&out, 0);
        if (options->kit.is_json) {
            write_json(&out, plugin);
        } else {
            write_text(&out, plugin);
        }
        rc = gw_kit_print(&out, &why);
    }
    if (rc < 0) {
        why.text[why.len < sizeof why.text ? why.len : sizeof why.text - 1] = '\0';
        gw_child_tell(fd, GW_CHILD_REFUSED, why.text);
        return GW_EXIT_FAILED;
    }
    return GW_EXIT_OK;
}

static void heard_nothing(void *arg, char kind, const char *text) {
    (void)arg;
    (void)kind;
    (void)text;
}

static int32_t run_inspect(struct gw_app *app, struct eg_why *ret_why) {
    const struct gw_child child = {
        .work = inspect, .arg = &app->options, .heard = heard_nothing, .patience_ns = PATIENCE_NS};
    struct gw_child_end end;
    char text[600];
    const int32_t rc = gw_child_run(&child, &end, ret_why);
    if (rc < 0) {
        return rc;
    }
    if (end.refused[0] != '\0') {
        return gw_why(ret_why, EG_E_INVAL, "%s", end.refused);
    }
    if (!end.is_back || end.exit_code != GW_EXIT_OK) {
        gw_child_describe(&end, text, sizeof text);
        return gw_why(ret_why, EG_E_INVAL, "plugin '%s' %s", app->options.operand, text);
    }
    return EG_OK;
}

static int32_t act_json(struct gw_options *options, const char *value, struct eg_why *ret_why) {
    (void)value;
    (void)ret_why;
    options->kit.is_json = true;
    return EG_OK;
}

static const struct gw_flag flags[] = {
    {"json", GW_TAKES_NOTHING, NULL, NULL, act_json, "one JSON object, for programs"},
};

const struct gw_subcommand gw_plugin_inspect_command = {
    .name = "plugin inspect",
    .operand = "FILE.so",
    .operands = 1,
    .summary = "what a plugin says about itself",
    .text =
        "Loads the plugin as the gateway would, in a process of its own, and prints what it is:\n"
        "name, version, licence, the ABI that it was built with and needs, its components, and\n"
        "every setting with its type, default and range. Nothing of it is started.\n"
        "\n"
        "Exit code: 0 the gateway would take the file, 1 it would not, and says why, 2 wrong\n"
        "command line.",
    .shared = "",
    .flags = flags,
    .flag_count = GW_COUNT(flags),
    .run = run_inspect,
};

/* ---- list ---- */

static bool is_built_in(const struct eg_component *component) {
    size_t count = 0;
    const struct eg_plugin *const *plugins = gw_static_plugins(&count);
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < plugins[i]->component_count; k++) {
            if (plugins[i]->components[k] == component) {
                return true;
            }
        }
    }
    return false;
}

static int32_t run_list(struct gw_app *app, struct eg_why *ret_why) {
    const int32_t rc = gw_app_make_manager(app, ret_why);
    if (rc < 0) {
        return rc;
    }
    size_t count = 0;
    const struct eg_component *const *known = gw_manager_components(app->manager, &count);
    struct gw_bytes out;
    gw_bytes_init(&out, 0);
    for (uint32_t kind = EG_KIND_PROVIDER; kind <= EG_KIND_REACTER; kind++) {
        for (size_t i = 0; i < count; i++) {
            if (known[i]->kind == kind) {
                gw_bytes_addf(&out, "%-10s  %-20s  %-8s  %s\n", gw_kit_kind(kind), known[i]->name,
                              is_built_in(known[i]) ? "built in" : "loaded", known[i]->summary);
            }
        }
    }
    return gw_kit_print(&out, ret_why);
}

const struct gw_subcommand gw_plugin_list_command = {
    .name = "plugin list",
    .summary = "which components this gateway has",
    .text =
        "Lists the components of all plugins: those that are linked into this program (built in)\n"
        "and those that it finds in its plugin directory or that are named (loaded).\n"
        "--help-plugin NAME prints the settings of one.\n"
        "\n"
        "Exit code: 0 done, 1 a plugin cannot be loaded, 2 wrong command line.",
    .shared = " config set plugin log-level log-format ",
    .run = run_list,
};
