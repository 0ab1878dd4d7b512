/*
 * test_redis.c - what only Redis has: replicas and Sentinels, TLS, rights of users, scripts that
 * the server forgets, content that is changed by hand, refusals for want of memory or replicas.
 * Against real servers.
 */
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/slice.h"
#include "relay.h"
#include "spawn.h"
#include "watcher.h"

#define RUN SERVERS_DIR "/redis/run"
#define P "{eventgateway}:"
#define WORDS 40u

/* ---- settings ---- */

/* What a case adds to address, user and password; "name=json". Ends with NULL. */
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

static void use(const char *first, const char *second, const char *third) {
    extra[0] = first;
    extra[1] = second;
    extra[2] = third;
    extra[3] = NULL;
}

/* ---- servers ---- */

/* The words of a line go to redis-cli, '~' stands for a space in a word. 0: it was done. */
__attribute__((format(printf, 2, 3))) static int redis_at(uint16_t port, const char *format, ...) {
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
#define REDIS(...) CU_ASSERT_EQUAL(redis_at(kit.server.port, __VA_ARGS__), 0)

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

static void begin(void) {
    use(NULL, NULL, NULL);
    address[0] = '\0';
    kit_begin();
}

static void end(void) {
    kit_close();
    kit_end();
}

/* Tries a put until it ends with this status; kit.why is its message. */
static void wait_put(int32_t wanted) {
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
    begin();
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
    end();
}

static void a_name_that_nobody_knows_is_a_store_that_is_away(void) {
    begin();
    (void)snprintf(address, sizeof address, "[\"no-such-host.invalid\"]");
    CU_ASSERT_EQUAL(kit_try_open(), EG_OK);
    wait_put(EG_E_UNAVAILABLE);
    CHECK_WHY("no-such-host.invalid");
    end();
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
    begin();
    make_certificates();
    start_with_tls();
    (void)snprintf(ca, sizeof ca, "ca_file=\"%s/ca.pem\"", kit.directory);
    (void)snprintf(cert, sizeof cert, "cert_file=\"%s/server.pem\"", kit.directory);
    (void)snprintf(key, sizeof key, "key_file=\"%s/server.key\"", kit.directory);
    use("tls=true", ca, cert);
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
    use("tls=true", "ca_file=\"/nowhere/ca.pem\"", NULL);
    check_refused(EG_E_IO, "/nowhere/ca.pem");
    /* No certificate of our own, and the server wants one. With TLS 1.3 it says so after the
     * handshake and hangs up, and the end of the connection may come before the reason. */
    use("tls=true", ca, NULL);
    CU_ASSERT_EQUAL(kit_try_open(), EG_OK);
    wait_put(EG_E_UNAVAILABLE);
    CHECK_WHY("cannot be reached");
    end();
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
    begin();
    start_replica(&replica);
    start_sentinel(&sentinel, conf);
    (void)snprintf(sentinels, sizeof sentinels, "sentinels=[\"127.0.0.1:1\", \"127.0.0.1:%u\"]",
                   (unsigned)sentinel.port);
    use(sentinels, "sentinel_master=\"main\"", NULL);
    kit_open();
    wait_put(EG_OK);
    watcher_open(&watcher, "", 0);
    watcher_wait_synced(&watcher);
    wait_redis(replica.port, WHEN_IT_HAS_K);
    (void)snprintf(known, sizeof known, "known-replica main 127.0.0.1 %u", (unsigned)replica.port);
    wait_file(conf, known);
    server_kill9(&kit.server);
    watcher_wait_down(&watcher, true);
    wait_put(EG_OK);
    watcher_wait_down(&watcher, false);
    watcher_wait_same(&watcher);
    CU_ASSERT_EQUAL(watcher.resets, 0); /* nothing was lost, so nothing is told anew */
    CU_ASSERT_EQUAL(watcher.disorder, 0);
    watcher_close(&watcher);
    kit_close();
    use(sentinels, "sentinel_master=\"other\"", NULL);
    CU_ASSERT_EQUAL(kit_try_open(), EG_OK);
    wait_put(EG_E_UNAVAILABLE);
    server_kill9(&sentinel);
    server_kill9(&replica);
    end();
}

static void a_master_that_becomes_a_replica_is_left(void) {
    struct server other = {0};
    struct watcher watcher;
    begin();
    use("dead_after=\"900ms\"", NULL, NULL);
    kit_open();
    wait_put(EG_OK);
    watcher_open(&watcher, "", 0);
    watcher_wait_synced(&watcher);
    start_more(&other, "other", "server", "");
    REDIS("REPLICAOF 127.0.0.1 %u", (unsigned)other.port);
    watcher_wait_down(&watcher, true);
    wait_put(EG_E_UNAVAILABLE);
    CHECK_WHY("replica");
    CU_ASSERT_PTR_NULL(kit_get("k", NULL)); /* the other one has nothing, and is not asked */
    REDIS("REPLICAOF NO ONE");
    watcher_wait_down(&watcher, false);
    watcher_wait_same(&watcher); /* of the empty data set */
    CU_ASSERT_TRUE(watcher.resets > 0);
    wait_put(EG_OK);
    watcher_wait_same(&watcher);
    watcher_close(&watcher);
    server_kill9(&other);
    end();
}

static void a_write_may_wait_for_replicas(void) {
    struct server replica = {0};
    begin();
    use("wait_replicas=1", "wait_timeout=\"100ms\"", NULL);
    kit_open();
    wait_put(EG_E_UNAVAILABLE);
    CHECK_WHY("it is written, but 0 of 1 replicas have it");
    CU_ASSERT_STRING_EQUAL(kit_get("k", NULL), "v");
    start_replica(&replica);
    wait_put(EG_OK);
    CU_ASSERT_EQUAL(redis_at(replica.port, WHEN_IT_HAS_K), 0);
    kit_close();
    use(NULL, NULL, NULL);
    kit_open();
    REDIS("CONFIG SET min-replicas-to-write 2");
    wait_put(EG_E_UNAVAILABLE);
    CHECK_WHY("too few replicas");
    CU_ASSERT_STRING_EQUAL(kit_get("k", NULL), "v");
    REDIS("CONFIG SET min-replicas-to-write 0");
    wait_put(EG_OK);
    server_kill9(&replica);
    end();
}

/* ---- the server forgets, refuses, runs out ---- */

static void scripts_that_the_server_has_forgotten_are_sent_again(void) {
    struct watcher watcher;
    begin();
    kit_open();
    wait_put(EG_OK);
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
    end();
}

static int admin(const char *words) {
    return redis_at(kit.server.port, "--user admin --pass secret-of-the-admin --no-auth-warning %s",
                    words);
}

static void rights_that_are_taken_away_are_told_and_tried_on(void) {
    struct watcher watcher;
    use(NULL, NULL, NULL);
    address[0] = '\0';
    kit_begin_with_auth();
    kit_use_relay();
    kit_open();
    wait_put(EG_OK);
    watcher_open(&watcher, "", 0);
    watcher_wait_synced(&watcher);
    CU_ASSERT_EQUAL(admin("ACL SETUSER gateway -xadd"), 0);
    wait_put(EG_E_DENIED);
    CU_ASSERT_STRING_EQUAL(kit_get("k", NULL), "v"); /* reading goes on */
    CU_ASSERT_EQUAL(admin("ACL SETUSER gateway +xadd -xread"), 0);
    CU_ASSERT_EQUAL(kit_put("k", "2", EG_REV_ANY, NULL), EG_OK); /* ends the XREAD that waits */
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
    end();
}

static void without_memory_writes_are_refused_and_reads_go_on(void) {
    begin();
    kit_open();
    wait_put(EG_OK);
    REDIS("CONFIG SET maxmemory 1");
    wait_put(EG_E_UNAVAILABLE);
    CHECK_WHY("maxmemory");
    CU_ASSERT_STRING_EQUAL(kit_get("k", NULL), "v");
    CU_ASSERT_STRING_EQUAL(kit_list(""), "k=v ");
    REDIS("CONFIG SET maxmemory 0");
    wait_put(EG_OK);
    end();
}

static void keys_that_hold_something_else_are_told(void) {
    begin();
    kit_open();
    REDIS("SET " P "values text");
    wait_put(EG_E_PROTO);
    CHECK_WHY("something else");
    REDIS("DEL " P "values");
    wait_put(EG_OK);
    kit_close();
    REDIS("HSET " P "state format 2");
    check_refused(EG_E_UNSUPPORTED, "format 2 of a later event gateway");
    kit_end();
}

/* ---- the data set goes another way ---- */

static void a_data_set_that_is_removed_is_a_reset(void) {
    struct watcher watcher;
    begin();
    kit_open();
    wait_put(EG_OK);
    watcher_open(&watcher, "", 0);
    watcher_wait_synced(&watcher);
    watcher_forget(&watcher);
    REDIS("FLUSHALL");
    watcher_wait_text(&watcher, "R S ");
    watcher_wait_same(&watcher);
    CU_ASSERT_STRING_EQUAL(kit_list(""), "");
    wait_put(EG_OK);
    watcher_wait_text(&watcher, "+k=v ");
    watcher_wait_same(&watcher);
    watcher_close(&watcher);
    end();
}

/* A replica that lagged becomes the master and takes other writes: the same revisions, another
 * history. Revision 3 is the last one that the watch has seen. */
static void a_history_that_parted_is_a_reset(void) {
    struct watcher watcher;
    begin();
    use("timeout=\"200ms\"", NULL, NULL);
    kit_open();
    for (unsigned i = 1; i <= 3; i++) {
        wait_put(EG_OK);
    }
    watcher_open(&watcher, "", 0);
    watcher_wait_synced(&watcher);
    watcher_forget(&watcher);
    REDIS("EVAL redis.call('DEL',KEYS[1])"
          "redis.call('XADD',KEYS[1],'3-0','kind','put','key','k','value','w','nonce','another','"
          "created','1')"
          "redis.call('XADD',KEYS[1],'4-0','kind','put','key','l','value','w','nonce','one','"
          "created','4')"
          "redis.call('HSET',KEYS[2],'revision','4','nonce','one')"
          "redis.call('HSET',KEYS[3],'k','w','l','w')"
          "redis.call('HSET',KEYS[4],'k','3~1~'..redis.sha1hex('w'),'l','4~4~'..redis.sha1hex('w'))"
          "redis.call('ZADD',KEYS[5],0,'l') 5 " P "changes " P "state " P "values " P "revisions " P
          "index");
    watcher_wait_text(&watcher, "R ");
    watcher_wait_synced(&watcher);
    watcher_wait_same(&watcher);
    CU_ASSERT_STRING_EQUAL(kit_list(""), "k=w l=w ");
    watcher_close(&watcher);
    end();
}

static void a_history_of_one_change_is_enough_for_who_has_seen_the_one_before(void) {
    struct watcher watcher;
    char value[16];
    char wanted[32];
    begin();
    use("history=1", NULL, NULL);
    kit_open();
    wait_put(EG_OK);
    watcher_open(&watcher, "", 0);
    watcher_wait_synced(&watcher);
    for (unsigned i = 1; i <= 5; i++) {
        (void)snprintf(value, sizeof value, "%u", i);
        (void)snprintf(wanted, sizeof wanted, "+k=%u ", i);
        CU_ASSERT_EQUAL(kit_put("k", value, EG_REV_ANY, NULL), EG_OK);
        watcher_wait_text(&watcher, wanted);
    }
    CU_ASSERT_EQUAL(watcher.resets, 0);
    watcher_close(&watcher);
    end();
}

static void a_counter_that_is_gone_goes_on_above_all_revisions(void) {
    struct watcher watcher;
    uint64_t before = 0;
    uint64_t after = 0;
    begin();
    kit_open();
    CU_ASSERT_EQUAL(kit_put("a", "1", EG_REV_ANY, NULL), EG_OK);
    CU_ASSERT_EQUAL(kit_put("b", "1", EG_REV_ANY, &before), EG_OK);
    watcher_open(&watcher, "", 0);
    watcher_wait_synced(&watcher);
    REDIS("DEL " P "state " P "changes");
    watcher_wait_text(&watcher, "R ");
    wait_put(EG_OK);
    CU_ASSERT_EQUAL(kit_put("a", "2", EG_REV_ANY, &after), EG_OK);
    CU_ASSERT_TRUE(after > before);
    CU_ASSERT_STRING_EQUAL(kit_list(""), "a=2 b=1 k=v ");
    watcher_wait_same(&watcher);
    watcher_close(&watcher);
    end();
}

/* ---- by hand ---- */

static void what_is_changed_by_hand_is_taken_over(void) {
    struct watcher watcher;
    uint64_t revision = 0;
    begin();
    use("reconcile=\"100ms\"", NULL, NULL);
    kit_open();
    CU_ASSERT_EQUAL(kit_put("changed", "1", EG_REV_ANY, NULL), EG_OK);
    CU_ASSERT_EQUAL(kit_put("removed", "1", EG_REV_ANY, NULL), EG_OK);
    CU_ASSERT_EQUAL(kit_put("same", "1", EG_REV_ANY, &revision), EG_OK);
    watcher_open(&watcher, "", 0);
    watcher_wait_synced(&watcher);
    REDIS("HSET " P "values changed by-hand");
    watcher_wait_text(&watcher, "+changed=by-hand ");
    REDIS("HDEL " P "values removed");
    watcher_wait_text(&watcher, "-removed ");
    REDIS("HSET " P "values new by-hand");
    watcher_wait_text(&watcher, "+new=by-hand ");
    watcher_wait_same(&watcher);
    CU_ASSERT_STRING_EQUAL(kit_list(""), "changed=by-hand new=by-hand same=1 ");
    uint64_t now = 0;
    CU_ASSERT_STRING_EQUAL(kit_get("changed", &now), "by-hand");
    CU_ASSERT_TRUE(now > revision);
    CU_ASSERT_EQUAL(kit_put("changed", "2", now, NULL), EG_OK);
    CU_ASSERT_EQUAL(watcher.disorder, 0);
    CU_ASSERT_EQUAL(watcher.resets + watcher.downs, 0);
    watcher_close(&watcher);
    end();
}

/* A key, its revision and its place in the index vanish without a change: only the comparison with
 * what was told can find that. */
static void what_no_change_has_told_is_found_by_comparing(void) {
    struct watcher watcher;
    begin();
    use("reconcile=\"100ms\"", NULL, NULL);
    kit_open();
    CU_ASSERT_EQUAL(kit_put("gone", "1", EG_REV_ANY, NULL), EG_OK);
    CU_ASSERT_EQUAL(kit_put("here", "1", EG_REV_ANY, NULL), EG_OK);
    watcher_open(&watcher, "", 0);
    watcher_wait_synced(&watcher);
    REDIS("EVAL redis.call('HDEL',KEYS[1],'gone')redis.call('HDEL',KEYS[2],'gone')"
          "redis.call('ZREM',KEYS[3],'gone') 3 " P "values " P "revisions " P "index");
    watcher_wait_text(&watcher, "R ");
    watcher_wait_same(&watcher);
    CU_ASSERT_STRING_EQUAL(kit_list(""), "here=1 ");
    watcher_close(&watcher);
    end();
}

/* ---- how old a key is ---- */

/* A watch that notes "key@created " of every put, "R " of a RESET. */
struct ages {
    struct eg_watch pub;
    uint64_t from;
    unsigned is_closed;
    size_t len;
    char text[4096];
};

static void on_age(struct eg_watch *watch, const struct eg_change *change) {
    struct ages *ages = GW_CONTAINER(watch, struct ages, pub);
    char *end = ages->text + ages->len;
    const size_t room = sizeof ages->text - ages->len;
    ages->is_closed = change->kind == EG_CHANGE_CLOSED;
    if (change->kind == EG_CHANGE_PUT) {
        ages->len += (size_t)snprintf(end, room, "%.*s@%llu ", GW_FMT(change->key),
                                      (unsigned long long)change->created);
    } else if (change->kind == EG_CHANGE_RESET) {
        ages->len += (size_t)snprintf(end, room, "R ");
    }
    GW_ASSERT(ages->len < sizeof ages->text);
}

static void watch_ages(void *arg) {
    struct ages *ages = arg;
    CU_ASSERT_EQUAL_FATAL(kit.ops->watch(kit.instance->self, GW_STR(""), ages->from, &ages->pub),
                          EG_OK);
}

static void unwatch_ages(void *arg) {
    kit.ops->unwatch(kit.instance->self, arg);
}

static void ages_open(struct ages *ages, uint64_t from) {
    memset(ages, 0, sizeof *ages);
    ages->pub = (struct eg_watch){.struct_size = sizeof ages->pub, .changed = on_age};
    ages->from = from;
    kit_on_loop(watch_ages, ages);
}

static void ages_close(struct ages *ages) {
    kit_on_loop(unwatch_ages, &ages->pub);
    kit_turn_until(&ages->is_closed, 1, "a watch is never closed");
}

/* Forgets what was told, when that was told. */
static void wait_age(struct ages *ages, const char *before, const char *key, uint64_t created) {
    const uint64_t end_ns = kit_now_ns() + 30 * GW_NS_PER_S;
    char wanted[64];
    (void)snprintf(wanted, sizeof wanted, "%s%s@%llu ", before, key, (unsigned long long)created);
    while (strstr(ages->text, wanted) == NULL) {
        if (kit_now_ns() > end_ns) {
            printf("  wanted \"%s\", was told \"%s\"\n", wanted, ages->text);
            kit_fail("the age of a key is not told");
        }
        gw_loop_turn(kit.loop, 5 * GW_NS_PER_MS);
    }
    ages->len = 0;
    ages->text[0] = '\0';
}

static void the_age_of_a_key_lasts_through_updates_repairs_resets_and_restarts(void) {
    static struct ages ages;
    uint64_t first = 0;
    uint64_t second = 0;
    uint64_t last = 0;
    begin();
    use("reconcile=\"100ms\"", NULL, NULL);
    kit_open();
    CU_ASSERT_EQUAL(kit_put("a", "1", EG_REV_ANY, &first), EG_OK);
    CU_ASSERT_EQUAL(kit_put("a", "2", EG_REV_ANY, &last), EG_OK);
    ages_open(&ages, 0); /* of the content */
    wait_age(&ages, "", "a", first);
    CU_ASSERT_EQUAL(kit_put("a", "3", EG_REV_ANY, NULL), EG_OK);
    wait_age(&ages, "", "a", first); /* of a change */
    REDIS("HSET " P "values a by-hand");
    wait_age(&ages, "", "a", first);
    CU_ASSERT_EQUAL(kit_remove("a", EG_REV_ANY, NULL), EG_OK);
    CU_ASSERT_EQUAL(kit_put("a", "4", EG_REV_ANY, &second), EG_OK);
    wait_age(&ages, "", "a", second); /* a removal ends it */
    REDIS("DEL " P "state " P "changes");
    wait_age(&ages, "R ", "a", second);
    ages_close(&ages);
    kit_close();
    server_stop(&kit.server);
    server_start(&kit.server);
    kit_open();
    ages_open(&ages, 0);
    wait_age(&ages, "", "a", second);
    ages_close(&ages);
    CU_ASSERT_EQUAL(kit_put("b", "1", EG_REV_ANY, &last), EG_OK);
    CU_ASSERT_EQUAL(kit_put("a", "5", EG_REV_ANY, NULL), EG_OK);
    ages_open(&ages, last); /* of what was missed */
    wait_age(&ages, "", "a", second);
    ages_close(&ages);
    end();
}

/* Writes come between the pages of a list that takes several. */
static void a_list_of_many_pages_is_of_one_moment(void) {
    static struct answer answers[1500];
    static char keys[1500][16];
    struct answer list;
    begin();
    kit_open();
    for (unsigned i = 0; i < 1500; i++) {
        (void)snprintf(keys[i], sizeof keys[i], "p/%04u", i);
        kit_send_put(&answers[i], gw_str_c(keys[i]), GW_STR("old"), EG_REV_ANY);
    }
    for (unsigned i = 0; i < 1500; i++) {
        kit_wait(&answers[i]);
        kit_drop(&answers[i]);
    }
    kit_send_list(&list, GW_STR("p/")); /* the first page is asked for; then come the writes */
    for (unsigned i = 0; i < 1500; i += 10) {
        kit_send_put(&answers[i], gw_str_c(keys[i]), GW_STR("new"), EG_REV_ANY);
        kit_send_remove(&answers[i + 1], gw_str_c(keys[i + 1]), EG_REV_ANY);
    }
    kit_wait(&list);
    CU_ASSERT_EQUAL(list.status, EG_OK);
    size_t new_ones = 0;
    size_t too_new = 0;
    for (size_t i = 0; i < list.count; i++) {
        new_ones += gw_str_eq(list.items[i].value, GW_STR("new"));
        too_new += list.items[i].revision > list.revision;
    }
    /* 1500 writes, then pairs of a put and a removal: the revision says how many it has seen. */
    const uint64_t seen = list.revision - 1500;
    CU_ASSERT_EQUAL(too_new, 0);
    CU_ASSERT_TRUE(seen > 0);
    CU_ASSERT_EQUAL(new_ones, (seen + 1) / 2);
    CU_ASSERT_EQUAL(list.count, 1500 - seen / 2);
    kit_drop(&list);
    for (unsigned i = 0; i < 1500; i += 10) {
        kit_wait(&answers[i]);
        kit_wait(&answers[i + 1]);
        kit_drop(&answers[i]);
        kit_drop(&answers[i + 1]);
    }
    end();
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
    UNIT(a_data_set_that_is_removed_is_a_reset),
    UNIT(a_history_that_parted_is_a_reset),
    UNIT(a_history_of_one_change_is_enough_for_who_has_seen_the_one_before),
    UNIT(a_counter_that_is_gone_goes_on_above_all_revisions),
    UNIT(what_is_changed_by_hand_is_taken_over),
    UNIT(what_no_change_has_told_is_found_by_comparing),
    UNIT(the_age_of_a_key_lasts_through_updates_repairs_resets_and_restarts),
    UNIT(a_list_of_many_pages_is_of_one_moment),
};

int main(int argc, char **argv) {
    setvbuf(stdout, NULL, _IOLBF, 0);
    gw_log_setup(argc > 2 ? EG_LOG_DEBUG : EG_LOG_ERROR, GW_LOG_TEXT);
    kit.driver = &driver;
    kit.needs_own_server = true;
    for (size_t i = 0; argc > 1 && i < sizeof cases / sizeof cases[0]; i++) {
        if (strcmp(cases[i].name, argv[1]) == 0) {
            return unit_run(cases[i].name, &cases[i], 1);
        }
    }
    return unit_run("contract_storage_redis", cases, sizeof cases / sizeof cases[0]);
}
