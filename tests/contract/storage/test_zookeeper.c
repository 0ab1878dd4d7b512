/*
 * test_zookeeper.c - what only the ZooKeeper store has, against the real server: sessions that
 * expire, programs that write items without the guard, a guard that is removed or falls behind, the
 * ACLs of what is made, and the exact size that a request may have.
 *
 * Started with a role it is the second gateway of a case. The client library is used directly for
 * what a gateway does not do.
 */
#include <dlfcn.h>
#include <netdb.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/wait.h>

#include <zookeeper/zookeeper.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/slice.h"
#include "kit.h"
#include "relay.h"
#include "spawn.h"
#include "watcher.h"

#define ITEMS "/event-gateway/items"
#define GUARD "/event-gateway/guard"
#define MIB (1024u * 1024u)

/* ---- a gateway with short times ---- */

static struct storage_driver driver;
static const struct storage_driver *kit_driver;

static void set_short_times(const struct driver_place *place, struct driver_settings *out) {
    kit_driver->settings(place, out);
    driver_set(out, "session_timeout", "\"1s\"");
    driver_set(out, "reconcile", "\"200ms\"");
}

static void begin(void) {
    kit_driver = driver_find("zookeeper");
    driver = *kit_driver;
    driver.settings = set_short_times;
    kit.driver = &driver;
    kit.needs_own_server = true;
    kit_begin();
}

static void begin_watched(struct watcher *watcher) {
    begin();
    kit_open();
    CU_ASSERT_EQUAL(kit_put("p/a", "1", EG_REV_ANY, NULL), EG_OK);
    CU_ASSERT_EQUAL(kit_put("p/b", "1", EG_REV_ANY, NULL), EG_OK);
    watcher_open(watcher, "p/", 0);
    watcher_wait_synced(watcher);
    watcher_forget(watcher);
}

static void end_watched(struct watcher *watcher) {
    CU_ASSERT_EQUAL(watcher->disorder, 0);
    watcher_close(watcher);
    kit_close();
    kit_end();
}

static void turn_for(uint64_t ns) {
    const uint64_t end_ns = kit_now_ns() + ns;
    while (kit_now_ns() < end_ns) {
        gw_loop_turn(kit.loop, 5 * GW_NS_PER_MS);
    }
}

/* The second gateway: puts and removes, straight to the server, and ends. */
static void write_from_elsewhere(const char *role) {
    char port[8];
    (void)snprintf(port, sizeof port, "%u", (unsigned)kit.server.port);
    CU_ASSERT_EQUAL(spawn_run((const char *[]){"/proc/self/exe", role, kit.directory, port, NULL}),
                    0);
}

static int run_role(const char *role, const char *directory, const char *port) {
    char key[16];
    int rc = 0;
    kit_driver = driver_find("zookeeper");
    kit.driver = kit_driver;
    (void)snprintf(kit.directory, sizeof kit.directory, "%s", directory);
    kit.place = (struct driver_place){.directory = kit.directory,
                                      .port = (uint16_t)strtoul(port, NULL, 10),
                                      .has_short_history = strcmp(role, "many") == 0};
    kit_open();
    if (strcmp(role, "fleeting") == 0) {
        rc |= kit_put("p/fleeting", "2", EG_REV_ANY, NULL) != EG_OK;
        rc |= kit_remove("p/fleeting", EG_REV_ANY, NULL) != EG_OK;
        kit_close();
        return rc;
    }
    for (unsigned i = 0; i < (kit.place.has_short_history ? 20u : 2u); i++) {
        (void)snprintf(key, sizeof key, "p/new%u", i);
        rc |= kit_put(key, "2", EG_REV_ANY, NULL) != EG_OK;
    }
    rc |= kit_remove("p/a", EG_REV_ANY, NULL) != EG_OK;
    kit_close();
    return rc;
}

/* ---- the library, directly ---- */

static void ignore_event(zhandle_t *handle, int type, int state, const char *path, void *arg) {
    (void)handle;
    (void)type;
    (void)state;
    (void)path;
    (void)arg;
}

static zhandle_t *stranger_open(void) {
    char servers[32];
    zoo_set_debug_level(ZOO_LOG_LEVEL_ERROR);
    (void)snprintf(servers, sizeof servers, "127.0.0.1:%u", (unsigned)kit.server.port);
    zhandle_t *stranger = zookeeper_init(servers, ignore_event, 10000, NULL, NULL, 0);
    if (stranger == NULL) {
        kit_fail("no handle");
    }
    return stranger;
}

