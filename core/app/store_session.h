/*
 * app/store_session.h - the store without a gateway around it: for sub-commands that read or write
 * the configuration. The plugins are loaded, configured and started as for serving, but nothing
 * listens, no function is called, and there is no thread but the control loop's and the pool's.
 */
#ifndef GW_APP_STORE_SESSION_H
#define GW_APP_STORE_SESSION_H

#include "app/app.h"

/* How long one operation may take: what a person waits for may take longer than what a request
 * does. store.timeout, if that is more. */
#define GW_SESSION_PATIENCE_NS (30 * GW_NS_PER_S)

/* Runs the control loop: the plugins start, work(app, arg) is called with app->catalog ready for
 * reads and writes, until somebody calls gw_store_session_end. An error if it did not come to
 * that. */
int32_t gw_store_session(struct gw_app *app, bool with_providers,
                         void (*work)(struct gw_app *app, void *arg), void *arg,
                         struct eg_why *ret_why);
/* On the control loop: everything stops, and gw_store_session returns. app->exit_code is set. */
void gw_store_session_end(struct gw_app *app);
uint64_t gw_store_session_deadline(const struct gw_app *app);

#endif
