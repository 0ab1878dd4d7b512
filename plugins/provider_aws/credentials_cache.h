/*
 * credentials_cache.h - the inside of credentials.h: how a client asks for credentials and waits.
 *
 * A view is what one loop of one component knows of one entry of the cache: as long as the entry
 * did not change and the keys are fresh, no lock is taken. Calls that have to wait stand in the
 * view; the entry knows the views that wait, and posts to their loops. One fetch an entry.
 */
#ifndef AWS_CREDENTIALS_CACHE_H
#define AWS_CREDENTIALS_CACHE_H

#include "clock_skew.h"
#include "credentials_value.h"

struct aws_views;

/* Owned by who waits; borrowed until ready or aws_wait_drop. */
struct aws_wait {
    struct aws_wait *next;
    struct aws_view *view;     /* NULL = waits for nothing */
    struct aws_creds *refused; /* other ones are wanted; NULL = any */
    /* creds is taken (NULL = there are none, why says it). On the loop, never inside an ask. */
    void (*ready)(struct aws_wait *wait, struct aws_creds *creds, struct eg_str why);
};

/* The environment and the clock of the cache; live as long as it does. */
const struct aws_env *aws_cache_env(const struct aws_cache *cache);
struct aws_clock *aws_cache_clock(struct aws_cache *cache);
/* Of calls to an endpoint that the function names: what it says of the time is its own affair, and
 * the cache's clock decides for everybody when credentials expire. */
struct aws_clock *aws_source_clock(struct aws_source *source);

/* Of one component on one loop; keeps the cache alive. free: nothing waits any more. */
struct aws_views *aws_views_new(const struct eg_host *host, struct eg_loop *loop,
                                struct aws_cache *cache);
void aws_views_free(struct aws_views *views);

/*
 * 1: *ret_creds is there (take). 0: wait->ready comes later. Negative: there are none, ret_why says
 * so. refused: credentials the service did not take (borrowed until ready); others are wanted, and
 * EG_E_DENIED with no text says that there are no others. region: for STS, a hint.
 */
int32_t aws_creds_ask(struct aws_views *views, const struct aws_source *source,
                      struct eg_str region, struct aws_creds *refused, struct aws_wait *wait,
                      struct aws_creds **ret_creds, struct eg_why *ret_why);
/* Waits no more; ready does not come. Fine when it waits for nothing. */
void aws_wait_drop(struct aws_wait *wait);

#endif
