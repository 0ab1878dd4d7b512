/*
 * main.c - runs the storage contract against one driver: contract_storage <driver>. Started with a
 * role and a directory it is the second process of a case.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "cases.h"

static int run_all(void) {
    static struct unit_case all[64];
    const struct case_list *const lists[] = {&cases_values, &cases_watch, &cases_process};
    size_t count = 0;
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        for (size_t k = 0; k < lists[i]->count && count < 64; k++) {
            all[count++] = lists[i]->items[k];
        }
    }
    return unit_run(kit.driver->component, all, count);
}

int main(int argc, char **argv) {
    if (argc != 2 && argc != 4) {
        fprintf(stderr, "usage: contract_storage DRIVER [ROLE DIRECTORY]\n");
        return 2;
    }
    gw_log_setup(EG_LOG_ERROR, GW_LOG_TEXT);
    kit.driver = driver_find(argv[1]);
    if (kit.driver == NULL) {
        fprintf(stderr, "contract_storage: no driver '%s'\n", argv[1]);
        return 2;
    }
    if (argc == 2) {
        return run_all();
    }
    (void)snprintf(kit.directory, sizeof kit.directory, "%s", argv[3]);
    return process_child(argv[2]);
}
