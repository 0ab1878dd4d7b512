/* Answers that are told piece by piece: a server that the test plays by hand, on the test's clock.
 */
#include "engines.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/slice.h"
#include "io/http_client.h"

#define TURNS_MAX 3000
#define HEAD "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"

static struct eg_loop *loop;
static struct gw_http_client *client;
static int listen_fd;
static int server_fd; /* the one connection, once accepted */
static struct eg_http_call *call;
static struct eg_http_request request;
static char url[64];

static struct {
    unsigned calls;
    int32_t status;
    int32_t error;
    char body[64];
    char pieces[256];
    size_t piece_bytes;
    bool cancels; /* in on_data */
    bool was_canceled_inside;
} seen;

static void on_done(void *arg, const struct eg_http_response *response) {
    struct eg_buf body = response->body;
    CU_ASSERT_PTR_EQUAL(arg, &seen);
    seen.calls++;
    seen.status = response->status;
    seen.error = response->error;
    (void)snprintf(seen.body, sizeof seen.body, "%.*s", (int)body.len,
                   body.len == 0 ? "" : body.ptr);
    gw_buf_release(&body);
}

static void on_data(void *arg, struct eg_str piece) {
    CU_ASSERT_PTR_EQUAL(arg, &seen);
    const size_t at = strlen(seen.pieces);
    seen.piece_bytes += piece.len;
    (void)snprintf(seen.pieces + at, sizeof seen.pieces - at, "%.*s|", GW_FMT(piece));
    if (seen.cancels) {
        gw_http_cancel(call);
        seen.was_canceled_inside = seen.calls > 0;
    }
}

static void turn_until(const unsigned *value, unsigned wanted) {
    for (int i = 0; i < TURNS_MAX && *value < wanted; i++) {
        gw_loop_turn(loop, GW_NS_PER_MS);
    }
    CU_ASSERT_EQUAL(*value, wanted);
}

