/* middleware_transform with real worker processes, on the loop of the fake host. Its clock is moved
 * by as much as the real one, since processor time is real. */
#include <dirent.h>
#include <eventgw-sdk/fake_host.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "child.h"
#include "transform.h"
#include "unit.h"

#define WORKER "\"worker\":\"" TEST_BUILD_DIR "/plugins/transform-worker\""
#define EVENT                                                                                      \
    "{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"/s\",\"type\":\"t\",\"data\":{\"n\":1}}"
#define PATIENCE_NS UINT64_C(60000000000)

static struct egx_fake *fake;
static void *instance;
static void *slot;
static struct eg_why why;
static uint64_t last_ns;

static const struct eg_component *component(void) {
    return eg_plugin.components[0];
}
static const struct eg_middleware_ops *ops(void) {
    return component()->ops;
}

static uint64_t real_ns(void) {
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* One turn of the loop, after something may have happened. */
static void turn(void) {
    (void)poll(NULL, 0, 1);
    const uint64_t now = real_ns();
    egx_fake_advance(fake, now - last_ns);
    last_ns = now;
    (void)egx_fake_run(fake);
}

static int32_t make(const char *settings) {
    fake = egx_fake_new();
    instance = NULL;
    slot = NULL;
    last_ns = real_ns();
    why = (struct eg_why){.struct_size = sizeof why};
    return egx_fake_create(fake, component(), settings, &instance, &why);
}

static void serve(const char *settings) {
    CU_ASSERT_EQUAL_FATAL(make(settings), EG_OK);
    CU_ASSERT_EQUAL_FATAL(egx_fake_start(fake, component(), instance), EG_OK);
    CU_ASSERT_EQUAL_FATAL(component()->life->attach(instance, egx_fake_loop(fake), &slot), EG_OK);
}

/* Children of this process; the first one's id. */
static size_t children(pid_t *ret_first) {
    char path[64];
    size_t count = 0;
    int pid = 0;
    (void)snprintf(path, sizeof path, "/proc/self/task/%d/children", (int)getpid());
    FILE *file = fopen(path, "re");
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    while (fscanf(file, "%d", &pid) == 1) {
        *ret_first = count++ == 0 ? (pid_t)pid : *ret_first;
    }
    (void)fclose(file);
    return count;
}

static void end(void) {
    pid_t pid = 0;
    if (instance != NULL) {
        component()->life->detach(instance, slot);
        egx_fake_destroy(fake, component(), instance);
    }
    CU_ASSERT_EQUAL(children(&pid), 0);
    CU_ASSERT_EQUAL(egx_fake_allocations(fake), 0);
    egx_fake_free(fake);
}

struct request {
    struct eg_exchange *exchange;
    struct eg_event *event;
    struct egx_fake_op op;
    int32_t verdict;
};

static void begin(struct request *r, const char *path) {
    r->exchange = egx_fake_exchange(fake, "POST", path);
    r->event = egx_fake_event(fake, EVENT);
    egx_fake_op_init(fake, &r->op);
    r->verdict = ops()->on_event(instance, slot, r->exchange, r->event, &r->op.pub);
}

static int32_t finish(struct request *r) {
    const uint64_t until = real_ns() + PATIENCE_NS;
    while (r->verdict == EG_PENDING && r->op.done_count == 0 && real_ns() < until) {
        turn();
    }
    if (r->verdict == EG_PENDING) {
        CU_ASSERT_EQUAL(r->op.done_count, 1);
        r->verdict = r->op.status < 0 ? r->op.status : r->op.result.verdict;
    }
    egx_fake_op_free(&r->op);
    return r->verdict;
}

static int32_t ask(struct request *r, const char *path) {
    begin(r, path);
    return finish(r);
}
#define ASSERT_ANSWER(path, status)                                                                \
    do {                                                                                           \
        struct request r_;                                                                         \
        CU_ASSERT_EQUAL(ask(&r_, path), EG_STOP);                                                  \
        CU_ASSERT_EQUAL(egx_fake_reply_status(r_.exchange), status);                               \
    } while (0)
#define ASSERT_WORKS(path)                                                                         \
    do {                                                                                           \
        struct request r_;                                                                         \
        CU_ASSERT_EQUAL(ask(&r_, path), EG_NEXT);                                                  \
        ASSERT_STR(egx_fake_host(fake)->event->attribute(r_.event, EGX_STR("subject")), "s");      \
    } while (0)

#define RULE(path, program) "{\"path\":\"" path "\",\"event\":{\"jq\":\"" program "\"}}"
#define GOOD RULE("/good", ".subject = \\\"s\\\"")
#define LOOP RULE("/loop", "def f: f; f")
#define BOMB RULE("/bomb", ".data = [range(1e9)]")
#define ERROR RULE("/error", "error(\\\"oh\\\")")
#define DROP RULE("/drop", "empty")
#define REFUSE RULE("/refuse", "error({status: 409, message: \\\"no\\\"})")
/* So deep that the stack does not do for freeing it. */
#define CRASH RULE("/crash", "reduce range(1000000) as $x (1; [.])")
#define RULES(list) "\"rules\":[" list "]"

static void an_event_is_changed(void) {
    serve("{" WORKER "," RULES(GOOD) "}");
    for (int i = 0; i < 50; i++) {
        ASSERT_WORKS("/good");
    }
    CU_ASSERT_EQUAL(egx_fake_metric(fake, "transform_runs_total", "outcome=ok"), 50);
    CU_ASSERT_EQUAL(egx_fake_metric(fake, "transform_worker_restarts_total", ""), 0);
    end();
}

static void a_reply_is_changed(void) {
    serve("{" WORKER ",\"rules\":[{\"reply\":{\"jq\":\".status = 201 | .headers.a = [\\\"1\\\","
          "\\\"2\\\"] | .body = {was: .body, path: $request.path, h: $request.headers.x}\"}}]}");
    struct eg_exchange *x = egx_fake_exchange(fake, "POST", "/p?q");
    struct request r = {.exchange = x};
    egx_fake_add_header(x, "X", "1");
    egx_fake_add_header(x, "x", "2");
    egx_fake_host(fake)->exchange->reply(x, 200, egx_str_n("", 0),
                                         egx_buf_static(EGX_STR("{\"a\": 1}")));
    egx_fake_op_init(fake, &r.op);
    r.verdict = ops()->on_reply(instance, slot, x, &r.op.pub);
    CU_ASSERT_EQUAL(finish(&r), EG_NEXT);
    CU_ASSERT_EQUAL(egx_fake_reply_status(x), 201);
    CU_ASSERT_STRING_EQUAL(egx_fake_reply_body(x),
                           "{\"was\":{\"a\":1},\"path\":\"/p\",\"h\":[\"1\",\"2\"]}");
    CU_ASSERT_STRING_EQUAL(egx_fake_reply_header(x, "content-type"), "application/json");
    CU_ASSERT_STRING_EQUAL(egx_fake_reply_header(x, "a"), "1");
    end();
}

/* jq 1.6 lets words stand apart. */
static void the_answer_to_a_failure_has_the_type_of_an_answer(void) {
    serve("{" WORKER ",\"rules\":[{\"reply\":{\"set_headers\":{\"content-type\":\"text/x\"},"
          "\"jq\":\".body + 1\"}}]}");
    struct request r = {.exchange = egx_fake_exchange(fake, "POST", "/")};
    egx_fake_host(fake)->exchange->reply(r.exchange, 200, EGX_STR("text/plain"),
                                         egx_buf_static(EGX_STR("a")));
    egx_fake_op_init(fake, &r.op);
    r.verdict = ops()->on_reply(instance, slot, r.exchange, &r.op.pub);
    CU_ASSERT_EQUAL(finish(&r), EG_STOP);
    CU_ASSERT_EQUAL(egx_fake_reply_status(r.exchange), 502);
    CU_ASSERT_STRING_EQUAL(egx_fake_reply_header(r.exchange, "content-type"), "application/json");
    end();
}

static void variables_are_given_however_they_are_written(void) {
    serve("{" WORKER ",\"rules\":[" RULE(
        "/", ".data = [$ request.method, $  # the path\\n request.path]") "]}");
    struct request r;
    CU_ASSERT_EQUAL(ask(&r, "/p"), EG_NEXT);
    ASSERT_STR(egx_fake_host(fake)->event->data(r.event, NULL), "[\"POST\",\"/p\"]");
    end();
}

static void what_a_program_says_is_logged_and_answered_in_general(void) {
    serve("{" WORKER "," RULES(ERROR "," REFUSE "," DROP) "}");
    struct request r;
    CU_ASSERT_EQUAL(ask(&r, "/error"), EG_STOP);
    CU_ASSERT_EQUAL(egx_fake_reply_status(r.exchange), 400);
    CU_ASSERT_STRING_EQUAL(
        egx_fake_reply_body(r.exchange),
        "{\"errors\":[{\"message\":\"The event could not be transformed.\"}]}\n");
    CU_ASSERT_TRUE(egx_fake_logged(fake, "rule 1: event: oh (error, request "));
    CU_ASSERT_EQUAL(ask(&r, "/refuse"), EG_STOP);
    CU_ASSERT_EQUAL(egx_fake_reply_status(r.exchange), 409);
    CU_ASSERT_STRING_EQUAL(egx_fake_reply_body(r.exchange),
                           "{\"errors\":[{\"message\":\"no\"}]}\n");
    ASSERT_ANSWER("/drop", 202);
    CU_ASSERT_EQUAL(egx_fake_metric(fake, "transform_worker_restarts_total", ""), 0);
    end();
}

static void a_program_that_does_not_end_is_ended(void) {
    serve("{" WORKER "," RULES(GOOD "," LOOP) ",\"workers\":1,\"timeout\":\"20ms\"}");
    ASSERT_WORKS("/good");
    ASSERT_ANSWER("/loop", 504);
    CU_ASSERT_TRUE(egx_fake_logged(fake, "rule 2: event: it took longer than timeout"));
    ASSERT_WORKS("/good");
    CU_ASSERT_EQUAL(egx_fake_metric(fake, "transform_worker_restarts_total", ""), 1);
    end();
}

/* Sent ahead, sent ahead and canceled, and waiting. */
static void runs_behind_an_endless_one_are_not_lost(void) {
    serve("{" WORKER "," RULES(GOOD "," LOOP) ",\"workers\":1,\"timeout\":\"20ms\"}");
    ASSERT_WORKS("/good");
    for (int is_canceled = 0; is_canceled < 2; is_canceled++) {
        struct request r[4];
        for (size_t i = 0; i < EGX_COUNT(r); i++) {
            begin(&r[i], i == 0 ? "/loop" : "/good");
        }
        if (is_canceled) {
            ops()->cancel(instance, slot, &r[1].op.pub);
        }
        CU_ASSERT_EQUAL(finish(&r[0]), EG_STOP);
        CU_ASSERT_EQUAL(egx_fake_reply_status(r[0].exchange), 504);
        CU_ASSERT_EQUAL(finish(&r[1]), is_canceled ? EG_E_CANCELED : EG_NEXT);
        CU_ASSERT_EQUAL(finish(&r[2]), EG_NEXT);
        CU_ASSERT_EQUAL(finish(&r[3]), EG_NEXT);
    }
    end();
}

/* Runs that end their workers are no sign of workers that cannot work: who sends many of them does
 * not get the others refused. */
static void many_endless_runs_in_a_row_do_not_refuse_the_others(void) {
    serve("{" WORKER "," RULES(GOOD "," LOOP "," CRASH) ",\"workers\":1,\"timeout\":\"20ms\"}");
    struct request r[10];
    ASSERT_WORKS("/good");
    for (size_t i = 0; i < EGX_COUNT(r); i++) {
        begin(&r[i], i + 1 == EGX_COUNT(r) ? "/good" : i % 2 == 0 ? "/loop" : "/crash");
    }
    for (size_t i = 0; i + 1 < EGX_COUNT(r); i++) {
        CU_ASSERT_EQUAL(finish(&r[i]), EG_STOP);
        CU_ASSERT_NOT_EQUAL(egx_fake_reply_status(r[i].exchange), 503);
    }
    CU_ASSERT_EQUAL(finish(&r[EGX_COUNT(r) - 1]), EG_NEXT);
    end();
}

static void a_program_that_eats_memory_is_ended(void) {
    serve("{" WORKER
          "," RULES(GOOD "," BOMB) ",\"workers\":1,\"timeout\":\"30s\",\"max_memory\":\"64MiB\"}");
    ASSERT_ANSWER("/bomb", 500);
    CU_ASSERT_TRUE(egx_fake_logged(fake, "rule 2: event: it needed more memory than max_memory"));
    ASSERT_WORKS("/good");
    end();
}

static void a_worker_that_crashes_costs_one_run(void) {
    serve("{" WORKER "," RULES(GOOD "," CRASH) ",\"workers\":1,\"timeout\":\"30s\"}");
    ASSERT_WORKS("/good");
    ASSERT_ANSWER("/crash", 500);
    CU_ASSERT_TRUE(egx_fake_logged(fake, "rule 2: event: its worker crashed"));
    ASSERT_WORKS("/good");
    end();
}

/* Whatever state a worker is in when it is killed. */
static void a_run_whose_worker_was_killed_is_run_again(void) {
    serve("{" WORKER "," RULES(GOOD) ",\"workers\":1}");
    ASSERT_WORKS("/good");
    for (int i = 0; i < 10; i++) {
        struct request r[4];
        pid_t pid = 0;
        for (size_t k = 0; k < EGX_COUNT(r); k++) {
            begin(&r[k], "/good");
        }
        CU_ASSERT_TRUE_FATAL(children(&pid) >= 1);
        CU_ASSERT_EQUAL(kill(pid, SIGKILL), 0);
        for (size_t k = 0; k < EGX_COUNT(r); k++) {
            CU_ASSERT_EQUAL(finish(&r[k]), EG_NEXT);
        }
    }
    end();
}

static void one_whose_workers_are_killed_twice_is_answered(void) {
    serve("{" WORKER "," RULES(GOOD "," LOOP) ",\"workers\":1,\"timeout\":\"30s\"}");
    struct request r;
    ASSERT_WORKS("/good");
    begin(&r, "/loop");
    pid_t former = 0;
    for (int killed = 0; killed < 2;) {
        pid_t pid = 0;
        turn();
        if (children(&pid) == 1 && pid != former &&
            tr_child_cpu_ns(tr_child_clock(pid)) > 500000000u) {
            former = pid;
            CU_ASSERT_EQUAL(kill(pid, SIGKILL), 0);
            killed++;
        }
    }
    CU_ASSERT_EQUAL(finish(&r), EG_STOP);
    CU_ASSERT_EQUAL(egx_fake_reply_status(r.exchange), 500);
    ASSERT_WORKS("/good");
    end();
}

static void a_full_queue_is_answered_503(void) {
    serve("{" WORKER "," RULES(GOOD) ",\"workers\":1,\"queue\":3}");
    struct request r[8];
    size_t refused = 0;
    for (size_t i = 0; i < EGX_COUNT(r); i++) {
        begin(&r[i], "/good"); /* the worker is not ready yet, so all of them wait */
    }
    for (size_t i = 0; i < EGX_COUNT(r); i++) {
        const int32_t verdict = finish(&r[i]);
        refused += verdict == EG_STOP;
        CU_ASSERT_EQUAL(verdict, i < 3 ? EG_NEXT : EG_STOP);
    }
    CU_ASSERT_EQUAL(refused, 5);
    CU_ASSERT_EQUAL(egx_fake_reply_status(r[7].exchange), 503);
    CU_ASSERT_STRING_EQUAL(egx_fake_reply_header(r[7].exchange, "retry-after"), "1");
    CU_ASSERT_TRUE(egx_fake_logged(fake, "too many runs are waiting"));
    end();
}

static void nobody_waits_for_a_run_that_was_canceled(void) {
    serve("{" WORKER "," RULES(GOOD "," LOOP) ",\"workers\":1,\"timeout\":\"20ms\"}");
    struct request running;
    struct request waiting;
    ASSERT_WORKS("/good");
    begin(&running, "/loop");
    begin(&waiting, "/good");
    ops()->cancel(instance, slot, &running.op.pub);
    ops()->cancel(instance, slot, &waiting.op.pub);
    CU_ASSERT_EQUAL(running.op.done_count, 1);
    CU_ASSERT_EQUAL(waiting.op.done_count, 1);
    CU_ASSERT_EQUAL(finish(&running), EG_E_CANCELED);
    CU_ASSERT_EQUAL(finish(&waiting), EG_E_CANCELED);
    ASSERT_WORKS("/good");
    CU_ASSERT_EQUAL(running.op.done_count, 1);
    begin(&running, "/loop"); /* the end comes first */
    begin(&waiting, "/good");
    component()->life->detach(instance, slot);
    CU_ASSERT_EQUAL(finish(&running), EG_STOP);
    CU_ASSERT_EQUAL(finish(&waiting), EG_STOP);
    CU_ASSERT_EQUAL(egx_fake_reply_status(waiting.exchange), 503);
    CU_ASSERT_EQUAL(component()->life->attach(instance, egx_fake_loop(fake), &slot), EG_OK);
    end();
}

/* The memory of a worker is given back in its own time, which no loop waits for. */
static void a_loop_does_not_wait_for_its_workers_to_be_gone(void) {
    pid_t pid = 0;
    serve("{" WORKER "," RULES(GOOD) "}");
    ASSERT_WORKS("/good");
    component()->life->detach(instance, slot);
    CU_ASSERT_TRUE(children(&pid) > 0);
    egx_fake_destroy(fake, component(), instance);
    instance = NULL;
    end();
}

static void a_large_event_goes_through(void) {
    serve("{" WORKER ",\"rules\":[" RULE(
        "/", ".data = [.data, .data]") "],\"workers\":1,"
                                       "\"timeout\":\"30s\",\"max_output\":\"8MiB\"}");
    struct egx_json json = egx_json_begin();
    egx_json_raw(&json, EGX_STR("{\"id\":\"1\",\"source\":\"/s\",\"type\":\"t\",\"data\":\""));
    for (int i = 0; i < 200000; i++) {
        egx_json_raw(&json, EGX_STR("0123456789"));
    }
    egx_json_raw(&json, egx_str_n("\"}", 3));
    struct request r = {.exchange = egx_fake_exchange(fake, "POST", "/")};
    r.event = egx_fake_event(fake, json.ptr);
    egx_fake_op_init(fake, &r.op);
    r.verdict = ops()->on_event(instance, slot, r.exchange, r.event, &r.op.pub);
    CU_ASSERT_EQUAL(finish(&r), EG_NEXT);
    CU_ASSERT_EQUAL(egx_fake_host(fake)->event->data(r.event, NULL).len, 4000007);
    egx_json_free(&json);
    end();
}

static void what_the_gateway_refuses_is_an_error_of_the_program(void) {
    serve("{" WORKER ",\"rules\":[" RULE("/", ".type = \\\"eventgateway.x\\\"") "]}");
    ASSERT_ANSWER("/", 500);
    CU_ASSERT_TRUE(egx_fake_logged(fake, "rule 1: event: 'type' cannot be set to that"));
    end();
}

static void a_worker_that_cannot_work_is_told_at_the_start(void) {
    static const struct {
        const char *settings;
        const char *sentence;
    } rows[] = {
        {"{\"worker\":\"/nowhere/worker\",\"rules\":[" RULE("/", ".") "]}",
         "cannot start '/nowhere/worker': No such file or directory"},
        {"{\"worker\":\"/bin/true\",\"rules\":[" RULE("/", ".") "]}", "the worker ended at once"},
        {"{" WORKER ",\"max_memory\":\"32MiB\",\"rules\":[" RULE("/", ".") "]}", NULL},
    };
    for (size_t i = 0; i < EGX_COUNT(rows); i++) {
        struct egx_fake_op op;
        CU_ASSERT_EQUAL_FATAL(make(rows[i].settings), EG_OK);
        egx_fake_op_init(fake, &op);
        CU_ASSERT_EQUAL(component()->life->start(instance, &op.pub), EG_OK);
        (void)egx_fake_run(fake);
        CU_ASSERT_EQUAL(op.done_count, 1);
        CU_ASSERT_EQUAL(op.status < 0, rows[i].sentence != NULL);
        ASSERT_STR(op.result.message, rows[i].sentence == NULL ? "" : rows[i].sentence);
        egx_fake_op_free(&op);
        egx_fake_destroy(fake, component(), instance);
        egx_fake_free(fake);
    }
}

#define FINDER "EVENTGW_TEST_FINDS_WORKER"

/* This program again, as a shell starts what it finds in PATH: without a directory in its name. */
__attribute__((constructor)) static void find_only(void) {
    char path[4096];
    if (getenv(FINDER) != NULL) {
        const int32_t rc = tr_worker_find(path, sizeof path);
        _exit(rc == EG_OK && path[0] != '/' ? 1 : 0);
    }
}

/* Linked into the gateway, the plugin has no file of its own. */
static void the_worker_is_not_looked_for_where_the_gateway_happens_to_be_started(void) {
    char directory[] = "/tmp/transform-XXXXXX";
    int status = 0;
    CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(directory));
    const pid_t pid = fork();
    if (pid == 0) {
        const int is_ready = chdir(directory) == 0 &&
                             symlink("/bin/true", "transform-worker") == 0 &&
                             setenv(FINDER, "1", 1) == 0;
        (void)(is_ready && execl("/proc/self/exe", "gateway", (char *)NULL));
        _exit(2);
    }
    CU_ASSERT_EQUAL(waitpid(pid, &status, 0), pid);
    CU_ASSERT_EQUAL(status, 0);
    const int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    CU_ASSERT_EQUAL(unlinkat(fd, "transform-worker", 0), 0);
    (void)close(fd);
    CU_ASSERT_EQUAL(rmdir(directory), 0);
}

