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
    char program[4096];
    Dl_info info;
    if (dladdr(&here, &info) == 0 || info.dli_fname == NULL) {
        return EG_E_NOTFOUND;
    }
    const char *file = info.dli_fname;
    if (strchr(file, '/') == NULL) { /* the gateway's own name, when it was found in PATH */
        const ssize_t n = readlink("/proc/self/exe", program, sizeof program - 1);
        program[n < 0 ? 0 : n] = 0;
        file = program;
    }
    const char *slash = strrchr(file, '/');
    if (slash == NULL) { /* not the directory where it happens to be started */
        return EG_E_NOTFOUND;
    }
    const size_t len = (size_t)(slash - file) + 1;
    if (look(file, len, "", ret_path, size) || look(file, len, "plugins/", ret_path, size) ||
        look(file, len, TRANSFORM_PLUGINS_FROM_BIN "/", ret_path, size)) {
        return EG_OK;
    }
    return EG_E_NOTFOUND;
}
