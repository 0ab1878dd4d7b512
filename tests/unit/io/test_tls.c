/*
 * TLS on both sides: our client talks to our server on one loop. The certificate is for localhost,
 * self-signed, valid for a hundred years, and of no use elsewhere.
 */
#include "io_test.h"

#include <sched.h>
#include <stdlib.h>
#include <sys/mount.h>

#include "io/http_client.h"

static const char cert_pem[] = "-----BEGIN CERTIFICATE-----\n"
                               "MIIBmzCCAUGgAwIBAgIUG8QD2bMEj0x9EJKjMs1Y3wEDKFUwCgYIKoZIzj0EAwIw\n"
                               "FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTEyMzA4MDAwMVoYDzIxMjYxMDMw\n"
                               "MDgwMDAxWjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO\n"
                               "PQMBBwNCAARTXglPkAPC7YOGSW8xI4jHyo2QPImY4rnmttHm0Atw1x+d5Wf1/MDH\n"
                               "kxv+KSTmTqAffku88uIIFM4Uu89YAI6+o28wbTAdBgNVHQ4EFgQUfs6EaQ76v927\n"
                               "rmCOMadRShL7jI0wHwYDVR0jBBgwFoAUfs6EaQ76v927rmCOMadRShL7jI0wDwYD\n"
                               "VR0TAQH/BAUwAwEB/zAaBgNVHREEEzARgglsb2NhbGhvc3SHBH8AAAEwCgYIKoZI\n"
                               "zj0EAwIDSAAwRQIhAOP344Itloy2pbg/NDratlzuzOKbQOFEhkjenmULZVf/AiBY\n"
                               "6VDqq2WB+q8qXuFkLX7yo6xdy/IAvzPDnGuKiIMrNg==\n"
                               "-----END CERTIFICATE-----\n";
static const char key_pem[] = "-----BEGIN PRIVATE KEY-----\n"
                              "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgZMeZfi9/IrZYS9WA\n"
                              "Sx6akq6WMPcrFvcegjlMPCrTqCKhRANCAARTXglPkAPC7YOGSW8xI4jHyo2QPImY\n"
                              "4rnmttHm0Atw1x+d5Wf1/MDHkxv+KSTmTqAffku88uIIFM4Uu89YAI6+\n"
                              "-----END PRIVATE KEY-----\n";

/* An authority that has signed nothing. */
static const char other_pem[] = "-----BEGIN CERTIFICATE-----\n"
                                "MIIBiDCCAS2gAwIBAgIUYAh0kBDMYXa57ofYwz6ttMQ+i8cwCgYIKoZIzj0EAwIw\n"
                                "GDEWMBQGA1UEAwwNc29tZWJvZHkgZWxzZTAgFw0yNjExMjkwMDA2MzNaGA8yMTI2\n"
                                "MTEwNTAwMDYzM1owGDEWMBQGA1UEAwwNc29tZWJvZHkgZWxzZTBZMBMGByqGSM49\n"
                                "AgEGCCqGSM49AwEHA0IABHglU+Ra48OkyjecScRkebbGqfcwSktCrIrfvyZ1+s9+\n"
                                "JZIEaIQnhqwRtlJ4uLd8DlrrsucDGWxZfy7WZW/h3YejUzBRMB0GA1UdDgQWBBQZ\n"
                                "fLO3zXa5O5yLvTMqwH5aSiTtHzAfBgNVHSMEGDAWgBQZfLO3zXa5O5yLvTMqwH5a\n"
                                "SiTtHzAPBgNVHRMBAf8EBTADAQH/MAoGCCqGSM49BAMCA0kAMEYCIQCkpkn0K9r8\n"
                                "uETaA6oAvbGxpV8df9Oa0G7oNC5SBnIRcAIhAIKLwFiZVoXmBIWCk17MtpDDEJ9y\n"
                                "gY/n6/MmpRTT1AiC\n"
                                "-----END CERTIFICATE-----\n";

static int32_t got_status;
static int32_t got_error;
static size_t calls;

static void on_done(void *arg, const struct eg_http_response *response) {
    (void)arg;
    calls++;
    got_status = response->status;
    got_error = response->error;
    struct eg_buf body = response->body;
    if (response->error == 0) {
        ASSERT_STR(gw_str(body.ptr, body.len), "over TLS");
    }
    gw_buf_release(&body);
}

static void start(struct bench *bench, struct gw_http_client **ret_client) {
    const struct gw_http_client_config client_config = {.timeout_ns = 10 * GW_NS_PER_S};
    struct gw_http_server_config config = test_config();
    config.tls =
        (struct gw_tls_files){.cert_pem = gw_str_c(cert_pem), .key_pem = gw_str_c(key_pem)};
    bench_start(bench, config);
    CU_ASSERT_EQUAL_FATAL(gw_http_client_create(bench->loop, &client_config, ret_client), 0);
}

