/* drivers.c - the storage plugins that the contract is held against. */
#include "drivers.h"

#include <stdio.h>
#include <string.h>

#include "base/slice.h"

static size_t embedded_settings(const char *directory, bool has_short_history,
                                struct gw_setting_input out[DRIVER_MAX_SETTINGS], char *text,
                                size_t size) {
    (void)snprintf(text, size, "\"%s\"", directory);
    out[0] = (struct gw_setting_input){
        .key = GW_STR("path"), .json = gw_str_c(text), .where = GW_STR("test")};
    out[1] = (struct gw_setting_input){
        .key = GW_STR("poll"), .json = GW_STR("\"10ms\""), .where = GW_STR("test")};
    out[2] = (struct gw_setting_input){
        .key = GW_STR("busy_timeout"), .json = GW_STR("\"500ms\""), .where = GW_STR("test")};
    out[3] = (struct gw_setting_input){
        .key = GW_STR("history"), .json = GW_STR("5"), .where = GW_STR("test")};
    return has_short_history ? 4 : 3;
}

static const struct storage_driver drivers[] = {
    {
        .component = "embedded",
        .plugin = "storage_embedded.so",
        .settings = embedded_settings,
        .has_short_history = true,
        .is_shared = true,
    },
};

const struct storage_driver *driver_find(const char *name) {
    for (size_t i = 0; i < sizeof drivers / sizeof drivers[0]; i++) {
        if (strcmp(drivers[i].component, name) == 0) {
            return &drivers[i];
        }
    }
    return NULL;
}
