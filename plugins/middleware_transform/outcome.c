/*
 * outcome.c - the changes that a worker asks for, carried out through the services of the gateway,
 * which check each of them. What the client is told is a sentence of ours: what a program says goes
 * to the log, but for what it says with error({status, message}).
 */
#include "transform.h"

const struct tr_answer *tr_answer_of(uint32_t outcome) {
#define INTERNAL "Internal Server Error"
#define BAD_EVENT "The event could not be transformed."
#define BAD_REPLY "The reply could not be transformed."
#define TOO_LONG "The transformation took too long."
#define TOO_BUSY "Too busy to transform, try again later."
    static const struct tr_answer rows[TR_OUTCOMES] = {
        [TR_OK] = {"ok", 0, 0, "", ""},
        [TR_EMPTY] = {"empty", 202, 502, "", BAD_REPLY},
        [TR_JQ_ERROR] = {"error", 400, 502, BAD_EVENT, BAD_REPLY},
        [TR_REFUSED] = {"refused", 400, 502, "", ""}, /* with words of its own */
        [TR_BAD_OUTPUT] = {"bad_output", 500, 500, INTERNAL, INTERNAL},
        [TR_TOO_BIG] = {"too_big", 500, 500, INTERNAL, INTERNAL},
        [TR_TIMEOUT] = {"timeout", 504, 504, TOO_LONG, TOO_LONG},
        [TR_NO_MEMORY] = {"memory", 500, 500, INTERNAL, INTERNAL},
        [TR_CRASHED] = {"crashed", 500, 500, INTERNAL, INTERNAL},
        [TR_UNAVAILABLE] = {"unavailable", 503, 503, TOO_BUSY, TOO_BUSY},
    };
    return &rows[outcome];
}

int32_t tr_outcome_read(struct eg_str payload, struct tr_outcome *ret_outcome) {
    struct tr_outcome outcome = {.changes = {payload, 0}};
    struct tr_reader *in = &outcome.changes;
    outcome.kind = tr_get_u32(in);
    outcome.status = tr_get_u32(in);
    outcome.message = tr_get_text(in);
    outcome.change_count = tr_get_u32(in);
    if (in->is_bad || outcome.kind >= TR_WIRE_OUTCOMES ||
        (outcome.kind == TR_REFUSED && (outcome.status < 400 || outcome.status > 599))) {
        return EG_E_PROTO;
    }
    *ret_outcome = outcome;
    return EG_OK;
}

/* ---- events ---- */

static int32_t change_event(const struct eg_event_api *api, struct eg_event *event, uint32_t kind,
                            struct eg_str name, struct eg_str value) {
    switch (kind) {
    case TR_SET_TEXT:
        return tr_is_attribute(name) ? api->set_attribute(event, name, value) : EG_E_INVAL;
    case TR_SET_JSON:
        return tr_is_own_name(name) ? EG_E_INVAL : api->set_extension(event, name, value);
    case TR_REMOVE:
        return tr_is_attribute(name)  ? api->set_attribute(event, name, egx_str_n(NULL, 0))
               : tr_is_own_name(name) ? EG_E_INVAL
                                      : api->set_extension(event, name, egx_str_n(NULL, 0));
    case TR_DATA_JSON:
        return api->set_data(event, value, 0);
    case TR_DATA_BASE64:
        return api->set_data(event, value, 1);
    default:
        return EG_E_PROTO;
    }
}

/* ---- replies ---- */

/* Status and body are set together. */
struct reply {
    uint32_t status;
    struct eg_str body;
    int32_t is_changed;
    int32_t is_json;
    int32_t has_type; /* the program said what it is */
};

static struct eg_str whole(struct eg_str text) {
    return egx_str_n(text.ptr == NULL ? "" : text.ptr, text.len);
}

static void note(struct reply *reply, uint32_t kind, struct eg_str name, struct eg_str value) {
    if (kind == TR_STATUS) {
        reply->is_changed = 1;
        reply->status = 0;
        for (size_t i = 0; i < value.len && value.len == 3; i++) {
            reply->status = reply->status * 10 + (uint32_t)(value.ptr[i] - '0') % 10;
        }
    } else if (kind == TR_BODY || kind == TR_BODY_JSON) {
        reply->is_changed = 1;
        reply->is_json = kind == TR_BODY_JSON;
        reply->body = value;
    } else if (kind == TR_HEADER_SET || kind == TR_HEADER_ADD) {
        reply->has_type = reply->has_type || egx_str_eq_nocase(name, EGX_STR("content-type"));
    }
}

