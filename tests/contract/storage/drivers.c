/* drivers.c - the storage plugins that the contract is held against. */
#include "drivers.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/slice.h"

static const struct storage_driver *const drivers[] = {
    &driver_embedded, &driver_etcd, &driver_consul, &driver_redis, &driver_zookeeper,
};

const struct storage_driver *driver_find(const char *name) {
    for (size_t i = 0; i < sizeof drivers / sizeof drivers[0]; i++) {
        if (strcmp(drivers[i]->component, name) == 0) {
            return drivers[i];
        }
    }
    return NULL;
}

void driver_set(struct driver_settings *settings, const char *key, const char *format, ...) {
    char *text = settings->text + settings->used;
    const size_t room = sizeof settings->text - settings->used;
    va_list arguments;
    va_start(arguments, format);
    const int len = vsnprintf(text, room, format, arguments);
    va_end(arguments);
    GW_ASSERT(len > 0 && (size_t)len < room && settings->count < DRIVER_MAX_SETTINGS);
    settings->used += (size_t)len + 1;
    settings->inputs[settings->count++] = (struct gw_setting_input){
        .key = gw_str_c(key), .json = gw_str_c(text), .where = GW_STR("test")};
}
