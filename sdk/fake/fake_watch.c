/*
 * fake_watch.c - what the fake notices besides: what was not given back, and how long callbacks
 * took.
 *
 * A buffer may outlive the fake (a test that looks at an answer last), so buffers are counted in a
 * piece of memory that whoever comes last frees.
 */
#include <stdio.h>
#include <time.h>

#include "fake_parts.h"

/* ---- buffers ---- */

struct fake_copies {
    size_t count; /* atomic; one is the fake itself */
};
struct copy {
    struct fake_copies *copies;
    char bytes[];
};

static void leave(struct fake_copies *copies) {
    if (__atomic_sub_fetch(&copies->count, 1, __ATOMIC_ACQ_REL) == 0) {
        free(copies);
    }
}

struct fake_copies *fake_copies_new(void) {
    struct fake_copies *copies = fake_alloc(sizeof *copies);
    copies->count = 1;
    return copies;
}

void fake_copies_end(struct fake_copies *copies) {
    leave(copies);
}

static void release(void *owner) {
    struct copy *copy = owner;
    leave(copy->copies);
    free(copy);
}

struct eg_buf fake_copies_make(struct fake_copies *copies, struct eg_str bytes) {
    struct copy *copy = fake_alloc(sizeof *copy + bytes.len + 1);
    copy->copies = copies;
    (void)__atomic_add_fetch(&copies->count, 1, __ATOMIC_ACQ_REL);
    if (bytes.len > 0) {
        memcpy(copy->bytes, bytes.ptr, bytes.len);
    }
    return (struct eg_buf){copy->bytes, bytes.len, release, copy};
}

/* ---- what is left ---- */

/* Other threads may post meanwhile. */
static size_t count_posts(const struct egx_fake *fake) {
    pthread_mutex_t *lock = (pthread_mutex_t *)(uintptr_t)&fake->lock;
    (void)pthread_mutex_lock(lock);
    const size_t count = fake->posts.count;
    (void)pthread_mutex_unlock(lock);
    return count;
}

void egx_fake_left(const struct egx_fake *fake, struct egx_left *ret_left) {
    const size_t roots = __atomic_load_n(&fake->json_roots, __ATOMIC_RELAXED);
    *ret_left = (struct egx_left){
        .allocations = egx_fake_allocations(fake) - roots,
        .json_roots = roots,
        .buffers = __atomic_load_n(&fake->copies->count, __ATOMIC_ACQUIRE) - 1,
        .timers = fake->timers.count,
        .watches = fake->watches.count,
        .calls = fake->calls.count,
        .function_calls = fake->function_calls.count,
        .posts = count_posts(fake),
    };
}

/* ---- time ---- */

static uint64_t real_ns(void) {
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* How long this thread was ready to run and did not: the second number of schedstat (Linux,
 * Documentation/scheduler/sched-stats). 0 where there is no such file. */
static uint64_t waited_ns(void) {
    unsigned long long ran = 0;
    unsigned long long waited = 0;
    FILE *file = fopen("/proc/thread-self/schedstat", "re");
    if (file == NULL) {
        return 0;
    }
    const int found = fscanf(file, "%llu %llu", &ran, &waited);
    (void)fclose(file);
    return found == 2 ? waited : 0;
}

/* Both of one moment: when the thread had to wait between the two readings, they are read again. */
uint64_t egx_fake_busy_ns(void) {
    uint64_t waited = waited_ns();
    uint64_t now = real_ns();
    for (uint64_t again = waited_ns(); again != waited; again = waited_ns()) {
        waited = again;
        now = real_ns();
    }
    return now - waited;
}

void egx_fake_time_callbacks(struct egx_fake *fake) {
    fake->is_timed = 1;
}

uint64_t fake_began(const struct egx_fake *fake) {
    return fake->is_timed ? egx_fake_busy_ns() : 0;
}

void fake_took(struct egx_fake *fake, uint64_t began_ns) {
    const uint64_t now_ns = fake->is_timed ? egx_fake_busy_ns() : 0;
    const uint64_t took_ns = now_ns > began_ns ? now_ns - began_ns : 0;
    fake->slowest_ns = took_ns > fake->slowest_ns ? took_ns : fake->slowest_ns;
}

uint64_t egx_fake_slowest_ns(struct egx_fake *fake) {
    const uint64_t slowest_ns = fake->slowest_ns;
    fake->slowest_ns = 0;
    return slowest_ns;
}

void egx_fake_wait(struct egx_fake *fake, uint64_t real_wait_ns) {
    struct timespec until;
    (void)clock_gettime(CLOCK_REALTIME, &until);
    const uint64_t end_ns = (uint64_t)until.tv_nsec + real_wait_ns;
    until.tv_sec += (time_t)(end_ns / 1000000000u);
    until.tv_nsec = (long)(end_ns % 1000000000u);
    (void)pthread_mutex_lock(&fake->lock);
    if (fake->posts.count == 0) {
        (void)pthread_cond_timedwait(&fake->moved, &fake->lock, &until);
    }
    (void)pthread_mutex_unlock(&fake->lock);
}
