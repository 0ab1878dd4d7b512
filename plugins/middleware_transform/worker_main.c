/*
 * worker_main.c - the program transform-worker: runs jq programs for the plugin, one input after
 * the other, in a process that may be killed at any moment. libjq cannot be interrupted and ends
 * the process when memory is out; here both cost one run, not the gateway.
 *
 * Its standard input is a socket to the gateway, the other two are /dev/null. It has no other
 * descriptors, no environment, and gives up what a process may do besides: more memory, files,
 * processes. Its end is: the socket's end, the gateway's death, a run that takes twice its time.
 */
#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "jq_program.h"

#define SOCKET_FD 0
#define READ_BYTES 65536u
#define FRAME_MAX_BYTES 0x7fffffffu
#define TICKS_MAX 2

/* Programs are compiled together, this is one of them. */
struct place {
    struct tr_program *program;
    uint32_t number;
};

struct worker {
    struct egx_json in;
    struct egx_json out;
    struct place *places; /* of the programs, by their numbers */
    uint32_t program_count;
    uint64_t max_output;
};

static volatile sig_atomic_t ticks; /* of processor time, since the present run began */

/* ---- bytes ---- */

static void send_all(const struct egx_json *frame) {
    size_t sent = 0;
    while (sent < frame->len) {
        const ssize_t n = send(SOCKET_FD, frame->ptr + sent, frame->len - sent, MSG_NOSIGNAL);
        if (n < 0 && errno != EINTR) {
            _exit(0);
        }
        sent += n > 0 ? (size_t)n : 0;
    }
}

/* Without memory of its own: it may be out. */
static void fail(const char *sentence) {
    char bytes[512];
    const uint32_t len = (uint32_t)strlen(sentence);
    const uint32_t head[3] = {len + 4, TR_FAILED, len};
    memcpy(bytes, head, sizeof head);
    memcpy(bytes + sizeof head, sentence, len);
    (void)send(SOCKET_FD, bytes, sizeof head + len, MSG_NOSIGNAL);
    _exit(1);
}

static void on_no_memory(void *arg) {
    (void)arg;
    fail("memory");
}

/* The next whole frame; its payload is followed by a NUL. */
static struct eg_str next_frame(struct worker *worker, uint32_t *ret_kind, size_t *ret_len) {
    struct eg_str payload = {NULL, 0};
    for (;;) {
        if (tr_frame_find(egx_str_n(worker->in.ptr, worker->in.len), FRAME_MAX_BYTES, ret_kind,
                          &payload, ret_len) < 0) {
            fail("the gateway speaks another language");
        }
        if (*ret_len > 0) {
            return payload;
        }
        static char piece[READ_BYTES];
        const ssize_t n = recv(SOCKET_FD, piece, sizeof piece, 0);
        if (n == 0 || (n < 0 && errno != EINTR)) {
            _exit(0);
        }
        egx_json_raw(&worker->in, egx_str_n(piece, n > 0 ? (size_t)n : 0));
        egx_json_raw(&worker->in, egx_str_n("", 1));
        if (worker->in.is_failed) {
            fail("memory");
        }
        worker->in.len--;
    }
}

static void drop_frame(struct worker *worker, size_t len) {
    worker->in.len -= len;
    memmove(worker->in.ptr, worker->in.ptr + len, worker->in.len);
    if (worker->in.room > 4 * READ_BYTES && worker->in.len == 0) {
        egx_json_free(&worker->in);
    }
}

/* ---- limits ---- */

static void limit(__rlimit_resource_t what, uint64_t value) {
    const struct rlimit both = {(rlim_t)value, (rlim_t)value};
    (void)setrlimit(what, &both);
}

/* The gateway looks at the time of a run. This is for when it cannot. */
static void on_tick(int number) {
    (void)number;
    if (++ticks > TICKS_MAX) {
        _exit(2);
    }
}

