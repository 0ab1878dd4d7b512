/*
 * eventgw-sdk/check.h - does a component keep the contract? Runs its life on fake hosts, from
 * create to destroy, with ordinary and hostile calls of its kind, and tells what it broke or did
 * not give back. `event-gateway plugin check` is this, in a process of its own; a unit test may
 * call it too. Link EventGateway::fake_host.
 *
 * No network is touched through host->http: what a component sends is answered with made-up
 * answers, good and bad, or never. What it does without the host (files, sockets, threads) happens.
 */
#ifndef EVENTGW_SDK_CHECK_H
#define EVENTGW_SDK_CHECK_H

#include <eventgw/plugin.h>

#ifdef __cplusplus
extern "C" {
#endif

/* This is called next; a crash that follows was in it. Told again while its done is waited for. */
#define EGX_CHECK_STEP 1u
#define EGX_CHECK_PASSED 2u /* a stage of the life is over, and nothing was wrong in it */
#define EGX_CHECK_NOTE 3u   /* no breach, but worth knowing */
#define EGX_CHECK_BREACH 4u /* what was broken, with what, and in which call */

/* What to check, and who is told. Zero it, set struct_size. */
struct egx_check {
    uint32_t struct_size;
    uint32_t reserved;
    const struct eg_component *component;
    const char *settings_json; /* of the component; NULL = none */
    const char *target_json;   /* providers: the `provider` object of a function; NULL = none */
    /* One sentence, borrowed during the call. what: EGX_CHECK_*. */
    void (*told)(void *arg, uint32_t what, const char *sentence);
    void *arg;
    uint64_t patience_ns; /* real time for threads of the component; 0 = 2 s */
};

/* How often the contract was broken; 0 = never. EG_E_* when the component could not be checked:
 * ret_why says that it refused its settings or those of the function, or did not start. */
int32_t egx_check_component(const struct egx_check *check, struct eg_why *ret_why);

#ifdef __cplusplus
}
#endif
#endif