/* ---- sessions ---- */

static void an_expired_session_is_a_new_one_and_nothing_is_missed(void) {
    struct watcher watcher;
    begin();
    kit_use_relay();
    kit_open();
    CU_ASSERT_EQUAL(kit_put("p/a", "1", EG_REV_ANY, NULL), EG_OK);
    watcher_open(&watcher, "p/", 0);
    watcher_wait_synced(&watcher);
    watcher_forget(&watcher);
    relay_set(RELAY_STALL);
    watcher_wait_down(&watcher, true);
    write_from_elsewhere("few");
    turn_for(3 * GW_NS_PER_S); /* three times as long as the server keeps a silent session */
    relay_set(RELAY_PASS);
    watcher_wait_same(&watcher);
    /* Told by the ring, in order, without a RESET. */
    const char *told = watcher_told(&watcher);
    CU_ASSERT_STRING_EQUAL(told, "D +p/new0=2 +p/new1=2 -p/a S ");
    end_watched(&watcher);
}

static void a_silent_server_is_noticed_within_the_session_timeout(void) {
    struct watcher watcher;
    begin();
    kit_use_relay();
    kit_open();
    watcher_open(&watcher, "", 0);
    watcher_wait_synced(&watcher);
    relay_set(RELAY_STALL);
    const uint64_t begun_ns = kit_now_ns();
    watcher_wait_down(&watcher, true);
    CU_ASSERT_TRUE(kit_now_ns() - begun_ns < 2 * GW_NS_PER_S);
    CU_ASSERT_EQUAL(kit_put("k", "v", EG_REV_ANY, NULL), EG_E_UNAVAILABLE);
    CU_ASSERT_PTR_NOT_NULL(strstr(watcher.why, "cannot be reached"));
    relay_set(RELAY_PASS);
    watcher_wait_down(&watcher, false);
    end_watched(&watcher);
}

/* With the default times, and operations that end one after the other. */
static void a_stop_does_not_wait_for_a_silent_server(void) {
    struct answer puts[8];
    begin();
    driver.settings = kit_driver->settings;
    kit_use_relay();
    kit_open();
    CU_ASSERT_EQUAL(kit_put("k", "v", EG_REV_ANY, NULL), EG_OK);
    relay_set(RELAY_STALL);
    for (size_t i = 0; i < GW_COUNT(puts); i++) {
        kit_send_put(&puts[i], GW_STR("k"), GW_STR("w"), EG_REV_ANY);
    }
    const uint64_t begun_ns = kit_now_ns();
    kit_close();
    const uint64_t took_ns = kit_now_ns() - begun_ns;
    printf("  a stop with a silent server took %llu ms\n",
           (unsigned long long)(took_ns / GW_NS_PER_MS));
    CU_ASSERT_TRUE(took_ns < 4 * GW_NS_PER_S);
    for (size_t i = 0; i < GW_COUNT(puts); i++) {
        CU_ASSERT_EQUAL(puts[i].is_done, 1);
        CU_ASSERT_EQUAL(puts[i].status, EG_E_UNAVAILABLE);
        kit_drop(&puts[i]);
    }
    kit_end();
}

static void what_the_ring_does_not_reach_is_told_anew(void) {
    struct watcher watcher;
    begin();
    kit_use_relay();
    kit_open();
    CU_ASSERT_EQUAL(kit_put("p/a", "1", EG_REV_ANY, NULL), EG_OK);
    CU_ASSERT_EQUAL(kit_put("p/b", "1", EG_REV_ANY, NULL), EG_OK);
    watcher_open(&watcher, "p/", 0);
    watcher_wait_synced(&watcher);
    watcher_forget(&watcher);
    relay_set(RELAY_REFUSE);
    watcher_wait_down(&watcher, true);
    write_from_elsewhere("many");
    relay_set(RELAY_PASS);
    watcher_wait_same(&watcher);
    CU_ASSERT_EQUAL(watcher.resets, 1);
    CU_ASSERT_EQUAL(watcher.puts, 21);
    end_watched(&watcher);
}

