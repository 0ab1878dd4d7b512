/*
 * ring.h - what the guard node holds: which keys the last writes were about. Pure.
 *
 * Every write goes together with one of the guard in one transaction, so both carry the same zxid,
 * and who has read the guard knows every write that its ring reaches back to. A write cannot know
 * its own zxid, but it has read the one of the write before: so the data of the guard leave that of
 * the newest entry out, and decoding takes it from the guard's stat.
 *
 *   "EGZ1"  floor (8)  { zxid (8)  kind (1)  key length (4)  key }...      all big-endian
 *
 * Every write after `floor` is in the ring; floor 0 = since the guard was made.
 */
#ifndef STORAGE_ZOOKEEPER_RING_H
#define STORAGE_ZOOKEEPER_RING_H

#include <stdbool.h>

#include <eventgw-sdk/egx.h>
#include <eventgw-sdk/egx_storage.h>

#define ZK_RING_HEAD 12u  /* bytes of an empty ring */
#define ZK_RING_ENTRY 13u /* bytes of an entry without its key */
#define ZK_RING_MAX_BYTES 16384u

/* Of one state of the guard: changes in the order of their zxids, values empty. */
struct zk_ring {
    struct egx_rows changes;
    uint64_t floor;
    uint64_t newest; /* zxid of the guard */
};

/* Data that are no ring (somebody else wrote them) give an empty one, which reaches nowhere back.
 */
void zk_ring_decode(const struct eg_host *host, struct eg_str data, uint64_t made_zxid,
                    uint64_t zxid, struct zk_ring *ret_ring);
void zk_ring_free(const struct eg_host *host, struct zk_ring *ring);

/* The data of the guard after one more change: as many old entries as `history` and `room` (bytes)
 * allow, and the new one in any case. Returns the length; out has room for `room` bytes, at least
 * ZK_RING_HEAD + ZK_RING_ENTRY + key.len. */
size_t zk_ring_encode(const struct zk_ring *ring, uint32_t kind, struct eg_str key, size_t history,
                      size_t room, char *out);

/* Is every write after this zxid in the ring? Only a zxid that the guard once had can say yes
 * surely (is_exact); a revision told by somebody may lie between two. */
bool zk_ring_reaches(const struct zk_ring *ring, uint64_t zxid, bool is_exact);

#endif
