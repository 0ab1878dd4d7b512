/* server.c - see server.h. */
#include "server.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "spawn.h"

#define PATIENCE_S 60
#define POLL_MS 5

static void print_end(const struct server *server, const char *name) {
    char path[512];
    char text[4000];
    (void)snprintf(path, sizeof path, "%s/%s", server->directory, name);
    FILE *file = fopen(path, "r");
    if (file == NULL) {
        return;
    }
    (void)fseek(file, -(long)sizeof text, SEEK_END); /* fails when it is shorter: all of it */
    const size_t len = fread(text, 1, sizeof text, file);
    (void)fclose(file);
    fprintf(stderr, "%s:\n%.*s\n", name, (int)len, text);
}

_Noreturn static void give_up(const struct server *server, const char *what) {
    fprintf(stderr, "server %s on port %u %s\n", server->name, (unsigned)server->port, what);
    print_end(server, "server.out");
    print_end(server, "server.log");
    abort();
}

static int tcp(uint16_t port, struct sockaddr_in *ret_address) {
    *ret_address = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(port)};
    ret_address->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
}

/* Until this process ends no other test is given the port: tests/lib/ports.py asks for the same
 * name in the abstract namespace of Unix sockets. The descriptor is never closed. */
static bool mark(uint16_t port) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const int len = snprintf(address.sun_path + 1, sizeof address.sun_path - 1,
                             "eventgw-test-port-%u", (unsigned)port);
    const socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1u + (size_t)len);
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && bind(fd, (const struct sockaddr *)&address, size) == 0) {
        return true;
    }
    if (fd >= 0) {
        (void)close(fd);
    }
    return false;
}

/* Outside of the range from which the kernel takes the ports of outgoing connections (32768 and
 * up), so that nobody gets it while the server is down. */
uint16_t server_free_port(void) {
    struct sockaddr_in address;
    for (unsigned tries = 0; tries < 1000; tries++) {
        uint16_t random = 0;
        (void)!getrandom(&random, sizeof random, 0);
        const uint16_t port = (uint16_t)(15000u + random % 17000u);
        const int fd = tcp(port, &address);
        const int rc = bind(fd, (const struct sockaddr *)&address, sizeof address);
        (void)close(fd);
        if (rc == 0 && mark(port)) {
            return port;
        }
    }
    fprintf(stderr, "no free port\n");
    abort();
}

static bool takes_connections(uint16_t port) {
    struct sockaddr_in address;
    const int fd = tcp(port, &address);
    const bool is_up =
        fd >= 0 && connect(fd, (const struct sockaddr *)&address, sizeof address) == 0;
    if (fd >= 0) {
        (void)close(fd);
    }
    return is_up;
}

static bool is_being_set_up(const struct server *server) {
    char path[512];
    (void)snprintf(path, sizeof path, "%s/setting-up", server->directory);
    return access(path, F_OK) == 0;
}

static void wait_until_up(struct server *server) {
    struct timespec now;
    int status = 0;
    clock_gettime(CLOCK_MONOTONIC, &now);
    const time_t end = now.tv_sec + PATIENCE_S;
    while (!takes_connections(server->port) || is_being_set_up(server)) {
        clock_gettime(CLOCK_MONOTONIC, &now);
        if (spawn_has_ended(server->pid, &status)) {
            give_up(server, "has ended");
        }
        if (now.tv_sec > end) {
            give_up(server, "takes no connections");
        }
        (void)poll(NULL, 0, POLL_MS);
    }
}

void server_start(struct server *server) {
    char run[512];
    char port[8];
    char out[512];
    server->port = server->port == 0 ? server_free_port() : server->port;
    (void)snprintf(run, sizeof run, SERVERS_DIR "/%s/run", server->name);
    (void)snprintf(port, sizeof port, "%u", (unsigned)server->port);
    (void)snprintf(out, sizeof out, "%s/server.out", server->directory);
    if (access(run, X_OK) != 0) {
        give_up(server, "has no file tests/servers/NAME/run");
    }
    const int fd = open(out, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (server->has_auth) {
        (void)setenv("SERVER_AUTH", "1", 1);
    } else {
        (void)unsetenv("SERVER_AUTH");
    }
    server->pid = spawn_start((const char *[]){run, server->directory, port, NULL}, -1, fd, true);
    (void)close(fd);
    wait_until_up(server);
}

void server_stop(struct server *server) {
    int status = 0;
    if (server->pid == 0) {
        return;
    }
    (void)kill(-server->pid, SIGTERM);
    (void)kill(-server->pid, SIGCONT);
    for (unsigned i = 0; i < 10000 / POLL_MS; i++) {
        if (spawn_has_ended(server->pid, &status)) {
            server->pid = 0;
            return;
        }
        (void)poll(NULL, 0, POLL_MS);
    }
    server_kill9(server);
}

void server_kill9(struct server *server) {
    if (server->pid != 0) {
        (void)spawn_kill(server->pid, SIGKILL);
        server->pid = 0;
    }
}

void server_freeze(struct server *server) {
    (void)kill(-server->pid, SIGSTOP);
}
void server_thaw(struct server *server) {
    (void)kill(-server->pid, SIGCONT);
}

void server_do(const struct server *server, const char *what) {
    char path[512];
    char port[8];
    (void)snprintf(path, sizeof path, SERVERS_DIR "/%s/do", server->name);
    (void)snprintf(port, sizeof port, "%u", (unsigned)server->port);
    if (spawn_run((const char *[]){path, server->directory, port, what, NULL}) != 0) {
        fprintf(stderr, "%s %s: ", path, what);
        give_up(server, "does not do what is asked");
    }
}
