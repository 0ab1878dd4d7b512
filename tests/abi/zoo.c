/*
 * zoo.c - one source, many plugins: each build breaks one rule (ZOO_...), and the loader has to
 * refuse it with the sentence of test_zoo.c. Without a switch it is a good plugin. Built as a
 * shared object.
 */
#if defined(ZOO_FUNCTION) || defined(ZOO_TINY) || defined(ZOO_NO_SYMBOL) || defined(ZOO_NEXT_MINOR)
#define EVENTGW_STATIC_NAME zoo_not_exported /* so that eg_plugin may be something else */
#endif
#include <eventgw-sdk/egx.h>

#ifdef ZOO_LEAVES_AT_LOAD
#include <stdlib.h>
#endif
#ifdef ZOO_UNRESOLVED
int zoo_symbol_that_nobody_has(void);
#endif

struct zoo_settings {
    struct eg_str text;
    int64_t number;
};
#ifdef ZOO_SETTING_OUTSIDE
EGX_SETTING_STRING(zoo_settings, text, NULL, "Text.");
static const struct eg_setting outside = {sizeof outside, EG_SET_STRING, 0,    1 << 20, 0, 0,
                                          "outside",      NULL,          NULL, "Help."};
static const struct eg_setting *const rows[] = {EGX_ROW(zoo_settings, text), &outside};
#elif defined(ZOO_SETTING_TYPE)
EGX_SETTING(zoo_settings, number, "number", 42, 0, 0, 0, NULL, NULL, "Number.");
static const struct eg_setting *const rows[] = {EGX_ROW(zoo_settings, number)};
#elif defined(ZOO_SETTING_DEFAULT)
EGX_SETTING_INT(zoo_settings, number, 1, 5, "6", "Number.");
static const struct eg_setting *const rows[] = {EGX_ROW(zoo_settings, number)};
#else
EGX_SETTING_STRING(zoo_settings, text, NULL, "Text.");
EGX_SETTING_INT(zoo_settings, number, 1, 5, "5", "Number.");
static const struct eg_setting *const rows[] = {EGX_ROW(zoo_settings, text),
                                                EGX_ROW(zoo_settings, number)};
#endif

__attribute__((unused)) static int32_t create(const struct eg_host *host, const void *settings,
                                              void **ret_instance, struct eg_why *ret_why) {
    (void)host;
    (void)ret_why;
    *ret_instance = (void *)(uintptr_t)settings;
    return EG_OK;
}
#ifdef ZOO_LEAVES_AT_LOAD
__attribute__((constructor)) static void leave(void) {
    exit(0);
}
#endif
__attribute__((unused)) static void destroy(void *instance) {
    (void)instance;
#ifdef ZOO_UNRESOLVED
    (void)zoo_symbol_that_nobody_has();
#endif
}

static const struct eg_life_ops life = {
    .struct_size = sizeof life,
#ifndef ZOO_NO_CREATE
    .create = create,
#endif
#ifndef ZOO_NO_DESTROY
    .destroy = destroy,
#endif
};
#ifdef ZOO_PROVIDER_WITHOUT_BIND
#define KIND EG_KIND_PROVIDER
static const struct eg_provider_ops ops = {.struct_size = sizeof ops};
#elif defined(ZOO_UNKNOWN_KIND)
#define KIND 77
static const struct eg_middleware_ops ops = {.struct_size = sizeof ops};
#elif defined(ZOO_SMALL_OPS)
#define KIND EG_KIND_MIDDLEWARE
static const struct eg_middleware_ops ops = {.struct_size = 16};
#else
#define KIND EG_KIND_MIDDLEWARE
static const struct eg_middleware_ops ops = {.struct_size = sizeof ops};
#endif

#ifdef ZOO_BAD_COMPONENT_NAME
#define NAME "Zoo Animal"
#else
#define NAME "zoo"
#endif
#ifdef ZOO_NO_OPS
EGX_COMPONENT(zoo, KIND, NAME, "An animal.", zoo_settings, rows, &life, NULL);
static const void *const unused[] __attribute__((used)) = {&ops};
#else
EGX_COMPONENT(zoo, KIND, NAME, "An animal.", zoo_settings, rows, &life, &ops);
#endif

