/*
 * app/settings_rows.c - every setting of the gateway, its default and its help, as data.
 *
 * Read by options.c (values, --help) and reload.c (what may change while serving). The sample
 * etc/event-gateway.conf is held against these rows by a test. Constant data, any thread.
 */
#include "app/settings.h"

#include <stddef.h>

#include "base/check.h"
#include "base/slice.h"

#define ROW(struct_type, field, kind, key, default_text, low, high, allowed, text)                 \
    &(const struct eg_setting) {                                                                   \
        .struct_size = sizeof(struct eg_setting), .type = kind,                                    \
        .offset = offsetof(struct struct_type, field), .min = low, .max = high, .name = key,       \
        .fallback = default_text, .choices = allowed, .help = text                                 \
    }
#define TEXT(type, field, key, text_default, help)                                                 \
    ROW(type, field, EG_SET_STRING, key, text_default, 0, 0, NULL, help)
#define CHOICE(type, field, key, text_default, allowed, help)                                      \
    ROW(type, field, EG_SET_STRING, key, text_default, 0, 0, allowed, help)
#define SECRET(type, field, key, help) ROW(type, field, EG_SET_SECRET, key, "", 0, 0, NULL, help)
#define NUMBER(type, field, key, text_default, low, high, help)                                    \
    ROW(type, field, EG_SET_INT, key, text_default, low, high, NULL, help)
#define SWITCH(type, field, key, text_default, help)                                               \
    ROW(type, field, EG_SET_BOOL, key, text_default, 0, 0, NULL, help)
#define TIME(type, field, key, text_default, low, high, help)                                      \
    ROW(type, field, EG_SET_DURATION, key, text_default, low, high, NULL, help)
#define SIZE(type, field, key, text_default, low, high, help)                                      \
    ROW(type, field, EG_SET_SIZE, key, text_default, low, high, NULL, help)
#define LIST(type, field, key, help) ROW(type, field, EG_SET_LIST, key, NULL, 0, 0, NULL, help)

#define MS 1000000LL
#define SECOND (1000 * MS)
#define DAY (86400 * SECOND)
#define KIB 1024LL
#define MIB (1024 * KIB)
#define GIB (1024 * MIB)

static const struct eg_setting *const top_rows[] = {
    NUMBER(gw_main_settings, loops, "loops", "0", 0, 256,
           "event-loop threads; 0 = number of cores. Never more than workers or workers_backlog"),
    NUMBER(gw_main_settings, workers, "workers", "100", 1, 1000000,
           "asynchronous deliveries running at once, all loops together; one function gets about "
           "half to two thirds"),
    NUMBER(gw_main_settings, workers_backlog, "workers_backlog", "200", 1, 100000000,
           "asynchronous deliveries waiting for a worker, all loops together"),
    TIME(gw_main_settings, drain_timeout_ns, "drain_timeout", "30s", 0, DAY,
         "how long a stop waits for requests and queued deliveries"),
    TIME(gw_main_settings, start_timeout_ns, "start_timeout", "10s", 10 * MS, DAY,
         "how long the storage and each plugin may take to start"),
    TEXT(gw_main_settings, data_dir, "data_dir", "",
         "where the embedded store keeps its file; empty = /var/lib/event-gateway, or "
         "./event-gateway-data with --dev"),
};
static const struct eg_setting *const log_rows[] = {
    CHOICE(gw_log_settings, level, "level", "info", "debug|info|warn|error|err|dpanic|panic|fatal",
           "lowest level that is written"),
    CHOICE(gw_log_settings, format, "format", "auto", "auto|text|json",
           "auto = json, or text with --dev"),
};
#define LISTENER(type, address, number)                                                            \
    TEXT(type, listener.listen, "listen", address, "address to bind; * = all interfaces"),         \
        NUMBER(type, listener.port, "port", number, 0, 65535, "TCP port; 0 = a free one, logged"), \
        TEXT(type, listener.tls_cert, "tls_cert", "", "PEM file of the certificate chain"),        \
        TEXT(type, listener.tls_key, "tls_key", "", "PEM file of the private key"),                \
        TEXT(type, listener.tls_client_ca, "tls_client_ca", "",                                    \
             "PEM file of the authorities that sign certificates of clients"),                     \
        CHOICE(type, listener.tls_client_auth, "tls_client_auth", "none",                          \
               "none|optional|required",                                                           \
               "certificates of clients: not asked for, verified when shown, or required")
