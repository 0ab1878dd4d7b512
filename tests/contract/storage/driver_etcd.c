/* driver_etcd.c - etcd keeps every value of every key until it is told to compact. */
#include "drivers.h"

static void settings(const struct driver_place *place, struct driver_settings *out) {
    driver_set(out, "endpoints", "[\"http://127.0.0.1:%u\"]", (unsigned)place->port);
    if (place->credentials != DRIVER_NO_CREDENTIALS) {
        driver_set(out, "username", "\"%s\"", DRIVER_USER);
        driver_set(out, "password", "\"%s\"",
                   place->credentials == DRIVER_RIGHT_CREDENTIALS ? DRIVER_SECRET : "wrong");
    }
}

const struct storage_driver driver_etcd = {
    .component = "etcd",
    .plugin = "storage_etcd.so",
    .server = "etcd",
    .settings = settings,
    .is_shared = true,
    .keeps_history = true,
    .tells_all = true,
    .has_auth = true,
    .can_revoke = true,
    .can_lose_history = true,
};
