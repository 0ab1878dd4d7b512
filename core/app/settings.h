/*
 * app/settings.h - the gateway's own configuration: one struct, described by the same rows as the
 * settings of plugins, so that the file, --set, the flags, --help and the sample share one table.
 */
#ifndef GW_APP_SETTINGS_H
#define GW_APP_SETTINGS_H

#include "plugin/settings.h"

struct gw_listener_settings {
    struct eg_str listen;
    int64_t port;
    struct eg_str tls_cert;
    struct eg_str tls_key;
    struct eg_str tls_client_ca;
    struct eg_str tls_client_auth;
};

struct gw_main_settings {
    int64_t loops; /* 0 = number of cores */
    int64_t workers;
    int64_t workers_backlog;
    uint64_t drain_timeout_ns;
    uint64_t start_timeout_ns;
    struct eg_str data_dir; /* empty: see gw_options_data_dir */
};
struct gw_log_settings {
    struct eg_str level;
    struct eg_str format; /* auto: json, or text with --dev */
};
struct gw_events_settings {
    struct gw_listener_settings listener;
    uint32_t hosted;
    uint32_t refuse_cross_space_conflicts;
    struct eg_str overflow;
    struct eg_str cloudevents_version;
    uint64_t retry_after_ns;
    uint32_t expose_revision;
};
struct gw_config_settings {
    struct gw_listener_settings listener;
    struct eg_str token;
};
struct gw_api_settings {
    uint32_t mask_secrets;
    uint32_t v2017;
};
struct gw_limit_settings {
    uint64_t body_bytes;
    uint64_t head_bytes;
    uint64_t target_bytes;
    uint64_t response_bytes;
    int64_t json_depth;
    int64_t connections;
    int64_t connections_per_ip;
    uint64_t head_timeout_ns;
    uint64_t body_timeout_ns;
    uint64_t idle_timeout_ns;
    uint64_t middleware_timeout_ns;
    int64_t reacter_pending;
};
struct gw_ingress_settings {
    struct eg_str engine;
};
struct gw_egress_settings {
    uint64_t connect_timeout_ns;
    uint64_t idle_timeout_ns;
    int64_t connections;
    int64_t connections_per_host;
    struct eg_str engine;
};
struct gw_trace_settings {
    int64_t sample_percent;
};
struct gw_compat_settings {
    uint64_t function_timeout_ns;
    struct eg_str http_status;
};
struct gw_store_settings {
    struct eg_str backend;
    uint64_t timeout_ns;
    struct eg_str cache_file;
};
struct gw_plugins_settings {
    struct eg_str directory;
    struct eg_str_list load;
    struct eg_str_list middleware;
    struct eg_str_list reacters;
};

struct gw_settings {
    struct gw_main_settings top;
    struct gw_log_settings log;
    struct gw_events_settings events;
    struct gw_config_settings config;
    struct gw_api_settings api;
    struct gw_limit_settings limits;
    struct gw_ingress_settings ingress;
    struct gw_egress_settings egress;
    struct gw_trace_settings trace;
    struct gw_compat_settings compat;
    struct gw_store_settings store;
    struct gw_plugins_settings plugins;
};

/* One section of the configuration file. */
struct gw_settings_group {
    const char *name; /* "" = top level */
    const char *summary;
    struct gw_settings_table table;
    size_t offset;    /* of its struct in struct gw_settings */
    const char *live; /* keys that a reload changes at once: " a b c " */
};
extern const struct gw_settings_group gw_settings_groups[];
extern const size_t gw_settings_group_count;

/* NULL when there is no such section. */
const struct gw_settings_group *gw_settings_group(struct eg_str name);
/* The row of a key, or NULL. */
const struct eg_setting *gw_settings_row(const struct gw_settings_table *table, struct eg_str key);

#endif
