/* test_etcd.h - the plugin at work in the fake host: answers that the test wrote, and a watch that
 * remembers what it was told. */
#ifndef TEST_ETCD_H
#define TEST_ETCD_H

#include <eventgw-sdk/fake_host.h>

#include "storage_etcd.h"
#include "unit.h"

#define HEADER_AT(revision)                                                                        \
    "\"header\":{\"cluster_id\":\"7\",\"raft_term\":\"2\",\"revision\":\"" revision "\"}"

static struct egx_fake *fake;
static struct etcd_store *store;
static struct eg_why why;

static inline const struct eg_component *component(void) {
    return eg_plugin_constant.components[0];
}

static inline int32_t make(const char *settings) {
    void *instance = NULL;
    fake = egx_fake_new();
    why = (struct eg_why){.struct_size = sizeof why};
    const int32_t rc = egx_fake_create(fake, component(), settings, &instance, &why);
    store = instance;
    return rc;
}

static inline void run(void) {
    while (egx_fake_run(fake) > 0) {
    }
}

static inline void after(uint64_t ns) {
    egx_fake_advance(fake, ns);
    run();
}

static inline void answer(const char *body) {
    egx_fake_answer(fake, 200, "", body);
}

/* A store that has answered once. */
static inline void begin_with(const char *settings) {
    CU_ASSERT_EQUAL_FATAL(make(settings), EG_OK);
    answer("{" HEADER_AT("1") "}");
    CU_ASSERT_EQUAL(egx_fake_start(fake, component(), store), EG_OK);
}

static inline void begin(void) {
    begin_with(NULL);
}

static inline void end(void) {
    if (store != NULL) {
        component()->life->drain(store);
        run();
        egx_fake_destroy(fake, component(), store);
    }
    CU_ASSERT_EQUAL(egx_fake_allocations(fake), 0);
    egx_fake_free(fake);
    fake = NULL;
    store = NULL;
}

static inline size_t sent_count(void) {
    return egx_fake_request_count(fake);
}

static inline const struct egx_fake_request *sent(size_t index) {
    return egx_fake_sent(fake, index);
}

static inline const struct egx_fake_request *last_sent(void) {
    return sent(sent_count() - 1);
}

static inline const char *header_of(const struct egx_fake_request *request, const char *name) {
    for (size_t i = 0; i < request->header_count; i++) {
        if (egx_str_eq(request->headers[i].name, egx_str_c(name))) {
            return request->headers[i].value.ptr;
        }
    }
    return "";
}

/* ---- ops ---- */

static struct egx_fake_op op;

static inline const char *message(void) {
    static char text[1100];
    (void)snprintf(text, sizeof text, "%.*s", EGX_FMT(op.result.message));
    return text;
}

static inline int32_t put(const char *key, const char *value, uint64_t expect) {
    egx_fake_op_init(fake, &op);
    CU_ASSERT_EQUAL(etcd_ops.put(store, egx_str_c(key), egx_str_c(value), expect, &op.pub), EG_OK);
    run();
    CU_ASSERT_EQUAL(op.done_count, 1);
    return op.status;
}

static inline int32_t get(const char *key) {
    egx_fake_op_init(fake, &op);
    CU_ASSERT_EQUAL(etcd_ops.get(store, egx_str_c(key), &op.pub), EG_OK);
    run();
    CU_ASSERT_EQUAL(op.done_count, 1);
    return op.status;
}

/* ---- watches ---- */

struct told {
    struct eg_watch pub;
    char text[4096]; /* "+k=v@3 ", "-k@4 ", "S@4 ", "R@4 ", "D ", "C " */
    char why[256];   /* of the last DOWN */
    char ages[256];  /* "k@created " of each PUT */
};

static inline void on_changed(struct eg_watch *watch, const struct eg_change *change) {
    static const char marks[] = "?+-SRDC";
    struct told *told = (struct told *)(void *)watch;
    const size_t at = strlen(told->text);
    char *out = told->text + at;
    const size_t room = sizeof told->text - at;
    const unsigned long long revision = change->revision;
    if (change->kind == EG_CHANGE_PUT) {
        (void)snprintf(out, room, "+%.*s=%.*s@%llu ", EGX_FMT(change->key), EGX_FMT(change->value),
                       revision);
        const size_t len = strlen(told->ages);
        (void)snprintf(told->ages + len, sizeof told->ages - len, "%.*s@%llu ",
                       EGX_FMT(change->key), (unsigned long long)change->created);
    } else if (change->kind == EG_CHANGE_REMOVE) {
        (void)snprintf(out, room, "-%.*s@%llu ", EGX_FMT(change->key), revision);
    } else if (change->kind == EG_CHANGE_DOWN || change->kind == EG_CHANGE_CLOSED) {
        (void)snprintf(out, room, "%c ", marks[change->kind]);
    } else {
        (void)snprintf(out, room, "%c@%llu ", marks[change->kind], revision);
    }
    if (change->kind == EG_CHANGE_DOWN) {
        (void)snprintf(told->why, sizeof told->why, "%.*s", EGX_FMT(change->message));
    }
}

static inline void watch(struct told *told, const char *prefix, uint64_t from) {
    *told = (struct told){.pub = {.struct_size = sizeof told->pub, .changed = on_changed}};
    CU_ASSERT_EQUAL(etcd_ops.watch(store, egx_str_c(prefix), from, &told->pub), EG_OK);
    run();
}

static inline void data(const char *piece) {
    CU_ASSERT_EQUAL(egx_fake_data(fake, piece), 1);
    run();
}

#define CREATED_AT(revision) "{\"result\":{" HEADER_AT(revision) ",\"created\":true}}\n"
#define KV(key, value, revision)                                                                   \
    "{\"key\":\"" key "\",\"value\":\"" value "\",\"mod_revision\":\"" revision "\"}"
#define KV_OF(key, value, created, revision)                                                       \
    "{\"key\":\"" key "\",\"value\":\"" value "\",\"create_revision\":\"" created                  \
    "\",\"mod_revision\":\"" revision "\"}"
#define PUT_OF(kv) "{\"kv\":" kv "}"
#define REMOVAL_OF(key, revision)                                                                  \
    "{\"type\":\"DELETE\",\"kv\":{\"key\":\"" key "\",\"mod_revision\":\"" revision "\"}}"
#define EVENTS_AT(revision, events)                                                                \
    "{\"result\":{" HEADER_AT(revision) ",\"events\":[" events "]}}\n"

/* A watch of "p/" that is live: told the empty content at revision 5. */
static inline void watch_live(struct told *told) {
    answer("{" HEADER_AT("5") "}");
    watch(told, "p/", 0);
    CU_ASSERT_STRING_EQUAL(told->text, "S@5 ");
    data(CREATED_AT("5"));
    told->text[0] = '\0';
}

#endif
