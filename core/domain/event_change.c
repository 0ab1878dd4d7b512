/*
 * domain/event_change.c - what plugins change of an event that was read: attributes and data. The
 * rules of the event's version hold after a change as they held before; extensions are in
 * event_extension.c.
 */
#include "base/codec.h"
#include "domain/event_internal.h"
#include "domain/kinds.h"

static bool is_clean(struct eg_str value) {
    for (size_t i = 0; i < value.len; i++) {
        if ((unsigned char)value.ptr[i] < 0x20 || value.ptr[i] == 0x7f) {
            return false;
        }
    }
    return gw_utf8_valid(value);
}

int32_t gw_event_set_attribute(struct eg_event *event, struct eg_str name, struct eg_str value) {
    struct eg_str *slot = gw_event_attribute_slot(event, name);
    struct eg_why why = {.struct_size = sizeof why};
    if (slot == NULL || slot == &event->spec_version || !is_clean(value) ||
        (slot == &event->type && gw_is_system_type(value))) {
        return EG_E_INVAL;
    }
    const struct eg_str former = *slot;
    *slot = gw_arena_dup(event->arena, value);
    if (gw_event_validate(event, &why) < 0) {
        *slot = former;
        return EG_E_INVAL;
    }
    if (slot == &event->content_type) {
        event->sent_type = (struct eg_str){0};
    }
    gw_event_changed(event);
    return EG_OK;
}

int32_t gw_event_set_data(struct eg_event *event, struct eg_str data, bool is_base64,
                          uint32_t json_depth) {
    struct gw_jval value;
    struct gw_jerror error;
    if (is_base64 ? !gw_is_base64(data) : gw_json_check(data, json_depth, &value, &error) < 0) {
        return EG_E_SYNTAX;
    }
    event->data_json = is_base64 ? (struct eg_str){0} : gw_arena_dup(event->arena, value.raw);
    event->data_base64 = is_base64 ? gw_arena_dup(event->arena, data) : (struct eg_str){0};
    event->has_params_slot = false; /* the text that they would be written into is gone */
    gw_event_changed(event);
    return EG_OK;
}

struct eg_str gw_event_extension_at(const struct eg_event *event, size_t index,
                                    struct eg_str *ret_name) {
    const struct gw_extension *e = event->extensions;
    while (e != NULL && index > 0) {
        e = e->next;
        index--;
    }
    *ret_name = e == NULL ? (struct eg_str){0} : e->name;
    return e == NULL ? (struct eg_str){0} : e->json;
}
