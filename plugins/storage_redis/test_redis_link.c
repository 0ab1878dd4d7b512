/* Unit tests of a connection: the test is the server, on a socket of its own. */
#include <arpa/inet.h>
#include <eventgw-sdk/fake_host.h>
#include <hiredis/hiredis.h>
#include <netinet/in.h>
#include <poll.h>
#include <unistd.h>

#include "link.h"
#include "unit.h"

#define MS 1000000u

static struct egx_fake *fake;
static int listener = -1;
static int server = -1; /* the accepted connection */
static struct redis_link *link_under_test;
static unsigned broken;
static int32_t broken_rc;
static char broken_why[512];

static void on_broken(void *arg, int32_t rc, const struct eg_why *why) {
    (void)arg;
    broken++;
    broken_rc = rc;
    (void)snprintf(broken_why, sizeof broken_why, "%.*s", (int)why->len, why->text);
}

/* Connects to the port; a listener is made when port is 0. */
static void begin(uint16_t port) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    socklen_t len = sizeof address;
    struct redis_peer peer = {.address_len = sizeof address, .name = "peer", .host = "peer"};
    struct eg_why why = {.struct_size = sizeof why};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    fake = egx_fake_new();
    broken = 0;
    if (port == 0) {
        listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        CU_ASSERT_EQUAL_FATAL(bind(listener, (struct sockaddr *)&address, len), 0);
        CU_ASSERT_EQUAL_FATAL(listen(listener, 1), 0);
        CU_ASSERT_EQUAL_FATAL(getsockname(listener, (struct sockaddr *)&address, &len), 0);
    }
    memcpy(&peer.address, &address, sizeof address);
    const struct redis_link_config config = {
        .host = egx_fake_host(fake),
        .loop = egx_fake_loop(fake),
        .peer = &peer,
        .broken = on_broken,
    };
    CU_ASSERT_EQUAL_FATAL(redis_link_open(&config, &link_under_test, &why), EG_OK);
    if (port == 0) {
        server = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
        CU_ASSERT_TRUE_FATAL(server >= 0);
    }
}

static void end(void) {
    redis_link_close(link_under_test);
    link_under_test = NULL;
    if (server >= 0) {
        (void)close(server);
        (void)close(listener);
        server = -1;
    }
    CU_ASSERT_EQUAL(egx_fake_allocations(fake), 0);
    egx_fake_free(fake);
}

/* Runs the loop until the number is reached, for so many seconds at most. */
static void run_until(const unsigned *number, unsigned wanted) {
    for (unsigned i = 0; i < 10000 && *number < wanted; i++) {
        (void)egx_fake_run(fake);
        (void)poll(NULL, 0, 1);
    }
    CU_ASSERT_TRUE(*number >= wanted);
}

/* ---- calls ---- */

struct call {
    struct redis_call pub;
    char text[32]; /* of the reply; "-" = there will be none */
};
static unsigned answered;
static bool closes_when_answered;

static void on_answered(struct redis_call *pub, const struct redisReply *reply) {
    struct call *call = (struct call *)(void *)pub;
    (void)snprintf(call->text, sizeof call->text, "%s", reply == NULL ? "-" : reply->str);
    answered++;
    if (closes_when_answered && reply != NULL) {
        redis_link_close(link_under_test);
        link_under_test = NULL;
    }
}

static void send_call(struct call *call, const char *word, struct eg_str argument) {
    struct redis_command command;
    memset(call, 0, sizeof *call);
    call->pub.answered = on_answered;
    redis_command_init(&command, egx_fake_host(fake));
    redis_command_add_c(&command, word);
    redis_command_add(&command, argument);
    redis_link_send(link_under_test, &command, &call->pub);
    redis_command_free(&command);
}

static void serve(const char *text) {
    CU_ASSERT_EQUAL(write(server, text, strlen(text)), (ssize_t)strlen(text));
}

/* What has come so far is this. */
static void check_received(struct eg_str wanted) {
    char got[256];
    size_t len = 0;
    for (unsigned i = 0; i < 10000 && len < wanted.len; i++) {
        struct pollfd readable = {.fd = server, .events = POLLIN};
        (void)egx_fake_run(fake);
        if (poll(&readable, 1, 1) > 0) {
            const ssize_t more = read(server, got + len, sizeof got - len);
            CU_ASSERT_TRUE_FATAL(more > 0);
            len += (size_t)more;
        }
    }
    CU_ASSERT_TRUE(egx_str_eq(egx_str_n(got, len), wanted));
}

