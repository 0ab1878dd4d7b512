/*
 * worker_path.c - where is the program of the workers? It is installed beside the plugin, so the
 * question is which file this code was loaded from. Linked into the gateway that is the gateway
 * itself, from where the plugin directories of a build and of a prefix are looked at too.
 */
#include <dlfcn.h>
#include <unistd.h>

#include "child.h"

#define NAME "transform-worker"
#ifndef TRANSFORM_PLUGINS_FROM_BIN /* from where the gateway is installed to its plugins */
#define TRANSFORM_PLUGINS_FROM_BIN "../lib/eventgw/plugins"
#endif

static int32_t look(const char *directory, size_t len, const char *below, char *ret_path,
                    size_t size) {
    const int wanted = snprintf(ret_path, size, "%.*s%s" NAME, (int)len, directory, below);
    return wanted > 0 && (size_t)wanted < size && access(ret_path, X_OK) == 0;
}

int32_t tr_worker_find(char *ret_path, size_t size) {
    static const int32_t here = 0;
    Dl_info info;
    if (dladdr(&here, &info) == 0 || info.dli_fname == NULL) {
        return EG_E_NOTFOUND;
    }
    const char *slash = strrchr(info.dli_fname, '/');
    const size_t len = slash == NULL ? 0 : (size_t)(slash - info.dli_fname) + 1;
    if (look(info.dli_fname, len, "", ret_path, size) ||
        look(info.dli_fname, len, "plugins/", ret_path, size) ||
        look(info.dli_fname, len, TRANSFORM_PLUGINS_FROM_BIN "/", ret_path, size)) {
        return EG_OK;
    }
    return EG_E_NOTFOUND;
}