static void what_was_made_and_removed_before_it_could_be_told_is_passed_by_a_synced(void) {
    struct watcher watcher;
    struct answer list;
    begin();
    kit_use_relay();
    kit_open();
    watcher_open(&watcher, "p/", 0);
    watcher_wait_synced(&watcher);
    watcher_forget(&watcher);
    relay_delay(100); /* the other one has long removed it when we ask for it */
    write_from_elsewhere("fleeting");
    kit_send_list(&list, GW_STR("p/"));
    kit_wait(&list);
    CU_ASSERT_EQUAL(list.count, 0);
    watcher_wait_revision(&watcher, list.revision);
    relay_delay(0);
    CU_ASSERT_EQUAL(watcher.puts, watcher.removals);
    CU_ASSERT_EQUAL(watcher.downs, 0);
    kit_drop(&list);
    end_watched(&watcher);
}

static void set_two_servers(const struct driver_place *place, struct driver_settings *out) {
    driver_set(out, "servers", "[\"127.0.0.1:%u\", \"127.0.0.1:%u\"]", (unsigned)server_free_port(),
               (unsigned)place->port);
}

/* The library begins with any of them, so several times. */
static void of_several_servers_one_that_is_away_does_no_harm(void) {
    begin();
    driver.settings = set_two_servers;
    for (unsigned i = 0; i < 6; i++) {
        kit_open();
        CU_ASSERT_EQUAL(kit_put("k", "v", EG_REV_ANY, NULL), EG_OK);
        kit_close();
    }
    kit_end();
}

/* ---- a resolver that does not answer ---- */

#define SLOW_NAME "slow.invalid" /* the name of this machine, once it is told */

static pthread_mutex_t resolver_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t resolver_turn = PTHREAD_COND_INITIALIZER;
static bool is_resolver_slow;
static unsigned waiting_lookups;

/* What the library's calls end in, since the program comes before the C library. Its threads. */
__attribute__((visibility("default"))) int getaddrinfo(const char *node, const char *service,
                                                       const struct addrinfo *hints,
                                                       struct addrinfo **ret_list) {
    int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **) = NULL;
    *(void **)&real = dlsym(RTLD_NEXT, "getaddrinfo");
    if (node == NULL || strcmp(node, SLOW_NAME) != 0) {
        return real(node, service, hints, ret_list);
    }
    pthread_mutex_lock(&resolver_lock);
    waiting_lookups++;
    while (is_resolver_slow) {
        pthread_cond_wait(&resolver_turn, &resolver_lock);
    }
    waiting_lookups--;
    pthread_mutex_unlock(&resolver_lock);
    return real("127.0.0.1", service, hints, ret_list);
}

/* How many wait. */
static unsigned resolver_set(bool is_slow) {
    pthread_mutex_lock(&resolver_lock);
    const unsigned count = waiting_lookups;
    is_resolver_slow = is_slow;
    pthread_cond_broadcast(&resolver_turn);
    pthread_mutex_unlock(&resolver_lock);
    return count;
}

static void set_slow_name(const struct driver_place *place, struct driver_settings *out) {
    driver_set(out, "servers", "[\"" SLOW_NAME ":%u\"]", (unsigned)place->port);
    driver_set(out, "timeout", "\"100ms\"");
}

/* The pool has few threads, which others need too. */
static void a_name_that_takes_long_is_looked_up_once(void) {
    struct watcher watcher;
    begin();
    driver.settings = set_slow_name;
    (void)resolver_set(true);
    CU_ASSERT_EQUAL(kit_try_open(), EG_OK);
    watcher_open(&watcher, "", 0);
    watcher_wait_down(&watcher, true);
    CU_ASSERT_PTR_NOT_NULL(strstr(watcher.why, "no name was found within 100 ms"));
    turn_for(GW_NS_PER_S);
    CU_ASSERT_EQUAL(kit_put("k", "v", EG_REV_ANY, NULL), EG_E_UNAVAILABLE);
    CU_ASSERT_EQUAL(resolver_set(false), 1);
    watcher_wait_down(&watcher, false);
    CU_ASSERT_EQUAL(kit_put("k", "v", EG_REV_ANY, NULL), EG_OK);
    watcher_wait_text(&watcher, "+k=v ");
    end_watched(&watcher);
}

/* ---- who writes without the guard ---- */

