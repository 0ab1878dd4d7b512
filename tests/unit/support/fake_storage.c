/*
 * fake_storage.c - see the header. A sorted array of keys; ops are recorded with copies of their
 * arguments, so that holding them back is like a slow store.
 */
#include "support/fake_storage.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_ENTRIES 4096
#define MAX_HELD 256
#define MAX_CHECKS 8

enum op_kind { OP_GET, OP_LIST, OP_PUT, OP_REMOVE };

struct entry {
    struct eg_str key;
    struct eg_str value;
    uint64_t revision;
    uint64_t created;
};
/* A commit is a put or remove with checks. */
struct held_op {
    enum op_kind kind;
    struct eg_str key;
    struct eg_str value;
    uint64_t expect;
    struct eg_op *op;
    struct eg_check checks[MAX_CHECKS];
    size_t check_count;
};

static struct {
    struct entry entries[MAX_ENTRIES];
    size_t count;
    uint64_t revision;
    struct held_op held[MAX_HELD];
    size_t held_count;
    bool is_held;
    int32_t fail_status;
    const char *fail_text;
    size_t races_to_lose;
    size_t calls;
    struct {
        size_t call;
        const char *key;
        const char *value;
    } before; /* call 0: nothing */
    char last_commit[1024];
    const char *away_text; /* NULL: the store is there */
    bool is_silent;
    struct eg_watch *watch;
    struct eg_str watch_prefix;
    bool has_instance;
} store;

static struct eg_str copy(struct eg_str s) {
    char *ptr = malloc(s.len + 1);
    if (ptr == NULL) {
        abort();
    }
    if (s.len > 0) {
        memcpy(ptr, s.ptr, s.len);
    }
    ptr[s.len] = '\0';
    return (struct eg_str){.ptr = ptr, .len = s.len};
}

static void drop(struct eg_str s) {
    free((void *)(uintptr_t)s.ptr);
}

static void release_copy(void *owner) {
    free(owner);
}

