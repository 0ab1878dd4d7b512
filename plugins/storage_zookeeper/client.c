/*
 * client.c - see client.h. The one file that sees libzookeeper (its multi-threaded variant).
 *
 * The library has two threads a handle: one does the I/O, the other calls completions and watchers,
 * in the order in which the server sent them. What they bring is a `note` in the client's inbox;
 * one post brings the whole inbox to the control loop.
 *
 * zookeeper_init2 resolves names and zookeeper_close waits for threads, so both run on the pool.
 * When zookeeper_close begins with requests under way, the library may or may not call their
 * completions, and what it does not call it leaks; so the pool thread waits (not for long) until
 * the library has answered them all, which it does at once when the connection is lost.
 *
 * Thread: control, but for what says otherwise. Ownership: a call is in `asked` from its beginning
 * until the library is through with it.
 */
#include "client.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <time.h>

#include <zookeeper/zookeeper.h>

#define NOTES_A_TURN 256u
#define QUIET_MS 2000    /* how long closing waits for answers that nobody wants */
#define HURRIED_MS 500   /* and when the host waits for it */
#define RESOLVE_MS 30000 /* names are looked up again after this time, not all the time */

struct note {
    struct note *next;
    void (*run)(struct zk_client *client, struct note *note);
};

struct call {
    struct note note;
    struct call *before; /* in asked */
    struct call *after;
    struct zk_client *client;
    struct zk_ask ask;
    struct zk_reply reply;
    struct eg_str *names; /* with their bytes behind, in one block */
    char *data;
    zoo_op_result_t results[ZK_MAX_OPS]; /* of a multi: the library writes into it */
    struct Stat stat;
};

struct event {
    struct note note;
    uint32_t kind;
    bool was_connected;
    size_t why_len;
    char why[400];
};
#define EVENT_CONNECTED 0u
#define EVENT_TROUBLE 1u
#define EVENT_CHANGED 2u
#define EVENT_GONE 3u

struct zk_client {
    const struct eg_host *host;
    struct zk_client_config config;
    zhandle_t *handle; /* NULL until open */
    zk_log_fn log;
    struct call *asked; /* newest first */
    bool is_working;    /* a pool thread has it */
    bool is_connected;
    bool is_closing;
    bool is_hurried;
    int error; /* of zookeeper_init2 */
    void (*on_closed)(void *arg);
    void *closed_arg;
    /* any thread */
    pthread_mutex_t lock;
    pthread_cond_t quiet;
    size_t unanswered; /* requests that the library has */
    struct note *first;
    struct note *last;
    bool is_posted;
    char reason[200]; /* the library's last words */
};

/* ---- the inbox ---- */

static struct note *take_note(struct zk_client *client) {
    pthread_mutex_lock(&client->lock);
    struct note *note = client->first;
    if (note != NULL) {
        client->first = note->next;
        client->last = client->first == NULL ? NULL : client->last;
    } else {
        client->is_posted = false;
    }
    pthread_mutex_unlock(&client->lock);
    return note;
}

static void read_inbox(void *arg) {
    struct zk_client *client = arg;
    struct note *note = NULL;
    for (size_t i = 0; i < NOTES_A_TURN && (note = take_note(client)) != NULL; i++) {
        note->run(client, note);
    }
    if (note != NULL) { /* others get their turn in between */
        client->host->loop->post(client->host, client->config.loop, read_inbox, client);
    }
}

/* Any thread. */
static void put_note(struct zk_client *client, struct note *note) {
    note->next = NULL;
    pthread_mutex_lock(&client->lock);
    if (client->last == NULL) {
        client->first = note;
    } else {
        client->last->next = note;
    }
    client->last = note;
    const bool is_first = !client->is_posted;
    client->is_posted = true;
    pthread_mutex_unlock(&client->lock);
    if (is_first) {
        client->host->loop->post(client->host, client->config.loop, read_inbox, client);
    }
}

/* ---- events ---- */

/* The session may be there before zookeeper_init2 has returned the handle; then on_opened comes
 * here again. */
static void connected(struct zk_client *client) {
    const struct zk_client_config *config = &client->config;
    if (client->is_closing || client->is_working) {
        return;
    }
    if (config->digest != NULL) {
        /* Goes to the head of the queue: whatever is asked later comes after it. */
        (void)zoo_add_auth(client->handle, "digest", config->digest, (int)strlen(config->digest),
                           NULL, NULL);
    }
    config->on_connected(config->arg);
}

