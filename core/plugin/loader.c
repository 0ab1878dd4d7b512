/*
 * plugin/loader.c - the only place that calls dlopen. RTLD_NOW so that a missing symbol is told
 * here and not in the middle of a request; RTLD_LOCAL so that plugins do not see each other; never
 * RTLD_DEEPBIND, which breaks allocators and sanitizers. A refused object is closed again, an
 * accepted one stays until the process ends. Control thread.
 */
#include "plugin/loader.h"

#include <dlfcn.h>
#include <errno.h>
#include <link.h>
#include <string.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "base/slice.h"
#include "base/why.h"

static int32_t check_file(const char *path, struct eg_why *ret_why) {
    struct stat info;
    if (stat(path, &info) != 0) {
        const int error = errno;
        (void)gw_why(ret_why, EG_E_INVAL, "plugin '%s' cannot be opened: %s", path,
                     strerror(error));
        return error == ENOENT ? EG_E_NOTFOUND : EG_E_IO;
    }
    if (!S_ISREG(info.st_mode)) {
        return gw_why(ret_why, EG_E_INVAL, "plugin '%s' is not a file", path);
    }
    return EG_OK;
}

/* dlopen looks for names without a slash in the library path; ours are files. */
static void *open_file(const char *path) {
    if (strchr(path, '/') != NULL) {
        return dlopen(path, RTLD_NOW | RTLD_LOCAL);
    }
    const size_t len = strlen(path);
    char *local = gw_alloc(len + 3);
    memcpy(local, "./", 2);
    memcpy(local + 2, path, len);
    void *handle = dlopen(local, RTLD_NOW | RTLD_LOCAL);
    gw_free(local);
    return handle;
}

/* The symbol table says what kind of thing eg_plugin is and how many bytes of it there are: this
 * can be known before the first byte is read. */
static int32_t check_symbol(const char *path, const void *symbol, struct eg_why *ret_why) {
    Dl_info info;
    void *entry = NULL;
    if (dladdr1(symbol, &info, &entry, RTLD_DL_SYMENT) == 0 || entry == NULL) {
        return EG_OK;
    }
    const ElfW(Sym) *row = entry;
    if (ELF64_ST_TYPE(row->st_info) != STT_OBJECT) {
        return gw_why(ret_why, EG_E_INVAL, "plugin '%s': the symbol eg_plugin is not a constant",
                      path);
    }
    if (row->st_size < 2 * sizeof(uint32_t)) {
        return gw_why(ret_why, EG_E_INVAL,
                      "plugin '%s': the symbol eg_plugin is too small for a descriptor", path);
    }
    const struct eg_plugin *plugin = symbol;
    if (plugin->magic == EG_PLUGIN_MAGIC && row->st_size < plugin->struct_size) {
        return gw_why(ret_why, EG_E_INVAL,
                      "plugin '%s': struct_size says %u bytes, the constant has %zu", path,
                      plugin->struct_size, (size_t)row->st_size);
    }
    return EG_OK;
}

int32_t gw_plugin_open(const char *path, const struct eg_plugin **ret_plugin,
                       struct eg_why *ret_why) {
    int32_t rc = check_file(path, ret_why);
    if (rc < 0) {
        return rc;
    }
    void *handle = open_file(path);
    if (handle == NULL) {
        return gw_why(ret_why, EG_E_INVAL, "plugin '%s' cannot be loaded: %s", path, dlerror());
    }
    const void *symbol = dlsym(handle, "eg_plugin");
    if (symbol == NULL) {
        rc = gw_why(ret_why, EG_E_INVAL, "plugin '%s' has no symbol eg_plugin", path);
        goto out;
    }
    rc = check_symbol(path, symbol, ret_why);
    if (rc >= 0) {
        rc = gw_plugin_check(symbol, path, ret_why);
    }
    if (rc >= 0) {
        *ret_plugin = symbol;
        handle = NULL;
    }
out:
    if (handle != NULL) {
        (void)dlclose(handle);
    }
    return rc;
}
