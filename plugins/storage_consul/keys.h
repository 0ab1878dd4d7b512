/*
 * keys.h - any bytes as part of a key name of Consul, and back. Names are printable ASCII without
 * what a URL's path cannot hold (empty segments, "." and ".." are cleaned away by Consul's HTTP
 * server), the bytewise order of keys is that of their names, and the name of a key's beginning is
 * the beginning of its name. Any thread.
 *
 *   byte                                     written as
 *   0x00 .. 0x21 ('!')                       !XX   (two hexadecimal digits, upper case)
 *   0x7e ('~') .. 0xff                       ~XX
 *   '.' at the beginning or after a '/'      .-
 *   '/' at the beginning or after a '/'      .0
 *   any other                                itself
 */
#ifndef STORAGE_CONSUL_KEYS_H
#define STORAGE_CONSUL_KEYS_H

#include <stdbool.h>

#include <eventgw-sdk/egx_storage.h>

/* The longest name: it has to fit into a URL, where it may take three times as much. */
#define CONSUL_NAME_MAX 16384u

size_t consul_name_len(struct eg_str key);
void consul_put_name(struct egx_json *out, struct eg_str key);
/* Only what consul_put_name writes. out has room for name.len bytes. */
bool consul_read_name(struct eg_str name, char *out, size_t *ret_len);

#endif
