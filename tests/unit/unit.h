/*
 * unit.h - the frame of a unit test program: a table of sentences and functions, run by CUnit.
 *
 *   static void an_empty_list_is_empty(void) { CU_ASSERT_TRUE(...); }
 *   UNIT_MAIN(UNIT(an_empty_list_is_empty), UNIT(...))
 *
 * Prints each failed sentence and ends with `<program>: N passed, N failed`.
 */
#ifndef TESTS_UNIT_H
#define TESTS_UNIT_H

#include <CUnit/CUnit.h>
#include <stdio.h>
#include <string.h>

#include <eventgw/types.h>

struct unit_case {
    const char *name;
    void (*run)(void);
};
#define UNIT(function) {#function, function}

/* Slices: equal to a C string? */
#define ASSERT_STR(slice, expected)                                                                \
    do {                                                                                           \
        const struct eg_str unit_got_ = (slice);                                                   \
        const char *unit_want_ = (expected);                                                       \
        const int unit_same_ = unit_got_.len == strlen(unit_want_) &&                              \
                               (unit_got_.len == 0 ||                                              \
                                memcmp(unit_got_.ptr, unit_want_, unit_got_.len) == 0);            \
        if (!unit_same_) {                                                                         \
            printf("  %s:%d: got \"%.*s\"\n    expected \"%s\"\n", __FILE__, __LINE__,             \
                   (int)unit_got_.len, unit_got_.len == 0 ? "" : unit_got_.ptr, unit_want_);       \
        }                                                                                          \
        CU_ASSERT_TRUE(unit_same_);                                                                \
    } while (0)

static inline int unit_run(const char *program, const struct unit_case *cases, size_t count) {
    unsigned failed = 0;
    if (CU_initialize_registry() != CUE_SUCCESS) {
        return 2;
    }
    CU_pSuite suite = CU_add_suite(program, NULL, NULL);
    for (size_t i = 0; i < count; i++) {
        CU_pTest test = CU_add_test(suite, cases[i].name, cases[i].run);
        CU_run_test(suite, test);
        for (CU_pFailureRecord r = CU_get_failure_list(); r != NULL; r = r->pNext) {
            printf("not ok %s\n  %s:%u: %s\n", cases[i].name, r->strFileName, r->uiLineNumber,
                   r->strCondition);
        }
        failed += CU_get_failure_list() != NULL;
    }
    CU_cleanup_registry();
    printf("%s: %zu passed, %u failed\n", program, count - failed, failed);
    return failed != 0;
}

#define UNIT_MAIN(...)                                                                             \
    int main(int argc, char **argv) {                                                              \
        static const struct unit_case unit_cases_[] = {__VA_ARGS__};                               \
        (void)argc;                                                                                \
        const char *slash = strrchr(argv[0], '/');                                                 \
        return unit_run(slash == NULL ? argv[0] : slash + 1, unit_cases_,                          \
                        sizeof unit_cases_ / sizeof unit_cases_[0]);                               \
    }

/* The same table twice, with a variable that the tests look at set to the one and to the other. */
#define UNIT_MAIN_BOTH(variable, one, one_name, other, other_name, ...)                            \
    int main(void) {                                                                               \
        static const struct unit_case unit_cases_[] = {__VA_ARGS__};                               \
        const size_t unit_count_ = sizeof unit_cases_ / sizeof unit_cases_[0];                     \
        (variable) = (one);                                                                        \
        const int one_failed_ = unit_run(one_name, unit_cases_, unit_count_);                      \
        (variable) = (other);                                                                      \
        const int other_failed_ = unit_run(other_name, unit_cases_, unit_count_);                  \
        return one_failed_ != 0 ? one_failed_ : other_failed_;                                     \
    }

#endif
