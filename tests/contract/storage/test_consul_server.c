/*
 * test_consul_server.c - what only Consul has, against the real server: TLS with certificates of
 * clients, a token that is gone, a store that is another one after a restart, and what others do to
 * it with Consul's own tools.
 */
#include <stdlib.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/slice.h"
#include "kit.h"
#include "spawn.h"
#include "watcher.h"

/* ---- TLS ---- */

enum trust { TRUST_ALL, TRUST_NO_CLIENT, TRUST_OTHER };
static enum trust trust;

static void tls_settings(const struct driver_place *place, struct driver_settings *out) {
    const char *directory = place->directory;
    driver_set(out, "address", "\"https://127.0.0.1:%u\"", (unsigned)place->port);
    driver_set(out, "ca_file", "\"%s/tls/%s.pem\"", directory,
               trust == TRUST_OTHER ? "other-ca" : "ca");
    if (trust != TRUST_NO_CLIENT) {
        driver_set(out, "cert_file", "\"%s/tls/client.pem\"", directory);
        driver_set(out, "key_file", "\"%s/tls/client-key.pem\"", directory);
    }
}

static const struct storage_driver tls_driver = {
    .component = "consul",
    .plugin = "storage_consul.so",
    .server = "consul",
    .settings = tls_settings,
};

static void begin_tls(enum trust in_whom) {
    trust = in_whom;
    kit.driver = &tls_driver;
    (void)setenv("SERVER_TLS", "1", 1);
    kit_begin();
}

static void end_tls(void) {
    kit_end();
    (void)unsetenv("SERVER_TLS");
    kit.driver = driver_find("consul");
}

static void over_tls_with_a_certificate_everything_works(void) {
    struct watcher watcher;
    begin_tls(TRUST_ALL);
    kit_open();
    watcher_open(&watcher, "", 0);
    watcher_wait_synced(&watcher);
    CU_ASSERT_EQUAL(kit_put("k", "v", EG_REV_ABSENT, NULL), EG_OK);
    CU_ASSERT_STRING_EQUAL(kit_get("k", NULL), "v");
    watcher_wait_text(&watcher, "+k=v ");
    watcher_close(&watcher);
    kit_close();
    end_tls();
}

static void a_server_that_is_not_trusted_is_away_and_the_reason_told(void) {
    begin_tls(TRUST_OTHER);
    CU_ASSERT_EQUAL(kit_try_open(), EG_OK);
    CU_ASSERT_EQUAL(kit_put("k", "v", EG_REV_ANY, NULL), EG_E_UNAVAILABLE);
    CU_ASSERT_PTR_NOT_NULL(strstr(kit.why, "certificate"));
    kit_close();
    end_tls();
}

static void a_server_that_wants_a_certificate_takes_nobody_without(void) {
    begin_tls(TRUST_NO_CLIENT);
    CU_ASSERT_EQUAL(kit_try_open(), EG_OK);
    CU_ASSERT_EQUAL(kit_put("k", "v", EG_REV_ANY, NULL), EG_E_UNAVAILABLE);
    CU_ASSERT_PTR_NOT_NULL(strstr(kit.why, "certificate"));
    kit_close();
    end_tls();
}

/* ---- tokens ---- */

static void a_token_that_is_gone_is_told_by_watches_and_operations(void) {
    struct watcher watcher;
    kit_begin_with_auth();
    kit_open();
    CU_ASSERT_EQUAL(kit_put("p/a", "1", EG_REV_ANY, NULL), EG_OK);
    watcher_open(&watcher, "p/", 0);
    watcher_wait_synced(&watcher);
    server_do(&kit.server, "forget");
    CU_ASSERT_EQUAL(kit_put("p/a", "2", EG_REV_ANY, NULL), EG_E_DENIED);
    CU_ASSERT_PTR_NOT_NULL(strstr(kit.why, "ACL not found"));
    watcher_wait_down(&watcher, true);
    CU_ASSERT_PTR_NOT_NULL(strstr(watcher.why, "ACL not found"));
    CU_ASSERT_EQUAL(watcher.removals, 0);
    watcher_close(&watcher);
    kit_close();
    kit_end();
}

