/*
 * app/flags.c - the flags of the gateway (chapter 1.1 of the compatibility specification), and what
 * all flags have in common. A flag is a row: its name, the setting it stands for, and what it
 * takes. So every flag is a --set with a shorter name, and each value is checked by the row of its
 * setting. Control thread.
 */
#include "app/flags.h"

#include <stdio.h>
#include <string.h>

#include "app/commands.h"
#include "app/options.h"
#include "base/check.h"
#include "base/log.h"
#include "base/slice.h"
#include "base/why.h"

#define MAX_OWN_FLAGS 16u /* of one sub-command */

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

static const struct gw_flag flags[] = {
    {"help", GW_TAKES_NOTHING, NULL, NULL, act_help, "this text and every setting"},
    {"help-plugin", GW_TAKES_TEXT, NULL, NULL, act_help_plugin,
     "settings of a component: http, embedded, auth, ..."},
    {"version", GW_TAKES_NOTHING, NULL, NULL, act_version, "print the version"},
    {"check", GW_TAKES_NOTHING, NULL, NULL, act_check,
     "check the configuration and the plugins, then exit"},
    {"dev", GW_TAKES_NOTHING, NULL, NULL, act_dev, "embedded store in --data-dir, text log"},
    {"config", GW_TAKES_TEXT, NULL, NULL, act_config, "configuration file"},
    {"set", GW_TAKES_TEXT, NULL, NULL, act_set, "key=value: any setting, repeatable"},
    {"plugin", GW_TAKES_TEXT, NULL, NULL, act_plugin,
     "path of one more plugin to load, repeatable"},
    {"data-dir", GW_TAKES_TEXT, "", "data_dir", NULL, "directory of the embedded store"},
    {"log-level", GW_TAKES_LEVEL, "log", "level", NULL, "debug, info, warn, error"},
    {"log-format", GW_TAKES_TEXT, "log", "format", NULL, "text or json"},
    {"workers", GW_TAKES_NUMBER, "", "workers", NULL, "asynchronous deliveries at once"},
    {"workers-backlog", GW_TAKES_NUMBER, "", "workers_backlog", NULL, "deliveries that may wait"},
    {"config-port", GW_TAKES_PORT, "config", "port", NULL, "port of the Configuration API"},
    {"config-tls-cert", GW_TAKES_TEXT, "config", "tls_cert", NULL, "its certificate (PEM file)"},
    {"config-tls-key", GW_TAKES_TEXT, "config", "tls_key", NULL, "its private key (PEM file)"},
    {"events-port", GW_TAKES_PORT, "events", "port", NULL, "port of the Events API"},
    {"events-tls-cert", GW_TAKES_TEXT, "events", "tls_cert", NULL, "its certificate (PEM file)"},
    {"events-tls-key", GW_TAKES_TEXT, "events", "tls_key", NULL, "its private key (PEM file)"},
    {"db-hosts", GW_TAKES_TEXT, NULL, NULL, act_db_hosts, "etcd hosts; selects the storage `etcd`"},
    {"embed-data-dir", GW_TAKES_TEXT, "", "data_dir", NULL, "the same as --data-dir"},
    {"embed-peer-addr", GW_TAKES_TEXT, NULL, NULL, act_no_effect, "accepted, without effect"},
    {"embed-cli-addr", GW_TAKES_TEXT, NULL, NULL, act_no_effect, "accepted, without effect"},
};

/* Of a table; NULL when it is not there. */
static const struct gw_flag *find_in(const struct gw_flag *table, size_t count,
                                     struct eg_str name) {
    for (size_t i = 0; i < count; i++) {
        if (gw_str_eq(name, gw_str_c(table[i].name))) {
            return &table[i];
        }
    }
    return NULL;
}

/* Does what was chosen take this flag of the gateway? */
static bool is_taken(const struct gw_options *options, const struct gw_flag *flag) {
    char word[40];
    if (options->subcommand == NULL) {
        return true;
    }
    snprintf(word, sizeof word, " %s ", flag->name);
    return strcmp(flag->name, "help") == 0 || strstr(options->subcommand->shared, word) != NULL;
}

