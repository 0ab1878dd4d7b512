/*
 * flow/turns.c - see turns.h. Loop thread. A share is in a list of waiting exactly while its queue
 * is not empty, in idle while it has neither queue nor workers, and otherwise in no list.
 */
#include "flow/turns.h"

#include "base/check.h"
#include "base/mem.h"
#include "base/slice.h"

/* Enough that functions with steady traffic stay known, and some 20 KiB at most. */
#define IDLE_MAX 128U

static uint32_t level_of(uint32_t count) {
    return count == 0 ? 0 : 32U - (uint32_t)__builtin_clz(count);
}

/* The address itself is the key, and lives in the share. */
static struct eg_str key_of(const void *const *function) {
    return (struct eg_str){(const char *)function, sizeof *function};
}

/* Objects are some hundred bytes apart, and their lowest bits are always 0. */
static struct gw_share **recent_of(struct gw_turns *turns, const void *function) {
    const uint64_t spread = (uint64_t)(uintptr_t)function * 0x9e3779b97f4a7c15U;
    return &turns->recent[(spread >> 32) & (GW_TURNS_RECENT - 1)];
}

void gw_turns_init(struct gw_turns *turns) {
    *turns = (struct gw_turns){0};
    for (size_t i = 0; i < GW_TURNS_LEVELS; i++) {
        gw_list_init(&turns->waiting[i]);
    }
    gw_list_init(&turns->idle);
}

static void forget_oldest(struct gw_turns *turns) {
    struct gw_share *share = GW_CONTAINER(gw_list_shift(&turns->idle), struct gw_share, turn);
    turns->idle_count--;
    (void)gw_map_remove(&turns->shares, key_of(&share->function));
    struct gw_share **recent = recent_of(turns, share->function);
    if (*recent == share) {
        *recent = NULL;
    }
    gw_free(share);
}

void gw_turns_free(struct gw_turns *turns) {
    while (turns->idle_count > 0) {
        forget_oldest(turns);
    }
    GW_ASSERT(turns->shares.count == 0);
    gw_map_free(&turns->shares);
}

static struct gw_share *look_up(struct gw_turns *turns, const void *function) {
    struct gw_share *share = gw_map_get(&turns->shares, key_of(&function));
    if (share != NULL) {
        return share;
    }
    share = gw_alloc(sizeof *share);
    share->function = function;
    gw_list_init(&share->queue);
    (void)gw_map_put(&turns->shares, key_of(&share->function), share);
    return share;
}

static struct gw_share *share_of(struct gw_turns *turns, const void *function) {
    struct gw_share **recent = recent_of(turns, function);
    if (*recent == NULL || (*recent)->function != function) {
        *recent = look_up(turns, function);
    }
    return *recent;
}

static void enter(struct gw_turns *turns, struct gw_share *share) {
    const uint32_t level = level_of(share->running);
    gw_list_push(&turns->waiting[level], &share->turn);
    turns->levels |= (uint64_t)1 << level;
}

/* running is still as it was when the share entered. */
static void leave(struct gw_turns *turns, struct gw_share *share) {
    const uint32_t level = level_of(share->running);
    gw_list_remove(&share->turn);
    if (gw_list_empty(&turns->waiting[level])) {
        turns->levels &= ~((uint64_t)1 << level);
    }
}

static void rest(struct gw_turns *turns, struct gw_share *share) {
    if (share->running > 0 || !gw_list_empty(&share->queue)) {
        return;
    }
    gw_list_push(&turns->idle, &share->turn);
    turns->idle_count++;
    if (turns->idle_count > IDLE_MAX) {
        forget_oldest(turns);
    }
}

struct gw_share *gw_turns_push(struct gw_turns *turns, const void *function, struct gw_node *node) {
    struct gw_share *share = share_of(turns, function);
    const bool waits = !gw_list_empty(&share->queue);
    gw_list_push(&share->queue, node);
    if (waits) {
        return share;
    }
    if (gw_node_linked(&share->turn)) {
        gw_list_remove(&share->turn);
        turns->idle_count--;
    }
    enter(turns, share);
    return share;
}

static struct gw_share *first(const struct gw_turns *turns) {
    const int lowest = __builtin_ctzll(turns->levels);
    return GW_CONTAINER(turns->waiting[lowest].next, struct gw_share, turn);
}

/* Its oldest delivery; it goes behind all others that hold as many workers. */
static struct gw_node *serve(struct gw_turns *turns, struct gw_share *share, uint32_t workers) {
    leave(turns, share);
    share->running += workers;
    struct gw_node *node = gw_list_shift(&share->queue);
    if (!gw_list_empty(&share->queue)) {
        enter(turns, share);
    }
    return node;
}

struct gw_node *gw_turns_take(struct gw_turns *turns, uint32_t free_workers) {
    if (turns->levels == 0 || free_workers == 0) {
        return NULL;
    }
    struct gw_share *share = first(turns);
    if (level_of(share->running) > level_of(free_workers)) {
        return NULL;
    }
    return serve(turns, share, 1);
}

void gw_turns_done(struct gw_turns *turns, struct gw_share *share) {
    GW_ASSERT(share->running > 0);
    const bool moves =
        !gw_list_empty(&share->queue) && level_of(share->running) != level_of(share->running - 1);
    if (moves) {
        leave(turns, share);
    }
    share->running--;
    if (moves) {
        enter(turns, share);
    }
    rest(turns, share);
}

struct gw_node *gw_turns_drop(struct gw_turns *turns) {
    if (turns->levels == 0) {
        return NULL;
    }
    struct gw_share *share = first(turns);
    struct gw_node *node = serve(turns, share, 0);
    rest(turns, share);
    return node;
}
