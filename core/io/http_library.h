/*
 * io/http_library.h - how libmicrohttpd is started: its mode, its options, its version. Inside io/
 * only, for http_server.c, whose functions it calls back on the loop's thread.
 */
#ifndef GW_IO_HTTP_LIBRARY_H
#define GW_IO_HTTP_LIBRARY_H

#include <stdarg.h>

#include <microhttpd.h>

#include "io/http_server.h"

struct gw_library_setup {
    void *arg; /* of all callbacks */
    MHD_AccessHandlerCallback on_access;
    void *(*on_target)(void *arg, const char *target, struct MHD_Connection *mhd);
    MHD_RequestCompletedCallback on_completed;
    MHD_NotifyConnectionCallback on_notify;
    void (*on_log)(void *arg, const char *format, va_list args);
    const struct gw_tls_files *tls;
    size_t pool_bytes;    /* memory of one connection */
    unsigned connections; /* at once */
};

/* NULL: on_log was told why, or nothing was. */
struct MHD_Daemon *gw_library_start(const struct gw_library_setup *setup);

#endif
