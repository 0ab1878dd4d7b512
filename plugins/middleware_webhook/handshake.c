/*
 * handshake.c - see handshake.h. The sender's URL (WebHook-Request-Callback) is a stranger's text
 * that asks this server to call somewhere: it is not looked at unless its host is listed, it has to
 * be https, redirects are not followed, and the answer goes nowhere.
 *
 * Thread: any loop. Ownership: a callback holds itself; the handshake only counts them, and lives
 * until the host's ledger of calls is empty.
 */
#include "handshake.h"

#include <stdatomic.h>

#include <eventgw-sdk/egx_http.h>

#define CALLBACKS_MAX 32u
/* Less than a gateway that stops waits for its plugins. */
#define CALLBACK_TIMEOUT_NS (3ull * 1000000000u)
#define NAME_MAX_LEN 253u /* RFC 1035 2.3.4 */

struct webhook_handshake {
    const struct eg_host *host;
    struct webhook_handshake_config config;
    char rate[24];
    struct eg_metric *granted;
    struct eg_metric *refused;
    struct eg_metric *callbacks_failed;
    _Atomic uint32_t callbacks; /* under way */
};

struct callback {
    struct webhook_handshake *handshake;
    struct eg_str url; /* behind the struct */
    struct eg_kv headers[2];
};

/* ---- settings ---- */

/* A DNS name: letters, digits, '-', '_', '.'. */
static int is_name(struct eg_str name) {
    for (size_t i = 0; i < name.len; i++) {
        const char c = egx_lower(name.ptr[i]);
        if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '-' && c != '_' &&
            (c != '.' || i == 0 || name.ptr[i - 1] == '.')) {
            return 0;
        }
    }
    return name.len > 0 && name.len <= NAME_MAX_LEN;
}

static int is_star(struct eg_str text) {
    return egx_str_eq(text, EGX_STR("*"));
}

static int is_origin_setting(struct eg_str text) {
    return is_star(text) ||
           is_name(egx_str_starts(text, EGX_STR("*.")) ? egx_str_cut(text, 2) : text);
}

/* "host" or "host:port", with numbers in brackets when they have colons. */
static int is_host_setting(struct eg_str text) {
    char url[300];
    struct eg_str host = egx_str_n(NULL, 0);
    int is_secure = 0;
    if (text.len == 0 || text.len > 270) {
        return 0;
    }
    for (size_t i = 0; i < text.len; i++) {
        if (strchr("/?#@* ", text.ptr[i]) != NULL) {
            return 0;
        }
    }
    const int len = snprintf(url, sizeof url, "https://%.*s", EGX_FMT(text));
    return egx_is_http_url(egx_str_n(url, (size_t)len), &host, &is_secure);
}

static int32_t check(const struct eg_str_list *list, int (*is_fine)(struct eg_str),
                     const char *what, struct eg_why *ret_why) {
    for (size_t i = 0; i < list->count; i++) {
        if (!is_fine(list->items[i])) {
            return egx_why(ret_why, EG_E_INVAL, "%s: '%.*s' is none", what,
                           EGX_FMT(list->items[i]));
        }
    }
    return EG_OK;
}

int32_t webhook_handshake_new(const struct eg_host *host,
                              const struct webhook_handshake_config *config,
                              struct webhook_handshake **ret_handshake, struct eg_why *ret_why) {
    int32_t rc = check(&config->origins, is_origin_setting,
                       "'allowed_origins' has to be names, *.names, or *", ret_why);
    rc = rc < 0 ? rc
                : check(&config->callback_hosts, is_host_setting,
                        "'callback_hosts' has to be hosts, host or host:port", ret_why);
    if (rc < 0) {
        return rc;
    }
    struct webhook_handshake *handshake = host->mem->alloc(host, sizeof *handshake);
    handshake->host = host;
    handshake->config = *config;
    (void)snprintf(handshake->rate, sizeof handshake->rate, "%lld", (long long)config->rate);
    if (config->rate == 0) {
        (void)snprintf(handshake->rate, sizeof handshake->rate, "*");
    }
    handshake->granted =
        host->metrics->counter(host, EGX_STR("webhook_handshakes_granted_total"),
                               EGX_STR("Validation requests of origins that may send."), NULL, 0);
    handshake->refused =
        host->metrics->counter(host, EGX_STR("webhook_handshakes_refused_total"),
                               EGX_STR("Validation requests that were refused."), NULL, 0);
    handshake->callbacks_failed =
        host->metrics->counter(host, EGX_STR("webhook_callbacks_failed_total"),
                               EGX_STR("Calls of WebHook-Request-Callback that failed."), NULL, 0);
    *ret_handshake = handshake;
    return EG_OK;
}

