/*
 * io/url_memo.c - see url_memo.h. A slot is found by where the URL stands, since that of a function
 * stays where it is for as long as the function does; whether it is the same URL its bytes say.
 *
 * Thread: the loop's. Ownership: the memo has copies; what it answers borrows the asker's text.
 */
#include "io/url_memo.h"

#include "base/slice.h"

/* The golden ratio spreads addresses, whatever steps they come in. */
static struct gw_url_memo_set *set_of(struct gw_url_memo *memo, struct eg_str url) {
    const uint64_t spread = (uint64_t)(uintptr_t)url.ptr * 0x9e3779b97f4a7c15ull;
    return &memo->sets[(spread >> 32) % GW_URL_MEMO_SETS];
}

static const struct gw_url_memo_slot *find(const struct gw_url_memo_set *set, struct eg_str url) {
    for (size_t i = 0; url.len > 0 && i < GW_URL_MEMO_WAYS; i++) {
        const struct gw_url_memo_slot *slot = &set->slots[i];
        if (gw_str_eq(gw_str(slot->text, slot->len), url)) {
            return slot;
        }
    }
    return NULL;
}

static struct eg_str rebase(struct eg_str part, const char *from, const char *to) {
    return gw_str(to + (part.ptr - from), part.len);
}

static struct gw_url borrow(const struct gw_url *url, const char *from, const char *to) {
    struct gw_url moved = *url;
    moved.scheme = rebase(url->scheme, from, to);
    moved.host = rebase(url->host, from, to);
    moved.path = rebase(url->path, from, to);
    return moved;
}

int32_t gw_url_parse_known(struct gw_url_memo *memo, struct eg_str url, struct gw_url *ret_url) {
    struct gw_url_memo_set *set = set_of(memo, url);
    const struct gw_url_memo_slot *known = find(set, url);
    if (known != NULL) {
        *ret_url = borrow(&known->url, known->text, url.ptr);
        return EG_OK;
    }
    const int32_t rc = gw_url_parse(url, ret_url);
    if (rc == EG_OK && url.len <= GW_URL_MEMO_BYTES) {
        struct gw_url_memo_slot *slot = &set->slots[set->oldest];
        set->oldest = (set->oldest + 1) % GW_URL_MEMO_WAYS;
        memcpy(slot->text, url.ptr, url.len);
        slot->len = url.len;
        slot->url = borrow(ret_url, url.ptr, slot->text);
    }
    return rc;
}
