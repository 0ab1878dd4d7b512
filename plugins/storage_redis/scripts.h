/* scripts.h - the Lua scripts that are the operations of the store; what each takes is in
 * scripts.c. */
#ifndef STORAGE_REDIS_SCRIPTS_H
#define STORAGE_REDIS_SCRIPTS_H

#include <stddef.h>

enum redis_script {
    REDIS_SCRIPT_OPEN,
    REDIS_SCRIPT_GET,
    REDIS_SCRIPT_WRITE,
    REDIS_SCRIPT_PAGE,
    REDIS_SCRIPT_CHANGES,
    REDIS_SCRIPT_AUDIT,
    REDIS_SCRIPT_STRAY,
    REDIS_SCRIPT_COUNT
};

#define REDIS_SHA1_LEN 40u

const char *redis_script_text(enum redis_script script);
/* SHA-1 of the text in hexadecimal, the name by which EVALSHA knows it. */
const char *redis_script_sha1(enum redis_script script);
/* Once, before the others. */
void redis_scripts_prepare(void);

#endif
