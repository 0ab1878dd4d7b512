/*
 * storage_away - of the end-to-end tests: a store in memory (that of the unit tests) which is away
 * while a file exists. It forgets everything with its process. Control thread; one instance.
 */
#include <eventgw-sdk/egx.h>

#include <stdio.h>
#include <unistd.h>

#include "support/fake_storage.h"

#define LOOK_NS 10000000u

struct away_settings {
    struct eg_str file;
    uint32_t refuses;
};
EGX_SETTING_REQUIRED(away_settings, file, "The store is away while this file exists.");
EGX_SETTING_BOOL(away_settings, refuses, "false", "Start fails: wrong credentials.");
static const struct eg_setting *const rows[] = {EGX_ROW(away_settings, file),
                                                EGX_ROW(away_settings, refuses)};

static struct {
    const struct eg_host *host;
    const struct away_settings *settings;
    struct eg_timer *timer;
    bool is_away;
} store;

static void look(void *arg) {
    char path[512];
    (void)arg;
    (void)snprintf(path, sizeof path, "%.*s", (int)store.settings->file.len,
                   store.settings->file.ptr);
    const bool is_away = access(path, F_OK) == 0;
    if (is_away != store.is_away) {
        store.is_away = is_away;
        fake_storage_away(is_away ? "the file is there" : NULL);
    }
}

static int32_t create(const struct eg_host *host, const void *settings, void **ret_instance,
                      struct eg_why *ret_why) {
    (void)ret_why;
    store.host = host;
    store.settings = settings;
    *ret_instance = &store;
    return EG_OK;
}

static int32_t start(void *instance, struct eg_op *op) {
    (void)instance;
    struct eg_result result = {.struct_size = sizeof result,
                               .message = EGX_STR("the credentials were refused")};
    look(NULL);
    store.timer = store.host->loop->timer_start(store.host, store.host->loop->current(store.host),
                                                LOOK_NS, LOOK_NS, look, NULL);
    op->done(op, store.settings->refuses ? EG_E_DENIED : EG_OK, &result);
    return EG_OK;
}

static void drain(void *instance) {
    (void)instance;
    store.host->loop->timer_stop(store.host, store.timer);
    store.timer = NULL;
}

static void destroy(void *instance) {
    (void)instance;
    fake_storage_reset();
}

static const struct eg_life_ops life = {.struct_size = sizeof life,
                                        .create = create,
                                        .start = start,
                                        .drain = drain,
                                        .destroy = destroy};
EGX_COMPONENT(away_component, EG_KIND_STORAGE, "away", "Is away while a file exists.",
              away_settings, rows, &life, &fake_storage_ops);
EGX_PLUGIN("storage_away", "0.1.0", "Apache-2.0", EG_ABI_MAKE(0, 1), &away_component)
