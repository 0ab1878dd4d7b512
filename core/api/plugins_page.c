/*
 * api/plugins_page.c - `GET /v1/plugins`: what is loaded and at work; `POST /v1/plugins/reload`:
 * reads the configuration file again. How a reload is done is the business of whoever wired the
 * API; here is only who asks and who is answered. Control thread; no state but the count of open
 * answers.
 */
#include "api/pages.h"

#include "api/config_answer.h"
#include "base/check.h"
#include "base/codec.h"
#include "base/slice.h"
#include "base/why.h"
#include "plugin/stats.h"

void gw_plugins_page(struct gw_config_context *context, struct gw_http_request *request) {
    struct gw_bytes body;
    gw_bytes_init(&body, 0);
    gw_stats_write(&body, context->manager);
    gw_bytes_add_char(&body, '\n');
    gw_config_answer_bytes(context, request, GW_STR("application/json"), &body);
}

/* A parameter with a typing error would be a reload that leaves the old keys at work, so none is
 * passed over. */
static int32_t read_replace(struct gw_http_request *request, struct eg_str *ret_replace,
                            struct eg_why *ret_why) {
    const struct eg_str name = GW_STR("replace=");
    struct eg_str query = request->query;
    struct eg_str pair;
    struct gw_bytes names;
    gw_bytes_init_arena(&names, &request->arena, 64);
    *ret_replace = (struct eg_str){0};
    while (query.len > 0 && gw_str_next(&query, '&', &pair)) {
        if (!gw_str_starts(pair, name)) {
            return gw_why(ret_why, EG_E_INVAL,
                          "unknown parameter '%.*s'; there is: replace=NAME[,NAME]", GW_FMT(pair));
        }
        gw_bytes_add_c(&names, ret_replace->ptr == NULL ? "" : ",");
        if (gw_percent_decode(&names, gw_str_cut(pair, name.len), true) < 0) {
            return gw_why(ret_why, EG_E_INVAL, "'%.*s' cannot be decoded", GW_FMT(pair));
        }
        gw_bytes_add_char(&names, '\0'); /* so that no names are a text too */
        names.len--;
        *ret_replace = gw_bytes_str(&names);
    }
    return EG_OK;
}

void gw_reload_page(struct gw_config_context *context, struct gw_http_request *request) {
    struct eg_why why = {.struct_size = sizeof why};
    struct eg_str replace;
    context->busy++;
    if (read_replace(request, &replace, &why) < 0) {
        gw_reload_answer(context, request, 400, gw_why_str(&why));
        return;
    }
    if (context->on_reload == NULL) {
        gw_reload_answer(context, request, 503, GW_STR("This gateway cannot be reloaded."));
        return;
    }
    context->on_reload(context->reload_arg, request, replace);
}

void gw_reload_answer(struct gw_config_context *context, struct gw_http_request *request,
                      uint32_t status, struct eg_str text) {
    GW_ASSERT(context->busy > 0);
    context->busy--;
    if (status != 200) {
        gw_config_answer_error(context, &gw_config_native, request, status, text);
        return;
    }
    struct gw_bytes body;
    gw_bytes_init(&body, 0);
    gw_bytes_add(&body, text);
    gw_bytes_add_char(&body, '\n');
    gw_config_answer_bytes(context, request, GW_STR("application/json"), &body);
}
