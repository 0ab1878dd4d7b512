/* driver_zookeeper.c - ZooKeeper shows what is there; it keeps no history. */
#include "drivers.h"

static void settings(const struct driver_place *place, struct driver_settings *out) {
    driver_set(out, "hosts", "\"127.0.0.1:%u\"", (unsigned)place->port);
    if (place->credentials != DRIVER_NO_CREDENTIALS) {
        driver_set(out, "username", "\"%s\"", DRIVER_USER);
        driver_set(out, "password", "\"%s\"",
                   place->credentials == DRIVER_RIGHT_CREDENTIALS ? DRIVER_SECRET : "wrong");
    }
}

const struct storage_driver driver_zookeeper = {
    .component = "zookeeper",
    .plugin = "storage_zookeeper.so",
    .server = "zookeeper",
    .settings = settings,
    .is_shared = true,
    .has_auth = true,
    .can_plant = true,
};
