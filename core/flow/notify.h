/*
 * flow/notify.h - tells a system event (chapters 9 and 10): to its async subscribers through the
 * backlog, then to the reacters in order. Nothing is made when nobody is interested.
 */
#ifndef GW_FLOW_NOTIFY_H
#define GW_FLOW_NOTIFY_H

#include "domain/sysevent.h"
#include "flow/wait.h"

struct gw_notify {
    struct eg_exchange *exchange;
    enum gw_sysevent which;
    struct eg_event *event; /* the system event; NULL until somebody wants it */
    size_t next_reaction;
    bool is_vetoed;          /* the result */
    struct eg_str veto_text; /* in the arena */
    void (*then)(struct gw_notify *notify);
    void *arg;
};

/* Would anybody be told? Most system events nobody wants, and then nothing is to be got ready. */
bool gw_notify_is_wanted(struct eg_exchange *exchange, enum gw_sysevent which, struct eg_str path);
/* path: where async subscribers are looked for. data is used during the call only. then and arg are
 * set by the caller before. true: ended at once; false: then follows. */
bool gw_notify_start(struct gw_notify *notify, struct eg_exchange *exchange, enum gw_sysevent which,
                     struct eg_str path, const struct gw_sysevent_data *data);

#endif
