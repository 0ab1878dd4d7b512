/* What can be configured, without a server. */
#include <stdlib.h>

#include <eventgw-sdk/egx.h>
#include <eventgw-sdk/fake_host.h>

#include "unit.h"

/* Creates with these settings; what was said when they were refused, NULL when they were not. */
static const char *refusal(const char *settings) {
    static char text[1100];
    struct egx_fake *fake = egx_fake_new();
    const struct eg_component *component = eg_plugin.components[0];
    struct eg_why why = {.struct_size = sizeof why};
    void *instance = NULL;
    const int32_t rc = egx_fake_create(fake, component, settings, &instance, &why);
    (void)snprintf(text, sizeof text, "%.*s", (int)why.len, why.text);
    if (rc == EG_OK) {
        egx_fake_destroy(fake, component, instance);
    }
    CU_ASSERT_EQUAL(egx_fake_allocations(fake), 0);
    egx_fake_free(fake);
    return rc == EG_OK ? NULL : text;
}

static void assert_refused(const char *settings, const char *part) {
    const char *said = refusal(settings);
    CU_ASSERT_PTR_NOT_NULL_FATAL(said);
    if (strstr(said, part) == NULL) {
        printf("  said \"%s\"\n", said);
        CU_FAIL("the sentence does not name the reason");
    }
}

static void the_defaults_and_good_settings_are_taken(void) {
    CU_ASSERT_PTR_NULL(refusal("{}"));
    CU_ASSERT_PTR_NULL(refusal("{\"servers\":[\"a.example:2181\",\"[::1]:2182\"],"
                               "\"root\":\"/company/event-gateway\","
                               "\"username\":\"u\",\"password\":\"p:q\"}"));
}

static void servers_that_are_none_are_refused(void) {
    assert_refused("{\"servers\":[]}", "at least one");
    assert_refused("{\"servers\":[\"localhost\"]}", "'localhost' is not host:port");
    assert_refused("{\"servers\":[\":2181\"]}", "not host:port");
    assert_refused("{\"servers\":[\"a:0\"]}", "not host:port");
    assert_refused("{\"servers\":[\"a:02181\"]}", "not host:port"); /* octal to the library */
    assert_refused("{\"servers\":[\"a:65536\"]}", "not host:port");
    assert_refused("{\"servers\":[\"a:2181/chroot\"]}", "not host:port");
    assert_refused("{\"servers\":[\"a:1,b:2\"]}", "not host:port");
}

static void roots_that_are_no_paths_are_refused(void) {
    static const char *const roots[] = {"",        "/",  "event-gateway", "/a/",     "//a", "/a//b",
                                        "/a/../b", "/.", "/a b",          "/\\u00e4"};
    for (size_t i = 0; i < EGX_COUNT(roots); i++) {
        char settings[100];
        (void)snprintf(settings, sizeof settings, "{\"root\":\"%s\"}", roots[i]);
        assert_refused(settings, "root has to be an absolute path");
    }
}

static void half_of_the_credentials_is_refused(void) {
    assert_refused("{\"username\":\"u\"}", "go together");
    assert_refused("{\"password\":\"p\"}", "go together");
    assert_refused("{\"username\":\"u:v\",\"password\":\"p\"}", "colon");
}

UNIT_MAIN(UNIT(the_defaults_and_good_settings_are_taken), UNIT(servers_that_are_none_are_refused),
          UNIT(roots_that_are_no_paths_are_refused), UNIT(half_of_the_credentials_is_refused))
