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
    return manager;
}

void gw_manager_destroy(struct gw_manager *manager) {
    if (manager == NULL) {
        return;
    }
    GW_MAGIC_CHECK(manager, MANAGER_MAGIC);
    const enum gw_life_state state = manager->life.state;
    GW_ASSERT(state == GW_LIFE_IDLE || state == GW_LIFE_ENDED);
    if (manager->life.ops_left > 0) {
        return; /* a component may still come back to it */
    }
    while (!gw_list_empty(&manager->instances)) {
        gw_instance_end(GW_CONTAINER(manager->instances.prev, struct gw_instance, node));
    }
    gw_manager_forget_chains(manager);
    gw_free((void *)(uintptr_t)manager->config.loops);
    gw_free((void *)(uintptr_t)manager->config.clients);
    gw_free(manager->plugins);
    gw_free(manager->components);
    manager->magic = 0;
    gw_free(manager);
}

void gw_manager_forget_chains(struct gw_manager *manager) {
    for (size_t i = 0; i < GW_KINDS; i++) {
        gw_free(manager->chains[i].items);
        manager->chains[i] = (struct gw_chain_of_kind){0};
    }
    gw_free(manager->reactions);
    manager->reactions = NULL;
    manager->reaction_count = 0;
}

/* ---- loading ---- */

static const struct eg_plugin *owner_of(const struct gw_manager *manager, const char *name) {
    for (size_t i = 0; i < manager->plugin_count; i++) {
        for (size_t k = 0; k < manager->plugins[i]->component_count; k++) {
            if (strcmp(manager->plugins[i]->components[k]->name, name) == 0) {
                return manager->plugins[i];
            }
        }
    }
    return NULL;
}

/* All of the plugin, or nothing. */
static int32_t add_plugin(struct gw_manager *manager, const struct eg_plugin *plugin,
                          const char *label, struct eg_why *ret_why) {
    for (size_t i = 0; i < manager->plugin_count; i++) {
        if (manager->plugins[i] == plugin) {
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
    manager->plugins[manager->plugin_count++] = plugin;
    manager->components =
        gw_realloc(manager->components,
                   gw_size_mul(manager->component_count + more, sizeof *manager->components));
    for (size_t i = 0; i < more; i++) {
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
        rc = gw_plugin_check(plugins[i], "(linked in)", ret_why);
        if (rc >= 0) {
            rc = add_plugin(manager, plugins[i], "(linked in)", ret_why);
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

struct gw_instance *const *gw_manager_chain(const struct gw_manager *manager, uint32_t kind,
                                            size_t *ret_count) {
    GW_ASSERT(kind < GW_KINDS);
    *ret_count = manager->chains[kind].count;
    return manager->chains[kind].items;
}

struct gw_instance *gw_manager_storage(const struct gw_manager *manager) {
    const struct gw_chain_of_kind *chain = &manager->chains[EG_KIND_STORAGE];
    return chain->count == 0 ? NULL : chain->items[0];
}

const struct gw_reaction *gw_manager_reactions(const struct gw_manager *manager,
                                               size_t *ret_count) {
    *ret_count = manager->reaction_count;
    return manager->reactions;
}
