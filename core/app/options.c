/*
 * app/options.c - the command line (chapter 1.1 of the compatibility specification) and how it and
 * the file become struct gw_settings.
 *
 * A flag is a row: its name, the setting it stands for, and what it takes. So every flag is a --set
 * with a shorter name, and each value is checked by the row of its setting. Control thread.
 */
#include "app/options.h"

#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/log.h"
#include "base/slice.h"
#include "base/why.h"

enum takes { TAKES_NOTHING, TAKES_TEXT, TAKES_NUMBER, TAKES_PORT, TAKES_LEVEL };

struct flag {
    const char *name;
    enum takes takes;
    const char *section; /* of the setting it stands for; NULL: see act */
    const char *key;
    int32_t (*act)(struct gw_options *options, const char *value, struct eg_why *ret_why);
    const char *help;
};

static int32_t act_version(struct gw_options *options, const char *value, struct eg_why *ret_why) {
    (void)value;
    (void)ret_why;
    options->command = GW_SHOW_VERSION;
    return EG_OK;
}

static int32_t act_help(struct gw_options *options, const char *value, struct eg_why *ret_why) {
    (void)value;
    (void)ret_why;
    options->command = GW_SHOW_HELP;
    return EG_OK;
}

static int32_t act_help_plugin(struct gw_options *options, const char *value,
                               struct eg_why *ret_why) {
    (void)ret_why;
    options->command = GW_SHOW_PLUGIN;
    options->help_plugin = value;
    return EG_OK;
}

static int32_t act_check(struct gw_options *options, const char *value, struct eg_why *ret_why) {
    (void)value;
    (void)ret_why;
    options->command = GW_CHECK;
    return EG_OK;
}

static int32_t act_dev(struct gw_options *options, const char *value, struct eg_why *ret_why) {
    (void)value;
    (void)ret_why;
    options->is_dev = true;
    return EG_OK;
}

static int32_t act_config(struct gw_options *options, const char *value, struct eg_why *ret_why) {
    (void)ret_why;
    options->config_path = value;
    return EG_OK;
}

static int32_t act_set(struct gw_options *options, const char *value, struct eg_why *ret_why) {
    return gw_source_add_set(&options->source, value, ret_why);
}

static int32_t act_plugin(struct gw_options *options, const char *value, struct eg_why *ret_why) {
    (void)ret_why;
    struct eg_str *items = gw_arena_alloc(&options->source.arena,
                                          gw_size_mul(options->plugins.count + 1, sizeof *items));
    for (size_t i = 0; i < options->plugins.count; i++) {
        items[i] = options->plugins.items[i];
    }
    items[options->plugins.count++] = gw_str_c(value);
    options->plugins.items = items;
    return EG_OK;
}

static int32_t act_db_hosts(struct gw_options *options, const char *value, struct eg_why *ret_why) {
    (void)ret_why;
    gw_source_add(&options->source, GW_STR("store"), GW_STR("backend"), GW_STR("etcd"),
                  GW_STR("--db-hosts"), true);
    gw_source_add(&options->source, GW_STR("plugins.etcd"), GW_STR("endpoints"), gw_str_c(value),
                  GW_STR("--db-hosts"), true);
    return EG_OK;
}

static int32_t act_no_effect(struct gw_options *options, const char *value,
                             struct eg_why *ret_why) {
    (void)options;
    (void)value;
    (void)ret_why;
    return EG_OK;
}

