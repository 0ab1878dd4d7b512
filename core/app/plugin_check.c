/*
 * app/plugin_check.c - `plugin check`: the SDK's check (eventgw-sdk/check.h) on a component of a
 * file, in a child process.
 *
 * The host is the SDK's fake one: its clock moves at once, its network is made up, and it counts
 * what is not given back, none of which the real manager can do. So a check is fast, the same each
 * time, and tells nobody outside. Settings are read by the gateway's own reader first: what it
 * refuses, it refuses here in the same words.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <eventgw-sdk/check.h>

#include "app/app.h"
#include "app/commands.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/jwrite.h"
#include "base/slice.h"
#include "base/why.h"
#include "plugin/component_settings.h"
#include "plugin/loader.h"

#define PATIENCE_NS (20 * GW_NS_PER_S) /* without a word of the child */
#define THREADS_NS (2 * GW_NS_PER_S)   /* that its threads get to end a call */
#define CHILD_PASSED 'p'
#define CHILD_NOTE 'n'
#define CHILD_BREACH 'b'

struct check_job {
    struct gw_options *options;
    struct gw_arena *arena;
    uint32_t breaches; /* as heard by the parent */
    int fd;            /* of the child */
};

/* ---- settings ---- */

/* The members of a JSON object become inputs. */
static int32_t add_members(struct gw_source *source, struct eg_str section, const char *path,
                           struct eg_str text, struct eg_why *ret_why) {
    struct eg_why why = {.struct_size = sizeof why};
    struct eg_json *root = NULL;
    if (gw_json_parse(text, false, &root, &why) < 0) {
        return gw_why(ret_why, EG_E_SYNTAX, "%s: %.*s", path, GW_FMT(gw_why_str(&why)));
    }
    for (size_t i = 0; i < gw_json_count(root); i++) {
        struct eg_str name;
        const struct eg_json *value = gw_json_at(root, i, &name);
        struct gw_bytes json;
        gw_bytes_init_arena(&json, &source->arena, 64);
        gw_json_write(&json, value);
        gw_source_add(source, section, name, gw_bytes_str(&json), gw_str_c(path), false);
    }
    gw_json_free(root);
    return EG_OK;
}

/* JSON when it begins like an object; else the syntax of the configuration file. */
static int32_t read_settings_file(struct gw_source *source, struct eg_str section, const char *path,
                                  struct eg_why *ret_why) {
    struct gw_bytes text;
    int32_t rc = gw_transfer_read(path, &text, ret_why);
    const struct eg_str trimmed = gw_str_trim(gw_bytes_str(&text));
    if (rc == EG_OK && trimmed.len > 0 && trimmed.ptr[0] == '{') {
        rc = add_members(source, section, path, trimmed, ret_why);
    } else if (rc == EG_OK) {
        rc = gw_source_read_file(source, path, ret_why);
    }
    gw_bytes_free(&text);
    return rc;
}

static bool is_of_gateway(struct eg_str section) {
    return gw_str_eq(section, GW_STR("plugins")) || gw_str_starts(section, GW_STR("plugins.")) ||
           (section.len > 0 && gw_settings_group(section) != NULL);
}

/* A whole configuration file has them in plugins.<name>, if at all; a file of settings only, at the
 * top. There a group cannot be told from a section. */
static int32_t choose_section(const struct gw_source *source, struct eg_str *section,
                              struct eg_why *ret_why) {
    const struct gw_source_item *group = NULL;
    for (size_t i = 0; i < source->count; i++) {
        if (is_of_gateway(source->items[i].section)) {
            return EG_OK;
        }
        group = source->items[i].section.len > 0 ? &source->items[i] : group;
    }
    if (group != NULL) {
        return gw_why(ret_why, EG_E_INVAL,
                      "%.*s: the group '%.*s' can only be a setting inside plugins = { %.*s = { "
                      "... }; };",
                      GW_FMT(group->input.where), GW_FMT(group->section),
                      GW_FMT(gw_str_cut(*section, sizeof "plugins." - 1)));
    }
    *section = GW_STR("");
    return EG_OK;
}

