/* Unit tests of base/thread_slice.c. */
#include "unit.h"

#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/thread_slice.h"

/* As in sched_setattr(2). */
struct attributes {
    uint32_t size;
    uint32_t policy;
    uint64_t flags;
    int32_t nice;
    uint32_t priority;
    uint64_t runtime;
    uint64_t deadline;
    uint64_t period;
};

static struct attributes present(void) {
    struct attributes attributes = {0};
    CU_ASSERT_EQUAL(syscall(SYS_sched_getattr, 0, &attributes, sizeof attributes, 0), 0);
    return attributes;
}

/* Slices can be asked for since 6.12. */
static bool has_slices(void) {
    struct utsname name;
    int major = 0;
    int minor = 0;
    CU_ASSERT_EQUAL(uname(&name), 0);
    CU_ASSERT_EQUAL(sscanf(name.release, "%d.%d", &major, &minor), 2);
    return major > 6 || (major == 6 && minor >= 12);
}

static void *ask_twice(void *arg) {
    struct attributes *found = arg;
    gw_thread_slice(GW_SLICE_ASIDE_NS);
    found[0] = present();
    gw_thread_slice(GW_SLICE_SERVING_NS);
    found[1] = present();
    return NULL;
}

static void run(void *(*fn)(void *), void *arg) {
    pthread_t thread;
    CU_ASSERT_EQUAL_FATAL(pthread_create(&thread, NULL, fn, arg), 0);
    CU_ASSERT_EQUAL(pthread_join(thread, NULL), 0);
}

static void a_thread_gets_the_slice_it_asks_for_and_keeps_all_else(void) {
    const struct attributes before = present();
    struct attributes found[2];
    run(ask_twice, found);
    const bool is_known = has_slices() && before.policy == SCHED_OTHER;
    CU_ASSERT_EQUAL(found[0].runtime, is_known ? GW_SLICE_ASIDE_NS : before.runtime);
    CU_ASSERT_EQUAL(found[1].runtime, is_known ? GW_SLICE_SERVING_NS : before.runtime);
    CU_ASSERT_EQUAL(found[1].nice, before.nice);
    CU_ASSERT_EQUAL(found[1].policy, before.policy);
    CU_ASSERT_EQUAL(present().runtime, before.runtime); /* of that thread only */
}

static void *ask_as_idle(void *arg) {
    struct attributes *found = arg;
    const struct sched_param none = {0};
    CU_ASSERT_EQUAL(sched_setscheduler(0, SCHED_IDLE, &none), 0);
    gw_thread_slice(GW_SLICE_SERVING_NS);
    *found = present();
    return NULL;
}

static void another_policy_is_left_alone(void) {
    struct attributes found = {0};
    run(ask_as_idle, &found);
    CU_ASSERT_EQUAL(found.policy, SCHED_IDLE);
}

UNIT_MAIN(UNIT(a_thread_gets_the_slice_it_asks_for_and_keeps_all_else),
          UNIT(another_policy_is_left_alone))
