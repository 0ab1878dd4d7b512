/* Listening sockets: addresses as users write them, taken ports, several loops on one port. */
#include "unit.h"

#include <unistd.h>

#include "base/slice.h"
#include "io/http_server.h"

static struct eg_why why;

static int32_t try_listen(const char *address, uint16_t port, int *ret_fd, uint16_t *ret_port) {
    why = (struct eg_why){.struct_size = sizeof why};
    *ret_fd = -1;
    return gw_listen(gw_str_c(address), port, ret_fd, ret_port, &why);
}

static void addresses_as_users_write_them_are_understood(void) {
    const char *const addresses[] = {"", "*", "127.0.0.1", "localhost", "0.0.0.0"};
    for (size_t i = 0; i < sizeof addresses / sizeof addresses[0]; i++) {
        int fd;
        uint16_t port = 0;
        CU_ASSERT_EQUAL(try_listen(addresses[i], 0, &fd, &port), 0);
        CU_ASSERT_TRUE(fd >= 0);
        CU_ASSERT_TRUE(port > 0);
        close(fd);
    }
}

static void what_is_no_address_is_refused_with_its_text(void) {
    const char *const addresses[] = {
        "example.test", "256.1.1.1", "127.0.0.1:80",
        "[::1",         " ",         "1234567890123456789012345678901234567890123456789012345678"};
    for (size_t i = 0; i < sizeof addresses / sizeof addresses[0]; i++) {
        int fd;
        uint16_t port = 0;
        CU_ASSERT_EQUAL(try_listen(addresses[i], 0, &fd, &port), EG_E_INVAL);
        CU_ASSERT_EQUAL(fd, -1);
        CU_ASSERT_PTR_NOT_NULL(memmem(why.text, why.len, addresses[i], strlen(addresses[i])));
    }
}

static void a_foreign_address_is_refused_with_the_reason_of_the_system(void) {
    int fd;
    uint16_t port = 0;
    CU_ASSERT_EQUAL(try_listen("192.0.2.1", 0, &fd, &port), EG_E_IO);
    CU_ASSERT_PTR_NOT_NULL(memmem(why.text, why.len, "192.0.2.1", 9));
}

static void several_loops_share_a_port_and_the_check_finds_it_taken(void) {
    int first;
    int second;
    uint16_t port = 0;
    uint16_t same = 0;
    CU_ASSERT_EQUAL_FATAL(try_listen("127.0.0.1", 0, &first, &port), 0);
    CU_ASSERT_EQUAL(try_listen("127.0.0.1", port, &second, &same), 0);
    CU_ASSERT_EQUAL(port, same);
    CU_ASSERT_EQUAL(gw_listen_check(GW_STR("127.0.0.1"), port, &why), EG_E_IO);
    CU_ASSERT_PTR_NOT_NULL(memmem(why.text, why.len, "in use", 6));
    close(first);
    close(second);
    CU_ASSERT_EQUAL(gw_listen_check(GW_STR("127.0.0.1"), port, &why), 0);
}

UNIT_MAIN(UNIT(addresses_as_users_write_them_are_understood),
          UNIT(what_is_no_address_is_refused_with_its_text),
          UNIT(a_foreign_address_is_refused_with_the_reason_of_the_system),
          UNIT(several_loops_share_a_port_and_the_check_finds_it_taken))
