/*
 * test_redis.c - what only Redis has: replicas and Sentinels, TLS, rights of users, scripts that
 * the server forgets, refusals for want of memory or replicas; test_redis_data.c has the rest.
 * Against real servers.
 */
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/slice.h"
#include "relay.h"
#include "spawn.h"
#include "test_redis.h"
#include "watcher.h"

#define RUN SERVERS_DIR "/redis/run"
#define WORDS 40u

/* ---- settings ---- */

/* Ends with NULL. */
static const char *extra[8];
static char address[256]; /* JSON; empty: the place */

static void settings(const struct driver_place *place, struct driver_settings *out) {
    if (address[0] != '\0') {
        driver_set(out, "address", "%s", address);
    } else {
        driver_set(out, "address", "[\"127.0.0.1:%u\"]", (unsigned)place->port);
    }
    if (place->credentials != DRIVER_NO_CREDENTIALS) {
        driver_set(out, "username", "\"%s\"", DRIVER_USER);
        driver_set(out, "password", "\"%s\"", DRIVER_SECRET);
    }
    for (size_t i = 0; extra[i] != NULL; i++) {
        static char names[8][32];
        const char *equals = strchr(extra[i], '=');
        (void)snprintf(names[i], sizeof names[i], "%.*s", (int)(equals - extra[i]), extra[i]);
        driver_set(out, names[i], "%s", equals + 1);
    }
}

static const struct storage_driver driver = {
    .component = "redis",
    .plugin = "storage_redis.so",
    .server = "redis",
    .settings = settings,
};

void redis_use(const char *first, const char *second, const char *third) {
    extra[0] = first;
    extra[1] = second;
    extra[2] = third;
    extra[3] = NULL;
}

/* ---- servers ---- */

int redis_at(uint16_t port, const char *format, ...) {
    static char line[2048];
    static char port_text[8];
    const char *words[WORDS] = {RUN, kit.directory, port_text, "-e"};
    size_t count = 4;
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    (void)snprintf(port_text, sizeof port_text, "%u", (unsigned)port);
    char *rest = line;
    for (char *word; (word = strsep(&rest, " ")) != NULL && count + 1 < WORDS;) {
        for (char *c = word; *c != '\0'; c++) {
            *c = *c == '~' ? ' ' : *c;
        }
        words[count++] = word;
    }
    (void)setenv("SERVER_PROGRAM", "cli", 1);
    const int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
    const int status = spawn_wait(spawn_start(words, -1, nowhere, true));
    (void)close(nowhere);
    (void)unsetenv("SERVER_PROGRAM");
    return status;
}

/* A second server, in a directory within that of the case. */
static void start_more(struct server *server, const char *name, const char *program,
                       const char *options) {
    static char directories[4][300];
    static unsigned used;
    char *directory = directories[used++ % 4];
    (void)snprintf(directory, sizeof directories[0], "%s/%s", kit.directory, name);
    (void)mkdir(directory, 0700);
    *server = (struct server){.name = "redis", .directory = directory, .port = server->port};
    (void)setenv("SERVER_PROGRAM", program, 1);
    (void)setenv("SERVER_OPTIONS", options, 1);
    server_start(server);
    (void)unsetenv("SERVER_PROGRAM");
    (void)unsetenv("SERVER_OPTIONS");
}

static void start_replica(struct server *replica) {
    char options[64];
    (void)snprintf(options, sizeof options, "--replicaof 127.0.0.1 %u", (unsigned)kit.server.port);
    start_more(replica, "replica", "server", options);
}

void redis_begin(void) {
    redis_use(NULL, NULL, NULL);
    address[0] = '\0';
    kit_begin();
}

void redis_end(void) {
    kit_close();
    kit_end();
}

void redis_wait_put(int32_t wanted) {
    const uint64_t end_ns = kit_now_ns() + 30 * GW_NS_PER_S;
    int32_t status = EG_E_INTERNAL;
    while (status != wanted) {
        struct answer answer;
        kit_send_put(&answer, GW_STR("k"), GW_STR("v"), EG_REV_ANY);
        kit_wait(&answer);
        status = answer.status;
        (void)snprintf(kit.why, sizeof kit.why, "%.*s", GW_FMT(gw_bytes_str(&answer.message)));
        kit_drop(&answer);
        if (kit_now_ns() > end_ns) {
            kit_fail("a put never ends as it should");
        }
        gw_loop_turn(kit.loop, 5 * GW_NS_PER_MS);
    }
}
#define CHECK_WHY(part) CU_ASSERT_PTR_NOT_NULL(strstr(kit.why, part))

