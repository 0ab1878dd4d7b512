/*
 * cases_process.c - two processes: one that is killed in the middle of its writes, and two gateways
 * on one store. The second process is this program again.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/slice.h"
#include "cases.h"
#include "spawn.h"
#include "watcher.h"

#define ROUNDS 3u
#define INCREMENTS 100u

void child_start(struct child *child, const char *role) {
    char port[8];
    int to_us[2];
    int to_it[2];
    (void)snprintf(port, sizeof port, "%u", (unsigned)kit.server_port);
    if (pipe2(to_us, O_CLOEXEC) != 0 || pipe2(to_it, O_CLOEXEC) != 0) {
        kit_fail("no pipe");
    }
    child->pid = spawn_start((const char *[]){"/proc/self/exe", kit.driver->component, "--role",
                                              role, kit.directory, port, NULL},
                             to_it[0], to_us[1], false);
    (void)close(to_us[1]);
    (void)close(to_it[0]);
    child->in = to_it[1];
    child->out = fdopen(to_us[0], "r");
    if (child->out == NULL) {
        kit_fail("no stream");
    }
}

void child_go(const struct child *child) {
    if (write(child->in, "g", 1) != 1) {
        kit_fail("the second process is gone");
    }
}

long child_number(struct child *child) {
    char line[64];
    return fgets(line, sizeof line, child->out) == NULL ? -1 : strtol(line, NULL, 10);
}

int child_end(struct child *child) {
    (void)fclose(child->out);
    (void)close(child->in);
    return spawn_wait(child->pid);
}

int child_kill(struct child *child) {
    (void)kill(child->pid, SIGKILL);
    return child_end(child);
}

/* ---- what the child does ---- */

bool child_wait_go(void) {
    char byte = 0;
    return read(STDIN_FILENO, &byte, 1) == 1;
}

void child_say(unsigned long number) {
    char line[32];
    const int len = snprintf(line, sizeof line, "%lu\n", number);
    if (write(STDOUT_FILENO, line, (size_t)len) != len) {
        _exit(3);
    }
}

/* Writes for ever and says what was acknowledged. */
static int child_writes(void) {
    char key[32];
    char value[32];
    for (unsigned long i = 1;; i++) {
        (void)snprintf(key, sizeof key, "k/%lu", i);
        (void)snprintf(value, sizeof value, "value of %lu", i);
        if (kit_put(key, value, EG_REV_ANY, NULL) != EG_OK) {
            return 4;
        }
        child_say(i);
    }
}

/* Adds one to the counter so often; each lost race is tried again. */
static int count_up(void) {
    char value[32];
    unsigned done = 0;
    for (unsigned tries = 0; done < INCREMENTS && tries < 100000; tries++) {
        uint64_t revision = 0;
        const char *now = kit_get("counter", &revision);
        (void)snprintf(value, sizeof value, "%ld", now == NULL ? 1 : strtol(now, NULL, 10) + 1);
        const int32_t rc = kit_put("counter", value, now == NULL ? EG_REV_ABSENT : revision, NULL);
        done += rc == EG_OK;
        if (rc != EG_OK && rc != EG_E_CONFLICT && rc != EG_E_EXISTS && rc != EG_E_BUSY) {
            return 5;
        }
    }
    return done == INCREMENTS ? 0 : 6;
}

static int child_changes(void) {
    int rc = 0;
    rc |= kit_put("s/a", "1", EG_REV_ANY, NULL) != EG_OK;
    rc |= kit_put("s/a", "2", EG_REV_ANY, NULL) != EG_OK;
    rc |= kit_remove("s/a", EG_REV_ANY, NULL) != EG_OK;
    rc |= kit_put("s/b", "3", EG_REV_ANY, NULL) != EG_OK;
    return rc;
}

/* Some of every kind of change: what a watch that was cut off has missed. */
static int child_rewrites(void) {
    int rc = 0;
    rc |= kit_put("p/changed", "new", EG_REV_ANY, NULL) != EG_OK;
    rc |= kit_remove("p/gone", EG_REV_ANY, NULL) != EG_OK;
    rc |= kit_remove("p/again", EG_REV_ANY, NULL) != EG_OK;
    rc |= kit_put("p/again", "new", EG_REV_ABSENT, NULL) != EG_OK;
    rc |= kit_put("p/fleeting", "x", EG_REV_ABSENT, NULL) != EG_OK;
    rc |= kit_remove("p/fleeting", EG_REV_ANY, NULL) != EG_OK;
    rc |= kit_put("p/new", "new", EG_REV_ABSENT, NULL) != EG_OK;
    return rc;
}