static void what_other_programs_write_is_found_by_comparing(void) {
    struct watcher watcher;
    begin_watched(&watcher);
    zhandle_t *stranger = stranger_open();
    CU_ASSERT_EQUAL(zoo_create(stranger, ITEMS "/p%2Fc", "3", 1, &ZOO_OPEN_ACL_UNSAFE, 0, NULL, 0),
                    ZOK);
    watcher_wait_text(&watcher, "+p/c=3 ");
    CU_ASSERT_EQUAL(zoo_set(stranger, ITEMS "/p%2Fa", "2", 1, -1), ZOK);
    watcher_wait_text(&watcher, "+p/a=2 ");
    CU_ASSERT_EQUAL(zoo_delete(stranger, ITEMS "/p%2Fb", -1), ZOK);
    watcher_wait_text(&watcher, "-p/b ");
    CU_ASSERT_EQUAL(watcher.resets + watcher.downs, 0);
    CU_ASSERT_STRING_EQUAL(watcher_told(&watcher), "+p/c=3 +p/a=2 -p/b ");
    (void)zookeeper_close(stranger);
    end_watched(&watcher);
}

static void an_update_is_refused_when_another_program_was_faster(void) {
    uint64_t revision = 0;
    begin();
    kit_open();
    CU_ASSERT_EQUAL(kit_put("k", "1", EG_REV_ANY, &revision), EG_OK);
    zhandle_t *stranger = stranger_open();
    CU_ASSERT_EQUAL(zoo_set(stranger, ITEMS "/k", "2", 1, -1), ZOK);
    (void)zookeeper_close(stranger);
    CU_ASSERT_EQUAL(kit_put("k", "3", revision, NULL), EG_E_CONFLICT);
    CU_ASSERT_STRING_EQUAL(kit_get("k", &revision), "2");
    CU_ASSERT_EQUAL(kit_put("k", "3", revision, NULL), EG_OK);
    kit_close();
    kit_end();
}

static void a_guard_that_was_removed_is_made_again_and_the_content_told_anew(void) {
    struct watcher watcher;
    begin_watched(&watcher);
    zhandle_t *stranger = stranger_open();
    CU_ASSERT_EQUAL(zoo_delete(stranger, GUARD, -1), ZOK);
    (void)zookeeper_close(stranger);
    watcher_wait_text(&watcher, "R ");
    watcher_wait_same(&watcher);
    CU_ASSERT_PTR_NOT_NULL(strstr(watcher.why, GUARD " was removed"));
    CU_ASSERT_EQUAL(kit_put("p/c", "1", EG_REV_ABSENT, NULL), EG_OK);
    watcher_wait_text(&watcher, "+p/c=1 ");
    end_watched(&watcher);
}

/* ---- how old a key is ---- */

/* A watch that remembers the last PUT of any key. */
struct ages {
    struct eg_watch pub; /* first */
    unsigned puts;
    unsigned syncs;
    unsigned resets;
    unsigned closed;
    uint64_t created;
    uint64_t revision;
};

static void on_age(struct eg_watch *watch, const struct eg_change *change) {
    struct ages *ages = (struct ages *)(void *)watch;
    ages->syncs += change->kind == EG_CHANGE_SYNCED;
    ages->resets += change->kind == EG_CHANGE_RESET;
    ages->closed += change->kind == EG_CHANGE_CLOSED;
    if (change->kind == EG_CHANGE_PUT) {
        ages->puts++;
        ages->created = change->created;
        ages->revision = change->revision;
    }
}

static void watch_ages(void *arg) {
    struct ages *ages = arg;
    (void)kit.ops->watch(kit.instance->self, GW_STR("k"), 0, &ages->pub);
}

static void unwatch_ages(void *arg) {
    struct ages *ages = arg;
    kit.ops->unwatch(kit.instance->self, &ages->pub);
}

static void ages_open(struct ages *ages) {
    *ages = (struct ages){.pub = {.struct_size = sizeof ages->pub, .changed = on_age}};
    kit_on_loop(watch_ages, ages);
    kit_turn_until(&ages->syncs, 1, "no content");
}

static void ages_close(struct ages *ages) {
    kit_on_loop(unwatch_ages, ages);
    kit_turn_until(&ages->closed, 1, "no end");
}