static void watch_time(uint64_t timeout_ns) {
    const uint64_t us = timeout_ns / 1000u + 1;
    const struct timeval tick = {(time_t)(us / 1000000u), (suseconds_t)(us % 1000000u)};
    const struct itimerval both = {tick, tick};
    struct sigaction action = {.sa_handler = on_tick, .sa_flags = SA_RESTART};
    (void)sigaction(SIGPROF, &action, NULL);
    (void)setitimer(ITIMER_PROF, &both, NULL);
}

static void give_up(uint64_t max_memory) {
    limit(RLIMIT_AS, max_memory);
    limit(RLIMIT_CORE, 0);
    limit(RLIMIT_FSIZE, 0);
    limit(RLIMIT_NPROC, 0);
    limit(RLIMIT_NOFILE, 3);
    (void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

/* ---- what the plugin says ---- */

static void compile_each(const struct eg_str *texts, size_t count, struct place *places) {
    char why[400] = "";
    for (size_t i = 0; i < count; i++) {
        if (tr_program_compile(texts[i], &places[i].program, why, sizeof why) < 0) {
            fail(why);
        }
        tr_program_on_no_memory(places[i].program, on_no_memory, NULL);
    }
}

static void compile(const struct eg_str *texts, size_t count, struct place *places) {
    struct tr_program *program = NULL;
    if (tr_programs_compile(texts, count, &program) < 0) {
        compile_each(texts, count, places);
        return;
    }
    tr_program_on_no_memory(program, on_no_memory, NULL);
    for (size_t i = 0; i < count; i++) {
        places[i] = (struct place){program, (uint32_t)i};
    }
}

static void set_up(struct worker *worker, struct eg_str payload) {
    struct tr_reader in = {payload, 0};
    struct eg_str texts[TR_TOGETHER];
    if (tr_get_u32(&in) != TR_WIRE_VERSION) {
        fail("it is of another version than the plugin");
    }
    give_up(tr_get_u64(&in));
    worker->max_output = tr_get_u64(&in);
    const uint64_t timeout_ns = tr_get_u64(&in);
    worker->program_count = tr_get_u32(&in);
    worker->places = calloc((size_t)worker->program_count + 1, sizeof *worker->places);
    if (worker->places == NULL) {
        fail("memory");
    }
    for (uint32_t done = 0; done < worker->program_count;) {
        uint32_t count = 0;
        while (count < TR_TOGETHER && done + count < worker->program_count) {
            texts[count++] = tr_get_text(&in);
        }
        if (in.is_bad) {
            fail("the gateway speaks another language");
        }
        compile(texts, count, worker->places + done);
        done += count;
    }
    tr_frame_open(&worker->out, TR_READY);
    (void)tr_frame_close(&worker->out);
    send_all(&worker->out);
    watch_time(timeout_ns);
}

static void run(struct worker *worker, struct eg_str payload) {
    struct tr_reader in = {payload, 0};
    struct tr_run run = {0};
    const uint32_t program = tr_get_u32(&in);
    run.stage = tr_get_u32(&in);
    run.main = tr_get_text(&in);
    run.is_json = tr_get_u32(&in);
    run.body = tr_get_text(&in);
    run.request = tr_get_text(&in);
    run.space = tr_get_text(&in);
    if (in.is_bad || program >= worker->program_count) {
        fail("the gateway speaks another language");
    }
    run.number = worker->places[program].number;
    ticks = 0;
    worker->out.len = 0;
    tr_frame_open(&worker->out, TR_DONE);
    tr_program_run(worker->places[program].program, &run, worker->max_output, &worker->out);
    if (tr_frame_close(&worker->out) < 0) {
        fail("memory");
    }
    send_all(&worker->out);
}

int main(void) {
    struct worker worker = {0};
    uint32_t kind = 0;
    size_t len = 0;
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    set_up(&worker, next_frame(&worker, &kind, &len));
    for (;;) {
        drop_frame(&worker, len);
        run(&worker, next_frame(&worker, &kind, &len));
    }
}
