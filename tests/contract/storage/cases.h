/* cases.h - the cases of the storage contract, and what the program does as a second process. */
#ifndef CONTRACT_STORAGE_CASES_H
#define CONTRACT_STORAGE_CASES_H

#include "kit.h"

struct case_list {
    const struct unit_case *items;
    size_t count;
};
extern const struct case_list cases_values;
extern const struct case_list cases_watch;
extern const struct case_list cases_process;

/* The part of a child: `contract_storage <driver> <role> <directory>`. Returns the exit status. */
int process_child(const char *role);

#endif