static void when_no_worker_stays_alive_nobody_is_kept_waiting(void) {
    char path[] = "/tmp/transform-worker-XXXXXX";
    char settings[512];
    CU_ASSERT_EQUAL_FATAL(close(mkstemp(path)), 0); /* may not be executed */
    (void)snprintf(settings, sizeof settings, "{\"worker\":\"%s\",\"rules\":[%s]}", path,
                   RULE("/", ".subject = \\\"s\\\""));
    CU_ASSERT_EQUAL_FATAL(make(settings), EG_OK);
    CU_ASSERT_EQUAL_FATAL(component()->life->attach(instance, egx_fake_loop(fake), &slot), EG_OK);
    struct request waiting;
    begin(&waiting, "/");
    CU_ASSERT_EQUAL(finish(&waiting), EG_STOP);
    CU_ASSERT_EQUAL(egx_fake_reply_status(waiting.exchange), 503);
    CU_ASSERT_TRUE(egx_fake_logged(fake, "no worker stays alive"));
    CU_ASSERT_TRUE(egx_fake_metric(fake, "transform_worker_restarts_total", "") < 20);
    /* and when they can work again, they do */
    (void)unlink(path);
    CU_ASSERT_EQUAL(symlink(TEST_BUILD_DIR "/plugins/transform-worker", path), 0);
    int32_t verdict = EG_STOP;
    for (int i = 0; i < 20000 && verdict != EG_NEXT; i++) {
        struct request r;
        turn();
        verdict = ask(&r, "/");
    }
    CU_ASSERT_EQUAL(verdict, EG_NEXT);
    (void)unlink(path);
    end();
}