/* Consul then answers 200 with nothing in it. */
static void rights_that_are_taken_and_given_back_lose_nothing(void) {
    struct watcher watcher;
    kit_begin_with_auth();
    kit_open();
    CU_ASSERT_EQUAL(kit_put("p/a", "1", EG_REV_ANY, NULL), EG_OK);
    watcher_open(&watcher, "p/", 0);
    watcher_wait_synced(&watcher);
    server_do(&kit.server, "revoke");
    (void)kit_list("p/");
    CU_ASSERT_EQUAL(kit.status, EG_E_DENIED);
    CU_ASSERT_PTR_NULL(kit_get("p/a", NULL));
    CU_ASSERT_EQUAL(kit_remove("p/a", EG_REV_ANY, NULL), EG_E_DENIED);
    watcher_wait_down(&watcher, true);
    server_do(&kit.server, "restore");
    watcher_wait_down(&watcher, false);
    CU_ASSERT_EQUAL(watcher.removals, 0);
    CU_ASSERT_EQUAL(watcher.resets, 0);
    watcher_wait_same(&watcher);
    watcher_close(&watcher);
    kit_close();
    kit_end();
}

/* ---- the store and others ---- */

static void a_store_that_begins_anew_is_a_reset(void) {
    struct watcher watcher;
    char data[300];
    kit_begin();
    kit_open();
    for (unsigned i = 0; i < 30; i++) {
        CU_ASSERT_EQUAL(kit_put("p/a", i == 29 ? "last" : "1", EG_REV_ANY, NULL), EG_OK);
    }
    watcher_open(&watcher, "p/", 0);
    watcher_wait_synced(&watcher);
    server_kill9(&kit.server);
    (void)snprintf(data, sizeof data, "%s/data", kit.directory);
    CU_ASSERT_EQUAL(spawn_run((const char *[]){"/bin/rm", "-r", data, NULL}), 0);
    watcher_wait_down(&watcher, true);
    server_start(&kit.server);
    watcher_wait_down(&watcher, false);
    watcher_wait_synced(&watcher);
    CU_ASSERT_EQUAL(watcher.resets, 1);
    watcher_wait_same(&watcher);
    CU_ASSERT_EQUAL(kit_put("p/b", "1", EG_REV_ABSENT, NULL), EG_OK);
    watcher_wait_text(&watcher, "+p/b=1 ");
    watcher_wait_same(&watcher);
    watcher_close(&watcher);
    kit_close();
    kit_end();
}

static void what_others_put_and_delete_is_told(void) {
    struct watcher watcher;
    kit_begin();
    kit_open();
    watcher_open(&watcher, "p/", 0);
    watcher_wait_synced(&watcher);
    server_do(&kit.server, "put");
    watcher_wait_text(&watcher, "+p/foreign=foreign ");
    server_do(&kit.server, "delete");
    watcher_wait_text(&watcher, "-p/foreign ");
    CU_ASSERT_EQUAL(watcher.resets + watcher.downs + watcher.disorder, 0);
    watcher_close(&watcher);
    kit_close();
    kit_end();
}

/* 512 KiB of JSON are what its servers take, unless they are told otherwise. */
static void values_of_380_kib_are_stored_and_of_400_kib_refused(void) {
    char *bytes = gw_alloc(400 * 1024 + 1);
    memset(bytes, 'x', 400 * 1024);
    kit_begin();
    kit_open();
    CU_ASSERT_EQUAL(kit_put("p/a", bytes, EG_REV_ABSENT, NULL), EG_E_TOOBIG);
    CU_ASSERT_PTR_NOT_NULL(strstr(kit.why, "Consul takes 524288"));
    CU_ASSERT_PTR_NULL(kit_get("p/a", NULL));
    bytes[380 * 1024] = '\0';
    CU_ASSERT_EQUAL(kit_put("p/a", bytes, EG_REV_ABSENT, NULL), EG_OK);
    kit_close();
    kit_end();
    gw_free(bytes);
}

static const struct unit_case cases[] = {
    UNIT(over_tls_with_a_certificate_everything_works),
    UNIT(a_server_that_is_not_trusted_is_away_and_the_reason_told),
    UNIT(a_server_that_wants_a_certificate_takes_nobody_without),
    UNIT(a_token_that_is_gone_is_told_by_watches_and_operations),
    UNIT(rights_that_are_taken_and_given_back_lose_nothing),
    UNIT(a_store_that_begins_anew_is_a_reset),
    UNIT(what_others_put_and_delete_is_told),
    UNIT(values_of_380_kib_are_stored_and_of_400_kib_refused),
};

int main(void) {
    gw_log_setup(EG_LOG_ERROR, GW_LOG_TEXT);
    kit.driver = driver_find("consul");
    return unit_run("contract_storage_consul_server", cases, sizeof cases / sizeof cases[0]);
}