/* ---- cases ---- */

static void commands_are_bytes_and_replies_come_in_order(void) {
    struct call first;
    struct call second;
    begin(0);
    answered = 0;
    send_call(&first, "GET", EGX_STR("a\0\r\n\xff"));
    send_call(&second, "ECHO", EGX_STR(""));
    CU_ASSERT_EQUAL(redis_link_waiting(link_under_test), 2);
    check_received(
        EGX_STR("*2\r\n$3\r\nGET\r\n$5\r\na\0\r\n\xff\r\n*2\r\n$4\r\nECHO\r\n$0\r\n\r\n"));
    serve("$3\r\no");
    (void)egx_fake_run(fake);
    CU_ASSERT_EQUAL(answered, 0); /* not whole yet */
    serve("ne\r\n+two\r\n");
    run_until(&answered, 2);
    CU_ASSERT_STRING_EQUAL(first.text, "one");
    CU_ASSERT_STRING_EQUAL(second.text, "two");
    CU_ASSERT_EQUAL(redis_link_waiting(link_under_test), 0);
    CU_ASSERT_EQUAL(broken, 0);
    end();
}

static void a_server_that_is_not_there_is_told(void) {
    begin(1);
    run_until(&broken, 1);
    CU_ASSERT_EQUAL(broken_rc, EG_E_UNAVAILABLE);
    CU_ASSERT_STRING_EQUAL(broken_why, "Connection refused");
    end();
}

static void a_reply_that_nobody_has_asked_for_ends_the_connection_and_not_the_process(void) {
    begin(0);
    serve("+hello\r\n");
    run_until(&broken, 1);
    CU_ASSERT_EQUAL(broken_rc, EG_E_PROTO);
    end();
    begin(0); /* as a server that is full says it */
    serve("-ERR max number of clients reached\r\n");
    run_until(&broken, 1);
    CU_ASSERT_EQUAL(broken_rc, EG_E_UNAVAILABLE);
    CU_ASSERT_STRING_EQUAL(broken_why, "ERR max number of clients reached");
    end();
    begin(0); /* of the protocol's third version, which was never agreed on */
    serve(">1\r\n:1\r\n");
    run_until(&broken, 1);
    CU_ASSERT_EQUAL(broken_rc, EG_E_PROTO);
    end();
}

static void what_is_no_protocol_ends_the_connection(void) {
    static const char deep[] = "*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\nx";
    static const char *const garbage[] = {"HTTP/1.1 200 OK\r\n", "*999999999\r\n", "$-7\r\n",
                                          ":1x\r\n", deep};
    for (size_t i = 0; i < sizeof garbage / sizeof garbage[0]; i++) {
        struct call call;
        begin(0);
        answered = 0;
        send_call(&call, "GET", EGX_STR("k"));
        serve(garbage[i]);
        run_until(&broken, 1);
        CU_ASSERT_EQUAL(broken, 1);
        CU_ASSERT_EQUAL(broken_rc, EG_E_PROTO);
        CU_ASSERT_EQUAL(answered, 0); /* its owner closes it first */
        end();
        CU_ASSERT_STRING_EQUAL(call.text, "-");
    }
}

/* Until the link breaks; true when it has taken no more than so much before. */
static bool takes_at_most(const char *part, size_t len, size_t limit) {
    size_t sent = 0;
    for (unsigned idle = 0; broken == 0 && sent <= limit && idle < 10000;) {
        const ssize_t some = send(server, part + sent % len, len - sent % len, MSG_DONTWAIT);
        sent += some > 0 ? (size_t)some : 0;
        idle = some > 0 ? 0 : idle + 1;
        (void)egx_fake_run(fake);
        if (some <= 0) {
            (void)poll(NULL, 0, 1);
        }
    }
    return broken == 1 && sent <= limit;
}

