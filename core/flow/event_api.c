/*
 * flow/event_api.c - the event service of the plugin ABI (struct eg_event_api): a thin cover over
 * domain/event.h that checks what plugins hand over. Loop thread of the event.
 */
#include "base/jscan.h"
#include "base/slice.h"
#include "domain/event.h"
#include "flow/flow.h"

#define NAME_MAX_BYTES 64u

static struct eg_str attribute(const struct eg_event *event, struct eg_str name) {
    return gw_event_attribute(event, name);
}

static struct eg_str extension(const struct eg_event *event, struct eg_str name) {
    return gw_event_extension(event, name);
}

/* [a-zA-Z0-9_-]{1,64} */
static bool is_extension_name(struct eg_str name) {
    if (name.len == 0 || name.len > NAME_MAX_BYTES) {
        return false;
    }
    for (size_t i = 0; i < name.len; i++) {
        const char c = name.ptr[i];
        const bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (!is_letter && !(c >= '0' && c <= '9') && c != '_' && c != '-') {
            return false;
        }
    }
    return true;
}

static int32_t set_extension(struct eg_event *event, struct eg_str name, struct eg_str value_json) {
    struct gw_jval value;
    struct gw_jerror error;
    if (value_json.len == 0) {
        gw_event_set_extension(event, name, value_json);
        return EG_OK;
    }
    if (!is_extension_name(name)) {
        return EG_E_SYNTAX;
    }
    if (gw_json_check(value_json, GW_JSON_DEPTH, &value, &error) < 0) {
        return EG_E_SYNTAX;
    }
    gw_event_set_extension(event, name, value.raw); /* copies both */
    return EG_OK;
}

static struct eg_str data(const struct eg_event *event, uint32_t *ret_is_base64) {
    const bool is_base64 = event->data_base64.len > 0;
    if (ret_is_base64 != NULL) {
        *ret_is_base64 = is_base64;
    }
    if (is_base64) {
        return event->data_base64;
    }
    return event->data_json.len > 0 ? event->data_json : GW_STR("null");
}

/* Only the cache of written texts changes, so const is kept in meaning. An unknown version is
 * written as received. */
static struct eg_str json(const struct eg_event *event, uint32_t version) {
    return gw_event_json((struct eg_event *)(uintptr_t)event,
                         version > EG_CE_1_0 ? EG_CE_AS_RECEIVED : version);
}

static int32_t set_attribute(struct eg_event *event, struct eg_str name, struct eg_str value) {
    return gw_event_set_attribute(event, name, value);
}

static int32_t set_data(struct eg_event *event, struct eg_str text, uint32_t is_base64) {
    return gw_event_set_data(event, text, is_base64 != 0, GW_JSON_DEPTH);
}

static struct eg_str extension_at(const struct eg_event *event, size_t index,
                                  struct eg_str *ret_name) {
    return gw_event_extension_at(event, index, ret_name);
}

const struct eg_event_api *gw_flow_event_api(void) {
    static const struct eg_event_api api = {
        .struct_size = sizeof api,
        .attribute = attribute,
        .extension = extension,
        .set_extension = set_extension,
        .data = data,
        .json = json,
        .set_attribute = set_attribute,
        .set_data = set_data,
        .extension_at = extension_at,
    };
    return &api;
}
