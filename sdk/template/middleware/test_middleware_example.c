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

/* Makes the component with these settings, lets a reply pass, and says which header it got. */
static const char *header_with(struct egx_fake *fake, const char *settings_json) {
    const struct eg_component *component = eg_plugin.components[0];
    const struct eg_middleware_ops *ops = component->ops;
    struct eg_exchange *exchange = egx_fake_exchange(fake, "GET", "/");
    struct egx_fake_op op;
    void *instance = NULL;
    egx_fake_op_init(fake, &op);
    CHECK(egx_fake_create(fake, component, settings_json, &instance, NULL) == EG_OK);
    CHECK(ops->on_reply(instance, NULL, exchange, &op.pub) == EG_NEXT);
    CHECK(op.done_count == 0); /* it answered at once */
    egx_fake_destroy(fake, component, instance);
    return egx_fake_reply_header(exchange, "x-example");
}

static void the_header_has_the_text_of_the_settings(void) {
    struct egx_fake *fake = egx_fake_new();
    const char *usual = header_with(fake, NULL);
    const char *set = header_with(fake, "{\"text\": \"good morning\"}");
    const char *bad = header_with(fake, "{\"text\": \"two\\nlines\"}");
    CHECK(usual != NULL && strcmp(usual, "hello") == 0);
    CHECK(set != NULL && strcmp(set, "good morning") == 0);
    CHECK(bad == NULL && egx_fake_logged(fake, "no header value"));
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
    the_header_has_the_text_of_the_settings();
    it_keeps_the_contract();
    printf("%d failed\n", failures);
    return failures != 0;
}
