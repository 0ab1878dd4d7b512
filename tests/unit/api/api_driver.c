/* api_driver.c - see the header. */
#include "api/api_driver.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/slice.h"
#include "plugin/loader.h"

#define MAX_CLIENTS 320
#define MAX_TURNS 5000

struct api_client {
    int fd;
    struct gw_bytes out;
    size_t sent;
    struct gw_bytes in;
    bool is_ended;
};

static struct {
    struct eg_loop *loop;
    struct gw_manager *manager;
    struct gw_catalog *catalog;
    struct gw_publisher *publisher;
    struct gw_config_api *api;
    struct gw_config_api *other;
    struct gw_http_server *server;
    uint16_t port;
    struct api_client clients[MAX_CLIENTS];
    size_t client_count;
    struct gw_arena arena;
    bool is_done;
} driver;

/* Instead of the table that CMake writes for a gateway. */
const struct eg_plugin *const *gw_static_plugins(size_t *ret_count) {
    static const struct eg_plugin *const plugins[] = {&fake_storage_plugin, &fake_providers_plugin};
    *ret_count = 2;
    return plugins;
}

/* ---- start and stop ---- */

static void must(bool holds, const char *what) {
    if (!holds) {
        fprintf(stderr, "api_driver: %s\n", what);
        abort();
    }
}

static void turn_until_done(const char *what) {
    for (unsigned i = 0; !driver.is_done && i < MAX_TURNS; i++) {
        gw_loop_turn(driver.loop, GW_NS_PER_MS);
    }
    must(driver.is_done, what);
    driver.is_done = false;
}

static void on_status(void *arg, int32_t status, struct eg_str why) {
    (void)arg;
    if (status < 0) {
        fprintf(stderr, "api_driver: %.*s\n", GW_FMT(why));
    }
    must(status == EG_OK, "start failed");
    driver.is_done = true;
}

static void on_end(void *arg) {
    (void)arg;
    driver.is_done = true;
}

static void on_manager_end(void *arg, uint32_t ops_left) {
    (void)arg;
    must(ops_left == 0, "ops were left");
    driver.is_done = true;
}

static void on_change(void *arg, struct gw_catalog *catalog) {
    (void)arg;
    if (driver.publisher != NULL) {
        gw_publisher_publish(driver.publisher, catalog, NULL, NULL);
    }
}

static void on_routed(void *arg) {
    (void)arg;
    gw_config_api_routed(driver.api);
}

static void on_gone(void *arg, struct gw_http_request *request) {
    (void)arg;
    gw_config_api_gone(driver.api, request);
}

static void on_refuse(void *arg, struct gw_http_request *request, const char *reason,
                      struct gw_http_reply *reply) {
    (void)arg;
    gw_config_api_refuse(driver.api, request, reason, reply);
}

static void on_request(void *arg, struct gw_http_request *request) {
    (void)arg;
    const bool is_other = gw_http_header(request, GW_STR("X-Node"), 0).ptr != NULL;
    gw_config_api_request(is_other ? driver.other : driver.api, request);
}

static void add_component(uint32_t kind, const char *name) {
    struct eg_why why = {.struct_size = sizeof why};
    struct gw_instance *instance = NULL;
    const struct eg_component *component =
        gw_manager_component(driver.manager, kind, gw_str_c(name));
    must(component != NULL, name);
    must(gw_manager_add(driver.manager, component, NULL, 0, &instance, &why) == EG_OK, name);
}

static void start_manager(const char *store) {
    static struct gw_http_client *clients[] = {NULL};
    const struct gw_manager_config config = {.loops = &driver.loop,
                                             .clients = clients,
                                             .loop_count = 1,
                                             .control = driver.loop,
                                             .version = "1.2.3"};
    struct eg_why why = {.struct_size = sizeof why};
    driver.manager = gw_manager_create(&config);
    must(gw_manager_load(driver.manager, NULL, &why) == EG_OK, "plugins do not load");
    add_component(EG_KIND_STORAGE, store == NULL ? "fake" : store);
    add_component(EG_KIND_PROVIDER, "http");
    add_component(EG_KIND_PROVIDER, "vault");
    add_component(EG_KIND_PROVIDER, "awslambda");
    gw_manager_start(driver.manager, GW_NS_PER_S, on_status, NULL);
    turn_until_done("manager does not start");
}

static struct gw_config_api_config api_config(struct api_options options) {
    return (struct gw_config_api_config){.token = gw_str_c(options.token),
                                         .mask_secrets = !options.shows_secrets,
                                         .refuse_cross_space_conflicts =
                                             options.refuses_cross_space_conflicts};
}

