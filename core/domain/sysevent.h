/*
 * domain/sysevent.h - the four system events and their data (chapter 9, Q13).
 */
#ifndef GW_DOMAIN_SYSEVENT_H
#define GW_DOMAIN_SYSEVENT_H

#include "domain/event.h"

enum gw_sysevent { GW_SYS_RECEIVED, GW_SYS_INVOKING, GW_SYS_INVOKED, GW_SYS_FAILED, GW_SYS_EVENTS };
extern const char *const gw_sysevent_types[GW_SYS_EVENTS];
/* GW_SYS_EVENTS when the type is none. */
enum gw_sysevent gw_sysevent_of(struct eg_str type);

struct gw_sysevent_data {
    struct eg_event *event;      /* the event it is about */
    struct eg_str path;          /* received: routing path */
    const struct eg_kv *headers; /* received */
    size_t header_count;
    struct eg_str space; /* the other three */
    struct eg_str function_id;
    struct eg_str result; /* invoked: the function's answer, written as base64 */
    struct eg_str error;  /* failed: written as {"message": ...} */
};
struct eg_event *gw_sysevent_make(struct gw_arena *arena, const struct gw_event_seed *seed,
                                  enum gw_sysevent which, const struct gw_sysevent_data *data);

#endif
