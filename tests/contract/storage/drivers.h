/*
 * drivers.h - what the contract kit has to know of a storage plugin: which component of which file,
 * which server it speaks to, the settings that lead to it, and what the backend can and cannot. A
 * new backend is one file driver_<name>.c and one row in drivers.c.
 *
 * A server is a directory below tests/servers: `run DIR PORT` is the server in the foreground with
 * its data in DIR (the same DIR again is a restart; with SERVER_AUTH=1 in the environment it asks
 * for the user `gateway` with the password or token `secret-of-the-store`). When it has to be set
 * up after it began to listen, run keeps a file DIR/setting-up until that is done. `do DIR PORT
 * WHAT` does to the running server what the flags below name.
 */
#ifndef CONTRACT_STORAGE_DRIVERS_H
#define CONTRACT_STORAGE_DRIVERS_H

#include <stdbool.h>
#include <stddef.h>

#include "plugin/settings.h"

#define DRIVER_USER "gateway"
#define DRIVER_SECRET "secret-of-the-store"

enum driver_credentials {
    DRIVER_NO_CREDENTIALS,
    DRIVER_RIGHT_CREDENTIALS,
    DRIVER_WRONG_CREDENTIALS
};

/* Where the store is, and as whom. */
struct driver_place {
    const char *directory; /* of the case */
    uint16_t port;         /* of the server or a relay before it, on 127.0.0.1; 0: no server */
    enum driver_credentials credentials;
    bool has_short_history; /* forget old changes soon */
};

/* Settings as a plugin section gets them. All zero is empty. */
#define DRIVER_MAX_SETTINGS 12u
struct driver_settings {
    struct gw_setting_input inputs[DRIVER_MAX_SETTINGS];
    size_t count;
    char text[2048];
    size_t used;
};
/* One setting; the format gives its JSON text. The key is borrowed. */
void driver_set(struct driver_settings *settings, const char *key, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

struct storage_driver {
    const char *component; /* also the name of the driver */
    const char *plugin;    /* file in the plugin directory */
    const char *server;    /* directory below tests/servers; NULL: there is no server */
    void (*settings)(const struct driver_place *place, struct driver_settings *out);
    bool is_shared;         /* two gateways may use one store */
    bool keeps_history;     /* a watch from a past revision is told change by change */
    bool tells_all;         /* also of values that were overwritten before they could be told */
    bool has_short_history; /* place.has_short_history means something */
    bool has_auth;          /* SERVER_AUTH means something */
    bool can_revoke;        /* `do .. revoke` and `do .. restore` of the credentials */
    bool can_lose_history;  /* `do .. lose-history`: what happened so far is told to no watch */
    bool can_plant;         /* `do .. bad-record`: a record that the plugin cannot understand, with
                               a key that holds the bytes `planted` */
};

extern const struct storage_driver driver_embedded;
extern const struct storage_driver driver_etcd;
extern const struct storage_driver driver_consul;
extern const struct storage_driver driver_redis;
extern const struct storage_driver driver_zookeeper;

const struct storage_driver *driver_find(const char *name); /* or NULL */

#endif