static void a_key_keeps_the_revision_that_made_it_until_it_is_removed(void) {
    struct ages ages;
    uint64_t made = 0;
    uint64_t again = 0;
    begin();
    kit_open();
    CU_ASSERT_EQUAL(kit_put("k", "1", EG_REV_ABSENT, &made), EG_OK);
    CU_ASSERT_EQUAL(kit_put("k", "2", EG_REV_ANY, NULL), EG_OK);
    ages_open(&ages); /* the content */
    CU_ASSERT_EQUAL(ages.created, made);
    CU_ASSERT_TRUE(ages.revision > made);
    ages.created = 0;
    CU_ASSERT_EQUAL(kit_put("k", "3", EG_REV_ANY, NULL), EG_OK); /* a change */
    kit_turn_until(&ages.puts, 2, "no change");
    CU_ASSERT_EQUAL(ages.created, made);
    ages.created = 0;
    zhandle_t *stranger = stranger_open();
    CU_ASSERT_EQUAL(zoo_set(stranger, ITEMS "/k", "4", 1, -1), ZOK); /* found by comparing */
    kit_turn_until(&ages.puts, 3, "nothing found");
    CU_ASSERT_EQUAL(ages.created, made);
    ages.created = 0;
    CU_ASSERT_EQUAL(zoo_set(stranger, GUARD, "lost", 4, -1), ZOK); /* told anew */
    (void)zookeeper_close(stranger);
    kit_turn_until(&ages.resets, 1, "no reset");
    kit_turn_until(&ages.puts, 4, "no content after the reset");
    CU_ASSERT_EQUAL(ages.created, made);
    CU_ASSERT_EQUAL(kit_remove("k", EG_REV_ANY, NULL), EG_OK);
    CU_ASSERT_EQUAL(kit_put("k", "5", EG_REV_ABSENT, &again), EG_OK);
    kit_turn_until(&ages.puts, 5, "no change");
    CU_ASSERT_EQUAL(ages.created, again);
    ages_close(&ages);
    kit_close();
    kit_open(); /* the gateway again */
    ages_open(&ages);
    CU_ASSERT_EQUAL(ages.created, again);
    ages_close(&ages);
    kit_close();
    kit_end();
}

/* ---- ACLs ---- */

static void check_acl(const char *path, const char *scheme, const char *id) {
    struct ACL_vector acl = {0, NULL};
    struct Stat stat;
    zhandle_t *stranger = stranger_open();
    (void)zoo_add_auth(stranger, "digest", DRIVER_USER ":" DRIVER_SECRET,
                       (int)strlen(DRIVER_USER ":" DRIVER_SECRET), NULL, NULL);
    CU_ASSERT_EQUAL_FATAL(zoo_get_acl(stranger, path, &acl, &stat), ZOK);
    CU_ASSERT_EQUAL_FATAL(acl.count, 1);
    CU_ASSERT_EQUAL(acl.data[0].perms, ZOO_PERM_ALL);
    CU_ASSERT_STRING_EQUAL(acl.data[0].id.scheme, scheme);
    CU_ASSERT_EQUAL(strncmp(acl.data[0].id.id, id, strlen(id)), 0);
    deallocate_ACL_vector(&acl);
    (void)zookeeper_close(stranger);
}

static void nodes_are_made_for_the_user_alone(void) {
    begin();
    kit.place.credentials = DRIVER_RIGHT_CREDENTIALS;
    kit_open();
    CU_ASSERT_EQUAL(kit_put("k", "v", EG_REV_ANY, NULL), EG_OK);
    check_acl(ITEMS "/k", "digest", DRIVER_USER ":");
    check_acl(ITEMS, "digest", DRIVER_USER ":");
    check_acl(GUARD, "digest", DRIVER_USER ":");
    kit_close();
    /* Somebody else cannot even begin. */
    kit.place.credentials = DRIVER_WRONG_CREDENTIALS;
    CU_ASSERT_EQUAL(kit_try_open(), EG_E_DENIED);
    CU_ASSERT_PTR_NOT_NULL(strstr(kit.why, "denies access to /event-gateway"));
    kit_close();
    kit_end();
}

static void access_that_is_taken_away_is_noticed_without_an_operation(void) {
    struct watcher watcher;
    kit_driver = driver_find("zookeeper");
    kit.driver = kit_driver;
    kit.needs_own_server = true;
    kit_begin_with_auth();
    kit_open();
    CU_ASSERT_EQUAL(kit_put("k", "v", EG_REV_ANY, NULL), EG_OK);
    watcher_open(&watcher, "", 0);
    watcher_wait_synced(&watcher);
    server_do(&kit.server, "revoke");
    const uint64_t begun_ns = kit_now_ns();
    watcher_wait_down(&watcher, true);
    CU_ASSERT_TRUE(kit_now_ns() - begun_ns < 7 * GW_NS_PER_S);
    CU_ASSERT_PTR_NOT_NULL(strstr(watcher.why, "denies access"));
    server_do(&kit.server, "restore");
    watcher_wait_down(&watcher, false);
    watcher_wait_same(&watcher);
    end_watched(&watcher);
}

