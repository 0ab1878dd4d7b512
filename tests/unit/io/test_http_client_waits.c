/* What the HTTP client waits for before a request is on its way: names that are looked up slowly
 * and a free connection. Nothing of it may hold up the loop or end a call before its own deadline.
 */
#include "engines.h"

#include <netdb.h>
#include <netinet/in.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/slice.h"
#include "io/http_client.h"

#define TURNS_MAX 3000

/* ---- the resolver: stands before libc's for libcurl too; names are looked up in its threads ----
 */

static sem_t lookup_begun;
static sem_t lookup_may_end;
static atomic_bool was_awaited;

__attribute__((visibility("default"))) int getaddrinfo(const char *name, const char *service,
                                                       const struct addrinfo *hints,
                                                       struct addrinfo **ret_list) {
    (void)name;
    (void)service;
    (void)hints;
    (void)ret_list;
    sem_post(&lookup_begun);
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += 5; /* whoever waits for this thread fails instead of hanging */
    if (sem_timedwait(&lookup_may_end, &until) != 0) {
        atomic_store(&was_awaited, true);
    }
    return EAI_AGAIN;
}

/* ---- the frame ---- */

struct result {
    size_t calls;
    int32_t status;
    int32_t error;
    char message[128];
};

static struct eg_loop *loop;
static struct gw_http_client *client;
static int listen_fd;
static uint16_t port;

static void on_done(void *arg, const struct eg_http_response *response) {
    struct result *r = arg;
    struct eg_buf body = response->body;
    r->calls++;
    r->status = response->status;
    r->error = response->error;
    snprintf(r->message, sizeof r->message, "%.*s", GW_FMT(response->message));
    gw_buf_release(&body);
}

static void begin(uint32_t connections) {
    const struct gw_http_client_config config = {.engines = engines,
                                                 .timeout_ns = 20 * GW_NS_PER_S,
                                                 .connect_timeout_ns = 2 * GW_NS_PER_S,
                                                 .max_connections_per_host = connections};
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t len = sizeof address;
    gw_clock_hold(GW_NS_PER_S, 0);
    CU_ASSERT_EQUAL_FATAL(gw_loop_create("test", &loop), 0);
    listen_fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    CU_ASSERT_EQUAL_FATAL(bind(listen_fd, (struct sockaddr *)&address, len), 0);
    CU_ASSERT_EQUAL_FATAL(listen(listen_fd, 8), 0);
    CU_ASSERT_EQUAL_FATAL(getsockname(listen_fd, (struct sockaddr *)&address, &len), 0);
    port = ntohs(address.sin_port);
    CU_ASSERT_EQUAL_FATAL(gw_http_client_create(loop, &config, &client), 0);
}

static void end(void) {
    gw_http_client_destroy(client);
    close(listen_fd);
    gw_loop_destroy(loop);
    gw_clock_release();
}

static void ask(struct eg_http_request *request, const char *url, struct result *result) {
    *request = (struct eg_http_request){.struct_size = sizeof *request,
                                        .method = GW_STR("POST"),
                                        .url = gw_str_c(url),
                                        .body = GW_STR("{}")};
    CU_ASSERT_EQUAL_FATAL(gw_http_send(client, request, on_done, result, NULL), 0);
}

static void turns(int count) {
    for (int i = 0; i < count; i++) {
        gw_loop_turn(loop, GW_NS_PER_MS);
    }
}

static void turn_until_done(const struct result *result) {
    for (int i = 0; i < TURNS_MAX && result->calls == 0; i++) {
        gw_loop_turn(loop, GW_NS_PER_MS);
    }
    CU_ASSERT_EQUAL(result->calls, 1);
}

static int accept_one(void) {
    int fd = -1;
    for (int i = 0; i < TURNS_MAX && fd < 0; i++) {
        gw_loop_turn(loop, GW_NS_PER_MS);
        fd = accept4(listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    }
    CU_ASSERT_TRUE_FATAL(fd >= 0);
    return fd;
}

/* ---- tests ---- */

static void a_name_that_is_looked_up_slowly_times_out_and_holds_nothing_up(void) {
    struct eg_http_request request;
    struct result result = {0};
    sem_init(&lookup_begun, 0, 0);
    sem_init(&lookup_may_end, 0, 0);
    begin(0);
    ask(&request, "http://slow.invalid/", &result);
    bool has_begun = false;
    for (int i = 0; i < TURNS_MAX && !has_begun; i++) {
        gw_loop_turn(loop, GW_NS_PER_MS);
        has_begun = sem_trywait(&lookup_begun) == 0;
    }
    CU_ASSERT_TRUE_FATAL(has_begun);
    gw_clock_advance(3 * GW_NS_PER_S);
    turn_until_done(&result);
    CU_ASSERT_FALSE(atomic_load(&was_awaited));
    CU_ASSERT_EQUAL(result.error, EG_E_TIMEOUT);
    CU_ASSERT_STRING_EQUAL(result.message, "connecting timed out");
    end();
    sem_post(&lookup_may_end);
}

static void a_call_that_waits_for_a_connection_has_its_own_time_for_that(void) {
    static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
    struct eg_http_request requests[2];
    struct result results[2] = {{0}, {0}};
    char url[64];
    begin(1);
    snprintf(url, sizeof url, "http://127.0.0.1:%u/", port);
    ask(&requests[0], url, &results[0]);
    ask(&requests[1], url, &results[1]);
    const int fd = accept_one();
    gw_clock_advance(10 * GW_NS_PER_S); /* much longer than connecting may take */
    turns(5);
    CU_ASSERT_EQUAL(results[0].calls + results[1].calls, 0);
    for (size_t i = 0; i < 2; i++) {
        CU_ASSERT_TRUE(send(fd, answer, sizeof answer - 1, MSG_NOSIGNAL) > 0);
        turn_until_done(&results[i]);
        CU_ASSERT_EQUAL(results[i].status, 200);
        turns(5);
    }
    close(fd);
    end();
}

static void a_call_that_never_gets_a_connection_ends_at_its_deadline(void) {
    struct eg_http_request requests[2];
    struct result results[2] = {{0}, {0}};
    char url[64];
    begin(1);
    snprintf(url, sizeof url, "http://127.0.0.1:%u/", port);
    ask(&requests[0], url, &results[0]);
    const int fd = accept_one();
    gw_clock_advance(GW_NS_PER_S);
    ask(&requests[1], url, &results[1]);
    gw_clock_advance(18 * GW_NS_PER_S);
    turns(5);
    CU_ASSERT_EQUAL(results[0].calls + results[1].calls, 0);
    gw_clock_advance(3 * GW_NS_PER_S);
    turn_until_done(&results[0]);
    turn_until_done(&results[1]);
    CU_ASSERT_EQUAL(results[0].error, EG_E_TIMEOUT);
    CU_ASSERT_EQUAL(results[1].error, EG_E_TIMEOUT);
    close(fd);
    end();
}

ENGINES_MAIN(UNIT(a_name_that_is_looked_up_slowly_times_out_and_holds_nothing_up),
             UNIT(a_call_that_waits_for_a_connection_has_its_own_time_for_that),
             UNIT(a_call_that_never_gets_a_connection_ends_at_its_deadline))
