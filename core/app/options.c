/*
 * app/options.c - the command line and the file become struct gw_settings. Control thread.
 */
#include "app/options.h"

#include <string.h>

#include "app/commands.h"
#include "app/flags.h"
#include "base/check.h"
#include "base/slice.h"
#include "base/why.h"

/* What stands behind the flags, if the sub-command takes such a thing. "-" is one too. */
static int32_t take_operand(struct gw_options *options, const char *word, struct eg_why *ret_why) {
    const struct gw_subcommand *command = options->subcommand;
    size_t room = command == NULL || command->operand == NULL ? 0 : 1;
    room = room > 0 && command->operands > 0 ? command->operands : room;
    if (options->operand_count == room) {
        return gw_why(ret_why, EG_E_INVAL, "unexpected argument \"%s\"", word);
    }
    options->operands[options->operand_count++] = word;
    options->operand = options->operands[0];
    return EG_OK;
}

/* One word that is a flag, with its value, which may be the next word. */
static int32_t take_flag(struct gw_options *options, int argc, char **argv, int *at,
                         struct eg_why *ret_why) {
    const char *word = argv[*at];
    const struct eg_str text = gw_str_c(word + (word[1] == '-' ? 2 : 1));
    const struct eg_str name = gw_str_sub(text, 0, gw_str_find(text, '='));
    const char *value = name.len == text.len ? NULL : text.ptr + name.len + 1;
    const bool is_help = gw_str_eq(name, GW_STR("h"));
    const struct gw_flag *flag = gw_flag_find(options, is_help ? GW_STR("help") : name);
    if (flag == NULL) {
        return gw_flag_refuse_unknown(options, name, ret_why);
    }
    if (flag->takes != GW_TAKES_NOTHING && value == NULL) {
        if (++*at == argc) {
            return gw_why(ret_why, EG_E_INVAL, "flag needs an argument: -%s", flag->name);
        }
        value = argv[*at];
    }
    return gw_flag_apply(options, flag, value, ret_why);
}

int32_t gw_options_parse(struct gw_options *options, int argc, char **argv,
                         struct eg_why *ret_why) {
    int used = 0;
    *options = (struct gw_options){0};
    int32_t rc = gw_commands_choose(options, argc, argv, &used, ret_why);
    for (int i = 1 + used; i < argc && rc == EG_OK; i++) {
        const bool is_flag = argv[i][0] == '-' && argv[i][1] != '\0';
        rc = is_flag ? take_flag(options, argc, argv, &i, ret_why)
                     : take_operand(options, argv[i], ret_why);
    }
    const bool needs_more = rc == EG_OK && options->command == GW_SERVE &&
                            options->subcommand != NULL &&
                            options->operand_count < options->subcommand->operands;
    return needs_more ? gw_why(ret_why, EG_E_INVAL, "%s needs %s", options->subcommand->name,
                               options->subcommand->operand)
                      : rc;
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
        const bool asks = !gw_str_eq(l->tls_client_auth, GW_STR("none"));
        if (asks && (l->tls_cert.len == 0 || l->tls_client_ca.len == 0)) {
            return gw_why(ret_why, EG_E_INVAL,
                          "%s.tls_client_auth needs tls_cert, tls_key and tls_client_ca",
                          listeners[i].name);
        }
        if (!asks && l->tls_client_ca.len > 0) {
            return gw_why(ret_why, EG_E_INVAL,
                          "%s.tls_client_ca is without effect: set tls_client_auth to \"optional\" "
                          "or \"required\"",
                          listeners[i].name);
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

void gw_options_usage(struct gw_bytes *out, const struct gw_options *options) {
    if (options->subcommand != NULL || options->group != NULL) {
        gw_commands_help(out, options);
        return;
    }
    gw_bytes_add_c(out, "Usage: event-gateway [flags]\n"
                        "       event-gateway COMMAND [flags] ...\n\nCommands:\n");
    gw_commands_list(out, NULL);
    gw_bytes_add_c(out, "\nFlags, with one or two dashes:\n");
    gw_flags_describe_own(out, options);
}

void gw_options_help(struct gw_bytes *out, const struct gw_options *options) {
    gw_options_usage(out, options);
    if (options->subcommand != NULL || options->group != NULL) {
        return;
    }
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