/* Whom no ACL stops. */
static zhandle_t *super_open(void) {
    static const char super[] = "super:super-of-the-store";
    zhandle_t *stranger = stranger_open();
    (void)zoo_add_auth(stranger, "digest", super, (int)strlen(super), NULL, NULL);
    return stranger;
}

static void give_to_somebody_else(zhandle_t *super, const char *path) {
    static char scheme[] = "digest";
    static char id[] = "somebody:else";
    struct ACL acl = {ZOO_PERM_ALL, {scheme, id}};
    const struct ACL_vector list = {1, &acl};
    CU_ASSERT_EQUAL(zoo_set_acl(super, path, -1, &list), ZOK);
}

static void an_item_that_is_denied_fails_alone(void) {
    struct watcher watcher;
    struct watcher late;
    begin_watched(&watcher);
    zhandle_t *super = super_open();
    give_to_somebody_else(super, ITEMS "/p%2Fa");
    for (unsigned i = 0; i < 5; i++) {
        CU_ASSERT_PTR_NULL(kit_get("p/a", NULL));
        CU_ASSERT_EQUAL(kit.status, EG_E_DENIED);
        CU_ASSERT_PTR_NOT_NULL(strstr(kit.why, "denies access to " ITEMS "/p%2Fa"));
        CU_ASSERT_EQUAL(kit_put("p/a", "2", EG_REV_ANY, NULL), EG_E_DENIED);
        CU_ASSERT_EQUAL(kit_put("p/b", "2", EG_REV_ANY, NULL), EG_OK);
        (void)kit_list("p/");
        CU_ASSERT_EQUAL(kit.status, EG_E_DENIED);
        turn_for(200 * GW_NS_PER_MS);
    }
    CU_ASSERT_EQUAL(watcher.downs, 0); /* it has no need to read it */
    watcher_open(&late, "p/", 0);
    watcher_wait_down(&late, true);
    CU_ASSERT_PTR_NOT_NULL(strstr(late.why, "denies access to " ITEMS "/p%2Fa"));
    CU_ASSERT_EQUAL(zoo_set(super, ITEMS "/p%2Fa", "9", 1, -1), ZOK);
    watcher_wait_down(&watcher, true); /* now it has */
    watcher_forget(&watcher);
    CU_ASSERT_EQUAL(kit_put("p/c", "3", EG_REV_ANY, NULL), EG_OK);
    watcher_wait_text(&watcher, "+p/c=3 ");
    turn_for(GW_NS_PER_S);
    CU_ASSERT_STRING_EQUAL(watcher_told(&watcher), "+p/c=3 "); /* not in order again, said once */
    CU_ASSERT_EQUAL(late.downs, 1);
    CU_ASSERT_EQUAL(zoo_set(super, ITEMS "/p%2Fa", "10", 2, -1), ZOK); /* after p/c */
    CU_ASSERT_EQUAL(zoo_set_acl(super, ITEMS "/p%2Fa", -1, &ZOO_OPEN_ACL_UNSAFE), ZOK);
    watcher_wait_same(&watcher);
    watcher_wait_same(&late);
    CU_ASSERT_EQUAL(watcher.resets + late.resets, 0);
    (void)zookeeper_close(super);
    CU_ASSERT_EQUAL(late.disorder, 0);
    watcher_close(&late);
    end_watched(&watcher);
}

static void items_that_are_denied_are_tried_more_and_more_seldom(void) {
    struct watcher watcher;
    begin();
    kit_use_relay();
    kit_open();
    CU_ASSERT_EQUAL(kit_put("k", "v", EG_REV_ANY, NULL), EG_OK);
    watcher_open(&watcher, "", 0);
    watcher_wait_synced(&watcher);
    zhandle_t *super = super_open();
    give_to_somebody_else(super, ITEMS);
    CU_ASSERT_EQUAL(kit_put("new", "v", EG_REV_ANY, NULL), EG_E_DENIED); /* it is looked at soon */
    watcher_wait_down(&watcher, true);
    const unsigned before = relay_count();
    turn_for(4 * GW_NS_PER_S);
    const unsigned tries = relay_count() - before;
    printf("  %u tries in 4 s\n", tries);
    CU_ASSERT_TRUE(tries > 1 && tries < 20);
    CU_ASSERT_EQUAL(watcher.downs, 1);
    CU_ASSERT_EQUAL(kit_put("k", "w", EG_REV_ANY, NULL), EG_E_DENIED);
    CU_ASSERT_EQUAL(zoo_set_acl(super, ITEMS, -1, &ZOO_OPEN_ACL_UNSAFE), ZOK);
    (void)zookeeper_close(super);
    watcher_wait_down(&watcher, false);
    watcher_wait_same(&watcher);
    end_watched(&watcher);
}

