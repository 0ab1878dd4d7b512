/*
 * io/url_memo.c - see url_memo.h. A slot is found by where the URL stands, since that of a function
 * stays where it is for as long as the function does; whether it is the same URL its bytes say.
 *
 * Thread: the loop's. Ownership: the memo has copies; what it answers borrows the asker's text.
 */
#include "io/url_memo.h"

#include "base/slice.h"

/* Settings are allocated in steps of 16 bytes at least; the sum spreads what has the same low bits.
 */
static struct gw_url_memo_slot *slot_of(struct gw_url_memo *memo, struct eg_str url) {
    const uintptr_t at = (uintptr_t)url.ptr >> 4;
    return &memo->slots[(at + (at >> 6) + (at >> 12)) % GW_URL_MEMO_SLOTS];
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
    struct gw_url_memo_slot *slot = slot_of(memo, url);
    if (url.len > 0 && gw_str_eq(gw_str(slot->text, slot->len), url)) {
        *ret_url = borrow(&slot->url, slot->text, url.ptr);
        return EG_OK;
    }
    const int32_t rc = gw_url_parse(url, ret_url);
    if (rc == EG_OK && url.len <= GW_URL_MEMO_BYTES) {
        memcpy(slot->text, url.ptr, url.len);
        slot->len = url.len;
        slot->url = borrow(ret_url, url.ptr, slot->text);
    }
    return rc;
}
