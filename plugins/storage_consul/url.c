/* url.c - see url.h. */
#include "url.h"

bool consul_read_address(struct eg_str text, struct consul_address *ret_address) {
    struct eg_str host = {0};
    int is_secure = 0;
    if (text.len > 0 && text.ptr[text.len - 1] == '/') {
        text.len--;
    }
    if (!egx_is_http_url(text, &host, &is_secure)) {
        return false;
    }
    const struct eg_str place = egx_str_cut(text, is_secure ? 8 : 7);
    for (size_t i = 0; i < place.len; i++) {
        if (strchr("/?#", place.ptr[i]) != NULL) {
            return false;
        }
    }
    *ret_address = (struct consul_address){
        .base = text, .place = place, .host = host, .is_secure = is_secure != 0};
    return true;
}

struct eg_str consul_shown_address(struct eg_str text) {
    size_t from = text.len;
    while (from > 0 && text.ptr[from - 1] != '@') {
        from--;
    }
    return egx_str_cut(text, from);
}

static bool is_segment(struct eg_str segment) {
    return segment.len > 0 && !egx_str_eq(segment, EGX_STR(".")) &&
           !egx_str_eq(segment, EGX_STR(".."));
}

bool consul_is_prefix(struct eg_str prefix) {
    size_t first = 0;
    for (size_t i = 0; i < prefix.len; i++) {
        const char c = prefix.ptr[i];
        if (c <= 0x20 || c >= 0x7f || strchr("\"\\<>&", c) != NULL) {
            return false; /* the last ones: JSON may write them in several ways */
        }
        if (c == '/') {
            if (!is_segment(egx_str_n(prefix.ptr + first, i - first))) {
                return false;
            }
            first = i + 1;
        }
    }
    return prefix.len > 0 && first == prefix.len;
}
