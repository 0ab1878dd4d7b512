/* snapshot_rig.h - snapshots built by hand out of the catalog of state_rig.h. */
#ifndef TESTS_SNAPSHOT_RIG_H
#define TESTS_SNAPSHOT_RIG_H

#include "state/snapshot_inner.h"
#include "state_rig.h"

static struct gw_snapshot *now; /* the latest */

/* Builds anew out of the cache, and ends the one before. */
static inline void rebuild(void) {
    struct gw_snapshot *before = now;
    rig_turn(3);
    now = gw_snapshot_build(rig.manager, rig.catalog, before);
    gw_snapshot_destroy(before);
    rig_turn(2);
}
static inline void snapshot_up(void) {
    rig_up();
    rig_watch();
    now = NULL;
}
static inline void snapshot_down(void) {
    gw_snapshot_destroy(now);
    now = NULL;
    rig_turn(2);
    rig_down();
}

static inline void set_kind(const char *route, const char *space, const char *id,
                            const char *value) {
    char key[512];
    (void)snprintf(key, sizeof key, GW_STORE_ROOT "%s/%s/%s", route, space, id);
    (void)fake_storage_set(key, value);
}
static inline void set_function(const char *space, const char *id) {
    char value[512];
    (void)snprintf(value, sizeof value,
                   "{\"space\":\"%s\",\"functionId\":\"%s\",\"type\":\"http\",\"provider\":"
                   "{\"url\":\"http://a/\"}}",
                   space, id);
    set_kind("functions", space, id, value);
}
static inline void set_subscription(const char *space, const char *id, const char *type,
                                    const char *event_type, const char *function_id,
                                    const char *path) {
    char value[1024];
    (void)snprintf(value, sizeof value,
                   "{\"space\":\"%s\",\"subscriptionId\":\"%s\",\"type\":\"%s\",\"eventType\":"
                   "\"%s\",\"functionId\":\"%s\",\"path\":\"%s\",\"method\":\"POST\"}",
                   space, id, type, event_type, function_id, path);
    set_kind("subscriptions", space, id, value);
}
static inline void set_cors(const char *space, const char *id, const char *path,
                            const char *origin) {
    char value[1024];
    (void)snprintf(value, sizeof value,
                   "{\"space\":\"%s\",\"corsId\":\"%s\",\"method\":\"GET\",\"path\":\"%s\","
                   "\"allowedOrigins\":[\"%s\"],\"allowedMethods\":[\"GET\"],"
                   "\"allowedHeaders\":[\"Accept\"],\"allowCredentials\":false}",
                   space, id, path, origin);
    set_kind("cors", space, id, value);
}
static inline const struct gw_subscriber *sync_of(const char *type, const char *path) {
    return gw_snapshot_sync(now, GW_STR("POST"), gw_str_c(path), gw_str_c(type), NULL);
}
/* "f1 f2 ": the functions of the async subscribers, in order. */
static inline const char *async_of(const char *type, const char *path) {
    static char names[512];
    size_t count = 0;
    const struct gw_subscriber *const *list =
        gw_snapshot_async(now, GW_STR("POST"), gw_str_c(path), gw_str_c(type), &count);
    names[0] = '\0';
    for (size_t i = 0; i < count; i++) {
        const size_t at = strlen(names);
        (void)snprintf(names + at, sizeof names - at, "%.*s ",
                       GW_FMT(list[i]->object->as.subscription.function_id));
    }
    return names;
}

#endif
