/*
 * io/url_memo.h - URLs that were split of late, so that a function's URL is not split anew with
 * each of its calls. One loop's; a zeroed one is empty.
 */
#ifndef GW_IO_URL_MEMO_H
#define GW_IO_URL_MEMO_H

#include "io/http_client.h"

#define GW_URL_MEMO_SETS 32u
#define GW_URL_MEMO_WAYS 4u /* so that the functions of one event do not push each other out */
#define GW_URL_MEMO_BYTES ((size_t)256) /* of a URL; longer ones are split each time */

struct gw_url_memo {
    struct gw_url_memo_set {
        struct gw_url_memo_slot {
            size_t len;        /* 0 = free */
            struct gw_url url; /* borrows text */
            char text[GW_URL_MEMO_BYTES];
        } slots[GW_URL_MEMO_WAYS];
        uint32_t oldest;
    } sets[GW_URL_MEMO_SETS];
};

/* What gw_url_parse says, of this URL or of one that was the same. Borrows url. */
int32_t gw_url_parse_known(struct gw_url_memo *memo, struct eg_str url, struct gw_url *ret_url);

#endif
