/*
 * app/commands.h - sub-commands: words at the front of the command line (`config export`) that make
 * the program do something else than serve. Each is a row with flags of its own. Control thread.
 */
#ifndef GW_APP_COMMANDS_H
#define GW_APP_COMMANDS_H

#include "app/flags.h"

struct gw_app;

struct gw_subcommand {
    const char *name;    /* its words: "config export" */
    const char *operand; /* what may follow the flags: "[FILE|-]"; NULL = nothing */
    size_t operands;     /* how many it has to have; 0: one or none */
    const char *summary; /* one line */
    const char *text;    /* of its help: all else */
    const char *shared;  /* flags of the gateway that it takes too: " config set " */
    const struct gw_flag *flags;
    size_t flag_count;
    /* Plugins are not loaded yet. 0, with app->exit_code set; or an error, which is printed, and
     * exit code 1. */
    int32_t (*run)(struct gw_app *app, struct eg_why *ret_why);
};

/* Chooses by the leading words of the command line, also behind `help`; *ret_used is how many they
 * are. No word: the gateway itself. EG_E_INVAL with a sentence for words that are none. */
int32_t gw_commands_choose(struct gw_options *options, int argc, char **argv, int *ret_used,
                           struct eg_why *ret_why);
/* One line each, for the usage of the gateway; group may be NULL = all. */
void gw_commands_list(struct gw_bytes *out, const char *group);
/* The usage and help of what was chosen. */
void gw_commands_help(struct gw_bytes *out, const struct gw_options *options);

#endif
