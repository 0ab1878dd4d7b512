/*
 * verify.c - see verify.h. All secrets are tried against all signatures, to the end: how long it
 * takes tells how many there are, and nothing about which one was near.
 */
#include "verify.h"

static void pieces_of(const struct webhook_rule *rule, const struct webhook_claim *claim,
                      struct eg_str body, struct eg_str pieces[WEBHOOK_PIECES_MAX]) {
    for (size_t i = 0; i < rule->content.count; i++) {
        const struct eg_str by_kind[] = {[WEBHOOK_TEXT] = rule->content.pieces[i].text,
                                         [WEBHOOK_BODY] = body,
                                         [WEBHOOK_TIMESTAMP] = claim->timestamp,
                                         [WEBHOOK_ID] = claim->id};
        pieces[i] = by_kind[rule->content.pieces[i].kind];
    }
}

static struct eg_str bytes_of(const struct webhook_signature *signature) {
    return egx_str_n((const char *)signature->bytes, signature->len);
}

/* 1 = one of the signatures is this key's. */
static int try_hmac(const struct webhook_key *key, const struct webhook_claim *claim,
                    const struct eg_str *pieces, size_t count) {
    unsigned char mac[WEBHOOK_MAC_MAX] = {0};
    size_t len = 0;
    int is_right = 0;
    if (webhook_mac(key, pieces, count, mac, &len) < 0) {
        return 0;
    }
    for (size_t i = 0; i < claim->count; i++) {
        const int is_equal =
            egx_ct_eq(egx_str_n((const char *)mac, len), bytes_of(&claim->signatures[i]));
        is_right |= is_equal & (claim->signatures[i].is_ed25519 == 0);
    }
    webhook_wipe(mac, sizeof mac);
    return is_right;
}

static int try_ed25519(const struct eg_host *host, const struct webhook_key *key,
                       const struct webhook_claim *claim, const struct eg_str *pieces,
                       size_t count) {
    for (size_t i = 0; i < claim->count; i++) {
        if (claim->signatures[i].is_ed25519 &&
            webhook_is_signed(host, key, pieces, count, bytes_of(&claim->signatures[i]))) {
            return 1;
        }
    }
    return 0;
}

/* A delivery may carry a signature of each active secret, and who repeats it may leave some out: so
 * the mark is that of what was signed, not of a signature. */
int32_t webhook_verify(const struct eg_host *host, const struct webhook_rule *rule,
                       const struct webhook_claim *claim, struct eg_str body,
                       unsigned char ret_mark[WEBHOOK_MARK]) {
    struct eg_str pieces[WEBHOOK_PIECES_MAX];
    const size_t count = rule->content.count;
    int is_right = 0;
    pieces_of(rule, claim, body, pieces);
    for (size_t i = 0; i < rule->key_count; i++) {
        const struct webhook_key *key = rule->keys[i];
        is_right |= webhook_key_is_hmac(key) ? try_hmac(key, claim, pieces, count)
                                             : try_ed25519(host, key, claim, pieces, count);
    }
    if (!is_right) {
        return EG_E_DENIED;
    }
    return rule->replay == WEBHOOK_REPLAY_SIGNATURE ? webhook_mark(pieces, count, ret_mark) : EG_OK;
}

int webhook_is_in_time(const struct webhook_rule *rule, const struct webhook_claim *claim,
                       int64_t now_unix_ns) {
    const int64_t now = now_unix_ns / 1000000000;
    const int64_t distance = now > claim->at ? now - claim->at : claim->at - now;
    return distance <= (int64_t)(rule->tolerance_ns / 1000000000u);
}
