/*
 * io/http_stage.h - what each connection of a server is doing and since when, to cut the late ones.
 *
 * Time-outs are the same for all connections in a stage, so a queue per stage in order of entry is
 * sorted by deadline: entering costs O(1), and one timer serves them all. Loop thread only.
 */
#ifndef GW_IO_HTTP_STAGE_H
#define GW_IO_HTTP_STAGE_H

#include "io/loop.h"

enum gw_stage {
    GW_STAGE_NONE,
    GW_STAGE_HEAD, /* new connection, or request line seen: the head has to come */
    GW_STAGE_BODY, /* head complete: the body has to come */
    GW_STAGE_WAIT, /* handed over: looked at now and then whether the client is still there */
    GW_STAGE_SEND, /* answered: the client has to read */
    /* Answered just now: looked at once whether the client is still there. An end of stream that
     * comes together with the request raises no event of its own, and the library misses it. */
    GW_STAGE_PAUSE,
    GW_STAGE_IDLE, /* kept alive between requests */
    GW_STAGE_COUNT
};

struct gw_stage_entry {
    struct gw_node node;
    uint64_t since_ns;
    enum gw_stage stage;
};

struct gw_stages {
    struct eg_loop *loop;
    struct gw_timer timer;
    struct gw_node queues[GW_STAGE_COUNT];
    uint64_t timeout_ns[GW_STAGE_COUNT]; /* 0 = none */
    /* The entry has been in its stage for the time-out. It has left the stage already. */
    void (*on_late)(struct gw_stages *stages, struct gw_stage_entry *entry, enum gw_stage stage);
};

/* timeout_ns and on_late are the caller's to set. */
void gw_stages_init(struct gw_stages *stages, struct eg_loop *loop);
void gw_stages_stop(struct gw_stages *stages);
void gw_stage_enter(struct gw_stages *stages, struct gw_stage_entry *entry, enum gw_stage stage);
/* Enters, counting from when the stage before was entered; from now when that would be late. */
void gw_stage_go_on(struct gw_stages *stages, struct gw_stage_entry *entry, enum gw_stage stage);
void gw_stage_leave(struct gw_stage_entry *entry);

#endif
