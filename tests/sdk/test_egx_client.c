/*
 * Unit tests of egx_client.h: addresses, networks, and who is behind which proxies.
 */
#include <eventgw-sdk/egx.h>
#include <eventgw-sdk/egx_client.h>
#include <eventgw-sdk/fake_host.h>

#include "unit.h"

static const char *text_of(const struct egx_address *address) {
    static char text[INET6_ADDRSTRLEN];
    return inet_ntop(address->is_v4 ? AF_INET : AF_INET6, address->bytes, text, sizeof text);
}

static void addresses_are_read_in_one_way(void) {
    static const struct {
        const char *text;
        const char *read; /* NULL: no address */
    } rows[] = {{"192.0.2.1", "192.0.2.1"},
                {"2001:DB8::1", "2001:db8::1"},
                {"[2001:db8::1]", "2001:db8::1"},
                {"::ffff:192.0.2.1", "192.0.2.1"},
                {"::ffff:c000:201", "192.0.2.1"},
                {"", NULL},
                {"192.0.2", NULL},
                {"192.0.2.01", NULL},
                {"0x7f.1", NULL},
                {"192.0.2.1 ", NULL},
                {"example.com", NULL},
                {"fe80::1%eth0", NULL},
                {"[]", NULL},
                {"0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000", NULL}};
    for (size_t i = 0; i < EGX_COUNT(rows); i++) {
        struct egx_address address;
        CU_ASSERT_EQUAL(egx_address_parse(egx_str_c(rows[i].text), &address), rows[i].read != NULL);
        if (rows[i].read != NULL) {
            CU_ASSERT_STRING_EQUAL(text_of(&address), rows[i].read);
        }
    }
    struct egx_address address;
    CU_ASSERT_FALSE(egx_address_parse(EGX_STR("1.2.3.4\0"), &address));
}

static void a_network_has_what_its_prefix_says(void) {
    static const struct {
        const char *network;
        const char *address;
        int has;
    } rows[] = {{"10.0.0.0/8", "10.255.1.1", 1},
                {"10.0.0.0/8", "11.0.0.0", 0},
                {"192.0.2.4/30", "192.0.2.7", 1},
                {"192.0.2.4/30", "192.0.2.8", 0},
                {"0.0.0.0/0", "1.2.3.4", 1},
                {"0.0.0.0/0", "::1", 0},
                {"192.0.2.1", "192.0.2.1", 1},
                {"192.0.2.1", "192.0.2.2", 0},
                {"2001:db8::/32", "2001:db8:1::", 1},
                {"2001:db8::/33", "2001:db8:8000::", 0},
                {"::/0", "2001:db8::", 1},
                {"::1", "::1", 1},
                {"127.0.0.0/8", "::ffff:127.0.0.1", 1}};
    static const char *const bad[] = {"10.0.0.0/33", "10.0.0.1/8", "10.0.0.0/",    "10.0.0.0/8 ",
                                      "/8",          "::/129",     "10/8",         "::1/64",
                                      "10.0.0.0/-1", "",           "10.0.0.0/0008"};
    struct egx_network network;
    struct egx_address address;
    for (size_t i = 0; i < EGX_COUNT(rows); i++) {
        CU_ASSERT_TRUE_FATAL(egx_network_parse(egx_str_c(rows[i].network), &network));
        CU_ASSERT_TRUE_FATAL(egx_address_parse(egx_str_c(rows[i].address), &address));
        CU_ASSERT_EQUAL(egx_network_has(&network, &address), rows[i].has);
    }
    for (size_t i = 0; i < EGX_COUNT(bad); i++) {
        CU_ASSERT_FALSE(egx_network_parse(egx_str_c(bad[i]), &network));
    }
}

static void only_trusted_proxies_are_believed(void) {
    static const struct {
        const char *peer;
        const char *lines[3]; /* of X-Forwarded-For */
        const char *client;
    } rows[] = {
        {"192.0.2.9", {"203.0.113.1"}, "192.0.2.9"}, /* a client that writes the header itself */
        {"10.0.0.1", {NULL}, "10.0.0.1"},
        {"10.0.0.1", {""}, "10.0.0.1"},
        {"10.0.0.1", {"203.0.113.1"}, "203.0.113.1"},
        {"10.0.0.1", {"198.51.100.7, 203.0.113.1"}, "203.0.113.1"},
        {"10.0.0.1", {"203.0.113.1, 10.0.0.2"}, "203.0.113.1"},
        {"10.0.0.1", {"198.51.100.7", "203.0.113.1,10.0.0.2", "10.0.0.3"}, "203.0.113.1"},
        {"10.0.0.1", {"10.0.0.3, 10.0.0.2"}, "10.0.0.3"},
        {"10.0.0.1", {"203.0.113.1:4711"}, "203.0.113.1"},
        {"10.0.0.1", {"[2001:db8::1]:80"}, "2001:db8::1"},
        {"10.0.0.1", {"2001:db8::1"}, "2001:db8::1"},
        {"10.0.0.1", {"203.0.113.1, unknown"}, "10.0.0.1"},
        {"10.0.0.1", {"203.0.113.1, unknown, 10.0.0.2"}, "10.0.0.2"},
        {"10.0.0.1", {"203.0.113.1,"}, "10.0.0.1"},
        {"10.0.0.1", {","}, "10.0.0.1"},
        {"10.0.0.1", {"203.0.113.1:"}, "10.0.0.1"},
        {"::ffff:10.0.0.1", {"203.0.113.1"}, "203.0.113.1"},
    };
    struct egx_fake *fake = egx_fake_new();
    struct egx_network trusted;
    CU_ASSERT_TRUE_FATAL(egx_network_parse(EGX_STR("10.0.0.0/8"), &trusted));
    for (size_t i = 0; i < EGX_COUNT(rows); i++) {
        struct eg_exchange *request = egx_fake_exchange(fake, "GET", "/");
        struct egx_address client;
        egx_fake_set_peer(request, rows[i].peer);
        for (size_t k = 0; k < 3 && rows[i].lines[k] != NULL; k++) {
            egx_fake_add_header(request, "x-forwarded-for", rows[i].lines[k]);
        }
        CU_ASSERT_TRUE_FATAL(
            egx_client_address(egx_fake_host(fake), request, &trusted, 1, &client));
        CU_ASSERT_STRING_EQUAL(text_of(&client), rows[i].client);
        CU_ASSERT_TRUE_FATAL(egx_client_address(egx_fake_host(fake), request, NULL, 0, &client));
    }
    struct eg_exchange *request = egx_fake_exchange(fake, "GET", "/");
    struct egx_address client;
    egx_fake_set_peer(request, "somewhere");
    CU_ASSERT_FALSE(egx_client_address(egx_fake_host(fake), request, &trusted, 1, &client));
    egx_fake_free(fake);
}

UNIT_MAIN(UNIT(addresses_are_read_in_one_way), UNIT(a_network_has_what_its_prefix_says),
          UNIT(only_trusted_proxies_are_believed))
