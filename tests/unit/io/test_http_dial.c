/* How a connection comes about: addresses one after the other and side by side (RFC 8305), on the
 * test's clock, and what is said when there is none. */
#include "hand_server.h"

#include <netdb.h>
#include <stdatomic.h>

#define FDS_SEEN 256
#define MUTE "127.0.0.2" /* has a listener whose queue is full: it never answers */

/* ---- names: "a-1-2.test" is 127.0.0.1 and 127.0.0.2 ---- */

static atomic_uint asked;

struct answer {
    struct addrinfo info;
    struct sockaddr_in address;
};

__attribute__((visibility("default"))) int getaddrinfo(const char *name, const char *service,
                                                       const struct addrinfo *hints,
                                                       struct addrinfo **ret_list) {
    struct addrinfo **next = ret_list;
    (void)service;
    (void)hints;
    atomic_fetch_add(&asked, 1);
    if (strncmp(name, "a-", 2) != 0) {
        return EAI_NONAME;
    }
    for (const char *at = name + 1; *at == '-'; at += 2) {
        struct answer *answer = calloc(1, sizeof *answer);
        answer->address = (struct sockaddr_in){
            .sin_family = AF_INET, .sin_addr = {htonl(0x7f000000u + (unsigned)(at[1] - '0'))}};
        answer->info = (struct addrinfo){.ai_family = AF_INET,
                                         .ai_addrlen = sizeof answer->address,
                                         .ai_addr = (void *)&answer->address};
        *next = &answer->info;
        next = &answer->info.ai_next;
    }
    return 0;
}
__attribute__((visibility("default"))) void freeaddrinfo(struct addrinfo *list) {
    while (list != NULL) {
        struct addrinfo *next = list->ai_next;
        free(GW_CONTAINER(list, struct answer, info));
        list = next;
    }
}

/* ---- the frame ---- */

static int mute;
static int fillers[4];

