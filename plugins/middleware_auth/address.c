/* address.c - see address.h. Any thread but for auth_address_of_client, which is the loop's. */
#include "address.h"

#include <eventgw-sdk/egx_http.h>

#include <arpa/inet.h>

#define HEADERS_MAX 64u

static int parse(struct eg_str text, struct auth_address *ret_address) {
    static const unsigned char mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    char copy[INET6_ADDRSTRLEN];
    if (text.len == 0 || text.len >= sizeof copy || memchr(text.ptr, '\0', text.len) != NULL) {
        return 0;
    }
    memcpy(copy, text.ptr, text.len);
    copy[text.len] = '\0';
    if (inet_pton(AF_INET, copy, ret_address->bytes + 12) == 1) {
        memcpy(ret_address->bytes, mapped, sizeof mapped);
        return 1;
    }
    return inet_pton(AF_INET6, copy, ret_address->bytes) == 1;
}

static struct eg_str trim(struct eg_str text) {
    while (text.len > 0 && (text.ptr[0] == ' ' || text.ptr[0] == '\t')) {
        text = egx_str_cut(text, 1);
    }
    while (text.len > 0 && (text.ptr[text.len - 1] == ' ' || text.ptr[text.len - 1] == '\t')) {
        text.len--;
    }
    return text;
}

int auth_address_read(struct eg_str text, struct auth_address *ret_address) {
    text = trim(text);
    if (text.len > 0 && text.ptr[0] == '[') { /* [2001:db8::1]:443 */
        const char *end = memchr(text.ptr, ']', text.len);
        return end != NULL &&
               parse(egx_str_n(text.ptr + 1, (size_t)(end - text.ptr) - 1), ret_address);
    }
    if (parse(text, ret_address)) {
        return 1;
    }
    const char *colon = text.len == 0 ? NULL : memchr(text.ptr, ':', text.len);
    return colon != NULL && memchr(text.ptr, '.', (size_t)(colon - text.ptr)) != NULL &&
           parse(egx_str_n(text.ptr, (size_t)(colon - text.ptr)), ret_address);
}

/* ---- networks ---- */

static int is_below(const struct auth_address *address, const struct auth_network *network) {
    const size_t whole = network->bits / 8;
    const uint32_t rest = network->bits % 8;
    const unsigned char mask = (unsigned char)(0xff00u >> rest);
    return memcmp(address->bytes, network->address.bytes, whole) == 0 &&
           (rest == 0 || ((address->bytes[whole] ^ network->address.bytes[whole]) & mask) == 0);
}

/* Bits behind the prefix are a mistake: 10.1.2.3/8 may have been meant to be 10.1.2.3. */
static int has_spare_bits(const struct auth_network *network) {
    for (uint32_t bit = network->bits; bit < 128; bit++) {
        const uint32_t byte = network->address.bytes[bit / 8];
        if ((byte >> (7 - bit % 8) & 1u) != 0) {
            return 1;
        }
    }
    return 0;
}

static int read_network(struct eg_str text, struct auth_network *network) {
    const char *slash = text.len == 0 ? NULL : memchr(text.ptr, '/', text.len);
    const size_t len = slash == NULL ? text.len : (size_t)(slash - text.ptr);
    const struct eg_str address = egx_str_n(text.ptr, len);
    if (!parse(address, &network->address)) {
        return 0;
    }
    const int is_v4 = memchr(address.ptr, ':', address.len) == NULL;
    const int64_t max = is_v4 ? 32 : 128;
    const int64_t bits = slash == NULL ? max : egx_digits(egx_str_cut(text, len + 1));
    if (bits < 0 || bits > max) {
        return 0;
    }
    network->bits = (uint32_t)bits + (is_v4 ? 96 : 0);
    return !has_spare_bits(network);
}

int32_t auth_networks_read(struct auth_networks *networks, const struct eg_host *host,
                           const struct eg_str_list *texts, const char *name,
                           struct eg_why *ret_why) {
    networks->items = host->mem->alloc(host, (texts->count + 1) * sizeof *networks->items);
    for (size_t i = 0; i < texts->count; i++) {
        if (!read_network(texts->items[i], &networks->items[i])) {
            return egx_why(ret_why, EG_E_INVAL,
                           "'%s': '%.*s' is neither an address nor a network such as 10.0.0.0/8",
                           name, EGX_FMT(texts->items[i]));
        }
        networks->count++;
    }
    return EG_OK;
}

int auth_networks_have(const struct auth_networks *networks, const struct auth_address *address) {
    for (size_t i = 0; i < networks->count; i++) {
        if (is_below(address, &networks->items[i])) {
            return 1;
        }
    }
    return 0;
}

/* ---- clients ---- */

/* The last item of the list off *list. */
static struct eg_str last_item(struct eg_str *list) {
    size_t from = list->len;
    while (from > 0 && list->ptr[from - 1] != ',') {
        from--;
    }
    const struct eg_str item = egx_str_cut(*list, from);
    list->len = from > 0 ? from - 1 : 0;
    return item;
}

int auth_address_of_client(const struct eg_host *host, const struct eg_exchange *exchange,
                           const struct auth_networks *proxies, struct auth_address *ret_address) {
    const struct eg_str name = EGX_STR("x-forwarded-for");
    size_t headers = 0;
    if (!auth_address_read(host->exchange->peer(exchange), ret_address)) {
        return 0;
    }
    if (proxies->count == 0 || !auth_networks_have(proxies, ret_address)) {
        return 1;
    }
    while (headers < HEADERS_MAX && host->exchange->header(exchange, name, headers).ptr != NULL) {
        headers++;
    }
    while (headers-- > 0) { /* several are one list (RFC 9110 5.3), the last was added last */
        struct eg_str list = host->exchange->header(exchange, name, headers);
        while (list.len > 0) {
            if (!auth_address_read(last_item(&list), ret_address)) {
                return 0;
            }
            if (!auth_networks_have(proxies, ret_address)) {
                return 1;
            }
        }
    }
    return 1; /* all of them are ours: the one farthest away */
}
