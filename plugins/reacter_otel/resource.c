/* resource.c - see resource.h. */
#include "resource.h"

#include <sys/random.h>

#include "span.h"

static const char *const taken[] = {"service.name", "service.version", "service.instance.id"};

/* RFC 9562 5.4, version 4: 122 random bits. */
static void put_uuid(struct egx_json *out) {
    unsigned char b[16] = {0};
    char text[40];
    size_t at = 0;
    (void)!getrandom(b, sizeof b, 0);
    b[6] = (unsigned char)((b[6] & 0x0fu) | 0x40u);
    b[8] = (unsigned char)((b[8] & 0x3fu) | 0x80u);
    for (size_t i = 0; i < sizeof b; i++) {
        const char *dash = i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "";
        at += (size_t)snprintf(text + at, sizeof text - at, "%s%02x", dash, b[i]);
    }
    otel_put_attribute(out, EGX_STR("service.instance.id"), egx_str_n(text, at));
}

static int is_taken(const struct eg_str_list *list, size_t index, struct eg_str name) {
    int is = 0;
    for (size_t i = 0; i < EGX_COUNT(taken); i++) {
        is = is || egx_str_eq(name, egx_str_c(taken[i]));
    }
    for (size_t i = 0; i < index; i++) {
        is = is || (egx_str_starts(list->items[i], name) && list->items[i].len > name.len &&
                    list->items[i].ptr[name.len] == '=');
    }
    return is;
}

static int32_t put_attributes(struct egx_json *out, const struct eg_str_list *list,
                              struct eg_why *ret_why) {
    for (size_t i = 0; i < list->count; i++) {
        const struct eg_str item = list->items[i];
        const char *equals = item.len == 0 ? NULL : memchr(item.ptr, '=', item.len);
        const size_t len = equals == NULL ? 0 : (size_t)(equals - item.ptr);
        if (len == 0 || is_taken(list, i, egx_str_n(item.ptr, len))) {
            return egx_why(
                ret_why, EG_E_INVAL,
                "'resource' has \"%.*s\": write \"name=value\", every name once and none "
                "of service.name, service.version, service.instance.id",
                EGX_FMT(item));
        }
        otel_put_attribute(out, egx_str_n(item.ptr, len), egx_str_cut(item, len + 1));
    }
    return EG_OK;
}

int32_t otel_put_resource(struct egx_json *out, const struct eg_host *host,
                          const struct otel_resource *resource, struct eg_why *ret_why) {
    if (resource->service_name.len == 0) {
        return egx_why(ret_why, EG_E_INVAL, "'service_name' must not be empty");
    }
    egx_json_raw(out, EGX_STR("{\"resourceSpans\":[{\"resource\":{\"attributes\":["));
    otel_put_attribute(out, EGX_STR("service.name"), resource->service_name);
    otel_put_attribute(out, EGX_STR("service.version"), host->gateway_version);
    if (resource->instance_id.len > 0) {
        otel_put_attribute(out, EGX_STR("service.instance.id"), resource->instance_id);
    } else {
        put_uuid(out);
    }
    const int32_t rc = put_attributes(out, resource->attributes, ret_why);
    egx_json_raw(out, EGX_STR("]},\"scopeSpans\":[{\"scope\":{\"name\":\"event-gateway\""));
    egx_json_key(out, EGX_STR("version"));
    egx_json_string(out, host->gateway_version);
    egx_json_raw(out, EGX_STR("},\"spans\":["));
    return rc;
}
