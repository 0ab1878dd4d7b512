/*
 * app/flags.h - one flag of the command line: a row. Most flags of the gateway are a --set with a
 * shorter name; those of sub-commands act on the options.
 */
#ifndef GW_APP_FLAGS_H
#define GW_APP_FLAGS_H

#include <stdbool.h>

#include <eventgw/types.h>

#include "base/bytes.h"

struct gw_options;

enum gw_flag_takes {
    GW_TAKES_NOTHING,
    GW_TAKES_TEXT,
    GW_TAKES_NUMBER,
    GW_TAKES_PORT,
    GW_TAKES_LEVEL
};

struct gw_flag {
    const char *name;
    enum gw_flag_takes takes;
    const char *section; /* of the setting it stands for; NULL: see act */
    const char *key;
    int32_t (*act)(struct gw_options *options, const char *value, struct eg_why *ret_why);
    const char *help;
};

/* The flag of the chosen sub-command, or of the gateway; NULL when there is none. */
const struct gw_flag *gw_flag_find(const struct gw_options *options, struct eg_str name);
int32_t gw_flag_refuse_unknown(const struct gw_options *options, struct eg_str name,
                               struct eg_why *ret_why);
/* value NULL: none was given, which only flags that take nothing like. */
int32_t gw_flag_apply(struct gw_options *options, const struct gw_flag *flag, const char *value,
                      struct eg_why *ret_why);
/* Lines of help: of one table; and of the flags of the gateway (that a sub-command shares). */
void gw_flags_describe(struct gw_bytes *out, const struct gw_flag *flags, size_t count);
void gw_flags_describe_own(struct gw_bytes *out, const struct gw_options *options);

#endif
