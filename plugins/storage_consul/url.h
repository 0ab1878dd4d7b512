/* url.h - checks of settings that are no row's business. Any thread. */
#ifndef STORAGE_CONSUL_URL_H
#define STORAGE_CONSUL_URL_H

#include <stdbool.h>

#include <eventgw-sdk/egx_storage.h>

struct consul_address {
    struct eg_str base;  /* http://host:port */
    struct eg_str place; /* host:port */
    struct eg_str host;
    bool is_secure;
};
/* http:// or https://, a host, perhaps a port, perhaps a '/'. */
bool consul_read_address(struct eg_str text, struct consul_address *ret_address);
/* Of a URL that is refused, what may be shown: without what is before an '@', which may be a
 * password. */
struct eg_str consul_shown_address(struct eg_str text);
/* Below which names can stand: visible ASCII, ends in '/', no segment that a URL's path loses. */
bool consul_is_prefix(struct eg_str prefix);

#endif
