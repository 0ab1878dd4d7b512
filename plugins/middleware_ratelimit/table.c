/*
 * table.c - see table.h. Shards, each with its lock; in a shard a hash, and a heap with the bucket
 * that will be full again first on top.
 *
 * A bucket that is full again is as good as none, so the top of the heap gives way to a new one.
 * When all have debts it is the smallest debt that is forgotten. Who wants his own forgotten has to
 * make a bigger one on as many keys as a shard holds, and could have sent more by using those keys;
 * which keys share a shard he cannot know, since the hash is keyed by random bytes. That holds
 * among buckets of one rule: a request to a rule by the month makes a debt of hours, and a few
 * thousand of these would wash away all debts of a rule by the minute. So each rule has shards of
 * its own.
 *
 * A bucket is known by 64 bits of that hash: of a million buckets, two are taken for one with a
 * chance of 1 in 37 million.
 */
#include "table.h"

#include <pthread.h>
#include <sys/random.h>

#define NONE UINT32_MAX
#define SHARDS 64u
#define ENTRIES_PER_SHARD 64u /* with fewer there is one shard, so that the bound is exact */

struct slot {
    uint64_t hash;
    uint64_t full_at_ns;
    uint32_t heap_at;
    uint32_t next; /* in its chain */
};

struct shard {
    pthread_mutex_t lock;
    struct slot *slots;
    uint32_t *heap; /* slots, the one that is full first on top */
    uint32_t *chains;
    uint32_t capacity;
    uint32_t used;
    uint32_t chain_mask;
};

struct ratelimit_table {
    const struct eg_host *host;
    struct eg_metric *evicted;
    uint64_t seed[2];
    uint32_t rule_count;
    uint32_t shard_count; /* of each rule */
    struct shard *shards; /* those of the first rule, of the second, ... */
};

/* ---- hash ---- */

#define ROTATE(x, bits) (((x) << (bits)) | ((x) >> (64 - (bits))))

static void sip_round(uint64_t v[4]) {
    v[0] += v[1];
    v[1] = ROTATE(v[1], 13) ^ v[0];
    v[0] = ROTATE(v[0], 32);
    v[2] += v[3];
    v[3] = ROTATE(v[3], 16) ^ v[2];
    v[0] += v[3];
    v[3] = ROTATE(v[3], 21) ^ v[0];
    v[2] += v[1];
    v[1] = ROTATE(v[1], 17) ^ v[2];
    v[2] = ROTATE(v[2], 32);
}

static void sip_word(uint64_t v[4], uint64_t word) {
    v[3] ^= word;
    sip_round(v);
    sip_round(v);
    v[0] ^= word;
}

static uint64_t little_endian(const char *bytes, size_t count) {
    uint64_t word = 0;
    for (size_t i = 0; i < count; i++) {
        word |= (uint64_t)(unsigned char)bytes[i] << (8 * i);
    }
    return word;
}