static void without_a_user_nodes_are_everybodys(void) {
    begin();
    kit_open();
    CU_ASSERT_EQUAL(kit_put("k", "v", EG_REV_ANY, NULL), EG_OK);
    check_acl(ITEMS "/k", "world", "anyone");
    check_acl(GUARD, "world", "anyone");
    kit_close();
    kit_end();
}

/* ---- sizes ---- */

static int32_t put_size(size_t size) {
    struct answer put;
    char *bytes = gw_alloc(size);
    kit_send_put(&put, GW_STR("big"), gw_str(bytes, size), EG_REV_ANY);
    kit_wait(&put);
    const int32_t status = put.status;
    if (status == EG_E_TOOBIG) {
        CU_ASSERT_PTR_NOT_NULL(memmem(put.message.ptr, put.message.len, "jute.maxbuffer", 14));
    }
    kit_drop(&put);
    gw_free(bytes);
    return status;
}

/* What is not refused is taken by the server, which otherwise drops the connection. */
static void values_are_refused_exactly_when_the_server_would_not_take_them(void) {
    struct watcher watcher;
    size_t good = 0;
    size_t bad = MIB;
    begin_watched(&watcher);
    for (unsigned i = 0; i < 200; i++) { /* a ring that would not fit beside the value */
        char key[100];
        (void)snprintf(key, sizeof key, "a key that takes room in the ring of the guard %u", i);
        CU_ASSERT_EQUAL(kit_put(key, "v", EG_REV_ANY, NULL), EG_OK);
    }
    CU_ASSERT_EQUAL(put_size(bad), EG_E_TOOBIG);
    while (bad - good > 1) {
        const size_t middle = good + (bad - good) / 2;
        const int32_t status = put_size(middle);
        CU_ASSERT_TRUE_FATAL(status == EG_OK || status == EG_E_TOOBIG);
        good = status == EG_OK ? middle : good;
        bad = status == EG_OK ? bad : middle;
    }
    printf("  the biggest value has %zu bytes\n", good);
    CU_ASSERT_TRUE(good > MIB - 512);
    CU_ASSERT_EQUAL(watcher.downs, 0);
    end_watched(&watcher);
}

static const struct unit_case cases[] = {
    UNIT(an_expired_session_is_a_new_one_and_nothing_is_missed),
    UNIT(a_silent_server_is_noticed_within_the_session_timeout),
    UNIT(a_stop_does_not_wait_for_a_silent_server),
    UNIT(what_the_ring_does_not_reach_is_told_anew),
    UNIT(what_was_made_and_removed_before_it_could_be_told_is_passed_by_a_synced),
    UNIT(of_several_servers_one_that_is_away_does_no_harm),
    UNIT(a_name_that_takes_long_is_looked_up_once),
    UNIT(what_other_programs_write_is_found_by_comparing),
    UNIT(an_update_is_refused_when_another_program_was_faster),
    UNIT(a_guard_that_was_removed_is_made_again_and_the_content_told_anew),
    UNIT(a_key_keeps_the_revision_that_made_it_until_it_is_removed),
    UNIT(nodes_are_made_for_the_user_alone),
    UNIT(access_that_is_taken_away_is_noticed_without_an_operation),
    UNIT(an_item_that_is_denied_fails_alone),
    UNIT(items_that_are_denied_are_tried_more_and_more_seldom),
    UNIT(without_a_user_nodes_are_everybodys),
    UNIT(values_are_refused_exactly_when_the_server_would_not_take_them),
};

int main(int argc, char **argv) {
    setvbuf(stdout, NULL, _IOLBF, 0);
    gw_log_setup(EG_LOG_ERROR, GW_LOG_TEXT);
    if (argc == 4) {
        return run_role(argv[1], argv[2], argv[3]);
    }
    return unit_run("zookeeper_nodes", cases, sizeof cases / sizeof cases[0]);
}