/* ---- addresses ---- */

static void a_name_a_socket_and_a_second_address_lead_to_the_server(void) {
    char path[300];
    struct server replica = {0};
    redis_begin();
    (void)snprintf(address, sizeof address, "[\"localhost:%u\"]", (unsigned)kit.server.port);
    kit_open();
    CU_ASSERT_EQUAL(kit_put("k", "by name", EG_REV_ANY, NULL), EG_OK);
    kit_close();
    start_replica(&replica);
    (void)snprintf(address, sizeof address, "[\"127.0.0.1:1\", \"127.0.0.1:%u\", \"127.0.0.1:%u\"]",
                   (unsigned)replica.port, (unsigned)kit.server.port);
    kit_open(); /* nobody, a replica, the master */
    CU_ASSERT_EQUAL(kit_put("k", "by the third", EG_REV_ANY, NULL), EG_OK);
    kit_close();
    server_stop(&kit.server);
    (void)snprintf(path, sizeof path, "--unixsocket %s/s", kit.directory);
    (void)setenv("SERVER_OPTIONS", path, 1);
    server_start(&kit.server);
    (void)unsetenv("SERVER_OPTIONS");
    (void)snprintf(address, sizeof address, "[\"%.200s/s\"]", kit.directory);
    kit_open();
    CU_ASSERT_STRING_EQUAL(kit_get("k", NULL), "by the third");
    server_kill9(&replica);
    redis_end();
}

static void a_name_that_nobody_knows_is_a_store_that_is_away(void) {
    redis_begin();
    (void)snprintf(address, sizeof address, "[\"no-such-host.invalid\"]");
    CU_ASSERT_EQUAL(kit_try_open(), EG_OK);
    redis_wait_put(EG_E_UNAVAILABLE);
    CHECK_WHY("no-such-host.invalid");
    redis_end();
}

/* ---- TLS ---- */

static void make_certificates(void) {
    static const char script[] =
        "cd \"$0\" && umask 077 && "
        "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=authority -keyout ca.key "
        "-out ca.pem && "
        "openssl req -newkey rsa:2048 -nodes -subj /CN=redis -keyout server.key -out server.csr && "
        "echo subjectAltName=DNS:db.example,IP:127.0.0.1 > names && "
        "openssl x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 "
        "-extfile names -out server.pem";
    const char *const words[] = {"/bin/sh", "-c", script, kit.directory, NULL};
    const int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
    CU_ASSERT_EQUAL_FATAL(spawn_wait(spawn_start(words, -1, nowhere, true)), 0);
    (void)close(nowhere);
}

static void start_with_tls(void) {
    char options[1024];
    server_stop(&kit.server);
    (void)snprintf(options, sizeof options,
                   "--port 0 --tls-port %u --tls-cert-file %s/server.pem --tls-key-file "
                   "%s/server.key --tls-ca-cert-file %s/ca.pem --tls-auth-clients yes",
                   (unsigned)kit.server.port, kit.directory, kit.directory, kit.directory);
    (void)setenv("SERVER_OPTIONS", options, 1);
    server_start(&kit.server);
    (void)unsetenv("SERVER_OPTIONS");
}

/* Start has to fail with this part of a sentence. */
static void check_refused(int32_t status, const char *part) {
    CU_ASSERT_EQUAL(kit_try_open(), status);
    if (strstr(kit.why, part) == NULL) {
        printf("  got \"%s\"\n", kit.why);
        CU_FAIL("the sentence does not tell");
    }
    kit_close();
}

