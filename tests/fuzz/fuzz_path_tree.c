/*
 * fuzz_path_tree.c - the path tree against a naive reference that keeps the accepted paths as text
 * and derives each question of the specification (chapter 5.6) from prefixes.
 *
 * The input is a program: every byte is one of / : * a b (so that paths meet often), or ends a path
 * and adds or looks it up. Verdicts, reasons, values and parameters of both have to be equal.
 */
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/check.h"
#include "base/slice.h"
#include "base/why.h"
#include "domain/path_tree.h"

#define MAX_PATHS 64
#define MAX_PATH 120

struct reference {
    char paths[MAX_PATHS][MAX_PATH + 1];
    size_t count;
};

/* Where a walk stands: the text of the node reached ("" is the root) and the segment at hand. */
struct step {
    char node[2 * MAX_PATH + 2];
    char segment[MAX_PATH + 1];
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool begins(const char *text, const char *prefix) {
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

static bool is_pattern(const char *segment) {
    return segment[0] == ':' || segment[0] == '*';
}

static const char *find_path(const struct reference *ref, const char *path) {
    for (size_t i = 0; i < ref->count; i++) {
        if (strcmp(ref->paths[i], path) == 0) {
            return ref->paths[i];
        }
    }
    return NULL;
}

/* Copies the segment below `node` of the first path that goes there; false when there is none. With
 * `wanted` only that very segment counts. */
static bool child_of(const struct reference *ref, const char *node, const char *wanted,
                     char *ret_segment) {
    char prefix[2 * MAX_PATH + 3];
    (void)snprintf(prefix, sizeof prefix, "%s/", node);
    for (size_t i = 0; i < ref->count; i++) {
        const char *path = ref->paths[i];
        if (strcmp(path, "/") == 0 || !begins(path, prefix)) {
            continue;
        }
        const char *segment = path + strlen(prefix);
        const size_t len = strcspn(segment, "/");
        if (wanted == NULL || (strlen(wanted) == len && strncmp(wanted, segment, len) == 0)) {
            memcpy(ret_segment, segment, len);
            ret_segment[len] = '\0';
            return true;
        }
    }
    return false;
}

static void enter(struct step *step, const char *segment) {
    const size_t len = strlen(step->node);
    (void)snprintf(step->node + len, sizeof step->node - len, "/%s", segment);
}

/* The segment after *at (which stands on its slash); false at the end. */
static bool next_segment(const char **at, char *ret_segment) {
    if (**at == '\0') {
        return false;
    }
    const char *begin = *at + 1;
    const size_t len = strcspn(begin, "/");
    memcpy(ret_segment, begin, len);
    ret_segment[len] = '\0';
    *at = begin + len;
    return true;
}

/* The refusal of one step, or false. */
static bool step_conflicts(const char *c, const char *segment, const char *path, char *ret_text,
                           size_t room) {
    const char *name = is_pattern(c) ? c + 1 : "";
    if (c[0] == '*' || segment[0] == '*') {
        (void)snprintf(ret_text, room,
                       "wildcard with different name (\"%s\") already defined: for route: %s", name,
                       path);
    } else if (c[0] == ':' && strcmp(c, segment) != 0) {
        (void)snprintf(ret_text, room,
                       "parameter with different name (\"%s\") already defined: for route: %s",
                       name, path);
    } else if (!is_pattern(c) && is_pattern(segment)) {
        (void)snprintf(ret_text, room, "static route already defined for route: %s", path);
    } else {
        return false;
    }
    return true;
}

static bool walk_conflicts(const struct reference *ref, const char *path, char *ret_text,
                           size_t room) {
    struct step step = {0};
    const char *at = path;
    bool is_below_wildcard = false;
    unsigned params = 0;
    while (next_segment(&at, step.segment)) {
        char child[MAX_PATH + 1];
        if (is_below_wildcard) {
            (void)snprintf(ret_text, room, "wildcard must be the last parameter");
            return true;
        }
        params += is_pattern(step.segment);
        if (params > GW_MAX_PARAMS) {
            (void)snprintf(ret_text, room, "more than %u parameters in route: %s", GW_MAX_PARAMS,
                           path);
            return true;
        }
        if ((child_of(ref, step.node, step.segment, child) ||
             child_of(ref, step.node, NULL, child)) &&
            step_conflicts(child, step.segment, path, ret_text, room)) {
            return true;
        }
        is_below_wildcard = step.segment[0] == '*';
        enter(&step, step.segment);
    }
    return false;
}

/* true = accepted, and remembered. */
static bool reference_add(struct reference *ref, const char *path, char *ret_text, size_t room) {
    if (strcmp(path, "/") != 0 && walk_conflicts(ref, path, ret_text, room)) {
        return false;
    }
    if (find_path(ref, path) != NULL) {
        (void)snprintf(ret_text, room, "route %s conflicts with existing route", path);
        return false;
    }
    (void)snprintf(ref->paths[ref->count++], MAX_PATH + 1, "%s", path);
    return true;
}

/* The accepted path that answers, or NULL. */
static const char *reference_match(const struct reference *ref, const char *path) {
    struct step step = {0};
    const char *at = path;
    if (strcmp(path, "/") == 0) {
        return find_path(ref, path);
    }
    while (next_segment(&at, step.segment)) {
        char child[MAX_PATH + 1];
        if (!child_of(ref, step.node, step.segment, child) &&
            !(child_of(ref, step.node, NULL, child) && is_pattern(child))) {
            return NULL;
        }
        enter(&step, child);
        if (child[0] == '*') {
            break;
        }
    }
    return find_path(ref, step.node);
}

/* Of repeated names the last value wins, at the place of the first. */
static void want_param(struct gw_path_params *want, struct eg_kv pair) {
    for (uint32_t i = 0; i < want->count; i++) {
        if (gw_str_eq(want->items[i].name, pair.name)) {
            want->items[i].value = pair.value;
            return;
        }
    }
    want->items[want->count++] = pair;
}

/* Parameters follow from the two texts side by side. */
static void check_params(const char *route, const char *path, const struct gw_path_params *got) {
    struct gw_path_params want = {.is_null = strcmp(path, "/") == 0};
    char name[MAX_PATH + 1];
    char value[MAX_PATH + 1];
    const char *route_at = route;
    const char *path_at = path;
    while (!want.is_null && next_segment(&route_at, name)) {
        const struct eg_str rest = gw_str_c(path_at + 1);
        GW_ASSERT(next_segment(&path_at, value));
        if (!is_pattern(name)) {
            continue;
        }
        const size_t len = name[0] == '*' ? rest.len : strlen(value);
        want_param(&want,
                   (struct eg_kv){.name = gw_str(route_at - strlen(name) + 1, strlen(name) - 1),
                                  .value = gw_str(rest.ptr, len)});
    }
    GW_ASSERT(got->is_null == want.is_null);
    GW_ASSERT(got->count == want.count);
    for (uint32_t i = 0; i < want.count; i++) {
        GW_ASSERT(gw_str_eq(got->items[i].name, want.items[i].name));
        GW_ASSERT(gw_str_eq(got->items[i].value, want.items[i].value));
    }
}

static void run_add(struct gw_path_tree *tree, struct reference *ref, const char *path) {
    if (ref->count == MAX_PATHS) {
        return;
    }
    struct eg_why why = {.struct_size = sizeof why};
    char text[512] = "";
    const char *value = ref->paths[ref->count];
    const bool is_accepted = reference_add(ref, path, text, sizeof text);
    /* The tree borrows the reference's copy of an accepted path, as the gateway's borrows objects.
     */
    const struct eg_str borrowed = gw_str_c(is_accepted ? value : path);
    const int32_t rc = gw_path_tree_add(tree, borrowed, (void *)(uintptr_t)value, &why);
    GW_ASSERT(rc == (is_accepted ? 0 : EG_E_CONFLICT));
    GW_ASSERT(gw_str_eq(gw_why_str(&why), gw_str_c(text)));
}

static void run_match(const struct gw_path_tree *tree, const struct reference *ref,
                      const char *path) {
    struct gw_path_params params;
    const char *found = gw_path_tree_match(tree, gw_str_c(path), &params);
    GW_ASSERT(found == reference_match(ref, path));
    if (found != NULL) {
        check_params(found, path, &params);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const char letters[] = {'/', '/', ':', '*', 'a', 'b'};
    struct gw_arena arena;
    gw_arena_init(&arena, 4096);
    struct gw_path_tree *tree = gw_path_tree_create(&arena);
    static struct reference ref;
    ref.count = 0;
    char path[MAX_PATH + 1] = "/";
    size_t len = 1;
    for (size_t i = 0; i < size && i < 4096; i++) {
        const unsigned op = data[i] & 7u;
        if (op < sizeof letters && len < MAX_PATH) {
            path[len++] = letters[op];
            continue;
        }
        path[len] = '\0';
        if (op == 7) {
            run_match(tree, &ref, path);
        } else {
            run_add(tree, &ref, path);
        }
        len = 1;
    }
    gw_arena_free(&arena);
    return 0;
}
