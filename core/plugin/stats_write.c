/*
 * plugin/stats_write.c - plugins and instances as JSON, for `GET /v1/plugins`. Control thread.
 */
#include "plugin/stats.h"

#include "base/check.h"
#include "base/jwrite.h"
#include "base/slice.h"
#include "plugin/component_settings.h"
#include "plugin/manager_parts.h"

static const char *const kind_names[GW_KIND_COUNT] = {
    [EG_KIND_PROVIDER] = "provider",
    [EG_KIND_STORAGE] = "storage",
    [EG_KIND_MIDDLEWARE] = "middleware",
    [EG_KIND_REACTER] = "reacter",
};
/* As a request meets them. */
static const uint32_t order[] = {EG_KIND_STORAGE, EG_KIND_MIDDLEWARE, EG_KIND_REACTER,
                                 EG_KIND_PROVIDER};

static void write_text(struct gw_bytes *out, bool *is_first, const char *name, const char *text) {
    gw_jw_name(out, is_first, name);
    if (text == NULL) {
        gw_bytes_add_c(out, "null");
    } else {
        gw_jw_string(out, gw_str_c(text));
    }
}

static void write_number(struct gw_bytes *out, bool *is_first, const char *name, uint64_t value) {
    gw_jw_name(out, is_first, name);
    gw_bytes_add_u64(out, value);
}

static void write_abi(struct gw_bytes *out, bool *is_first, const char *name, uint32_t abi) {
    gw_jw_name(out, is_first, name);
    gw_bytes_addf(out, "\"%u.%u\"", EG_ABI_MAJOR(abi), EG_ABI_MINOR(abi));
}

/* ---- what is loaded ---- */

static void write_known(struct gw_bytes *out, const struct eg_component *component) {
    bool is_first = true;
    gw_bytes_add_char(out, '{');
    write_text(out, &is_first, "name", component->name);
    write_text(out, &is_first, "kind", kind_names[component->kind]);
    write_text(out, &is_first, "summary", component->summary);
    gw_bytes_add_char(out, '}');
}

static void write_plugin(struct gw_bytes *out, const struct gw_loaded *loaded) {
    const struct eg_plugin *plugin = loaded->plugin;
    bool is_first = true;
    gw_bytes_add_char(out, '{');
    write_text(out, &is_first, "name", plugin->name);
    write_text(out, &is_first, "version", plugin->version);
    write_text(out, &is_first, "licence", plugin->licence);
    write_abi(out, &is_first, "abiBuilt", plugin->abi_built);
    write_abi(out, &is_first, "abiNeeds", plugin->abi_needs);
    write_text(out, &is_first, "file", loaded->file);
    gw_jw_name(out, &is_first, "components");
    gw_bytes_add_char(out, '[');
    for (size_t i = 0; i < plugin->component_count; i++) {
        gw_bytes_add_c(out, i == 0 ? "" : ",");
        write_known(out, plugin->components[i]);
    }
    gw_bytes_add_c(out, "]}");
}

/* ---- what is at work ---- */

static void write_settings(struct gw_bytes *out, bool *is_first,
                           const struct gw_instance *instance) {
    struct gw_arena arena;
    gw_arena_init(&arena, 1024);
    const struct gw_settings_table table = gw_component_table(instance->component, &arena);
    gw_jw_name(out, is_first, "settings");
    gw_settings_write(out, &table, instance->settings, GW_MASK_SECRETS);
    gw_arena_free(&arena);
}

static void write_instance(struct gw_bytes *out, bool *is_first_of_all,
                           const struct gw_instance *instance, const char *state) {
    const struct gw_stats stats = gw_instance_stats(instance);
    bool is_first = true;
    gw_bytes_add_c(out, *is_first_of_all ? "{" : ",{");
    *is_first_of_all = false;
    write_text(out, &is_first, "name", instance->name);
    write_text(out, &is_first, "kind", kind_names[instance->component->kind]);
    write_text(out, &is_first, "plugin", instance->plugin == NULL ? NULL : instance->plugin->name);
    write_text(out, &is_first, "state", state);
    write_settings(out, &is_first, instance);
    write_number(out, &is_first, "calls", stats.calls);
    write_number(out, &is_first, "errors", stats.errors);
    write_number(out, &is_first, "inFlight", stats.in_flight);
    gw_jw_name(out, &is_first, "seconds");
    gw_bytes_addf(out, "%llu.%09llu", (unsigned long long)(stats.time_ns / 1000000000u),
                  (unsigned long long)(stats.time_ns % 1000000000u));
    gw_bytes_add_char(out, '}');
}

static bool is_present(const struct gw_manager *manager, const struct gw_instance *instance) {
    const struct gw_chain_of_kind *chain = &manager->chains->of_kind[instance->component->kind];
    for (size_t i = 0; i < chain->count; i++) {
        if (chain->items[i] == instance) {
            return true;
        }
    }
    return false;
}

static void write_present(struct gw_bytes *out, bool *is_first, const struct gw_manager *manager) {
    for (size_t k = 0; k < GW_COUNT(order); k++) {
        const struct gw_chain_of_kind *chain = &manager->chains->of_kind[order[k]];
        for (size_t i = 0; i < chain->count; i++) {
            write_instance(out, is_first, chain->items[i], "serving");
        }
    }
}

static void write_ring(struct gw_bytes *out, bool *is_first, const struct gw_manager *manager,
                       const struct gw_node *ring, const char *state) {
    for (const struct gw_node *n = ring->next; n != ring; n = n->next) {
        const struct gw_instance *instance = GW_CONTAINER(n, struct gw_instance, node);
        if (!is_present(manager, instance)) {
            write_instance(out, is_first, instance, state);
        }
    }
}

void gw_stats_write(struct gw_bytes *out, const struct gw_manager *manager) {
    bool is_first = true;
    gw_bytes_add_c(out, "{\"plugins\":[");
    for (size_t i = 0; i < manager->plugin_count; i++) {
        gw_bytes_add_c(out, i == 0 ? "" : ",");
        write_plugin(out, &manager->plugins[i]);
    }
    gw_bytes_add_c(out, "],\"components\":[");
    if (manager->chains != NULL) {
        write_present(out, &is_first, manager);
        write_ring(out, &is_first, manager, &manager->instances, "replaced");
        for (const struct gw_node *n = manager->lives.next; n != &manager->lives; n = n->next) {
            const struct gw_life *life = GW_CONTAINER(n, struct gw_life, node);
            write_ring(out, &is_first, manager, &life->instances,
                       life->state < GW_LIFE_SERVING ? "starting" : "stopping");
        }
        write_ring(out, &is_first, manager, &manager->left, "stuck");
    }
    gw_bytes_add_c(out, "]}");
}
