/* domain/hosted.c: which hosts are mapped, and to what (ST-09, ST-10, ST-13). */
#include "base/slice.h"
#include "domain/hosted.h"
#include "unit.h"

static void hosts_of_the_service_are_known(void) {
    static const char *const yes[] = {"custom.slsgateway.com",   "custom.slsgateway.com:4000",
                                      "custom.eventgateway.io",  "custom.eventgateway-dev.io",
                                      "a.custom.slsgateway.com", "xslsgatewayXcomx",
                                      "eventgatewayXio",         "eventgateway-io.iox"};
    static const char *const no[] = {"",
                                     "127.0.0.1",
                                     "example.com",
                                     "slsgateway.co",
                                     "slsgatewaycom",
                                     "eventgatewayio",
                                     "eventgateway.com",
                                     "eventgateway9.9io",
                                     "eventgateway",
                                     "slsgateway"};
    for (size_t i = 0; i < sizeof yes / sizeof yes[0]; i++) {
        CU_ASSERT_TRUE(gw_is_hosted(gw_str_c(yes[i])));
    }
    for (size_t i = 0; i < sizeof no / sizeof no[0]; i++) {
        if (gw_is_hosted(gw_str_c(no[i]))) {
            printf("  not hosted: %.*s\n", GW_FMT(gw_str_c(no[i])));
        }
        CU_ASSERT_FALSE(gw_is_hosted(gw_str_c(no[i])));
    }
}

static void the_first_label_stands_in_front_of_the_path(void) {
    static const char *const rows[][4] = {
        {"custom.slsgateway.com", "/test", "/custom/test", "/custom/"},
        {"custom.slsgateway.com:80", "/", "/custom/", "/custom/"},
        {"a.custom.slsgateway.com", "/x/y", "/a/x/y", "/a/"},
        {"127.0.0.1", "/custom/test", "/custom/test", "/"},
    };
    struct gw_arena arena;
    gw_arena_init(&arena, 256);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct eg_str host = gw_str_c(rows[i][0]);
        const struct eg_str path = gw_hosted_path(&arena, host, gw_str_c(rows[i][1]));
        ASSERT_STR(path, rows[i][2]);
        ASSERT_STR(gw_hosted_received_path(&arena, host, path), rows[i][3]);
    }
    gw_arena_free(&arena);
}

UNIT_MAIN(UNIT(hosts_of_the_service_are_known), UNIT(the_first_label_stands_in_front_of_the_path))