static int32_t change_header(const struct eg_exchange_api *api, struct eg_exchange *exchange,
                             uint32_t kind, struct eg_str name, struct eg_str value) {
    switch (kind) {
    case TR_HEADER_SET:
        return api->set_reply_header(exchange, name, whole(value));
    case TR_HEADER_ADD:
        return api->reply_header(exchange, name, whole(value));
    case TR_HEADER_REMOVE:
        return api->set_reply_header(exchange, name, egx_str_n(NULL, 0));
    default:
        return kind == TR_STATUS || kind == TR_BODY || kind == TR_BODY_JSON ? EG_OK : EG_E_PROTO;
    }
}

/* An object or a list is JSON, whatever was there before, unless the program says otherwise. */
static int32_t set_reply(const struct eg_host *host, struct eg_exchange *exchange,
                         const struct reply *reply) {
    const struct eg_exchange_api *api = host->exchange;
    const struct eg_str json = EGX_STR("application/json");
    const struct eg_str type = tr_reply_type(host, exchange);
    if (!reply->is_changed) {
        return EG_OK;
    }
    if (reply->status < 200 || reply->status > 599) {
        return EG_E_PROTO;
    }
    const int is_news = reply->is_json && !reply->has_type && !tr_is_json_type(type);
    if (is_news && type.len > 0) {
        (void)api->set_reply_header(exchange, EGX_STR("Content-Type"), egx_str_n(NULL, 0));
    }
    api->reply(exchange, reply->status, is_news ? json : type, egx_buf_copy(host, reply->body));
    return EG_OK;
}

/* ---- all of them ---- */

static int32_t refuse(struct eg_why *ret_why, int32_t rc, struct eg_str name) {
    return egx_why(ret_why, rc, "'%.*s' cannot be set to that",
                   (int)(name.len < 64 ? name.len : 64), name.len == 0 ? "" : name.ptr);
}

static int32_t apply_event(const struct eg_host *host, struct eg_event *event,
                           const struct tr_outcome *outcome, struct eg_why *ret_why) {
    struct tr_reader in = outcome->changes;
    for (uint32_t i = 0; i < outcome->change_count; i++) {
        const uint32_t kind = tr_get_u32(&in);
        const struct eg_str name = tr_get_text(&in);
        const struct eg_str value = tr_get_text(&in);
        const int32_t rc =
            in.is_bad ? EG_E_PROTO : change_event(host->event, event, kind, name, value);
        if (rc < 0) {
            return refuse(ret_why, rc, name);
        }
    }
    return EG_OK;
}

static int32_t apply_reply(const struct eg_host *host, struct eg_exchange *exchange,
                           const struct tr_outcome *outcome, struct eg_why *ret_why) {
    const struct eg_exchange_api *api = host->exchange;
    struct reply reply = {.status = api->reply_status(exchange), .body = api->reply_body(exchange)};
    struct tr_reader in = outcome->changes;
    for (uint32_t i = 0; i < outcome->change_count && !in.is_bad; i++) {
        const uint32_t kind = tr_get_u32(&in);
        const struct eg_str name = tr_get_text(&in);
        note(&reply, kind, name, tr_get_text(&in));
    }
    if (in.is_bad || set_reply(host, exchange, &reply) < 0) {
        return refuse(ret_why, EG_E_PROTO, EGX_STR("the reply"));
    }
    in = outcome->changes;
    for (uint32_t i = 0; i < outcome->change_count; i++) {
        const uint32_t kind = tr_get_u32(&in);
        const struct eg_str name = tr_get_text(&in);
        const int32_t rc = change_header(api, exchange, kind, name, tr_get_text(&in));
        if (rc < 0) {
            return refuse(ret_why, rc, name);
        }
    }
    return EG_OK;
}

int32_t tr_outcome_apply(const struct eg_host *host, struct eg_exchange *exchange,
                         struct eg_event *event, const struct tr_outcome *outcome,
                         struct eg_why *ret_why) {
    return event != NULL ? apply_event(host, event, outcome, ret_why)
                         : apply_reply(host, exchange, outcome, ret_why);
}