void webhook_handshake_free(struct webhook_handshake *handshake) {
    if (handshake != NULL) {
        handshake->host->mem->free(handshake->host, handshake);
    }
}

/* ---- who asks ---- */

static struct eg_str header(const struct webhook_handshake *handshake,
                            const struct eg_exchange *exchange, const char *name, size_t index) {
    return handshake->host->exchange->header(exchange, egx_str_c(name), index);
}

int webhook_handshake_is_one(const struct webhook_handshake *handshake,
                             const struct eg_exchange *exchange) {
    return handshake->config.origins.count > 0 &&
           egx_str_eq(handshake->host->exchange->method(exchange), EGX_STR("OPTIONS")) &&
           header(handshake, exchange, "WebHook-Request-Origin", 0).ptr != NULL;
}

/* "*.example.com" is every name below example.com, and not that name itself. */
static int matches(struct eg_str setting, struct eg_str origin) {
    if (is_star(setting)) {
        return 1;
    }
    if (!egx_str_starts(setting, EGX_STR("*."))) {
        return egx_str_eq_nocase(setting, origin);
    }
    const struct eg_str suffix = egx_str_cut(setting, 1);
    return origin.len > suffix.len &&
           egx_str_eq_nocase(egx_str_cut(origin, origin.len - suffix.len), suffix);
}

static int may_send(const struct webhook_handshake *handshake, struct eg_str origin) {
    const struct eg_str_list *origins = &handshake->config.origins;
    size_t i = 0;
    while (i < origins->count && !matches(origins->items[i], origin)) {
        i++;
    }
    return i < origins->count;
}

/* ---- callback ---- */

/* The URL, when it may be called; empty otherwise. */
static struct eg_str callback_of(const struct webhook_handshake *handshake,
                                 const struct eg_exchange *exchange) {
    const struct eg_str_list *hosts = &handshake->config.callback_hosts;
    const struct eg_str url = header(handshake, exchange, "WebHook-Request-Callback", 0);
    struct eg_str host = egx_str_n(NULL, 0);
    int is_secure = 0;
    if (hosts->count == 0 || url.len == 0 || url.len > 2048 ||
        !egx_is_http_url(url, &host, &is_secure) || !is_secure ||
        memchr(url.ptr, '\\', url.len) != NULL) {
        return egx_str_n(NULL, 0);
    }
    struct eg_str authority = egx_str_cut(url, strlen("https://"));
    size_t len = 0;
    while (len < authority.len && strchr("/?#", authority.ptr[len]) == NULL) {
        len++;
    }
    authority.len = len;
    for (size_t i = 0; i < hosts->count; i++) {
        if (egx_str_eq_nocase(hosts->items[i], authority)) {
            return url;
        }
    }
    return egx_str_n(NULL, 0);
}

static void on_called(void *arg, const struct eg_http_response *response) {
    struct callback *callback = arg;
    struct webhook_handshake *handshake = callback->handshake;
    struct eg_buf body = response->body;
    if (response->error != 0 || response->status < 200 || response->status > 299) {
        handshake->host->metrics->add(handshake->callbacks_failed, 1);
        egx_log(handshake->host, EG_LOG_WARN, "a WebHook-Request-Callback failed: status %d %.*s",
                (int)response->status, EGX_FMT(response->message));
    }
    egx_buf_release(&body);
    (void)atomic_fetch_sub(&handshake->callbacks, 1);
    handshake->host->mem->free(handshake->host, callback);
}

/* "The delivery target grants permission by issuing an HTTPS GET or POST request against the given
 * URL." The origin and the URL are copied: they outlive the request. */