static const struct eg_setting *const events_rows[] = {
    LISTENER(gw_events_settings, "*", "4000"),
    SWITCH(gw_events_settings, hosted, "hosted", "false",
           "map the first label of hosted host names into the path"),
    SWITCH(gw_events_settings, refuse_cross_space_conflicts, "refuse_cross_space_conflicts",
           "false", "refuse a sync path that conflicts with one of another space"),
    CHOICE(gw_events_settings, overflow, "overflow", "refuse", "refuse|drop",
           "full backlog: refuse = 503 with Retry-After, drop = 202 and drop"),
    CHOICE(gw_events_settings, cloudevents_version, "cloudevents_version", "0.1", "0.1|1.0",
           "CloudEvents version of events that the gateway makes"),
    TIME(gw_events_settings, retry_after_ns, "retry_after", "1s", SECOND, DAY,
         "Retry-After of 503 answers"),
    SWITCH(gw_events_settings, expose_revision, "expose_revision", "false",
           "tell in the header eg-config-revision by which revision a request was routed"),
};
static const struct eg_setting *const config_rows[] = {
    LISTENER(gw_config_settings, "127.0.0.1", "4001"),
    SECRET(gw_config_settings, token, "token",
           "bearer token that Config API calls have to carry; empty = open"),
};
static const struct eg_setting *const api_rows[] = {
    SWITCH(gw_api_settings, mask_secrets, "mask_secrets", "true",
           "answer credentials of functions as *****"),
    SWITCH(gw_api_settings, v2017, "v2017", "false",
           "serve the API of 2017 (no spaces, Event: invoke) on both listeners"),
};
static const struct eg_setting *const limit_rows[] = {
    SIZE(gw_limit_settings, body_bytes, "body", "1MiB", 0, GIB, "request body, 413"),
    SIZE(gw_limit_settings, head_bytes, "head", "32KiB", KIB, 4 * MIB, "request header block, 431"),
    SIZE(gw_limit_settings, target_bytes, "target", "8KiB", 64, MIB, "request target, 414"),
    SIZE(gw_limit_settings, response_bytes, "response", "8MiB", KIB, GIB, "answer of a function"),
    NUMBER(gw_limit_settings, json_depth, "json_depth", "128", 1, 1024, "nesting of JSON"),
    NUMBER(gw_limit_settings, connections, "connections", "10000", 1, 1000000,
           "client connections of a listener, all loops together"),
    NUMBER(gw_limit_settings, connections_per_ip, "connections_per_ip", "0", 0, 1000000,
           "client connections of one address on one loop; 0 = no limit"),
    TIME(gw_limit_settings, head_timeout_ns, "head_timeout", "10s", 10 * MS, DAY,
         "from the first byte of a request to the end of its head, 408"),
    TIME(gw_limit_settings, body_timeout_ns, "body_timeout", "60s", 10 * MS, DAY,
         "from the end of the head to the end of the body, 408"),
    TIME(gw_limit_settings, idle_timeout_ns, "idle_timeout", "75s", 10 * MS, DAY,
         "between two requests of a connection"),
    TIME(gw_limit_settings, middleware_timeout_ns, "middleware_timeout", "5s", MS, DAY,
         "of one call of a middleware or synchronous reacter"),
    NUMBER(gw_limit_settings, reacter_pending, "reacter_pending", "1000", 1, 1000000,
           "events that one asynchronous reacter was told and has not ended, on one loop; more are "
           "not told"),
};
static const struct eg_setting *const ingress_rows[] = {
    CHOICE(gw_ingress_settings, engine, "engine", "auto", "auto|libmicrohttpd",
           "of both listeners: auto = the gateway's own for http and libmicrohttpd for https; "
           "libmicrohttpd = for both"),
};
static const struct eg_setting *const egress_rows[] = {
    TIME(gw_egress_settings, connect_timeout_ns, "connect_timeout", "5s", MS, DAY,
         "of a connection to a function"),
    TIME(gw_egress_settings, idle_timeout_ns, "idle_timeout", "60s", MS, DAY,
         "of a pooled connection"),
    NUMBER(gw_egress_settings, connections, "connections", "1024", 0, 1000000,
           "connections to functions of one loop, http and https each; 0 = no limit"),
    NUMBER(gw_egress_settings, connections_per_host, "connections_per_host", "256", 0, 1000000,
           "connections to one host of one loop; 0 = no limit"),
    CHOICE(gw_egress_settings, engine, "engine", "auto", "auto|curl",
           "of calls to functions: auto = the gateway's own for http and libcurl for https; curl = "
           "libcurl for both"),
};
static const struct eg_setting *const trace_rows[] = {
    NUMBER(gw_trace_settings, sample_percent, "sample_percent", "100", 0, 100,
           "how many of the traces that begin here are sampled; a caller's choice is kept"),
};
static const struct eg_setting *const compat_rows[] = {
    TIME(gw_compat_settings, function_timeout_ns, "function_timeout", "30s", 10 * MS, DAY,
         "of one function call; the original gateway had 5s for http functions"),
    CHOICE(gw_compat_settings, http_status, "http_status", "5xx", "5xx|500-only",
           "statuses of http functions that count as failure"),
};
static const struct eg_setting *const store_rows[] = {
    TEXT(gw_store_settings, backend, "backend", "embedded", "name of the storage component"),
    TIME(gw_store_settings, timeout_ns, "timeout", "1800ms", MS, DAY,
         "for all that one call of the Configuration API asks of the store; then 503"),
    TEXT(gw_store_settings, cache_file, "cache_file", "",
         "file of a copy of the configuration, with credentials, from which the gateway can start "
         "while the storage is away; empty = none"),
};
static const struct eg_setting *const plugins_rows[] = {
    TEXT(gw_plugins_settings, directory, "directory", "",
         "plugins to load; empty = the one this gateway was built or installed with"),
    LIST(gw_plugins_settings, load, "load", "paths of further plugins"),
    LIST(gw_plugins_settings, middleware, "middleware",
         "middleware to use, in order of their calls"),
    LIST(gw_plugins_settings, reacters, "reacters", "system-event plugins to use, in order"),
};

