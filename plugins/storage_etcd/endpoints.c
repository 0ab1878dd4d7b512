/*
 * endpoints.c - the list of etcd's servers: `host:port`, `http://host:port`, `https://host:port`.
 * Control thread, in create. The texts belong to the store.
 */
#include "storage_etcd.h"

#define DEFAULT_PORT ":2379" /* of clients, IANA */

static struct eg_str trim(struct eg_str text) {
    while (text.len > 0 && strchr(" \t", text.ptr[0]) != NULL) {
        text = egx_str_cut(text, 1);
    }
    while (text.len > 0 && strchr(" \t/", text.ptr[text.len - 1]) != NULL) {
        text.len--;
    }
    return text;
}

/* A port behind the host, which may be a literal address in brackets (RFC 3986 3.2.2). */
static bool has_port(struct eg_str name) {
    size_t at = name.len;
    while (at > 0 && name.ptr[at - 1] >= '0' && name.ptr[at - 1] <= '9') {
        at--;
    }
    return at > 0 && at < name.len && name.ptr[at - 1] == ':';
}

static bool has_scheme(struct eg_str text) {
    return egx_str_starts(text, EGX_STR("http://")) || egx_str_starts(text, EGX_STR("https://"));
}

static void make(const struct eg_host *host, struct eg_str text, struct etcd_endpoint *ret) {
    const struct eg_str scheme = has_scheme(text) ? EGX_STR("") : EGX_STR("http://");
    const size_t name_at = egx_str_starts(text, EGX_STR("https://")) ? 8 : 7;
    const size_t room = scheme.len + text.len + sizeof DEFAULT_PORT;
    char *url = host->mem->alloc(host, room);
    const int len = snprintf(url, room, "%.*s%.*s%s", EGX_FMT(scheme), EGX_FMT(text),
                             has_port(text) ? "" : DEFAULT_PORT);
    ret->url = egx_str_n(url, (size_t)len);
    ret->name = egx_str_cut(ret->url, name_at);
}

/* Without what is before an '@', which may be a password. */
static struct eg_str without_user(struct eg_str text) {
    size_t from = text.len;
    while (from > 0 && text.ptr[from - 1] != '@') {
        from--;
    }
    return egx_str_cut(text, from);
}

static int32_t check(const struct etcd_endpoint *endpoint, struct eg_str given,
                     struct eg_why *ret_why) {
    struct eg_str name;
    int is_secure = 0;
    bool has_more = false;
    const struct eg_str shown = without_user(given);
    for (size_t i = 0; i < endpoint->name.len; i++) {
        has_more = has_more || strchr("/?#", endpoint->name.ptr[i]) != NULL;
    }
    if (has_more || !egx_is_http_url(endpoint->url, &name, &is_secure)) {
        return egx_why(ret_why, EG_E_INVAL,
                       "'endpoints' holds '%s%.*s': each has to be host:port, http://host:port or "
                       "https://host:port, without user and password",
                       shown.len < given.len ? "...@" : "", EGX_FMT(shown));
    }
    return EG_OK;
}

static bool is_any_secure(const struct etcd_store *store) {
    bool is_secure = false;
    for (size_t i = 0; i < store->endpoint_count; i++) {
        is_secure = is_secure || egx_str_starts(store->endpoints[i].url, EGX_STR("https://"));
    }
    return is_secure;
}

int32_t etcd_endpoints_make(struct etcd_store *store, struct eg_why *ret_why) {
    const struct etcd_settings *s = store->settings;
    const struct eg_str_list *list = &s->endpoints;
    store->endpoints =
        store->host->mem->alloc(store->host, (list->count + 1) * sizeof *store->endpoints);
    for (size_t i = 0; i < list->count; i++) {
        const struct eg_str text = trim(list->items[i]);
        if (text.len == 0) {
            continue; /* "a:1,b:2," */
        }
        struct etcd_endpoint *endpoint = &store->endpoints[store->endpoint_count++];
        make(store->host, text, endpoint);
        const int32_t rc = check(endpoint, text, ret_why);
        if (rc < 0) {
            return rc;
        }
    }
    if (store->endpoint_count == 0) {
        return egx_why(ret_why, EG_E_INVAL, "'endpoints' names no server of etcd");
    }
    if (s->ca_file.len + s->cert_file.len > 0 && !is_any_secure(store)) {
        return egx_why(ret_why, EG_E_INVAL, "'%s' is given, but no endpoint begins with https://",
                       s->ca_file.len > 0 ? "ca_file" : "cert_file");
    }
    return EG_OK;
}

void etcd_endpoints_free(struct etcd_store *store) {
    for (size_t i = 0; i < store->endpoint_count; i++) {
        store->host->mem->free(store->host, (void *)(uintptr_t)store->endpoints[i].url.ptr);
    }
    store->host->mem->free(store->host, store->endpoints);
}