static bool is_host_key(const struct eg_component *component, struct eg_str key) {
    const struct gw_settings_table common = gw_component_host_table(component);
    for (size_t i = 0; i < common.count; i++) {
        if (gw_str_eq(key, gw_str_c(common.rows[i]->name))) {
            return true;
        }
    }
    return false;
}

/* Without what the gateway keeps to itself (match). */
static const char *write_object(struct gw_arena *arena, const struct eg_component *component,
                                const struct gw_setting_input *inputs, size_t count) {
    struct gw_bytes out;
    gw_bytes_init_arena(&out, arena, 256);
    for (size_t i = 0; i < count; i++) {
        if (!is_host_key(component, inputs[i].key)) {
            gw_bytes_add_char(&out, out.len == 0 ? '{' : ',');
            gw_jw_string(&out, inputs[i].key);
            gw_bytes_add_char(&out, ':');
            gw_bytes_add(&out, inputs[i].json);
        }
    }
    gw_bytes_add_c(&out, out.len == 0 ? "{}" : "}");
    gw_bytes_add_char(&out, '\0');
    return out.ptr;
}

static int32_t read_settings(struct check_job *job, const struct eg_component *component,
                             const char **ret_json, struct eg_why *ret_why) {
    const struct gw_settings_table table = gw_component_table(component, job->arena);
    const char *path = job->options->kit.settings_path;
    const struct eg_str wanted = gw_arena_printf(job->arena, "plugins.%s", component->name);
    struct eg_str section = wanted;
    const struct gw_match *match = NULL;
    struct gw_source source = {0};
    void *scratch = NULL;
    size_t count = 0;
    int32_t rc = path == NULL ? EG_OK : read_settings_file(&source, wanted, path, ret_why);
    if (rc == EG_OK) {
        rc = choose_section(&source, &section, ret_why);
    }
    if (rc == EG_OK) {
        const struct gw_setting_input *inputs = gw_source_section(&source, section, &table, &count);
        rc = gw_component_settings_read(component, inputs, count, job->arena, &scratch, &match,
                                        ret_why);
        *ret_json = write_object(job->arena, component, inputs, count);
    }
    gw_source_free(&source);
    return rc;
}

static int32_t read_function(struct check_job *job, const char **ret_json, struct eg_why *ret_why) {
    const char *path = job->options->kit.function_path;
    struct gw_bytes text;
    if (path == NULL) {
        return EG_OK;
    }
    struct eg_why why = {.struct_size = sizeof why};
    struct eg_json *root = NULL;
    int32_t rc = gw_transfer_read(path, &text, ret_why);
    if (rc == EG_OK && gw_json_parse(gw_bytes_str(&text), false, &root, &why) < 0) {
        rc = gw_why(ret_why, EG_E_SYNTAX, "%s: %.*s", path, GW_FMT(gw_why_str(&why)));
    }
    *ret_json = gw_arena_dup(job->arena, gw_bytes_str(&text)).ptr;
    gw_json_free(root);
    gw_bytes_free(&text);
    return rc;
}

/* ---- in the child ---- */

static int32_t choose(const struct check_job *job, const struct eg_plugin *plugin,
                      const struct eg_component **ret_component, struct eg_why *ret_why) {
    const char *name = job->options->kit.component;
    for (size_t i = 0; i < plugin->component_count; i++) {
        if (name == NULL ? plugin->component_count == 1
                         : strcmp(plugin->components[i]->name, name) == 0) {
            *ret_component = plugin->components[i];
            return EG_OK;
        }
    }
    struct gw_bytes list;
    gw_bytes_init_arena(&list, job->arena, 64);
    for (size_t i = 0; i < plugin->component_count; i++) {
        gw_bytes_addf(&list, " %s", plugin->components[i]->name);
    }
    return gw_why(ret_why, EG_E_NOTFOUND, "%s%s%s; --component is one of:%.*s",
                  name == NULL ? "the plugin has several components" : "there is no component '",
                  name == NULL ? "" : name, name == NULL ? "" : "'", GW_FMT(gw_bytes_str(&list)));
}