static int compare(struct eg_str a, struct eg_str b) {
    const size_t common = a.len < b.len ? a.len : b.len;
    const int order = common == 0 ? 0 : memcmp(a.ptr, b.ptr, common);
    return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

static bool has_prefix(struct eg_str s, struct eg_str prefix) {
    return s.len >= prefix.len && (prefix.len == 0 || memcmp(s.ptr, prefix.ptr, prefix.len) == 0);
}

static size_t place_of(struct eg_str key, bool *ret_is_there) {
    size_t i = 0;
    while (i < store.count && compare(store.entries[i].key, key) < 0) {
        i++;
    }
    *ret_is_there = i < store.count && compare(store.entries[i].key, key) == 0;
    return i;
}

static uint64_t created_of(struct eg_str key) {
    bool is_there = false;
    const size_t at = place_of(key, &is_there);
    return is_there ? store.entries[at].created : 0;
}

/* ---- watch ---- */

static void tell(uint32_t kind, struct eg_str key, struct eg_str value, uint64_t revision,
                 const char *message) {
    if (store.watch == NULL ||
        !has_prefix(key, kind == EG_CHANGE_PUT || kind == EG_CHANGE_REMOVE ? store.watch_prefix
                                                                           : (struct eg_str){0})) {
        return;
    }
    const struct eg_change change = {
        .struct_size = sizeof change,
        .kind = kind,
        .revision = revision,
        .key = key,
        .value = value,
        .message = {.ptr = message, .len = message == NULL ? 0 : strlen(message)},
        .created = kind == EG_CHANGE_PUT ? created_of(key) : 0};
    store.watch->changed(store.watch, &change);
}

static void tell_if_there(uint32_t kind, struct eg_str key, struct eg_str value, uint64_t revision,
                          const char *message) {
    if (store.away_text == NULL && !store.is_silent) {
        tell(kind, key, value, revision, message);
    }
}

static void tell_all(void) {
    for (size_t i = 0; i < store.count; i++) {
        const struct entry *entry = &store.entries[i];
        tell(EG_CHANGE_PUT, entry->key, entry->value, entry->revision, NULL);
    }
    tell(EG_CHANGE_SYNCED, (struct eg_str){0}, (struct eg_str){0}, store.revision, NULL);
}

/* ---- content ---- */

static void set_entry(struct eg_str key, struct eg_str value) {
    bool is_there = false;
    const size_t at = place_of(key, &is_there);
    if (is_there) {
        drop(store.entries[at].value);
    } else {
        if (store.count == MAX_ENTRIES) {
            abort();
        }
        memmove(&store.entries[at + 1], &store.entries[at],
                (store.count - at) * sizeof store.entries[0]);
        store.entries[at].key = copy(key);
        store.entries[at].created = store.revision + 1;
        store.count++;
    }
    store.entries[at].value = copy(value);
    store.entries[at].revision = ++store.revision;
    tell_if_there(EG_CHANGE_PUT, key, value, store.revision, NULL);
}

static void remove_entry(size_t at) {
    const struct eg_str key = store.entries[at].key;
    drop(store.entries[at].value);
    store.count--;
    memmove(&store.entries[at], &store.entries[at + 1],
            (store.count - at) * sizeof store.entries[0]);
    tell_if_there(EG_CHANGE_REMOVE, key, (struct eg_str){0}, ++store.revision, NULL);
    drop(key);
}

/* ---- ops ---- */

static void end(struct eg_op *op, int32_t status, const char *text, struct eg_result *result) {
    struct eg_result none = {.struct_size = sizeof none};
    result = result == NULL ? &none : result;
    result->message = (struct eg_str){.ptr = text, .len = text == NULL ? 0 : strlen(text)};
    op->done(op, status, result);
}

static void work_get(const struct held_op *held) {
    struct eg_result result = {.struct_size = sizeof result};
    bool is_there = false;
    const size_t at = place_of(held->key, &is_there);
    if (!is_there) {
        end(held->op, EG_E_NOTFOUND, NULL, NULL);
        return;
    }
    const struct eg_str value = copy(store.entries[at].value);
    result.revision = store.entries[at].revision;
    result.body = (struct eg_buf){.ptr = value.ptr,
                                  .len = value.len,
                                  .release = release_copy,
                                  .owner = (void *)(uintptr_t)value.ptr};
    end(held->op, EG_OK, NULL, &result);
}

static void work_list(const struct held_op *held) {
    static struct eg_item items[MAX_ENTRIES];
    static const struct eg_item *pointers[MAX_ENTRIES];
    struct eg_result result = {.struct_size = sizeof result, .revision = store.revision};
    for (size_t i = 0; i < store.count; i++) {
        if (has_prefix(store.entries[i].key, held->key)) {
            items[result.item_count] = (struct eg_item){.struct_size = sizeof items[0],
                                                        .revision = store.entries[i].revision,
                                                        .key = store.entries[i].key,
                                                        .value = store.entries[i].value};
            pointers[result.item_count] = &items[result.item_count];
            result.item_count++;
        }
    }
    result.items = pointers;
    end(held->op, EG_OK, NULL, &result);
}

static bool loses_race(struct eg_op *op) {
    if (store.races_to_lose == 0) {
        return false;
    }
    store.races_to_lose--;
    end(op, EG_E_CONFLICT, NULL, NULL);
    return true;
}

static int32_t check_expected(bool is_there, uint64_t revision, uint64_t expect) {
    if (expect == EG_REV_ANY) {
        return EG_OK;
    }
    if (expect == EG_REV_ABSENT) {
        return is_there ? EG_E_EXISTS : EG_OK;
    }
    return is_there && revision == expect ? EG_OK : EG_E_CONFLICT;
}

static bool holds(const struct eg_check *check) {
    bool is_there = false;
    if (check->kind == EG_CHECK_KEY) {
        const size_t at = place_of(check->key, &is_there);
        return (is_there ? store.entries[at].revision : EG_REV_ABSENT) == check->revision;
    }
    for (size_t i = 0; i < store.count; i++) {
        if (has_prefix(store.entries[i].key, check->key) &&
            store.entries[i].revision > check->revision) {
            return false;
        }
    }
    return true;
}

static int32_t check_all(const struct held_op *held, int32_t rc) {
    for (size_t i = 0; i < held->check_count && rc == EG_OK; i++) {
        rc = holds(&held->checks[i]) ? EG_OK : EG_E_CONFLICT;
    }
    return rc;
}

static void work_put(const struct held_op *held) {
    struct eg_result result = {.struct_size = sizeof result};
    bool is_there = false;
    const size_t at = place_of(held->key, &is_there);
    const int32_t rc = check_all(
        held, check_expected(is_there, is_there ? store.entries[at].revision : 0, held->expect));
    if (loses_race(held->op)) {
        return;
    }
    if (rc < 0) {
        end(held->op, rc, NULL, NULL);
        return;
    }
    set_entry(held->key, held->value);
    result.revision = store.revision;
    end(held->op, EG_OK, NULL, &result);
}

static void work_remove(const struct held_op *held) {
    struct eg_result result = {.struct_size = sizeof result};
    bool is_there = false;
    const size_t at = place_of(held->key, &is_there);
    if (loses_race(held->op)) {
        return;
    }
    const int32_t rc =
        check_all(held, is_there ? check_expected(true, store.entries[at].revision, held->expect)
                                 : EG_E_NOTFOUND);
    if (rc < 0) {
        end(held->op, rc, NULL, NULL);
        return;
    }
    remove_entry(at);
    result.revision = store.revision;
    end(held->op, EG_OK, NULL, &result);
}

static void drop_op(const struct held_op *held) {
    drop(held->key);
    drop(held->value);
    for (size_t i = 0; i < held->check_count; i++) {
        drop(held->checks[i].key);
    }
}

static void work(struct held_op *held) {
    static void (*const workers[])(const struct held_op *) = {
        [OP_GET] = work_get, [OP_LIST] = work_list, [OP_PUT] = work_put, [OP_REMOVE] = work_remove};
    if (store.away_text != NULL) {
        end(held->op, EG_E_UNAVAILABLE, store.away_text, NULL);
    } else if (store.fail_status != 0) {
        end(held->op, store.fail_status, store.fail_text, NULL);
    } else {
        workers[held->kind](held);
    }
    drop_op(held);
}

static int32_t accept_op(struct held_op held) {
    if (++store.calls == store.before.call) {
        (void)fake_storage_set(store.before.key, store.before.value);
    }
    if (!store.is_held) {
        work(&held);
        return EG_OK;
    }
    if (store.held_count == MAX_HELD) {
        abort();
    }
    store.held[store.held_count++] = held;
    return EG_OK;
}

static int32_t accept(enum op_kind kind, struct eg_str key, struct eg_str value, uint64_t expect,
                      struct eg_op *op) {
    return accept_op((struct held_op){
        .kind = kind, .key = copy(key), .value = copy(value), .expect = expect, .op = op});
}

static int32_t fake_get(void *instance, struct eg_str key, struct eg_op *op) {
    (void)instance;
    return accept(OP_GET, key, (struct eg_str){0}, 0, op);
}

static int32_t fake_list(void *instance, struct eg_str prefix, struct eg_op *op) {
    (void)instance;
    return accept(OP_LIST, prefix, (struct eg_str){0}, 0, op);
}

static int32_t fake_put(void *instance, struct eg_str key, struct eg_str value, uint64_t expect,
                        struct eg_op *op) {
    (void)instance;
    return accept(OP_PUT, key, value, expect, op);
}

static int32_t fake_remove(void *instance, struct eg_str key, uint64_t expect, struct eg_op *op) {
    (void)instance;
    return accept(OP_REMOVE, key, (struct eg_str){0}, expect, op);
}

static void say(const char *before, struct eg_str key, const char *between, uint64_t revision) {
    char *at = store.last_commit + strlen(store.last_commit);
    const size_t room = (size_t)(store.last_commit + sizeof store.last_commit - at);
    const int n = (int)key.len;
    if (revision == EG_REV_ANY || revision == EG_REV_ABSENT) {
        (void)snprintf(at, room, "%s%.*s%s%s", before, n, key.ptr, between,
                       revision == EG_REV_ANY ? "any" : "absent");
    } else {
        (void)snprintf(at, room, "%s%.*s%s%" PRIu64, before, n, key.ptr, between, revision);
    }
}

static int32_t fake_commit(void *instance, const struct eg_commit *commit, struct eg_op *op) {
    const bool is_removal = commit->is_removal != 0;
    struct held_op held = {.kind = is_removal ? OP_REMOVE : OP_PUT,
                           .expect = commit->expect_revision,
                           .op = op,
                           .check_count = commit->check_count};
    (void)instance;
    if (!EG_HAS(commit, check_count) || commit->check_count > MAX_CHECKS) {
        return EG_E_INVAL;
    }
    held.key = copy(commit->key);
    held.value = copy(is_removal ? (struct eg_str){0} : commit->value);
    store.last_commit[0] = '\0';
    say(is_removal ? "remove " : "put ", commit->key, " expect ", commit->expect_revision);
    for (size_t i = 0; i < commit->check_count; i++) {
        const struct eg_check *check = commit->checks[i];
        const bool is_key = check->kind == EG_CHECK_KEY;
        held.checks[i] = *check;
        held.checks[i].key = copy(check->key);
        say(is_key ? "; key " : "; prefix ", check->key, is_key ? " is " : " since ",
            check->revision);
    }
    return accept_op(held);
}

static int32_t fake_watch(void *instance, struct eg_str prefix, uint64_t from_revision,
                          struct eg_watch *watch) {
    (void)instance;
    (void)from_revision;
    store.watch = watch;
    drop(store.watch_prefix);
    store.watch_prefix = copy(prefix);
    if (store.away_text != NULL) {
        fake_storage_watch_down(store.away_text);
    } else if (!store.is_silent) {
        tell_all();
    }
    return EG_OK;
}

static void fake_unwatch(void *instance, struct eg_watch *watch) {
    (void)instance;
    if (store.watch != watch) {
        return;
    }
    tell(EG_CHANGE_CLOSED, (struct eg_str){0}, (struct eg_str){0}, store.revision, NULL);
    store.watch = NULL;
}

/* ---- life ---- */

static int32_t fake_create(const struct eg_host *host, const void *settings, void **ret_instance,
                           struct eg_why *ret_why) {
    (void)host;
    (void)settings;
    (void)ret_why;
    if (store.has_instance) {
        return EG_E_EXISTS;
    }
    store.has_instance = true;
    *ret_instance = &store;
    return EG_OK;
}

static void fake_destroy(void *instance) {
    (void)instance;
    store.has_instance = false;
}

static const struct eg_life_ops life = {
    .struct_size = sizeof life, .create = fake_create, .destroy = fake_destroy};
#define OPS_OF_0_1                                                                                 \
    .get = fake_get, .list = fake_list, .put = fake_put, .remove = fake_remove,                    \
    .watch = fake_watch, .unwatch = fake_unwatch
const struct eg_storage_ops fake_storage_ops = {
    .struct_size = sizeof fake_storage_ops, OPS_OF_0_1, .commit = fake_commit};
/* As a plugin that was built with the headers of 0.1 has it: what follows is not its. */
static const struct eg_storage_ops ops_0_1 = {
    .struct_size = offsetof(struct eg_storage_ops, commit), OPS_OF_0_1, .commit = fake_commit};
static const struct eg_component component = {.struct_size = sizeof component,
                                              .kind = EG_KIND_STORAGE,
                                              .name = "fake",
                                              .summary = "keeps the configuration of a test",
                                              .life = &life,
                                              .ops = &fake_storage_ops};
static const struct eg_component component_0_1 = {.struct_size = sizeof component_0_1,
                                                  .kind = EG_KIND_STORAGE,
                                                  .name = "fake_0_1",
                                                  .summary = "the same without commit",
                                                  .life = &life,
                                                  .ops = &ops_0_1};
static const struct eg_component *const components[] = {&component, &component_0_1};
const struct eg_plugin fake_storage_plugin = {.magic = EG_PLUGIN_MAGIC,
                                              .struct_size = sizeof fake_storage_plugin,
                                              .abi_built = EG_ABI,
                                              .abi_needs = EG_ABI_MAKE(0, 1),
                                              .name = "fake_storage",
                                              .version = "1",
                                              .licence = "MIT",
                                              .components = components,
                                              .component_count = 2};

/* ---- what tests do ---- */

void fake_storage_reset(void) {
    for (size_t i = 0; i < store.count; i++) {
        drop(store.entries[i].key);
        drop(store.entries[i].value);
    }
    for (size_t i = 0; i < store.held_count; i++) {
        drop_op(&store.held[i]);
    }
    drop(store.watch_prefix);
    const bool has_instance = store.has_instance;
    memset(&store, 0, sizeof store);
    store.has_instance = has_instance;
}

void fake_storage_hold(bool is_held) {
    store.is_held = is_held;
}

size_t fake_storage_held(void) {
    return store.held_count;
}

void fake_storage_release(size_t count) {
    while (count-- > 0 && store.held_count > 0) {
        struct held_op oldest = store.held[0];
        store.held_count--;
        memmove(&store.held[0], &store.held[1], store.held_count * sizeof store.held[0]);
        work(&oldest);
    }
}

void fake_storage_fail(int32_t status, const char *text) {
    store.fail_status = status;
    store.fail_text = text;
}

void fake_storage_set_before(size_t call, const char *key, const char *value) {
    store.before.call = call;
    store.before.key = key;
    store.before.value = value;
}

void fake_storage_lose_races(size_t count) {
    store.races_to_lose = count;
}

uint64_t fake_storage_set(const char *key, const char *value) {
    const struct eg_str k = {.ptr = key, .len = strlen(key)};
    bool is_there = false;
    const size_t at = place_of(k, &is_there);
    if (value != NULL) {
        set_entry(k, (struct eg_str){.ptr = value, .len = strlen(value)});
    } else if (is_there) {
        remove_entry(at);
    }
    return store.revision;
}

const char *fake_storage_get(const char *key) {
    bool is_there = false;
    const size_t at = place_of((struct eg_str){.ptr = key, .len = strlen(key)}, &is_there);
    return is_there ? store.entries[at].value.ptr : NULL;
}

const char *fake_storage_last_commit(void) {
    return store.last_commit;
}

size_t fake_storage_count(void) {
    return store.count;
}

size_t fake_storage_calls(void) {
    return store.calls;
}

void fake_storage_away(const char *text) {
    const bool was_away = store.away_text != NULL;
    store.away_text = text;
    if (text != NULL) {
        fake_storage_watch_down(text);
    } else if (was_away) {
        fake_storage_watch_reset();
    }
}

void fake_storage_silent(bool is_silent) {
    store.is_silent = is_silent;
}

void fake_storage_watch_down(const char *text) {
    tell(EG_CHANGE_DOWN, (struct eg_str){0}, (struct eg_str){0}, store.revision, text);
}

void fake_storage_watch_reset(void) {
    tell(EG_CHANGE_RESET, (struct eg_str){0}, (struct eg_str){0}, store.revision, NULL);
    tell_all();
}