static void start_server(void) {
    const struct gw_http_server_config config = {.name = "config",
                                                 .limits = {.body_bytes = API_BODY_LIMIT,
                                                            .head_bytes = 32768,
                                                            .target_bytes = 8192,
                                                            .connections = MAX_CLIENTS,
                                                            .head_timeout_ns = 600 * GW_NS_PER_S,
                                                            .body_timeout_ns = 600 * GW_NS_PER_S,
                                                            .idle_timeout_ns = 600 * GW_NS_PER_S},
                                                 .on_request = on_request,
                                                 .on_gone = on_gone,
                                                 .on_refuse = on_refuse};
    struct eg_why why = {.struct_size = sizeof why};
    int fd = -1;
    int32_t rc = gw_listen(GW_STR("127.0.0.1"), 0, &fd, &driver.port, &why);
    if (rc == EG_OK) {
        rc = gw_http_server_start(driver.loop, fd, &config, &driver.server, &why);
    }
    if (rc < 0) {
        fprintf(stderr, "api_driver: %.*s\n", GW_FMT(gw_why_str(&why)));
    }
    must(rc == EG_OK, "server does not start");
}

/* Failures of the store are logged; here they are wanted. */
static void drop_line(void *arg, struct eg_str line) {
    (void)arg;
    (void)line;
}

void api_start(struct api_options options) {
    memset(&driver, 0, sizeof driver);
    gw_log_capture(drop_line, NULL);
    fake_storage_reset();
    gw_arena_init(&driver.arena, 4096);
    must(gw_loop_create("control", &driver.loop) == EG_OK, "no loop");
    gw_loop_set_index(driver.loop, 0);
    start_manager(options.store);
    const struct gw_catalog_config catalog = {
        .storage = gw_manager_storage(driver.manager),
        .control = driver.loop,
        .timeout_ns = options.timeout_ns == 0 ? 5 * GW_NS_PER_S : options.timeout_ns,
        .on_change = on_change};
    driver.catalog = gw_catalog_create(&catalog);
    gw_catalog_start(driver.catalog, on_status, NULL);
    turn_until_done("catalog does not start");
    driver.publisher = gw_publisher_create(driver.manager, driver.loop, &driver.loop, 1);
    const struct gw_config_api_setup setup = {.catalog = driver.catalog,
                                              .publisher = driver.publisher,
                                              .manager = driver.manager,
                                              .has_v2017 = options.has_v2017,
                                              .config = api_config(options)};
    driver.api = gw_config_api_create(&setup);
    driver.other = gw_config_api_create(&setup);
    gw_publisher_on_routed(driver.publisher, on_routed, NULL);
    start_server();
}

static void free_clients(void) {
    for (size_t i = 0; i < driver.client_count; i++) {
        struct api_client *client = &driver.clients[i];
        if (client->fd >= 0) {
            (void)close(client->fd);
        }
        gw_bytes_free(&client->out);
        gw_bytes_free(&client->in);
    }
}

static uint32_t busy(void) {
    return gw_config_api_busy(driver.api) + gw_config_api_busy(driver.other);
}

void api_stop(void) {
    fake_storage_hold(false);
    fake_storage_release(SIZE_MAX);
    gw_config_api_drain(driver.api);
    gw_config_api_drain(driver.other);
    for (unsigned i = 0; busy() > 0 && i < MAX_TURNS; i++) {
        gw_loop_turn(driver.loop, GW_NS_PER_MS);
    }
    must(busy() == 0, "calls never ended");
    gw_http_server_quiesce(driver.server);
    gw_http_server_destroy(driver.server);
    gw_catalog_stop(driver.catalog, on_end, NULL);
    turn_until_done("catalog does not stop");
    gw_publisher_stop(driver.publisher, on_end, NULL);
    turn_until_done("publisher does not stop");
    gw_config_api_destroy(driver.api);
    gw_config_api_destroy(driver.other);
    gw_publisher_destroy(driver.publisher);
    gw_manager_stop(driver.manager, GW_NS_PER_S, on_manager_end, NULL);
    turn_until_done("manager does not stop");
    gw_catalog_destroy(driver.catalog);
    gw_manager_destroy(driver.manager);
    gw_loop_destroy(driver.loop);
    free_clients();
    gw_arena_free(&driver.arena);
    gw_log_capture(NULL, NULL);
    fake_storage_reset();
}

struct gw_config_api *api_under_test(void) {
    return driver.api;
}

void api_configure(struct api_options options) {
    const struct gw_config_api_config config = api_config(options);
    gw_config_api_configure(driver.api, &config);
}

/* ---- clients ---- */

static void pump(struct api_client *client) {
    char chunk[16384];
    if (client->is_ended) {
        return;
    }
    if (client->sent < client->out.len) {
        const ssize_t n = send(client->fd, client->out.ptr + client->sent,
                               client->out.len - client->sent, MSG_DONTWAIT | MSG_NOSIGNAL);
        client->sent += n > 0 ? (size_t)n : 0;
    }
    const ssize_t n = recv(client->fd, chunk, sizeof chunk, MSG_DONTWAIT);
    if (n > 0) {
        gw_bytes_add(&client->in, gw_str(chunk, (size_t)n));
    } else if (n == 0 || (errno != EAGAIN && errno != EWOULDBLOCK)) {
        client->is_ended = true;
    }
}

