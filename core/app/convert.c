/*
 * app/convert.c - settings turned into what the floors take, at start and again at every reload.
 * Control thread; the results borrow the settings' texts.
 */
#include "app/app.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/slice.h"

void gw_app_log_setup(const struct gw_options *options) {
    const struct gw_log_settings *log = &options->settings.log;
    uint32_t level = EG_LOG_INFO;
    (void)gw_log_level_parse(log->level, &level);
    const bool is_auto = gw_str_eq(log->format, GW_STR("auto"));
    const bool is_text = is_auto ? options->is_dev : gw_str_eq(log->format, GW_STR("text"));
    gw_log_setup(level, is_text ? GW_LOG_TEXT : GW_LOG_JSON);
}

void gw_app_flow_config(const struct gw_settings *settings, struct gw_flow_config *ret_config) {
    const struct gw_events_settings *events = &settings->events;
    *ret_config = (struct gw_flow_config){
        .is_hosted = events->hosted != 0,
        .overflow =
            gw_str_eq(events->overflow, GW_STR("drop")) ? GW_OVERFLOW_DROP : GW_OVERFLOW_REFUSE,
        .event_version =
            gw_str_eq(events->cloudevents_version, GW_STR("1.0")) ? EG_CE_1_0 : EG_CE_0_1,
        .json_depth = (uint32_t)settings->limits.json_depth,
        .function_timeout_ns = settings->compat.function_timeout_ns,
        .middleware_timeout_ns = settings->limits.middleware_timeout_ns,
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