uint64_t ratelimit_siphash(const uint64_t key[2], struct eg_str bytes) {
    uint64_t v[4] = {key[0] ^ 0x736f6d6570736575ull, key[1] ^ 0x646f72616e646f6dull,
                     key[0] ^ 0x6c7967656e657261ull, key[1] ^ 0x7465646279746573ull};
    const size_t whole = bytes.len / 8 * 8;
    for (size_t i = 0; i < whole; i += 8) {
        sip_word(v, little_endian(bytes.ptr + i, 8));
    }
    sip_word(v, ((uint64_t)bytes.len << 56) |
                    (bytes.len > whole ? little_endian(bytes.ptr + whole, bytes.len - whole) : 0));
    v[2] ^= 0xff;
    for (int i = 0; i < 4; i++) {
        sip_round(v);
    }
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

/* The rule goes into the key of the hash: the same text is another bucket for another rule. */
static uint64_t hash_of(const struct ratelimit_table *table, const struct ratelimit_draw *draw) {
    const uint64_t key[2] = {table->seed[0] ^ draw->rule, table->seed[1]};
    return ratelimit_siphash(key, draw->key);
}

/* ---- life ---- */

static void make_shard(const struct eg_host *host, struct shard *shard, size_t capacity) {
    uint32_t chains = 16;
    while (chains < capacity) {
        chains *= 2;
    }
    (void)pthread_mutex_init(&shard->lock, NULL);
    shard->capacity = (uint32_t)capacity;
    shard->chain_mask = chains - 1;
    shard->slots = host->mem->alloc(host, capacity * sizeof *shard->slots);
    shard->heap = host->mem->alloc(host, capacity * sizeof *shard->heap);
    shard->chains = host->mem->alloc(host, chains * sizeof *shard->chains);
    memset(shard->chains, 0xff, chains * sizeof *shard->chains);
}

struct ratelimit_table *ratelimit_table_new(const struct eg_host *host, size_t entries,
                                            size_t rules) {
    const size_t share = entries > rules ? entries / rules : 1;
    struct ratelimit_table *table = host->mem->alloc(host, sizeof *table);
    table->host = host;
    table->evicted = host->metrics->counter(
        host, EGX_STR("ratelimit_evicted_total"),
        EGX_STR("Buckets that were forgotten before they were full again: entries is too small."),
        NULL, 0);
    /* Blocks only before the system has any entropy at all; gateways start later than that. */
    (void)!getrandom(table->seed, sizeof table->seed, 0);
    table->rule_count = (uint32_t)rules;
    table->shard_count = share < SHARDS * ENTRIES_PER_SHARD ? 1 : SHARDS;
    table->shards = host->mem->alloc(host, rules * table->shard_count * sizeof *table->shards);
    for (uint32_t i = 0; i < table->rule_count * table->shard_count; i++) {
        make_shard(host, &table->shards[i], share / table->shard_count);
    }
    return table;
}

void ratelimit_table_free(struct ratelimit_table *table) {
    if (table == NULL) {
        return;
    }
    const struct eg_host *host = table->host;
    for (uint32_t i = 0; i < table->rule_count * table->shard_count; i++) {
        (void)pthread_mutex_destroy(&table->shards[i].lock);
        host->mem->free(host, table->shards[i].slots);
        host->mem->free(host, table->shards[i].heap);
        host->mem->free(host, table->shards[i].chains);
    }
    host->mem->free(host, table->shards);
    host->mem->free(host, table);
}

/* ---- heap ---- */

static uint64_t full_at(const struct shard *shard, uint32_t at) {
    return shard->slots[shard->heap[at]].full_at_ns;
}

static void place(struct shard *shard, uint32_t at, uint32_t slot) {
    shard->heap[at] = slot;
    shard->slots[slot].heap_at = at;
}

static void swap(struct shard *shard, uint32_t a, uint32_t b) {
    const uint32_t slot = shard->heap[a];
    place(shard, a, shard->heap[b]);
    place(shard, b, slot);
}

/* Debts only grow while a slot has its key. */
static void sink(struct shard *shard, uint32_t at) {
    for (;;) {
        uint32_t least = at;
        for (uint32_t child = 2 * at + 1; child <= 2 * at + 2 && child < shard->used; child++) {
            least = full_at(shard, child) < full_at(shard, least) ? child : least;
        }
        if (least == at) {
            return;
        }
        swap(shard, at, least);
        at = least;
    }
}

static void rise(struct shard *shard, uint32_t at) {
    while (at > 0 && full_at(shard, at) < full_at(shard, (at - 1) / 2)) {
        swap(shard, at, (at - 1) / 2);
        at = (at - 1) / 2;
    }
}

/* ---- slots ---- */

static uint32_t *chain_of(struct shard *shard, uint64_t hash) {
    return &shard->chains[(hash >> 32) & shard->chain_mask];
}

static uint32_t find(struct shard *shard, uint64_t hash) {
    uint32_t slot = *chain_of(shard, hash);
    while (slot != NONE && shard->slots[slot].hash != hash) {
        slot = shard->slots[slot].next;
    }
    return slot;
}

static void unlink_slot(struct shard *shard, uint32_t slot) {
    uint32_t *link = chain_of(shard, shard->slots[slot].hash);
    while (*link != slot) {
        link = &shard->slots[*link].next;
    }
    *link = shard->slots[slot].next;
}

static void link_slot(struct shard *shard, uint32_t slot, uint64_t hash, uint64_t full_at_ns) {
    uint32_t *chain = chain_of(shard, hash);
    shard->slots[slot].hash = hash;
    shard->slots[slot].full_at_ns = full_at_ns;
    shard->slots[slot].next = *chain;
    *chain = slot;
}

/* 1 = a debt had to be forgotten for it. */
static int put(struct shard *shard, uint64_t hash, uint64_t full_at_ns, uint64_t now_ns) {
    const uint32_t known = find(shard, hash);
    if (known != NONE) {
        shard->slots[known].full_at_ns = full_at_ns;
        sink(shard, shard->slots[known].heap_at);
        return 0;
    }
    if (shard->used < shard->capacity) {
        const uint32_t fresh = shard->used++;
        link_slot(shard, fresh, hash, full_at_ns);
        place(shard, fresh, fresh);
        rise(shard, fresh);
        return 0;
    }
    const uint32_t top = shard->heap[0];
    const int is_debt = shard->slots[top].full_at_ns > now_ns;
    unlink_slot(shard, top);
    link_slot(shard, top, hash, full_at_ns);
    sink(shard, 0);
    return is_debt;
}

/* ---- take ---- */

struct shard_set {
    size_t count;
    uint32_t index[RATELIMIT_RULES_MAX];
};

/* In ascending order, each once: so no two threads wait for each other. */
static void add_shard(struct shard_set *set, uint32_t index) {
    size_t at = set->count;
    for (size_t i = 0; i < set->count; i++) {
        if (set->index[i] == index) {
            return;
        }
    }
    while (at > 0 && set->index[at - 1] > index) {
        set->index[at] = set->index[at - 1];
        at--;
    }
    set->index[at] = index;
    set->count++;
}

static uint32_t shard_at(const struct ratelimit_table *table, const struct ratelimit_draw *draw,
                         uint64_t hash) {
    return draw->rule * table->shard_count + (uint32_t)(hash % table->shard_count);
}

/* Under the locks. */
static uint32_t take_locked(struct ratelimit_table *table, struct ratelimit_draw *draws,
                            const uint64_t *hashes, size_t count, uint64_t now_ns,
                            int64_t *evicted) {
    uint32_t refused = 0;
    for (size_t i = 0; i < count; i++) {
        struct shard *shard = &table->shards[shard_at(table, &draws[i], hashes[i])];
        const uint32_t slot = find(shard, hashes[i]);
        const uint64_t full_at_ns = slot == NONE ? 0 : shard->slots[slot].full_at_ns;
        draws[i].debt_ns = full_at_ns > now_ns ? full_at_ns - now_ns : 0;
        refused |= ratelimit_has_room(draws[i].bucket, draws[i].debt_ns) ? 0u : 1u << i;
    }
    for (size_t i = 0; refused == 0 && i < count; i++) {
        draws[i].debt_ns += draws[i].bucket->interval_ns;
        *evicted += put(&table->shards[shard_at(table, &draws[i], hashes[i])], hashes[i],
                        now_ns + draws[i].debt_ns, now_ns);
    }
    return refused;
}

uint32_t ratelimit_table_take(struct ratelimit_table *table, struct ratelimit_draw *draws,
                              size_t count, uint64_t now_ns) {
    uint64_t hashes[RATELIMIT_RULES_MAX];
    struct shard_set set = {.count = 0};
    int64_t evicted = 0;
    for (size_t i = 0; i < count; i++) {
        hashes[i] = hash_of(table, &draws[i]);
        add_shard(&set, shard_at(table, &draws[i], hashes[i]));
    }
    for (size_t i = 0; i < set.count; i++) {
        (void)pthread_mutex_lock(&table->shards[set.index[i]].lock);
    }
    const uint32_t refused = take_locked(table, draws, hashes, count, now_ns, &evicted);
    for (size_t i = set.count; i-- > 0;) {
        (void)pthread_mutex_unlock(&table->shards[set.index[i]].lock);
    }
    if (evicted > 0) {
        table->host->metrics->add(table->evicted, evicted);
    }
    return refused;
}
