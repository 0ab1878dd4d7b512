/*
 * plugin/manager.h - the microkernel: which plugins are there, which components work, and their
 * life: load -> settings -> create -> start -> attach -> serve -> drain -> detach -> destroy.
 *
 * Control thread. The manager owns instances. Which of them work together is a chain set
 * (plugin/chains.h); a reload makes the next one (plugin/change.h).
 */
#ifndef GW_PLUGIN_MANAGER_H
#define GW_PLUGIN_MANAGER_H

#include "io/blocking.h"
#include "io/http_client.h"
#include "plugin/chains.h"
#include "plugin/instance.h"
#include "plugin/settings.h"

struct gw_manager;

struct gw_manager_config {
    struct eg_loop *const *loops;          /* by loop index; the control loop is one of them */
    struct gw_http_client *const *clients; /* by loop index */
    uint32_t loop_count;
    struct eg_loop *control;
    struct gw_pool *pool;
    const struct eg_event_api *event_api; /* implemented in flow/, handed up */
    const struct eg_exchange_api *exchange_api;
    const struct eg_function_api *function_api;
    const char *version; /* of the gateway */
};

struct gw_manager *gw_manager_create(const struct gw_manager_config *config);
void gw_manager_destroy(struct gw_manager *manager); /* after stop; NULL is fine */

/* Makes the plugin's components known. path NULL: all that are linked statically. */
int32_t gw_manager_load(struct gw_manager *manager, const char *path, struct eg_why *ret_why);
/* Every .so of a directory, sorted by name. A missing directory is an error. */
int32_t gw_manager_load_directory(struct gw_manager *manager, const char *directory,
                                  struct eg_why *ret_why);
/* kind 0 = any. NULL when unknown. */
const struct eg_component *gw_manager_component(const struct gw_manager *manager, uint32_t kind,
                                                struct eg_str name);
/* Known components, in order of loading. */
const struct eg_component *const *gw_manager_components(const struct gw_manager *manager,
                                                        size_t *ret_count);

/* Makes an instance of a known component with its section of the configuration. Order of calls =
 * order in the chain. A reacter's interests are read here. */
int32_t gw_manager_add(struct gw_manager *manager, const struct eg_component *component,
                       const struct gw_setting_input *inputs, size_t input_count,
                       struct gw_instance **ret_instance, struct eg_why *ret_why);

/* The normal form of what gw_manager_add would be given, to be compared with instance->normal. In
 * the arena. */
int32_t gw_component_normal(const struct eg_component *component,
                            const struct gw_setting_input *inputs, size_t input_count,
                            struct gw_arena *arena, struct eg_str *ret_normal,
                            struct eg_why *ret_why);

/* Starts all instances one after the other (each within timeout_ns), then attaches them to every
 * loop (loops have to run). Answers on the control loop: 0, or the first error with its text. */
void gw_manager_start(struct gw_manager *manager, uint64_t timeout_ns,
                      void (*on_started)(void *arg, int32_t status, struct eg_str why), void *arg);
/* Drains, waits at most timeout_ns for the ledgers, detaches, destroys. Loops still run. After a
 * failed start too, or none; snapshots have to be gone. Answers when instances that a reload has
 * replaced are gone too. ops_left: calls that plugins never ended; their instances, and the
 * manager, are then not freed. Targets that are still bound are unbound. */
void gw_manager_stop(struct gw_manager *manager, uint64_t timeout_ns,
                     void (*on_stopped)(void *arg, uint32_t ops_left), void *arg);

/* The present chain set: borrowed until the next turn of the control loop, or held. NULL when
 * stopping. */
struct gw_chains *gw_manager_chains(const struct gw_manager *manager);
/* One of its chains. */
struct gw_instance *const *gw_manager_chain(const struct gw_manager *manager, uint32_t kind,
                                            size_t *ret_count);
struct gw_instance *gw_manager_storage(const struct gw_manager *manager); /* the one, or NULL */

#endif
