/*
 * app/plugin_kit.h - commands for those who write plugins: `plugin list`, `inspect`, `check`,
 * `new`; and `health`, for those who run the gateway in a container. Control thread.
 */
#ifndef GW_APP_PLUGIN_KIT_H
#define GW_APP_PLUGIN_KIT_H

#include <stdbool.h>

#include <eventgw/plugin.h>

#include "base/bytes.h"

/* What the command line says about them; borrows argv. */
struct gw_kit {
    bool is_json;
    const char *settings_path; /* NULL = none */
    const char *function_path; /* of a function's `provider` object; NULL = none */
    const char *component;     /* NULL = the only one */
    const char *template_path; /* NULL = where they are installed */
    const char *ca_path;       /* NULL = the system's */
    uint64_t patience_ns;      /* 0 = the usual */
};

struct gw_subcommand;
extern const struct gw_subcommand gw_plugin_list_command;
extern const struct gw_subcommand gw_plugin_inspect_command;
extern const struct gw_subcommand gw_plugin_check_command;
extern const struct gw_subcommand gw_plugin_new_command;
extern const struct gw_subcommand gw_health_command;

const char *gw_kit_kind(uint32_t kind); /* "middleware" */
/* To standard output; frees it. */
int32_t gw_kit_print(struct gw_bytes *text, struct eg_why *ret_why);

/* ---- plugin_child.c: code of strangers runs in a process of its own ---- */

/* Tells the parent: one line, of a kind that both know. Control characters become '?'. */
void gw_child_tell(int fd, char kind, const char *text);
#define GW_CHILD_STEP 's'    /* what is done next; the parent remembers it */
#define GW_CHILD_REFUSED 'r' /* why it ends without having done its work */
#define GW_CHILD_BACK 'k'    /* work has returned; what ends the process before is not its end */

struct gw_child {
    int (*work)(void *arg, int fd); /* in the child; its exit code */
    void *arg;
    /* In the parent; every line but those above. */
    void (*heard)(void *arg, char kind, const char *text);
    void *heard_arg;
    uint64_t patience_ns; /* longest time without a line */
};
/* How it ended: exit code of work, or of somebody who ended the process in it, or the signal, or
 * nothing heard for too long (it was killed). */
#define GW_CHILD_NO_CODE 255
struct gw_child_end {
    int exit_code; /* GW_CHILD_NO_CODE: it did not come to one */
    int signal;    /* 0 = none */
    bool is_back;  /* else the exit code is not that of work */
    bool is_late;
    char step[300];     /* the last one told */
    char refused[1200]; /* empty = it was not */
};
int32_t gw_child_run(const struct gw_child *child, struct gw_child_end *ret_end,
                     struct eg_why *ret_why);
/* "crashed with signal 11 (Segmentation fault) in create" */
void gw_child_describe(const struct gw_child_end *end, char *text, size_t size);

#endif