/* The program was not run, so it may be run again: 503, not the 500 of one that cost two workers.
 */
static void when_all_workers_are_killed_before_they_are_ready_nobody_is_kept_waiting(void) {
    CU_ASSERT_EQUAL_FATAL(/* one that is never ready, and goes on listening */
                          make("{\"worker\":\"/bin/cat\",\"workers\":1," RULES(GOOD) "}"), EG_OK);
    CU_ASSERT_EQUAL_FATAL(component()->life->attach(instance, egx_fake_loop(fake), &slot), EG_OK);
    struct request r;
    const uint64_t until = real_ns() + PATIENCE_NS;
    pid_t former = 0;
    int killed = 0;
    begin(&r, "/good");
    while (r.op.done_count == 0 && real_ns() < until) {
        pid_t pid = 0;
        if (children(&pid) == 1 && pid != former) {
            former = pid;
            CU_ASSERT_EQUAL(kill(pid, SIGKILL), 0);
            killed++;
        }
        turn();
    }
    CU_ASSERT_EQUAL(killed, 6);
    CU_ASSERT_EQUAL(finish(&r), EG_STOP);
    CU_ASSERT_EQUAL(egx_fake_reply_status(r.exchange), 503);
    CU_ASSERT_STRING_EQUAL(egx_fake_reply_header(r.exchange, "retry-after"), "1");
    end();
}