static void begin(void) {
    uint16_t port;
    engines = GW_HTTP_AUTO;
    hand_config.connect_timeout_ns = 5 * GW_NS_PER_S;
    gw_clock_hold(GW_NS_PER_S, 0);
    hand_begin();
    mute = hand_listen(MUTE, ports[0], 0, &port);
    for (size_t i = 0; i < GW_COUNT(fillers); i++) {
        struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
        inet_pton(AF_INET, MUTE, &address.sin_addr);
        fillers[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        (void)connect(fillers[i], (struct sockaddr *)&address, sizeof address);
    }
}
static void end(void) {
    for (size_t i = 0; i < GW_COUNT(fillers); i++) {
        close(fillers[i]);
    }
    close(mute);
    hand_end();
    gw_clock_release();
}

static void ask_name(struct ask *ask, const char *host, uint16_t port) {
    *ask = (struct ask){0};
    snprintf(ask->url, sizeof ask->url, "http://%s:%u/", host, port);
    ask->request = (struct eg_http_request){.struct_size = sizeof ask->request,
                                            .method = GW_STR("POST"),
                                            .url = gw_str_c(ask->url),
                                            .body = GW_STR("{}")};
    CU_ASSERT_EQUAL_FATAL(gw_http_send(client, &ask->request, on_hand_done, ask, &ask->call), 0);
}

static int count_sockets(void) {
    int count = 0;
    for (int fd = 0; fd < FDS_SEEN; fd++) {
        int type = 0;
        socklen_t len = sizeof type;
        count += getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == 0;
    }
    return count;
}

/* Until the name has been looked up and the first address is being tried: it has its socket. Only
 * then the test's clock may go on. */
static void ask_and_turn_until_tried(struct ask *ask, const char *host) {
    ask_name(ask, host, ports[0]);
    const int before = count_sockets();
    for (int i = 0; i < TURNS_MAX && count_sockets() == before; i++) {
        gw_loop_turn(loop, GW_NS_PER_MS);
    }
    CU_ASSERT_EQUAL(count_sockets(), before + 1);
}

static void expect_answer(struct ask *ask) {
    const int fd = accept_and_hear(0);
    say(fd, OK_2);
    wait_done(ask);
    CU_ASSERT_EQUAL(ask->status, 200);
    close(fd);
}

/* ---- tests ---- */

static void an_address_that_refuses_is_followed_by_the_next_at_once(void) {
    struct ask ask;
    begin();
    ask_name(&ask, "a-3-1.test", ports[0]); /* nobody listens on 127.0.0.3 */
    expect_answer(&ask);
    end();
}

static void an_address_that_is_mute_has_a_quarter_of_a_second(void) {
    struct ask ask;
    begin();
    ask_and_turn_until_tried(&ask, "a-2-1.test");
    gw_clock_advance(240 * GW_NS_PER_MS);
    CU_ASSERT_EQUAL(try_accept(0, 30), -1);
    gw_clock_advance(11 * GW_NS_PER_MS);
    expect_answer(&ask);
    end();
}

static void a_mute_address_does_not_hide_that_the_next_refuses(void) {
    struct ask ask;
    begin();
    ask_and_turn_until_tried(&ask, "a-2-3-1.test");
    gw_clock_advance(251 * GW_NS_PER_MS); /* 3 refuses, and 1 is tried at once */
    expect_answer(&ask);
    end();
}

static void all_addresses_together_have_the_time_of_a_connection(void) {
    struct ask ask;
    begin();
    ask_and_turn_until_tried(&ask, "a-2.test");
    gw_clock_advance(4900 * GW_NS_PER_MS);
    turns(5);
    CU_ASSERT_EQUAL(ask.calls, 0);
    gw_clock_advance(200 * GW_NS_PER_MS);
    wait_done(&ask);
    CU_ASSERT_EQUAL(ask.error, EG_E_TIMEOUT);
    CU_ASSERT_STRING_EQUAL(ask.message, "connecting timed out");
    end();
}

static void when_all_refuse_the_reason_is_told_and_the_name_is_asked_anew(void) {
    unsigned before = atomic_load(&asked);
    char expected[128];
    struct ask ask;
    begin();
    for (unsigned round = 1; round <= 2; round++) {
        ask_name(&ask, "a-3-4.test", ports[0]);
        wait_done(&ask);
        CU_ASSERT_EQUAL(ask.error, EG_E_UNAVAILABLE);
        snprintf(expected, sizeof expected,
                 "Failed to connect to a-3-4.test port %u: Connection refused", ports[0]);
        CU_ASSERT_STRING_EQUAL(ask.message, expected);
        CU_ASSERT_EQUAL(atomic_load(&asked), ++before);
    }
    end();
}

static void an_unknown_name_is_told_as_one(void) {
    struct ask ask;
    begin();
    ask_name(&ask, "nobody.test", ports[0]);
    wait_done(&ask);
    CU_ASSERT_EQUAL(ask.error, EG_E_UNAVAILABLE);
    CU_ASSERT_STRING_EQUAL(ask.message,
                           "Could not resolve host: nobody.test: Name or service not known");
    end();
}

static void a_call_may_be_canceled_while_it_connects(void) {
    const char *const hosts[] = {"a-2-1.test", "nobody.test", "127.0.0.1"};
    for (size_t i = 0; i < GW_COUNT(hosts); i++) {
        for (int later = 0; later < 2; later++) {
            struct ask ask;
            begin();
            ask_name(&ask, hosts[i], ports[0]);
            turns(later * 3);
            if (ask.calls == 0) {
                gw_http_cancel(ask.call);
            }
            wait_done(&ask);
            gw_clock_advance(GW_NS_PER_S);
            turns(5);
            CU_ASSERT_EQUAL(ask.calls, 1);
            CU_ASSERT_EQUAL(gw_http_client_in_flight(client), 0);
            end();
        }
    }
}

UNIT_MAIN(UNIT(an_address_that_refuses_is_followed_by_the_next_at_once),
          UNIT(an_address_that_is_mute_has_a_quarter_of_a_second),
          UNIT(a_mute_address_does_not_hide_that_the_next_refuses),
          UNIT(all_addresses_together_have_the_time_of_a_connection),
          UNIT(when_all_refuse_the_reason_is_told_and_the_name_is_asked_anew),
          UNIT(an_unknown_name_is_told_as_one), UNIT(a_call_may_be_canceled_while_it_connects))
