/* sticky.h - the value in an event by which callers are told apart. */
#ifndef WEIGHTED_STICKY_H
#define WEIGHTED_STICKY_H

#include <eventgw-sdk/egx_str.h>

/* A JSON pointer (RFC 6901) to a member or an item: begins with a slash, every ~ is ~0 or ~1. */
int sticky_is_pointer(struct eg_str pointer);
/* Goes on with the hash over the text, number or boolean that the pointer leads to in json. 0: it
 * leads nowhere, or to something else. A text counts as what it means, not as it is escaped. */
int sticky_hash(struct eg_str json, struct eg_str pointer, uint64_t *hash);

#endif
