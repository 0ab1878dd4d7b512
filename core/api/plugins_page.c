/*
 * api/plugins_page.c - `GET /v1/plugins`: what is loaded and at work; `POST /v1/plugins/reload`:
 * reads the configuration file again. How a reload is done is the business of whoever wired the
 * API; here is only who asks and who is answered. Control thread; no state but the count of open
 * answers.
 */
#include "api/pages.h"

#include "api/config_answer.h"
#include "base/check.h"
#include "base/slice.h"
#include "plugin/stats.h"

void gw_plugins_page(struct gw_config_context *context, struct gw_http_request *request) {
    struct gw_bytes body;
    gw_bytes_init(&body, 0);
    gw_stats_write(&body, context->manager);
    gw_bytes_add_char(&body, '\n');
    gw_config_answer_bytes(context, request, GW_STR("application/json"), &body);
}

void gw_reload_page(struct gw_config_context *context, struct gw_http_request *request) {
    context->busy++;
    if (context->on_reload == NULL) {
        gw_reload_answer(context, request, 503, GW_STR("This gateway cannot be reloaded."));
        return;
    }
    context->on_reload(context->reload_arg, request);
}

void gw_reload_answer(struct gw_config_context *context, struct gw_http_request *request,
                      uint32_t status, struct eg_str text) {
    GW_ASSERT(context->busy > 0);
    context->busy--;
    if (status != 200) {
        gw_config_answer_error(context, request, status, text);
        return;
    }
    struct gw_bytes body;
    gw_bytes_init(&body, 0);
    gw_bytes_add(&body, text);
    gw_bytes_add_char(&body, '\n');
    gw_config_answer_bytes(context, request, GW_STR("application/json"), &body);
}