static const struct flag flags[] = {
    {"help", TAKES_NOTHING, NULL, NULL, act_help, "this text and every setting"},
    {"help-plugin", TAKES_TEXT, NULL, NULL, act_help_plugin,
     "settings of a component: http, embedded, auth, ..."},
    {"version", TAKES_NOTHING, NULL, NULL, act_version, "print the version"},
    {"check", TAKES_NOTHING, NULL, NULL, act_check,
     "check the configuration and the plugins, then exit"},
    {"dev", TAKES_NOTHING, NULL, NULL, act_dev, "embedded store in --data-dir, text log"},
    {"config", TAKES_TEXT, NULL, NULL, act_config, "configuration file"},
    {"set", TAKES_TEXT, NULL, NULL, act_set, "key=value: any setting, repeatable"},
    {"plugin", TAKES_TEXT, NULL, NULL, act_plugin, "path of one more plugin to load, repeatable"},
    {"data-dir", TAKES_TEXT, "", "data_dir", NULL, "directory of the embedded store"},
    {"log-level", TAKES_LEVEL, "log", "level", NULL, "debug, info, warn, error"},
    {"log-format", TAKES_TEXT, "log", "format", NULL, "text or json"},
    {"workers", TAKES_NUMBER, "", "workers", NULL, "asynchronous deliveries at once"},
    {"workers-backlog", TAKES_NUMBER, "", "workers_backlog", NULL, "deliveries that may wait"},
    {"config-port", TAKES_PORT, "config", "port", NULL, "port of the Configuration API"},
    {"config-tls-cert", TAKES_TEXT, "config", "tls_cert", NULL, "its certificate (PEM file)"},
    {"config-tls-key", TAKES_TEXT, "config", "tls_key", NULL, "its private key (PEM file)"},
    {"events-port", TAKES_PORT, "events", "port", NULL, "port of the Events API"},
    {"events-tls-cert", TAKES_TEXT, "events", "tls_cert", NULL, "its certificate (PEM file)"},
    {"events-tls-key", TAKES_TEXT, "events", "tls_key", NULL, "its private key (PEM file)"},
    {"db-hosts", TAKES_TEXT, NULL, NULL, act_db_hosts, "etcd hosts; selects the storage `etcd`"},
    {"embed-data-dir", TAKES_TEXT, "", "data_dir", NULL, "the same as --data-dir"},
    {"embed-peer-addr", TAKES_TEXT, NULL, NULL, act_no_effect, "accepted, without effect"},
    {"embed-cli-addr", TAKES_TEXT, NULL, NULL, act_no_effect, "accepted, without effect"},
};

static const struct flag *find_flag(struct eg_str name) {
    for (size_t i = 0; i < GW_COUNT(flags); i++) {
        if (gw_str_eq(name, gw_str_c(flags[i].name))) {
            return &flags[i];
        }
    }
    return NULL;
}

static int32_t check_value(const struct flag *flag, const char *value, struct eg_why *ret_why) {
    uint64_t number = 0;
    uint32_t level = 0;
    const struct eg_str text = gw_str_c(value);
    if (flag->takes == TAKES_LEVEL && gw_log_level_parse(text, &level) < 0) {
        return gw_why(ret_why, EG_E_INVAL,
                      "invalid value \"%s\" for flag -%s: debug, info, warn or error", value,
                      flag->name);
    }
    const bool is_number = flag->takes == TAKES_NUMBER || flag->takes == TAKES_PORT;
    if (is_number && gw_str_u64(text, &number) < 0) {
        return gw_why(ret_why, EG_E_INVAL, "invalid value \"%s\" for flag -%s: not a number", value,
                      flag->name);
    }
    if (flag->takes == TAKES_PORT && number > 65535) {
        return gw_why(ret_why, EG_E_INVAL, "invalid value \"%s\" for flag -%s: 0..65535", value,
                      flag->name);
    }
    return EG_OK;
}

static int32_t apply_flag(struct gw_options *options, const struct flag *flag, const char *value,
                          struct eg_why *ret_why) {
    const int32_t rc = check_value(flag, value, ret_why);
    if (rc < 0) {
        return rc;
    }
    if (flag->act != NULL) {
        return flag->act(options, value, ret_why);
    }
    const struct eg_str where = gw_arena_printf(&options->source.arena, "--%s", flag->name);
    gw_source_add(&options->source, gw_str_c(flag->section), gw_str_c(flag->key), gw_str_c(value),
                  where, true);
    return EG_OK;
}

