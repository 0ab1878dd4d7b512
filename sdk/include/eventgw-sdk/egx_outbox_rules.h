/*
 * eventgw-sdk/egx_outbox_rules.h - what all boxes of an instance have in common (egx_outbox.h says
 * how it is used): where to deliver and how, checked; the headers of every request; the metrics.
 * Control thread; read-only afterwards.
 */
#ifndef EVENTGW_SDK_OUTBOX_RULES_H
#define EVENTGW_SDK_OUTBOX_RULES_H

#include <unistd.h>

#include "egx.h"
#include "egx_http.h"
#include "egx_outbox_settings.h"

#define EGX_OUTBOX_HEADERS 32u /* of a request, all together */
#define EGX_OUTBOX_EXTRA 4u    /* of them those of one try */
#define EGX_OUTBOX_EXTRA_BYTES 512u

/* Why something was lost. */
enum egx_outbox_reason { /* why something was lost; also the label of the metric */
                         EGX_LOST_QUEUE_FULL,
                         EGX_LOST_REFUSED,  /* an answer that another try would not change */
                         EGX_LOST_ATTEMPTS, /* as often as allowed */
                         EGX_LOST_AGE,      /* as long as allowed */
                         EGX_LOST_STOPPED,  /* the gateway stops */
                         EGX_LOST_ERROR,    /* it cannot be sent at all */
                         EGX_LOST_REASONS
};

/* Their names, as labels and in the log. */
static const char *const egx_outbox_reasons[EGX_LOST_REASONS] = {
    "queue_full", "refused", "attempts", "age", "stopped", "error"};

struct egx_outbox;

/* How to send, where to, and how often. */
struct egx_outbox_rules {
    /* ---- filled in before egx_outbox_begin, zero otherwise; borrowed until egx_outbox_end ---- */
    const struct eg_host *host;
    const struct egx_outbox_settings *settings;
    struct eg_str url;
    struct eg_str content_type;
    const char *noun;     /* what is delivered, for the log: "events" */
    struct eg_str before; /* the texts of a batch, commas between them, stand between these two */
    struct eg_str after;
    int (*is_retryable)(int32_t http_status);
    void *arg;
    /* Optional, once a batch: changes the body. Negative: the batch is lost. */
    int32_t (*encode)(void *arg, struct egx_json *body);
    /* Optional, before each try: calls egx_outbox_header for what belongs to this try alone. */
    int32_t (*prepare)(void *arg, struct egx_outbox *box, struct eg_str body);
    /* Optional: an answer 2xx. Returns how many of what was sent were lost nevertheless. */
    size_t (*accepted)(void *arg, const struct eg_http_response *response);
    /* ---- made by egx_outbox_begin ---- */
    struct eg_kv headers[EGX_OUTBOX_HEADERS];
    size_t header_count;
    struct egx_json bearer;
    struct eg_metric *sent;
    struct eg_metric *retries;
    struct eg_metric *queued;
    struct eg_metric *lost[EGX_LOST_REASONS];
    struct egx_outbox *boxes; /* of all loops */
};

/* ---- rules ---- */

static inline int egx_outbox_is_token(struct eg_str name) { /* RFC 9110 5.6.2 */
    for (size_t i = 0; i < name.len; i++) {
        const char c = egx_lower(name.ptr[i]);
        const int is_alnum = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
        if (!is_alnum && (c == '\0' || strchr("!#$%&'*+-.^_`|~", c) == NULL)) {
            return 0;
        }
    }
    return name.len > 0;
}

/* Without blanks at both ends. */
static inline struct eg_str egx_outbox_trim(struct eg_str text) {
    while (text.len > 0 && strchr(" \t\r", text.ptr[text.len - 1]) != NULL) {
        text.len--;
    }
    while (text.len > 0 && strchr(" \t\r", text.ptr[0]) != NULL) {
        text = egx_str_cut(text, 1);
    }
    return text;
}

/* A header of every request, borrowed until egx_outbox_end. EG_E_INVAL when it is none, is the
 * host's own, is there already, or one too many. */
static inline int32_t egx_outbox_add_header(struct egx_outbox_rules *rules, struct eg_str name,
                                            struct eg_str value) {
    static const char *const taken[] = {"host",    "content-length",  "transfer-encoding",
                                        "trailer", "connection",      "keep-alive",
                                        "expect",  "content-encoding"};
    int is_bad = !egx_outbox_is_token(name) || value.len == 0 || !egx_is_header_text(value) ||
                 rules->header_count + EGX_OUTBOX_EXTRA >= EGX_OUTBOX_HEADERS;
    for (size_t i = 0; i < EGX_COUNT(taken); i++) {
        is_bad = is_bad || egx_str_eq_nocase(name, egx_str_c(taken[i]));
    }
    for (size_t i = 0; i < rules->header_count; i++) {
        is_bad = is_bad || egx_str_eq_nocase(name, rules->headers[i].name);
    }
    if (is_bad) {
        return EG_E_INVAL;
    }
    rules->headers[rules->header_count].name = name;
    rules->headers[rules->header_count++].value = value;
    return EG_OK;
}