static void tls_is_spoken_and_certificates_are_checked(void) {
    static char ca[300];
    static char cert[300];
    static char key[300];
    static char value[300000];
    struct watcher watcher;
    redis_begin();
    make_certificates();
    start_with_tls();
    (void)snprintf(ca, sizeof ca, "ca_file=\"%s/ca.pem\"", kit.directory);
    (void)snprintf(cert, sizeof cert, "cert_file=\"%s/server.pem\"", kit.directory);
    (void)snprintf(key, sizeof key, "key_file=\"%s/server.key\"", kit.directory);
    redis_use("tls=true", ca, cert);
    extra[3] = key;
    extra[4] = NULL;
    kit_open();
    watcher_open(&watcher, "", 0);
    memset(value, 'x', sizeof value - 1);
    CU_ASSERT_EQUAL(kit_put("big", value, EG_REV_ANY, NULL), EG_OK);
    CU_ASSERT_EQUAL(kit_put("k", "v", EG_REV_ANY, NULL), EG_OK);
    watcher_wait_text(&watcher, "+k=v ");
    watcher_wait_same(&watcher);
    watcher_close(&watcher);
    kit_close();
    extra[4] = "server_name=\"db.example\"";
    extra[5] = NULL;
    kit_open();
    CU_ASSERT_STRING_EQUAL(kit_get("k", NULL), "v");
    kit_close();
    extra[4] = "server_name=\"other.example\"";
    check_refused(EG_E_DENIED, "certificate is not accepted: hostname mismatch");
    extra[1] = cert;
    extra[2] = key;
    extra[3] = NULL; /* the system's authorities have not signed it */
    check_refused(EG_E_DENIED, "certificate is not accepted");
    redis_use("tls=true", "ca_file=\"/nowhere/ca.pem\"", NULL);
    check_refused(EG_E_IO, "/nowhere/ca.pem");
    /* No certificate of our own, and the server wants one. With TLS 1.3 it says so after the
     * handshake and hangs up, and the end of the connection may come before the reason. */
    redis_use("tls=true", ca, NULL);
    CU_ASSERT_EQUAL(kit_try_open(), EG_OK);
    redis_wait_put(EG_E_UNAVAILABLE);
    CHECK_WHY("cannot be reached");
    redis_end();
}

/* ---- replicas ---- */

/* Turns the loop until redis-cli ends well. */
static void wait_redis(uint16_t port, const char *words) {
    const uint64_t end_ns = kit_now_ns() + 30 * GW_NS_PER_S;
    while (redis_at(port, "%s", words) != 0) {
        if (kit_now_ns() > end_ns) {
            kit_fail(words);
        }
        gw_loop_turn(kit.loop, 10 * GW_NS_PER_MS);
    }
}

#define WHEN_IT_HAS_K                                                                              \
    "EVAL return~redis.call('HGET',KEYS[1],'k')~or~redis.error_reply('no') 1 " P "values"

/* A Sentinel writes what it has learned into its file. */
static void wait_file(const char *path, const char *wanted) {
    static char text[8192];
    const uint64_t end_ns = kit_now_ns() + 30 * GW_NS_PER_S;
    for (bool is_there = false; !is_there;) {
        FILE *file = fopen(path, "r");
        const size_t len = file == NULL ? 0 : fread(text, 1, sizeof text - 1, file);
        if (file != NULL) {
            (void)fclose(file);
        }
        text[len] = '\0';
        is_there = strstr(text, wanted) != NULL;
        if (kit_now_ns() > end_ns) {
            kit_fail("the Sentinel does not learn of the replica");
        }
        gw_loop_turn(kit.loop, 10 * GW_NS_PER_MS);
    }
}

static void start_sentinel(struct server *sentinel, char conf_path[300]) {
    char directory[280];
    (void)snprintf(directory, sizeof directory, "%.250s/sentinel", kit.directory);
    (void)mkdir(directory, 0700);
    (void)snprintf(conf_path, 300, "%s/sentinel.conf", directory);
    FILE *conf = fopen(conf_path, "w");
    CU_ASSERT_PTR_NOT_NULL_FATAL(conf);
    (void)fprintf(conf,
                  "sentinel monitor main 127.0.0.1 %u 1\nsentinel down-after-milliseconds main "
                  "500\nsentinel failover-timeout main 3000\n",
                  (unsigned)kit.server.port);
    (void)fclose(conf);
    start_more(sentinel, "sentinel", "sentinel", "");
}

