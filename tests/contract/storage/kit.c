/* kit.c - see kit.h. */
#include "kit.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/slice.h"
#include "io/blocking.h"
#include "relay.h"

#define PATIENCE_NS (60 * GW_NS_PER_S)
#define WINDOW 64u /* writes at once */
#define DEADLINE_NS (30 * GW_NS_PER_S)

struct kit kit;

_Noreturn void kit_fail(const char *what) {
    fprintf(stderr, "contract kit: %s (last status %d: %s)\n", what, kit.status, kit.why);
    abort();
}

uint64_t kit_now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * GW_NS_PER_S + (uint64_t)now.tv_nsec;
}

void kit_turn_until(const unsigned *flag, unsigned value, const char *what) {
    const uint64_t end_ns = kit_now_ns() + PATIENCE_NS;
    while (*flag < value) {
        if (kit_now_ns() > end_ns) {
            kit_fail(what);
        }
        gw_loop_turn(kit.loop, 5 * GW_NS_PER_MS);
    }
}

struct call {
    struct gw_task task; /* first */
    void (*fn)(void *arg);
    void *arg;
    unsigned is_done;
};

static void run_call(struct gw_task *task) {
    struct call *call = GW_CONTAINER(task, struct call, task);
    call->fn(call->arg);
    call->is_done = 1;
}

void kit_on_loop(void (*fn)(void *arg), void *arg) {
    struct call call = {.fn = fn, .arg = arg};
    call.task.fn = run_call;
    gw_loop_defer(kit.loop, &call.task);
    while (call.is_done == 0) {
        gw_loop_turn(kit.loop, 0);
    }
}

/* ---- life ---- */

static int remove_entry(const char *path, const struct stat *status, int kind, struct FTW *where) {
    (void)status;
    (void)kind;
    (void)where;
    (void)remove(path);
    return 0;
}

void kit_make_directory(void) {
    const char *base = getenv("TMPDIR");
    (void)snprintf(kit.directory, sizeof kit.directory, "%s/eg-contract-XXXXXX",
                   base == NULL ? "/tmp" : base);
    if (mkdtemp(kit.directory) == NULL) {
        kit_fail("no directory");
    }
    kit.place = (struct driver_place){.directory = kit.directory};
    kit.server = (struct server){.name = kit.driver->server, .directory = kit.directory};
}

/* Removes all that other cases have left in the server that they share. */
static void empty_store(void) {
    struct answer list;
    kit_open();
    kit_send_list(&list, GW_STR(""));
    kit_wait(&list);
    struct answer *answers = gw_alloc(gw_size_mul(list.count + 1, sizeof *answers));
    for (size_t i = 0; i < list.count; i++) {
        kit_send_remove(&answers[i], list.items[i].key, EG_REV_ANY);
    }
    for (size_t i = 0; i < list.count; i++) {
        kit_wait(&answers[i]);
        kit_drop(&answers[i]);
    }
    gw_free(answers);
    kit_drop(&list);
    if (strcmp(kit_list(""), "") != 0) {
        kit_fail("the store cannot be emptied");
    }
    kit_close();
}

static void begin_server(bool has_auth) {
    kit.server.has_auth = has_auth;
    server_start(&kit.server);
    kit.server_port = kit.server.port;
    kit.place.port = kit.server.port;
    kit.place.credentials = has_auth ? DRIVER_RIGHT_CREDENTIALS : DRIVER_NO_CREDENTIALS;
}

void kit_begin(void) {
    const char *shared = getenv(KIT_SHARED_PORT);
    kit_make_directory();
    if (kit.driver->server == NULL) {
        return;
    }
    if (shared == NULL || kit.needs_own_server) {
        begin_server(false);
        return;
    }
    kit.server_port = (uint16_t)strtoul(shared, NULL, 10);
    kit.place.port = kit.server_port;
    empty_store();
}

void kit_begin_with_auth(void) {
    kit_make_directory();
    begin_server(true);
}