static void an_answer_that_never_ends_ends_the_connection(void) {
    static const char *const begins[] = {"$4000000000\r\n", "*1000000\r\n"};
    static char part[64 * 1024];
    for (size_t i = 0; i < sizeof begins / sizeof begins[0]; i++) {
        struct call call;
        begin(0);
        send_call(&call, "GET", EGX_STR("k"));
        memset(part, 'x', sizeof part);
        memcpy(part, "$65526\r\n", 8);
        memcpy(part + sizeof part - 2, "\r\n", 2);
        serve(begins[i]);
        CU_ASSERT_TRUE(takes_at_most(part, sizeof part, 140u * 1024u * 1024u));
        CU_ASSERT_EQUAL(broken_rc, EG_E_PROTO);
        CU_ASSERT_PTR_NOT_NULL(strstr(broken_why, "128 MiB"));
        end();
        CU_ASSERT_STRING_EQUAL(call.text, "-");
    }
}

static void what_waits_is_answered_when_the_link_is_closed(void) {
    struct call calls[3];
    begin(0);
    answered = 0;
    for (size_t i = 0; i < 3; i++) {
        send_call(&calls[i], "GET", EGX_STR("k"));
    }
    redis_link_close(link_under_test);
    link_under_test = NULL;
    CU_ASSERT_EQUAL(answered, 3);
    CU_ASSERT_STRING_EQUAL(calls[2].text, "-");
    CU_ASSERT_EQUAL(broken, 0);
    end();
}

static void a_link_may_be_closed_by_who_is_answered(void) {
    struct call first;
    struct call second;
    begin(0);
    answered = 0;
    closes_when_answered = true;
    send_call(&first, "GET", EGX_STR("k"));
    send_call(&second, "GET", EGX_STR("k"));
    serve("+one\r\n+two\r\n");
    run_until(&answered, 2);
    CU_ASSERT_STRING_EQUAL(first.text, "one");
    CU_ASSERT_STRING_EQUAL(second.text, "-");
    closes_when_answered = false;
    end();
}

static void a_server_that_hangs_up_is_told_once(void) {
    struct call call;
    begin(0);
    send_call(&call, "GET", EGX_STR("k"));
    check_received(EGX_STR("*2\r\n$3\r\nGET\r\n$1\r\nk\r\n"));
    (void)shutdown(server, SHUT_RDWR);
    run_until(&broken, 1);
    (void)egx_fake_run(fake);
    CU_ASSERT_EQUAL(broken, 1);
    CU_ASSERT_EQUAL(broken_rc, EG_E_UNAVAILABLE);
    end();
}

static void silence_counts_only_while_a_reply_is_owed(void) {
    struct call call;
    begin(0);
    answered = 0;
    egx_fake_advance(fake, 500 * MS);
    CU_ASSERT_EQUAL(redis_link_silent_ns(link_under_test), 0);
    send_call(&call, "GET", EGX_STR("k"));
    egx_fake_advance(fake, 300 * MS);
    CU_ASSERT_EQUAL(redis_link_silent_ns(link_under_test), 300 * MS);
    serve("$3\r\n"); /* a part of it is a sign of life */
    for (unsigned i = 0; i < 10000 && redis_link_silent_ns(link_under_test) > 0; i++) {
        (void)egx_fake_run(fake);
        (void)poll(NULL, 0, 1);
    }
    CU_ASSERT_EQUAL(redis_link_silent_ns(link_under_test), 0);
    egx_fake_advance(fake, 100 * MS);
    CU_ASSERT_EQUAL(redis_link_silent_ns(link_under_test), 100 * MS);
    serve("one\r\n");
    run_until(&answered, 1);
    egx_fake_advance(fake, 100 * MS);
    CU_ASSERT_EQUAL(redis_link_silent_ns(link_under_test), 0);
    end();
}

UNIT_MAIN(UNIT(commands_are_bytes_and_replies_come_in_order),
          UNIT(a_server_that_is_not_there_is_told),
          UNIT(a_reply_that_nobody_has_asked_for_ends_the_connection_and_not_the_process),
          UNIT(what_is_no_protocol_ends_the_connection),
          UNIT(an_answer_that_never_ends_ends_the_connection),
          UNIT(what_waits_is_answered_when_the_link_is_closed),
          UNIT(a_link_may_be_closed_by_who_is_answered), UNIT(a_server_that_hangs_up_is_told_once),
          UNIT(silence_counts_only_while_a_reply_is_owed))
