/*
 * app/convert.c - settings turned into what the floors take, at start and again at every reload.
 * Control thread; the results borrow the settings' texts.
 */
#include "app/app.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/slice.h"

/* Did the command line say it, and not only the file? */
static bool is_flagged(const struct gw_options *options, struct eg_str section, struct eg_str key) {
    for (size_t i = 0; i < options->source.count; i++) {
        const struct gw_source_item *item = &options->source.items[i];
        if (item->is_text && gw_str_eq(item->section, section) && gw_str_eq(item->input.key, key)) {
            return true;
        }
    }
    return false;
}

/* What the file says about the log is meant for a service: somebody who types a command wants to
 * read what went wrong, and nothing else. */
void gw_app_log_setup(const struct gw_options *options) {
    const struct gw_log_settings *log = &options->settings.log;
    const bool is_typed = options->subcommand != NULL;
    uint32_t level = is_typed ? EG_LOG_WARN : EG_LOG_INFO;
    if (!is_typed || is_flagged(options, GW_STR("log"), GW_STR("level"))) {
        (void)gw_log_level_parse(log->level, &level);
    }
    const bool is_chosen = is_typed ? is_flagged(options, GW_STR("log"), GW_STR("format"))
                                    : !gw_str_eq(log->format, GW_STR("auto"));
    const bool is_text =
        is_chosen ? gw_str_eq(log->format, GW_STR("text")) : is_typed || options->is_dev;
    gw_log_setup(level, is_text ? GW_LOG_TEXT : GW_LOG_JSON);
}

/* Of events that the gateway makes: functions of the API of 2017 are told in its own form too. */
static uint32_t version_of(const struct gw_settings *settings) {
    if (settings->api.v2017) {
        return GW_CE_2017;
    }
    return gw_str_eq(settings->events.cloudevents_version, GW_STR("1.0")) ? EG_CE_1_0 : EG_CE_0_1;
}

void gw_app_flow_config(const struct gw_settings *settings, struct gw_flow_config *ret_config) {
    const struct gw_events_settings *events = &settings->events;
    *ret_config = (struct gw_flow_config){
        .is_hosted = events->hosted != 0,
        .overflow =
            gw_str_eq(events->overflow, GW_STR("drop")) ? GW_OVERFLOW_DROP : GW_OVERFLOW_REFUSE,
        .event_version = version_of(settings),
        .json_depth = (uint32_t)settings->limits.json_depth,
        .function_timeout_ns = settings->compat.function_timeout_ns,
        .middleware_timeout_ns = settings->limits.middleware_timeout_ns,
        .reacter_pending = (uint32_t)settings->limits.reacter_pending,
        .trace_percent = (uint32_t)settings->trace.sample_percent,
        .is_tls = events->listener.tls_cert.len > 0,
        .retry_after_s = events->retry_after_ns / GW_NS_PER_S,
        .exposes_revision = events->expose_revision != 0,
    };
}

void gw_app_api_config(const struct gw_settings *settings,
                       struct gw_config_api_config *ret_config) {
    *ret_config = (struct gw_config_api_config){
        .token = settings->config.token,
        .mask_secrets = settings->api.mask_secrets != 0,
        .refuse_cross_space_conflicts = settings->events.refuse_cross_space_conflicts != 0,
    };
}
