/* driver_embedded.c - the store in a file: no server, many processes may use one file. */
#include "drivers.h"

static void settings(const struct driver_place *place, struct driver_settings *out) {
    driver_set(out, "path", "\"%s\"", place->directory);
    driver_set(out, "poll", "\"10ms\"");
    driver_set(out, "busy_timeout", "\"500ms\"");
    if (place->has_short_history) {
        driver_set(out, "history", "5");
    }
}

const struct storage_driver driver_embedded = {
    .component = "embedded",
    .plugin = "storage_embedded.so",
    .settings = settings,
    .is_shared = true,
    .keeps_history = true,
    .tells_all = true,
    .has_short_history = true,
};