const struct gw_flag *gw_flag_find(const struct gw_options *options, struct eg_str name) {
    const struct gw_subcommand *command = options->subcommand;
    const struct gw_flag *own =
        command == NULL ? NULL : find_in(command->flags, command->flag_count, name);
    if (own != NULL) {
        return own;
    }
    const struct gw_flag *flag = find_in(flags, GW_COUNT(flags), name);
    return flag != NULL && is_taken(options, flag) ? flag : NULL;
}

static int32_t check_value(const struct gw_flag *flag, const char *value, struct eg_why *ret_why) {
    uint64_t number = 0;
    uint32_t level = 0;
    const struct eg_str text = gw_str_c(value);
    if (flag->takes == GW_TAKES_LEVEL && gw_log_level_parse(text, &level) < 0) {
        return gw_why(ret_why, EG_E_INVAL,
                      "invalid value \"%s\" for flag -%s: debug, info, warn or error", value,
                      flag->name);
    }
    const bool is_number = flag->takes == GW_TAKES_NUMBER || flag->takes == GW_TAKES_PORT;
    if (is_number && gw_str_u64(text, &number) < 0) {
        return gw_why(ret_why, EG_E_INVAL, "invalid value \"%s\" for flag -%s: not a number", value,
                      flag->name);
    }
    if (flag->takes == GW_TAKES_PORT && number > 65535) {
        return gw_why(ret_why, EG_E_INVAL, "invalid value \"%s\" for flag -%s: 0..65535", value,
                      flag->name);
    }
    return EG_OK;
}

static int32_t apply_value(struct gw_options *options, const struct gw_flag *flag,
                           const char *value, struct eg_why *ret_why) {
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

/* The value of a bool flag may be given as --dev=true or --dev=false. */
static int32_t apply_switch(struct gw_options *options, const struct gw_flag *flag,
                            const char *value, struct eg_why *ret_why) {
    if (value == NULL || strcmp(value, "true") == 0 || strcmp(value, "1") == 0) {
        return flag->act(options, "", ret_why);
    }
    if (strcmp(value, "false") == 0 || strcmp(value, "0") == 0) {
        return EG_OK;
    }
    return gw_why(ret_why, EG_E_INVAL, "invalid value \"%s\" for flag -%s: true or false", value,
                  flag->name);
}

int32_t gw_flag_apply(struct gw_options *options, const struct gw_flag *flag, const char *value,
                      struct eg_why *ret_why) {
    return flag->takes == GW_TAKES_NOTHING ? apply_switch(options, flag, value, ret_why)
                                           : apply_value(options, flag, value, ret_why);
}

int32_t gw_flag_refuse_unknown(const struct gw_options *options, struct eg_str name,
                               struct eg_why *ret_why) {
    const struct gw_subcommand *command = options->subcommand;
    const char *names[GW_COUNT(flags) + MAX_OWN_FLAGS];
    size_t count = 0;
    for (size_t i = 0; command != NULL && i < command->flag_count; i++) {
        GW_ASSERT(i < MAX_OWN_FLAGS);
        names[count++] = command->flags[i].name;
    }
    for (size_t i = 0; i < GW_COUNT(flags); i++) {
        if (is_taken(options, &flags[i])) {
            names[count++] = flags[i].name;
        }
    }
    const char *nearest = gw_str_nearest(name, names, count);
    return gw_why(ret_why, EG_E_INVAL, "flag provided but not defined: -%.*s%s%s%s", GW_FMT(name),
                  nearest == NULL ? "" : "; did you mean --", nearest == NULL ? "" : nearest,
                  nearest == NULL ? "" : "?");
}

/* ---- help ---- */

void gw_flags_describe(struct gw_bytes *out, const struct gw_flag *table, size_t count) {
    static const char *const values[] = {"", " TEXT", " N", " PORT", " LEVEL"};
    for (size_t i = 0; i < count; i++) {
        char name[40];
        const int len =
            snprintf(name, sizeof name, "--%s%s", table[i].name, values[table[i].takes]);
        gw_bytes_addf(out, "  %-*s %s\n", len < 25 ? 25 : len, name, table[i].help);
    }
}

void gw_flags_describe_own(struct gw_bytes *out, const struct gw_options *options) {
    for (size_t i = 0; i < GW_COUNT(flags); i++) {
        if (is_taken(options, &flags[i])) {
            gw_flags_describe(out, &flags[i], 1);
        }
    }
}
