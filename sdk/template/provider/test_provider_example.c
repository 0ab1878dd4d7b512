/* Tests the plugin without a gateway: the fake host runs it, and answers its HTTP requests. */
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

#define FUNCTION "{\"url\": \"http://function/\"}"

static void a_function_is_called_and_its_answer_given_on(void) {
    const struct eg_component *component = eg_plugin.components[0];
    const struct eg_provider_ops *ops = component->ops;
    struct egx_fake *fake = egx_fake_new();
    struct eg_invocation invocation = {.struct_size = sizeof invocation};
    struct eg_target_traits traits = {.struct_size = sizeof traits};
    const void *config = NULL;
    void *instance = NULL;
    void *slot = NULL;
    void *target = NULL;
    struct egx_fake_op op;
    egx_fake_op_init(fake, &op);
    invocation.payload = EGX_STR("{\"id\":\"1\"}");
    CHECK(egx_fake_create(fake, component, NULL, &instance, NULL) == EG_OK);
    CHECK(component->life->attach(instance, egx_fake_loop(fake), &slot) == EG_OK);
    CHECK(egx_fake_target_settings(fake, component, FUNCTION, &config, NULL) == EG_OK);
    CHECK(ops->bind(instance, config, &target, &traits, NULL) == EG_OK);
    CHECK(ops->invoke(instance, slot, target, &invocation, &op.pub) == EG_OK);
    CHECK(strcmp(egx_fake_sent(fake, 0)->url, "http://function/") == 0);
    egx_fake_answer(fake, 200, NULL, "answer");
    egx_fake_run(fake);
    CHECK(op.done_count == 1 && op.status == EG_OK);
    CHECK(op.result.http_status == 200 && op.result.body.len == 6);
    egx_fake_op_free(&op);
    ops->unbind(instance, target);
    component->life->detach(instance, slot);
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
    check.target_json = FUNCTION;
    CHECK(egx_check_component(&check, NULL) == 0);
}

int main(void) {
    a_function_is_called_and_its_answer_given_on();
    it_keeps_the_contract();
    printf("%d failed\n", failures);
    return failures != 0;
}
