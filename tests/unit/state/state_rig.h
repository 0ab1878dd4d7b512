/*
 * state_rig.h - a manager with the fake store and the fake providers, a catalog on top, and one
 * loop that the test turns by hand. Each test program gets its own (everything here is static).
 */
#ifndef TESTS_STATE_RIG_H
#define TESTS_STATE_RIG_H

#include <stdlib.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/slice.h"
#include "plugin/loader.h"
#include "state/catalog_inner.h"
#include "support/fake_providers.h"
#include "support/fake_storage.h"
#include "unit.h"

#define RIG_KEY(route, space, id) GW_STORE_ROOT route "/" space "/" id
#define RIG_FUNCTION(id)                                                                           \
    "{\"space\":\"default\",\"functionId\":\"" id "\",\"type\":\"http\","                          \
    "\"provider\":{\"url\":\"http://a/" id "\"}}"
#define RIG_TIMEOUT_NS (5 * GW_NS_PER_S)

/* The storage component of the next rig_up. */
static const char *rig_store = "fake";

static struct {
    struct eg_loop *loop;
    struct gw_manager *manager;
    struct gw_catalog *catalog;
    unsigned changes; /* calls of on_change */
    unsigned readies;
    int32_t ready_status;
    unsigned ends; /* whatever a test waits for */
    int32_t status;
    struct gw_bytes why;
    struct gw_bytes log;
} rig;

/* Instead of the table that CMake writes for a gateway. */
const struct eg_plugin *const *gw_static_plugins(size_t *ret_count) {
    static const struct eg_plugin *const plugins[] = {&fake_storage_plugin, &fake_providers_plugin};
    *ret_count = 2;
    return plugins;
}

static inline void rig_must(bool holds, const char *what) {
    if (!holds) {
        fprintf(stderr, "state rig: %s\n", what);
        abort();
    }
}

static inline void rig_turn(unsigned turns) {
    for (unsigned i = 0; i < turns; i++) {
        gw_loop_turn(rig.loop, 0);
    }
}

static inline void rig_wait(const unsigned *counter, unsigned value, const char *what) {
    for (unsigned i = 0; *counter < value && i < 5000; i++) {
        gw_loop_turn(rig.loop, GW_NS_PER_MS);
    }
    rig_must(*counter >= value, what);
}

/* ---- what things answer to ---- */

static inline void rig_on_end(void *arg, int32_t status, struct eg_str why) {
    (void)arg;
    rig.ends++;
    rig.status = status;
    rig.why.len = 0;
    gw_bytes_add(&rig.why, why);
}
static inline void rig_on_ready(void *arg, int32_t status, struct eg_str why) {
    rig_on_end(arg, status, why);
    rig.readies++;
    rig.ready_status = status;
}
static inline void rig_on_stopped(void *arg) {
    (void)arg;
    rig.ends++;
}
static inline void rig_on_manager_stopped(void *arg, uint32_t ops_left) {
    (void)arg;
    rig_must(ops_left == 0, "operations were left");
    rig.ends++;
}
static inline void rig_on_change(void *arg, struct gw_catalog *catalog) {
    (void)arg;
    (void)catalog;
    rig.changes++;
}
static inline void rig_on_log(void *arg, struct eg_str line) {
    (void)arg;
    gw_bytes_add(&rig.log, line);
    gw_bytes_add_char(&rig.log, '\n');
}
/* How many lines of the log so far hold the text? */
static inline unsigned rig_logged(const char *text) {
    unsigned count = 0;
    struct eg_str rest = gw_bytes_str(&rig.log);
    struct eg_str line;
    while (gw_str_next(&rest, '\n', &line)) {
        count += line.len > 0 && memmem(line.ptr, line.len, text, strlen(text)) != NULL;
    }
    return count;
}

/* ---- life ---- */

static inline void rig_add(uint32_t kind, const char *name) {
    struct eg_why why = {.struct_size = sizeof why};
    struct gw_instance *instance = NULL;
    const struct eg_component *component = gw_manager_component(rig.manager, kind, gw_str_c(name));
    rig_must(component != NULL, name);
    rig_must(gw_manager_add(rig.manager, component, NULL, 0, &instance, &why) == EG_OK, name);
}

/* loops[0] is the control loop and already made when not NULL. */
static inline void rig_start_manager(struct eg_loop *const *loops, uint32_t loop_count) {
    static struct gw_http_client *clients[8];
    struct eg_why why = {.struct_size = sizeof why};
    const struct gw_manager_config config = {.loops = loops,
                                             .clients = clients,
                                             .loop_count = loop_count,
                                             .control = loops[0],
                                             .version = "1"};
    rig.manager = gw_manager_create(&config);
    rig_must(gw_manager_load(rig.manager, NULL, &why) == EG_OK, "the plugins do not load");
    rig_add(EG_KIND_STORAGE, rig_store);
    rig_add(EG_KIND_PROVIDER, "http");
    rig_add(EG_KIND_PROVIDER, "vault");
    gw_manager_start(rig.manager, GW_NS_PER_S, rig_on_end, NULL);
    rig_wait(&rig.ends, 1, "the manager does not start");
    rig_must(rig.status == EG_OK, "the manager refuses to start");
}

static inline void rig_make_catalog(void) {
    const struct gw_catalog_config config = {.storage = gw_manager_storage(rig.manager),
                                             .control = rig.loop,
                                             .timeout_ns = RIG_TIMEOUT_NS,
                                             .on_change = rig_on_change};
    rig.catalog = gw_catalog_create(&config);
}

/* Everything but the watch. */
static inline void rig_up(void) {
    memset(&rig, 0, sizeof rig);
    gw_bytes_init(&rig.why, 0);
    gw_bytes_init(&rig.log, 0);
    gw_log_capture(rig_on_log, NULL);
    fake_storage_reset();
    rig_must(gw_loop_create("control", &rig.loop) == EG_OK, "no loop");
    gw_loop_set_index(rig.loop, 0);
    rig_start_manager(&rig.loop, 1);
    rig_make_catalog();
}

static inline void rig_watch(void) {
    gw_catalog_start(rig.catalog, rig_on_ready, NULL);
    rig_wait(&rig.readies, 1, "the catalog does not become ready");
}

static inline void rig_down(void) {
    fake_storage_hold(false);
    fake_storage_release(1000);
    rig.ends = 0;
    gw_catalog_stop(rig.catalog, rig_on_stopped, NULL);
    rig_wait(&rig.ends, 1, "the catalog does not stop");
    gw_catalog_destroy(rig.catalog);
    gw_manager_stop(rig.manager, GW_NS_PER_S, rig_on_manager_stopped, NULL);
    rig_wait(&rig.ends, 2, "the manager does not stop");
    gw_manager_destroy(rig.manager);
    gw_loop_destroy(rig.loop);
    gw_log_capture(NULL, NULL);
    gw_bytes_free(&rig.why);
    gw_bytes_free(&rig.log);
    fake_storage_reset();
}

static inline struct gw_object *rig_cached(enum gw_kind kind, const char *key) {
    return gw_map_get(gw_catalog_cache(rig.catalog, kind), gw_str_c(key));
}
static inline void rig_set(const char *key, const char *value) {
    (void)fake_storage_set(key, value);
    rig_turn(3);
}

#endif
