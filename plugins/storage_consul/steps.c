/*
 * steps.c - see steps.h. Verbs: https://developer.hashicorp.com/consul/api-docs/txn#kv-operations
 */
#include "steps.h"

/* {"KV":{"Verb":..., "Key":..., ...: left open for more. */
static void open_step(struct consul_steps *steps, enum consul_role role, struct eg_str verb,
                      struct eg_str name) {
    struct egx_json *body = steps->body;
    struct egx_json key = egx_json_begin();
    egx_json_raw(&key, steps->prefix);
    egx_json_raw(&key, name);
    egx_json_open(body, '{');
    egx_json_key(body, EGX_STR("KV"));
    egx_json_open(body, '{');
    egx_json_key(body, EGX_STR("Verb"));
    egx_json_string(body, verb);
    egx_json_key(body, EGX_STR("Key"));
    egx_json_string(body, egx_json_text(&key));
    egx_json_free(&key);
    steps->roles[steps->count++] = role;
}

static void close_step(struct consul_steps *steps) {
    egx_json_close(steps->body, '}');
    egx_json_close(steps->body, '}');
}

static void put_number(struct consul_steps *steps, struct eg_str name, uint64_t number) {
    char text[24];
    const int len = snprintf(text, sizeof text, "%llu", (unsigned long long)number);
    egx_json_key(steps->body, name);
    egx_json_value(steps->body, egx_str_n(text, (size_t)len));
}

static void add_step(struct consul_steps *steps, enum consul_role role, struct eg_str verb,
                     struct eg_str name) {
    open_step(steps, role, verb, name);
    close_step(steps);
}

/* The step holds, or acts, only at this ModifyIndex. */
static void add_indexed(struct consul_steps *steps, enum consul_role role, struct eg_str verb,
                        struct eg_str name, uint64_t revision) {
    open_step(steps, role, verb, name);
    put_number(steps, EGX_STR("Index"), revision);
    close_step(steps);
}

static void add_check(struct consul_steps *steps, enum consul_role role, struct eg_str name,
                      uint64_t revision) {
    if (revision == EG_REV_ABSENT) {
        add_step(steps, role, EGX_STR("check-not-exists"), name);
    } else {
        add_indexed(steps, role, EGX_STR("check-index"), name, revision);
    }
}

static void add_value(struct consul_steps *steps, struct eg_str value) {
    egx_json_key(steps->body, EGX_STR("Value"));
    egx_json_base64(steps->body, value);
    put_number(steps, EGX_STR("Flags"), steps->number);
    close_step(steps);
}

/* `cas` with Index 0 writes only what is not there. */
static void add_put(struct consul_steps *steps, const struct eg_commit *commit,
                    struct eg_str name) {
    const uint64_t expected = commit->expect_revision;
    if (expected == EG_REV_ANY) {
        open_step(steps, CONSUL_ROLE_WRITE, EGX_STR("set"), name);
    } else {
        open_step(steps, expected == EG_REV_ABSENT ? CONSUL_ROLE_ABSENT : CONSUL_ROLE_SAME,
                  EGX_STR("cas"), name);
        put_number(steps, EGX_STR("Index"), expected);
    }
    add_value(steps, commit->value);
}

/* `delete` of what is not there succeeds, `get` does not. */
static void add_removal(struct consul_steps *steps, uint64_t expected, struct eg_str name) {
    add_step(steps, CONSUL_ROLE_THERE, EGX_STR("get"), name);
    if (expected == EG_REV_ANY) {
        add_step(steps, CONSUL_ROLE_WRITE, EGX_STR("delete"), name);
    } else if (expected == EG_REV_ABSENT) {
        add_check(steps, CONSUL_ROLE_ABSENT, name, expected);
    } else {
        add_indexed(steps, CONSUL_ROLE_SAME, EGX_STR("delete-cas"), name, expected);
    }
}

void consul_steps_build(struct consul_steps *steps, const struct eg_commit *commit,
                        const uint64_t *guard) {
    struct egx_json name = egx_json_begin();
    egx_json_open(steps->body, '[');
    steps->count = 0;
    if (guard != NULL) {
        add_check(steps, CONSUL_ROLE_GUARD, CONSUL_GUARD_STR, *guard);
    }
    for (size_t i = 0; i < commit->check_count; i++) {
        if (commit->checks[i]->kind == EG_CHECK_KEY) {
            name.len = 0;
            consul_put_name(&name, commit->checks[i]->key);
            add_check(steps, CONSUL_ROLE_CHECK, egx_json_text(&name), commit->checks[i]->revision);
        }
    }
    name.len = 0;
    consul_put_name(&name, commit->key);
    if (commit->is_removal != 0) {
        add_removal(steps, commit->expect_revision, egx_json_text(&name));
    } else {
        add_put(steps, commit, egx_json_text(&name));
    }
    open_step(steps, CONSUL_ROLE_WRITE, EGX_STR("set"), CONSUL_GUARD_STR);
    add_value(steps, egx_str_n(NULL, 0));
    egx_json_close(steps->body, ']');
    egx_json_free(&name);
}
