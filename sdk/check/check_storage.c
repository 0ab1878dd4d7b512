/*
 * check_storage.c - calls of a store. The store's server is not part of this: where the settings
 * lead to none, each call has to end with an error, and a watch has to close. What a store has to
 * keep and tell is the matter of a contract suite with the real server, not of this check.
 */
#include "check_parts.h"

struct watcher {
    struct eg_watch pub; /* first */
    struct check_call *call;
    uint32_t closed; /* atomic */
    uint32_t late;   /* atomic: words after the last one */
};

static void changed(struct eg_watch *pub, const struct eg_change *change) {
    struct watcher *watcher = (struct watcher *)(void *)pub;
    if (__atomic_load_n(&watcher->closed, __ATOMIC_ACQUIRE) > 0) {
        (void)__atomic_add_fetch(&watcher->late, 1, __ATOMIC_ACQ_REL);
    }
    if (change->kind == EG_CHANGE_CLOSED) {
        (void)__atomic_add_fetch(&watcher->closed, 1, __ATOMIC_ACQ_REL);
    }
}

static struct check_call begin(struct check_subject *subject, const char *name, const char *with,
                               enum check_weather weather) {
    struct check_call call = check_begin(subject, name, with, 1);
    call.weather = weather;
    return call;
}

static void read_and_write(struct check_subject *subject, enum check_weather weather) {
    static const char binary[] = "check/\x01\xff key";
    const struct eg_storage_ops *ops = subject->run->component->ops;
    const struct eg_str key = egx_str_n(binary, sizeof binary - 1);
    void *self = subject->instance;
    struct eg_result result;
    struct check_call call = begin(subject, "get", "a key that is not there", weather);
    (void)check_judge(&call, ops->get(self, key, &call.op->pub), 0, NULL, &result);
    call = begin(subject, "put", "a key of bytes", weather);
    const int32_t rc = ops->put(self, key, EGX_STR("{}"), EG_REV_ABSENT, &call.op->pub);
    const int32_t status = check_judge(&call, rc, 0, NULL, &result);
    if (status == EG_OK && result.revision == 0) {
        check_breach(&call, "it worked and told no revision");
    }
    const uint64_t revision = result.revision;
    call = begin(subject, "list", "", weather);
    (void)check_judge(&call, ops->list(self, EGX_STR("check/"), &call.op->pub), 0, NULL, &result);
    call = begin(subject, "remove", "what was put", weather);
    (void)check_judge(
        &call, ops->remove(self, key, status == EG_OK ? revision : EG_REV_ANY, &call.op->pub), 0,
        NULL, &result);
}

/* Real time only passes where a thread of the store has something to say. */
static void wait_closed(struct check_call *call, const struct watcher *watcher) {
    const uint64_t given_ns = call->subject->run->check->patience_ns;
    const uint64_t end_ns = egx_fake_busy_ns() + (given_ns == 0 ? 2000000000u : given_ns);
    while (__atomic_load_n(&watcher->closed, __ATOMIC_ACQUIRE) == 0 &&
           egx_fake_busy_ns() < end_ns) {
        check_settle(call);
        egx_fake_advance(call->subject->fake, 100000000u);
        egx_fake_wait(call->subject->fake, 2000000u);
    }
    check_settle(call);
}

static void watch(struct check_subject *subject) {
    const struct eg_storage_ops *ops = subject->run->component->ops;
    struct watcher *watcher = fake_keep(subject->fake, sizeof *watcher);
    watcher->pub.struct_size = sizeof watcher->pub;
    watcher->pub.changed = changed;
    struct check_call call = check_begin(subject, "watch", "", 0);
    const int32_t rc = ops->watch(subject->instance, EGX_STR("check/"), 0, &watcher->pub);
    check_returned(&call);
    check_settle(&call);
    if (rc < 0) {
        check_breach(&call, "it refused (%s); a store that is away tells EG_CHANGE_DOWN",
                     egx_error_text(rc));
        return;
    }
    call = check_begin(subject, "unwatch", "", 0);
    ops->unwatch(subject->instance, &watcher->pub);
    check_returned(&call);
    wait_closed(&call, watcher);
    if (watcher->closed == 0) {
        check_breach(&call, "EG_CHANGE_CLOSED never came");
        subject->is_stuck = 1;
    }
    if (watcher->late > 0) {
        check_breach(&call, "it told %u changes after EG_CHANGE_CLOSED", watcher->late);
    }
}

void check_storage(struct check_subject *subject, int is_short) {
    (void)is_short;
    read_and_write(subject, CHECK_FAILING);
    const int asks = egx_fake_request_count(subject->fake) > 0;
    for (uint32_t weather = CHECK_FAILING + 1; asks && weather < CHECK_WEATHERS; weather++) {
        read_and_write(subject, (enum check_weather)weather);
    }
    check_stage(subject->run, "get, put, list, remove");
    watch(subject);
    check_stage(subject->run, "watch, unwatch");
}
