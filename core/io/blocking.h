/*
 * io/blocking.h - a small pool of threads for libraries that block (SQLite, DNS). work runs on a
 * pool thread, done on the loop that asked. Bounded queue: EG_E_BUSY when full.
 */
#ifndef GW_IO_BLOCKING_H
#define GW_IO_BLOCKING_H

#include "io/loop.h"

struct gw_pool;

int32_t gw_pool_create(uint32_t threads, uint32_t queue_length, struct gw_pool **ret_pool);
/* Waits for running work, drops nothing: queued work still runs. */
void gw_pool_destroy(struct gw_pool *pool);

struct gw_job {
    struct gw_task task; /* carries done to the loop */
    struct gw_node node;
    struct eg_loop *loop;
    void (*work)(struct gw_job *job);
    void (*done)(struct gw_job *job);
};
/* Borrows job until done. Any loop thread. */
int32_t gw_pool_run(struct gw_pool *pool, struct eg_loop *loop, struct gw_job *job,
                    void (*work)(struct gw_job *job), void (*done)(struct gw_job *job));

#endif
