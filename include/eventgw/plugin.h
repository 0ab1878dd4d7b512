/*
 * eventgw/plugin.h - the plugin ABI of the event gateway. Include this one.
 *
 * A plugin is a shared object that exports one constant, `const struct eg_plugin eg_plugin`, and
 * nothing else. The gateway exports no symbols to it: what it needs comes through struct eg_host.
 *
 * History of the ABI (every bump is a line here):
 *   0.4  2026-11-29  providers call other functions: host->function, and call of an invocation;
 *                    they are told what a payload is: content_type of an invocation.
 *   0.3  2026-11-28  event: set_attribute, set_data, extension_at; exchange: space, event,
 * principal, headers by index, set_header, reply headers read and replaced, client_cert,
 *                    event_schema, keep and kept; reacter: trace; provider: traceparent and
 *                    tracestate of an invocation.
 *   0.2  2026-11-28  storage: commit (a write with checks), created of a change, what start and
 *                    watch promise of a store that is away; http: answers piece by piece (on_data,
 *                    idle_timeout_ns), requests that are never sent twice (EG_HTTP_ONCE).
 *   0.1  2026-11-23  first version: providers, storage, middleware, reacters.
 */
#ifndef EVENTGW_PLUGIN_H
#define EVENTGW_PLUGIN_H

#include "host.h"
#include "middleware.h"
#include "op.h"
#include "provider.h"
#include "reacter.h"
#include "settings.h"
#include "storage.h"
#include "types.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Versions of the ABI as one number. */
#define EG_ABI_MAKE(major, minor) (((uint32_t)(major) << 16) | (uint32_t)(minor))
#define EG_ABI_MAJOR(abi) ((uint32_t)(abi) >> 16)
#define EG_ABI_MINOR(abi) ((uint32_t)(abi)&0xffffu)
#define EG_ABI EG_ABI_MAKE(0, 4)

#define EG_PLUGIN_MAGIC 0x45475031u /* "EGP1" */

/* What a component is; which table its ops point to. */
#define EG_KIND_PROVIDER 1u
#define EG_KIND_STORAGE 2u
#define EG_KIND_MIDDLEWARE 3u
#define EG_KIND_REACTER 4u

/*
 * The life of a component, the same for all kinds:
 *   create -> start -> attach (each loop) -> serve -> drain -> detach (each loop) -> destroy
 * create, start, drain, destroy run on the control thread, attach and detach on the loop they name.
 * Every entry but create and destroy may be NULL.
 */
struct eg_life_ops {
    uint32_t struct_size;
    uint32_t reserved;
    /* Makes an instance. No I/O. settings is the component's struct, borrowed until destroy. */
    int32_t (*create)(const struct eg_host *host, const void *settings, void **ret_instance,
                      struct eg_why *ret_why);
    /* Connects, opens, checks. Asynchronous; result->message says why it failed. */
    int32_t (*start)(void *instance, struct eg_op *op);
    /* Prepares the instance for one loop; what it puts into ret_slot comes back with every call on
     * that loop. */
    int32_t (*attach)(void *instance, struct eg_loop *loop, void **ret_slot);
    void (*detach)(void *instance, void *slot);
    /* Stop timers and background work of your own; calls in flight may end. */
    void (*drain)(void *instance);
    void (*destroy)(void *instance);
};

/* One thing that a plugin can be in the configuration: its name, settings, life and calls. */
struct eg_component {
    uint32_t struct_size;
    uint32_t kind;       /* EG_KIND_* */
    uint64_t flags;      /* 0 */
    const char *name;    /* [a-z][a-z0-9_]*: key in the configuration; providers: type */
    const char *summary; /* one line for --help-plugin */
    const struct eg_setting *const *settings;
    size_t setting_count;
    size_t settings_size; /* sizeof of the struct the settings are read into */
    const struct eg_setting *const *target_settings; /* providers only, see provider.h */
    size_t target_setting_count;
    size_t target_settings_size;
    const struct eg_life_ops *life;
    const void *ops; /* struct eg_provider_ops, eg_storage_ops, ... by kind */
};

/* What a shared object says about itself: the one constant that it exports. */
struct eg_plugin {
    uint32_t magic; /* EG_PLUGIN_MAGIC */
    uint32_t struct_size;
    uint32_t abi_built; /* EG_ABI, from the header it was built with */
    uint32_t abi_needs; /* EG_ABI_MAKE(major, minor): a literal of the author */
    const char *name;
    const char *version;
    const char *licence; /* SPDX expression */
    const struct eg_component *const *components;
    size_t component_count;
};

/*
 * Put EG_PLUGIN_EXPORT before the one definition. Linked statically (EVENTGW_STATIC_NAME defined by
 * the build to a unique identifier) the constant takes that name instead.
 */
#ifdef __GNUC__
#define EG_PLUGIN_EXPORT __attribute__((visibility("default")))
#else
#define EG_PLUGIN_EXPORT
#endif
#ifdef EVENTGW_STATIC_NAME
/* Name of the one constant, to be defined with EG_PLUGIN_EXPORT. */
#define eg_plugin_constant EVENTGW_STATIC_NAME
#else
/* Name of the one constant, to be defined with EG_PLUGIN_EXPORT. */
#define eg_plugin_constant eg_plugin
#endif
/* The one constant. */
extern EG_PLUGIN_EXPORT const struct eg_plugin eg_plugin_constant;

#ifdef __cplusplus
}
#endif
#endif
