/* What the tests of middleware_webhook share: an instance on a fake host, and requests to it. */
#ifndef TEST_WEBHOOK_H
#define TEST_WEBHOOK_H

#include <eventgw-sdk/egx.h>
#include <eventgw-sdk/fake_host.h>

#include "unit.h"

#define FAKE_NOW 1525176000ull /* of the fake host, seconds since 1970 */
#define SECOND 1000000000ull

static struct egx_fake *fake;
static void *instance;
static struct eg_exchange *request;
static struct egx_fake_op op;
static struct eg_why why;

static inline const struct eg_component *component(void) {
    return eg_plugin.components[0];
}

static inline const struct eg_middleware_ops *hooks(void) {
    return component()->ops;
}

static inline int32_t make(const char *settings) {
    fake = egx_fake_new();
    instance = NULL;
    why = (struct eg_why){.struct_size = sizeof why};
    return egx_fake_create(fake, component(), settings, &instance, &why);
}

/* rules: the inside of the list. */
static inline int32_t make_rules(const char *rules, const char *more) {
    char settings[4096];
    (void)snprintf(settings, sizeof settings, "{\"rules\":[%s]%s}", rules, more);
    return make(settings);
}

/* The present request is over. */
static inline void finish(void) {
    if (request != NULL) {
        egx_fake_end_exchange(request);
        request = NULL;
    }
}

static inline void end(void) {
    finish();
    if (instance != NULL) {
        egx_fake_destroy(fake, component(), instance);
    }
    CU_ASSERT_EQUAL(egx_fake_allocations(fake), 0);
    egx_fake_free(fake);
}

static inline void set_time(uint64_t unix_seconds) {
    egx_fake_advance(fake, (unix_seconds - FAKE_NOW) * SECOND);
}

static inline void begin(const char *method, const char *path, const char *body) {
    finish();
    request = egx_fake_exchange(fake, method, path);
    egx_fake_set_body(request, body);
}

static inline int32_t ask(void) {
    egx_fake_op_init(fake, &op);
    const int32_t verdict = hooks()->on_request(instance, NULL, request, &op.pub);
    CU_ASSERT_EQUAL(op.done_count, 0);
    return verdict;
}

static inline void answer(uint32_t status) {
    egx_fake_host(fake)->exchange->reply(request, status, egx_str_n(NULL, 0),
                                         egx_buf_static(egx_str_n(NULL, 0)));
    CU_ASSERT_EQUAL(hooks()->on_reply(instance, NULL, request, &op.pub), EG_NEXT);
}

#define ASSERT_OPEN() CU_ASSERT_EQUAL(ask(), EG_NEXT)
#define ASSERT_SHUT(status)                                                                        \
    do {                                                                                           \
        CU_ASSERT_EQUAL(ask(), EG_STOP);                                                           \
        CU_ASSERT_EQUAL(egx_fake_reply_status(request), (status));                                 \
    } while (0)

#endif
