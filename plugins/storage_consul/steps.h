/*
 * steps.h - the text of a transaction, step by step, with what each step stands for, so that an
 * error, which Consul tells by the number of a step, has a meaning. Any thread.
 */
#ifndef STORAGE_CONSUL_STEPS_H
#define STORAGE_CONSUL_STEPS_H

#include "consul.h"

#define CONSUL_CHECKS_MAX 8u
#define CONSUL_STEPS_MAX (CONSUL_CHECKS_MAX + 4u)

/* The first in this order that fails is the reason. */
enum consul_role {
    CONSUL_ROLE_WRITE,
    CONSUL_ROLE_THERE,  /* there is something to remove */
    CONSUL_ROLE_ABSENT, /* there is nothing yet */
    CONSUL_ROLE_SAME,   /* the key has the expected revision */
    CONSUL_ROLE_CHECK,  /* what the write rests on */
    CONSUL_ROLE_GUARD,  /* nothing was written since */
    CONSUL_ROLES
};

struct consul_steps {
    struct egx_json *body;
    struct eg_str prefix; /* the setting */
    uint64_t number;      /* into Flags of all that is written */
    enum consul_role roles[CONSUL_STEPS_MAX];
    size_t count;
};

/* The whole transaction. guard: ModifyIndex that the guard has to have, NULL = any. */
void consul_steps_build(struct consul_steps *steps, const struct eg_commit *commit,
                        const uint64_t *guard);

#endif