static const struct eg_component *const animals[] = {
    &zoo,
#ifdef ZOO_TWINS
    &zoo,
#endif
};

#ifdef ZOO_MAGIC
#define MAGIC 0x12345678u
#else
#define MAGIC EG_PLUGIN_MAGIC
#endif
#ifdef ZOO_SMALL_PLUGIN
#define PLUGIN_SIZE 24
#elif defined(ZOO_SIZE_LIES)
#define PLUGIN_SIZE 4096
#else
#define PLUGIN_SIZE sizeof(struct eg_plugin)
#endif
#ifdef ZOO_MAJOR
#define NEEDS EG_ABI_MAKE(7, 0)
#elif defined(ZOO_NEWER_MINOR)
#define NEEDS EG_ABI_MAKE(0, 9)
#else
#define NEEDS EG_ABI_MAKE(0, 1)
#endif
#ifdef ZOO_BAD_NAME
#define PLUGIN_NAME ""
#else
#define PLUGIN_NAME "zoo"
#endif
#ifdef ZOO_NO_COMPONENTS
#define COUNT 0
#else
#define COUNT EGX_COUNT(animals)
#endif
#define DESCRIPTOR                                                                                 \
    { MAGIC, PLUGIN_SIZE, EG_ABI, NEEDS, PLUGIN_NAME, "1", "MIT", animals, COUNT }

#if defined(ZOO_FUNCTION)
EG_PLUGIN_EXPORT int eg_plugin(void);
int eg_plugin(void) {
    static const struct eg_plugin unused __attribute__((used)) = DESCRIPTOR;
    return 0;
}
#elif defined(ZOO_TINY)
static const struct eg_plugin unused __attribute__((used)) = DESCRIPTOR;
EG_PLUGIN_EXPORT extern const uint8_t eg_plugin;
const uint8_t eg_plugin = 1;
#elif defined(ZOO_NO_SYMBOL)
const struct eg_plugin zoo_not_exported = DESCRIPTOR;
#elif defined(ZOO_NEXT_MINOR)
/* Built with the header of 0.2, which has more at the end of every struct; needs only 0.1. */
struct next_component {
    struct eg_component known;
    const void *more[3];
};
struct next_plugin {
    struct eg_plugin known;
    uint64_t more[4];
};
struct next_life {
    struct eg_life_ops known;
    void (*more)(void);
};
struct next_ops {
    struct eg_middleware_ops known;
    void (*more[2])(void);
};
static const struct next_life next_life = {
    {.struct_size = sizeof next_life, .create = create, .destroy = destroy}, NULL};
static const struct next_ops next_ops = {{.struct_size = sizeof next_ops}, {NULL, NULL}};
static const struct next_component next_component = {{.struct_size = sizeof next_component,
                                                      .kind = EG_KIND_MIDDLEWARE,
                                                      .flags = 1ull << 40,
                                                      .name = "next",
                                                      .summary = "From the future.",
                                                      .settings = rows,
                                                      .setting_count = EGX_COUNT(rows),
                                                      .settings_size = sizeof(struct zoo_settings),
                                                      .life = &next_life.known,
                                                      .ops = &next_ops.known},
                                                     {&animals, &zoo, NULL}};
static const struct eg_component *const next_components[] = {&next_component.known};
EG_PLUGIN_EXPORT extern const struct next_plugin eg_plugin;
const struct next_plugin eg_plugin = {{EG_PLUGIN_MAGIC, sizeof(struct next_plugin),
                                       EG_ABI_MAKE(0, EG_ABI_MINOR(EG_ABI) + 1), EG_ABI, "next",
                                       "1", "MIT", next_components, 1},
                                      {1, 2, 3, 4}};
#else
EG_PLUGIN_EXPORT const struct eg_plugin eg_plugin_constant = DESCRIPTOR;
#endif
