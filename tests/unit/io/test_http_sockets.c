/* The client's sockets by descriptor. */
#include "unit.h"

#include <unistd.h>

#include "base/mem.h"
#include "io/http_sockets.h"

static void on_event(struct gw_fd *fd, uint32_t events) {
    (void)fd;
    (void)events;
}

static void entries_stay_where_they_are_while_the_table_grows(void) {
    struct gw_http_sockets sockets = {0};
    struct eg_loop *loop = NULL;
    int owner = 0;
    CU_ASSERT_EQUAL_FATAL(gw_loop_create("test", &loop), 0);
    struct gw_http_socket *first = gw_http_socket_of(&sockets, &owner, 3);
    first->wanted = EG_FD_READ;
    CU_ASSERT_PTR_EQUAL(first->owner, &owner);
    (void)gw_http_socket_of(&sockets, &owner, 5000);
    CU_ASSERT_PTR_EQUAL(gw_http_socket_of(&sockets, &owner, 3), first);
    CU_ASSERT_EQUAL(first->wanted, EG_FD_READ);
    gw_http_socket_forget(&sockets, loop, 3);
    CU_ASSERT_EQUAL(gw_http_socket_of(&sockets, &owner, 3)->wanted, 0);
    gw_http_socket_forget(&sockets, loop, 4);     /* was never there */
    gw_http_socket_forget(&sockets, loop, 99999); /* behind the end */
    gw_http_sockets_free(&sockets, loop);
    gw_http_sockets_free(&sockets, loop);
    gw_loop_destroy(loop);
}

static void what_is_forgotten_is_no_longer_watched(void) {
    struct gw_http_sockets sockets = {0};
    struct eg_loop *loop = NULL;
    int ends[2];
    CU_ASSERT_EQUAL_FATAL(gw_loop_create("test", &loop), 0);
    CU_ASSERT_EQUAL_FATAL(pipe(ends), 0);
    struct gw_http_socket *socket = gw_http_socket_of(&sockets, NULL, ends[0]);
    CU_ASSERT_EQUAL(gw_fd_watch(loop, &socket->fd, ends[0], EG_FD_READ, on_event), EG_OK);
    gw_http_socket_forget(&sockets, loop, ends[0]);
    CU_ASSERT_EQUAL(write(ends[1], "x", 1), 1);
    gw_loop_turn(loop, 0); /* would call into what is freed */
    gw_http_sockets_free(&sockets, loop);
    gw_loop_destroy(loop);
    (void)close(ends[0]);
    (void)close(ends[1]);
}

UNIT_MAIN(UNIT(entries_stay_where_they_are_while_the_table_grows),
          UNIT(what_is_forgotten_is_no_longer_watched))
