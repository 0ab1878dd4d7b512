/*
 * plugin/manager.c - what is known: plugins, their components, and the chains that the rest of the
 * gateway reads. Instances are made in manager_add.c and live by life_*.c. Control thread, but for
 * the look-ups of chains.
 */
#include "plugin/manager.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/slice.h"
#include "base/why.h"
#include "plugin/loader.h"
#include "plugin/manager_parts.h"

#define LINKED_IN "(linked in)"
#define MANAGER_MAGIC 0x45474d41u /* "EGMA" */

struct gw_manager *gw_manager_create(const struct gw_manager_config *config) {
    struct gw_manager *manager = gw_alloc(sizeof *manager);
    const size_t count = config->loop_count;
    struct eg_loop **loops = gw_alloc(gw_size_mul(count + 1, sizeof *loops));
    struct gw_http_client **clients = gw_alloc(gw_size_mul(count + 1, sizeof *clients));
    for (size_t i = 0; i < count; i++) {
        loops[i] = config->loops[i];
        clients[i] = config->clients == NULL ? NULL : config->clients[i];
    }
    manager->magic = MANAGER_MAGIC;
    manager->config = *config;
    manager->config.loops = loops;
    manager->config.clients = clients;
    gw_list_init(&manager->instances);
    gw_list_init(&manager->left);
    gw_list_init(&manager->lives);
    manager->first = gw_life_create(manager);
    manager->chains = gw_chains_create(manager);
    return manager;
}

/* Of a manager that never started. */
static void end_first(struct gw_manager *manager) {
    struct gw_life *first = manager->first;
    while (!gw_list_empty(&first->instances)) {
        gw_instance_end(GW_CONTAINER(first->instances.prev, struct gw_instance, node));
    }
    gw_free(first);
}

void gw_manager_destroy(struct gw_manager *manager) {
    if (manager == NULL) {
        return;
    }
    GW_MAGIC_CHECK(manager, MANAGER_MAGIC);
    GW_ASSERT(manager->is_ended || manager->first != NULL);
    if (manager->ops_left > 0) {
        return; /* a component may still come back to it */
    }
    manager->is_stopping = true;
    gw_chains_unref(manager->chains);
    if (manager->first != NULL) {
        end_first(manager);
    }
    gw_free((void *)(uintptr_t)manager->config.loops);
    gw_free((void *)(uintptr_t)manager->config.clients);
    for (size_t i = 0; i < manager->plugin_count; i++) {
        gw_free((void *)(uintptr_t)manager->plugins[i].file);
    }
    gw_free(manager->totals);
    gw_free(manager->plugins);
    gw_free(manager->components);
    manager->magic = 0;
    gw_free(manager);
}

/* ---- loading ---- */

static const struct eg_plugin *owner_of(const struct gw_manager *manager, const char *name) {
    for (size_t i = 0; i < manager->plugin_count; i++) {
        const struct eg_plugin *plugin = manager->plugins[i].plugin;
        for (size_t k = 0; k < plugin->component_count; k++) {
            if (strcmp(plugin->components[k]->name, name) == 0) {
                return plugin;
            }
        }
    }
    return NULL;
}

/* All of the plugin, or nothing. file NULL: it is linked in. */
static int32_t add_plugin(struct gw_manager *manager, const struct eg_plugin *plugin,
                          const char *file, struct eg_why *ret_why) {
    const char *label = file == NULL ? LINKED_IN : file;
    for (size_t i = 0; i < manager->plugin_count; i++) {
        if (manager->plugins[i].plugin == plugin) {
            return EG_OK; /* named twice, for example by a flag and by the directory */
        }
    }
    const size_t more = plugin->component_count;
    for (size_t i = 0; i < more; i++) {
        const struct eg_plugin *owner = owner_of(manager, plugin->components[i]->name);
        if (owner != NULL) {
            return gw_why(ret_why, EG_E_EXISTS,
                          "plugin '%s': component '%s' is there already, from plugin '%s'", label,
                          plugin->components[i]->name, owner->name);
        }
    }
    manager->plugins = gw_realloc(manager->plugins,
                                  gw_size_mul(manager->plugin_count + 1, sizeof *manager->plugins));
    manager->plugins[manager->plugin_count++] = (struct gw_loaded){
        .plugin = plugin, .file = file == NULL ? NULL : gw_dup_cstr(gw_str_c(file))};
    manager->components =
        gw_realloc(manager->components,
                   gw_size_mul(manager->component_count + more, sizeof *manager->components));
    manager->totals = gw_realloc(
        manager->totals, gw_size_mul(manager->component_count + more, sizeof *manager->totals));
    for (size_t i = 0; i < more; i++) {
        manager->totals[manager->component_count] = (struct gw_component_totals){0};
        manager->components[manager->component_count++] = plugin->components[i];
    }
    gw_logf(EG_LOG_DEBUG, "plugin '%s' %s loaded from %s", plugin->name, plugin->version, label);
    return EG_OK;
}