static void run_event(struct zk_client *client, struct note *note) {
    struct event *event = (struct event *)(void *)note;
    const struct zk_client_config *config = &client->config;
    if (event->kind == EVENT_CONNECTED) {
        client->is_connected = true;
        connected(client);
    } else if (client->is_closing) {
        /* nobody listens */
    } else if (event->kind == EVENT_TROUBLE) {
        config->on_trouble(config->arg, event->was_connected,
                           egx_str_n(event->why, event->why_len));
    } else {
        config->on_watched(config->arg, event->kind == EVENT_GONE);
    }
    client->host->mem->free(client->host, event);
}

/* Any thread. */
static void put_event(struct zk_client *client, uint32_t kind, bool was_connected,
                      const char *why) {
    struct event *event = client->host->mem->alloc(client->host, sizeof *event);
    event->note.run = run_event;
    event->kind = kind;
    event->was_connected = was_connected;
    event->why_len = strlen(why) < sizeof event->why ? strlen(why) : sizeof event->why - 1;
    memcpy(event->why, why, event->why_len);
    put_note(client, &event->note);
}

/* "Socket [127.0.0.1:2181] zk retcode=-4, errno=111(Connection refused): server refused ...": the
 * text of errno says it best. */
static struct eg_str reason_in(struct eg_str message) {
    const char *begin = memmem(message.ptr, message.len, "errno=", 6);
    begin = begin == NULL ? NULL : memchr(begin, '(', message.len - (size_t)(begin - message.ptr));
    const char *end =
        begin == NULL ? NULL : memchr(begin, ')', message.len - (size_t)(begin - message.ptr));
    if (end == NULL) {
        return message;
    }
    const struct eg_str reason = egx_str_n(begin + 1, (size_t)(end - begin - 1));
    /* The library sets EHOSTDOWN when it reads the end of the stream. */
    return egx_str_eq(reason, egx_str_c(strerror(EHOSTDOWN)))
               ? EGX_STR("the server closed the connection")
               : reason;
}

/* Threads of the library and of the pool. */
static void take_log(void *arg, struct eg_str message) {
    struct zk_client *client = arg;
    static const char *const failures[] = {"Socket ", "getaddrinfo: "};
    egx_log(client->host, EG_LOG_DEBUG, "libzookeeper: %.*s", EGX_FMT(message));
    for (size_t i = 0; i < EGX_COUNT(failures); i++) {
        if (egx_str_starts(message, egx_str_c(failures[i]))) {
            const struct eg_str reason = reason_in(egx_str_cut(message, i == 0 ? 0 : 13));
            char text[sizeof client->reason];
            (void)snprintf(text, sizeof text, "%.*s", EGX_FMT(reason));
            text[0] = egx_lower(text[0]);
            pthread_mutex_lock(&client->lock);
            memcpy(client->reason, text, sizeof text);
            pthread_mutex_unlock(&client->lock);
            put_event(client, EVENT_TROUBLE, false, text);
        }
    }
}

/* The library's thread. Session events come to every watcher; this one is for the session. */
static void watch_session(zhandle_t *handle, int type, int state, const char *path, void *arg) {
    struct zk_client *client = arg;
    char reason[sizeof client->reason];
    (void)handle;
    (void)path;
    if (type != ZOO_SESSION_EVENT) {
        return;
    }
    if (state == ZOO_CONNECTED_STATE) {
        put_event(client, EVENT_CONNECTED, false, "");
        return;
    }
    pthread_mutex_lock(&client->lock);
    memcpy(reason, client->reason, sizeof reason);
    pthread_mutex_unlock(&client->lock);
    put_event(client, EVENT_TROUBLE, true,
              state == ZOO_EXPIRED_SESSION_STATE ? "the session has expired"
              : state == ZOO_AUTH_FAILED_STATE   ? "the server takes no digest"
              : reason[0] != '\0'                ? reason
                                                 : "the connection was lost");
}

/* The library's thread. */
static void watch_node(zhandle_t *handle, int type, int state, const char *path, void *arg) {
    (void)handle;
    (void)state;
    (void)path;
    if (type != ZOO_SESSION_EVENT) {
        put_event(arg, type == ZOO_DELETED_EVENT ? EVENT_GONE : EVENT_CHANGED, false, "");
    }
}