/* "Name: value" lines. The sentence has the number of the line: the line itself may be secret. */
static inline int32_t egx_outbox_add_lines(struct egx_outbox_rules *rules, struct eg_why *ret_why) {
    struct eg_str text = rules->settings->headers;
    for (unsigned number = 1; text.len > 0; number++) {
        const char *end = (const char *)memchr(text.ptr, '\n', text.len);
        const size_t len = end == NULL ? text.len : (size_t)(end - text.ptr);
        const struct eg_str line = egx_str_n(text.ptr, len);
        const char *colon = len == 0 ? NULL : (const char *)memchr(line.ptr, ':', len);
        text = egx_str_cut(text, len + 1);
        if (egx_outbox_trim(line).len == 0) {
            continue;
        }
        const size_t at = colon == NULL ? 0 : (size_t)(colon - line.ptr);
        if (egx_outbox_add_header(rules, egx_str_n(line.ptr, at),
                                  egx_outbox_trim(egx_str_cut(line, at + 1))) < 0) {
            return egx_why(ret_why, EG_E_INVAL,
                           "'headers': line %u is no header that may be set, or is there twice; "
                           "write \"Name: value\"",
                           number);
        }
    }
    return EG_OK;
}

/* Is the address one, and are secrets only sent where they may be? */
static inline int32_t egx_outbox_check(const struct egx_outbox_rules *rules, const char *setting,
                                       struct eg_why *ret_why) {
    const struct egx_outbox_settings *s = rules->settings;
    struct eg_str host;
    int is_secure = 0;
    if (!egx_is_http_url(rules->url, &host, &is_secure)) {
        return egx_why(ret_why, EG_E_INVAL,
                       "'%s' has to be an address that begins with http:// or https://, without "
                       "user and password",
                       setting);
    }
    if (!is_secure && !egx_is_loopback(host) && !s->allow_http &&
        s->token.len + s->headers.len > 0) {
        return egx_why(ret_why, EG_E_INVAL,
                       "'token' and 'headers' would go to another machine without TLS: use "
                       "https://, or set 'allow_http'");
    }
    if (!egx_is_header_text(s->token)) {
        return egx_why(ret_why, EG_E_INVAL, "'token' has a character that no header can carry");
    }
    if ((s->cert_file.len == 0) != (s->key_file.len == 0)) {
        return egx_why(ret_why, EG_E_INVAL, "'cert_file' and 'key_file' go together");
    }
    return EG_OK;
}

/* Makes the metrics. */
static inline void egx_outbox_metrics(struct egx_outbox_rules *rules) {
    const struct eg_host *host = rules->host;
    const struct eg_metrics_api *metrics = host->metrics;
    struct eg_kv labels[2];
    labels[0].name = EGX_STR("component");
    labels[0].value = host->component;
    labels[1].name = EGX_STR("reason");
    rules->sent = metrics->counter(host, EGX_STR("outbox_sent_total"),
                                   EGX_STR("What was delivered in batches."), labels, 1);
    rules->retries = metrics->counter(host, EGX_STR("outbox_retries_total"),
                                      EGX_STR("Tries that failed and are repeated."), labels, 1);
    rules->queued = metrics->gauge(host, EGX_STR("outbox_queued"),
                                   EGX_STR("What waits to be delivered."), labels, 1);
    for (size_t i = 0; i < EGX_LOST_REASONS; i++) {
        labels[1].value = egx_str_c(egx_outbox_reasons[i]);
        rules->lost[i] = metrics->counter(host, EGX_STR("outbox_lost_total"),
                                          EGX_STR("What was not delivered, by reason."), labels, 2);
    }
}

/* Checks the settings and makes the headers. setting: the name of the one that url is of. After a
 * negative return there is nothing to end. */
static inline int32_t egx_outbox_begin(struct egx_outbox_rules *rules, const char *setting,
                                       struct eg_why *ret_why) {
    const struct eg_str token = rules->settings->token;
    int32_t rc = egx_outbox_check(rules, setting, ret_why);
    if (rc < 0) {
        return rc;
    }
    (void)egx_outbox_add_header(rules, EGX_STR("Content-Type"), rules->content_type);
    if (token.len > 0) {
        egx_json_raw(&rules->bearer, EGX_STR("Bearer "));
        egx_json_raw(&rules->bearer, token);
        (void)egx_outbox_add_header(rules, EGX_STR("Authorization"), egx_json_text(&rules->bearer));
    }
    rc = egx_outbox_add_lines(rules, ret_why);
    if (rc < 0) {
        egx_json_free(&rules->bearer);
        return rc;
    }
    egx_outbox_metrics(rules);
    return EG_OK;
}

/* For start: are the TLS files there? Ends the op when not (negative return). */
static inline int32_t egx_outbox_check_files(const struct egx_outbox_rules *rules,
                                             struct eg_op *op) {
    const struct egx_outbox_settings *s = rules->settings;
    const struct eg_str files[] = {s->ca_file, s->cert_file, s->key_file};
    for (size_t i = 0; i < EGX_COUNT(files); i++) {
        char path[4200]; /* longer than PATH_MAX: what is cut here is not there */
        (void)snprintf(path, sizeof path, "%.*s", EGX_FMT(files[i]));
        if (files[i].len > 0 && access(path, R_OK) != 0) {
            egx_done_error(op, EG_E_IO, "cannot read %s", path);
            return EG_E_IO;
        }
    }
    return EG_OK;
}

#endif
