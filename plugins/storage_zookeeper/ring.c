/* ring.c - see ring.h. Any thread. */
#include "ring.h"

#include <string.h>

static const char magic[4] = {'E', 'G', 'Z', '1'};

static void put_number(char *out, uint64_t number, size_t bytes) {
    for (size_t i = 0; i < bytes; i++) {
        out[i] = (char)(number >> (8 * (bytes - 1 - i)) & 255u);
    }
}

static uint64_t get_number(const char *in, size_t bytes) {
    uint64_t number = 0;
    for (size_t i = 0; i < bytes; i++) {
        number = number << 8 | (unsigned char)in[i];
    }
    return number;
}

/* ---- reading ---- */

/* One entry; its length in bytes, 0 when it is none. */
static size_t take_entry(const struct eg_host *host, struct eg_str data, struct zk_ring *ring) {
    if (data.len < ZK_RING_ENTRY) {
        return 0;
    }
    const uint64_t zxid = get_number(data.ptr, 8);
    const uint32_t kind = (unsigned char)data.ptr[8];
    const size_t key_len = (size_t)get_number(data.ptr + 9, 4);
    const bool is_last = data.len - ZK_RING_ENTRY == key_len;
    const size_t count = ring->changes.count;
    const uint64_t before = count == 0 ? ring->floor : ring->changes.items[count - 1]->revision;
    const uint64_t revision = is_last ? ring->newest : zxid;
    if (key_len > data.len - ZK_RING_ENTRY || revision <= before || revision > ring->newest ||
        (kind != EG_CHANGE_PUT && kind != EG_CHANGE_REMOVE)) {
        return 0;
    }
    egx_rows_add(host, &ring->changes, kind, revision, egx_str_n(data.ptr + ZK_RING_ENTRY, key_len),
                 (struct eg_str){0});
    return ZK_RING_ENTRY + key_len;
}

void zk_ring_decode(const struct eg_host *host, struct eg_str data, uint64_t made_zxid,
                    uint64_t zxid, struct zk_ring *ret_ring) {
    struct zk_ring ring = {.newest = zxid};
    bool is_good = data.len >= ZK_RING_HEAD && memcmp(data.ptr, magic, sizeof magic) == 0;
    if (is_good) {
        const uint64_t floor = get_number(data.ptr + 4, 8);
        ring.floor = floor == 0 ? made_zxid : floor;
        is_good = ring.floor <= zxid;
    }
    struct eg_str rest = egx_str_cut(data, ZK_RING_HEAD);
    while (is_good && rest.len > 0) {
        const size_t taken = take_entry(host, rest, &ring);
        is_good = taken > 0;
        rest = egx_str_cut(rest, taken);
    }
    if (!is_good || (ring.changes.count == 0 && ring.floor != zxid)) {
        egx_rows_free(host, &ring.changes);
        ring.floor = zxid;
    }
    *ret_ring = ring;
}

void zk_ring_free(const struct eg_host *host, struct zk_ring *ring) {
    egx_rows_free(host, &ring->changes);
    memset(ring, 0, sizeof *ring);
}

bool zk_ring_reaches(const struct zk_ring *ring, uint64_t zxid, bool is_exact) {
    bool is_known = zxid == ring->floor;
    for (size_t i = 0; i < ring->changes.count; i++) {
        is_known = is_known || ring->changes.items[i]->revision == zxid;
    }
    return zxid >= ring->floor && zxid <= ring->newest && (is_known || !is_exact);
}

/* ---- writing ---- */

static size_t put_entry(char *out, uint64_t zxid, uint32_t kind, struct eg_str key) {
    put_number(out, zxid, 8);
    put_number(out + 8, kind, 1);
    put_number(out + 9, key.len, 4);
    if (key.len > 0) {
        memcpy(out + ZK_RING_ENTRY, key.ptr, key.len);
    }
    return ZK_RING_ENTRY + key.len;
}

size_t zk_ring_encode(const struct zk_ring *ring, uint32_t kind, struct eg_str key, size_t history,
                      size_t room, char *out) {
    const size_t count = ring->changes.count;
    size_t first = count;
    size_t used = ZK_RING_HEAD + ZK_RING_ENTRY + key.len;
    while (first > 0 && count - first + 1 < history &&
           used + ZK_RING_ENTRY + ring->changes.items[first - 1]->key.len <= room) {
        first--;
        used += ZK_RING_ENTRY + ring->changes.items[first]->key.len;
    }
    memcpy(out, magic, sizeof magic);
    put_number(out + 4, first == 0 ? ring->floor : ring->changes.items[first - 1]->revision, 8);
    size_t len = ZK_RING_HEAD;
    for (size_t i = first; i < count; i++) {
        const struct egx_row *row = ring->changes.items[i];
        len += put_entry(out + len, row->revision, row->kind, row->key);
    }
    return len + put_entry(out + len, 0, kind, key);
}
