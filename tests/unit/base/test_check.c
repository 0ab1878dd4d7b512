/* Assertions abort whatever the build; sizes that would wrap abort. Each death is a child's. */
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/check.h"
#include "base/mem.h"
#include "unit.h"

/* Runs fn in a child with stderr in a pipe; true when it aborted. */
static int aborts(void (*fn)(void), char *said, size_t size) {
    int ends[2];
    CU_ASSERT_EQUAL_FATAL(pipe(ends), 0);
    fflush(stdout);
    const pid_t child = fork();
    if (child == 0) {
        const struct rlimit none = {0};
        setrlimit(RLIMIT_CORE, &none);
        signal(SIGABRT, SIG_DFL);
        dup2(ends[1], STDERR_FILENO);
        fn();
        _exit(0);
    }
    close(ends[1]);
    const ssize_t got = read(ends[0], said, size - 1);
    said[got > 0 ? got : 0] = '\0';
    close(ends[0]);
    int status = 0;
    waitpid(child, &status, 0);
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}

static void assert_false(void) {
    GW_ASSERT(1 + 1 == 3);
}
static void add_too_much(void) {
    (void)gw_size_add(SIZE_MAX, 1);
}
static void mul_too_much(void) {
    (void)gw_size_mul(SIZE_MAX / 2, 3);
}
static void use_wrong_magic(void) {
    struct {
        uint32_t magic;
    } thing = {.magic = 1}, *p = &thing;
    GW_MAGIC_CHECK(p, 2);
}
static void assert_true(void) {
    GW_ASSERT(1 + 1 == 2);
    (void)gw_size_add(SIZE_MAX - 1, 1);
    (void)gw_size_mul(SIZE_MAX / 2, 2);
    (void)gw_size_mul(SIZE_MAX, 0);
}

static void a_false_assertion_aborts_and_names_the_expression(void) {
    char said[512];
    CU_ASSERT_TRUE(aborts(assert_false, said, sizeof said));
    CU_ASSERT_PTR_NOT_NULL(strstr(said, "1 + 1 == 3"));
    CU_ASSERT_PTR_NOT_NULL(strstr(said, "test_check.c"));
}

static void sizes_that_wrap_abort(void) {
    char said[512];
    CU_ASSERT_TRUE(aborts(add_too_much, said, sizeof said));
    CU_ASSERT_TRUE(aborts(mul_too_much, said, sizeof said));
}

static void a_wrong_magic_word_aborts(void) {
    char said[512];
    CU_ASSERT_TRUE(aborts(use_wrong_magic, said, sizeof said));
}

static void what_holds_passes_at_the_limits(void) {
    char said[512];
    CU_ASSERT_FALSE(aborts(assert_true, said, sizeof said));
    CU_ASSERT_EQUAL(gw_size_add(1, 2), 3);
    CU_ASSERT_EQUAL(gw_size_mul(3, 4), 12);
}

UNIT_MAIN(UNIT(a_false_assertion_aborts_and_names_the_expression), UNIT(sizes_that_wrap_abort),
          UNIT(a_wrong_magic_word_aborts), UNIT(what_holds_passes_at_the_limits))
