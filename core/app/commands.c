/*
 * app/commands.c - the table of sub-commands, how words choose among them, and their help. Control
 * thread.
 */
#include "app/commands.h"

#include <stdio.h>
#include <string.h>

#include "app/options.h"
#include "base/check.h"
#include "base/slice.h"
#include "base/why.h"

static const struct gw_subcommand *const commands[] = {
    &gw_config_export_command,  &gw_config_import_command, &gw_plugin_list_command,
    &gw_plugin_inspect_command, &gw_plugin_check_command,  &gw_plugin_new_command,
    &gw_health_command,
};

/* ---- choosing ---- */

static size_t first_word(const char *name) {
    return gw_str_find(gw_str_c(name), ' ');
}

/* How many words the name has, if they are those that the list begins with; else 0. */
static int match(const char *name, char **words, int count) {
    struct eg_str rest = gw_str_c(name);
    struct eg_str piece;
    int used = 0;
    while (gw_str_next(&rest, ' ', &piece)) {
        if (used == count || !gw_str_eq(piece, gw_str_c(words[used]))) {
            return 0;
        }
        used++;
    }
    return used;
}

static const struct gw_subcommand *find(char **words, int count, int *ret_used) {
    for (size_t i = 0; i < GW_COUNT(commands); i++) {
        const int used = match(commands[i]->name, words, count);
        if (used > 0) {
            *ret_used = used;
            return commands[i];
        }
    }
    return NULL;
}

/* Is the word the first one of longer names? */
static bool is_group(const char *word) {
    for (size_t i = 0; i < GW_COUNT(commands); i++) {
        const size_t len = first_word(commands[i]->name);
        if (strlen(word) == len && strncmp(commands[i]->name, word, len) == 0) {
            return commands[i]->name[len] == ' ';
        }
    }
    return false;
}

static bool is_help_flag(const char *word) {
    static const char *const flags[] = {"-h", "--h", "-help", "--help"};
    for (size_t i = 0; i < GW_COUNT(flags); i++) {
        if (strcmp(word, flags[i]) == 0) {
            return true;
        }
    }
    return false;
}

static int32_t refuse(char **words, int count, struct eg_why *ret_why) {
    const char *names[GW_COUNT(commands) + 1];
    char given[200];
    const bool has_two = count > 1 && words[1][0] != '-';
    (void)snprintf(given, sizeof given, "%s%s%s", words[0], has_two ? " " : "",
                   has_two ? words[1] : "");
    for (size_t i = 0; i < GW_COUNT(commands); i++) {
        names[i] = commands[i]->name;
    }
    names[GW_COUNT(commands)] = "help";
    const char *nearest = gw_str_nearest(gw_str_c(given), names, GW_COUNT(names));
    return nearest == NULL ? gw_why(ret_why, EG_E_INVAL, "unknown command '%s'", given)
                           : gw_why(ret_why, EG_E_INVAL, "unknown command '%s'; did you mean '%s'?",
                                    given, nearest);
}

/* A word that begins several commands: help about them, or the question which one. */
static int32_t choose_group(struct gw_options *options, char **words, int count, bool is_help,
                            int *ret_used, struct eg_why *ret_why) {
    if (count > 1 && words[1][0] != '-') {
        options->group = words[0];
        return refuse(words, count, ret_why);
    }
    options->group = words[0];
    if (!is_help && (count == 1 || !is_help_flag(words[1]))) {
        return gw_why(ret_why, EG_E_INVAL, "'%s' is the beginning of several commands", words[0]);
    }
    options->command = GW_SHOW_HELP;
    *ret_used += count > 1 ? 2 : 1;
    return EG_OK;
}

int32_t gw_commands_choose(struct gw_options *options, int argc, char **argv, int *ret_used,
                           struct eg_why *ret_why) {
    *ret_used = 0;
    char **words = argv + 1;
    int count = argc - 1;
    const bool is_help = count > 0 && strcmp(words[0], "help") == 0;
    if (is_help) {
        options->command = GW_SHOW_HELP;
        *ret_used = 1;
        words++;
        count--;
    }
    if (count <= 0 || words[0][0] == '-') {
        return EG_OK;
    }
    int used = 0;
    options->subcommand = find(words, count, &used);
    *ret_used += used;
    if (options->subcommand != NULL) {
        return EG_OK;
    }
    return is_group(words[0]) ? choose_group(options, words, count, is_help, ret_used, ret_why)
                              : refuse(words, count, ret_why);
}

/* ---- help ---- */

void gw_commands_list(struct gw_bytes *out, const char *group) {
    for (size_t i = 0; i < GW_COUNT(commands); i++) {
        const struct gw_subcommand *command = commands[i];
        const bool is_in =
            group == NULL ||
            gw_str_eq(gw_str(command->name, first_word(command->name)), gw_str_c(group));
        if (is_in) {
            gw_bytes_addf(out, "  %-25s %s\n", command->name, command->summary);
        }
    }
    if (group == NULL) {
        gw_bytes_addf(out, "  %-25s %s\n", "help [COMMAND]", "this text, or that of the command");
    }
}

static void describe(struct gw_bytes *out, const struct gw_options *options) {
    const struct gw_subcommand *command = options->subcommand;
    gw_bytes_addf(out, "Usage: event-gateway %s [flags]%s%s\n\n%s\n\nFlags:\n", command->name,
                  command->operand == NULL ? "" : " ",
                  command->operand == NULL ? "" : command->operand, command->text);
    gw_flags_describe(out, command->flags, command->flag_count);
    gw_bytes_add_c(out, "\nFlags of the gateway:\n");
    gw_flags_describe_own(out, options);
}

void gw_commands_help(struct gw_bytes *out, const struct gw_options *options) {
    if (options->subcommand != NULL) {
        describe(out, options);
        return;
    }
    gw_bytes_addf(out, "Usage: event-gateway %s COMMAND [flags] ...\n\nCommands:\n",
                  options->group);
    gw_commands_list(out, options->group);
    gw_bytes_addf(out, "\nevent-gateway %s COMMAND --help tells more.\n", options->group);
}