static void begin(void) {
    const struct gw_http_client_config config = {.engines = engines,
                                                 .connect_timeout_ns = 2 * GW_NS_PER_S};
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t len = sizeof address;
    memset(&seen, 0, sizeof seen);
    gw_clock_hold(GW_NS_PER_S, 0);
    CU_ASSERT_EQUAL_FATAL(gw_loop_create("test", &loop), 0);
    listen_fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    CU_ASSERT_EQUAL_FATAL(bind(listen_fd, (struct sockaddr *)&address, len), 0);
    CU_ASSERT_EQUAL_FATAL(listen(listen_fd, 8), 0);
    CU_ASSERT_EQUAL_FATAL(getsockname(listen_fd, (struct sockaddr *)&address, &len), 0);
    (void)snprintf(url, sizeof url, "http://127.0.0.1:%u/", ntohs(address.sin_port));
    CU_ASSERT_EQUAL_FATAL(gw_http_client_create(loop, &config, &client), 0);
    request = (struct eg_http_request){.struct_size = sizeof request,
                                       .method = GW_STR("POST"),
                                       .url = gw_str_c(url),
                                       .body = GW_STR("{}"),
                                       .timeout_ns = UINT64_MAX,
                                       .on_data = on_data,
                                       .idle_timeout_ns = 20 * GW_NS_PER_S};
    CU_ASSERT_EQUAL_FATAL(gw_http_send(client, &request, on_done, &seen, &call), 0);
    server_fd = -1;
    for (int i = 0; i < TURNS_MAX && server_fd < 0; i++) {
        gw_loop_turn(loop, GW_NS_PER_MS);
        server_fd = accept4(listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    }
    CU_ASSERT_TRUE_FATAL(server_fd >= 0);
    char scrap[1024];
    for (int i = 0; i < TURNS_MAX && recv(server_fd, scrap, sizeof scrap, 0) <= 0; i++) {
        gw_loop_turn(loop, GW_NS_PER_MS);
    }
}

static void end(void) {
    gw_http_client_destroy(client);
    close(server_fd);
    close(listen_fd);
    gw_loop_destroy(loop);
    gw_clock_release();
}

static void say(const char *text) {
    CU_ASSERT_EQUAL(send(server_fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

static void say_piece(const char *text) {
    char chunk[128];
    const size_t wanted = seen.piece_bytes + strlen(text);
    (void)snprintf(chunk, sizeof chunk, "%zx\r\n%s\r\n", strlen(text), text);
    say(chunk);
    for (int i = 0; i < TURNS_MAX && seen.piece_bytes < wanted && seen.calls == 0; i++) {
        gw_loop_turn(loop, GW_NS_PER_MS);
    }
}

static void pieces_are_told_as_they_come_and_the_end_has_no_body(void) {
    begin();
    say(HEAD);
    say_piece("one");
    CU_ASSERT_STRING_EQUAL(seen.pieces, "one|");
    gw_clock_advance(10 * GW_NS_PER_S);
    say_piece("two");
    CU_ASSERT_STRING_EQUAL(seen.pieces, "one|two|");
    CU_ASSERT_EQUAL(seen.calls, 0);
    say("0\r\n\r\n");
    turn_until(&seen.calls, 1);
    CU_ASSERT_EQUAL(seen.status, 200);
    CU_ASSERT_EQUAL(seen.error, EG_OK);
    CU_ASSERT_STRING_EQUAL(seen.body, "");
    end();
}

static void other_answers_are_collected_as_always(void) {
    begin();
    say("HTTP/1.1 503 No\r\nContent-Length: 4\r\n\r\nbusy");
    turn_until(&seen.calls, 1);
    CU_ASSERT_EQUAL(seen.status, 503);
    CU_ASSERT_STRING_EQUAL(seen.body, "busy");
    CU_ASSERT_STRING_EQUAL(seen.pieces, "");
    end();
}

static void a_stream_has_no_end_in_time_but_silence_ends_it(void) {
    begin();
    say(HEAD);
    for (unsigned i = 0; i < 10; i++) {
        gw_clock_advance(19 * GW_NS_PER_S);
        say_piece("x");
        CU_ASSERT_EQUAL(seen.calls, 0);
    }
    gw_clock_advance(20 * GW_NS_PER_S);
    turn_until(&seen.calls, 1);
    CU_ASSERT_EQUAL(seen.error, EG_E_TIMEOUT);
    end();
}

static void a_server_that_never_answers_is_silence_too(void) {
    begin();
    gw_clock_advance(21 * GW_NS_PER_S);
    turn_until(&seen.calls, 1);
    CU_ASSERT_EQUAL(seen.error, EG_E_TIMEOUT);
    end();
}

static void a_call_may_be_canceled_by_its_own_piece(void) {
    begin();
    seen.cancels = true;
    say(HEAD);
    say_piece("one");
    turn_until(&seen.calls, 1);
    CU_ASSERT_EQUAL(seen.error, EG_E_CANCELED);
    CU_ASSERT_FALSE(seen.was_canceled_inside);
    CU_ASSERT_STRING_EQUAL(seen.pieces, "one|");
    end();
}

/* Inside on_data, where libcurl itself takes no calls. */
static struct {
    unsigned calls;
    int32_t error;
} other;
static struct eg_http_call *other_call;
static bool begins_other;
static bool cancels_other;

static void on_other_done(void *arg, const struct eg_http_response *response) {
    struct eg_buf body = response->body;
    (void)arg;
    other.calls++;
    other.error = response->error;
    gw_buf_release(&body);
}

static struct eg_http_request other_request;

static void on_data_acts(void *arg, struct eg_str piece) {
    const unsigned before = other.calls;
    on_data(arg, piece);
    if (begins_other) {
        CU_ASSERT_EQUAL(gw_http_send(client, &other_request, on_other_done, NULL, &other_call), 0);
        begins_other = false;
    } else if (cancels_other) {
        gw_http_cancel(other_call);
        cancels_other = false;
    }
    CU_ASSERT_EQUAL(other.calls, before);
}

static void another_call_may_be_begun_and_canceled_by_a_piece(void) {
    static const char answer[] = "HTTP/1.1 204 Nothing\r\n\r\n";
    for (unsigned round = 0; round < 2; round++) {
        memset(&other, 0, sizeof other);
        begins_other = true;
        cancels_other = false;
        begin();
        request.on_data = on_data_acts;
        other_request = (struct eg_http_request){
            .struct_size = sizeof other_request, .method = GW_STR("GET"), .url = gw_str_c(url)};
        say(HEAD);
        say_piece("one");
        int fd = -1;
        for (int i = 0; i < TURNS_MAX && fd < 0; i++) {
            gw_loop_turn(loop, GW_NS_PER_MS);
            fd = accept4(listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        }
        CU_ASSERT_TRUE_FATAL(fd >= 0);
        cancels_other = round == 1;
        say_piece("two");
        if (round == 0) {
            CU_ASSERT_EQUAL(send(fd, answer, sizeof answer - 1, MSG_NOSIGNAL),
                            (ssize_t)sizeof answer - 1);
        }
        turn_until(&other.calls, 1);
        CU_ASSERT_EQUAL(other.error, round == 0 ? EG_OK : EG_E_CANCELED);
        CU_ASSERT_EQUAL(seen.calls, 0);
        say_piece("three");
        CU_ASSERT_STRING_EQUAL(seen.pieces, "one|two|three|");
        close(fd);
        end();
    }
}

static void a_stream_that_is_cut_is_an_error_after_its_pieces(void) {
    begin();
    say(HEAD);
    say_piece("one");
    (void)shutdown(server_fd, SHUT_RDWR);
    turn_until(&seen.calls, 1);
    CU_ASSERT_TRUE(seen.error == EG_E_IO || seen.error == EG_E_PROTO);
    CU_ASSERT_STRING_EQUAL(seen.pieces, "one|");
    end();
}

ENGINES_MAIN(UNIT(pieces_are_told_as_they_come_and_the_end_has_no_body),
             UNIT(other_answers_are_collected_as_always),
             UNIT(a_stream_has_no_end_in_time_but_silence_ends_it),
             UNIT(a_server_that_never_answers_is_silence_too),
             UNIT(a_call_may_be_canceled_by_its_own_piece),
             UNIT(another_call_may_be_begun_and_canceled_by_a_piece),
             UNIT(a_stream_that_is_cut_is_an_error_after_its_pieces))