void api_turn(unsigned turns) {
    for (unsigned t = 0; t < turns; t++) {
        gw_loop_turn(driver.loop, GW_NS_PER_MS);
        for (size_t i = 0; i < driver.client_count; i++) {
            pump(&driver.clients[i]);
        }
    }
}

void api_read_lists(void) {
    (void)fake_storage_set("/serverless-event-gateway/cors/unreadable/x", "{");
    api_turn(5);
}

void api_turn_until_held(size_t count) {
    for (unsigned i = 0; fake_storage_held() < count && i < MAX_TURNS; i++) {
        api_turn(1);
    }
    CU_ASSERT_EQUAL(fake_storage_held(), count);
}

struct api_client *api_send_with(const char *method, const char *target, const char *headers,
                                 const char *body, size_t body_len) {
    must(driver.client_count < MAX_CLIENTS, "too many clients");
    struct api_client *client = &driver.clients[driver.client_count++];
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(driver.port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    client->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    must(client->fd >= 0, "no socket");
    must(connect(client->fd, (const struct sockaddr *)&address, sizeof address) == 0, "connect");
    gw_bytes_init(&client->out, 0);
    gw_bytes_init(&client->in, 0);
    gw_bytes_addf(&client->out, "%s %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n%s", method,
                  target, headers);
    if (body != NULL) {
        gw_bytes_addf(&client->out, "Content-Length: %zu\r\n", body_len);
    }
    gw_bytes_add_c(&client->out, "\r\n");
    gw_bytes_add(&client->out, gw_str(body, body == NULL ? 0 : body_len));
    return client;
}

void api_send_more(struct api_client *client, const char *bytes, size_t len) {
    gw_bytes_add(&client->out, gw_str(bytes, len));
}

struct api_client *api_send(const char *method, const char *target, const char *body) {
    return api_send_with(method, target, "", body, body == NULL ? 0 : strlen(body));
}

struct api_client *api_send_other(const char *method, const char *target, const char *body) {
    return api_send_with(method, target, API_OTHER_NODE, body, body == NULL ? 0 : strlen(body));
}

void api_hang_up(struct api_client *client) {
    (void)close(client->fd);
    client->fd = -1;
    client->is_ended = true;
}

bool api_is_answered(const struct api_client *client) {
    return client->is_ended;
}

struct api_answer api_receive(struct api_client *client) {
    struct api_answer answer = {.head = "", .body = ""};
    for (unsigned i = 0; !client->is_ended && i < MAX_TURNS; i++) {
        api_turn(1);
    }
    gw_bytes_add_char(&client->in, '\0');
    const char *end = strstr(client->in.ptr, "\r\n\r\n");
    if (!client->is_ended || end == NULL) {
        return answer;
    }
    const size_t head_len = (size_t)(end - client->in.ptr) + 2;
    answer.head = gw_arena_dup(&driver.arena, gw_str(client->in.ptr, head_len)).ptr;
    answer.body = end + 4;
    answer.body_len = client->in.len - 1 - head_len - 2;
    (void)sscanf(answer.head, "HTTP/1.1 %d", &answer.status);
    return answer;
}

struct api_answer api_call(const char *method, const char *target, const char *body) {
    return api_receive(api_send(method, target, body));
}

const char *api_header(const struct api_answer *answer, const char *name) {
    struct eg_str rest = gw_str_c(answer->head);
    struct eg_str line;
    while (gw_str_next(&rest, '\n', &line)) {
        const size_t colon = gw_str_find(line, ':');
        if (gw_str_eq_nocase(gw_str_sub(line, 0, colon), gw_str_c(name))) {
            return gw_arena_dup(&driver.arena, gw_str_trim(gw_str_cut(line, colon + 1))).ptr;
        }
    }
    return "";
}

void api_expect(int line, const char *method, const char *target, const char *sent, int status,
                const char *body) {
    const struct api_answer answer = api_call(method, target, sent);
    bool is_same = answer.status == status;
    if (body != NULL) {
        const size_t len = strlen(body);
        const size_t newline = len > 0 ? 1 : 0;
        is_same = is_same && answer.body_len == len + newline &&
                  memcmp(answer.body, body, len) == 0 && (newline == 0 || answer.body[len] == '\n');
    }
    if (!is_same) {
        printf("  line %d: %s %s\n    got %d %s\n    expected %d %s\n", line, method, target,
               answer.status, answer.body, status, body == NULL ? "(any body)" : body);
    }
    CU_ASSERT_TRUE(is_same);
}
