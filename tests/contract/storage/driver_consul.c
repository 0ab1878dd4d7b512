/* driver_consul.c - Consul shows what is there; it keeps no history. */
#include "drivers.h"

static void settings(const struct driver_place *place, struct driver_settings *out) {
    driver_set(out, "address", "\"http://127.0.0.1:%u\"", (unsigned)place->port);
    if (place->credentials != DRIVER_NO_CREDENTIALS) {
        driver_set(out, "token", "\"%s\"",
                   place->credentials == DRIVER_RIGHT_CREDENTIALS ? DRIVER_SECRET : "wrong");
    }
}

const struct storage_driver driver_consul = {
    .component = "consul",
    .plugin = "storage_consul.so",
    .server = "consul",
    .settings = settings,
    .is_shared = true,
    .has_auth = true,
    .can_revoke = true,
    .can_plant = true,
};
