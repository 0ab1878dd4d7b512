/*
 * plugin/host_json.c - the json service: base/json.h without its host argument. Any thread.
 */
#include "base/json.h"
#include "plugin/host.h"

static int32_t json_parse(const struct eg_host *host, struct eg_str text, struct eg_json **ret_root,
                          struct eg_why *ret_why) {
    (void)host;
    return gw_json_parse(text, false, ret_root, ret_why);
}

static void json_free(const struct eg_host *host, struct eg_json *root) {
    (void)host;
    gw_json_free(root);
}

const struct eg_json_api gw_host_json = {
    .struct_size = sizeof gw_host_json,
    .parse = json_parse,
    .free = json_free,
    .kind = gw_json_kind,
    .count = gw_json_count,
    .member = gw_json_member,
    .at = gw_json_at,
    .string = gw_json_string,
    .integer = gw_json_integer,
    .real = gw_json_real,
};