static int32_t call_back(struct webhook_handshake *handshake, struct eg_str url,
                         struct eg_str origin) {
    const struct eg_host *host = handshake->host;
    struct eg_http_call *call = NULL;
    if (atomic_fetch_add(&handshake->callbacks, 1) >= CALLBACKS_MAX) {
        (void)atomic_fetch_sub(&handshake->callbacks, 1);
        return EG_E_BUSY;
    }
    struct callback *callback = host->mem->alloc(host, sizeof *callback + url.len + origin.len);
    char *text = (char *)(callback + 1);
    memcpy(text, url.ptr, url.len);
    memcpy(text + url.len, origin.ptr, origin.len);
    callback->handshake = handshake;
    callback->url = egx_str_n(text, url.len);
    callback->headers[0] =
        (struct eg_kv){EGX_STR("WebHook-Allowed-Origin"), egx_str_n(text + url.len, origin.len)};
    callback->headers[1] =
        (struct eg_kv){EGX_STR("WebHook-Allowed-Rate"), egx_str_c(handshake->rate)};
    const struct eg_http_request request = {
        .struct_size = sizeof request,
        .flags = EG_HTTP_NO_REDIRECT | EG_HTTP_ONCE,
        .method = EGX_STR("POST"),
        .url = callback->url,
        .headers = callback->headers,
        .header_count = EGX_COUNT(callback->headers),
        .timeout_ns = CALLBACK_TIMEOUT_NS,
        .max_response_bytes = 65536,
        .ca_file = handshake->config.ca_file,
    };
    const int32_t rc =
        host->http->send(host, host->loop->current(host), &request, on_called, callback, &call);
    if (rc < 0) {
        (void)atomic_fetch_sub(&handshake->callbacks, 1);
        host->mem->free(host, callback);
    }
    return rc;
}

/* ---- answers ---- */

static void refuse(struct webhook_handshake *handshake, struct eg_exchange *exchange,
                   uint32_t status, struct eg_str message) {
    handshake->host->metrics->add(handshake->refused, 1);
    handshake->host->exchange->reply_error(exchange, status, message);
}

static void grant(struct webhook_handshake *handshake, struct eg_exchange *exchange,
                  struct eg_str origin) {
    const struct eg_exchange_api *api = handshake->host->exchange;
    handshake->host->metrics->add(handshake->granted, 1);
    (void)api->reply_header(exchange, EGX_STR("Allow"), EGX_STR("OPTIONS, POST"));
    (void)api->reply_header(exchange, EGX_STR("WebHook-Allowed-Origin"), origin);
    (void)api->reply_header(exchange, EGX_STR("WebHook-Allowed-Rate"), egx_str_c(handshake->rate));
    api->reply(exchange, 200, egx_str_n(NULL, 0), egx_buf_static(egx_str_n(NULL, 0)));
}

/* "If the delivery target chooses to grant permission by callback, it withholds the response
 * headers." */
static void grant_later(struct webhook_handshake *handshake, struct eg_exchange *exchange,
                        struct eg_str url, struct eg_str origin) {
    const struct eg_exchange_api *api = handshake->host->exchange;
    if (call_back(handshake, url, origin) < 0) {
        (void)api->reply_header(exchange, EGX_STR("Retry-After"), EGX_STR("5"));
        refuse(handshake, exchange, 503, EGX_STR("Too many validation requests. Try again later."));
        return;
    }
    handshake->host->metrics->add(handshake->granted, 1);
    (void)api->reply_header(exchange, EGX_STR("Allow"), EGX_STR("OPTIONS, POST"));
    api->reply(exchange, 202, egx_str_n(NULL, 0), egx_buf_static(egx_str_n(NULL, 0)));
}

void webhook_handshake_answer(struct webhook_handshake *handshake, struct eg_exchange *exchange) {
    const struct eg_str origin = header(handshake, exchange, "WebHook-Request-Origin", 0);
    const struct eg_str rate = header(handshake, exchange, "WebHook-Request-Rate", 0);
    if (!is_name(origin) || header(handshake, exchange, "WebHook-Request-Origin", 1).ptr != NULL) {
        refuse(handshake, exchange, 400, EGX_STR("WebHook-Request-Origin has to be one DNS name."));
        return;
    }
    if (rate.ptr != NULL && egx_digits(rate) <= 0) {
        refuse(handshake, exchange, 400,
               EGX_STR("WebHook-Request-Rate has to be a number of requests per minute."));
        return;
    }
    if (!may_send(handshake, origin)) {
        refuse(handshake, exchange, 403, EGX_STR("This origin may not send here."));
        return;
    }
    const struct eg_str url = callback_of(handshake, exchange);
    if (url.len > 0) {
        grant_later(handshake, exchange, url, origin);
        return;
    }
    grant(handshake, exchange, origin);
}