#define GROUP(section, text, rows_array, field, live_keys)                                         \
    {                                                                                              \
        .name = section, .summary = text,                                                          \
        .table = {rows_array, GW_COUNT(rows_array), sizeof(((struct gw_settings *)NULL)->field)},  \
        .offset = offsetof(struct gw_settings, field), .live = live_keys                           \
    }
const struct gw_settings_group gw_settings_groups[] = {
    GROUP("", "Process", top_rows, top, " drain_timeout "),
    GROUP("log", "Log, on stderr", log_rows, log, " level format "),
    GROUP("events", "Events API", events_rows, events,
          " hosted refuse_cross_space_conflicts overflow cloudevents_version retry_after "
          "expose_revision "),
    GROUP("config", "Configuration API", config_rows, config, " token "),
    GROUP("api", "Answers of the Configuration API", api_rows, api, " mask_secrets "),
    GROUP("limits", "Limits", limit_rows, limits,
          " json_depth middleware_timeout reacter_pending "),
    GROUP("ingress", "Connections of clients", ingress_rows, ingress, " "),
    GROUP("egress", "Connections to functions", egress_rows, egress, " "),
    GROUP("trace", "Traces, where a reacter wants them", trace_rows, trace, " sample_percent "),
    GROUP("compat", "Behaviour of the original gateway", compat_rows, compat,
          " function_timeout http_status "),
    GROUP("store", "Storage of the configuration", store_rows, store, " "),
    GROUP("plugins", "Plugins", plugins_rows, plugins, " middleware reacters "),
};
const size_t gw_settings_group_count = GW_COUNT(gw_settings_groups);

const struct gw_settings_group *gw_settings_group(struct eg_str name) {
    for (size_t i = 0; i < gw_settings_group_count; i++) {
        if (gw_str_eq(name, gw_str_c(gw_settings_groups[i].name))) {
            return &gw_settings_groups[i];
        }
    }
    return NULL;
}

const struct eg_setting *gw_settings_row(const struct gw_settings_table *table, struct eg_str key) {
    for (size_t i = 0; i < table->count; i++) {
        if (gw_str_eq(key, gw_str_c(table->rows[i]->name))) {
            return table->rows[i];
        }
    }
    return NULL;
}