static int32_t refuse_unknown(struct eg_str name, struct eg_why *ret_why) {
    const char *names[GW_COUNT(flags)];
    for (size_t i = 0; i < GW_COUNT(flags); i++) {
        names[i] = flags[i].name;
    }
    const char *nearest = gw_str_nearest(name, names, GW_COUNT(flags));
    return gw_why(ret_why, EG_E_INVAL, "flag provided but not defined: -%.*s%s%s%s", GW_FMT(name),
                  nearest == NULL ? "" : "; did you mean --", nearest == NULL ? "" : nearest,
                  nearest == NULL ? "" : "?");
}

/* The value of a bool flag may be given as --dev=true or --dev=false. */
static int32_t apply_switch(struct gw_options *options, const struct flag *flag, const char *value,
                            struct eg_why *ret_why) {
    if (value == NULL || strcmp(value, "true") == 0 || strcmp(value, "1") == 0) {
        return flag->act(options, "", ret_why);
    }
    if (strcmp(value, "false") == 0 || strcmp(value, "0") == 0) {
        return EG_OK;
    }
    return gw_why(ret_why, EG_E_INVAL, "invalid value \"%s\" for flag -%s: true or false", value,
                  flag->name);
}

int32_t gw_options_parse(struct gw_options *options, int argc, char **argv,
                         struct eg_why *ret_why) {
    *options = (struct gw_options){0};
    for (int i = 1; i < argc; i++) {
        const char *word = argv[i];
        if (word[0] != '-' || word[1] == '\0') {
            return gw_why(ret_why, EG_E_INVAL, "unexpected argument \"%s\"", word);
        }
        const struct eg_str text = gw_str_c(word + (word[1] == '-' ? 2 : 1));
        const struct eg_str name = gw_str_sub(text, 0, gw_str_find(text, '='));
        const char *value = name.len == text.len ? NULL : text.ptr + name.len + 1;
        const bool is_help = gw_str_eq(name, GW_STR("h"));
        const struct flag *flag = find_flag(is_help ? GW_STR("help") : name);
        if (flag == NULL) {
            return refuse_unknown(name, ret_why);
        }
        if (flag->takes != TAKES_NOTHING && value == NULL && ++i == argc) {
            return gw_why(ret_why, EG_E_INVAL, "flag needs an argument: -%s", flag->name);
        }
        if (flag->takes != TAKES_NOTHING && value == NULL) {
            value = argv[i];
        }
        const int32_t rc = flag->takes == TAKES_NOTHING
                               ? apply_switch(options, flag, value, ret_why)
                               : apply_flag(options, flag, value, ret_why);
        if (rc < 0) {
            return rc;
        }
    }
    return EG_OK;
}

/* File first, command line on top: the items of the command line move behind those of the file. */
static int32_t read_file(struct gw_options *options, struct eg_why *ret_why) {
    if (options->config_path == NULL) {
        return EG_OK;
    }
    struct gw_source from_file = {0};
    const int32_t rc = gw_source_read_file(&from_file, options->config_path, ret_why);
    if (rc < 0) {
        gw_source_free(&from_file);
        return rc;
    }
    for (size_t i = 0; i < options->source.count; i++) {
        const struct gw_source_item *item = &options->source.items[i];
        gw_source_add(&from_file, item->section, item->input.key, item->input.json,
                      item->input.where, item->is_text);
    }
    struct eg_str *plugins =
        gw_arena_alloc(&from_file.arena, gw_size_mul(options->plugins.count + 1, sizeof *plugins));
    for (size_t i = 0; i < options->plugins.count; i++) {
        plugins[i] = options->plugins.items[i];
    }
    options->plugins.items = plugins;
    gw_source_free(&options->source);
    options->source = from_file;
    return EG_OK;
}

static int32_t check_sections(const struct gw_source *source, struct eg_why *ret_why) {
    for (size_t i = 0; i < source->count; i++) {
        const struct gw_source_item *item = &source->items[i];
        const bool is_component = gw_str_starts(item->section, GW_STR("plugins."));
        if (is_component || gw_settings_group(item->section) != NULL) {
            continue;
        }
        const char *names[32];
        size_t count = 0;
        for (; count < gw_settings_group_count && count < GW_COUNT(names); count++) {
            names[count] = gw_settings_groups[count].name;
        }
        const char *nearest = gw_str_nearest(item->section, names, count);
        return gw_why(ret_why, EG_E_INVAL, "%.*s: unknown section '%.*s'%s%s%s",
                      GW_FMT(item->input.where), GW_FMT(item->section),
                      nearest == NULL ? "" : "; did you mean '", nearest == NULL ? "" : nearest,
                      nearest == NULL ? "" : "'?");
    }
    return EG_OK;
}

