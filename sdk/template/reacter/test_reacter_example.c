/* Tests the plugin without a gateway: the fake host runs it. */
#include <eventgw-sdk/check.h>
#include <eventgw-sdk/egx.h>
#include <eventgw-sdk/fake_host.h>
#include <stdio.h>
#include <string.h>

static int failures;
#define CHECK(what)                                                                                \
    do {                                                                                           \
        if (!(what)) {                                                                             \
            printf("%s:%d: %s\n", __FILE__, __LINE__, #what);                                      \
            failures++;                                                                            \
        }                                                                                          \
    } while (0)

static void a_failed_function_is_counted_and_logged_when_that_is_wanted(void) {
    const struct eg_component *component = eg_plugin.components[0];
    const struct eg_reacter_ops *ops = component->ops;
    struct egx_fake *fake = egx_fake_new();
    struct eg_event *event = egx_fake_event(fake, "{\"data\": {\"error\": \"it broke\"}}");
    struct egx_fake_op op;
    void *instance = NULL;
    size_t count = 0;
    egx_fake_op_init(fake, &op);
    CHECK(egx_fake_create(fake, component, "{\"log\": true}", &instance, NULL) == EG_OK);
    CHECK(strcmp(ops->interests(instance, &count)[0]->event_type,
                 "eventgateway.function.invocationFailed") == 0);
    CHECK(count == 1);
    CHECK(ops->react(instance, NULL, event, &op.pub) == EG_NEXT);
    CHECK(egx_fake_metric(fake, "example_failed_total", "") == 1);
    CHECK(egx_fake_logged(fake, "it broke"));
    egx_fake_destroy(fake, component, instance);
    CHECK(egx_fake_allocations(fake) == 0);
    egx_fake_free(fake);
}

static void told(void *arg, uint32_t what, const char *sentence) {
    (void)arg;
    if (what == EGX_CHECK_BREACH) {
        printf("%s\n", sentence);
    }
}

static void it_keeps_the_contract(void) {
    struct egx_check check = {.struct_size = sizeof check, .told = told};
    check.component = eg_plugin.components[0];
    CHECK(egx_check_component(&check, NULL) == 0);
}

int main(void) {
    a_failed_function_is_counted_and_logged_when_that_is_wanted();
    it_keeps_the_contract();
    printf("%d failed\n", failures);
    return failures != 0;
}