/* ---- calls ---- */

static struct call *call_new(struct zk_client *client, struct zk_ask ask) {
    struct call *call = client->host->mem->alloc(client->host, sizeof *call);
    call->client = client;
    call->ask = ask;
    call->after = client->asked;
    if (call->after != NULL) {
        call->after->before = call;
    }
    client->asked = call;
    pthread_mutex_lock(&client->lock);
    client->unanswered++;
    pthread_mutex_unlock(&client->lock);
    return call;
}

static void call_free(struct zk_client *client, struct call *call) {
    if (call->before == NULL) {
        client->asked = call->after;
    } else {
        call->before->after = call->after;
    }
    if (call->after != NULL) {
        call->after->before = call->before;
    }
    client->host->mem->free(client->host, call->names);
    client->host->mem->free(client->host, call->data);
    client->host->mem->free(client->host, call);
}

static void run_call(struct zk_client *client, struct note *note) {
    struct call *call = (struct call *)(void *)note;
    const struct zk_ask ask = call->ask;
    call->ask.done = NULL; /* done may close the client, which ends what is still asked */
    if (ask.done != NULL) {
        ask.done(ask.arg, &call->reply);
    }
    call_free(client, call);
}

static uint32_t code_of(int rc) {
    static const struct {
        int rc;
        uint32_t code;
    } codes[] = {
        {ZOK, ZK_OK},
        {ZNONODE, ZK_NONODE},
        {ZNODEEXISTS, ZK_EXISTS},
        {ZBADVERSION, ZK_BADVERSION},
        {ZNOAUTH, ZK_NOAUTH},
        {ZCONNECTIONLOSS, ZK_LOST},
        {ZOPERATIONTIMEOUT, ZK_LOST},
        {ZSESSIONEXPIRED, ZK_LOST},
        {ZSESSIONMOVED, ZK_LOST},
        {ZAUTHFAILED, ZK_LOST},
        {ZCLOSING, ZK_LOST},
        {ZINVALIDSTATE, ZK_LOST},
        {ZRUNTIMEINCONSISTENCY, ZK_LOST}, /* an answer to something else: the connection is cut */
    };
    for (size_t i = 0; i < EGX_COUNT(codes); i++) {
        if (codes[i].rc == rc) {
            return codes[i].code;
        }
    }
    return ZK_FAILED;
}

/* Any thread. The call belongs to the control thread afterwards. */
static void answered(struct call *call, int rc, const struct Stat *stat) {
    call->reply.code = code_of(rc);
    call->reply.raw = rc;
    if (stat != NULL) {
        call->reply.stat = (struct zk_stat){
            .made_zxid = (uint64_t)stat->czxid,
            .zxid = (uint64_t)stat->mzxid,
            .children_zxid = (uint64_t)stat->pzxid,
            .version = stat->version,
        };
    }
    struct zk_client *client = call->client;
    call->note.run = run_call;
    put_note(client, &call->note);
    pthread_mutex_lock(&client->lock);
    if (--client->unanswered == 0) {
        pthread_cond_signal(&client->quiet);
    }
    pthread_mutex_unlock(&client->lock);
}

/* rc of the function that sends: no completion follows when it is not ZOK. */
static void sent(struct call *call, int rc) {
    if (rc != ZOK) {
        answered(call, rc, NULL);
    }
}

/* The library's thread, as all completions. Their `data` is declared const. */
static struct call *call_of(const void *data) {
    return (struct call *)(uintptr_t)data;
}

static void got_name(int rc, const char *name, const void *data) {
    (void)name;
    answered(call_of(data), rc, NULL);
}

static void got_stat(int rc, const struct Stat *stat, const void *data) {
    answered(call_of(data), rc, rc == ZOK ? stat : NULL);
}

static void got_data(int rc, const char *value, int len, const struct Stat *stat,
                     const void *data) {
    struct call *call = call_of(data);
    if (rc == ZOK && len > 0) {
        call->data = call->client->host->mem->alloc(call->client->host, (size_t)len);
        memcpy(call->data, value, (size_t)len);
        call->reply.data = egx_str_n(call->data, (size_t)len);
    }
    answered(call, rc, rc == ZOK ? stat : NULL);
}

