/* driver_redis.c - Redis with a stream of changes, which is cut to a length. */
#include "drivers.h"

static void settings(const struct driver_place *place, struct driver_settings *out) {
    driver_set(out, "address", "[\"127.0.0.1:%u\"]", (unsigned)place->port);
    if (place->has_short_history) {
        driver_set(out, "history", "5");
    }
    if (place->credentials != DRIVER_NO_CREDENTIALS) {
        driver_set(out, "username", "\"%s\"", DRIVER_USER);
        driver_set(out, "password", "\"%s\"",
                   place->credentials == DRIVER_RIGHT_CREDENTIALS ? DRIVER_SECRET : "wrong");
    }
}

const struct storage_driver driver_redis = {
    .component = "redis",
    .plugin = "storage_redis.so",
    .server = "redis",
    .settings = settings,
    .is_shared = true,
    .keeps_history = true,
    .tells_all = true,
    .has_short_history = true,
    .has_auth = true,
    .can_revoke = true,
    .can_lose_history = true,
    .can_plant = true,
};
