/*
 * plugin/static.c - the plugins that are linked into this binary. static_plugins.inc is written by
 * CMake from EVENTGW_STATIC_PLUGINS: one line PLUGIN(constant) for each. The sources of the plugins
 * are the same as for shared objects; only the name of the constant differs. Any thread.
 */
#include "plugin/loader.h"

#define PLUGIN(constant) extern const struct eg_plugin constant;
#include "static_plugins.inc"
#undef PLUGIN

static const struct eg_plugin *const plugins[] = {
#define PLUGIN(constant) &constant,
#include "static_plugins.inc"
#undef PLUGIN
    NULL, /* so that the table is never empty */
};

const struct eg_plugin *const *gw_static_plugins(size_t *ret_count) {
    *ret_count = sizeof plugins / sizeof plugins[0] - 1;
    return plugins;
}