static void copy_names(struct call *call, const struct String_vector *strings) {
    const struct eg_host *host = call->client->host;
    const size_t count = (size_t)strings->count;
    size_t bytes = 0;
    for (size_t i = 0; i < count; i++) {
        bytes += strlen(strings->data[i]);
    }
    call->names = host->mem->alloc(host, count * sizeof *call->names + bytes + 1);
    char *text = (char *)(call->names + count);
    for (size_t i = 0; i < count; i++) {
        const size_t len = strlen(strings->data[i]);
        memcpy(text, strings->data[i], len);
        call->names[i] = egx_str_n(text, len);
        text += len;
    }
    call->reply.names = call->names;
    call->reply.name_count = count;
}

static void got_names(int rc, const struct String_vector *strings, const struct Stat *stat,
                      const void *data) {
    struct call *call = call_of(data);
    if (rc == ZOK && strings != NULL) {
        copy_names(call, strings);
    }
    answered(call, rc, rc == ZOK ? stat : NULL);
}

static void got_multi(int rc, const void *data) {
    struct call *call = call_of(data);
    answered(call, rc, rc == ZOK ? &call->stat : NULL);
}

void zk_sync(struct zk_client *client, const char *path, struct zk_ask ask) {
    struct call *call = call_new(client, ask);
    sent(call, zoo_async(client->handle, path, got_name, call));
}

void zk_get(struct zk_client *client, const char *path, bool is_watched, struct zk_ask ask) {
    struct call *call = call_new(client, ask);
    sent(call, is_watched ? zoo_awget(client->handle, path, watch_node, client, got_data, call)
                          : zoo_aget(client->handle, path, 0, got_data, call));
}

void zk_exists(struct zk_client *client, const char *path, struct zk_ask ask) {
    struct call *call = call_new(client, ask);
    sent(call, zoo_aexists(client->handle, path, 0, got_stat, call));
}

void zk_children(struct zk_client *client, const char *path, struct zk_ask ask) {
    struct call *call = call_new(client, ask);
    sent(call, zoo_aget_children2(client->handle, path, 0, got_names, call));
}

static const struct ACL_vector *acl_of(const struct zk_client *client) {
    return client->config.digest == NULL ? &ZOO_OPEN_ACL_UNSAFE : &ZOO_CREATOR_ALL_ACL;
}

void zk_create(struct zk_client *client, const char *path, struct eg_str data, struct zk_ask ask) {
    struct call *call = call_new(client, ask);
    sent(call, zoo_acreate(client->handle, path, data.len == 0 ? "" : data.ptr, (int)data.len,
                           acl_of(client), ZOO_PERSISTENT, got_name, call));
}

void zk_multi(struct zk_client *client, const struct zk_op *ops, size_t count, struct zk_ask ask) {
    struct call *call = call_new(client, ask);
    zoo_op_t list[ZK_MAX_OPS];
    for (size_t i = 0; i < count; i++) {
        const char *data = ops[i].data.len == 0 ? "" : ops[i].data.ptr;
        const int len = (int)ops[i].data.len;
        if (ops[i].kind == ZK_SET) {
            zoo_set_op_init(&list[i], ops[i].path, data, len, ops[i].version,
                            i == 0 ? &call->stat : NULL);
        } else if (ops[i].kind == ZK_CREATE) {
            zoo_create_op_init(&list[i], ops[i].path, data, len, acl_of(client), ZOO_PERSISTENT,
                               NULL, 0);
        } else if (ops[i].kind == ZK_DELETE) {
            zoo_delete_op_init(&list[i], ops[i].path, ops[i].version);
        } else {
            zoo_check_op_init(&list[i], ops[i].path, ops[i].version);
        }
    }
    /* The operations are written into the packet at once, only the results have to last. */
    sent(call, zoo_amulti(client->handle, (int)count, list, call->results, got_multi, call));
}

const char *zk_client_text(int32_t raw) {
    return zerror(raw);
}

/* ---- life ---- */

static void client_free(struct zk_client *client) {
    const struct eg_host *host = client->host;
    while (client->asked != NULL) { /* the library leaked them */
        call_free(client, client->asked);
    }
    if (client->log != zk_log_silence) {
        zk_log_give_back(client->log);
    }
    pthread_cond_destroy(&client->quiet);
    pthread_mutex_destroy(&client->lock);
    host->mem->free(host, client);
}

