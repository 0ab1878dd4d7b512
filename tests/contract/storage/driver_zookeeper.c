/* driver_zookeeper.c - ZooKeeper shows what is there; the guard node names the last changes. */
#include "drivers.h"

/* For the leak sanitizer. When a handle of libzookeeper is closed in the moment in which its
 * session changes, the library forgets the event that it has queued for the thread that ends; and
 * its own attempts to connect again cannot be turned off, so with a server that answers nonsense
 * there is such a moment now and then. */
const char *__lsan_default_suppressions(void);
__attribute__((visibility("default"))) const char *__lsan_default_suppressions(void) {
    return "leak:libzookeeper_mt.so\n";
}

static void settings(const struct driver_place *place, struct driver_settings *out) {
    driver_set(out, "servers", "[\"127.0.0.1:%u\"]", (unsigned)place->port);
    if (place->credentials != DRIVER_NO_CREDENTIALS) {
        driver_set(out, "username", "\"%s\"", DRIVER_USER);
        driver_set(out, "password", "\"%s\"",
                   place->credentials == DRIVER_RIGHT_CREDENTIALS ? DRIVER_SECRET : "wrong");
    }
    if (place->has_short_history) {
        driver_set(out, "history", "5");
    }
}

const struct storage_driver driver_zookeeper = {
    .component = "zookeeper",
    .plugin = "storage_zookeeper.so",
    .server = "zookeeper",
    .settings = settings,
    .is_shared = true,
    .keeps_history = true,
    .has_short_history = true,
    .has_auth = true,
    .can_revoke = true,
    .can_lose_history = true,
    .can_plant = true,
};
