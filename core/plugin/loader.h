/*
 * plugin/loader.h - opens a shared object and believes nothing it says before it was checked:
 * magic, sizes, ABI range, names, tables. A refusal is a sentence that names the file and the rule.
 * Loaded objects stay until the process ends (no dlclose while serving). Control thread.
 */
#ifndef GW_PLUGIN_LOADER_H
#define GW_PLUGIN_LOADER_H

#include <eventgw/plugin.h>

/* Opens path (RTLD_NOW | RTLD_LOCAL) and checks its descriptor. Borrows for ever. */
int32_t gw_plugin_open(const char *path, const struct eg_plugin **ret_plugin,
                       struct eg_why *ret_why);
/* The checks alone, for plugins that are linked statically and for tests. label = file or name. */
int32_t gw_plugin_check(const struct eg_plugin *plugin, const char *label, struct eg_why *ret_why);

/* Plugins linked into this binary, written by CMake (EVENTGW_STATIC_PLUGINS). */
const struct eg_plugin *const *gw_static_plugins(size_t *ret_count);

#endif
