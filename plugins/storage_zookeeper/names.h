/*
 * names.h - keys as names of znodes and back. Pure.
 *
 * A name is the key with everything but visible ASCII percent-encoded (upper case), and '%' and '/'
 * too; a '.' at the beginning is encoded as well, since "." and ".." name no node. "%" alone is the
 * empty key. So every key has one name, and a name that is not the one of its key is none of ours.
 */
#ifndef STORAGE_ZOOKEEPER_NAMES_H
#define STORAGE_ZOOKEEPER_NAMES_H

#include <eventgw-sdk/egx.h>

/* Room that a name takes at most, without a NUL. */
size_t zk_name_room(size_t key_len);
/* Writes the name, without a NUL; its length. */
size_t zk_name_put(struct eg_str key, char *out);
/* The key of a name; out has room for name.len bytes. EG_E_SYNTAX when it is no name of ours. */
int32_t zk_name_key(struct eg_str name, char *out, size_t *ret_len);

/* PARENT/NAME with a NUL; free it. */
char *zk_path(const struct eg_host *host, const char *parent, struct eg_str key);

#endif
