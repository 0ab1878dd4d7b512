/*
 * test_azure.h - what the unit tests of this plugin share: one instance with one function on the
 * fake host, and calls of it.
 */
#ifndef TEST_AZURE_H
#define TEST_AZURE_H

#include <eventgw-sdk/egx_http.h>
#include <eventgw-sdk/fake_host.h>

#include "provider_azure.h"
#include "unit.h"

#define SECOND_NS UINT64_C(1000000000)
#define EVENT "{\"id\":\"1\"}"

static struct egx_fake *fake;
static void *instance;
static void *slot;
static void *target;
static struct eg_target_traits traits;
static struct eg_why why;
static struct eg_str traceparent; /* of the next calls */

static inline const struct eg_component *component(void) {
    return eg_plugin_constant.components[0];
}
static inline const struct eg_provider_ops *ops(void) {
    return component()->ops;
}
static inline const char *why_text(void) {
    why.text[why.len < sizeof why.text ? why.len : sizeof why.text - 1] = '\0';
    return why.text;
}

static inline void begin(const char *settings) {
    why = (struct eg_why){.struct_size = sizeof why};
    target = NULL;
    fake = egx_fake_new();
    CU_ASSERT_EQUAL_FATAL(egx_fake_create(fake, component(), settings, &instance, &why), EG_OK);
    CU_ASSERT_EQUAL_FATAL(component()->life->attach(instance, egx_fake_loop(fake), &slot), EG_OK);
}

static inline int32_t bind(const char *provider) {
    const void *config = NULL;
    why.len = 0;
    traits = (struct eg_target_traits){.struct_size = sizeof traits};
    const int32_t rc = egx_fake_target_settings(fake, component(), provider, &config, &why);
    return rc < 0 ? rc : ops()->bind(instance, config, &target, &traits, &why);
}

static inline void end(void) {
    if (target != NULL) {
        ops()->unbind(instance, target);
    }
    component()->life->detach(instance, slot);
    egx_fake_destroy(fake, component(), instance);
    CU_ASSERT_EQUAL(egx_fake_allocations(fake), 0);
    egx_fake_free(fake);
}

static inline void invoke(struct egx_fake_op *op) {
    static struct eg_invocation invocation = {.struct_size = sizeof invocation,
                                              .payload = {EVENT, sizeof EVENT - 1}};
    invocation.traceparent = traceparent;
    egx_fake_op_init(fake, op);
    CU_ASSERT_EQUAL(ops()->invoke(instance, slot, target, &invocation, &op->pub), EG_OK);
}

/* A call to its end; ret_op to be freed. */
static inline void call(struct egx_fake_op *ret_op) {
    invoke(ret_op);
    (void)egx_fake_run(fake);
    CU_ASSERT_EQUAL(ret_op->done_count, 1);
}

static inline struct eg_str header_of(const struct egx_fake_request *request, const char *name) {
    for (size_t i = 0; i < request->header_count; i++) {
        if (egx_str_eq_nocase(request->headers[i].name, egx_str_c(name))) {
            return request->headers[i].value;
        }
    }
    return egx_str_n(NULL, 0);
}

#endif
