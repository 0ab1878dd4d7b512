/* cases.h - the cases of the storage contract, and what the program does as a second process. */
#ifndef CONTRACT_STORAGE_CASES_H
#define CONTRACT_STORAGE_CASES_H

#include "kit.h"

/* What a case needs of the driver; without it the case is left out. */
#define NEEDS_SERVER 1u /* that there is one */
#define NEEDS_SHARED 2u /* driver.is_shared, and so on */
#define NEEDS_AUTH 4u
#define NEEDS_REVOKE 8u
#define NEEDS_LOSE 16u
#define NEEDS_PLANT 32u
/* How it runs. */
#define OWN_SERVER 256u /* does something to its server, or leaves too much in it */
#define ONCE 512u       /* takes long by its nature: not run with every sanitizer */

/* Each runs in a process of its own. */
struct kit_case {
    const char *name;
    void (*run)(void);
    unsigned needs;
};
#define CASE(function, needs)                                                                      \
    { #function, function, (needs) }

struct case_list {
    const struct kit_case *items;
    size_t count;
};
extern const struct case_list cases_values;
extern const struct case_list cases_watch;
extern const struct case_list cases_process;
extern const struct case_list cases_bytes;
extern const struct case_list cases_commit;
extern const struct case_list cases_race;
extern const struct case_list cases_restart;
extern const struct case_list cases_relay;

/* A second process on the same store: this program again, in a role (a fork would inherit threads
 * and locks). */
struct child {
    pid_t pid;
    FILE *out; /* its standard output */
    int in;    /* its standard input */
};
/* It goes to the server itself, not to the relay. */
void child_start(struct child *child, const char *role);
void child_go(const struct child *child); /* lets it do the next round */
/* The next line of the child as a number; -1 at its end. */
long child_number(struct child *child);
int child_end(struct child *child);  /* waits for it; the status as of waitpid */
int child_kill(struct child *child); /* kill -9 */

/* The part of the child. Returns the exit status. */
struct child_role {
    const char *role;
    int (*run)(void);
};
int process_child(const char *role);
void child_say(unsigned long number); /* a line to the parent */
bool child_wait_go(void);             /* false: no more rounds */

/* Roles that stand with their cases. */
int child_creates(void);
int child_subscribes(void);
int child_scribbles(void);

#endif