static void a_failover_by_sentinels_is_followed(void) {
    static char sentinels[80];
    char conf[300];
    char known[64];
    struct server replica = {0};
    struct server sentinel = {0};
    struct watcher watcher;
    redis_begin();
    start_replica(&replica);
    start_sentinel(&sentinel, conf);
    (void)snprintf(sentinels, sizeof sentinels, "sentinels=[\"127.0.0.1:1\", \"127.0.0.1:%u\"]",
                   (unsigned)sentinel.port);
    redis_use(sentinels, "sentinel_master=\"main\"", NULL);
    kit_open();
    redis_wait_put(EG_OK);
    watcher_open(&watcher, "", 0);
    watcher_wait_synced(&watcher);
    wait_redis(replica.port, WHEN_IT_HAS_K);
    (void)snprintf(known, sizeof known, "known-replica main 127.0.0.1 %u", (unsigned)replica.port);
    wait_file(conf, known);
    server_kill9(&kit.server);
    watcher_wait_down(&watcher, true);
    redis_wait_put(EG_OK);
    watcher_wait_down(&watcher, false);
    watcher_wait_same(&watcher);
    CU_ASSERT_EQUAL(watcher.resets, 0); /* nothing was lost, so nothing is told anew */
    CU_ASSERT_EQUAL(watcher.disorder, 0);
    watcher_close(&watcher);
    kit_close();
    redis_use(sentinels, "sentinel_master=\"other\"", NULL);
    CU_ASSERT_EQUAL(kit_try_open(), EG_OK);
    redis_wait_put(EG_E_UNAVAILABLE);
    server_kill9(&sentinel);
    server_kill9(&replica);
    redis_end();
}

static void a_master_that_becomes_a_replica_is_left(void) {
    struct server other = {0};
    struct watcher watcher;
    redis_begin();
    redis_use("dead_after=\"900ms\"", NULL, NULL);
    kit_open();
    redis_wait_put(EG_OK);
    watcher_open(&watcher, "", 0);
    watcher_wait_synced(&watcher);
    start_more(&other, "other", "server", "");
    REDIS("REPLICAOF 127.0.0.1 %u", (unsigned)other.port);
    watcher_wait_down(&watcher, true);
    redis_wait_put(EG_E_UNAVAILABLE);
    CHECK_WHY("replica");
    CU_ASSERT_PTR_NULL(kit_get("k", NULL)); /* the other one has nothing, and is not asked */
    REDIS("REPLICAOF NO ONE");
    watcher_wait_down(&watcher, false);
    watcher_wait_same(&watcher); /* of the empty data set */
    CU_ASSERT_TRUE(watcher.resets > 0);
    redis_wait_put(EG_OK);
    watcher_wait_same(&watcher);
    watcher_close(&watcher);
    server_kill9(&other);
    redis_end();
}

static void a_write_may_wait_for_replicas(void) {
    struct server replica = {0};
    redis_begin();
    redis_use("wait_replicas=1", "wait_timeout=\"100ms\"", NULL);
    kit_open();
    redis_wait_put(EG_E_UNAVAILABLE);
    CHECK_WHY("it is written, but 0 of 1 replicas have it");
    CU_ASSERT_STRING_EQUAL(kit_get("k", NULL), "v");
    start_replica(&replica);
    redis_wait_put(EG_OK);
    CU_ASSERT_EQUAL(redis_at(replica.port, WHEN_IT_HAS_K), 0);
    kit_close();
    redis_use(NULL, NULL, NULL);
    kit_open();
    REDIS("CONFIG SET min-replicas-to-write 2");
    redis_wait_put(EG_E_UNAVAILABLE);
    CHECK_WHY("too few replicas");
    CU_ASSERT_STRING_EQUAL(kit_get("k", NULL), "v");
    REDIS("CONFIG SET min-replicas-to-write 0");
    redis_wait_put(EG_OK);
    server_kill9(&replica);
    redis_end();
}

/* ---- the server forgets, refuses, runs out ---- */

static void scripts_that_the_server_has_forgotten_are_sent_again(void) {
    struct watcher watcher;
    redis_begin();
    kit_open();
    redis_wait_put(EG_OK);
    watcher_open(&watcher, "", 0);
    watcher_wait_synced(&watcher);
    REDIS("SCRIPT FLUSH");
    CU_ASSERT_STRING_EQUAL(kit_get("k", NULL), "v");
    REDIS("SCRIPT FLUSH");
    CU_ASSERT_EQUAL(kit_put("k", "after", EG_REV_ANY, NULL), EG_OK);
    watcher_wait_text(&watcher, "+k=after ");
    CU_ASSERT_STRING_EQUAL(kit_list(""), "k=after ");
    CU_ASSERT_EQUAL(watcher.downs, 0);
    watcher_close(&watcher);
    redis_end();
}

static int admin(const char *words) {
    return redis_at(kit.server.port, "--user admin --pass secret-of-the-admin --no-auth-warning %s",
                    words);
}

