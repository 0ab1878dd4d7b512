/*
 * app/options.h - the command line and the configuration, read and checked.
 */
#ifndef GW_APP_OPTIONS_H
#define GW_APP_OPTIONS_H

#include "app/plugin_kit.h"
#include "app/settings.h"
#include "app/source.h"
#include "app/transfer.h"

enum gw_command { GW_SERVE, GW_SHOW_VERSION, GW_SHOW_HELP, GW_SHOW_PLUGIN, GW_CHECK };

#define GW_OPERANDS_MAX 4u

struct gw_subcommand;

struct gw_options {
    enum gw_command command;
    const struct gw_subcommand *subcommand; /* NULL: the gateway itself */
    const char *group;                      /* help was asked for all that begin with this word */
    const char *operand;                   /* of the sub-command; borrows argv; NULL = none given */
    const char *operands[GW_OPERANDS_MAX]; /* the same one, and those behind it */
    size_t operand_count;
    struct gw_transfer transfer;
    struct gw_kit kit;
    bool is_dev;
    const char *config_path; /* borrows argv; NULL = none */
    const char *help_plugin;
    struct eg_str_list plugins; /* --plugin, in order */
    struct gw_source source;
    struct gw_settings settings;
};

/* Reads the command line. EG_E_INVAL with a sentence: usage and exit 2. take: gw_options_free. */
int32_t gw_options_parse(struct gw_options *options, int argc, char **argv, struct eg_why *ret_why);
/* Reads the file, puts the command line on top of it, fills options->settings. May be called again
 * on fresh options for a reload. */
int32_t gw_options_load(struct gw_options *options, int argc, char **argv, struct eg_why *ret_why);
void gw_options_free(struct gw_options *options);

/* Of what was chosen. */
void gw_options_usage(struct gw_bytes *out, const struct gw_options *options);
/* The usage and, of the gateway itself, every setting. */
void gw_options_help(struct gw_bytes *out, const struct gw_options *options);

/* Where the embedded store keeps its file. */
struct eg_str gw_options_data_dir(const struct gw_options *options);

#endif
