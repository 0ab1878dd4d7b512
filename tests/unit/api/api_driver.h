/*
 * api_driver.h - a whole Config API in one thread: control loop, manager with the fake storage and
 * three fake providers, catalog, a real HTTP server on a free port, and clients that speak to it
 * over sockets. Nothing sleeps: the loop is turned until the answer is there.
 *
 * A second Config API on the same store is what another gateway is: requests with the header
 * API_OTHER_NODE go there.
 */
#ifndef TESTS_API_DRIVER_H
#define TESTS_API_DRIVER_H

#include "api/config_api.h"
#include "support/fake_providers.h"
#include "support/fake_storage.h"
#include "unit.h"

#define API_BODY_LIMIT 65536

#define API_OTHER_NODE "X-Node: other\r\n"

struct api_options {
    const char *token;
    const char *store;   /* component; NULL = "fake" */
    uint64_t timeout_ns; /* store.timeout; 0 = 5 s */
    bool shows_secrets;
    bool refuses_cross_space_conflicts;
    bool has_v2017;
};
void api_start(struct api_options options);
void api_stop(void);
struct gw_config_api *api_under_test(void);
void api_configure(struct api_options options);

/* From now on the lists of a space are always read: a value that nobody can read is stored in
 * another one, and then nothing is presumed (state/catalog_known.c). */
void api_read_lists(void);

/* One request over its own connection. */
struct api_client;
struct api_client *api_send(const char *method, const char *target, const char *body);
struct api_client *api_send_with(const char *method, const char *target, const char *headers,
                                 const char *body, size_t body_len);
/* The same, as JSON, at the other node. */
struct api_client *api_send_other(const char *method, const char *target, const char *body);
/* More bytes, as they are. */
void api_send_more(struct api_client *client, const char *bytes, size_t len);
/* Turns the loop until the store holds that many ops (or fails the test). */
void api_turn_until_held(size_t count);
void api_turn(unsigned turns);
/* The client goes away without waiting for its answer. */
void api_hang_up(struct api_client *client);
bool api_is_answered(const struct api_client *client);

/* Texts live until api_stop. */
struct api_answer {
    int status; /* 0 = none came */
    const char *head;
    const char *body;
    size_t body_len;
};
struct api_answer api_receive(struct api_client *client);
struct api_answer api_call(const char *method, const char *target, const char *body);
/* The value of a header; "" when there is none. Lives until api_stop. */
const char *api_header(const struct api_answer *answer, const char *name);

/* Same thing, asserted: status and (unless NULL) the whole body without its newline. */
#define EXPECT(method, target, sent, want_status, want_body)                                       \
    api_expect(__LINE__, method, target, sent, want_status, want_body)
void api_expect(int line, const char *method, const char *target, const char *sent, int status,
                const char *body);
/* An error envelope with this message, written as it stands in JSON. */
#define EXPECT_ERROR(method, target, sent, want_status, message)                                   \
    api_expect(__LINE__, method, target, sent, want_status,                                        \
               "{\"errors\":[{\"message\":\"" message "\"}]}")

#endif
