/*
 * app/reload.h - what the files of a reload share. Inside app/ only; control thread.
 */
#ifndef GW_APP_RELOAD_H
#define GW_APP_RELOAD_H

#include "app/app.h"
#include "plugin/change.h"

/* What becomes of a component. */
enum gw_fate { GW_KEPT, GW_MOVED, GW_CREATED, GW_REPLACED, GW_REMOVED, GW_WAITS, GW_FATES };

struct gw_fate_row {
    const struct eg_component *component;
    struct gw_instance *former; /* at work now; NULL: created */
    const struct gw_wanted *wanted;
    enum gw_fate fate;
};

struct gw_reload {
    struct gw_app *app;
    struct gw_http_request *asker; /* held; NULL: a signal */
    struct eg_str replace;         /* names, of the asker: replaced in any case; ptr NULL: none */
    struct gw_options fresh;
    struct gw_fate_row *rows; /* new chains in order, then what is removed; in fresh's arena */
    size_t row_count;
    bool has_change;          /* of a component that can be changed while serving */
    struct gw_change *change; /* under way, or NULL */
    struct gw_bytes changed;  /* the members of two JSON arrays: keys that took effect, and that */
    struct gw_bytes waiting;  /* wait for the next start */
};

/* reload_plan.c: fills the rows. */
int32_t gw_reload_plan(struct gw_reload *reload, struct eg_why *ret_why);
/* Makes the instances that are new. */
int32_t gw_reload_create(struct gw_reload *reload, struct eg_why *ret_why);

/* reload_settings.c: tells the log, and fills changed and waiting. */
void gw_reload_report(struct gw_reload *reload);
/* The settings that may change while serving are those of the fresh options. */
void gw_reload_take_live(struct gw_reload *reload);
/* The answer to who asked for it. */
void gw_reload_write(struct gw_bytes *out, const struct gw_reload *reload);

#endif
