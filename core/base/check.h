/* base/check.h - assertions that stay in release builds, and arithmetic that cannot wrap. */
#ifndef GW_BASE_CHECK_H
#define GW_BASE_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What cannot be. Prints file, line and expression on stderr and aborts. Never for input. */
#define GW_ASSERT(expr) ((expr) ? (void)0 : gw_assert_failed(#expr, __FILE__, __LINE__))
_Noreturn void gw_assert_failed(const char *expr, const char *file, int line);

/* Magic words of structs that travel as void *. */
#define GW_MAGIC_CHECK(p, word) GW_ASSERT((p) != NULL && (p)->magic == (word))

#define GW_COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define GW_CONTAINER(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

/* Sizes made of other sizes: abort on overflow (for sizes that are ours). */
size_t gw_size_add(size_t a, size_t b);
size_t gw_size_mul(size_t a, size_t b);

#endif
