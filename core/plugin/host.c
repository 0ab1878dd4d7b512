/*
 * plugin/host.c - the table of tables of one instance, the two smallest services, and the ledger
 * that says what an instance still has to end before it may be taken down.
 */
#include "plugin/host.h"

#include "base/check.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/slice.h"
#include "plugin/life.h"
#include "plugin/manager_parts.h"

struct gw_instance *gw_host_instance(const struct eg_host *host) {
    GW_ASSERT(host != NULL);
    struct gw_instance *instance = host->self;
    GW_MAGIC_CHECK(instance, GW_INSTANCE_MAGIC);
    return instance;
}

const struct gw_manager_config *gw_host_config(const struct gw_instance *instance) {
    return &instance->manager->config;
}

static void *mem_alloc(const struct eg_host *host, size_t size) {
    (void)host;
    return gw_alloc(size);
}

static void mem_free(const struct eg_host *host, void *ptr) {
    (void)host;
    gw_free(ptr);
}

static struct eg_buf mem_copy(const struct eg_host *host, struct eg_str bytes) {
    (void)host;
    return gw_buf_copy(bytes);
}

const struct eg_mem_api gw_host_mem = {
    .struct_size = sizeof gw_host_mem,
    .alloc = mem_alloc,
    .free = mem_free,
    .copy = mem_copy,
};

static uint64_t clock_monotonic_ns(const struct eg_host *host) {
    (void)host;
    return gw_monotonic_ns();
}

static int64_t clock_unix_ns(const struct eg_host *host) {
    (void)host;
    return gw_unix_ns();
}

const struct eg_clock_api gw_host_clock = {
    .struct_size = sizeof gw_host_clock,
    .monotonic_ns = clock_monotonic_ns,
    .unix_ns = clock_unix_ns,
};

void gw_host_init(struct gw_instance *instance, const struct gw_manager_config *config) {
    instance->host = (struct eg_host){
        .struct_size = sizeof instance->host,
        .abi = EG_ABI,
        .self = instance,
        .component = gw_str_c(instance->name),
        .gateway_version = gw_str_c(config->version),
        .log = &gw_host_log,
        .mem = &gw_host_mem,
        .loop = &gw_host_loop,
        .http = &gw_host_http,
        .json = &gw_host_json,
        .event = config->event_api,
        .exchange = config->exchange_api,
        .metrics = &gw_host_metrics,
        .clock = &gw_host_clock,
        .function = config->function_api,
    };
}

void gw_ledger_add(uint64_t *counter, uint64_t more) {
    __atomic_store_n(counter, *counter + more, __ATOMIC_RELAXED);
}

static void add_half(uint32_t *counter, uint32_t more) {
    __atomic_store_n(counter, *counter + more, __ATOMIC_RELAXED);
}

void gw_ledger_enter(struct gw_instance *instance, uint32_t loop_index) {
    add_half(&instance->ledger[loop_index].in_flight, 1);
}

void gw_ledger_leave(struct gw_instance *instance, uint32_t loop_index) {
    GW_ASSERT(instance->ledger[loop_index].in_flight > 0);
    add_half(&instance->ledger[loop_index].in_flight, UINT32_MAX);
    gw_life_ledger_moved(instance);
}

void gw_ledger_job_begin(struct gw_instance *instance) {
    (void)__atomic_add_fetch(&instance->jobs_begun, 1, __ATOMIC_RELAXED);
}

void gw_ledger_job_end(struct gw_instance *instance, uint32_t loop_index) {
    add_half(&instance->ledger[loop_index].jobs_ended, 1);
    gw_life_ledger_moved(instance);
}
