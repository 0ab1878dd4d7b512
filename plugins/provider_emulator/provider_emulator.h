/*
 * provider_emulator.h - what the files of this plugin share. Component `emulator`: a function is
 * run by an emulator on somebody's machine, a daemon that knows functions by their id and is asked
 * for all of them at one address (chapter 15.5 of the compatibility specification).
 */
#ifndef PROVIDER_EMULATOR_H
#define PROVIDER_EMULATOR_H

#include <eventgw-sdk/egx.h>

/* Settings of the component. */
struct emulator_settings {
    struct eg_str fail_on; /* "5xx" or "500-only" */
    uint32_t redirects;
    uint64_t max_response; /* bytes; 0 = the gateway's */
};

/* Settings of one function. */
struct emulator_target_settings {
    struct eg_str emulator_url;
    struct eg_str api_version;
};

struct emulator_instance {
    const struct eg_host *host;
    const struct emulator_settings *settings;
    uint32_t is_500_only;
};

struct emulator_target {
    struct egx_json url;
    const char *defect; /* why each call fails; NULL = it can be called */
};

/* target.c */
#define EMULATOR_TARGET_ROWS 2u
extern const struct eg_setting *const emulator_target_rows[EMULATOR_TARGET_ROWS];
int32_t emulator_bind(void *instance, const void *config, void **ret_target,
                      struct eg_target_traits *ret_traits, struct eg_why *ret_why);
void emulator_unbind(void *instance, void *target);

/* call.c */
int32_t emulator_attach(void *instance, struct eg_loop *loop, void **ret_slot);
void emulator_detach(void *instance, void *slot);
int32_t emulator_invoke(void *instance, void *slot, void *target,
                        const struct eg_invocation *invocation, struct eg_op *op);
void emulator_cancel(void *instance, void *slot, struct eg_op *op);

#endif