static void a_worker_has_nothing_of_the_gateway(void) {
    char path[64];
    char line[8];
    pid_t pid = 0;
    size_t descriptors = 0;
    CU_ASSERT_EQUAL(setenv("EVENTGW_TEST_SECRET", "hidden", 1), 0);
    serve("{" WORKER ",\"rules\":[" RULE("/", ".data = [env, $ENV]") "],\"workers\":1}");
    struct request r;
    CU_ASSERT_EQUAL(ask(&r, "/"), EG_NEXT);
    ASSERT_STR(egx_fake_host(fake)->event->data(r.event, NULL), "[{},{}]");
    CU_ASSERT_EQUAL_FATAL(children(&pid), 1);
    (void)snprintf(path, sizeof path, "/proc/%d/fd", (int)pid);
    DIR *directory = opendir(path);
    CU_ASSERT_PTR_NOT_NULL_FATAL(directory);
    for (const struct dirent *e = readdir(directory); e != NULL; e = readdir(directory)) {
        descriptors += e->d_name[0] != '.';
    }
    (void)closedir(directory);
    CU_ASSERT_EQUAL(descriptors, 3);
    (void)snprintf(path, sizeof path, "/proc/%d/environ", (int)pid);
    FILE *file = fopen(path, "re");
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    CU_ASSERT_EQUAL(fread(line, 1, sizeof line, file), 0);
    (void)fclose(file);
    end();
}