static int32_t load_static(struct gw_manager *manager, struct eg_why *ret_why) {
    size_t count = 0;
    const struct eg_plugin *const *plugins = gw_static_plugins(&count);
    int32_t rc = EG_OK;
    for (size_t i = 0; rc >= 0 && i < count; i++) {
        rc = gw_plugin_check(plugins[i], LINKED_IN, ret_why);
        if (rc >= 0) {
            rc = add_plugin(manager, plugins[i], NULL, ret_why);
        }
    }
    return rc;
}

int32_t gw_manager_load(struct gw_manager *manager, const char *path, struct eg_why *ret_why) {
    if (path == NULL) {
        return load_static(manager, ret_why);
    }
    const struct eg_plugin *plugin = NULL;
    const int32_t rc = gw_plugin_open(path, &plugin, ret_why);
    return rc < 0 ? rc : add_plugin(manager, plugin, path, ret_why);
}

static int is_shared_object(const struct dirent *entry) {
    return gw_str_ends(gw_str_c(entry->d_name), GW_STR(".so")) && entry->d_name[0] != '.';
}

int32_t gw_manager_load_directory(struct gw_manager *manager, const char *directory,
                                  struct eg_why *ret_why) {
    struct dirent **entries = NULL;
    const int count = scandir(directory, &entries, is_shared_object, alphasort);
    if (count < 0) {
        return gw_why(ret_why, EG_E_NOTFOUND, "plugin directory '%s' cannot be read: %s", directory,
                      strerror(errno));
    }
    int32_t rc = EG_OK;
    for (int i = 0; i < count; i++) {
        if (rc >= 0) {
            struct gw_bytes path;
            gw_bytes_init(&path, 0);
            gw_bytes_addf(&path, "%s/%s", directory, entries[i]->d_name);
            gw_bytes_add_char(&path, '\0');
            rc = gw_manager_load(manager, path.ptr, ret_why);
            gw_bytes_free(&path);
        }
        free(entries[i]);
    }
    free(entries);
    return rc < 0 ? rc : EG_OK;
}

/* ---- look-ups ---- */

const struct eg_component *gw_manager_component(const struct gw_manager *manager, uint32_t kind,
                                                struct eg_str name) {
    for (size_t i = 0; i < manager->component_count; i++) {
        const struct eg_component *component = manager->components[i];
        if ((kind == 0 || kind == component->kind) && gw_str_eq(gw_str_c(component->name), name)) {
            return component;
        }
    }
    return NULL;
}

const struct eg_component *const *gw_manager_components(const struct gw_manager *manager,
                                                        size_t *ret_count) {
    *ret_count = manager->component_count;
    return manager->components;
}

struct gw_chains *gw_manager_chains(const struct gw_manager *manager) {
    return manager->chains;
}

struct gw_instance *const *gw_manager_chain(const struct gw_manager *manager, uint32_t kind,
                                            size_t *ret_count) {
    GW_ASSERT(kind < GW_KIND_COUNT);
    *ret_count = manager->chains == NULL ? 0 : manager->chains->of_kind[kind].count;
    return manager->chains == NULL ? NULL : manager->chains->of_kind[kind].items;
}

struct gw_instance *gw_manager_storage(const struct gw_manager *manager) {
    size_t count = 0;
    struct gw_instance *const *items = gw_manager_chain(manager, EG_KIND_STORAGE, &count);
    return count == 0 ? NULL : items[0];
}

/* ---- the first instances ---- */

/* Only one storage keeps the configuration, and a function's type names one provider. */
static int32_t check_single(const struct gw_manager *manager, const struct eg_component *component,
                            struct eg_why *ret_why) {
    const struct gw_chain_of_kind *chain = &manager->chains->of_kind[component->kind];
    if (component->kind == EG_KIND_STORAGE && chain->count > 0) {
        return gw_why(ret_why, EG_E_EXISTS, "storage '%s': '%s' is the storage already",
                      component->name, chain->items[0]->name);
    }
    for (size_t i = 0; component->kind == EG_KIND_PROVIDER && i < chain->count; i++) {
        if (chain->items[i]->component == component) {
            return gw_why(ret_why, EG_E_EXISTS, "provider '%s' is there already", component->name);
        }
    }
    return EG_OK;
}

int32_t gw_manager_add(struct gw_manager *manager, const struct eg_component *component,
                       const struct gw_setting_input *inputs, size_t input_count,
                       struct gw_instance **ret_instance, struct eg_why *ret_why) {
    GW_ASSERT(manager->first != NULL && manager->first->state == GW_LIFE_NEW);
    struct gw_instance *instance = NULL;
    int32_t rc = check_single(manager, component, ret_why);
    if (rc >= 0) {
        rc = gw_instance_make(manager, component, inputs, input_count, &instance, ret_why);
    }
    if (rc < 0) {
        return rc;
    }
    gw_life_take(manager->first, instance);
    gw_chains_add(manager->chains, instance);
    if (ret_instance != NULL) {
        *ret_instance = instance;
    }
    return EG_OK;
}
