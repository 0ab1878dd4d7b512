/*
 * domain/sniff.c - the Content-Type of a body that came without one: the WHATWG MIME Sniffing
 * signatures, as Go's net/http applied them for the original gateway. Tables, tried in order; the
 * first 512 bytes decide. Results are static. Any thread.
 */
#include "base/check.h"
#include "base/slice.h"
#include "domain/reply.h"

#define SNIFF_BYTES 512u
#define TEXT_HTML "text/html; charset=utf-8"
#define TEXT_PLAIN "text/plain; charset=utf-8"

/* Tags that begin HTML: after white space, in any case, followed by a space or '>'. */
static const char *const html_tags[] = {"<!DOCTYPE HTML",
                                        "<HTML",
                                        "<HEAD",
                                        "<SCRIPT",
                                        "<IFRAME",
                                        "<H1",
                                        "<DIV",
                                        "<FONT",
                                        "<TABLE",
                                        "<A",
                                        "<STYLE",
                                        "<TITLE",
                                        "<B",
                                        "<BODY",
                                        "<BR",
                                        "<P",
                                        "<!--"};

struct signature {
    const char *bytes;
    uint8_t len;
    uint8_t any_from; /* bytes any_from .. any_to - 1 may be anything */
    uint8_t any_to;
    bool skips_space;
    const char *type;
};
#define SIG(literal, mime)                                                                         \
    { literal, sizeof(literal) - 1, 0, 0, false, mime }
#define GAP(literal, from, to, mime)                                                               \
    { literal, sizeof(literal) - 1, from, to, false, mime }

static const struct signature signatures[] = {
    {"<?xml", 5, 0, 0, true, "text/xml; charset=utf-8"},
    SIG("%PDF-", "application/pdf"),
    SIG("%!PS-Adobe-", "application/postscript"),
    GAP("\xFE\xFF__", 2, 4, "text/plain; charset=utf-16be"),
    GAP("\xFF\xFE__", 2, 4, "text/plain; charset=utf-16le"),
    GAP("\xEF\xBB\xBF_", 3, 4, TEXT_PLAIN),
    SIG("\x00\x00\x01\x00", "image/x-icon"),
    SIG("\x00\x00\x02\x00", "image/x-icon"),
    SIG("BM", "image/bmp"),
    SIG("GIF87a", "image/gif"),
    SIG("GIF89a", "image/gif"),
    GAP("RIFF____WEBPVP", 4, 8, "image/webp"),
    SIG("\x89PNG\x0D\x0A\x1A\x0A", "image/png"),
    SIG("\xFF\xD8\xFF", "image/jpeg"),
    GAP("FORM____AIFF", 4, 8, "audio/aiff"),
    SIG("ID3", "audio/mpeg"),
    SIG("OggS\x00", "application/ogg"),
    SIG("MThd\x00\x00\x00\x06", "audio/midi"),
    GAP("RIFF____AVI ", 4, 8, "video/avi"),
    GAP("RIFF____WAVE", 4, 8, "audio/wave"),
    SIG("\x1A\x45\xDF\xA3", "video/webm"),
    SIG("\x00\x01\x00\x00", "font/ttf"),
    SIG("OTTO", "font/otf"),
    SIG("ttcf", "font/collection"),
    SIG("wOFF", "font/woff"),
    SIG("wOF2", "font/woff2"),
    SIG("\x1F\x8B\x08", "application/x-gzip"),
    SIG("PK\x03\x04", "application/zip"),
    SIG("Rar!\x1A\x07\x00", "application/x-rar-compressed"),
    SIG("Rar!\x1A\x07\x01\x00", "application/x-rar-compressed"),
    SIG("\x00\x61\x73\x6D", "application/wasm"),
};

static struct eg_str skip_space(struct eg_str s) {
    while (s.len > 0 && memchr("\t\n\x0C\r ", *s.ptr, 5) != NULL) {
        s = gw_str_cut(s, 1);
    }
    return s;
}

static bool is_html(struct eg_str s) {
    for (size_t i = 0; i < GW_COUNT(html_tags); i++) {
        const struct eg_str tag = gw_str_c(html_tags[i]);
        if (s.len > tag.len && gw_str_starts_nocase(s, tag) &&
            (s.ptr[tag.len] == ' ' || s.ptr[tag.len] == '>')) {
            return true;
        }
    }
    return false;
}

static bool is_match(const struct signature *sig, struct eg_str s) {
    if (s.len < sig->len) {
        return false;
    }
    if (sig->any_to == 0) {
        return memcmp(s.ptr, sig->bytes, sig->len) == 0;
    }
    return memcmp(s.ptr, sig->bytes, sig->any_from) == 0 &&
           memcmp(s.ptr + sig->any_to, sig->bytes + sig->any_to, (size_t)sig->len - sig->any_to) ==
               0;
}

/* WHATWG MIME Sniffing 6.2.1: a `ftyp` box that names an mp4 brand. */
static bool is_mp4(struct eg_str s) {
    if (s.len < 12 || memcmp(s.ptr + 4, "ftyp", 4) != 0) {
        return false;
    }
    const unsigned char *p = (const unsigned char *)s.ptr;
    const size_t box = (size_t)p[0] << 24 | (size_t)p[1] << 16 | (size_t)p[2] << 8 | p[3];
    if (s.len < box || box % 4 != 0) {
        return false;
    }
    for (size_t at = 8; at + 3 <= box; at += 4) {
        /* Bytes 12 to 15 are the version of the brand. */
        if (at != 12 && memcmp(s.ptr + at, "mp4", 3) == 0) {
            return true;
        }
    }
    return false;
}

/* No binary data bytes (WHATWG MIME Sniffing 3). */
static bool is_text(struct eg_str s) {
    for (size_t i = 0; i < s.len; i++) {
        const unsigned char c = (unsigned char)s.ptr[i];
        if (c <= 0x08 || c == 0x0B || (c >= 0x0E && c <= 0x1A) || (c >= 0x1C && c <= 0x1F)) {
            return false;
        }
    }
    return true;
}

struct eg_str gw_sniff(struct eg_str body) {
    const struct eg_str head = gw_str_sub(body, 0, SNIFF_BYTES);
    const struct eg_str text = skip_space(head);
    if (is_html(text)) {
        return GW_STR(TEXT_HTML);
    }
    for (size_t i = 0; i < GW_COUNT(signatures); i++) {
        if (is_match(&signatures[i], signatures[i].skips_space ? text : head)) {
            return gw_str_c(signatures[i].type);
        }
    }
    if (is_mp4(head)) {
        return GW_STR("video/mp4");
    }
    return is_text(head) ? GW_STR(TEXT_PLAIN) : GW_STR("application/octet-stream");
}