static void told(void *arg, uint32_t what, const char *sentence) {
    static const char kinds[] = {[EGX_CHECK_STEP] = GW_CHILD_STEP,
                                 [EGX_CHECK_PASSED] = CHILD_PASSED,
                                 [EGX_CHECK_NOTE] = CHILD_NOTE,
                                 [EGX_CHECK_BREACH] = CHILD_BREACH};
    const struct check_job *job = arg;
    gw_child_tell(job->fd, kinds[what], sentence);
}

static uint64_t patience_of(const struct gw_options *options) {
    return options->kit.patience_ns == 0 ? PATIENCE_NS : options->kit.patience_ns;
}

static int32_t check(struct check_job *job, struct eg_why *ret_why) {
    const struct eg_plugin *plugin = NULL;
    const uint64_t half_ns = patience_of(job->options) / 2;
    struct egx_check check = {.struct_size = sizeof check,
                              .told = told,
                              .arg = job,
                              .patience_ns = half_ns < THREADS_NS ? half_ns : THREADS_NS};
    int32_t rc = gw_plugin_open(job->options->operand, &plugin, ret_why);
    if (rc >= 0) {
        rc = choose(job, plugin, &check.component, ret_why);
    }
    if (rc >= 0) {
        rc = read_settings(job, check.component, &check.settings_json, ret_why);
    }
    if (rc >= 0) {
        rc = read_function(job, &check.target_json, ret_why);
    }
    if (rc < 0) {
        return rc;
    }
    char line[400];
    (void)snprintf(line, sizeof line, "checking %s %s of %s %s", gw_kit_kind(check.component->kind),
                   check.component->name, plugin->name, plugin->version);
    gw_child_tell(job->fd, CHILD_NOTE, line);
    return egx_check_component(&check, ret_why);
}

static int work(void *arg, int fd) {
    struct check_job *job = arg;
    struct eg_why why = {.struct_size = sizeof why};
    job->fd = fd;
    const int32_t rc = check(job, &why);
    if (rc < 0) {
        why.text[why.len < sizeof why.text ? why.len : sizeof why.text - 1] = '\0';
        gw_child_tell(fd, GW_CHILD_REFUSED, why.text);
        return GW_EXIT_FAILED;
    }
    return rc > 0 ? GW_EXIT_BREACH : GW_EXIT_OK;
}

/* ---- in the parent ---- */

static void heard(void *arg, char kind, const char *text) {
    struct check_job *job = arg;
    job->breaches += kind == CHILD_BREACH;
    gw_transfer_say(STDOUT_FILENO, "%s%s",
                    kind == CHILD_PASSED   ? "  ok: "
                    : kind == CHILD_BREACH ? "  BREACH: "
                                           : "",
                    text);
}

static int32_t conclude(struct gw_app *app, struct check_job *job, const struct gw_child_end *end,
                        struct eg_why *ret_why) {
    char text[600];
    if (end->refused[0] != '\0' && job->breaches == 0) {
        return gw_why(ret_why, EG_E_INVAL, "%s", end->refused);
    }
    if (end->refused[0] != '\0') {
        gw_transfer_say(STDOUT_FILENO, "%s", end->refused);
    } else if (!end->is_back ||
               (end->exit_code != GW_EXIT_OK && end->exit_code != GW_EXIT_BREACH)) {
        gw_child_describe(end, text, sizeof text);
        gw_transfer_say(STDOUT_FILENO, "  BREACH: it %s", text);
        job->breaches++;
    }
    if (job->breaches == 0) {
        gw_transfer_say(STDOUT_FILENO, "no breach of the contract was found");
    } else {
        gw_transfer_say(STDOUT_FILENO, "%u breach%s of the contract", job->breaches,
                        job->breaches == 1 ? "" : "es");
    }
    app->exit_code = job->breaches == 0 ? GW_EXIT_OK : GW_EXIT_BREACH;
    return EG_OK;
}

