/*
 * credentials_fetch.h - one walk through the credential chain: files and processes on a pool
 * thread, then the HTTP requests the plan asks for on the loop it was started on.
 */
#ifndef AWS_CREDENTIALS_FETCH_H
#define AWS_CREDENTIALS_FETCH_H

#include "clock_skew.h"
#include "credentials_value.h"

/* Everything is borrowed until done; the texts are copied. */
struct aws_fetch_config {
    const struct eg_host *host;
    struct eg_loop *loop;
    const struct aws_env *env;
    struct aws_clock *clock;
    struct eg_str profile;
    struct eg_str region; /* for STS when nothing else says one */
};

/* creds is taken by done (NULL = it failed, why says it). */
typedef void (*aws_fetch_done_fn)(void *arg, struct aws_creds *creds, struct eg_str why);

struct aws_fetch; /* valid until done */

/* Loop thread. 0: done comes exactly once, on the loop, later. EG_E_BUSY: nothing was begun. */
int32_t aws_fetch_start(const struct aws_fetch_config *config, aws_fetch_done_fn done, void *arg,
                        struct aws_fetch **ret_fetch);
/* The host is about to go. One that pauses between attempts ends now, as failed, with done called
 * before the return; one that waits for the host's answer is left to that. NULL is fine. */
void aws_fetch_stop(struct aws_fetch *fetch);

#endif
