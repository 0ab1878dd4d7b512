/*
 * credentials.c - see credentials.h. Open addressing over the digests: they are evenly spread, and
 * who tries secrets cannot choose where theirs lead to without already knowing what is there.
 */
#include "credentials.h"

#include <eventgw-sdk/egx_path.h>

void auth_credentials_init(struct auth_credentials *credentials, const struct eg_host *host) {
    *credentials = (struct auth_credentials){.host = host, .hasher = auth_hasher_new(host)};
}

void auth_credentials_free(struct auth_credentials *credentials) {
    if (credentials->host != NULL) {
        auth_hasher_free(credentials->hasher);
        credentials->host->mem->free(credentials->host, credentials->items);
        credentials->host->mem->free(credentials->host, credentials->slots);
    }
    *credentials = (struct auth_credentials){0};
}

int auth_read_hex(struct eg_str hex, struct auth_digest *ret_digest) {
    if (hex.len != (size_t)2 * AUTH_DIGEST_BYTES) {
        return 0;
    }
    for (size_t i = 0; i < AUTH_DIGEST_BYTES; i++) {
        const int high = egx_path_hex(hex.ptr[2 * i]);
        const int low = egx_path_hex(hex.ptr[2 * i + 1]);
        if (high < 0 || low < 0) {
            return 0;
        }
        ret_digest->bytes[i] = (unsigned char)(high * 16 + low);
    }
    return 1;
}

int auth_read_digest(struct eg_str text, struct auth_digest *ret_digest) {
    const struct eg_str prefix = EGX_STR("sha256:");
    return egx_str_starts(text, prefix) && auth_read_hex(egx_str_cut(text, prefix.len), ret_digest);
}

/* "sha512:..." is not a secret that somebody chose, but a hash in a form that we do not know. */
static int looks_like_a_hash(struct eg_str text) {
    size_t digits = 3;
    if (!egx_str_starts(text, EGX_STR("sha")) && !egx_str_starts(text, EGX_STR("SHA"))) {
        return 0;
    }
    while (digits < text.len && text.ptr[digits] >= '0' && text.ptr[digits] <= '9') {
        digits++;
    }
    return digits > 3 && digits < text.len && text.ptr[digits] == ':';
}

static void grow(struct auth_credentials *credentials) {
    const struct eg_mem_api *mem = credentials->host->mem;
    const size_t room = credentials->room == 0 ? 16 : credentials->room * 2;
    struct auth_credential *items = mem->alloc(credentials->host, room * sizeof *items);
    if (credentials->count > 0) {
        memcpy(items, credentials->items, credentials->count * sizeof *items);
    }
    mem->free(credentials->host, credentials->items);
    credentials->items = items;
    credentials->room = room;
}

int32_t auth_credentials_add(struct auth_credentials *credentials, struct auth_credential which,
                             struct eg_str secret, struct eg_why *ret_why) {
    if (!auth_read_digest(secret, &which.digest)) {
        if (looks_like_a_hash(secret)) {
            return egx_why(ret_why, EG_E_INVAL,
                           "a hash has to be written as sha256: and 64 hex digits");
        }
        if (!auth_hash(credentials->hasher, &secret, 1, &which.digest)) {
            return egx_why(ret_why, EG_E_INTERNAL, "OpenSSL has no SHA-256");
        }
    }
    if (credentials->count == credentials->room) {
        grow(credentials);
    }
    credentials->items[credentials->count++] = which;
    return EG_OK;
}

static size_t place_of(const struct auth_credentials *credentials,
                       const struct auth_digest *digest) {
    size_t place = 0;
    memcpy(&place, digest->bytes, sizeof place);
    return place & credentials->slot_mask;
}

static int is_shared(const struct auth_credential *a, const struct auth_credential *b) {
    return a->consumer != NULL && b->consumer != NULL && a->consumer != b->consumer &&
           a->kind == b->kind && auth_digest_eq(&a->digest, &b->digest);
}

int32_t auth_credentials_close(struct auth_credentials *credentials, struct eg_why *ret_why) {
    int32_t rc = EG_OK;
    size_t slots = 16;
    while (slots < credentials->count * 2) {
        slots *= 2;
    }
    credentials->slots =
        credentials->host->mem->alloc(credentials->host, slots * sizeof *credentials->slots);
    credentials->slot_mask = slots - 1;
    for (size_t i = 0; i < credentials->count; i++) {
        size_t place = place_of(credentials, &credentials->items[i].digest);
        while (credentials->slots[place] != 0) {
            const struct auth_credential *other =
                &credentials->items[credentials->slots[place] - 1];
            if (is_shared(other, &credentials->items[i])) {
                rc = egx_why(ret_why, EG_E_EXISTS,
                             "two consumers have the same name, key, token or certificate");
            }
            place = (place + 1) & credentials->slot_mask;
        }
        credentials->slots[place] = (uint32_t)(i + 1);
    }
    return rc;
}

const struct auth_credential *auth_credentials_next(const struct auth_credentials *credentials,
                                                    enum auth_kind kind,
                                                    const struct auth_digest *digest,
                                                    size_t *cursor) {
    for (;;) {
        const size_t place = (place_of(credentials, digest) + *cursor) & credentials->slot_mask;
        const uint32_t slot = credentials->slots[place];
        if (slot == 0) {
            return NULL;
        }
        (*cursor)++;
        const struct auth_credential *found = &credentials->items[slot - 1];
        if (auth_digest_eq(&found->digest, digest) && found->kind == kind) {
            return found;
        }
    }
}