/* Pool thread. */
static void work_open(void *arg) {
    struct zk_client *client = arg;
    client->handle =
        zookeeper_init2(client->config.servers, watch_session, client->config.session_ms, NULL,
                        client, ZOO_NO_LOG_CLIENTENV, client->log);
    client->error = client->handle == NULL ? errno : 0;
    if (client->handle != NULL) {
        (void)zoo_set_servers_resolution_delay(client->handle, RESOLVE_MS);
    }
}

static void close_threads(void *arg);

static void on_opened(void *arg) {
    struct zk_client *client = arg;
    client->is_working = false;
    if (client->is_closing) {
        close_threads(client);
    } else if (client->handle == NULL) {
        client->config.on_trouble(client->config.arg, false, egx_str_c(strerror(client->error)));
    } else {
        client->config.on_open(client->config.arg);
        if (client->is_connected) {
            connected(client);
        }
    }
}

int32_t zk_client_open(const struct zk_client_config *config, struct zk_client **ret_client) {
    const struct eg_host *host = config->host;
    struct zk_client *client = host->mem->alloc(host, sizeof *client);
    client->host = host;
    client->config = *config;
    pthread_mutex_init(&client->lock, NULL);
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC); /* somebody may set the other one */
    pthread_cond_init(&client->quiet, &attributes);
    pthread_condattr_destroy(&attributes);
    zoo_set_debug_level(ZOO_LOG_LEVEL_WARN); /* of the process */
    client->log = zk_log_take(take_log, client);
    if (client->log == NULL) {
        client->log = zk_log_silence;
    }
    client->is_working = true;
    *ret_client = client;
    const int32_t rc = host->loop->run_blocking(host, config->loop, work_open, on_opened, client);
    if (rc < 0) {
        client_free(client);
        *ret_client = NULL;
    }
    return rc;
}

/* Pool thread. */
static void work_close(void *arg) {
    struct zk_client *client = arg;
    struct timespec until;
    int rc = 0;
    clock_gettime(CLOCK_MONOTONIC, &until);
    const long most_ms = client->is_hurried ? HURRIED_MS : QUIET_MS;
    until.tv_sec += (until.tv_nsec / 1000000 + most_ms) / 1000;
    until.tv_nsec = (until.tv_nsec / 1000000 + most_ms) % 1000 * 1000000;
    pthread_mutex_lock(&client->lock);
    while (client->unanswered > 0 && rc == 0) {
        rc = pthread_cond_timedwait(&client->quiet, &client->lock, &until);
    }
    pthread_mutex_unlock(&client->lock);
    if (client->handle != NULL) {
        (void)zookeeper_close(client->handle);
    }
}

static void on_work_closed(void *arg) {
    struct zk_client *client = arg;
    void (*on_closed)(void *arg) = client->on_closed;
    void *closed_arg = client->closed_arg;
    pthread_mutex_lock(&client->lock);
    const bool is_posted = client->is_posted;
    pthread_mutex_unlock(&client->lock);
    if (is_posted) { /* the inbox was too long for one turn */
        client->host->loop->post(client->host, client->config.loop, on_work_closed, client);
        return;
    }
    client_free(client);
    on_closed(closed_arg);
}

/* Posts or a job all the time until the client is gone: the host does not end the instance before.
 */
static void close_threads(void *arg) {
    struct zk_client *client = arg;
    const struct eg_host *host = client->host;
    if (client->is_working) {
        return; /* on_opened comes here */
    }
    if (host->loop->run_blocking(host, client->config.loop, work_close, on_work_closed, client) <
        0) {
        host->loop->post(host, client->config.loop, close_threads, client); /* the pool is full */
    }
}

void zk_client_close(struct zk_client *client, bool is_hurried, void (*on_closed)(void *arg),
                     void *arg) {
    client->is_closing = true;
    client->is_hurried = is_hurried;
    client->on_closed = on_closed;
    client->closed_arg = arg;
    for (struct call *call = client->asked; call != NULL; call = call->after) {
        const struct zk_ask ask = call->ask;
        call->ask.done = NULL;
        if (ask.done != NULL) {
            ask.done(ask.arg, &(struct zk_reply){.code = ZK_LOST, .raw = ZCONNECTIONLOSS});
        }
    }
    close_threads(client);
}
