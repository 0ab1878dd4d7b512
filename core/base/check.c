/*
 * base/check.c - the end of the road for what cannot be. Any thread. Uses write(2) and not stdio: a
 * broken process should not trust the heap or a lock.
 */
#include "base/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

_Noreturn void gw_assert_failed(const char *expr, const char *file, int line) {
    char text[512];
    const int len =
        snprintf(text, sizeof text, "event-gateway: %s:%d: cannot be: %s\n", file, line, expr);
    if (len > 0) {
        const size_t bytes = (size_t)len < sizeof text ? (size_t)len : sizeof text - 1;
        const ssize_t ignored = write(STDERR_FILENO, text, bytes);
        (void)ignored;
    }
    abort();
}

size_t gw_size_add(size_t a, size_t b) {
    GW_ASSERT(a <= SIZE_MAX - b);
    return a + b;
}

size_t gw_size_mul(size_t a, size_t b) {
    GW_ASSERT(b == 0 || a <= SIZE_MAX / b);
    return a * b;
}