int process_child(const char *role) {
    static const struct child_role roles[] = {
        {"writes", child_writes},       {"counts", count_up},
        {"changes", child_changes},     {"rewrites", child_rewrites},
        {"creates", child_creates},     {"subscribes", child_subscribes},
        {"scribbles", child_scribbles},
    };
    for (size_t i = 0; i < sizeof roles / sizeof roles[0]; i++) {
        if (strcmp(role, roles[i].role) == 0) {
            kit_open();
            const int rc = roles[i].run();
            kit_close();
            return rc;
        }
    }
    return 2;
}

/* ---- cases ---- */

/* Every acknowledged write is there, whole. At most one more: written, not yet acknowledged. */
static void check_survivors(long acknowledged) {
    char key[32];
    char value[32];
    struct answer list;
    size_t wrong = 0;
    kit_open();
    for (long i = 1; i <= acknowledged; i++) {
        (void)snprintf(key, sizeof key, "k/%ld", i);
        (void)snprintf(value, sizeof value, "value of %ld", i);
        const char *got = kit_get(key, NULL);
        wrong += got == NULL || strcmp(got, value) != 0;
    }
    CU_ASSERT_EQUAL(wrong, 0);
    kit_send_list(&list, GW_STR("k/"));
    kit_wait(&list);
    CU_ASSERT_TRUE((long)list.count >= acknowledged && (long)list.count <= acknowledged + 1);
    kit_drop(&list);
    CU_ASSERT_EQUAL(kit_put("after", "the crash", EG_REV_ANY, NULL), EG_OK);
    kit_close();
}

static void what_was_acknowledged_survives_kill_9(void) {
    for (unsigned round = 0; round < ROUNDS; round++) {
        struct child child;
        kit_begin();
        child_start(&child, "writes");
        long acknowledged = 0;
        for (long wanted = 40 + 37 * (long)round; acknowledged >= 0 && acknowledged < wanted;) {
            acknowledged = child_number(&child);
        }
        CU_ASSERT_TRUE_FATAL(acknowledged > 0);
        (void)kill(child.pid, SIGKILL);
        for (long more; (more = child_number(&child)) > 0;) {
            acknowledged = more; /* was on its way to us */
        }
        CU_ASSERT_TRUE(WIFSIGNALED(child_end(&child)));
        check_survivors(acknowledged);
        kit_end();
    }
}

static void no_increment_of_two_processes_is_lost(void) {
    struct child child;
    char wanted[32];
    kit_begin();
    kit_open();
    child_start(&child, "counts");
    CU_ASSERT_EQUAL(count_up(), 0);
    CU_ASSERT_EQUAL(child_end(&child), 0);
    (void)snprintf(wanted, sizeof wanted, "%u", 2 * INCREMENTS);
    const char *counter = kit_get("counter", NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(counter);
    CU_ASSERT_STRING_EQUAL(counter, wanted);
    kit_close();
    kit_end();
}

static void a_watch_sees_what_another_process_writes_in_order(void) {
    struct watcher watcher;
    struct child child;
    kit_begin();
    kit_open();
    watcher_open(&watcher, "s/", 0);
    watcher_wait_synced(&watcher);
    watcher_forget(&watcher);
    child_start(&child, "changes");
    watcher_wait_text(&watcher, "+s/b=3 ");
    CU_ASSERT_EQUAL(child_end(&child), 0);
    if (kit.driver->tells_all) {
        CU_ASSERT_STRING_EQUAL(watcher_told(&watcher), "+s/a=1 +s/a=2 -s/a +s/b=3 ");
    }
    watcher_wait_same(&watcher);
    CU_ASSERT_EQUAL(watcher.disorder, 0);
    CU_ASSERT_STRING_EQUAL(kit_list("s/"), "s/b=3 ");
    watcher_close(&watcher);
    kit_close();
    kit_end();
}

static const struct kit_case cases[] = {
    CASE(what_was_acknowledged_survives_kill_9, 0),
    CASE(no_increment_of_two_processes_is_lost, NEEDS_SHARED),
    CASE(a_watch_sees_what_another_process_writes_in_order, NEEDS_SHARED),
};
const struct case_list cases_process = {cases, sizeof cases / sizeof cases[0]};
