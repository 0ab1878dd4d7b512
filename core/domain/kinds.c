/*
 * domain/kinds.c - the words of the four kinds, and where their objects lie in the store
 * (compatibility chapter 2.1). The texts are part of the Config API's contract. Pure.
 */
#include "domain/kinds.h"

#include "base/check.h"
#include "base/slice.h"

const struct gw_kind_words gw_kind_words[GW_KINDS] = {
    [GW_EVENTTYPE] = {.route = "eventtypes",
                      .envelope = "eventTypes",
                      .metric = "eventtype",
                      .prefix = "Event Type doesn't validate. Validation error: ",
                      .title = "Event Type",
                      .noun = "event type",
                      .exists = "already exists.",
                      .struct_name = "Type"},
    [GW_FUNCTION] = {.route = "functions",
                     .envelope = "functions",
                     .metric = "function",
                     .prefix = "Function doesn't validate. Validation error: ",
                     .title = "Function",
                     .noun = "function",
                     .exists = "already registered.",
                     .struct_name = "Function"},
    [GW_SUBSCRIPTION] = {.route = "subscriptions",
                         .envelope = "subscriptions",
                         .metric = "subscription",
                         .prefix = "Subscription doesn't validate. Validation error: ",
                         .title = "Subscription",
                         .noun = "subscription",
                         .exists = "already exists.",
                         .struct_name = "Subscription"},
    [GW_CORS] = {.route = "cors",
                 .envelope = "cors",
                 .metric = "cors",
                 .prefix = "CORS configuration doesn't validate. Validation error: ",
                 .title = "CORS configuration",
                 .noun = "CORS configuration",
                 .exists = "already exists.",
                 .struct_name = "CORS"},
};

int32_t gw_refuse_missing(enum gw_kind kind, struct eg_str id, struct gw_refusal *ret_refusal) {
    (void)gw_refuse(ret_refusal, 404, "%s \"%.*s\" not found.", gw_kind_words[kind].title,
                    GW_FMT(id));
    return EG_E_NOTFOUND;
}

int32_t gw_refuse_existing(enum gw_kind kind, struct eg_str id, struct gw_refusal *ret_refusal) {
    (void)gw_refuse(ret_refusal, 409, "%s \"%.*s\" %s", gw_kind_words[kind].title, GW_FMT(id),
                    gw_kind_words[kind].exists);
    return EG_E_EXISTS;
}

void gw_store_prefix(struct gw_bytes *out, enum gw_kind kind, struct eg_str space) {
    GW_ASSERT(kind < GW_KINDS);
    gw_bytes_add_c(out, GW_STORE_ROOT);
    gw_bytes_add_c(out, gw_kind_words[kind].route);
    gw_bytes_add_char(out, '/');
    gw_bytes_add(out, space);
    gw_bytes_add_char(out, '/');
}

void gw_store_key(struct gw_bytes *out, enum gw_kind kind, struct eg_str space, struct eg_str id) {
    gw_store_prefix(out, kind, space);
    gw_bytes_add(out, id);
}

static int32_t kind_of_route(struct eg_str route, enum gw_kind *ret_kind) {
    for (unsigned kind = 0; kind < GW_KINDS; kind++) {
        if (gw_str_eq(route, gw_str_c(gw_kind_words[kind].route))) {
            *ret_kind = (enum gw_kind)kind;
            return EG_OK;
        }
    }
    return EG_E_INVAL;
}

int32_t gw_store_key_parse(struct eg_str key, enum gw_kind *ret_kind, struct eg_str *ret_space,
                           struct eg_str *ret_id) {
    const struct eg_str root = GW_STR(GW_STORE_ROOT);
    if (!gw_str_starts(key, root)) {
        return EG_E_INVAL;
    }
    const struct eg_str tail = gw_str_cut(key, root.len);
    const size_t route_len = gw_str_find(tail, '/');
    const struct eg_str in_kind =
        gw_str_cut(tail, route_len == tail.len ? route_len : route_len + 1);
    const size_t space_len = gw_str_find(in_kind, '/');
    if (space_len == 0 || space_len + 1 >= in_kind.len) {
        return EG_E_INVAL;
    }
    const int32_t rc = kind_of_route(gw_str_sub(tail, 0, route_len), ret_kind);
    if (rc < 0) {
        return rc;
    }
    *ret_space = gw_str_sub(in_kind, 0, space_len);
    *ret_id = gw_str_cut(in_kind, space_len + 1);
    return EG_OK;
}

static bool is_name_byte(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '-' || c == '_';
}

bool gw_is_space_name(struct eg_str s) {
    for (size_t i = 0; i < s.len; i++) {
        if (!is_name_byte(s.ptr[i])) {
            return false;
        }
    }
    return s.len > 0;
}

bool gw_is_system_type(struct eg_str type) {
    return gw_str_starts(type, GW_STR("eventgateway."));
}