static void rights_that_are_taken_away_are_told_and_tried_on(void) {
    struct watcher watcher;
    redis_use(NULL, NULL, NULL);
    address[0] = '\0';
    kit_begin_with_auth();
    kit_use_relay();
    kit_open();
    redis_wait_put(EG_OK);
    watcher_open(&watcher, "", 0);
    watcher_wait_synced(&watcher);
    CU_ASSERT_EQUAL(admin("ACL SETUSER gateway -xadd"), 0);
    redis_wait_put(EG_E_DENIED);
    CU_ASSERT_STRING_EQUAL(kit_get("k", NULL), "v"); /* reading goes on */
    CU_ASSERT_EQUAL(admin("ACL SETUSER gateway +xadd -xread"), 0);
    /* It ends the XREAD that waits, whose refusal may come before its own answer. */
    const int32_t status = kit_put("k", "2", EG_REV_ANY, NULL);
    CU_ASSERT_TRUE(status == EG_OK || status == EG_E_UNAVAILABLE);
    watcher_wait_down(&watcher, true);
    CU_ASSERT_PTR_NOT_NULL(strstr(watcher.why, "xread"));
    const unsigned before = relay_count();
    const uint64_t end_ns = kit_now_ns() + 2 * GW_NS_PER_S;
    while (kit_now_ns() < end_ns) {
        gw_loop_turn(kit.loop, 5 * GW_NS_PER_MS);
    }
    CU_ASSERT_TRUE(relay_count() - before < 40); /* it is tried on with pauses */
    CU_ASSERT_EQUAL(admin("ACL SETUSER gateway +xread"), 0);
    watcher_wait_down(&watcher, false);
    watcher_wait_same(&watcher);
    watcher_close(&watcher);
    redis_end();
}

static void without_memory_writes_are_refused_and_reads_go_on(void) {
    redis_begin();
    kit_open();
    redis_wait_put(EG_OK);
    REDIS("CONFIG SET maxmemory 1");
    redis_wait_put(EG_E_UNAVAILABLE);
    CHECK_WHY("maxmemory");
    CU_ASSERT_STRING_EQUAL(kit_get("k", NULL), "v");
    CU_ASSERT_STRING_EQUAL(kit_list(""), "k=v ");
    REDIS("CONFIG SET maxmemory 0");
    redis_wait_put(EG_OK);
    redis_end();
}

static void keys_that_hold_something_else_are_told(void) {
    redis_begin();
    kit_open();
    REDIS("SET " P "values text");
    redis_wait_put(EG_E_PROTO);
    CHECK_WHY("something else");
    REDIS("DEL " P "values");
    redis_wait_put(EG_OK);
    kit_close();
    REDIS("HSET " P "state format 2");
    check_refused(EG_E_UNSUPPORTED, "format 2 of a later event gateway");
    kit_end();
}

static const struct unit_case cases[] = {
    UNIT(a_name_a_socket_and_a_second_address_lead_to_the_server),
    UNIT(a_name_that_nobody_knows_is_a_store_that_is_away),
    UNIT(tls_is_spoken_and_certificates_are_checked),
    UNIT(a_failover_by_sentinels_is_followed),
    UNIT(a_master_that_becomes_a_replica_is_left),
    UNIT(a_write_may_wait_for_replicas),
    UNIT(scripts_that_the_server_has_forgotten_are_sent_again),
    UNIT(rights_that_are_taken_away_are_told_and_tried_on),
    UNIT(without_memory_writes_are_refused_and_reads_go_on),
    UNIT(keys_that_hold_something_else_are_told),
};

static struct unit_case all[64];

int main(int argc, char **argv) {
    setvbuf(stdout, NULL, _IOLBF, 0);
    gw_log_setup(argc > 2 ? EG_LOG_DEBUG : EG_LOG_ERROR, GW_LOG_TEXT);
    kit.driver = &driver;
    kit.needs_own_server = true;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        all[i] = cases[i];
    }
    for (size_t i = 0; i < redis_data_case_count; i++) {
        all[sizeof cases / sizeof cases[0] + i] = redis_data_cases[i];
    }
    const size_t count = sizeof cases / sizeof cases[0] + redis_data_case_count;
    for (size_t i = 0; argc > 1 && i < count; i++) {
        if (strcmp(all[i].name, argv[1]) == 0) {
            return unit_run(all[i].name, &all[i], 1);
        }
    }
    return unit_run("contract_storage_redis", all, count);
}