static void call(struct bench *bench, struct gw_http_client *client, const char *ca_file) {
    char url[64];
    snprintf(url, sizeof url, "https://127.0.0.1:%u/t", bench->port);
    const struct eg_http_request request = {.struct_size = sizeof request,
                                            .method = GW_STR("POST"),
                                            .url = gw_str_c(url),
                                            .body = GW_STR("over TLS"),
                                            .ca_file = gw_str_c(ca_file)};
    const size_t before = calls;
    CU_ASSERT_EQUAL(gw_http_send(client, &request, on_done, NULL, NULL), 0);
    for (int i = 0; i < TURNS_MAX && calls == before; i++) {
        gw_loop_turn(bench->loop, GW_NS_PER_MS);
    }
    CU_ASSERT_EQUAL(calls, before + 1);
}

static void a_request_over_tls_is_answered_at_once_and_later(void) {
    char path[] = "/tmp/eventgw-test-ca-XXXXXX";
    struct gw_http_client *client = NULL;
    struct bench bench;
    const int fd = mkstemp(path);
    CU_ASSERT_TRUE_FATAL(fd >= 0);
    CU_ASSERT_EQUAL(write(fd, cert_pem, sizeof cert_pem - 1), (ssize_t)sizeof cert_pem - 1);
    close(fd);
    start(&bench, &client);
    call(&bench, client, path);
    CU_ASSERT_EQUAL(got_status, 200);
    call(&bench, client, path);
    CU_ASSERT_EQUAL(got_status, 200);
    CU_ASSERT_EQUAL(bench.requests, 2);
    gw_http_client_destroy(client);
    bench_stop(&bench);
    unlink(path);
}

static void a_certificate_nobody_vouches_for_is_refused(void) {
    struct gw_http_client *client = NULL;
    struct bench bench;
    start(&bench, &client);
    call(&bench, client, "");
    CU_ASSERT_EQUAL(got_status, 0);
    CU_ASSERT_EQUAL(got_error, EG_E_IO);
    CU_ASSERT_EQUAL(bench.requests, 0);
    gw_http_client_destroy(client);
    bench_stop(&bench);
}

static void write_file(const char *path, const char *text) {
    FILE *file = fopen(path, "w");
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    fputs(text, file);
    CU_ASSERT_EQUAL(fclose(file), 0);
}

static void a_ca_file_that_was_changed_is_read_by_the_next_connection(void) {
    char path[] = "/tmp/eventgw-test-ca-XXXXXX";
    struct gw_http_client *client = NULL;
    struct bench bench;
    close(mkstemp(path));
    write_file(path, other_pem);
    start(&bench, &client);
    call(&bench, client, path);
    CU_ASSERT_EQUAL(got_error, EG_E_IO);
    write_file(path, cert_pem);
    call(&bench, client, path);
    CU_ASSERT_EQUAL(got_status, 200);
    gw_http_client_destroy(client);
    bench_stop(&bench);
    unlink(path);
}

/* For this process alone, the directory of the system's authorities has ours, by the hash of its
 * subject (openssl-rehash(1)), and their file another one. */
static bool trust_by_system(const char *dir) {
    char path[128];
    (void)snprintf(path, sizeof path, "%s/ce275665.0", dir);
    write_file(path, cert_pem);
    (void)snprintf(path, sizeof path, "%s/ca-certificates.crt", dir);
    write_file(path, other_pem);
    return unshare(geteuid() == 0 ? CLONE_NEWNS : CLONE_NEWNS | CLONE_NEWUSER) == 0 &&
           mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
           mount(dir, "/etc/ssl/certs", NULL, MS_BIND, NULL) == 0;
}

static void with_a_ca_file_the_authorities_of_the_system_do_not_count(void) {
    char dir[] = "/tmp/eventgw-test-certs-XXXXXX";
    char path[128];
    struct gw_http_client *client = NULL;
    struct bench bench;
    CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(dir));
    const bool is_trusted = trust_by_system(dir);
    start(&bench, &client);
    if (is_trusted) {
        call(&bench, client, "");
        CU_ASSERT_EQUAL(got_status, 200);
        gw_http_client_destroy(client);
        bench_stop(&bench);
        start(&bench, &client);
        (void)snprintf(path, sizeof path, "%s/ca-certificates.crt", dir);
        call(&bench, client, path);
        CU_ASSERT_EQUAL(got_error, EG_E_IO);
    } else {
        (void)fprintf(stderr, "not run: mounts are not permitted here\n");
    }
    gw_http_client_destroy(client);
    bench_stop(&bench);
    (void)snprintf(path, sizeof path, "%s/ce275665.0", dir);
    unlink(path);
    (void)snprintf(path, sizeof path, "%s/ca-certificates.crt", dir);
    unlink(path);
    rmdir(dir);
}

static void plain_http_on_a_tls_port_gets_no_answer(void) {
    static struct client client;
    struct gw_http_client *ignored = NULL;
    struct bench bench;
    start(&bench, &ignored);
    client_open(&client, bench.port);
    client_send(&client, GW_STR("GET / HTTP/1.1\r\nHost: h\r\n\r\n"));
    CU_ASSERT_TRUE(bench_turn_until(&bench, &client, NULL));
    CU_ASSERT_PTR_NULL(strstr(client.in, "HTTP/1.1"));
    CU_ASSERT_EQUAL(bench.requests, 0);
    client_close(&client);
    gw_http_client_destroy(ignored);
    bench_stop(&bench);
}