void kit_begin_away(void) {
    kit_make_directory();
    kit.server.port = server_free_port();
    kit.server_port = kit.server.port;
    kit.place.port = kit.server.port;
}

void kit_end(void) {
    relay_stop();
    server_kill9(&kit.server);
    (void)nftw(kit.directory, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

void kit_use_relay(void) {
    kit.place.port = relay_start(kit.server_port);
}

static unsigned start_ended;

static void on_started(void *arg, int32_t status, struct eg_str why) {
    (void)arg;
    kit.status = status;
    (void)snprintf(kit.why, sizeof kit.why, "%.*s", GW_FMT(why));
    start_ended = 1;
}

static void on_stopped(void *arg, uint32_t ops_left) {
    (void)arg;
    if (ops_left != 0) {
        kit_fail("operations were left at the end");
    }
    start_ended = 1;
}

static void add_instance(void) {
    struct driver_settings settings = {.count = 0};
    struct eg_why why = {.struct_size = sizeof why};
    kit.driver->settings(&kit.place, &settings);
    const struct eg_component *component =
        gw_manager_component(kit.manager, EG_KIND_STORAGE, gw_str_c(kit.driver->component));
    if (component == NULL) {
        kit_fail("the plugin has no such component");
    }
    if (gw_manager_add(kit.manager, component, settings.inputs, settings.count, &kit.instance,
                       &why) < 0) {
        (void)snprintf(kit.why, sizeof kit.why, "%.*s", (int)why.len, why.text);
        kit_fail("the settings are refused");
    }
    kit.ops = kit.instance->component->ops;
}

/* As the gateway makes them. */
static void make_services(void) {
    const struct gw_http_client_config config = {
        .timeout_ns = 15 * GW_NS_PER_S,
        .connect_timeout_ns = 5 * GW_NS_PER_S,
        .max_response_bytes = 16ull * 1024 * 1024,
        .max_connections = 100,
        .max_connections_per_host = 50,
        .idle_timeout_ns = 60 * GW_NS_PER_S,
    };
    if (gw_loop_create("control", &kit.loop) < 0 || gw_pool_create(2, 64, &kit.pool) < 0) {
        kit_fail("no loop");
    }
    gw_loop_set_index(kit.loop, 0);
    if (gw_http_client_create(kit.loop, &config, &kit.client) < 0) {
        kit_fail("no HTTP client");
    }
}

static void start_manager(void *arg) {
    (void)arg;
    gw_manager_start(kit.manager, DEADLINE_NS, on_started, NULL);
}

static void stop_manager(void *arg) {
    (void)arg;
    gw_manager_stop(kit.manager, DEADLINE_NS, on_stopped, NULL);
}

int32_t kit_try_open(void) {
    struct eg_why why = {.struct_size = sizeof why};
    char path[512];
    make_services();
    kit.manager = gw_manager_create(&(struct gw_manager_config){.loops = &kit.loop,
                                                                .clients = &kit.client,
                                                                .loop_count = 1,
                                                                .control = kit.loop,
                                                                .pool = kit.pool,
                                                                .version = "1"});
    (void)snprintf(path, sizeof path, PLUGIN_DIR "/%s", kit.driver->plugin);
    if (gw_manager_load(kit.manager, path, &why) < 0) {
        (void)snprintf(kit.why, sizeof kit.why, "%.*s", (int)why.len, why.text);
        kit_fail("the plugin does not load");
    }
    add_instance();
    start_ended = 0;
    kit_on_loop(start_manager, NULL);
    kit_turn_until(&start_ended, 1, "start is never answered");
    return kit.status;
}

void kit_open(void) {
    if (kit_try_open() != EG_OK) {
        kit_fail("the store does not start");
    }
    kit_wait_ready();
}

void kit_wait_ready(void) {
    const uint64_t end_ns = kit_now_ns() + PATIENCE_NS;
    for (bool is_ready = false; !is_ready;) {
        struct answer answer;
        kit_send_list(&answer, GW_STR("no key begins with this"));
        kit_wait(&answer);
        is_ready = answer.status == EG_OK;
        if (!is_ready && kit_now_ns() > end_ns) {
            (void)snprintf(kit.why, sizeof kit.why, "%.*s", GW_FMT(gw_bytes_str(&answer.message)));
            kit_fail("the store does not become ready");
        }
        kit_drop(&answer);
        gw_loop_turn(kit.loop, is_ready ? 0 : 5 * GW_NS_PER_MS);
    }
}

void kit_close(void) {
    start_ended = 0;
    kit_on_loop(stop_manager, NULL);
    kit_turn_until(&start_ended, 1, "stop is never answered");
    gw_manager_destroy(kit.manager);
    gw_http_client_destroy(kit.client);
    gw_pool_destroy(kit.pool);
    gw_loop_destroy(kit.loop);
    kit.manager = NULL;
    kit.client = NULL;
    kit.pool = NULL;
    kit.loop = NULL;
}

/* ---- operations ---- */

static void copy_items(struct answer *answer, const struct eg_result *result) {
    answer->count = result->item_count;
    answer->items =
        gw_arena_alloc(&answer->arena, gw_size_mul(answer->count + 1, sizeof *answer->items));
    for (size_t i = 0; i < result->item_count; i++) {
        answer->items[i].revision = result->items[i]->revision;
        answer->items[i].key = gw_arena_dup(&answer->arena, result->items[i]->key);
        answer->items[i].value = gw_arena_dup(&answer->arena, result->items[i]->value);
    }
}

static void on_done(struct gw_op *op, int32_t status, struct eg_result *result) {
    struct answer *answer = GW_CONTAINER(op, struct answer, op);
    answer->status = status;
    answer->took_ns = kit_now_ns() - answer->begun_ns;
    answer->revision = result->revision;
    gw_bytes_add(&answer->body, gw_str(result->body.ptr, result->body.len));
    gw_bytes_add(&answer->message, result->message);
    copy_items(answer, result);
    answer->is_done = 1;
}

static void begin(struct answer *answer) {
    memset(answer, 0, sizeof *answer);
    gw_bytes_init(&answer->body, 0);
    gw_bytes_init(&answer->message, 0);
    answer->begun_ns = kit_now_ns();
    gw_op_begin(&answer->op, kit.instance, kit.loop, gw_monotonic_ns() + DEADLINE_NS, on_done,
                NULL);
}

/* What is asked for, carried out on the loop as the gateway does. */
struct request {
    struct answer *answer;
    int32_t (*send)(const struct request *request);
    struct eg_str key;
    struct eg_str value;
    uint64_t expect;
    const struct eg_commit *commit;
};

static void send_request(void *arg) {
    const struct request *request = arg;
    struct answer *answer = request->answer;
    begin(answer);
    const int32_t rc = request->send(request);
    if (rc < 0) {
        gw_op_refused(&answer->op);
        answer->status = rc;
        answer->is_done = 1;
    }
}

static int32_t send_get(const struct request *r) {
    return kit.ops->get(kit.instance->self, r->key, &r->answer->op.pub);
}
static int32_t send_list(const struct request *r) {
    return kit.ops->list(kit.instance->self, r->key, &r->answer->op.pub);
}
static int32_t send_put(const struct request *r) {
    return kit.ops->put(kit.instance->self, r->key, r->value, r->expect, &r->answer->op.pub);
}
static int32_t send_remove(const struct request *r) {
    return kit.ops->remove(kit.instance->self, r->key, r->expect, &r->answer->op.pub);
}
static int32_t send_commit(const struct request *r) {
    return kit.ops->commit(kit.instance->self, r->commit, &r->answer->op.pub);
}

void kit_send_get(struct answer *answer, struct eg_str key) {
    kit_on_loop(send_request, &(struct request){.answer = answer, .send = send_get, .key = key});
}
void kit_send_list(struct answer *answer, struct eg_str prefix) {
    kit_on_loop(send_request,
                &(struct request){.answer = answer, .send = send_list, .key = prefix});
}
void kit_send_put(struct answer *answer, struct eg_str key, struct eg_str value, uint64_t expect) {
    kit_on_loop(
        send_request,
        &(struct request){
            .answer = answer, .send = send_put, .key = key, .value = value, .expect = expect});
}
void kit_send_remove(struct answer *answer, struct eg_str key, uint64_t expect) {
    kit_on_loop(
        send_request,
        &(struct request){.answer = answer, .send = send_remove, .key = key, .expect = expect});
}
void kit_send_commit(struct answer *answer, const struct eg_commit *commit) {
    kit_on_loop(send_request,
                &(struct request){.answer = answer, .send = send_commit, .commit = commit});
}

void kit_wait(struct answer *answer) {
    kit_turn_until(&answer->is_done, 1, "an operation is never answered");
}

void kit_drop(struct answer *answer) {
    gw_bytes_free(&answer->body);
    gw_bytes_free(&answer->message);
    gw_arena_free(&answer->arena);
}

static void remember(const struct answer *answer) {
    kit.status = answer->status;
    kit.took_ns = answer->took_ns;
    (void)snprintf(kit.why, sizeof kit.why, "%.*s", GW_FMT(gw_bytes_str(&answer->message)));
}

static int32_t end_write(struct answer *answer, uint64_t *ret_revision) {
    kit_wait(answer);
    remember(answer);
    if (ret_revision != NULL) {
        *ret_revision = answer->revision;
    }
    kit_drop(answer);
    return answer->status;
}

int32_t kit_put(const char *key, const char *value, uint64_t expect, uint64_t *ret_revision) {
    struct answer answer;
    kit_send_put(&answer, gw_str_c(key), gw_str_c(value), expect);
    return end_write(&answer, ret_revision);
}

int32_t kit_remove(const char *key, uint64_t expect, uint64_t *ret_revision) {
    struct answer answer;
    kit_send_remove(&answer, gw_str_c(key), expect);
    return end_write(&answer, ret_revision);
}

int32_t kit_commit(const struct eg_commit *commit, uint64_t *ret_revision) {
    struct answer answer;
    kit_send_commit(&answer, commit);
    return end_write(&answer, ret_revision);
}

void kit_put_many(unsigned count) {
    static struct answer answers[WINDOW];
    static char keys[WINDOW][32];
    for (unsigned i = 0; i < count + WINDOW; i++) {
        struct answer *answer = &answers[i % WINDOW];
        if (i >= WINDOW && i - WINDOW < count) {
            CU_ASSERT_EQUAL(end_write(answer, NULL), EG_OK);
        }
        if (i < count) {
            (void)snprintf(keys[i % WINDOW], sizeof keys[0], "many/%05u", i);
            kit_send_put(answer, gw_str_c(keys[i % WINDOW]), GW_STR("{\"value\":true}"),
                         EG_REV_ABSENT);
        }
    }
}

const char *kit_get(const char *key, uint64_t *ret_revision) {
    static char value[1024];
    struct answer answer;
    kit_send_get(&answer, gw_str_c(key));
    kit_wait(&answer);
    remember(&answer);
    (void)snprintf(value, sizeof value, "%.*s", GW_FMT(gw_bytes_str(&answer.body)));
    if (ret_revision != NULL) {
        *ret_revision = answer.revision;
    }
    kit_drop(&answer);
    return answer.status == EG_OK ? value : NULL;
}

const char *kit_list(const char *prefix) {
    static char text[4096];
    struct answer answer;
    kit_send_list(&answer, gw_str_c(prefix));
    kit_wait(&answer);
    remember(&answer);
    text[0] = '\0';
    for (size_t i = 0; i < answer.count; i++) {
        const size_t at = strlen(text);
        (void)snprintf(text + at, sizeof text - at, "%.*s=%.*s ", GW_FMT(answer.items[i].key),
                       GW_FMT(answer.items[i].value));
    }
    kit_drop(&answer);
    return answer.status == EG_OK ? text : "failed";
}
