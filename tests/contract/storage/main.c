/*
 * main.c - runs the storage contract against one driver. Every case is a process of its own, so
 * that one that dies is one that failed; those that can, share one server.
 *
 *   contract_storage DRIVER          all cases, but those that take long by their nature
 *   contract_storage DRIVER once     those
 *   contract_storage DRIVER CASE     one
 *   contract_storage DRIVER --role ROLE DIRECTORY PORT     the second process of a case
 */
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/log.h"
#include "cases.h"
#include "spawn.h"

#define CASE_PATIENCE_NS (240 * GW_NS_PER_S)
#define POLL_MS 2

static const struct case_list *const lists[] = {&cases_values,  &cases_bytes, &cases_commit,
                                                &cases_watch,   &cases_race,  &cases_process,
                                                &cases_restart, &cases_relay};
#define LISTS (sizeof lists / sizeof lists[0])

static bool applies(const struct kit_case *one) {
    const struct storage_driver *driver = kit.driver;
    const unsigned has =
        (driver->server != NULL ? NEEDS_SERVER : 0u) | (driver->is_shared ? NEEDS_SHARED : 0u) |
        (driver->has_auth ? NEEDS_AUTH : 0u) | (driver->can_revoke ? NEEDS_REVOKE : 0u) |
        (driver->can_lose_history ? NEEDS_LOSE : 0u) | (driver->can_plant ? NEEDS_PLANT : 0u);
    return (one->needs & (OWN_SERVER - 1u) & ~has) == 0;
}

/* ---- one case ---- */

static int run_here(const struct kit_case *one) {
    if (CU_initialize_registry() != CUE_SUCCESS) {
        return 2;
    }
    kit.needs_own_server = (one->needs & OWN_SERVER) != 0;
    CU_pSuite suite = CU_add_suite(kit.driver->component, NULL, NULL);
    CU_run_test(suite, CU_add_test(suite, one->name, one->run));
    const bool has_failed = CU_get_failure_list() != NULL;
    if (has_failed) {
        printf("not ok %s\n", one->name);
    }
    for (CU_pFailureRecord r = CU_get_failure_list(); r != NULL; r = r->pNext) {
        printf("  %s:%u: %s\n", r->strFileName, r->uiLineNumber, r->strCondition);
    }
    CU_cleanup_registry();
    return has_failed;
}

static const struct kit_case *find(const char *name) {
    for (size_t i = 0; i < LISTS; i++) {
        for (size_t k = 0; k < lists[i]->count; k++) {
            if (strcmp(lists[i]->items[k].name, name) == 0) {
                return &lists[i]->items[k];
            }
        }
    }
    return NULL;
}

static int run_named(const char *name) {
    const struct kit_case *one = find(name);
    if (one == NULL || !applies(one)) {
        fprintf(stderr, "contract_storage: no case '%s' for driver '%s'\n", name,
                kit.driver->component);
        return 2;
    }
    return run_here(one);
}

/* ---- all of them ---- */

/* A plugin that does not work at all lets every case wait until it gives up. */
#define DEAD_IN_A_ROW 4u
static unsigned dead_in_a_row;

/* Says how it ended, when it could not do that itself. */
static bool run_apart(const struct kit_case *one) {
    const pid_t pid = spawn_start(
        (const char *[]){"/proc/self/exe", kit.driver->component, one->name, NULL}, -1, -1, false);
    const uint64_t begun_ns = kit_now_ns();
    int status = 0;
    bool is_late = false;
    while (!spawn_has_ended(pid, &status)) {
        is_late = kit_now_ns() - begun_ns > CASE_PATIENCE_NS;
        if (is_late) {
            status = spawn_kill(pid, SIGKILL);
            break;
        }
        (void)poll(NULL, 0, POLL_MS);
    }
    if (is_late) {
        printf("not ok %s (does not end)\n", one->name);
    } else if (WIFSIGNALED(status)) {
        printf("not ok %s (ended by signal %d)\n", one->name, WTERMSIG(status));
    } else if (WEXITSTATUS(status) > 1) {
        printf("not ok %s (exit status %d)\n", one->name, WEXITSTATUS(status));
    } else if (status == 0) {
        printf("ok %s (%u ms)\n", one->name, (unsigned)((kit_now_ns() - begun_ns) / GW_NS_PER_MS));
    }
    dead_in_a_row =
        status == 0 || (WIFEXITED(status) && WEXITSTATUS(status) == 1) ? 0 : dead_in_a_row + 1;
    return status == 0;
}

static void share_server(void) {
    char port[8];
    kit_begin();
    (void)snprintf(port, sizeof port, "%u", (unsigned)kit.server.port);
    (void)setenv(KIT_SHARED_PORT, port, 1);
}

static void run_list(const struct case_list *list, bool wants_once, unsigned *passed,
                     unsigned *failed) {
    for (size_t k = 0; k < list->count; k++) {
        const struct kit_case *one = &list->items[k];
        if (!applies(one) || ((one->needs & ONCE) != 0) != wants_once) {
            continue;
        }
        if (dead_in_a_row >= DEAD_IN_A_ROW) {
            printf("not ok %s (not run: those before it have died)\n", one->name);
            *failed += 1;
            continue;
        }
        const bool is_good = run_apart(one);
        *passed += is_good;
        *failed += !is_good;
        if (!is_good && kit.driver->server != NULL) {
            kit_end(); /* what is left in the server is not known */
            share_server();
        }
    }
}

static int run_all(bool wants_once) {
    unsigned passed = 0;
    unsigned failed = 0;
    char base[sizeof kit.directory];
    kit.needs_own_server = true;
    kit_make_directory();
    (void)snprintf(base, sizeof base, "%s", kit.directory);
    (void)setenv("TMPDIR", base, 1); /* what cases leave behind when they die is in here */
    if (kit.driver->server != NULL) {
        share_server();
    }
    for (size_t i = 0; i < LISTS; i++) {
        run_list(lists[i], wants_once, &passed, &failed);
    }
    if (kit.driver->server != NULL) {
        kit_end();
    }
    (void)snprintf(kit.directory, sizeof kit.directory, "%s", base);
    kit_end();
    printf("%s%s: %u passed, %u failed\n", kit.driver->component, wants_once ? " once" : "", passed,
           failed);
    return failed != 0;
}

static int run_role(char **arguments) {
    (void)snprintf(kit.directory, sizeof kit.directory, "%s", arguments[1]);
    kit.place = (struct driver_place){.directory = kit.directory,
                                      .port = (uint16_t)strtoul(arguments[2], NULL, 10)};
    return process_child(arguments[0]);
}

int main(int argc, char **argv) {
    const bool is_role = argc == 6 && strcmp(argv[2], "--role") == 0;
    if (argc != 2 && argc != 3 && !is_role) {
        fprintf(stderr, "usage: contract_storage DRIVER [once | CASE]\n");
        return 2;
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
    gw_log_setup(EG_LOG_ERROR, GW_LOG_TEXT);
    kit.driver = driver_find(argv[1]);
    if (kit.driver == NULL) {
        fprintf(stderr, "contract_storage: no driver '%s'\n", argv[1]);
        return 2;
    }
    if (is_role) {
        return run_role(argv + 3);
    }
    return argc == 2                      ? run_all(false)
           : strcmp(argv[2], "once") == 0 ? run_all(true)
                                          : run_named(argv[2]);
}