/* ---- redirects between http and https ---- */

static char location[96];
static char got_secret[64]; /* Authorization, as the one behind the redirect was sent it */

static void on_redirected(void *arg, struct gw_http_request *request) {
    const bool is_first = gw_str_eq(request->path, GW_STR("/first"));
    const struct eg_kv header = {GW_STR("Location"), gw_str_c(location)};
    struct gw_http_reply reply = {.status = is_first ? 307 : 200,
                                  .headers = &header,
                                  .header_count = is_first ? 1 : 0,
                                  .body = gw_buf_copy(request->body)};
    (void)arg;
    if (!is_first) {
        snprintf(got_secret, sizeof got_secret, "%.*s",
                 GW_FMT(gw_http_header(request, GW_STR("Authorization"), 0)));
    }
    gw_http_reply(request, &reply);
    gw_http_request_unref(request);
}

static struct gw_http_server *start_server(struct eg_loop *loop, bool is_tls, uint16_t *ret_port) {
    struct gw_http_server_config config = test_config();
    struct gw_http_server *server = NULL;
    struct eg_why why = {.struct_size = sizeof why};
    int fd = -1;
    config.on_request = on_redirected;
    if (is_tls) {
        config.tls =
            (struct gw_tls_files){.cert_pem = gw_str_c(cert_pem), .key_pem = gw_str_c(key_pem)};
    }
    CU_ASSERT_EQUAL_FATAL(gw_listen(GW_STR("127.0.0.1"), 0, &fd, ret_port, &why), 0);
    CU_ASSERT_EQUAL_FATAL(gw_http_server_start(loop, fd, &config, &server, &why), 0);
    return server;
}

/* From /first of the one server to /second of the other. */
static void redirect_from(bool is_tls, const char *ca_file) {
    const struct gw_http_client_config config = {.timeout_ns = 10 * GW_NS_PER_S};
    const struct eg_kv header = {GW_STR("Authorization"), GW_STR("Bearer s3cret")};
    struct gw_http_client *client = NULL;
    struct eg_loop *loop = NULL;
    uint16_t ports[2];
    char url[96];
    const size_t before = calls;
    CU_ASSERT_EQUAL_FATAL(gw_loop_create("test", &loop), 0);
    struct gw_http_server *from = start_server(loop, is_tls, &ports[0]);
    struct gw_http_server *to = start_server(loop, !is_tls, &ports[1]);
    CU_ASSERT_EQUAL_FATAL(gw_http_client_create(loop, &config, &client), 0);
    snprintf(url, sizeof url, "%s://127.0.0.1:%u/first", is_tls ? "https" : "http", ports[0]);
    snprintf(location, sizeof location, "%s://127.0.0.1:%u/second", is_tls ? "http" : "https",
             ports[1]);
    snprintf(got_secret, sizeof got_secret, "none came");
    const struct eg_http_request request = {.struct_size = sizeof request,
                                            .method = GW_STR("POST"),
                                            .url = gw_str_c(url),
                                            .headers = &header,
                                            .header_count = 1,
                                            .body = GW_STR("over TLS"),
                                            .ca_file = gw_str_c(ca_file)};
    CU_ASSERT_EQUAL(gw_http_send(client, &request, on_done, NULL, NULL), 0);
    for (int i = 0; i < TURNS_MAX && calls == before; i++) {
        gw_loop_turn(loop, GW_NS_PER_MS);
    }
    CU_ASSERT_EQUAL(calls, before + 1);
    gw_http_client_destroy(client);
    gw_http_server_destroy(from);
    gw_http_server_destroy(to);
    gw_loop_destroy(loop);
}

static void redirects_lead_from_http_to_https_and_back_without_credentials(void) {
    char path[] = "/tmp/eventgw-test-ca-XXXXXX";
    close(mkstemp(path));
    write_file(path, cert_pem);
    for (int i = 0; i < 2; i++) {
        redirect_from(i == 1, path);
        CU_ASSERT_EQUAL(got_status, 200);
        CU_ASSERT_STRING_EQUAL(got_secret, "");
    }
    redirect_from(false, ""); /* the certificate counts there too */
    CU_ASSERT_EQUAL(got_error, EG_E_IO);
    CU_ASSERT_STRING_EQUAL(got_secret, "none came");
    unlink(path);
}

UNIT_MAIN(UNIT(redirects_lead_from_http_to_https_and_back_without_credentials),
          UNIT(a_request_over_tls_is_answered_at_once_and_later),
          UNIT(a_certificate_nobody_vouches_for_is_refused),
          UNIT(plain_http_on_a_tls_port_gets_no_answer),
          UNIT(a_ca_file_that_was_changed_is_read_by_the_next_connection),
          UNIT(with_a_ca_file_the_authorities_of_the_system_do_not_count))
