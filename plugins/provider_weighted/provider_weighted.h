/*
 * provider_weighted.h - what the files of this plugin share. Component `weighted`: a function that
 * stands for several others, each with a weight; every call goes to one of them.
 */
#ifndef PROVIDER_WEIGHTED_H
#define PROVIDER_WEIGHTED_H

#include <eventgw-sdk/egx.h>

#include "pick.h"

/* Settings of one function. */
struct weighted_target_settings {
    struct eg_str weighted; /* JSON */
    struct eg_str sticky_by;
};

struct weighted_instance {
    const struct eg_host *host;
};

struct weighted_target {
    struct eg_json *root;    /* the texts of the choices are its */
    struct choice *choices;  /* as they were given */
    size_t count;            /* at least 1 */
    uint64_t total;          /* at least 1 */
    struct eg_str sticky_by; /* empty = by chance */
};

/* target.c */
#define WEIGHTED_TARGET_ROWS 2u
#define WEIGHTED_CHOICES_MAX 1000u
extern const struct eg_setting *const weighted_target_rows[WEIGHTED_TARGET_ROWS];
int32_t weighted_bind(void *instance, const void *config, void **ret_target,
                      struct eg_target_traits *ret_traits, struct eg_why *ret_why);
void weighted_unbind(void *instance, void *target);

/* call.c */
int32_t weighted_attach(void *instance, struct eg_loop *loop, void **ret_slot);
void weighted_detach(void *instance, void *slot);
int32_t weighted_invoke(void *instance, void *slot, void *target,
                        const struct eg_invocation *invocation, struct eg_op *op);
void weighted_cancel(void *instance, void *slot, struct eg_op *op);

#endif