UNIT_MAIN(UNIT(an_event_is_changed), UNIT(a_reply_is_changed),
          UNIT(the_answer_to_a_failure_has_the_type_of_an_answer),
          UNIT(variables_are_given_however_they_are_written),
          UNIT(what_a_program_says_is_logged_and_answered_in_general),
          UNIT(a_program_that_does_not_end_is_ended), UNIT(runs_behind_an_endless_one_are_not_lost),
          UNIT(many_endless_runs_in_a_row_do_not_refuse_the_others),
          UNIT(a_program_that_eats_memory_is_ended), UNIT(a_worker_that_crashes_costs_one_run),
          UNIT(a_run_whose_worker_was_killed_is_run_again),
          UNIT(one_whose_workers_are_killed_twice_is_answered), UNIT(a_full_queue_is_answered_503),
          UNIT(nobody_waits_for_a_run_that_was_canceled),
          UNIT(a_loop_does_not_wait_for_its_workers_to_be_gone), UNIT(a_large_event_goes_through),
          UNIT(what_the_gateway_refuses_is_an_error_of_the_program),
          UNIT(a_worker_that_cannot_work_is_told_at_the_start),
          UNIT(the_worker_is_not_looked_for_where_the_gateway_happens_to_be_started),
          UNIT(when_no_worker_stays_alive_nobody_is_kept_waiting),
          UNIT(when_all_workers_are_killed_before_they_are_ready_nobody_is_kept_waiting),
          UNIT(a_worker_has_nothing_of_the_gateway))