static int32_t run(struct gw_app *app, struct eg_why *ret_why) {
    struct gw_arena arena = {0};
    struct check_job job = {.options = &app->options, .arena = &arena};
    const struct gw_child child = {.work = work,
                                   .arg = &job,
                                   .heard = heard,
                                   .heard_arg = &job,
                                   .patience_ns = patience_of(&app->options)};
    struct gw_child_end end;
    int32_t rc = gw_child_run(&child, &end, ret_why);
    if (rc >= 0) {
        rc = conclude(app, &job, &end, ret_why);
    }
    gw_arena_free(&arena);
    return rc;
}

static int32_t act_settings(struct gw_options *options, const char *value, struct eg_why *ret_why) {
    (void)ret_why;
    options->kit.settings_path = value;
    return EG_OK;
}

static int32_t act_function(struct gw_options *options, const char *value, struct eg_why *ret_why) {
    (void)ret_why;
    options->kit.function_path = value;
    return EG_OK;
}

static int32_t act_component(struct gw_options *options, const char *value,
                             struct eg_why *ret_why) {
    (void)ret_why;
    options->kit.component = value;
    return EG_OK;
}

static int32_t act_patience(struct gw_options *options, const char *value, struct eg_why *ret_why) {
    if (gw_duration_parse(gw_str_c(value), &options->kit.patience_ns) < 0 ||
        options->kit.patience_ns == 0) {
        return gw_why(ret_why, EG_E_INVAL, "invalid value \"%s\" for flag -patience: like 20s",
                      value);
    }
    return EG_OK;
}

static const struct gw_flag flags[] = {
    {"settings", GW_TAKES_TEXT, NULL, NULL, act_settings,
     "its settings: a JSON object, or a configuration file"},
    {"component", GW_TAKES_TEXT, NULL, NULL, act_component,
     "which one, where the plugin has several"},
    {"function", GW_TAKES_TEXT, NULL, NULL, act_function,
     "providers: the `provider` object of a function, JSON"},
    {"patience", GW_TAKES_TEXT, NULL, NULL, act_patience,
     "longest time for one call before it counts as hanging (20s)"},
};

const struct gw_subcommand gw_plugin_check_command = {
    .name = "plugin check",
    .operand = "FILE.so",
    .operands = 1,
    .summary = "run a plugin's life, and say what it does wrong",
    .text =
        "Loads the plugin in a process of its own and runs the life of a component on the fake "
        "host\n"
        "of the SDK: create, start, attach, ordinary and hostile calls of its kind, drain, "
        "detach,\n"
        "destroy, and all of that beside a second instance. Tells what was not given back "
        "(memory,\n"
        "JSON, buffers, timers, watches, calls) and what was broken of the contract (no done, "
        "two,\n"
        "done after a refusal, a refusal without a reason, EG_STOP without a reply, more than 50 "
        "ms\n"
        "on the loop, ...). HTTP requests of the plugin go nowhere: the answers are made up. What "
        "it\n"
        "does without the gateway's help (files, sockets) happens.\n"
        "\n"
        "The settings file has the keys at the top, or in plugins = { NAME = { ... }; } as the\n"
        "gateway's own file.\n"
        "\n"
        "Exit code: 0 nothing found, 1 the plugin cannot be loaded, refuses the settings or the\n"
        "function, or does not start, 2 wrong command line, 5 breaches, among them a crash and a "
        "call that hangs.",
    .shared = "",
    .flags = flags,
    .flag_count = GW_COUNT(flags),
    .run = run,
};
