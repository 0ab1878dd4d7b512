/*
 * wire.h - what the plugin and its worker processes say to each other over a socket: frames of a
 * head and a payload, texts with their length before them, numbers as the machine has them (both
 * ends are one build on one machine; `version` tells when they are not).
 *
 *   SETUP    limits and all programs; the first word, never again       plugin -> worker
 *   READY    all programs are compiled                                  worker -> plugin
 *   RUN      one input for one program; a second one may come before DONE  plugin -> worker
 *   DONE     what became of it: an outcome, and what to change          worker -> plugin
 *   FAILED   a sentence; the worker ends                                worker -> plugin
 */
#ifndef MIDDLEWARE_TRANSFORM_WIRE_H
#define MIDDLEWARE_TRANSFORM_WIRE_H

#include <eventgw-sdk/egx.h>

#define TR_WIRE_VERSION 0x54520001u
#define TR_HEAD_BYTES 8u
/* A frame may be as long as max_output says, and this for names, numbers and sentences. */
#define TR_FRAME_SLACK 65536u

#define TR_SETUP 1u
#define TR_READY 2u
#define TR_RUN 3u
#define TR_DONE 4u
#define TR_FAILED 5u

#define TR_STAGE_EVENT 0u
#define TR_STAGE_REPLY 1u

/* How a run ended. The first ones come from the worker, the others are what the plugin sees of a
 * worker that did not answer. */
#define TR_OK 0u
#define TR_EMPTY 1u      /* the program gave nothing */
#define TR_JQ_ERROR 2u   /* it failed, with a message */
#define TR_REFUSED 3u    /* it said error({status, message}) */
#define TR_BAD_OUTPUT 4u /* what it gave is no event, or no reply */
#define TR_TOO_BIG 5u
#define TR_WIRE_OUTCOMES 6u
#define TR_TIMEOUT 6u
#define TR_NO_MEMORY 7u
#define TR_CRASHED 8u
#define TR_UNAVAILABLE 9u
#define TR_OUTCOMES 10u

/* One change: name and value by kind. */
#define TR_SET_TEXT 0u    /* attribute */
#define TR_SET_JSON 1u    /* extension; value is JSON */
#define TR_REMOVE 2u      /* attribute or extension */
#define TR_DATA_JSON 3u   /* value is JSON */
#define TR_DATA_BASE64 4u /* value is base64 text */
#define TR_STATUS 5u      /* value is three digits */
#define TR_HEADER_SET 6u  /* replaces those of the name */
#define TR_HEADER_ADD 7u
#define TR_HEADER_REMOVE 8u
#define TR_BODY 9u       /* value is the bytes */
#define TR_BODY_JSON 10u /* the same, and they are JSON */
#define TR_CHANGES 11u

/* Does an extension belong to the gateway: eventgateway..., not to be touched? Also in a spelling
 * that becomes that name in another version of CloudEvents, where names have lower-case letters and
 * digits only. */
static inline int32_t tr_is_own_name(struct eg_str name) {
    static const char own[] = "eventgateway";
    size_t same = 0;
    for (size_t i = 0; i < name.len && own[same] != 0; i++) {
        const char c = egx_lower(name.ptr[i]);
        if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9')) {
            continue;
        }
        if (c != own[same]) {
            return 0;
        }
        same++;
    }
    return own[same] == 0;
}

/* ---- writing ---- */

static inline void tr_put_u32(struct egx_json *out, uint32_t number) {
    egx_json_raw(out, egx_str_n((const char *)&number, sizeof number));
}

static inline void tr_put_u64(struct egx_json *out, uint64_t number) {
    egx_json_raw(out, egx_str_n((const char *)&number, sizeof number));
}

static inline void tr_put_text(struct egx_json *out, struct eg_str text) {
    tr_put_u32(out, (uint32_t)text.len);
    egx_json_raw(out, text);
}

/* Room for a number, or a head, that is known later. */
static inline size_t tr_put_later(struct egx_json *out, size_t bytes) {
    static const char zeros[TR_HEAD_BYTES] = {0};
    const size_t at = out->len;
    egx_json_raw(out, egx_str_n(zeros, bytes));
    return at;
}

static inline void tr_patch_u32(struct egx_json *out, size_t at, uint32_t number) {
    if (!out->is_failed) {
        memcpy(out->ptr + at, &number, sizeof number);
    }
}

static inline void tr_frame_open(struct egx_json *out, uint32_t kind) {
    (void)tr_put_later(out, TR_HEAD_BYTES);
    tr_patch_u32(out, 4, kind);
}

/* EG_E_TOOBIG: memory is out, or it is longer than a length can say. */
static inline int32_t tr_frame_close(struct egx_json *out) {
    if (out->is_failed || out->len > UINT32_MAX) {
        return EG_E_TOOBIG;
    }
    tr_patch_u32(out, 0, (uint32_t)(out->len - TR_HEAD_BYTES));
    return EG_OK;
}

/* A text that is written piece by piece: its length comes last. */
static inline size_t tr_text_open(struct egx_json *out) {
    return tr_put_later(out, sizeof(uint32_t));
}

static inline void tr_text_close(struct egx_json *out, size_t at) {
    tr_patch_u32(out, at, (uint32_t)(out->len - at - sizeof(uint32_t)));
}

/* ---- reading: is_bad once something is missing, and everything is empty from then on ---- */

struct tr_reader {
    struct eg_str rest;
    int is_bad;
};

static inline void tr_get_bytes(struct tr_reader *in, void *ret_bytes, size_t size) {
    memset(ret_bytes, 0, size);
    if (in->is_bad || in->rest.len < size) {
        in->is_bad = 1;
        return;
    }
    memcpy(ret_bytes, in->rest.ptr, size);
    in->rest = egx_str_cut(in->rest, size);
}

static inline uint32_t tr_get_u32(struct tr_reader *in) {
    uint32_t number = 0;
    tr_get_bytes(in, &number, sizeof number);
    return number;
}

static inline uint64_t tr_get_u64(struct tr_reader *in) {
    uint64_t number = 0;
    tr_get_bytes(in, &number, sizeof number);
    return number;
}

static inline struct eg_str tr_get_text(struct tr_reader *in) {
    const uint32_t len = tr_get_u32(in);
    if (in->is_bad || in->rest.len < len) {
        in->is_bad = 1;
        return egx_str_n(NULL, 0);
    }
    const struct eg_str text = egx_str_n(in->rest.ptr, len);
    in->rest = egx_str_cut(in->rest, len);
    return text;
}

/* One whole frame at the beginning of what was received? ret_len is 0 when more is to come. */
static inline int32_t tr_frame_find(struct eg_str bytes, uint64_t max_bytes, uint32_t *ret_kind,
                                    struct eg_str *ret_payload, size_t *ret_len) {
    struct tr_reader in = {bytes, 0};
    const uint32_t len = tr_get_u32(&in);
    const uint32_t kind = tr_get_u32(&in);
    *ret_len = 0;
    if (in.is_bad) {
        return EG_OK;
    }
    if (len > max_bytes) {
        return EG_E_TOOBIG;
    }
    if (in.rest.len >= len) {
        *ret_kind = kind;
        *ret_payload = egx_str_n(in.rest.ptr, len);
        *ret_len = TR_HEAD_BYTES + len;
    }
    return EG_OK;
}

#endif
