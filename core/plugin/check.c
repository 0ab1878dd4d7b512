/*
 * plugin/check.c - the rules a descriptor has to keep before anything in it is used. What a plugin
 * has to bring is frozen at the sizes of ABI 0.1 (BASELINE), never today's: a struct that is bigger
 * comes from a newer header and is read as far as we know it. Each refusal is one sentence.
 * Control thread.
 */
#include <stdarg.h>
#include <stdio.h>

#include "base/check.h"
#include "base/slice.h"
#include "base/why.h"
#include "plugin/check_settings.h"
#include "plugin/component_settings.h"
#include "plugin/loader.h"

#define NAME_MAX_BYTES 64u
#define COMPONENTS_MAX 256u

struct entry {
    const char *name;
    size_t offset;
};
#define ENTRY(type, field)                                                                         \
    { #field, offsetof(struct type, field) }

/* What the ops of a kind must have; the rest may be NULL. */
struct kind {
    const char *name;
    size_t ops_bytes;
    struct entry needed[8];
};
static const struct kind kinds[] = {
    [EG_KIND_PROVIDER] = {"provider",
                          GW_BASELINE(eg_provider_ops, cancel),
                          {ENTRY(eg_provider_ops, bind), ENTRY(eg_provider_ops, unbind),
                           ENTRY(eg_provider_ops, invoke)}},
    [EG_KIND_STORAGE] = {"storage",
                         GW_BASELINE(eg_storage_ops, unwatch),
                         {ENTRY(eg_storage_ops, get), ENTRY(eg_storage_ops, list),
                          ENTRY(eg_storage_ops, put), ENTRY(eg_storage_ops, remove),
                          ENTRY(eg_storage_ops, watch), ENTRY(eg_storage_ops, unwatch)}},
    [EG_KIND_MIDDLEWARE] = {"middleware", GW_BASELINE(eg_middleware_ops, cancel), {{NULL, 0}}},
    [EG_KIND_REACTER] = {"reacter",
                         GW_BASELINE(eg_reacter_ops, cancel),
                         {ENTRY(eg_reacter_ops, interests), ENTRY(eg_reacter_ops, react)}},
};
static const struct kind life = {
    "life",
    GW_BASELINE(eg_life_ops, destroy),
    {ENTRY(eg_life_ops, create), ENTRY(eg_life_ops, destroy)},
};

int32_t gw_check_refuse(const struct gw_check_place *place, const char *format, ...) {
    char text[512];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (place->component == NULL) {
        return gw_why(place->ret_why, EG_E_INVAL, "plugin '%s': %s", place->label, text);
    }
    return gw_why(place->ret_why, EG_E_INVAL, "plugin '%s', component '%s': %s", place->label,
                  place->component, text);
}

/* [a-z][a-z0-9_]* of at most 64 bytes; dashes too where has_dash. */
static bool is_name(const char *name, bool has_dash) {
    size_t len = 0;
    while (name != NULL && len <= NAME_MAX_BYTES && name[len] != '\0') {
        const char c = name[len];
        const bool is_letter = c >= 'a' && c <= 'z';
        const bool is_later = (c >= '0' && c <= '9') || c == '_' || (has_dash && c == '-');
        if (!is_letter && (len == 0 || !is_later)) {
            return false;
        }
        len++;
    }
    return len > 0 && len <= NAME_MAX_BYTES;
}

static int32_t check_abi(const struct eg_plugin *plugin, const struct gw_check_place *place) {
    const uint32_t needs = plugin->abi_needs;
    if (EG_ABI_MAJOR(needs) != EG_ABI_MAJOR(EG_ABI) ||
        EG_ABI_MAJOR(plugin->abi_built) != EG_ABI_MAJOR(EG_ABI)) {
        return gw_check_refuse(
            place, "it was built for ABI %u and needs ABI %u.%u, this gateway has %u.%u",
            EG_ABI_MAJOR(plugin->abi_built), EG_ABI_MAJOR(needs), EG_ABI_MINOR(needs),
            EG_ABI_MAJOR(EG_ABI), EG_ABI_MINOR(EG_ABI));
    }
    if (EG_ABI_MINOR(needs) > EG_ABI_MINOR(EG_ABI)) {
        return gw_check_refuse(place, "it needs ABI %u.%u or newer, this gateway has %u.%u",
                               EG_ABI_MAJOR(needs), EG_ABI_MINOR(needs), EG_ABI_MAJOR(EG_ABI),
                               EG_ABI_MINOR(EG_ABI));
    }
    return EG_OK;
}

static int32_t check_head(const struct eg_plugin *plugin, const struct gw_check_place *place) {
    if (plugin->magic != EG_PLUGIN_MAGIC) {
        return gw_check_refuse(place, "wrong magic %08x, expected %08x", plugin->magic,
                               EG_PLUGIN_MAGIC);
    }
    if (plugin->struct_size < GW_BASELINE(eg_plugin, component_count)) {
        return gw_check_refuse(place, "struct_size %u of the descriptor is too small, at least %zu",
                               plugin->struct_size, GW_BASELINE(eg_plugin, component_count));
    }
    const int32_t rc = check_abi(plugin, place);
    if (rc < 0) {
        return rc;
    }
    if (!is_name(plugin->name, true)) {
        return gw_check_refuse(place, "the plugin's name has to match [a-z][a-z0-9_-]*");
    }
    if (plugin->version == NULL || plugin->version[0] == '\0' || plugin->licence == NULL ||
        plugin->licence[0] == '\0') {
        return gw_check_refuse(place, "version and licence have to be given");
    }
    if (plugin->components == NULL || plugin->component_count == 0) {
        return gw_check_refuse(place, "it has no components");
    }
    if (plugin->component_count > COMPONENTS_MAX) {
        return gw_check_refuse(place, "it has %zu components, more than %u",
                               plugin->component_count, COMPONENTS_MAX);
    }
    return EG_OK;
}

/* A table of functions: there, big enough, and with what it must have. */
static int32_t check_table(const void *table, const struct kind *kind, const char *what,
                           const struct gw_check_place *place) {
    uint32_t struct_size = 0;
    if (table == NULL) {
        return gw_check_refuse(place, "%s is missing", what);
    }
    memcpy(&struct_size, table, sizeof struct_size);
    if (struct_size < kind->ops_bytes) {
        return gw_check_refuse(place, "struct_size %u of %s is too small, at least %zu",
                               struct_size, what, kind->ops_bytes);
    }
    for (size_t i = 0; i < GW_COUNT(kind->needed) && kind->needed[i].name != NULL; i++) {
        void (*function)(void) = NULL;
        memcpy(&function, (const char *)table + kind->needed[i].offset, sizeof function);
        if (function == NULL) {
            return gw_check_refuse(place, "%s has no %s", what, kind->needed[i].name);
        }
    }
    return EG_OK;
}

static int32_t check_tables(const struct eg_component *component,
                            const struct gw_check_place *place) {
    const struct gw_settings_table settings = gw_component_own_table(component);
    const struct gw_settings_table target = gw_component_target_table(component);
    int32_t rc = gw_check_settings(&settings, false, place);
    if (rc >= 0 && component->kind == EG_KIND_PROVIDER) {
        rc = gw_check_settings(&target, true, place);
    }
    return rc;
}

static int32_t check_component(const struct eg_component *component, struct gw_check_place *place) {
    if (component->struct_size < GW_BASELINE(eg_component, ops)) {
        return gw_check_refuse(place, "struct_size %u of a component is too small, at least %zu",
                               component->struct_size, GW_BASELINE(eg_component, ops));
    }
    if (!is_name(component->name, false)) {
        return gw_check_refuse(place, "a component's name has to match [a-z][a-z0-9_]*");
    }
    place->component = component->name;
    if (component->kind >= GW_COUNT(kinds) || kinds[component->kind].name == NULL) {
        return gw_check_refuse(place, "unknown kind %u", component->kind);
    }
    if (component->summary == NULL) {
        return gw_check_refuse(place, "a summary has to be given");
    }
    int32_t rc = check_table(component->life, &life, "the life table", place);
    if (rc >= 0) {
        rc = check_table(component->ops, &kinds[component->kind], "the ops table", place);
    }
    return rc < 0 ? rc : check_tables(component, place);
}

int32_t gw_plugin_check(const struct eg_plugin *plugin, const char *label, struct eg_why *ret_why) {
    struct gw_check_place place = {.label = label, .ret_why = ret_why};
    int32_t rc = check_head(plugin, &place);
    for (size_t i = 0; rc >= 0 && i < plugin->component_count; i++) {
        const struct eg_component *component = plugin->components[i];
        place.component = NULL;
        if (component == NULL) {
            return gw_check_refuse(&place, "component %zu is NULL", i);
        }
        rc = check_component(component, &place);
        for (size_t k = 0; rc >= 0 && k < i; k++) {
            if (strcmp(plugin->components[k]->name, component->name) == 0) {
                rc = gw_check_refuse(&place, "the name is there twice");
            }
        }
    }
    return rc;
}
