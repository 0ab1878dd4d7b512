/* test_redis.h - what the cases that only Redis has share. */
#ifndef CONTRACT_STORAGE_TEST_REDIS_H
#define CONTRACT_STORAGE_TEST_REDIS_H

#include "kit.h"

#define P "{eventgateway}:"

/* A server, the plugin is not opened yet; and the end of both. */
void redis_begin(void);
void redis_end(void);
/* What a case adds to address, user and password; "name=json", or NULL. */
void redis_use(const char *first, const char *second, const char *third);
/* The words of a line go to redis-cli, '~' stands for a space in a word. 0: it was done. */
__attribute__((format(printf, 2, 3))) int redis_at(uint16_t port, const char *format, ...);
#define REDIS(...) CU_ASSERT_EQUAL(redis_at(kit.server.port, __VA_ARGS__), 0)
/* Tries a put until it ends with this status; kit.why is its message. */
void redis_wait_put(int32_t wanted);

/* Of test_redis_data.c. */
extern const struct unit_case redis_data_cases[];
extern const size_t redis_data_case_count;

#endif
