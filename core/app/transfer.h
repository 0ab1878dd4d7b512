/*
 * app/transfer.h - `config export` and `config import`: what the command line says about them, and
 * the pieces that both are made of. Control thread.
 */
#ifndef GW_APP_TRANSFER_H
#define GW_APP_TRANSFER_H

#include "domain/document.h"

/* Exit codes of the program; docs/backup.md has them. */
enum gw_exit {
    GW_EXIT_OK = 0,
    GW_EXIT_FAILED = 1,
    GW_EXIT_USAGE = 2,
    GW_EXIT_SKIPPED = 3,  /* done, but for records that cannot be read */
    GW_EXIT_CONFLICT = 4, /* somebody else changed the store meanwhile */
    GW_EXIT_BREACH = 5,   /* a plugin that was checked broke its contract; docs/plugin-guide.md */
};

enum gw_transfer_format { GW_FORMAT_AUTO, GW_FORMAT_JSON, GW_FORMAT_YAML };

struct gw_transfer {
    enum gw_transfer_format format;
    struct eg_str space; /* empty = all; borrows argv */
    unsigned kinds;      /* bits 1 << gw_kind; 0 = all */
    bool is_masking;
    bool is_dry_run;
    bool is_pruning;
};

struct gw_options;
struct gw_subcommand;
extern const struct gw_subcommand gw_config_export_command;
extern const struct gw_subcommand gw_config_import_command;

/* Flags of the gateway that say where the store is and how it is reached. */
#define GW_TRANSFER_SHARED                                                                         \
    " config set dev plugin data-dir embed-data-dir db-hosts log-level log-format "
/* --store, --format, --space, --kind */
int32_t gw_transfer_act_store(struct gw_options *options, const char *value,
                              struct eg_why *ret_why);
int32_t gw_transfer_act_format(struct gw_options *options, const char *value,
                               struct eg_why *ret_why);
int32_t gw_transfer_act_space(struct gw_options *options, const char *value,
                              struct eg_why *ret_why);
int32_t gw_transfer_act_kind(struct gw_options *options, const char *value, struct eg_why *ret_why);

bool gw_transfer_has(const struct gw_transfer *transfer, enum gw_kind kind, struct eg_str space);
unsigned gw_transfer_kinds(const struct gw_transfer *transfer); /* bits, never 0 */

/* ---- files ---- */

/* "-" and NULL: standard input. EG_E_TOOBIG past 256 MiB. */
int32_t gw_transfer_read(const char *name, struct gw_bytes *ret_text, struct eg_why *ret_why);
/* "-" and NULL: standard output. A file is there whole or not at all, and is its owner's alone. */
int32_t gw_transfer_write(const char *name, struct eg_str text, struct eg_why *ret_why);

/* One line on standard output or error. Control characters in it become '?': names in a
 * configuration come from strangers, and terminals obey. */
void gw_transfer_say(int fd, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