static int32_t read_groups(struct gw_options *options, struct eg_why *ret_why) {
    for (size_t i = 0; i < gw_settings_group_count; i++) {
        const struct gw_settings_group *group = &gw_settings_groups[i];
        size_t count = 0;
        const struct gw_setting_input *inputs =
            gw_source_section(&options->source, gw_str_c(group->name), &group->table, &count);
        const int32_t rc =
            gw_settings_read(&group->table, group->name, inputs, count, &options->source.arena,
                             (char *)&options->settings + group->offset, ret_why);
        if (rc < 0) {
            return rc;
        }
    }
    return EG_OK;
}

/* What one row cannot say: keys that belong together. */
static int32_t check_pairs(const struct gw_settings *settings, struct eg_why *ret_why) {
    const struct {
        const char *name;
        const struct gw_listener_settings *listener;
    } listeners[] = {{"events", &settings->events.listener},
                     {"config", &settings->config.listener}};
    for (size_t i = 0; i < GW_COUNT(listeners); i++) {
        const struct gw_listener_settings *l = listeners[i].listener;
        if ((l->tls_cert.len == 0) != (l->tls_key.len == 0)) {
            return gw_why(ret_why, EG_E_INVAL,
                          "%s.tls_cert and %s.tls_key belong together: give both or none",
                          listeners[i].name, listeners[i].name);
        }
    }
    return EG_OK;
}

int32_t gw_options_load(struct gw_options *options, int argc, char **argv, struct eg_why *ret_why) {
    int32_t rc = gw_options_parse(options, argc, argv, ret_why);
    if (rc == EG_OK) {
        rc = read_file(options, ret_why);
    }
    if (rc == EG_OK) {
        rc = check_sections(&options->source, ret_why);
    }
    if (rc == EG_OK) {
        rc = read_groups(options, ret_why);
    }
    return rc == EG_OK ? check_pairs(&options->settings, ret_why) : rc;
}

void gw_options_free(struct gw_options *options) {
    gw_source_free(&options->source);
    *options = (struct gw_options){0};
}

struct eg_str gw_options_data_dir(const struct gw_options *options) {
    if (options->settings.top.data_dir.len > 0) {
        return options->settings.top.data_dir;
    }
    return options->is_dev ? GW_STR("event-gateway-data") : GW_STR("/var/lib/event-gateway");
}

void gw_options_usage(struct gw_bytes *out) {
    gw_bytes_add_c(out, "Usage: event-gateway [flags]\n\nFlags, with one or two dashes:\n");
    for (size_t i = 0; i < GW_COUNT(flags); i++) {
        static const char *const values[] = {"", " TEXT", " N", " PORT", " LEVEL"};
        char name[40];
        const int len =
            snprintf(name, sizeof name, "--%s%s", flags[i].name, values[flags[i].takes]);
        gw_bytes_addf(out, "  %-*s %s\n", len < 25 ? 25 : len, name, flags[i].help);
    }
}

void gw_options_help(struct gw_bytes *out) {
    gw_options_usage(out);
    gw_bytes_add_c(out, "\nSettings, in the file of --config or by --set section.key=value:\n");
    for (size_t i = 0; i < gw_settings_group_count; i++) {
        const struct gw_settings_group *group = &gw_settings_groups[i];
        gw_bytes_addf(out, "\n%s%s%s\n", group->summary, group->name[0] == '\0' ? "" : ": ",
                      group->name);
        gw_settings_help(out, &group->table);
    }
    gw_bytes_add_c(out, "\nComponents have their settings in plugins.<name>; see --help-plugin "
                        "NAME.\n");
}
